"""Publishes a snapshot: a small copy of the warehouse, with what a run found in it, for readers.

A DuckDB file that is open for writing can't be read. So readers get a file of their own, made beside the warehouse and
put in its place by one rename: who has the old one open keeps it, who opens next gets the new one, nobody waits.
"""

import json
import shutil
import tempfile
import time
from datetime import datetime
from pathlib import Path

from pipeline.coverage.measure import report
from pipeline.errors import StoreError
from pipeline.progress import each_of, work
from pipeline.recommend.association import Tolerance
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import Recommendation, recommend
from pipeline.recommend.scope import Scope
from pipeline.review.decided import decided
from pipeline.review.decisions import open_decisions
from pipeline.store import MEMORY, PUBLISHED, WAREHOUSE, attach, copy_store, open_file
from pipeline.tables import ACCESS_LOG, PUBLISHED_QUERIES, PUBLISHED_RUN, REJECTED_RECORD, SOURCE_FIELD, SOURCE_FLOW

NOT_PUBLISHED = (ACCESS_LOG, REJECTED_RECORD, SOURCE_FLOW, SOURCE_FIELD)
"""Log lines and what is kept of them: large, and raw text; everything after the hourly flows does without them."""
_UNFINISHED = ".publishing-"
_FORGOTTEN = 86_400
"""Seconds after which an unfinished snapshot belongs to a process that was killed."""


def publish_snapshot(
    folder: Path, limits: Limits, tolerance: Tolerance, now: datetime, *, memory: str = MEMORY, wait: float = 30.0
) -> Recommendation:  # fmt: skip
    """Make the snapshot of a warehouse and put it in the place of the last one; return the run that it holds.

    The warehouse is only open while it is measured and copied; the run is made on the copy. What people decided about
    is no open question in it.

    Args:
        folder: the store's folder.
        limits: what bounds proposals.
        tolerance: of the lights.
        now: time of the run, UTC.
        memory: DuckDB's memory limit.
        wait: seconds to wait for a process that writes to the warehouse.

    Raises:
        StoreError: there is no warehouse, it or the decisions can't be read, or the snapshot can't be written.
        StoreBusyError: the warehouse is still written after `wait` seconds.
    """
    warehouse = folder / WAREHOUSE
    if not warehouse.exists():
        raise StoreError(f"There is no warehouse in {folder}. Load logs first: nsp ingest folder PATH (or nsp demo).")
    trail = open_decisions(folder, wait=wait).trail()
    try:
        _sweep(folder)
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=folder) as unfinished:
            made = Path(unfinished) / PUBLISHED
            state = warehouse_state(folder)
            with attach(warehouse, memory=memory, wait=wait) as source:
                seen = report(source)
                with work("copying"):
                    copy_store(source, made, left_out=NOT_PUBLISHED)
            findings = seen.pop("findings")
            with open_file(made, memory=memory) as copy:
                run = recommend(copy, limits, Scope(), now, tolerance, decided(trail, now), coverage=seen)
                row = (now, json.dumps(run.as_json()), json.dumps(findings), state, trail.last)
                copy.create(PUBLISHED_RUN, [row])
                for table, query in each_of(PUBLISHED_QUERIES.items(), "publishing", "tables"):
                    copy.keep(table, query)
            made.replace(folder / PUBLISHED)
    except OSError as error:
        raise StoreError(f"No snapshot can be written to {folder}: {error.strerror}.") from error
    return run


def warehouse_state(folder: Path) -> str:
    """Return what changes whenever the warehouse does; "" where there is none. Works while it is written."""
    found = []
    for name in (WAREHOUSE, f"{WAREHOUSE}.wal"):
        try:
            told = (folder / name).stat()
        except OSError:
            continue
        found.append(f"{name} {told.st_size} {told.st_mtime_ns}")
    return ", ".join(found)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left."""
    for each in folder.glob(f"{_UNFINISHED}*"):
        if time.time() - each.stat().st_mtime > _FORGOTTEN:
            shutil.rmtree(each, ignore_errors=True)
