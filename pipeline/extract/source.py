"""What one load is about: a file or blob, and how far it has been read before."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class State:
    """What a place says of a file without opening it.

    Args:
        etag: changes whenever the file may have changed.
        size_bytes: its size.
    """

    etag: str
    size_bytes: int


class ChangedError(OSError):
    """A file became another one while it was read; it has to be read from its start."""


class Content(Protocol):
    """Where the bytes of a source are."""

    def begin(self, start: int) -> int:
        """Start fetching the first bytes where that takes time; return how many are held in memory from then on."""

    def open(self, start: int) -> BinaryIO:
        """Return a seekable file of the raw bytes, which will mostly be read from some place on.

        Raises:
            OSError: they can't be had; also while reading.
            ChangedError: likewise.
        """

    def release(self) -> None:
        """Let go of what `begin` fetched and nobody opened."""

    def renewed(self) -> tuple["Content", State]:
        """Return the same place as it is now.

        Raises:
            OSError: it is gone or can't be asked.
        """


def is_compressed(name: str) -> bool:
    """Whether a file of that name is gzip."""
    return name.endswith(".gz")


@contextmanager
def opened(name: str, content: Content, start: int = 0) -> Iterator[BinaryIO]:
    """Have a file open, at its first byte and decompressed, for the length of the block.

    Args:
        name: says whether it is compressed.
        content: where its bytes are.
        start: it will mostly be read from here on.

    Raises:
        OSError: it can't be opened.
    """
    with content.open(start) as file:
        yield gzip.GzipFile(fileobj=file, mode="rb") if is_compressed(name) else file  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Source:
    """One file that has something new.

    Args:
        source_id: number in the load ledger.
        source_kind: folder or blob.
        place: URL of the account; "folder" for all folders together.
        name: absolute path or URL, as in the ledger.
        content: where to read it.
        etag: changes whenever the file may have changed; taken before reading.
        size_bytes: size when it was listed.
        start_byte: what lies before was loaded earlier.
        start_line: lines before start_byte.
        earlier_records: rows of access_log that came from before start_byte.
        earlier_rejected: rows of rejected_record that came from before start_byte.
        loaded_hashes: fingerprint of what lies before start_byte.
        replaces: source_id of the ledger row that this load takes the place of; None for a new file or a tail.
    """

    source_id: int
    source_kind: str
    place: str
    name: str
    content: Content
    etag: str
    size_bytes: int
    start_byte: int = 0
    start_line: int = 0
    earlier_records: int = 0
    earlier_rejected: int = 0
    loaded_hashes: tuple[str, str] = ("", "")
    replaces: int | None = None

    @property
    def compressed(self) -> bool:
        """The file is gzip: offsets count decompressed bytes, and it never grows."""
        return is_compressed(self.name)


@dataclass(slots=True)
class Tally:
    """What reading one source found, to be held against what arrived in the table.

    Args:
        lines: lines handed out, blank ones included.
        records: lines handed out with text.
        keys: JSON keys in these lines whose value is neither blank nor an object.
        loaded_bytes: end of the last line handed out.
        pending_bytes: bytes after that.
        head_hash: hash of the first bytes of the file, decompressed; "" where growing can't be told from rewriting (one
            JSON document), so that the file is read whole whenever it changes.
        tail_hash: hash of the last bytes loaded; "" likewise.
        style: how the keys are spelled; see transform.record.
        flawed: (line, reason, text) of lines that were held back since they can't even be passed on.
        suspect: why the quick way can't be trusted with this source; "" where it can.
        failure: why the source could not be read to its end; "" where it was.
        replaced: what was loaded of it earlier isn't there any more; it has to be read whole.
        damaged: why the bytes are broken from some point on (a cut gzip stream); "" where they aren't.
    """

    lines: int = 0
    records: int = 0
    keys: int = 0
    loaded_bytes: int = 0
    pending_bytes: int = 0
    head_hash: str = ""
    tail_hash: str = ""
    style: str = ""
    flawed: list[tuple[int, str, str]] = field(default_factory=list)
    suspect: str = ""
    failure: str = ""
    replaced: bool = False
    damaged: str = ""


@dataclass(slots=True)
class Plan:
    """What a look at a place found.

    Args:
        sources: to load.
        unchanged: how many files need nothing.
        copies: how many hold what was loaded from elsewhere, whether or not they hold more.
        unreadable: what can't be looked at, and why.
    """

    sources: list[Source] = field(default_factory=list)
    unchanged: int = 0
    copies: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total_bytes(self) -> int:
        """Bytes to read."""
        return sum(source.size_bytes - source.start_byte for source in self.sources)
