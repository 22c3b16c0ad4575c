"""Puts rows on stdout in the format that was asked for. Log fields are other people's text: nothing of it acts.

On a terminal control characters are made visible and markup is plain text. In CSV they are replaced, and a cell
that a spreadsheet would take for a formula gets an apostrophe in front; JSON and Parquet hold the text as it is.
"""

import io
import json
import os
import sys
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pipeline.cli.columns import Column, Fitted
from pipeline.cli.log import tell, warn
from pipeline.errors import OutputError, UsageError
from pipeline.text import visible

if TYPE_CHECKING:
    import polars as pl


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to write the rows on stdout.")]

WIDE = 240
WIDTH = 120
"""Columns where stdout is no terminal."""
MOST_ROWS = 500
"""Of a table; laying out takes milliseconds a row, and nobody reads more."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        _let_stdout_go()

    def _write_buffer(self) -> None:
        try:
            super()._write_buffer()
        except BrokenPipeError:
            raise
        except OSError as error:
            if not self.stderr:
                raise unwritten(error) from error


def console(*, stderr: bool = False, width: int = WIDTH) -> Console:
    """Return a console for stdout or stderr; `width` columns where that is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    room = None if stream.isatty() else width
    return _Console(file=stream, stderr=stderr, width=room, highlight=False, soft_wrap=False)


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
            text = visible(str(value))
    return text


def table(title: str, columns: list[str], rows: list[list[Any]], *, wrap: tuple[str, ...] = ()) -> Fitted:
    """Return a table; numbers are set to the right, and the columns of `wrap` take several lines before others do."""
    return Fitted(
        title,
        tuple(
            Column(
                name.replace("_", " "),
                tuple(plain(row[index]) for row in rows),
                tuple(isinstance(row[index], int | float) and not isinstance(row[index], bool) for row in rows),
                name in wrap,
            )
            for index, name in enumerate(columns)
        ),
    )


def _brief(column: str, value: Any) -> Any:
    """Return what a table shows of a value: of an ARM id the type and name, of first and last seen the day."""
    if isinstance(value, str) and value.startswith("/subscriptions/") and "/providers/" in value:
        return value.rpartition("/providers/")[2].removeprefix("microsoft.")
    return value.date().isoformat() if column.endswith("_seen") and isinstance(value, datetime) else value


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
            shown = frame.head(MOST_ROWS).rows()
            rows = [[_brief(*cell) for cell in zip(frame.columns, row, strict=True)] for row in shown]
            console(width=WIDE).print(table(title, frame.columns, rows))
            if frame.is_empty():
                tell("no_rows", "No rows.")
            elif frame.height > MOST_ROWS:
                told = f"The first {MOST_ROWS} of {frame.height:,} rows; --format csv, json or parquet has all of them."
                warn("rows_left_out", told, rows=frame.height)
        case Format.JSON:
            write_json(frame.to_dicts())
        case Format.CSV:
            emit(csv_text(frame))
        case Format.PARQUET:
            if sys.stdout.isatty():
                raise UsageError(
                    "Parquet is binary: send it to a file, as in `nsp ... --format parquet > rows.parquet`."
                )
            made = io.BytesIO()
            frame.write_parquet(made)
            emit(made.getvalue())


def write_json(value: Any) -> None:
    """Write a value as JSON on stdout; times in UTC with a Z."""
    emit(json.dumps(value, indent=2, default=_json) + "\n")  # ASCII only: no control or bidirectional character


def write_text(text: str) -> None:
    """Write a text on stdout as UTF-8, whatever the terminal's language: a script has to be the same everywhere."""
    emit(text.encode())


def emit(data: str | bytes) -> None:
    """Write data on stdout; a reader that has gone is no error.

    Raises:
        OutputError: stdout takes no more.
    """
    try:
        if isinstance(data, str):
            sys.stdout.write(data)
            sys.stdout.flush()
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        _let_stdout_go()
    except OSError as error:
        raise unwritten(error) from error


def unwritten(error: OSError) -> OutputError:
    """Return what is told where stdout takes no more; what it holds yet is let go, or Python tries again at the end."""
    _let_stdout_go()
    told = error.strerror or str(error)
    return OutputError(
        f"The output couldn't be written whole: {told}. Send it where there is room; what the command did stays."
    )


def _let_stdout_go() -> None:
    """Go on without a reader, as in `nsp traffic | head`: the exit code still tells what was found."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def csv_text(frame: "pl.DataFrame") -> str:
    """Return a frame as CSV in which no cell acts: neither as a formula nor by a control character."""
    import polars as pl

    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List | pl.Struct)]
    harmless = (
        frame.with_columns(
            pl.col(name).map_elements(lambda value: json.dumps(value.to_list(), default=_json), return_dtype=pl.String)
            for name in lists
        )
        .with_columns(
            pl.col(pl.String).str.replace_all(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]", "\ufffd").name.keep(),
        )
        .with_columns(
            # https://owasp.org/www-community/attacks/CSV_Injection, with the full-width twins that spreadsheets fold
            pl.when(pl.col(pl.String).str.contains("^[\\s\ufffd]*[=+\\-@\uff1d\uff0b\uff0d\uff20]"))
            .then(pl.lit("'") + pl.col(pl.String))
            .otherwise(pl.col(pl.String))
            .name.keep(),
        )
    )
    return harmless.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.fZ")
