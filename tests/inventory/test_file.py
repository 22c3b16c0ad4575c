"""Inventories in both shapes that the CLI extension has printed, and broken ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InventoryError
from pipeline.inventory.file import load
from pipeline.sample.scenario import INVENTORY, PERIMETER
from pipeline.store import Store

RULE = '{"accessRules": [{"id": "/a/networkSecurityPerimeters/b/profiles/p/accessRules/c", %s}]}'
TOP = {"id", "name", "type", "location"}


def nested(item: dict[str, Any]) -> dict[str, Any]:
    outside = {key: value for key, value in item.items() if key in TOP}
    return outside | {"properties": {key: value for key, value in item.items() if key not in TOP}}


def write(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_both_shapes_give_the_same_tables(store: Store, tmp_path: Path) -> None:
    found = []
    for document in (INVENTORY, {name: [nested(item) for item in items] for name, items in INVENTORY.items()}):
        counts = load(store, write(tmp_path / "i.json", document))
        assert counts == {"perimeters": 1, "profiles": 2, "rule elements": 3, "associations": 6}
        found.append([store.rows(f"inventory/{name}") for name in ("profiles", "rule_elements", "associations")])
    assert found[0] == found[1]
    assert (PERIMETER.lower(), "ai-apps", "head-office", "Inbound", "address-prefixes", "198.51.100.0/26") in found[0][
        1
    ]


def test_subscriptions_and_perimeters_are_read_from_their_ids(store: Store, tmp_path: Path) -> None:
    rule = {
        "id": f"{PERIMETER}/profiles/p/accessRules/r",
        "direction": "Inbound",
        "subscriptions": [{"id": "/subscriptions/1"}],
        "networkSecurityPerimeters": [{"id": "/x"}],
        "addressPrefixes": [],
        "emailAddresses": None,
    }
    load(store, write(tmp_path / "i.json", {"accessRules": [rule]}))
    assert [row[2:] for row in store.rows("inventory/rule_elements")] == [
        ("r", "Inbound", "perimeters", "/x"),
        ("r", "Inbound", "subscriptions", "/subscriptions/1"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "isn't JSON"),
        ("[]", "must be one object with the lists"),
        ("{}", "must be one object with the lists"),
        ('{"profiles": [{"name": "x"}]}', "has no ARM id"),
        ('{"profiles": [{"id": "/subscriptions/1/x"}]}', "lies in no network security perimeter"),
        ('{"accessRules": [{"id": "/a/networkSecurityPerimeters/b/accessRules/c"}]}', "lies in no profile"),
        ('{"associations": [{"id": "/a/networkSecurityPerimeters/b/c"}]}', "names no resource or no profile"),
        (
            '{"associations": [{"id": "/a/networkSecurityPerimeters/b/c", "privateLinkResource": "x", "profile": 1}]}',
            "names no resource or no profile",
        ),
        (RULE % '"direction": "sideways"', "neither Inbound nor Outbound"),
        (RULE % '"direction": "inbound", "addressPrefixes": "203.0.113.0/24"', "must be a list"),
        (RULE % '"direction": "inbound", "addressPrefixes": ["203.0.113"]', "holds '203.0.113', which is none"),
        (RULE % '"direction": "inbound", "subscriptions": [7]', "holds 7, which is none"),
        ("[" * 100_000, "isn't JSON"),
    ],
)
def test_broken_file_is_told_and_leaves_the_old_inventory(store: Store, tmp_path: Path, text: str, told: str) -> None:
    load(store, write(tmp_path / "good.json", INVENTORY))
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(InventoryError, match=told):
        load(store, tmp_path / "bad.json")
    assert len(store.rows("inventory/associations")) == 6


def test_missing_file_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="can't be read"):
        load(store, tmp_path / "no.json")
