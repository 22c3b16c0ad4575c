"""Refusals that speak against a rule although its callers, or others beside them, succeed."""

from datetime import timedelta
from typing import Any

import pytest

from tests.recommend.caller_day import CallerDay
from tests.recommend.test_policy import FUNCTION, START, STORAGE, VAULT, admits, inbound, outbound, seen

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


def refused_at_the_vault(days: int = 9, **fields: Any) -> list[CallerDay]:
    """Who succeeds at the storage account on nine days and is always refused at the vault, on some of them."""
    rows = [seen(day, **fields) for day in range(9)]
    return rows + [seen(day, **fields | {"service_resource": VAULT, "allowed": 0, "denied": 3}) for day in range(days)]


@pytest.mark.parametrize("fields", [{}, {"source_resource": FUNCTION, "source_subscription": "2"}])
def test_rule_for_a_caller_that_is_refused_at_another_resource_is_asked_about(fields: dict[str, Any]) -> None:
    (one,) = inbound(*refused_at_the_vault(**fields))
    assert (one.flags, one.resources_opened) == (("refused-elsewhere",), (VAULT,))
    assert one.reason.endswith("; always refused at keys, which it opens")
    (one,) = inbound(*refused_at_the_vault(**fields), seen(8, service_resource=VAULT, **fields))
    assert (one.flags, one.resources_opened) == ((), ()), "it succeeded there once"
    (one,) = inbound(*refused_at_the_vault(days=0, **fields))
    assert (one.flags, one.resources_opened) == ((), (VAULT,)), "it never called there"


def test_host_that_one_resource_may_not_call_is_asked_about_and_called_by_the_others() -> None:
    (one,) = outbound(*refused_at_the_vault(ip=None, destination_fqdn="api.example.com"))
    assert one.flags == ("refused-elsewhere",)
    assert one.reason == "called by docs; always refused from keys, which it opens"


@pytest.mark.parametrize(("days", "flags"), [(1, ()), (2, ("refused-elsewhere",))])
def test_one_of_several_callers_that_is_refused_elsewhere_counts_from_two_days_on(
    days: int, flags: tuple[str, ...]
) -> None:
    users = [seen(day, ip=f"203.0.113.{host}") for host in range(8) for day in range(9)]
    (one,) = inbound(*users, *refused_at_the_vault(days, ip="203.0.113.7"))
    assert (one.elements, one.flags) == (("203.0.113.0/29",), flags)


def test_known_network_and_pool_are_refused_elsewhere_only_as_a_whole() -> None:
    one_of_them = refused_at_the_vault(ip="203.0.113.7", network_name="HQ")
    others = [seen(day, ip="203.0.113.6", network_name="HQ", service_resource=VAULT) for day in range(9)]
    (one,) = inbound(*others, *one_of_them)
    assert (one.label, one.flags) == ("HQ", ())
    (one,) = inbound(*one_of_them)
    assert (one.label, one.flags) == ("HQ", ("refused-elsewhere",))
    agents = [seen(day, ip=f"198.51.100.{5 * day}", service_resource=VAULT) for day in range(20)]
    (one,) = inbound(*agents, *refused_at_the_vault(ip="198.51.100.7"), rule_cost=256)
    assert (one.elements, one.flags) == (("198.51.100.0/25",), ())


def test_unnamed_resource_is_no_other_one() -> None:
    refused = [seen(day, service_resource=None, allowed=0, denied=1) for day in range(9)]
    (one,) = inbound(*(seen(day) for day in range(9)), *refused)
    assert one.flags == ()
    assert STORAGE not in one.resources_opened


def days(told: str, **fields: Any) -> list[CallerDay]:
    """A day a letter: + succeeded, - was refused, * both, a dot for a day on which it didn't come."""
    counts = {"+": (9, 0), "-": (0, 1), "*": (9, 1)}
    return [
        seen(day, **fields, allowed=counts[each][0], denied=counts[each][1])
        for day, each in enumerate(told)
        if each in counts
    ]


@pytest.mark.parametrize(
    ("told", "since"),
    [
        ("++++++---", 6),
        ("++++*+-..-...-", 6),  # days on which it didn't come say nothing
        ("+++++*---", 6),
        ("++++++--", None),
        ("++++++--..", None),
        ("++++---++", None),  # it was let in again
        ("++++++--*", None),
        ("--++++++", None),
    ],
)
@pytest.mark.parametrize("fields", [{}, {"source_resource": FUNCTION, "source_subscription": "2"}])
def test_who_was_only_refused_since_some_day_is_asked_about(
    told: str, since: int | None, fields: dict[str, Any]
) -> None:
    (one,) = inbound(*days(told, **fields))
    assert ("refused-lately" in one.flags) == (since is not None)
    if since:
        assert f"only refused since {START + timedelta(days=since)}" in one.reason
        assert not one.recommended


def test_who_was_shut_out_of_one_resource_is_asked_about_though_another_goes_on() -> None:
    (one,) = inbound(*days("++++++++++"), *days("++++---", service_resource=VAULT))
    assert one.flags == ("refused-lately",)
    (one,) = inbound(*days("++++---+++"), *days("+++++--", service_resource=VAULT))
    assert one.flags == (), "refused on two days at the one, let in again at the other"


def test_caller_of_a_subscription_that_was_shut_out_makes_it_a_question() -> None:
    app = {"source_subscription": "2"}
    (one,) = inbound(*days("++++++++", source_resource=FUNCTION, **app), *days("++++---", source_resource=OTHER, **app))
    assert one.flags == ("refused-lately",)


def test_host_that_was_shut_out_is_asked_about() -> None:
    (one,) = outbound(*days("++++---", ip=None, destination_fqdn="api.example.com"))
    assert one.flags == ("refused-lately",)


def test_who_was_shut_out_is_asked_about_apart_from_its_neighbours() -> None:
    others = [row for host in (4, 5, 7) for row in days("+++++++++", ip=f"203.0.113.{host}")]
    found = {each.elements: each.flags for each in inbound(*others, *days("++++++---", ip="203.0.113.6"))}
    assert found == {
        ("203.0.113.4/31",): (),
        ("203.0.113.7/32",): (),
        ("203.0.113.6/32",): ("refused-lately",),
    }


def test_office_that_was_shut_out_of_one_resource_in_part_is_one_question() -> None:
    rows = [row for host in range(8) for row in days("+++++++++", ip=f"203.0.113.{host}")]
    rows += [row for host in (1, 4, 6) for row in days("+++---", ip=f"203.0.113.{host}", service_resource=VAULT)]
    (one,) = inbound(*rows)
    assert (one.elements, one.flags) == (("203.0.113.0/29",), ("refused-lately",))
    assert "203.0.113.1, 203.0.113.4, 203.0.113.6 succeeded before" in one.reason


@pytest.mark.parametrize("network", [None, "HQ"])
def test_office_that_was_shut_out_is_one_question(network: str | None) -> None:
    rows = [row for host in range(8) for row in days("++++++---", ip=f"203.0.113.{host}", network_name=network)]
    (one,) = inbound(*rows)
    assert (one.elements, one.flags) == (("203.0.113.0/29",), ("refused-lately",))


def test_64_of_whose_callers_one_was_shut_out_is_asked_about() -> None:
    (one,) = inbound(*days("+++++++++", ip="2001:db8::1"), *days("++++++---", ip="2001:db8::2"))
    assert (one.elements, one.flags) == (("2001:db8::/64",), ("refused-lately",))
    assert "2001:db8::2 succeeded before" in one.reason
