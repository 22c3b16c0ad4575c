"""Changes the access mode of single associations: Learning -> Enforced behind the readiness gate, and back.

Nothing but the mode changes: the rest of what is sent is what Azure says of the association.
Source of the shape, and that the change is a long-running operation: azure-rest-api-specs,
networkSecurityPerimeter.json, 2025-05-01, NetworkSecurityPerimeterAssociations_CreateOrUpdate.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.azure.resource_manager import ResourceManager
from pipeline.errors import InventoryError, MeanwhileError, PublishError, UsageError
from pipeline.inventory import items
from pipeline.inventory.document import Item
from pipeline.inventory.rules import ProfileKey
from pipeline.publish import apply, live
from pipeline.publish.apply import Job, Outcome, Run, name_of
from pipeline.publish.mode import Mode
from pipeline.publish.plan import Choices, listed
from pipeline.publish.record import MODE, Record, Writer
from pipeline.publish.rollback_file import RollbackFile, State
from pipeline.publish.write import Write
from pipeline.recommend.access_rule import PERIMETER
from pipeline.recommend.run import Recommendation
from pipeline.store import Store

_READ_ONLY = frozenset({"provisioningState", "hasProvisioningIssues"})
_ENVELOPE = frozenset({"id", "name", "type", "etag", "systemData"})


@dataclass(frozen=True, slots=True)
class Association:
    """An association in Azure.

    Args:
        id: ARM id, as Azure spells it.
        resource: ARM id, lower case.
        profile: ARM id of its perimeter, and name of its profile, lower case.
        mode: as Azure says it.
        item: all of it.
    """

    id: str
    resource: str
    profile: ProfileKey
    mode: str
    item: Item

    @property
    def state(self) -> tuple[str, str, str]:
        """What must not have changed between looking and writing: mode, profile and resource."""
        return _state(self.item)


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether an association may be enforced.

    Args:
        association: which.
        reasons: a sentence for each of what speaks against it.
        prediction: what is expected of enforcing it.
    """

    association: Association
    reasons: tuple[str, ...]
    prediction: Mapping[str, Any]

    def is_so(self, mode: Mode) -> bool:
        """Whether the association has that mode already."""
        return self.association.mode.lower() == mode.lower()

    def as_json(self, mode: Mode) -> dict[str, Any]:
        """Return the judgement as a JSON object."""
        return {
            "id": self.association.id,
            "resource": self.association.resource,
            "access_mode": self.association.mode,
            "wanted": mode.value,
            "ready": not self.reasons,
            "reasons": list(self.reasons),
            "prediction": self.prediction,
        }


def known(store: Store, words: Collection[str], perimeter: str | None) -> list[tuple[str, str]]:
    """Return (perimeter, resource) of the associations that some words name, going by the inventory.

    Args:
        store: the warehouse.
        words: names of associations or of resources, or ARM ids of resources.
        perimeter: name or ARM id; None for any.

    Raises:
        UsageError: a word names none, or several.
    """
    rows = [
        row
        for row in store.rows("inventory/associations")
        if perimeter is None or perimeter.lower() in (row[0], row[0].rsplit("/", 1)[-1])
    ]
    found: list[tuple[str, str]] = []
    for word in words:
        text = word.strip().rstrip("/").lower()
        mine = {(row[0], row[3]) for row in rows if text in (row[3], row[2].lower(), row[3].rsplit("/", 1)[-1])}
        if len(mine) != 1:
            names = listed(sorted(resource for _, resource in mine) if mine else sorted({row[2] for row in rows}))
            what = "Several resources are" if mine else "No associated resource is"
            raise UsageError(
                f"{what} named {word!r}. {'Give the ARM id' if mine else 'Known'}: {names or 'none'}. "
                "The inventory tells: nsp inventory show associations."
            )
        found += mine
    return list(dict.fromkeys(found))


def read(manager: ResourceManager, wanted: Collection[tuple[str, str]]) -> list[Association]:
    """Read associations as they are in Azure.

    Args:
        manager: connected.
        wanted: (perimeter, resource).

    Raises:
        AzureError: they can't be read.
        PublishError: one isn't there any more.
    """
    perimeters = sorted({perimeter for perimeter, _ in wanted})
    found = {(perimeter, each.resource): each for perimeter in perimeters for each in all_of(manager, perimeter)}
    for perimeter, resource in wanted:
        if (perimeter, resource) not in found:
            raise PublishError(
                f"{resource} isn't associated with {perimeter} any more. Take a new inventory: nsp inventory pull."
            )
    return [found[key] for key in wanted]


def all_of(manager: ResourceManager, perimeter: str) -> list[Association]:
    """Return all associations of a perimeter as they are in Azure.

    Raises:
        AzureError: they can't be read.
        PublishError: one holds something unexpected.
    """
    return [_association(item) for item in live.associations(manager, perimeter)]


def _association(item: Item) -> Association:
    try:
        row = items.association(item)
        items.object_in(item, "properties")
    except InventoryError as error:
        raise PublishError(str(error)) from None
    return Association(str(item["id"]), row[3], (row[0], row[1].lower()), row[4] or "", item)


def gate(
    store: Store, association: Association, found: Recommendation, rules: live.Live, outdated: Sequence[str] = ()
) -> Gate:
    """Judge whether an association may be enforced.

    It may where nothing speaks against it: neither its own callers, days and open proposals, nor the logs of its
    profile (window, switched-off categories), nor who would be denied by the rules that are in force now.

    Args:
        store: the warehouse; read-only will do.
        association: which.
        found: a run of the recommender over its profile.
        rules: those in force in its profile, as Azure tells them.
        outdated: what speaks against judging by the inventory of its perimeter.
    """
    from pipeline.publish.prediction import losses, predict

    ready = [each for each in found.readiness if (each.perimeter, each.profile.lower()) == association.profile]
    steps = [each for one in ready for each in one.steps if each.association.resource == association.resource]
    reasons = [*outdated, *(reason for one in ready for reason in one.shared)]
    reasons += [reason for step in steps for reason in step.reasons]
    if items.association(association.item)[7]:
        reasons.append("Azure reports provisioning issues of the association (nsp inventory show issues)")
    if not steps:
        reasons.append("neither the inventory nor the logs of this store know it in this profile")
    mine = {key: each for key, each in rules.contents.items() if key[:2] == association.profile}
    lost = [
        row
        for row in losses(store, mine, {association.profile}).to_dicts()
        # where the log names no resource, it may be any of the profile
        if any(not each or each == association.resource for each in row["resources"])
    ]
    if lost:
        count = sum(row["requests"] for row in lost)
        names = listed([str(row["caller"] or "unnamed") for row in lost])
        reasons.append(
            f"with the rules in force now, {count:,} requests of {len(lost):,} callers or destinations that succeed "
            f"would be denied: {names}; see nsp apply, nsp whatif --rules in-force"
        )
    expected = predict(store, found, mine, {association.profile})
    told = [step.as_json() for step in steps]
    return Gate(association, tuple(dict.fromkeys(reasons)), {**expected, "association": told[0] if told else None})


def change(
    manager: ResourceManager, folder: Path, gates: Sequence[Gate], mode: Mode, run: Run, override: str = ""
) -> Outcome:
    """Set the mode of associations, one after the other, up to the first that fails.

    Args:
        manager: connected.
        folder: of the store, where the record lies.
        gates: of the associations; those that have the mode already are left alone.
        mode: to set.
        run: who and why.
        override: why it is enforced although something speaks against it; goes into the record.

    Raises:
        PublishError: something speaks against enforcing and there is no override, or a file can't be written.
    """
    open_ones = [each for each in gates if not each.is_so(mode)]
    closed = [each for each in open_ones if each.reasons]
    if mode is Mode.ENFORCED and closed and not override.strip():
        names = listed([name_of(each.association.id) for each in closed])
        raise PublishError(f"Not ready to be enforced: {names}. --override REASON enforces all the same.")
    with Record(folder).writing() as writer:
        _note_those_done(writer, folder, gates)
        jobs = [_job(each, mode.value, override) for each in open_ones]
        states = tuple(State(each.association.id, each.association.item, (mode.value,)) for each in open_ones)
        return apply.carry_out_all(manager, writer, MODE, jobs, states, run)


def _note_those_done(writer: Writer, folder: Path, gates: Sequence[Gate]) -> None:
    """Note that a change was done which was begun in a run that was cut short."""
    open_steps = {}
    for entry in Record(folder).entries():
        if entry.get("kind") == MODE and "association" in entry:
            open_steps[entry["association"]] = entry
    for each in gates:
        last = open_steps.get(each.association.id.lower())
        if last and last["event"] in {"step", "failed"} and last["after"] == each.association.mode:
            writer.add(**{**last, "event": "done"})


def _job(gate_of: Gate, mode: str, override: str) -> Job:
    association = gate_of.association
    properties = {key: value for key, value in association.item["properties"].items() if key not in _READ_ONLY}
    item = {key: value for key, value in association.item.items() if key not in _ENVELOPE}
    write = Write(
        path=association.id,
        what=f"The access mode of {name_of(association.id)}",
        before=association.state,
        after=(mode.lower(), *association.state[1:]),
        item={**item, "properties": {**properties, "accessMode": mode}},
        state=_state,
    )
    noted = {
        "association": association.id.lower(),
        "resource": association.resource,
        "profile": f"{association.profile[0]}/profiles/{association.profile[1]}",
        "before": association.mode,
        "after": mode,
        "override": override.strip(),
        "overridden": list(gate_of.reasons) if override.strip() else [],
        "prediction": gate_of.prediction,
    }
    return Job(write, f"{association.mode} -> {mode} {name_of(association.id)}", noted, mode)


def _state(item: Item) -> tuple[str, str, str]:
    found = _association(item)
    return found.mode.lower(), "/".join(found.profile), found.resource


def roll_back_now(
    manager: ResourceManager, folder: Path, kept: RollbackFile, choices: Choices, run: Run
) -> Outcome:  # fmt: skip
    """Set the modes that were there before a run.

    Args:
        manager: connected.
        folder: of the store, where the record lies.
        kept: the file of that run.
        choices: with accept_drift, a mode that somebody set since is overwritten.
        run: who and why.

    Raises:
        MeanwhileError: somebody changed a mode since.
        PublishError: an association isn't there any more, or a file can't be written.
    """
    with Record(folder).writing() as writer:
        found = _way_back(manager, kept, choices)
        jobs = [_job(Gate(each, (), {}), mode, "") for each, mode in found]
        states = tuple(State(each.id, each.item, (mode,)) for each, mode in found)
        return apply.carry_out_all(manager, writer, MODE, jobs, states, run)


def way_back(manager: ResourceManager, kept: RollbackFile, choices: Choices) -> list[str]:
    """Return in words what leads back to the modes before a run; raises as roll_back_now does."""
    return [f"{each.mode} -> {mode} {name_of(each.id)}" for each, mode in _way_back(manager, kept, choices)]


def _way_back(manager: ResourceManager, kept: RollbackFile, choices: Choices) -> list[tuple[Association, str]]:
    """Return the associations whose mode isn't as before, with the one that it was."""
    before = [_association(dict(each.before or {})) for each in kept.states]
    for each in before:
        if not PERIMETER.fullmatch(each.profile[0]):
            raise PublishError(f"{each.profile[0]!r} is no id of a perimeter.")
    now = read(manager, [(each.profile[0], each.resource) for each in before])
    pairs = list(zip(now, before, kept.states, strict=True))
    changed = [
        each.id
        for each, was, state in pairs
        if each.mode.lower() not in {was.mode.lower(), *(str(mode).lower() for mode in state.along)}
    ]
    if changed and not choices.accept_drift:
        names = listed([name_of(each) for each in changed])
        raise MeanwhileError(f"Somebody changed since: {names}. --accept-drift overwrites that as well.")
    return [(each, was.mode) for each, was, _ in pairs if each.mode.lower() != was.mode.lower()]
