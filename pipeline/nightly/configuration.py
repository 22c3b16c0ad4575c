"""What is wrong with the settings, all of it at once, before a night finds it out one by one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from pipeline.azure.signin import blob_secrets, way_of
from pipeline.errors import SettingsError, UsageError
from pipeline.nightly import notify
from pipeline.places import AccountSettings
from pipeline.recommend import policy_file
from pipeline.settings import Problem, Settings, examine

T = TypeVar("T")


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
    yield from _places(settings, environment)
    yield from _inventory(settings)
    if settings.notify_command:
        yield from _told("nightly.notify_command", lambda: notify.words_of(settings.notify_command))
    yield from _told(
        "nightly.webhook_file" if settings.webhook_file else "nightly.webhook_env",
        lambda: notify.webhook_of(settings.webhook_env, settings.webhook_file, environment),
    )


def _secrets(at: str, account: AccountSettings, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with the secret of an account, whose keys begin with `at`."""
    secrets = (account.connection_string_env, account.sas_env, account.secret_file)
    keys = (f"{at}.connection_string_env", f"{at}.sas_env", f"{at}.secret_file")
    named = [key for key, secret in zip(keys, secrets, strict=True) if secret]
    if len(named) > 1:
        yield Problem(named[-1], f"Name one of {', '.join(keys)}.")
    else:
        yield from _told("".join(named), lambda: blob_secrets(*secrets, environment))
    if account.sas_env and not account.account_url:
        yield Problem(f"{at}.account_url", f"A SAS needs {at}.account_url: https://ACCOUNT.blob.core.windows.net.")


def _places(settings: Settings, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with where the logs are."""
    yield from _accounts(settings, environment)
    for at, workspace in _numbered("workspace", settings.workspace_tables, settings.workspace):
        yield from _url(f"{at}.endpoint", workspace.endpoint)
        if workspace.id and not _is_guid(workspace.id):
            yield Problem(f"{at}.id", f"{at}.id is a GUID: the Workspace ID of the workspace's overview page.")
    yield from _url("azure.resource_manager", settings.resource_manager)
    named = [("ingest.folder", each) for each in settings.ingest_folder]
    for key, path in (*named, ("inventory.file", settings.inventory_file)):
        if path and not Path(path).exists():
            yield Problem(key, f"{key}: {path} isn't there.")


def _accounts(settings: Settings, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with each account, and two that turn out to be one when their secrets are read."""
    seen: dict[tuple[str, str], str] = {}
    for at, account in _numbered("blob", settings.blob_tables, settings.account):
        wrong = [*_secrets(at, account, environment), *_url(f"{at}.account_url", account.account_url)]
        yield from wrong
        if wrong or not account.identity:
            continue
        from pipeline.extract.configured import url_of

        key = next(
            f"{at}.{word}" for word in ("connection_string_env", "secret_file", "account_url") if getattr(account, word)
        )
        try:
            first = seen.setdefault((url_of(account, environment), account.container_prefix), at)
        except UsageError as error:
            yield Problem(key, str(error))
            continue
        if first != at:
            yield Problem(key, f"{at} names the same logs as {first}. Take one of them out.")


def _numbered(section: str, several: Sequence[T], single: T) -> list[tuple[str, T]]:
    """Return accounts or workspaces, each with what its keys begin with: blob, or blob[2] of several."""
    return [(f"{section}[{number}]", each) for number, each in enumerate(several, 1)] or [(section, single)]


def _url(key: str, url: str) -> Iterator[Problem]:
    if url and not _is_https(url):
        yield Problem(key, f"{key} must begin with https:// and name a host.")


def _inventory(settings: Settings) -> Iterator[Problem]:
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
