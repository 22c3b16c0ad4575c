"""Reads ARM items into the rows of a snapshot.

Item shapes: azure-rest-api-specs, Microsoft.Network, networkSecurityPerimeter.json, 2025-05-01; for what a resource
itself says of its perimeter, common-types/resource-management/v5/networksecurityperimeter.json; for diagnostic
settings, Microsoft.Insights, 2021-05-01-preview.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.addresses import read_prefix
from pipeline.errors import InventoryError
from pipeline.inventory.document import Document, Item

KINDS = {
    "addressPrefixes": "address-prefixes",
    "subscriptions": "subscriptions",
    "fullyQualifiedDomainNames": "fqdns",
    "serviceTags": "service-tags",
    "networkSecurityPerimeters": "perimeters",
    "emailAddresses": "email-addresses",
    "phoneNumbers": "phone-numbers",
}
Row = tuple[Any, ...]


def field(item: Item, name: str) -> Any:
    """Return a field of an item, flattened or below `properties`, however its name is capitalized."""
    properties = item.get("properties")
    places = (item, properties) if isinstance(properties, dict) else (item,)
    for place in places:
        if name in place:
            return place[name]
    wanted = name.lower()
    return next((value for place in places for key, value in place.items() if key.lower() == wanted), None)


def arm_id(item: Item) -> str:
    """Return an item's ARM id, lower case.

    Raises:
        InventoryError: it has none.
    """
    value = item.get("id")
    if not isinstance(value, str) or not value.startswith("/"):
        raise InventoryError(f"An inventory item has no ARM id: {json.dumps(item)[:200]}.")
    return value.rstrip("/").lower()


def perimeter_of(item: Item) -> str:
    """Return the ARM id of the perimeter that an item lies in.

    Raises:
        InventoryError: it lies in none.
    """
    parts = arm_id(item).split("/")
    # types and names take turns, counted from the end: a group or a perimeter may be named as a type is
    for place in range(len(parts) % 2, len(parts) - 1, 2):
        if parts[place] == "networksecurityperimeters":
            return "/".join(parts[: place + 2])
    raise InventoryError(f"{item['id']} lies in no network security perimeter.")


def name_of(item: Item) -> str:
    """Return an item's name, the last part of its id where it has none.

    Raises:
        InventoryError: it has neither.
    """
    name = item.get("name") or str(item.get("id") or "").rstrip("/").rsplit("/", 1)[-1]
    if not name:
        raise InventoryError(f"An inventory item has neither name nor id: {json.dumps(item)[:200]}.")
    return str(name)


def storable(value: Any) -> Any:
    """Return a value as it can be stored: halves of surrogate pairs, which JSON may hold, as their escapes."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def text(value: Any) -> str | None:
    """Return a value as text, without blanks around it; blank and null as None."""
    return None if value is None else str(value).strip() or None


def _id_of(reference: Any) -> str | None:
    value = reference.get("id") if isinstance(reference, dict) else None
    return value.rstrip("/").lower() if isinstance(value, str) else None


def _array(value: Any) -> str | None:
    return json.dumps(value, sort_keys=True) if isinstance(value, list) and value else None


def profile(item: Item) -> Row:
    """Return (perimeter, profile, rules version)."""
    return perimeter_of(item), name_of(item), text(field(item, "accessRulesVersion"))


def profile_of(item: Item) -> tuple[str, str]:
    """Return (perimeter, profile), both lower case, of an access rule.

    Raises:
        InventoryError: it lies in no profile.
    """
    return perimeter_of(item), _profile_name(item).lower()


def _profile_name(item: Item) -> str:
    parts = item["id"].split("/")
    lowered = [part.lower() for part in parts]
    within = len(perimeter_of(item).split("/"))  # a group or perimeter may be named profiles
    if "profiles" not in lowered[within:-1]:
        raise InventoryError(f"The access rule {item['id']} lies in no profile.")
    return str(parts[lowered.index("profiles", within) + 1])


def rule_elements(item: Item) -> list[Row]:
    """Return (perimeter, profile, rule, direction, kind, element), a row an element.

    Raises:
        InventoryError: it lies in no profile, has no direction, or holds something that is no element.
    """
    return elements_of(item, perimeter_of(item), _profile_name(item))


def elements_of(item: Item, perimeter: str, profile_name: str) -> list[Row]:
    """Return the elements of a rule that is known to belong to a profile."""
    told = f"The access rule {item.get('id') or item.get('name')}"
    direction = str(field(item, "direction")).capitalize()
    if direction not in {"Inbound", "Outbound"}:
        raise InventoryError(f"{told} is neither Inbound nor Outbound.")
    rows = []
    for name, kind in KINDS.items():
        values = field(item, name) or []
        if not isinstance(values, list):
            raise InventoryError(f"{name} of {told.lower()[:3]}{told[3:]} must be a list.")
        for value in values:
            element = _element(value)
            if not isinstance(element, str) or (kind == "address-prefixes" and read_prefix(element) is None):
                raise InventoryError(f"{name} of {told.lower()[:3]}{told[3:]} holds {element!r}, which is none.")
            rows.append((perimeter, profile_name, name_of(item), direction, kind, element))
    return rows


def _element(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("perimeterGuid") or value.get("id")
    return value


def association(item: Item) -> Row:
    """Return (perimeter, profile, association, resource, mode, public network access, state, has issues).

    Raises:
        InventoryError: it names no resource or no profile.
    """
    resource = _id_of(field(item, "privateLinkResource"))
    reference = field(item, "profile")
    spelled = str(reference.get("id") or "").rstrip("/") if isinstance(reference, dict) else ""
    if not resource or not spelled:
        raise InventoryError(f"The association {item.get('id')} names no resource or no profile.")
    issues = field(item, "hasProvisioningIssues")
    return (
        perimeter_of(item),
        spelled.rsplit("/", 1)[-1],
        name_of(item),
        resource,
        text(field(item, "accessMode")),
        text(field(item, "publicNetworkAccess")),
        text(field(item, "provisioningState")),
        None if issues is None else str(issues).lower() in {"yes", "true"},
    )


def resource(item: Item) -> Row:
    """Return (resource, type, kind, location, identity, key source, local auth disabled, network injections)."""
    identity = item.get("identity")
    identity_type = identity.get("type") if isinstance(identity, dict) else None
    if identity_type is None and ("identity" in item or "properties" in item):
        identity_type = "None"  # a full answer without an identity says that there is none
    encryption = field(item, "encryption")
    key_source = encryption.get("keySource") if isinstance(encryption, dict) else None
    no_keys = field(item, "disableLocalAuth")
    if no_keys is None and field(item, "allowSharedKeyAccess") is not None:
        no_keys = not field(item, "allowSharedKeyAccess")
    return (
        arm_id(item),
        type_of(arm_id(item)),
        text(item.get("kind")),
        text(item.get("location")),
        text(identity_type),
        text(key_source),
        no_keys if isinstance(no_keys, bool) else None,
        _array(field(item, "networkInjections")),
    )


def type_of(resource_id: str) -> str:
    """Return the type of a resource, such as microsoft.storage/storageaccounts, going by its id."""
    parts = resource_id.lower().rpartition("/providers/")[2].split("/")
    return "/".join([parts[0], *parts[1::2]])


def link(item: Item, *, is_reference: bool) -> Row:
    """Return (perimeter, link, remote perimeter, remote GUID, local profiles, remote profiles, status, reference)."""
    remote = field(item, "remotePerimeterResourceId") or field(item, "autoApprovedRemotePerimeterResourceId")
    return (
        perimeter_of(item),
        name_of(item),
        (text(remote) or "").lower() or None,
        (text(field(item, "remotePerimeterGuid")) or "").lower() or None,
        _profiles(item, "localInboundProfiles"),
        _profiles(item, "remoteInboundProfiles"),
        text(field(item, "status")),
        is_reference,
    )


def _profiles(item: Item, name: str) -> str | None:
    """Return a link's list of profiles; an empty one says that none takes part."""
    value = field(item, name)
    return json.dumps(value) if isinstance(value, list) else None


def items_in(item: Item, name: str) -> list[Item]:
    """Return the objects of a list in an item; none where the field is missing.

    Raises:
        InventoryError: it is no list of objects.
    """
    values = field(item, name) or []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise InventoryError(f"{name} of {item.get('id')} must be a list of objects.")
    return values


def object_in(item: Item, name: str) -> Item:
    """Return an object in an item; an empty one where the field is missing.

    Raises:
        InventoryError: it is no object.
    """
    value = field(item, name) or {}
    if not isinstance(value, dict):
        raise InventoryError(f"{name} of {item.get('id')} must be an object.")
    return value


def words_in(item: Item, name: str) -> list[str]:
    """Return the texts of a list in an item; none where the field is missing.

    Raises:
        InventoryError: it is no list of texts.
    """
    values = field(item, name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InventoryError(f"{name} of {item.get('id')} must be a list of texts.")
    return values


def logging(document: Document) -> Iterator[Row]:
    """Yield (perimeter, setting, category, is group, enabled, destination)."""
    for item in document.items("loggingConfigurations"):
        for category in words_in(item, "enabledLogCategories"):
            yield perimeter_of(item), "", category, False, True, None
    for item in document.items("diagnosticSettings"):
        destinations: list[str | None] = [
            str(field(item, name)).lower()
            for name in ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId")
            if field(item, name)
        ]
        for log in items_in(item, "logs"):
            name = log.get("category") or log.get("categoryGroup")
            for destination in destinations or [None]:
                yield (
                    perimeter_of(item),
                    name_of(item),
                    str(name),
                    not log.get("category"),
                    bool(log.get("enabled")),
                    destination,
                )


@dataclass(frozen=True, slots=True)
class Configured:
    """Of which perimeter and profile a resource says that it belongs to them.

    Args:
        perimeter: ARM id, lower case.
        resource: ARM id, lower case.
        profile: name; None where the resource doesn't say.
        rules_told: it lists the profile's access rules.
        version: of them; None where it doesn't say.
    """

    perimeter: str
    resource: str
    profile: str | None
    rules_told: bool
    version: int | None


def configured(item: Item) -> Configured | None:
    """Return what a networkSecurityPerimeterConfiguration is about; None where it names no perimeter.

    Raises:
        InventoryError: it is none.
    """
    perimeter = str(object_in(item, "networkSecurityPerimeter").get("id") or "").lower()
    resource_id = arm_id(item).rpartition("/networksecurityperimeterconfigurations")[0]
    if not perimeter or not resource_id:
        return None
    found = object_in(item, "profile")
    version = text(found.get("accessRulesVersion"))
    return Configured(
        perimeter,
        resource_id,
        text(found.get("name")),
        isinstance(found.get("accessRules"), list),
        int(version) if version and version.isdecimal() else None,
    )


def issues(item: Item, perimeter: str, resource_id: str) -> Iterator[Row]:
    """Yield (perimeter, resource, issue, severity, description, suggested resources, suggested rules)."""
    for issue in items_in(item, "provisioningIssues"):
        found = object_in(issue, "properties") or issue
        yield (
            perimeter,
            resource_id,
            str(found.get("issueType") or "Unknown"),
            text(found.get("severity")),
            text(found.get("description")),
            _array(found.get("suggestedResourceIds")),
            _array(found.get("suggestedAccessRules")),
        )
