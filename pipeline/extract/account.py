"""Connects to a storage account, and says in one line what is wrong when it refuses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AzureSasCredential
from azure.core.exceptions import ClientAuthenticationError

from pipeline.azure import signin
from pipeline.azure.background import Background
from pipeline.azure.patience import Patience, transport_options, unreachable
from pipeline.errors import AzureError, ForbiddenError, SignInError, UsageError
from pipeline.extract.blob_content import Downloads
from pipeline.extract.requests import Requests
from pipeline.places import plain_url

HTTP_UNAUTHORIZED, HTTP_FORBIDDEN = 401, 403


@dataclass(frozen=True, slots=True)
class Access:
    """How to get at a storage account: one of a connection string, a SAS and a sign-in.

    Args:
        account_url: https://ACCOUNT.blob.core.windows.net; not needed with a connection string.
        connection_string: secret.
        sas: secret; a shared access signature for the account or a container.
        auth: how to sign in, where there is no secret.
        client_id: of a managed identity.
    """

    account_url: str = ""
    connection_string: str = field(default="", repr=False)
    sas: str = field(default="", repr=False)
    auth: signin.Auth = signin.Auth.DEFAULT
    client_id: str = ""


@dataclass(slots=True)
class Account:
    """An account that is connected."""

    service: Any
    requests: Requests
    background: Background
    downloads: Downloads
    patience: Patience
    url: str
    refusal: Callable[[BaseException], AzureError | None]


@contextmanager
def connect(access: Access, *, patience: Patience | None = None, concurrency: int = 16) -> Iterator[Account]:
    """Have a storage account connected for the length of the block; nothing is asked of it yet.

    Args:
        access: where and how.
        patience: how long to bear with the service.
        concurrency: requests at a time.

    Raises:
        UsageError: the URL or the connection string can't be read.
        SignInError: what --auth needs isn't set.
    """
    patience = patience or Patience()
    with Background() as background:
        secret, service = _service(access)
        background.run(service.__aenter__())
        url = plain_url(service.url)

        def refusal(error: BaseException) -> AzureError | None:
            return _refusal(error, access, url)

        requests = Requests(service)
        downloads = Downloads(service, requests, background, patience, concurrency, refusal)
        try:
            yield Account(service, requests, background, downloads, patience, url, refusal)
        finally:
            background.run(service.close())
            if hasattr(secret, "close"):
                background.run(secret.close())


def _service(access: Access) -> tuple[Any, Any]:
    from azure.storage.blob.aio import BlobServiceClient

    try:
        if access.connection_string:
            options = transport_options(BlobServiceClient.from_connection_string(access.connection_string).url)
            return None, BlobServiceClient.from_connection_string(access.connection_string, **options)
        if not access.account_url:
            raise UsageError(
                "Which storage account? Give --account-url https://ACCOUNT.blob.core.windows.net, or a connection "
                "string by --connection-string-env or --secret-file.",
            )
        if urlsplit(access.account_url).query:
            raise UsageError(
                "--account-url holds a signature, which others can read in the process list. Put the part behind "
                "the question mark into a variable and name that by --sas-env, or into a file for --secret-file.",
            )
        secret: Any = (
            AzureSasCredential(access.sas.removeprefix("?"))
            if access.sas
            else signin.credential(access.auth, access.client_id)
        )
        options = transport_options(access.account_url)
        return secret, BlobServiceClient(access.account_url.strip(), credential=secret, **options)
    except ValueError:
        raise UsageError(
            "The storage account can't be read from these words. A connection string is as the portal shows it; "
            "an account URL is https://ACCOUNT.blob.core.windows.net (signing in needs https).",
        ) from None


def _refusal(error: BaseException, access: Access, url: str) -> AzureError | None:
    """Return our error for one that every request to the account will meet; None for others."""
    status = getattr(error, "status_code", None)
    if status is None and isinstance(error, ClientAuthenticationError):
        return signin.not_signed_in(access.auth, error)
    if status is None:
        return unreachable(error, url)
    if status not in {HTTP_UNAUTHORIZED, HTTP_FORBIDDEN}:
        return None
    secret = "connection string" if access.connection_string else "SAS" if access.sas else ""
    code = told(error)
    if status == HTTP_UNAUTHORIZED or code.endswith(("AuthenticationFailed", "InvalidAuthenticationInfo")):
        if secret:
            return SignInError(f"{url} refuses the {secret}: it is wrong, or has expired. Make a new one.")
        return SignInError(f"{url} refuses the token of --auth {access.auth}: another tenant? Sign in anew.")
    needed = (
        f"the {secret} must not be expired and needs read and list on containers and blobs (with a SAS for one "
        "container, name that by --container)"
        if secret
        else "the role Storage Blob Data Reader is needed on the account or its insights-logs-nsp* containers"
    )
    return ForbiddenError(f"{url} forbids it ({code}): {needed}, and the account's firewall has to admit this machine.")


def told(error: BaseException) -> str:
    """Return the status and code of a service's error, which hold no secret, as its message may."""
    status = getattr(error, "status_code", None)
    code = getattr(error, "error_code", None)
    if status:
        return f"{status} {getattr(code, 'value', code) or ''}".strip()
    return "too slow" if isinstance(error, TimeoutError) else type(error).__name__
