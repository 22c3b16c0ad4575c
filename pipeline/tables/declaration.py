"""How a table is declared: its name, its grain, its columns, and the DDL that follows from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Column:
    """One column of one table.

    Args:
        name: as in SQL.
        type: the DuckDB type.
        meaning: one sentence for the data dictionary, with the unit where there is one.
        required: stored as not null.
        blob: path of the field in a diagnostic log record, dots between levels; None for our own columns.
        workspace: name of the column in the NSPAccessLogs table.
        derived: an SQL expression over the other columns; such a column is computed when read, and never written.
    """

    name: str
    type: str
    meaning: str
    required: bool = False
    blob: str | None = None
    workspace: str | None = None
    derived: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, what one row stands for, and its columns in order.

    Args:
        name: as in SQL.
        grain: one sentence: what a row is.
        columns: in order.
        checked_by_loader: leave `not null` to the program that writes the rows. For access_log the loader counts
            values anyway, and DuckDB's own check costs a tenth of the load.
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    checked_by_loader: bool = False

    @property
    def written(self) -> tuple[Column, ...]:
        """The columns that are written, in order."""
        return tuple(column for column in self.columns if not column.derived)

    @property
    def stored_as(self) -> str:
        """Name of the table that holds the rows; a view of the table's own name adds derived columns.

        DuckDB's generated columns would do the same, but it computes those of every row that is inserted, to see that
        they can be: a twelfth of the time of loading.
        """
        return self.name if len(self.written) == len(self.columns) else f"{self.name}_stored"

    def ddl(self) -> str:
        """Return the statements that make the table, and the view if it has one; they do nothing where they are."""
        lines = []
        for column in self.written:
            enforced = column.required and not self.checked_by_loader
            lines.append(f"{column.name} {column.type}{' not null' if enforced else ''}")
        body = ",\n    ".join(lines)
        made = f"create table if not exists {self.stored_as} (\n    {body}\n)"
        if self.stored_as != self.name:
            shown = ",\n    ".join(
                f"({column.derived})::{column.type} as {column.name}" if column.derived else column.name
                for column in self.columns
            )
            made += f";\ncreate view if not exists {self.name} as\nselect\n    {shown}\nfrom {self.stored_as}"
        return made

    def polars_schema(self) -> "dict[str, pl.DataType]":
        """Return column name -> polars type, as `pl.DataFrame(relation)` yields it."""
        import polars as pl

        types: dict[str, pl.DataType] = {
            "VARCHAR": pl.String(),
            "BIGINT": pl.Int64(),
            "UTINYINT": pl.UInt8(),
            "BOOLEAN": pl.Boolean(),
            "UHUGEINT": pl.Decimal(38, 0),
            "TIMESTAMP": pl.Datetime("us"),
        }
        return {column.name: types[column.type] for column in self.columns}


@dataclass(frozen=True, slots=True)
class View:
    """The newest state of a table of snapshots: of each perimeter the rows of its last snapshot, if it still exists.

    Views are made anew whenever a store is opened, and never stored.

    Args:
        name: as in SQL.
        table: the snapshots; its columns are the view's, but for `snapshot_id`.
        grain: one sentence: what a row is.
    """

    name: str
    table: Table
    grain: str

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in order."""
        return tuple(column for column in self.table.columns if column.name != "snapshot_id")

    def ddl(self, moment: datetime | None = None) -> str:
        """Return the CREATE VIEW statement; of the snapshots up to a moment, UTC, or of all."""
        names = ", ".join(column.name for column in self.columns)
        until = f"where taken_at <= timestamp '{moment.isoformat(sep=' ')}' " if moment else ""
        newest = (
            f"select snapshot_id from inventory_snapshot {until}"
            "qualify not gone and "
            "row_number() over (partition by perimeter order by confirmed_at desc, taken_at desc, snapshot_id desc) = 1"
        )
        rows = f"select {names} from {self.table.name} where snapshot_id in ({newest})"
        return f"create or replace temp view {self.name} as {rows}"
