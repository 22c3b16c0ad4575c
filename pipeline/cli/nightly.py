"""nsp nightly: all of it in one locked run, for a scheduler."""

from contextlib import ExitStack
from logging import DEBUG
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from pipeline.cli.check import PolicyOption
from pipeline.cli.log import fail, tell, warn
from pipeline.cli.options import AuthOption, ClientIdOption
from pipeline.cli.output import Format, FormatOption
from pipeline.progress import work

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.cli.log import Log
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

    Loads all that nsp.toml names: each blob, workspace and folder in a step of its own, and the inventory.
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
    tell("nightly_started", "the night begins")
    with _Told(common.log) as told:
        entry = run.nightly(chosen, limits_of(common, policy), tolerance_of(chosen), common.log.run, told)
    _tell_end(entry)
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


class _Told:
    """Tells of steps on stderr: a log of the night. All that is logged within a step names it."""

    def __init__(self, log: "Log") -> None:
        self._log = log
        self._going = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._going.close()

    def begun(self, step: str) -> None:
        """Tell that a step has begun."""
        self._log.bound["step"] = step
        tell("step_started", f"{step} began")
        self._going.enter_context(work(step))

    def ended(self, outcome: "Outcome") -> None:
        """Tell what became of it."""
        from pipeline.nightly import run

        self._going.close()
        self._log.bound["step"] = outcome.name
        if outcome.status == run.SKIPPED:
            tell("step_skipped", f"{outcome.name} skipped: {outcome.error}", level=DEBUG, reason=outcome.error)
        else:
            say = {run.DONE: tell, run.FAILED: fail}.get(outcome.status, warn)
            note = f": {outcome.error}" if outcome.error else ""
            say(
                "step_ended",
                f"{outcome.name} {outcome.status} in {outcome.seconds:.1f} s{note}",
                status=outcome.status,
                seconds=outcome.seconds,
                counts=outcome.counts,
                **({"error" if outcome.status == run.FAILED else "note": outcome.error} if outcome.error else {}),
                exit_code=outcome.code,
            )
        del self._log.bound["step"]


def _tell_end(entry: "dict[str, Any]") -> None:
    steps = {each["name"]: each["status"] for each in entry["steps"]}
    unwell = [f"{name} {status}" for name, status in steps.items() if status not in {"done", "skipped"}]
    message = f"the night ended with code {entry['exit_code']}{': ' if unwell else ''}{', '.join(unwell)}"
    tell("nightly_ended", message, exit_code=entry["exit_code"], steps=steps)
