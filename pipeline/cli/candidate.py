"""What --rules names: for whatif and recommend --check rules to look at, for export and apply rules to write."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.moments import utc_now

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.inventory.rules import RuleSet
    from pipeline.recommend.scope import Scope
    from pipeline.recommend.writable import Writable
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


def writable(common: "Context", source: str, scope: "Scope") -> "Writable":
    """Return the rules to write that a word or a file names; of proposals those that nobody rejected.

    Args:
        common: the settings, and the decisions beside the warehouse.
        source: what --rules says: accepted, proposed or a file.
        scope: perimeter and profile of the rules.

    Raises:
        UsageError: there is no such file.
        InventoryError: the file holds no rules, or some that can't be written.
    """
    from pipeline.cli.recommend import limits_of
    from pipeline.errors import UsageError
    from pipeline.recommend.candidate import ACCEPTED, PROPOSED
    from pipeline.recommend.run import recommend
    from pipeline.recommend.writable import Writable, of_file, of_proposals
    from pipeline.review.accepted import accepted_rules, rejected

    now = utc_now()
    if source == ACCEPTED:
        trail = common.decisions().trail()
        tell_expired(trail, now)
        return Writable(tuple(each for each in accepted_rules(trail, now) if scope.holds(each.perimeter, each.profile)))
    if source == PROPOSED:
        with common.open() as store:
            proposals = recommend(store, limits_of(common), scope, now).proposals
        made = of_proposals((each.as_json() for each in proposals if each.is_rule), scope)
        return made.without(rejected(common.decisions().trail()))
    path = Path(source)
    if not path.exists():
        raise UsageError(f"--rules must be {ACCEPTED}, {PROPOSED} or a file; there is no file {source!r}.")
    found = of_file(path, scope)
    return found.without(rejected(common.decisions().trail())) if found.are_additions else found


def tell_expired(trail: "Trail", now: datetime) -> None:
    """Say on stderr which accepted rules count no longer."""
    from pipeline.cli.log import warn
    from pipeline.cli.output import plain
    from pipeline.review.accepted import expired

    for each in expired(trail, now):
        warn(
            "rule_expired",
            f"Expired {plain(each.expires)}: {each.proposal.get('name')} ({each.proposal_id}), accepted by "
            f"{each.who}; accept it anew, or undo it.",
            proposal=each.proposal_id,
        )
