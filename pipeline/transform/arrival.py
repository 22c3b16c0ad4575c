"""What every load does around its own reading: drop what is replaced, note addresses, refresh the hours."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import ip_address
from operator import itemgetter

from pipeline import addresses
from pipeline.store import Store
from pipeline.tables import ACCESS_LOG, ADDRESS, LOAD_LEDGER, REJECTED_RECORD, SOURCE_FIELD, SOURCE_FLOW
from pipeline.transform import rollup


def loading(start_lines: Mapping[int, int]) -> dict[str, list[int]]:
    """Return the parameters by which queries find what a load brought: source_id -> the line after which it began."""
    return {"source_ids": list(start_lines), "start_lines": list(start_lines.values())}


def drop(store: Store, source_ids: Iterable[int]) -> list[tuple[datetime]]:
    """Remove all rows of some sources, and what retention kept of them; return the hours in which they had events."""
    dropped = list(source_ids)
    if not dropped:
        return []
    hours = rollup.hours_of(store, dropped)
    for table in (ACCESS_LOG, SOURCE_FLOW, SOURCE_FIELD, REJECTED_RECORD, LOAD_LEDGER):
        store.delete_sources(table, dropped)
    return hours


def settle(store: Store, start_lines: Mapping[int, int], hours: Iterable[tuple[datetime]]) -> None:
    """Note new addresses, and make the flows of these hours and of those of the load anew.

    Args:
        store: the warehouse.
        start_lines: what was loaded; see `loading`.
        hours: hours that changed otherwise.
    """
    parameters = loading(start_lines)
    rows = []
    for (text,) in store.rows("transform/new_addresses", **parameters):
        address = addresses.read(text)
        matchable = address.network == addresses.PUBLIC
        value = str(addresses.number(ip_address(address.canonical))) if matchable else None
        rows.append((text, address.canonical, address.version, value, address.network))
    store.append_rows(ADDRESS, sorted(rows, key=itemgetter(0)))
    changed = {row[0]: 0 for row in hours} | dict(store.rows("transform/hours_of_loading", **parameters))
    rollup.refresh(store, changed)
