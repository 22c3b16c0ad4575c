"""Prefixes as spans of numbers that don't overlap, so that one ASOF join finds the span of an address.

Prefixes nest or are apart, never anything between, so one pass over them in order with a stack does it.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def flatten(prefixes: Iterable[tuple[int, int, T]]) -> Iterator[tuple[int, int, tuple[T, ...]]]:
    """Yield spans in order that don't overlap, each with all that holds it, the widest first.

    Args:
        prefixes: (first, last, item); any two of them nest or are apart. Empty ones, whose first is above their last,
            are left out.
    """
    stack: list[tuple[int, T]] = []
    start = 0
    for first, last, item in sorted(prefixes, key=lambda each: (each[0], -each[1])):
        if first > last:
            continue
        while stack and stack[-1][0] < first:
            yield from _closed(start, stack)
            start = stack.pop()[0] + 1
        if stack and start < first:
            yield start, first - 1, _items(stack)
        start = first
        stack.append((last, item))
    while stack:
        yield from _closed(start, stack)
        start = stack.pop()[0] + 1


def _closed(start: int, stack: list[tuple[int, T]]) -> Iterator[tuple[int, int, tuple[T, ...]]]:
    if start <= stack[-1][0]:
        yield start, stack[-1][0], _items(stack)


def _items(stack: list[tuple[int, T]]) -> tuple[T, ...]:
    return tuple(item for _, item in stack)
