"""kill -9 anywhere in an apply: going on ends as a run that nobody killed, going back as if there had been none."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.forks import FORKS
from tests.publish.world import World, outbound, rule
from tests.services import jobs
from tests.services.loopback import Fault

A, B, C, D = (f"192.0.2.{number}/32" for number in range(1, 5))
BEFORE = (rule("one", A), rule("two", B), rule("old", D))
AFTER = (rule("one", B), rule("two", A, C), rule("new", D), outbound("out", "a.example"))


class _Child:
    """A process that applies AFTER."""

    def __init__(self, there: World, call: int = 0) -> None:
        self._told, telling = FORKS.Pipe(duplex=False)
        azure = there.azure
        arguments = (azure.port, azure.certificate, there.folder, list(AFTER), call, telling)
        self.process = FORKS.Process(target=jobs.apply, args=arguments)
        self.process.start()
        telling.close()

    def kill(self) -> None:
        assert self.process.pid
        os.kill(self.process.pid, signal.SIGKILL)

    def end(self) -> int | None:
        """Wait for the end; return the calls of functions of ours, None where it was killed."""
        self.process.join()
        if self.process.exitcode == 0:
            return int(self._told.recv())
        assert self.process.exitcode == -signal.SIGKILL
        return None


class _Kept:
    """A world as it was, to come back to."""

    def __init__(self, there: World) -> None:
        self._there = there
        self._items = json.dumps(there.azure.items)
        self._folder = there.folder.with_name(f"kept-{id(self)}")
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(there.folder, self._folder)

    def restore(self) -> None:
        azure = self._there.azure
        azure.choose_write = lambda *_: None
        azure.writes.clear()
        azure.items = json.loads(self._items)
        shutil.rmtree(self._there.folder)
        shutil.copytree(self._folder, self._there.folder)


def held(there: World) -> dict[str, Any]:
    """What every rule holds, its lists in one order."""
    return {
        name: {key: sorted(map(str, value)) if isinstance(value, list) else value for key, value in each.items()}
        for name, each in there.rules().items()
    }


def killed_everywhere(there: World, kill: Callable[[int], bool], places: list[int]) -> int:
    """Kill at each place, then go on, and apart from that go back; return how many kills hit a running apply."""
    there.done(*BEFORE)
    before, first = held(there), newest(there)
    start = _Kept(there)
    there.done(*AFTER)
    after = held(there)
    hits = 0
    for place in places:
        start.restore()
        hits += kill(place)
        there.azure.choose_write = lambda *_: None
        at = _Kept(there)
        there.done(*AFTER)
        assert held(there) == after, f"going on after a kill at {place}"
        assert there.done(*AFTER) is None
        at.restore()
        path = newest(there)
        if path == first:
            assert held(there) == before, f"something was written before the rollback file, killed at {place}"
            continue
        there.back(path)
        assert held(there) == before, f"going back after a kill at {place}"
    return hits


def newest(there: World) -> Path:
    """The rollback file that was begun last; that of BEFORE is the first."""
    files = sorted((there.folder / "rollback").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return files[-1]


def test_killed_at_every_write_before_and_after_it_is_done(there: World) -> None:
    def kill(place: int) -> bool:
        number, is_done = divmod(place, 2)
        there.azure.choose_write = lambda *_: (
            Fault(first=child.kill, done=bool(is_done), reset=True) if len(there.azure.writes) == number else None
        )
        child = _Child(there)
        return child.end() is None

    assert killed_everywhere(there, kill, list(range(14))) == 14  # 7 writes


def test_killed_between_calls(there: World) -> None:
    there.done(*BEFORE)
    start = _Kept(there)
    calls = _Child(there, call=10**9).end()
    start.restore()
    for name in list(there.azure.items):
        if name.rsplit("/", 1)[1] in {"one", "two", "old"}:
            del there.azure.items[name]
    shutil.rmtree(there.folder)
    assert calls
    assert calls > 300, "the profile saw no calls, so the kills would hit nothing"
    places = [1 + number * calls // 16 for number in range(16)]
    assert killed_everywhere(there, lambda place: _Child(there, call=place).end() is None, places) >= 15
