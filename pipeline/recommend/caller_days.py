"""Callers and destinations with the days on which they were seen: what proposals are made from."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class LoggedCaller:
    """Who called which resource, or which destination a resource called, and what the verdict engine says of it.

    Fields are those of recommend/caller_days. Days on which a caller succeeded are kept apart from those on which all
    its requests were refused; and those on which the log shows that the rules of that time didn't admit it, though an
    element in force does by now (admitted_by), from all others.
    """

    source_ip: str | None
    source_network: str | None
    source_subscription: str | None
    source_resource: str | None
    source_app_id: str | None
    source_perimeters: str | None
    destination_fqdn: str | None
    destination_resource: str | None
    service_resource: str | None
    matched_rule: str | None
    is_member: bool
    reason: str
    service_tag: str | None
    network_name: str | None
    is_same_region: bool
    succeeded: bool
    admitted_by: str | None = None

    @property
    def address(self) -> str:
        """The public address; "" where there is none."""
        return self.source_ip if self.source_ip and self.source_network == "public" else ""

    @property
    def name(self) -> str:
        """What names it best: the resource, else the address; outbound the destination."""
        return self.source_resource or self.source_ip or self.destination_fqdn or ""


class CallerDays(NamedTuple):
    """A caller, and for each day on which it was seen, in order, what it asked for."""

    caller: LoggedCaller
    days: Sequence[date]
    allowed: Sequence[int]
    denied: Sequence[int]
    records: Sequence[int]
    operations: Sequence[Sequence[str]]
    first_seen: Sequence[datetime]
    last_seen: Sequence[datetime]

    def between(self, since: date, until: date) -> "CallerDays | None":
        """Return what was seen from a day on and before another; None where that is nothing."""
        first, end = bisect_left(self.days, since), bisect_left(self.days, until)
        if end - first == len(self.days):
            return self
        columns: tuple[Any, ...] = self[1:]
        return CallerDays(self.caller, *(each[first:end] for each in columns)) if first < end else None


_WHO = len(LoggedCaller.__slots__)


def between(seen: Iterable[CallerDays], since: date, until: date) -> list[CallerDays]:
    """Return what was seen from a day on and before another."""
    return [part for each in seen if (part := each.between(since, until))]


def unadmitted(seen: Iterable[CallerDays]) -> list[CallerDays]:
    """Return what no rule in force admits: what there is to propose for."""
    return [each for each in seen if each.caller.admitted_by is None]


def caller_days(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str, str], list[CallerDays]]:
    """Sort the rows of recommend/caller_days by (perimeter, profile, direction)."""
    found: dict[tuple[str, str, str], list[CallerDays]] = {}
    for perimeter, profile, direction, *rest in rows:
        caller, days = LoggedCaller(*rest[:_WHO]), rest[_WHO:]
        # tuples: the garbage collector goes through lists again and again, which took most of the time of cutting them
        found.setdefault((perimeter, profile or "", direction), []).append(CallerDays(caller, *map(tuple, days)))
    return found
