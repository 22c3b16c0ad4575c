"""What some rules of one profile, direction and kind admit together, to hold other elements against."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from pipeline import addresses
from pipeline.recommend.bounds import canonical_host, canonical_prefix, canonical_subscription, canonical_tag

_NAMES = {"subscriptions": canonical_subscription, "fqdns": canonical_host, "service-tags": canonical_tag}
Span = tuple[int, int]
"""First and last of the addresses of a prefix, as numbers; a name has none, and is compared as it is."""


class Extent:
    """The elements of some rules, and whose each is.

    Args:
        kind: of all elements.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._spans: list[tuple[Span, str]] = []
        self._names: dict[str, set[str]] = {}
        self._merged: list[Span] | None = None

    def add(self, owner: str, elements: Iterable[str]) -> None:
        """Add the elements of a rule; what can't be read admits nothing.

        Args:
            owner: id that `sharing` gives back.
            elements: of the rule.
        """
        self._merged = None
        for each in elements:
            if self._kind == "address-prefixes":
                self._spans += [(span, owner) for span in _spans([each])]
            elif name := self._name(each):
                self._names.setdefault(name, set()).add(owner)

    def sharing(self, elements: Iterable[str]) -> tuple[str, ...]:
        """Return the owners of what shares an address or a name with some elements, sorted."""
        if self._kind == "address-prefixes":
            spans = list(_spans(elements))
            return tuple(
                sorted(
                    {
                        owner
                        for (first, last), owner in self._spans
                        for one in spans
                        if first <= one[1] and one[0] <= last
                    }
                )
            )
        return tuple(sorted(set().union(*(self._names.get(self._name(each) or "", set()) for each in elements))))

    def holds(self, elements: Iterable[str]) -> bool:
        """Tell whether everything that some elements admit is admitted."""
        if self._kind != "address-prefixes":
            return all(self._name(each) in self._names for each in elements)
        if self._merged is None:
            self._merged = list(_merge(span for span, _ in self._spans))
        merged = self._merged
        for first, last in _spans(elements):
            at = bisect_right(merged, first, key=lambda span: span[0]) - 1
            if at < 0 or merged[at][1] < last:
                return False
        return True

    def _name(self, element: str) -> str | None:
        read = _NAMES.get(self._kind)
        return read(element) if read else element.lower()


def _spans(elements: Iterable[str]) -> Iterator[Span]:
    for each in elements:
        if network := canonical_prefix(each):
            yield addresses.span(network)


def _merge(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans in order that neither overlap nor touch."""
    begun: Span | None = None
    for first, last in sorted(spans):
        if begun and first <= begun[1] + 1:
            begun = (begun[0], max(begun[1], last))
        else:
            if begun:
                yield begun
            begun = (first, last)
    if begun:
        yield begun
