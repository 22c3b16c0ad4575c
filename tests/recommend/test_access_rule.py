"""Rules as they are accepted, exported and applied: one spelling, and nothing that Azure doesn't take."""

import pytest

from pipeline.errors import InventoryError
from pipeline.recommend.access_rule import access_rule, of_item

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
PERIMETER = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-é(1)/providers/Microsoft.Network/networkSecurityPerimeters/p"
)
PLACE = (PERIMETER, "Data")


def test_elements_stand_in_numerical_order_in_one_spelling() -> None:
    given = ["203.0.113.0/28", "198.51.100.9", "2001:DB8::/64", "9.0.0.0/30", "198.51.100.9/32"]
    rule = access_rule(PLACE, "r", "Inbound", "address-prefixes", given)
    assert rule.elements == ("9.0.0.0/30", "198.51.100.9/32", "203.0.113.0/28", "2001:db8::/64")
    assert rule.perimeter == PERIMETER.lower()


@pytest.mark.parametrize(
    ("direction", "kind", "elements", "field", "values"),
    [
        ("Inbound", "subscriptions", [SUBSCRIPTION], "subscriptions", [{"id": f"/subscriptions/{SUBSCRIPTION}"}]),
        ("Inbound", "service-tags", ["Storage.WestUS"], "serviceTags", ["Storage.WestUS"]),
        ("Outbound", "fqdns", ["B.example.com.", "a.example.com"], "fullyQualifiedDomainNames",
         ["a.example.com", "b.example.com"]),
    ],
)  # fmt: skip
def test_what_is_written_is_read_back(
    direction: str, kind: str, elements: list[str], field: str, values: list[object]
) -> None:
    rule = access_rule(PLACE, "r", direction, kind, elements)
    assert rule.properties == {"direction": direction, field: values}
    assert of_item({"id": rule.id, "properties": rule.properties}) == rule
    assert of_item({"id": rule.id, **rule.properties}) == rule
    assert {each.element for each in rule.rule_elements()} == set(rule.elements)


@pytest.mark.parametrize(
    ("place", "name", "direction", "kind", "elements"),
    [
        (("/subscriptions/x", "Data"), "r", "Inbound", "address-prefixes", ["192.0.2.1"]),
        ((PERIMETER + "/profiles/x", "Data"), "r", "Inbound", "address-prefixes", ["192.0.2.1"]),
        ((PERIMETER, "Da/ta"), "r", "Inbound", "address-prefixes", ["192.0.2.1"]),
        (PLACE, "r-", "Inbound", "address-prefixes", ["192.0.2.1"]),
        (PLACE, "r\n", "Inbound", "address-prefixes", ["192.0.2.1"]),
        (PLACE, "x" * 81, "Inbound", "address-prefixes", ["192.0.2.1"]),
        (PLACE, "r", "Outbound", "address-prefixes", ["192.0.2.1"]),
        (PLACE, "r", "Inbound", "fqdns", ["a.example.com"]),
        (PLACE, "r", "Inbound", "perimeters", [SUBSCRIPTION]),
        (PLACE, "r", "Inbound", "address-prefixes", []),
        (PLACE, "r", "Inbound", "address-prefixes", ["192.0.2.1", "any"]),
        (PLACE, "r", "Inbound", "subscriptions", [f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"]),
        (PLACE, "r", "Outbound", "fqdns", ["a.example.com'; rm"]),
    ],
)  # fmt: skip
def test_what_azure_would_refuse_or_read_as_more_is_refused(
    place: tuple[str, str], name: str, direction: str, kind: str, elements: list[str]
) -> None:
    with pytest.raises(InventoryError):
        access_rule(place, name, direction, kind, elements)


def test_a_rule_of_two_kinds_or_of_a_link_cannot_be_written() -> None:
    both: dict[str, object] = {
        "direction": "Inbound",
        "addressPrefixes": ["192.0.2.1"],
        "subscriptions": [{"id": SUBSCRIPTION}],
    }
    linked: dict[str, object] = {"direction": "Inbound", "networkSecurityPerimeters": [{"perimeterGuid": SUBSCRIPTION}]}
    for properties in (both, linked, {"direction": "Inbound"}):
        with pytest.raises(InventoryError):
            of_item({"id": f"{PERIMETER}/profiles/Data/accessRules/r", "properties": properties})
