"""access_log -> traffic: the hourly flows, made anew for just the hours in which something changed."""

import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from pipeline.store import Store
from pipeline.tables import HOUR_COUNT, TRAFFIC

HOUR = timedelta(hours=1)
MAX_SPANS = 24
SPAN_RECORDS = 20_000
"""Making the flows of this many records anew takes as long as planning two more statements: some 40 ms."""
PART_RECORDS = 100_000
"""Records whose flows are made at once: each takes some 200 bytes of memory meanwhile, and a part 40 ms of planning."""


def hours_of(store: Store, source_ids: Sequence[int]) -> list[tuple[datetime]]:
    """Return the hours in which the given sources have events, also such as retention dropped the records of."""
    return store.rows("transform/hours_of_sources", source_ids=list(source_ids)) if source_ids else []


def refresh(store: Store, hours: Mapping[datetime, int]) -> None:
    """Make the flows of some hours anew, in the caller's transaction.

    Where records of one perimeter, category and hour came from several places, the fullest counts.

    Reads: access_log, source_flow, address, load_ledger. Writes: hour_count, traffic.

    Args:
        store: the warehouse.
        hours: each with how many records came to it since its flows were made.
    """
    ordered = sorted(hours)
    if not ordered:
        return
    whole = {"first_hour": ordered[0], "end_hour": ordered[-1] + HOUR}
    held = Counter(dict(store.rows("transform/records_of_hours", **whole)))
    held.update(hours)
    for span in spans(ordered, held):
        for start, end in parts(*span, held):
            for table in (HOUR_COUNT, TRAFFIC):
                store.delete_hours(table, start, end)
            store.append(HOUR_COUNT, "transform/hour_counts", first_hour=start, end_hour=end)
            store.append(TRAFFIC, "transform/hourly_flows", first_hour=start, end_hour=end)


def spans(hours: Sequence[datetime], held: Mapping[datetime, int]) -> list[tuple[datetime, datetime]]:
    """Join hours into at most MAX_SPANS half-open spans, closing gaps that hold little, and first those with least.

    A few late events of old hours then cost a scan of those hours, not of all that lies between.

    Args:
        hours: those that changed, at least one, in order and each once.
        held: how many records there are in an hour, also of those between.
    """
    between = sorted(held.items())
    gaps = []
    for earlier, later in pairwise(hours):
        inside = between[bisect_right(between, (earlier, sys.maxsize)) : bisect_left(between, (later, 0))]
        gaps.append((sum(records for _, records in inside), later))
    kept = sorted(gap for gap in gaps if gap[0] > SPAN_RECORDS)[-(MAX_SPANS - 1) :]
    starts = [hours[0], *sorted(later for _, later in kept)]
    ends = [hours[bisect_left(hours, start) - 1] + HOUR for start in starts[1:]] + [hours[-1] + HOUR]
    return list(zip(starts, ends, strict=True))


def parts(start: datetime, end: datetime, held: Mapping[datetime, int]) -> Iterator[tuple[datetime, datetime]]:
    """Cut a span between hours, so that no part but a single hour holds more than PART_RECORDS.

    Args:
        start: first hour.
        end: of the span, exclusive.
        held: how many records there are in an hour.
    """
    begin, inside = start, 0
    for hour, records in sorted(held.items()):
        if not start <= hour < end:
            continue
        if inside and inside + records > PART_RECORDS:
            yield begin, hour
            begin, inside = hour, 0
        inside += records
    yield begin, end
