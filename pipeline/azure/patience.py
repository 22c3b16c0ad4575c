"""Asks a service again when it makes sense: throttled, out of order, cut off, silent or too slow.

The Azure clients' own retries are switched off (`retry_total=0`) in favour of this: the storage client doesn't
retry 429, the query client retries no dropped POST, and neither ends a response that trickles in.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp import ClientConnectorDNSError, ClientConnectorError, ClientError, ClientSSLError
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from pipeline.errors import UnreachableError

T = TypeVar("T")

REQUEST_ERRORS = (AzureError, ClientError, OSError)
"""What a request can end in; TimeoutError is an OSError."""
TRANSIENT_STATUS = frozenset({408, 429, 500, 502, 503, 504})


class UnexpectedAnswerError(OSError):
    """The client could not make sense of an answer, such as that of a proxy or a captive portal."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to bear with a service.

    Args:
        attempts: requests at the most.
        seconds: for one attempt, from the request to the last byte.
        seconds_per_mebibyte: added for each mebibyte that is asked for.
        pause: seconds before the second attempt; doubles from then on.
        longest_pause: seconds; also the most that a service can ask for by Retry-After.
    """

    attempts: int = 6
    seconds: float = 60.0
    seconds_per_mebibyte: float = 10.0
    pause: float = 1.0
    longest_pause: float = 60.0

    def deadline(self, size_bytes: int = 0) -> float:
        """Return the seconds that one attempt may take."""
        return self.seconds + self.seconds_per_mebibyte * size_bytes / (1 << 20)

    def before_retry(self, number: int, error: BaseException) -> float:
        """Return the seconds to wait before attempt `number` + 1, as the service asks or with some jitter."""
        asked = _retry_after(error)
        drawn = self.pause * 2.0 ** (number - 1) * random.uniform(0.5, 1.5)  # noqa: S311 -- jitter, no secret
        return min(self.longest_pause, max(asked, drawn))


def unreachable(error: BaseException, service: str) -> UnreachableError | None:
    """Return the error to raise where no connection could be made to a service; None for other errors."""
    if isinstance(error.__cause__, ClientSSLError):
        return UnreachableError(
            f"The certificate of {service} isn't trusted here. Where a proxy looks into TLS, name the file with its "
            "certificate by SSL_CERT_FILE.",
        )
    if isinstance(error.__cause__, ClientConnectorError):
        return UnreachableError(f"{service} can't be reached. Is the name right, and is there a network?")
    return None


def transport_options(url: str, *, read_timeout: float = 60, verify: bool | str = True) -> dict[str, Any]:
    """Return the options for an Azure client of the aio kind, all of them leaving retries to `patiently`.

    Args:
        url: of the service, to see whether a proxy is meant for it.
        read_timeout: seconds of silence that are borne.
        verify: a file with certificates to trust, in the place of the machine's.
    """
    from azure.core.pipeline.transport import AioHttpTransport

    # asking the environment and .netrc anew for each request would cost as much as reading a small blob
    host = urlsplit(url).hostname
    proxies = {} if host and proxy_bypass(host) else {f"{scheme}://": url for scheme, url in getproxies().items()}
    transport = AioHttpTransport(
        use_env_settings=False,
        connection_timeout=20,
        read_timeout=read_timeout,
        connection_verify=verify,
        connection_data_block_size=1 << 18,
    )
    return {"transport": transport, "retry_total": 0, "proxies": proxies}


async def patiently(
    attempt: Callable[[], Awaitable[T]],
    patience: Patience,
    *,
    size_bytes: int = 0,
    repeatable: Callable[[BaseException], bool] | None = None,
) -> T:
    """Return what an attempt returns, trying again after what a service may get over.

    Args:
        attempt: makes one request and reads the answer to its end.
        patience: how often and how long.
        size_bytes: how much is asked for, for the deadline.
        repeatable: decides what is worth another attempt; `is_transient` by default.

    Raises:
        Exception: what the last attempt raised, one of REQUEST_ERRORS; TimeoutError if it ran out of time,
            UnexpectedAnswerError if the client could not make sense of the answer.
    """
    worthwhile = repeatable or is_transient
    for number in range(1, patience.attempts + 1):
        try:
            async with asyncio.timeout(patience.deadline(size_bytes)):
                return await attempt()
        except REQUEST_ERRORS as error:
            if number == patience.attempts or not worthwhile(error):
                raise
            pause = patience.before_retry(number, error)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise UnexpectedAnswerError(f"it answered something unexpected ({type(error).__name__})") from None
        await asyncio.sleep(pause)
    raise AssertionError("unreachable: attempts is at least 1")


def is_transient(error: BaseException) -> bool:
    """Whether asking again may help."""
    if isinstance(error, (ClientAuthenticationError, UnexpectedAnswerError)):
        return False
    if isinstance(error.__cause__, ClientSSLError):
        return False  # a certificate that isn't trusted
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        # a status below 400: the answer began well, then its body was cut
        return error.status_code in TRANSIENT_STATUS or error.status_code < 400  # noqa: PLR2004 -- HTTP
    return isinstance(error, (ServiceRequestError, ServiceResponseError, HttpResponseError, ClientError, OSError))


def is_transient_at_first(error: BaseException) -> bool:
    """Whether asking again may help when nothing was answered yet: a name that isn't found then is a wrong name."""
    return not isinstance(error.__cause__, ClientConnectorDNSError) and is_transient(error)


def _retry_after(error: BaseException) -> float:
    """Return the seconds that a service asks to wait; 0 where it says nothing (or a date, which nobody sends)."""
    response: Any = getattr(error, "response", None)
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    for name, unit in (("x-ms-retry-after-ms", 0.001), ("retry-after-ms", 0.001), ("Retry-After", 1.0)):
        try:
            return max(0.0, float(headers.get(name, "")) * unit)
        except ValueError:
            continue
    return 0.0
