"""What this tool did to Azure: an append-only file, one JSON object a line, beside the decisions.

Each write is noted before it is sent and again when it is done, and each line is on the disk before anything else
happens. So a process may end anywhere: what a write that was noted and not finished has left is found by looking. Of
what a last line that was cut short would tell, nothing had been sent yet.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import PublishError
from pipeline.publish import content
from pipeline.publish.content import Content
from pipeline.publish.merge import Key

RECORD = "applied.jsonl"
VERSION = 1
RULES, MODE = "access-rules", "access-mode"

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModeChange:
    """An access mode that this tool set.

    Args:
        association: ARM id, lower case.
        resource: ARM id, lower case.
        profile: ARM id of the profile, lower case.
        mode: Enforced or Learning.
        at: when, UTC.
        prediction: what was expected to happen then.
    """

    association: str
    resource: str
    profile: str
    mode: str
    at: datetime
    prediction: Mapping[str, Any] = field(default_factory=dict)


class Record:
    """The record of a store; reading needs no lock, since lines are only ever added.

    Args:
        folder: of the store.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORD

    def entries(self) -> list[Entry]:
        """Return all lines, oldest first.

        Raises:
            PublishError: the file can't be read, or a line in it isn't ours.
        """
        try:
            lines = self.path.read_bytes().split(b"\n")[:-1]  # what has no line feed was cut short
        except FileNotFoundError:
            return []
        except OSError as error:
            raise PublishError(f"{self.path} can't be read: {error.strerror}.") from error
        found = []
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                if entry["version"] != VERSION:
                    raise ValueError  # noqa: TRY301 -- one message for all
                found.append(entry)
            except (ValueError, KeyError, TypeError, RecursionError):
                raise PublishError(
                    f"Line {number} of {self.path} isn't what nsp wrote. Put the file back from a backup; without it "
                    "nsp doesn't know which rules are its own, and takes all for foreign."
                ) from None
        return found

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Have the record open for adding; nobody else can meanwhile.

        Raises:
            PublishError: another process writes it, or it can't be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise PublishError(f"{self.path} can't be written: {error.strerror}.") from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise PublishError(f"Another nsp is applying ({self.path} is locked). Wait for its end.") from None
            if is_new:
                sync_folder(self.path.parent)
            _cut_torn_line(handle)
            yield Writer(handle, self.path)
        finally:
            os.close(handle)


@dataclass(frozen=True, slots=True)
class Writer:
    """An open record."""

    handle: int
    path: Path

    def add(self, **entry: Any) -> None:
        """Add a line, and return when it is on the disk.

        Raises:
            PublishError: it can't be written.
        """
        line = json.dumps({"version": VERSION, **entry}, default=str).encode() + b"\n"
        try:
            if os.write(self.handle, line) != len(line):
                raise PublishError(f"{self.path} can't be written to its end: is the disk full?")
            os.fsync(self.handle)
        except OSError as error:
            raise PublishError(f"{self.path} can't be written: {error.strerror}.") from error


def _cut_torn_line(handle: int) -> None:
    size = os.fstat(handle).st_size
    kept = size
    while kept and os.pread(handle, 1, kept - 1) != b"\n":
        kept -= 1
    if kept < size:
        os.ftruncate(handle, kept)
        os.fsync(handle)


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def as_json(kept: Content | None) -> Any:
    """Return what a rule admits as JSON; None for no rule."""
    return None if kept is None else dict(kept.properties)


def of_json(kept: Any) -> Content | None:
    """Return what a rule admits from JSON."""
    return content.of_properties(kept) if isinstance(kept, dict) else None


def last_applied(entries: list[Entry], live: Mapping[Key, Content]) -> dict[Key, Content]:
    """Return the rules that this tool applied last and didn't remove, as it left them.

    Of a write that was noted and not finished nobody knows whether it was done: what is in force tells. Where it tells
    neither, somebody else had a hand in it, and a rule that this tool may never have made isn't its own.

    Args:
        entries: of the record.
        live: the rules in force.
    """
    # rule -> what it may be; one state is certain, None is none of ours
    states: dict[Key, list[Content | None]] = {}
    before: dict[Key, list[Content | None]] = {}
    for entry in entries:
        if entry.get("kind") != RULES or "rule" not in entry:
            continue
        key = _key(entry["rule"])
        if entry["event"] == "step":
            before[key] = states.get(key, [None])
            states[key] = [of_json(entry["after"]), *before[key]]
        elif entry["event"] == "done":
            states[key] = states[key][:1]
        elif entry["event"] == "refused":
            states[key] = before[key]
        elif entry["event"] == "gone":
            states[key] = [None]
    found = {}
    for key, options in states.items():
        now = live.get(key)
        kept = now if now in options else None if None in options else options[0]
        if kept is not None:
            found[key] = kept
    return found


def mode_changes(entries: list[Entry]) -> list[ModeChange]:
    """Return the access modes that this tool set and saw set, oldest first."""
    noted: dict[tuple[str, str], Entry] = {}
    found = []
    for entry in entries:
        if entry.get("kind") != MODE or "association" not in entry:
            continue
        key = entry["run"], entry["association"]
        if entry["event"] == "step":
            noted[key] = entry
        elif entry["event"] == "done" and key in noted:
            step = noted[key]
            found.append(
                ModeChange(
                    step["association"], step["resource"], step["profile"], step["after"],
                    moment(entry), step.get("prediction") or {},
                )
            )  # fmt: skip
    return found


def moment(entry: Entry) -> datetime:
    """Return when a line was written, UTC."""
    return datetime.fromisoformat(entry["at"].removesuffix("Z"))


def unfinished(entries: list[Entry]) -> list[Entry]:
    """Return the beginnings of runs applying rules that never came to an end, since the last one that did."""
    begun: dict[str, Entry] = {}
    for entry in entries:
        if entry.get("kind") != RULES:
            continue
        if entry["event"] == "begin":
            begun[entry["run"]] = entry
        elif entry["event"] == "end":
            begun.clear()  # it began with what those before had left
    return list(begun.values())


def _key(rule: list[str]) -> Key:
    return rule[0], rule[1], rule[2]
