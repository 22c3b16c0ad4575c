"""What a person has before them while the page is open: a run, what was decided, and the evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.inventory import rules
from pipeline.inventory.rules import RuleElement
from pipeline.moments import utc_now
from pipeline.recommend.bounds import Bounds
from pipeline.recommend.candidate import elements_of_proposals
from pipeline.review.accepted import accepted_rules
from pipeline.review.decision import Choice, Decision, Trail
from pipeline.review.decisions import Decisions
from pipeline.review.entry import entry
from pipeline.review.page.evidence import Evidence, evidence
from pipeline.review.page.replan import Replan, replan
from pipeline.review.page.source import Loaded, ProfileKey, Source
from pipeline.review.state import ProposalState, state_of
from pipeline.verdict.whatif import compare

if TYPE_CHECKING:
    import polars as pl

_KEPT = 12
"""Answers that are kept at a time, of each kind of question."""
SCENARIOS = ("today", "accepted", "recommended")


@dataclass(frozen=True, slots=True)
class Desk:
    """How decisions are made here.

    Args:
        decisions: where they are kept.
        bounds: that rules have to keep.
        who: decides; nobody checks it.
        read_only: nothing can be decided.
    """

    decisions: Decisions
    bounds: Bounds
    who: str
    read_only: bool = False


class Review:
    """All that the page asks. Shared by the threads of a server.

    Args:
        source: what is read.
        desk: how decisions are made.
        to_csv: writes a frame as CSV that a spreadsheet takes for nothing but text.
    """

    def __init__(self, source: Source, desk: Desk, to_csv: Callable[["pl.DataFrame"], str]) -> None:
        self.source = source
        self.desk = desk
        self.to_csv = to_csv
        self._lock = Lock()
        self._loaded = source.run()
        self._evidence: dict[tuple[str, ProfileKey], Evidence] = {}
        self._denials: dict[tuple[str, ProfileKey, tuple[RuleElement, ...]], pl.DataFrame] = {}
        self._plans: dict[tuple[str, ProfileKey], Replan | None] = {}
        self._planning = Lock()
        self._asking = Lock()  # a lock of its own: who waits for the figure needn't wait for the evidence

    @property
    def loaded(self) -> Loaded:
        """The run that is shown."""
        return self._loaded

    @property
    def is_stale(self) -> bool:
        """Whether a run made now might be another one."""
        return self.source.state() != self._loaded.state

    def reload(self) -> None:
        """Make or read the run anew.

        Raises:
            NspError: it can't be made now; the one before stays.
        """
        with self._lock:
            self._loaded = self.source.run()

    def trail(self) -> Trail:
        """Return all decisions as of this moment."""
        return self.desk.decisions.trail()

    def states(self, profile: ProfileKey, trail: Trail) -> list[ProposalState]:
        """Return what was decided about each proposal of a profile, then what was accepted and isn't proposed."""
        every = state_of(self._loaded.proposals(profile), trail, utc_now())
        return [each for each in every if _profile(each.proposal) == profile]

    def proposal(self, identity: str, trail: Trail) -> Mapping[str, Any]:
        """Return a proposal of the run, else as it stood when it was last decided about.

        Raises:
            UsageError: there is none.
        """
        for each in self._loaded.run["proposals"]:
            if each["id"] == identity:
                found: Mapping[str, Any] = each
                return found
        before = [each for each in trail.decisions if each.proposal_id == identity]
        if not before:
            raise UsageError("This proposal isn't in the run any longer: reload.")
        return before[-1].proposal

    def decide(self, ids: Sequence[str], choice: Choice, expected: Mapping[str, int]) -> list[Decision]:
        """Record one choice about some proposals, all or none.

        Args:
            ids: of the proposals.
            choice: of the person.
            expected: what the person has seen: id -> number of the last decision.

        Raises:
            UsageError: the page is read-only, or the choice isn't one.
            ConflictError: somebody decided meanwhile.
            StoreError: it can't be recorded.
        """
        if self.desk.read_only:
            raise UsageError("This page is read-only. Start nsp review without --read-only to decide.")
        trail, at = self.trail(), utc_now()
        entries = [
            entry(self.proposal(each, trail), choice, self.desk.who, at, self.desk.bounds)
            for each in dict.fromkeys(ids)
        ]
        return self.desk.decisions.record(entries, at, expected)

    def evidence(self, profile: ProfileKey) -> Evidence:
        """Return the evidence of a profile; kept until the run is loaded anew.

        Raises:
            StoreError: the store can't be read now.
        """
        key = self._loaded.state, profile
        with self._lock:
            if key not in self._evidence:
                with self.source.open() as store:
                    found = evidence(store, profile, self.source.limits)
                _make_room(self._evidence)
                self._evidence[key] = found
            return self._evidence[key]

    def replan(self, profile: ProfileKey) -> Replan | None:
        """Return the covers of the addresses of a profile; kept, since a slider asks for them at each step.

        Raises:
            StoreError: the store can't be read now.
        """
        found = self.evidence(profile)
        key = self._loaded.state, profile
        with self._planning:
            if key not in self._plans:
                _make_room(self._plans)
                self._plans[key] = replan(found.needs.get("Inbound", ()), self.source.limits)
            return self._plans[key]

    def denials(self, profile: ProfileKey, trail: Trail) -> dict[str, "pl.DataFrame"]:
        """Return what enforcing a profile would deny of each day's requests, by scenario.

        Raises:
            StoreError: the store can't be read now.
        """
        mine = [each for each in accepted_rules(trail, utc_now()) if each.profile_key == profile]
        elements: dict[str, list[RuleElement]] = {
            "today": [],
            "accepted": [element for rule in mine for element in rule.rule_elements()],
            "recommended": list(elements_of_proposals(self._loaded.proposals(profile))),
        }
        return {name: self._denied(profile, tuple(some)) for name, some in elements.items()}

    def _denied(self, profile: ProfileKey, more: tuple[RuleElement, ...]) -> "pl.DataFrame":
        key = self._loaded.state, profile, more
        with self._asking:
            if key not in self._denials:
                with self.source.open() as store:
                    tried = rules.in_force(store).plus(more) if more else None
                    found = compare(store, tried, perimeter=profile[0], profile=profile[1] or None, limit=0).daily
                _make_room(self._denials)
                self._denials[key] = found
            return self._denials[key]


def _make_room(kept: dict[Any, Any]) -> None:
    while len(kept) >= _KEPT:
        del kept[next(iter(kept))]


def _profile(proposal: Mapping[str, Any]) -> ProfileKey:
    return str(proposal["perimeter"]).lower(), str(proposal["profile"]).lower()
