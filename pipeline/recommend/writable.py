"""The access rules that can be written as code or applied: of proposals, or of a file."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import InventoryError
from pipeline.inventory import document
from pipeline.recommend.access_rule import AccessRule, access_rule, of_item
from pipeline.recommend.proposal_json import Object, is_recommended, parts_of, unreadable
from pipeline.recommend.scope import Scope


@dataclass(frozen=True, slots=True)
class Writable:
    """Rules that can be written.

    Args:
        rules: in order.
        flagged: how many proposals of rules were left out since they are flagged.
        rejected: how many since people rejected them.
        are_additions: they were proposed on top of the rules in force, which are not among them.
    """

    rules: tuple[AccessRule, ...]
    flagged: int = 0
    rejected: int = 0
    are_additions: bool = False

    @property
    def left_out(self) -> str:
        """What was left out, in words; "" for nothing."""
        kinds = {"flagged": self.flagged, "rejected": self.rejected}
        return " and ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)

    def without(self, rejected: Container[str]) -> "Writable":
        """Return them without those of some proposals.

        Args:
            rejected: ids of proposals that people rejected.
        """
        kept = tuple(each for each in self.rules if each.proposal not in rejected)
        return replace(self, rules=kept, rejected=self.rejected + len(self.rules) - len(kept))


def of_proposal(proposal: Object) -> AccessRule:
    """Return the rule that accepting a proposal makes.

    Args:
        proposal: as `nsp recommend --format json` prints it, and as Proposal.as_json returns it.

    Raises:
        InventoryError: it lacks a part, or holds what no rule can: cannot-fix and leave-denied make none.
    """
    perimeter, profile, name, direction, kind, elements = parts_of(proposal)
    if not isinstance(identity := proposal.get("id"), str):
        raise unreadable("lacks 'id'")
    reason = str(proposal.get("reason") or "")
    return access_rule((perimeter, profile), name, direction, kind, elements, proposal=identity, reason=reason)


def of_proposals(proposals: Iterable[Object], scope: Scope) -> Writable:
    """Return the rules of all recommended proposals of a scope.

    Raises:
        InventoryError: one isn't as `nsp recommend --format json` prints it.
    """
    rules, flagged = [], 0
    for each in proposals:
        recommended, parts = is_recommended(each), parts_of(each)
        if scope.holds(parts.perimeter, parts.profile):
            if recommended:
                rules.append(of_proposal(each))
            elif parts.elements:
                flagged += 1
    return Writable(tuple(sorted(rules)), flagged, are_additions=True)


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
    if path.is_dir():
        found = document.read(path)
    else:
        content = document.json_of(path)
        if isinstance(content, dict) and isinstance(content.get("proposals"), list):
            return of_proposals(content["proposals"], scope)
        found = document.of_content(content, path)
    if "accessRules" not in found.lists:
        raise InventoryError(f"{path} holds neither proposals nor access rules.")
    rules = (_told(each) for each in found.items("accessRules"))
    return Writable(tuple(sorted(rule for rule in rules if scope.holds(rule.perimeter, rule.profile))))


def _told(item: document.Item) -> AccessRule:
    told = (item.get(key) for key in ("proposal", "reason"))
    proposal, reason = (text if isinstance(text, str) else "" for text in told)
    return replace(of_item(item), proposal=proposal, reason=reason)
