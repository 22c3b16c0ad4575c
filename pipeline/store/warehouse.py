"""An open warehouse: runs queries of queries/ and is the only writer of tables."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb

from pipeline import sql
from pipeline.errors import QueryError, UsageError
from pipeline.stopping import may_interrupt
from pipeline.store.failures import interruptible, parameter_message, told
from pipeline.store.views import Views
from pipeline.tables import TABLES, TRAFFIC, VIEWS, Table

if TYPE_CHECKING:
    import polars as pl

MODEST_MEBIBYTES = 96
"""Of memory for one thread: what nearly all loads do with. DuckDB's guide asks for 125 MB ("Environment")."""
_MEBIBYTES = {"MiB": 1.0, "GiB": 1024.0, "TiB": 1024.0**2}


@dataclass(frozen=True, slots=True)
class Space:
    """How much of a warehouse's file is used. Sizes in bytes; free ones are written again, but not given back."""

    total_bytes: int
    free_bytes: int


class Store:
    """An open warehouse. Use as a context manager; `transaction()` groups writes.

    Args:
        connection: an open DuckDB connection whose session time zone is UTC.
        memory: its memory limit, such as 700MB.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, memory: str) -> None:
        self._connection = connection
        self._memory = memory
        self.is_modest = False
        """It works in less memory than its settings allow."""
        self._views = Views(connection)
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
            self._roll_back()
            with suppress(duckdb.Error):  # a full disk may have ended the database
                self._views.forget()
            raise
        with told("commit"):
            self._connection.commit()
        self._views.outdate(TRAFFIC.name)  # a commit gives rows other rowids, by which verdicts tell flows

    @contextmanager
    def modestly(self) -> Iterator[None]:
        """Have one thread of DuckDB work, in little memory, for the length of the block; it spills to disk beyond.

        For loads in several transactions. Each thread that appends holds a row group that isn't full (some 150 MB of
        access_log), and the checkpoint afterwards joins those of all threads, three at a time and uncompressed: a
        third of the time of such a load. What can't be spilled ends in a MemoryLimitError: see `generously`.
        """
        (limit, threads) = self._connection.execute(
            "select current_setting('memory_limit'), current_setting('threads')"
        ).fetchall()[0]
        number, unit = limit.split()
        if float(number) * _MEBIBYTES.get(unit, 0) > MODEST_MEBIBYTES:
            with suppress(duckdb.OutOfMemoryException):  # it holds more at the moment
                self._connection.execute(f"set memory_limit = '{MODEST_MEBIBYTES}MiB'")
                self.is_modest = True
        self._connection.execute("set threads = 1")
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # a full disk may have ended the database, and is told already
                self._connection.execute("set threads = $threads", {"threads": threads})
                if self.is_modest:
                    self._connection.execute("set memory_limit = $memory", {"memory": self._memory})
            self.is_modest = False

    @contextmanager
    def generously(self) -> Iterator[None]:
        """Have all the memory that the settings allow for the length of the block, also within `modestly`."""
        if not self.is_modest:
            yield
            return
        self._connection.execute("set memory_limit = $memory", {"memory": self._memory})
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # it holds more at the moment, or a full disk has ended the database
                self._connection.execute(f"set memory_limit = '{MODEST_MEBIBYTES}MiB'")

    def rows(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query as tuples.

        Raises:
            QueryError: DuckDB could not run it.
        """
        with told(name):
            return self._connection.execute(self._query(name).text, parameters).fetchall()

    def frame(self, name: str, **parameters: Any) -> "pl.DataFrame":
        """Return the rows of a query as a polars frame.

        Raises:
            UsageError: a parameter is missing, unknown or of a wrong type.
        """
        import polars as pl

        query = self._query(name)
        try:
            with interruptible():
                return pl.DataFrame(self._connection.sql(query.text, params=parameters))
        except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.BinderException) as error:
            raise UsageError(parameter_message(query, parameters, error)) from error

    def whole(self, table: str) -> "pl.DataFrame":
        """Return all rows of a stored table as a polars frame.

        Raises:
            QueryError: there is no such table.
        """
        import polars as pl

        with told(table):
            return pl.DataFrame(self._connection.table(table))

    def tables(self) -> dict[str, int]:
        """Return the names of the stored tables, with how many rows each has."""
        named = self._connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database() order by table_name"
        ).fetchall()
        shown = {table.stored_as: table.name for table in TABLES}
        return {shown.get(name, name): len(self._connection.table(name)) for (name,) in named}

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
        with told(query):
            found = self._query(query)
            values = dict.fromkeys(found.parameters) | parameters
            return self._count(self._connection.execute(f"create or replace table {table} as\n{found.text}", values))

    def copy_into(self, path: Path, left_out: Sequence[Table] = ()) -> None:
        """Write into a new warehouse what this one holds, but for some tables, which stay empty.

        Raises:
            StoreError: the file can't be written.
        """
        with told("copy"):
            self._connection.execute(f"attach {quoted(path)} as copied")
            for table in TABLES:
                if table not in left_out:
                    names = ", ".join(column.name for column in table.written)
                    self._connection.execute(f"delete from copied.{table.stored_as}")
                    self._connection.execute(
                        f"insert into copied.{table.stored_as} ({names}) select {names} from {table.stored_as}"
                    )
            self._connection.execute("detach copied")

    def space(self) -> Space:
        """Return how much of the file is used, after writing all that a log beside it holds into it.

        Raises:
            StoreError: the file can't be written.
        """
        with told("checkpoint"):
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
        return self._change(table, f"insert into {table.stored_as} by name\n{self._query(name).text}", parameters, name)

    def append_rows(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows of plain values, in the order of the table's stored columns."""
        if not rows:
            return
        stored = table.written
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
        self._change(table, f"insert into {table.stored_as} ({names}) select {', '.join(selected)}", given)

    def delete(self, table: Table, name: str, **parameters: Any) -> int:
        """Remove the rows of a table whose rowid a query returns; return how many.

        Raises:
            QueryError: DuckDB could not run it.
        """
        statement = f"delete from {table.stored_as} where rowid in (\n{self._query(name).text}\n)"
        return self._change(table, statement, parameters, name)

    def clear(self, table: Table, column: str, name: str, **parameters: Any) -> int:
        """Set a column to null in the rows of a table whose rowid a query returns; return how many.

        Raises:
            QueryError: the table has no such column, or DuckDB could not run it.
        """
        if column not in {each.name for each in table.columns}:
            raise QueryError(f"{table.name} has no column {column}.")
        statement = f"update {table.stored_as} set {column} = null where rowid in (\n{self._query(name).text}\n)"
        return self._change(table, statement, parameters, name)

    def delete_sources(self, table: Table, source_ids: Iterable[int]) -> int:
        """Remove the rows that came from the given sources; return how many."""
        statement = f"delete from {table.stored_as} where source_id in $source_ids"
        return self._change(table, statement, {"source_ids": list(source_ids)})

    def delete_named(self, table: Table, column: str, values: Sequence[str]) -> int:
        """Remove the rows with one of some texts in a column; return how many."""
        if column not in {each.name for each in table.columns}:
            raise QueryError(f"{table.name} has no column {column}.")
        return self._change(table, f"delete from {table.stored_as} where {column} in $values", {"values": list(values)})

    def delete_hours(self, table: Table, start: object, end: object) -> int:
        """Remove the rows of the hours in [start, end), start None for all before the end; return how many."""
        span = "hour >= coalesce($start, '-infinity'::timestamp) and hour < $end"
        return self._change(table, f"delete from {table.stored_as} where {span}", {"start": start, "end": end})

    def replace(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Put rows of plain values in the place of everything that the table holds."""
        self._change(table, f"delete from {table.stored_as}", {})
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
        with told(query):
            count = self._count(self._connection.execute(statement, parameters))
        yield count
        self._connection.execute(f"drop table {name}")

    @contextmanager
    def temporary(self, table: Table, rows: Sequence[Sequence[Any]] = ()) -> Iterator[None]:
        """Have a temporary table for the length of the block.

        Where a stored table has its name, queries and views see the temporary one instead: so a verdict is asked for
        under other rules than those in force.
        """
        with self._views.trial(table.name):
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
        with self._views.trial(*(view.name for view in VIEWS)):
            for view in VIEWS:
                self._connection.execute(view.ddl(moment))
            try:
                yield
            finally:
                for view in VIEWS:
                    self._connection.execute(view.ddl())

    def _roll_back(self) -> None:
        interrupted = False
        while True:
            try:
                self._connection.rollback()
            except duckdb.InterruptException:  # meant for the query that it came too late for
                interrupted = True
            except duckdb.TransactionException:
                if interrupted:  # it was done all the same
                    return
                raise
            else:
                return

    def _change(self, table: Table, statement: str, parameters: dict[str, Any], name: str = "") -> int:
        """Run a statement that changes rows of a table, for a query or the table itself; return how many."""
        with told(name or table.name):
            changed = self._count(self._connection.execute(statement, parameters))
            self._views.outdate(table.name)
        return changed

    def _query(self, name: str) -> sql.Query:
        """Return a query, after making the views that it reads."""
        query = sql.load(name)
        with told(name):
            self._views.make(query)
        return query

    def _count(self, result: duckdb.DuckDBPyConnection) -> int:
        rows = result.fetchall()  # not fetchone: a result with rows left keeps the connection busy
        return int(rows[0][0]) if rows else 0


def quoted(path: Path) -> str:
    """Return a path as a literal of SQL, for the statements that take no parameters."""
    return "'" + str(path).replace("'", "''") + "'"
