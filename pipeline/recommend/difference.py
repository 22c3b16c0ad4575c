"""What changed since an earlier run, by what `nsp recommend --format json` printed of both.

A proposal's id says what it proposes for whom, so its elements never change under it: another prefix is another
proposal. More of the same evidence is no change, so a quiet night's difference is empty. What a reason adds to the
flags are counts and names out of the evidence; so it isn't compared.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.recommend.run import SCHEMA_VERSION
from pipeline.recommend.scope import Scope

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run found.

    Args:
        run: its id, time and window.
        proposals: by id.
        lights: (perimeter, profile in lower case) -> the profile as it is spelled, and whether each light is green.
    """

    run: Json
    proposals: Mapping[str, Json]
    lights: Mapping[tuple[str, str], tuple[str, Mapping[str, bool]]]


@dataclass(frozen=True, slots=True)
class Change:
    """A proposal that is new, gone or changed.

    Args:
        change: new, gone or changed.
        proposal: as it is now; where it is gone, as it was.
        was: as it was; None where it is new.
        sentences: what changed in it; for a new or gone prefix, which others it takes turns with.
    """

    change: str
    proposal: Json
    was: Json | None
    sentences: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """Return the change with what a machine needs to act upon it; the whole evidence is in the runs."""
        was = {name: self.was[name] for name in ("recommended", "flags")} if self.was else None
        return {**{name: self.proposal[name] for name in _TOLD}, "was": was, "changes": list(self.sentences)}


@dataclass(frozen=True, slots=True, order=True)
class LightChange:
    """A light of a profile that is another colour; None where the profile isn't in a run."""

    perimeter: str
    profile: str
    light: str
    was_green: bool | None
    is_green: bool | None

    def as_json(self) -> Json:
        """Return the change as a row."""
        return {name: getattr(self, name) for name in ("perimeter", "profile", "light", "was_green", "is_green")}


@dataclass(frozen=True, slots=True)
class Difference:
    """All that changed between two runs, in order."""

    earlier: Json
    now: Json
    changes: tuple[Change, ...]
    lights: tuple[LightChange, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing changed."""
        return not self.changes and not self.lights

    def as_json(self) -> Json:
        """Return the difference for machines."""
        found: Json = {"schema_version": SCHEMA_VERSION, "earlier": self.earlier, "run": self.now}
        for word in ("new", "gone", "changed"):
            found[word] = [each.as_json() for each in self.changes if each.change == word]
        return {**found, "lights": [each.as_json() for each in self.lights]}


_TOLD = ("id", "perimeter", "profile", "direction", "kind", "elements", "recommended", "flags", "reason")
_PROPOSAL: Mapping[str, type] = {
    **dict.fromkeys(("id", "perimeter", "profile", "direction", "kind", "reason"), str),
    **dict.fromkeys(("elements", "flags"), list),
    **dict.fromkeys(("evidence", "exposure"), dict),
    "recommended": bool,
}
_WORDS = {str: "text", list: "a list of texts", dict: "an object", bool: "true or false"}


def read(path: Path) -> Run:
    """Read what an earlier run printed.

    Raises:
        UsageError: there is no such file, or it isn't what `nsp recommend --format json` prints.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"The earlier run {path} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The earlier run {path} isn't JSON: {error}.{_ADVICE}") from error
    if not isinstance(content, dict) or "schema_version" not in content:
        raise UsageError(f"The earlier run {path} has no schema_version.{_ADVICE}")
    version = content["schema_version"]
    if type(version) is not int or version != SCHEMA_VERSION:
        raise UsageError(
            f"The earlier run {path} has schema_version {version!r}; this nsp reads {SCHEMA_VERSION}.{_ADVICE}"
        )
    try:
        return run_of(content)
    except ValueError as error:
        raise UsageError(f"The earlier run {path}: {error}.{_ADVICE}") from error


_ADVICE = " Take what nsp recommend --format json printed."


def run_of(content: Json) -> Run:
    """Return what is compared of a run's JSON.

    Raises:
        ValueError: something of it is missing or of another type.
    """
    run = _typed(content, "run", dict, "it")
    told = {name: _typed(run, name, kind, "run") for name, kind in (("id", str), ("created", str), ("window", dict))}
    proposals: dict[str, Json] = {}
    for number, each in enumerate(_typed(content, "proposals", list, "it")):
        where = f"proposals[{number}]"
        for name, kind in _PROPOSAL.items():
            _typed(each, name, kind, where)
        for name in ("elements", "flags"):
            _texts(each, name, where)
        _texts(each["evidence"], "resources", f"{where}.evidence")
        _texts(each["exposure"], "resources_opened", f"{where}.exposure")
        if each["id"] in proposals:
            raise ValueError(f"the proposal {each['id']!r} occurs twice")
        proposals[each["id"]] = each
    lights: dict[tuple[str, str], tuple[str, Mapping[str, bool]]] = {}
    for number, each in enumerate(_typed(content, "readiness", list, "it")):
        where = f"readiness[{number}]"
        perimeter, profile = _typed(each, "perimeter", str, where), _typed(each, "profile", str, where)
        found = _typed(each, "lights", dict, where)
        for name in found:
            _typed(found, name, bool, f"{where}.lights")
        if (perimeter, profile.lower()) in lights:
            raise ValueError(f"the profile {profile!r} of {perimeter} occurs twice")
        lights[perimeter, profile.lower()] = profile, found
    return Run(told, proposals, lights)


def _typed(owner: Any, name: str, kind: type, where: str) -> Any:
    if not isinstance(owner, dict) or not isinstance(owner.get(name), kind):
        raise ValueError(f"{name} of {where} must be {'a list' if kind is list else _WORDS[kind]}")  # noqa: TRY004
    return owner[name]


def _texts(owner: Json, name: str, where: str) -> None:
    if not all(isinstance(each, str) for each in _typed(owner, name, list, where)):
        raise ValueError(f"{name} of {where} must be {_WORDS[list]}")


def compare(earlier: Run, now: Run, scope: Scope) -> Difference:
    """Return what changed.

    Args:
        earlier: a run, maybe of more profiles than are looked at now; the others are left out.
        now: a later run.
        scope: of the later run.
    """
    before = {key: each for key, each in earlier.proposals.items() if scope.holds(each["perimeter"], each["profile"])}
    changes = [Change("new", each, None) for key, each in now.proposals.items() if key not in before]
    changes += [Change("gone", each, each) for key, each in before.items() if key not in now.proposals]
    changes = [_with_turns(each, changes) for each in changes]
    for key, each in now.proposals.items():
        if key in before and (sentences := _sentences(before[key], each)):
            changes.append(Change("changed", each, before[key], sentences))
    lights_before = {key: each for key, each in earlier.lights.items() if scope.holds(*key)}
    lights = [
        LightChange(key[0], profile, light, was.get(light), is_now.get(light))
        for key in lights_before.keys() | now.lights.keys()
        for profile, is_now in [now.lights.get(key, (lights_before.get(key, ("", {}))[0], _NO_LIGHTS))]
        for was in [lights_before.get(key, ("", _NO_LIGHTS))[1]]
        for light in was.keys() | is_now.keys()
        if was.get(light) != is_now.get(light)
    ]
    return Difference(earlier.run, now.run, tuple(sorted(changes, key=_order)), tuple(sorted(lights, key=_light_order)))


_NO_LIGHTS: Mapping[str, bool] = {}
_CHANGES = ("new", "gone", "changed")


def _order(change: Change) -> tuple[str, str, str, str, list[str], int, str]:
    each = change.proposal
    return (
        each["perimeter"], each["profile"].lower(), each["direction"], each["kind"], each["elements"],
        _CHANGES.index(change.change), each["id"],
    )  # fmt: skip


def _light_order(change: LightChange) -> tuple[str, str, str]:
    return change.perimeter, change.profile.lower(), change.light


def _sentences(was: Json, is_now: Json) -> tuple[str, ...]:
    """Say what changed in a proposal, beside its evidence."""
    found = []
    if was["recommended"] != is_now["recommended"]:
        found.append("recommended now" if is_now["recommended"] else "no longer recommended")
    if come := sorted(set(is_now["flags"]) - set(was["flags"])):
        found.append(f"flagged: {', '.join(come)}")
    if gone := sorted(set(was["flags"]) - set(is_now["flags"])):
        found.append(f"no longer flagged: {', '.join(gone)}")
    # one that was called before and isn't now had been opened all along
    known = {*was["exposure"]["resources_opened"], *was["evidence"]["resources"]}
    if opened := sorted(set(is_now["exposure"]["resources_opened"]) - known):
        found.append(f"would open now as well: {', '.join(each.rsplit('/', 1)[-1] for each in opened)}")
    return tuple(found)


def _with_turns(change: Change, others: list[Change]) -> Change:
    """Name the gone prefixes in whose place a new one stands, and the other way round."""
    others = [each for each in others if each.change != change.change and _place(each) == _place(change)]
    turns = sorted(
        {text for each in others for text in _shared(change.proposal["elements"], each.proposal["elements"])}
    )
    if not turns:
        return change
    words = "in place of" if change.change == "new" else "now in"
    return Change(change.change, change.proposal, change.was, (f"{words} {', '.join(turns)}",))


def _place(change: Change) -> tuple[str, str, str, str]:
    each = change.proposal
    return each["perimeter"], each["profile"].lower(), each["direction"], each["kind"]


def _shared(some: list[str], others: list[str]) -> list[str]:
    """Return those of the others that share an address with one of some; what is no prefix shares none."""
    return [other for other in others if any(_overlap(each, other) for each in some)]


def _overlap(one: str, other: str) -> bool:
    try:
        return ip_network(one).overlaps(ip_network(other))
    except (ValueError, TypeError):  # no prefix, or of two versions
        return False
