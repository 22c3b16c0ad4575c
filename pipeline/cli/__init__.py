"""The command line. Each command parses, calls one function below, prints and gives an exit code."""

import errno
import sys
from logging import DEBUG
from typing import TYPE_CHECKING, Annotated, Any, cast

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
from pipeline.cli.log import VARIABLE, LogFormat, crash, fail, logging_to, tell
from pipeline.cli.output import unwritten
from pipeline.cli.progress import Shown
from pipeline.cli.readable import make_flag, make_readable
from pipeline.errors import NspError, OutputError
from pipeline.progress import watched_by
from pipeline.stopping import heeded

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT)
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


class _Named(TyperGroup):
    """Has the log name the command that was asked for, and its help be readable."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            make_readable(found, ctx)
        return found

    def get_params(self, ctx: Any) -> Any:
        found = super().get_params(ctx)
        for each in found:
            make_flag(each)
        return found

    def resolve_command(self, ctx: Any, args: "list[str]") -> Any:
        found = super().resolve_command(ctx, args)
        log = ctx.ensure_object(Context).log
        log.command = f"{log.command} {found[0]}".strip()
        return found


class _InFlowOrder(_Named):
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
app.add_typer(ingest.app, name="ingest", cls=_Named)
app.add_typer(inventory.app, name="inventory", cls=_Named)
app.command("traffic")(traffic.traffic)
app.command("coverage")(coverage.coverage)
app.command("recommend")(recommend.recommend)
app.command("review")(review.review)
app.command("whatif")(whatif.whatif)
app.add_typer(decide.app, name="decide", cls=_Named)
app.command("tighten")(tighten.tighten)
app.command("export")(export.export)
app.command("apply")(apply.apply)
app.command("enforce")(enforce.enforce)
app.command("rollback")(rollback.rollback)
app.command("verify")(verify.verify)
app.command("report")(report.report)
app.command("nightly")(nightly.nightly)
app.command("status")(status.status)
app.add_typer(config.app, name="config", cls=_Named)
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
    log_format: Annotated[
        LogFormat,
        typer.Option(
            "--log-format",
            envvar=VARIABLE,
            case_sensitive=False,
            help="Messages on stderr: sentences, or a JSON object a line; auto is text at a terminal, else json.",
        ),
    ] = LogFormat.AUTO,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and errors, no progress.")] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, metavar="", show_default=False, help="Tell more; -vv: Azure requests."
        ),
    ] = 0,
    _show_version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    common = context.ensure_object(Context)
    common.store, common.config = store, config
    common.log.choose(log_format, quiet=quiet, verbose=verbose)
    tell("command_started", f"{common.log.command} began", level=DEBUG, version=__version__)


def main(arguments: "Sequence[str] | None" = None) -> None:
    """Run `nsp` and end the process with its exit code; what went wrong is told on stderr.

    Args:
        arguments: words after `nsp`; None for those of the process.

    Raises:
        SystemExit: always.
    """
    common = Context()
    with heeded(terminating=True) as stop, logging_to(common.log), watched_by(Shown(common.log)):
        code = _run(common, arguments)
        tell("command_ended", f"{common.log.command} ended with code {code}", level=DEBUG, exit_code=code)
    if code == INTERRUPTED:
        stop.die()
    sys.exit(code)


def _run(common: Context, arguments: "Sequence[str] | None") -> int:
    """Return the exit code of a command, once it has told why it isn't 0."""
    try:
        code = int(app(arguments, obj=common, standalone_mode=False) or 0)
    except NspError as error:
        fail("failed", str(error), error=type(error).__name__, exit_code=error.exit_code)
        return error.exit_code
    except typer.TyperException as error:
        _refuse(common, error)
        return error.exit_code
    except typer.Abort:
        fail("aborted", "stopped without an answer; nothing was done.", exit_code=1)
        return 1
    except SystemExit as end:  # completion in a shell, or nobody reads what is printed
        return end.code if isinstance(end.code, int) else 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:  # as where Typer prints the help
            fail("failed", str(unwritten(error)), error=OutputError.__name__, exit_code=OutputError.exit_code)
        elif common.log.is_json:
            crash(error)
        else:
            raise
        return 1
    if code == INTERRUPTED:  # so says Typer when it met a KeyboardInterrupt
        fail("interrupted", "stopped. What was committed stays; run the command again to go on.", exit_code=code)
    return code


def _refuse(common: Context, error: typer.TyperException) -> None:
    """Tell of words that the command line doesn't take."""
    if type(error).__name__ == "NoArgsIsHelpError":  # Typer printed the help already
        return
    if common.log.is_json:
        fail("bad_usage", error.format_message(), error="UsageError", exit_code=error.exit_code)
    else:
        from typer import rich_utils

        rich_utils.rich_format_error(cast("Any", error))
