"""Asks a Log Analytics workspace: one query at a time, or a stretch of ingestion time cut as small as need be.

`send_request` of the query client is used: its model objects take ten times as long as the answer itself, and a 204
or an empty 200 (a workspace without data) makes them raise.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

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
from pipeline.errors import (
    AzureError,
    ForbiddenError,
    NspError,
    SignInError,
    SlowAnswerError,
    SourceError,
    UnansweredError,
    UnreachableError,
    UsageError,
)
from pipeline.extract import kql

ENDPOINT = "https://api.loganalytics.io"
SERVER_SECONDS = 300
"""How long the service may work on one query; it allows 600 at most."""
CONCURRENCY = 3
"""Queries at a time; a user has five in all, also those of the portal."""
BURST = timedelta(seconds=1)
"""Records that come together have one time of ingestion; below this, slices divide them better than time does."""
TICK = timedelta(microseconds=1)
MOST_SLICES = 16
MOST_SLOW = 4
"""Questions, each half of the one before, that may take too long."""

FOREIGN = "Something else than Log Analytics answered; is there a proxy between?"

_GATEWAY_TIMEOUT = 504
_NO_CONTENT = 204


class TooLargeError(Exception):
    """An answer was cut short: the question has to be made smaller."""


class TooSlowError(TooLargeError):
    """An answer took too long: a smaller question may be answered."""


class PartialAnswerError(OSError):
    """An answer lacks something for another reason than its size; asking again may help."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of ingestion time, or a slice of the records in it.

    Args:
        start: inclusive.
        end: exclusive.
        slices: in how many parts its records are read.
        slice: which of them.
    """

    start: datetime
    end: datetime
    slices: int = 1
    slice: int = 0

    @property
    def question(self) -> tuple[str, dict[str, kql.Value]]:
        """The KQL file that asks for its records, and the values for it."""
        values: dict[str, kql.Value] = {"stretch_start": self.start, "stretch_end": self.end}
        if self.slices == 1:
            return "extract/records", values
        return "extract/record_slice", {**values, "slices": self.slices, "slice": self.slice}

    def halves(self) -> "list[Stretch]":
        """Return two stretches that hold the same records: halves of the time, or of the records of one moment.

        Raises:
            UnansweredError: it can't be made smaller.
        """
        width = self.end - self.start
        if width > BURST or (width > TICK and self.slices == MOST_SLICES):
            middle = self.start + width // 2
            return [replace(self, end=middle), replace(self, start=middle)]
        if self.slices == MOST_SLICES:
            raise UnansweredError("one moment holds more records than one answer can")
        return [replace(self, slices=self.slices * 2, slice=self.slice + part * self.slices) for part in (0, 1)]


@dataclass(slots=True)
class Workspace:
    """A workspace that is connected."""

    workspace_id: str
    background: Background
    client: Any
    patience: Patience
    auth: signin.Auth
    queries: int = 0
    _answered: bool = False

    async def ask(self, name: str, values: Mapping[str, kql.Value] | None = None) -> bytes:
        """Return the body of the answer to a query; empty where the workspace has no data at all.

        Raises:
            TooLargeError: the service cut the answer short or ran out of time.
            AzureError: it refuses, or can't be reached.
            SourceError: there is no such table.
            HttpResponseError, TimeoutError, ...: what `patiently` lets through.
        """
        text = kql.bind(name, values or {})
        try:
            body = await patiently(lambda: self._post(text), self.patience, repeatable=self._worth_repeating)
        except REQUEST_ERRORS as error:
            if isinstance(error, TimeoutError) or getattr(error, "status_code", None) == _GATEWAY_TIMEOUT:
                raise TooSlowError from None
            raise self._refusal(error) or error from None
        self._answered = True
        return body

    async def rows(self, name: str, values: Mapping[str, kql.Value] | None = None) -> list[dict[str, Any]]:
        """Return a small answer as dictionaries.

        Raises:
            TooLargeError: the question has to be made smaller.
            SourceError: there is no such table.
            AzureError: it refuses, can't be reached or doesn't answer.
        """
        try:
            body = await self.ask(name, values)
        except REQUEST_ERRORS as error:
            raise UnreachableError(f"Log Analytics gives no answer: {told_in_short(error)}. Try again later.") from None
        if not body:
            return []
        try:
            table = json.loads(body)["tables"][0]
            columns = [column["name"] for column in table["columns"]]
            return [dict(zip(columns, row, strict=True)) for row in table["rows"]]
        except (LookupError, TypeError, ValueError):
            raise UnreachableError(FOREIGN) from None

    async def records(self, stretch: Stretch, shrunk: Callable[[], None], slow: int = 0) -> list[bytes]:
        """Return whole answers that together hold the records of a stretch, cut as small as the service wants.

        Args:
            stretch: what to read.
            shrunk: called whenever a piece was too large.
            slow: how many questions around this one took too long.

        Raises:
            UnansweredError: one moment of one slice is too large.
            SlowAnswerError: ever smaller questions take too long.
            and what `ask` lets through.
        """
        try:
            answer = await self.ask(*stretch.question)
        except TooLargeError as error:
            slow = slow + 1 if isinstance(error, TooSlowError) else 0
            if slow == MOST_SLOW:
                raise SlowAnswerError("the service takes too long, also for little") from None
            shrunk()
            return [answer for half in stretch.halves() for answer in await self.records(half, shrunk, slow)]
        return [answer] if answer else []

    async def _post(self, text: str) -> bytes:
        from azure.core.rest import HttpRequest

        self.queries += 1
        request = HttpRequest(
            "POST",
            f"/workspaces/{self.workspace_id}/query",
            headers={"Prefer": f"wait={SERVER_SECONDS}"},
            json={"query": text},
        )
        response = await self.client.send_request(request)
        if response.status_code >= 400:  # noqa: PLR2004 -- HTTP
            raise HttpResponseError(response=response)
        body: bytes = response.content
        if response.status_code == _NO_CONTENT or not body.strip():
            return b""
        # inside a string a quote is escaped, so these bytes are a key, or a cell that says error and no more
        if b'"error"' in body and (error := json.loads(body).get("error")):
            said = " ".join(_codes(error))
            if any(word in said for word in _LIMITS):
                raise TooLargeError
            raise PartialAnswerError(f"an answer in part: {said[:300]}")
        if b"\\ud" in body or b"\\uD" in body:  # perhaps half of a surrogate pair, which DuckDB refuses
            return json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
        return body

    def _worth_repeating(self, error: BaseException) -> bool:
        """Whether the same question may be answered now; one that took too long has to become smaller instead."""
        if isinstance(error, TimeoutError) or getattr(error, "status_code", None) == _GATEWAY_TIMEOUT:
            return False
        return is_transient(error) if self._answered else is_transient_at_first(error)

    def _refusal(self, error: BaseException) -> Exception | None:
        """Return our error for what the service says, None where it says nothing of use."""
        if not isinstance(error, HttpResponseError):
            return unreachable(error, "The query service of Log Analytics")
        if error.status_code is None and isinstance(error, ClientAuthenticationError):
            return signin.not_signed_in(self.auth, error)
        told = _told(error)
        for status, words, kind, message in _REFUSALS:
            if error.status_code == status and all(word in told for word in words):
                return kind(message.format(workspace=self.workspace_id, auth=self.auth, told=told[:500]))
        return None


_NO_WORKSPACE = (
    "There is no workspace {workspace}. Give the Workspace ID, a GUID, from its overview page; neither its name nor "
    "its resource id."
)
_REFUSALS: tuple[tuple[int, tuple[str, ...], type[NspError], str], ...] = (
    (
        400,
        ("SEM0100", "NSPAccessLogs"),
        SourceError,
        (
            "The workspace {workspace} has no table NSPAccessLogs. The table is made with the first record: check "
            "the perimeter's diagnostic setting, or wait; some 30 minutes are usual."
        ),
    ),
    (400, ("FailedToResolveResource",), AzureError, _NO_WORKSPACE),
    (400, (), AzureError, "Log Analytics doesn't take the query: {told}"),
    (401, (), SignInError, "Log Analytics refuses the token of --auth {auth}. Sign in anew."),
    (403, ("InvalidToken",), SignInError, "Log Analytics refuses the token of --auth {auth}: another tenant or cloud?"),
    (403, ("InvalidAuthentication",), SignInError, "Log Analytics refuses the token of --auth {auth}: another cloud?"),
    (
        403,
        (),
        ForbiddenError,
        (
            "No permission to query the workspace {workspace}. The role Log Analytics Data Reader on it (or "
            "Monitoring Reader) is needed."
        ),
    ),
    (404, (), AzureError, _NO_WORKSPACE),
)
"""Status, words that have to be in the body, our error and its text; the first that fits counts. The bodies are those
of Azure Monitor's pages on query errors and of the query client's troubleshooting guide."""


_LIMITS = ("-2133196797", "-2133196799", "exceed", "limit", "memory", "timed out", "timeout")
"""Words of the errors that a smaller question may avoid: too many rows or bytes, too much memory or time."""


def _codes(body: Any) -> list[str]:
    """Return codes and messages in the body of an error, in order."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            found.extend(str(node[key]) for key in ("code", "message") if isinstance(node.get(key), str))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(body)
    return found


def _told(error: HttpResponseError) -> str:
    """Return codes and messages in the body of a refusal, one behind the other."""
    try:
        return " ".join(_codes(json.loads(error.response.text()) if error.response else {}))
    except (ValueError, TypeError, RecursionError):
        return ""


def told_in_short(error: BaseException) -> str:
    """Return what can be said of an error that is none of the known refusals."""
    status = getattr(error, "status_code", None)
    if status:
        return f"the service answered {status}"
    if isinstance(error, (PartialAnswerError, UnexpectedAnswerError)):
        return str(error)
    return "the connection was cut"


@contextmanager
def connect(
    workspace_id: str,
    *,
    auth: signin.Auth = signin.Auth.DEFAULT,
    client_id: str = "",
    endpoint: str = ENDPOINT,
    patience: Patience | None = None,
    credential: Any = None,
    verify: bool | str = True,
) -> Iterator[Workspace]:
    """Have a workspace connected for the length of the block; nothing is asked of it yet.

    Args:
        workspace_id: the GUID of its overview page.
        auth: how to sign in.
        client_id: of a managed identity.
        endpoint: of the query service; other clouds have their own.
        patience: how long to bear with the service.
        credential: of azure-identity's aio kind, in the place of one by `auth`.
        verify: a file with certificates to trust, in the place of the machine's.

    Raises:
        UsageError: the id is no GUID.
        SignInError: what --auth needs isn't set.
    """
    from azure.monitor.query.aio import LogsQueryClient

    try:
        workspace_id = str(UUID(workspace_id.strip()))
    except ValueError:
        raise UsageError(
            f"{workspace_id!r} is no workspace id. Give the Workspace ID, a GUID, from the workspace's overview page."
        ) from None
    patience = patience or Patience(seconds=SERVER_SECONDS + 30)
    with Background() as background:
        credential = credential or signin.credential(auth, client_id)
        options = transport_options(endpoint, read_timeout=SERVER_SECONDS + 30, verify=verify)
        client = LogsQueryClient(credential, endpoint=endpoint, **options)
        background.run(client.__aenter__())
        try:
            yield Workspace(workspace_id, background, client, patience, auth)
        finally:
            background.run(_close(client, credential))


async def _close(*closing: Any) -> None:
    await asyncio.gather(*(each.close() for each in closing if hasattr(each, "close")))
