"""What nsp decide decides on: the proposals of a run, what was decided before, and who decides now."""

import getpass
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli import log
from pipeline.cli.output import console, table
from pipeline.errors import UsageError
from pipeline.moments import utc_now
from pipeline.text import first_of

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.inventory.rules import RuleElement
    from pipeline.recommend.bounds import Bounds
    from pipeline.recommend.proposal import Proposal
    from pipeline.recommend.scope import Scope
    from pipeline.review.decision import Choice, Decision, Trail
    from pipeline.review.decisions import Decisions
    from pipeline.review.entry import Entry
    from pipeline.review.state import ProposalState

SHOWN = 3
_DONE = {"accept": "accepted", "edit": "edited", "reject": "rejected", "defer": "deferred", "undo": "undone"}


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a person has before them.

    Args:
        decisions: where they are kept.
        trail: of them, as it was before the run was made: who decides meanwhile is a conflict.
        states: of the proposals of the run, and of what was accepted before.
        bounds: that rules have to keep.
        now: UTC.
        callers: id of a proposal -> callers or destinations that succeed and that it is about, the busiest first; those
            of a saved run are a few of them.
        in_force: elements of the rules in force; none with a saved run, which needs no warehouse.
        most: elements that a profile and direction may have.
    """

    decisions: "Decisions"
    trail: "Trail"
    states: "tuple[ProposalState, ...]"
    bounds: "Bounds"
    now: datetime
    callers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    in_force: "tuple[RuleElement, ...]" = ()
    most: int = 200

    @property
    def known(self) -> dict[str, Mapping[str, Any]]:
        """Proposals that may be decided about, by id: of the run, else as they stood when they were decided about."""
        return {each.proposal_id: each.proposal for each in self.trail.decisions} | {
            each.id: each.proposal for each in self.states
        }

    def named(self, ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """Return the proposals that a person named; twice the same one counts once."""
        from pipeline.review.lookup import proposal_of

        known = self.known
        found = [proposal_of(each, known) for each in ids]
        return list({each["id"]: each for each in found}.values())

    def decide(self, proposals: Sequence[Mapping[str, Any]], choice: "Choice", who: str) -> None:
        """Record one choice for some proposals, all or none, and print it; what stands as chosen is left alone."""
        from pipeline.review.entry import entry
        from pipeline.review.state import OPEN

        open_ones = {each.id for each in self.states if each.state == OPEN}
        entries = []
        for each in proposals:
            made, standing = entry(each, choice, who, self.now, self.bounds), self.trail.current.get(each["id"])
            if standing and standing.choice == made.choice and each["id"] not in open_ones:
                tell(f"{each['id']} is {done(choice.action, each)} already, for the same reason.")
            else:
                entries.append(made)
        self.record(entries)

    def record(self, entries: "Sequence[Entry]") -> None:
        """Record checked choices and print them; say what they overlap with, leave out, and are too many for."""
        made = self.decisions.record(entries, utc_now(), self.trail.sequences)
        show(made)
        accepted = {each.proposal_id for each in made if each.action in {"accept", "edit"}}
        for state in self.states:
            if state.id in accepted:
                for each in state.overlaps:
                    tell(f"{state.id}: {overlap_words(each.relation)} {', '.join(each.proposals)}.")
        if accepted:
            trail = self.decisions.trail()
            self._warn_of_those_left_out([each for each in made if each.action == "edit"], trail)
            self._warn_of_too_many([each.proposal for each in made if each.proposal_id in accepted], trail)

    def _warn_of_too_many(self, accepted: Sequence[Mapping[str, Any]], trail: "Trail") -> None:
        """Say where there are more accepted elements now than can be applied beside the rules of others."""
        from pipeline.recommend.decided import too_many
        from pipeline.review.decided import decided

        places = {(each["perimeter"], each["profile"].lower(), each["direction"]): each["profile"] for each in accepted}
        found = too_many(self.in_force, decided(trail, self.now), self.most)
        for (perimeter, profile, direction), count in found.items():
            if named := places.get((perimeter, profile, direction)):
                log.warn(
                    "too_many_elements",
                    f"With what is accepted, {perimeter.rsplit('/', 1)[-1]}/{named} would have {count:,} "
                    f"{direction.lower()} elements, where {self.most:,} may be: nsp apply will refuse. Reject or undo "
                    "some, or accept wider ones.",
                    elements=count,
                )

    def _warn_of_those_left_out(self, edits: "Sequence[Decision]", trail: "Trail") -> None:
        """Say which callers of a proposal neither its edited rule nor another accepted one admits."""
        from pipeline.recommend.proposal import about
        from pipeline.review.left_out import left_out

        for edit in edits:
            told, of = about(edit.proposal["evidence"])  # a run in a file names no more than some of them
            callers = self.callers.get(edit.proposal_id, told)
            some = callers is told and of > len(told)
            named = f"the first {len(told):,} of {of:,}" if some else f"{len(callers):,}"
            if missed := left_out(edit, callers, trail, self.now):
                log.warn(
                    "callers_left_out",
                    f"{edit.proposal_id}: of {named} that it was proposed for, the edited rule doesn't admit "
                    f"{len(missed):,}: {first_of(missed, SHOWN)}. Once enforced they are denied.",
                    proposal=edit.proposal_id,
                    callers=len(missed),
                )


def open_desk(common: "Context", scope: "Scope", source: Path | None, policy: Path | None) -> Desk:
    """Return what is to be decided on.

    Args:
        common: the store and the settings.
        scope: what part of the traffic proposals are made from, and which profiles are shown.
        source: file of a run; None for one that is made now.
        policy: what --policy says.
    """
    from pipeline.cli import recommend
    from pipeline.inventory import rules
    from pipeline.recommend import difference
    from pipeline.review.entry import check_proposal
    from pipeline.review.state import state_of

    now = utc_now()
    decisions = common.decisions()
    trail = decisions.trail()
    callers: dict[str, list[str]] = {}
    in_force: tuple[RuleElement, ...] = ()
    if source:
        proposals = list(difference.read(source).proposals.values())
        for each in proposals:
            check_proposal(each)
    else:
        with common.open() as store:
            found = recommend.run(store, common, scope, now, policy).proposals
            in_force = rules.in_force(store).elements
        proposals = [each.as_json() for each in found]
        callers = {each.id: _who_succeeds(each) for each in found}
    scope.check_one(str(each["perimeter"]) for each in proposals)
    states = state_of([each for each in proposals if _holds(scope, each)], trail, now)
    most = recommend.limits_of(common, policy).max_elements
    within = tuple(each for each in states if _holds(scope, each.proposal))
    return Desk(decisions, trail, within, bounds_of(common, policy), now, callers, in_force, most)


def _who_succeeds(proposal: "Proposal") -> list[str]:
    ranked = sorted(proposal.needs, key=lambda need: (-need.allowed, need.key))
    return [need.key for need in ranked if need.allowed]


def _holds(scope: "Scope", proposal: Mapping[str, Any]) -> bool:
    return scope.holds(proposal["perimeter"], proposal["profile"])


def bounds_of(common: "Context", policy: Path | None) -> "Bounds":
    """Return the bounds that people have to keep, too: of the policy, else of the settings."""
    from pipeline.recommend import policy_file
    from pipeline.recommend.bounds import Bounds

    chosen = common.settings
    return policy_file.find(policy, common.config) or Bounds(
        widest_v4=chosen.widest_v4, widest_v6=chosen.widest_v6, reserve=chosen.reserve, max_elements=chosen.max_elements
    )


def person(who: str | None) -> str:
    """Return who decides: as the option says, else NSP_WHO, else the user of the system.

    Raises:
        UsageError: the system doesn't know.
    """
    if told := who or os.environ.get("NSP_WHO"):
        return told
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError) as error:
        raise UsageError("The system doesn't say who you are: name yourself by --who or NSP_WHO.") from error


def done(action: str, proposal: Mapping[str, Any]) -> str:
    """Return what was done, in a word: a note isn't accepted but acknowledged."""
    return "acknowledged" if action == "accept" and not proposal["elements"] else _DONE[action]


def overlap_words(relation: str) -> str:
    """Return a relation in words, to go before ids."""
    return {
        "covered": "holds nothing beyond the accepted",
        "widens": "goes beyond the accepted",
        "rejected-before": "holds a part of the rejected",
    }[relation]


def brief(proposal: Mapping[str, Any], elements: Sequence[str]) -> str:
    """Return the first elements of a rule and how many more there are; of a note its kind."""
    return first_of([each.removeprefix("/subscriptions/") for each in elements], SHOWN) or str(proposal["kind"])


def show(made: "Sequence[Decision]") -> None:
    """Print decisions for people."""
    rows = [
        [
            each.sequence,
            done(each.action, each.proposal),
            each.proposal_id,
            each.proposal["profile"],
            "in" if each.proposal["direction"] == "Inbound" else "out",
            brief(each.proposal, each.elements or each.proposal["elements"]),
            each.expires,
        ]
        for each in made
    ]
    if rows:
        console().print(table("", ["", "", "id", "profile", "", "rule element", "until"], rows, wrap=("rule element",)))
    else:
        tell("Nothing to record.")


def tell(sentence: str) -> None:
    """Print a sentence on stderr, whatever is in it."""
    log.tell("decision", sentence)
