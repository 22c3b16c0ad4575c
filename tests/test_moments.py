"""Points in time as people write them."""

from datetime import datetime

import pytest

from pipeline.errors import UsageError
from pipeline.moments import ago, ahead

NOW = datetime(2026, 11, 2, 8, 0, 0, 123)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("30d", datetime(2026, 10, 3, 8), datetime(2026, 12, 2, 8)),
        (" 2 W", datetime(2026, 10, 19, 8), datetime(2026, 11, 16, 8)),
        ("12h", datetime(2026, 11, 1, 20), datetime(2026, 11, 2, 20)),
        ("2027-01-31 ", datetime(2027, 1, 31), datetime(2027, 1, 31)),
        ("2027-01-31T08:00+02:00", datetime(2027, 1, 31, 6), datetime(2027, 1, 31, 6)),
    ],
)
def test_times_are_read_as_people_write_them(text: str, before: datetime, after: datetime) -> None:
    assert (ago(text, NOW), ahead(text, NOW)) == (before, after)


@pytest.mark.parametrize(
    "text", ["", "soon", "30", "-3d", "99999w", "2027-13-01", "<b>", "99999d", "0001-01-01T00:00+23:00", "٣d"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    for read in (ago, ahead):
        with pytest.raises(UsageError, match="is no time"):
            read(text, NOW)


def test_what_leaves_the_calendar_is_refused() -> None:
    with pytest.raises(UsageError, match="is no time"):
        ahead("2w", datetime(9999, 12, 24))
    with pytest.raises(UsageError, match="is no time"):
        ago("2w", datetime(1, 1, 7))
