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
from typing import BinaryIO

from pipeline.errors import SourceError
from pipeline.extract.copies import Copies
from pipeline.extract.ledger import Listed, compare
from pipeline.extract.source import Plan, State
from pipeline.store import Store

SOURCE_KIND = "folder"
SUFFIXES = (".json", ".jsonl", ".ndjson", ".log", ".json.gz", ".jsonl.gz", ".ndjson.gz", ".log.gz")

_CONTAINER = "insights-logs-"
_OUR_CONTAINER = "insights-logs-nsp"
_HOUR = re.compile(r"[/\\]y=(\d+)[/\\]m=(\d+)[/\\]d=(\d+)(?:[/\\]h=(\d+))?")


def plan(store: Store, path: Path) -> Plan:
    """Return what is new below a folder (or in one file), in the order of the hours in the paths.

    Reads: load_ledger.

    Raises:
        SourceError: the path isn't there or can't be listed.
    """
    try:
        root = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        hint = "Give the folder that holds the insights-logs-* folders, or one file."
        raise SourceError(f"{path} isn't there or can't be read ({error}). {hint}") from error
    files: dict[str, tuple[str, os.stat_result]] = {}
    found = Plan()
    for where, stat in _files(root, found.unreadable):
        files[_printable(where)] = (where, stat)  # once, though links may lead here as well
    contents = {name: FileContent(Path(where)) for name, (where, _) in files.items()}
    listed = (
        Listed(name, _state(files[name][1]), contents[name]) for name in sorted(files, key=_loading_order)
    )  # fmt: skip
    return compare(store, SOURCE_KIND, SOURCE_KIND, listed, found, Copies(store, SOURCE_KIND, contents).of)


def nothing_in(path: Path) -> str:
    """Say that a folder holds no log files, and what such are."""
    return (
        f"no log files were found in {path}: names that end with {', '.join(SUFFIXES)}, and of containers those named "
        f"{_OUR_CONTAINER}*; links to folders aren't followed"
    )


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file on disk."""

    path: Path

    def begin(self, start: int) -> int:  # noqa: ARG002 -- as Content has it
        """Do nothing: reading a file needs no head start."""
        return 0

    def open(self, start: int) -> BinaryIO:  # noqa: ARG002
        """Open the file."""
        return self.path.open("rb", buffering=0)

    def release(self) -> None:
        """Do nothing."""

    def renewed(self) -> tuple["FileContent", State]:
        """Return its state of now."""
        return self, _state(self.path.stat())


def _state(stat: os.stat_result) -> State:
    return State(f"{stat.st_mtime_ns}-{stat.st_ctime_ns}-{stat.st_ino}-{stat.st_size}", stat.st_size)


def _printable(where: str) -> str:
    """Return a path as text that every store takes: bytes that are no UTF-8 show as backslashes."""
    return os.fsencode(where).decode("utf-8", "backslashreplace")


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
