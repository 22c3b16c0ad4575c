"""Service tags and known networks: whose an address is."""

import json
from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.addresses import number, span
from pipeline.errors import InventoryError
from pipeline.inventory.file import load
from pipeline.inventory.spans import flatten
from pipeline.store import Store


def tags(*values: tuple[str, str, str, list[str]]) -> str:
    return json.dumps(
        {
            "changeNumber": 1,
            "cloud": "Public",
            "values": [
                {
                    "name": name,
                    "id": name,
                    "properties": {"region": region, "systemService": service, "addressPrefixes": prefixes},
                }
                for name, service, region, prefixes in values
            ],
        }
    )


SPANS = """select service_tag, azure_region, network_name from network_span
    where $v::uhugeint between first_value and last_value"""


def whose(store: Store, address: str) -> tuple[str | None, ...]:
    found = store._connection.execute(SPANS, {"v": str(number(ip_address(address)))}).fetchall()
    assert len(found) <= 1
    return found[0] if found else (None, None, None)


def test_narrowest_tag_with_a_service_names_an_address(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "ServiceTags_Public.json"
    path.write_text(
        tags(
            ("AzureCloud", "", "", ["198.51.100.0/24", "2001:db8::/32"]),
            ("AzureCloud.westeurope", "", "westeurope", ["198.51.100.0/25"]),
            ("Storage", "AzureStorage", "", ["198.51.100.0/26"]),
            ("Storage.WestEurope", "AzureStorage", "westeurope", ["198.51.100.0/26"]),
        )
    )
    assert load(store, path) == {"service tags": 4, "prefixes": 5}
    (tmp_path / "networks.csv").write_text(
        "name,cidr,owner\nOffice,198.51.100.0/28,ann@example.com\nLab,192.0.2.0/24,\n"
    )
    assert load(store, tmp_path / "networks.csv") == {"known networks": 2}
    assert whose(store, "198.51.100.1") == ("Storage.WestEurope", "westeurope", "Office")
    assert whose(store, "198.51.100.63") == ("Storage.WestEurope", "westeurope", None)
    assert whose(store, "198.51.100.64") == ("AzureCloud.westeurope", "westeurope", None)
    assert whose(store, "198.51.100.200") == ("AzureCloud", None, None)
    assert whose(store, "2001:db8::1") == ("AzureCloud", None, None)
    assert whose(store, "192.0.2.7") == (None, None, "Lab")
    assert whose(store, "203.0.113.1") == (None, None, None)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("n.csv", "cidr\n192.0.2.0/24\n", "needs a first line with the columns"),
        ("n.csv", "name,cidr\nx,office\n", "'office', which is no prefix"),
        ("n.csv", "name,cidr\nx\n", "which is no prefix"),
        ("t.json", tags(("A", "", "", ["nonsense"])), "'nonsense', which is no prefix"),
        ("t.json", tags(("A", "", "", ["192.0.2.0/24"])).replace('"A"', "7"), "which is no tag"),
        ("t.json", tags(("A", "", "", [])).replace("[]", "7"), "must be a list of texts"),
    ],
)
def test_broken_networks_are_told_and_leave_the_old(
    store: Store, tmp_path: Path, name: str, text: str, told: str
) -> None:
    (tmp_path / "good.csv").write_text("name,cidr\nLab,192.0.2.0/24\n")
    load(store, tmp_path / "good.csv")
    (tmp_path / name).write_text(text)
    with pytest.raises(InventoryError, match=told):
        load(store, tmp_path / name)
    assert len(store.rows("inventory/known_networks")) == 1


PREFIX = st.one_of(
    st.tuples(st.integers(0, 255), st.integers(24, 32)).map(lambda part: f"203.0.113.{part[0]}/{part[1]}"),
    st.tuples(st.integers(0, 3), st.integers(126, 128)).map(lambda part: f"2001:db8::{part[0]}/{part[1]}"),
)
ADDRESSES = [number(ip_address(f"203.0.113.{host}")) for host in range(256)]
ADDRESSES += [number(ip_address(f"2001:db8::{host}")) for host in range(6)]


@given(st.lists(PREFIX, max_size=12))
def test_flat_spans_hold_what_the_prefixes_hold_the_widest_first(texts: list[str]) -> None:
    networks = [ip_network(text, strict=False) for text in texts]
    flat = list(flatten((*span(network), str(network)) for network in networks))
    assert all(first <= last for first, last, _ in flat)
    assert all(one[1] < other[0] for one, other in pairwise(flat))
    for value in ADDRESSES:
        holders = [items for first, last, items in flat if first <= value <= last]
        expected = sorted(
            (str(each) for each in networks if span(each)[0] <= value <= span(each)[1]),
            key=lambda text: ip_network(text).prefixlen,
        )
        assert [list(items) for items in holders] == ([expected] if expected else [])


def test_network_that_is_listed_with_and_without_an_owner_has_one_row(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text("name,cidr,owner\nOffice,203.0.113.0/24,\nOffice,203.0.113.0/24,ann\n")
    load(store, path)
    assert whose(store, "203.0.113.7") == (None, None, "Office")


@pytest.mark.parametrize("properties", [5, "addressPrefixes", ["addressPrefixes"], None])
def test_list_with_odd_properties_is_no_list_of_tags(store: Store, tmp_path: Path, properties: object) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"values": [{"name": "x", "properties": properties}]}))
    with pytest.raises(InventoryError, match="must be one object"):
        load(store, path)
