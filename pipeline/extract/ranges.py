"""Reads a range of a blob by one request through the storage client's own pipeline: its sign-in, hosts and transport.

The client's `download_blob` ends in the same request ("Get Blob" of the Blob service REST API). Around it, it makes a
client for each blob, a value of each of fifty headers and a second copy of the bytes: 40 percent of the processor time
of reading a blob of 200 KB, while the lines of others wait for Python's lock.
"""

import mmap
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from azure.core import AsyncPipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.rest import AsyncHttpResponse, HttpRequest

from pipeline.azure.patience import UnexpectedAnswerError


class Ranges:
    """Reads ranges of the blobs of an account.

    Args:
        service: the storage client of azure.storage.blob.aio; who closes it ends this as well.
    """

    def __init__(self, service: Any) -> None:
        url = urlsplit(service.url)
        self._before = f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"
        self._signature = f"?{url.query}" if url.query else ""
        self._version = service.api_version
        pipeline = service._pipeline  # noqa: SLF001 -- nothing public has its sign-in; there since version 12.0
        self._client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient("", pipeline=pipeline)

    async def read(
        self, container: str, blob: str, offset: int, length: int, etag: str | None
    ) -> tuple[memoryview, str]:
        """Return the bytes from an offset on, fewer where the blob ends before, and when the blob was made.

        Args:
            container: its container.
            blob: its name.
            offset: of the first byte.
            length: how many bytes, at least one.
            etag: that the blob must still have, without quotes; None for any.

        Raises:
            HttpResponseError: the service refuses (`error_code` says why), or the answer was cut.
            UnexpectedAnswerError: it is not the range that was asked for.
        """
        headers = {"x-ms-version": self._version, "x-ms-range": f"bytes={offset}-{offset + length - 1}"}
        if etag:
            headers["If-Match"] = f'"{etag}"'
        url = f"{self._before}/{quote(container)}/{quote(blob, safe='~/')}{self._signature}"
        answer = await self._client.send_request(HttpRequest("GET", url, headers=headers), stream=True)
        try:
            if answer.status_code >= HTTPStatus.BAD_REQUEST:
                await answer.read()
                error: Any = HttpResponseError(response=answer)
                error.error_code = answer.headers.get("x-ms-error-code")
                raise error
            if not answer.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
                raise UnexpectedAnswerError("it answered with another part of the blob")
            return await _body(answer, length), answer.headers.get("x-ms-creation-time", "")
        finally:
            await answer.close()


async def _body(answer: AsyncHttpResponse, length: int) -> memoryview:
    data = mmap.mmap(-1, length)  # goes back whole when let go; malloc keeps the holes between pieces of any size
    filled = 0
    async for part in answer.iter_raw():
        if filled + len(part) > length:
            raise UnexpectedAnswerError("it answered with more than was asked for")
        data[filled : filled + len(part)] = part
        filled += len(part)
    return memoryview(data)[:filled]
