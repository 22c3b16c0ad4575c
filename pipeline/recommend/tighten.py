"""Which rules in force are wider than what they are used for. This is advice: nothing is changed.

Perimeters have only allow rules, so whatever several elements admit is admitted as long as one of them is left. That
decides in which order elements are judged: one that is itself to be narrowed or removed is never the reason for which
another isn't needed, or a 0.0.0.0/0 would make all well-chosen rules beside it look redundant. So all findings but
`unused` can be followed at once without a flow that was seen being denied.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from math import inf
from typing import Any

import numpy as np

from pipeline import addresses
from pipeline.errors import UsageError
from pipeline.inventory import rules
from pipeline.inventory.rules import RuleElement
from pipeline.recommend import cover
from pipeline.recommend.allot import SPARSE, Limits
from pipeline.recommend.price import DEFAULT
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from pipeline.verdict.scenario import ENFORCED, scenario

SHADOWED, TOO_WIDE, UNUSED, WIDE, UNJUDGED = "shadowed", "too-wide", "unused", "wide", "unjudged"
UNUSED_DAYS = 90
MAX_STALE_DAYS = 3
EXAMPLES = 3

Network = IPv4Network | IPv6Network
Span = tuple[int, int]
"""Numbers of the first and the last address, as in rule_span."""
Side = tuple[str, str, str]
"""Perimeter, profile in lower case, and direction: what is judged together."""


@dataclass(frozen=True, slots=True)
class Tightening:
    """One finding about one element of a rule in force; no element has several.

    Args:
        element: what it is about.
        finding: shadowed, where other elements that stay admit all of it; too-wide, of a prefix that is wider than any
            that would be proposed; unused; wide, of a prefix of which only a small part was used; unjudged.
        reason: one or two plain sentences.
        replacement: what to put in its place: prefixes, or nothing; None where nothing is proposed.
        beside: the other elements that admit what it admits, or what of it was used.
        flags: what makes the evidence doubtful: stale, no-records-of-direction, not-honoured.
        requests: seen in the scope that it admits, whether or not others admit them, too.
        used: distinct addresses of those (IPv6: /64 networks), subscriptions or host names.
        days_used: days of the scope on which it admitted anything.
        days_observed: days of the scope on which anything of its profile was seen.
        last_use: the last of what it admits.
        addresses: that it holds (IPv6: /64 networks); 0 where it is no prefix.
        closed: those of them (IPv6: /64 networks) that nothing would admit any more, once wider elements around it that
            are named, too, are gone or narrowed.
    """

    element: RuleElement
    finding: str
    reason: str
    replacement: tuple[str, ...] | None = None
    beside: tuple[RuleElement, ...] = ()
    flags: tuple[str, ...] = ()
    requests: int = 0
    used: int = 0
    days_used: int = 0
    days_observed: int = 0
    last_use: datetime | None = None
    addresses: int = 0
    closed: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the finding as an object."""
        return {
            "perimeter": self.element.perimeter,
            "profile": self.element.profile,
            "direction": self.element.direction,
            "rule": self.element.rule,
            "kind": self.element.kind,
            "element": self.element.element,
            "finding": self.finding,
            "reason": self.reason,
            "replacement": None if self.replacement is None else list(self.replacement),
            "beside": [{"rule": each.rule, "element": each.element} for each in self.beside],
            "flags": list(self.flags),
            "evidence": {
                "requests": self.requests,
                "used": self.used,
                "days_used": self.days_used,
                "days_observed": self.days_observed,
                "last_use": self.last_use.isoformat() + "Z" if self.last_use else None,
            },
            "exposure": {"addresses": self.addresses, "closed_addresses": self.closed},
        }


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
    _check(store, scope)
    elements = [each for each in rules.in_force(store).elements if _in_scope(scope, *each.profile_key)]
    keys = rules.keys(store, elements)
    tags = rules.tag_prefixes(store, {key[-1] for key in keys if key[-2] == "service-tags"})
    with scenario(store, access_mode=ENFORCED):
        rows = store.rows("recommend/uses_of_rules", **scope.parameters())
    seen = _gather(rows, now, unused_days)
    sides: dict[Side, list[_Element]] = {}
    for each, key in sorted(zip(elements, keys, strict=True)):
        side = (*each.profile_key, each.direction)
        sides.setdefault(side, []).append(
            _Element(each, key, seen.get(side, _Seen()), _spans_of(tags.get(key[-1], ())))
        )
    found = [finding for side, some in sides.items() for finding in _Judge(some, seen.get(side), limits).findings()]
    return sorted(found, key=lambda each: (each.element.profile_key, each.element.direction, each.element))


def _spans_of(prefixes: Collection[str]) -> list[Span]:
    return [addresses.span(network) for each in prefixes if (network := addresses.read_prefix(each))]


def _check(store: Store, scope: Scope) -> None:
    if scope.since and scope.until and scope.since >= scope.until:
        raise UsageError("--since must lie before --until.")
    known = {(row[0], row[1].lower()) for row in store.rows("recommend/profiles_known")}
    if known and not any(_in_scope(scope, *each) for each in known):
        names = ", ".join(sorted(f"{owner.rsplit('/', 1)[-1]}/{name}" for owner, name in known))
        raise UsageError(f"No such perimeter or profile. Known (perimeter/profile): {names}.")


def _in_scope(scope: Scope, perimeter: str, profile: str) -> bool:
    owner = scope.perimeter and scope.perimeter.lower()
    return (owner is None or perimeter == owner or perimeter.endswith(f"/{owner}")) and (
        scope.profile is None or profile == scope.profile.lower()
    )


@dataclass(frozen=True, slots=True)
class _Party:
    """A caller or destination, by all that a rule could name of it."""

    number: int | None
    subscription: str | None
    host: str | None
    takes_tags: bool
    requests: int
    days: Collection[date]
    last_seen: datetime


@dataclass(slots=True)
class _Seen:
    """What was seen of one direction of a profile.

    Args:
        admitted: those that a rule in force admits, by number.
        not_honoured: those that one names, and the log shows not admitted.
        as_logged: requests that the log says a rule admitted, and none of its elements explains.
        days: on which anything of the profile was seen, in either direction.
        since: first day of those that an element must have been used in.
        window: how those days are called.
        flags: what makes all of it doubtful.
        doubts: the same in words.
    """

    admitted: list[_Party] = field(default_factory=list)
    not_honoured: list[_Party] = field(default_factory=list)
    as_logged: dict[str, int] = field(default_factory=dict)
    days: set[date] = field(default_factory=set)
    since: date = date.min
    window: str = ""
    flags: tuple[str, ...] = ()
    doubts: str = ""

    @property
    def scope(self) -> str:
        """How all days of the scope are called."""
        return f"in the {_count(len(self.days), 'day')} seen"


def _gather(rows: Iterable[tuple[Any, ...]], now: datetime, unused_days: int) -> dict[Side, _Seen]:
    """Sort the rows of recommend/uses_of_rules by whose they are; profiles without a record are left out."""
    found: dict[Side, _Seen] = {}
    days: dict[tuple[str, str], set[date]] = {}
    spoken: set[Side] = set()
    for perimeter, profile, direction, outcome, source, subscription, host, takes_tags, rule, *rest in rows:
        side = (perimeter, profile, direction)
        spoken.add(side)
        seen = found.setdefault(side, _Seen())
        requests, on, last = rest
        days.setdefault((perimeter, profile), set()).update(on)
        number = addresses.number(ip_address(source)) if source else None
        party = _Party(number, subscription, host, takes_tags, requests, on, last)
        if outcome == "admitted":
            seen.admitted.append(party)
        elif outcome == "not-honoured":
            seen.not_honoured.append(party)
        elif outcome == "as-logged":
            seen.as_logged[rule] = seen.as_logged.get(rule, 0) + requests
    for (perimeter, profile), observed in days.items():
        for direction in ("Inbound", "Outbound"):
            side = (perimeter, profile, direction)
            seen = found.setdefault(side, _Seen())
            for parties in (seen.admitted, seen.not_honoured):
                parties.sort(key=lambda each: -1 if each.number is None else each.number)
            _date(seen, observed, now, unused_days)
            if side not in spoken:
                seen.flags += ("no-records-of-direction",)
                seen.doubts += f" No {direction.lower()} record of this profile was seen at all: are they logged?"
    return found


def _date(seen: _Seen, observed: set[date], now: datetime, unused_days: int) -> None:
    """Put in on which days the profile was seen, and what an element must have been used in."""
    newest = max(observed)
    seen.days = observed
    try:
        seen.since = newest - timedelta(days=unused_days - 1)
    except OverflowError:
        seen.since = date.min
    recent = sum(day >= seen.since for day in observed)
    seen.window = f"in the last {unused_days} days" if recent >= unused_days else f"in the {_count(recent, 'day')} seen"
    stale = (now.date() - newest).days
    if stale > MAX_STALE_DAYS:
        seen.flags, seen.doubts = ("stale",), f" The last record is {stale} days old."


class _Element:
    """An element of a rule in force, with what it admitted."""

    def __init__(self, rule: RuleElement, key: tuple[str, ...], seen: _Seen, tag_spans: Collection[Span]) -> None:
        self.rule = rule
        self.key = key
        self.name = key[-1]
        self.network = addresses.read_prefix(rule.element) if rule.kind == "address-prefixes" else None
        self.span = addresses.span(self.network) if self.network else (0, -1)
        self._spans = _union([self.span]) if self.network else _union(tag_spans)
        self.parties = self._mine(seen.admitted)
        self.refused = sum(each.requests for each in self._mine(seen.not_honoured))
        self.logged = seen.as_logged.get(rule.rule, 0)

    def _mine(self, parties: Sequence[_Party]) -> list[_Party]:
        kind = self.rule.direction, self.rule.kind
        if kind == ("Inbound", "subscriptions"):
            return [each for each in parties if each.subscription == self.name]
        if kind == ("Outbound", "fqdns"):
            return [each for each in parties if each.host == self.name]
        if kind == ("Inbound", "address-prefixes"):
            return self._within(parties)
        if kind == ("Inbound", "service-tags"):
            return [each for each in self._within(parties) if each.takes_tags]
        return []

    def _within(self, parties: Sequence[_Party]) -> list[_Party]:
        found: list[_Party] = []
        for first, last in self._spans:
            start = bisect_left(parties, first, key=_number)
            found += parties[start : bisect_right(parties, last, key=_number)]
        return found

    @property
    def why_unjudged(self) -> str:
        """Why the logs can't tell whether it is used; "" where they can."""
        kind, direction = self.rule.kind, self.rule.direction
        if kind == "fqdns" and "*" in self.name:
            return "How patterns match is not published, so what this one admits can't be judged."
        if kind == "service-tags" and not self._spans:
            return "The prefixes of this tag are not loaded, so what it admits can't be judged."
        if kind == "perimeters":
            return "It goes with a link between perimeters, and can't be judged by itself."
        if kind in {"email-addresses", "phone-numbers"}:
            return "The logs don't tell calls to it apart, so it can't be judged."
        if direction != ("Outbound" if kind == "fqdns" else "Inbound"):
            return f"What elements of this kind do {direction.lower()} is not published, so it can't be judged."
        return ""

    @property
    def is_judged_prefix(self) -> bool:
        """Whether it is a prefix that admits callers."""
        return self.network is not None and self.rule.direction == "Inbound"

    @property
    def never_matches(self) -> str:
        """The word for the range that it lies in, if no address of that can be matched; else ""."""
        if self.network is None:
            return ""
        first, last = int(self.network.network_address), int(self.network.broadcast_address)
        for network, word in addresses.UNROUTABLE:
            ends = int(network.network_address), int(network.broadcast_address)
            if network.version == self.network.version and ends[0] <= first and last <= ends[1]:
                return word
        return ""

    @property
    def size(self) -> int:
        """Addresses that it holds; of IPv6 /64 networks."""
        return _measure([self.span], self.span)

    def keys(self, besides: Sequence[Span] = ()) -> cover.Keys:
        """Return the keys (see cover.keys_of) of the addresses that used it, without those of some spans."""
        numbers = {each.number for each in self.parties if each.number is not None}
        offset = addresses.MAPPED if self.version == 4 else 0  # noqa: PLR2004
        return cover.keys_of((each - offset for each in numbers if not _holds(besides, (each, each))), self.version)

    @property
    def version(self) -> int:
        """Of its addresses."""
        return self.network.version if self.network else 4

    @property
    def used(self) -> int:
        """Distinct addresses (IPv6: /64 networks) that it admitted; of a name whether it did."""
        return len(self.keys()) if self._spans else int(bool(self.parties))

    def used_since(self, day: date) -> bool:
        """Whether it admitted anything on that day or later."""
        return any(each.last_seen.date() >= day for each in self.parties)

    @property
    def last_use(self) -> datetime | None:
        """The last of what it admits."""
        return max((each.last_seen for each in self.parties), default=None)


def _number(party: _Party) -> int:
    return -1 if party.number is None else party.number


class _Judge:
    """Judges the elements of one direction of a profile; `seen` is None where there is no record of it."""

    def __init__(self, elements: Sequence[_Element], seen: _Seen | None, limits: Limits) -> None:
        self._elements = elements
        self._is_seen = seen is not None
        self._seen = seen or _Seen()
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

    def _without_twins(self) -> list[_Element]:
        """Name all but the first of those that admit the same, and return the first ones."""
        first: dict[tuple[str, ...], _Element] = {}
        for each in self._elements:
            twin = first.setdefault(each.key, each)
            if twin is not each:
                where = "is there twice" if twin.rule == each.rule else f"admits the same as {_told([twin])}"
                self._tell(each, SHADOWED, f"It {where}.", (), [twin], sure=True)
        return list(first.values())

    def _judge_name(self, each: _Element) -> None:
        if each.why_unjudged:
            self._tell(each, UNJUDGED, each.why_unjudged, sure=True)
        elif self._is_unused(each):
            self._unused(each, [])

    def _is_unused(self, each: _Element) -> bool:
        return bool(each.never_matches) or (self._is_seen and not each.used_since(self._seen.since))

    def _unused(self, each: _Element, stay: Sequence[_Element]) -> None:
        if each.never_matches:
            why = f"No address of it can be matched by a rule ({each.never_matches})."
            self._tell(each, UNUSED, why, (), sure=True)
        elif each.logged:
            self._tell(each, UNJUDGED, _NAMED_BY_LOG.format(each.logged))
        else:
            closed = self._closes(each, stay)
            self._tell(each, UNUSED, f"Unused {self._seen.window}.{_before(each)}", (), closed=closed)

    def _judge_prefixes(self, prefixes: Sequence[_Element]) -> None:
        """Sort prefixes into those that stay and those that others, or narrower ones, take the place of."""
        loose = [each for each in prefixes if self._is_loose(each)]
        stay = [each for each in prefixes if each not in loose]
        # of a rule that the log shows to admit more than its elements say, nothing is taken away
        movable = [each for each in prefixes if not each.logged]
        gone = [each for each in loose if each in movable and _holds(_spans(stay), each.span)]
        for each in sorted((each for each in stay if each in movable), key=lambda one: (one.size, one.rule)):
            others = [other for other in stay if other is not each]
            if _holds(_spans(others), each.span):
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

    def _is_loose(self, each: _Element) -> bool:
        return self._is_too_wide(each) or self._is_unused(each) or self._is_wide(each)

    def _widest(self, each: _Element) -> int:
        return self._limits.widest_v4 if each.version == 4 else self._limits.widest_v6  # noqa: PLR2004

    def _is_too_wide(self, each: _Element) -> bool:
        """Whether it is wider than proposals are; in private ranges, which nobody uses, that opens nothing."""
        length = each.network.prefixlen if each.network else 0
        return (length == 0 or length < self._widest(each)) and not each.never_matches

    def _is_wide(self, each: _Element) -> bool:
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
        closed = total - sum(_measure([addresses.span(one)], each.span) for one in prefixes)
        return closed >= total / 2 and closed - self._price * (len(prefixes) - 1) >= self._price

    def _cover(self, each: _Element, keys: cover.Keys, most: int) -> list[Network]:
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

    def _shadowed(self, each: _Element, stay: Sequence[_Element]) -> None:
        holders = [other for other in stay if _holds([other.span], each.span)]
        beside = [min(holders, key=lambda one: (one.size, one.rule))] if holders else _inside(stay, each)
        together = "" if holders else " together"
        self._tell(
            each, SHADOWED, f"All of it is admitted by {_told(beside)}{together} as well.", (), beside, sure=True
        )

    def _too_wide(self, each: _Element, stay: Sequence[_Element], holding: Sequence[_Element]) -> None:
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

    def _wide(self, each: _Element, stay: Sequence[_Element], holding: Sequence[_Element]) -> None:
        self._replace(each, WIDE, "", stay, holding)

    def _replace(
        self, each: _Element, finding: str, why: str, stay: Sequence[_Element], holding: Sequence[_Element]
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
        told = f"{used}; {_count(len(prefixes), 'narrower prefix', 'narrower prefixes')} would close {closed:,}."
        beside = [one for one in others if _overlap(one, each)]
        self._tell(each, finding, told, tuple(map(str, prefixes)), beside, closed=closed)

    def _closes(self, each: _Element, others: Iterable[_Element], more: Iterable[Span] = ()) -> int:
        """Return how many addresses of an element are admitted by nothing else."""
        return each.size - _measure(_union([*(one.span for one in others), *more]), each.span)

    def _tell(
        self,
        each: _Element,
        finding: str,
        reason: str,
        replacement: tuple[str, ...] | None = None,
        beside: Sequence[_Element] = (),
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


def _before(each: _Element) -> str:
    return f" The last use was on {each.last_use:%Y-%m-%d}." if each.last_use else ""


def _told(some: Sequence[_Element]) -> str:
    """Name some elements with their rules."""
    shown = [f"{each.rule.element} (rule {each.rule.rule})" for each in some[:EXAMPLES]]
    if len(some) > EXAMPLES:
        return f"{', '.join(shown)} and {len(some) - EXAMPLES} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _count(number: int, what: str, many: str = "") -> str:
    return f"{number:,} {what if number == 1 else many or what + 's'}"


def _inside(some: Iterable[_Element], each: _Element) -> list[_Element]:
    """Return those that lie within another one."""
    return [one for one in some if one is not each and _holds([each.span], one.span)]


def _overlap(one: _Element, other: _Element) -> bool:
    return one.span[0] <= other.span[1] and other.span[0] <= one.span[1]


def _spans(some: Iterable[_Element]) -> list[Span]:
    return _union(each.span for each in some)


def _union(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order that neither overlap nor touch, and hold the same."""
    found: list[Span] = []
    for first, last in sorted(span for span in spans if span[0] <= span[1]):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def _holds(union: Sequence[Span], span: Span) -> bool:
    """Tell whether a union (see _union) holds all of a span; of an empty one nothing does."""
    if span[0] > span[1]:
        return False
    place = bisect_right(union, span[0], key=lambda each: each[0]) - 1
    return place >= 0 and span[1] <= union[place][1]


def _measure(spans: Iterable[Span], span: Span) -> int:
    """Return how many addresses (IPv6: /64 networks, be it in part) of a span some others hold."""
    shift = 64 if span[0] >= addresses.IPV6_BEGINS else 0
    shared = ((max(first, span[0]), min(last, span[1])) for first, last in spans)
    return sum(
        last - first + 1 for first, last in _union((low >> shift, high >> shift) for low, high in shared if low <= high)
    )
