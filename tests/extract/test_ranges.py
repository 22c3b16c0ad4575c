"""One request for a range of a blob: the bytes that were asked for, or an error that says why not."""

import gzip
import os

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobServiceClient

from pipeline.azure.patience import UnexpectedAnswerError
from pipeline.extract import ranges
from pipeline.extract.requests import Requests
from tests.extract.asking import ask
from tests.services.export import Export
from tests.services.faults import Fault, Proxy

TEXT = os.urandom(700_000)


def read(
    written: Export, name: str, offset: int, length: int, etag: str | None = None, port: int = 0
) -> tuple[bytes, str]:
    """Read by a connection string, or by a SAS through a proxy."""

    async def work(_: BlobServiceClient, requests: Requests) -> tuple[bytes, str]:
        data, made = await ranges.read(requests, written.container, name, offset, length, etag)
        return bytes(data), made

    return ask(written, work, port)


@pytest.mark.parametrize(("offset", "length"), [(0, 1), (0, 700_000), (5, 699_995), (300_000, 9), (699_999, 1)])
def test_a_range(written: Export, between: Proxy, offset: int, length: int) -> None:
    written.append("a", TEXT)
    data, made = read(written, "a", offset, length)
    assert data == TEXT[offset : offset + length]
    assert (data, made) == read(written, "a", offset, length, port=between.port)
    assert made.endswith("GMT")


def test_the_end_of_a_blob_comes_short(written: Export) -> None:
    written.append("a", b"12345")
    assert read(written, "a", 3, 10)[0] == b"45"
    with pytest.raises(HttpResponseError) as caught:
        read(written, "a", 9, 1)
    assert (caught.value.status_code, caught.value.error_code) == (416, "InvalidRange")  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["a b/c", "50%/%2F", "who?what#when", "1+1&2=3;x", "é/ж/日", "'\"", "a//b", "~tilde"])
def test_any_name(written: Export, between: Proxy, name: str) -> None:
    written.append(name, b"12345")
    assert read(written, name, 1, 3)[0] == b"234"
    assert read(written, name, 1, 3, port=between.port)[0] == b"234"


def test_bytes_come_as_they_are_kept(written: Export) -> None:
    packed = gzip.compress(b"12345" * 100)
    written.rewrite("a", packed)
    written.blob("a").set_http_headers(ContentSettings(content_encoding="gzip"))
    assert read(written, "a", 0, len(packed))[0] == packed
    assert read(written, "a", 4, 8)[0] == packed[4:12]


def test_a_blob_that_changed(written: Export) -> None:
    written.append("a", b"12345")
    etag = written.blob("a").get_blob_properties().etag.strip('"')
    assert read(written, "a", 0, 5, etag)[0] == b"12345"
    written.append("a", b"6")
    with pytest.raises(HttpResponseError) as caught:
        read(written, "a", 0, 5, etag)
    assert (caught.value.status_code, caught.value.error_code) == (412, "ConditionNotMet")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(range="0-99"), "another part"),
        (Fault(range="1-3"), "another part"),
        (Fault(range="10-19"), "another part"),
        (Fault(range=""), "another part"),
        (Fault(range="100-699999"), "more than was asked for"),
        (Fault(status=200, headers={"Content-Range": "bytes 1000-1009/2000"}), "another part"),
    ],
    ids=str,
)
def test_another_answer(written: Export, between: Proxy, fault: Fault, words: str) -> None:
    written.append("a", TEXT)
    between.choose = lambda *_: fault
    with pytest.raises(UnexpectedAnswerError, match=words):
        read(written, "a", 100, 10, port=between.port)


def test_a_cut_answer_is_told(written: Export, between: Proxy) -> None:
    written.append("a", TEXT)
    between.choose = lambda *_: Fault(cut=600_000)
    with pytest.raises(HttpResponseError):
        read(written, "a", 0, len(TEXT), port=between.port)
