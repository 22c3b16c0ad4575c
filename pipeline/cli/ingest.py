"""nsp ingest: load what is new."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import Format, FormatOption
from pipeline.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.cli.context import Context
    from pipeline.extract.source import Plan
    from pipeline.ingest import Ingested
    from pipeline.store import Store

app = typer.Typer(no_args_is_help=True, help="Load access logs into the warehouse; safe to repeat, kill and run twice.")

PARTIAL = 5


@app.callback()
def _group() -> None:
    """Keep `folder` a subcommand, also while it is the only one."""


@app.command()
def folder(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="Folder with the insights-logs-* containers, or one file.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """Load a diagnostic export that lies on disk.

    Reads JSON Lines, JSON arrays and {"records": [...]} envelopes, plain or .gz. Only what is new is read: a
    file that grew from where it was read to, one that was rewritten from its start. Lines that can't be read
    are kept with the reason (nsp query coverage/rejected_records); when their share is above
    ingest.rejected_share, or a file couldn't be read, the exit code is 5.
    """
    common: Context = context.obj
    with common.open(read_only=False) as store:
        result = load(store, path)
    report(result, form)
    if result.rejected_share > common.settings.rejected_share or result.outcome.failed or result.unreadable:
        raise typer.Exit(PARTIAL)


def load(store: "Store", path: Path) -> "Ingested":
    """Ingest a folder with progress on stderr."""
    from contextlib import ExitStack

    from pipeline.ingest import ingest_folder

    with ExitStack() as stack:

        def started(plan: "Plan") -> "Callable[[int], None]":
            return stack.enter_context(progress("reading", plan.total_bytes, unit="bytes"))

        return ingest_folder(store, path, started=started)


def report(result: "Ingested", form: Format) -> None:
    """Print what an ingest did; troubles go to stderr."""
    from pipeline.cli.output import plain, write_rows

    outcome = result.outcome
    made = {
        "files_loaded": outcome.files,
        "files_unchanged": result.unchanged,
        "records": outcome.records,
        "rejected_records": outcome.rejected,
        "pending_bytes": outcome.pending_bytes,
        "files_failed": len(outcome.failed) + len(result.unreadable),
    }
    write_rows([made], form)
    for name, reason in [*outcome.failed, *result.unreadable]:
        sys.stderr.write(f"nsp: not read: {plain(name)}: {reason}; it is tried again next time\n")
    if outcome.rejected:
        sys.stderr.write(
            f"nsp: {outcome.rejected:,} lines could not be read ({result.rejected_share:.2%}); "
            "see them: nsp query coverage/rejected_records\n",
        )
    if outcome.pending_bytes:
        sys.stderr.write(
            f"nsp: {outcome.pending_bytes:,} bytes of unfinished last lines wait for their files to grow\n",
        )
