"""Killing an ingest anywhere and running it again gives the tables of one clean run.

Half of the kills come at the n-th call of a function of ours, so that every gap between two statements is hit;
the other half at a random moment, so that DuckDB is hit in the middle of a statement or a commit.
"""

from functools import partial
from typing import Any

import pytest

from pipeline.ingest import ingest_folder
from pipeline.store import open_store
from tests.services import jobs, kill
from tests.thorough import times
from tests.transform.test_exactly_once import clean, contents, some_lines

CALL_KILLS = times(26)
TIMED_KILLS = times(26)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store with last night's files, and the files as they are tonight: grown, cut, rewritten, shrunk, new."""
    base = tmp_path_factory.mktemp("kill")
    export = base / "export"
    export.mkdir()
    for number in range(8):
        (export / f"{number:02d}.json").write_text(some_lines(8, number))
    with open_store(base / "before") as store:
        ingest_folder(store, export)
    for number in range(8):
        path = export / f"{number:02d}.json"
        match number % 4:
            case 0:
                path.write_text(path.read_text() + some_lines(4, number + 50) + some_lines(1, 1)[:80])
            case 1:
                path.write_text(some_lines(9, number + 70))
            case 2:
                path.write_text(some_lines(3, number) + "no json\n")
            case 3:
                path.write_text(path.read_text() + "half a line")
        if number < 4:
            (export / f"new-{number:02d}.json").write_text(some_lines(6, number + 90))
    return base, export, clean(base / "clean", export)


def test_killed_at_many_places_and_run_again(night: Any) -> None:
    base, export, expected = night
    job = partial(jobs.folder, export=export, round_bytes=40_000)
    killed = kill.kill_and_run_again(base / "before", job, contents, expected, by_call=CALL_KILLS, by_time=TIMED_KILLS)
    assert killed >= (CALL_KILLS + TIMED_KILLS) * 0.7, "too few kills hit a running ingest"
