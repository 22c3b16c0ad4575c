"""The storage accounts and workspaces that nsp.toml names, of which there may be several."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import PurePath
from typing import Protocol, Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from pipeline.errors import UsageError

_PORTS = {"https": 443, "http": 80}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Place(Protocol):
    """One of several that hold logs: an account or a workspace."""

    @property
    def name(self) -> str:
        """What nsp.toml calls it."""

    @property
    def own_name(self) -> str:
        """What it is called where nsp.toml doesn't say; "" for nothing."""

    @property
    def identity(self) -> tuple[str, ...]:
        """Equal where the same records would be read; empty where nothing is named."""


T = TypeVar("T", "AccountSettings", "WorkspaceSettings")


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """A [blob] of nsp.toml. The fields are its keys; `Settings` says what they mean, and their defaults."""

    name: str
    account_url: str
    container_prefix: str
    look_back_hours: int
    concurrency: int
    connection_string_env: str
    sas_env: str
    secret_file: str

    @property
    def own_name(self) -> str:
        """The account's name in its URL, else what holds its secret."""
        return account_of(self.account_url) or self.connection_string_env or PurePath(self.secret_file).name

    @property
    def identity(self) -> tuple[str, ...]:
        """Of two with one identity, the second would find nothing new."""
        account = self.connection_string_env or _told_plainly(self.account_url) or self.secret_file
        return (account, self.container_prefix) if account else ()

    def looked_at(self, container_prefix: str | None, look_back_hours: int | None) -> Self:
        """Return it with other words on what to look at; None leaves one be."""
        prefix = self.container_prefix if container_prefix is None else container_prefix
        return replace(
            self, container_prefix=prefix, look_back_hours=look_back_hours or self.look_back_hours
        )  # fmt: skip

    def with_secret(self, connection_string_env: str = "", sas_env: str = "", secret_file: str = "") -> Self:
        """Return it with another secret, or without one."""
        return replace(
            self, connection_string_env=connection_string_env, sas_env=sas_env, secret_file=secret_file
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """A [workspace] of nsp.toml. The fields are its keys; `Settings` says what they mean, and their defaults."""

    name: str
    id: str
    endpoint: str
    settle_minutes: int
    overlap_minutes: int
    audit_days: int

    @property
    def own_name(self) -> str:
        """Its id."""
        return self.id.strip()

    @property
    def identity(self) -> tuple[str, ...]:
        """Of two with one identity, the second would find nothing new."""
        return (plain_id(self.id),) if self.id else ()


def plain_url(url: str) -> str:
    """Return the one spelling of an account's URL, without a signature: names in the ledger begin with it.

    Raises:
        ValueError: it is no URL.
    """
    parts = urlsplit(url.strip())
    port = "" if parts.port in {None, _PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}{parts.path}".rstrip("/")


def plain_id(text: str) -> str:
    """Return the one spelling of a workspace's id; what is none as it is."""
    try:
        return str(UUID(text.strip()))
    except ValueError:
        return text.strip()


def account_of(url: str) -> str:
    """Return the account's name in the URL of its blob service; "" where there is none.

    Azure has it in the host, `https://ACCOUNT.blob.core.windows.net`; an emulator behind an address in the path.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    try:
        ip_address(host)
    except ValueError:
        return host.split(".", 1)[0]
    return parts.path.strip("/").split("/", 1)[0]


def named(places: Sequence[T]) -> tuple[T, ...]:
    """Return several places, each with a name: its own, or its number where that says nothing."""
    made = []
    for number, each in enumerate(places, 1):
        own = each.own_name if _NAME.fullmatch(each.own_name) else str(number)
        made.append(replace(each, name=each.name or own))
    return tuple(made)


def problems(section: str, key: str, places: Sequence[Place]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with several places, taken together: the key, and what would do.

    Args:
        section: blob or workspace.
        key: that says which place is meant.
        places: with names.
    """
    names: dict[str, int] = {}
    identities: dict[tuple[str, ...], int] = {}
    for number, each in enumerate(places, 1):
        at = f"{section}[{number}]"
        if not each.identity:
            yield f"{at}.{key}", f"{at} doesn't say where its logs are: set {at}.{key}."
        elif (first := identities.setdefault(each.identity, number)) != number:
            yield f"{at}.{key}", f"{at} names the same logs as {section}[{first}]. Take one of them out."
        elif (first := names.setdefault(each.name.lower(), number)) != number:
            called = f"{at} and {section}[{first}] are both called {each.name}."
            yield f"{at}.name", f"{called} Give each a name of its own: {at}.name."
    yield from bad_names((f"{section}[{number}]", each) for number, each in enumerate(places, 1))


def bad_names(places: Iterable[tuple[str, Place]]) -> Iterator[tuple[str, str]]:
    """Yield the names that could not stand in a step or a log: the key, and what would do."""
    for at, each in places:
        if each.name and not _NAME.fullmatch(each.name):
            rule = "letters, digits, dots, dashes and underscores, and begins with a letter or digit; 63 at the most"
            yield f"{at}.name", f"{at}.name holds {rule}."


def called(section: str, word: str, places: Sequence[T]) -> T:
    """Return the one of some places that has a name.

    Args:
        section: blob or workspace.
        word: the name; case doesn't matter.
        places: those of nsp.toml.

    Raises:
        UsageError: there is none.
    """
    for each in places:
        if word.lower() in {each.name.lower(), each.own_name.lower()} - {""}:
            return each
    known = ", ".join(each.name or each.own_name for each in places if each.name or each.own_name) or "none"
    raise UsageError(f"No [{section}] of nsp.toml is called {word!r}. There are: {known}.")


@dataclass(frozen=True, slots=True)
class AccountFlags:
    """What a command says of the account to load; "" for nothing.

    Args:
        name: of one in nsp.toml.
        url: of one in nsp.toml or of another.
        secret: connection_string_env, sas_env and secret_file, of which one at most is given.
        signs_in: a way of signing in is given.
    """

    name: str = ""
    url: str = ""
    secret: tuple[str, str, str] = ("", "", "")
    signs_in: bool = False


def accounts_asked_for(
    configured: Sequence[AccountSettings], single: AccountSettings, flags: AccountFlags
) -> list[AccountSettings]:
    """Return the accounts to load: all that nsp.toml names, or those that flags choose.

    A secret of nsp.toml goes to the account that it stands beside and to no other; a secret or a way of signing in
    that is given goes before it.

    Args:
        configured: those that nsp.toml (with variables) names.
        single: the one [blob], be it only defaults.
        flags: of the command.

    Raises:
        UsageError: there is none of that name, or which one is meant can't be told.
    """
    connection_string_env, sas_env, secret_file = flags.secret
    if flags.name and flags.url:
        raise UsageError("Give one of --account and --account-url.")
    if flags.name:
        found = [called("blob", flags.name, configured)]
    elif flags.url:
        url = _told_plainly(flags.url)
        same = [each for each in configured if each.account_url and _told_plainly(each.account_url) == url]
        found = same or [replace(single.with_secret(), name="", account_url=flags.url)]
    elif configured[1:] and connection_string_env:
        found = [single]  # it says itself which account
    elif configured[1:] and (sas_env or secret_file):
        names = ", ".join(each.name for each in configured)
        raise UsageError(f"nsp.toml names several accounts. Say whose secret that is by --account: {names}.")
    else:
        found = list(configured) or [single]
    if any(flags.secret):
        return [each.with_secret(*flags.secret) for each in found]
    return [each.with_secret() for each in found] if flags.signs_in else found


def workspaces_asked_for(
    configured: Sequence[WorkspaceSettings], single: WorkspaceSettings, name: str, workspace_id: str
) -> list[WorkspaceSettings]:
    """Return the workspaces to load: all that nsp.toml names, or the one that a flag chooses.

    Args:
        configured: those that nsp.toml (with variables) names.
        single: the one [workspace], be it only defaults.
        name: of one in nsp.toml; "" for any.
        workspace_id: of one in nsp.toml or of another; "" for any.

    Raises:
        UsageError: there is none of that name, or none at all.
    """
    if name and workspace_id:
        raise UsageError("Give one of --workspace and --workspace-id.")
    if name:
        return [called("workspace", name, configured)]
    if workspace_id:
        same = [each for each in configured if plain_id(each.id) == plain_id(workspace_id)]
        return same or [replace(single, name="", id=workspace_id)]
    if not configured:
        raise UsageError("Which workspace? Give --workspace-id GUID, or workspace.id in nsp.toml.")
    return list(configured)


def _told_plainly(url: str) -> str:
    try:
        return plain_url(url) if url else ""
    except ValueError:
        return url
