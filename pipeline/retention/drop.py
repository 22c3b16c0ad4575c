"""Drops old log records for their hourly flows by source, and flows that are older than the window.

What is kept of dropped records (source_flow) is grouped as finely as the hourly flows and by source besides. Sums,
counts, minima and maxima of parts are those of the whole; so an hour is made anew of what is kept and what is there
just as if nothing had been dropped: when a late record comes, when a source is written anew, and when another kind of
source turns out fuller. No hour is ever closed, and no order of loading and dropping gives other flows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.store import Store
from pipeline.tables import (
    ACCESS_LOG,
    ADDRESS,
    HOUR_COUNT,
    REJECTED_RECORD,
    RETENTION,
    SOURCE_FIELD,
    SOURCE_FLOW,
    TRAFFIC,
)

HOUR = timedelta(hours=1)
ROUND_RECORDS = 2_500_000
"""Records of one transaction, unless an hour has more, so that a kill loses minutes."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept, in days before the day of the newest record; 0: all.

    Args:
        raw_days: rows of access_log, and the texts of rejected lines, these since they were loaded.
        flow_days: everything of an hour.
    """

    raw_days: int = 0
    flow_days: int = 0


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was dropped.

    Args:
        records: rows of access_log.
        texts: of rejected lines; the lines are still counted.
        flows: rows of traffic.
    """

    records: int = 0
    texts: int = 0
    flows: int = 0


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a warehouse reaches, UTC.

    Args:
        newest_hour: of a record; None where there is none.
        oldest_raw: first event of the rows of access_log.
        oldest_flow: first hour of the flows.
    """

    newest_hour: datetime | None
    oldest_raw: datetime | None
    oldest_flow: datetime | None


def extent(store: Store, now: datetime) -> Extent:
    """Return how far a warehouse reaches. Reads: access_log, hour_count, traffic.

    Args:
        store: the warehouse.
        now: UTC; a later hour isn't the newest, but of a clock that went wrong.
    """
    ((newest, raw, flow),) = store.rows("retention/extent", now=now)
    return Extent(newest, raw, flow)


def drop_old(store: Store, keep: Keep, now: datetime, *, round_records: int = ROUND_RECORDS) -> Dropped:
    """Drop what is older than what is to be kept. Safe to repeat, to kill and to run twice.

    Days count from the newest record, not from today: where nothing comes any more, nothing goes.

    Writes: access_log, rejected_record, source_flow, source_field, traffic, hour_count, address, retention.

    Args:
        store: the warehouse, open for writing.
        keep: what stays.
        now: UTC.
        round_records: how many records go in one transaction.
    """
    newest = extent(store, now).newest_hour
    if newest is None:
        return Dropped()
    records = texts = flows = 0
    if keep.flow_days:
        begin = _begin(newest, keep.flow_days)
        # what comes late of hours that were dropped would be all that is there of them
        gone, flows = _drop_flows(store, max(begin, _noted(store)[1] or begin))
        records += gone
    if keep.raw_days:
        before = _begin(newest, keep.raw_days)
        for first, end in _rounds(store.rows("retention/raw_hours", before=before), round_records):
            records += _drop_records(store, first, end)
        with store.transaction():
            texts = store.clear(REJECTED_RECORD, "raw", "retention/rowids_of_old_rejects", before=before)
    return Dropped(records, texts, flows)


def _begin(newest: datetime, days: int) -> datetime:
    """Return the first hour that is kept: so many whole days, and what there is of the newest."""
    return newest.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)


def _rounds(hours: Iterable[tuple[datetime, int]], round_records: int) -> Iterator[tuple[datetime, datetime]]:
    """Join hours, in their order, into half-open spans with some number of records."""
    first: datetime | None = None
    end = datetime.min  # noqa: DTZ901 -- without zone throughout
    total = 0
    for hour, records in hours:
        if first is not None and total + records > round_records:
            yield first, end
            first, total = None, 0
        first = hour if first is None else first
        end = hour + HOUR
        total += records
    if first is not None:
        yield first, end


def _drop_records(store: Store, first: datetime, end: datetime) -> int:
    """Put flows by source in the place of the records of some hours, in one transaction; return how many those were."""
    span = {"first_hour": first, "end_hour": end}
    with store.transaction():
        store.append(SOURCE_FLOW, "retention/source_flows", **span)
        store.append(SOURCE_FIELD, "retention/source_fields", **span)
        _note(store, raw_before=end)
        return store.delete(ACCESS_LOG, "retention/rowids_of_hours", **span)


def _drop_flows(store: Store, before: datetime) -> tuple[int, int]:
    """Drop all of the hours before a moment, in one transaction; return how many records and flows.

    The ledger stays: without it the sources would be loaded again.
    """
    with store.transaction():
        records = store.delete(ACCESS_LOG, "retention/rowids_of_hours", first_hour=None, end_hour=before)
        flows = store.delete_hours(TRAFFIC, None, before)
        for table in (HOUR_COUNT, SOURCE_FLOW, SOURCE_FIELD):
            store.delete_hours(table, None, before)
        if records or flows:
            store.delete(ADDRESS, "retention/rowids_of_unused_addresses")
            _note(store, flows_before=before)
    return records, flows


def _note(store: Store, raw_before: datetime | None = None, flows_before: datetime | None = None) -> None:
    """Write down what was dropped; a moment never goes back, since nothing comes back."""
    raw, flows = _noted(store)
    store.replace(RETENTION, [(_later(raw, raw_before), _later(flows, flows_before))])


def _noted(store: Store) -> tuple[datetime | None, datetime | None]:
    """Return before when records and flows were dropped so far; None for never."""
    ((raw, flows),) = store.rows("retention/retention") or [(None, None)]
    return raw, flows


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)
