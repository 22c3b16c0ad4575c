"""What must never be called ready, or lose nothing: gaps in the inventory, in the log, and what nobody can judge."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.inventory.file import load
from pipeline.recommend.configuration import Configuration
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import Recommendation, recommend
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from pipeline.tables import CATEGORIES
from pipeline.verdict.whatif import compare
from tests.verdict.world import DOCS, GUID, PARTNER, PARTNER_GUID, PERIMETER, SEARCH, VAULT, World, flow, put, write

END = datetime(2026, 11, 1, 4)
NOW = datetime(2026, 11, 2)
LATE = datetime(2026, 11, 1, 23)


def month(days: int = 35, end: datetime = END, **fields: Any) -> list[dict[str, Any]]:
    fields = {"caller_key": fields.get("source_ip", "203.0.113.7")} | fields
    moments = [end - timedelta(days=day) for day in range(days)]
    return [flow(hour=moment, first_seen=moment, last_seen=moment, **fields) for moment in moments]


BASE = month()
VAULT_CALLS = month(source_ip="198.51.100.9", service_resource=VAULT, requests=1000)
BOTH: dict[str, tuple[str | None, str | None, str]] = dict.fromkeys((DOCS, VAULT), ("Learning", "Enabled", "apps"))


def tell(store: Store, folder: Path, document: Any, taken_at: datetime = LATE) -> None:
    (folder / "i.json").write_text(json.dumps(document))
    load(store, folder / "i.json", taken_at=taken_at)


def association(resource: str, profile: str = "apps", perimeter: str = PERIMETER) -> dict[str, Any]:
    return {
        "id": f"{perimeter}/resourceAssociations/{resource.rsplit('/', 1)[-1]}",
        "accessMode": "Learning",
        "privateLinkResource": {"id": resource},
        "profile": {"id": f"{perimeter}/profiles/{profile}"},
    }


def configuration(resource: str, version: int, prefix: str | None = None, profile: str = "apps") -> dict[str, Any]:
    rule = {"name": "r0", "properties": {"direction": "Inbound", "addressPrefixes": [prefix]}}
    told = {
        "networkSecurityPerimeter": {"id": PERIMETER, "perimeterGuid": GUID},
        "profile": {"name": profile, "accessRulesVersion": version, "accessRules": [rule] if prefix else []},
        "resourceAssociation": {"name": "a", "accessMode": "Learning"},
    }
    return {"id": f"{resource}/networkSecurityPerimeterConfigurations/g.a", "properties": told}


def run(store: Store, **scope: Any) -> Recommendation:
    return recommend(store, Limits(), Scope(**scope), NOW)


def reasons(store: Store, **scope: Any) -> str:
    found = run(store, **scope)
    assert not found.ready
    return "; ".join(reason for each in found.readiness for reason in each.reasons)


def lost(store: Store) -> int:
    return compare(store, None).lost_requests


def test_the_quiet_world_is_ready(store: Store) -> None:
    """Else nothing below would prove anything."""
    put(store, World(), taken_at=LATE)
    write(store, *BASE)
    assert run(store).ready
    assert lost(store) == 35


def test_resource_of_which_hardly_anything_was_seen(store: Store) -> None:
    put(store, World(modes=BOTH), taken_at=LATE)
    write(store, *BASE, *VAULT_CALLS[:3])
    assert "window: the first record of keys is 3 days old, 31 wanted" in reasons(store)
    put(store, World(modes=BOTH | {VAULT: ("Enforced", "Enabled", "apps")}), taken_at=LATE + timedelta(minutes=1))
    assert "first record of" not in reasons(store), "it is enforced already"


def test_resource_that_wrote_on_few_days_of_a_long_window(store: Store) -> None:
    put(store, World(modes=BOTH), taken_at=LATE)
    write(store, *BASE, *VAULT_CALLS[:3], VAULT_CALLS[-1])
    told = "window: keys wrote records on 4 days, 31 wanted"
    assert told in reasons(store)
    (found,) = run(store).readiness
    assert not found.lights["window"]
    assert [(step.association.resource, step.ready) for step in found.steps] == [(DOCS, True), (VAULT, False)]
    put(store, World(modes=BOTH | {VAULT: ("Enforced", "Enabled", "apps")}), taken_at=LATE + timedelta(minutes=1))
    assert run(store).ready, "it is enforced already"


def test_what_the_log_of_a_profile_lacks_speaks_against_each_association(store: Store) -> None:
    put(store, World(modes=BOTH, logged=("NspPublicInboundResourceRulesAllowed",)), taken_at=LATE)
    write(store, *BASE, *VAULT_CALLS)
    (found,) = run(store).readiness
    assert [(step.ready, step.is_enforced) for step in found.steps] == [(False, False)] * 2
    for told in found.as_json()["associations"]:
        assert not told["ready"]
        assert any("isn't logged" in reason for reason in told["reasons"])


OUTBOUND = "NspPublicOutboundResourceRulesAllowed"


def test_would_be_denials_of_a_direction_that_nobody_logs_are_asked_about(store: Store) -> None:
    put(store, World(logged=None), taken_at=LATE)
    write(store, *BASE)
    assert f"no record of {OUTBOUND} was ever seen, and nobody told whether it is logged" in reasons(store)
    calls = flow(category=OUTBOUND, destination_fqdn="api.contoso.com", hour=END, caller_key=DOCS)
    write(store, *BASE, calls)
    assert "ever seen" not in reasons(store)
    put(store, World(logged=("NspPublicInboundResourceRulesAllowed",)), taken_at=LATE + timedelta(minutes=1))
    assert f"{OUTBOUND} isn't logged" in reasons(store)


@pytest.mark.parametrize("document", [association(DOCS), {"configurations": [configuration(DOCS, 4)]}])
def test_one_association_does_not_make_the_rest_strangers(
    store: Store, tmp_path: Path, document: dict[str, Any]
) -> None:
    tell(store, tmp_path, document)
    write(store, *BASE, *VAULT_CALLS)
    assert lost(store) == 35 + 35_000
    assert any("198.51.100.9/32" in each.elements for each in run(store).proposals)


def test_partial_file_does_not_make_the_members_look_fresh(store: Store, tmp_path: Path) -> None:
    put(store, World(), taken_at=datetime(2026, 10, 1))
    rule = {"id": f"{PERIMETER}/profiles/apps/accessRules/r0", "direction": "Inbound", "addressPrefixes": []}
    tell(store, tmp_path, {"accessRules": [rule]})
    write(store, *BASE, *VAULT_CALLS)
    assert "keys wrote records and is not in the inventory" in reasons(store)


def test_resource_that_still_writes_is_asked_about_though_the_inventory_is_newer(store: Store) -> None:
    put(store, World(), taken_at=LATE)
    write(store, *BASE, *VAULT_CALLS)
    assert "keys wrote records and is not in the inventory" in reasons(store)


def test_unknown_access_of_a_resource_does_not_matter_once_it_is_enforced(store: Store) -> None:
    put(store, World(modes=BOTH | {VAULT: ("Learning", "SomethingNew", "apps")}), taken_at=LATE)
    write(store, *BASE, *VAULT_CALLS)
    found = compare(store, None)
    assert (found.lost_requests, found.unjudged_requests) == (35 + 35_000, 0)


def test_unknown_category_is_told_as_what_nobody_can_judge(store: Store) -> None:
    put(store, World(), taken_at=LATE)
    odd = [each | {"category": "NspNew", "traffic_type": None} for each in month(source_ip="198.51.100.9")]
    write(store, *BASE, *odd)
    assert compare(store, None).unjudged_requests == 35
    assert "nobody can tell what enforcing does to 35 requests (unknown log category NspNew)" in reasons(store)


def test_resource_that_moved_to_another_perimeter_is_silent_there(store: Store, tmp_path: Path) -> None:
    owners = {PERIMETER: GUID, PARTNER: PARTNER_GUID}
    document = {
        "perimeters": [{"id": owner, "perimeterGuid": guid} for owner, guid in owners.items()],
        "profiles": [{"id": f"{owner}/profiles/apps", "name": "apps"} for owner in owners],
        "accessRules": [],
        "associations": [association(DOCS), *(association(each, perimeter=PARTNER) for each in (SEARCH, VAULT))],
    }
    tell(store, tmp_path, document)
    write(store, *BASE, *month(perimeter=PARTNER, service_resource=SEARCH), *VAULT_CALLS)
    assert "no record of keys for a month" in reasons(store, perimeter="partner")


def test_records_without_a_perimeter_are_a_question(store: Store) -> None:
    put(store, World(), taken_at=LATE)
    write(store, *BASE, *(each | {"perimeter": None} for each in VAULT_CALLS))
    assert "35 records name no perimeter" in reasons(store)


OFFICE = [("apps", "Inbound", "addressPrefixes", "203.0.113.0/24")]


def test_named_perimeter_with_an_empty_list_of_rules_has_none(store: Store, tmp_path: Path) -> None:
    put(store, World(rules=OFFICE), taken_at=datetime(2026, 10, 1))
    tell(store, tmp_path, {"perimeters": [{"id": PERIMETER}], "accessRules": []})
    write(store, *BASE)
    assert lost(store) == 35


def test_rules_of_another_profile_say_nothing_of_a_newer_version(store: Store, tmp_path: Path) -> None:
    world = World(
        rules=[("data", *OFFICE[0][1:])], modes={DOCS: ("Learning", "Enabled", "data")}, versions={"data": "8"}
    )
    put(store, world, taken_at=datetime(2026, 10, 1))
    rule = {
        "id": f"{PERIMETER}/profiles/apps/accessRules/r",
        "direction": "Inbound",
        "addressPrefixes": ["192.0.2.0/24"],
    }
    told = configuration(DOCS, 9, profile="data")
    del told["properties"]["profile"]["accessRules"]
    tell(store, tmp_path, {"perimeters": [{"id": PERIMETER}], "accessRules": [rule], "configurations": [told]})
    write(store, *BASE)
    assert lost(store) == 35


def test_log_of_a_former_profile_is_not_believed(store: Store, tmp_path: Path) -> None:
    put(store, World(rules=OFFICE), taken_at=datetime(2026, 10, 1))
    tell(store, tmp_path, association(DOCS, "data"))
    admitted = month(category="NspPublicInboundPerimeterRulesAllowed", matched_rule="r0", rules_version="4")
    write(store, *admitted)
    assert lost(store) == 35


def test_member_that_lags_behind_does_not_bring_back_old_rules(store: Store, tmp_path: Path) -> None:
    told = [configuration(DOCS, 5), configuration(VAULT, 4, "203.0.113.0/24")]
    for configurations in (told, told[::-1]):
        tell(store, tmp_path, {"configurations": configurations})
        assert [row[2] for row in store.rows("inventory/profiles")] == ["5"]
        write(store, *BASE)
        assert lost(store) == 35


def test_log_of_newer_rules_shows_the_inventory_to_be_old(store: Store) -> None:
    put(store, World(rules=OFFICE), taken_at=LATE)
    admitted = month(category="NspPublicInboundPerimeterRulesAllowed", matched_rule="r0", rules_version="4")
    older = month(rules_version="3")
    write(store, *admitted, *older)
    assert run(store).ready
    newer = month(9, rules_version="6", profile="Apps")
    write(store, *admitted, *older, *newer)
    told = "the log was written under version 6 of the rules, and the inventory knows version 4"
    assert told in reasons(store)
    (found,) = run(store).readiness
    assert not found.lights["questions"]
    assert not found.steps[0].ready
    # so long ago another profile of that name may have had it
    write(store, *admitted, *older, *month(1, end=END - timedelta(days=34), rules_version="6"))
    assert run(store).ready
    # of another profile, or no number
    write(store, *admitted, *older, *month(3, rules_version="newest"), *month(3, rules_version="9", profile="data"))
    assert run(store).ready


def test_profile_that_only_associations_name_is_judged(store: Store, tmp_path: Path) -> None:
    tell(store, tmp_path, {"associations": [association(DOCS), association(VAULT, "data")]})
    write(store, *BASE)
    assert {each.profile: each.ready for each in run(store).readiness}["data"] is False


def test_needed_category_that_is_off_is_a_question(store: Store, tmp_path: Path) -> None:
    put(store, World(), taken_at=datetime(2026, 10, 1))
    names = [name for name in CATEGORIES if name != "NspPublicOutboundResourceRulesAllowed"]
    logging = {"id": f"{PERIMETER}/loggingConfigurations/instance", "enabledLogCategories": names}
    tell(store, tmp_path, {"loggingConfigurations": [logging]})
    write(store, *BASE)
    assert "NspPublicOutboundResourceRulesAllowed isn't logged" in reasons(store)


def test_would_be_denials_of_long_ago_prove_nothing(store: Store) -> None:
    put(store, World(), taken_at=LATE)
    private = month(60, category="NspPrivateInboundAllowed", source_ip="10.0.0.4")
    write(store, *private, *month(end=END - timedelta(days=40)))
    assert "no record of a ResourceRules category" in reasons(store)


def test_age_is_that_of_hours_within_the_scope(store: Store) -> None:
    put(store, World(), taken_at=LATE)
    old = month(end=END - timedelta(days=99))
    old[0]["last_seen"] = datetime(2099, 1, 1)
    write(store, *old)
    assert "the last record is 99 days old" in reasons(store)
    write(store, *BASE, *month(end=END - timedelta(days=180)))
    assert "days old" in reasons(store, until=datetime(2026, 6, 1))


@pytest.mark.parametrize("days", [2, 200])
def test_record_that_is_dated_ahead_hides_no_stale_log_and_replays_no_week(store: Store, days: int) -> None:
    put(store, World(), taken_at=LATE)
    ahead = month(1, end=NOW + timedelta(days=days), source_ip="198.51.100.9")
    write(store, *BASE, *ahead)
    (before,) = run(store).readiness
    assert [week.callers for week in before.weeks] == [1] * 4
    assert before.lights == {"callers": True, "window": True, "questions": False}, "its caller is asked about"
    write(store, *month(40, end=END - timedelta(days=9)), *ahead)
    assert "the last record is 9 days old" in reasons(store)


def test_resource_with_no_record_but_one_that_is_dated_ahead(store: Store) -> None:
    put(store, World(modes=BOTH), taken_at=LATE)
    write(store, *BASE, *month(1, end=NOW + timedelta(days=9), service_resource=VAULT))
    assert "window: keys wrote records on 0 days, 31 wanted" in reasons(store)


def test_member_that_fell_silent_is_a_question(store: Store) -> None:
    put(store, World(modes=BOTH), taken_at=LATE)
    write(store, *BASE, *month(3, end=END - timedelta(days=32), service_resource=VAULT))
    assert "no record of keys for a month" in reasons(store)


def test_what_succeeds_though_it_should_be_refused_is_lost(store: Store) -> None:
    put(store, World(modes={DOCS: ("Enforced", None, "apps")}), taken_at=datetime(2026, 9, 1))
    write(store, *BASE)
    assert lost(store) == 35


def test_scope_of_nothing_is_refused(store: Store) -> None:
    put(store, World(), taken_at=LATE)
    write(store, *BASE)
    with pytest.raises(UsageError, match="No such perimeter or profile"):
        Scope(profile="app").check(Configuration(store).profiles(None, None))


def test_files_of_one_perimeter_say_nothing_of_another(store: Store, tmp_path: Path) -> None:
    document = {
        "perimeters": [{"id": PERIMETER, "perimeterGuid": GUID}, {"id": PARTNER, "perimeterGuid": PARTNER_GUID}],
        "profiles": [{"id": f"{owner}/profiles/apps", "name": "apps"} for owner in (PERIMETER, PARTNER)],
        "associations": [association(DOCS), association(VAULT, perimeter=PARTNER)],
    }
    tell(store, tmp_path, document, datetime(2026, 10, 1))
    folder = tmp_path / "az"
    folder.mkdir()
    (folder / "perimeters.json").write_text(json.dumps(document["perimeters"]))
    (folder / "associations.json").write_text(json.dumps([association(DOCS)]))
    load(store, folder, taken_at=LATE)
    assert len(store.rows("inventory/associations")) == 2
    # one object, though, tells of all that it names
    tell(store, tmp_path, document | {"associations": [association(DOCS)]}, LATE + timedelta(hours=1))
    assert len(store.rows("inventory/associations")) == 1


def test_outbound_call_that_only_resource_rules_admit_is_no_artefact(store: Store) -> None:
    put(store, World(modes=dict.fromkeys((DOCS, SEARCH), ("Learning", "Enabled", "apps"))), taken_at=LATE)
    out: dict[str, Any] = {
        "service_resource": SEARCH,
        "destination_resource": DOCS,
        "destination_fqdn": "docs.blob.core.windows.net",
    }
    arrived = flow(category="NspIntraPerimeterInboundAllowed", source_resource=SEARCH)
    write(store, arrived, *month(category="NspPublicOutboundResourceRulesAllowed", **out))
    assert lost(store) == 35


def test_call_to_a_part_of_a_member_that_arrives_is_an_artefact(store: Store) -> None:
    put(store, World(modes=dict.fromkeys((DOCS, SEARCH), ("Enforced", "Enabled", "apps"))), taken_at=LATE)
    arrived = flow(
        category="NspIntraPerimeterInboundAllowed",
        source_resource=SEARCH,
        service_resource=f"{DOCS}/blobservices/default",
    )
    call = month(category="NspPublicOutboundPerimeterRulesDenied", service_resource=SEARCH, destination_resource=DOCS)
    write(store, arrived, *call)
    assert not any(each.kind == "cannot-fix" for each in run(store).proposals)


def test_what_a_file_does_not_say_of_a_member_stays(store: Store, tmp_path: Path) -> None:
    put(store, World(rules=OFFICE, modes={DOCS: ("Learning", "SecuredByPerimeter", "apps")}), taken_at=LATE)
    later = LATE + timedelta(hours=1)
    tell(store, tmp_path, association(DOCS), later)
    tell(store, tmp_path, {"configurations": [configuration(DOCS, 4, "203.0.113.0/24")]}, later)
    assert [row[5] for row in store.rows("inventory/associations")] == ["SecuredByPerimeter"]
    both = {"associations": [association(DOCS)], "configurations": [configuration(DOCS, 5, "192.0.2.0/24")]}
    tell(store, tmp_path, both, later)
    assert [row[5] for row in store.rows("inventory/rule_elements")] == ["192.0.2.0/24"]


def test_issue_goes_with_its_member(store: Store, tmp_path: Path) -> None:
    told = configuration(DOCS, 4)
    told["properties"]["provisioningIssues"] = [{"properties": {"issueType": "MissingIdentityConfiguration"}}]
    tell(store, tmp_path, {"configurations": [told]})
    assert len(store.rows("inventory/issues")) == 1
    (tmp_path / "associations.json").write_text("[]")
    tell(store, tmp_path, {"perimeters": [{"id": PERIMETER}], "associations": []}, LATE + timedelta(hours=1))
    assert store.rows("inventory/issues") == []


def test_error_that_azure_reports_of_a_member_is_a_question(store: Store, tmp_path: Path) -> None:
    put(store, World(modes=BOTH), taken_at=datetime(2026, 9, 1))
    told = configuration(VAULT, 4)
    issue = {"issueType": "ConfigurationPropagationFailure", "severity": "Warning"}
    told["properties"]["provisioningIssues"] = [{"properties": issue}]
    write(store, *BASE, *month(service_resource=VAULT))
    tell(store, tmp_path, {"configurations": [told]})
    assert run(store).ready
    issue["severity"] = "Error"
    tell(store, tmp_path, {"configurations": [told]}, LATE + timedelta(hours=1))
    assert "questions: Azure reports ConfigurationPropagationFailure of keys" in reasons(store)
    (found,) = run(store).readiness
    assert [(step.association.resource, step.ready) for step in found.steps] == [(DOCS, True), (VAULT, False)]


def test_link_and_link_reference_of_one_name_are_two(store: Store, tmp_path: Path) -> None:
    link = {"status": "Approved", "remotePerimeterGuid": PARTNER_GUID.upper(), "localInboundProfiles": ["other"]}
    put(store, World(links=[{"id": f"{PERIMETER}/links/x", "properties": link}]), taken_at=LATE)
    assert Configuration(store).evidence(PERIMETER, "apps", 35, NOW).linked == {PARTNER_GUID}
    reference = {"id": f"{PERIMETER}/linkReferences/x", "properties": {"status": "Approved"}}
    tell(store, tmp_path, reference, LATE + timedelta(hours=1))
    tell(
        store, tmp_path, {"id": f"{PERIMETER}/links/x", "properties": {"status": "Pending"}}, LATE + timedelta(hours=2)
    )
    assert {(row[6], row[7]) for row in store.rows("inventory/links")} == {("Pending", False), ("Approved", True)}


def test_gap_of_rules_closes_when_they_are_told(store: Store, tmp_path: Path) -> None:
    put(store, World(rules=OFFICE), taken_at=datetime(2026, 10, 1))
    profile = {"id": f"{PERIMETER}/profiles/apps", "name": "apps", "accessRulesVersion": "5"}
    tell(store, tmp_path, {"profiles": [profile]})
    assert "apps have another version" in store.rows("inventory/perimeters")[0][-1]
    rule = {
        "id": f"{PERIMETER}/profiles/apps/accessRules/r",
        "direction": "Inbound",
        "addressPrefixes": ["192.0.2.0/24"],
    }
    tell(store, tmp_path, {"accessRules": [rule]}, LATE + timedelta(hours=1))
    assert store.rows("inventory/perimeters")[0][-1] is None
