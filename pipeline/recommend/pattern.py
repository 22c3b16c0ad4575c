"""Days of the calendar that belong together: Mondays, day 1 to 3 of the month, the last working day but two."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from functools import lru_cache

DAY = timedelta(days=1)
WEEK_DAYS = 7
WORKDAYS = 5
MONTH_DAYS = 30
MONTH_WORKDAYS = 20
"""Every month has so many; later ones are told from its end, as days of the month from the 29th on are."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ORDINALS = ("first", "second", "third", "fourth")


def days_from(start: date) -> Iterator[date]:
    """Yield the days from start on."""
    while True:
        yield start
        start += DAY


def possible(days: Collection[date]) -> set[date]:
    """Return the days that have a next month: log fields are other people's text, years 1 and 9999 are no log's."""
    return {day for day in days if MINYEAR < day.year < MAXYEAR - 1}


def _length(day: date) -> int:
    """Return how many days the month has."""
    return ((day.replace(day=1) + 31 * DAY).replace(day=1) - day.replace(day=1)).days


def _fixed_day(day: date) -> int | None:
    # from the 29th on months differ: such days are told from the month's end
    return day.day if day.day <= 28 else None  # noqa: PLR2004


def _month_turn(day: date) -> int:
    """Return days since the nearest first of a month: 0 on the 1st, -1 on the last day of any month."""
    return day.day - 1 if day.day <= MONTH_DAYS // 2 else day.day - 1 - _length(day)


def _working_day(day: date) -> int | None:
    if day.weekday() >= WORKDAYS:
        return None
    number = sum(day.replace(day=number).weekday() < WORKDAYS for number in range(1, day.day + 1))
    return number if number <= MONTH_WORKDAYS else None


def _working_day_left(day: date) -> int | None:
    if day.weekday() >= WORKDAYS:
        return None
    return sum(day.replace(day=number).weekday() < WORKDAYS for number in range(day.day, _length(day) + 1))


def _nth_weekday(day: date) -> int | None:
    return day.weekday() + WEEK_DAYS * ((day.day - 1) // WEEK_DAYS) if day.day <= 28 else None  # noqa: PLR2004


def _last_weekday(day: date) -> int | None:
    return day.weekday() if day.day > _length(day) - WEEK_DAYS else None


def _fortnight(day: date) -> int:
    return (day.toordinal() - 1) % (2 * WEEK_DAYS)  # day 1 of the calendar was a Monday


@dataclass(frozen=True, slots=True)
class Scale:
    """A way to number days so that a job's days get the same number, or neighbouring ones.

    Args:
        kind: of the jobs that it finds.
        number: of a day; None for days that have none.
        period: days of the period that have a number.
        widest: how many neighbouring numbers may still be one job.
        circle: after how many the numbers start again; 0 for never.
    """

    kind: str
    number: Callable[[date], int | None]
    period: int
    widest: int = 1
    circle: int = 0


SCALES = {
    "weekday": Scale("weekly", date.weekday, WEEK_DAYS, 3, WEEK_DAYS),
    "fortnight": Scale("fortnightly", _fortnight, 2 * WEEK_DAYS, 3, 2 * WEEK_DAYS),
    "day": Scale("monthly", _fixed_day, MONTH_DAYS, 5),
    "turn": Scale("monthly", _month_turn, MONTH_DAYS, 5),
    "working-day": Scale("monthly", _working_day, MONTH_WORKDAYS),
    "working-day-left": Scale("monthly", _working_day_left, 21),
    "nth-weekday": Scale("monthly", _nth_weekday, MONTH_DAYS),
    "last-weekday": Scale("monthly", _last_weekday, MONTH_DAYS),
}
"""The more frequent kind comes first: where both fit, the job is expected sooner."""


@lru_cache(maxsize=8192)
def number_of(scale: str, day: date) -> int | None:
    """Number a day; kept, as thousands of callers ask about the same few months."""
    return SCALES[scale].number(day)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Days of the calendar that belong to a rhythm.

    Args:
        scale: how days are numbered, a key of the scales above.
        first: the first number that belongs.
        width: how many numbers belong.
    """

    scale: str
    first: int
    width: int = 1

    def run(self, day: date) -> date | None:
        """Return the first day of the run that a day belongs to, None where it belongs to none.

        Neighbouring days that belong are one expected run of the job.
        """
        number, circle = number_of(self.scale, day), SCALES[self.scale].circle
        if number is None:
            return None
        past = (number - self.first) % circle if circle else number - self.first
        return day - past * DAY if 0 <= past < self.width else None

    def holds(self, day: date) -> bool:
        """Tell whether the day belongs."""
        return self.run(day) is not None

    def __str__(self) -> str:
        """Return the days in words: "on Mondays", "on the last day of the month"."""
        return _WORDS[self.scale](self.first, self.first + self.width - 1)


def any_of(words: Sequence[str]) -> str:
    """Return names as one says them: "Monday, Tuesday or Friday"."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def _weekdays(first: int, last: int) -> str:
    if last - first == WEEK_DAYS - 1:
        return "on nearly all days"
    if last - first == WORKDAYS - 1:
        return "from Monday to Friday"
    return f"on {any_of([f'{WEEKDAYS[number % WEEK_DAYS]}s' for number in range(first, last + 1)])}"


def _fortnights(first: int, last: int) -> str:
    names = [WEEKDAYS[number % WEEK_DAYS] for number in range(first, last + 1)]
    return f"on every second {any_of(names)}"


def _month_days(first: int, last: int) -> str:
    return f"on day {first} of the month" if first == last else f"between day {first} and day {last} of the month"


def _turns(first: int, last: int) -> str:
    if first == last:
        return f"on {_turn(first)} of the month"
    if first < 0 <= last:
        return f"between {_turn(first)} of a month and {_turn(last)} of the next"
    return f"between {_turn(first)} and {_turn(last)} of the month"


def _turn(number: int) -> str:
    if number >= 0:
        return f"day {number + 1}"
    return "the last day" if number == -1 else f"the last day but {-number - 1}"


def _working_days(first: int, _last: int) -> str:
    return f"on working day {first} of the month"


def _working_days_left(first: int, _last: int) -> str:
    return f"on the last working day{'' if first == 1 else f' but {first - 1}'} of the month"


def _nth_weekdays(first: int, _last: int) -> str:
    return f"on the {_ORDINALS[first // WEEK_DAYS]} {WEEKDAYS[first % WEEK_DAYS]} of the month"


def _last_weekdays(first: int, _last: int) -> str:
    return f"on the last {WEEKDAYS[first]} of the month"


_WORDS: dict[str, Callable[[int, int], str]] = {
    "weekday": _weekdays,
    "fortnight": _fortnights,
    "day": _month_days,
    "turn": _turns,
    "working-day": _working_days,
    "working-day-left": _working_days_left,
    "nth-weekday": _nth_weekdays,
    "last-weekday": _last_weekdays,
}
