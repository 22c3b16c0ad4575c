"""Whom an edited rule leaves out, of those for whom it was proposed."""

from collections.abc import Iterable
from datetime import datetime

from pipeline.review.accepted import accepted_rules
from pipeline.review.decision import Decision, Trail
from pipeline.review.extent import Extent


def left_out(edit: Decision, callers: Iterable[str], trail: Trail, now: datetime) -> list[str]:
    """Return those callers or destinations of a proposal that no accepted rule of its kind admits, in their order.

    Args:
        edit: the decision.
        callers: whom the proposal is about, as the log names them: addresses, subscriptions, tags or host names.
        trail: of the decisions, with this one.
        now: UTC.
    """
    proposal = edit.proposal
    place = proposal["perimeter"], proposal["profile"].lower(), proposal["direction"], proposal["kind"]
    admitted = Extent(proposal["kind"])
    for rule in accepted_rules(trail, now):
        if (*rule.profile_key, rule.direction, rule.kind) == place:
            admitted.add(rule.proposal, rule.elements)
    return [each for each in callers if not admitted.holds([each])]
