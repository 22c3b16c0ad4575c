"""Azure network security perimeter access logs: from records to access rules, with evidence."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.published.handle import Published

__version__ = "0.1.0"


def open_store(path: "str | Path | None" = None, *, refresh: bool = True) -> "Published":
    """Open what the logs told, for reading; then type `.` and tab.

    What is opened is the published snapshot beside the warehouse; so it works while `nsp ingest` writes, and nothing
    is ever written to the warehouse. Where there is no snapshot, or the warehouse is newer and nobody writes to it,
    one is made first; that takes a few seconds.

    Args:
        path: folder of the store, or file of a snapshot; None for the store of ./nsp.toml, else ./.nsp.
        refresh: make a new snapshot where the warehouse is newer.

    Raises:
        StoreError: there is no warehouse, or it can't be read.
        StoreBusyError: there is no snapshot yet, and the warehouse is written all the time.
        SettingsError: nsp.toml or policy.toml has a wrong key or value.
    """
    from pipeline.published.handle import open_snapshot

    return open_snapshot(path, refresh=refresh)
