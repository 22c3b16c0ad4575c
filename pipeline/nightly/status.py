"""How a store stands: the last nightlies, how old and large it is, and what to do next."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import NspError, StoreBusyError
from pipeline.nightly import kept
from pipeline.nightly.lock import holder, is_running
from pipeline.nightly.run import FAILED
from pipeline.recommend.scope import Scope
from pipeline.retention.drop import Extent, extent
from pipeline.review.decisions import open_decisions
from pipeline.settings import Settings
from pipeline.store import PUBLISHED, WAREHOUSE, Store, attach, open_store

SCHEMA_VERSION = 1
LAST = 10
OLD_HOURS = 26
"""A record that is older than a day and what a log may be late by."""
_PATIENCE = 0.5
"""Seconds to wait for a process that writes; then the snapshot is asked."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a store stands.

    Args:
        folder: of the store.
        running: who runs a nightly right now: id, pid, host, started, step; None for nobody.
        runs: the last ones, newest first.
        newest_record: last event that was loaded, UTC; None where there is none.
        age_hours: of that.
        oldest_raw: first event of the log records that are kept, UTC; None where there is none, or while the
            warehouse is written.
        oldest_flow: first hour of the flows, UTC; None where there is none.
        warehouse_bytes: size of the warehouse; 0 where there is none.
        store_bytes: of all files of the store.
        decisions: that were recorded.
        next_step: what to do now.
    """

    folder: Path
    running: dict[str, Any] | None
    runs: tuple[dict[str, Any], ...]
    newest_record: datetime | None
    age_hours: float | None
    oldest_raw: datetime | None
    oldest_flow: datetime | None
    warehouse_bytes: int
    store_bytes: int
    decisions: int
    next_step: str

    def as_json(self) -> dict[str, Any]:
        """Return the status for machines."""
        return {
            "schema_version": SCHEMA_VERSION,
            "store": str(self.folder),
            "running": self.running,
            "runs": list(self.runs),
            "newest_record": _text(self.newest_record),
            "age_hours": self.age_hours,
            "oldest_raw_record": _text(self.oldest_raw),
            "oldest_flow": _text(self.oldest_flow),
            "warehouse_bytes": self.warehouse_bytes,
            "store_bytes": self.store_bytes,
            "decisions": self.decisions,
            "next": self.next_step,
        }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() + "Z" if moment else None


def status(settings: Settings, now: datetime) -> Status:
    """Return how the store stands. Writes nothing, and waits for nobody.

    Args:
        settings: in force.
        now: UTC.

    Raises:
        StoreError: the warehouse, the record or the decisions can't be read.
    """
    folder = settings.store
    running = (holder(folder) or {}) if is_running(folder) else None
    runs = tuple(reversed(kept.entries(folder)[-LAST:]))
    newest, reach = _reach(settings, now)
    age = round((now - newest).total_seconds() / 3600, 1) if newest else None
    sizes = {path.name: _size(path) for path in folder.glob("*")} if folder.is_dir() else {}
    sizes[kept.RUNS] = sum(_size(path) for path in (folder / kept.RUNS).glob("*"))
    return Status(
        folder,
        running,
        runs,
        newest,
        age,
        reach.oldest_raw,
        reach.oldest_flow,
        sum(size for name, size in sizes.items() if name.startswith(WAREHOUSE)),
        sum(sizes.values()),
        len(open_decisions(folder, wait=_PATIENCE).history()),
        _next(running, runs, age),
    )


def _next(running: dict[str, Any] | None, runs: tuple[dict[str, Any], ...], age: float | None) -> str:
    """Return what to do now, the most urgent only."""
    last = runs[0] if runs else None
    failed = [each for each in last["steps"] if each.get("status") == FAILED] if last else []
    if running is not None:
        return "Wait: a nightly is running."
    if last is None:
        return "Run nsp nightly." if age is not None else "Load logs: nsp nightly --folder EXPORT, or nsp ingest."
    if failed:
        return f"Mend {failed[0].get('name')}: {str(failed[0].get('error')).rstrip('.')}. Then run nsp nightly again."
    if age is None or age > OLD_HOURS:
        return "The newest record is old: see nsp coverage whether the diagnostic setting still writes."
    if any(each.get("name") == "verify" and each.get("code") for each in last["steps"]):
        return "Look at what nsp verify found."
    return "Decide: nsp decide list." if last["exit_code"] else "All is ready: nsp apply, then nsp enforce RESOURCE."


def _reach(settings: Settings, now: datetime) -> tuple[datetime | None, Extent]:
    """Return the last event and how far the log goes back; while the warehouse is written, of the snapshot."""
    folder = settings.store
    nothing = None, Extent(None, None, None)
    if not (folder / WAREHOUSE).exists():
        return nothing
    try:
        with open_store(folder, read_only=True, memory=settings.memory, wait=_PATIENCE) as store:
            return _end(store), extent(store, now)
    except StoreBusyError:
        pass
    try:
        with closing(attach(folder / PUBLISHED, memory=settings.memory, wait=_PATIENCE)) as store:
            return _end(store), extent(store, now)  # which has no log records
    except NspError:  # there is none yet
        return nothing


def _end(store: Store) -> datetime | None:
    ((_, end, _),) = store.rows("recommend/window", **Scope().parameters())
    return end if isinstance(end, datetime) else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # gone meanwhile
        return 0
