"""How odd a caller looks: a few points, each with its sentence, added up.

Logs can't tell an attacker from a vendor who was given a SAS. So only what never or mostly never succeeded is left out
without asking; what succeeded and looks odd is a question, and who is steady, without identity and alone is listed
(outsiders). The points are a judgement, held against simulated perimeters with known truth (docs/evaluation.md); there
is no model behind them that could not be read here.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network

from pipeline.recommend.need import Need

ASKED_FROM = 2
"""Points from which on a caller that succeeded is asked about."""
HOLE_FROM = 3
"""Points from which on no prefix for others may hold a caller: one refused request is not enough to split a pool."""
MANY_RESOURCES, SEVERAL_RESOURCES = 8, 4
MANY_OPERATIONS = 5
STEADY_DAYS = 5
NEIGHBOURS = 3
POOL_ADDRESSES, POOL_DAYS = 8, 5
"""From how many addresses on how many days on a block is a pool, whose agents get another address each day."""
BRIEF = timedelta(days=2)
IDENTIFIED_SHARE = 0.5
"""Where fewer of the callers name an application, its absence says nothing."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a caller is seen against.

    Args:
        days: first and last day observed.
        subscriptions: those in which the perimeter and its resources lie.
        neighbours: block of addresses (/24, IPv6 /48) -> callers in it that look fine by themselves.
        identities_told: most callers name an application or a resource.
        pools: blocks of which many addresses were seen on many days, none of them refused.
    """

    days: tuple[date, date]
    subscriptions: Collection[str]
    neighbours: Mapping[str, int]
    identities_told: bool
    pools: Collection[str]


@dataclass(frozen=True, slots=True)
class Risk:
    """Points and what they are for; the most telling first.

    Args:
        points: how many, and why.
        is_outsider: steady, and nothing tells who it is.
        is_pooled: one of many addresses of a pool.
    """

    points: tuple[tuple[int, str], ...]
    is_outsider: bool = False
    is_pooled: bool = False

    @property
    def total(self) -> int:
        """The sum of the points."""
        return sum(points for points, _ in self.points)

    @property
    def is_odd(self) -> bool:
        """A person should be asked."""
        return self.total >= ASKED_FROM

    @property
    def is_suspect(self) -> bool:
        """No rule for others may admit it."""
        return self.total >= HOLE_FROM

    @property
    def sentence(self) -> str:
        """What speaks against the caller."""
        return ", ".join(words for points, words in self.points if points > 0)


@lru_cache(maxsize=1 << 17)
def block_of(address: str) -> str:
    """Return the block of addresses that neighbours share: /24, IPv6 /48."""
    length = 24 if ip_address(address).version == 4 else 48  # noqa: PLR2004
    return str(ip_network(f"{address}/{length}", strict=False))


def surroundings(found: Sequence[Need], days: tuple[date, date], subscriptions: Collection[str]) -> Surroundings:
    """Return what each of some callers is seen against.

    Args:
        found: all callers of a profile that succeeded.
        days: first and last day observed.
        subscriptions: those in which the perimeter and its resources lie.
    """
    fine = [(need, block_of(need.key)) for need in found if need.kind == "address-prefixes" and not need.denied]
    seen: dict[str, set[date]] = {}
    for need, block in fine:
        seen.setdefault(block, set()).update(need.days)
    many = Counter(block for _, block in fine)
    named = sum(need.has_identity for need in found)
    return Surroundings(
        days,
        subscriptions,
        Counter(block for need, block in fine if len(need.days) > 1),
        named >= IDENTIFIED_SHARE * len(found),
        {block for block in many if many[block] >= POOL_ADDRESSES and len(seen[block]) >= POOL_DAYS},
    )


def assess(need: Need, around: Surroundings) -> Risk:
    """Return the points of one caller that succeeded."""
    points = [*_conduct(need, around), *_standing(need, around)]
    return Risk(tuple(sorted(points, key=lambda each: -each[0])), _is_outsider(need, around), _is_pooled(need, around))


def _conduct(need: Need, around: Surroundings) -> list[tuple[int, str]]:
    """What it did."""
    points = []
    if len(need.resources) >= MANY_RESOURCES:
        points.append((2, f"{len(need.resources)} resources"))
    elif len(need.resources) >= SEVERAL_RESOURCES:
        points.append((1, f"{len(need.resources)} resources"))
    if need.most_operations >= MANY_OPERATIONS:
        points.append((1, f"{need.most_operations} kinds of operation on one day"))
    if need.denied:
        points.append((1, f"{need.denied:,} requests refused"))
    first, last = min(need.days), max(need.days)
    if first == last:
        # no more than that: an agent of a pool has another address each day
        points.append((1, f"seen on one day, {first}"))
    elif last - first < BRIEF and around.days[0] < first and last < around.days[1]:
        points.append((1, f"came and went between {first} and {last}"))
    if len(need.days) >= STEADY_DAYS:
        points.append((-2, f"seen on {len(need.days)} days"))
    return points


def _standing(need: Need, around: Surroundings) -> list[tuple[int, str]]:
    """Who it is."""
    points = []
    if need.kind == "subscriptions":
        own = need.key in around.subscriptions
        points.append((-3 if own else -1, "a subscription of this perimeter" if own else "an Azure subscription"))
    elif need.networks:
        points.append((-3, f"in the network {', '.join(sorted(need.networks))}"))
    elif not need.has_identity and around.identities_told:
        points.append((2, "no identity, where most callers have one"))
    if _is_pooled(need, around) or (
        need.kind == "address-prefixes" and around.neighbours.get(block_of(need.key), 0) > NEIGHBOURS
    ):
        points.append((-2, "among other callers of its network"))
    return points


def _is_pooled(need: Need, around: Surroundings) -> bool:
    """Whether it is one of many addresses of a pool."""
    return need.kind == "address-prefixes" and block_of(need.key) in around.pools


def _is_outsider(need: Need, around: Surroundings) -> bool:
    """Whether it is steady, and nothing tells who it is: a vendor, or somebody who takes his time."""
    return (
        need.kind == "address-prefixes"
        and len(need.days) > 1
        and not (need.has_identity or need.networks or need.service_tags)
        and around.neighbours.get(block_of(need.key), 0) <= 1
    )
