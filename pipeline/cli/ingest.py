"""nsp ingest: load what is new."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AuthOption, ClientIdOption, PerimeterOption, SinceOption, UntilOption, way_of
from pipeline.cli.output import Format, FormatOption

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.ingest import Ingested
    from pipeline.store import Store

app = typer.Typer(no_args_is_help=True, help="Load access logs into the warehouse; safe to repeat, kill and run twice.")

PARTIAL = 5


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
    _end(common, result, form)


@app.command()
def blob(
    context: typer.Context,
    account_url: Annotated[
        str | None,
        typer.Option(help="https://ACCOUNT.blob.core.windows.net. Default: blob.account_url of nsp.toml."),
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
        typer.Option(metavar="HOURS", help="Look again at so many hours before the last run's end. Default: 3."),
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
    """
    from datetime import timedelta

    from pipeline.extract.account import Access, connect
    from pipeline.extract.blob import Wanted
    from pipeline.ingest import ingest_blobs

    common: Context = context.obj
    chosen = common.chosen(
        blob_account_url=account_url,
        blob_container_prefix=container_prefix,
        blob_look_back_hours=look_back,
        auth=auth,
        client_id=client_id,
    )
    wanted = Wanted(
        container_prefix=chosen.blob_container_prefix,
        containers=tuple(container or ()),
        since=since,
        until=until,
        perimeter=perimeter,
        look_back=timedelta(hours=chosen.blob_look_back_hours),
        relist=relist,
    )
    connection_string, sas = _secrets(connection_string_env, sas_env, secret_file)
    access = Access(chosen.blob_account_url, connection_string, sas, way_of(chosen.auth), chosen.client_id)
    with (
        connect(access, concurrency=chosen.blob_concurrency) as account,
        common.open(read_only=False) as store,
    ):
        result = ingest_blobs(store, account, wanted)
    _end(common, result, form)


@app.command()
def workspace(
    context: typer.Context,
    workspace_id: Annotated[
        str | None,
        typer.Option(metavar="GUID", help="Workspace ID of its overview page. Default: workspace.id of nsp.toml."),
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
    """
    from datetime import timedelta

    from pipeline.errors import UsageError
    from pipeline.extract.windows import Timing
    from pipeline.extract.workspace import connect
    from pipeline.ingest import ingest_workspace

    common: Context = context.obj
    chosen = common.chosen(workspace_id=workspace_id, workspace_endpoint=endpoint, auth=auth, client_id=client_id)
    if not chosen.workspace_id:
        raise UsageError("Which workspace? Give --workspace-id GUID, or workspace.id in nsp.toml.")
    timing = Timing(
        settle=timedelta(minutes=chosen.workspace_settle_minutes),
        overlap=timedelta(minutes=chosen.workspace_overlap_minutes),
        audit=timedelta(days=chosen.workspace_audit_days),
    )
    way = way_of(chosen.auth)
    connection = connect(chosen.workspace_id, auth=way, client_id=chosen.client_id, endpoint=chosen.workspace_endpoint)
    with connection as connected, common.open(read_only=False) as store:
        result = ingest_workspace(store, connected, timing=timing, since=since, until=until)
    _end(common, result, form)


def _secrets(connection_string_env: str | None, sas_env: str | None, secret_file: Path | None) -> tuple[str, str]:
    """Return the connection string and the SAS, of which one at most is given."""
    import os

    from pipeline.azure.signin import blob_secrets
    from pipeline.errors import UsageError

    if sum(each is not None for each in (connection_string_env, sas_env, secret_file)) > 1:
        raise UsageError("Give one of --connection-string-env, --sas-env and --secret-file.")
    if connection_string_env == "" or sas_env == "":
        raise UsageError("Give the name of an environment variable that holds the secret.")
    return blob_secrets(connection_string_env or "", sas_env or "", secret_file or "", os.environ)


def _end(common: "Context", result: "Ingested", form: Format) -> None:
    report(result, form)
    if result.rejected_share > common.settings.rejected_share or result.failed:
        raise typer.Exit(PARTIAL)


def load(store: "Store", path: Path) -> "Ingested":
    """Ingest a folder."""
    from pipeline.ingest import ingest_folder

    return ingest_folder(store, path)


def report(result: "Ingested", form: Format) -> None:
    """Print what an ingest did; troubles go to stderr."""
    from pipeline.cli.log import tell, warn
    from pipeline.cli.output import write_rows

    outcome = result.outcome
    made = {
        "files_loaded": outcome.files,
        "files_unchanged": result.unchanged,
        "records": outcome.records,
        "rejected_records": outcome.rejected,
        "pending_bytes": outcome.pending_bytes,
        "files_failed": len(result.failed),
    }
    write_rows([made], form)
    for name, reason in result.failed:
        warn("not_read", f"not read: {name}: {reason}; it is tried again next time", name=name, reason=reason)
    if result.shrunk:
        warn(
            "workspace_shrunk",
            f"the workspace holds less of {result.shrunk:,} hours than was loaded (retention or purge); what was "
            "loaded stays",
            hours=result.shrunk,
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
