"""Answers of a workspace -> access_log, rejected_record and load_ledger: each window whole, or as it was before."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from pipeline.errors import UnansweredError
from pipeline.extract import windows
from pipeline.extract.lines import arrow_text
from pipeline.extract.outcome import Outcome
from pipeline.extract.windows import Window
from pipeline.store import Store
from pipeline.tables import ACCESS_LOG, LOAD_LEDGER, REJECTED_RECORD
from pipeline.transform import arrival

_OF_THE_WORKSPACE = frozenset(
    {
        "_SubscriptionId", "SourceSystem", "TenantId", "Type", "_BilledSize", "_IsBillable", "_ItemId",
        "_TimeReceived", "MG", "nsp_ingestion_time",
    },
)  # fmt: skip
"""Columns that say nothing about the traffic."""

_KNOWN = frozenset(column.workspace for column in ACCESS_LOG.columns if column.workspace) | _OF_THE_WORKSPACE


def load_windows(
    store: Store,
    workspace_id: str,
    batch: Sequence[Window],
    answers: Iterable[bytes],
    read_at: datetime,
    loaded_at: datetime,
) -> Outcome:
    """Load some windows in one transaction, in the place of what was read of them before.

    Reads and writes: access_log, rejected_record, load_ledger, address, traffic.

    Args:
        store: the warehouse.
        workspace_id: goes into the names of the windows, and is their place.
        batch: the windows, all of them asked for.
        answers: bodies of whole answers that together hold just their records; what they raise rolls back.
        read_at: the service's clock before they were asked for.
        loaded_at: goes to the ledger, UTC.

    Raises:
        UnansweredError: fewer records came than were counted.
        QueryError: an answer isn't what the service is documented to send.
    """
    with store.transaction():
        hours = arrival.drop(store, [each.replaces for each in batch if each.replaces is not None])
        rows = 0
        for answer in answers:
            rows += _append(store, batch, answer, rows)
        source_ids = [each.source_id for each in batch]
        store.delete(ACCESS_LOG, "transform/rowids_of_flawed", source_ids=source_ids)
        starts = dict.fromkeys(source_ids, 0)
        records = dict(store.rows("transform/record_counts", source_ids=source_ids))
        rejected = dict(store.rows("transform/rejected_counts", **arrival.loading(starts)))
        kept = Counter(records) + Counter(rejected)
        if kept.total() != rows:
            raise AssertionError(f"{rows} rows, but {kept.total()} records and rejects")
        for each in batch:
            if kept[each.source_id] < each.expected:
                counted = f"{each.expected:,} records were counted, and {kept[each.source_id]:,} came"
                raise UnansweredError(counted)
        ledger = [
            (
                each.source_id, windows.SOURCE_KIND, workspace_id, windows.name(workspace_id, each.start),
                read_at.isoformat(), 0, 0, 0, kept[each.source_id], records.get(each.source_id, 0),
                rejected.get(each.source_id, 0), "", "", loaded_at,
            )
            for each in batch
            if kept[each.source_id] or each.replaces is not None
        ]  # fmt: skip
        store.append_rows(LOAD_LEDGER, ledger)
        arrival.settle(store, starts, hours)
    return Outcome(files=len(ledger), records=sum(records.values()), rejected=sum(rejected.values()))


def _append(store: Store, batch: Sequence[Window], answer: bytes, before: int) -> int:
    """Load one answer; return its rows."""
    with store.view("answer_text", arrow_text(answer)), store.scratch("answer", "transform/answer"):
        columns = [row[0] for row in store.rows("transform/answer_columns")]
        if "nsp_ingestion_time" not in columns:
            raise UnansweredError("the answer holds no table of records")
        found = store.scratch(
            "workspace_row",
            "transform/workspace_rows",
            first_line=before + 1,
            window_starts=[each.start for each in batch],
            source_ids=[each.source_id for each in batch],
            size=windows.SIZE,
        )
        with found as rows:
            unknown = sorted(set(columns) - _KNOWN)
            store.append(ACCESS_LOG, "transform/records_of_rows", columns=columns, unknown=unknown)
            store.append(REJECTED_RECORD, "transform/rejected_rows", columns=columns)
    return rows
