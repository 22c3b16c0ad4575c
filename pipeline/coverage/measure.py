"""What the logs hold and what they lack, as one JSON object."""

from datetime import datetime
from typing import Any

from pipeline.coverage import configuration, logging
from pipeline.coverage.finding import BLOCKER, SEVERITIES, Finding
from pipeline.moments import utc_now
from pipeline.progress import work
from pipeline.store import Store
from pipeline.tables import CATEGORIES

MAX_GAPS = 20


def measure(store: Store) -> dict[str, Any]:
    """Return what was seen and what is missing, in figures.

    Reads: traffic, hour_count, access_log, load_ledger and the inventory.
    """
    (totals,) = store.frame("coverage/totals").to_dicts()
    counts = {row[0]: row[1:3] for row in store.rows("coverage/category_counts")}
    return {
        **{name: _plain(value) for name, value in totals.items()},
        "sources": [row[0] for row in store.rows("coverage/source_kinds")],
        "categories_seen": sorted(counts),
        "categories_missing": sorted(set(CATEGORIES) - set(counts)),
        "categories_unknown": sorted(set(counts) - set(CATEGORIES)),
        "silent_resources": [row[2] for row in store.rows("coverage/silent_resources")],
        "unlisted_resources": [row[2] for row in store.rows("coverage/unlisted_resources")],
        "by_category": {
            name: {"records": records, "requests": requests} for name, (records, requests) in counts.items()
        },
        "rejected_reasons": {row[0]: row[1] for row in store.rows("coverage/rejected_reasons")},
        "gaps": [
            {"perimeter": row[0], "start": _plain(row[1]), "end": _plain(row[2]), "hours": row[3]}
            for row in store.rows("coverage/gaps", min_hours=logging.MIN_GAP_HOURS)[:MAX_GAPS]
        ],
        "overlaps": [
            {name: _plain(value) for name, value in row.items()} for row in store.frame("coverage/overlaps").to_dicts()
        ],
        "unknown_fields": {row[0]: row[1] for row in store.rows("coverage/unknown_fields")},
        "inventory": bool(store.rows("inventory/perimeters")),
    }


def report(store: Store, now: datetime | None = None) -> dict[str, Any]:
    """Return the figures and the findings: `nsp coverage --format json`.

    Reads: as `measure`, and the view verdict.

    Args:
        store: the warehouse.
        now: the time, UTC; None for that of the clock.
    """
    with work("measuring coverage"):
        seen = measure(store)
        return {**seen, "findings": [each.as_json() for each in findings(store, seen, now or utc_now())]}


def findings(store: Store, seen: dict[str, Any], now: datetime) -> list[Finding]:
    """Return what a reader should know or do, the most severe first."""
    found = []
    if not seen["records"]:
        evidence = "no data: nothing was loaded, which says nothing about traffic"
        found.append(Finding("no-data", BLOCKER, "", evidence, "nsp ingest folder PATH (or blob, or workspace)"))
    else:
        found += logging.findings(store, seen, now)
    found += configuration.findings(store, seen)
    return sorted(found, key=lambda each: (SEVERITIES.index(each.severity), each.id, each.subject, each.evidence))


def _plain(value: Any) -> Any:
    return value.isoformat() + "Z" if isinstance(value, datetime) else value
