"""The file with which an apply can be undone: how all was that it touches, written before it touches anything."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import PublishError
from pipeline.publish.record import MODE, RULES, sync_folder

FOLDER = "rollback"
VERSION = 1


@dataclass(frozen=True, slots=True)
class State:
    """One object that a run touches.

    Args:
        id: ARM id.
        before: what Resource Manager gave of it before; None where it wasn't there.
        along: what it holds after each write that is planned: properties of a rule, the mode of an association; None
            for deleted.
    """

    id: str
    before: Mapping[str, Any] | None
    along: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RollbackFile:
    """What a run touches.

    Args:
        kind: access-rules or access-mode.
        run: id of the run.
        created: UTC, with a Z.
        by: who ran it.
        states: of what it touches.
        plan: the writes in words, for people.
    """

    kind: str
    run: str
    created: str
    by: str
    states: tuple[State, ...]
    plan: tuple[str, ...] = field(default=())


def write(folder: Path, kept: RollbackFile) -> Path:
    """Write a file, and return its path when it is on the disk.

    Raises:
        PublishError: it can't be written.
    """
    made = {
        "version": VERSION,
        "kind": kept.kind,
        "run": kept.run,
        "created": kept.created,
        "by": kept.by,
        "plan": list(kept.plan),
        "states": [{"id": each.id, "before": each.before, "along": list(each.along)} for each in kept.states],
    }
    path = folder / FOLDER / f"{kept.created.replace(':', '').replace('-', '')}-{kept.run}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("x", encoding="utf-8") as file:
            part.chmod(0o600)  # it names who made the rules
            file.write(json.dumps(made, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        sync_folder(path.parent)
        sync_folder(folder)
    except OSError as error:
        raise PublishError(f"{path} can't be written ({error.strerror}), so nothing was applied.") from error
    return path


def read(path: Path) -> RollbackFile:
    """Read a file.

    Raises:
        PublishError: it can't be read, or isn't one.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["version"] != VERSION or found["kind"] not in {RULES, MODE}:
            raise ValueError  # noqa: TRY301 -- one message for all
        kind, run, created, by = (_text(found[name]) for name in ("kind", "run", "created", "by"))
        return RollbackFile(kind, run, created, by, tuple(_state(each) for each in found["states"]))
    except OSError as error:
        raise PublishError(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PublishError(f"{path} is no rollback file of nsp; those lie in {FOLDER}/ of the store.") from None


def _state(found: Mapping[str, Any]) -> State:
    before, along = found["before"], found["along"]
    if not isinstance(before, dict | None) or not isinstance(along, list):
        raise TypeError
    if before is not None and not isinstance(before["properties"], dict):
        raise TypeError
    return State(_text(found["id"]), before, tuple(along))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
