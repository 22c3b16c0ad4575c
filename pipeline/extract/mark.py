"""How far a scope was loaded, so that the old end of an archive needs no look each night."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.store import Store
from pipeline.tables import LOAD_MARK


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of time of which everything that was there is loaded.

    Args:
        complete_from: its begin; None for all there is.
        complete_until: its end, exclusive.
    """

    complete_from: datetime | None
    complete_until: datetime

    def covers(self, since: datetime | None) -> bool:
        """Whether what begins at `since` (None: at the very first record) is loaded up to `complete_until`."""
        if self.complete_from is None:
            return since is None or since <= self.complete_until
        return since is not None and self.complete_from <= since <= self.complete_until


def marks(store: Store, source_kind: str) -> dict[str, Mark]:
    """Return scope -> how far it was loaded. Reads: load_mark."""
    return {row[0]: Mark(row[1], row[2]) for row in store.rows("extract/load_marks", source_kind=source_kind)}


def begin_of(mark: Mark | None, since: datetime | None, look_back: timedelta) -> datetime | None:
    """Return the hour to look from: where the last run ended, less the look-back; None for all there is."""
    if mark is None or not mark.covers(since):
        return since
    begin = mark.complete_until - look_back
    return begin if since is None else max(since, begin)


def advanced(mark: Mark | None, since: datetime | None, until: datetime, look_back: timedelta) -> Mark:
    """Return the mark after all that lies from `since` to `until` was looked at and loaded.

    What the mark calls complete is only provisional within the look-back before its end. So a stretch that begins
    there or later leaves the mark as it was, and one that ends before the mark's begin takes its place: the ledger
    keeps what is loaded apart from what isn't, so looking at too much costs time and loses nothing.
    """
    if mark is None:
        return Mark(since, until)
    if since is not None and since > mark.complete_until - look_back:
        return mark
    if mark.covers(since):
        return Mark(mark.complete_from, max(mark.complete_until, until))
    joined = mark.complete_from is not None and until >= mark.complete_from
    return Mark(since, max(mark.complete_until, until) if joined else until)


def until(known: Mark | None, reached: Mark, failed: datetime) -> Mark | None:
    """Return how far a scope is loaded where something at `failed` could not be read."""
    if known is not None and (known.complete_from != reached.complete_from or known.complete_until >= failed):
        return known
    if reached.complete_from is not None and failed <= reached.complete_from:
        return known
    return Mark(reached.complete_from, min(reached.complete_until, failed))


def keep(store: Store, source_kind: str, found: Mapping[str, Mark]) -> None:
    """Write the marks of some scopes in the place of their old ones. Writes: load_mark."""
    with store.transaction():
        store.delete_named(LOAD_MARK, "scope", list(found))
        store.append_rows(
            LOAD_MARK,
            [(source_kind, scope, mark.complete_from, mark.complete_until) for scope, mark in found.items()],
        )
