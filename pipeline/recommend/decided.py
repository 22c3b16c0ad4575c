"""What people decided, as far as a run has to know it, and what of the traffic that denies."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.inventory import rules
from pipeline.inventory.rules import ProfileKey, RuleElement
from pipeline.recommend.proposal import Proposal
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from pipeline.text import counted
from pipeline.verdict.whatif import Comparison, compare

Side = tuple[str, str, str]
"""A profile and direction, lower case but for the direction: what Azure counts elements of."""
EDITED, REJECTED = "edited", "rejected"
_SETTLED = frozenset({"accepted", EDITED, REJECTED})


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided; `pipeline/review/decided.py` makes it of a trail.

    Args:
        answered: tells of a proposal whether it is no open question any longer.
        states: of proposals as JSON, those that were decided about: id -> accepted, edited, rejected ...
        accepted: elements of the accepted and edited rules, whether or not they are in force or proposed any longer.
        edited: id of an edited proposal -> the elements that its rule holds instead.
        rules: perimeter, profile and name, lower case, of the rules that were ever decided about: in force they are
            what nsp applied.
    """

    answered: Callable[[Proposal], bool]
    states: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, str]]
    accepted: tuple[RuleElement, ...] = ()
    edited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: frozenset[tuple[str, str, str]] = frozenset()

    def states_of(self, proposals: Sequence[Proposal]) -> Mapping[str, str]:
        """Return the states of those proposals about which a decision stands, by id."""
        return self.states([each.as_json() for each in proposals])


@dataclass(frozen=True, slots=True)
class Denied:
    """Who succeeds today and would be denied because of decisions.

    Args:
        requests: of theirs.
        callers: how many; outbound destinations.
    """

    requests: int = 0
    callers: int = 0

    def sentence(self, rules: str) -> str:
        """Return what is denied, and how to see it.

        Args:
            rules: what `nsp whatif --rules` is to try.
        """
        return (
            f"decisions: {counted(self.requests, 'request')} of {counted(self.callers, 'caller')} that succeed today "
            f"would be denied by your decisions (rejected or edited); nsp whatif --rules {rules} shows whom"
        )

    def as_json(self) -> dict[str, int]:
        """Return the figures as the JSON contract has them."""
        return {"requests": self.requests, "callers": self.callers}


def too_many(in_force: Iterable[RuleElement], decided: Decided, most: int) -> dict[Side, int]:
    """Return how many elements there would be once the accepted rules are applied, where that is too many.

    As applying counts: rules of others stay, and those that were decided about become what was decided.

    Args:
        in_force: elements of the rules in force.
        decided: what people decided.
        most: elements that a profile and direction may have.
    """
    others = [each for each in in_force if (*each.profile_key, each.rule.lower()) not in decided.rules]
    counts = Counter((*each.profile_key, each.direction) for each in (*others, *decided.accepted))
    accepted = {(*each.profile_key, each.direction) for each in decided.accepted}
    return {side: count for side, count in sorted(counts.items()) if count > most and side in accepted}


def to_be_in_force(proposals: Sequence[Proposal], decided: Decided | None) -> list[RuleElement]:
    """Return the elements that come to those in force: of what is accepted, and recommended and neither way decided.

    Args:
        proposals: of a run.
        decided: what people decided; None where nobody did.
    """
    if decided is None:
        return _elements(each for each in proposals if each.recommended)
    states = decided.states_of(proposals)
    undecided = _elements(each for each in proposals if each.recommended and states.get(each.id) not in _SETTLED)
    return [*decided.accepted, *undecided]


def denied_by(
    store: Store, proposals: Sequence[Proposal], decided: Decided, scope: Scope
) -> dict[ProfileKey, Denied]:  # fmt: skip
    """Return by profile who would be admitted if what was rejected or edited were accepted as proposed.

    The verdict engine is asked twice, and not at all where nothing was rejected or edited: what other rules admit
    all the same isn't denied.

    Reads: the view verdict.

    Args:
        store: the warehouse; read-only will do.
        proposals: of a run over the scope.
        decided: what people decided.
        scope: perimeter, profile and window.
    """
    states = decided.states_of(proposals)
    refused = _elements(each for each in proposals if states.get(each.id) in {EDITED, REJECTED})
    if not refused:
        return {}
    tried = rules.in_force(store).plus(to_be_in_force(proposals, decided))
    lost = _lost(compare(store, tried, **scope.parameters()))
    left = _lost(compare(store, tried.plus(refused), **scope.parameters()))
    found: dict[ProfileKey, Denied] = {}
    for party, requests in lost.items():
        if more := requests - left.get(party, 0):
            before = found.get(party[:2], Denied())
            found[party[:2]] = Denied(before.requests + more, before.callers + 1)
    return found


def _elements(proposals: Iterable[Proposal]) -> list[RuleElement]:
    return [
        RuleElement(each.perimeter, each.profile, each.direction, each.kind, element, each.name)
        for each in proposals
        for element in each.elements
    ]


def _lost(found: Comparison) -> Counter[tuple[str, str, str, str]]:
    """Return the requests that a scenario denies, by perimeter, profile, direction, and caller or destination."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for row in found.losses.select("perimeter", "profile", "direction", "caller", "requests").rows():
        counts[row[0], (row[1] or "").lower(), row[2], row[3] or ""] += row[4]
    return counts
