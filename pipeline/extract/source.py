"""What one load is about: a file (later: blob) and how far it has been read before."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """One file that has something new.

    Args:
        source_id: number in the load ledger.
        source_kind: folder (later: blob).
        name: absolute path, as in the ledger.
        path: where to read it.
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
    name: str
    path: Path
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
        return self.path.name.endswith(".gz")


@dataclass(slots=True)
class Tally:
    """What reading one source found, to be held against what arrived in the table.

    Args:
        lines: lines handed out, blank ones included.
        records: lines handed out with text.
        keys: JSON keys in these lines whose value is neither blank nor an object.
        loaded_bytes: end of the last line handed out.
        pending_bytes: bytes after that.
        head_hash: hash of the first bytes of the file; "" where growing can't be told from rewriting (gzip,
            one JSON document), so that the file is read whole whenever it changes.
        tail_hash: hash of the last bytes loaded; "" likewise.
        style: how the keys are spelled; see transform.record.
        flawed: (line, reason, text) of lines that were held back since they can't even be passed on.
        suspect: why the quick way can't be trusted with this source; "" where it can.
        failure: why the source could not be read to its end; "" where it was.
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
    damaged: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a look at a place found: sources to load, and how many files need nothing."""

    sources: list[Source] = field(default_factory=list)
    unchanged: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total_bytes(self) -> int:
        """Bytes to read."""
        return sum(source.size_bytes - source.start_byte for source in self.sources)
