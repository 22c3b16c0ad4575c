"""Spans of addresses: united, compared and measured."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from pipeline import addresses

Span = tuple[int, int]
"""Numbers of the first and the last address, as in rule_span; none where the first is above the last."""


def union(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order that neither overlap nor touch, and hold the same."""
    found: list[Span] = []
    for first, last in sorted(span for span in spans if span[0] <= span[1]):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def holds(spans: Sequence[Span], span: Span) -> bool:
    """Tell whether a union (see `union`) holds all of a span; of an empty one nothing does."""
    if span[0] > span[1]:
        return False
    place = bisect_right(spans, span[0], key=lambda each: each[0]) - 1
    return place >= 0 and span[1] <= spans[place][1]


def measure(spans: Iterable[Span], span: Span) -> int:
    """Return how many addresses (IPv6: /64 networks, be it in part) of a span some others hold."""
    shift = 64 if span[0] >= addresses.IPV6_BEGINS else 0
    shared = ((max(first, span[0]), min(last, span[1])) for first, last in spans)
    return sum(
        last - first + 1 for first, last in union((low >> shift, high >> shift) for low, high in shared if low <= high)
    )
