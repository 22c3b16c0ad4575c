"""An access rule as it is accepted, exported and applied: one direction, one kind, elements in one spelling.

Source of the shape and of its limits: azure-rest-api-specs, networkSecurityPerimeter.json, 2025-05-01; that a rule
holds elements of just one kind: terraform-provider-azurerm, network_security_perimeter_access_rule (ExactlyOneOf).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.errors import InventoryError
from pipeline.inventory import items
from pipeline.inventory.document import Item
from pipeline.inventory.rules import ProfileKey, RuleElement
from pipeline.recommend.bounds import canonical_host, canonical_prefix, canonical_subscription, canonical_tag

NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,78}[a-zA-Z0-9_])?", re.ASCII)
"""Names of perimeters, profiles, access rules and associations."""
PERIMETER = re.compile(
    r"/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourcegroups/[\w.()-]{1,90}"
    r"/providers/microsoft\.network/networksecurityperimeters/[a-z0-9](?:[a-z0-9_.-]{0,78}[a-z0-9_])?"
)
FIELDS = {
    ("Inbound", "address-prefixes"): "addressPrefixes",
    ("Inbound", "subscriptions"): "subscriptions",
    ("Inbound", "service-tags"): "serviceTags",
    ("Outbound", "fqdns"): "fullyQualifiedDomainNames",
}
"""The property of an access rule that holds the elements of a direction and kind that people can write."""


@dataclass(frozen=True, slots=True, order=True)
class AccessRule:
    """One access rule; made by `access_rule`, which checks it.

    Args:
        perimeter: ARM id, lower case.
        profile: name of the profile.
        name: of the rule.
        direction: Inbound or Outbound.
        kind: address-prefixes, subscriptions, service-tags or fqdns.
        elements: prefixes, `/subscriptions/<guid>`, tags or host names; sorted, in one spelling.
        proposal: id of the proposal that it was accepted from; empty where there was none.
        reason: why it was accepted, by whom it is used; text of a person or of the log, of any content.
    """

    perimeter: str
    profile: str
    name: str
    direction: str
    kind: str
    elements: tuple[str, ...]
    proposal: str = ""
    reason: str = ""

    @property
    def profile_key(self) -> ProfileKey:
        """The profile, as it is compared."""
        return self.perimeter, self.profile.lower()

    @property
    def id(self) -> str:
        """ARM id of the rule."""
        return f"{self.perimeter}/profiles/{self.profile}/accessRules/{self.name}"

    @property
    def properties(self) -> dict[str, Any]:
        """What the resource's `properties` hold."""
        values: list[Any] = list(self.elements)
        if self.kind == "subscriptions":
            values = [{"id": each} for each in self.elements]
        return {"direction": self.direction, FIELDS[self.direction, self.kind]: values}

    def rule_elements(self) -> Iterator[RuleElement]:
        """Yield the elements as the verdict engine takes them."""
        for each in self.elements:
            yield RuleElement(self.perimeter, self.profile, self.direction, self.kind, each, self.name)


def access_rule(
    place: ProfileKey, name: str, direction: str, kind: str, elements: Iterable[str], *, proposal: str = "",
    reason: str = "",
) -> AccessRule:  # fmt: skip
    """Return a rule whose every part Azure takes.

    Args:
        place: ARM id of the perimeter and name of the profile.
        name: of the rule.
        direction: Inbound or Outbound.
        kind: address-prefixes, subscriptions, service-tags or fqdns.
        elements: in any spelling; doubles count once.
        proposal: id of the proposal.
        reason: of any content.

    Raises:
        InventoryError: a name is none, the kind doesn't go with the direction, there is no element, or one is none.
    """
    perimeter, profile = place[0].lower(), place[1]
    if not PERIMETER.fullmatch(perimeter):
        raise InventoryError(f"{place[0]!r} is no ARM id of a network security perimeter.")
    for what, text in (("a profile", profile), ("an access rule", name)):
        if not NAME.fullmatch(text):
            raise InventoryError(
                f"{text!r} is no name of {what}: at most 80 letters, digits, '_', '.' and '-', "
                "beginning with a letter or digit and not ending with '.' or '-'."
            )
    if (direction, kind) not in FIELDS:
        raise InventoryError(f"The rule {name} is {direction!r} with the kind {kind!r}, which can't be written.")
    canonical = {_canonical(kind, each, name) for each in elements}
    if not canonical:
        raise InventoryError(f"The rule {name} has no element.")
    return AccessRule(perimeter, profile, name, direction, kind, tuple(sorted(canonical, key=_order)), proposal, reason)


def of_item(item: Item) -> AccessRule:
    """Return the rule of one object as Azure Resource Manager gives it, flattened or with `properties`.

    Raises:
        InventoryError: it can't be written by people: it holds several kinds, none, or one made by a link.
    """
    rows = items.rule_elements(item)
    kinds = sorted({row[4] for row in rows})
    if len(kinds) != 1:
        raise InventoryError(f"The access rule {items.name_of(item)} holds {len(kinds)} kinds of elements, not one.")
    perimeter, profile, name, direction, kind, _ = rows[0]
    return access_rule((perimeter, profile), name, direction, kind, [row[5] for row in rows])


_CANONICAL: dict[str, Callable[[str], object]] = {
    "address-prefixes": canonical_prefix,
    "subscriptions": canonical_subscription,
    "service-tags": canonical_tag,
    "fqdns": canonical_host,
}


def _canonical(kind: str, element: str, name: str) -> str:
    found = _CANONICAL[kind](element)
    if not found or (kind == "subscriptions" and element.strip("/ ").count("/") > 1):  # a part isn't the whole
        raise InventoryError(f"The rule {name} holds {element!r}, which is none of its kind ({kind}).")
    if kind == "service-tags":
        return element.strip()  # Azure's spelling of a tag has capitals, and no source says that it takes another
    return f"/subscriptions/{found}" if kind == "subscriptions" else str(found)


def _order(element: str) -> tuple[int, int, int, str]:
    """Return prefixes in numerical order, names in the alphabet's."""
    network = canonical_prefix(element)
    if network is None:
        return (9, 0, 0, element)
    return (network.version, int(network.network_address), network.prefixlen, element)
