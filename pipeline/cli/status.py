"""nsp status: how the store stands, and what to do next."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from pipeline.cli.output import Format, FormatOption
from pipeline.moments import utc_now

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.nightly.status import Status


def status(context: typer.Context, form: FormatOption = Format.TABLE) -> None:
    """Show the last nightlies, the age and size of the warehouse, and what to do next; writes nothing.

    JSON holds all of it, CSV and Parquet the runs. The exit code is 0 whatever the last nightly's was.
    """
    import polars as pl

    from pipeline.cli.output import write, write_json
    from pipeline.nightly.status import status as status_of

    common: Context = context.obj
    found = status_of(common.settings, utc_now())
    if form is Format.JSON:
        write_json(found.as_json())
        return
    rows = [_row(each) for each in found.runs]
    frame = pl.DataFrame(rows, schema={name: pl.Int64 if name == "exit_code" else pl.String for name in COLUMNS})
    if form is Format.TABLE:
        _show(found)
        if not rows:
            return
    write(frame, form)


COLUMNS = ("started", "ended", "exit_code", "failed", "changes")


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    from pipeline.nightly.changes import sentence

    failed = [str(each.get("name")) for each in entry["steps"] if each.get("status") == "failed"]
    return {
        "started": str(entry["started"]),
        "ended": str(entry.get("ended") or "killed"),
        "exit_code": entry["exit_code"],
        "failed": ", ".join(failed),
        "changes": sentence(entry["changes"]) if isinstance(entry.get("changes"), dict) else "",
    }


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"


def _show(found: "Status") -> None:
    """Print what isn't a row."""
    from pipeline.cli.output import console, plain

    to = console()
    newest = "-"
    if found.newest_record and found.age_hours is not None:
        days = found.age_hours / 24
        ago = f"{days:,.0f} days" if days >= 2 else f"{found.age_hours:,.1f} hours"  # noqa: PLR2004
        newest = f"{found.newest_record:%Y-%m-%d %H:%M} UTC, {ago} ago"
    lines = [
        ("newest record", newest),
        ("goes back to", f"{_day(found.oldest_flow)} by hourly flows, {_day(found.oldest_raw)} by log records"),
        (
            "warehouse",
            f"{found.warehouse_bytes / 1e6:,.1f} MB, all of {found.folder} {found.store_bytes / 1e6:,.1f} MB",
        ),
        ("decisions", f"{found.decisions:,}"),
    ]
    if found.running is not None:
        told = found.running
        lines.append(
            ("running", f"since {told.get('started')}, process {told.get('pid')}, at the step {told.get('step')}")
        )
    lines.append(("next", found.next_step))
    for name, text in lines:
        to.print(f"{name:<14}{plain(text)}", markup=False)
