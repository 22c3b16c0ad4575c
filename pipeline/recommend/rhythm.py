"""Which callers are jobs that come back by the calendar, when is their next run, and what has the window not seen?

Days are UTC days. Only days on which the perimeter wrote any record count: of other days nothing is known.

A job has a rhythm if all its days fall on one *pattern* (Mondays; day 1 to 3 of the month), if it came on nearly
all days of that pattern, and if chance hardly explains it. On a circle of P days, m independent uniform days lie
within some arc of w days (2 w <= P + 1) with probability

    (w^m - (w - 1)^m) / P^(m - 1)

as w^m - (w - 1)^m of their P^m outcomes start with the arc's own first day, and P arcs there are. For w = 1 that is
(1 / P)^(m - 1), the usual test that all gaps are multiples of P; for wider arcs it is more than ((w / P)^(m - 1)),
which would hold for an arc that was known beforehand.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from functools import lru_cache
from itertools import groupby

DAY = timedelta(days=1)
WEEK_DAYS = 7
WORKDAYS = 5
MONTH_DAYS = 30
MONTH_WORKDAYS = 20
"""Every month has so many; later ones are told from its end, as days of the month from the 29th on are."""

MAX_CHANCE = 0.05
"""A pattern that chance explains more often than that is none."""

NEARLY_ALL = 0.85
"""Share of the observed days on which a daily or workday job runs: public holidays and lost records are left."""

MIN_KEPT = 0.75
"""Share of the observed runs that a weekly or rarer job kept, from its first on: three of four."""

STOPPED = 2
"""A job that left out that many runs at the end has stopped."""

MIN_MONTHS = 3
MIN_WEEKEND_DAYS = 6
"""Three weekends; any three weeks hold that many of their days."""

JOBS = frozenset({"weekly", "fortnightly", "monthly"})
"""Kinds that a short window can miss; daily ones are seen anyhow."""

_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ORDINALS = ("first", "second", "third", "fourth")


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
class _Scale:
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


_SCALES = {
    "weekday": _Scale("weekly", date.weekday, WEEK_DAYS, 3, WEEK_DAYS),
    "fortnight": _Scale("fortnightly", _fortnight, 2 * WEEK_DAYS, 3, 2 * WEEK_DAYS),
    "day": _Scale("monthly", _fixed_day, MONTH_DAYS, 5),
    "turn": _Scale("monthly", _month_turn, MONTH_DAYS, 5),
    "working-day": _Scale("monthly", _working_day, MONTH_WORKDAYS),
    "working-day-left": _Scale("monthly", _working_day_left, 21),
    "nth-weekday": _Scale("monthly", _nth_weekday, MONTH_DAYS),
    "last-weekday": _Scale("monthly", _last_weekday, MONTH_DAYS),
}
"""The more frequent kind comes first: where both fit, the job is expected sooner."""


@lru_cache(maxsize=8192)
def _number(scale: str, day: date) -> int | None:
    """Number a day; kept, as thousands of callers ask about the same few months."""
    return _SCALES[scale].number(day)


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
        number, circle = _number(self.scale, day), _SCALES[self.scale].circle
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


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a caller comes.

    Args:
        kind: daily, workdays, weekly, fortnightly or monthly.
        expected: the first day after the window on which it is due.
        chance: probability, 0 to 1, that as many days drawn at random from the observed ones look so by chance.
            That is of one pattern; several are tried, so more random callers are taken for jobs: the rates in
            docs/recommending.md are measured.
        kept: runs seen (daily, workdays: days).
        of: runs that could have been seen since the first.
        sentence: the same for people.
        pattern: the days it comes on.
    """

    kind: str
    expected: date
    chance: float
    kept: int
    of: int
    sentence: str
    pattern: Pattern

    def next_from(self, day: date) -> date:
        """Return the first day it is due on, from that day on."""
        return next(each for each in _days(max(day, self.expected)) if self.pattern.holds(each))


@dataclass(frozen=True, slots=True)
class Due:
    """A job that is due."""

    day: date
    caller: str
    rhythm: Rhythm


def rhythm(days: Collection[date], observed: Sequence[date]) -> Rhythm | None:
    """Return the rhythm in which a caller came, or None where nothing proves one.

    Strict on purpose: one day off the pattern, such as a run by hand, is enough for None.

    Args:
        days: the days on which it was seen.
        observed: the days on which the perimeter wrote any record, in any order.
    """
    seen, known = _possible(days), _possible(observed) | _possible(days)
    if not seen:
        return None
    every_day = _daily(seen, known) or _workdays(seen, known)
    if every_day or len(seen) < MIN_MONTHS:
        return every_day
    for _, scales in groupby(_SCALES, lambda scale: _SCALES[scale].kind):
        if found := [each for scale in scales if (each := _fitting(scale, seen, known))]:
            return min(found, key=lambda each: each.chance)
    return None


def due(rhythms: Mapping[str, Rhythm], week: date, kinds: Collection[str] = JOBS) -> list[Due]:
    """Return which jobs are due within seven days, soonest first: wait for them before enforcing.

    Args:
        rhythms: caller -> its rhythm.
        week: the first of the seven days.
        kinds: the kinds to list; daily and workday callers aren't jobs to wait for.
    """
    coming = [Due(each.next_from(week), caller, each) for caller, each in rhythms.items() if each.kind in kinds]
    soon = (each for each in coming if each.day < week + WEEK_DAYS * DAY)
    return sorted(soon, key=lambda each: (each.day, each.caller))


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
    known = _possible(observed)
    if not known:
        return ["no day was seen"]
    found = []
    if len(known) < WEEK_DAYS:
        found.append(f"less than one whole week was seen ({len(known)} day{'s' if len(known) > 1 else ''})")
    if missing := [name for number, name in enumerate(_NAMES) if number not in {day.weekday() for day in known}]:
        found.append(f"no {_listed(missing, 'or')} was seen")
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
    return next(day for day in _days(last + DAY) if day.day == 1 and day.month in months)


def _daily(seen: set[date], known: set[date]) -> Rhythm | None:
    """Find a caller of nearly every day; chance is that of a fair coin to fall so on as many days."""
    if len(seen) < NEARLY_ALL * len(known):
        return None
    tosses = len(known)
    chance = sum(math.comb(tosses, heads) for heads in range(len(seen), tosses + 1)) / 2**tosses
    return _every_day("daily", Pattern("weekday", 0, WEEK_DAYS), chance, seen, known)


def _workdays(seen: set[date], known: set[date]) -> Rhythm | None:
    """Find a caller of nearly every Monday to Friday that never came at weekends; hypergeometric chance."""
    workdays = {day for day in known if day.weekday() < WORKDAYS}
    if len(known) - len(workdays) < MIN_WEEKEND_DAYS or not seen <= workdays:
        return None
    if len(seen) < NEARLY_ALL * len(workdays):
        return None
    chance = math.comb(len(workdays), len(seen)) / math.comb(len(known), len(seen))
    return _every_day("workdays", Pattern("weekday", 0, WORKDAYS), chance, seen, workdays)


def _every_day(kind: str, pattern: Pattern, chance: float, seen: set[date], due_days: set[date]) -> Rhythm | None:
    if chance >= MAX_CHANCE:
        return None
    expected = next(day for day in _days(max(seen | due_days) + DAY) if pattern.holds(day))
    return _made(kind, pattern, expected, chance, len(seen), len(due_days))


def _fitting(scale: str, seen: set[date], known: set[date]) -> Rhythm | None:
    """Return the rhythm on that scale, if all days seen fit one and chance doesn't explain it."""
    pattern = _narrowest(scale, seen)
    if not pattern:
        return None
    kind, came = _SCALES[scale].kind, {run for day in seen if (run := pattern.run(day))}
    runs = sorted({run for day in known if (run := pattern.run(day)) and run >= min(came)})
    kept = [run in came for run in runs if run in came or _whole(run, pattern.width, known)]
    if sum(kept) < MIN_KEPT * len(kept) or not any(kept[-STOPPED:]):
        return None
    if kind == "monthly" and sum(kept) < MIN_MONTHS:
        return None
    chance = _chance(pattern, sum(kept), known)
    if chance >= MAX_CHANCE:
        return None
    return _made(kind, pattern, _expected(pattern, came, max(known)), chance, sum(kept), len(kept))


def _narrowest(scale: str, seen: set[date]) -> Pattern | None:
    """Return the fewest neighbouring numbers of the scale that hold all days; None if they are too many."""
    of, numbers = _SCALES[scale], {_number(scale, day) for day in seen}
    whole = [number for number in numbers if number is not None]
    if len(whole) < len(numbers):
        return None
    firsts = whole if of.circle else [min(whole)]
    widths = {first: max((n - first) % of.circle if of.circle else n - first for n in whole) + 1 for first in firsts}
    first = min(firsts, key=lambda each: (widths[each], each))
    return Pattern(scale, first, widths[first]) if widths[first] <= of.widest else None


def _chance(pattern: Pattern, kept: int, known: set[date]) -> float:
    """Return the probability from above, and no less than the observed days themselves suggest.

    Where a perimeter writes on Mondays only, all its callers come on Mondays.
    """
    period, width = _SCALES[pattern.scale].period, pattern.width
    alike: int = width**kept - (width - 1) ** kept
    outcomes: int = period ** (kept - 1)
    share = sum(pattern.holds(day) for day in known) / len(known)
    return min(1.0, max(alike / outcomes, share ** (kept - 1)))


def _whole(run: date, width: int, known: set[date]) -> bool:
    """Tell whether every day of a run was observed: only then is it known that the job left it out."""
    return all(run + past * DAY in known for past in range(width))


def _expected(pattern: Pattern, came: set[date], last: date) -> date:
    """Return the next day of a run that wasn't seen yet; a run may have begun before the window ended."""
    return next(day for day in _days(last + DAY) if (run := pattern.run(day)) and run not in came)


def _made(kind: str, pattern: Pattern, expected: date, chance: float, kept: int, of: int) -> Rhythm:
    odds = f"{chance:.1%}".replace("%", " %") if chance >= 0.001 else "under 0.1 %"  # noqa: PLR2004
    return Rhythm(kind, expected, chance, kept, of, f"{pattern}, {kept} of {of} observed; by chance {odds}", pattern)


def _days(start: date) -> Iterator[date]:
    """Yield the days from start on."""
    while True:
        yield start
        start += DAY


def _possible(days: Collection[date]) -> set[date]:
    # log fields are other people's text: days at either end of the calendar have no next month, and are no log's
    return {day for day in days if MINYEAR < day.year < MAXYEAR - 1}


def _listed(words: Sequence[str], joint: str) -> str:
    return f"{', '.join(words[:-1])} {joint} {words[-1]}" if len(words) > 1 else words[0]


def _weekdays(first: int, last: int) -> str:
    if last - first == WEEK_DAYS - 1:
        return "on nearly all days"
    if last - first == WORKDAYS - 1:
        return "from Monday to Friday"
    return f"on {_listed([f'{_NAMES[number % WEEK_DAYS]}s' for number in range(first, last + 1)], 'or')}"


def _fortnights(first: int, last: int) -> str:
    names = [_NAMES[number % WEEK_DAYS] for number in range(first, last + 1)]
    return f"on every second {_listed(names, 'or')}"


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
    return f"on the {_ORDINALS[first // WEEK_DAYS]} {_NAMES[first % WEEK_DAYS]} of the month"


def _last_weekdays(first: int, _last: int) -> str:
    return f"on the last {_NAMES[first]} of the month"


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
