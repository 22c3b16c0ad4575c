"""Who calls: new, quiet, regular, denied and unmatchable callers."""

from datetime import date

import pytest

from pipeline.store import Store
from tests.analysis.build import (
    ADMITTED,
    BY_FIREWALL,
    CALLED,
    INTRA,
    NSP,
    PRIVATE,
    REFUSED,
    SITE,
    SQL,
    SUB,
    VAULT,
    ask,
    at,
    flow,
    put,
)

A, B, C, D = (f"203.0.113.{each}" for each in range(1, 5))


def test_callers_new_this_week(store: Store) -> None:
    put(
        store,
        flow(at(1), source_ip=A),
        flow(at(13), source_ip=A),
        flow(at(8), source_ip=B, requests=50),  # seven days before the newest to the minute: not recent
        flow(at(8, 1), source_ip=C, requests=2, profile="APPS"),
        flow(at(14), REFUSED, source_ip=C, requests=3, service_resource=VAULT),
        flow(at(15), source_ip=D, requests=5),
        flow(at(15), requests=9),  # nobody knows who
        flow(at(14), source_ip=D, requests=7, perimeter=f"{NSP}/two"),
        flow(at(2), CALLED),
    )
    columns = "perimeter caller requests denied_requests resources first_seen log_begins"
    assert ask(store, "callers_new_this_week", columns) == [
        ("two", D, 7, 0, 1, at(14), at(14)),
        ("one", C, 5, 3, 2, at(8, 1), at(1)),
        ("one", D, 5, 0, 1, at(15), at(1)),
    ]
    assert ask(store, "callers_new_this_week", "caller", days=1, perimeter="ONE") == [(D,)]
    assert ask(store, "callers_new_this_week", "caller", profile="apps", until=at(10), days=1) == [(B,), (C,)]


def test_callers_that_stopped(store: Store) -> None:
    put(
        store,
        flow(at(1), source_ip=A),
        flow(at(2), REFUSED, source_ip=A, requests=4),
        flow(at(8), source_ip=B, requests=9),  # seven days ago to the minute: quiet
        flow(at(8, 1), source_ip=C),
        flow(at(15), CALLED),  # an outbound record shows as well that the perimeter still writes
        flow(at(1), CALLED, service_resource=VAULT),
        flow(at(1)),
        flow(at(3), source_ip=A, perimeter=f"{NSP}/two"),  # all of its log ends here
        flow(at(1), source_ip=D, perimeter=None),
        flow(at(15), source_ip=B, perimeter=None),
    )
    columns = "perimeter caller days_seen requests denied_requests last_seen days_since"
    assert ask(store, "callers_that_stopped", columns) == [
        ("one", A, 2, 5, 4, at(2), 13),
        ("one", B, 1, 9, 0, at(8), 7),
        (None, D, 1, 1, 0, at(1), 14),
    ]
    assert ask(store, "callers_that_stopped", "caller", days=10, perimeter="one") == [(A,)]
    assert ask(store, "callers_that_stopped", "caller", since=at(2), perimeter="one") == [(B,), (A,)]


def test_callers_by_days_seen(store: Store) -> None:
    put(
        store,
        flow(at(1), source_ip=A, requests=2),
        flow(at(1, 5), source_ip=A, profile="Apps"),
        flow(at(2), source_ip=A),
        flow(at(1), source_ip=C),
        flow(at(1), source_ip=B),
        flow(at(3), CALLED),
        flow(at(1), source_ip=A, perimeter=f"{NSP}/two"),
    )
    columns = "perimeter caller days_seen days_in_log hours_seen requests"
    assert ask(store, "callers_by_days_seen", columns, profile="aPPs") == [
        ("one", A, 2, 3, 3, 4),
        ("one", B, 1, 3, 1, 1),
        ("one", C, 1, 3, 1, 1),
        ("two", A, 1, 1, 1, 1),
    ]
    assert ask(store, "callers_by_days_seen", "perimeter caller", limit=1) == [("one", A)]


def test_month_end_callers(store: Store) -> None:
    put(
        store,
        flow(at(28), source_ip=B),  # the fourth day from the end of October
        flow(at(29), source_ip=A, requests=3),
        flow(at(3, month=11), source_ip=A),  # the same turn
        flow(at(30), source_ip=C),
        flow(at(1, month=12), source_ip=C),
        flow(at(4, month=11), source_ip=D),
        flow(at(1, month=11), source_ip=D),
        flow(at(30), CALLED, service_resource=VAULT),
        flow(at(30)),
        flow(at(30), source_ip=A, perimeter=f"{NSP}/two"),  # its log holds nothing but a turn
    )
    assert ask(store, "month_end_callers", "caller month_turns days_seen requests") == [(C, 2, 2, 2), (A, 1, 2, 4)]
    assert ask(store, "month_end_callers", "caller", until=at(31)) == [(A,), (C,)]


def test_first_seen_by_day(store: Store) -> None:
    put(
        store,
        flow(at(1), source_ip=A, requests=2),
        flow(at(1), source_ip=B),
        flow(at(2), source_ip=A),
        flow(at(4), source_ip=C, requests=7),
        flow(at(4), source_ip=A, profile="APPS"),
        flow(at(5), requests=3),
        flow(at(3), CALLED),
        flow(at(4), source_ip=A, perimeter=f"{NSP}/two"),
    )
    columns = "perimeter day callers new_callers requests_of_new callers_so_far"
    one = [
        ("one", date(2026, 10, 1), 2, 2, 3, 2),
        ("one", date(2026, 10, 2), 1, 0, 0, 2),
        ("one", date(2026, 10, 4), 2, 1, 7, 3),
        ("one", date(2026, 10, 5), 0, 0, 0, 3),
    ]
    assert ask(store, "first_seen_by_day", columns) == [*one, ("two", date(2026, 10, 4), 1, 1, 1, 1)]
    assert ask(store, "first_seen_by_day", columns, perimeter="one", profile="apps") == one


@pytest.mark.parametrize("name", ["callers_new_this_week", "callers_by_days_seen", "month_end_callers"])
def test_records_without_a_perimeter_have_callers_as_well(store: Store, name: str) -> None:
    put(store, flow(at(30), source_ip=A, perimeter=None), flow(at(15), CALLED, perimeter=None))
    assert ask(store, name, "perimeter caller") == [(None, A)]


def test_callers_only_denied(store: Store) -> None:
    put(
        store,
        flow(at(1), REFUSED, source_ip=A, requests=9),
        flow(at(2), "NspPublicInboundResourceRulesDenied", source_ip=B),
        flow(at(2), REFUSED, source_ip=B, service_resource=VAULT, operation=None),
        flow(at(1), REFUSED, source_ip=C, requests=99),
        flow(at(9), BY_FIREWALL, source_ip=C),
        flow(at(1), REFUSED, source_ip=D),
        flow(at(1), "NspPublicInboundAuditOnly", source_ip=D),
        flow(at(1), ADMITTED, source_ip=A, perimeter=f"{NSP}/two"),
        flow(at(1), REFUSED, requests=5),
    )
    columns = "perimeter caller denied_requests resources operations days_seen"
    assert ask(store, "callers_only_denied", columns) == [("one", B, 2, 2, 1, 1), ("one", A, 9, 1, 1, 1)]
    assert ask(store, "callers_only_denied", "caller", until=at(2)) == [(C,), (A,)]


def test_callers_of_many_resources(store: Store) -> None:
    put(
        store,
        flow(at(1), source_ip=A),
        flow(at(1), REFUSED, source_ip=A, service_resource=VAULT, profile="data", requests=4),
        flow(at(1), INTRA, source_resource=SITE),
        flow(at(2), source_resource=SITE, service_resource=SQL, profile="APPS"),
        flow(at(1)),
        flow(at(1), service_resource=VAULT),
        flow(at(1), source_ip=B),
        flow(at(1), source_ip=C, requests=50),
        flow(at(1), source_ip=C, service_resource=SQL),
        flow(at(1), source_ip=B, service_resource=VAULT, perimeter=f"{NSP}/two"),
    )
    columns = "caller_kind caller resources profiles resources_that_admitted requests denied_requests"
    assert ask(store, "callers_of_many_resources", columns) == [
        ("public-address", C, 2, 1, 2, 51, 0),
        ("public-address", A, 2, 2, 1, 5, 4),
        ("azure-resource", "site", 2, 1, 2, 2, 0),
    ]
    assert ask(store, "callers_of_many_resources", "caller", profile="apps") == [(C,), ("site",)]


def test_subscriptions_calling(store: Store) -> None:
    other = f"/subscriptions/{SUB[:-1]}b/resourcegroups/rg/providers/microsoft.web/sites/x"
    put(
        store,
        flow(at(1), source_resource=SITE, source_ip=A, source_app_id="p"),
        flow(at(1), REFUSED, source_resource=f"{SITE}2", source_ip=B, service_resource=VAULT, profile="APPS"),
        flow(at(1), INTRA, source_resource=SITE, requests=5),
        flow(at(1), source_resource=other, requests=7),
        flow(at(1), source_ip=A, requests=100),
        flow(at(1), CALLED, source_resource=SITE, requests=100),
    )
    columns = (
        "subscription calling_resources app_ids addresses resources profiles requests public_requests denied_requests"
    )
    assert ask(store, "subscriptions_calling", columns) == [
        (SUB, 2, 1, 2, 2, 1, 7, 2, 1),
        (f"{SUB[:-1]}b", 1, 0, 0, 1, 1, 7, 7, 0),
    ]


def test_unmatchable_callers(store: Store) -> None:
    put(
        store,
        flow(at(1), source_ip="10.0.0.4", requests=4),
        flow(at(2), REFUSED, source_ip="10.0.0.4", requests=2),
        flow(at(1), source_ip="10.0.0.4", source_resource=SITE),
        flow(at(1), source_ip="fd00::1", requests=3),
        flow(at(1), source_ip="100.64.0.1", requests=2),
        flow(at(1), source_ip="2002::1"),
        flow(at(1), source_ip="168.63.129.16"),
        flow(at(1), source_ip="%", requests=1),
        flow(at(1), source_ip=A, requests=50),
        flow(at(1), requests=50),
        flow(at(1), PRIVATE, source_ip="10.0.0.5", requests=50),
        flow(at(1), INTRA, source_ip="10.0.0.6", requests=50),
    )
    answer = ask(store, "unmatchable_callers", "source_network source_ip requests denied_requests remedy")
    assert [row[:4] for row in answer] == [
        ("private", "10.0.0.4", 6, 2),
        ("unique-local", "fd00::1", 3, 0),
        ("shared", "100.64.0.1", 2, 0),
        ("unreadable", "%", 1, 0),
        ("private", "10.0.0.4", 1, 0),
        ("azure-platform", "168.63.129.16", 1, 0),
        ("translated", "2002::1", 1, 0),
    ]
    starts = ("a service endpoint", "a service endpoint", "behind a carrier's NAT", "no address", "a subscription rule")
    assert all(row[4].startswith(start) for row, start in zip(answer, starts, strict=False))
    assert answer[5][4].startswith("Azure itself")
    assert answer[6][4].startswith("a translated")


def test_callers_with_identity_and_key(store: Store) -> None:
    put(
        store,
        flow(at(1), source_ip=A, source_resource=SITE, requests=3),
        flow(at(1), source_ip=A, source_app_id="p", requests=2),
        flow(at(2), source_ip=A, requests=4),
        flow(at(3), source_ip=A, service_resource=VAULT, profile="data"),
        flow(at(1), source_ip=B, source_app_id="p"),
        flow(at(1), PRIVATE, source_ip=B),
        flow(at(1), source_ip=C),
        flow(at(1), source_app_id="p"),
        flow(at(1)),
        flow(at(1), source_ip=D, requests=6),
        flow(at(4), source_ip=D, source_app_id="p", service_resource=VAULT),
        flow(at(1), source_ip=B, perimeter=f"{NSP}/two"),
    )
    columns = (
        "source_ip identities requests_with_identity requests_without_identity resources_without_identity "
        "first_without_identity last_without_identity"
    )
    assert ask(store, "callers_with_identity_and_key", columns) == [
        (D, 1, 1, 6, 1, at(1), at(1)),
        (A, 2, 5, 5, 2, at(2), at(3)),
    ]
    assert ask(store, "callers_with_identity_and_key", columns, profile="APPS") == [
        (D, 1, 1, 6, 1, at(1), at(1)),
        (A, 2, 5, 4, 1, at(2), at(2)),
    ]


def test_identities_by_addresses(store: Store) -> None:
    put(
        store,
        flow(at(1), source_app_id="p", source_ip=A),
        flow(at(1), source_app_id="p", source_ip=B),
        flow(at(1), source_app_id="p", source_ip="10.0.0.4", service_resource=VAULT),
        flow(at(1), source_resource=SITE, source_app_id="p", source_ip=A, requests=9),
        flow(at(1), source_ip=C, requests=99),
        flow(at(1), CALLED, source_app_id="p", requests=99),
    )
    columns = "caller_kind identity addresses public_addresses resources requests"
    assert ask(store, "identities_by_addresses", columns) == [
        ("app", "p", 3, 2, 2, 3),
        ("azure-resource", "site", 1, 1, 1, 9),
    ]


def test_operations_by_caller_kind(store: Store) -> None:
    put(
        store,
        flow(at(1), source_ip=A, requests=3),
        flow(at(1), REFUSED, source_ip=B, requests=2, service_resource=VAULT),
        flow(at(1), PRIVATE, source_ip="10.0.0.5", requests=5, operation="List"),
        flow(at(1), source_ip=A, operation=None),
        flow(at(1), CALLED, requests=50),
    )
    assert ask(
        store, "operations_by_caller_kind", "caller_kind operation requests denied_requests callers resources"
    ) == [
        ("private-endpoint", "List", 5, 0, 1, 1),
        ("public-address", "Get", 5, 2, 2, 2),
        ("public-address", None, 1, 0, 1, 1),
    ]
