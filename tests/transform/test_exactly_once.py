"""Loading twice is loading once, whatever the files do in between; the tables equal those of one clean run."""

import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest import ingest_folder
from pipeline.store import Store, open_store
from pipeline.transform import load
from tests.conftest import WhenPlanned, line
from tests.thorough import times

TABLES = {
    "access_log": "select l.name, a.* exclude (source_id) from access_log a join load_ledger l using (source_id)",
    "rejected_record": "select l.name, r.* exclude (source_id) from rejected_record r "
    "join load_ledger l using (source_id)",
    "load_ledger": "select name, * exclude (name, source_id, loaded_at) from load_ledger",
    "traffic": "select * from traffic",
}


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a load writes, without numbers and times that differ from run to run."""
    return {name: sorted(store._connection.execute(text).fetchall(), key=repr) for name, text in TABLES.items()}


def clean(folder: Path, export: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What one run over the files as they are now would give."""
    with open_store(folder) as store:
        ingest_folder(store, export)
        return contents(store)


def some_lines(count: int, seed: int) -> str:
    chosen = random.Random(seed)
    return "".join(
        line(
            time=f"2026-10-{chosen.randint(1, 3):02d}T{chosen.randint(0, 23):02d}:00:00Z",
            count=chosen.randint(1, 9),
            properties__source__ipAddress=f"203.0.113.{chosen.randint(0, 9)}",
        )
        for _ in range(count)
    )


def test_second_run_reads_nothing(store: Store, export: Path) -> None:
    (export / "a.json").write_text(some_lines(20, 1))
    ingest_folder(store, export)
    before = contents(store)
    result = ingest_folder(store, export)
    assert (result.outcome.files, result.unchanged) == (0, 1)
    assert contents(store) == before


def test_folder_and_file_given_by_other_paths_are_the_same(store: Store, export: Path) -> None:
    (export / "a.json").write_text(some_lines(5, 1))
    (export.parent / "link").symlink_to(export)
    for path in (export, export / "a.json", export.parent / "link", export / ".." / "export"):
        ingest_folder(store, path)
    assert len(contents(store)["access_log"]) == 5


def test_grown_file_is_read_from_where_it_was_left(store: Store, export: Path, tmp_path: Path) -> None:
    path = export / "a.json"
    path.write_text(some_lines(2000, 1))
    ingest_folder(store, export)
    size = path.stat().st_size
    path.write_text(some_lines(2000, 1) + some_lines(5, 2))
    read: list[int] = []

    def started(total: int) -> None:
        read.append(total)

    result = ingest_folder(store, export, watcher=WhenPlanned(started))
    assert read == [path.stat().st_size - size]
    assert result.outcome.records == 5
    assert contents(store) == clean(tmp_path / "other", export)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n"])
def test_file_that_grows_by_no_more_than_its_newline(store: Store, export: Path, ending: str) -> None:
    (export / "a.json").write_text(line().rstrip("\n"))
    (export / "b.json").write_bytes(b"\xef\xbb\xbf")
    ingest_folder(store, export)
    with (export / "a.json").open("a", newline="") as file:
        file.write(ending)
    result = ingest_folder(store, export)
    assert (result.outcome.records, result.failed) == (0, [])
    assert ingest_folder(store, export).unchanged == 2
    with (export / "a.json").open("a", newline="") as file:
        file.write(line(count=5))
    assert ingest_folder(store, export).outcome.records == 1
    assert len(contents(store)["access_log"]) == 2


def test_rewritten_shrunk_and_replaced_files_take_the_place_of_their_rows(
    store: Store, export: Path, tmp_path: Path
) -> None:
    for name in "abcd":
        (export / f"{name}.json").write_text(some_lines(30, ord(name)))
    ingest_folder(store, export)
    (export / "a.json").write_text(some_lines(10, 9))  # shrunk
    (export / "b.json").write_text(some_lines(60, 8))  # longer, but other lines
    (export / "new").write_text(some_lines(30, ord("c")).replace("203.0.113.1", "203.0.113.2"))  # same size
    (export / "new").replace(export / "c.json")
    stat = (export / "d.json").stat()
    (export / "d.json").write_text((export / "d.json").read_text().replace("203.0.113.1", "203.0.113.3"))
    os.utime(export / "d.json", ns=(stat.st_atime_ns, stat.st_mtime_ns))  # same size and time
    ingest_folder(store, export)
    assert contents(store) == clean(tmp_path / "other", export)


def test_vanished_file_keeps_its_rows(store: Store, export: Path) -> None:
    (export / "a.json").write_text(some_lines(5, 1))
    ingest_folder(store, export)
    (export / "a.json").unlink()
    ingest_folder(store, export)
    assert len(contents(store)["access_log"]) == 5


def test_oddities_of_file_systems_stop_nothing(store: Store, export: Path) -> None:
    (export / "a.json").write_text(some_lines(5, 1))
    (export / "b.json").symlink_to(export / "nowhere.json")
    (export / "c.json").mkdir()
    (export / "loop.json").symlink_to(export / "loop.json")
    (export / "again.json").symlink_to(export / "a.json")
    (export / "up").symlink_to(export)
    Path(os.fsdecode(os.fsencode(export) + b"/\xff\n.json")).write_text(some_lines(2, 2))
    os.mkfifo(export / "pipe.json")
    result = ingest_folder(store, export)
    assert result.outcome.records == 7
    assert [name for name, _ in result.unreadable] == [str(export / "loop.json")]
    assert ingest_folder(store, export).outcome.files == 0


def test_rows_of_a_rewritten_file_stay_while_it_cannot_be_read(store: Store, export: Path, tmp_path: Path) -> None:
    path = export / "a.json"
    path.write_text(some_lines(5, 1))
    ingest_folder(store, export)
    path.write_text(some_lines(4, 2))

    def started(_: int) -> None:
        path.unlink()

    before = contents(store)
    assert ingest_folder(store, export, watcher=WhenPlanned(started)).outcome.failed
    assert contents(store) == before
    path.write_text(some_lines(4, 2))
    ingest_folder(store, export)
    assert contents(store) == clean(tmp_path / "other", export)


def test_file_that_is_replaced_after_it_grew(store: Store, export: Path, tmp_path: Path) -> None:
    path = export / "a.json"
    path.write_text(some_lines(3, 1))
    ingest_folder(store, export)
    path.write_text(some_lines(3, 1) + some_lines(2, 2))

    def started(_: int) -> None:
        (export / "new").write_text(some_lines(8, 3))
        (export / "new").replace(path)

    result = ingest_folder(store, export, watcher=WhenPlanned(started))
    assert (result.failed, result.outcome.files) == ([], 1)
    assert contents(store) == clean(tmp_path / "other", export)
    assert ingest_folder(store, export).unchanged == 1


def test_envelope_that_is_still_being_written(store: Store, export: Path, tmp_path: Path) -> None:
    rows = [line().rstrip("\n") for _ in range(3)]
    whole = '{"records":[\n' + ",\n".join(rows) + "\n]}"
    (export / "a.json").write_text(whole[:-200])
    ingest_folder(store, export)
    (export / "a.json").write_text(whole)
    ingest_folder(store, export)
    assert contents(store) == clean(tmp_path / "other", export)
    assert len(contents(store)["access_log"]) == 3


def test_file_that_vanishes_between_listing_and_reading(store: Store, export: Path) -> None:
    (export / "a.json").write_text(some_lines(5, 1))
    (export / "b.json").write_text(some_lines(5, 2))

    def started(_: int) -> None:
        (export / "b.json").unlink()

    result = ingest_folder(store, export, watcher=WhenPlanned(started))
    assert result.outcome.failed == [(str(export / "b.json"), "No such file or directory")]
    assert len(contents(store)["load_ledger"]) == 1
    (export / "b.json").write_text(some_lines(5, 2))
    ingest_folder(store, export)
    assert len(contents(store)["access_log"]) == 10


def test_file_that_grows_between_listing_and_reading(store: Store, export: Path, tmp_path: Path) -> None:
    path = export / "a.json"
    path.write_text(some_lines(5, 1))
    grown = some_lines(5, 1) + some_lines(3, 2)

    def started(_: int) -> None:
        path.write_text(grown)

    ingest_folder(store, export, watcher=WhenPlanned(started))
    ingest_folder(store, export)
    assert contents(store) == clean(tmp_path / "other", export)


def test_rounds_do_not_change_the_result(store: Store, export: Path, tmp_path: Path) -> None:
    for number in range(12):
        (export / f"{number:02d}.json").write_text(some_lines(10, number) + "bad\n")
    ingest_folder(store, export, round_bytes=1)
    assert contents(store) == clean(tmp_path / "other", export)


ACTION = st.sampled_from(["append", "append_cut", "complete", "rewrite", "shrink", "delete", "bad"])


@settings(max_examples=times(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.integers(0, 2), ACTION, st.integers(0, 99)), max_size=4), min_size=1, max_size=5))
def test_any_history_of_files_ends_like_one_clean_run(tmp_path_factory: Any, nights: list[Any]) -> None:
    base = tmp_path_factory.mktemp("history")
    export = base / "export"
    export.mkdir()
    with open_store(base / "store") as store:
        for night in nights:
            for number, action, seed in night:
                _act(export / f"{number}.json", action, seed)
            ingest_folder(store, export, round_bytes=2000)
        found = contents(store)
    expected = clean(base / "clean", export)
    names = {row[0] for row in expected["load_ledger"]}  # a file that went keeps its rows; a clean run can't know them
    for table in ("access_log", "rejected_record", "load_ledger"):
        assert [row for row in found[table] if row[0] in names] == expected[table]


def _act(path: Path, action: str, seed: int) -> None:
    text = path.read_text() if path.exists() else ""
    match action:
        case "append":
            path.write_text(text + some_lines(3, seed))
        case "append_cut":
            path.write_text(text + some_lines(1, seed)[: 40 + seed])
        case "complete":
            path.write_text(text + '"}}\n')
        case "rewrite":
            path.write_text(some_lines(4, seed + 100))
        case "shrink":
            path.write_text(text[: len(text) // 2])
        case "delete":
            path.unlink(missing_ok=True)
        case "bad":
            path.write_text(text + "\nno json\n")


def test_file_that_nobody_thought_of_does_not_keep_the_others_out(
    store: Store, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        (export / f"{number}.json").write_text(some_lines(4, number))
    honest = load._Round._misunderstood

    def poisoned(self: load._Round) -> dict[int, str]:
        if any(source.name.endswith("5.json") for source in self.sources.values()):
            raise AssertionError("poison")
        return honest(self)

    with monkeypatch.context() as patch:
        patch.setattr(load._Round, "_misunderstood", poisoned)
        result = ingest_folder(store, export)
    assert result.outcome.records == 8 * 4
    assert result.outcome.failed == [(str(export / "5.json"), "AssertionError: poison")]
    ingest_folder(store, export)
    assert contents(store) == clean(tmp_path / "other", export)
