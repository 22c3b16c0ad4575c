"""One nightly: the steps in order, under a lock, with a record of what each did."""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import NspError
from pipeline.nightly import changes, kept, notify
from pipeline.nightly.lock import holder, locked
from pipeline.nightly.steps import Night, Step, check, steps_of
from pipeline.recommend import difference
from pipeline.recommend.association import Tolerance
from pipeline.recommend.policy import Limits
from pipeline.redaction import redacted
from pipeline.settings import Settings

DONE, ATTENTION, PARTIAL, FAILED, SKIPPED = "done", "attention", "partial", "failed", "skipped"
SEVERITY = (1, 2, 4, 5, 3, 0)
"""Exit codes, the gravest first: of several, a night ends with that."""
_STATUS = {0: DONE, 3: ATTENTION, 5: PARTIAL}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step.

    Args:
        name: of the step.
        status: done, attention, partial, failed or skipped.
        seconds: that it took.
        counts: how many of what.
        error: why it failed or was skipped, or what is to be known.
        code: exit code that it calls for.
    """

    name: str
    status: str
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    code: int = 0


class Watcher(Protocol):
    """Is told how far a nightly is."""

    def begun(self, step: str) -> None:
        """A step begins; one that is skipped doesn't."""

    def ended(self, outcome: Outcome) -> None:
        """A step has ended, or was skipped."""


class Unwatched:
    """A watcher that does nothing."""

    def begun(self, step: str) -> None:
        """Do nothing."""

    def ended(self, outcome: Outcome) -> None:
        """Do nothing."""


def nightly(
    settings: Settings, limits: Limits, tolerance: Tolerance, run: str, watcher: Watcher | None = None
) -> dict[str, Any]:
    """Run all steps; return the run as it was added to the record.

    A step that fails leaves the others be, but for those that can't do without it.

    Args:
        settings: what to load, from where, and whom to tell.
        limits: what bounds proposals.
        tolerance: of the lights.
        run: id of the run, which no other run of the store has.
        watcher: is told of each step.

    Raises:
        UsageError: no logs are named, or the settings of telling can't be read.
        NightlyRunningError: another nightly runs.
        StoreError: the store's folder or the record can't be written.
    """
    check(settings)
    command = notify.words_of(settings.notify_command) if settings.notify_command else []
    webhook = notify.webhook_of(settings.webhook_env, settings.webhook_file, os.environ)
    started = _now()
    watching = watcher or Unwatched()
    folder = settings.store
    with locked(folder, run, started) as lock:
        _note_interrupted(folder)
        lock.at("begin")
        night = _night(settings, limits, tolerance, run)
        outcomes: list[Outcome] = []
        entry: dict[str, Any] = {"id": run, "started": started, "ended": None, "exit_code": 1, "steps": []}

        def take(name: str, action: Callable[[], Outcome]) -> None:
            lock.at(name)
            try:
                outcomes.append(_timed(name, action))
            except BaseException as error:  # somebody stops it: it goes on upwards
                outcomes.append(Outcome(name, FAILED, error=f"it was stopped by {type(error).__name__}", code=1))
                entry["exit_code"] = 1
                raise
            watching.ended(outcomes[-1])

        try:
            for step in steps_of(settings):
                take(step.name, partial(_step, step, night, outcomes, watching))
            entry["changes"] = _changes(night)
            entry["exit_code"] = _code(outcomes)
            if night.found is not None:
                entry["found"] = str(kept.found_by(folder, run).relative_to(folder))
            if command or webhook:
                entry["steps"] = [asdict(each) for each in outcomes]
                take("notify", lambda: _notify(settings, command, webhook, entry, watching))
                entry["exit_code"] = _code(outcomes)
        finally:
            entry |= {"ended": _now(), "steps": [asdict(each) for each in outcomes]}
            kept.add_run(folder, entry)
            lock.forget()
            kept.forget_old(folder, kept.entries(folder))
    return entry


def _night(settings: Settings, limits: Limits, tolerance: Tolerance, run: str) -> Night:
    """Return the night, with what the last one found, where that can be read."""
    night = Night(settings, limits, tolerance, run)
    for entry in reversed(kept.entries(settings.store)):
        if "found" in entry:
            night.last = entry["id"]
            try:
                night.earlier = difference.read(kept.found_by(settings.store, night.last))
            except NspError:  # of another version, or removed: then nothing is known to be new
                night.earlier = None
            break
    if night.last:
        night.verified_before = _findings(kept.verified_by(settings.store, night.last))
    return night


def _findings(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["findings"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [each for each in found if isinstance(each, dict)]


def _step(step: Step, night: Night, before: list[Outcome], watcher: Watcher) -> Outcome:
    if any(each.name == step.needs and each.status in {FAILED, SKIPPED} for each in before):
        return Outcome(step.name, SKIPPED, error=f"{step.needs} has nothing for it")
    if reason := step.skipped(night):
        return Outcome(step.name, SKIPPED, error=reason)
    watcher.begun(step.name)
    done = step.action(night)
    return Outcome(step.name, _STATUS[done.code], counts=done.counts, error=done.note, code=done.code)


def _timed(name: str, action: Callable[[], Outcome]) -> Outcome:
    """Take a step; an error is its outcome, and keeps its traceback in the log where nobody thought of it."""
    begun = time.monotonic()
    try:
        found = action()
    except (NspError, OSError) as error:
        code = error.exit_code if isinstance(error, NspError) else 1
        found = Outcome(name, FAILED, error=redacted(str(error)), code=code)
    except Exception as error:  # those who are told of a night must be told of this one
        logging.getLogger(__name__).exception("the step %s failed", name)
        found = Outcome(name, FAILED, error=redacted(f"it was stopped by {type(error).__name__}: {error}"), code=1)
    return Outcome(
        found.name, found.status, round(time.monotonic() - begun, 2), found.counts, found.error, found.code
    )  # fmt: skip


def _changes(night: Night) -> dict[str, Any]:
    now = difference.run_of(night.found) if night.found is not None else None
    return changes.changes(night.earlier, now, night.verified_before, night.verified)


def _notify(settings: Settings, command: list[str], webhook: str, entry: dict[str, Any], watcher: Watcher) -> Outcome:
    failed = [
        {"name": each["name"], "error": each["error"]} for each in entry["steps"] if each["status"] in {FAILED, PARTIAL}
    ]
    if not (failed or settings.notify_always or changes.are_any(entry["changes"])):
        return Outcome("notify", SKIPPED, error="there is nothing to tell")
    watcher.begun("notify")
    text = f"nsp nightly: {changes.sentence(entry['changes'])}"
    text += f"; failed: {', '.join(each['name'] for each in failed)}" if failed else ""
    content = {
        "schema_version": kept.SCHEMA_VERSION,
        "text": text,
        "run": entry["id"],
        "started": entry["started"],
        "exit_code": entry["exit_code"],
        "failed_steps": failed,
        "changes": entry["changes"],
    }
    if command:
        notify.run_command(command, content, settings.notify_seconds)
    if webhook:
        notify.post(webhook, content, settings.notify_seconds)
    return Outcome("notify", DONE, counts={"told": bool(command) + bool(webhook)})


def _note_interrupted(folder: Path) -> None:
    """Put a run that never came to an end into the record."""
    told = holder(folder)
    if told and told.get("id") not in {entry["id"] for entry in kept.entries(folder)}:
        error = "it was killed, or the machine went down; what was committed stays"
        step = Outcome(str(told.get("step")), FAILED, error=error, code=1)
        interrupted = {"id": told.get("id"), "started": told.get("started"), "ended": None, "exit_code": None}
        kept.add_run(folder, interrupted | {"steps": [asdict(step)], "interrupted": True})


def _code(outcomes: list[Outcome]) -> int:
    return min((each.code for each in outcomes), key=SEVERITY.index, default=0)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
