"""What a scenario changes: proposals, rules of a file, modes; losses by caller."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InventoryError, UsageError
from pipeline.ingest import ingest_folder
from pipeline.inventory.file import load
from pipeline.inventory.rules import RuleSet
from pipeline.recommend.candidate import rules_of
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import recommend
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from pipeline.verdict.whatif import Comparison, compare
from tests.verdict.world import DOCS, PERIMETER, SEARCH, World, flow, put, traffic

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample"
NO_RULES = RuleSet(told=frozenset({(PERIMETER, "apps")}))
NOW = datetime(2026, 11, 2)


def lost(found: Comparison) -> list[tuple[str, int]]:
    return [(row["caller"], row["requests"]) for row in found.losses.to_dicts()]


def flows() -> list[dict[str, Any]]:
    return [
        flow(caller_key="203.0.113.7", requests=5),
        flow(caller_key="198.51.100.9", source_ip="198.51.100.9", requests=3),
        flow(caller_key="192.0.2.1", source_ip="192.0.2.1", requests=9, category="NspPublicInboundResourceRulesDenied"),
        flow(category="NspPublicOutboundResourceRulesAllowed", destination_fqdn="api.example.com", requests=2),
        flow(category="NspPrivateInboundAllowed", source_ip="10.0.0.4", requests=100),
    ]


def test_enforcing_with_the_rules_in_force_loses_what_they_do_not_admit(store: Store) -> None:
    put(store, World(rules=[("apps", "Inbound", "addressPrefixes", "203.0.113.0/24")]))
    with traffic(store, *flows()):
        found = compare(store, None)
        assert lost(found) == [("198.51.100.9", 3), ("api.example.com", 2)]
        assert found.lost_requests == 5
        assert int(found.changes["requests"].sum()) == 119
        assert lost(compare(store, None, access_mode=None)) == []
        assert lost(compare(store, None, access_mode="Learning", public_network_access="Disabled")) == [
            ("198.51.100.9", 3)
        ]
        assert lost(compare(store, NO_RULES)) == [("203.0.113.7", 5), ("198.51.100.9", 3), ("api.example.com", 2)]
        assert lost(compare(store, NO_RULES, profile="APPS", limit=1)) == [("203.0.113.7", 5)]
        assert compare(store, NO_RULES, since=datetime(2027, 1, 1)).changes.is_empty()


def write(path: Path, document: Any) -> str:
    path.write_text(json.dumps(document))
    return str(path)


def test_rules_of_a_file_take_the_place_of_those_of_their_profiles(store: Store, tmp_path: Path) -> None:
    put(store, World(rules=[("apps", "Inbound", "addressPrefixes", "203.0.113.0/24")]))
    rule = {
        "id": f"{PERIMETER}/profiles/apps/accessRules/new",
        "direction": "Inbound",
        "addressPrefixes": ["198.51.100.0/24"],
    }
    file = write(tmp_path / "rules.json", {"accessRules": [rule]})
    with traffic(store, *flows()):
        elements = rules_of(store, file, Limits(), Scope(), NOW)
        assert lost(compare(store, elements)) == [("203.0.113.7", 5), ("api.example.com", 2)]
        assert rules_of(store, "in-force", Limits(), Scope(), NOW) is None
        none = write(tmp_path / "none.json", {"profiles": [{"id": f"{PERIMETER}/profiles/APPS"}], "accessRules": []})
        assert rules_of(store, none, Limits(), Scope(), NOW) == NO_RULES


def rule_of(profile: str, perimeter: str = PERIMETER) -> dict[str, Any]:
    owner = perimeter if perimeter == PERIMETER else f"{perimeter}/networkSecurityPerimeters/p"
    name = f"{owner}/profiles/{profile}/accessRules/r"
    return {"id": name, "direction": "Inbound", "addressPrefixes": ["203.0.113.0/24"]}


def proposal(**replaced: Any) -> dict[str, Any]:
    told = {
        "recommended": True,
        "perimeter": PERIMETER.upper(),
        "profile": "Apps",
        "direction": "Inbound",
        "kind": "address-prefixes",
        "elements": ["203.0.113.0/24"],
        "name": "nsp-in-1",
    }
    return told | replaced


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [
        (None, UsageError, "there is no file"),
        ({"perimeters": []}, InventoryError, "neither proposals nor access rules"),
        ({"proposals": [{"recommended": True}]}, InventoryError, "lacks 'perimeter'"),
        ({"proposals": [7]}, InventoryError, "A proposal of the file lacks"),
        ({"accessRules": [{"id": "/x"}]}, InventoryError, "lies in no network security perimeter"),
        ({"accessRules": []}, InventoryError, "holds no access rule"),
        ({"accessRules": [rule_of("nobody")]}, InventoryError, "neither the inventory nor the logs know"),
        ({"accessRules": [rule_of("apps", "/elsewhere")]}, InventoryError, "Known .*: nsp1/apps"),
        ({"proposals": [proposal(profile="nobody")]}, InventoryError, "neither the inventory nor the logs know"),
        ({"proposals": [proposal(elements="198.51.100.0/24")]}, InventoryError, "no list of texts"),
        ({"proposals": [proposal(elements=["office"])]}, InventoryError, "'office', which is no prefix"),
        ({"proposals": [proposal(direction="inbound")]}, InventoryError, "the direction 'inbound'"),
        ({"proposals": [proposal(kind="fqdns")]}, InventoryError, "the kind 'fqdns'"),
    ],
)
def test_wrong_rules_are_told(store: Store, tmp_path: Path, content: Any, error: type[Exception], told: str) -> None:
    put(store, World())
    name = write(tmp_path / "r.json", content) if content else "nowhere.json"
    with pytest.raises(error, match=told):
        rules_of(store, name, Limits(), Scope(), NOW)
    with pytest.raises(UsageError, match="No rule is accepted"):
        rules_of(store, "accepted", Limits(), Scope(), NOW)


def test_proposals_keep_alive_what_they_say(store: Store, tmp_path: Path) -> None:
    load(store, SAMPLE / "inventory.json")
    ingest_folder(store, SAMPLE)
    run = recommend(store, Limits(), Scope(), NOW)
    proposed = rules_of(store, "proposed", Limits(), Scope(), NOW)
    found = compare(store, proposed)
    # what is lost is what a person has to decide, or no rule can settle
    left = sum(each.requests for each in run.proposals if not each.recommended)
    assert found.lost_requests == left > 0
    kept = sum(each.requests for each in run.proposals if each.recommended)
    assert compare(store, None).lost_requests == kept + left
    file = write(tmp_path / "run.json", run.as_json())
    assert rules_of(store, file, Limits(), Scope(), NOW) == proposed


def test_old_rows_of_a_rule_that_is_gone_are_lost_again(store: Store) -> None:
    put(store, World(modes={DOCS: ("Learning", "Enabled", "apps")}))
    gone = flow(
        category="NspPublicInboundPerimeterRulesAllowed", matched_rule="office", caller_key="x", rules_version="3"
    )
    with traffic(store, gone):
        assert lost(compare(store, None)) == [("x", 1)]
        need = recommend(store, Limits(), Scope(), NOW).proposals
        assert [each.elements for each in need] == [("203.0.113.7/32",)]


@pytest.mark.parametrize("name", ["apps", "APPS"])
def test_rule_that_was_emptied_takes_its_elements_away(store: Store, tmp_path: Path, name: str) -> None:
    put(store, World(rules=[("apps", "Inbound", "addressPrefixes", "203.0.113.0/24")]))
    file = write(tmp_path / "rules.json", {"accessRules": [rule_of(name) | {"addressPrefixes": []}]})
    with traffic(store, *flows()):
        found = compare(store, rules_of(store, file, Limits(), Scope(), NOW))
    assert lost(found)[0] == ("203.0.113.7", 5)


def test_proposals_of_a_file_come_on_top(store: Store, tmp_path: Path) -> None:
    put(store, World(rules=[("apps", "Inbound", "addressPrefixes", "198.51.100.0/24")]))
    file = write(tmp_path / "run.json", {"proposals": [proposal(), proposal(recommended=False, elements=["x"])]})
    with traffic(store, *flows()):
        assert lost(compare(store, rules_of(store, file, Limits(), Scope(), NOW))) == [("api.example.com", 2)]


def test_losses_belong_to_the_profile_of_today(store: Store) -> None:
    modes: dict[str, tuple[str | None, str | None, str]] = {DOCS: ("Learning", "Enabled", "data")}
    put(store, World(modes=modes, versions={"apps": "4", "data": "1"}))
    with traffic(store, *flows()):
        found = compare(store, None)
        assert {row["profile"] for row in (*found.changes.to_dicts(), *found.losses.to_dicts())} == {"data"}
        assert lost(compare(store, None, profile="apps")) == []
        run = recommend(store, Limits(), Scope(), NOW)
        assert {each.profile for each in run.proposals} == {"data"}
        assert {each.profile: each.days_observed for each in run.readiness} == {"apps": 0, "data": 1}
        assert not any(each.ready for each in run.readiness)


def test_what_nobody_can_judge_any_more_is_counted(store: Store) -> None:
    put(store, World(rules=[("apps", "Inbound", "addressPrefixes", "203.0.113.0/24")]))
    with traffic(store, flow(category="NspPublicInboundPerimeterRulesDenied", requests=7)):
        found = compare(store, NO_RULES, access_mode="Learning")
        assert (found.lost_requests, found.unjudged_requests) == (0, 7)


@pytest.mark.parametrize(("hour", "asked"), [(datetime(2026, 9, 30), False), (datetime(2026, 10, 2), True)])
def test_resource_that_a_newer_inventory_may_list_is_a_question(store: Store, hour: datetime, asked: bool) -> None:
    put(store, World())
    with traffic(store, flow(), flow(service_resource=SEARCH, hour=hour, last_seen=hour)):
        (ready,) = recommend(store, Limits(), Scope(), NOW).readiness
        assert any("find wrote records and is not in the inventory" in reason for reason in ready.reasons) is asked
