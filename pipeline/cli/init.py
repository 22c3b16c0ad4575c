"""nsp init: an nsp.toml to begin with."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import AuthOption

if TYPE_CHECKING:
    from pipeline.cli.context import Context

QUESTIONS = {
    "blob_account_url": "Storage account of the export (https://ACCOUNT.blob.core.windows.net)",
    "workspace_id": "Workspace ID of a Log Analytics workspace (GUID)",
    "ingest_folder": "Folder with an export on disk",
    "inventory_subscriptions": "Ids of the perimeters' subscriptions, with spaces between",
    "auth": "How to sign in (default, cli, managed-identity, environment, workload-identity)",
}


def init(
    context: typer.Context,
    account_url: Annotated[
        str | None, typer.Option(help="https://ACCOUNT.blob.core.windows.net of the export.")
    ] = None,
    workspace_id: Annotated[str | None, typer.Option(metavar="GUID", help="Of a Log Analytics workspace.")] = None,
    folder: Annotated[Path | None, typer.Option(help="An export that lies on disk.")] = None,
    subscription: Annotated[list[str] | None, typer.Option(help="Id of a subscription with perimeters.")] = None,
    auth: AuthOption = None,
    webhook_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Variable that holds the URL of a webhook, to be told of nights.")
    ] = None,
) -> None:
    """Write an nsp.toml with every key explained: by asking on a terminal, or from options.

    Writes ./nsp.toml, or what --config names; never in the place of one that is there. Secrets don't go into it: it
    names variables and files that hold them.
    """
    from pipeline.cli.log import tell, warn
    from pipeline.nightly import initial
    from pipeline.nightly.configuration import problems
    from pipeline.settings import CONFIG_FILE

    common: Context = context.obj
    path = common.config or Path(CONFIG_FILE)
    given: dict[str, Any] = {
        "store": common.store,
        "blob_account_url": account_url,
        "workspace_id": workspace_id,
        "ingest_folder": str(folder) if folder else None,
        "inventory_subscriptions": tuple(subscription) if subscription else None,
        "auth": auth,
        "webhook_env": webhook_env,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen and sys.stdin.isatty() and not path.exists():
        chosen = _asked()
    initial.write(path, chosen)
    tell("settings_written", f"wrote {path}", file=str(path))
    for each in problems(path, os.environ):
        warn("setting_to_mend", f"to mend: {each.text}", key=each.key)


def _asked() -> dict[str, Any]:
    """Ask for what a night needs; what is left empty isn't set."""
    answers = {name: typer.prompt(text, default="", show_default=False, err=True) for name, text in QUESTIONS.items()}
    found: dict[str, Any] = {name: text.strip() for name, text in answers.items() if text.strip()}
    if "inventory_subscriptions" in found:
        found["inventory_subscriptions"] = tuple(found["inventory_subscriptions"].replace(",", " ").split())
    return found
