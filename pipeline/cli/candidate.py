"""What --rules names: the rules that nsp whatif and nsp recommend --check look at."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.inventory.rules import RuleSet
    from pipeline.recommend.scope import Scope
    from pipeline.review.decision import Trail
    from pipeline.store import Store


def candidate(store: "Store", common: "Context", source: str, scope: "Scope", now: datetime) -> "RuleSet | None":
    """Return the rules that a word or a file names; None for just those in force.

    Args:
        store: the warehouse.
        common: the settings, and the decisions beside the warehouse.
        source: what --rules says.
        scope: what part of the traffic proposals are made from.
        now: UTC.
    """
    from pipeline.cli.recommend import limits_of
    from pipeline.recommend.candidate import ACCEPTED, rules_of
    from pipeline.review.accepted import accepted_rules

    elements = []
    if source == ACCEPTED:
        trail = common.decisions().trail()
        tell_expired(trail, now)
        elements = [element for rule in accepted_rules(trail, now) for element in rule.rule_elements()]
    return rules_of(store, source, limits_of(common), scope, now, elements)


def tell_expired(trail: "Trail", now: datetime) -> None:
    """Say on stderr which accepted rules count no longer."""
    from pipeline.cli.output import console, plain
    from pipeline.review.accepted import expired

    to = console(stderr=True)
    for each in expired(trail, now):
        to.print(
            f"Expired {plain(each.expires)}: {plain(each.proposal.get('name'))} ({each.proposal_id}), accepted by "
            f"{plain(each.who)}; accept it anew, or undo it.",
            markup=False,
        )
