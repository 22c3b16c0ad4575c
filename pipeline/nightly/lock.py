"""One nightly at a time: a lock that the system lets go when its process ends, however that ends."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import NightlyRunningError, StoreError
from pipeline.nightly.kept import write_whole

LOCK, HOLDER = "nightly.lock", "nightly.running.json"
_PATIENCE = 1.0
"""Seconds; nsp status takes the lock for a moment to see whether it is free."""


class Held:
    """The lock, held by this process.

    Args:
        folder: of the store.
        run: id of the run.
        started: when, UTC, as text.
    """

    def __init__(self, folder: Path, run: str, started: str) -> None:
        self._path = folder / HOLDER
        self._told = {"id": run, "pid": os.getpid(), "host": socket.gethostname(), "started": started}

    def at(self, step: str) -> None:
        """Let others know which step is going on."""
        write_whole(self._path, json.dumps(self._told | {"step": step}))

    def forget(self) -> None:
        """Forget who runs: the run has its place in the record."""
        self._path.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, run: str, started: str) -> Iterator[Held]:
    """Hold the lock of a store for the length of the block.

    Raises:
        NightlyRunningError: another nightly runs.
        StoreError: the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"The store folder {folder} can't be written: {error.strerror}.") from error
    try:
        if not _taken(handle, _PATIENCE):
            raise NightlyRunningError(f"Another nightly is running{_who(holder(folder))}. Nothing was done.")
        yield Held(folder, run, started)
    finally:
        os.close(handle)


def is_running(folder: Path) -> bool:
    """Whether a nightly holds the lock right now."""
    try:
        handle = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _taken(handle, 0)
    finally:
        os.close(handle)


def holder(folder: Path) -> dict[str, Any] | None:
    """Return who runs, or ran last without coming to an end: id, pid, host, started, step; None for nobody."""
    try:
        told = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _taken(handle: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _who(told: dict[str, Any] | None) -> str:
    if not told:
        return ""
    return f" since {told.get('started')} (process {told.get('pid')} on {told.get('host')}, step {told.get('step')})"
