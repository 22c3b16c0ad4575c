"""An element of a rule in force, with what it admitted."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from datetime import date, datetime

from pipeline import addresses
from pipeline.inventory.rules import RuleElement
from pipeline.recommend import cover
from pipeline.recommend.address_spans import Span, holds, measure, union
from pipeline.recommend.uses import Party, Seen


class Element:
    """An element of a rule in force, with what it admitted.

    Args:
        rule: the element.
        key: what tells it from others that admit something else (inventory.rules.keys).
        seen: in its direction of its profile.
        tag_spans: of the prefixes of its service tag.
    """

    def __init__(self, rule: RuleElement, key: tuple[str, ...], seen: Seen, tag_spans: Collection[Span]) -> None:
        self.rule = rule
        self.key = key
        self.name = key[-1]
        self.network = addresses.read_prefix(rule.element) if rule.kind == "address-prefixes" else None
        self.span = addresses.span(self.network) if self.network else (0, -1)
        self._spans = union([self.span]) if self.network else union(tag_spans)
        self.parties = self._mine(seen.admitted)
        self.refused = sum(each.requests for each in self._mine(seen.not_honoured))
        self.logged = seen.as_logged.get(rule.rule, 0)

    def _mine(self, parties: Sequence[Party]) -> list[Party]:
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

    def _within(self, parties: Sequence[Party]) -> list[Party]:
        found: list[Party] = []
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
        return measure([self.span], self.span)

    def keys(self, besides: Sequence[Span] = ()) -> cover.Keys:
        """Return the keys (see cover.keys_of) of the addresses that used it, without those of some spans."""
        numbers = {each.number for each in self.parties if each.number is not None}
        offset = addresses.MAPPED if self.version == 4 else 0  # noqa: PLR2004
        return cover.keys_of((each - offset for each in numbers if not holds(besides, (each, each))), self.version)

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


def _number(party: Party) -> int:
    return -1 if party.number is None else party.number
