"""What a store is asked for beside queries."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.store import MODEST_MEBIBYTES, Store, open_store


def setting(store: Store, name: str) -> object:
    return store._connection.execute(f"select current_setting('{name}')").fetchall()[0][0]


@pytest.mark.parametrize(("memory", "lowered"), [("8GB", True), ("100MB", False)])
def test_modest_work_takes_little_memory_and_never_more_than_was_allowed(
    tmp_path: Path, memory: str, *, lowered: bool
) -> None:
    with open_store(tmp_path, memory=memory) as store:
        before = setting(store, "memory_limit")
        wanted = MODEST_MEBIBYTES * int(str(setting(store, "threads")))
        with store.modestly():
            number, unit = str(setting(store, "memory_limit")).split()
            if lowered:
                assert float(number) * {"MiB": 1, "GiB": 1024}[unit] == pytest.approx(wanted, rel=0.1)
            else:
                assert setting(store, "memory_limit") == before
        assert setting(store, "memory_limit") == before


def test_no_progress_bar_of_duckdb_goes_to_stdout(tmp_path: Path) -> None:
    """Its client shows one wherever `__main__` has no file, as in notebooks."""
    code = "import sys; from pathlib import Path; from tests.store.test_warehouse import setting, open_store\n"
    code += "print(setting(open_store(Path(sys.argv[1])), 'enable_progress_bar'))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
