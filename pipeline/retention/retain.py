"""One run of retention: drop what is old, then give back disk space where much of the file is free."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.retention.compact import compact
from pipeline.retention.drop import Dropped, Keep, drop_old
from pipeline.store import MEMORY, WAREHOUSE, open_store

COMPACT_SHARE = 0.5
FEWEST_BYTES = 32 << 20
"""Free bytes for which a copy is worth it."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """When the warehouse is written anew.

    Args:
        share: of the file that has to be free; 1 for never.
        fewest_bytes: that have to be free.
    """

    share: float = COMPACT_SHARE
    fewest_bytes: int = FEWEST_BYTES


@dataclass(frozen=True, slots=True)
class Retained:
    """What a run of retention did.

    Args:
        dropped: rows that went.
        bytes_before: size of the warehouse's file before it.
        bytes_after: and after it.
        problem: why the file could not be written anew; "" where it could or needn't be. What was dropped is dropped.
    """

    dropped: Dropped
    bytes_before: int
    bytes_after: int
    problem: str = ""


def retain(
    folder: Path, keep: Keep, compaction: Compaction, now: datetime, *, memory: str = MEMORY, wait: float = 30.0
) -> Retained:
    """Drop what is older than what is to be kept, and compact the warehouse. Safe to repeat, to kill and to run twice.

    Args:
        folder: the store's folder; no connection of this process to its warehouse may be open.
        keep: what stays.
        compaction: when the file is written anew.
        now: UTC.
        memory: DuckDB's memory limit.
        wait: seconds to wait for a process that has the warehouse open.

    Raises:
        StoreError: the warehouse can't be read or written.
        StoreBusyError: it is still in use after `wait` seconds.
    """
    warehouse = folder / WAREHOUSE
    if not warehouse.exists():
        return Retained(Dropped(), 0, 0)
    before = warehouse.stat().st_size
    with open_store(folder, memory=memory, wait=wait) as store:
        dropped = drop_old(store, keep, now)
        space = store.space()
    problem = ""
    if space.free_bytes >= max(compaction.fewest_bytes, compaction.share * space.total_bytes):
        try:
            compact(folder, memory=memory, wait=wait)
        except StoreError as error:
            problem = str(error)
    return Retained(dropped, before, warehouse.stat().st_size, problem)
