"""The whole way in: find what is new, load it, keep the hourly flows current."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import QueryError
from pipeline.extract import folder
from pipeline.extract.outcome import Outcome
from pipeline.extract.source import Plan, Source
from pipeline.store import Store

ROUND_BYTES = 3 << 30
"""Bytes of one transaction: some 2.5 million records, so that DuckDB's row groups fill and a kill loses minutes."""


@dataclass(slots=True)
class Ingested:
    """What an ingest did."""

    outcome: Outcome = field(default_factory=Outcome)
    unchanged: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def rejected_share(self) -> float:
        """Share of the lines that could not be read, 0 to 1."""
        total = self.outcome.records + self.outcome.rejected
        return self.outcome.rejected / total if total else 0.0


def ingest_folder(
    store: Store,
    path: Path,
    *,
    started: Callable[[Plan], Callable[[int], None]] = lambda _: lambda _: None,
    round_bytes: int = ROUND_BYTES,
) -> Ingested:
    """Load what is new below a folder, or one file. Safe to repeat, to kill and to run twice.

    Args:
        store: the warehouse, open for writing.
        path: folder or file.
        started: called once with the plan, before anything is read; what it returns is called with the number of
            bytes read, again and again.
        round_bytes: how much goes into one transaction.

    Raises:
        SourceError: the path isn't there.
    """
    plan = folder.plan(store, path)
    advance = started(plan)
    result = Ingested(unchanged=plan.unchanged, unreadable=plan.unreadable)
    if plan.sources:  # a night with nothing new needs none of the machinery
        from pipeline.transform.load import load_round

        def load(sources: list[Source]) -> Outcome:
            return load_round(store, sources, datetime.now(UTC).replace(tzinfo=None), advance)

    for sources in _rounds(plan.sources, round_bytes):
        result.outcome.add(_isolated(load, sources))
    return result


def _isolated(load: Callable[[list[Source]], Outcome], sources: list[Source]) -> Outcome:
    """Load some sources; where that fails for a reason that nobody thought of, all but the one that causes it."""
    try:
        return load(sources)
    except (QueryError, AssertionError) as error:
        if len(sources) == 1:
            return Outcome(failed=[(sources[0].name, f"{type(error).__name__}: {error}")])
    half = len(sources) // 2
    outcome = _isolated(load, sources[:half])
    outcome.add(_isolated(load, sources[half:]))
    return outcome


def _rounds(sources: list[Source], round_bytes: int) -> Iterator[list[Source]]:
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
