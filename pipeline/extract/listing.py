"""Lists the blobs of a container, page by page ("List Blobs" of the Blob service REST API).

The client's `list_blobs` makes some fifty values of each blob, half a millisecond: ten seconds for 20,000 blobs, in
which nothing else is done.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from pipeline.azure.patience import Patience, UnexpectedAnswerError, patiently
from pipeline.extract.requests import Requests


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob as it was listed; the names are those of the client's BlobProperties.

    Args:
        name: without the container.
        size: bytes.
        etag: without quotes.
        blob_type: AppendBlob, BlockBlob or PageBlob.
        blob_tier: Hot, Cool, Archive, ...; empty where the account has none.
        last_modified: with its zone.
    """

    name: str
    size: int
    etag: str
    blob_type: str
    blob_tier: str
    last_modified: datetime


async def pages(
    requests: Requests, container: str, start: str | None, size: int, patience: Patience
) -> AsyncIterator[list[Blob]]:
    """Yield the blobs of a container in the order of their names, page by page; a page may be empty.

    Args:
        requests: makes the requests.
        container: whose blobs.
        start: the name to begin with; None for the first. A service that doesn't know this begins with the first.
        size: blobs in a page, at the most.
        patience: how long to bear with the service, for each page.

    Raises:
        HttpResponseError: the service refuses; `error_code` says why.
        UnexpectedAnswerError: it answered something else than a listing.
    """
    query = {"restype": "container", "comp": "list", "maxresults": str(size)} | ({"startFrom": start} if start else {})

    async def ask() -> tuple[list[Blob], str]:
        answer = await requests.get(container, query)
        try:
            return _read(await answer.read())
        finally:
            await answer.close()

    while True:
        page, marker = await patiently(ask, patience)
        yield page
        if not marker:
            return
        if marker == query.get("marker"):
            raise UnexpectedAnswerError("its pages don't end: one says that it comes after itself")
        query["marker"] = marker


def _read(body: bytes) -> tuple[list[Blob], str]:
    """Return the blobs of an answer, and the marker with which the next page begins; empty for the last."""
    try:
        listing = ET.fromstring(body)  # noqa: S314 -- expat bounds what entities grow to
    except ET.ParseError:
        raise UnexpectedAnswerError("it answered something else than a list of blobs") from None
    if listing.tag != "EnumerationResults":
        raise UnexpectedAnswerError("it answered something else than a list of blobs")
    return [_blob(each) for each in listing.iterfind("Blobs/Blob")], listing.findtext("NextMarker") or ""


def _blob(element: Any) -> Blob:
    name, properties = element.find("Name"), element.find("Properties")
    text = name.text or ""
    return Blob(
        unquote(text) if name.get("Encoded") == "true" else text,  # characters that XML has no place for
        int(properties.findtext("Content-Length")),
        properties.findtext("Etag").strip('"'),
        properties.findtext("BlobType"),
        properties.findtext("AccessTier") or "",
        parsedate_to_datetime(properties.findtext("Last-Modified")),
    )
