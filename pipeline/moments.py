"""Tells the time, and reads times as people write them: 2026-10-01, 2026-10-01T08:00, or 36h, 7d, 2w from now."""

import re
from datetime import UTC, datetime, time, timedelta

from pipeline.errors import UsageError

_AWAY = re.compile(r"(\d{1,4})\s*([hdw])", re.IGNORECASE | re.ASCII)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def utc_now() -> datetime:
    """Return the time, UTC without a zone, as all times in the warehouse are."""
    return datetime.now(UTC).replace(tzinfo=None)


def next_day(moment: datetime) -> datetime:
    """Return the first hour of the day after a moment: what is dated from then on is dated ahead."""
    return datetime.combine(moment.date() + timedelta(days=1), time.min)


def ago(text: str, now: datetime) -> datetime:
    """Return a moment, UTC without a zone; a time away lies before now.

    Args:
        text: as written, UTC unless it says otherwise.
        now: UTC without a zone.

    Raises:
        UsageError: it is no time.
    """
    return _read(text, now, -1)


def ahead(text: str, now: datetime) -> datetime:
    """Return a moment as `ago` does; a time away lies after now.

    Raises:
        UsageError: it is no time.
    """
    return _read(text, now, 1)


def _read(text: str, now: datetime, sign: int) -> datetime:
    try:
        if match := _AWAY.fullmatch(text.strip()):
            away = timedelta(**{_UNITS[match.group(2).lower()]: int(match.group(1))})
            return (now + sign * away).replace(microsecond=0)
        value = datetime.fromisoformat(text.strip())
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except (ValueError, OverflowError):
        raise UsageError(f"{text[:40]!r} is no time. Write 2027-01-31, 2027-01-31T08:00 or 7d.") from None
