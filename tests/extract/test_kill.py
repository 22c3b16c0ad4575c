"""Killing the reading of blobs or a workspace anywhere, or filling the disk, and running it again gives the same."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from pipeline.store import Store, open_store
from tests.extract.test_workspace import held, hour, loaded, records
from tests.services import jobs, kill, log_analytics
from tests.services.export import Export, contents, hourly
from tests.thorough import times
from tests.transform.test_exactly_once import some_lines


def blob_job(written: Export, round_bytes: int = 40_000) -> kill.Job:
    connection_string = written.azurite.connection_string()
    return partial(jobs.blobs, connection_string=connection_string, prefix=written.prefix, round_bytes=round_bytes)


def test_blobs_killed_at_many_places(written: Export, tmp_path: Path) -> None:
    job = blob_job(written)
    for number in range(6, 12):
        written.append(hourly(number), some_lines(8, number))
    before = tmp_path / "before"
    with open_store(before) as store:
        job(store)
    written.append(hourly(9), some_lines(9, 9))  # the hours that the look-back still sees
    written.rewrite(hourly(10), some_lines(3, 10) + "no json\n")
    written.append(hourly(11), some_lines(4, 11) + some_lines(1, 1)[:80])
    for number in range(9, 13):
        written.append(hourly(number), some_lines(6, number + 90), written.prefix + "publicoutbound")
    expected = written.expected(tmp_path)
    killed = kill.kill_and_run_again(before, job, contents, expected, by_call=times(25), by_time=times(25))
    assert killed >= times(35), "too few kills hit a running ingest"


def workspace_contents(store: Store) -> object:
    texts = (
        "select name, records, rejected from load_ledger order by all",
        "select * from traffic order by all",
        "select * from load_mark",
    )
    return loaded(store), [store._connection.execute(text).fetchall() for text in texts]


def test_workspace_killed_at_many_places(analytics: log_analytics.LogAnalytics, tmp_path: Path) -> None:
    job = partial(jobs.workspace, port=analytics.port, certificate=analytics.certificate, rows=40)
    analytics.now = hour(4.3)
    for number in range(4):
        analytics.add(hour(number + 0.5), records(12, number))
    before = tmp_path / "before"
    with open_store(before) as store:
        job(store)
    analytics.now = hour(7.5)
    analytics.add(hour(0.7), records(3, 20))  # late
    analytics.add(hour(3.7), records(2, 21))
    for number in range(4, 7):
        analytics.add(hour(number + 0.5) - timedelta(minutes=number), records(12, number))
    with open_store(tmp_path / "clean") as store:
        job(store)
        assert loaded(store) == held(analytics)
        expected = workspace_contents(store)
    killed = kill.kill_and_run_again(before, job, workspace_contents, expected, by_call=times(25), by_time=times(25))
    assert killed >= times(35), "too few kills hit a running ingest"


@pytest.mark.parametrize("quota", [40_000, 300_000, 1_000_000])
def test_full_disk(written: Export, tmp_path: Path, quota: int) -> None:
    for number in range(6):
        written.append(hourly(number), some_lines(400, number))
    job = blob_job(written, 200_000)
    folder = tmp_path / "store"
    assert kill.run(folder, job, kill.Place(quota=quota)) is None, "the quota was large enough"
    with open_store(folder) as store:
        job(store)
        assert contents(store) == written.expected(tmp_path)
