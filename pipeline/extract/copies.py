"""Tells files of an export that were loaded from another place: copied, moved or compressed since.

The name of a blob, from its container on, names a perimeter, a category and an hour, so the file of an hour has the
same name in every copy of an export. Two exports of one perimeter to two accounts have it as well: only what begins
like the loaded file, and ends like it where that was read to, is a copy of it.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property

from pipeline.extract.fingerprint import WINDOW, fingerprint
from pipeline.extract.ledger import Listed, Loaded, loaded_by_name
from pipeline.extract.source import Content, is_compressed, opened
from pipeline.store import Store

WITHIN = r"[/\\](insights-logs-nsp[^/\\]*[/\\]resourceId=.+?)(?:\.gz)?$"
"""The name from the container on, without what compressing adds."""
_WITHIN = re.compile(WITHIN)
UNREADABLE = (OSError, EOFError, zlib.error)
"""Errors of what can't be read; whoever loads it will say what is wrong with it."""


def within(name: str) -> str:
    """Return a file's name from its container on, "" where it lies in none."""
    found = _WITHIN.search(name)
    return found[1] if found else ""


Named = tuple[str, Content]


class Copies:
    """What is known of files that the ledger doesn't know by their name.

    Args:
        store: the warehouse.
        source_kind: folder or blob.
        contents: all files that are there, by name.
    """

    def __init__(self, store: Store, source_kind: str, contents: Mapping[str, Content]) -> None:
        self._store = store
        self._source_kind = source_kind
        self._contents = contents

    @cached_property
    def _several(self) -> set[str]:
        """Names that several files have."""
        return {inside for inside, count in Counter(map(within, self._contents)).items() if count > 1}

    def of(self, files: Sequence[Listed]) -> dict[str, Loaded | None]:
        """Return the files of which the ledger knows a copy: what it knows, None where nothing more is to be read.

        Reads: load_ledger.
        """
        groups: dict[str, list[Listed]] = {}
        for each in files:
            if inside := within(each.name):
                groups.setdefault(inside, []).append(each)
        if not groups:
            return {}
        rows = self._store.rows(
            "extract/loaded_copies", source_kind=self._source_kind, pattern=WITHIN, within=sorted(groups)
        )
        known = loaded_by_name(self._store, self._source_kind, [name for name, _ in rows])
        loaded: dict[str, list[tuple[str, Loaded]]] = {}
        for name, inside in rows:
            loaded.setdefault(inside, []).append((name, known[name]))
        found: dict[str, Loaded | None] = {}
        for inside in groups.keys() & (self._several | loaded.keys()):
            found |= self._judged(groups[inside], loaded.get(inside, []))
        return found

    def _judged(self, files: list[Listed], loaded: list[tuple[str, Loaded]]) -> dict[str, Loaded | None]:
        """Judge files of one name within their container, the longest first: the others may be what it once was."""
        found: dict[str, Loaded | None] = {}
        there = [(name, self._contents[name]) for name, _ in loaded if name in self._contents]
        for size, each in sorted(_sized(files), key=lambda pair: pair[0], reverse=True):
            try:
                if known := _read_so_far(each, size, loaded):
                    name, what = known
                    found[each.name] = what if size > what.loaded_bytes or name not in self._contents else None
                elif _is_older(each, size, there, [what for name, what in loaded if name not in self._contents]):
                    found[each.name] = None
            except UNREADABLE:
                continue
            there.append((each.name, each.content))
        return found


def _sized(files: list[Listed]) -> Iterator[tuple[int, Listed]]:
    for each in files:
        with suppress(*UNREADABLE):
            yield _size(each), each


def _read_so_far(file: Listed, size: int, loaded: list[tuple[str, Loaded]]) -> tuple[str, Loaded] | None:
    """Return what a file begins with, of all that is loaded."""
    for name, known in loaded:
        hashes = known.head_hash, known.tail_hash
        if size >= known.loaded_bytes and _fingerprint(file.name, file.content, known.loaded_bytes) == hashes:
            return name, known
    return None


def _is_older(file: Listed, size: int, there: list[Named], gone: list[Loaded]) -> bool:
    """Whether a file is as long or shorter than one that is loaded, or will be, and the same so far."""
    begins = _fingerprint(file.name, file.content, size)
    if any(_fingerprint(*other, size) == begins for other in there):
        return True
    for known in gone:
        if not known.head_hash and file.state.size_bytes == known.size_bytes:
            return True  # one document, of which nothing else is known
        if WINDOW <= size < known.loaded_bytes and begins[0] == known.head_hash:
            return True
    return False


def _size(file: Listed) -> int:
    """Return the size of a file, decompressed."""
    if not is_compressed(file.name):
        return file.state.size_bytes
    with opened(file.name, file.content) as text:
        size = 0
        while part := text.read(1 << 20):
            size += len(part)
        return size


def _fingerprint(name: str, content: Content, size: int) -> tuple[str, str]:
    with opened(name, content) as text:
        return fingerprint(text, size)
