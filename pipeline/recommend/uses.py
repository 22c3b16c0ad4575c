"""What the rules in force of each direction of a profile were used for, as far as the logs show."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from pipeline import addresses
from pipeline.recommend.readiness import MAX_STALE_DAYS
from pipeline.text import counted

Side = tuple[str, str, str]
"""Perimeter, profile in lower case, and direction: what is judged together."""


@dataclass(frozen=True, slots=True)
class Party:
    """A caller or destination, by all that a rule could name of it.

    Args:
        number: of its address, as in rule_span; None where there is none.
        subscription: GUID, lower case.
        host: lower case.
        takes_tags: the resource that it calls is of a service that honours service tags.
        requests: how many.
        days: on which.
        last_seen: the last of them.
    """

    number: int | None
    subscription: str | None
    host: str | None
    takes_tags: bool
    requests: int
    days: Collection[date]
    last_seen: datetime


@dataclass(slots=True)
class Seen:
    """What was seen of one direction of a profile.

    Args:
        admitted: those that a rule in force admits, by number.
        not_honoured: those that one names, and the log shows not admitted.
        as_logged: requests that the log says a rule admitted, and none of its elements explains.
        days: on which anything of the profile was seen, in either direction.
        since: first day of those that an element must have been used in.
        window: how those days are called.
        flags: what makes all of it doubtful.
        doubts: the same in words.
    """

    admitted: list[Party] = field(default_factory=list)
    not_honoured: list[Party] = field(default_factory=list)
    as_logged: dict[str, int] = field(default_factory=dict)
    days: set[date] = field(default_factory=set)
    since: date = date.min
    window: str = ""
    flags: tuple[str, ...] = ()
    doubts: str = ""

    @property
    def scope(self) -> str:
        """How all days of the scope are called."""
        return f"in the {counted(len(self.days), 'day')} seen"


def gather(rows: Iterable[tuple[Any, ...]], now: datetime, unused_days: int) -> dict[Side, Seen]:
    """Sort the rows of recommend/uses_of_rules by whose they are; profiles without a record are left out.

    Args:
        rows: of that query.
        now: time of the run, UTC.
        unused_days: an element must have been used within so many days up to the profile's last record.
    """
    found: dict[Side, Seen] = {}
    days: dict[tuple[str, str], set[date]] = {}
    spoken: set[Side] = set()
    for perimeter, profile, direction, outcome, source, subscription, host, takes_tags, rule, *rest in rows:
        side = (perimeter, profile, direction)
        spoken.add(side)
        seen = found.setdefault(side, Seen())
        requests, on, last = rest
        days.setdefault((perimeter, profile), set()).update(on)
        number = addresses.number(ip_address(source)) if source else None
        party = Party(number, subscription, host, takes_tags, requests, on, last)
        if outcome == "admitted":
            seen.admitted.append(party)
        elif outcome == "not-honoured":
            seen.not_honoured.append(party)
        elif outcome == "as-logged":
            seen.as_logged[rule] = seen.as_logged.get(rule, 0) + requests
    for (perimeter, profile), observed in days.items():
        for direction in ("Inbound", "Outbound"):
            side = (perimeter, profile, direction)
            seen = found.setdefault(side, Seen())
            for parties in (seen.admitted, seen.not_honoured):
                parties.sort(key=lambda each: -1 if each.number is None else each.number)
            _date(seen, observed, now, unused_days)
            if side not in spoken:
                seen.flags += ("no-records-of-direction",)
                seen.doubts += f" No {direction.lower()} record of this profile was seen at all: are they logged?"
    return found


def _date(seen: Seen, observed: set[date], now: datetime, unused_days: int) -> None:
    """Put in on which days the profile was seen, and what an element must have been used in."""
    newest = max(observed)
    seen.days = observed
    try:
        seen.since = newest - timedelta(days=unused_days - 1)
    except OverflowError:
        seen.since = date.min
    recent = sum(day >= seen.since for day in observed)
    seen.window = (
        f"in the last {unused_days} days" if recent >= unused_days else f"in the {counted(recent, 'day')} seen"
    )
    stale = (now.date() - newest).days
    if stale > MAX_STALE_DAYS:
        seen.flags, seen.doubts = ("stale",), f" The last record is {stale} days old."
