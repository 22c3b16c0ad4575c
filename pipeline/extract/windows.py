"""Which windows of ingestion time have to be read, or read again.

`ingestion_time()` is documented as approximate, and ingestions that overlap may become visible in any order: it tells
records apart into windows, but is no cursor. So each window is read whole and takes the place of what was read of it
before, until it was read at a moment when nothing more is expected (its end plus the overlap); and each run counts the
records of the windows of the last days, so that what came later still is found.
"""

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from pipeline.errors import UnreachableError
from pipeline.extract import mark as marking
from pipeline.extract.kql import Value
from pipeline.extract.workspace import FOREIGN, Stretch, TooLargeError, Workspace
from pipeline.progress import work
from pipeline.store import Store

SOURCE_KIND = "workspace"
SIZE = timedelta(hours=1)
KEPT = timedelta(days=3)
"""No retention is shorter than four days: fewer records of a younger window are no oblivion."""
NEARBY = 3 * SIZE
"""How far a record's time of ingestion, which is approximate, may come to lie from where it was read."""
MOST_BRIDGED = 24
"""Empty windows between two that hold records, so that a sparse table isn't asked for hour by hour."""
YEARS = timedelta(days=2 * 365)
"""Where to begin if the service can't say when the first record came; the longest interactive retention."""
MOST_TOGETHER = 24 * 7
"""Windows that are read by one query at the most."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How the workspace's lateness is allowed for.

    Args:
        settle: a window is first read so long after its end.
        overlap: it is read again until it was read so long after its end.
        audit: the records of so long a past are counted in each run; at least as long as windows aren't settled.
    """

    settle: timedelta = timedelta(minutes=15)
    overlap: timedelta = timedelta(hours=2)
    audit: timedelta = timedelta(days=8)

    @property
    def look_back(self) -> timedelta:
        """How long before the end of the last run windows are looked at again."""
        return max(self.audit, self.overlap + 2 * SIZE)


@dataclass(frozen=True, slots=True)
class Window:
    """One window to read.

    Args:
        start: its begin; it is SIZE long.
        source_id: number for its ledger row.
        replaces: source_id of the ledger row whose place it takes; None for a new one.
        expected: records that the service counted.
    """

    start: datetime
    source_id: int
    replaces: int | None
    expected: int


@dataclass(slots=True)
class WindowPlan:
    """What a look at a workspace found.

    Args:
        now: the service's clock.
        windows: what to read, in order of time.
        unchanged: windows that need nothing.
        shrunk: old windows of which the service holds less than was loaded (retention); what was loaded stays.
        unreadable: what the service no longer shows although no retention is that short, and why that counts as failed.
        mark: to keep when all of it is loaded; None where there is nothing at all.
        known_mark: the one of the last run.
    """

    now: datetime
    windows: list[Window] = field(default_factory=list)
    unchanged: int = 0
    shrunk: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    mark: marking.Mark | None = None
    known_mark: marking.Mark | None = None


def prefix(workspace_id: str) -> str:
    """Return how the names of a workspace's windows begin in the ledger."""
    return f"{_table(workspace_id)}/ingested="


def _table(workspace_id: str) -> str:
    return f"{workspace_id}/NSPAccessLogs"


def name(workspace_id: str, start: datetime) -> str:
    """Return the name of a window in the ledger."""
    return f"{prefix(workspace_id)}{start:%Y-%m-%dT%H:%M}/PT1H"


def plan(
    store: Store, workspace: Workspace, timing: Timing, since: datetime | None = None, until: datetime | None = None
) -> WindowPlan:
    """Return the windows to read.

    Reads: load_ledger, load_mark.

    Args:
        store: the warehouse.
        workspace: what to ask.
        timing: how lateness is allowed for.
        since: first moment of ingestion; None for all there is.
        until: end, exclusive.

    Raises:
        SourceError: there is no such table.
        AzureError: the workspace refuses or can't be reached.
    """
    now = workspace.background.run(clock(workspace))
    known_mark = marking.marks(store, SOURCE_KIND).get(workspace.workspace_id)
    if now is None:
        found = WindowPlan(datetime.min)  # noqa: DTZ901 -- without zone throughout
        if known_mark is not None:
            reason = "it says that it holds no data of any kind, but some was loaded: purged, or no longer shown to us?"
            found.unreadable.append((_table(workspace.workspace_id), reason))
        return found
    found = WindowPlan(now, known_mark=known_mark)
    end = _floor(min(found.now - timing.settle, until or datetime.max))  # noqa: DTZ901 -- without zone throughout
    start = marking.begin_of(found.known_mark, since, timing.look_back) or _oldest(workspace, found.now)
    if start is None or start >= end:
        return found
    with work("counting"):
        counts = workspace.background.run(_counts(workspace, _floor(start), end))
    _compare(store, workspace.workspace_id, found, _floor(start), end, counts, timing)
    found.mark = marking.advanced(found.known_mark, since, end, timing.look_back)
    return found


def _compare(
    store: Store,
    workspace_id: str,
    found: WindowPlan,
    start: datetime,
    end: datetime,
    counts: dict[datetime, int],
    timing: Timing,
) -> None:
    begins = prefix(workspace_id)
    loaded = {
        datetime.fromisoformat(row[0].removeprefix(begins).removesuffix("/PT1H")): row[1:]
        for row in store.rows("extract/loaded_windows", prefix=begins)
    }
    known_records = {window: row[2] for window, row in loaded.items()}
    lost: dict[datetime, int] = {}
    chosen: list[datetime] = []
    for window in sorted({*counts, *(each for each in loaded if start <= each < end)}):
        records = counts.get(window, 0)
        _, read_at, known = loaded.get(window, (None, "", 0))
        settled = window in loaded and datetime.fromisoformat(read_at) >= window + SIZE + timing.overlap
        if records < known and window + SIZE + KEPT < found.now:
            found.shrunk += 1
        elif _around(window, counts) < _around(window, known_records):
            lost[window] = known - records
        elif settled and records == known:
            found.unchanged += 1
        else:
            chosen.append(window)
    if missing := sum(lost.values()):
        reason = (
            f"{missing:,} records fewer than were loaded of {len(lost):,} hours from {min(lost):%Y-%m-%d %H:%M} on: "
            "purged, or no longer shown to us? What was loaded stays"
        )
        found.unreadable.append((_table(workspace_id), reason))
    next_id = store.rows("extract/last_source_id")[0][0] + 1
    for window in _bridged(chosen, loaded.keys()):
        replaces = loaded[window][0] if window in loaded else None
        found.windows.append(Window(window, next_id, replaces, counts.get(window, 0)))
        next_id += 1


def _around(window: datetime, records: dict[datetime, int]) -> int:
    """Return how many records lie in a window and in those nearby, between which some may have moved."""
    return sum(number for other, number in records.items() if abs(other - window) <= NEARBY)


def _bridged(chosen: list[datetime], loaded: Container[datetime]) -> Iterator[datetime]:
    """Yield the windows, and those between two of them where only a few lie there and none is loaded."""
    for window, following in pairwise([*chosen, None]):
        if window is None:
            return
        yield window
        if following is not None and following - window <= MOST_BRIDGED * SIZE:
            between = [window + SIZE * step for step in range(1, (following - window) // SIZE)]
            if not any(each in loaded for each in between):
                yield from between


def batches(windows: list[Window], rows: int) -> Iterator[list[Window]]:
    """Join windows that follow each other, as far as one answer is expected to hold their records.

    Args:
        windows: in order of time.
        rows: what one answer is expected to hold; a window with more is a batch of its own.
    """
    batch: list[Window] = []
    for window in windows:
        together = sum(each.expected for each in batch) + window.expected
        follows = batch and window.start == batch[-1].start + SIZE
        if batch and (not follows or together > rows or len(batch) == MOST_TOGETHER):
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def pieces(batch: list[Window], rows: int) -> list[Stretch]:
    """Return the stretches to ask for: one, or as many as a large window is expected to need."""
    start, end = batch[0].start, batch[-1].start + SIZE
    number = max(1, -(-sum(each.expected for each in batch) // max(1, rows)))
    step = (end - start) / number
    cuts = [start + step * each for each in range(number)] + [end]
    return [Stretch(first, last) for first, last in pairwise(cuts) if first < last]


async def _counts(workspace: Workspace, start: datetime, end: datetime) -> dict[datetime, int]:
    """Return window -> records; cut in two where the service takes too long."""
    values: dict[str, Value] = {"stretch_start": start, "stretch_end": end, "window_size": SIZE}
    try:
        rows = await workspace.rows("extract/window_counts", values)
    except TooLargeError:
        if end - start <= SIZE:
            raise UnreachableError(
                "Log Analytics takes too long to count an hour's records. Try again later."
            ) from None
        middle = start + (end - start) // SIZE // 2 * SIZE
        return await _counts(workspace, start, middle) | await _counts(workspace, middle, end)
    return {_moment(row, "window"): _number(row, "records") for row in rows}


async def clock(workspace: Workspace) -> datetime | None:
    """Return the service's clock; None where the workspace holds no data of any kind (204).

    Raises:
        AzureError: it refuses, can't be reached or doesn't answer.
    """
    try:
        rows = await workspace.rows("extract/clock")
    except TooLargeError:
        raise UnreachableError("Log Analytics takes too long to tell the time. Try again later.") from None
    return _moment(rows[0], "now") if rows else None


def _oldest(workspace: Workspace, now: datetime) -> datetime | None:
    """Return when the first record was ingested, None where there is none, years ago where that takes too long."""
    try:
        rows = workspace.background.run(workspace.rows("extract/oldest_record"))
    except TooLargeError:
        return now - YEARS
    return _moment(rows[0], "oldest") if rows and rows[0].get("oldest", "") is not None else None


def _moment(row: dict[str, Any], column: str) -> datetime:
    with _documented():
        return datetime.fromisoformat(row[column]).replace(tzinfo=None)


def _number(row: dict[str, Any], column: str) -> int:
    with _documented():
        return int(row[column])


@contextmanager
def _documented() -> Iterator[None]:
    """Have an answer of another form than is documented taken for one of another service."""
    try:
        yield
    except (LookupError, TypeError, ValueError):
        raise UnreachableError(FOREIGN) from None


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
