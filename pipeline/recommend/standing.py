"""What becomes of callers that are addresses: who may widen a prefix, who is asked about apart, who is a hole.

A rule can't tell apart the addresses of an IPv6 /64. So what the oddest of them is decides for all: else two proposals
would hold the same prefix, and to accept one of them would admit whom the other asks about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.recommend.allot import Limits, Place, place_of
from pipeline.recommend.bounds import allowed_part
from pipeline.recommend.need import Need
from pipeline.recommend.prefixes import narrowest
from pipeline.recommend.refusals import is_shut_out
from pipeline.recommend.risk import Risk

IPV4, HOST_BITS = 4, 64

Group = tuple[str, str, bool]
"""A known network, the prefix that the policy allows it to lie in ("" for none), and whether callers are shut out."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Callers of kind address-prefixes by what becomes of them.

    Args:
        steady: they may widen a prefix: they or their pool came back and nobody looks odd, or their network is known.
        once: seen on one day, or beside an odd one; held by a prefix of others or asked about.
        odd: those that no prefix of others may hold, with all of their /64.
        groups: of each caller the group that its rule is for, by key.
    """

    steady: list[Need] = field(default_factory=list)
    once: list[Need] = field(default_factory=list)
    odd: list[Need] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)

    @property
    def shut_out(self) -> set[str]:
        """The keys of those that succeeded before and are only refused since, with all of their /64."""
        return {key for key, (_, _, is_shut_out) in self.groups.items() if is_shut_out}


def by_place(callers: Iterable[Need]) -> list[list[Need]]:
    """Gather callers by the narrowest prefix that a rule could name: an IPv4 address, an IPv6 /64."""
    found: dict[Place, list[Need]] = {}
    for need in callers:
        version, number = place_of(need.key)
        found.setdefault((version, number if version == IPV4 else number >> HOST_BITS), []).append(need)
    return list(found.values())


def as_one(callers: Sequence[Need], risks: Mapping[str, Risk], network: str = "") -> list[list[Need]]:
    """Gather what one rule admits by who comes and goes as one: a known network, a pool's agents, an IPv6 /64.

    Args:
        callers: those that the rule admits, at least one.
        risks: how odd they look, by key.
        network: the known network that the rule is for.
    """
    if network or callers[0].kind != "address-prefixes":
        return [list(callers)]
    pooled = [need for need in callers if need.key in risks and risks[need.key].is_pooled]
    others = by_place(need for need in callers if not (need.key in risks and risks[need.key].is_pooled))
    return [*([pooled] if pooled else []), *others]


def sort_out(callers: Sequence[Need], risks: Mapping[str, Risk], limits: Limits) -> Standing:
    """Sort callers by what becomes of them.

    Args:
        callers: of kind address-prefixes, whom a rule could admit.
        risks: how odd they look, by key.
        limits: whose policy says where a rule may lie.
    """
    found = Standing()
    for mine in by_place(callers):
        group = _group(mine, limits)
        found.groups.update(dict.fromkeys((need.key for need in mine), group))
        known, *_ = group
        if any(risks[need.key].is_suspect for need in mine):
            found.odd.extend(mine)
            continue
        is_odd = any(risks[need.key].is_odd for need in mine)
        for need in mine:
            comes_back = len(need.days) > 1 or risks[need.key].is_pooled
            (found.steady if known or (comes_back and not is_odd) else found.once).append(need)
    return found


def _group(callers: Sequence[Need], limits: Limits) -> Group:
    """Return whom the rule for some callers of one place is for; a network is known if it holds all of them.

    Those who were shut out share no rule with others: it waits for a person.
    """
    known = set.intersection(*(need.networks for need in callers))
    part = allowed_part(narrowest(callers[0].key), limits.bounds) if limits.bounds else None
    return min(known, default=""), str(part or ""), any(is_shut_out(need) for need in callers)
