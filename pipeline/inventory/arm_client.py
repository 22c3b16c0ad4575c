"""Asks Azure Resource Manager: one object, or a list page by page. Nothing but GET is ever sent.

The client's policies are chosen by hand: the usual ones would retry on their own, follow redirects, and register a
resource provider (a POST) where a subscription lacks one.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from pipeline.azure import signin
from pipeline.azure.background import Background
from pipeline.azure.patience import (
    REQUEST_ERRORS,
    Patience,
    UnexpectedAnswerError,
    is_transient,
    is_transient_at_first,
    patiently,
    transport_options,
    unreachable,
)
from pipeline.errors import AzureError, SignInError, UsageError
from pipeline.inventory.document import Item

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

CONCURRENCY = 8
"""Requests at a time; Resource Manager throttles a subscription's readers together."""
MOST_PAGES = 1000
OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 200, 401, 403, 404
SERVICE = "Azure Resource Manager"

_IN_PATHS = "/-._~()@:$,"


class UnreadError(Exception):
    """Something can't be read; other things may be. Its text is harmless and says why.

    Args:
        told: why.
        status: of the answer; 0 where there was none.
        code: error code in the answer.
    """

    def __init__(self, told: str, status: int = 0, code: str = "") -> None:
        super().__init__("".join(each if each.isprintable() else "?" for each in told)[:300])
        self.status = status
        self.code = code

    @property
    def is_absent(self) -> bool:
        """Whether Resource Manager itself says that there is no such thing; a proxy's 404 says nothing of it."""
        return self.status == NOT_FOUND and self.code.endswith("NotFound") and self.code != "SubscriptionNotFound"


@dataclass(slots=True)
class ResourceManager:
    """Azure Resource Manager, connected."""

    url: str
    background: Background
    client: Any
    patience: Patience
    auth: signin.Auth
    requests: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENCY))
    _answered: bool = False

    async def item(self, path: str, version: str) -> Item:
        """Return an object.

        Raises:
            UnreadError: it can't be read.
            AzureError: nothing can: nobody is signed in, or the service can't be reached.
        """
        return await self._get(self._address(path), {"api-version": version})

    async def items(self, path: str, version: str, key: str = "value") -> list[Item]:
        """Return a list, all of its pages.

        Args:
            path: of the list.
            version: API version.
            key: where a page has its items.

        Raises:
            UnreadError: it can't be read to its end.
            AzureError: nothing can be read, or the next page lies on another host.
        """
        address, parameters = self._address(path), {"api-version": version}
        found: list[Item] = []
        for _ in range(MOST_PAGES):
            page = await self._get(address, parameters)
            values, link = page.get(key), page.get("nextLink")
            if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
                raise UnreadError("the answer is no list of objects")
            found += values
            if not link:
                return found
            address, parameters = self._next(link), {}
        raise UnreadError(f"the answer has more than {MOST_PAGES} pages")

    def _address(self, path: str) -> str:
        address: str = self.client.format_url(quote(path, safe=_IN_PATHS))
        return address

    def _next(self, link: Any) -> str:
        """Return the address of a next page, after making sure that the token goes nowhere else."""
        ours = urlsplit(self.url)
        try:
            parts = urlsplit(link if isinstance(link, str) and link.isprintable() else "")
        except ValueError:
            parts = urlsplit("")
        # compared as they are spelled: what two parsers could read differently is refused
        same = (parts.scheme.lower(), parts.netloc.lower().removesuffix(":443")) == (ours.scheme, ours.netloc)
        if not same or "\\" in link:
            raise AzureError(
                f"{SERVICE} names a next page that doesn't lie on {ours.netloc}; the token isn't sent there. Is there "
                "a proxy between?"
            )
        return f"{self.url}{parts.path}?{parts.query}"

    async def _get(self, address: str, parameters: dict[str, str]) -> Item:
        async with self.requests:
            try:
                found = await patiently(
                    lambda: self._once(address, parameters), self.patience, repeatable=self._worth_repeating
                )
            except REQUEST_ERRORS as error:
                raise self._refusal(error) from None
        self._answered = True
        return found

    async def _once(self, address: str, parameters: dict[str, str]) -> Item:
        from azure.core.rest import HttpRequest

        request = HttpRequest("GET", address, params=parameters, headers={"Accept": "application/json"})
        response = await self.client.send_request(request)
        if response.status_code != OK:
            raise HttpResponseError(response=response)
        return _object(response.content)

    def _worth_repeating(self, error: BaseException) -> bool:
        return is_transient(error) if self._answered else is_transient_at_first(error)

    def _refusal(self, error: BaseException) -> Exception:
        """Return our error for what ended a request."""
        status = getattr(error, "status_code", None)
        if status is None and isinstance(error, ClientAuthenticationError):
            return signin.not_signed_in(self.auth, error)
        if status is None and (told := unreachable(error, f"{SERVICE} ({urlsplit(self.url).netloc})")):
            return told
        if status == UNAUTHORIZED:
            return SignInError(
                f"{SERVICE} refuses the token of --auth {self.auth}: another tenant or cloud? Sign in anew."
            )
        if isinstance(error, UnexpectedAnswerError):
            return UnreadError(str(error))
        if status in {None, OK}:
            return UnreadError("too slow" if isinstance(error, TimeoutError) else "the connection was cut")
        code = _code(error)
        return UnreadError(f"the answer was {status} {code}".strip(), status, code)


def _object(body: bytes) -> Item:
    """Return the object that an answer holds.

    Raises:
        UnexpectedAnswerError: it holds none.
    """
    try:
        found = json.loads(body)
        if b"\\ud" in body.lower():  # perhaps half of a surrogate pair, which can't be stored
            found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise UnexpectedAnswerError("the answer is no JSON") from None
    if not isinstance(found, dict):
        raise UnexpectedAnswerError("the answer is no object")
    return found


def _code(error: BaseException) -> str:
    """Return the error code of an answer, where it is a word."""
    code = getattr(getattr(error, "error", None), "code", None)
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.]{1,80}", code) else ""


@contextmanager
def connect(
    url: str,
    *,
    auth: signin.Auth,
    client_id: str = "",
    patience: Patience | None = None,
    credential: "AsyncTokenCredential | None" = None,
    verify: bool | str = True,
) -> Iterator[ResourceManager]:
    """Have Resource Manager connected for the length of the block; nothing is asked of it yet.

    Args:
        url: https://management.azure.com, or that of another cloud.
        auth: how to sign in.
        client_id: of a managed identity.
        patience: how long to bear with the service.
        credential: of azure-identity's aio kind, in the place of one by `auth`.
        verify: a file with certificates to trust, in the place of the machine's.

    Raises:
        UsageError: the URL is none, or would send a token in clear.
        SignInError: what --auth needs isn't set.
    """
    from azure.core.pipeline.policies import ProxyPolicy, RequestIdPolicy, UserAgentPolicy
    from azure.mgmt.core import AsyncARMPipelineClient
    from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

    url = _base(url)
    with Background() as background:
        credential = credential or signin.credential(auth, client_id)
        options = transport_options(url, verify=verify)
        policies = [
            RequestIdPolicy(),
            UserAgentPolicy(base_user_agent="nsp"),
            ProxyPolicy(proxies=options["proxies"]),
            AsyncARMChallengeAuthenticationPolicy(credential, _scope(url)),
        ]
        client: Any = AsyncARMPipelineClient(url, policies=policies, transport=options["transport"])
        background.run(client.__aenter__())
        try:
            yield ResourceManager(url, background, client, patience or Patience(), auth)
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
