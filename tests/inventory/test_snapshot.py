"""The history of a configuration: snapshots, what changed between them, and what went."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InventoryError
from pipeline.inventory import snapshot
from pipeline.inventory.document import Document
from pipeline.inventory.file import load
from pipeline.sample.scenario import INVENTORY, PERIMETER
from pipeline.store import Store
from tests.verdict.world import flow, traffic

OTHER = PERIMETER.replace("nsp-contoso-ai", "nsp-other")
DAYS = [datetime(2026, 10, day) for day in range(1, 10)]


def changed(**replaced: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(INVENTORY)), **replaced}


def keep(store: Store, folder: Path, document: Any, day: int, *, complete: bool = False) -> None:
    (folder / "i.json").write_text(json.dumps(document))
    load(store, folder / "i.json", taken_at=DAYS[day], complete=complete)


def changes(store: Store, **scope: Any) -> list[tuple[Any, ...]]:
    rows = store.rows("inventory/changes", **({"since": None, "until": None, "perimeter": None} | scope))
    return [(row[0].day, row[2], row[3].rsplit("/", 1)[-1], *row[4:]) for row in rows]


def enforced() -> dict[str, Any]:
    document = changed()
    document["associations"][0]["accessMode"] = "Enforced"
    document["profiles"][0]["accessRulesVersion"] = "5"
    document["accessRules"][1]["fullyQualifiedDomainNames"] = ["graph.microsoft.com", "login.microsoft.com"]
    return document


def test_unchanged_configuration_is_confirmed_not_kept_again(store: Store, tmp_path: Path) -> None:
    for day in (1, 3, 2):
        keep(store, tmp_path, INVENTORY, day)
    ((_, number, *_, taken, confirmed, _origin, _members),) = store.rows("inventory/newest_snapshots", moment=None)
    assert (number, taken, confirmed) == (1, DAYS[1], DAYS[3])
    assert changes(store) == []


def test_changes_are_told_with_their_time_and_the_newest_is_in_force(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    keep(store, tmp_path, enforced(), 2)
    assert changes(store) == [
        (3, "access mode", "contoso-foundry", "Learning", "Enforced"),
        (3, "rule element", "ai-apps Outbound graph fqdns login.microsoft.com", None, "in force"),
        (3, "rules version", "ai-apps", "4", "5"),
    ]
    assert changes(store, since=DAYS[3]) == []
    assert changes(store, perimeter="NSP-other") == []
    assert {row[5] for row in store.rows("inventory/rule_elements")} >= {"login.microsoft.com"}


def test_older_file_makes_history_and_leaves_the_present(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, enforced(), 5)
    keep(store, tmp_path, INVENTORY, 1)
    assert [row[4] for row in store.rows("inventory/associations") if row[3].endswith("foundry")] == ["Enforced"]
    assert {row[0] for row in changes(store)} == {6}
    spans = {row[0] for row in store._connection.execute("select element from rule_span").fetchall()}
    assert spans == {"198.51.100.0/26", "192.0.2.10/32"}
    names = {row[0] for row in store._connection.execute("select name from rule_name where kind = 'fqdns'").fetchall()}
    assert names == {"graph.microsoft.com", "login.microsoft.com"}


def test_other_perimeters_stay_unless_the_file_is_complete(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    other = {"perimeters": [{"id": OTHER}], "profiles": [{"id": f"{OTHER}/profiles/p", "name": "p"}]}
    keep(store, tmp_path, other, 2)
    assert len(store.rows("inventory/perimeters")) == 2
    keep(store, tmp_path, other, 3, complete=True)
    assert [row[0] for row in store.rows("inventory/perimeters")] == [OTHER.lower()]
    assert [each[1:] for each in changes(store)] == [("perimeter", "nsp-contoso-ai", "there", "gone")]
    assert store.rows("inventory/rule_elements") == []
    keep(store, tmp_path, INVENTORY, 4)
    assert len(store.rows("inventory/associations")) == 6


def test_what_was_confirmed_last_is_in_force_in_whatever_order_files_are_loaded(store: Store, tmp_path: Path) -> None:
    for day, document in ((2, INVENTORY), (4, INVENTORY), (3, enforced())):
        keep(store, tmp_path, document, day)
    modes = [row[4] for row in store.rows("inventory/associations") if row[3].endswith("foundry")]
    # what was confirmed on day 4 holds, although the change to and fro between was learnt of later
    assert modes == ["Learning"]


def test_what_could_not_be_read_did_not_change(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    gap = Document(
        {
            name: items
            for name, items in enforced().items()
            if name not in ("links", "loggingConfigurations", "resources")
        }
    )
    gap.gaps[PERIMETER.lower()] = ["links: no role"]
    snapshot.keep(store, gap, DAYS[2], "arm")
    keep(store, tmp_path, enforced(), 3)
    assert {each[1] for each in changes(store)} == {"access mode", "rule element", "rules version"}


def test_file_of_rules_alone_leaves_the_members(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    before = [store.rows(f"inventory/{name}") for name in ("associations", "profiles", "links", "resources", "logging")]
    keep(store, tmp_path, {"accessRules": enforced()["accessRules"]}, 2)
    after = [store.rows(f"inventory/{name}") for name in ("associations", "profiles", "links", "resources", "logging")]
    assert before == after
    assert [each[1:3] for each in changes(store)] == [
        ("rule element", "ai-apps Outbound graph fqdns login.microsoft.com"),
    ]


def test_complete_file_without_a_perimeter_is_refused(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    with pytest.raises(InventoryError, match="can't be complete"):
        keep(store, tmp_path, {"perimeters": []}, 2, complete=True)
    assert len(store.rows("inventory/perimeters")) == 1


EVERYTHING = ("associations", "profiles", "rule_elements", "links", "resources", "logging", "issues")


def held(store: Store, *names: str) -> dict[str, list[tuple[Any, ...]]]:
    return {name: store.rows(f"inventory/{name}") for name in names or EVERYTHING}


def head(store: Store) -> tuple[Any, ...]:
    ((_, guid, location, _, _, _, links, logging, _, gaps),) = store.rows("inventory/perimeters")
    return guid, location, links, logging, gaps


@pytest.mark.parametrize("name", list(INVENTORY))
def test_a_list_by_itself_changes_nothing_but_what_it_lists(store: Store, tmp_path: Path, name: str) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    before, told = held(store), head(store)
    keep(store, tmp_path, {name: INVENTORY[name]}, 2)
    assert (held(store), head(store)) == (before, told)
    assert changes(store) == []


@pytest.mark.parametrize("name", ["profiles", "accessRules", "associations", "links", "loggingConfigurations"])
def test_a_single_item_takes_the_place_of_itself_alone(store: Store, tmp_path: Path, name: str) -> None:
    more = {"id": f"{PERIMETER}/links/second", "properties": {"status": "Pending"}}
    document = changed(links=[*INVENTORY["links"], more])
    keep(store, tmp_path, document, 1)
    before = held(store)
    keep(store, tmp_path, document[name][0], 2)
    assert held(store) == before


def test_rules_of_one_profile_leave_those_of_another(store: Store, tmp_path: Path) -> None:
    other = {**INVENTORY["accessRules"][0], "id": f"{PERIMETER}/profiles/data/accessRules/office"}
    rules = [*INVENTORY["accessRules"], other]
    keep(store, tmp_path, changed(accessRules=rules), 1)
    nothing = {**other, "addressPrefixes": []}
    keep(store, tmp_path, [nothing], 2)
    assert {row[1] for row in store.rows("inventory/rule_elements")} == {"ai-apps"}
    # a document that lists the profiles as well tells of all their rules
    keep(store, tmp_path, {"profiles": INVENTORY["profiles"], "accessRules": [other]}, 3)
    assert {row[1] for row in store.rows("inventory/rule_elements")} == {"data"}


def test_link_references_leave_the_links(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    reference = {"id": f"{PERIMETER}/linkReferences/r", "properties": {"status": "Approved"}}
    keep(store, tmp_path, {"linkReferences": [reference]}, 2)
    assert [row[-1] for row in store.rows("inventory/links")] == [False] * len(INVENTORY["links"]) + [True]
    assert head(store)[2] is True


def test_what_one_member_tells_adds_to_the_rest(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    before = held(store)
    resource = "/subscriptions/1/x/providers/a.b/c/new"
    of = {"id": PERIMETER, "perimeterGuid": "other"}
    rule = {"name": "r", "properties": {"direction": "Inbound", "addressPrefixes": ["192.0.2.0/24"]}}
    told = {
        "networkSecurityPerimeter": of,
        "resourceAssociation": {"name": "new", "accessMode": "Learning"},
        "profile": {"name": "data", "accessRulesVersion": "9", "accessRules": [rule]},
    }
    keep(store, tmp_path, [{"id": f"{resource}/networkSecurityPerimeterConfigurations/g.a", "properties": told}], 2)
    after = held(store)
    assert [row for row in after["associations"] if row[3] != resource] == before["associations"]
    assert [row for row in after["rule_elements"] if row[1] != "data"] == [
        row for row in before["rule_elements"] if row[1] != "data"
    ]
    assert [row[5] for row in after["rule_elements"] if row[1] == "data"] == ["192.0.2.0/24"]
    assert {row[1]: row[2] for row in after["profiles"]}["data"] == "9"
    assert [after[name] for name in ("links", "logging", "resources")] == [
        before[name] for name in ("links", "logging", "resources")
    ]


def test_perimeter_that_is_listed_twice_keeps_what_one_of_the_items_tells(store: Store, tmp_path: Path) -> None:
    bare = {"id": PERIMETER}
    for day, perimeters in enumerate(([*INVENTORY["perimeters"], bare], [bare, *INVENTORY["perimeters"]], [bare]), 1):
        keep(store, tmp_path, changed(perimeters=perimeters), day)
        guid, location, *_ = head(store)
        assert (guid, location) == (
            INVENTORY["perimeters"][0]["perimeterGuid"].lower(),
            INVENTORY["perimeters"][0]["location"],
        )
    assert len(store.rows("inventory/newest_snapshots", moment=None)) == 1


def test_list_of_another_perimeter_says_nothing_of_this_one(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    before = held(store)
    keep(store, tmp_path, {"profiles": [{"id": f"{OTHER}/profiles/p"}], "links": INVENTORY["links"]}, 2)
    assert {name: [row for row in rows if row[0] == PERIMETER.lower()] for name, rows in held(store).items()} == before


def test_rules_of_an_older_version_are_not_taken_for_those_in_force(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    keep(store, tmp_path, {"profiles": enforced()["profiles"]}, 2)
    assert [row for row in store.rows("inventory/rule_elements") if row[1] == "ai-apps"] == []
    assert "ai-apps have another version" in head(store)[-1]
    keep(store, tmp_path, enforced(), 3)
    assert head(store)[-1] is None
    assert len(store.rows("inventory/rule_elements")) == 4


def test_facts_alone_are_those_of_the_members_that_are_known(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    member = INVENTORY["associations"][0]["privateLinkResource"]["id"]
    facts = {"id": member, "location": "northeurope", "properties": {"publicNetworkAccess": "Disabled"}}
    keep(store, tmp_path, [facts, {"id": f"{member}x"}], 2)
    assert [row[4] for row in store.rows("inventory/resources") if row[1] == member.lower()] == ["northeurope"]
    assert [row[5] for row in store.rows("inventory/associations") if row[3] == member.lower()] == ["Disabled"]
    assert not [row for row in store.rows("inventory/resources") if row[1].endswith("x")]


def test_older_partial_file_is_completed_by_what_was_known_at_its_time(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 1)
    keep(store, tmp_path, enforced(), 5)
    newest = held(store)
    opened = changed()
    opened["associations"][0]["accessMode"] = "Audit"
    keep(store, tmp_path, {"associations": opened["associations"], "perimeters": INVENTORY["perimeters"]}, 3)
    assert held(store) == newest, "what was found later stays in force"
    assert changes(store, until=DAYS[4]) == [(4, "access mode", "contoso-foundry", "Learning", "Audit")]
    later = [row for row in changes(store) if row[0] == 6]
    assert [row[1] for row in later] == ["access mode", "rule element", "rules version"]


def test_older_file_before_all_that_is_known_says_only_what_it_tells(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path, INVENTORY, 5)
    keep(store, tmp_path, {name: INVENTORY[name] for name in ("perimeters", "profiles", "associations")}, 1)
    assert [row[1:3] for row in changes(store) if row[1] == "rule element"] == [], "unknown rules are no removed ones"


def test_mode_since_is_that_of_the_snapshot_in_force(store: Store, tmp_path: Path) -> None:
    """An older file that is loaded in between is no newer knowledge."""
    keep(store, tmp_path, INVENTORY, 1)
    keep(store, tmp_path, INVENTORY, 6)
    keep(store, tmp_path, enforced(), 3)
    resource = INVENTORY["associations"][0]["privateLinkResource"]["id"].lower()
    with traffic(store, flow(perimeter=PERIMETER.lower(), service_resource=resource, profile="ai-apps")):
        ((mode, since),) = store.frame("verdict/resource_state").select("access_mode", "mode_since").rows()
    assert (mode, since) == ("Learning", DAYS[6])
