"""Requests of the Blob service through the storage client's own pipeline: its sign-in, hosts and transport.

For the two that are made thousands of times a night, reading a range and listing: the client's own methods make many
values of each answer, which takes more time than all else that is done with it.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from azure.core import AsyncPipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.rest import AsyncHttpResponse, HttpRequest


class Requests:
    """Makes requests of an account.

    Args:
        service: the storage client of azure.storage.blob.aio; who closes it ends this as well.
    """

    def __init__(self, service: Any) -> None:
        url = urlsplit(service.url)
        self._before = f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"
        self._signature = url.query
        self._version = service.api_version
        pipeline = service._pipeline  # noqa: SLF001 -- nothing public has its sign-in; there since version 12.0
        self._client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient("", pipeline=pipeline)

    async def get(
        self, path: str, query: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> AsyncHttpResponse:
        """Return the answer to a GET, below status 400; its body is still to be read, and it to be closed.

        Args:
            path: container, or container/blob, as they are called.
            query: parameters.
            headers: beside those of the client.

        Raises:
            HttpResponseError: the service refuses; `error_code` says why.
        """
        given = "&".join(filter(None, (urlencode(query or {}, quote_via=quote), self._signature)))
        url = f"{self._before}/{quote(path, safe='~/')}" + (f"?{given}" if given else "")
        request = HttpRequest("GET", url, headers={"x-ms-version": self._version, **(headers or {})})
        answer = await self._client.send_request(request, stream=True)
        if answer.status_code < HTTPStatus.BAD_REQUEST:
            return answer
        try:
            await answer.read()
        finally:
            await answer.close()
        error: Any = HttpResponseError(response=answer)
        error.error_code = answer.headers.get("x-ms-error-code")
        raise error
