"""nsp coverage: what was seen, and what is missing."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from pipeline.cli.output import Format, FormatOption
from pipeline.text import counted

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.cli.context import Context


def coverage(context: typer.Context, form: FormatOption = Format.TABLE) -> None:
    """Show what the logs hold and what they lack: window, categories, silent resources, gaps, rejects.

    Absence of a record is no proof of absence of traffic: resource logs aren't lossless, and a category that
    was never seen may simply not be enabled. Findings come with their evidence and what to do: !! blocks every
    conclusion, ! may make one wrong. CSV and Parquet hold the findings.
    """
    import polars as pl

    from pipeline.cli.output import console, write, write_json
    from pipeline.coverage.measure import report

    common: Context = context.obj
    with common.open() as store:
        seen = report(store)
    if form is Format.JSON:
        write_json(seen)
    elif form is Format.TABLE:
        show(seen, console())
    else:
        names = ("severity", "id", "subject", "evidence", "remedy")
        write(pl.DataFrame(seen["findings"], schema=dict.fromkeys(names, pl.String)), form)


def show(seen: dict[str, Any], to: "Console", *, infos: bool = True) -> None:
    """Print coverage for people; without infos only what may be wrong."""
    from pipeline.cli.output import table
    from pipeline.coverage.finding import SEVERITIES
    from pipeline.tables import CATEGORIES

    to.print(
        f"{counted(seen['records'], 'record')}, {counted(seen['requests'], 'request')}, "
        f"{counted(seen['flows'], 'hourly flow')} from {counted(seen['files'], 'file')}\n"
        f"{_minute(seen['window_start'])} to {_minute(seen['window_end'])}: {counted(seen['days_seen'], 'day')}, "
        f"{seen['hours_seen']:,} of {counted(seen['hours_in_window'], 'hour')} with records",
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
    found = [each for each in seen["findings"] if infos or each["severity"] != "info"]
    if found:
        told = [
            [MARKS[each["severity"]], each["id"], _name(each["subject"]), f"{each['evidence']}. -> {each['remedy']}"]
            for each in found
        ]
        to.print(
            table(
                "", ["", "finding", "about", "evidence -> what to do"], told, wrap=("about", "evidence -> what to do")
            )
        )
    counts = Counter(each["severity"] for each in seen["findings"])
    to.print(", ".join(f"{counts[name]} {name}{'' if counts[name] == 1 else 's'}" for name in SEVERITIES), markup=False)


MARKS = {"blocker": "!!", "warning": "!", "info": ""}


def _name(subject: str) -> str:
    return subject.rsplit("/", 1)[-1]


def _minute(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "never"
