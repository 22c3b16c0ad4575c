"""A log is loaded once, wherever its file is copied, moved or compressed to in between."""

import gzip
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest import ingest_folder
from pipeline.store import Store, open_store
from tests.services.export import FOLDER, hourly
from tests.thorough import times
from tests.transform.test_exactly_once import some_lines

CONTAINER = "insights-logs-nsppublicinboundresourcerulesallowed"


def written(root: Path, text: str, hour: int = 1, folder: str = FOLDER) -> Path:
    path = root / CONTAINER / hourly(hour, folder=folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def compressed(path: Path) -> Path:
    made = path.with_name(path.name + ".gz")
    made.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return made


def records(store: Store) -> int:
    return int(store._connection.execute("select count(*) from access_log").fetchall()[0][0])


def requests(store: Store) -> int:
    return int(store._connection.execute("select coalesce(sum(requests), 0) from traffic").fetchall()[0][0])


@pytest.mark.parametrize("lines", [2, 200])
def test_copied_moved_and_compressed_exports_are_loaded_once(store: Store, tmp_path: Path, lines: int) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    for hour in (1, 2):
        written(first, some_lines(lines, hour), hour)
    ingest_folder(store, first)
    counted = requests(store)
    shutil.copytree(first, second)
    result = ingest_folder(store, tmp_path)
    assert (result.copies, result.outcome.records, records(store)) == (2, 0, 2 * lines)
    shutil.rmtree(first)
    second.rename(third)
    assert ingest_folder(store, tmp_path).outcome.records == 0
    assert ingest_folder(store, tmp_path).unchanged == 2
    for path in third.rglob("*.json"):
        compressed(path)
    assert ingest_folder(store, tmp_path).outcome.records == 0
    assert ingest_folder(store, tmp_path).unchanged == 2
    third.rename(first)
    assert ingest_folder(store, tmp_path).outcome.records == 0
    assert (records(store), requests(store)) == (2 * lines, counted)


@pytest.mark.parametrize("lines", [2, 200])
@pytest.mark.parametrize("packed", [False, True])
def test_what_a_copy_holds_more_is_loaded(store: Store, tmp_path: Path, lines: int, *, packed: bool) -> None:
    text = some_lines(lines, 1)
    old = written(tmp_path / "old", text)
    ingest_folder(store, tmp_path)
    new = written(tmp_path / "new", text + some_lines(3, 2))
    if packed:
        new = compressed(new)
    assert ingest_folder(store, tmp_path).outcome.records == 3
    for _ in range(2):  # the old one is an older copy of the new one now
        assert ingest_folder(store, tmp_path).outcome.records == 0
    with old.open("a") as file:
        file.write(some_lines(3, 2) + some_lines(4, 3))
    for _ in range(2):
        ingest_folder(store, tmp_path)
    assert records(store) == lines + 3 + 4


@pytest.mark.parametrize("lines", [2, 200])
def test_several_copies_that_are_new_at_once(store: Store, tmp_path: Path, lines: int) -> None:
    text = some_lines(lines, 1)
    for name, more in (("a", ""), ("b", some_lines(2, 2)), ("c", some_lines(2, 2) + some_lines(5, 3))):
        written(tmp_path / name, text + more)
    compressed(written(tmp_path / "d", text))
    for _ in range(4):
        ingest_folder(store, tmp_path)
    assert records(store) == lines + 2 + 5


def test_files_of_one_name_that_hold_something_else_are_all_loaded(store: Store, tmp_path: Path) -> None:
    for number, name in enumerate(("first", "second")):
        written(tmp_path / name, some_lines(50, number))
    compressed(written(tmp_path / "third", some_lines(50, 7)))
    ingest_folder(store, tmp_path)
    assert records(store) == 150
    compressed(written(tmp_path / "fourth", some_lines(50, 8)))
    result = ingest_folder(store, tmp_path)
    assert (result.copies, records(store)) == (0, 200)


@settings(max_examples=times(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_order_of_copying_growing_and_loading(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chosen, folder = random.Random(seed), tmp_path_factory.mktemp("copies")
    export = folder / "export"
    short = chosen.choice((2, 60))
    parts = [some_lines(short, 1)]
    written(export / "0", parts[0])
    with open_store(folder / "store") as store:
        for step in range(1, 9):
            there = sorted(export.rglob("PT1H.json*"))
            path = chosen.choice(there)
            root = export / str(step)
            match chosen.choice(("copy", "move", "grow", "pack", "load", "load")):
                case "copy":
                    target = root / path.relative_to(export / path.relative_to(export).parts[0])
                    target.parent.mkdir(parents=True)
                    shutil.copy(path, target)
                case "move":
                    target = root / path.relative_to(export / path.relative_to(export).parts[0])
                    target.parent.mkdir(parents=True)
                    path.rename(target)
                case "grow" if path.suffix == ".json":
                    held = path.read_text()
                    whole = "".join(parts)
                    if held == whole:
                        parts.append(some_lines(chosen.randint(1, 5), 100 + step))
                    path.write_text("".join(parts))
                case "pack" if path.suffix == ".json" and not path.with_name("PT1H.json.gz").exists():
                    compressed(path)
                case _:
                    ingest_folder(store, export)
        for _ in range(len(list(export.rglob("PT1H.json*"))) + 1):
            ingest_folder(store, export)
        found = Counter(
            store._connection.execute("select line, count, source_ip from access_log order by line").fetchall()
        )
        held = max((text_of(path) for path in export.rglob("PT1H.json*")), key=len)
        assert found.total() == held.count("\n"), seed
        assert set(found.values()) == {1}, seed


def text_of(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
