"""The whole way in: find what is new, load it, keep the hourly flows current."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import MalformedJsonError, MemoryLimitError, QueryError, UnansweredError
from pipeline.extract import folder, ledger
from pipeline.extract.outcome import Outcome
from pipeline.extract.source import Plan, Source
from pipeline.moments import utc_now
from pipeline.progress import Advance, work
from pipeline.store import Store

if TYPE_CHECKING:
    from pipeline.extract.account import Account
    from pipeline.extract.blob import Wanted
    from pipeline.extract.windows import Timing, Window
    from pipeline.extract.workspace import Workspace

ROUND_BYTES = 3 << 30
"""Bytes of one transaction: some 2.5 million records, so that DuckDB's row groups fill and a kill loses minutes."""

BLOB_ROUND_BYTES = 1 << 30
"""Smaller for blobs: a round that has to be read twice, or is killed, is downloaded again."""

ANSWER_ROWS = 50_000
"""Some 30 MB; an answer holds 64 MB or 500,000 rows at the most."""


class Watcher(Protocol):
    """Is told how far an ingest is, for a progress bar."""

    def planned(self, sources: int, total: int, unit: str) -> None:
        """What is going to be read is known: so many files or windows, so many bytes or records."""

    def read(self, count: int) -> None:
        """So many more bytes or records were read."""

    def loaded(self, outcome: Outcome) -> None:
        """A transaction was committed."""


class Reading:
    """Tells whoever watches the process how far an ingest is: bytes or records, with files and records beside them."""

    def __init__(self, works: ExitStack) -> None:
        self._works = works
        self._advance: Advance | None = None
        self._total_files = self._files = self._records = 0

    def planned(self, sources: int, total: int, unit: str) -> None:
        """Begin to tell."""
        self._total_files = sources
        self._advance = self._works.enter_context(work("reading", total, unit))

    def read(self, count: int) -> None:
        """Tell that so much more was read."""
        self._tell(count)

    def loaded(self, outcome: Outcome) -> None:
        """Tell what a transaction brought."""
        self._files += outcome.files
        self._records += outcome.records
        self._tell(0)

    def _tell(self, count: int) -> None:
        if self._advance:
            self._advance(count, {"files": f"{self._files}/{self._total_files}", "records": str(self._records)})


@contextmanager
def _watching(watcher: Watcher | None) -> Iterator[Watcher]:
    with ExitStack() as works:
        yield watcher or Reading(works)


@dataclass(slots=True)
class Ingested:
    """What an ingest did.

    Args:
        outcome: what came in.
        unchanged: files, blobs or windows that needed nothing.
        unreadable: what could not be listed or looked at, and why.
        shrunk: windows of which the workspace holds less than was loaded; what was loaded stays.
        copies: files that hold what was loaded from elsewhere; only what they hold more was read.
    """

    outcome: Outcome = field(default_factory=Outcome)
    unchanged: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    shrunk: int = 0
    copies: int = 0

    @property
    def rejected_share(self) -> float:
        """Share of the lines that could not be read, 0 to 1."""
        total = self.outcome.records + self.outcome.rejected
        return self.outcome.rejected / total if total else 0.0

    @property
    def is_of_nothing(self) -> bool:
        """Whether there was nothing to look at, new or known."""
        return not (self.outcome.files or self.unchanged or self.failed)

    @property
    def failed(self) -> list[tuple[str, str]]:
        """What could not be read, and why."""
        return [*self.outcome.failed, *self.unreadable]


def ingest_folder(
    store: Store,
    path: Path,
    *,
    watcher: Watcher | None = None,
    round_bytes: int = ROUND_BYTES,
) -> Ingested:
    """Load what is new below a folder, or one file. Safe to repeat, to kill and to run twice.

    Args:
        store: the warehouse, open for writing.
        path: folder or file.
        watcher: is told how far it is; None for who watches the process.
        round_bytes: how much goes into one transaction.

    Raises:
        SourceError: the path isn't there.
    """
    with _watching(watcher) as watching:
        return load_plan(store, folder.plan(store, path), watching, round_bytes)


def ingest_blobs(
    store: Store,
    account: "Account",
    wanted: "Wanted",
    *,
    watcher: Watcher | None = None,
    round_bytes: int = BLOB_ROUND_BYTES,
) -> Ingested:
    """Load what is new in the containers of a storage account. Safe to repeat, to kill and to run twice.

    Args:
        store: the warehouse, open for writing.
        account: from `extract.account.connect`.
        wanted: which blobs to look at.
        watcher: is told how far it is; None for who watches the process.
        round_bytes: how much goes into one transaction.

    Raises:
        SourceError: no container is there.
        AzureError: the account can't be listed, or stopped to admit us; what was committed stays.
    """
    from pipeline.extract import blob, mark

    plan, marks = blob.plan(store, account, wanted)
    with _watching(watcher) as watching, store.modestly():
        result = load_plan(store, plan, watching, round_bytes, account.downloads.check)
    reached = blob.marks_to_keep(marks, [name for name, _ in result.failed])
    if reached:
        mark.keep(store, blob.SOURCE_KIND, reached)
    return result


def ingest_workspace(
    store: Store,
    workspace: "Workspace",
    *,
    timing: "Timing | None" = None,
    since: datetime | None = None,
    until: datetime | None = None,
    watcher: Watcher | None = None,
    rows: int = ANSWER_ROWS,
) -> Ingested:
    """Load what is new in a Log Analytics workspace. Safe to repeat, to kill and to run twice.

    Args:
        store: the warehouse, open for writing.
        workspace: from `extract.workspace.connect`.
        timing: how lateness is allowed for.
        since: first moment of ingestion; None for all there is.
        until: end, exclusive.
        watcher: is told how far it is; None for who watches the process.
        rows: what an answer is expected to hold, at first.

    Raises:
        SourceError: the workspace has no such table.
        AzureError: it refuses, or can't be reached; what was committed stays.
    """
    from pipeline.extract import mark, windows
    from pipeline.extract.answers import Pace, answers
    from pipeline.extract.walk import Walk
    from pipeline.transform.load_windows import load_windows

    plan = windows.plan(store, workspace, timing or windows.Timing(), since, until)
    result = Ingested(unchanged=plan.unchanged, unreadable=plan.unreadable, shrunk=plan.shrunk)
    pace = Pace(rows)
    failed: list[datetime] = []
    walk = Walk(plan.windows, pace)
    with _watching(watcher) as watching:
        watching.planned(len(plan.windows), sum(each.expected for each in plan.windows), "records")
        for batch in walk:
            try:
                outcome = load_windows(
                    store,
                    workspace.workspace_id,
                    batch,
                    answers(workspace, batch, pace),
                    plan.now,
                    utc_now(),
                )
                walk.succeeded()
            except (QueryError, MalformedJsonError, AssertionError, UnansweredError) as error:
                tried_again = walk.failed(batch, error)
                if walk.is_service_in_doubt():
                    workspace.background.run(windows.clock(workspace))  # a service that is down ends it here
                if tried_again:
                    continue
                outcome = _unread(workspace, batch, str(error))
                failed.append(batch[0].start)
            watching.read(sum(each.expected for each in batch))
            watching.loaded(outcome)
            result.outcome.add(outcome)
    if walk.left:
        result.outcome.add(_unread(workspace, walk.left, "left for the next run, as the service gives no answers"))
        failed.append(walk.left[0].start)
    if failed and plan.mark:
        plan.mark = mark.until(plan.known_mark, plan.mark, min(failed))
    if plan.mark and plan.mark != plan.known_mark:
        mark.keep(store, windows.SOURCE_KIND, {workspace.workspace_id: plan.mark})
    return result


def _unread(workspace: "Workspace", batch: "list[Window]", reason: str) -> Outcome:
    from pipeline.extract import windows

    if len(batch) > 1:
        reason = f"{len(batch):,} hours from this one on: {reason}"
    return Outcome(failed=[(windows.name(workspace.workspace_id, batch[0].start), reason)])


def load_plan(
    store: Store,
    plan: Plan,
    watcher: Watcher,
    round_bytes: int,
    committed: Callable[[], None] = lambda: None,
) -> Ingested:
    """Load the sources of a plan, round by round, each round in one transaction.

    Args:
        store: the warehouse, open for writing.
        plan: what to load.
        watcher: is told how far it is.
        round_bytes: how much goes into one transaction.
        committed: called after each round; what it raises ends the ingest.
    """
    watcher.planned(len(plan.sources), plan.total_bytes, "bytes")
    result = Ingested(unchanged=plan.unchanged, unreadable=plan.unreadable, copies=plan.copies)
    if not plan.sources:  # a night with nothing new needs none of the machinery
        return result
    from pipeline.transform.load import load_round

    def load(sources: list[Source]) -> Outcome:
        loaded_at = utc_now()
        try:
            outcome = load_round(store, sources, loaded_at, watcher.read)
        except MemoryLimitError:  # such as an hour of long texts, none like another
            if not store.is_modest:
                raise
            with store.generously():
                outcome = load_round(store, sources, loaded_at, watcher.read)
        watcher.loaded(outcome)
        committed()
        return outcome

    for sources in _rounds(plan.sources, round_bytes):
        result.outcome.add(_isolated(load, sources))
    replaced, result.outcome.replaced = result.outcome.replaced, []
    if replaced:
        again, gone = ledger.whole_again(store, replaced)
        committed()
        result.outcome.failed += gone
        for sources in _rounds(again, round_bytes):
            result.outcome.add(_isolated(load, sources))
        result.outcome.failed += [
            (source.name, "it changes faster than it can be read") for source in result.outcome.replaced
        ]
    return result


def _isolated(load: Callable[[list[Source]], Outcome], sources: list[Source]) -> Outcome:
    """Load some sources; where that fails for a reason that nobody thought of, all but the one that causes it."""
    try:
        return load(sources)
    except (QueryError, MalformedJsonError, AssertionError) as error:
        if len(sources) == 1:
            return Outcome(failed=[(sources[0].name, f"{type(error).__name__}: {error}")])
    half = len(sources) // 2
    outcome = _isolated(load, sources[:half])
    outcome.add(_isolated(load, sources[half:]))
    return outcome


def _rounds(sources: Sequence[Source], round_bytes: int) -> Iterator[list[Source]]:
    batch: list[Source] = []
    size = 0
    for source in sources:
        batch.append(source)
        size += source.size_bytes - source.start_byte
        if size >= round_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
