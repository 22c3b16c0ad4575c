"""The sample is the same for the same seed, and holds what it should."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest import ingest_folder
from pipeline.sample.generate import SMALL_HOURS, write_export
from pipeline.store import Store
from pipeline.tables import CATEGORIES


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_kept_sample_is_what_the_program_writes(tmp_path: Path) -> None:
    kept = Path(__file__).parent.parent.parent / "data" / "sample"
    write_export(tmp_path, 2400, hours=SMALL_HOURS)
    assert tree(tmp_path) == tree(kept), "run `make sample`"
    assert sum(len(content) for content in tree(kept).values()) < 3_000_000


def test_seed_decides(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_export(tmp_path / name, 500, seed=seed)
    assert tree(tmp_path / "a") == tree(tmp_path / "b") != tree(tmp_path / "c")


@pytest.fixture
def loaded(store: Store, tmp_path: Path) -> Any:
    written = write_export(tmp_path / "x", 5000, messy=False)
    return store, ingest_folder(store, tmp_path / "x"), written


def test_without_mess_every_record_goes_the_quick_way(loaded: Any) -> None:
    store, result, written = loaded
    assert (result.outcome.records, result.outcome.rejected, result.outcome.careful) == (written, 0, {})
    assert {row[0] for row in store.rows("coverage/category_counts")} == set(CATEGORIES)


def test_five_weeks_with_a_rhythm(loaded: Any) -> None:
    store, _, _ = loaded
    totals = store.frame("coverage/totals").to_dicts()[0]
    assert totals["days_seen"] == 35
    read = (
        "select count(*) from traffic where source_ip in ('203.0.113.32', '203.0.113.40') and dayofweek(hour) in (0, 6)"
    )
    assert store._connection.execute(read).fetchall() == [(0,)], "the office works on week-ends"
