"""A perimeter in a loopback Azure that keeps state, with rules of somebody else in it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.azure.arm_connection import Access, connect
from pipeline.azure.resource_manager import ResourceManager
from pipeline.azure.signin import Auth
from pipeline.publish import apply, rollback, rollback_file
from pipeline.publish.apply import Outcome, Run
from pipeline.publish.plan import Choices, Plan
from pipeline.recommend.access_rule import AccessRule, access_rule
from pipeline.recommend.scope import Scope
from pipeline.tables import CATEGORIES
from tests.services import resource_manager
from tests.services.jobs import HASTY
from tests.services.loopback import Token

SUBSCRIPTION = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG"
PERIMETER = f"{GROUP}/providers/Microsoft.Network/networkSecurityPerimeters/Nsp"
KEY = PERIMETER.lower()
PROFILE = f"{PERIMETER}/profiles/Apps"
RULES = f"{KEY}/profiles/apps/accessrules"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/docs"
MOMENT = datetime(2026, 11, 25, 12)
RUN = Run("somebody", MOMENT, "accepted", {}, lambda: MOMENT)


def rule(name: str, *prefixes: str, profile: str = "Apps") -> AccessRule:
    return access_rule((PERIMETER, profile), name, "Inbound", "address-prefixes", prefixes, proposal=f"p-{name}")


def outbound(name: str, *hosts: str) -> AccessRule:
    return access_rule((PERIMETER, "Apps"), name, "Outbound", "fqdns", hosts)


def item(name: str, **properties: Any) -> dict[str, Any]:
    """A rule as Azure gives it."""
    whole: dict[str, Any] = {each: [] for each in (*resource_manager.RULE_LISTS, resource_manager.LINKS)}
    whole |= {"provisioningState": "Succeeded", "direction": "Inbound", "appliesTo": resource_manager.APPLIES_TO_ALL}
    whole |= properties
    return {"id": f"{PROFILE}/accessRules/{name}", "name": name, "properties": whole}


FOREIGN = [
    item("head-office", addressPrefixes=["198.51.100.0/26", "198.51.100.64/32"]),
    item("Partner", networkSecurityPerimeters=[{"perimeterGuid": "b1d5a7c0-2222-4e4e-8f8f-00000000a002"}]),
    item("several", addressPrefixes=["192.0.2.77/32"], serviceTags=["Storage"]),
    item("future", addressPrefixes=["192.0.2.78/32"], priority=7),
]
ASSOCIATION = {
    "id": f"{PERIMETER}/resourceAssociations/docs",
    "name": "docs",
    "properties": {
        "privateLinkResource": {"id": STORAGE}, "profile": {"id": PROFILE}, "accessMode": "Learning",
        "provisioningState": "Succeeded", "hasProvisioningIssues": "no",
    },
}  # fmt: skip


@dataclass
class World:
    """A loopback Azure, a store's folder, and a connection."""

    azure: resource_manager.ResourceManager
    folder: Path
    access: Access
    manager: ResourceManager

    def plan(self, *accepted: AccessRule, scope: Scope | None = None, **choices: Any) -> Plan:
        return apply.plan_now(self.manager, self.folder, accepted, scope or Scope(), Choices(**choices))[0]

    def apply(self, *accepted: AccessRule, scope: Scope | None = None, **choices: Any) -> Outcome:
        plan, outcome = apply.apply_now(
            self.manager, self.folder, accepted, scope or Scope(), Choices(**choices), RUN
        )  # fmt: skip
        assert not plan.problems, plan.problems
        return outcome

    def done(self, *accepted: AccessRule, **choices: Any) -> Path | None:
        """Apply, which goes well; return the rollback file."""
        outcome = self.apply(*accepted, **choices)
        assert outcome.error is None, outcome.error
        assert outcome.done == len(outcome.steps)
        return outcome.rollback

    def back(self, path: Path, **choices: Any) -> Outcome:
        plan, outcome = rollback.roll_back_now(
            self.manager, self.folder, rollback_file.read(path), Choices(**choices), RUN
        )  # fmt: skip
        assert not plan.problems, plan.problems
        return outcome

    def rules(self) -> dict[str, Any]:
        """What every rule holds, by name."""
        return {
            key.rsplit("/", 1)[1]: json.loads(json.dumps(each["properties"]))
            for key, each in self.azure.items.items()
            if "/accessrules/" in key
        }

    def prefixes(self, name: str) -> set[str] | None:
        found = self.azure.items.get(f"{RULES}/{name.lower()}")
        return set(found["properties"]["addressPrefixes"]) if found else None

    def written(self) -> list[tuple[str, str]]:
        return [(method, path.rsplit("/", 1)[1]) for method, path, _ in self.azure.writes]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    certificates = folder / "azure"
    certificates.mkdir()
    with resource_manager.running(certificates) as azure:
        azure.is_writable = True
        azure.add([{"id": PERIMETER, "name": "Nsp"}])
        azure.add([{"id": PROFILE, "name": "Apps", "properties": {"accessRulesVersion": "4"}}])
        azure.add(json.loads(json.dumps([*FOREIGN, ASSOCIATION])))
        logged = {"enabledLogCategories": sorted(CATEGORIES), "version": "1"}
        azure.add([{"id": f"{PERIMETER}/loggingConfigurations/instance", "name": "instance", "properties": logged}])
        access = Access(azure.url, Auth.DEFAULT, credential=Token(), verify=azure.certificate, patience=HASTY)
        with connect(access) as manager:
            yield World(azure, folder / "store", access, manager)
