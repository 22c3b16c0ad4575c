"""Reads a range of a blob by one request ("Get Blob" of the Blob service REST API).

The client's `download_blob` ends in the same request. Around it, it makes a client for each blob, a value of each of
fifty headers and a second copy of the bytes: 40 percent of the processor time of reading a blob of 200 KB, while the
lines of others wait for Python's lock.
"""

from azure.core.rest import AsyncHttpResponse

from pipeline.azure.patience import UnexpectedAnswerError
from pipeline.extract.requests import Requests


async def read(
    requests: Requests, container: str, blob: str, offset: int, length: int, etag: str | None
) -> tuple[memoryview, str]:
    """Return the bytes from an offset on, fewer where the blob ends before, and when the blob was made.

    Args:
        requests: makes the request.
        container: its container.
        blob: its name.
        offset: of the first byte.
        length: how many bytes, at least one.
        etag: that the blob must still have, without quotes; None for any.

    Raises:
        HttpResponseError: the service refuses (`error_code` says why), or the answer was cut.
        UnexpectedAnswerError: it is not the range that was asked for.
    """
    headers = {"x-ms-range": f"bytes={offset}-{offset + length - 1}"} | ({"If-Match": f'"{etag}"'} if etag else {})
    answer = await requests.get(f"{container}/{blob}", headers=headers)
    try:
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
            raise UnexpectedAnswerError("it answered with another part of the blob")
        return await _body(answer, length), answer.headers.get("x-ms-creation-time", "")
    finally:
        await answer.close()


async def _body(answer: AsyncHttpResponse, length: int) -> memoryview:
    data = bytearray(length)
    filled = 0
    async for part in answer.iter_raw():
        if filled + len(part) > length:
            raise UnexpectedAnswerError("it answered with more than was asked for")
        data[filled : filled + len(part)] = part
        filled += len(part)
    return memoryview(data)[:filled]
