"""The command line. Each command parses, calls one function below, prints and gives an exit code."""

import logging
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipeline import __version__
from pipeline.cli import (
    apply,
    config,
    coverage,
    decide,
    demo,
    enforce,
    export,
    ingest,
    init,
    inventory,
    nightly,
    query,
    recommend,
    report,
    review,
    rollback,
    status,
    tighten,
    traffic,
    verify,
    whatif,
)
from pipeline.cli.context import ConfigOption, Context, StoreOption
from pipeline.cli.stopping import heeded
from pipeline.errors import NspError

INTERRUPTED = 130
IN_FLOW_ORDER = (
    "demo",
    "init",
    "ingest",
    "inventory",
    "coverage",
    "traffic",
    "recommend",
    "review",
    "whatif",
    "decide",
    "tighten",
    "report",
    "export",
    "apply",
    "enforce",
    "rollback",
    "verify",
    "nightly",
    "status",
    "config",
    "query",
)


class _InFlowOrder(TyperGroup):
    """Lists the commands in the order in which a stranger needs them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=IN_FLOW_ORDER.index)


app = typer.Typer(
    cls=_InFlowOrder,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help=(
        "Which access rules does a network security perimeter need, how sure is that, and what breaks when it "
        "is enforced?\n\nStart with [bold]nsp demo[/bold], or load an export: [bold]nsp ingest folder PATH[/bold]."
    ),
    epilog=(
        "Exit codes: 0 fine, 1 failed, 2 bad usage, 3 attention needed (not ready), 4 Azure out of reach, "
        "5 partial (something was rejected or cut short), 6 another nightly is running."
    ),
)
app.command("demo")(demo.demo)
app.command("init")(init.init)
app.add_typer(ingest.app, name="ingest")
app.add_typer(inventory.app, name="inventory")
app.command("traffic")(traffic.traffic)
app.command("coverage")(coverage.coverage)
app.command("recommend")(recommend.recommend)
app.command("review")(review.review)
app.command("whatif")(whatif.whatif)
app.add_typer(decide.app, name="decide")
app.command("tighten")(tighten.tighten)
app.command("export")(export.export)
app.command("apply")(apply.apply)
app.command("enforce")(enforce.enforce)
app.command("rollback")(rollback.rollback)
app.command("verify")(verify.verify)
app.command("report")(report.report)
app.command("nightly")(nightly.nightly)
app.command("status")(status.status)
app.add_typer(config.app, name="config")
app.command("query")(query.query)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"nsp {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    store: StoreOption = None,
    config: ConfigOption = None,
    _show_version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    context.obj = Context(store=store, config=config)


def main(arguments: list[str] | None = None) -> Any:
    """Run `nsp`; an error that is the user's to mend is one line on stderr and its exit code."""
    logging.getLogger("azure").addHandler(logging.NullHandler())  # what it warns of, our errors say in a line
    with heeded() as stop:
        try:
            return app(arguments)
        except NspError as error:
            from pipeline.cli.output import plain

            sys.stderr.write(f"nsp: {plain(str(error))}\n")  # it may quote a name of the log, or a person's reason
            sys.exit(error.exit_code)
        except SystemExit as end:
            if end.code == INTERRUPTED:  # so says Typer, after a blank line, when it met a KeyboardInterrupt
                sys.stderr.write("nsp: stopped. What was committed stays; run the command again to go on.\n")
                sys.stderr.flush()
                stop.die()
            raise
