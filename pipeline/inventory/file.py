"""Reads an inventory from JSON in the shape of `az network perimeter ... list -o json`, into the store.

One object with the lists `perimeters`, `profiles`, `accessRules` and `associations` (any of them may be
missing). Items come flattened, as the CLI extension prints them since 1.0.0, or with `.properties`, as the REST
API does; both are read. Item shapes: azure-rest-api-specs, networkSecurityPerimeter.json, 2025-05-01.
"""

import json
from pathlib import Path
from typing import Any

from pipeline.addresses import read_prefix
from pipeline.errors import InventoryError
from pipeline.store import Store
from pipeline.tables import INVENTORY_ASSOCIATION, INVENTORY_PROFILE, INVENTORY_RULE_ELEMENT

_KINDS = {
    "addressPrefixes": "address-prefixes",
    "subscriptions": "subscriptions",
    "fullyQualifiedDomainNames": "fqdns",
    "serviceTags": "service-tags",
    "networkSecurityPerimeters": "perimeters",
    "emailAddresses": "email-addresses",
    "phoneNumbers": "phone-numbers",
}
_LISTS = ("perimeters", "profiles", "accessRules", "associations")


def load(store: Store, path: Path) -> dict[str, int]:
    """Put the inventory of a file in the place of the one that the store holds; return items by list.

    Writes: inventory_profile, inventory_association, inventory_rule_element.

    Raises:
        InventoryError: the file can't be read, is no such JSON, or an item lacks its id.
    """
    document = _read(path)
    guids = {_arm_id(item): _field(item, "perimeterGuid") for item in _items(document, "perimeters")}
    profiles = [
        (
            _perimeter(item),
            guids.get(_perimeter(item)),
            _name(item),
            _text(_field(item, "accessRulesVersion")),
        )
        for item in _items(document, "profiles")
    ]
    elements = [row for item in _items(document, "accessRules") for row in _elements(item)]
    associations = [_association(item) for item in _items(document, "associations")]
    with store.transaction():
        store.replace(INVENTORY_PROFILE, profiles)
        store.replace(INVENTORY_RULE_ELEMENT, elements)
        store.replace(INVENTORY_ASSOCIATION, associations)
    return {
        "perimeters": len(guids),
        "profiles": len(profiles),
        "rule elements": len(elements),
        "associations": len(associations),
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InventoryError(f"The inventory {path} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InventoryError(f"The inventory {path} isn't JSON: {error}.") from error
    if not isinstance(document, dict) or not any(isinstance(document.get(name), list) for name in _LISTS):
        raise InventoryError(f"The inventory {path} must be one object with the lists {', '.join(_LISTS)}.")
    return document


def _items(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [item for item in document.get(name) or [] if isinstance(item, dict)]


def _field(item: dict[str, Any], name: str) -> Any:
    properties = item.get("properties")
    return item[name] if name in item else properties.get(name) if isinstance(properties, dict) else None


def _arm_id(item: dict[str, Any]) -> str:
    value = item.get("id")
    if not isinstance(value, str) or not value.startswith("/"):
        raise InventoryError(f"An inventory item has no ARM id: {json.dumps(item)[:200]}.")
    return value.lower()


def _perimeter(item: dict[str, Any]) -> str:
    """Return the ARM id of the perimeter that an item lies in."""
    parts = _arm_id(item).split("/")
    if "networksecurityperimeters" not in parts[:-1]:
        raise InventoryError(f"{item['id']} lies in no network security perimeter.")
    return "/".join(parts[: parts.index("networksecurityperimeters") + 2])


def _name(item: dict[str, Any]) -> str:
    name = str(item.get("name") or item["id"].rstrip("/").rsplit("/", 1)[-1])
    return name.encode("utf-8", "backslashreplace").decode()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _elements(item: dict[str, Any]) -> list[tuple[str, str, str, str, str, str]]:
    perimeter = _perimeter(item)
    parts = item["id"].split("/")
    lowered = [part.lower() for part in parts]
    if "profiles" not in lowered[:-1]:
        raise InventoryError(f"The access rule {item['id']} lies in no profile.")
    profile = parts[lowered.index("profiles") + 1]
    direction = str(_field(item, "direction")).capitalize()
    if direction not in ("Inbound", "Outbound"):
        raise InventoryError(f"The access rule {item['id']} is neither Inbound nor Outbound.")
    rows = []
    for field, kind in _KINDS.items():
        values = _field(item, field) or []
        if not isinstance(values, list):
            raise InventoryError(f"{field} of the access rule {item['id']} must be a list.")
        for value in values:
            element = value.get("id") if isinstance(value, dict) else value
            if not isinstance(element, str) or (kind == "address-prefixes" and read_prefix(element) is None):
                raise InventoryError(f"{field} of the access rule {item['id']} holds {element!r}, which is none.")
            rows.append((perimeter, profile, _name(item), direction, kind, element))
    return rows


def _association(item: dict[str, Any]) -> tuple[str, str, str, str, str | None, str | None]:
    resource, profile = (_id_of(_field(item, name)) for name in ("privateLinkResource", "profile"))
    if not resource or not profile:
        raise InventoryError(f"The association {item.get('id')} names no resource or no profile.")
    return (
        _perimeter(item),
        profile.rsplit("/", 1)[-1],
        _name(item),
        resource.lower(),
        _text(_field(item, "accessMode")),
        _text(_field(item, "publicNetworkAccess")),
    )


def _id_of(reference: Any) -> str | None:
    value = reference.get("id") if isinstance(reference, dict) else None
    return value if isinstance(value, str) else None
