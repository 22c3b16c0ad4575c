"""The warehouse is written anew whole or not at all, and nobody's writes are lost by it."""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import StoreBusyError, StoreError
from pipeline.retention.compact import compact
from pipeline.retention.drop import Keep
from pipeline.retention.retain import Compaction, retain
from pipeline.store import WAREHOUSE, open_store
from pipeline.tables import LOAD_MARK
from pipeline.transform import rollup
from tests.forks import FORKS
from tests.retention import history
from tests.retention.history import NOW, START

EVEN = Compaction(share=0.1, fewest_bytes=1)


def contents(folder: Path) -> dict[str, Any]:
    """All rows of all tables."""
    with open_store(folder, read_only=True) as store:
        return {name: sorted(map(str, store.whole(name).rows())) for name in store.tables()}


MANY = """insert into access_log_stored by name
select 1 as source_id, i + 1000 as line,
    timestamp '2026-10-01' + interval (i // 40) second + interval (days) day as time,
    1 as count, false as counted, 'NspPublicInboundResourceRulesAllowed' as category, md5(i::varchar) as parameters
from (select i, if(i < 130000, 0, 5) as days from range(190000) as numbers (i))"""
"""DuckDB frees groups of 122,880 rows: fewer would give no space back."""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that is large enough for free blocks."""
    base = tmp_path_factory.mktemp("compact")
    (base / "export").mkdir()
    (base / "export" / "a.json").write_text(history.lines(60, 1) + "bad\n")
    with open_store(base / "store") as store:
        history.load(store, base / "export")
        store._connection.execute(MANY)
        with store.transaction():
            rollup.refresh(store, {row[0]: 0 for row in rollup.hours_of(store, [1])})
    return base / "store"


def copied(night: Path, folder: Path) -> Path:
    folder.mkdir()
    (folder / WAREHOUSE).write_bytes((night / WAREHOUSE).read_bytes())
    return folder


def test_dropped_rows_give_their_space_back(night: Path, tmp_path: Path) -> None:
    folder = copied(night, tmp_path / "store")
    (folder / WAREHOUSE).chmod(0o640)
    with open_store(folder, read_only=True) as store:
        before = history.answers(store)
    found = retain(folder, Keep(raw_days=1), EVEN, NOW)
    assert found.dropped.records > 130_000
    assert found.bytes_after < found.bytes_before * 0.7
    assert (found.bytes_after, found.problem) == ((folder / WAREHOUSE).stat().st_size, "")
    assert [path.name for path in folder.iterdir()] == [WAREHOUSE]
    assert (folder / WAREHOUSE).stat().st_mode & 0o777 == 0o640
    with open_store(folder) as store:
        assert history.answers(store) == before
        assert store.space().free_bytes < found.bytes_before - found.bytes_after
    again = retain(folder, Keep(raw_days=1), EVEN, NOW)
    assert again.dropped.records == 0


def test_a_link_to_the_warehouse_stays_one(night: Path, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "night", tmp_path / "elsewhere"
    shutil.copytree(night, folder)
    elsewhere.mkdir()
    (folder / WAREHOUSE).rename(elsewhere / "w.duckdb")
    (folder / WAREHOUSE).symlink_to(elsewhere / "w.duckdb")
    before = contents(folder)
    compact(folder)
    assert (folder / WAREHOUSE).is_symlink()
    assert contents(folder) == before
    assert [each.name for each in elsewhere.iterdir()] == ["w.duckdb"]


def test_little_that_is_free_is_left(night: Path, tmp_path: Path) -> None:
    folder = copied(night, tmp_path / "store")
    file = (folder / WAREHOUSE).stat().st_ino
    for never in (Compaction(share=1, fewest_bytes=1), Compaction(share=0.1)):
        assert retain(folder, Keep(raw_days=1), never, NOW).problem == ""
    assert (folder / WAREHOUSE).stat().st_ino == file
    assert retain(tmp_path / "none", Keep(raw_days=1), EVEN, NOW).bytes_after == 0
    assert not (tmp_path / "none").exists()


def test_a_copy_that_cannot_be_made_leaves_all_as_it_is(night: Path, tmp_path: Path) -> None:
    folder = copied(night, tmp_path / "store")
    retain(folder, Keep(raw_days=1), Compaction(share=1), NOW)
    before = contents(folder)
    process = FORKS.Process(target=_without_room, args=(folder,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert contents(folder) == before
    assert [path.name for path in folder.iterdir()] == [WAREHOUSE]


def _without_room(folder: Path) -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails, as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    with pytest.raises(StoreError, match="can't be written"):
        compact(folder)


def _read(folder: Path, opened: Any, go_on: Any) -> None:
    with open_store(folder, read_only=True):
        opened.send(True)
        go_on.recv()


def test_who_reads_is_waited_for(night: Path, tmp_path: Path) -> None:
    folder = copied(night, tmp_path / "store")
    retain(folder, Keep(raw_days=1), Compaction(share=1), NOW)
    file = (folder / WAREHOUSE).stat().st_ino
    is_open, opened = FORKS.Pipe(duplex=False)
    waits, go_on = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_read, args=(folder, opened, waits))
    process.start()
    is_open.recv()
    with pytest.raises(StoreBusyError):
        compact(folder, wait=0.2)
    assert (folder / WAREHOUSE).stat().st_ino == file
    go_on.send(True)
    process.join()
    assert compact(folder) > 0
    for each in (is_open, opened, waits, go_on, process):
        each.close()


def _killed(folder: Path, event: str, name: str) -> None:
    def kill(frame: Any, what: str, _: object) -> None:
        if what == event and frame.f_code.co_name == name and "/pipeline/" in frame.f_code.co_filename:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(kill)
    retain(folder, Keep(raw_days=1, flow_days=4), EVEN, NOW)


PLACES = [
    ("return", "_drop_flows"),
    ("call", "clear"),
    ("return", "append"),
    ("return", "space"),
    ("call", "compact"),
    ("return", "copy_store"),
    ("call", "_sync"),
    ("return", "_sync"),
    ("return", "sync_folder"),
]


@pytest.fixture(scope="module")
def clean(night: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = copied(night, tmp_path_factory.mktemp("clean") / "store")
    retain(folder, Keep(raw_days=1, flow_days=4), EVEN, NOW)
    return contents(folder)


@pytest.mark.parametrize(("event", "name"), PLACES)
def test_killed_anywhere_and_run_again(
    night: Path, tmp_path: Path, clean: dict[str, Any], event: str, name: str
) -> None:
    folder = copied(night, tmp_path / "store")
    process = FORKS.Process(target=_killed, args=(folder, event, name))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    retain(folder, Keep(raw_days=1, flow_days=4), EVEN, NOW)
    assert contents(folder) == clean


def _write(folder: Path, writer: int, times: int) -> None:
    for number in range(times):
        with open_store(folder, wait=600) as store, store.transaction():
            store.append_rows(LOAD_MARK, [("blob", f"{writer}-{number}", None, START)])


def test_nobody_writes_to_the_file_that_was_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    open_store(folder).close()
    writers, times = 2, 10
    processes = [FORKS.Process(target=_write, args=(folder, writer, times)) for writer in range(writers)]
    for process in processes:
        process.start()
    replaced = 0
    while any(process.is_alive() for process in processes):
        file = (folder / WAREHOUSE).stat().st_ino
        compact(folder, wait=600)
        replaced += (folder / WAREHOUSE).stat().st_ino != file
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert replaced > 1
    with open_store(folder, read_only=True) as store:
        assert store.tables()["load_mark"] == writers * times
