"""kill -9 at every step: the night after leaves what a night that nobody killed leaves."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from pipeline.nightly import kept, lock
from pipeline.store import PUBLISHED, attach, open_store
from tests.conftest import line
from tests.forks import FORKS
from tests.nightly import jobs

ATTENTION, INTERRUPTED = 3, 130
PLACES = [
    ("return", "at", "begin"),
    ("return", "ingest_folder", "ingest-folder"),
    ("call", "_inventory", "inventory"),
    ("return", "publish_snapshot", "recommend"),
    ("return", "_recommend", "recommend"),
    ("return", "html", "report"),
    ("call", "add_run", "notify"),
    ("call", "forget", "notify"),
    ("call", "forget_old", ""),
]
OF_A_TIME = frozenset({"loaded_at", "read_at", "seen_at", "taken_at", "confirmed_at", "created"})


def _run(store: Path, words: list[str], event: str = "", name: str = "", number: int = signal.SIGKILL) -> int | None:
    process = FORKS.Process(target=jobs.night, args=(store, words, event, name, number))
    process.start()
    process.join()
    return process.exitcode


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The same export for all, since the ledger knows files by path and time."""
    folder = tmp_path_factory.mktemp("logs")
    export = folder / "export"
    export.mkdir()
    for day in range(1, 4):
        text = "".join(
            line(time=f"2026-10-0{day}T0{hour}:10:00Z", properties__source__ipAddress=f"203.0.113.{hour}")
            for hour in range(1, 6)
        )
        (export / f"{day}.json").write_text(text)
    (folder / "known.csv").write_text("name,cidr,owner\nOffice,203.0.113.0/24,us\n")
    return ["--folder", str(export), "--inventory", str(folder / "known.csv"), "--notify-command", "true"]


def _answers(store: Path) -> dict[str, Any]:
    """All that people read after a night, but for the times of the night itself."""
    found: dict[str, Any] = {}
    with open_store(store, read_only=True) as warehouse:
        counts = warehouse.tables()
        for table in ("access_log", "traffic", "load_ledger", "known_network"):
            frame = warehouse.whole(table)
            kept_columns = [each for each in frame.columns if each not in OF_A_TIME and not each.endswith("_at")]
            found[table] = sorted(map(str, frame.select(kept_columns).rows()))
            assert len(found[table]) == counts[table]
    snapshot = attach(store / PUBLISHED)
    found["snapshot"] = snapshot.tables()
    snapshot.close()
    entry = kept.entries(store)[-1]
    run = json.loads((store / entry["found"]).read_text())
    del run["run"]["created"]
    found["run"] = run
    found["page"] = len((store / "report.html").read_text().splitlines())
    found["ended"] = entry["exit_code"], [(each["name"], each["status"]) for each in entry["steps"]]
    return found


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("clean")
    assert _run(folder / "store", words) == ATTENTION
    return _answers(folder / "store")


@pytest.mark.parametrize(("event", "name", "step"), PLACES)
def test_a_killed_night_is_made_good(
    tmp_path: Path, words: list[str], clean: dict[str, Any], event: str, name: str, step: str
) -> None:
    store = tmp_path / "store"
    assert _run(store, words, event, name) == -signal.SIGKILL
    assert not lock.is_running(store), "the lock goes with the process"
    recorded = [each["id"] for each in kept.entries(store)]
    assert _run(store, words) == ATTENTION
    assert _answers(store) == clean
    runs = kept.entries(store)
    assert len({each["id"] for each in runs}) == len(runs) == 2, "each run has one line"
    killed = runs[0]
    if recorded:
        assert "interrupted" not in killed, "it had come to its end"
    else:
        assert (killed["interrupted"], killed["ended"], killed["exit_code"]) == (True, None, None)
        assert killed["steps"][0]["name"] == step
    assert lock.holder(store) is None
    left = {path.name for path in store.iterdir() if ".part" in path.name}
    assert left == set()


def test_a_night_that_somebody_stops_says_so(tmp_path: Path, words: list[str]) -> None:
    store = tmp_path / "store"
    page = store / "report.html"
    assert _run(store, words) == ATTENTION
    page.write_text("last night's")
    assert _run(store, words, "call", "gather", signal.SIGINT) == INTERRUPTED
    entry = kept.entries(store)[-1]
    assert entry["exit_code"] == 1
    assert entry["ended"]
    step = entry["steps"][-1]
    assert (step["name"], step["status"], step["error"]) == ("report", "failed", "it was stopped by KeyboardInterrupt")
    assert page.read_text() == "last night's"
    assert "found" not in entry, "the next night compares with the last one that came to its end"
    assert len(list((store / kept.RUNS).iterdir())) == 1
