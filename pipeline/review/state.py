"""Says what was decided about each proposal of a run, and what of it was decided before under other ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.review.accepted import accepted_rules, is_another_question
from pipeline.review.decision import ACCEPT, DEFER, EDIT, REJECT, Decision, Trail, moment_of
from pipeline.review.extent import Extent

OPEN, ACCEPTED, EDITED, ACKNOWLEDGED = "open", "accepted", "edited", "acknowledged"
REJECTED, DEFERRED, EXPIRED = "rejected", "deferred", "expired"
STATES = (OPEN, ACCEPTED, EDITED, ACKNOWLEDGED, REJECTED, DEFERRED, EXPIRED)
UNDECIDED = (OPEN, DEFERRED, EXPIRED)

COVERED, WIDENS, REJECTED_BEFORE = "covered", "widens", "rejected-before"


@dataclass(frozen=True, slots=True)
class Overlap:
    """What of a proposal was decided before, under other ids.

    Args:
        relation: covered: rules of the same profile and direction that were accepted hold all of it; widens: they hold
            a part of it; rejected-before: a part of it was rejected.
        proposals: ids of those that were decided.
    """

    relation: str
    proposals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProposalState:
    """A proposal and what was decided about it.

    Args:
        proposal: as `nsp recommend --format json` has it; where no run proposes it any longer, as it stood.
        state: open, accepted, edited, acknowledged (an accepted note), rejected, deferred or expired. What was
            deferred until a time that has come is open, and so is a note about more than when it was decided about.
        decision: that stands; None where there is none. An open one may have one that counts no longer.
        sequence: number of the last decision on it, an undo among them; 0 where there is none: what
            `Decisions.record` takes as `expected`.
        is_proposed: the run proposes it; if not, it was accepted or edited and is kept.
        is_new: nobody ever decided about it, and its callers were first seen after the last decision on its profile.
        overlaps: what of it was decided before, where it is not decided itself.
    """

    proposal: Mapping[str, Any]
    state: str
    decision: Decision | None = None
    sequence: int = 0
    is_proposed: bool = True
    is_new: bool = False
    overlaps: tuple[Overlap, ...] = field(default=())

    @property
    def id(self) -> str:
        """Id of the proposal."""
        return str(self.proposal["id"])

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements of its rule: as edited, else as proposed."""
        edited = self.decision.elements if self.decision else ()
        return edited or tuple(self.proposal["elements"])

    @property
    def is_for_all_unflagged(self) -> bool:
        """Whether 'accept all unflagged' takes it.

        It is recommended, nobody has decided about it (nor put it off, nor let it expire), nothing of it was
        rejected, and it isn't covered already.
        """
        relations = {each.relation for each in self.overlaps}
        return bool(self.proposal["recommended"]) and self.state == OPEN and not relations & {COVERED, REJECTED_BEFORE}

    def as_json(self) -> dict[str, Any]:
        """Return the state for machines, without the evidence, which is in the run."""
        names = ("id", "perimeter", "profile", "direction", "kind", "name", "recommended", "flags")
        decision = self.decision
        return {
            **{name: self.proposal[name] for name in names},
            "elements": list(self.elements),
            "state": self.state,
            "is_proposed": self.is_proposed,
            "is_new": self.is_new,
            "overlaps": [{"relation": each.relation, "proposals": list(each.proposals)} for each in self.overlaps],
            "sequence": self.sequence,
            "who": decision.who if decision else None,
            "decided_at": decision.decided_at if decision else None,
            "reason": decision.reason if decision else None,
            "expires": decision.expires if decision else None,
        }


def state_of(proposals: Sequence[Mapping[str, Any]], trail: Trail, now: datetime) -> list[ProposalState]:
    """Return the state of every proposal of a run in its order, then of what was accepted and is proposed no longer.

    Args:
        proposals: of a run, as `nsp recommend --format json` has them.
        trail: of the decisions.
        now: UTC.
    """
    known = _Known(trail, now)
    there = {each["id"] for each in proposals}
    found = [known.state(each) for each in proposals]
    kept = [each for each in trail.current.values() if each.proposal_id not in there and _is_rule(each)]
    return found + [
        known.state(each.proposal, is_proposed=False) for each in sorted(kept, key=lambda one: one.sequence)
    ]


def _is_rule(decision: Decision) -> bool:
    return decision.action == EDIT or (decision.action == ACCEPT and bool(decision.proposal["elements"]))


Place = tuple[str, str, str, str]


def _place(proposal: Mapping[str, Any]) -> Place:
    return proposal["perimeter"], proposal["profile"].lower(), proposal["direction"], proposal["kind"]


def decided_states(proposals: Sequence[Mapping[str, Any]], *, trail: Trail, now: datetime) -> dict[str, str]:
    """Return the states of those proposals of a run about which a decision stands, by id; see state_of."""
    found = {each["id"]: _word(trail.current.get(each["id"]), each, now) for each in proposals}
    return {proposal: state for proposal, state in found.items() if state not in {OPEN, EXPIRED}}


class _Known:
    """What was decided, in a form that a thousand proposals can be held against."""

    def __init__(self, trail: Trail, now: datetime) -> None:
        self._trail, self._now = trail, now
        self._accepted: dict[Place, Extent] = {}
        self._rejected: dict[Place, Extent] = {}
        self._last: dict[tuple[str, str], datetime] = {}
        for rule in accepted_rules(trail, now):
            place = (*rule.profile_key, rule.direction, rule.kind)
            self._accepted.setdefault(place, Extent(rule.kind)).add(rule.proposal, rule.elements)
        for each in trail.current.values():
            if each.action == REJECT and (proposal := each.proposal)["elements"]:
                extent = self._rejected.setdefault(_place(proposal), Extent(proposal["kind"]))
                extent.add(each.proposal_id, proposal["elements"])
        for each in trail.decisions:
            profile = _place(each.proposal)[:2]
            self._last[profile] = max(each.decided_at, self._last.get(profile, each.decided_at))

    def state(self, proposal: Mapping[str, Any], *, is_proposed: bool = True) -> ProposalState:
        decision = self._trail.current.get(proposal["id"])
        sequence = self._trail.sequences.get(proposal["id"], 0)
        word = _word(decision, proposal, self._now)
        return ProposalState(
            proposal, word, decision, sequence, is_proposed,
            is_new=not sequence and self._is_first_seen_since(proposal),
            overlaps=tuple(self._overlaps(proposal)) if is_proposed and word in UNDECIDED else (),
        )  # fmt: skip

    def _is_first_seen_since(self, proposal: Mapping[str, Any]) -> bool:
        last = self._last.get(_place(proposal)[:2])
        return last is not None and moment_of(proposal["evidence"]["first_seen"]) > last

    def _overlaps(self, proposal: Mapping[str, Any]) -> Iterable[Overlap]:
        place, elements = _place(proposal), proposal["elements"]
        if (accepted := self._accepted.get(place)) and (shared := accepted.sharing(elements)):
            yield Overlap(COVERED if accepted.holds(elements) else WIDENS, shared)
        if (rejected := self._rejected.get(place)) and (shared := rejected.sharing(elements)):
            yield Overlap(REJECTED_BEFORE, shared)


def _word(decision: Decision | None, proposal: Mapping[str, Any], now: datetime) -> str:
    if decision is None or (decision.action != DEFER and is_another_question(decision.proposal, proposal)):
        return OPEN
    if decision.has_expired(now):
        return OPEN if decision.action == DEFER else EXPIRED
    if decision.action == ACCEPT and not proposal["elements"]:
        return ACKNOWLEDGED
    return {ACCEPT: ACCEPTED, EDIT: EDITED, REJECT: REJECTED, DEFER: DEFERRED}[decision.action]
