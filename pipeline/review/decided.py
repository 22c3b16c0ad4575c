"""What a run of the recommender, and a report, have to know of a trail."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from pipeline.recommend.decided import Decided
from pipeline.review.accepted import accepted_rules, answered
from pipeline.review.decision import EDIT, Trail
from pipeline.review.state import decided_states


def decided(trail: Trail, now: datetime) -> Decided:
    """Return what people decided.

    Args:
        trail: of the decisions.
        now: UTC; what expired counts no longer.

    Raises:
        StoreError: a decision holds what Azure wouldn't take; it wasn't recorded so.
    """
    edits = {name: each for name, each in trail.current.items() if each.action == EDIT and not each.has_expired(now)}
    return Decided(
        answered(trail, now),
        partial(decided_states, trail=trail, now=now),
        tuple(element for rule in accepted_rules(trail, now) for element in rule.rule_elements()),
        {name: each.elements for name, each in edits.items()},
        frozenset(_rules(trail)),
    )


def _rules(trail: Trail) -> Iterator[tuple[str, str, str]]:
    for each in trail.decisions:
        proposal = each.proposal
        if proposal["elements"]:
            yield proposal["perimeter"], proposal["profile"].lower(), proposal["name"].lower()
