"""Asks Azure Resource Manager: one object, or a list page by page; and writes single objects, for `pipeline.publish`.

Reading is repeated until it makes no sense any more; a write is sent again only where it is certain that nothing was
done, since whoever wrote may not be alone.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from aiohttp import ClientConnectorError
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from pipeline.azure import signin
from pipeline.azure.arm_answer import (
    ACCEPTED,
    CONFLICT,
    CREATED,
    NO_CONTENT,
    OK,
    TOO_MANY,
    UNAUTHORIZED,
    Answer,
    Item,
    UnreadError,
    answer_of,
    code_of,
)
from pipeline.azure.background import Background
from pipeline.azure.patience import (
    REQUEST_ERRORS,
    Patience,
    UnexpectedAnswerError,
    is_transient,
    is_transient_at_first,
    patiently,
    unreachable,
)
from pipeline.errors import AzureError, SignInError

CONCURRENCY = 8
"""Requests at a time; Resource Manager throttles a subscription's readers together."""
MOST_PAGES = 1000
SERVICE = "Azure Resource Manager"
LONGEST_OPERATION = 900.0
"""Seconds that a long-running operation is waited for."""
_POLLS = 3.0

_IN_PATHS = "/-._~()@:$,"


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
        return (await self.read(path, version)).item

    async def read(self, path: str, version: str) -> Answer:
        """Return an object with its etag.

        Raises:
            UnreadError: it can't be read.
            AzureError: nothing can: nobody is signed in, or the service can't be reached.
        """
        return await self._get(self._address(path), {"api-version": version})

    async def put(self, path: str, version: str, item: Item, *, etag: str | None) -> Answer:
        """Write an object, and wait until that is done.

        Args:
            path: of the object.
            version: API version.
            item: the object as it is to be.
            etag: that it has now; empty where the service gives none; None where there must be no such object yet.

        Raises:
            UnreadError: it was refused, or nobody knows whether it was done (`is_uncertain`).
            AzureError: nobody is signed in, or the service can't be reached, so nothing was done.
        """
        return await self._write("PUT", path, version, item, etag)

    async def delete(self, path: str, version: str, *, etag: str) -> Answer:
        """Delete an object, and wait until that is done; one that isn't there is deleted, too.

        Args:
            path: of the object.
            version: API version.
            etag: that it has now; empty where the service gives none.

        Raises:
            UnreadError: it was refused, or nobody knows whether it was done (`is_uncertain`).
            AzureError: nobody is signed in, or the service can't be reached, so nothing was done.
        """
        return await self._write("DELETE", path, version, None, etag)

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
            page = (await self._get(address, parameters)).item
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

    async def _get(self, address: str, parameters: dict[str, str]) -> Answer:
        return await self._patiently("GET", address, parameters, {}, None)

    async def _write(self, method: str, path: str, version: str, item: Item | None, etag: str | None) -> Answer:
        # a service without etags leaves both headers alone (RFC 9110, section 13.2.1)
        condition = {"If-None-Match": "*"} if etag is None else {"If-Match": etag} if etag else {}
        answer = await self._patiently(method, self._address(path), {"api-version": version}, condition, item)
        if answer.operation:
            await self._finished(answer)
        return answer

    async def _finished(self, answer: Answer) -> None:
        """Wait for a long-running operation.

        Raises:
            UnreadError: it failed, or isn't done after LONGEST_OPERATION seconds.
        """
        address = self._next(answer.operation)
        wait, deadline = answer.wait, asyncio.get_running_loop().time() + LONGEST_OPERATION
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(min(self.patience.longest_pause, wait or min(_POLLS, self.patience.pause)))
            told = await self._get(address, {})
            state = str(told.item.get("status", ""))
            if state.lower() == "succeeded":
                return
            if state.lower() in {"failed", "canceled", "cancelled"}:
                error = told.item.get("error")
                code = error.get("code") if isinstance(error, dict) else ""
                raise UnreadError(f"the operation ended as {state} {code or ''}".strip(), CONFLICT, str(code or ""))
            wait = told.wait
        raise UnreadError(f"the operation isn't done after {LONGEST_OPERATION:g} seconds")

    async def _patiently(
        self, method: str, address: str, parameters: dict[str, str], headers: dict[str, str], item: Item | None
    ) -> Answer:
        repeatable = self._worth_repeating if method == "GET" else _was_not_done
        async with self.requests:
            try:
                found = await patiently(
                    lambda: self._once(method, address, parameters, headers, item),
                    self.patience,
                    repeatable=repeatable,
                )
            except REQUEST_ERRORS as error:
                raise self._refusal(error) from None
        self._answered = True
        return found

    async def _once(
        self, method: str, address: str, parameters: dict[str, str], headers: dict[str, str], item: Item | None
    ) -> Answer:
        from azure.core.rest import HttpRequest

        sent = {"Accept": "application/json", **headers}
        request = HttpRequest(method, address, params=parameters, headers=sent, json=item)
        response = await self.client.send_request(request)
        if response.status_code not in _FINE[method]:
            raise HttpResponseError(response=response)
        return answer_of(method, response)

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
        code = code_of(error)
        return UnreadError(f"the answer was {status} {code}".strip(), status, code)


_FINE = {"GET": {OK}, "PUT": {OK, CREATED, ACCEPTED}, "DELETE": {OK, ACCEPTED, NO_CONTENT}}


def _was_not_done(error: BaseException) -> bool:
    """Whether a write surely left everything as it was, and may be sent again: throttled, or no connection was made."""
    return is_transient(error) and (
        getattr(error, "status_code", None) == TOO_MANY or isinstance(error.__cause__, ClientConnectorError)
    )
