"""Killing the reading of blobs anywhere and running it again gives the tables of one clean run."""

from functools import partial
from pathlib import Path

from pipeline.store import open_store
from tests.services import jobs, kill
from tests.services.export import Export, contents, hourly
from tests.transform.test_exactly_once import some_lines


def test_killed_at_a_hundred_places_and_run_again(written: Export, tmp_path: Path) -> None:
    connection_string = written.azurite.connection_string()
    job = partial(jobs.blobs, connection_string=connection_string, prefix=written.prefix, round_bytes=12_000)
    for hour in range(12):
        written.append(hourly(hour), some_lines(8, hour))
    before = tmp_path / "before"
    with open_store(before) as store:
        job(store)
    for hour in range(9, 12):  # what the look-back still sees
        match hour % 4:
            case 0:
                written.append(hourly(hour), some_lines(4, hour + 50) + some_lines(1, 1)[:80])
            case 1:
                written.rewrite(hourly(hour), some_lines(9, hour + 70))
            case 2:
                written.rewrite(hourly(hour), some_lines(3, hour) + "no json\n")
            case 3:
                written.append(hourly(hour), "half a line")
        written.append(hourly(hour + 8), some_lines(6, hour + 90), written.prefix + "publicoutbound")
    expected = written.expected(tmp_path)
    killed = kill.kill_and_run_again(before, job, contents, expected, by_call=40, by_time=60)
    assert killed >= 70, "too few kills hit a running ingest"
