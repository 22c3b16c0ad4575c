"""Marks never claim an hour that was not looked at, whatever stretches are asked for in whatever order."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract import mark

START = datetime(2026, 10, 1)
LOOK_BACK = timedelta(hours=3)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


HOUR = st.integers(0, 40)
RUN = st.tuples(st.none() | HOUR, st.none() | HOUR, st.integers(1, 12), st.none() | HOUR)


@given(st.lists(RUN, max_size=8))
def test_what_a_plain_run_skips_was_final(runs: list[tuple[int | None, int | None, int, int | None]]) -> None:
    """A model in which hour h is final once it was looked at when the newest hour was at least LOOK_BACK later."""
    known: mark.Mark | None = None
    newest = 0
    final: set[int] = set()
    for since, until, passed, failed in runs:
        newest += passed
        end = newest if until is None else min(until, newest)
        begin = mark.begin_of(known, None if since is None else at(since), LOOK_BACK)
        looked = {hour for hour in range(end) if begin is None or at(hour) >= begin}
        broken = failed if failed in looked else None
        final |= {hour for hour in looked if hour != broken and hour < newest - 3}
        if looked:
            reached = mark.advanced(known, None if since is None else at(since), at(end), LOOK_BACK)
            known = reached if broken is None else mark.until(known, reached, at(broken))
        skipped = mark.begin_of(known, None, LOOK_BACK)
        if skipped is not None:
            assert all(hour in final for hour in range(newest) if at(hour) < skipped), known


def test_a_plain_run_of_every_night_moves_the_mark() -> None:
    known = None
    for night in range(1, 5):
        known = mark.advanced(known, None, at(24 * night), LOOK_BACK)
        assert mark.begin_of(known, None, LOOK_BACK) == at(24 * night - 3)
