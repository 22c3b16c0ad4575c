"""What applying would do, checked before anything is done; in order, in words and as JSON."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import InventoryError
from pipeline.inventory.rules import ProfileKey
from pipeline.publish import content, record
from pipeline.publish.content import Content
from pipeline.publish.live import Live
from pipeline.publish.merge import Finding, Key, Merged, merge
from pipeline.publish.record import Entry
from pipeline.publish.steps import Step, Target, excesses, gaps, ordered
from pipeline.recommend.access_rule import AccessRule, access_rule
from pipeline.recommend.scope import Scope
from pipeline.text import first_of

SCHEMA_VERSION = 1
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person allowed.

    Args:
        limit: elements of a profile and direction.
        accept_drift: overwrite what somebody changed in rules of this tool.
        narrow_first: close before opening, where the limit leaves no other way.
        remove_all: remove every rule that this tool applied, where nothing is accepted any more.
        objections: what else speaks against applying, such as a policy.
        keep: the rules to apply come on top of those that this tool applied: none is removed or taken back.
    """

    limit: int = 200
    accept_drift: bool = False
    narrow_first: bool = False
    remove_all: bool = False
    objections: tuple[str, ...] = ()
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying would do.

    Args:
        merged: every rule, in order.
        steps: the writes, in order; none where a problem stands against them.
        problems: a sentence for each of what stands against it.
        ids: ARM ids of the rules.
        elements: (profile, direction) -> elements in force, after, and at most on the way.
        begun: beginnings of runs that were cut short.
        proposals: rule -> id of the proposal that it was accepted from.
    """

    merged: tuple[Merged, ...]
    steps: tuple[Step, ...]
    problems: tuple[str, ...]
    ids: Mapping[Key, str]
    elements: Mapping[tuple[str, str, str], tuple[int, int, int]] = field(default_factory=dict)
    begun: tuple[Entry, ...] = ()
    proposals: Mapping[Key, str] = field(default_factory=dict)

    def of(self, finding: Finding) -> list[Merged]:
        """Return the rules of which that was found."""
        return [each for each in self.merged if each.finding is finding]

    @property
    def is_open(self) -> bool:
        """Whether there is something to apply, or something that stands against it."""
        return bool(self.steps or self.problems)

    def as_json(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return {
            "schema_version": SCHEMA_VERSION,
            "refused": bool(self.problems),
            "problems": list(self.problems),
            "rules": [self._rule(each) for each in self.merged],
            "steps": [self._step(number, each) for number, each in enumerate(self.steps, 1)],
            "elements": [
                {
                    "perimeter": side[0],
                    "profile": side[1],
                    "direction": side[2],
                    "now": now,
                    "after": after,
                    "most": most,
                }
                for side, (now, after, most) in sorted(self.elements.items())
            ],
            "cut_short": [{"run": each["run"], "at": each["at"], "rollback": each["rollback"]} for each in self.begun],
        }

    def _rule(self, each: Merged) -> dict[str, Any]:
        added, removed = difference(each.live, each.accepted)
        untouched = each.finding in {Finding.FOREIGN, Finding.GONE, Finding.IN_PLACE}
        return {
            "id": self.ids[each.key],
            "finding": each.finding.value,
            "proposal": self.proposals.get(each.key, ""),
            "live": record.as_json(each.live),
            "last_applied": record.as_json(each.last),
            "accepted": record.as_json(each.accepted),
            "added": [] if untouched else list(added),
            "removed": [] if untouched else list(removed),
        }

    def _step(self, number: int, each: Step) -> dict[str, Any]:
        return {
            "number": number,
            "action": each.word,
            "id": self.ids[each.key],
            "before": record.as_json(each.before),
            "after": record.as_json(each.after),
        }


def difference(before: Content | None, after: Content | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the elements that are added and removed, for people."""
    old = frozenset() if before is None else before.elements
    new = frozenset() if after is None else after.elements
    return tuple(sorted(text for _, text in new - old)), tuple(sorted(text for _, text in old - new))


def places(accepted: Collection[AccessRule], entries: Sequence[Entry], scope: Scope) -> set[ProfileKey]:
    """Return the profiles that a plan is about: where rules are accepted, or were applied."""
    found = {rule.profile_key for rule in accepted}
    found |= {(entry["rule"][0], entry["rule"][1]) for entry in entries if "rule" in entry}
    return {each for each in found if scope.holds(*each)}


def make(
    live: Live, entries: list[Entry], accepted: Collection[AccessRule], scope: Scope, choices: Choices
) -> Plan:  # fmt: skip
    """Plan what leads from what is in force to what is accepted.

    Args:
        live: the rules in force of all profiles of `places`.
        entries: of the record.
        accepted: all rules that are to be in force; of other profiles than those of the scope as well.
        scope: perimeter and profile to plan for.
        choices: what was allowed.
    """
    mine = [rule for rule in accepted if scope.holds(*rule.profile_key)]
    wanted, problems = _wanted(mine, live)
    now = live.contents
    last = {key: each for key, each in record.last_applied(entries, now).items() if scope.holds(*key[:2])}
    if choices.keep:
        wanted = {key: now[key] for key in last.keys() & now.keys() if not now[key].is_of_link} | wanted
    merged = merge(now, last, wanted)
    ids = {_key(rule): rule.id for rule in mine} | {
        key: f"{key[0]}/profiles/{live.profiles.get(key[:2], key[1])}/accessRules/{key[2]}"
        for key in last.keys() - now.keys() - wanted.keys()
    }
    ids |= {key: rule.id for key, rule in live.rules.items()}
    problems += choices.objections
    problems += _refusals(merged, choices, ids)
    targets = [Target(each.key, each.live, each.accepted) for each in merged if each.is_open]
    steps = ordered(targets, narrow_first=choices.narrow_first)
    counted = _counted(now, steps)
    problems += _limits(now, steps, choices)
    return Plan(
        merged,
        () if problems else steps,
        tuple(problems),
        ids,
        counted,
        tuple(record.unfinished(entries)),
        {_key(rule): rule.proposal for rule in mine if rule.proposal},
    )


def _key(rule: AccessRule) -> Key:
    return (*rule.profile_key, rule.name.lower())


def _wanted(accepted: Collection[AccessRule], live: Live) -> tuple[dict[Key, Content], list[str]]:
    """Return what is accepted by rule, and what is wrong with it."""
    found: dict[Key, AccessRule] = {}
    problems = []
    for rule in accepted:
        try:
            access_rule((rule.perimeter, rule.profile), rule.name, rule.direction, rule.kind, rule.elements)
        except InventoryError as error:
            problems.append(str(error))
            continue
        twin = found.setdefault(_key(rule), rule)
        if (twin.name, twin.direction, twin.kind, twin.elements) != (
            rule.name, rule.direction, rule.kind, rule.elements,
        ):  # fmt: skip
            problems.append(
                f"Two accepted rules of the profile {rule.profile} have one name ({twin.name}, {rule.name}); Azure "
                "doesn't tell capitals. Reject one, or name it otherwise."
            )
    for perimeter, profile in sorted({rule.profile_key for rule in accepted} - live.profiles.keys()):
        problems.append(f"There is no profile {profile} in {perimeter} any more. Create it, or reject its rules.")
    return {key: content.of_rule(rule) for key, rule in found.items()}, problems


def _refusals(merged: Collection[Merged], choices: Choices, ids: Mapping[Key, str]) -> list[str]:
    problems = []
    for each in merged:
        name = _name(ids[each.key])
        if each.finding is Finding.CONFLICT:
            problems.append(
                f"A rule {name} is there that nsp didn't make, and holds something else than the accepted rule of that "
                "name. Rename or delete it, or edit the accepted rule; nsp never overwrites it."
            )
        elif each.finding is Finding.DRIFT and not choices.accept_drift:
            problems.append(
                f"Somebody changed {name}, which nsp applied: {drift_words(each.live, each.last)}. "
                "--accept-drift overwrites it."
            )
    removed = [each for each in merged if each.finding is Finding.REMOVE]
    if removed and not choices.remove_all and not any(each.accepted for each in merged):
        problems.append(
            f"No rule is accepted any more, so all {len(removed):,} that nsp applied would be removed. Where that is "
            "meant, add --remove-all; else look whether the decisions are where they were."
        )
    return problems


def drift_words(live: Content | None, last: Content | None) -> str:
    """Return in words how a rule differs from what was applied last."""
    if live is None:
        return "it is gone"
    if not live.is_readable:
        return "it holds something that nsp can't read"
    added, removed = difference(last, live)
    words = []
    if last is not None and live.direction != last.direction:
        words.append(f"it is {live.direction} now")
    if added:
        words.append(f"it admits {listed(added)} as well")
    if removed:
        words.append(f"it admits {listed(removed)} no more")
    return " and ".join(words)


def listed(elements: Sequence[str]) -> str:
    """Return some elements in words."""
    return first_of(elements, SHOWN)


def _limits(now: Mapping[Key, Content], steps: Sequence[Step], choices: Choices) -> list[str]:
    problems = []
    for excess in excesses(now, steps, choices.limit):
        perimeter, profile, direction = excess.side
        where = f"the {direction.lower()} rules of {perimeter.rsplit('/', 1)[-1]}/{profile}"
        if excess.is_at_end:
            problems.append(
                f"With these rules {where} would have {excess.count:,} elements, foreign ones counted; Azure allows "
                f"{excess.limit:,}. Accept fewer, or wider ones."
            )
        else:
            problems.append(
                f"While widening before narrowing, {where} would have {excess.count:,} elements at once, where "
                f"{excess.limit:,} are allowed. --narrow-first closes before it opens: what moves from one rule to "
                "another is denied for the seconds between."
            )
    if not choices.narrow_first and (lost := gaps(now, steps)):
        elements = listed([element for _, element in lost])
        problems.append(
            f"No order of writing keeps {elements} admitted all the while, since rules change their kind. Give the "
            "accepted rule another name, or add --narrow-first."
        )
    return problems


def _counted(now: Mapping[Key, Content], steps: Sequence[Step]) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for key, each in now.items():
        counts[key[0], key[1], each.side] += each.count()
    start, most = dict(counts), dict(counts)
    for step in steps:
        for state, sign in ((step.before, -1), (step.after, 1)):
            if state is not None:
                counts[step.key[0], step.key[1], state.side] += sign * state.count()
        most = {side: max(most.get(side, 0), count) for side, count in counts.items()}
    return {side: (start.get(side, 0), count, most[side]) for side, count in counts.items()}


def _name(identity: str) -> str:
    parts = identity.split("/")
    return f"{parts[-3]}/{parts[-1]}"
