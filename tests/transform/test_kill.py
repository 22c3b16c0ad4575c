"""Killing an ingest anywhere and running it again gives the tables of one clean run.

Half of the kills come at the n-th call of a function of ours, so that every gap between two statements is hit;
the other half at a random moment, so that DuckDB is hit in the middle of a statement or a commit.
"""

import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest import ingest_folder
from pipeline.store import open_store
from tests.transform.test_exactly_once import clean, contents, some_lines

CALL_KILLS = 30
TIMED_KILLS = 40
WORKER = """
import os, signal, sys
from pathlib import Path
from pipeline.ingest import ingest_folder
from pipeline.store import open_store

store, export, call = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
calls = 0

def count(frame, event, argument):
    global calls
    if event == "call" and "/pipeline/" in frame.f_code.co_filename:
        calls += 1
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)

with open_store(store) as opened:
    print("open", flush=True)
    if call:
        sys.setprofile(count)
    ingest_folder(opened, export, round_bytes=12000)
    sys.setprofile(None)
print(calls)
"""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store with last night's files, and the files as they are tonight: grown, cut, rewritten, shrunk, new."""
    base = tmp_path_factory.mktemp("kill")
    export = base / "export"
    export.mkdir()
    for number in range(12):
        (export / f"{number:02d}.json").write_text(some_lines(8, number))
    with open_store(base / "before") as store:
        ingest_folder(store, export)
    for number in range(12):
        path = export / f"{number:02d}.json"
        match number % 4:
            case 0:
                path.write_text(path.read_text() + some_lines(4, number + 50) + some_lines(1, 1)[:80])
            case 1:
                path.write_text(some_lines(9, number + 70))
            case 2:
                path.write_text(some_lines(3, number) + "no json\n")
            case 3:
                path.write_text(path.read_text() + "half a line")
        (export / f"new-{number:02d}.json").write_text(some_lines(6, number + 90))
    return base, export, clean(base / "clean", export)


def worker(store: Path, export: Path, call: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(store), str(export), str(call)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def measured(base: Path, export: Path, call: int) -> tuple[float, int]:
    """Seconds and calls of a run that nobody kills."""
    store = base / f"measured{call}"
    shutil.copytree(base / "before", store)
    whole = worker(store, export, call)
    assert whole.stdout
    whole.stdout.readline()  # "open"
    started = time.monotonic()
    out, _ = whole.communicate(timeout=60)
    return time.monotonic() - started, int(out.splitlines()[-1])


def test_killed_at_seventy_places_and_run_again(night: Any) -> None:
    base, export, expected = night
    seconds, _ = measured(base, export, 0)
    _, calls = measured(base, export, 10**9)
    assert calls > 500, "the profile saw no calls, so the kills would hit nothing"
    chosen = random.Random(11)
    # calls made in DuckDB's own threads are not seen, so runs differ: stay well inside
    places = [(chosen.randint(1, calls * 6 // 10), 0.0) for _ in range(CALL_KILLS)]
    places += [(0, chosen.uniform(0, seconds)) for _ in range(TIMED_KILLS)]

    def kill_and_run_again(number: int) -> tuple[bool, bool]:
        call, delay = places[number]
        store = base / f"store{number}"
        shutil.copytree(base / "before", store)
        process = worker(store, export, call)
        if not call:
            assert process.stdout
            process.stdout.readline()  # "open"
            time.sleep(delay)
            process.kill()
        process.communicate(timeout=60)
        killed = process.returncode == -signal.SIGKILL
        with open_store(store) as opened:
            ingest_folder(opened, export)
            same = contents(opened) == expected
        shutil.rmtree(store)
        return killed, same

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(kill_and_run_again, range(len(places))))
    assert [number for number, (_, same) in enumerate(results) if not same] == []
    assert sum(killed for killed, _ in results) >= 50, "too few kills hit a running ingest"
