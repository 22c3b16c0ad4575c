"""Inventories in both shapes that the CLI extension has printed, and broken ones."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InventoryError
from pipeline.inventory.file import doubts, load
from pipeline.inventory.items import resource as facts_of
from pipeline.inventory.rules import in_force
from pipeline.sample.scenario import INVENTORY, PERIMETER
from pipeline.store import Store

RULE = '{"accessRules": [{"id": "/a/networkSecurityPerimeters/b/profiles/p/accessRules/c", %s}]}'
LOGGING = '{"loggingConfigurations": [{"id": "/a/networkSecurityPerimeters/b/loggingConfigurations/c", %s}]}'
DIAGNOSTIC = '{"diagnosticSettings": [{"id": "/a/networkSecurityPerimeters/b/providers/x/diagnosticSettings/c", %s}]}'
MEMBER = '{"configurations": [{"id": "/a/b/networkSecurityPerimeterConfigurations/c", %s}]}'
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
        assert [counts[name] for name in ("perimeters", "profiles", "rule elements", "associations")] == [1, 2, 3, 6]
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
        ("[7]", "item without an ARM id"),
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
        (LOGGING % '"enabledLogCategories": "all"', "must be a list of texts"),
        (LOGGING % '"enabledLogCategories": [7]', "must be a list of texts"),
        (DIAGNOSTIC % '"logs": {"category": "x"}', "must be a list of objects"),
        (MEMBER % '"networkSecurityPerimeter": 7', "must be an object"),
        (MEMBER % '"networkSecurityPerimeter": {"id": "/p"}, "provisioningIssues": ["x"]', "must be a list of objects"),
        (MEMBER % '"networkSecurityPerimeter": {"id": "/p"}, "profile": "x"', "must be an object"),
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


CONFIGURATION = {
    "id": "/subscriptions/1/x/storageAccounts/Docs/networkSecurityPerimeterConfigurations/g.a",
    "properties": {
        "provisioningState": "Succeeded",
        "networkSecurityPerimeter": {"id": PERIMETER, "perimeterGuid": "G-1", "location": "westeurope"},
        "resourceAssociation": {"name": "docs", "accessMode": "Learning"},
        "profile": {
            "name": "ai-apps",
            "accessRulesVersion": 4,
            "accessRules": [
                {"name": "office", "properties": {"direction": "Inbound", "addressPrefixes": ["198.51.100.0/26"]}}
            ],
            "enabledLogCategories": ["NspPrivateInboundAllowed"],
        },
        "provisioningIssues": [
            {
                "name": "i",
                "properties": {
                    "issueType": "MissingIdentityConfiguration",
                    "severity": "Warning",
                    "description": "no identity",
                    "suggestedAccessRules": [{"name": "r", "properties": {"direction": "Outbound"}}],
                },
            }
        ],
    },
}


def test_what_a_member_itself_tells_is_enough(store: Store, tmp_path: Path) -> None:
    load(store, write(tmp_path / "i.json", [CONFIGURATION]))
    (member,) = store.rows("inventory/associations")
    assert member[1:7] == (
        "ai-apps", "docs", "/subscriptions/1/x/storageaccounts/docs", "Learning", None, "Succeeded",
    )  # fmt: skip
    assert [row[2:] for row in store.rows("inventory/profiles")] == [("4", True)]
    assert [row[5] for row in store.rows("inventory/rule_elements")] == ["198.51.100.0/26"]
    (issue,) = store.rows("inventory/issues")
    assert issue[2:5] == ("MissingIdentityConfiguration", "Warning", "no identity")
    assert json.loads(issue[6])[0]["name"] == "r"
    assert [row[2] for row in store.rows("inventory/logging")] == ["NspPrivateInboundAllowed"]


def test_the_perimeters_own_lists_go_before_what_a_member_tells(store: Store, tmp_path: Path) -> None:
    member = json.loads(json.dumps(CONFIGURATION))
    member["id"] = (
        INVENTORY["associations"][2]["privateLinkResource"]["id"] + "/networkSecurityPerimeterConfigurations/x"
    )
    load(store, write(tmp_path / "i.json", INVENTORY | {"configurations": [member]}))
    assert len(store.rows("inventory/associations")) == 6
    assert len(store.rows("inventory/rule_elements")) == 3
    assert len(store.rows("inventory/issues")) == 1


def test_folder_of_what_the_command_line_prints(store: Store, tmp_path: Path) -> None:
    for name, items in INVENTORY.items():
        write(tmp_path / f"{name}.json", items)
    write(tmp_path / "one.json", {**INVENTORY["accessRules"][0], "id": f"{PERIMETER}/profiles/data/accessRules/more"})
    write(tmp_path / "rest.json", {"value": [{"id": f"{PERIMETER}/links/l", "properties": {"status": "Approved"}}]})
    counts = load(store, tmp_path)
    assert [counts[name] for name in ("profiles", "rule elements", "associations", "links")] == [2, 4, 6, 2]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InventoryError, match=r"holds no \*\.json file"):
        load(store, tmp_path / "empty")


def test_facts_of_members(store: Store, tmp_path: Path) -> None:
    resource = INVENTORY["associations"][0]["privateLinkResource"]["id"]
    fact = {
        "id": resource,
        "kind": "AIServices",
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "publicNetworkAccess": "Disabled",
            "disableLocalAuth": True,
            "encryption": {"keySource": "Microsoft.KeyVault"},
            "networkInjections": [{"scenario": "agent"}],
        },
    }
    associations = [{**each, "publicNetworkAccess": None} for each in INVENTORY["associations"]]
    load(
        store, write(tmp_path / "i.json", INVENTORY | {"associations": associations, "resources": [fact, {"id": "/x"}]})
    )
    (known,) = store.rows("inventory/resources")
    assert known[2:] == (
        "microsoft.cognitiveservices/accounts", "AIServices", "westeurope", "SystemAssigned", "Microsoft.KeyVault",
        True, '[{"scenario": "agent"}]',
    )  # fmt: skip
    assert {row[5] for row in store.rows("inventory/associations")} == {"Disabled", None}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"id": "/s/a", "identity": None}, "None"),
        ({"id": "/s/a"}, None),
        ({"id": "/s/a", "properties": {}}, "None"),
        ({"id": "/s/a", "identity": {"type": "UserAssigned"}}, "UserAssigned"),
    ],
)
def test_identity_that_nobody_told_is_not_known(resource: dict[str, Any], expected: str | None) -> None:
    assert facts_of(resource)[4] == expected


def test_half_a_surrogate_pair_is_stored_as_its_escape(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "i.json"
    path.write_text(json.dumps(INVENTORY).replace("head-office", "head\\ud800").replace("contoso-kv", "kv\\udfff"))
    load(store, path)
    assert {row[2] for row in store.rows("inventory/rule_elements")} >= {"head\\ud800"}


def test_rule_without_a_name_is_told(store: Store, tmp_path: Path) -> None:
    told = json.loads(json.dumps(CONFIGURATION))
    del told["properties"]["profile"]["accessRules"][0]["name"]
    with pytest.raises(InventoryError, match="neither name nor id"):
        load(store, write(tmp_path / "i.json", [told]))


NAMED_AS_TYPES = "/subscriptions/1/resourceGroups/{}/providers/Microsoft.Network/networkSecurityPerimeters/{}"


@pytest.mark.parametrize("group", ["networkSecurityPerimeters", "profiles", "links", "accessRules"])
@pytest.mark.parametrize("name", ["networkSecurityPerimeters", "profiles"])
def test_group_or_perimeter_may_be_named_as_a_type_is(store: Store, tmp_path: Path, group: str, name: str) -> None:
    perimeter = NAMED_AS_TYPES.format(group, name)
    member = f"/subscriptions/1/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/docs"
    write(tmp_path / "perimeter.json", {"id": perimeter})
    write(tmp_path / "member.json", {"id": member, "kind": "StorageV2"})
    write(
        tmp_path / "rest.json",
        [
            {"id": f"{perimeter}/profiles/profiles"},
            {
                "id": f"{perimeter}/profiles/profiles/accessRules/links",
                "direction": "Inbound",
                "addressPrefixes": ["203.0.113.0/24"],
            },
            {
                "id": f"{perimeter}/resourceAssociations/links",
                "privateLinkResource": {"id": member},
                "profile": {"id": f"{perimeter}/profiles/profiles"},
            },
        ],
    )
    load(store, tmp_path)
    assert [row[0] for row in store.rows("inventory/perimeters")] == [perimeter.lower()]
    assert [row[:3] for row in store.rows("inventory/rule_elements")] == [(perimeter.lower(), "profiles", "links")]
    assert [row[0] for row in store.rows("inventory/associations")] == [perimeter.lower()]
    assert [row[3] for row in store.rows("inventory/resources")] == ["StorageV2"]


def profiles_of(*names: str, perimeter: str = PERIMETER) -> list[dict[str, Any]]:
    return [{"id": f"{perimeter}/profiles/{name}", "accessRulesVersion": "4"} for name in names]


def rules_known(store: Store) -> dict[str, bool]:
    return {row[1]: row[3] for row in store.rows("inventory/profiles")}


def test_rules_that_nobody_told_are_not_taken_for_none(store: Store, tmp_path: Path) -> None:
    partial = {name: INVENTORY[name] for name in ("perimeters", "profiles", "associations")}
    load(store, write(tmp_path / "i.json", partial))
    assert set(rules_known(store).values()) == {False}
    assert in_force(store).told == frozenset()
    load(store, write(tmp_path / "i.json", INVENTORY))
    assert set(rules_known(store).values()) == {True}
    load(store, write(tmp_path / "i.json", partial))
    assert set(rules_known(store).values()) == {True}, "what was told stays told"
    assert len(store.rows("inventory/rule_elements")) == 3


def test_empty_file_of_rules_tells_that_its_profile_has_none(store: Store, tmp_path: Path) -> None:
    load(store, write(tmp_path / "i.json", INVENTORY))
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder / "profiles.json", profiles_of("ai-apps", "data"))
    load(store, folder)
    assert {row[1] for row in store.rows("inventory/rule_elements")} == {"ai-apps"}
    write(folder / "rules-AI-apps.json", [])
    load(store, folder)
    assert store.rows("inventory/rule_elements") == []
    assert rules_known(store) == {"ai-apps": True, "data": False}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rules-x", "no profile of that name is listed"),
        ("rules-both", "more than one profile of that name"),
        ("what", "doesn't say of what"),
    ],
)
def test_empty_list_of_nobody_knows_what_is_told(store: Store, tmp_path: Path, name: str, told: str) -> None:
    write(tmp_path / "profiles.json", [*profiles_of("both"), *profiles_of("both", perimeter=f"{PERIMETER}-2")])
    write(tmp_path / f"{name}.json", [])
    with pytest.raises(InventoryError, match=told):
        load(store, tmp_path)


def test_file_that_may_be_old_is_told(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "i.json", INVENTORY)
    assert doubts(store, path, None) == doubts(store, path, datetime(2020, 1, 1)) == []
    load(store, path)
    assert "last written at 2020-01-01 00:00" in doubts_of(store, path, 1577836800)
    assert "is kept as history" in doubts(store, path, datetime(2020, 1, 1))[0]
    assert doubts(store, path, datetime(2999, 1, 1)) == []
    assert doubts_of(store, path, 4102444800) == ""


def doubts_of(store: Store, path: Path, written: int) -> str:
    os.utime(path, (written, written))
    return " ".join(doubts(store, path, None))


def test_keys_are_read_however_they_are_capitalized(store: Store, tmp_path: Path) -> None:
    def capitalized(value: Any) -> Any:
        if isinstance(value, dict):
            return {key if key == "id" else key[0].upper() + key[1:]: capitalized(each) for key, each in value.items()}
        return [capitalized(each) for each in value] if isinstance(value, list) else value

    profile = f"{PERIMETER}/profiles/p"
    rule = {"id": f"{profile}/accessRules/r", "direction": "Inbound", "addressPrefixes": ["203.0.113.0/24"]}
    member = {
        "id": f"{PERIMETER}/resourceAssociations/a", "privateLinkResource": {"id": "/subscriptions/1/sites/A/"},
        "profile": {"id": f"{profile}/"}, "accessMode": " Enforced ",
    }  # fmt: skip
    document = capitalized({"accessRules": [rule], "associations": [member]})
    load(store, write(tmp_path / "i.json", document))
    assert [row[2:] for row in store.rows("inventory/rule_elements")] == [
        ("r", "Inbound", "address-prefixes", "203.0.113.0/24")
    ]
    (row,) = store.rows("inventory/associations")
    assert (row[1], row[3], row[4]) == ("p", "/subscriptions/1/sites/a", "Enforced")


def test_one_page_of_a_list_is_not_taken_for_all_of_it(store: Store, tmp_path: Path) -> None:
    page = {"value": INVENTORY["associations"][:1], "nextLink": "https://management.azure.com/x?$skiptoken=1"}
    with pytest.raises(InventoryError, match="Fetch all pages"):
        load(store, write(tmp_path / "associations.json", page))
    assert store.rows("inventory/associations") == []
    load(store, write(tmp_path / "associations.json", page | {"nextLink": None}))
