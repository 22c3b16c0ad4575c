"""Loads in little memory: what doesn't fit gets all that the settings allow, and only what doesn't fit then fails."""

import random
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import MemoryLimitError
from pipeline.ingest import ingest_folder
from pipeline.store import open_store, warehouse
from pipeline.transform import load
from tests.conftest import line

LINES = 8000


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Long texts, none like another: DuckDB can neither spill nor compress them."""
    folder = tmp_path / "export"
    folder.mkdir()
    chosen = random.Random(3)
    text = "".join(line(properties__source__parameters=chosen.randbytes(1500).hex()) for _ in range(LINES))
    (folder / "long.json").write_text(text)
    (folder / "short.json").write_text(line())
    return folder


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How each try to load a round ended."""
    ends = []
    real = load.load_round

    def watched(*words: Any) -> Any:
        try:
            outcome = real(*words)
        except MemoryLimitError:
            ends.append("too little")
            raise
        ends.append("loaded")
        return outcome

    monkeypatch.setattr(load, "load_round", watched)
    return ends


def test_what_modest_memory_does_not_hold_gets_more(
    tmp_path: Path, export: Path, tries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse, "MODEST_MEBIBYTES", 16)
    with open_store(tmp_path / "store") as store, store.modestly():
        result = ingest_folder(store, export)
        assert (result.outcome.records, result.failed) == (LINES + 1, [])
        assert tries == ["too little", "loaded"]
        (export / "next.json").write_text(line())
        assert ingest_folder(store, export).outcome.records == 1
        assert store.is_modest, "the next round tries again with little"


def test_what_no_memory_holds_is_told_with_what_to_do(tmp_path: Path, export: Path, tries: list[str]) -> None:
    with open_store(tmp_path / "store", memory="16MB") as store:
        result = ingest_folder(store, export)
        assert result.outcome.records == 1, "the other file is loaded"
        ((name, reason),) = result.failed
        assert name.endswith("long.json")
        assert "store.memory" in reason
        assert sorted(tries) == ["loaded", "too little", "too little"], "nobody tries again with the same memory"
    with open_store(tmp_path / "store") as store:
        assert ingest_folder(store, export).outcome.records == LINES
