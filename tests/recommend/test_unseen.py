"""What a window has not seen of the calendar: ends of months and of weeks, and the jobs of a month."""

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recommend.unseen import calendar_gaps, unseen_monthly


def window(length: int, start: date) -> list[date]:
    return [start + timedelta(days=number) for number in range(length)]


QUARTER = window(92, date(2026, 6, 1))  # June to August


def no_end(period: str, following: str) -> str:
    return f"no {period} end was seen (the last day of one and the first two of the next); the next is {following}"


@pytest.mark.parametrize(
    ("observed", "long_periods", "told"),
    [
        ([], False, ["no day was seen"]),
        (QUARTER, False, []),
        (QUARTER, True, [no_end("year", "2026-12-31 to 2027-01-02")]),
        (
            window(4, date(2026, 12, 30)),
            True,
            ["less than one whole week was seen (4 days)", "no Monday, Tuesday or Sunday was seen"],
        ),
        (
            window(29, date(2026, 10, 2)),
            False,
            [
                "no first day of a month was seen; the next is 2026-11-01",
                no_end("month", "2026-10-31 to 2026-11-02"),
            ],
        ),
        (
            window(31, date(2026, 10, 1)),  # its last day is seen, and what follows is not
            True,
            [
                no_end("month", "2026-11-30 to 2026-12-02"),
                no_end("quarter", "2026-12-31 to 2027-01-02"),
                no_end("year", "2026-12-31 to 2027-01-02"),
            ],
        ),
        (window(24, date(2026, 9, 8)), False, [no_end("month", "2026-10-31 to 2026-11-02")]),  # to the first
        ([day for day in QUARTER if day.weekday() < 5], False, ["no Saturday or Sunday was seen"]),
    ],
)
def test_gaps_of_the_calendar(observed: list[date], long_periods: bool, told: list[str]) -> None:
    assert calendar_gaps(observed, long_periods=long_periods) == told


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 120))
def test_thirty_three_days_have_no_gap(start: date, length: int) -> None:
    gaps = calendar_gaps(window(length, start))
    assert not gaps or length < 33


@pytest.mark.parametrize(
    ("seen_once", "days", "unseen"), [(0, 14, 0), (7, 15, 7), (4, 20, 2), (9, 30, 0), (9, 31, 0), (9, 400, 0)]
)
def test_unseen_monthly(seen_once: int, days: int, unseen: float) -> None:
    assert unseen_monthly(seen_once, days) == pytest.approx(unseen)


@pytest.mark.parametrize(("seen_once", "days"), [(-1, 14), (1, 0)])
def test_unseen_monthly_refuses_what_cannot_be(seen_once: int, days: int) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        unseen_monthly(seen_once, days)


@pytest.mark.parametrize("days", [7, 14, 21, 28])
def test_unseen_monthly_is_right_on_average(days: int) -> None:
    rng = random.Random(days)
    jobs, draws = 10, 4000
    seen = [sum(rng.random() < days / 30 for _ in range(jobs)) for _ in range(draws)]
    mean = sum(unseen_monthly(each, days) for each in seen) / draws
    assert mean == pytest.approx(jobs * (1 - days / 30), abs=0.25)


@pytest.mark.parametrize("rogue", [date.min, date(9998, 12, 31), date.max])
def test_a_day_at_either_end_of_the_calendar_is_none(rogue: date) -> None:
    assert calendar_gaps([rogue]) == ["no day was seen"]
    assert calendar_gaps([*QUARTER, rogue]) == []
