"""Which callers are jobs that come back by the calendar, and when is their next run?

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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from pipeline.recommend.pattern import (
    DAY,
    SCALES,
    WEEK_DAYS,
    WORKDAYS,
    Pattern,
    days_from,
    number_of,
    possible,
)

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
        return next(each for each in days_from(max(day, self.expected)) if self.pattern.holds(each))


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
    seen, known = possible(days), possible(observed) | possible(days)
    if not seen:
        return None
    every_day = _daily(seen, known) or _workdays(seen, known)
    if every_day or len(seen) < MIN_MONTHS:
        return every_day
    for _, scales in groupby(SCALES, lambda scale: SCALES[scale].kind):
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
    expected = next(day for day in days_from(max(seen | due_days) + DAY) if pattern.holds(day))
    return _made(kind, pattern, expected, chance, len(seen), len(due_days))


def _fitting(scale: str, seen: set[date], known: set[date]) -> Rhythm | None:
    """Return the rhythm on that scale, if all days seen fit one and chance doesn't explain it."""
    pattern = _narrowest(scale, seen)
    if not pattern:
        return None
    kind, came = SCALES[scale].kind, {run for day in seen if (run := pattern.run(day))}
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
    of, numbers = SCALES[scale], {number_of(scale, day) for day in seen}
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
    period, width = SCALES[pattern.scale].period, pattern.width
    alike: int = width**kept - (width - 1) ** kept
    outcomes: int = period ** (kept - 1)
    share = sum(pattern.holds(day) for day in known) / len(known)
    return min(1.0, max(alike / outcomes, share ** (kept - 1)))


def _whole(run: date, width: int, known: set[date]) -> bool:
    """Tell whether every day of a run was observed: only then is it known that the job left it out."""
    return all(run + past * DAY in known for past in range(width))


def _expected(pattern: Pattern, came: set[date], last: date) -> date:
    """Return the next day of a run that wasn't seen yet; a run may have begun before the window ended."""
    return next(day for day in days_from(last + DAY) if (run := pattern.run(day)) and run not in came)


def _made(kind: str, pattern: Pattern, expected: date, chance: float, kept: int, of: int) -> Rhythm:
    odds = f"{chance:.1%}".replace("%", " %") if chance >= 0.001 else "under 0.1 %"  # noqa: PLR2004
    return Rhythm(kind, expected, chance, kept, of, f"{pattern}, {kept} of {of} observed; by chance {odds}", pattern)
