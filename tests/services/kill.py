"""Runs an ingest in a child process that is killed, at a call or at a moment, and run again.

The children are forked from a server that has imported everything, so a hundred kills take seconds.
"""

import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.store import Store, open_store
from tests.forks import FORKS, ended, start

Job = Callable[[Store], object]
"""An ingest; a picklable one: a partial of a module's function."""


@dataclass(frozen=True)
class Place:
    """Where to kill: at the n-th call of a function of ours, so many seconds after the store is open, or not at all.

    With a quota, no file can be longer than that many bytes, as if the disk were full.
    """

    call: int = 0
    seconds: float = 0
    quota: int = 0


def _child(folder: Path, job: Job, place: Place, opened: Any, done: Any) -> None:
    calls = 0
    if place.quota:
        resource.setrlimit(resource.RLIMIT_FSIZE, (place.quota, place.quota))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails, as on a full disk

    def count(frame: Any, event: str, _: object) -> None:
        nonlocal calls
        if event == "call" and "/pipeline/" in frame.f_code.co_filename:
            calls += 1
            if calls == place.call:
                os.kill(os.getpid(), signal.SIGKILL)

    with open_store(folder) as store:
        opened.send(True)
        if place.call:
            sys.setprofile(count)
        started = time.monotonic()
        job(store)
        sys.setprofile(None)
        done.send((time.monotonic() - started, calls))


def run(folder: Path, job: Job, place: Place) -> tuple[float, int] | None:
    """Run a job in a child; return its seconds and calls, or None where it was killed or the disk was full."""
    is_open, opened = FORKS.Pipe(duplex=False)
    is_done, done = FORKS.Pipe(duplex=False)
    child = FORKS.Process(target=_child, args=(folder, job, place, opened, done))
    start(child)
    opened.close()
    done.close()
    is_open.recv()
    if place.seconds:
        time.sleep(place.seconds)
        child.kill()
    code = ended(child)
    result: tuple[float, int] | None = None
    if code == 0:
        result = is_done.recv()
    elif not place.quota:
        assert code == -signal.SIGKILL, f"it ended by itself, with {code}"
    is_open.close()
    is_done.close()
    child.close()
    return result


def kill_and_run_again(
    before: Path, job: Job, contents: Callable[[Store], object], expected: object, *, by_call: int, by_time: int
) -> int:
    """Kill a job at random places, each time on a copy of a store, run it again and compare; return the real kills."""
    measured = before.parent / "measured"
    shutil.copytree(before, measured)
    whole = run(measured, job, Place(call=10**9))
    shutil.rmtree(measured)
    assert whole, "nobody kills this one"
    seconds, calls = whole
    assert calls > 200, "the profile saw no calls, so the kills would hit nothing"
    chosen = random.Random(11)
    # calls made in other threads are not seen, so runs differ: stay well inside
    places = [Place(call=chosen.randint(1, calls * 6 // 10)) for _ in range(by_call)]
    places += [Place(seconds=chosen.uniform(0.001, seconds)) for _ in range(by_time)]

    def one(number: int) -> tuple[bool, bool]:
        folder = before.parent / f"store{number}"
        shutil.copytree(before, folder)
        killed = run(folder, job, places[number]) is None
        with open_store(folder) as store:
            job(store)
            same = contents(store) == expected
        shutil.rmtree(folder)
        return killed, same

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(one, range(len(places))))
    assert [places[number] for number, (_, same) in enumerate(results) if not same] == []
    return sum(killed for killed, _ in results)
