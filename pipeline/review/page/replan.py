"""How narrow the address rules of a profile can be, for each number of them; and the rules at one number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.recommend import cover
from pipeline.recommend.allot import Limits, place_of, share
from pipeline.recommend.cover import Curve, Keys, Network
from pipeline.recommend.need import Need


@dataclass(frozen=True, slots=True)
class Replan:
    """All optimal covers of the addresses that a profile needs.

    Args:
        curves: of IPv4 and of IPv6, where there are any.
        extra: extra[k] is the least number of addresses (IPv6: /64 networks) beyond those seen, with k prefixes;
            infinity where k don't suffice.
        seen: how many addresses (IPv6: /64 networks) are covered.
    """

    curves: tuple[Curve, ...]
    extra: tuple[float, ...]
    seen: int

    @property
    def least(self) -> int:
        """The least number of prefixes that suffices; 0 where no number does."""
        return next((count for count, extra in enumerate(self.extra) if np.isfinite(extra)), 0)

    def enough(self, count: int) -> int:
        """Return the least number of prefixes that admits no more than so many of them do."""
        return self.extra.index(self.extra[count])

    def prefixes(self, count: int) -> list[Network]:
        """Return an optimal cover of at most so many prefixes, in order of address.

        Raises:
            ValueError: there is none.
        """
        counts = share(self.curves, count, 0.0)
        if counts is None:
            raise ValueError(f"{count} prefixes don't suffice")
        return [prefix for each, some in zip(self.curves, counts, strict=True) for prefix in each.prefixes(some)]

    def price(self, count: int) -> float:
        """Return what a rule has to cost, in addresses, for one more not to pay."""
        after = self.extra[count + 1] if count + 1 < len(self.extra) else self.extra[count]
        return self.extra[count] - after


def replan(seen: Sequence[Need], limits: Limits) -> Replan | None:
    """Return the covers of the addresses that mostly succeed; None where there is no address.

    Proposals leave strays and odd callers out and pay for each prefix, so they lie near the curve, not on it.

    Args:
        seen: all inbound callers of a profile.
        limits: how many and how wide prefixes may be.
    """
    mine = [need for need in seen if need.kind == "address-prefixes"]
    most = limits.max_elements - limits.reserve
    curves: list[Curve] = []
    count = 0
    for version, widest in ((4, limits.widest_v4), (6, limits.widest_v6)):
        wanted = _keys([need for need in mine if need.allowed and not need.is_mostly_denied], version)
        refused = _keys([need for need in mine if need.is_stranger or need.is_mostly_denied], version)
        if len(wanted):
            holes = np.setdiff1d(refused, wanted)
            curves.append(cover.curve(wanted, version, min(most, len(wanted)), widest=widest, holes=holes))
            count += len(wanted)
    return Replan(tuple(curves), _together(curves, most), count) if curves else None


def _keys(some: Sequence[Need], version: int) -> Keys:
    places = (place_of(need.key) for need in some)
    return cover.keys_of((number for of, number in places if of == version), version)


def _together(curves: Sequence[Curve], most: int) -> tuple[float, ...]:
    """Return the least extra of all curves together, for each number of prefixes that they share."""
    total = np.zeros(1)
    for curve in curves:
        reach = min(most + 1, len(total) + len(curve.extra) - 1)
        best = np.full(reach, np.inf)
        for count in np.flatnonzero(np.isfinite(curve.extra)).tolist():
            part = total[: max(0, reach - count)] + curve.extra[count]
            best[count : count + len(part)] = np.minimum(best[count : count + len(part)], part)
        total = best
    return tuple(np.minimum.accumulate(total).tolist())
