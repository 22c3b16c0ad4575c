"""nsp ingest: load what is new."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pipeline.cli.options import AuthOption, ClientIdOption, PerimeterOption, SinceOption, UntilOption
from pipeline.cli.output import Format, FormatOption
from pipeline.places import (
    AccountFlags,
    AccountSettings,
    WorkspaceSettings,
    accounts_asked_for,
    workspaces_asked_for,
)

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.ingest import Ingested
    from pipeline.store import Store

app = typer.Typer(no_args_is_help=True, help="Load access logs into the warehouse; safe to repeat, kill and run twice.")

PARTIAL = 5
_T = TypeVar("_T", AccountSettings, WorkspaceSettings)


@app.command()
def folder(
    context: typer.Context,
    path: Annotated[str, typer.Argument(help="Folder with the insights-logs-* containers, or one file.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """Load a diagnostic export that lies on disk.

    Reads JSON Lines, JSON arrays and {"records": [...]} envelopes, plain or .gz. Only what is new is read: a
    file that grew from where it was read to, one that was rewritten from its start. Lines that can't be read
    are kept with the reason (nsp query coverage/rejected_records); when their share is above
    ingest.rejected_share, or a file couldn't be read, the exit code is 5.
    """
    if not path.strip():  # a variable that isn't set would name the current folder
        raise typer.BadParameter("It is empty; the current folder is .", param_hint="PATH")
    common: Context = context.obj
    with common.open(read_only=False) as store:
        result = load(store, Path(path))
    report(result, form)
    if result.is_of_nothing:
        from pipeline.cli.log import warn
        from pipeline.extract.folder import nothing_in

        warn("nothing_found", nothing_in(Path(path)))
    if code := _code(common, result):
        raise typer.Exit(code)


@app.command()
def blob(
    context: typer.Context,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="NAME", help="Load this one only of several blob tables in nsp.toml."),
    ] = None,
    account_url: Annotated[
        str | None,
        typer.Option(help="https://ACCOUNT.blob.core.windows.net. Default: what nsp.toml names."),
    ] = None,
    connection_string_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Environment variable that holds a connection string."),
    ] = None,
    sas_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Environment variable that holds a SAS token for --account-url."),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="File that holds a connection string, or a SAS token for --account-url."),
    ] = None,
    auth: AuthOption = None,
    client_id: ClientIdOption = None,
    container_prefix: Annotated[
        str | None,
        typer.Option(help="How the containers begin. Default: insights-logs-nsp."),
    ] = None,
    container: Annotated[
        list[str] | None,
        typer.Option(help="Read this container, without listing containers; may be repeated."),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    perimeter: PerimeterOption = None,
    look_back: Annotated[
        int | None,
        typer.Option(
            metavar="HOURS", min=1, max=8760, help="Look again at so many hours before the last run's end. Default: 48."
        ),
    ] = None,
    relist: Annotated[
        bool,
        typer.Option("--relist", help="Look at every blob again (from --since on), as a check; loads what is new."),
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Load the export that a diagnostic setting writes to a storage account.

    Needs the role Storage Blob Data Reader, or a connection string or SAS with read and list. Append blobs are read
    from where they were left; one that was rewritten takes the place of its old rows. --since and --until go by the
    hour in a blob's name. Exit code 5 when a blob couldn't be read, or too many lines; 4 when Azure refuses.

    Without --account and --account-url all accounts of nsp.toml are loaded; one that fails leaves the others be. A
    secret that nsp.toml names is for the account beside it alone, and --auth goes before it.
    """
    from dataclasses import replace

    from pipeline.extract import configured
    from pipeline.ingest import ingest_blobs

    common: Context = context.obj
    chosen = common.chosen(auth=auth, client_id=client_id)
    secret = _secret(connection_string_env, sas_env, secret_file)
    flags = AccountFlags(account or "", account_url or "", secret, signs_in=auth is not None)
    asked = accounts_asked_for(chosen.accounts, chosen.account, flags)

    def read(each: AccountSettings) -> "Ingested":
        wanted = replace(
            configured.wanted(each.looked_at(container_prefix, look_back), since, until),
            containers=tuple(container or ()), perimeter=perimeter, relist=relist,
        )  # fmt: skip
        with (
            configured.account(each, chosen.auth, chosen.client_id) as connected,
            common.open(read_only=False) as store,
        ):
            return ingest_blobs(store, connected, wanted)

    _each(common, "account", asked, read, form)


@app.command()
def workspace(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Option("--workspace", metavar="NAME", help="Load this one only of several workspace tables in nsp.toml."),
    ] = None,
    workspace_id: Annotated[
        str | None,
        typer.Option(metavar="GUID", help="Workspace ID of its overview page. Default: what nsp.toml names."),
    ] = None,
    auth: AuthOption = None,
    client_id: ClientIdOption = None,
    endpoint: Annotated[
        str | None,
        typer.Option(help="Query service of another cloud, such as https://api.loganalytics.us."),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Load the table NSPAccessLogs of a Log Analytics workspace.

    Needs the role Log Analytics Data Reader on the workspace. It is read by hours of ingestion, each of them whole and
    again until nothing more is expected; what arrives days later is found by counting. --since and --until go by the
    time of ingestion, in whole hours. Exit code 5 when an hour couldn't be read, or too many records; 4 when Azure
    refuses.

    Without --workspace and --workspace-id all workspaces of nsp.toml are loaded; one that fails leaves the others be.
    """
    from dataclasses import replace

    from pipeline.extract import configured
    from pipeline.ingest import ingest_workspace

    common: Context = context.obj
    chosen = common.chosen(auth=auth, client_id=client_id)
    asked = workspaces_asked_for(chosen.workspaces, chosen.workspace, name or "", workspace_id or "")

    def read(each: WorkspaceSettings) -> "Ingested":
        each = replace(each, endpoint=endpoint or each.endpoint)
        with (
            configured.workspace(each, chosen.auth, chosen.client_id) as connected,
            common.open(read_only=False) as store,
        ):
            timing = configured.timing(each)
            return ingest_workspace(store, connected, timing=timing, since=since, until=until)

    _each(common, "workspace", asked, read, form)


def _secret(connection_string_env: str | None, sas_env: str | None, secret_file: Path | None) -> tuple[str, str, str]:
    """Return what names the secret, of which one at most is given."""
    from pipeline.errors import UsageError

    if sum(each is not None for each in (connection_string_env, sas_env, secret_file)) > 1:
        raise UsageError("Give one of --connection-string-env, --sas-env and --secret-file.")
    if connection_string_env == "" or sas_env == "":
        raise UsageError("Give the name of an environment variable that holds the secret.")
    return connection_string_env or "", sas_env or "", str(secret_file or "")


def _each(common: "Context", word: str, asked: Sequence[_T], read: Callable[[_T], "Ingested"], form: Format) -> None:
    """Load some accounts or workspaces, each whatever becomes of the others, and print a row of each.

    Args:
        common: the common options.
        word: what they are, for the column that holds their names.
        asked: what to load.
        read: loads one.
        form: how to print.
    """
    from pipeline.cli.log import fail
    from pipeline.cli.output import write_rows
    from pipeline.errors import NspError

    rows: list[dict[str, object]] = []
    results: list[Ingested] = []
    codes: list[int] = []
    for each in asked:
        name = each.name or each.own_name
        try:
            result = read(each)
        except NspError as error:
            if not asked[1:]:
                raise
            fail("source_failed", f"{name}: {error}", source=name, exit_code=error.exit_code)
            codes.append(error.exit_code)
            continue
        rows.append({word: name, **_counts(result)})
        results.append(result)
        codes.append(_code(common, result))
    if rows:
        write_rows(rows, form)
    for result in results:
        _tell(result)
    if code := _gravest(codes):
        raise typer.Exit(code)


def _code(common: "Context", result: "Ingested") -> int:
    return PARTIAL if result.rejected_share > common.settings.rejected_share or result.failed else 0


def _gravest(codes: list[int]) -> int:
    if not any(codes):
        return 0
    from pipeline.nightly.run import SEVERITY

    return min(codes, key=SEVERITY.index)


def load(store: "Store", path: Path) -> "Ingested":
    """Ingest a folder."""
    from pipeline.ingest import ingest_folder

    return ingest_folder(store, path)


def report(result: "Ingested", form: Format) -> None:
    """Print what an ingest did; troubles go to stderr."""
    from pipeline.cli.output import write_rows

    write_rows([_counts(result)], form)
    _tell(result)


def _counts(result: "Ingested") -> dict[str, int]:
    outcome = result.outcome
    return {
        "files_loaded": outcome.files,
        "files_unchanged": result.unchanged,
        "records": outcome.records,
        "rejected_records": outcome.rejected,
        "pending_bytes": outcome.pending_bytes,
        "files_failed": len(result.failed),
    }


def _tell(result: "Ingested") -> None:
    """Tell of troubles."""
    from pipeline.cli.log import tell, warn

    outcome = result.outcome
    for name, reason in result.failed:
        warn("not_read", f"not read: {name}: {reason}; it is tried again next time", name=name, reason=reason)
    if result.shrunk:
        warn(
            "workspace_shrunk",
            f"the workspace holds less of {result.shrunk:,} hours than was loaded (retention or purge); what was "
            "loaded stays",
            hours=result.shrunk,
        )
    if result.copies:
        tell(
            "copies",
            f"{result.copies:,} files are copies of loaded ones; only what they hold more is loaded",
            files=result.copies,
        )
    if outcome.rejected:
        warn(
            "records_rejected",
            f"{outcome.rejected:,} lines could not be read ({result.rejected_share:.2%}); see them: nsp query "
            "coverage/rejected_records",
            records=outcome.rejected,
            share=round(result.rejected_share, 6),
        )
    if outcome.pending_bytes:
        tell(
            "lines_pending",
            f"{outcome.pending_bytes:,} bytes of unfinished last lines wait for their files to grow",
            bytes=outcome.pending_bytes,
        )
