"""Findings: each with its severity, its evidence and what to do; and none where there is nothing to find."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.coverage.finding import SEVERITIES
from pipeline.coverage.measure import report
from pipeline.ingest import ingest_folder
from pipeline.inventory.file import load
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import recommend
from pipeline.recommend.scope import Scope
from pipeline.sample.scenario import ARCHIVE, FOUNDRY, INVENTORY, PERIMETER
from pipeline.store import Store
from pipeline.tables import CATEGORIES
from tests.conftest import line
from tests.verdict.world import DOCS, World, flow, put
from tests.verdict.world import write as put_traffic

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample"
TAKEN = datetime(2026, 10, 1)
NOW = datetime(2026, 12, 1, 9)


SUGGESTED = {"name": "r", "properties": {"direction": "Outbound", "fullyQualifiedDomainNames": ["a.example.com"]}}


def found(store: Store) -> dict[str, list[tuple[str, str]]]:
    """Findings by id: severity and evidence."""
    told: dict[str, list[tuple[str, str]]] = {}
    for each in report(store, NOW)["findings"]:
        assert each["severity"] in SEVERITIES
        assert each["evidence"]
        assert each["remedy"]
        told.setdefault(each["id"], []).append((each["severity"], each["evidence"]))
    return told


def keep(store: Store, folder: Path, **lists: Any) -> None:
    (folder / "inventory.json").write_text(json.dumps(INVENTORY | lists))
    load(store, folder / "inventory.json", taken_at=TAKEN)


def write(folder: Path, *lines: str, hour: str = "04", day: str = "01") -> None:
    path = folder / f"insights-logs-nspx/resourceId=/P/y=2026/m=10/d={day}/h={hour}/m=00/PT1H.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines))


def test_sample(store: Store) -> None:
    load(store, SAMPLE / "inventory.json")
    ingest_folder(store, SAMPLE)
    told = found(store)
    assert set(told) == {
        "category-unknown", "foundry-agent-service", "foundry-batch-storage", "foundry-fine-tuning-and-assistants",
        "foundry-keys", "hours-missing", "ingest-delay", "private-and-public", "rejected", "silent-resource",
        "state-not-known", "unknown-fields",
    }  # fmt: skip
    assert told["silent-resource"][0][0] == "warning"
    assert "no data is no proof of no traffic" in told["silent-resource"][0][1]
    assert told["rejected"] == [("warning", "14 lines rejected: 14 not valid JSON")]
    assert told["foundry-keys"] == [("warning", "keys are accepted")]


def test_empty_store_is_no_all_clear(store: Store, tmp_path: Path) -> None:
    assert {name for name, _ in found(store).items()} == {"no-data", "no-inventory"}
    keep(store, tmp_path)
    told = found(store)
    assert told["no-data"][0][0] == "blocker"
    assert len(told["silent-resource"]) == 6


def test_category_that_is_not_switched_on_blocks_where_it_would_hold_the_denials(
    store: Store, export: Path, tmp_path: Path
) -> None:
    write(export, line(resourceId=PERIMETER))
    ingest_folder(store, export)
    some = [name for name in CATEGORIES if name != "NspPublicOutboundResourceRulesAllowed"]
    keep(
        store, tmp_path, loggingConfigurations=[{**INVENTORY["loggingConfigurations"][0], "enabledLogCategories": some}]
    )
    missing = found(store)["category-missing"]
    assert ("blocker", "NspPublicOutboundResourceRulesAllowed is not switched on") in missing
    assert ("info", "NspPrivateInboundAllowed is switched on and was never seen") in missing
    assert not any("NspPublicInboundResourceRulesAllowed" in evidence for _, evidence in missing)


def test_category_of_which_nobody_told_is_asked_about(store: Store, export: Path) -> None:
    write(export, line(category="NspPrivateInboundAllowed"))
    ingest_folder(store, export)
    told = found(store)
    assert ("warning", "NspPublicInboundResourceRulesAllowed was never seen") in told["category-missing"]
    assert "no-inventory" in told


@pytest.mark.parametrize(("logged", "severity"), [(True, "warning"), (False, "blocker")])
def test_group_of_categories_is_suspect(
    store: Store, export: Path, tmp_path: Path, logged: bool, severity: str
) -> None:
    write(export, line(resourceId=PERIMETER if logged else PERIMETER + "-other"))
    ingest_folder(store, export)
    setting = {
        "id": f"{PERIMETER}/providers/microsoft.insights/diagnosticSettings/all",
        "properties": {"workspaceId": "/w", "logs": [{"categoryGroup": "allLogs", "enabled": True}]},
    }
    keep(store, tmp_path, diagnosticSettings=[setting], loggingConfigurations=[])
    told = found(store)
    ((found_severity, evidence),) = told["category-group"]
    assert (found_severity, "names the group allLogs" in evidence) == (severity, True)
    assert ("perimeter-without-logs" in told) is not logged
    assert ("perimeter-not-in-inventory" in told) is not logged


def test_delay_is_read_from_the_names(store: Store, export: Path) -> None:
    write(export, line(time="2026-10-01T01:10:00Z"), line(time="2026-10-01T04:10:00Z"), hour="04")
    write(export, line(time="2026-10-01T05:59:00Z"), hour="06")
    ingest_folder(store, export)
    ((severity, evidence),) = found(store)["ingest-delay"]
    assert severity == "warning"
    assert "arrive 1 h after the event (median), 99% within 3 h, the last after 3 h (3 records)" in evidence


def test_configuration_is_questioned(store: Store, export: Path, tmp_path: Path) -> None:
    late = (TAKEN + timedelta(days=20)).isoformat()
    records = [line(resourceId=PERIMETER, time=late, properties__serviceResourceId=each) for each in (ARCHIVE, "/x/y")]
    write(export, *records, day="21")
    ingest_folder(store, export)
    associations = json.loads(json.dumps(INVENTORY["associations"]))
    associations[0] |= {"accessMode": "Audit", "hasProvisioningIssues": "yes"}
    rules = [
        {**INVENTORY["accessRules"][0], "addressPrefixes": None, "serviceTags": ["PowerPlatform"]},
        {**INVENTORY["accessRules"][1], "fullyQualifiedDomainNames": ["*.example.com"]},
    ]
    configuration = {
        "id": f"{FOUNDRY}/networkSecurityPerimeterConfigurations/a",
        "properties": {
            "networkSecurityPerimeter": {"id": PERIMETER},
            "provisioningIssues": [
                {
                    "properties": {
                        "issueType": "MissingIdentityConfiguration",
                        "severity": "Error",
                        "suggestedAccessRules": [SUGGESTED, 1],
                    }
                }
            ],
        },
    }
    keep(store, tmp_path, associations=associations, accessRules=rules, configurations=[configuration])
    told = found(store)
    assert told["inventory-old"][0][1].endswith("20 days before the newest record")
    assert told["mode-audit"][0][0] == "warning"
    assert "provisioning-issues" in told
    assert len(told["rule-not-evaluable"]) == 2
    assert told["unlisted-resource"] == [("warning", "1 records, but no association in the inventory")]
    assert told["azure-issue"] == [
        ("blocker", "Azure reports MissingIdentityConfiguration: no words; it suggests 2 access rules")
    ]
    suggested = store.rows("inventory/suggested_rules", perimeter="nsp-contoso-ai", profile="AI-APPS")
    assert [row[1:] for row in suggested] == [
        ("ai-apps", FOUNDRY.lower(), "MissingIdentityConfiguration", *rest)
        for rest in (("r", "Outbound", '["a.example.com"]'), (None, None, None))
    ]
    ((severity, evidence),) = told["disagreement-resource-rules-while-enforced"]
    assert severity == "warning"
    assert evidence.startswith("3 requests: the resource's own rules decide although the association is Enforced")


@pytest.mark.parametrize(
    ("facts", "states"),
    [
        ({}, {"managed-identity": "info", "customer-managed-keys": "info", "keys": "info", "agent-service": "info"}),
        (
            {
                "identity": {"type": "None"},
                "properties": {
                    "disableLocalAuth": False,
                    "encryption": {"keySource": "Microsoft.KeyVault"},
                    "networkInjections": [{"scenario": "agent"}],
                },
            },
            {
                "managed-identity": "warning",
                "customer-managed-keys": "warning",
                "keys": "warning",
                "agent-service": "warning",
            },
        ),
        (
            {
                "identity": {"type": "SystemAssigned"},
                "kind": "AIServices",
                "properties": {"disableLocalAuth": True, "encryption": {"keySource": "Microsoft.CognitiveServices"}},
            },
            {
                "agent-service": "info",
                "managed-identity": None,
                "keys": None,
                "customer-managed-keys": None,
                "preview-feature": None,
            },
        ),
    ],
)
def test_foundry_account(store: Store, tmp_path: Path, facts: dict[str, Any], states: dict[str, str | None]) -> None:
    keep(store, tmp_path, resources=[{"id": FOUNDRY, **facts}] if facts else [])
    told = found(store)
    assert {name: told.get(f"foundry-{name}", [(None, "")])[0][0] for name in states} == states


def test_foundry_without_storage_and_with_fine_tuning(store: Store, export: Path, tmp_path: Path) -> None:
    tuning = line(resourceId=PERIMETER, operationName="FineTunes_Create", properties__serviceResourceId=FOUNDRY)
    write(export, tuning)
    ingest_folder(store, export)
    alone = [each for each in INVENTORY["associations"] if each["privateLinkResource"]["id"] == FOUNDRY]
    keep(store, tmp_path, associations=alone)
    told = found(store)
    assert told["foundry-batch-storage"] == [("warning", "no storage account")]
    assert told["foundry-fine-tuning-and-assistants"] == [("warning", "3 such requests in the logs")]


@pytest.mark.parametrize(
    ("configured", "exported", "told"),
    [
        (True, False, ("blocker", "is not switched on")),
        (False, True, ("blocker", "is not switched on")),
        (True, True, ("info", "is switched on and was never seen")),
        (True, None, ("blocker", "is not switched on")),
    ],
)
def test_category_needs_both_the_configuration_and_the_export(
    store: Store, export: Path, tmp_path: Path, configured: bool, exported: bool | None, told: tuple[str, str]
) -> None:
    write(export, line(resourceId=PERIMETER, category="NspPrivateInboundAllowed"))
    ingest_folder(store, export)
    wanted = "NspPublicInboundResourceRulesAllowed"
    others = [name for name in CATEGORIES if name != wanted]
    logs = [{"category": name, "enabled": True} for name in others]
    logs += [] if exported is None else [{"category": wanted, "enabled": exported}]
    setting = {
        "id": f"{PERIMETER}/providers/microsoft.insights/diagnosticSettings/all",
        "properties": {"workspaceId": "/w", "logs": logs},
    }
    names = [*others, *([wanted] if configured else [])]
    configuration = {**INVENTORY["loggingConfigurations"][0], "enabledLogCategories": names}
    keep(store, tmp_path, diagnosticSettings=[setting], loggingConfigurations=[configuration])
    assert (told[0], f"{wanted} {told[1]}") in found(store)["category-missing"]


def test_every_perimeter_with_missing_hours_is_told_and_one_whose_export_ended(store: Store, export: Path) -> None:
    for day in range(1, 26):
        write(export, line(resourceId="/p/often", time=f"2026-10-{day:02}T04:00:00Z"), day=f"{day:02}")
    rare = [line(resourceId="/p/rare", time=f"2026-10-{day:02}T05:00:00Z") for day in (24, 25)]
    ended = line(resourceId="/p/ended", time="2026-10-20T05:00:00Z")
    write(export, *rare, ended, day="25", hour="05")
    ingest_folder(store, export)
    gaps = [each for each in report(store)["findings"] if each["id"] == "hours-missing"]
    assert {each["subject"]: each["evidence"].partition(" ")[0] for each in gaps} == {
        "/p/often": "24", "/p/rare": "1", "/p/ended": "1",
    }  # fmt: skip
    assert "of 120 hours from 2026-10-20 06:00" in next(e["evidence"] for e in gaps if e["subject"] == "/p/ended")


def test_part_of_a_listed_resource_is_neither_silent_nor_unlisted(store: Store, export: Path, tmp_path: Path) -> None:
    members = [each["privateLinkResource"]["id"] for each in INVENTORY["associations"]]
    parts = [f"{each}/blobServices/default" for each in members]
    write(export, *(line(resourceId=PERIMETER, properties__serviceResourceId=each) for each in parts))
    ingest_folder(store, export)
    keep(store, tmp_path)
    assert not {"silent-resource", "unlisted-resource"} & set(found(store))


CLOSED = "was closed to all but what the perimeter admits"


def month(**fields: Any) -> list[dict[str, Any]]:
    """A call of each day of October."""
    hours = [datetime(2026, 10, day) for day in range(1, 32)]
    return [flow(hour=hour, first_seen=hour, last_seen=hour, **fields) for hour in hours]


def told_of(store: Store, *flows: dict[str, Any]) -> tuple[dict[str, list[tuple[str, str]]], list[str], int]:
    """Findings; what of readiness is about closed resources; and days that count of the resource."""
    put_traffic(store, *flows)
    (ready,) = recommend(store, Limits(), Scope(), datetime(2026, 11, 1)).readiness
    (step,) = ready.steps
    assert ready.lights["window"] is not any(reason.startswith("window") for reason in ready.reasons)
    return found(store), [each for each in ready.reasons if CLOSED in each], step.association.days


@pytest.mark.parametrize(("mode", "access"), [("Learning", "Disabled"), ("Enforced", "Enabled")])
def test_days_on_which_a_resource_was_closed_are_no_evidence(store: Store, mode: str, access: str) -> None:
    refused = month(category="NspPublicInboundPerimeterRulesDenied")[:20]
    open_since = month()[25:]
    put(store, World(), taken_at=datetime(2026, 10, 31))
    # by the log alone
    told, reasons, days = told_of(store, *refused, *open_since)
    ((severity, evidence),) = told["closed-before"]
    assert severity == "warning"
    assert "on 2026-10-20, and seen open since 2026-10-26, 6 days" in evidence
    assert days == 6
    assert "only 6 days are seen since, 31 wanted" in reasons[0]
    # not, where it is open all the time
    told, reasons, days = told_of(store, *month())
    assert "closed-before" not in told
    assert (reasons, days) == ([], 31)
    # by the history of the inventory
    put(store, World(modes={DOCS: (mode, access, "apps")}), taken_at=datetime(2026, 10, 9))
    told, reasons, days = told_of(store, *month(category="NspPublicInboundPerimeterRulesAllowed"))
    assert "on 2026-10-09, and seen open since 2026-10-31, 1 days" in told["closed-before"][0][1]
    assert (len(reasons), days) == (1, 1)


def test_logs_older_than_what_is_known_of_the_state_are_told(store: Store) -> None:
    put(store, World(), taken_at=datetime(2026, 10, 20))
    told, _, _ = told_of(store, *month())
    ((severity, evidence),) = told["state-not-known"]
    assert (severity, evidence.partition(": ")[2]) == ("info", "19 older requests are judged by those of now")
    told, _, _ = told_of(store, *month(category="NspPublicInboundPerimeterRulesAllowed"))
    ((severity, evidence),) = told["state-not-known"]
    assert severity == "warning"
    assert "of 1 open resources, such as docs, no record shows that they were open before" in evidence
    told, _, _ = told_of(store, *month()[19:])
    assert "state-not-known" not in told


def test_records_of_days_to_come_are_told(store: Store) -> None:
    moments = (NOW, NOW + timedelta(hours=14), NOW + timedelta(hours=15), NOW + timedelta(days=150))
    put_traffic(store, *(flow(hour=each, first_seen=each, last_seen=each) for each in moments))
    told = "2 records are dated after today, from 2026-12-02 to 2027-04-30: they count for no observed day"
    ((severity, evidence),) = found(store)["dated-ahead"]
    assert severity == "warning"
    assert evidence.startswith(told)


def test_inventory_of_older_rules_than_the_log_is_told(store: Store) -> None:
    put(store, World(), taken_at=TAKEN)
    put_traffic(store, flow(rules_version="4"))
    assert "rules-newer" not in found(store)
    put_traffic(store, flow(rules_version="4"), flow(rules_version="7"))
    told = "records of apps since 2026-10-01 name version 7 of its rules, and the inventory knows version 4"
    assert found(store)["rules-newer"] == [("warning", told)]


def test_direction_of_which_nothing_is_seen_though_it_is_logged_is_told(store: Store) -> None:
    put(store, World(), taken_at=TAKEN)
    call = flow(category="NspPublicOutboundResourceRulesAllowed", destination_fqdn="api.contoso.com", caller_key=DOCS)
    later = [flow(hour=TAKEN + timedelta(days=day), last_seen=TAKEN + timedelta(days=day)) for day in range(60)]
    put_traffic(store, *later)
    ((severity, evidence),) = found(store)["direction-unseen"]
    assert severity == "warning"
    assert evidence.startswith(
        "no outbound record at all, of any category, though NspPublicOutboundResourceRulesAllowed"
    )
    put_traffic(store, call, *later)
    ((_, evidence),) = found(store)["direction-unseen"]
    assert evidence.startswith("no outbound record since 2026-10-01, of any category")
    put_traffic(store, call)
    ((_, evidence),) = found(store)["direction-unseen"]
    assert evidence.startswith("no inbound record at all")
    put_traffic(store, call, *later[:31])
    assert "direction-unseen" not in found(store)
