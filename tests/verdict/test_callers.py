"""Callers: one row a resource or application, whatever addresses it comes from, with whose network it is."""

from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.inventory import snapshot
from pipeline.inventory.file import load
from pipeline.store import Store
from tests.verdict.world import DOCS, FUNCTION, PARTNER_GUID, SEARCH, VAULT, World, as_json, flow, put, traffic


def callers(store: Store, *flows: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    with traffic(store, *flows):
        rows = store.frame("callers/callers", kind=None, perimeter=None, limit=None).to_dicts()
    return {row["caller"]: (row["kind"], row["network"], row["addresses"], row["requests"]) for row in rows}


def test_every_kind_of_caller(store: Store, tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("name,cidr,owner\nOffice,203.0.113.0/24,ann\n")
    load(store, tmp_path / "n.csv")
    store._connection.execute(
        "insert into service_tag_prefix values ('Storage', 'AzureStorage', '', '198.51.100.0/24')"
    )
    load(store, tmp_path / "n.csv")  # makes the spans anew
    modes: dict[str, tuple[str | None, str | None, str]] = dict.fromkeys(
        (DOCS, SEARCH), ("Learning", "Enabled", "apps")
    )
    put(store, World(modes=modes))
    found = callers(
        store,
        flow(caller_key=SEARCH, source_resource=SEARCH, caller_kind="azure-resource"),
        flow(caller_key=FUNCTION, source_resource=FUNCTION, caller_kind="azure-resource", source_ip="192.0.2.1"),
        flow(caller_key=FUNCTION, source_resource=FUNCTION, caller_kind="azure-resource", source_ip="192.0.2.2"),
        flow(caller_key="app:x", source_app_id="x", caller_kind="app"),
        flow(caller_key="203.0.113.7", caller_kind="public-address", requests=4),
        flow(caller_key="198.51.100.7", source_ip="198.51.100.7", caller_kind="public-address"),
        flow(caller_key="192.0.2.9", source_ip="192.0.2.9", caller_kind="public-address"),
        flow(caller_key="10.0.0.4", source_ip="10.0.0.4", caller_kind="unmatchable-address"),
        flow(
            caller_key="10.0.0.5", source_ip="10.0.0.5", caller_kind="private-endpoint",
            category="NspPrivateInboundAllowed",
        ),
        flow(
            caller_key="p", source_perimeters=as_json([PARTNER_GUID]), caller_kind="other-perimeter",
            category="NspCrossPerimeterInboundAllowed",
        ),
        flow(category="NspPublicOutboundResourceRulesAllowed", caller_key=DOCS, caller_kind="member"),
    )  # fmt: skip
    assert found == {
        SEARCH: ("member", "Office", 1, 1),
        FUNCTION: ("azure-resource", None, 2, 2),
        "app:x": ("app", "Office", 1, 1),
        "203.0.113.7": ("known-network", "Office", 1, 4),
        "198.51.100.7": ("service-tag", "Storage", 1, 1),
        "192.0.2.9": ("public-address", None, 1, 1),
        "10.0.0.4": ("unmatchable-address", None, 1, 1),
        "10.0.0.5": ("private-endpoint", None, 1, 1),
        "p": ("other-perimeter", "Office", 1, 1),
    }


def test_resource_of_another_perimeter_is_told_by_the_inventory(store: Store) -> None:
    put(store, World())
    other = World(modes={VAULT: ("Learning", "Enabled", "apps")})
    document = other.document()
    for name, items in document.lists.items():
        document.lists[name] = [{**each, "id": each["id"].replace("nsp1", "nsp2")} for each in items]
    snapshot.keep(store, document, datetime(2026, 10, 1), "test")
    found = callers(store, flow(caller_key=VAULT, source_resource=VAULT, caller_kind="azure-resource"))
    assert found[VAULT][0] == "other-perimeter"


def test_addresses_of_a_caller(store: Store) -> None:
    fields = {"caller_key": FUNCTION, "source_resource": FUNCTION}
    with traffic(
        store, flow(**fields, source_ip="192.0.2.1"), flow(**fields, source_ip="192.0.2.2", requests=5), flow()
    ):
        rows = store.rows("callers/addresses_of_caller", caller=FUNCTION, perimeter="NSP1")
    assert [(row[1], row[2], row[7]) for row in rows] == [("192.0.2.2", "public", 5), ("192.0.2.1", "public", 1)]


def test_caller_of_several_kinds_is_one_row(store: Store) -> None:
    put(store, World())
    private = {"category": "NspPrivateInboundAllowed", "caller_kind": "private-endpoint", "source_ip": "10.0.0.5"}
    found = callers(
        store,
        flow(caller_key=FUNCTION, source_resource=FUNCTION, caller_kind="azure-resource"),
        flow(caller_key=FUNCTION, source_resource=FUNCTION, **private),
        flow(caller_key=SEARCH, source_resource=SEARCH, **private),
        flow(caller_key="10.0.0.5", source_ip="10.0.0.5", caller_kind="unmatchable-address"),
        flow(caller_key="10.0.0.5", **private),
    )
    assert {name: row[0] for name, row in found.items()} == {
        FUNCTION: "azure-resource",
        SEARCH: "private-endpoint",
        "10.0.0.5": "unmatchable-address",
    }
    with traffic(store, flow(caller_key=FUNCTION), flow(caller_key=FUNCTION, **private)):
        assert len(store.rows("callers/callers", kind=None, perimeter=None, limit=None)) == 1
