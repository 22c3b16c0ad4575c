"""Reads files that are one JSON document - an array of records or an envelope - element by element.

Blob exports are JSON Lines since November 2018; older exports, Event Hubs payloads and what people save by hand
come as `[...]` or `{"records": [...]}` (Azure Monitor, "Resource logs"). The standard library's decoder walks over
the elements, so that a cut or malformed document loses what is cut, not what stands before.
"""

import json
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from pipeline.extract.lines import BOM, open_source
from pipeline.extract.screen import RAW_CHARACTERS
from pipeline.extract.source import Source

MAX_DOCUMENT_BYTES = 256 << 20
_HEAD_BYTES = 1 << 16
_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


def text_of(source: Source) -> str | None:
    """Return the text of a file that is one JSON document; None where it is lines, too large or unreadable.

    An array is a document unless it ends on its first line and more follows; so is an object that doesn't.
    """
    if source.start_byte or source.size_bytes > MAX_DOCUMENT_BYTES:
        return None
    try:
        with open_source(source) as file:
            head = file.read(_HEAD_BYTES).removeprefix(BOM).lstrip()
            first, newline, rest = head.partition(b"\n")
            opens = head[:1]
            ends = first.rstrip().endswith({b"[": b"]", b"{": b"}"}.get(opens, b"!"))
            if opens not in (b"[", b"{") or (ends and (opens == b"{" or (newline and rest.strip()))):
                return None
            file.seek(0)
            data = _read_all(file)
    except (OSError, EOFError, zlib.error):
        return None  # the line reader will say what is wrong
    if len(data) > MAX_DOCUMENT_BYTES:
        return None
    return data.removeprefix(BOM).decode("utf-8", "backslashreplace")


def _read_all(file: BinaryIO) -> bytes:
    parts = []
    size = 0
    while (part := file.read(1 << 20)) and size <= MAX_DOCUMENT_BYTES:
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def is_json(text: str) -> bool:
    """Whether a text is one JSON value that the decoder can read."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class Elements:
    """The elements of a document, in order, as JSON texts; `flaw` says where reading had to stop.

    Args:
        text: the document.
    """

    def __init__(self, text: str) -> None:
        self.flaw: tuple[int, str, str] | None = None
        self._text = text

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Yield (ordinal from 1, text)."""
        number = 1
        place = self._start()
        try:
            while True:
                place = self._skip(place, _SPACE)
                if number > 1 and self._text[place] == ",":
                    place = self._skip(place + 1, _SPACE)
                if self._text[place] == "]":
                    return
                _, end = _DECODER.raw_decode(self._text, place)
                yield number, self._text[place:end]
                place, number = end, number + 1
        except (ValueError, IndexError, RecursionError):
            self.flaw = (number, "the rest of the array is cut or malformed", self._text[place:][:RAW_CHARACTERS])

    @property
    def has_array(self) -> bool:
        """Whether the document is an array, or an envelope around one."""
        return self._start() > 0

    def _start(self) -> int:
        """Return the place behind the bracket that opens the array; 0 where there is none."""
        place = self._skip(0, _SPACE)
        if self._text[place : place + 1] == "[":
            return place + 1
        place = self._skip(place + 1, _SPACE)
        try:
            while True:
                key, place = _DECODER.raw_decode(self._text, place)
                place = self._skip(place, _SPACE + ":")
                if str(key).lower() == "records" and self._text[place] == "[":
                    return place + 1
                _, place = _DECODER.raw_decode(self._text, place)
                place = self._skip(place, _SPACE + ",")
        except (ValueError, IndexError, RecursionError):
            return 0

    def _skip(self, place: int, characters: str) -> int:
        while self._text[place : place + 1] and self._text[place] in characters:
            place += 1
        return place
