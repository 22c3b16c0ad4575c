"""Members, other perimeters, exposure, and where callers are."""

from pathlib import Path
from typing import Any

from pipeline.inventory.file import load
from pipeline.store import Store
from tests.analysis.build import (
    ATTEMPT,
    BY_FIREWALL,
    CALL_REFUSED,
    CALLED_OPEN,
    CROSS_IN,
    CROSS_OUT,
    GUIDS,
    INTRA,
    NSP,
    PRIVATE,
    REFUSED,
    SITE,
    SQL,
    STORE,
    VAULT,
    ask,
    at,
    flow,
    inventory,
    member,
    put,
)

A, B = "203.0.113.1", "203.0.113.2"


def test_outbound_to_members(store: Store, tmp_path: Path) -> None:
    inventory(store, tmp_path, associations=[member(STORE), member(SQL), member(VAULT)])
    put(
        store,
        # works, whatever its own log says
        flow(at(1), CALLED_OPEN, 3, destination_resource=SQL, matched_rule="DenyAll"),
        flow(at(2), ATTEMPT, 2, destination_resource=SQL, profile="APPS"),
        flow(at(1), INTRA, service_resource=SQL, source_resource=STORE),
        # never seen to arrive
        flow(at(1), CALLED_OPEN, 4, destination_resource=VAULT),
        flow(at(1), CALL_REFUSED, 2, destination_resource=VAULT),
        flow(at(1), CALLED_OPEN, 9, destination_resource=SITE),
        flow(at(1), BY_FIREWALL, 9, source_resource=SQL),
    )
    columns = (
        "resource destination_resource attempts approved_requests denied_requests denied_if_enforced "
        "works_although_logged_otherwise first_seen last_seen"
    )
    assert ask(store, "outbound_to_members", columns) == [
        ("store", "vault", 0, 4, 2, 6, False, at(1), at(1)),
        ("store", "sql", 2, 3, 0, 0, True, at(1), at(2)),
    ]


def links(status: str | None = "Approved") -> dict[str, Any]:
    return {
        "links": [
            {
                "id": f"{NSP}/one/links/partner",
                "name": "partner",
                "autoApprovedRemotePerimeterResourceId": f"{NSP}/two",
                "remotePerimeterGuid": GUIDS["two"],
                "status": status,
            }
        ]
    }


def test_cross_perimeter_map(store: Store, tmp_path: Path) -> None:
    both = [member(STORE), member(VAULT, perimeter="two")]
    inventory(store, tmp_path, associations=both, **links())
    two, far = GUIDS["two"], GUIDS["far"]
    put(
        store,
        flow(at(1), CROSS_IN, 5, source_perimeters=f'["{two.upper()}", "{GUIDS["one"]}"]'),
        flow(at(2), CROSS_IN, 1, source_perimeters=f'["{two}"]', service_resource=SQL, profile="APPS"),
        flow(at(1), CROSS_IN, 3, source_perimeters=f'["{far}"]', action="Denied"),
        flow(at(1), CROSS_IN, 2, source_perimeters="no json"),
        flow(at(1), CROSS_OUT, 4, destination_resource=VAULT),
        flow(at(1), CROSS_OUT, 1, destination_resource=SITE),
        flow(at(1), INTRA, 50, source_perimeters=f'["{far}"]'),
        flow(at(1), CROSS_IN, 7, source_perimeters=f'["{far}"]', perimeter=f"{NSP}/unlisted"),
    )
    columns = (
        "perimeter direction other_guid other_perimeter link_is link link_status resources requests denied_requests "
        "first_seen"
    )
    assert ask(store, "cross_perimeter_map", columns) == [
        ("unlisted", "Inbound", far, None, "links were not read", None, None, 1, 7, 0, at(1)),
        ("one", "Inbound", two, "two", "known", "partner", "Approved", 2, 6, 0, at(1)),
        ("one", "Outbound", two, "two", "known", "partner", "Approved", 1, 4, 0, at(1)),
        ("one", "Inbound", far, None, "none", None, None, 1, 3, 3, at(1)),
        ("one", "Inbound", None, None, "the other side is not known", None, None, 1, 2, 0, at(1)),
        ("one", "Outbound", None, None, "the other side is not known", None, None, 1, 1, 0, at(1)),
    ]
    assert ask(store, "cross_perimeter_map", "requests", perimeter="one", since=at(2)) == [(1,)]


def test_cross_perimeter_map_tells_a_link_that_is_not_approved(store: Store, tmp_path: Path) -> None:
    inventory(store, tmp_path, **links("Pending"))
    put(store, flow(at(1), CROSS_IN, source_perimeters=f'["{GUIDS["two"]}"]'))
    assert ask(store, "cross_perimeter_map", "link_is link_status") == [("known", "Pending")]


def test_resources_by_exposure(store: Store, tmp_path: Path) -> None:
    inventory(store, tmp_path)
    put(
        store,
        flow(at(1), BY_FIREWALL, 3, source_ip=A),
        flow(at(1), BY_FIREWALL, 2, source_resource=SITE, source_ip=B, profile="APPS"),
        flow(at(1), "NspPublicInboundPerimeterRulesAllowed", 1, source_resource=SITE, source_ip=A),
        flow(at(1), REFUSED, 7, source_ip="203.0.113.9"),
        flow(at(1), REFUSED, 1, source_ip=A, service_resource=VAULT),
        flow(at(1), PRIVATE, 50, source_ip="10.0.0.4"),
        flow(at(1), CALLED_OPEN, 50),
    )
    columns = (
        "resource access_mode public_network_access public_callers public_addresses addresses_without_identity "
        "denied_callers public_requests denied_requests requests_by_resource_rules"
    )
    assert ask(store, "resources_by_exposure", columns) == [
        ("store", "Learning", "Enabled", 2, 2, 1, 1, 6, 7, 5),
        ("vault", None, None, 0, 0, 0, 1, 0, 1, 0),
    ]


def networks(store: Store, folder: Path) -> None:
    path = folder / "networks.csv"
    path.write_text("name,cidr,owner\nOffice,203.0.113.0/24,Ann\nLab,203.0.113.2/32,\nEmpty,192.0.2.0/24,Bob\n")
    load(store, path)
    tags = {
        "values": [
            {
                "name": "Storage.WestEurope",
                "properties": {
                    "region": "westeurope",
                    "systemService": "AzureStorage",
                    "addressPrefixes": ["198.51.100.0/24"],
                },
            }
        ]
    }
    path = folder / "tags.json"
    path.write_text(str(tags).replace("'", '"'))
    load(store, path)
    put(
        store,
        flow(at(1), BY_FIREWALL, 3, source_ip=A),
        flow(at(2), REFUSED, 1, source_ip=A, service_resource=VAULT, profile="APPS"),
        flow(at(1), BY_FIREWALL, 2, source_ip="203.0.113.7"),
        flow(at(1), BY_FIREWALL, 2, source_ip=B),
        flow(at(1), BY_FIREWALL, 4, source_ip="198.51.100.5", source_resource=SITE),
        flow(at(1), BY_FIREWALL, 1, source_ip="198.18.0.1"),
        flow(at(1), BY_FIREWALL, 1, source_ip="10.0.0.4"),
        flow(at(1), BY_FIREWALL, 1),
        flow(at(1), CALLED_OPEN, 50, source_ip=A),
    )


def test_requests_by_region_of_caller(store: Store, tmp_path: Path) -> None:
    networks(store, tmp_path)
    columns = (
        "source_network network_name service_tag azure_region addresses callers resources requests denied_requests"
    )
    assert ask(store, "requests_by_region_of_caller", columns) == [
        ("public", "Office", None, None, 2, 2, 2, 6, 1),
        ("public", None, "Storage.WestEurope", "westeurope", 1, 1, 1, 4, 0),
        ("public", "Lab", None, None, 1, 1, 1, 2, 0),
        ("private", None, None, None, 1, 1, 1, 1, 0),
        ("public", None, None, None, 1, 1, 1, 1, 0),
        (None, None, None, None, 0, 0, 1, 1, 0),
    ]
    assert ask(store, "requests_by_region_of_caller", "requests", since=at(2)) == [(1,)]


def test_addresses_of_known_networks(store: Store, tmp_path: Path) -> None:
    networks(store, tmp_path)
    columns = "network_name network_owner source_ip resources days_seen requests denied_requests first_seen last_seen"
    assert ask(store, "addresses_of_known_networks", columns) == [
        ("Lab", None, B, 1, 1, 2, 0, at(1), at(1)),
        ("Office", "Ann", A, 2, 2, 4, 1, at(1), at(2)),
        ("Office", "Ann", "203.0.113.7", 1, 1, 2, 0, at(1), at(1)),
    ]
