"""Every setting, declared once: its field, its key in nsp.toml, its default and what it means."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypeVar

from pipeline.places import AccountSettings, WorkspaceSettings

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
        return table_of(self, AccountSettings, "blob_")

    @property
    def accounts(self) -> tuple[AccountSettings, ...]:
        """The storage accounts to load."""
        return self.blob_tables or ((self.account,) if self.account.identity else ())

    @property
    def workspace(self) -> WorkspaceSettings:
        """What [workspace], its variables and flags say, be it only defaults."""
        return table_of(self, WorkspaceSettings, "workspace_")

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


def table_of(settings: Settings, kind: type[_T], prefix: str) -> _T:
    """Return what the settings of one [blob] or [workspace] say.

    Args:
        settings: in force.
        kind: of which of both.
        prefix: how their fields begin.
    """
    return kind(**{each.name: getattr(settings, prefix + each.name) for each in fields(kind)})
