"""Opens the DuckDB file of a warehouse, creates its tables and tells who has it open."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import duckdb

from pipeline.errors import StoreBusyError, StoreError, UsageError
from pipeline.store.failures import first_line
from pipeline.store.warehouse import Store, quoted
from pipeline.tables import SCENARIO, SCHEMA_VERSION, TABLES, VIEWS, Table

_T = TypeVar("_T")
MEMORY = "700MB"
WAREHOUSE = "warehouse.duckdb"
PUBLISHED = "published.duckdb"
"""What people read; pipeline.published makes it beside the warehouse."""


def open_store(folder: Path, *, read_only: bool = False, memory: str = MEMORY, wait: float = 30.0) -> Store:
    """Open the warehouse in a folder, creating both where they are missing and writing is wanted.

    Args:
        folder: the store's folder, usually ./.nsp.
        read_only: open for reading; the warehouse must be there.
        memory: DuckDB's memory limit, such as 700MB; it spills to disk beyond it.
        wait: seconds to wait for another process that has the warehouse open.

    Raises:
        StoreError: there is nothing to read, the file is no warehouse, or another version wrote it.
        StoreBusyError: another process still has it open after `wait` seconds.
    """
    path = folder / WAREHOUSE
    if read_only and not path.exists():
        raise StoreError(f"There is no warehouse in {folder}. Load logs first: nsp ingest folder PATH (or nsp demo).")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The store folder {folder} can't be made: {error.strerror}.") from error
    return open_file(path, read_only=read_only, memory=memory, wait=wait)


def open_file(path: Path, *, read_only: bool = False, memory: str = MEMORY, wait: float = 30.0) -> Store:
    """Open a file that holds a warehouse or a copy of one.

    Args:
        path: of the file; made where it is missing and writing is wanted.
        read_only: open for reading.
        memory: DuckDB's memory limit.
        wait: seconds to wait for another process that has it open.

    Raises:
        StoreError: the file is no warehouse, or another version wrote it.
        StoreBusyError: another process still has it open after `wait` seconds.
    """
    return _checked(_connect(path, read_only=read_only, memory=memory, wait=wait), path, memory, read_only=read_only)


def attach(path: Path, *, memory: str = MEMORY, wait: float = 30.0) -> Store:
    """Open a file for reading, apart from every other connection of this process to a file of that name.

    DuckDB shares one instance among the connections of a process to a path; so after a file was replaced by another,
    a second reader would still see the old one as long as the first is open.

    Raises:
        StoreError: the file can't be read, is no warehouse, or another version wrote it.
        StoreBusyError: another process still has it open after `wait` seconds.
    """
    connection = _connect(None, read_only=False, memory=memory, wait=wait)
    try:
        _patiently(lambda: connection.execute(f"attach {quoted(path)} as attached (read_only)"), path, wait)
        connection.execute("use attached")
    except duckdb.Error as error:
        connection.close()
        raise StoreError(f"{path} can't be opened as a warehouse: {first_line(error)}.") from error
    except BaseException:
        connection.close()
        raise
    return _checked(connection, path, memory, read_only=True)


def copy_store(source: Store, path: Path, left_out: Sequence[Table] = ()) -> None:
    """Write a new warehouse that holds what another one does, but for some tables, which stay empty.

    Raises:
        StoreError: the file can't be written.
    """
    open_file(path).close()  # makes the tables
    source.copy_into(path, left_out)


def _checked(connection: duckdb.DuckDBPyConnection, path: Path, memory: str, *, read_only: bool) -> Store:
    try:
        connection.execute("set TimeZone = 'UTC'")
        with suppress(duckdb.InvalidInputException):  # what can't be set in a notebook can't be shown there either
            connection.execute("set enable_progress_bar = false")  # it would go to stdout, as from python -c
        _check_version(connection, path, read_only=read_only)
        _make_views(connection)
    except BaseException:
        connection.close()
        raise
    return Store(connection, memory)


def _connect(path: Path | None, *, read_only: bool, memory: str, wait: float) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "preserve_insertion_order": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    place = str(path) if path else ":memory:"
    try:
        while True:
            before = _file_of(path)
            connection = _patiently(lambda: duckdb.connect(place, read_only=read_only, config=config), path, wait)
            if before is None or before == _file_of(path):
                return connection
            connection.close()  # another file took its place while it was opened: what is written here would be lost
    except duckdb.Error as error:
        if "memory" in str(error).lower():
            raise UsageError(f"store.memory is no size: {memory!r}. Write 700MB or 4GB.") from error
        raise StoreError(f"{path} can't be opened as a warehouse: {first_line(error)}.") from error


def _file_of(path: Path | None) -> tuple[int, int] | None:
    """Return which file lies at a path; None where there is none."""
    try:
        told = path.stat() if path else None
    except OSError:
        return None
    return (told.st_dev, told.st_ino) if told else None


def _patiently(action: Callable[[], _T], path: Path | None, wait: float) -> _T:
    """Do what needs a file that another process may have open.

    Raises:
        StoreError: the file can't be read.
        StoreBusyError: another process still has it open after `wait` seconds.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            return action()
        except duckdb.IOException as error:
            if "could not set lock" not in str(error).lower():
                raise StoreError(f"{path} can't be opened: {first_line(error)}.") from error
            if time.monotonic() >= deadline:
                raise StoreBusyError(f"{path} is in use by another nsp. Try again when it has finished.") from error
            time.sleep(0.1)


def _check_version(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    with suppress(duckdb.CatalogException):  # asking duckdb_tables() whether it is there would take ten times as long
        ((version,),) = connection.execute("select version from store_version").fetchall()
        if version > SCHEMA_VERSION:
            raise StoreError(f"{path} was written by a newer nsp (tables {version}, not {SCHEMA_VERSION}): update nsp.")
        if version < SCHEMA_VERSION:
            raise StoreError(
                f"{path} was written by an older nsp (tables {version}, not {SCHEMA_VERSION}). Move it away, keep it, "
                "and load again: nsp ingest reads the logs that are still there, nsp inventory load --taken TIME older "
                "inventories. What only the warehouse has kept of dropped or expired logs stays in the old one."
            )
        return
    if read_only:
        raise StoreError(f"{path} isn't a warehouse of nsp.")
    connection.begin()
    for table in TABLES:
        connection.execute(table.ddl())
    connection.execute(f"insert into {SCENARIO.name} values (null, null)")
    connection.execute("create table store_version as select ?::integer as version", [SCHEMA_VERSION])
    connection.commit()


def _make_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the views, which live as long as the connection: an old warehouse never holds an old query."""
    for view in VIEWS:
        connection.execute(view.ddl())
