"""nsp coverage: what was seen, and what is missing."""

from typing import TYPE_CHECKING, Any

import typer

from pipeline.cli.output import Format, FormatOption

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.cli.context import Context


def coverage(context: typer.Context, form: FormatOption = Format.TABLE) -> None:
    """Show what the logs hold and what they lack: window, categories, silent resources, gaps, rejects.

    Absence of a record is no proof of absence of traffic: resource logs aren't lossless, and a category that
    was never seen may simply not be enabled. CSV and Parquet hold the categories.
    """
    import polars as pl

    from pipeline.cli.output import console, write, write_json
    from pipeline.coverage import measure

    common: Context = context.obj
    with common.open() as store:
        seen = measure(store)
    if form is Format.JSON:
        write_json(seen)
    elif form is Format.TABLE:
        show(seen, console())
    else:
        rows = [{"category": name, **counts} for name, counts in seen["by_category"].items()]
        write(
            pl.DataFrame(rows, schema={"category": pl.String, "records": pl.Int64, "requests": pl.Int64}),
            form,
        )


def show(seen: dict[str, Any], to: "Console") -> None:
    """Print coverage for people."""
    from pipeline.cli.output import table
    from pipeline.tables import CATEGORIES

    to.print(
        f"{seen['records']:,} records, {seen['requests']:,} requests, {seen['flows']:,} hourly flows from "
        f"{seen['files']:,} files\n"
        f"{_minute(seen['window_start'])} to {_minute(seen['window_end'])}: {seen['days_seen']} days, "
        f"{seen['hours_seen']} of {seen['hours_in_window']} hours with records",
        markup=False,
    )
    rows = [
        [
            name,
            seen["by_category"].get(name, {}).get("records"),
            seen["by_category"].get(name, {}).get("requests"),
            meaning,
        ]
        for name, meaning in CATEGORIES.items()
    ]
    rows += [[name, *seen["by_category"][name].values(), "unknown category"] for name in seen["categories_unknown"]]
    to.print(
        table(
            "",
            ["category", "records", "requests", "before enforcing this means"],
            rows,
            wrap=("before enforcing this means",),
        )
    )
    for line in findings(seen):
        to.print(f"- {line}", markup=False)


def _minute(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "never"


def findings(seen: dict[str, Any]) -> list[str]:
    """Return what a reader should know or do, most important first."""
    if not seen["records"]:
        return ["no data: nothing was loaded, which says nothing about traffic. Load logs: nsp ingest folder PATH"]
    return [*_missing(seen), *_troubles(seen)]


def _missing(seen: dict[str, Any]) -> list[str]:
    """What the logs or the inventory should hold and don't, or the reverse."""
    from pipeline.cli.output import plain

    found = []
    if seen["categories_missing"]:
        names = ", ".join(seen["categories_missing"])
        found.append(f"never seen: {names}. Check that each is enabled by name in the diagnostic setting")
    if seen["categories_unknown"]:
        found.append(f"unknown categories, kept but not judged: {plain(seen['categories_unknown'])}")
    if seen["silent_resources"]:
        names = ", ".join(plain(each.rsplit("/", 1)[-1]) for each in seen["silent_resources"])
        found.append(f"silent: {names}. Associated, but not one record; no data is no proof of no traffic")
    if seen["unlisted_resources"]:
        found.append(f"not in the inventory, though they wrote records: {plain(seen['unlisted_resources'])}")
    if not seen["inventory"]:
        found.append("no inventory: rules in force and silent resources are unknown. nsp inventory load FILE")
    return found


def _overlaps(seen: dict[str, Any]) -> list[str]:
    """Where two ways to the same logs disagree, and that they were counted once."""
    from pipeline.cli.output import plain

    rows = seen["overlaps"]
    if not rows:
        return []
    kinds = [kind for kind in ("blob", "workspace", "folder") if any(row[f"{kind}_records"] for row in rows)]
    totals = ", ".join(f"{sum(row[f'{kind}_records'] for row in rows):,} by {kind}" for kind in kinds)
    found = [f"the same hours came by several ways and were counted once, the fuller one of each hour: {totals}"]
    differing = [row for row in rows if row["hours_that_differ"]]
    for row in sorted(differing, key=lambda row: -row["hours_that_differ"])[:5]:
        records = ", ".join(f"{row[f'{kind}_records']:,} by {kind}" for kind in kinds)
        found.append(
            f"the ways differ in {row['hours_that_differ']} of {row['hours']} hours of {plain(row['category'])} "
            f"({records}), from {_minute(row['first_difference'])} on: one of them lacks records. "
            "nsp query coverage/overlaps",
        )
    return found


def _troubles(seen: dict[str, Any]) -> list[str]:
    """What was lost, cut or not understood."""
    from pipeline.cli.output import plain

    found = _overlaps(seen)
    if seen["gaps"]:
        longest = seen["gaps"][0]
        found.append(
            f"{len(seen['gaps'])} gaps of 6 hours and more; the longest takes {longest['hours']} hours "
            f"from {_minute(longest['start'])}",
        )
    if seen["records_without_perimeter"]:
        found.append(
            f"{seen['records_without_perimeter']:,} records name no perimeter, so nothing is recommended from them"
        )
    if seen["rejected_records"]:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in seen["rejected_reasons"].items())
        found.append(f"{seen['rejected_records']:,} lines rejected: {reasons}. nsp query coverage/rejected_records")
    if seen["pending_bytes"]:
        found.append(
            f"{seen['files_with_a_cut_last_line']} files end in an unfinished line, which is read when they grow"
        )
    if seen["unknown_fields"]:
        found.append(f"fields without a column, kept in access_log.extra: {plain(list(seen['unknown_fields']))}")
    return found
