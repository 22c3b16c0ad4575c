"""Applies access rules: notes what is there, then writes step by step, and stops at the first that fails.

The same writes roll back. A run that ends anywhere, by kill -9 or a cut line, leaves a record from which the next one
knows what was done, and a rollback file that leads back to before.
"""

import shlex
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.azure.resource_manager import ResourceManager
from pipeline.errors import HalfwayError, NspError
from pipeline.progress import each_of
from pipeline.publish import content, live, plan, record, rollback_file
from pipeline.publish.live import Live, LiveRule
from pipeline.publish.merge import Finding, Key
from pipeline.publish.plan import Choices, Plan, difference, listed
from pipeline.publish.record import RULES, Record, Writer
from pipeline.publish.rollback_file import RollbackFile, State
from pipeline.publish.steps import Step
from pipeline.publish.write import StoppedError, Write, carry_out
from pipeline.recommend.access_rule import AccessRule
from pipeline.recommend.scope import Scope


@dataclass(frozen=True, slots=True)
class Run:
    """Who writes what, and why.

    Args:
        by: who runs it, as far as the machine knows.
        at: when it began, UTC.
        source: which rules or what command.
        prediction: what was expected of it; see pipeline.publish.prediction.
        clock: tells the time, UTC.
        told: is told of each write that is done.
    """

    by: str
    at: datetime
    source: str
    prediction: Mapping[str, Any]
    clock: Callable[[], datetime]
    told: Callable[[str], object] = lambda _: None

    @property
    def created(self) -> str:
        """When it began, as texts have it."""
        return self.at.isoformat(timespec="seconds") + "Z"

    @property
    def now(self) -> str:
        """What time it is, as texts have it."""
        return self.clock().isoformat() + "Z"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did.

    Args:
        steps: that were planned, in words and in order.
        done: how many of them are done.
        rollback: the file that leads back; None where nothing was to be done.
        error: why it stopped; None where it didn't.
    """

    steps: tuple[str, ...]
    done: int
    rollback: Path | None = None
    error: NspError | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as a JSON object."""
        return {
            "done": list(self.steps[: self.done]),
            "not_done": list(self.steps[self.done :]),
            "rollback": str(self.rollback) if self.rollback else None,
            "error": str(self.error) if self.error else None,
        }


@dataclass(frozen=True, slots=True)
class Job:
    """One object to write, with what the record and the rollback file are to hold of it.

    Args:
        write: the write.
        words: what it does.
        noted: fields of its lines in the record.
        along: what it leaves, for the rollback file.
    """

    write: Write
    words: str
    noted: Mapping[str, Any]
    along: Any


def plan_now(
    manager: ResourceManager, folder: Path, accepted: Collection[AccessRule], scope: Scope, choices: Choices
) -> tuple[Plan, Live]:
    """Read what is in force and plan what leads from there to what is accepted.

    Args:
        manager: connected.
        folder: of the store, where the record lies.
        accepted: all rules that are to be in force.
        scope: perimeter and profile to plan for.
        choices: what was allowed.

    Raises:
        PublishError: the record can't be read.
        AzureError: what is in force can't be read.
    """
    entries = Record(folder).entries()
    found = live.read(manager, plan.places(accepted, entries, scope))
    return plan.make(found, entries, accepted, scope, choices), found


def apply_now(
    manager: ResourceManager,
    folder: Path,
    accepted: Collection[AccessRule],
    scope: Scope,
    choices: Choices,
    run: Run,
) -> tuple[Plan, Outcome]:
    """Plan as `plan_now`, and carry that out where no problem stands against it; nobody else applies meanwhile.

    Raises:
        PublishError: another process applies, or the record or the rollback file can't be written.
        AzureError: what is in force can't be read.
    """
    with Record(folder).writing() as writer:
        made, found = plan_now(manager, folder, accepted, scope, choices)
        if made.problems:
            return made, Outcome((), 0)
        return made, apply(manager, writer, made, found.rules, run)


def apply(
    manager: ResourceManager, writer: Writer, made: Plan, rules: Mapping[Key, LiveRule], run: Run
) -> Outcome:  # fmt: skip
    """Carry out a plan.

    Args:
        manager: connected.
        writer: the open record, beside which the rollback file goes.
        made: the plan, without problems.
        rules: those in force when it was made.
        run: who and why.

    Raises:
        PublishError: the rollback file or the record can't be written.
    """
    for each in made.of(Finding.GONE):
        if each.last is not None:  # whoever makes a rule of that name from now on is somebody else
            writer.add(event="gone", kind=RULES, rule=each.key, at=run.created)
    if made.begun and not made.steps:
        writer.add(event="end", kind=RULES, run="", at=run.created)  # what was cut short left nothing to do
    jobs = [_job(step, made.ids[step.key]) for step in made.steps]
    states = states_of(made.steps, made.ids, {key: rule.item for key, rule in rules.items()})
    return carry_out_all(manager, writer, RULES, jobs, states, run)


def states_of(
    steps: Sequence[Step], ids: Mapping[Key, str], items: Mapping[Key, Mapping[str, Any]]
) -> tuple[State, ...]:  # fmt: skip
    """Return how everything is that some steps touch, and how it will be."""
    along: dict[Key, list[Any]] = {}
    for step in steps:
        along.setdefault(step.key, []).append(record.as_json(step.after))
    return tuple(State(ids[key], items.get(key), tuple(some)) for key, some in along.items())


def _job(step: Step, identity: str) -> Job:
    after = record.as_json(step.after)
    write = Write(
        path=identity,
        what=f"The rule {name_of(identity)}",
        before=step.before,
        after=step.after,
        item=None if after is None else {"properties": after},
        state=content.of_item,
    )
    noted = {"rule": step.key, "action": step.word, "before": record.as_json(step.before), "after": after}
    return Job(write, words(step, identity), noted, after)


def carry_out_all(
    manager: ResourceManager,
    writer: Writer,
    kind: str,
    jobs: Sequence[Job],
    states: tuple[State, ...],
    run: Run,
) -> Outcome:
    """Carry out writes one after the other, up to the first that fails.

    Args:
        manager: connected.
        writer: the open record.
        kind: of what is written.
        jobs: in order.
        states: how it all was, for the rollback file.
        run: who and why.

    Raises:
        PublishError: the rollback file or the record can't be written.
    """
    steps = tuple(job.words for job in jobs)
    if not jobs:
        return Outcome((), 0)
    identity = uuid.uuid4().hex[:8]
    kept = RollbackFile(kind, identity, run.created, run.by, states, steps)
    path = rollback_file.write(writer.path.parent, kept)
    writer.add(
        event="begin", kind=kind, run=identity, at=run.created, by=run.by, source=run.source, steps=len(jobs),
        rollback=str(path.relative_to(writer.path.parent)), prediction=run.prediction,
    )  # fmt: skip
    for number, job in enumerate(each_of(jobs, "writing", "steps")):
        noted = {"kind": kind, "run": identity, "number": number + 1, **job.noted}
        writer.add(event="step", at=run.now, **noted)
        try:
            found = carry_out(manager, job.write)
        except StoppedError as stopped:
            told_as = "refused" if stopped.nothing_done else "failed"
            writer.add(event=told_as, at=run.now, why=str(stopped.why), **noted)
            return Outcome(steps, number, path, _halfway(stopped, number, steps, path))
        etag = found.etag if found else ""
        writer.add(event="done", at=run.now, etag=etag, modified=_modified(found.item if found else {}), **noted)
        run.told(job.words)
    writer.add(event="end", kind=kind, run=identity, at=run.now)
    return Outcome(steps, len(jobs), path)


def _halfway(stopped: StoppedError, done: int, steps: Sequence[str], path: Path) -> NspError:
    """Return the error to tell, which says what is done and what isn't."""
    if not done and stopped.nothing_done:
        return stopped.why
    last = "is not done" if stopped.nothing_done else "may be done or not: nobody answered"
    return HalfwayError(
        f"{stopped.why} {done:,} of {len(steps):,} steps are done; step {done + 1} ({steps[done]}) {last}, those after "
        f"it are not. Run the command again to go on, or go back: nsp rollback {shlex.quote(str(path))}"
    )


def _modified(item: Mapping[str, Any]) -> str:
    """Return when an object was last modified, as Azure says it; empty where it doesn't."""
    told = item.get("systemData")
    moment = told.get("lastModifiedAt") if isinstance(told, dict) else None
    return moment if isinstance(moment, str) else ""


def words(step: Step, identity: str) -> str:
    """Return what a step does, in words."""
    added, removed = difference(step.before, step.after)
    side = (step.after or step.before or content.of_properties({})).side
    changes = [f"+ {listed(added)}"] if added else []
    changes += [f"- {listed(removed)}"] if removed else []
    return f"{step.word} {name_of(identity)} ({side}): {' '.join(changes)}"


def name_of(identity: str) -> str:
    """Return profile and name of a rule, or perimeter and name of an association, going by its id."""
    parts = identity.split("/")
    return f"{parts[-3]}/{parts[-1]}"
