"""What is wrong with the settings, all of it at once, before a night finds it out one by one."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from pipeline.azure.signin import blob_secrets, way_of
from pipeline.errors import SettingsError, UsageError
from pipeline.nightly import notify
from pipeline.recommend import policy_file
from pipeline.settings import Problem, Settings, examine


def problems(config: Path | None, environment: Mapping[str, str]) -> list[Problem]:
    """Return what is wrong with nsp.toml, the variables, what they name, and policy.toml. Asks nothing of Azure.

    Args:
        config: file named by --config; None for ./nsp.toml, which may be missing.
        environment: os.environ.
    """
    try:
        settings, found = examine(config, environment, {})
    except SettingsError as error:
        return [Problem("", str(error))]
    try:
        policy_file.find(None, config)
    except SettingsError as error:
        found.append(Problem("", str(error)))
    wrong = {each.key for each in found}
    return found + [each for each in _meanings(settings, environment) if each.key not in wrong]


def _meanings(settings: Settings, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is of the right type and can't work."""
    yield from _told("azure.auth", lambda: way_of(settings.auth))
    yield from _secrets(settings, environment)
    yield from _places(settings)
    yield from _inventory(settings)
    if settings.notify_command:
        yield from _told("nightly.notify_command", lambda: notify.words_of(settings.notify_command))
    yield from _told(
        "nightly.webhook_file" if settings.webhook_file else "nightly.webhook_env",
        lambda: notify.webhook_of(settings.webhook_env, settings.webhook_file, environment),
    )


def _secrets(settings: Settings, environment: Mapping[str, str]) -> Iterator[Problem]:
    secrets = (settings.blob_connection_string_env, settings.blob_sas_env, settings.blob_secret_file)
    keys = ("blob.connection_string_env", "blob.sas_env", "blob.secret_file")
    named = [key for key, secret in zip(keys, secrets, strict=True) if secret]
    if len(named) > 1:
        yield Problem(named[-1], f"Name one of {', '.join(keys)}.")
    else:
        yield from _told("".join(named), lambda: blob_secrets(*secrets, environment))
    if settings.blob_sas_env and not settings.blob_account_url:
        yield Problem("blob.account_url", "A SAS needs blob.account_url: https://ACCOUNT.blob.core.windows.net.")


def _places(settings: Settings) -> Iterator[Problem]:
    urls = {
        "blob.account_url": settings.blob_account_url,
        "workspace.endpoint": settings.workspace_endpoint,
        "azure.resource_manager": settings.resource_manager,
    }
    for key, url in urls.items():
        if url and not _is_https(url):
            yield Problem(key, f"{key} must begin with https:// and name a host.")
    for key, path in (("ingest.folder", settings.ingest_folder), ("inventory.file", settings.inventory_file)):
        if path and not Path(path).exists():
            yield Problem(key, f"{key}: {path} isn't there.")


def _inventory(settings: Settings) -> Iterator[Problem]:
    if settings.workspace_id and not _is_guid(settings.workspace_id):
        yield Problem("workspace.id", "workspace.id is a GUID: the Workspace ID of the workspace's overview page.")
    for each in settings.inventory_subscriptions:
        if not _is_guid(each):
            yield Problem("inventory.subscription", f"inventory.subscription holds ids of subscriptions, not {each!r}.")
    for each in settings.inventory_perimeters:
        if "/networksecurityperimeters/" not in each.lower() or not each.lower().startswith("/subscriptions/"):
            yield Problem("inventory.perimeter", f"inventory.perimeter holds ARM ids of perimeters, not {each!r}.")


def _told(key: str, ask: Callable[[], object]) -> Iterator[Problem]:
    """Yield what a function that will be asked at night refuses."""
    try:
        ask()
    except UsageError as error:
        yield Problem(key, str(error))


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _is_guid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
