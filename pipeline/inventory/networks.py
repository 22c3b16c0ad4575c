"""Whose an address is: Azure's service tags as Microsoft publishes them, and networks whose owners you know.

Service tags come as the JSON of "Azure IP Ranges and Service Tags" (download centre, id 56519) or of the network API's
`serviceTags`; both have `values` with `name` and `properties` {region, systemService, addressPrefixes}. Known networks
come as CSV with the columns name, cidr and owner.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline import addresses
from pipeline.errors import InventoryError
from pipeline.inventory import items, rules, spans
from pipeline.store import Store
from pipeline.tables import KNOWN_NETWORK, NETWORK_SPAN, SERVICE_TAG_PREFIX

COLUMNS = ("name", "cidr", "owner")


def is_service_tags(content: Any) -> bool:
    """Whether a JSON document is a list of service tags."""
    values = content.get("values") if isinstance(content, dict) else None
    return isinstance(values, list) and any(
        isinstance(each, dict) and isinstance(each.get("properties"), dict) and "addressPrefixes" in each["properties"]
        for each in values
    )


def keep_service_tags(store: Store, content: dict[str, Any]) -> dict[str, int]:
    """Put service tags in the place of those that the store holds; return how many tags and prefixes.

    Writes: service_tag_prefix, network_span, rule_span.

    Raises:
        InventoryError: a tag or prefix can't be read.
    """
    rows = set()
    for value in content["values"]:
        properties = value.get("properties") if isinstance(value, dict) else None
        name = value.get("name") if isinstance(value, dict) else None
        if not isinstance(properties, dict) or not isinstance(name, str):
            raise InventoryError(f"The service tags hold {str(value)[:80]!r}, which is no tag.")
        service, region = (items.text(properties.get(each)) or "" for each in ("systemService", "region"))
        for text in items.words_in({"id": name, **properties}, "addressPrefixes"):
            rows.add((*(items.storable(each) for each in (name, service, region)), _prefix(text, name)))
    with store.transaction():
        store.replace(SERVICE_TAG_PREFIX, sorted(rows))
        _derive(store)
        rules.derive(store)
    return {"service tags": len({row[0] for row in rows}), "prefixes": len(rows)}


def load_known_networks(store: Store, path: Path) -> dict[str, int]:
    """Put the networks of a CSV file in the place of those that the store holds; return how many.

    Writes: known_network, network_span.

    Raises:
        InventoryError: the file can't be read, lacks a column, or a line holds no prefix.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"name", "cidr"} <= set(reader.fieldnames or ()):
                raise InventoryError(f"{path} needs a first line with the columns {','.join(COLUMNS)}.")
            rows = {
                (row["name"] or "", _prefix(row["cidr"], f"line {reader.line_num} of {path}"), row.get("owner") or None)
                for row in reader
            }
    except OSError as error:
        raise InventoryError(f"{path} can't be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InventoryError(f"{path} is no CSV in UTF-8: {error}.") from error
    with store.transaction():
        store.replace(KNOWN_NETWORK, sorted(rows, key=repr))
        _derive(store)
    return {"known networks": len(rows)}


def _prefix(text: Any, where: str) -> str:
    network = addresses.read_prefix(text) if isinstance(text, str) else None
    if network is None:
        raise InventoryError(f"{where} holds {text!r}, which is no prefix such as 203.0.113.0/24.")
    return str(network)


def _derive(store: Store) -> None:
    """Make network_span anew: of each span the narrowest known network, and the tag that tells most."""
    found: list[tuple[int, int, tuple[str, str, str | None, str]]] = []
    for name, prefix, owner in store.rows("inventory/known_networks"):
        found.append((*_span(prefix), ("network", name, owner, "")))
    for tag, service, region, prefix in store.rows("inventory/service_tag_prefixes"):
        found.append((*_span(prefix), ("tag", tag, service, region)))
    rows = []
    for first, last, holders in spans.flatten(
        sorted(found, key=lambda each: (each[2][0], each[2][1].count("."), each[:2], each[2][1], each[2][2] or ""))
    ):
        network = _last(each for each in holders if each[0] == "network")
        tags = [each for each in holders if each[0] == "tag"]
        tag = _last(each for each in tags if each[2]) or _last(tags)
        region = _last(each for each in tags if each[3])
        rows.append(
            (
                str(first),
                str(last),
                network[1] if network else None,
                network[2] if network else None,
                tag[1] if tag else None,
                region[3] if region else None,
            )
        )
    store.replace(NETWORK_SPAN, rows)


def _span(prefix: str) -> tuple[int, int]:
    network = addresses.read_prefix(prefix)
    if network is None:
        raise AssertionError(f"the store holds {prefix!r} as a prefix")
    return addresses.span(network)


def _last(holders: Iterable[tuple[str, str, str | None, str]]) -> tuple[str, str, str | None, str] | None:
    return next(reversed(list(holders)), None)
