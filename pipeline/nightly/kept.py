"""What nightlies leave in the store's folder: the record of runs, and what each of the last ones found.

nightly.jsonl has one JSON object a run and only grows. A line is on the disk before the run is over; what a kill cut
short is no line. Only who holds the lock writes here.
"""

import json
import os
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.publish.record import sync_folder

RECORD, RUNS = "nightly.jsonl", "runs"
SCHEMA_VERSION = 1
KEPT_RUNS = 30
"""Runs whose findings are kept; older ones are in the record only."""

Entry = dict[str, Any]


def entries(folder: Path) -> list[Entry]:
    """Return the runs of the record, oldest first; a line that is none of ours is left out.

    Raises:
        StoreError: the record can't be read.
    """
    path = folder / RECORD
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # what has no line feed was cut short
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{path} can't be read: {error.strerror}.") from error
    return [entry for entry in map(_entry, lines) if entry]


def _entry(line: bytes) -> Entry | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(found, dict) and {"id", "started", "exit_code", "steps"} <= found.keys()
    return found if whole and found.get("schema_version") == SCHEMA_VERSION else None


def add_run(folder: Path, entry: Entry) -> None:
    """Add a run to the record, and return when it is on the disk.

    Raises:
        StoreError: it can't be written.
    """
    path = folder / RECORD
    line = json.dumps({"schema_version": SCHEMA_VERSION, **entry}, default=str).encode() + b"\n"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line  # a line that a kill cut short stays one of its own
            _write(handle, line)
        finally:
            os.close(handle)
        sync_folder(folder)
    except OSError as error:
        raise StoreError(f"{path} can't be written: {error.strerror}.") from error


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all; it is on the disk then.

    Args:
        path: of the file; a device or pipe is written to, never replaced.
        text: its content.
        mode: who may read it, before the umask.

    Raises:
        StoreError: it can't be written.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
            return
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            _write(handle, text.encode())
        finally:
            os.close(handle)
        unfinished.replace(path)
    except OSError as error:
        raise StoreError(f"{path} can't be written: {error.strerror}.") from error


def found_by(folder: Path, run: str) -> Path:
    """Return where a run keeps what `nsp recommend --format json` prints."""
    return folder / RUNS / f"{run}.json"


def verified_by(folder: Path, run: str) -> Path:
    """Return where a run keeps what `nsp verify --format json` prints."""
    return folder / RUNS / f"{run}.verify.json"


def forget_old(folder: Path, known: list[Entry]) -> None:
    """Remove the findings of all but the last runs, and of those that never came to an end."""
    kept = [entry["id"] for entry in known if "found" in entry][-KEPT_RUNS:]
    wanted = {path for run in kept for path in (found_by(folder, run), verified_by(folder, run))}
    for path in (folder / RUNS).glob("*.json"):
        if path not in wanted:
            path.unlink(missing_ok=True)


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
    os.fsync(handle)
