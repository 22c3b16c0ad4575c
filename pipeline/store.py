"""The warehouse: opens the DuckDB file, creates its tables, runs queries and is the only writer.

A DuckDB file has one writer, and while it is open no other process can even read it; so a store is opened
for as short as possible, and opening waits a while for another process to finish.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import duckdb

from pipeline import sql
from pipeline.errors import MalformedJsonError, QueryError, StoreBusyError, StoreError, UsageError
from pipeline.stopping import at_work, may_interrupt
from pipeline.tables import SCENARIO, SCHEMA_VERSION, TABLES, VIEWS, Table

if TYPE_CHECKING:
    import polars as pl

_T = TypeVar("_T")
MEMORY = "700MB"
MODEST_MEBIBYTES = 128
"""Of memory a thread; DuckDB's guide asks for 125 MB at least ("Environment")."""
_MEBIBYTES = {"MiB": 1.0, "GiB": 1024.0, "TiB": 1024.0**2}
WAREHOUSE = "warehouse.duckdb"
PUBLISHED = "published.duckdb"
"""What people read; pipeline.published makes it beside the warehouse."""
QUERY_VIEWS = {
    "address_owner": "callers/address_owner",
    "caller": "callers/caller",
    "crossing": "verdict/crossing",
    "decision_matrix": "verdict/decision_matrix",
    "logged_flow": "transform/logged_flow",
    "logged_record": "transform/logged_record",
    "member": "verdict/member",
    "resource_state": "verdict/resource_state",
    "verdict": "verdict/verdict",
    "verdict_reason": "verdict/verdict_reason",
}
"""Views that are queries themselves: name -> query. Each is made when a query first reads it."""


@dataclass(frozen=True, slots=True)
class Space:
    """How much of a warehouse's file is used. Sizes in bytes; free ones are written again, but not given back."""

    total_bytes: int
    free_bytes: int


def tables_read(query: sql.Query) -> frozenset[str]:
    """Return the tables that a query reads, also through views that are queries themselves."""
    found: set[str] = set()
    for name in query.reads:
        found |= tables_read(sql.load(QUERY_VIEWS[name])) if name in QUERY_VIEWS else {name}
    return frozenset(found)


class Store:
    """An open warehouse. Use as a context manager; `transaction()` groups writes.

    Args:
        connection: an open DuckDB connection whose session time zone is UTC.
        memory: its memory limit, such as 700MB.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, memory: str) -> None:
        self._connection = connection
        self._memory = memory
        self._views: set[str] = set()
        may_interrupt(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; other processes can open it again."""
        self._connection.close()

    def interrupt(self) -> None:
        """Have the running query, if there is one, end with a KeyboardInterrupt; from any thread."""
        self._connection.interrupt()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside happen, or none."""
        self._connection.begin()
        try:
            yield
        except BaseException:
            try:
                self._connection.rollback()
            except duckdb.InterruptException:  # meant for the query that it came too late for
                self._connection.rollback()
            raise
        with _interruptible():
            self._connection.commit()

    @contextmanager
    def modestly(self) -> Iterator[None]:
        """Have DuckDB work in little memory for the length of the block; it spills to disk beyond.

        For loads in many small transactions. Checkpoints between them join row groups that are partly filled, three at
        a time and uncompressed (some 500 MB of access_log), so that the peak would grow with what was loaded before.
        """
        (limit, threads) = self._connection.execute(
            "select current_setting('memory_limit'), current_setting('threads')"
        ).fetchall()[0]
        number, unit = limit.split()
        wanted = MODEST_MEBIBYTES * threads
        if float(number) * _MEBIBYTES.get(unit, 0) <= wanted:
            yield
            return
        self._connection.execute(f"set memory_limit = '{wanted}MiB'")
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # a full disk may have ended the database, and is told already
                self._connection.execute("set memory_limit = $memory", {"memory": self._memory})

    def rows(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query as tuples.

        Raises:
            QueryError: DuckDB could not run it.
        """
        with _told(name):
            return self._connection.execute(self._query(name).text, parameters).fetchall()

    def frame(self, name: str, **parameters: Any) -> "pl.DataFrame":
        """Return the rows of a query as a polars frame.

        Raises:
            UsageError: a parameter is missing, unknown or of a wrong type.
        """
        import polars as pl

        query = self._query(name)
        try:
            with _interruptible():
                return pl.DataFrame(self._connection.sql(query.text, params=parameters))
        except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.BinderException) as error:
            raise UsageError(_parameter_message(query, parameters, error)) from error

    def whole(self, table: str) -> "pl.DataFrame":
        """Return all rows of a stored table as a polars frame.

        Raises:
            QueryError: there is no such table.
        """
        import polars as pl

        with _told(table):
            return pl.DataFrame(self._connection.table(table))

    def tables(self) -> dict[str, int]:
        """Return the names of the stored tables, with how many rows each has."""
        named = self._connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database() order by table_name"
        ).fetchall()
        return {name: len(self._connection.table(name)) for (name,) in named}

    def create(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Make a table where there is none of that name, and insert rows of plain values."""
        self._connection.execute(table.ddl())
        self.append_rows(table, rows)

    def keep(self, table: str, query: str, **parameters: Any) -> int:
        """Store the rows of a query as a table, in the place of one of that name; return how many.

        A parameter that isn't given is null.

        Raises:
            QueryError: DuckDB could not run it.
        """
        with _told(query):
            found = self._query(query)
            values = dict.fromkeys(found.parameters) | parameters
            return self._count(self._connection.execute(f"create or replace table {table} as\n{found.text}", values))

    def copy_to(self, path: Path, left_out: Sequence[Table] = ()) -> None:
        """Write a new warehouse that holds what this one does, but for some tables, which stay empty.

        Raises:
            StoreError: the file can't be written.
        """
        with _told("copy"):
            open_file(path).close()  # makes the tables
            self._connection.execute(f"attach {_quoted(path)} as copied")
            for table in TABLES:
                if table not in left_out:
                    names = ", ".join(column.name for column in table.columns if not column.derived)
                    self._connection.execute(f"delete from copied.{table.name}")
                    self._connection.execute(
                        f"insert into copied.{table.name} ({names}) select {names} from {table.name}"
                    )
            self._connection.execute("detach copied")

    def space(self) -> Space:
        """Return how much of the file is used, after writing all that a log beside it holds into it.

        Raises:
            StoreError: the file can't be written.
        """
        with _told("checkpoint"):
            self._connection.execute("checkpoint")
            size = (
                "select block_size, total_blocks, free_blocks from pragma_database_size() where database_name = $name"
            )
            ((name,),) = self._connection.execute("select current_database()").fetchall()
            ((block, total, free),) = self._connection.execute(size, {"name": name}).fetchall()
        return Space(block * total, block * free)

    def append(self, table: Table, name: str, **parameters: Any) -> int:
        """Insert the rows of a query into a table, by column name; return how many.

        Raises:
            MalformedJsonError: a line that the query parses is no JSON; the transaction has to be rolled back.
            QueryError: DuckDB could not run it.
        """
        statement = f"insert into {table.name} by name\n{self._query(name).text}"
        with _told(name):
            return self._count(self._connection.execute(statement, parameters))

    def append_rows(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows of plain values, in the order of the table's stored columns."""
        if not rows:
            return
        stored = [column for column in table.columns if not column.derived]
        given: dict[str, Any] = {}
        selected = []
        for column, values in zip(stored, zip(*rows, strict=True), strict=True):
            # numbers of 128 bits come as text: Python's own fit only into 64
            bound = "varchar" if column.type == "UHUGEINT" else column.type
            given[column.name] = list(values)
            # one unnest a column: a statement a row would take 0.3 ms each
            text = f"unnest(${column.name}::{bound}[])"
            if column is not stored[0] and values.count(values[0]) == len(values):  # DuckDB takes a microsecond a value
                given[column.name] = values[0]
                text = f"${column.name}::{bound}"
            selected.append(f"{text}::{column.type}")
        names = ", ".join(column.name for column in stored)
        with _told(table.name):
            self._connection.execute(f"insert into {table.name} ({names}) select {', '.join(selected)}", given)

    def delete(self, table: Table, name: str, **parameters: Any) -> int:
        """Remove the rows of a table whose rowid a query returns; return how many.

        Raises:
            QueryError: DuckDB could not run it.
        """
        statement = f"delete from {table.name} where rowid in (\n{self._query(name).text}\n)"
        with _told(name):
            return self._count(self._connection.execute(statement, parameters))

    def clear(self, table: Table, column: str, name: str, **parameters: Any) -> int:
        """Set a column to null in the rows of a table whose rowid a query returns; return how many.

        Raises:
            QueryError: the table has no such column, or DuckDB could not run it.
        """
        if column not in {each.name for each in table.columns}:
            raise QueryError(f"{table.name} has no column {column}.")
        statement = f"update {table.name} set {column} = null where rowid in (\n{self._query(name).text}\n)"
        with _told(name):
            return self._count(self._connection.execute(statement, parameters))

    def delete_sources(self, table: Table, source_ids: Iterable[int]) -> int:
        """Remove the rows that came from the given sources; return how many."""
        statement = f"delete from {table.name} where source_id in $source_ids"
        with _told(table.name):
            return self._count(self._connection.execute(statement, {"source_ids": list(source_ids)}))

    def delete_named(self, table: Table, column: str, values: Sequence[str]) -> int:
        """Remove the rows with one of some texts in a column; return how many."""
        if column not in {each.name for each in table.columns}:
            raise QueryError(f"{table.name} has no column {column}.")
        statement = f"delete from {table.name} where {column} in $values"
        return self._count(self._connection.execute(statement, {"values": list(values)}))

    def delete_hours(self, table: Table, start: object, end: object) -> int:
        """Remove the rows of the hours in [start, end), start None for all before the end; return how many."""
        statement = f"delete from {table.name} where hour >= coalesce($start, '-infinity'::timestamp) and hour < $end"
        with _told(table.name):
            return self._count(self._connection.execute(statement, {"start": start, "end": end}))

    def replace(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Put rows of plain values in the place of everything that the table holds."""
        self._connection.execute(f"delete from {table.name}")
        self.append_rows(table, rows)

    @contextmanager
    def view(self, name: str, arrow: object) -> Iterator[None]:
        """Make an Arrow stream or frame readable in queries under a name, for the length of the block."""
        self._connection.register(name, arrow)
        yield  # after an error the transaction is rolled back, and the name goes with the next view of that name
        self._connection.unregister(name)

    @contextmanager
    def scratch(self, name: str, query: str, **parameters: Any) -> Iterator[int]:
        """Keep the rows of a query in a temporary table for the length of the block; yield how many."""
        statement = f"create or replace temp table {name} as\n{self._query(query).text}"
        with _told(query):
            count = self._count(self._connection.execute(statement, parameters))
        yield count
        self._connection.execute(f"drop table {name}")

    @contextmanager
    def temporary(self, table: Table, rows: Sequence[Sequence[Any]] = ()) -> Iterator[None]:
        """Have a temporary table for the length of the block.

        Where a stored table has its name, queries and views see the temporary one instead: so a verdict is asked for
        under other rules than those in force.
        """
        self._connection.execute(table.ddl().replace("create table if not exists", "create temp table", 1))
        try:
            self.append_rows(table, rows)
            yield
        except BaseException:
            with suppress(duckdb.Error):  # an aborted transaction takes the table with it
                self._connection.execute(f"drop table temp.{table.name}")
            raise
        self._connection.execute(f"drop table temp.{table.name}")

    @contextmanager
    def as_of(self, moment: datetime) -> Iterator[None]:
        """Have the views of the inventory show what was known at a moment, UTC, for the length of the block."""
        for view in VIEWS:
            self._connection.execute(view.ddl(moment))
        try:
            yield
        finally:
            for view in VIEWS:
                self._connection.execute(view.ddl())

    def _query(self, name: str) -> sql.Query:
        """Return a query, after making the views that it reads."""
        query = sql.load(name)
        for view in query.reads:
            if view in QUERY_VIEWS and view not in self._views:
                text = self._query(QUERY_VIEWS[view]).text
                self._connection.execute(f"create temp view {view} as\n{text}")
                self._views.add(view)
        return query

    def _count(self, result: duckdb.DuckDBPyConnection) -> int:
        rows = result.fetchall()  # not fetchone: a result with rows left keeps the connection busy
        return int(rows[0][0]) if rows else 0


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C through: DuckDB's client makes a plain RuntimeError of a KeyboardInterrupt that meets it at work."""
    try:
        with at_work():
            yield
    except duckdb.InterruptException:  # pipeline.stopping asked for it
        raise KeyboardInterrupt from None
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from None
        raise


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn DuckDB's errors into ours; those of disks and files stay what they are."""
    try:
        with _interruptible():
            yield
    except (duckdb.IOException, duckdb.TransactionException) as error:  # the latter where a commit can't be written
        raise StoreError(f"The warehouse can't be written or read: {_first_line(error)}.") from error
    except duckdb.InvalidInputException as error:
        if "malformed json" in str(error).lower():
            raise MalformedJsonError(_first_line(error)) from error
        raise QueryError(f"{name}: {_first_line(error)}") from error
    except duckdb.Error as error:
        raise QueryError(f"{name}: {_first_line(error)}") from error


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
        _patiently(lambda: connection.execute(f"attach {_quoted(path)} as attached (read_only)"), path, wait)
        connection.execute("use attached")
    except duckdb.Error as error:
        connection.close()
        raise StoreError(f"{path} can't be opened as a warehouse: {_first_line(error)}.") from error
    except BaseException:
        connection.close()
        raise
    return _checked(connection, path, memory, read_only=True)


def _checked(connection: duckdb.DuckDBPyConnection, path: Path, memory: str, *, read_only: bool) -> Store:
    try:
        connection.execute("set TimeZone = 'UTC'")
        _check_version(connection, path, read_only=read_only)
        _make_views(connection)
    except BaseException:
        connection.close()
        raise
    return Store(connection, memory)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


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
        raise StoreError(f"{path} can't be opened as a warehouse: {_first_line(error)}.") from error


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
                raise StoreError(f"{path} can't be opened: {_first_line(error)}.") from error
            if time.monotonic() >= deadline:
                raise StoreBusyError(f"{path} is in use by another nsp. Try again when it has finished.") from error
            time.sleep(0.1)


def _check_version(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    if connection.execute("select 1 from duckdb_tables() where table_name = 'store_version'").fetchall():
        if connection.execute("select version from store_version").fetchall() != [(SCHEMA_VERSION,)]:
            raise StoreError(
                f"{path} was written by another version of nsp. Move it away and run nsp ingest again; "
                "the logs are read anew.",
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


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")


def _parameter_message(query: sql.Query, parameters: dict[str, Any], error: Exception) -> str:
    missing = sorted(set(query.parameters) - set(parameters))
    unknown = sorted(set(parameters) - set(query.parameters))
    if missing or unknown:
        told = ", ".join(f"{name} ({text})" for name, text in query.parameters.items()) or "none"
        return f"{query.name} takes the parameters: {told}. Missing: {missing}; unknown: {unknown}."
    return f"{query.name} can't run with these parameters: {_first_line(error)}."
