"""Prefixes for groups of callers under one budget: an optimal cover of each group, shared out as is cheapest."""

import math
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import numpy as np

from pipeline.addresses import UNROUTABLE
from pipeline.recommend import cover
from pipeline.recommend.bounds import Bounds
from pipeline.recommend.cover import Curve, Keys, Network
from pipeline.recommend.need import Need

Prefixes = tuple[tuple[Network, ...], ...]
"""Of each group its prefixes."""
Place = tuple[int, int]
SPARSE = 16
"""A prefix of which less than one address in 16 was seen is flagged: it opens much for little."""
DEAR = 1e6
"""Address-equivalents a request: so dear that callers are only left out where the budget doesn't suffice."""
LEAST_PRICE = 16
"""Rules' costs that dropping one caller for one day costs at least, else dear rules would drop weekly jobs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a proposal; see `settings.Settings` for each.

    Args:
        rule_cost: None where it is chosen by what past weeks would have denied.
        bounds: the policy; None where there is none.
        drop_budget: share of caller days that may be asked about instead of widening a rule.
        memberships: callers may be asked to become members, and their perimeters to be linked.
        service_tags: service tags may be proposed.
    """

    max_elements: int = 200
    reserve: int = 10
    rule_cost: float | None = None
    widest_v4: int = 16
    widest_v6: int = 48
    drop_budget: float = 0.001
    bounds: Bounds | None = None
    memberships: bool = True
    service_tags: bool = False

    def room(self, in_force: int) -> int:
        """Return how many elements a profile and direction has left beside those in force and the reserve."""
        return max(0, self.max_elements - self.reserve - in_force)

    def within(self, bounds: Bounds | None) -> "Limits":
        """Return these limits, as narrow as a policy says."""
        if bounds is None:
            return self
        return replace(
            self,
            max_elements=min(self.max_elements, bounds.max_elements),
            reserve=max(self.reserve, bounds.reserve),
            widest_v4=max(self.widest_v4, bounds.widest_v4),
            widest_v6=max(self.widest_v6, bounds.widest_v6),
            bounds=bounds,
        )


@dataclass(frozen=True, slots=True)
class Allotment:
    """Which prefixes each group gets.

    Args:
        prefixes: of each group, in order of address, apart from one another.
        left_out: callers for whom the budget doesn't suffice.
        strays: callers that would widen a rule for next to no traffic.
        least: elements that would suffice for all.
    """

    prefixes: tuple[tuple[Network, ...], ...]
    left_out: tuple[Need, ...] = ()
    strays: tuple[Need, ...] = ()
    least: int = 0


class Plan:
    """All ways to share out a budget among groups of callers; the curves are made once, whatever a rule costs.

    Args:
        groups: callers of kind address-prefixes; no prefix serves two groups.
        refused: addresses that no prefix of more than one may hold.
        budget: how many prefixes there may be.
        limits: the widest prefixes, and the share of caller days that may be dropped.
    """

    def __init__(self, groups: Sequence[Sequence[Need]], refused: Collection[str], budget: int, limits: Limits) -> None:
        self.groups = groups
        self.budget = budget
        self.limits = limits
        banned = limits.bounds.banned_addresses if limits.bounds else ()
        self._closed = {version: _spans(_UNROUTABLE + list(banned), version) for version in cover.KEY_BITS}
        self._hollow = [place_of(text) for text in refused]
        self._places = [[place_of(need.key) for need in group] for group in groups]
        self._made: dict[float, list[tuple[int, Curve]]] = {}

    def allot(self, rule_cost: float) -> Allotment:
        """Return the cheapest prefixes at a price a rule, in address-equivalents.

        Where the budget doesn't suffice for all, those are left out that have the fewest requests, and no more than
        must be. Prefixes of which hardly an address was seen are only taken where nothing else suffices.
        """
        everyone = [need for group in self.groups for need in group]
        if self.budget <= 0 or not everyone:
            return Allotment(tuple(() for _ in self.groups), tuple(everyone), least=len(everyone))
        if prefixes := self._covering(SPARSE, rule_cost):
            return self._without_strays(prefixes, rule_cost)
        prefixes = self._covering(math.inf, rule_cost)
        least = sum(curve.least for _, curve in self._curves(math.inf))
        if prefixes:
            return Allotment(prefixes, least=least)
        prefixes = self._dropping(math.inf, DEAR, rule_cost, by_requests=True)
        return Allotment(prefixes, tuple(self._outside(prefixes)), least=least)

    def _without_strays(self, prefixes: Prefixes, rule_cost: float) -> Allotment:
        """Drop what narrows the rules at next to no traffic."""
        most = self.limits.drop_budget * sum(len(need.days) for group in self.groups for need in group)
        price = LEAST_PRICE * max(1.0, rule_cost)
        for _ in range(6 if most >= 1 else 0):
            tried = self._dropping(SPARSE, price, rule_cost, by_requests=False)
            strays = self._outside(tried)
            if sum(len(need.days) for need in strays) <= most:
                return Allotment(tried, strays=tuple(strays))
            price *= 4
        return Allotment(prefixes)

    def _covering(self, sparsest: float, rule_cost: float) -> Prefixes | None:
        curves = self._curves(sparsest)
        counts = share([curve for _, curve in curves], self.budget, rule_cost)
        return None if counts is None else self._traced(curves, counts)

    def _dropping(self, sparsest: float, price: float, rule_cost: float, *, by_requests: bool) -> Prefixes:
        """Return the cheapest prefixes where callers may be dropped, at a price a request or day."""
        curves = self._make(sparsest, price, by_requests=by_requests)
        counts = share([curve for _, curve in curves], self.budget, rule_cost)
        if counts is None:
            raise AssertionError("to drop everybody is always possible")
        return self._traced(curves, counts)

    def _curves(self, sparsest: float) -> list[tuple[int, Curve]]:
        if sparsest not in self._made:
            self._made[sparsest] = self._make(sparsest, None)
        return self._made[sparsest]

    def _make(self, sparsest: float, price: float | None, *, by_requests: bool = False) -> list[tuple[int, Curve]]:
        """Return the curves of each group's IPv4 and IPv6 addresses, with the group's number."""
        found = []
        for number, (group, places) in enumerate(zip(self.groups, self._places, strict=True)):
            for version, widest in ((4, self.limits.widest_v4), (6, self.limits.widest_v6)):
                mine = [(place[1], need) for place, need in zip(places, group, strict=True) if place[0] == version]
                if not mine:
                    continue
                keys = cover.keys_of((address for address, _ in mine), version)
                avoid = cover.keys_of((number for of, number in self._hollow if of == version), version)
                curve = cover.curve(
                    keys,
                    version,
                    min(self.budget, len(keys)),
                    widest=widest,
                    holes=np.setdiff1d(avoid, keys),
                    sparsest=sparsest,
                    ranges=self._closed[version],
                    prices=None if price is None else price * _weights(keys, mine, version, by_requests=by_requests),
                )
                found.append((number, curve))
        return found

    def _traced(self, curves: Sequence[tuple[int, Curve]], counts: Sequence[int]) -> Prefixes:
        found: list[list[Network]] = [[] for _ in self.groups]
        for (number, curve), count in zip(curves, counts, strict=True):
            found[number] += curve.prefixes(count)
        return tuple(tuple(each) for each in found)

    def _outside(self, prefixes: Prefixes) -> list[Need]:
        """Return the callers that no prefix of their group holds."""
        return [
            need
            for group, places, mine in zip(self.groups, self._places, prefixes, strict=True)
            for need, holder in zip(group, holders(mine, places), strict=True)
            if holder is None
        ]


def _weights(
    keys: Keys, mine: Sequence[tuple[int, Need]], version: int, *, by_requests: bool
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return what each key weighs: the requests of its callers, or the days on which they came."""
    shift = 0 if version == 4 else 64  # noqa: PLR2004
    place = np.searchsorted(keys, np.fromiter((address >> shift for address, _ in mine), np.uint64))
    weight = np.fromiter((1 + need.allowed if by_requests else len(need.days) for _, need in mine), np.float64)
    return np.bincount(place, weight, len(keys)).astype(np.float64)


def share(curves: Sequence[Curve], budget: int, rule_cost: float) -> list[int] | None:
    """Choose how many prefixes each curve gets, together at most the budget; None where it doesn't suffice."""
    total = np.zeros(1)
    steps = []
    for curve in curves:
        cost = curve.extra + rule_cost * np.arange(len(curve.extra))
        reach = min(budget + 1, len(total) + len(cost) - 1)
        best, taken = np.full(reach, np.inf), np.zeros(reach, np.int64)
        for count in np.flatnonzero(np.isfinite(cost)).tolist():
            if count >= reach:
                break
            tried = total[: reach - count] + cost[count]
            place = slice(count, count + len(tried))
            better = tried < best[place]
            best[place][better] = tried[better]
            taken[place][better] = count
        total = best
        steps.append(taken)
    if not np.isfinite(total).any():
        return None
    left = int(np.argmin(total))
    counts = []
    for taken in reversed(steps):
        counts.append(int(taken[left]))
        left -= counts[-1]
    return counts[::-1]


@lru_cache(maxsize=1 << 17)
def place_of(address: str) -> Place:
    """Return an address as (version, number)."""
    parsed = ip_address(address)
    return parsed.version, int(parsed)


def holders(prefixes: Sequence[Network], places: Sequence[Place]) -> list[Network | None]:
    """Return for each address the narrowest prefix that holds it; None where there is none."""
    ordered = sorted(set(prefixes), key=lambda each: (_first(each), each.prefixlen))
    starts = [_first(prefix) for prefix in ordered]
    ends = [(prefix.version, int(prefix.broadcast_address)) for prefix in ordered]
    around: list[int] = []  # of each, the number of the next wider one that holds it; -1 for none
    for number, start in enumerate(starts):
        wider = number - 1
        while wider >= 0 and start > ends[wider]:
            wider = around[wider]
        around.append(wider)
    found: list[Network | None] = []
    for place in places:
        number = bisect_right(starts, place) - 1
        while number >= 0 and place > ends[number]:
            number = around[number]
        found.append(ordered[number] if number >= 0 else None)
    return found


def _first(prefix: Network) -> Place:
    return prefix.version, int(prefix.network_address)


_UNROUTABLE: list[Network] = [network for network, _ in UNROUTABLE]


def _spans(networks: Sequence[Network], version: int) -> list[tuple[int, int]]:
    """Return the keys, first and last, of those networks that are of a version."""
    shift = 0 if version == 4 else 64  # noqa: PLR2004
    return [
        (int(each.network_address) >> shift, int(each.broadcast_address) >> shift)
        for each in networks
        if each.version == version
    ]
