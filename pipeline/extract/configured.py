"""From what nsp.toml says of an account or a workspace to what reads it."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from pipeline.azure import signin
from pipeline.extract import account as accounts
from pipeline.extract import workspace as workspaces
from pipeline.extract.blob import Wanted
from pipeline.extract.windows import Timing
from pipeline.places import AccountSettings, WorkspaceSettings, plain_url


def account(chosen: AccountSettings, auth: str, client_id: str) -> AbstractContextManager[accounts.Account]:
    """Have an account connected for the length of the block; nothing is asked of it yet.

    Args:
        chosen: what nsp.toml says of it, such as where its secret lies.
        auth: azure.auth, for an account without a secret.
        client_id: azure.client_id.

    Raises:
        UsageError: the secret isn't there, there is no such way of signing in, or the account's URL or connection
            string can't be read.
        SignInError: what that way of signing in needs isn't set.
    """
    way = signin.way_of(auth)
    access = accounts.Access(chosen.account_url, *_secrets(chosen, os.environ), way, client_id)
    return accounts.connect(access, concurrency=chosen.concurrency)


def wanted(chosen: AccountSettings, since: datetime | None = None, until: datetime | None = None) -> Wanted:
    """Return which blobs of an account to look at: all that are new, or those of some hours."""
    look_back = timedelta(hours=chosen.look_back_hours)
    return Wanted(container_prefix=chosen.container_prefix, since=since, until=until, look_back=look_back)


def url_of(chosen: AccountSettings, environment: Mapping[str, str]) -> str:
    """Return the URL that the names of an account's blobs begin with in the ledger. Asks nothing of Azure.

    Raises:
        UsageError: the secret isn't there, or the URL or connection string can't be read.
    """
    secrets = _secrets(chosen, environment)
    if not any(secrets):
        return plain_url(chosen.account_url)
    with accounts.connect(accounts.Access(chosen.account_url, *secrets)) as connected:
        return connected.url


def _secrets(chosen: AccountSettings, environment: Mapping[str, str]) -> tuple[str, str]:
    return signin.blob_secrets(chosen.connection_string_env, chosen.sas_env, chosen.secret_file, environment)


def workspace(chosen: WorkspaceSettings, auth: str, client_id: str) -> AbstractContextManager[workspaces.Workspace]:
    """Have a workspace connected for the length of the block; nothing is asked of it yet.

    Raises:
        UsageError: its id is no GUID, or there is no such way of signing in.
        SignInError: what that way of signing in needs isn't set.
    """
    return workspaces.connect(chosen.id, auth=signin.way_of(auth), client_id=client_id, endpoint=chosen.endpoint)


def timing(chosen: WorkspaceSettings) -> Timing:
    """Return how a workspace's lateness is allowed for."""
    return Timing(
        settle=timedelta(minutes=chosen.settle_minutes),
        overlap=timedelta(minutes=chosen.overlap_minutes),
        audit=timedelta(days=chosen.audit_days),
    )
