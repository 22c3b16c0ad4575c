"""The access rules that can be written as code or applied: of proposals, or of a file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import InventoryError
from pipeline.inventory import document
from pipeline.recommend.access_rule import AccessRule, access_rule, of_item
from pipeline.recommend.scope import Scope

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Writable:
    """Rules, in order, and how many proposals of rules were left out since they are flagged."""

    rules: tuple[AccessRule, ...]
    flagged: int = 0


def of_proposal(proposal: Object) -> AccessRule:
    """Return the rule that accepting a proposal makes.

    Args:
        proposal: as `nsp recommend --format json` prints it, and as Proposal.as_json returns it.

    Raises:
        InventoryError: it lacks a part, or holds what no rule can: cannot-fix and leave-denied make none.
    """
    try:
        place = str(proposal["perimeter"]), str(proposal["profile"])
        name, direction, kind = (str(proposal[key]) for key in ("name", "direction", "kind"))
        elements, identity = proposal["elements"], str(proposal["id"])
    except (KeyError, TypeError) as error:
        raise _unreadable(f"lacks {error}") from None
    if not isinstance(elements, list) or not all(isinstance(each, str) for each in elements):
        raise _unreadable(f"has the elements {elements!r}, which are no list of texts")
    reason = str(proposal.get("reason") or "")
    return access_rule(place, name, direction, kind, elements, proposal=identity, reason=reason)


def of_proposals(proposals: Iterable[Object], scope: Scope) -> Writable:
    """Return the rules of all recommended proposals of a scope.

    Raises:
        InventoryError: one isn't as `nsp recommend --format json` prints it.
    """
    rules, flagged = [], 0
    for each in proposals:
        try:
            is_recommended, is_rule = bool(each["recommended"]), bool(each["elements"])
            is_meant = scope.holds(str(each["perimeter"]).lower(), str(each["profile"]))
        except (KeyError, TypeError) as error:
            raise _unreadable(f"lacks {error}") from None
        if is_meant and is_recommended:
            rules.append(of_proposal(each))
        elif is_meant and is_rule:
            flagged += 1
    return Writable(tuple(sorted(rules)), flagged)


def of_file(path: Path, scope: Scope) -> Writable:
    """Return the rules of a file that lie in a scope.

    Args:
        path: what `nsp recommend --format json` printed (of which the recommended proposals count), or access rules as
            in an inventory, which is what `nsp export json` writes. What the latter says of proposal and reason is
            kept.
        scope: perimeter and profile.

    Raises:
        InventoryError: it holds neither, or a rule that people can't write.
    """
    content = document.json_of(path) if path.is_file() else None
    if isinstance(content, dict) and isinstance(content.get("proposals"), list):
        return of_proposals(content["proposals"], scope)
    found = document.read(path)
    if "accessRules" not in found.lists:
        raise InventoryError(f"{path} holds neither proposals nor access rules.")
    rules = (_told(each) for each in found.items("accessRules"))
    return Writable(tuple(sorted(rule for rule in rules if scope.holds(rule.perimeter, rule.profile))))


def _told(item: document.Item) -> AccessRule:
    told = (item.get(key) for key in ("proposal", "reason"))
    proposal, reason = (text if isinstance(text, str) else "" for text in told)
    return replace(of_item(item), proposal=proposal, reason=reason)


def _unreadable(what: str) -> InventoryError:
    return InventoryError(f"A proposal {what}; take what nsp recommend --format json prints.")
