"""nsp init: an nsp.toml to begin with."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import AuthOption

if TYPE_CHECKING:
    from pipeline.cli.context import Context

SEVERAL = {"blob_account_url", "workspace_id", "ingest_folder"}
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
        list[str] | None,
        typer.Option(help="https://ACCOUNT.blob.core.windows.net of the export; may be repeated."),
    ] = None,
    workspace_id: Annotated[
        list[str] | None, typer.Option(metavar="GUID", help="Of a Log Analytics workspace; may be repeated.")
    ] = None,
    folder: Annotated[list[Path] | None, typer.Option(help="An export that lies on disk; may be repeated.")] = None,
    subscription: Annotated[
        list[str] | None, typer.Option(help="Id of a subscription with perimeters; may be repeated.")
    ] = None,
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
        "blob_account_url": tuple(account_url or ()) or None,
        "workspace_id": tuple(workspace_id or ()) or None,
        "ingest_folder": tuple(map(str, folder or ())) or None,
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
    found: dict[str, Any] = {}
    for name, text in QUESTIONS.items():
        answer = _answer(text)
        if answer and name in SEVERAL:
            found[name] = (answer, *iter(partial(_answer, "Another one (empty for no more)"), ""))
        elif answer:
            found[name] = answer
    if "inventory_subscriptions" in found:
        found["inventory_subscriptions"] = tuple(found["inventory_subscriptions"].replace(",", " ").split())
    return found


def _answer(text: str) -> str:
    return str(typer.prompt(text, default="", show_default=False, err=True)).strip()
