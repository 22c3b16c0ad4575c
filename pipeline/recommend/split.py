"""Where one profile's elements don't suffice: which resources to move to profiles of their own.

Each profile has its own elements, so resources that few callers share are better off apart; and a caller is then let in
only where it was seen. Rules that resources of one profile share are counted once, in two profiles twice. So this is
bin packing with overlaps, which is hard; what is told is good, not proven best: those that share the most are put
together first, as long as they fit, until no two parts fit into one profile; or first fit, the largest first, where
that takes fewer profiles.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from pipeline.recommend.need import Need
from pipeline.recommend.prefixes import cheapest, keys_by_version
from pipeline.recommend.proposal import OVER_BUDGET, Proposal

Element = tuple[str, str, str]
"""Direction, kind, and what it names."""

_MOST_COMPARED = 150
"""With more parts than that, pairs aren't compared: first fit alone."""


@dataclass(frozen=True, slots=True)
class Part:
    """Resources that share a profile.

    Args:
        resources: ARM ids, in order.
        elements: direction -> rule elements that they need, without those in force.
        stays: in the profile as it is; the others go to new ones.
    """

    resources: tuple[str, ...]
    elements: Mapping[str, int]
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """How to spread the resources of one profile over several.

    Args:
        parts: the one that stays first; none where that wouldn't help.
        room: direction -> elements that a profile has left, the reserve and the rules in force taken off.
        too_large: resources that need more than a whole profile by themselves, with how many elements.
    """

    parts: tuple[Part, ...]
    room: Mapping[str, int]
    too_large: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """Return the split as a JSON object."""
        return {
            "room": dict(self.room),
            "parts": [
                {"resources": list(each.resources), "elements": dict(each.elements), "stays": each.stays}
                for each in self.parts
            ],
            "too_large": dict(self.too_large),
        }


def split(proposals: Sequence[Proposal], room: Mapping[str, int], rule_cost: float) -> Split | None:
    """Propose how to split a profile; None where its elements suffice.

    Args:
        proposals: all of one profile, of both directions.
        room: direction -> elements that may be used. Rules in force count for every part, since nobody can say here
            which of them a resource that moves would need again.
        rule_cost: what a prefix costs beside the addresses that it opens, as for proposals.
    """
    if not any(each.topic in _LEFT_OUT or OVER_BUDGET in each.flags for each in proposals):
        return None
    needed: dict[str, set[Element]] = {}
    for direction in room:
        found = [
            need
            for each in proposals
            if each.direction == direction and (each.is_rule or each.topic in _LEFT_OUT)
            for need in each.needs
        ]
        for resource, elements in _needed(found, direction, rule_cost).items():
            needed.setdefault(resource, set()).update(elements)
    anywhere = needed.pop("", set())  # at resources that no record names: whichever it is, and wherever it goes
    return spread({resource: elements | anywhere for resource, elements in needed.items()}, room)


_LEFT_OUT = frozenset({"budget", "passing"})
"""What notes are about that say for whom no element is left."""


def _needed(found: Sequence[Need], direction: str, rule_cost: float) -> dict[str, set[Element]]:
    """Return the elements that each resource needs, if nobody had to save them; "" for one that no record names."""
    of_address: dict[str, str] = {}
    for version, keys in keys_by_version(need.key for need in found if need.kind == "address-prefixes").items():
        shift = 0 if version == 4 else 64  # noqa: PLR2004
        for _, network in cheapest(keys, version, rule_cost):
            first, last = int(network.network_address) >> shift, int(network.broadcast_address) >> shift
            of_address.update({f"{version} {key}": str(network) for key in _between(keys, first, last)})
    needed: dict[str, set[Element]] = {}
    for need in found:
        name = need.key
        if need.kind == "address-prefixes":
            ((version, (key,)),) = keys_by_version([need.key]).items()
            name = of_address[f"{version} {key}"]
        for resource, requests in need.allowed_at.items():
            if requests:
                needed.setdefault(resource or "", set()).add((direction, need.kind, name))
    return needed


def _between(keys: Sequence[int], first: int, last: int) -> Iterable[int]:
    return keys[bisect_left(keys, first) : bisect_right(keys, last)]


def spread(needed: Mapping[str, Iterable[Element]], room: Mapping[str, int]) -> Split | None:
    """Spread resources over profiles; None where they fit into one.

    Args:
        needed: resource -> the elements that it needs.
        room: direction -> elements that a profile has left.
    """
    bits = {
        element: 1 << place for place, element in enumerate(sorted({one for some in needed.values() for one in some}))
    }
    masks = {direction: sum(bit for element, bit in bits.items() if element[0] == direction) for direction in room}
    sets = {resource: sum(bits[element] for element in set(some)) for resource, some in sorted(needed.items())}

    def fits(elements: int) -> bool:
        return all((elements & mask).bit_count() <= room[direction] for direction, mask in masks.items())

    everything = 0
    for elements in sets.values():
        everything |= elements
    if fits(everything):
        return None
    small = {resource: elements for resource, elements in sets.items() if fits(elements)}
    too_large = {resource: elements.bit_count() for resource, elements in sets.items() if resource not in small}
    ways = [_first_fit(small, fits)]
    if len(small) <= _MOST_COMPARED:
        ways.append(_joined(small, fits))
    best = min(ways, key=lambda parts: (len(parts), sum(elements.bit_count() for _, elements in parts)))
    ordered = sorted(best, key=lambda part: (-len(part[0]), -part[1].bit_count(), part[0]))
    parts = tuple(
        Part(
            tuple(sorted(resources)),
            {direction: (elements & mask).bit_count() for direction, mask in masks.items()},
            stays=place == 0,
        )
        for place, (resources, elements) in enumerate(ordered)
    )
    return Split(parts, dict(room), too_large)


_Part = tuple[list[str], int]
Fits = Callable[[int], bool]


def _first_fit(sets: Mapping[str, int], fits: Fits) -> list[_Part]:
    """Put each resource, the largest first, to those that it shares the most with, if it fits."""
    parts: list[_Part] = []
    for resource, elements in sorted(sets.items(), key=lambda each: (-each[1].bit_count(), each[0])):
        able = [place for place, (_, others) in enumerate(parts) if fits(others | elements)]
        if not able:
            parts.append(([resource], elements))
            continue
        place = max(able, key=lambda each: ((parts[each][1] & elements).bit_count(), -each))
        parts[place] = [*parts[place][0], resource], parts[place][1] | elements
    return parts


def _joined(sets: Mapping[str, int], fits: Fits) -> list[_Part]:
    """Join the two parts that share the most and fit, then the next two; of equals those that fill a profile most."""
    parts: list[_Part] = [([resource], elements) for resource, elements in sets.items()]
    while True:
        able = [
            ((one[1] & other[1]).bit_count(), (one[1] | other[1]).bit_count(), -first, -second)
            for (first, one), (second, other) in combinations(enumerate(parts), 2)
            if fits(one[1] | other[1])
        ]
        if not able:
            return parts
        *_, first, second = max(able)
        one, other = parts[-first], parts[-second]
        parts[-first] = [*one[0], *other[0]], one[1] | other[1]
        del parts[-second]
