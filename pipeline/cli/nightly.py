"""nsp nightly: all of it in one locked run, for a scheduler."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.check import PolicyOption
from pipeline.cli.options import AuthOption, ClientIdOption
from pipeline.cli.output import Format, FormatOption

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.nightly.run import Outcome


def nightly(
    context: typer.Context,
    folder: Annotated[
        list[Path] | None,
        typer.Option("--folder", help="Load the logs of this folder, too; may be repeated. Default: ingest.folder."),
    ] = None,
    inventory: Annotated[
        Path | None,
        typer.Option("--inventory", metavar="FILE", help="Load the configuration from it. Default: inventory.file."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Where to write the page. Default: in the store.")
    ] = None,
    notify_command: Annotated[
        str | None,
        typer.Option(
            "--notify-command",
            metavar="CMD",
            help="Is given a short JSON on stdin when something changed or failed; no shell runs it.",
        ),
    ] = None,
    auth: AuthOption = None,
    client_id: ClientIdOption = None,
    policy: PolicyOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Ingest, inventory, recommend, verify and report in one locked run; safe to kill and to repeat.

    Loads all that nsp.toml names: each [[blob]], [[workspace]] and ingest.folder in a step of its own, and [inventory].
    A step that fails leaves the others be. Each run is a line of nightly.jsonl in the store's folder; JSON prints it.
    The exit code is the gravest that a step calls for: 1 failed, 2 wrong settings, 4 Azure, 5 partial, 3 attention, 0.
    While another nightly runs it is 6, and nothing is done.
    """
    import polars as pl

    from pipeline.cli.output import write, write_json
    from pipeline.cli.recommend import limits_of
    from pipeline.nightly import run
    from pipeline.recommend.chosen import tolerance_of

    common: Context = context.obj
    chosen = common.chosen(
        ingest_folder=tuple(map(str, folder)) if folder else None, inventory_file=_text(inventory),
        report=_text(report), notify_command=notify_command, auth=auth, client_id=client_id,
    )  # fmt: skip
    entry = run.nightly(chosen, limits_of(common, policy), tolerance_of(chosen), _tell)
    if form is Format.JSON:
        write_json(entry)
    else:
        rows = [
            {
                "step": each["name"],
                "status": each["status"],
                "seconds": each["seconds"],
                "counts": ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in each["counts"].items()),
                "note": each["error"],
            }
            for each in entry["steps"]
        ]
        write(pl.DataFrame(rows, infer_schema_length=None), form)
    raise typer.Exit(entry["exit_code"])


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _tell(outcome: "Outcome") -> None:
    """Tell of a step when it has ended, on stderr: a log of the night."""
    from pipeline.cli.output import plain

    if outcome.status != "skipped":
        note = f": {plain(outcome.error)}" if outcome.error else ""
        sys.stderr.write(f"nsp: {outcome.name} {outcome.status} in {outcome.seconds:.1f} s{note}\n")
        sys.stderr.flush()
