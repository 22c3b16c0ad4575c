"""Connects with Azure Resource Manager: which one, how to sign in, and what a request passes through.

The client's policies are chosen by hand: the usual ones would retry on their own, follow redirects, and register a
resource provider (a POST) where a subscription lacks one.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipeline.azure import signin
from pipeline.azure.background import Background
from pipeline.azure.patience import Patience, transport_options
from pipeline.azure.resource_manager import ResourceManager
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


@dataclass(frozen=True, slots=True)
class Access:
    """How to get at Azure Resource Manager.

    Args:
        url: https://management.azure.com; other clouds have their own.
        auth: how to sign in.
        client_id: of a managed identity.
        credential: of azure-identity's aio kind, in the place of one by `auth`.
        verify: a file with certificates to trust, in the place of the machine's.
        patience: how long to bear with the service.
    """

    url: str
    auth: signin.Auth
    client_id: str = ""
    credential: "AsyncTokenCredential | None" = field(default=None, repr=False)
    verify: bool | str = True
    patience: Patience = field(default_factory=Patience)


@contextmanager
def connect(access: Access) -> Iterator[ResourceManager]:
    """Have Resource Manager connected for the length of the block; nothing is asked of it yet.

    Raises:
        UsageError: the URL is none, or would send a token in clear.
        SignInError: what --auth needs isn't set.
    """
    from azure.core.pipeline.policies import ProxyPolicy, RequestIdPolicy, UserAgentPolicy
    from azure.mgmt.core import AsyncARMPipelineClient
    from azure.mgmt.core.policies import ARMHttpLoggingPolicy, AsyncARMChallengeAuthenticationPolicy

    url = _base(access.url)
    with Background() as background:
        credential = access.credential or signin.credential(access.auth, access.client_id)
        options = transport_options(url, verify=access.verify)
        policies = [
            RequestIdPolicy(),
            UserAgentPolicy(base_user_agent="nsp"),
            ProxyPolicy(proxies=options["proxies"]),
            AsyncARMChallengeAuthenticationPolicy(credential, _scope(url)),
            ARMHttpLoggingPolicy(),  # for nsp -vv; shows no token
        ]
        client: Any = AsyncARMPipelineClient(url, policies=policies, transport=options["transport"])
        background.run(client.__aenter__())
        # aiohttp would send a PUT or DELETE once more by itself where a connection is cut
        options["transport"].session._retry_connection = False  # noqa: SLF001 -- there is no public way
        try:
            yield ResourceManager(url, background, client, access.patience, access.auth)
        finally:
            background.run(_close(client, credential))


def _base(url: str) -> str:
    """Return the one spelling of the URL of a Resource Manager."""
    wrong = UsageError(
        f"azure.resource_manager must be https:// and a host, such as https://management.azure.com, not {url!r}."
    )
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme != "https" or not host or parts.username or parts.path.strip("/") or parts.query or parts.fragment:
        raise wrong
    spelled = f"[{host}]" if ":" in host else host
    return f"https://{spelled}" + ("" if port in {None, 443} else f":{port}")


def _scope(url: str) -> str:
    """Return what the token is asked for; a cloud's Resource Manager may go by an older name there."""
    from azure.core import AzureClouds
    from azure.mgmt.core.tools import get_arm_endpoints

    for cloud in AzureClouds:
        known = get_arm_endpoints(cloud)
        if known["resource_manager"].rstrip("/") == url:
            return str(known["credential_scopes"][0])
    return f"{url}/.default"


async def _close(*closing: Any) -> None:
    await asyncio.gather(*(each.close() for each in closing))
