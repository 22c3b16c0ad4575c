"""Which rules in force are wider than what they are used for. This is advice: nothing is changed.

Perimeters have only allow rules, so whatever several elements admit is admitted as long as one of them is left. That
decides in which order elements are judged: one that is itself to be narrowed or removed is never the reason for which
another isn't needed, or a 0.0.0.0/0 would make all well-chosen rules beside it look redundant. So all findings but
`unused` can be followed at once without a flow that was seen being denied.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from math import inf

import numpy as np

from pipeline import addresses
from pipeline.inventory import rules
from pipeline.recommend import cover
from pipeline.recommend.address_spans import Span, holds, measure, union
from pipeline.recommend.allot import SPARSE, Limits
from pipeline.recommend.live_element import Element
from pipeline.recommend.price import DEFAULT
from pipeline.recommend.scope import Scope, profiles_known
from pipeline.recommend.tightening import SHADOWED, TOO_WIDE, UNJUDGED, UNUSED, WIDE, Tightening
from pipeline.recommend.uses import Seen, Side, gather
from pipeline.store import Store
from pipeline.text import counted
from pipeline.verdict.scenario import ENFORCED, scenario

UNUSED_DAYS = 90
EXAMPLES = 3

Network = IPv4Network | IPv6Network


def tighten(
    store: Store, scope: Scope, now: datetime, limits: Limits, *, unused_days: int = UNUSED_DAYS
) -> list[Tightening]:
    """Return what of the rules in force could be narrower, by perimeter, profile, direction, rule and element.

    Reads: the view verdict, and the inventory.

    Args:
        store: the warehouse; read-only will do.
        scope: whose rules, and the traffic to go by.
        now: time of the run, UTC; how old the last record is counts from there.
        limits: as for proposals.
        unused_days: an element is unused when it admitted nothing in so many days up to the profile's last record.

    Raises:
        UsageError: the scope names a perimeter or profile that nobody knows, or an empty span of time.
    """
    scope.check(profiles_known(store))
    elements = [each for each in rules.in_force(store).elements if scope.holds(*each.profile_key)]
    keys = rules.keys(store, elements)
    tags = rules.tag_prefixes(store, {key[-1] for key in keys if key[-2] == "service-tags"})
    with scenario(store, access_mode=ENFORCED):
        rows = store.rows("recommend/uses_of_rules", **scope.parameters())
    seen = gather(rows, now, unused_days)
    sides: dict[Side, list[Element]] = {}
    for each, key in sorted(zip(elements, keys, strict=True)):
        side = (*each.profile_key, each.direction)
        sides.setdefault(side, []).append(Element(each, key, seen.get(side, Seen()), _spans_of(tags.get(key[-1], ()))))
    found = [finding for side, some in sides.items() for finding in _Judge(some, seen.get(side), limits).findings()]
    return sorted(found, key=lambda each: (each.element.profile_key, each.element.direction, each.element))


def _spans_of(prefixes: Collection[str]) -> list[Span]:
    return [addresses.span(network) for each in prefixes if (network := addresses.read_prefix(each))]


class _Judge:
    """Judges the elements of one direction of a profile; `seen` is None where there is no record of it."""

    def __init__(self, elements: Sequence[Element], seen: Seen | None, limits: Limits) -> None:
        self._elements = elements
        self._is_seen = seen is not None
        self._seen = seen or Seen()
        self._limits = limits
        # what past weeks would have denied can't tell: they were under the wide element
        self._price = DEFAULT if limits.rule_cost is None else limits.rule_cost
        self._room = max(0, limits.max_elements - limits.reserve - len(elements))
        self._found: list[Tightening] = []

    def findings(self) -> list[Tightening]:
        """Return what was found, each element once."""
        distinct = self._without_twins()
        prefixes = [each for each in distinct if each.is_judged_prefix]
        for each in distinct:
            if not each.is_judged_prefix:
                self._judge_name(each)
        self._judge_prefixes(prefixes)
        return self._found

    def _without_twins(self) -> list[Element]:
        """Name all but the first of those that admit the same, and return the first ones."""
        first: dict[tuple[str, ...], Element] = {}
        for each in self._elements:
            twin = first.setdefault(each.key, each)
            if twin is not each:
                where = "is there twice" if twin.rule == each.rule else f"admits the same as {_told([twin])}"
                self._tell(each, SHADOWED, f"It {where}.", (), [twin], sure=True)
        return list(first.values())

    def _judge_name(self, each: Element) -> None:
        if each.why_unjudged:
            self._tell(each, UNJUDGED, each.why_unjudged, sure=True)
        elif self._is_unused(each):
            self._unused(each, [])

    def _is_unused(self, each: Element) -> bool:
        return bool(each.never_matches) or (self._is_seen and not each.used_since(self._seen.since))

    def _unused(self, each: Element, stay: Sequence[Element]) -> None:
        if each.never_matches:
            why = f"No address of it can be matched by a rule ({each.never_matches})."
            self._tell(each, UNUSED, why, (), sure=True)
        elif each.logged:
            self._tell(each, UNJUDGED, _NAMED_BY_LOG.format(each.logged))
        else:
            closed = self._closes(each, stay)
            self._tell(each, UNUSED, f"Unused {self._seen.window}.{_before(each)}", (), closed=closed)

    def _judge_prefixes(self, prefixes: Sequence[Element]) -> None:
        """Sort prefixes into those that stay and those that others, or narrower ones, take the place of."""
        loose = [each for each in prefixes if self._is_loose(each)]
        stay = [each for each in prefixes if each not in loose]
        # of a rule that the log shows to admit more than its elements say, nothing is taken away
        movable = [each for each in prefixes if not each.logged]
        gone = [each for each in loose if each in movable and holds(_spans(stay), each.span)]
        for each in sorted((each for each in stay if each in movable), key=lambda one: (one.size, one.rule)):
            others = [other for other in stay if other is not each]
            if holds(_spans(others), each.span):
                gone.append(each)
                stay = others
        for each in gone:
            self._shadowed(each, stay)
        left = [each for each in loose if each not in gone]
        holding = [each for each in left if each not in movable or self._is_too_wide(each) or not self._is_unused(each)]
        for each in sorted(left, key=lambda one: (-one.size, one.rule)):
            if self._is_too_wide(each):
                self._too_wide(each, stay, holding)
            elif self._is_unused(each):
                self._unused(each, stay)
            elif not each.logged:
                self._wide(each, stay, holding)

    def _is_loose(self, each: Element) -> bool:
        return self._is_too_wide(each) or self._is_unused(each) or self._is_wide(each)

    def _widest(self, each: Element) -> int:
        return self._limits.widest_v4 if each.version == 4 else self._limits.widest_v6  # noqa: PLR2004

    def _is_too_wide(self, each: Element) -> bool:
        """Whether it is wider than proposals are; in private ranges, which nobody uses, that opens nothing."""
        length = each.network.prefixlen if each.network else 0
        return (length == 0 or length < self._widest(each)) and not each.never_matches

    def _is_wide(self, each: Element) -> bool:
        """Whether only a small part of it was used.

        That is: less of it than a proposal would need to have seen (allot.SPARSE), or so that the best cover closes
        half of it or more, and more than what one prefix costs.
        """
        keys = each.keys()
        total = each.size
        if not len(keys) or total <= 1:
            return False
        if total > cover.most_keys(np.array(len(keys)), SPARSE):
            return True
        most = max(1, self._limits.max_elements - self._limits.reserve)
        prefixes = self._cover(each, keys, most)
        closed = total - sum(measure([addresses.span(one)], each.span) for one in prefixes)
        return closed >= total / 2 and closed - self._price * (len(prefixes) - 1) >= self._price

    def _cover(self, each: Element, keys: cover.Keys, most: int) -> list[Network]:
        """Return the cheapest prefixes for some keys within an element, at most so many; none where that is too few."""
        ranges = [
            (int(network.network_address) >> shift, int(network.broadcast_address) >> shift)
            for network, _ in addresses.UNROUTABLE
            if network.version == each.version
            for shift in (0 if each.version == 4 else 64,)  # noqa: PLR2004
        ]
        most = min(most, len(keys))
        for sparsest in (float(SPARSE), inf):
            curve = cover.curve(keys, each.version, most, widest=self._widest(each), sparsest=sparsest, ranges=ranges)
            if count := curve.best(self._price, most):
                return curve.prefixes(count)
        return []

    def _shadowed(self, each: Element, stay: Sequence[Element]) -> None:
        holders = [other for other in stay if holds([other.span], each.span)]
        beside = [min(holders, key=lambda one: (one.size, one.rule))] if holders else _inside(stay, each)
        together = "" if holders else " together"
        self._tell(
            each, SHADOWED, f"All of it is admitted by {_told(beside)}{together} as well.", (), beside, sure=True
        )

    def _too_wide(self, each: Element, stay: Sequence[Element], holding: Sequence[Element]) -> None:
        if each.network and each.network.prefixlen == 0:
            why = f"It admits every IPv{each.version} address"
        else:
            why = f"It is wider than /{self._widest(each)}, the widest prefix that would be proposed"
        if not self._is_seen:
            self._tell(each, TOO_WIDE, f"{why}. There is no record of this profile to go by.")
        elif each.logged:
            self._tell(each, TOO_WIDE, f"{why}. {_NAMED_BY_LOG.format(each.logged)}")
        elif not each.parties:
            self._tell(each, TOO_WIDE, f"{why}, and is unused {self._seen.scope}.", (), closed=self._closes(each, stay))
        else:
            unused = "" if each.used_since(self._seen.since) else f" {self._seen.window.capitalize()} it is unused."
            self._replace(each, TOO_WIDE, f"{why}.{unused} ", stay, holding)

    def _wide(self, each: Element, stay: Sequence[Element], holding: Sequence[Element]) -> None:
        self._replace(each, WIDE, "", stay, holding)

    def _replace(
        self, each: Element, finding: str, why: str, stay: Sequence[Element], holding: Sequence[Element]
    ) -> None:
        """Propose prefixes for what of an element was used and no other one holds.

        Those inside it that are narrowed as well, or must be left, hold what is theirs, whether or not that is done.
        """
        others = [*stay, *_inside(holding, each)]
        unit = "addresses" if each.version == 4 else "/64 networks"  # noqa: PLR2004
        used = f"{why}{len(each.keys()):,} of its {each.size:,} {unit} were used {self._seen.scope}"
        keys = each.keys(_spans(others))
        if not len(keys):
            beside = [one for one in others if _overlap(one, each)]
            closed = self._closes(each, others)
            verb = "admits" if len(beside) == 1 else "admit"
            told = f"{used}, and {_told(beside)} {verb} those: without it {closed:,} would close."
            self._tell(each, finding, told, (), beside, closed=closed)
            return
        prefixes = self._cover(each, keys, 1 + self._room)
        spans = [addresses.span(prefix) for prefix in prefixes]
        closed = self._closes(each, others, spans) if spans else 0
        if not closed:
            told = (
                f"{used}; no narrower prefixes for them are worth their price, or fit into the {self._room} elements "
                "that are left."
            )
            self._tell(each, finding, told)
            return
        self._room -= len(prefixes) - 1
        told = f"{used}; {counted(len(prefixes), 'narrower prefix', 'narrower prefixes')} would close {closed:,}."
        beside = [one for one in others if _overlap(one, each)]
        self._tell(each, finding, told, tuple(map(str, prefixes)), beside, closed=closed)

    def _closes(self, each: Element, others: Iterable[Element], more: Iterable[Span] = ()) -> int:
        """Return how many addresses of an element are admitted by nothing else."""
        return each.size - measure(union([*(one.span for one in others), *more]), each.span)

    def _tell(
        self,
        each: Element,
        finding: str,
        reason: str,
        replacement: tuple[str, ...] | None = None,
        beside: Sequence[Element] = (),
        *,
        closed: int = 0,
        sure: bool = False,
    ) -> None:
        """Keep a finding; what is sure whatever was seen carries no doubt about that."""
        flags, doubts = ((), "") if sure else (self._seen.flags, self._seen.doubts)
        if finding == UNUSED and each.refused:
            flags += ("not-honoured",)
            doubts += (
                f" It names callers of {each.refused:,} requests that the log shows not admitted: first find out why."
            )
        self._found.append(
            Tightening(
                each.rule,
                finding,
                reason + doubts,
                replacement,
                tuple(one.rule for one in beside),
                flags,
                requests=sum(party.requests for party in each.parties),
                used=each.used,
                days_used=len(set().union(*(party.days for party in each.parties))),
                days_observed=len(self._seen.days),
                last_use=each.last_use,
                addresses=each.size if each.network else 0,
                closed=closed,
            )
        )


_NAMED_BY_LOG = (
    "The log names its rule for {:,} requests that none of its elements explains, so nothing narrower is proposed."
)


def _before(each: Element) -> str:
    return f" The last use was on {each.last_use:%Y-%m-%d}." if each.last_use else ""


def _told(some: Sequence[Element]) -> str:
    """Name some elements with their rules."""
    shown = [f"{each.rule.element} (rule {each.rule.rule})" for each in some[:EXAMPLES]]
    if len(some) > EXAMPLES:
        return f"{', '.join(shown)} and {len(some) - EXAMPLES} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _inside(some: Iterable[Element], each: Element) -> list[Element]:
    """Return those that lie within another one."""
    return [one for one in some if one is not each and holds([each.span], one.span)]


def _overlap(one: Element, other: Element) -> bool:
    return one.span[0] <= other.span[1] and other.span[0] <= one.span[1]


def _spans(some: Iterable[Element]) -> list[Span]:
    return union(each.span for each in some)
