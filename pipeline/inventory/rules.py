"""Rule elements in the form in which the verdict engine matches them: spans of addresses, and names.

This is the one place that says what an element admits. A perimeter has only allow rules, without priorities:
whatever one of them admits is admitted (Microsoft Learn, "What is a network security perimeter"). Host names are
matched exactly and without regard to case; no published source states how the service matches wildcards, so none is
honoured here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline import addresses
from pipeline.inventory import spans
from pipeline.store import Store
from pipeline.tables import RULE_NAME, RULE_SPAN

NAMED_KINDS = ("subscriptions", "fqdns", "perimeters")


@dataclass(frozen=True, slots=True, order=True)
class RuleElement:
    """One element of one rule.

    Args:
        perimeter: ARM id, lower case.
        profile: name of the profile.
        direction: Inbound or Outbound.
        kind: as in inventory_rule_element and in proposals.
        element: the prefix, subscription, host name, tag or perimeter GUID.
        rule: name of the rule.
        in_force: it is a rule of today, not one that is tried.
    """

    perimeter: str
    profile: str
    direction: str
    kind: str
    element: str
    rule: str
    in_force: bool = True


def in_force(store: Store) -> list[RuleElement]:
    """Return the elements of all rules in force."""
    return [
        RuleElement(perimeter, profile, direction, kind, element, rule)
        for perimeter, profile, rule, direction, kind, element in store.rows("inventory/rule_elements")
    ]


def derive(store: Store) -> None:
    """Make rule_span and rule_name anew from the inventory, in the caller's transaction."""
    found = in_force(store)
    store.replace(RULE_SPAN, span_rows(found, tag_prefixes(store, found)))
    store.replace(RULE_NAME, name_rows(found, perimeter_guids(store)))


def tag_prefixes(store: Store, elements: Iterable[RuleElement]) -> dict[str, list[str]]:
    """Return the prefixes of the service tags that some elements name, by tag in lower case."""
    tags = sorted({each.element.lower() for each in elements if each.kind == "service-tags"})
    found: dict[str, list[str]] = {tag: [] for tag in tags}
    for tag, prefix in store.rows("inventory/prefixes_of_tags", tags=tags):
        found[tag].append(prefix)
    return found


def perimeter_guids(store: Store) -> dict[str, str]:
    """Return the GUIDs of the perimeters that the inventory knows, by ARM id."""
    return {row[0]: row[1].lower() for row in store.rows("inventory/perimeters") if row[1]}


def span_rows(elements: Iterable[RuleElement], prefixes: Mapping[str, Collection[str]]) -> list[Sequence[object]]:
    """Return rows of rule_span: for each profile and kind, spans that don't overlap.

    Args:
        elements: of any perimeters and profiles; prefixes that can't be read admit nothing.
        prefixes: tag in lower case -> its prefixes.
    """
    by_profile: dict[tuple[str, str, str], list[tuple[int, int, RuleElement]]] = {}
    for each in sorted(elements):
        if each.direction != "Inbound" or each.kind not in {"address-prefixes", "service-tags"}:
            continue
        texts = [each.element] if each.kind == "address-prefixes" else prefixes.get(each.element.lower(), ())
        key = each.perimeter, each.profile.lower(), each.kind
        for text in texts:
            if network := addresses.read_prefix(text):
                by_profile.setdefault(key, []).append((*addresses.span(network), each))
    return [
        (*key, str(first), str(last), holders[-1].element, holders[-1].rule, any(each.in_force for each in holders))
        for key, found in by_profile.items()
        for first, last, holders in spans.flatten(found)
    ]


def name_rows(elements: Iterable[RuleElement], guids: Mapping[str, str]) -> Sequence[Sequence[object]]:
    """Return rows of rule_name: what rules name, and the rules' own names.

    Args:
        elements: of any perimeters and profiles.
        guids: ARM id of a perimeter -> GUID, for elements that name a perimeter by its id.
    """
    rows: set[tuple[str, str, str, str, str, str, str, bool]] = set()
    for each in elements:
        profile = each.perimeter, each.profile.lower(), each.direction
        rows.add((*profile, "rule", each.rule, each.rule, each.rule, each.in_force))
        if each.kind in NAMED_KINDS:
            name = _name(each, guids)
            rows.add((*profile, each.kind, name, each.element, each.rule, each.in_force))
    return sorted(rows)


def _name(each: RuleElement, guids: Mapping[str, str]) -> str:
    if each.kind == "subscriptions":
        return subscription_id(each.element)
    text = each.element.strip().lower()
    return guids.get(text, text) if each.kind == "perimeters" else text.rstrip(".")


def subscription_id(element: str) -> str:
    """Return the bare subscription id of `/subscriptions/<id>` or `<id>`, lower case."""
    return element.strip().lower().removeprefix("/subscriptions/").partition("/")[0]
