"""Loads what a file tells: a configuration, Azure's service tags, or the networks that you know."""

from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import InventoryError
from pipeline.inventory import document, networks, snapshot
from pipeline.moments import utc_now
from pipeline.store import Store


def doubts(store: Store, path: Path, taken_at: datetime | None) -> list[str]:
    """Return what speaks against taking a file for the newest configuration, a sentence each.

    Args:
        store: the warehouse, before the file is loaded.
        path: as for `load`.
        taken_at: as for `load`.
    """
    known = max((row[7] for row in store.rows("inventory/newest_snapshots", moment=None)), default=None)
    if known is None or path.suffix.lower() == ".csv":
        return []
    if taken_at:
        kept = (
            f"What is known already was found at {known:%Y-%m-%d %H:%M}, later than {taken_at:%Y-%m-%d %H:%M}: the "
            "file is kept as history, and of perimeters found later nothing changes."
        )
        return [kept] if taken_at < known else []
    files = path.glob("*.json") if path.is_dir() else [path]
    written = max((datetime.fromtimestamp(each.stat().st_mtime, UTC) for each in files if each.is_file()), default=None)
    if written is None or written.replace(tzinfo=None) >= known:
        return []
    older = (
        f"{path} was last written at {written:%Y-%m-%d %H:%M}, before what is known was found at "
        f"{known:%Y-%m-%d %H:%M}, and is taken for the configuration of now: if it isn't, pull the inventory, and load "
        "old files with --taken."
    )
    return [older]


def load(store: Store, path: Path, *, taken_at: datetime | None = None, complete: bool = False) -> dict[str, int]:
    """Load a file or a folder of JSON files; return how many of what it told.

    Args:
        store: the warehouse.
        path: *.csv with known networks; JSON with service tags; else a configuration, see
            pipeline.inventory.document.
        taken_at: when the configuration was so, UTC; None for now.
        complete: the configuration names every perimeter: others are gone.

    Raises:
        InventoryError: it can't be read, or holds something else. The store is left as it was.
    """
    if path.suffix.lower() == ".csv":
        return networks.load_known_networks(store, path)
    if path.is_file():
        content = document.json_of(path)
        if networks.is_service_tags(content):
            return networks.keep_service_tags(store, content)
    moment = taken_at or utc_now()
    found = document.read(path)
    if complete and not found.items("perimeters"):
        raise InventoryError(f"{path} names no perimeter, so it can't be complete: all would be taken for gone.")
    return snapshot.keep(store, found, moment, path.name, scope=[""] if complete else None)
