"""The rules that people accepted or edited: what is tried, exported and applied."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pipeline.errors import InventoryError, StoreError
from pipeline.recommend.access_rule import AccessRule
from pipeline.recommend.proposal import OVER_BUDGET, Proposal
from pipeline.review.decision import ACCEPT, EDIT, REJECT, Decision, Trail
from pipeline.review.rule import rule_of

GROWTH = 2
"""A note about so many times the callers is another question."""


def accepted_rules(trail: Trail, now: datetime) -> list[AccessRule]:
    """Return the accepted and edited rules, in order; whether or not their proposals are made any longer.

    Args:
        trail: of the decisions.
        now: UTC; what expired is left out, see `expired`.

    Raises:
        StoreError: a decision holds what Azure wouldn't take; it wasn't recorded so.
    """
    return sorted(rule_of_decision(each) for each in _accepted(trail) if not each.has_expired(now))


def expired(trail: Trail, now: datetime) -> list[Decision]:
    """Return what had been accepted and counts no longer, in the order of expiry."""
    gone = [each for each in _accepted(trail) if each.has_expired(now)]
    return sorted(gone, key=lambda each: (each.expires, each.sequence))


def rejected(trail: Trail) -> frozenset[str]:
    """Return the ids of the proposals that stand as rejected."""
    return frozenset(proposal for proposal, each in trail.current.items() if each.action == REJECT)


def answered(trail: Trail, now: datetime) -> Callable[[Proposal], bool]:
    """Return what tells whether a proposal is no open question any longer: accepted, edited, acknowledged or rejected.

    Args:
        trail: of the decisions.
        now: UTC; what expired or is only deferred is open, and so is a note about more than it was about then, a rule
            that doesn't fit into what a profile takes, and what is agreed to but has to be done elsewhere.
    """
    closed = {
        proposal: each
        for proposal, each in trail.current.items()
        if each.action in {ACCEPT, EDIT, REJECT} and not each.has_expired(now)
    }

    def is_answered(proposal: Proposal) -> bool:
        decision = closed.get(proposal.id)
        if decision and proposal.is_rule and OVER_BUDGET in proposal.flags and decision.action != REJECT:
            return False  # who wants it has accepted more than Azure takes
        if decision and proposal.is_to_do and decision.action != REJECT:
            return False  # nothing is associated or linked by agreeing to it
        return decision is not None and not is_another_question(decision.proposal, proposal.as_json())

    return is_answered


def is_another_question(then: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Tell whether a proposal asks something else than the one with its id that was decided about.

    A rule admits what it admits, whoever calls. A note keeps its id while callers come and go, so what was said of a
    few isn't said of many: another one has twice the callers, or a resource that wasn't concerned.

    Args:
        then: the proposal as it stood.
        now: as it is.
    """
    if (then["kind"], then["elements"]) != (now["kind"], now["elements"]):
        return True  # ids of notes can't be checked, so a file may give one that of a rule
    if now["elements"]:
        return False
    before, after = then["evidence"], now["evidence"]
    return bool(
        after["callers"] >= GROWTH * max(1, before["callers"]) or set(after["resources"]) - set(before["resources"])
    )


def rule_of_decision(decision: Decision) -> AccessRule:
    """Return the rule of an accept or edit, even where it expired.

    Raises:
        StoreError: it holds what Azure wouldn't take.
    """
    try:
        proposal = decision.proposal
        return rule_of(proposal, decision.elements or proposal["elements"], None, decision.reason)
    except (InventoryError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"The decision {decision.sequence} on {decision.proposal_id} makes no rule: {error} See nsp decide verify."
        ) from error


def _accepted(trail: Trail) -> Iterator[Decision]:
    """Yield what stands as accepted; accepting a proposal without elements makes no rule."""
    for each in trail.current.values():
        if each.action == EDIT or (each.action == ACCEPT and each.proposal["elements"]):
            yield each
