"""What one caller did on one day, and how such days are gathered: tests are written in days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from pipeline.recommend.caller_days import CallerDays, LoggedCaller


@dataclass(frozen=True, slots=True)
class CallerDay:
    """A caller of a resource, or a destination, on one day."""

    day: date
    source_ip: str | None
    source_network: str | None
    source_subscription: str | None
    source_resource: str | None
    source_app_id: str | None
    destination_fqdn: str | None
    destination_resource: str | None
    service_resource: str | None
    matched_rule: str | None
    is_member: bool
    reason: str
    service_tag: str | None
    is_same_region: bool
    operations: list[str]
    allowed: int
    denied: int
    records: int
    first_seen: datetime
    last_seen: datetime
    network_name: str | None = None
    source_perimeters: str | None = None
    admitted_by: str | None = None


_WHO = [name for name in LoggedCaller.__slots__ if name != "succeeded"]
_WHAT = ("day", "allowed", "denied", "records", "operations", "first_seen", "last_seen")


def gathered(rows: Iterable[CallerDay]) -> list[CallerDays]:
    """Gather days by caller, as recommend/caller_days does."""
    found: dict[LoggedCaller, list[CallerDay]] = {}
    for row in rows:
        who = LoggedCaller(**{name: getattr(row, name) for name in _WHO}, succeeded=row.allowed > 0)
        found.setdefault(who, []).append(row)
    ordered = {who: sorted(mine, key=lambda row: row.day) for who, mine in found.items()}
    return [CallerDays(who, *([getattr(row, name) for row in mine] for name in _WHAT)) for who, mine in ordered.items()]
