"""Members, modes and links are judged by the inventory: what it says has to be what Azure says now."""

import json
from datetime import timedelta
from typing import Any

import pytest

from pipeline.inventory import snapshot
from pipeline.inventory.document import Document
from pipeline.publish.outdated import outdated
from pipeline.publish.record import ModeChange
from pipeline.store import Store
from tests.publish.world import ASSOCIATION, KEY, MOMENT, PERIMETER, PROFILE, STORAGE, World
from tests.services.resource_manager import refused

GUID = "b1d5a7c0-2222-4e4e-8f8f-00000000a002"
DOCS = f"{KEY}/resourceassociations/docs"


def association(name: str, mode: str = "Learning", profile: str = "Apps") -> dict[str, Any]:
    made = json.loads(json.dumps(ASSOCIATION).replace("/docs", f"/{name}").replace('"docs"', f'"{name}"'))
    made["properties"] |= {"accessMode": mode, "profile": {"id": f"{PERIMETER}/profiles/{profile}"}}
    return dict(made)


def link(name: str = "partner", kind: str = "links", **properties: Any) -> dict[str, Any]:
    told = {
        "remotePerimeterGuid": GUID, "localInboundProfiles": ["*"], "remoteInboundProfiles": ["A", "b"],
        "status": "Approved", **properties,
    }  # fmt: skip
    return {"id": f"{PERIMETER}/{kind}/{name}", "name": name, "properties": told}


def keep(store: Store, *associations: dict[str, Any], links: list[dict[str, Any]] | None) -> None:
    document = Document()
    document.add("perimeters", [{"id": PERIMETER}])
    document.add("profiles", [{"id": PROFILE, "name": "Apps"}])
    document.add("associations", list(associations))
    if links is not None:
        document.add("links", links)
    snapshot.keep(store, document, MOMENT, "file")


def told(store: Store, there: World, *changes: ModeChange) -> tuple[str, ...]:
    return outdated(store, there.manager, {KEY}, changes)[KEY]


def test_an_inventory_that_is_as_azure_is_speaks_against_nothing(store: Store, there: World) -> None:
    there.azure.add([link(), association("keys", "Enforced")])
    spelled = link(status="approved", localInboundProfiles=["*"], remoteInboundProfiles=["B", "a"])
    transition = association("docs", "Transition")  # an older name of the same mode
    keep(store, transition, association("keys", "enforced", "apps"), links=[spelled])
    assert told(store, there) == ()


@pytest.mark.parametrize(
    ("live", "words"),
    [
        ([association("keys")], "keys is associated"),
        ([association("docs", "Enforced")], "docs is Enforced"),
        ([association("docs", profile="Data")], "docs is in the profile data"),
        ([link("other")], "the link other is new"),
        ([link(kind="linkReferences")], "the link partner is new"),
        ([link(status="Disconnected")], "the link partner is another"),
        ([link(remoteInboundProfiles=["A"])], "the link partner is another"),
        ([link(localInboundProfiles=[])], "the link partner is another"),
        ([link(remotePerimeterGuid=GUID.replace("a002", "a003"))], "the link partner is another"),
    ],
)
def test_what_is_otherwise_in_azure_is_told(
    store: Store, there: World, live: list[dict[str, Any]], words: str
) -> None:  # fmt: skip
    keep(store, association("docs"), links=[link()])
    there.azure.add([link(), *live])
    assert told(store, there) == (f"the inventory isn't as Azure is now ({words}); nsp inventory pull",)


def test_what_is_gone_from_azure_is_told(store: Store, there: World) -> None:
    keep(store, association("docs"), association("keys"), links=[link()])
    (reason,) = told(store, there)
    assert "keys isn't associated any more, the link partner is gone" in reason


@pytest.mark.parametrize(
    ("hours", "mode", "is_known"), [(1, "Enforced", True), (-1, "Enforced", False), (1, "Learning", False)]
)
def test_what_nsp_itself_enforced_since_is_known(
    store: Store, there: World, hours: int, mode: str, is_known: bool
) -> None:  # fmt: skip
    keep(store, association("docs"), links=[])
    there.azure.add([association("docs", "Enforced")])
    change = ModeChange(DOCS, STORAGE.lower(), PROFILE.lower(), mode, MOMENT + timedelta(hours=hours))
    assert (told(store, there, change) == ()) is is_known


def test_what_nobody_told_or_can_read_is_told(store: Store, there: World) -> None:
    keep(store, association("docs"), links=None)
    assert told(store, there) == ("nobody told the links of the perimeter; nsp inventory pull does",)
    keep(store, association("docs"), links=[])
    there.azure.choose = lambda path, _: refused(403) if "/link" in path else None
    (reason,) = told(store, there)
    assert "nobody can tell whether the links" in reason
    assert "The role Reader" in reason


def test_without_an_inventory_of_the_perimeter_nothing_is_known(store: Store, there: World) -> None:
    first, second, third = told(store, there)
    assert "all associations" in first
    assert "the links" in second
    assert "docs is associated" in third
