"""Pages of a container's listing say what the client's own listing says."""

from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob.aio import BlobServiceClient

from pipeline.azure.patience import UnexpectedAnswerError
from pipeline.extract.listing import Blob, pages
from pipeline.extract.requests import Requests
from pipeline.store import Store
from tests.extract.asking import ask
from tests.extract.test_blob import QUICK, ingest
from tests.services.export import FOLDER, Export, contents, hourly
from tests.services.faults import Fault, Proxy
from tests.transform.test_exactly_once import some_lines

NAMES = ["a b/c", "50%/%2F", "who?what#when", "1+1&2=3;x", "é/ж/日", "<&>'\"", "a//b", "~tilde", "zz"]


def listed(written: Export, start: str | None = None, size: int = 1000, port: int = 0) -> list[list[Blob]]:
    async def work(_: BlobServiceClient, requests: Requests) -> list[list[Blob]]:
        return [page async for page in pages(requests, written.container, start, size, QUICK)]

    return ask(written, work, port)


def test_every_blob_as_the_client_lists_it(written: Export, between: Proxy) -> None:
    for number, name in enumerate(NAMES):
        written.append(name, b"x" * number)
    written.rewrite("block", b"12345", kind="BlockBlob")

    async def by_client(service: BlobServiceClient, _: Requests) -> list[Blob]:
        blobs = service.get_container_client(written.container).list_blobs()
        return [
            Blob(each.name, each.size, each.etag.strip('"'), each.blob_type, each.blob_tier or "", each.last_modified)
            async for each in blobs
        ]

    expected = ask(written, by_client)
    assert {each.name for each in expected} == {*NAMES, "block"}
    assert listed(written) == [expected]
    assert listed(written, port=between.port) == [expected]


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6])
def test_pages_hold_so_many_at_the_most_and_miss_nothing(written: Export, size: int) -> None:
    names = [f"blob {number}" for number in range(5)]
    for name in names:
        written.append(name, b"x")
    found = listed(written, size=size)
    assert [blob.name for page in found for blob in page] == names
    assert max(len(page) for page in found) == min(size, 5)
    assert [blob.name for page in listed(written, "blob 3", size) for blob in page] == names[3:]


def test_a_name_that_xml_has_no_place_for(written: Export, between: Proxy) -> None:
    body = (
        b'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs><Blob><Name Encoded="true">a%EF%BF%BE%2520'
        b"</Name><Properties><Last-Modified>Sun, 01 Nov 2026 10:00:00 GMT</Last-Modified><Etag>0x8D</Etag>"
        b"<Content-Length>7</Content-Length><BlobType>AppendBlob</BlobType></Properties></Blob></Blobs><NextMarker />"
        b"</EnumerationResults>"
    )
    between.choose = lambda *_: Fault(status=200, body=body)
    ((blob,),) = listed(written, port=between.port)
    assert (blob.name, blob.size, blob.etag, blob.blob_tier) == ("a\ufffe%20", 7, "0x8D", "")
    assert blob.last_modified.isoformat() == "2026-11-01T10:00:00+00:00"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in</html>",
        b"<EnumerationResults>",
        b"{}",
        b"\xff\xfe",
        b"<EnumerationResults><Blobs><Blob/></Blobs></EnumerationResults>",
    ],
    ids=repr,
)
def test_what_is_no_listing_is_told(written: Export, between: Proxy, body: bytes) -> None:
    between.choose = lambda *_: Fault(status=200, body=body)
    with pytest.raises(UnexpectedAnswerError):
        listed(written, port=between.port)


def test_refusals_are_told_and_what_may_pass_is_sat_out(written: Export, between: Proxy) -> None:
    written.append("a", b"x")
    between.choose = lambda _, __, number: Fault(status=503) if number < 3 else None
    assert len(listed(written, port=between.port)[0]) == 1
    between.choose = lambda *_: Fault(status=403, code="AuthorizationFailure")
    with pytest.raises(HttpResponseError) as caught:
        listed(written, port=between.port)
    assert caught.value.error_code == "AuthorizationFailure"  # type: ignore[attr-defined]


def test_folders_in_another_order_than_that_of_names(store: Store, written: Export, between: Proxy) -> None:
    """An account with a hierarchical namespace lists a folder before another whose name is longer."""
    folders = [FOLDER.replace("/RG/", f"/{group}/") for group in ("RG", "RG-PROD", "RG-TEST")]
    for number, folder in enumerate(folders):
        for hour in (1, 2):
            written.append(hourly(hour, folder=folder), some_lines(3, 10 * number + hour))

    def choose(_: str, path: str, __: int) -> Fault | None:
        if "restype=container" not in path:
            return None
        (page,) = listed(written)
        return Fault(status=200, body=listing(sorted(page, key=lambda blob: blob.name.split("/"))))

    between.choose = choose
    assert (ingest(store, written, between.port).outcome.files, len(contents(store)["access_log"])) == (6, 18)
    written.append(hourly(3, 9, folders[1]), some_lines(3, 99))
    since = datetime(2026, 10, 1, 2)
    assert ingest(store, written, between.port, since=since).outcome.files == 1
    assert len(contents(store)["access_log"]) == 21


def listing(blobs: list[Blob]) -> bytes:
    """Return a page of a listing."""
    told = "".join(
        f"<Blob><Name>{escape(each.name)}</Name><Properties><Last-Modified>"
        f"{format_datetime(each.last_modified, usegmt=True)}</Last-Modified><Etag>{each.etag}</Etag><Content-Length>"
        f"{each.size}</Content-Length><BlobType>{each.blob_type}</BlobType></Properties></Blob>"
        for each in blobs
    )
    return f"<EnumerationResults><Blobs>{told}</Blobs><NextMarker /></EnumerationResults>".encode()


def test_pages_that_never_end(written: Export, between: Proxy) -> None:
    body = listing([]).replace(b"<NextMarker />", b"<NextMarker>again</NextMarker>")
    between.choose = lambda *_: Fault(status=200, body=body)
    with pytest.raises(UnexpectedAnswerError, match="don't end"):
        listed(written, port=between.port)
