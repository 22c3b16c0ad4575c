"""The rules that a what-if tries: those in force, those proposed, those accepted, or those of a file."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline import addresses
from pipeline.errors import InventoryError, UsageError
from pipeline.inventory import document, items, rules
from pipeline.inventory.rules import ProfileKey, RuleElement, RuleSet
from pipeline.recommend.policy import Limits
from pipeline.recommend.proposal_json import is_recommended, parts_of, unreadable
from pipeline.recommend.run import recommend
from pipeline.recommend.scope import Scope, profiles_known
from pipeline.store import Store

IN_FORCE, PROPOSED, ACCEPTED = "in-force", "proposed", "accepted"


def rules_of(
    store: Store,
    source: str,
    limits: Limits,
    scope: Scope,
    now: datetime,
    accepted: Collection[RuleElement] = (),
) -> RuleSet | None:
    """Return all rules of a scenario; None for just those in force.

    Args:
        store: the warehouse.
        source: in-force; proposed, for what `nsp recommend` recommends without a flag, on top of those in force;
            accepted, for what people accepted, on top of those in force as well; or the path of a file: what
            `nsp recommend --format json` printed (its recommended rules on top of those in force), or access rules as
            in an inventory, in the place of those of their profiles. A list of rules that is empty takes those of the
            profiles that the file lists, so it must list some.
        limits: as for proposals.
        scope: what part of the traffic proposals are made from.
        now: time of the run, UTC.
        accepted: elements of the rules that people accepted.

    Raises:
        UsageError: no rule is accepted, or there is no such file.
        InventoryError: the file holds neither proposals nor access rules, or they are of a profile nobody knows.
    """
    if source == IN_FORCE:
        return None
    if source == ACCEPTED:
        if not accepted:
            raise UsageError(
                "No rule is accepted: see nsp decide list, then nsp decide accept. Or try --rules proposed."
            )
        _check(store, {each.profile_key for each in accepted}, "What was accepted")
        return rules.in_force(store).plus(accepted)
    if source == PROPOSED:
        proposed = [each.as_json() for each in recommend(store, limits, scope, now).proposals]
        return rules.in_force(store).plus(elements_of_proposals(proposed))
    path = Path(source)
    if not path.exists():
        raise UsageError(f"--rules must be {IN_FORCE}, {PROPOSED}, {ACCEPTED} or a file; there is no file {source!r}.")
    content = document.json_of(path) if path.is_file() else None
    if isinstance(content, dict) and isinstance(content.get("proposals"), list):
        elements = list(elements_of_proposals(content["proposals"]))
        _check(store, {each.profile_key for each in elements}, path)
        return rules.in_force(store).plus(elements)
    return _of_access_rules(store, path)


_KINDS = {"Inbound": {"address-prefixes", "service-tags", "subscriptions", "perimeters"}, "Outbound": {"fqdns"}}


def elements_of_proposals(proposals: Iterable[Any]) -> Iterator[RuleElement]:
    """Yield the elements of those proposals, as `nsp recommend --format json` prints them, that are recommended.

    Raises:
        InventoryError: one isn't as `nsp recommend --format json` prints it.
    """
    for each in proposals:
        if is_recommended(each):
            yield from _elements_of(each)


def _elements_of(proposal: dict[str, Any]) -> Iterator[RuleElement]:
    perimeter, profile, name, direction, kind, elements = parts_of(proposal)
    if kind not in _KINDS.get(direction, ()):
        raise unreadable(f"has the direction {direction!r} and the kind {kind!r}")
    for element in elements:
        if kind == "address-prefixes" and addresses.read_prefix(element) is None:
            raise unreadable(f"holds {element!r}, which is no prefix")
        yield RuleElement(perimeter, profile, direction, kind, element, name)


def _of_access_rules(store: Store, path: Path) -> RuleSet:
    found = document.read(path)
    if "accessRules" not in found.lists:
        raise InventoryError(f"{path} holds neither proposals nor access rules.")
    given = [RuleElement(row[0], row[1], row[3], row[4], row[5], row[2]) for row in _rows(found)]
    replaced = {items.profile_of(item) for item in found.items("accessRules")}
    replaced |= {(items.perimeter_of(item), items.name_of(item).lower()) for item in found.items("profiles")}
    if not replaced:
        raise InventoryError(
            f"{path} holds no access rule. To try a profile without rules, list it under profiles as well."
        )
    _check(store, replaced, path)
    return rules.in_force(store).replacing(replaced, given)


def _rows(found: document.Document) -> Iterator[items.Row]:
    for item in found.items("accessRules"):
        yield from items.rule_elements(item)


def _check(store: Store, profiles: Collection[ProfileKey], path: Path | str) -> None:
    """Refuse rules of a profile that nobody knows: they would be tried on nothing, and nothing would be lost."""
    known = profiles_known(store)
    for perimeter, profile in sorted(profiles):
        if (perimeter, profile) not in known:
            names = ", ".join(sorted(f"{owner.rsplit('/', 1)[-1]}/{name}" for owner, name in known)) or "none"
            raise InventoryError(
                f"{path} holds rules of {profile!r} of {perimeter}, which neither the inventory nor the logs know. "
                f"Known (perimeter/profile): {names}."
            )
