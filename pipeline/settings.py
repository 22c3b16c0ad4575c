"""Settings: nsp.toml, then NSP_* variables, then flags; one frozen object, read by the CLI and passed down."""

import os
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pipeline import places
from pipeline.errors import SettingsError
from pipeline.places import AccountSettings, WorkspaceSettings

CONFIG_FILE = "nsp.toml"
FEWEST_FLOW_DAYS = 35
"""Four weeks that are replayed, after one to learn from."""
_T = TypeVar("_T", AccountSettings, WorkspaceSettings)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting. The metadata name the key in nsp.toml; NSP_<SECTION>_<KEY> is the variable.

    Args:
        store: folder of the warehouse.
        store_wait: seconds to wait while another nsp has the warehouse open.
        memory: DuckDB's memory limit, beyond which it spills to disk; blobs load in 96 MiB where they can.
        blob_name: what to call the account, where there are several [[blob]]; "" for its name in account_url.
        blob_account_url: the storage account of the export, https://ACCOUNT.blob.core.windows.net.
        blob_container_prefix: how the containers of the export begin.
        blob_look_back_hours: hours before the end of the last run that are looked at again.
        blob_concurrency: requests at a time.
        blob_connection_string_env: name of the variable that holds a connection string.
        blob_sas_env: name of the variable that holds a SAS.
        blob_secret_file: file that holds either.
        workspace_name: what to call it, where there are several [[workspace]]; "" for its id.
        workspace_id: GUID of a Log Analytics workspace.
        workspace_endpoint: its query service; other clouds have their own.
        workspace_settle_minutes: an hour of ingestion is first read so long after its end.
        workspace_overlap_minutes: it is read again until it was read so long after its end.
        workspace_audit_days: the records of so many past days are counted in each run.
        auth: how to sign in to Azure: default, cli, managed-identity, environment or workload-identity.
        client_id: client id of a user-assigned managed identity.
        resource_manager: Azure Resource Manager; other clouds have their own.
        inventory_subscriptions: nightly pulls all perimeters of these.
        inventory_perimeters: ARM ids of perimeters that nightly pulls.
        inventory_file: file or folder that nightly loads the configuration from.
        ingest_folder: folder that nightly loads logs from, or a list of folders.
        notify_command: command that is given what a night brought on stdin.
        webhook_env: name of the variable that holds the URL of a webhook.
        webhook_file: file that holds it.
        notify_always: tell also of nights that brought nothing.
        notify_seconds: how long telling may take, in seconds.
        report: where nightly writes the page; "" for report.html in the store's folder.
        raw_days: nightly drops log records that are more days older than the newest, and keeps their hourly flows; no
            answer changes by that. 0: keeps all.
        flow_days: nightly drops everything that is more days older, so that answers reach no further back. 0: keeps
            all; else at least 35, and no less than raw_days and recommend.min_days.
        compact_share: nightly writes the warehouse anew when this share of its file is free after that. 1: never.
        rejected_share: ingest exits with 5 when a larger share of the lines could not be read; no profile is ready when
            one of all lines could not.
        max_elements: rule elements that Azure allows per profile and direction.
        reserve: elements of those to leave free.
        rule_cost: what one prefix costs, in address-equivalents; more gives fewer, wider prefixes. 0: chosen by what
            past weeks would have denied.
        drop_budget: share of caller days that may be asked about instead of widening a rule.
        widest_v4: no IPv4 prefix is proposed that is shorter.
        widest_v6: no IPv6 prefix is proposed that is shorter.
        memberships: callers may be asked to become members of the perimeter, and their perimeters to be linked.
        service_tags: service tags may be proposed (preview; Key Vault and Azure Monitor alone honour them).
        callers_at_risk: ready only if the upper bound of wrongly denied callers a week is at most this.
        min_days: ready only if at least so many days were seen.
    """

    store: Path = field(default=Path(".nsp"), metadata={"key": "store.path"})
    store_wait: float = field(default=30.0, metadata={"key": "store.wait_seconds"})
    memory: str = field(default="700MB", metadata={"key": "store.memory"})
    blob_name: str = field(default="", metadata={"key": "blob.name"})
    blob_account_url: str = field(default="", metadata={"key": "blob.account_url"})
    blob_container_prefix: str = field(default="insights-logs-nsp", metadata={"key": "blob.container_prefix"})
    blob_look_back_hours: int = field(default=48, metadata={"key": "blob.look_back_hours"})
    blob_concurrency: int = field(default=16, metadata={"key": "blob.concurrency"})
    blob_connection_string_env: str = field(default="", metadata={"key": "blob.connection_string_env"})
    blob_sas_env: str = field(default="", metadata={"key": "blob.sas_env"})
    blob_secret_file: str = field(default="", metadata={"key": "blob.secret_file"})
    workspace_name: str = field(default="", metadata={"key": "workspace.name"})
    workspace_id: str = field(default="", metadata={"key": "workspace.id"})
    workspace_endpoint: str = field(default="https://api.loganalytics.io", metadata={"key": "workspace.endpoint"})
    workspace_settle_minutes: int = field(default=15, metadata={"key": "workspace.settle_minutes"})
    workspace_overlap_minutes: int = field(default=120, metadata={"key": "workspace.overlap_minutes"})
    workspace_audit_days: int = field(default=8, metadata={"key": "workspace.audit_days"})
    auth: str = field(default="default", metadata={"key": "azure.auth"})
    client_id: str = field(default="", metadata={"key": "azure.client_id"})
    resource_manager: str = field(default="https://management.azure.com", metadata={"key": "azure.resource_manager"})
    inventory_subscriptions: tuple[str, ...] = field(default=(), metadata={"key": "inventory.subscription"})
    inventory_perimeters: tuple[str, ...] = field(default=(), metadata={"key": "inventory.perimeter"})
    inventory_file: str = field(default="", metadata={"key": "inventory.file"})
    ingest_folder: tuple[str, ...] = field(default=(), metadata={"key": "ingest.folder", "spaces": True})
    notify_command: str = field(default="", metadata={"key": "nightly.notify_command"})
    webhook_env: str = field(default="", metadata={"key": "nightly.webhook_env"})
    webhook_file: str = field(default="", metadata={"key": "nightly.webhook_file"})
    notify_always: bool = field(default=False, metadata={"key": "nightly.notify_always"})
    notify_seconds: float = field(default=30.0, metadata={"key": "nightly.notify_seconds"})
    report: str = field(default="", metadata={"key": "nightly.report"})
    raw_days: int = field(default=0, metadata={"key": "retention.raw_days"})
    flow_days: int = field(default=0, metadata={"key": "retention.flow_days"})
    compact_share: float = field(default=0.5, metadata={"key": "retention.compact_share"})
    rejected_share: float = field(default=0.01, metadata={"key": "ingest.rejected_share"})
    max_elements: int = field(default=200, metadata={"key": "recommend.max_elements"})
    reserve: int = field(default=10, metadata={"key": "recommend.reserve"})
    rule_cost: float = field(default=0.0, metadata={"key": "recommend.rule_cost"})
    drop_budget: float = field(default=0.001, metadata={"key": "recommend.drop_budget"})
    widest_v4: int = field(default=16, metadata={"key": "recommend.widest_v4"})
    widest_v6: int = field(default=48, metadata={"key": "recommend.widest_v6"})
    memberships: bool = field(default=True, metadata={"key": "recommend.memberships"})
    service_tags: bool = field(default=False, metadata={"key": "recommend.service_tags"})
    callers_at_risk: float = field(default=1.0, metadata={"key": "recommend.callers_at_risk"})
    min_days: int = field(default=31, metadata={"key": "recommend.min_days"})

    @property
    def blob_tables(self) -> tuple[AccountSettings, ...]:
        """The [[blob]], where there are several."""
        return ()

    @property
    def workspace_tables(self) -> tuple[WorkspaceSettings, ...]:
        """The [[workspace]], where there are several."""
        return ()

    @property
    def account(self) -> AccountSettings:
        """What [blob], its variables and flags say, be it only defaults."""
        return _table(self, AccountSettings, "blob_")

    @property
    def accounts(self) -> tuple[AccountSettings, ...]:
        """The storage accounts to load."""
        return self.blob_tables or ((self.account,) if self.account.identity else ())

    @property
    def workspace(self) -> WorkspaceSettings:
        """What [workspace], its variables and flags say, be it only defaults."""
        return _table(self, WorkspaceSettings, "workspace_")

    @property
    def workspaces(self) -> tuple[WorkspaceSettings, ...]:
        """The workspaces to load."""
        return self.workspace_tables or ((self.workspace,) if self.workspace.identity else ())


@dataclass(frozen=True, slots=True)
class SeveralSettings(Settings):
    """Settings with several [[blob]] or [[workspace]], each with the keys of [blob] or [workspace].

    Args:
        blob_tables: the accounts, with names; none where [blob] is there once at the most.
        workspace_tables: the workspaces, likewise.
    """

    blob_tables: tuple[AccountSettings, ...] = ()
    workspace_tables: tuple[WorkspaceSettings, ...] = ()


def _keyed() -> dict[str, Any]:
    """Return the keys of nsp.toml, each with its field."""
    return {each.metadata["key"]: each for each in fields(Settings)}


def _table(settings: Settings, kind: type[_T], prefix: str) -> _T:
    return kind(**{each.name: getattr(settings, prefix + each.name) for each in fields(kind)})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a setting.

    Args:
        key: as in nsp.toml; "" where it is the file itself.
        text: what is wrong, where, and what would do.
    """

    key: str
    text: str


def load(config: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Return the settings in force.

    Args:
        config: file named by --config; None for ./nsp.toml, which may be missing.
        environment: os.environ.
        flags: field name -> value; None means not given.

    Raises:
        SettingsError: a file is missing or no TOML, a key is unknown, or a value is of the wrong type or range.
    """
    settings, problems = examine(config, environment, flags)
    if problems:
        raise SettingsError(problems[0].text)
    return settings


def examine(
    config: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]
) -> tuple[Settings, list[Problem]]:
    """Return the settings, with the defaults in the place of what is wrong, and all that is wrong.

    Args:
        config: file named by --config; None for ./nsp.toml, which may be missing.
        environment: os.environ.
        flags: field name -> value; None means not given.

    Raises:
        SettingsError: the file is missing or no TOML.
    """
    file = str(config or CONFIG_FILE)
    tree = _read(config)
    several = {section: _several(tree, section) for section in ("blob", "workspace")}
    values, problems = _taken({key: (f"{file}: {key}", value) for key, value in _flat(tree).items()})
    for key in _keyed():
        variable = "NSP_" + key.replace(".", "_").upper()
        section, _, word = key.partition(".")
        if variable in environment and several.get(section):
            told = (
                f"{variable} is set, but there are {len(several[section])} [[{section}]], and it can't mean them all."
            )
            problems.append(Problem(key, f"{told} Unset it, and write {word} into the [[{section}]] that it is for."))
        elif variable in environment:
            found, wrong = _taken({key: (variable, environment[variable])})
            values |= found
            problems += wrong
    accounts, wrong = _examined("blob", several["blob"], AccountSettings, file)
    workspaces, also_wrong = _examined("workspace", several["workspace"], WorkspaceSettings, file)
    flagged = {name: value for name, value in flags.items() if value is not None}
    values |= flagged
    settings = Settings(**values)
    if accounts or workspaces:
        settings = SeveralSettings(**values, blob_tables=accounts, workspace_tables=workspaces)
    found_wrong = [*problems, *wrong, *also_wrong, *_out_of_range(settings)]
    for section, one in (("blob", settings.account), ("workspace", settings.workspace)):
        found_wrong += [Problem(key, text) for key, text in places.bad_names([(section, one)])]
    folders = [os.path.normpath(each) for each in settings.ingest_folder]
    twice = sorted({each for each in folders if folders.count(each) > 1})
    found_wrong += [Problem("ingest.folder", f"ingest.folder names {each} more than once.") for each in twice]
    return settings, found_wrong


def _several(tree: dict[str, Any], section: str) -> list[dict[str, Any]]:
    """Take the tables of [[blob]] or [[workspace]] out of what was read; a single one is left there, as [blob]."""
    tables = tree.get(section)
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        return []
    del tree[section]
    if len(tables) == 1:
        tree[section] = tables[0]
        return []
    return tables


def _examined(
    section: str, tables: Sequence[dict[str, Any]], kind: type[_T], file: str
) -> tuple[tuple[_T, ...], list[Problem]]:
    """Return what several [[blob]] or [[workspace]] say, and what is wrong, by keys such as blob[2].account_url."""
    problems: list[Problem] = []
    found = [_one_of_several(f"{section}[{number}].", table, file, problems) for number, table in enumerate(tables, 1)]
    several = places.named([_table(each, kind, f"{section}_") for each in found])
    key = "account_url" if section == "blob" else "id"
    told = {each.key for each in problems}
    problems += [Problem(at, text) for at, text in places.problems(section, key, several) if at not in told]
    return several, problems


def _one_of_several(at: str, table: dict[str, Any], file: str, problems: list[Problem]) -> Settings:
    """Return what one table says, as if it were the only one; what is wrong is told by keys that begin with `at`."""
    section = at.partition("[")[0] + "."
    pairs = {f"{section}{key}": (f"{file}: {at}{key}", value) for key, value in _flat(table).items()}
    values, wrong = _taken(pairs, [key for key in _keyed() if key.startswith(section)])
    one = Settings(**values)
    for each in [*wrong, *_out_of_range(one)]:
        key = at + each.key.removeprefix(section)
        problems.append(Problem(key, each.text.replace(each.key, key)))
    return one


def _taken(pairs: Mapping[str, tuple[str, Any]], known: Collection[str] = ()) -> tuple[dict[str, Any], list[Problem]]:
    """Return field -> value of some keys, and what is wrong with them.

    Args:
        pairs: key -> how to call it, and its value, as in the file or a variable.
        known: keys that may be there; all where it is empty.
    """
    by_key = {key: each for key, each in _keyed().items() if not known or key in known}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, (called, value) in pairs.items():
        if key not in by_key:
            near = get_close_matches(key, by_key, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(sorted(by_key))}."
            problems.append(Problem(key, f"{called} is no key. {hint}"))
            continue
        try:
            values[by_key[key].name] = _typed(value, by_key[key], called)
        except SettingsError as error:
            problems.append(Problem(key, str(error)))
    return values, problems


def _read(config: Path | None) -> dict[str, Any]:
    path = config or Path(CONFIG_FILE)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if config:
            raise SettingsError(f"The configuration file {config} isn't there.") from None
        return {}
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}.") from error


def _flat(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return found


def _typed(value: Any, field: Any, where: str) -> Any:
    wanted: type = type(field.default) if not isinstance(field.default, os.PathLike) else Path
    try:
        if wanted is tuple:
            return _texts(value, one="spaces" in field.metadata)
        if wanted is bool:
            return {"true": True, "false": False}[str(value).lower()]
        if isinstance(value, bool) or (wanted is int and isinstance(value, float)):
            raise ValueError  # noqa: TRY301 -- one message for all
        return wanted(value)
    except (TypeError, ValueError, KeyError):
        raise SettingsError(f"{where} must be {_WORDS[wanted]}, not {value!r}.") from None


_WORDS: Mapping[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    bool: "true or false",
    tuple: "a list of texts",
}


def _texts(value: Any, *, one: bool) -> tuple[str, ...]:
    """Return a list of TOML, or the words of a variable, between which there are commas or spaces; `one`: one text."""
    if isinstance(value, str) and one:
        return (value,) if value else ()
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError
    return tuple(each for each in value if each)


def ranges(settings: Settings) -> Mapping[str, tuple[float, float]]:
    """Return the least and the greatest value of each field that has them.

    Args:
        settings: in force; how much may be reserved depends on them.
    """
    return {
        "rejected_share": (0, 1),
        "max_elements": (1, 200),
        "reserve": (0, settings.max_elements - 1),
        "rule_cost": (0, 2**32),
        "drop_budget": (0, 0.1),
        "widest_v4": (8, 32),
        "widest_v6": (16, 64),
        "callers_at_risk": (0, 2**31),
        "min_days": (1, 3650),
        "store_wait": (0, 86400),
        "notify_seconds": (1, 3600),
        "raw_days": (0, 36500),
        "flow_days": (0, 36500),
        "compact_share": (0.1, 1),
        "blob_look_back_hours": (1, 24 * 365),
        "blob_concurrency": (1, 64),
        "workspace_settle_minutes": (0, 24 * 60),
        "workspace_overlap_minutes": (0, 7 * 24 * 60),
        "workspace_audit_days": (1, 3650),
    }


def _out_of_range(settings: Settings) -> list[Problem]:
    limits = ranges(settings)
    found = [
        Problem(each.metadata["key"], f"{each.metadata['key']} must lie between {low} and {high}.")
        for each in fields(Settings)
        if each.name in limits
        for low, high in [limits[each.name]]
        if not low <= getattr(settings, each.name) <= high
    ]
    fewest = max(FEWEST_FLOW_DAYS, settings.min_days, settings.raw_days)
    if 0 < settings.flow_days < fewest:
        why = f"{FEWEST_FLOW_DAYS} for the backtest, and no less than recommend.min_days and retention.raw_days"
        found.append(Problem("retention.flow_days", f"retention.flow_days must be 0 or at least {fewest}: {why}."))
    return found
