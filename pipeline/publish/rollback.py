"""Rolls a run back: brings what it touched into the state before, and refuses where somebody else had a hand in it."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.azure.resource_manager import ResourceManager
from pipeline.errors import InventoryError, MeanwhileError, PublishError
from pipeline.inventory import items
from pipeline.publish import apply, content, live
from pipeline.publish.apply import Outcome, Run
from pipeline.publish.live import Live
from pipeline.publish.merge import Finding, Key, Merged
from pipeline.publish.plan import Choices, Plan, listed
from pipeline.publish.record import Record, of_json
from pipeline.publish.rollback_file import RollbackFile, State
from pipeline.publish.steps import Target, excesses, ordered
from pipeline.recommend.access_rule import NAME, PERIMETER


@dataclass(frozen=True, slots=True)
class Way:
    """How to get back.

    Args:
        plan: the writes.
        live: what is in force.
    """

    plan: Plan
    live: Live


def way_back(manager: ResourceManager, kept: RollbackFile, choices: Choices) -> Way:
    """Plan the way back to before a run that applied rules.

    Args:
        manager: connected.
        kept: the run's file.
        choices: with accept_drift, what somebody changed since is overwritten.

    Raises:
        PublishError: the file names something that isn't an access rule.
        MeanwhileError: somebody changed what the run touched.
        AzureError: what is in force can't be read.
    """
    states = {_key(each): each for each in kept.states}
    found = live.read(manager, {(key[0], key[1]) for key in states})
    now = found.contents
    before = {key: None if each.before is None else content.of_item(each.before) for key, each in states.items()}
    changed = [
        states[key].id
        for key in states
        if now.get(key) not in (before[key], *(of_json(each) for each in states[key].along))
    ]
    if changed and not choices.accept_drift:
        names = listed([apply.name_of(each) for each in changed])
        raise MeanwhileError(
            f"Somebody changed since: {names}. Nothing was rolled back. --accept-drift overwrites that as well."
        )
    targets = [Target(key, now.get(key), before[key]) for key in states]
    steps = ordered(targets, narrow_first=choices.narrow_first)
    problems = [
        f"Going back would need {each.count:,} elements of {each.side[1]} at once, where {each.limit:,} are allowed. "
        "--narrow-first closes before it opens."
        for each in excesses(now, steps, choices.limit)
    ]
    ids = {key: each.id for key, each in states.items()} | {key: found.rules[key].id for key in states if key in now}
    merged = tuple(_merged(target) for target in targets)
    return Way(Plan(merged, () if problems else steps, tuple(problems), ids), found)


def _merged(target: Target) -> Merged:
    word = (
        Finding.IN_PLACE
        if target.before == target.after
        else Finding.CREATE
        if target.before is None
        else Finding.REMOVE
        if target.after is None
        else Finding.CHANGE
    )
    return Merged(target.key, word, target.before, None, target.after)


def roll_back_now(
    manager: ResourceManager, folder: Path, kept: RollbackFile, choices: Choices, run: Run
) -> tuple[Plan, Outcome]:
    """Plan the way back as `way_back`, and go it where no problem stands against it; nobody else applies meanwhile.

    Args:
        manager: connected.
        folder: of the store, where the record lies.
        kept: the file of the run that is rolled back.
        choices: what was allowed.
        run: who and why.

    Raises:
        PublishError: another process applies, the file is of something else, or a file can't be written.
        MeanwhileError: somebody changed what the run touched.
        AzureError: what is in force can't be read.
    """
    with Record(folder).writing() as writer:
        way = way_back(manager, kept, choices)
        if way.plan.problems:
            return way.plan, Outcome((), 0)
        return way.plan, apply.apply(manager, writer, way.plan, way.live.rules, run)


def _key(state: State) -> Key:
    """Return the rule that a state is of.

    Raises:
        PublishError: it is of none.
    """
    parts = state.id.lower().split("/")
    try:
        perimeter = items.perimeter_of({"id": state.id})
    except InventoryError as error:
        raise PublishError(str(error)) from None
    is_rule = parts[-4:-3] == ["profiles"] and parts[-2] == "accessrules" and "/".join(parts[:-4]) == perimeter
    if not is_rule or not PERIMETER.fullmatch(perimeter) or not all(map(NAME.fullmatch, (parts[-3], parts[-1]))):
        raise PublishError(f"{state.id} is no id of an access rule.")
    return perimeter, parts[-3], parts[-1]
