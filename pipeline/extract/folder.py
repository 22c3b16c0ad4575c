"""Finds export files below a folder and compares them with the load ledger.

The tree is what a diagnostic setting writes to a storage account, as copied by azcopy and the like:
`insights-logs-{category}/resourceId=/SUBSCRIPTIONS/.../y=YYYY/m=MM/d=DD/h=HH/m=00/PT1H.json`. Only the order
of loading is taken from the path, never the hour of an event: blobs are filled by receive time (Azure Monitor,
"Resource logs": a blob can contain data outside the hour in its URL).
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.extract.fingerprint import fingerprint
from pipeline.extract.source import Plan, Source
from pipeline.store import Store

SOURCE_KIND = "folder"
SUFFIXES = (".json", ".jsonl", ".ndjson", ".log", ".json.gz", ".jsonl.gz", ".ndjson.gz", ".log.gz")

_CONTAINER = "insights-logs-"
_OUR_CONTAINER = "insights-logs-nsp"
_HOUR = re.compile(r"[/\\]y=(\d+)[/\\]m=(\d+)[/\\]d=(\d+)(?:[/\\]h=(\d+))?")


def plan(store: Store, path: Path) -> Plan:
    """Return what is new below a folder (or in one file), in the order of the hours in the paths.

    A file with an unchanged etag is left alone. One that grew and still begins (and, where it was read to,
    ends) as before is read from there; any other changed file is read anew and takes the place of its old rows.

    Reads: load_ledger.

    Raises:
        SourceError: the path isn't there or can't be listed.
    """
    try:
        root = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        hint = "Give the folder that holds the insights-logs-* folders, or one file."
        raise SourceError(f"{path} isn't there or can't be read ({error}). {hint}") from error
    ledger = {row[0]: Loaded(*row[1:]) for row in store.rows("extract/loaded_sources", source_kind=SOURCE_KIND)}
    next_id = store.rows("extract/last_source_id")[0][0] + 1
    changed: dict[str, tuple[str, os.stat_result, str, Loaded | None]] = {}
    unreadable: list[tuple[str, str]] = []
    unchanged = 0
    for where, stat in _files(root, unreadable):
        name = _printable(where)
        etag = f"{stat.st_mtime_ns}-{stat.st_ctime_ns}-{stat.st_ino}-{stat.st_size}"
        known = ledger.get(name)
        if known and known.etag == etag:
            unchanged += 1
        else:
            changed[name] = (where, stat, etag, known)  # once, though links may lead here as well
    sources: list[Source] = []
    for name in sorted(changed, key=_loading_order):
        where, stat, etag, known = changed[name]
        if known and _grew(where, stat, known):
            sources.append(_tail(name, Path(where), stat, etag, known))
        else:
            replaces = known.source_id if known else None
            sources.append(Source(next_id, SOURCE_KIND, name, Path(where), etag, stat.st_size, replaces=replaces))
            next_id += 1
    return Plan(sources, unchanged, unreadable)


def _printable(where: str) -> str:
    """Return a path as text that every store takes: bytes that are no UTF-8 show as backslashes."""
    return os.fsencode(where).decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the ledger knows of a file; the columns of extract/loaded_sources after the name."""

    source_id: int
    etag: str
    size_bytes: int
    loaded_bytes: int
    lines: int
    records: int
    rejected: int
    head_hash: str
    tail_hash: str


def _grew(name: str, stat: os.stat_result, known: Loaded) -> bool:
    """Whether what was loaded still stands at the start of the file, so that reading its tail is enough."""
    if stat.st_size <= known.size_bytes or not known.loaded_bytes:
        return False
    try:
        with Path(name).open("rb") as file:
            return fingerprint(file, known.loaded_bytes) == (known.head_hash, known.tail_hash)
    except OSError:
        return False  # reading it whole will say what is wrong


def _tail(name: str, path: Path, stat: os.stat_result, etag: str, known: Loaded) -> Source:
    return Source(
        source_id=known.source_id,
        source_kind=SOURCE_KIND,
        name=name,
        path=path,
        etag=etag,
        size_bytes=stat.st_size,
        start_byte=known.loaded_bytes,
        start_line=known.lines,
        earlier_records=known.records,
        earlier_rejected=known.rejected,
        loaded_hashes=(known.head_hash, known.tail_hash),
    )


def _files(root: Path, unreadable: list[tuple[str, str]]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the absolute name and state of each export file; what can't be looked at is noted."""
    pending = [os.fspath(root)]
    if root.is_file():
        yield pending.pop(), root.stat()
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as found:
                entries = list(found)
        except OSError as error:
            unreadable.append((_printable(folder), error.strerror or str(error)))
            continue
        if any(entry.name.startswith(_CONTAINER) for entry in entries):
            # an export: the containers of other services, and files beside the containers, are not ours
            entries = [entry for entry in entries if entry.name.startswith(_OUR_CONTAINER)]
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):  # a link to a parent would never end
                    pending.append(entry.path)
                elif entry.name.endswith(SUFFIXES) and entry.is_file():
                    yield os.path.realpath(entry.path) if entry.is_symlink() else entry.path, entry.stat()
            except FileNotFoundError:
                continue  # it went since the folder was listed
            except OSError as error:
                unreadable.append((_printable(entry.path), error.strerror or str(error)))


def _loading_order(name: str) -> tuple[str, ...]:
    """Hour by hour over all categories, so that an hour's flows are rolled up once."""
    match = _HOUR.search(name)
    hour = tuple((part or "").zfill(4) for part in match.groups()) if match else ("",)
    return (*hour, name)
