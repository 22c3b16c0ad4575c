"""What a store is asked for beside queries."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from pipeline.errors import QueryError, StoreError
from pipeline.store import MODEST_MEBIBYTES, WAREHOUSE, Store, open_store
from pipeline.tables import ADDRESS, SCHEMA_VERSION


def setting(store: Store, name: str) -> object:
    return store._connection.execute(f"select current_setting('{name}')").fetchall()[0][0]


@pytest.mark.parametrize(("memory", "lowered"), [("8GB", True), ("90MB", False)])
def test_modest_work_takes_little_memory_and_never_more_than_was_allowed(
    tmp_path: Path, memory: str, *, lowered: bool
) -> None:
    with open_store(tmp_path, memory=memory) as store:
        before = setting(store, "memory_limit")
        with store.modestly():
            assert store.is_modest is lowered
            modest = setting(store, "memory_limit")
            assert modest == (f"{MODEST_MEBIBYTES}.0 MiB" if lowered else before)
            with store.generously():
                assert setting(store, "memory_limit") == before
            assert setting(store, "memory_limit") == modest
        assert (setting(store, "memory_limit"), store.is_modest) == (before, False)


def test_modest_work_is_done_by_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after a transaction that failed."""
    rows = "select $text as text, current_setting('threads') as canonical, 'public' as network"
    queries = {"good": rows, "bad": f"{rows}, error($text)"}
    monkeypatch.setattr(Store, "_query", lambda _, name: SimpleNamespace(text=queries[name]))
    with open_store(tmp_path) as store:
        store._connection.execute("set threads = 3")
        with store.modestly():
            for number, name in enumerate(["good", "bad", "good"]):
                with suppress(QueryError), store.transaction():
                    store.append(ADDRESS, name, text=f"address {number}")
        store.append(ADDRESS, "good", text="address 3")
        found = store._connection.execute("select text, canonical from address order by text").fetchall()
    assert found == [("address 0", "1"), ("address 2", "1"), ("address 3", "3")]


def test_no_progress_bar_of_duckdb_goes_to_stdout(tmp_path: Path) -> None:
    """Its client shows one wherever `__main__` has no file."""
    code = "import sys; from pathlib import Path; from tests.store.test_warehouse import setting, open_store\n"
    code += "print(setting(open_store(Path(sys.argv[1])), 'enable_progress_bar'))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


class _Late:
    """A connection whose rollbacks are interrupted: before they are done, or after."""

    def __init__(self, real: Any, moments: list[str]) -> None:
        self._real = real
        self._moments = moments

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def rollback(self) -> None:
        moment = self._moments.pop(0) if self._moments else "never"
        if moment != "before":
            self._real.rollback()
        if moment != "never":
            raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")


def give_up(store: Store, work: Callable[[], object]) -> None:
    with store.transaction():
        work()
        raise KeyboardInterrupt


@pytest.mark.parametrize("moments", [["before"], ["after"], ["before", "before"], ["before", "after"]])
def test_a_rollback_that_is_interrupted_is_made_all_the_same(store: Store, moments: list[str]) -> None:
    real = store._connection
    store._connection = _Late(real, moments)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        give_up(store, lambda: store.replace(ADDRESS, [("203.0.113.7", "203.0.113.7", 4, "1", "public")]))
    assert moments == []
    assert len(store.whole("address")) == 0
    with store.transaction():
        pass


def test_a_rollback_without_a_transaction_is_no_success(store: Store) -> None:
    with pytest.raises(duckdb.TransactionException):
        give_up(store, store._connection.rollback)


@pytest.mark.parametrize(("version", "words"), [(SCHEMA_VERSION - 1, "older nsp.*keep it"), (99, "newer nsp.*update")])
def test_a_store_of_another_version_is_not_touched(tmp_path: Path, version: int, words: str) -> None:
    open_store(tmp_path).close()
    with duckdb.connect(str(tmp_path / WAREHOUSE)) as connection:
        connection.execute("update store_version set version = ?", [version])
    with pytest.raises(StoreError, match=words):
        open_store(tmp_path)
