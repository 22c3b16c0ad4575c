"""How narrow the address rules of a profile can be, for each number of them; and the rules at one number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.recommend.allot import Limits, share
from pipeline.recommend.cover import Curve, Network
from pipeline.recommend.frontier import covers
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
    wanted = [need for need in mine if need.allowed and not need.is_mostly_denied]
    refused = [need for need in mine if need.is_stranger or need.is_mostly_denied]
    found = list(covers(wanted, refused, limits))
    curves = tuple(curve for curve, _ in found)
    if not curves:
        return None
    return Replan(curves, _together(curves, limits.max_elements - limits.reserve), sum(count for _, count in found))


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
