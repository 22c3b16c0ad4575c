"""Puts rows on stdout in the format that was asked for. Log fields are other people's text: nothing of it acts.

On a terminal control characters are made visible and markup is plain text; in CSV a cell that a spreadsheet
would take for a formula gets an apostrophe in front.
"""

import json
import sys
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.errors import UsageError

if TYPE_CHECKING:
    import polars as pl


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to write the rows on stdout.")]

WIDTH = 120
"""Columns where stdout is no terminal."""


def console(*, stderr: bool = False) -> Console:
    """Return a console for stdout or stderr that is wide enough when piped."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WIDTH, highlight=False, soft_wrap=False)


def plain(value: Any) -> str:
    """Return any value as one line of harmless text."""
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case int():
            text = f"{value:,}"
        case float():
            text = f"{value:,.3f}"
        case datetime():
            text = f"{value:%Y-%m-%d %H:%M}"
        case list() | tuple():
            text = ", ".join(plain(item) for item in value)
        case _:
            text = "".join(
                character if character.isprintable() else character.encode("unicode_escape").decode()
                for character in str(value)
            )
    return text


def table(title: str, columns: list[str], rows: list[list[Any]], *, wrap: tuple[str, ...] = ()) -> Table:
    """Return a table; numbers are set to the right, and only the columns of `wrap` may take several lines."""
    made = Table(title=Text(title) if title else None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for index, name in enumerate(columns):
        numbers = any(isinstance(row[index], int | float) and not isinstance(row[index], bool) for row in rows)
        made.add_column(
            Text(name.replace("_", " ")),
            justify="right" if numbers else "left",
            overflow="fold",
            no_wrap=numbers or (bool(wrap) and name not in wrap),
        )
    for row in rows:
        made.add_row(*(Text(plain(value)) for value in row))
    return made


def write_rows(rows: list[dict[str, Any]], form: Format) -> None:
    """Write rows of plain values on stdout; polars is only loaded for the formats that need it.

    Raises:
        UsageError: parquet would go to a terminal.
    """
    if form is Format.TABLE:
        console().print(table("", list(rows[0]), [list(row.values()) for row in rows]))
    elif form is Format.JSON:
        write_json(rows)
    else:
        import polars as pl

        write(pl.DataFrame(rows), form)


def write(frame: "pl.DataFrame", form: Format, *, title: str = "") -> None:
    """Write a frame on stdout.

    Raises:
        UsageError: parquet would go to a terminal.
    """
    match form:
        case Format.TABLE:
            console().print(table(title, frame.columns, [list(row) for row in frame.rows()]))
            if frame.is_empty():
                console(stderr=True).print("No rows.")
        case Format.JSON:
            write_json(frame.to_dicts())
        case Format.CSV:
            sys.stdout.write(_csv(frame))
        case Format.PARQUET:
            if sys.stdout.isatty():
                raise UsageError(
                    "Parquet is binary: send it to a file, as in `nsp ... --format parquet > rows.parquet`."
                )
            frame.write_parquet(sys.stdout.buffer)


def write_json(value: Any) -> None:
    """Write a value as JSON on stdout; times in UTC with a Z."""
    sys.stdout.write(json.dumps(value, indent=2, default=_json, ensure_ascii=False) + "\n")


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _csv(frame: "pl.DataFrame") -> str:
    import polars as pl

    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List | pl.Struct)]
    harmless = frame.with_columns(
        pl.col(name).map_elements(lambda value: json.dumps(value.to_list(), default=_json), return_dtype=pl.String)
        for name in lists
    ).with_columns(
        # https://owasp.org/www-community/attacks/CSV_Injection
        pl.when(pl.col(pl.String).str.contains(r"^[=+\-@\t\r]"))
        .then(pl.lit("'") + pl.col(pl.String))
        .otherwise(pl.col(pl.String))
        .name.keep(),
    )
    return harmless.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.fZ")
