"""Rule elements in the form in which the verdict engine matches them: spans of addresses, and names.

This is the one place that says what an element admits. A perimeter has only allow rules, without priorities:
whatever one of them admits is admitted (Microsoft Learn, "What is a network security perimeter"). Host names are
matched exactly and without regard to case; no published source states how the service matches wildcards, so none is
honoured here.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline import addresses
from pipeline.inventory import spans
from pipeline.store import Store
from pipeline.tables import RULE_NAME, RULE_SPAN

NAMED_KINDS = ("subscriptions", "fqdns", "perimeters")
ProfileKey = tuple[str, str]
"""ARM id of the perimeter, and name of the profile, both lower case."""
Rows = list[tuple[object, ...]]


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
    """

    perimeter: str
    profile: str
    direction: str
    kind: str
    element: str
    rule: str

    @property
    def profile_key(self) -> ProfileKey:
        """The profile, as it is compared."""
        return self.perimeter, self.profile.lower()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules that traffic is judged by.

    Args:
        elements: of all rules.
        told: the profiles whose rules are all among them; of others the log may know more.
    """

    elements: tuple[RuleElement, ...] = ()
    told: frozenset[ProfileKey] = frozenset()

    def plus(self, elements: Iterable[RuleElement]) -> "RuleSet":
        """Return these rules and some more."""
        return RuleSet((*self.elements, *elements), self.told)

    def replacing(self, profiles: Iterable[ProfileKey], elements: Iterable[RuleElement]) -> "RuleSet":
        """Return these rules with others in the place of all those of some profiles."""
        gone = frozenset(profiles)
        kept = (each for each in self.elements if each.profile_key not in gone)
        return RuleSet((*kept, *elements), self.told | gone)


def in_force(store: Store) -> RuleSet:
    """Return the rules in force."""
    elements = tuple(
        RuleElement(perimeter, profile, direction, kind, element, rule)
        for perimeter, profile, rule, direction, kind, element in store.rows("inventory/rule_elements")
    )
    listed = {(row[0], row[1].lower()): row[3] for row in store.rows("inventory/profiles")}
    known = {key for key, rules_known in listed.items() if rules_known}
    return RuleSet(
        elements, frozenset(known | {each.profile_key for each in elements if each.profile_key not in listed})
    )


def derive(store: Store) -> None:
    """Make rule_span and rule_name anew from the inventory, in the caller's transaction."""
    today = in_force(store)
    spans_found, names = matchable(store, today, today)
    store.replace(RULE_SPAN, spans_found)
    store.replace(RULE_NAME, names)


def matchable(store: Store, tried: RuleSet, today: RuleSet) -> tuple[Rows, Rows]:
    """Return the rows of rule_span and of rule_name that stand for some rules.

    What is a rule of today is found by what an element admits, not by how it is spelled.

    Args:
        store: whose service tags and perimeters tell what elements stand for.
        tried: the rules.
        today: those in force.
    """
    guids = _perimeter_guids(store)
    in_force_today = {_key(each, guids) for each in today.elements}
    tags = {each.element.lower() for each in tried.elements if each.kind == "service-tags"}
    return (
        _span_rows(tried, tag_prefixes(store, tags), in_force_today, guids),
        _name_rows(tried, today, in_force_today, guids),
    )


def keys(store: Store, elements: Sequence[RuleElement]) -> list[tuple[str, ...]]:
    """Return for each element what it admits: (perimeter, profile, direction, kind, name), in one spelling.

    Elements with equal keys admit the same.

    Args:
        store: whose perimeters tell the GUIDs.
        elements: of rules.
    """
    guids = _perimeter_guids(store)
    return [_key(each, guids) for each in elements]


def tag_prefixes(store: Store, tags: Collection[str]) -> dict[str, list[str]]:
    """Return the prefixes of service tags; tags that were not loaded are missing.

    Args:
        store: the warehouse.
        tags: names, lower case.
    """
    found: dict[str, list[str]] = {}
    for tag, prefix in store.rows("inventory/prefixes_of_tags", tags=sorted(tags)):
        found.setdefault(tag, []).append(prefix)
    return found


def _key(each: RuleElement, guids: Mapping[str, str]) -> tuple[str, ...]:
    """Return what an element admits, in one spelling."""
    return (*each.profile_key, each.direction, each.kind, _name(each, guids))


def _perimeter_guids(store: Store) -> dict[str, str]:
    """Return the GUIDs of the perimeters that the inventory knows, by ARM id."""
    return {row[0]: row[1].lower() for row in store.rows("inventory/perimeters") if row[1]}


def _span_rows(
    tried: RuleSet,
    prefixes: Mapping[str, Collection[str]],
    today: Collection[tuple[str, ...]],
    guids: Mapping[str, str],
) -> Rows:
    """Return for each profile and kind spans that don't overlap; prefixes that can't be read admit nothing."""
    by_profile: dict[tuple[str, str, str], list[tuple[int, int, RuleElement]]] = {}
    for each in sorted(tried.elements):
        if each.direction != "Inbound" or each.kind not in {"address-prefixes", "service-tags"}:
            continue
        texts = [each.element] if each.kind == "address-prefixes" else prefixes.get(each.element.lower(), ())
        for text in texts:
            if network := addresses.read_prefix(text):
                by_profile.setdefault((*each.profile_key, each.kind), []).append((*addresses.span(network), each))
    return [
        (
            *key,
            str(first),
            str(last),
            holders[-1].element,
            holders[-1].rule,
            any(_key(each, guids) in today for each in holders),
            json.dumps([{"element": each.element, "rule": each.rule} for each in holders]),
        )
        for key, found in by_profile.items()
        for first, last, holders in spans.flatten(found)
    ]


def _name_rows(
    tried: RuleSet, today: RuleSet, today_keys: Collection[tuple[str, ...]], guids: Mapping[str, str]
) -> Rows:
    """Return what rules name, the rules of today of which every element is still there, and the profiles told."""
    rows: set[tuple[str, str, str, str, str, str, str, bool]] = set()
    for each in tried.elements:
        if each.kind in NAMED_KINDS:
            key = _key(each, guids)
            rows.add((key[0], key[1], key[2], key[3], key[4], each.element, each.rule, key in today_keys))
    there = {_key(each, guids) for each in tried.elements}
    broken = {
        (*each.profile_key, each.direction, each.rule) for each in today.elements if _key(each, guids) not in there
    }
    for each in today.elements:
        if (*each.profile_key, each.direction, each.rule) not in broken:
            rows.add((*each.profile_key, each.direction, "rule", each.rule, each.rule, each.rule, True))
    for perimeter, profile in tried.told:
        rows.add((perimeter, profile, "", "profile", profile, profile, "", True))
    return sorted(rows)


def _name(each: RuleElement, guids: Mapping[str, str]) -> str:
    if each.kind == "subscriptions":
        return subscription_id(each.element)
    text = each.element.strip().lower()
    if each.kind == "address-prefixes":
        return str(addresses.read_prefix(text) or text)
    return guids.get(text, text) if each.kind == "perimeters" else text.rstrip(".")


def subscription_id(element: str) -> str:
    """Return the bare subscription id of `/subscriptions/<id>` or `<id>`, lower case."""
    return element.strip().lower().removeprefix("/subscriptions/").partition("/")[0]
