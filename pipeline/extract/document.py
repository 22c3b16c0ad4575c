"""Reads files that are one JSON document - an array of records or an envelope - element by element.

Blob exports are JSON Lines since November 2018; older exports, Event Hubs payloads and what people save by hand
come as `[...]` or `{"records": [...]}` (Azure Monitor, "Resource logs"). The standard library's decoder walks over
the elements, so that a malformed element is lost alone, and a cut document loses what is cut.
"""

import gzip
import json
import re
import zlib
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from pipeline.extract.lines import BOM
from pipeline.extract.screen import RAW_CHARACTERS
from pipeline.extract.source import Source, opened

MAX_DOCUMENT_BYTES = 256 << 20
_HEAD_BYTES = 1 << 16
_DECODER = json.JSONDecoder(parse_int=str)  # int() refuses numbers of more than 4,300 digits
_SPACE = " \t\r\n"
_RECORDS = "records"
_CLOSING = {b"[": b"]", b"{": b"}"}
_TEXT = re.compile(rb"\S")
_NEXT_ELEMENT = re.compile(r"[,\n][ \t\r]*(\{)")
_NEXT_DOCUMENT = re.compile(r"\n[ \t\r]*([\[{])")
_MAX_DEEP = 100
"""Elements nested too deeply to be decoded that are passed over; each costs as much as the decoder's stack is deep."""


def text_of(source: Source) -> str | None:
    """Return the text of a file that is one JSON document, or several; None where it is lines, too large or unreadable.

    An array is a document unless it ends on its first line and more follows; so is an object that doesn't end there,
    and one that is the whole file and long. What can't be decompressed is left out, as if the document were cut.
    """
    if source.start_byte or source.size_bytes > MAX_DOCUMENT_BYTES:
        return None
    try:
        with opened(source.name, source.content, source.start_byte) as file:
            head = _read(file, _HEAD_BYTES)
            if _is_lines(head, whole=len(head) < _HEAD_BYTES):
                return None
            data = head + _read(file, MAX_DOCUMENT_BYTES + 1 - len(head))
    except OSError:
        return None  # the line reader will say what is wrong
    if len(data) > MAX_DOCUMENT_BYTES or _is_lines(data, whole=True):
        return None
    return data.removeprefix(BOM).decode("utf-8", "backslashreplace")


def _is_lines(data: bytes, *, whole: bool) -> bool:
    """Whether a file is no document: it opens none, or its first line is a JSON text of its own.

    Args:
        data: the file, or its beginning, by which a line that doesn't end in it can't be judged.
        whole: it is the whole file.
    """
    opening = _TEXT.search(data, len(BOM) if data.startswith(BOM) else 0)
    if not opening or opening[0] not in _CLOSING:
        return True
    opens, begin = opening[0], opening.start()
    end = data.find(b"\n", begin)
    if end < 0:
        if not whole:
            return False
        end = len(data)
    if not data[begin:end].rstrip().endswith(_CLOSING[opens]):
        return False
    return bool(_TEXT.search(data, end)) or (opens == b"{" and end - begin < _HEAD_BYTES)


def _read(file: BinaryIO, size: int) -> bytes:
    """Read so many bytes, or as many as there are and can be decompressed."""
    some = file.read1 if isinstance(file, gzip.GzipFile) else file.read  # read would lose what comes before damage
    parts = []
    with suppress(EOFError, zlib.error):
        while size and (part := some(min(size, 1 << 20))):
            parts.append(part)
            size -= len(part)
    return b"".join(parts)


def is_json(text: str) -> bool:
    """Whether a text is one JSON value that the decoder can read."""
    try:
        _DECODER.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


class Elements:
    """The elements of documents, in order, as JSON texts; `flaws` says what could not be taken for one.

    Several documents may follow one another, and single records may stand between them.

    Args:
        text: the documents.
    """

    def __init__(self, text: str) -> None:
        self.flaws: list[tuple[int, str, str]] = []
        self._text = text
        self._number = 0
        self._deep = 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Yield (ordinal from 1, text)."""
        place = self._skip(0, _SPACE)
        while place < len(self._text):
            begin = place
            try:
                if self._text[place] == "[":
                    place = yield from self._array(place + 1)
                elif self._opens_envelope(place):
                    place = yield from self._envelope(place + 1)
                else:
                    place = yield from self._value(place)
            except _MalformedError as error:
                begin = max(begin, error.begin)
                place = self._resumed(_NEXT_DOCUMENT, error)
                self._flaw("the rest of the array is cut or malformed", begin, place)
            place = self._skip(place, _SPACE)

    @property
    def has_array(self) -> bool:
        """Whether the first document is an array, or an envelope around one."""
        place = self._skip(0, _SPACE)
        return self._text[place : place + 1] == "[" or self._opens_envelope(place)

    def _array(self, place: int) -> Generator[tuple[int, str], None, int]:
        """Yield the elements behind an opening bracket; return the place behind the closing one."""
        first = True
        while True:
            place = self._skip(place, _SPACE)
            if not first and self._text[place : place + 1] == ",":
                place = self._skip(place + 1, _SPACE)
            if self._text[place : place + 1] == "]":
                return place + 1
            try:
                place = yield from self._value(place)
            except _MalformedError as error:
                place = self._resumed(_NEXT_ELEMENT, error)
                if place == len(self._text):
                    raise
                self._flaw(error.reason, error.begin, place)
            first = False

    def _envelope(self, place: int) -> Generator[tuple[int, str], None, int]:
        """Yield the records of an envelope, and note what else it holds; return the place behind it."""
        beside = []
        while True:
            place = self._skip(place, _SPACE + ",")
            if self._text[place : place + 1] == "}":
                break
            begin = place
            is_records, place = self._member(place)
            if is_records:
                place = yield from self._array(place + 1)
            else:
                _, place = self._decoded(place)
                beside.append(self._text[begin:place])
        if beside:
            reason = "the envelope holds more than its records"
            self.flaws.append((self._number + 1, reason, ", ".join(beside)[:RAW_CHARACTERS]))
        return place + 1

    def _value(self, place: int) -> Generator[tuple[int, str], None, int]:
        _, end = self._decoded(place)
        self._number += 1
        yield self._number, self._text[place:end]
        return end

    def _opens_envelope(self, place: int) -> bool:
        """Whether an object is an envelope: its records come before anything that can't be read."""
        if self._text[place : place + 1] != "{":
            return False
        place += 1
        try:
            while True:
                is_records, place = self._member(self._skip(place, _SPACE + ","))
                if is_records:
                    return True
                _, place = self._decoded(place)
        except _MalformedError:
            return False

    def _member(self, place: int) -> tuple[bool, int]:
        """Return whether a member of an object is its records, and the place of its value."""
        key, place = self._decoded(place)
        place = self._skip(place, _SPACE + ":")
        return str(key).lower() == _RECORDS and self._text[place : place + 1] == "[", place

    def _decoded(self, place: int) -> tuple[Any, int]:
        try:
            return _DECODER.raw_decode(self._text, place)
        except json.JSONDecodeError as error:
            raise _MalformedError(place, error.pos) from None
        except RecursionError:  # it doesn't say how far it came
            self._deep += 1
            came = place + 1 if self._deep <= _MAX_DEEP else len(self._text)
            raise _MalformedError(place, came, "nested too deeply") from None

    def _resumed(self, following: re.Pattern[str], error: "_MalformedError") -> int:
        """Return the place from which to read on; no text is read more than three times on the way.

        That is behind what was read in vain, unless the last element that begins in it is a record: what reads
        a string without its end takes the beginning of the next record into it.
        """
        swallowed = [found.start(1) for found in following.finditer(self._text, error.begin, error.place)][-1:]
        if swallowed and self._is_record(swallowed[0]):
            return swallowed[0]
        place = error.place
        while place > error.begin and self._text[place - 1] in _SPACE + ",":
            place -= 1
        found = following.search(self._text, place)
        return found.start(1) if found else len(self._text)

    def _is_record(self, place: int) -> bool:
        try:
            value, _ = self._decoded(place)
        except _MalformedError:
            return False
        return isinstance(value, dict) and any(key.lower() == "time" for key in value)

    def _flaw(self, reason: str, begin: int, end: int) -> None:
        self._number += 1
        self.flaws.append((self._number, reason, self._text[begin : min(end, begin + RAW_CHARACTERS)]))

    def _skip(self, place: int, characters: str) -> int:
        while self._text[place : place + 1] and self._text[place] in characters:
            place += 1
        return place


class _MalformedError(Exception):
    """There is no JSON value that begins at a place; reading came as far as another."""

    def __init__(self, begin: int, place: int, reason: str = "not valid JSON") -> None:
        self.begin = begin
        self.place = place
        self.reason = reason
