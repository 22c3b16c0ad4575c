"""What a window has not seen of the calendar: jobs of a month, weekdays, the ends of months."""

from collections.abc import Collection
from datetime import date

from pipeline.recommend.pattern import DAY, MONTH_DAYS, WEEK_DAYS, WEEKDAYS, any_of, days_from, possible


def unseen_monthly(seen_once: int, window_days: int) -> float:
    """Estimate how many monthly jobs a window was too short to see.

    Horvitz and Thompson, "A Generalization of Sampling Without Replacement From a Finite Universe", 1952: a window of t
    days sees a monthly job with probability t / 30, so each one seen stands for 30 / t, and 30 / t - 1 are unseen. The
    standard error is about sqrt(n (1 - t / 30)) / (t / 30) for n seen: as large as the estimate for a few jobs.

    Assumes that those seen once are monthly jobs (a rarer job or a passing stranger makes it too high), that they run
    on any day of the month alike (a window without a month end makes it too low, see calendar_gaps), and that the
    days were observed without holes.

    Args:
        seen_once: callers seen on one day only, identified (a resource or an application) and with no other
            caller in their /24.
        window_days: days observed; from 31 on every monthly job was due, so 0 is returned.

    Raises:
        ValueError: a negative number of callers, or no day at all.
    """
    if seen_once < 0 or window_days < 1:
        raise ValueError("seen_once has to be 0 or more, window_days 1 or more")
    return max(0.0, seen_once * (MONTH_DAYS / window_days - 1))


def calendar_gaps(observed: Collection[date], *, long_periods: bool = False) -> list[str]:
    """Tell in sentences which parts of a week and a month were never observed; none is good news.

    Public holidays aren't known.

    Args:
        observed: the days on which the perimeter wrote any record.
        long_periods: tell of quarter ends and year ends as well; few windows hold one.
    """
    known = possible(observed)
    if not known:
        return ["no day was seen"]
    found = []
    if len(known) < WEEK_DAYS:
        found.append(f"less than one whole week was seen ({len(known)} day{'s' if len(known) > 1 else ''})")
    if missing := [name for number, name in enumerate(WEEKDAYS) if number not in {day.weekday() for day in known}]:
        found.append(f"no {any_of(missing)} was seen")
    if not any(day.day == 1 for day in known):
        found.append(f"no first day of a month was seen; the next is {_next_turn(max(known), range(1, 13))}")
    ends = {"month": range(1, 13)}
    if long_periods:
        ends |= {"quarter": range(1, 13, 3), "year": range(1, 2)}
    return found + [_no_end(name, max(known), months) for name, months in ends.items() if not _saw_end(known, months)]


def _saw_end(known: set[date], months: Collection[int]) -> bool:
    """Tell whether the last day before one of these months, and its first two days, were all observed."""
    firsts = (day for day in known if day.day == 1 and day.month in months)
    return any({first - DAY, first + DAY} <= known for first in firsts)


def _no_end(name: str, last: date, months: Collection[int]) -> str:
    # a turn that the window ends in is cut, so the next whole one has its last day still to come
    first = _next_turn(last + DAY, months)
    return (
        f"no {name} end was seen (the last day of one and the first two of the next); "
        f"the next is {first - DAY} to {first + DAY}"
    )


def _next_turn(last: date, months: Collection[int]) -> date:
    """Return the first 1st of one of these months after a day."""
    return next(day for day in days_from(last + DAY) if day.day == 1 and day.month in months)
