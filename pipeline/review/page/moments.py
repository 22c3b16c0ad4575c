"""Reads when a decision ends, as a person writes it."""

import re
from datetime import UTC, datetime, timedelta

from pipeline.errors import UsageError

_AHEAD = re.compile(r"(\d{1,4})\s*([hdw])", re.IGNORECASE)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def until(text: str, now: datetime) -> datetime | None:
    """Read `30d`, `4w`, `12h` from now, or `2027-01-31`, UTC; nothing is never.

    Raises:
        UsageError: it is none of these.
    """
    given = text.strip()
    if not given or given.lower() == "never":
        return None
    if match := _AHEAD.fullmatch(given):
        ahead = timedelta(**{_UNITS[match.group(2).lower()]: int(match.group(1))})
        return (now + ahead).replace(microsecond=0)
    try:
        value = datetime.fromisoformat(given)
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except (ValueError, OverflowError):
        raise UsageError(f"{given[:40]!r} is no time. Write 30d, 4w or 2027-01-31.") from None
