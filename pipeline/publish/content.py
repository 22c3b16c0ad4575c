"""What an access rule admits, in a form in which a rule of Azure, an applied and an accepted one can be compared.

Azure's own rules may hold what no accepted rule does: several kinds of elements, those of a perimeter link, fields that
nobody has documented. All of it is compared, and what can't be read is equal only to itself.

Source of the shape: azure-rest-api-specs, networkSecurityPerimeter.json, 2025-05-01, NspAccessRuleProperties. That the
service answers with an undocumented `appliesTo` besides: azure-cli-extensions, src/nsp, the recorded tests of 2025-10.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.inventory.items import KINDS
from pipeline.recommend.access_rule import AccessRule
from pipeline.recommend.bounds import canonical_host, canonical_prefix, canonical_subscription, canonical_tag

LINK = "networkSecurityPerimeters"
"""Elements that come with a perimeter link, and that nobody can write."""
_READ_ONLY = frozenset({"provisioningState", LINK})
_APPLIES_TO_ALL = [{"resourceType": "*", "features": ["*"]}]
_CANONICAL: dict[str, Callable[[str], object]] = {
    "address-prefixes": canonical_prefix,
    "subscriptions": canonical_subscription,
    "service-tags": canonical_tag,
    "fqdns": canonical_host,
}


@dataclass(frozen=True, slots=True)
class Content:
    """What one rule admits; two are equal when they admit the same, however it is spelled.

    Args:
        direction: Inbound or Outbound; empty where the rule can't be read.
        elements: (property, element in one spelling); of a rule that can't be read, all of it as one text.
        properties: what to send to have it so.
    """

    direction: str
    elements: frozenset[tuple[str, str]]
    properties: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def is_readable(self) -> bool:
        """Whether all of it is understood."""
        return bool(self.direction)

    @property
    def side(self) -> str:
        """The direction that its elements count for, even where it can't be read."""
        return self.direction or str(self.properties.get("direction") or "").capitalize()

    @property
    def is_of_link(self) -> bool:
        """Whether a perimeter link made it."""
        return any(name == LINK for name, _ in self.elements)

    @property
    def kinds(self) -> frozenset[str]:
        """The properties that hold its elements."""
        return frozenset(name for name, _ in self.elements)

    @property
    def texts(self) -> tuple[str, ...]:
        """Its elements, for people."""
        return tuple(sorted(element for _, element in self.elements))

    def count(self) -> int:
        """Return how many elements it has; of a rule that can't be read, how many list entries."""
        if self.is_readable:
            return len(self.elements)
        return sum(len(value) for name, value in self.properties.items() if name in KINDS and isinstance(value, list))

    def with_all_of(self, other: "Content") -> "Content":
        """Return what both admit together; both have one direction and the same kind."""
        merged = dict(self.properties)
        mine = {element for _, element in self.elements}
        for name, values in other.properties.items():
            if name in KINDS:
                added = [each for each in values if _element(KINDS[name], each) not in mine]
                merged[name] = [*merged.get(name, ()), *added]
        return Content(self.direction, self.elements | other.elements, merged)


def of_rule(rule: AccessRule) -> Content:
    """Return what an accepted rule admits."""
    return of_properties(rule.properties)


def of_item(item: Mapping[str, Any]) -> Content:
    """Return what a rule admits that Resource Manager gave; it is other people's content, of any shape."""
    properties = item.get("properties")
    return of_properties(properties if isinstance(properties, dict) else {"unreadable": properties})


def of_properties(properties: Mapping[str, Any]) -> Content:
    """Return what a rule with these `properties` admits."""
    sent = {
        name: value
        for name, value in properties.items()
        if name not in _READ_ONLY
        and value not in (None, "", [], {})
        and (name, value) != ("appliesTo", _APPLIES_TO_ALL)
    }
    told = str(properties.get("direction")).capitalize()
    direction = told if told in {"Inbound", "Outbound"} else ""
    elements: set[tuple[str, str]] = set()
    for name, value in properties.items():
        if name in {"direction", "provisioningState"} or value in (None, "", [], {}):
            continue
        if name == "appliesTo" and value == _APPLIES_TO_ALL:
            continue
        texts = [_element(KINDS[name], each) for each in value] if name in KINDS and isinstance(value, list) else [None]
        if None in texts:
            direction = ""
        elements |= {(name, text) for text in texts if text is not None}
    if not direction or not elements:
        return Content("", frozenset({("", json.dumps(properties, sort_keys=True, default=str))}), sent)
    return Content(direction, frozenset(elements), sent)


def _element(kind: str, value: Any) -> str | None:
    """Return an element in one spelling; None where it is none."""
    if isinstance(value, dict):
        value = value.get("perimeterGuid") or value.get("id")
    if not isinstance(value, str) or not value.strip():
        return None
    if kind == "subscriptions" and value.strip("/ ").count("/") > 1:  # a part isn't the whole
        return value
    canonical = _CANONICAL[kind](value) if kind in _CANONICAL else None
    return value.strip().lower() if canonical is None else str(canonical)
