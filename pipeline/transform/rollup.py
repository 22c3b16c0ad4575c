"""access_log -> traffic: the hourly flows, made anew for just the hours in which something changed."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from pipeline.store import Store
from pipeline.tables import HOUR_COUNT, TRAFFIC

HOUR = timedelta(hours=1)
MAX_SPANS = 24


def hours_of(store: Store, source_ids: Sequence[int]) -> list[tuple[datetime]]:
    """Return the hours in which the given sources have events, also such as retention dropped the records of."""
    return store.rows("transform/hours_of_sources", source_ids=list(source_ids)) if source_ids else []


def refresh(store: Store, hours: Iterable[datetime]) -> None:
    """Make the flows of some hours anew, in the caller's transaction.

    Where records of one perimeter, category and hour came from several places, the fullest counts.

    Reads: access_log, source_flow, address, load_ledger. Writes: hour_count, traffic.
    """
    for start, end in spans(hours):
        for table in (HOUR_COUNT, TRAFFIC):
            store.delete_hours(table, start, end)
        store.append(HOUR_COUNT, "transform/hour_counts", first_hour=start, end_hour=end)
        store.append(TRAFFIC, "transform/hourly_flows", first_hour=start, end_hour=end)


def spans(hours: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    """Join hours into at most MAX_SPANS half-open spans, closing the narrowest gaps first.

    A few late events of old hours then cost a scan of those hours, not of all that lies between.
    """
    ordered = sorted(set(hours))
    if not ordered:
        return []
    gaps = sorted((later - earlier, later) for earlier, later in pairwise(ordered) if later - earlier > HOUR)
    starts = [ordered[0], *sorted(later for _, later in gaps[max(0, len(gaps) - MAX_SPANS + 1) :])]
    ends = [ordered[ordered.index(start) - 1] + HOUR for start in starts[1:]] + [ordered[-1] + HOUR]
    return list(zip(starts, ends, strict=True))
