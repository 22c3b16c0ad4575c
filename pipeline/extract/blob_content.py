"""The bytes of blobs: fetched ahead of the reader, slice by slice, and only up to the size that was listed.

An append blob may grow while it is read. The bytes below the listed size don't change by that, so no condition on
the etag is needed. (The client's own `download_blob` sets one from the second of its requests on, which is from
32 MiB on: a growing blob would answer 412.)
"""

import asyncio
import io
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar, cast

from azure.core.exceptions import HttpResponseError

from pipeline.azure.background import Background
from pipeline.azure.patience import REQUEST_ERRORS, Patience, UnexpectedAnswerError, patiently
from pipeline.errors import AzureError, ForbiddenError
from pipeline.extract import ranges
from pipeline.extract.fingerprint import WINDOW
from pipeline.extract.requests import Requests
from pipeline.extract.source import ChangedError, State

T = TypeVar("T")

SLICE_BYTES = 16 << 20
FORBIDDEN_IN_A_ROW = 20
"""One blob may be forbidden by a condition on its name or tags; so many mean that the role is gone."""

_EMPTY = 416
_REASONS = {
    404: "it was deleted after it was listed",
    409: "it can't be read in its present state (409); an archived blob has to be rehydrated",
    412: "it changed while it was read",
}


@dataclass(frozen=True, slots=True)
class Slice:
    """Some bytes of a blob.

    Args:
        data: the bytes; fewer than were asked for where the blob is shorter than it was when it was listed.
        asked: how many were asked for.
        generation: tells a blob from another one that was made in its place.
    """

    data: memoryview
    asked: int
    generation: str


class Downloads:
    """Fetches ranges of blobs in the background, a limited number at a time.

    Args:
        service: the storage client of azure.storage.blob.aio.
        requests: makes requests by it.
        background: where it runs.
        patience: how long to bear with the service.
        concurrency: requests at a time.
        refusal: turns an error that will befall every blob (signed out, no role) into ours; None for others.
    """

    def __init__(
        self,
        service: Any,
        requests: Requests,
        background: Background,
        patience: Patience,
        concurrency: int,
        refusal: Callable[[BaseException], AzureError | None],
    ) -> None:
        self.fatal: AzureError | None = None
        self.requests = 0
        self._service = service
        self._client = requests
        self._background = background
        self._patience = patience
        self._free = asyncio.Semaphore(concurrency)
        self._refusal = refusal
        self._forbidden = 0

    def check(self) -> None:
        """Raise what makes it useless to go on.

        Raises:
            AzureError: signed out or forbidden since the last check.
        """
        if self.fatal:
            raise self.fatal

    def start(self, container: str, blob: str, offset: int, length: int, etag: str | None) -> "Future[Slice]":
        """Begin to fetch a range; an etag makes it fail when the blob changed."""
        return self._background.submit(self._fetch(container, blob, offset, length, etag))

    def state(self, container: str, blob: str) -> tuple[State, bool]:
        """Return a blob's state of now, and whether it is an append blob.

        Raises:
            OSError: it can't be asked.
        """
        return self._background.run(self.look(container, blob))

    async def look(self, container: str, blob: str) -> tuple[State, bool]:
        """Return what `state` does, in the event loop."""
        return await self._guarded(lambda: self._properties(container, blob), 0)

    async def _fetch(self, container: str, blob: str, offset: int, length: int, etag: str | None) -> Slice:
        async with self._free:
            if self.fatal:
                raise OSError(str(self.fatal))
            return await self._guarded(lambda: self._download(container, blob, offset, length, etag), length)

    async def _download(self, container: str, blob: str, offset: int, length: int, etag: str | None) -> Slice:
        self.requests += 1
        try:
            data, made = await ranges.read(self._client, container, blob, offset, length, etag)
        except HttpResponseError as error:
            if error.status_code == _EMPTY:
                return Slice(memoryview(b""), length, "")
            raise
        return Slice(data, length, made)

    async def _properties(self, container: str, blob: str) -> tuple[State, bool]:
        found = await self._service.get_blob_client(container, blob).get_blob_properties()
        return state_of(found), is_append(found)

    async def _guarded(self, attempt: Callable[[], Awaitable[T]], size_bytes: int) -> T:
        try:
            answer = await patiently(attempt, self._patience, size_bytes=size_bytes)
        except REQUEST_ERRORS as error:
            refusal = self._refusal(error)
            self._forbidden += isinstance(refusal, ForbiddenError)
            if refusal and (not isinstance(refusal, ForbiddenError) or self._forbidden >= FORBIDDEN_IN_A_ROW):
                self.fatal = self.fatal or refusal
            status = getattr(error, "status_code", None)
            kind = ChangedError if status == 412 else OSError  # noqa: PLR2004 -- HTTP: precondition failed
            raise kind(str(refusal or _reason(error))) from None  # their own texts may hold signatures
        self._forbidden = 0
        return answer


def _reason(error: BaseException) -> str:
    status = getattr(error, "status_code", None)
    if status in _REASONS:
        return _REASONS[status]
    if status and status >= 400:  # noqa: PLR2004 -- HTTP
        return f"the service answered {status} ({getattr(error, 'error_code', None) or 'no code'})"
    if isinstance(error, TimeoutError):
        return "the service was too slow"
    if isinstance(error, UnexpectedAnswerError):
        return str(error)
    return "the connection failed or was cut"


def state_of(properties: Any) -> State:
    """Return the state in a listing or in the properties of one blob."""
    return State(properties.etag.strip('"'), properties.size)


def is_append(properties: Any) -> bool:
    """Whether nothing but appending, or making it anew, changes the blob."""
    return bool(properties.blob_type == "AppendBlob")


@dataclass(slots=True)
class BlobContent:
    """One blob, and what was fetched of it: the slice being read, the one before and the one after.

    Args:
        downloads: fetches it.
        container: its container.
        blob: its name.
        listed: its state when it was listed.
        append: it is an append blob.
    """

    downloads: Downloads
    container: str
    blob: str
    listed: State
    append: bool
    _origin: int = field(default=0, repr=False)
    _slices: dict[int, "Future[Slice]"] = field(default_factory=dict, repr=False)
    _head: "Future[Slice] | memoryview | None" = field(default=None, repr=False)
    _generation: str = field(default="", repr=False)

    def begin(self, start: int) -> int:
        """Start fetching what will be read first, and the window before it, for the fingerprint."""
        if not self._slices and self.listed.size_bytes:
            self._origin = max(0, start - WINDOW)
            self._slice(0)
            if self._origin:
                self._head = self._start(0, min(WINDOW, self._origin))
        return min(SLICE_BYTES, self.listed.size_bytes - self._origin)

    def open(self, start: int) -> BinaryIO:
        """Return the blob as a file; what was fetched stays until `release`."""
        self.begin(start)
        return cast("BinaryIO", BlobFile(self))

    def release(self) -> None:
        """Let go of what was fetched."""
        for future in self._slices.values():
            future.cancel()
        self._slices.clear()
        self._head = None
        self._generation = ""

    def renewed(self) -> tuple["BlobContent", State]:
        """Return the blob as it is now.

        Raises:
            OSError: it is gone or can't be asked.
        """
        state, append = self.downloads.state(self.container, self.blob)
        return BlobContent(self.downloads, self.container, self.blob, state, append), state

    def around(self, place: int) -> tuple[memoryview, int]:
        """Return a piece that holds a place, and where the piece begins; empty at the end of what was listed.

        Raises:
            OSError: the bytes can't be had.
            ChangedError: another blob was made in its place.
        """
        if place >= self.listed.size_bytes:
            return memoryview(b""), place
        if place < WINDOW and self._head is not None:
            if isinstance(self._head, Future):
                self._head = self._bytes(self._head)
            if place < len(self._head):
                return self._head, 0
        if place < self._origin:
            return self._bytes(self._start(place, min(WINDOW, self._origin - place))), place
        number = (place - self._origin) // SLICE_BYTES
        for old in [each for each in self._slices if each < number - 1]:
            del self._slices[old]
        future = self._slice(number)
        if self._origin + (number + 1) * SLICE_BYTES < self.listed.size_bytes:
            self._slice(number + 1)
        data = self._bytes(future)
        if number == 0 and self._origin == 0 and self._head is None:
            self._head = memoryview(bytes(data[:WINDOW]))  # a view would hold all of the slice
        return data, self._origin + number * SLICE_BYTES

    def _slice(self, number: int) -> "Future[Slice]":
        if number not in self._slices:
            begin = self._origin + number * SLICE_BYTES
            self._slices[number] = self._start(begin, min(SLICE_BYTES, self.listed.size_bytes - begin))
        return self._slices[number]

    def _start(self, offset: int, length: int) -> "Future[Slice]":
        etag = None if self.append else self.listed.etag
        return self.downloads.start(self.container, self.blob, offset, length, etag)

    def _bytes(self, future: "Future[Slice]") -> memoryview:
        try:
            fetched = future.result()
        except CancelledError:
            raise KeyboardInterrupt from None  # so the background does on a signal to stop, whichever thread waits here
        self._generation = self._generation or fetched.generation
        if fetched.generation != self._generation or len(fetched.data) < fetched.asked:
            raise ChangedError("another blob was made in its place while it was read")  # none shrinks otherwise
        return fetched.data


class BlobFile(io.RawIOBase):
    """A blob as a seekable file; it ends where the blob ended when it was listed."""

    def __init__(self, content: BlobContent) -> None:
        super().__init__()
        self._content = content
        self._place = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, counted from the start."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation
        self._place = offset
        return offset

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as one slice goes; 0 at the end.

        Raises:
            OSError: the bytes can't be had.
            ChangedError: another blob was made in its place.
        """
        data, begin = self._content.around(self._place)
        part = data[self._place - begin :][: len(buffer)]
        buffer[: len(part)] = part
        self._place += len(part)
        return len(part)
