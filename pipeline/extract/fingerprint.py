"""Tells whether the part of a file that was loaded is still what it was, without reading all of it."""

from hashlib import blake2b
from typing import BinaryIO

WINDOW = 4096
"""Bytes hashed at either end."""


def fingerprint(file: BinaryIO, loaded_bytes: int) -> tuple[str, str]:
    """Return the hashes of the first and last bytes (at most 4,096 each) of file[0:loaded_bytes].

    A rewrite of the middle alone, by a program that keeps both ends and makes the file longer, is not seen;
    append blobs can't be changed like that.

    Raises:
        OSError: the file can't be read.
    """
    span = min(WINDOW, loaded_bytes)
    return _hash(file, 0, span), _hash(file, loaded_bytes - span, span)


class Ends:
    """Remembers the first and last bytes of what passes by, for a stream that would have to be read twice."""

    def __init__(self) -> None:
        self._first = self._last = b""

    def add(self, passed: bytes) -> None:
        """Note the next bytes."""
        if len(self._first) < WINDOW:
            self._first += passed[: WINDOW - len(self._first)]
        self._last = (self._last + passed[-WINDOW:])[-WINDOW:]

    @property
    def fingerprint(self) -> tuple[str, str]:
        """The fingerprint of all that passed by."""
        first, last = (blake2b(each, digest_size=8).hexdigest() for each in (self._first, self._last))
        return first, last


def _hash(file: BinaryIO, start: int, span: int) -> str:
    hashed = blake2b(digest_size=8)
    file.seek(start)
    while span and (part := file.read(span)):  # a file may give less than it was asked for
        hashed.update(part)
        span -= len(part)
    return hashed.hexdigest()
