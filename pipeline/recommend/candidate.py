"""The rules that a what-if tries: those in force, those proposed, or those of a file."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import InventoryError, UsageError
from pipeline.inventory import document, items, rules
from pipeline.inventory.rules import RuleElement
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import Scope, recommend
from pipeline.store import Store

IN_FORCE, PROPOSED, ACCEPTED = "in-force", "proposed", "accepted"


def rules_of(store: Store, source: str, limits: Limits, scope: Scope, now: datetime) -> list[RuleElement] | None:
    """Return all rules of a scenario; None for just those in force.

    Args:
        store: the warehouse.
        source: in-force; proposed, for what `nsp recommend` recommends without a flag, on top of those in force; or
            the path of a file: what `nsp recommend --format json` printed (its recommended rules on top of those in
            force), or access rules as in an inventory, in the place of those of their profiles.
        limits: as for proposals.
        scope: what part of the traffic proposals are made from.
        now: time of the run, UTC.

    Raises:
        UsageError: there are no accepted rules yet, or there is no such file.
        InventoryError: the file holds neither proposals nor access rules.
    """
    if source == IN_FORCE:
        return None
    if source == ACCEPTED:
        raise UsageError("No rules were accepted: decisions can't be recorded yet. Use --rules proposed or a file.")
    if source == PROPOSED:
        proposed = [each.as_json() for each in recommend(store, limits, scope, now).proposals]
        return rules.in_force(store) + list(_of_proposals(proposed))
    path = Path(source)
    if not path.exists():
        raise UsageError(f"--rules must be {IN_FORCE}, {PROPOSED}, {ACCEPTED} or a file; there is no file {source!r}.")
    content = document.json_of(path) if path.is_file() else None
    if isinstance(content, dict) and isinstance(content.get("proposals"), list):
        return rules.in_force(store) + list(_of_proposals(content["proposals"]))
    return _of_access_rules(store, path)


def _of_proposals(proposals: Iterable[dict[str, Any]]) -> Iterable[RuleElement]:
    try:
        for each in proposals:
            if each["recommended"]:
                for element in each["elements"]:
                    yield RuleElement(
                        str(each["perimeter"]).lower(), str(each["profile"]), str(each["direction"]),
                        str(each["kind"]), str(element), str(each["name"]), in_force=False,
                    )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise InventoryError(
            f"A proposal of the file lacks {error}; take what nsp recommend --format json prints."
        ) from None


def _of_access_rules(store: Store, path: Path) -> list[RuleElement]:
    found = document.read(path)
    given = [row for item in found.items("accessRules") for row in items.rule_elements(item)]
    if not given and "accessRules" not in found.lists:
        raise InventoryError(f"{path} holds neither proposals nor access rules.")
    in_force = rules.in_force(store)
    today = {
        (each.perimeter, each.profile.lower(), each.direction, each.kind, each.element.lower()) for each in in_force
    }
    replaced = {(row[0], row[1].lower()) for row in given} | {
        (items.perimeter_of(item), items.name_of(item).lower()) for item in found.items("profiles")
    }
    kept = [each for each in in_force if (each.perimeter, each.profile.lower()) not in replaced]
    return kept + [
        RuleElement(
            perimeter, profile, direction, kind, element, rule,
            in_force=(perimeter, profile.lower(), direction, kind, element.lower()) in today,
        )
        for perimeter, profile, rule, direction, kind, element in given
    ]  # fmt: skip
