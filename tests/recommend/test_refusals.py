"""Refusals that speak against a rule although its callers, or others beside them, succeed."""

from typing import Any

import pytest

from tests.recommend.test_policy import FUNCTION, admits, inbound, seen

OTHER = FUNCTION.replace("sites/f", "sites/other")
OWN = FUNCTION.replace("microsoft.web/sites/f", "microsoft.storage/storageaccounts/s").replace("/2/", "/1/")
USERS = [seen(day, ip=f"203.0.113.{host}") for host in (4, 6, 7) for day in range(9)]


@pytest.mark.parametrize(
    ("caller", "refused"),
    [
        ({"source_resource": FUNCTION, "source_subscription": "2"}, {"source_resource": OTHER}),
        ({"source_resource": OWN, "source_subscription": "1"}, {}),  # to be associated
        ({"ip": "10.0.0.4", "source_network": "private"}, {"is_member": True}),
    ],
)
def test_refused_address_is_a_hole_though_others_of_its_rule_succeed(
    caller: dict[str, Any], refused: dict[str, Any]
) -> None:
    succeeds = [seen(day, **{"ip": "20.1.1.1", "allowed": 50} | caller) for day in range(9)]
    refusal = caller | refused | {"ip": "203.0.113.5", "source_network": "public", "allowed": 0, "denied": 5}
    never = [seen(day, **refusal) for day in range(9)]
    assert not admits(inbound(*USERS, *succeeds, *never), "203.0.113.5")
    assert admits(inbound(*USERS, *succeeds), "203.0.113.5"), "without the refusals one prefix holds it"


def test_address_that_succeeded_under_another_name_is_no_hole() -> None:
    app = {"source_resource": FUNCTION, "source_subscription": "2"}
    rows = [seen(day, ip="203.0.113.5", **app) for day in range(9)]
    rows += [seen(day, ip="203.0.113.5", allowed=0, denied=1, **app | {"source_resource": OTHER}) for day in range(9)]
    assert admits(inbound(*USERS, *rows), "203.0.113.5")


def test_64_in_which_a_resource_of_a_subscription_is_always_refused_is_flagged() -> None:
    app = {"source_resource": FUNCTION, "source_subscription": "2"}
    rows = [seen(day, ip="2001:db8::1") for day in range(9)] + [seen(day, allowed=50, **app) for day in range(9)]
    rows.append(seen(3, ip="2001:db8::bad", allowed=0, denied=5, **app | {"source_resource": OTHER}))
    flags = {each.elements: each.flags for each in inbound(*rows)}
    assert flags[("2001:db8::/64",)] == ("holds-a-refused-address",)
