"""Gives back the disk space of what was dropped: writes the warehouse anew, without its free blocks.

DuckDB writes to free blocks again, but a file never gets shorter by itself.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.publish.record import sync_folder
from pipeline.store import MEMORY, WAREHOUSE, attach, copy_store, open_file, open_store

_UNFINISHED = ".compacting-"
_FORGOTTEN = 86_400
"""Seconds after which an unfinished copy belongs to a process that was killed."""


def compact(folder: Path, *, memory: str = MEMORY, wait: float = 30.0) -> int:
    """Write the warehouse anew and put that in the place of the old file; return how many bytes shorter it is.

    Killed at any moment, it leaves the old file or the new one, whole. While it copies, the old one is open for
    reading: others may read, nobody can write. Who has it open keeps it; who was waiting to write gets the new one
    (`store.open_file` looks whether the file is still there once it is open).

    Args:
        folder: the store's folder; no connection of this process to its warehouse may be open.
        memory: DuckDB's memory limit.
        wait: seconds to wait for a process that has it open.

    Raises:
        StoreError: the disk is full, or the folder can't be written; the warehouse is as it was.
        StoreBusyError: the warehouse is still in use after `wait` seconds.
    """
    warehouse = (folder / WAREHOUSE).resolve()  # a link stays one, and the data on the disk that it names
    log = folder / f"{WAREHOUSE}.wal"
    before = warehouse.stat().st_size
    _sweep(warehouse.parent)
    open_store(folder, memory=memory, wait=wait).close()  # what a killed process left in the log goes into the file
    try:
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=warehouse.parent) as unfinished:
            made = Path(unfinished) / WAREHOUSE
            with attach(warehouse, memory=memory, wait=wait) as source:
                if log.exists():  # somebody wrote meanwhile, and was killed
                    return 0
                copy_store(source, made)
                with open_file(made, read_only=True, memory=memory) as copy:
                    if copy.tables() != source.tables():
                        raise StoreError(f"The copy of {warehouse} isn't whole; the warehouse stays as it is.")
                shutil.copymode(warehouse, made)
                _sync(made)
                made.replace(warehouse)
                sync_folder(warehouse.parent)
    except OSError as error:
        raise StoreError(f"{warehouse} can't be written anew: {error.strerror}.") from error
    return before - warehouse.stat().st_size


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left."""
    for each in folder.glob(f"{_UNFINISHED}*"):
        if time.time() - each.stat().st_mtime > _FORGOTTEN:
            shutil.rmtree(each, ignore_errors=True)
