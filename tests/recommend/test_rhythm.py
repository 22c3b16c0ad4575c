"""Jobs are found by their days of the calendar, and chance isn't."""

import random
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.recommend.rhythm import JOBS, MAX_CHANCE, MIN_KEPT, due, rhythm

DAY = timedelta(days=1)
START = date(2026, 6, 1)  # a Monday


def window(length: int, start: date = START) -> list[date]:
    return [start + number * DAY for number in range(length)]


QUARTER = window(92)  # June to August


def on(*month_days: tuple[int, int]) -> list[date]:
    return [date(2026, month, day) for month, day in month_days]


@pytest.mark.parametrize(
    ("days", "kind", "expected", "sentence"),
    [
        (QUARTER, "daily", (9, 1), "on nearly all days, 92 of 92 observed; by chance under 0.1 %"),
        ([day for day in QUARTER if day.weekday() < 5], "workdays", (9, 1), "from Monday to Friday, 66 of 66 observed"),
        (QUARTER[::7], "weekly", (9, 7), "on Mondays, 14 of 14 observed; by chance under 0.1 %"),
        (
            [day for day in QUARTER if day.weekday() in {6, 0}],
            "weekly",
            (9, 6),
            "on Sundays or Mondays, 14 of 14 observed",
        ),
        (QUARTER[1::14], "fortnightly", (9, 8), "on every second Tuesday, 7 of 7 observed"),
        (on((6, 1), (7, 1), (8, 1)), "monthly", (9, 1), "on day 1 of the month, 3 of 3 observed; by chance 0.1 %"),
        (on((6, 15), (7, 15), (8, 14)), "monthly", (9, 14), "between day 14 and day 15 of the month, 3 of 3"),
        (on((6, 30), (7, 31), (8, 31)), "monthly", (9, 30), "on the last day of the month, 3 of 3"),
        (on((6, 28), (7, 29), (8, 29)), "monthly", (9, 28), "on the last day but 2 of the month, 3 of 3"),
        (on((6, 30), (8, 1), (8, 31)), "monthly", (9, 30), "between the last day of a month and day 1 of the next"),
        (on((6, 1), (7, 1), (8, 3)), "monthly", (9, 1), "on working day 1 of the month, 3 of 3"),
        (on((6, 30), (7, 31), (8, 28)), "monthly", (9, 27), "between the last day but 3 and the last day of the month"),
        (on((6, 26), (7, 30), (8, 27)), "monthly", (9, 26), "between the last day but 4 and the last day but 1"),
        (on((6, 9), (7, 14), (8, 11)), "monthly", (9, 8), "on the second Tuesday of the month, 3 of 3"),
        (on((6, 26), (7, 31), (8, 28)), "monthly", (9, 25), "on the last Friday of the month, 3 of 3"),
    ],
)
def test_kinds(days: list[date], kind: str, expected: tuple[int, int], sentence: str) -> None:
    found = rhythm(days, QUARTER)
    assert found
    assert (found.kind, found.expected) == (kind, date(2026, *expected))
    assert found.sentence.startswith(sentence)


def test_four_mondays() -> None:
    found = rhythm(QUARTER[:28:7], QUARTER[:28])
    assert found
    assert found.sentence == "on Mondays, 4 of 4 observed; by chance 0.3 %"
    assert (found.kept, found.of, found.chance) == (4, 4, 1 / 7**3)


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ([], "never seen"),
        (QUARTER[:15:7], "stopped"),
        ([*QUARTER[:70:7], QUARTER[80]], "one day off the pattern"),
        (QUARTER[0:28:7] + QUARTER[84:85], "most runs left out"),
        (QUARTER[:8:7], "two runs prove nothing"),
        (QUARTER[40:48], "a migration"),
        (on((6, 1), (7, 1)), "two months prove nothing"),
        (QUARTER[::2], "every other day"),
    ],
)
def test_no_rhythm(days: list[date], why: str) -> None:
    assert rhythm(days, QUARTER) is None, why


def test_days_without_any_record_say_nothing() -> None:
    mondays = QUARTER[::7]
    assert rhythm(mondays, mondays[:5]) is not None  # all that is known: it came every time
    lost = {mondays[3], mondays[4], mondays[5], mondays[6]}
    kept = [day for day in mondays if day not in lost]
    assert rhythm(kept, QUARTER) is None
    found = rhythm(kept, [day for day in QUARTER if day not in lost])
    assert found
    assert (found.kind, found.kept, found.of) == ("weekly", 10, 10)


def test_a_perimeter_that_only_writes_on_mondays_makes_no_weekly_job() -> None:
    mondays = QUARTER[:28:7]
    assert rhythm(mondays, mondays) is None
    assert rhythm(mondays, QUARTER[:28]) is not None


def test_job_that_left_out_its_last_two_runs_has_stopped() -> None:
    mondays = QUARTER[::7]
    assert rhythm(mondays[:-2], QUARTER) is None
    found = rhythm(mondays[:-1], QUARTER)
    assert found
    assert (found.kept, found.of, found.expected) == (13, 14, date(2026, 9, 7))


@pytest.mark.parametrize("rogue", [date.min, date.max, date(5000, 1, 1)])
def test_impossible_days_stop_nothing(rogue: date) -> None:
    found = rhythm([*QUARTER[::7], rogue], [*QUARTER, rogue])
    assert found is None or found.kind == "weekly"
    assert rhythm([rogue], [rogue]) is None


def test_workdays_want_three_weekends() -> None:
    workdays = [day for day in window(21) if day.weekday() < 5]
    assert rhythm(workdays, window(20)) is None
    found = rhythm(workdays, window(21))
    assert found
    assert (found.kind, found.expected) == ("workdays", date(2026, 6, 22))


def test_run_that_may_still_come_today_is_expected_tomorrow() -> None:
    found = rhythm([day for day in window(34) if day.weekday() in {0, 1}], window(36))  # ends on a Monday, unseen
    assert found
    assert found.sentence.startswith("on Mondays or Tuesdays, 5 of 5 observed")
    assert found.expected == date(2026, 7, 7)


@pytest.mark.parametrize(("width", "times"), [(1, 3), (2, 3), (3, 3), (1, 4), (2, 4), (3, 4), (2, 5)])
def test_chance_is_that_of_all_outcomes(width: int, times: int) -> None:
    """The formula of the module's docstring, held against every sequence of weekdays."""
    outcomes = list(product(range(7), repeat=times))
    alike = sum(any(all((day - first) % 7 < width for day in days) for first in range(7)) for days in outcomes)
    assert alike / len(outcomes) == pytest.approx((width**times - (width - 1) ** times) / 7 ** (times - 1))


starts = st.dates(date(2000, 1, 1), date(2090, 12, 31))


@given(starts, st.integers(21, 120), st.integers(0, 6))
def test_every_weekly_job_is_found_from_three_weeks_on(start: date, length: int, phase: int) -> None:
    observed = window(length, start)
    found = rhythm(observed[phase::7], observed)
    assert found
    assert found.kind == "weekly"
    assert found.expected == observed[phase::7][-1] + 7 * DAY


@given(starts, st.integers(92, 150), st.integers(1, 31))
@example(date(2087, 11, 3), 118, 29)  # ends on the day before it is due
@example(date(2000, 11, 1), 92, 29)  # three times on working day 21, of which the next month has none
def test_every_monthly_job_is_found_in_three_months(start: date, length: int, number: int) -> None:
    observed = window(length, start)

    def runs(day: date) -> bool:
        return day.day == min(number, monthrange(day.year, day.month)[1])

    found = rhythm([day for day in observed if runs(day)], observed)
    assert found
    assert found.kind == "monthly"
    following = next(day for day in window(40, observed[-1] + DAY) if runs(day))
    # day 29 looks like the last day but 1 or 2, and in February these come before the job does
    passed = number == 29 and following.month == 2 and following == observed[-1] + DAY
    assert passed or abs((found.expected - following).days) <= 3  # the pattern may be wider than the job


@settings(max_examples=400)
@given(st.data(), starts, st.integers(1, 100))
def test_what_holds_of_any_rhythm(data: st.DataObject, start: date, length: int) -> None:
    everyday = window(length, start)
    step, phase = data.draw(st.integers(1, 31)), data.draw(st.integers(0, 30))
    noise = data.draw(st.lists(st.sampled_from(everyday), max_size=4))
    days = set(everyday[phase::step]) ^ set(noise)
    observed = sorted(set(everyday) - set(data.draw(st.lists(st.sampled_from(everyday), max_size=20))))
    found = rhythm(days, observed)
    assert found == rhythm(sorted(days), [*reversed(observed), *observed])
    if not found:
        return
    assert found.expected > max([*observed, *days])
    assert found.pattern.holds(found.expected)
    assert found.chance < MAX_CHANCE
    assert MIN_KEPT * found.of <= found.kept <= min(found.of, len(days))
    if found.kind != "daily":
        assert all(found.pattern.holds(day) for day in days)
    assert found.sentence.startswith(f"{found.pattern}, {found.kept} of {found.of} observed; by chance")
    later = data.draw(st.integers(0, 60))
    assert found.next_from(found.expected + later * DAY) >= found.expected + later * DAY


def test_due_lists_the_jobs_of_a_week() -> None:
    found = {
        "backup": rhythm(QUARTER[::7], QUARTER),
        "report": rhythm(on((6, 30), (7, 31), (8, 31)), QUARTER),
        "agent": rhythm(QUARTER, QUARTER),
    }
    rhythms = {caller: each for caller, each in found.items() if each}
    assert len(rhythms) == 3

    def told(week: date) -> list[tuple[str, str]]:
        return [(str(each.day), each.caller) for each in due(rhythms, week)]

    assert told(date(2026, 9, 1)) == [("2026-09-07", "backup")]
    assert told(date(2026, 8, 20)) == []  # before the window's end nothing is forecast
    assert told(date(2026, 9, 28)) == [("2026-09-28", "backup"), ("2026-09-30", "report")]
    assert [each.caller for each in due(rhythms, date(2026, 9, 1), {"daily"})] == ["agent"]


# Simulated callers: each gets a window, a day of the year to start on and a random source, and says when it came.
Days = list[date]


def sporadic(days: Days, rng: random.Random) -> Days:
    rate = rng.uniform(1, 15) / 90
    return [day for day in days if rng.random() < rate]


def office(days: Days, rng: random.Random) -> Days:
    rate = rng.uniform(0.05, 0.7)
    return [day for day in days if day.weekday() < 5 and rng.random() < rate]


def burst(days: Days, rng: random.Random) -> Days:
    first = rng.randrange(len(days))
    return days[first : first + rng.randint(1, 8)]


def every_so_often(days: Days, rng: random.Random) -> Days:
    """Return days at exponential gaps of some 5 to 15 days: what looks most like a job and is none."""
    gap, number, found = rng.uniform(5, 15), 0.0, []
    while (number := number + rng.expovariate(1 / gap)) < len(days):
        found.append(days[int(number)])
    return found


STRAYS = (sporadic, office, burst, every_so_often)


def job(runs: Callable[[date, int], bool], periods: int) -> Callable[[Days, random.Random], Days]:
    """Return a caller of the days on which runs(day, phase) is true, one run in twenty left out."""

    def caller(days: Days, rng: random.Random) -> Days:
        phase = rng.randrange(periods)
        return [day for day in days if runs(day, phase) and rng.random() > 0.05]

    return caller


def at_midnight(days: Days, rng: random.Random) -> Days:
    """Return days of a weekly job that begins before or after midnight."""
    late = {day + rng.randint(0, 1) * DAY for day in job(lambda day, phase: day.weekday() == phase, 7)(days, rng)}
    return sorted(late & set(days))


def last_day(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def first_working_day(day: date, _phase: int) -> bool:
    return day.weekday() < 5 and (day.day == 1 or (day.weekday() == 0 and day.day <= 3))


CALLERS = {
    "daily": job(lambda _day, _phase: True, 1),
    "workdays": job(lambda day, _phase: day.weekday() < 5, 1),
    "weekly": job(lambda day, phase: day.weekday() == phase, 7),
    "weekly, at midnight": at_midnight,
    "fortnightly": job(lambda day, phase: day.toordinal() % 14 == phase, 14),
    "monthly, one day": job(lambda day, phase: day.day == phase + 1, 28),
    "monthly, last day": job(lambda day, _phase: day.day == last_day(day), 1),
    "monthly, first working day": job(first_working_day, 1),
}
WINDOWS = (14, 21, 30, 60, 90)
DRAWS = 600


def simulated(caller: Callable[[Days, random.Random], Days], length: int, seed: str) -> list[tuple[int, str | None]]:
    """Return for many callers how many days each was seen, and the kind it was taken for; 3 % of days are lost."""
    rng, found = random.Random(seed), []
    for _ in range(DRAWS):
        days = window(length, START + rng.randrange(365) * DAY)
        observed = [day for day in days if rng.random() > 0.03]
        seen = set(caller(days, rng)) & set(observed)
        taken = rhythm(seen, observed)
        found.append((len(seen), taken.kind if taken else None))
    return found


@pytest.mark.parametrize("length", WINDOWS)
@pytest.mark.parametrize("caller", STRAYS)
def test_hardly_a_stray_caller_is_taken_for_a_job(caller: Callable[[Days, random.Random], Days], length: int) -> None:
    found = simulated(caller, length, f"{caller.__name__} {length}")
    assert sum(kind in JOBS for _, kind in found) <= 0.005 * DRAWS


@pytest.mark.parametrize(
    ("caller", "percent"),
    [  # of the callers, by window as in WINDOWS
        ("daily", (94, 97, 99, 100, 100)),
        ("workdays", (0, 81, 97, 99, 100)),
        ("weekly", (0, 76, 97, 99, 100)),
        ("weekly, at midnight", (0, 18, 80, 99, 100)),
        ("fortnightly", (0, 0, 11, 97, 98)),
        ("monthly, one day", (0, 0, 0, 0, 75)),
        ("monthly, last day", (0, 0, 0, 0, 74)),
        ("monthly, first working day", (0, 0, 0, 1, 78)),
    ],
)
def test_jobs_are_found_as_what_they_are(caller: str, percent: tuple[int, ...]) -> None:
    kind = caller.split(",", maxsplit=1)[0]
    for length, known in zip(WINDOWS, percent, strict=True):
        found = simulated(CALLERS[caller], length, f"{caller} {length}")
        assert 100 * sum(taken == kind for _, taken in found) / DRAWS == pytest.approx(known, abs=1)
