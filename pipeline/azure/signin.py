"""Signs in to Azure, and says in one line what to do when that fails.

Secrets (connection strings, SAS) come from the environment or a file, never from the command line, where every
user of a machine can read them; no message here repeats one.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ClientAuthenticationError

from pipeline.errors import SignInError, UsageError
from pipeline.redaction import note

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


class Auth(StrEnum):
    """Ways of signing in, by the names of azure-identity."""

    DEFAULT = "default"
    CLI = "cli"
    MANAGED_IDENTITY = "managed-identity"
    ENVIRONMENT = "environment"
    WORKLOAD_IDENTITY = "workload-identity"


_HELP = {
    Auth.DEFAULT: "Run az login, or choose one way with --auth.",
    Auth.CLI: "Run az login (and az account set).",
    Auth.MANAGED_IDENTITY: "Run it on an Azure resource with a managed identity; --client-id chooses one of several.",
    Auth.ENVIRONMENT: "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or a certificate).",
    Auth.WORKLOAD_IDENTITY: "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE.",
}


def credential(auth: Auth, client_id: str = "") -> "AsyncTokenCredential":
    """Return an azure-identity credential; it asks for a token when first used.

    Args:
        auth: which way.
        client_id: client id of a user-assigned managed identity or workload identity.

    Raises:
        SignInError: what that way needs isn't set.
    """
    from azure.identity import aio

    chosen: dict[str, Any] = {"client_id": client_id} if client_id else {}
    try:
        match auth:
            case Auth.CLI:
                return aio.AzureCliCredential()
            case Auth.MANAGED_IDENTITY:
                return aio.ManagedIdentityCredential(**chosen)
            case Auth.ENVIRONMENT:
                return aio.EnvironmentCredential()
            case Auth.WORKLOAD_IDENTITY:
                return aio.WorkloadIdentityCredential(**chosen)
            case Auth.DEFAULT:
                managed = {"managed_identity_client_id": client_id} if client_id else {}
                return aio.DefaultAzureCredential(**managed)
    except ValueError:
        raise SignInError(f"Can't sign in by --auth {auth}. {_HELP[auth]}") from None


def not_signed_in(auth: Auth, error: ClientAuthenticationError) -> SignInError:
    """Return the error to raise when a credential gave no token, or a service took none."""
    if getattr(error, "status_code", None) is not None:
        return SignInError(f"Azure refuses the token of --auth {auth}: another tenant, or no rights. {_HELP[auth]}")
    return SignInError(f"Can't sign in by --auth {auth}. {_HELP[auth]}")


_IS_SECRET = re.compile(r"(?i)(?:sig|key|signature)=|\w\w:/|\?")
"""What no name of a file holds, but a connection string, a SAS or a URL, also one that a Path took a slash from."""


def secret_of_environment(variable: str, environment: Mapping[str, str]) -> str:
    """Return the secret that an environment variable holds; no log shows it from now on.

    Raises:
        UsageError: it isn't set.
    """
    value = environment.get(variable, "").strip()
    if not value:
        raise UsageError(
            f"The environment variable {variable} isn't set. Give the name of the variable that holds the secret, "
            "not the secret."
            if variable.isidentifier()
            else "Give the name of an environment variable that holds the secret, not the secret itself."
        )
    note(value)
    return value


def secret_of_file(path: str | Path) -> str:
    """Return the secret that a file holds; no log shows it from now on.

    Raises:
        UsageError: it can't be read or is empty, or the secret itself was given.
    """
    if _IS_SECRET.search(str(path)):
        note(str(path))
        raise UsageError("Give the name of a file that holds the secret, not the secret itself.")
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {getattr(error, 'strerror', None) or 'it is no text'}.") from None
    if not value:
        raise UsageError(f"{path} is empty; it should hold a connection string or a SAS.")
    note(value)
    return value


def way_of(word: str) -> Auth:
    """Return the way of signing in that --auth or azure.auth names.

    Raises:
        UsageError: there is no such way.
    """
    try:
        return Auth(word)
    except ValueError:
        raise UsageError(f"azure.auth (--auth) is one of {', '.join(Auth)}, not {word!r}.") from None


def blob_secrets(variable: str, sas_variable: str, file: str | Path, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the connection string and the SAS of a storage account, of which one at most is given.

    Args:
        variable: name of the environment variable that holds a connection string.
        sas_variable: of the one that holds a SAS.
        file: holds either.
        environment: os.environ.

    Raises:
        UsageError: the secret isn't there.
    """
    if variable:
        return secret_of_environment(variable, environment), ""
    if sas_variable:
        return "", secret_of_environment(sas_variable, environment)
    if file:
        secret = secret_of_file(file)
        return ("", secret) if "sig=" in secret and "Endpoint=" not in secret else (secret, "")
    return "", ""
