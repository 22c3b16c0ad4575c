"""What is proposed, for whom, and what never is."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.addresses import UNROUTABLE, read
from pipeline.recommend.bounds import Bounds, within
from pipeline.recommend.policy import Limits, Profile, propose
from pipeline.recommend.proposal import Proposal
from tests.recommend.caller_day import CallerDay, gathered

START = date(2026, 10, 1)
STORAGE = "/subscriptions/1/resourcegroups/g/providers/microsoft.storage/storageaccounts/docs"
VAULT = "/subscriptions/1/resourcegroups/g/providers/microsoft.keyvault/vaults/keys"
FUNCTION = "/subscriptions/2/resourcegroups/g/providers/microsoft.web/sites/f"


def seen(day: int = 0, **fields: Any) -> CallerDay:
    address = fields.pop("ip", "203.0.113.7")
    moment = datetime.combine(START + timedelta(days=day), datetime.min.time())
    known: dict[str, Any] = {
        "day": moment.date(),
        "source_ip": address,
        "source_network": read(address).network if address else None,
        "source_subscription": None,
        "source_resource": None,
        "source_app_id": None,
        "destination_fqdn": None,
        "destination_resource": None,
        "service_resource": STORAGE,
        "matched_rule": None,
        "is_member": False,
        "reason": "no-rule",
        "service_tag": None,
        "is_same_region": False,
        "operations": ["GetBlob"],
        "allowed": 5,
        "denied": 0,
        "records": 1,
        "first_seen": moment,
        "last_seen": moment,
    }
    return CallerDay(**(known | fields))


def profile(direction: str = "Inbound", elements_in_force: int = 0) -> Profile:
    return Profile("/p", "apps", direction, elements_in_force, frozenset({STORAGE, VAULT}))


def inbound(*rows: CallerDay, elements_in_force: int = 0, **limits: Any) -> list[Proposal]:
    return propose(profile(elements_in_force=elements_in_force), gathered(rows), 10, Limits(**limits))


def outbound(*rows: CallerDay) -> list[Proposal]:
    return propose(profile("Outbound"), gathered(rows), 10, Limits())


def admits(proposals: Iterable[Proposal], address: str) -> bool:
    prefixes = [element for each in proposals if each.kind == "address-prefixes" for element in each.elements]
    return any(ip_address(address) in ip_network(prefix) for prefix in prefixes)


def test_address_seen_on_several_days_is_recommended_with_its_evidence() -> None:
    (one,) = inbound(seen(0), seen(1), seen(2))
    assert (one.kind, one.elements, one.flags, one.recommended) == ("address-prefixes", ("203.0.113.7/32",), (), True)
    evidence = one.as_json()["evidence"]
    assert (evidence["requests"], evidence["days_seen"], evidence["days_observed"]) == (15, 3, 10)
    assert evidence["resources"] == [STORAGE]
    assert one.as_json()["exposure"] == {"extra_addresses": 0, "resources_opened": [VAULT]}


def test_address_seen_on_one_day_is_asked_not_recommended() -> None:
    (one,) = inbound(seen(0))
    assert (one.flags, one.recommended, one.is_rule) == (("seen-on-one-day",), False, True)


def test_pool_becomes_one_prefix_and_a_sparse_one_only_where_nothing_else_suffices() -> None:
    dense = [seen(day, ip=f"203.0.113.{host}") for host in range(0, 32, 2) for day in (0, 1)]
    (one,) = inbound(*dense)
    assert (one.elements, one.extra_addresses, one.flags) == (("203.0.113.0/27",), 16, ())
    few = [seen(day, ip=f"203.0.113.{host}") for host in (0, 100, 200) for day in (0, 1)]
    assert [each.elements for each in inbound(*few)] == [
        ("203.0.113.0/32",),
        ("203.0.113.100/32",),
        ("203.0.113.200/32",),
    ]
    (forced,) = inbound(*few, max_elements=1, reserve=0)
    assert (forced.elements, forced.flags) == (("203.0.113.0/24",), ("sparse",))


def test_stranger_is_a_hole_and_is_never_recommended() -> None:
    users = [seen(day, ip=f"203.0.113.{host}") for host in (0, 1, 2, 4, 5, 6, 7) for day in (0, 1)]
    stranger = [seen(day, ip="203.0.113.3", allowed=0, denied=9) for day in (0, 1)]
    proposals = inbound(*users, *stranger)
    elements = [element for each in proposals for element in each.elements]
    assert elements == ["203.0.113.4/30", "203.0.113.0/31", "203.0.113.2/32"]
    assert proposals[-1].kind == "leave-denied"
    assert not proposals[-1].recommended


def test_mostly_denied_caller_is_asked_about_and_is_a_hole() -> None:
    odd = [seen(0, allowed=9, denied=1), seen(1, allowed=0, denied=30, service_resource=VAULT)]
    (one,) = inbound(*odd)
    assert (one.kind, one.flags, one.requests) == ("leave-denied", ("mostly-denied",), 9)
    assert "9 requests succeeded" in one.reason
    neighbours = [seen(day, ip=f"203.0.113.{host}") for host in (4, 5, 6) for day in (0, 1)]
    assert not admits(inbound(*odd, *neighbours), "203.0.113.7")


def test_caller_seen_once_does_not_widen_a_prefix() -> None:
    steady = [seen(day, ip=f"203.0.113.{host}") for host in range(16) for day in (0, 1)]
    proposals = inbound(*steady, seen(0, ip="203.0.113.200"), seen(0, ip="203.0.113.9"))
    assert [(each.elements, each.flags) for each in proposals] == [
        (("203.0.113.0/28",), ()),
        (("203.0.113.200/32",), ("seen-on-one-day",)),
    ]


@pytest.mark.parametrize("fields", [{"source_subscription": "2"}, {"source_subscription": None}])
def test_refused_address_is_a_hole_whatever_its_identity(fields: dict[str, Any]) -> None:
    users = [seen(day, ip=f"203.0.113.{host}") for host in (0, 1, 2, 4, 5, 6, 7) for day in (0, 1)]
    proposals = inbound(*users, seen(0, ip="203.0.113.3", allowed=0, denied=9, **fields))
    assert not any("203.0.113.0/29" in each.elements for each in proposals)


def test_ipv6_network_with_a_refused_address_is_flagged() -> None:
    users = [seen(day, ip=f"2001:db8::{host}") for host in (1, 2) for day in (0, 1)]
    (one, _) = inbound(*users, seen(0, ip="2001:db8::bad", allowed=0, denied=9))
    assert (one.elements, one.flags) == (("2001:db8::/64",), ("holds-a-refused-address",))


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("not-honoured", "a service endpoint"),
        ("protocol", "NFS, SMB or SFTP"),
        ("identity-not-honoured", "a key or SAS"),
    ],
)
def test_what_no_rule_can_change_is_told_as_such(reason: str, told: str) -> None:
    inside = {"ip": "10.0.0.4", "source_network": "private"}
    (one,) = inbound(seen(0, source_resource=FUNCTION, source_subscription="2", reason=reason, **inside))
    assert (one.kind, one.requests) == ("cannot-fix", 5)
    assert told in one.reason


def test_key_under_a_subscription_rule_is_a_question_of_its_address() -> None:
    key = {"source_resource": FUNCTION, "source_subscription": "2", "reason": "identity-not-honoured"}
    (one,) = inbound(*(seen(day, ip="203.0.113.9", **key) for day in (0, 1)))
    assert (one.kind, one.elements, one.flags) == ("address-prefixes", ("203.0.113.9/32",), ("key-or-sas",))
    assert "a key or SAS?" in one.reason


def test_trusted_service_is_told_that_its_exception_ends() -> None:
    (one,) = inbound(seen(0, matched_rule="AllowTrustedMicrosoftServices"), seen(1, matched_rule="Azure services"))
    assert (one.kind, one.requests) == ("cannot-fix", 10)
    assert "trusted access isn't supported" in one.reason
    (refused,) = inbound(seen(0, matched_rule="NotTrusted", allowed=0, denied=3))
    assert refused.kind == "leave-denied"
    (partner,) = inbound(*(seen(day, matched_rule="untrusted-partner-allow") for day in (0, 1)))
    assert partner.kind == "address-prefixes"


def test_resource_whose_subscription_cannot_be_read_has_an_azure_address() -> None:
    (one,) = inbound(*(seen(day, source_resource="/subscriptions/x/sites/web") for day in (0, 1)))
    assert (one.kind, one.flags) == ("address-prefixes", ("azure-address",))


def test_address_of_an_azure_service_is_a_question() -> None:
    (one,) = inbound(*(seen(day, service_tag="Storage.WestEurope", is_same_region=True) for day in (0, 1)))
    assert (one.kind, one.flags) == ("address-prefixes", ("azure-address", "same-region"))
    assert "Storage.WestEurope, which other customers share" in one.reason


def test_prefix_never_reaches_into_a_range_that_is_nobodys() -> None:
    rows = [
        seen(day, ip=ip) for ip in ("100.63.255.255", "100.128.0.0", "192.0.1.0", "191.255.255.0") for day in (0, 1)
    ]
    proposals = inbound(*rows, max_elements=3, reserve=0, widest_v4=8, rule_cost=2.0**31)
    elements = [element for each in proposals for element in each.elements]
    assert not any(ip_network(one).overlaps(other) for one in elements for other, _ in UNROUTABLE if other.version == 4)


def test_too_many_callers_leave_out_those_with_the_fewest_requests() -> None:
    rows = [seen(day, ip=f"{first}.113.0.1", allowed=first) for first in range(11, 31) for day in (0, 1)]
    rows += [seen(day, ip=f"2a01:{number:x}::1", allowed=1) for number in range(30) for day in (0, 1)]
    proposals = inbound(*rows, max_elements=15, reserve=0)
    elements = [element for each in proposals for element in each.elements]
    assert len(elements) == 15
    assert min(int(element.partition(".")[0]) for element in elements) == 16
    assert proposals[-1].kind == "cannot-fix"
    assert len(proposals[-1].needs) == 35


def test_note_keeps_its_id_while_callers_come_and_go() -> None:
    def notes(*rows: CallerDay) -> set[tuple[str, str]]:
        return {(each.kind, each.id) for each in inbound(*rows)}

    first = notes(seen(0, ip="10.0.0.1"), seen(0, allowed=0, denied=1))
    assert first == notes(seen(1, ip="10.0.0.2"), seen(0, ip="203.0.113.99", allowed=0, denied=1))


@pytest.mark.parametrize(
    ("host", "flags"),
    [
        ("api.example.com", ()),
        ("other.blob.core.windows.net", ("shared-zone",)),
        ("other.privatelink.blob.core.windows.net", ("shared-zone",)),
        ("mine.azurewebsites.net", ("shared-zone",)),
        ("docs.vault.azure.net", ("shared-zone",)),
    ],
)
def test_name_that_anybody_can_own_is_a_question(host: str, flags: tuple[str, ...]) -> None:
    (one,) = outbound(*(seen(day, ip=None, destination_fqdn=host) for day in (0, 1)))
    assert (one.elements, one.flags) == ((host,), flags)


def test_subscription_is_named_once_for_all_its_callers() -> None:
    other = FUNCTION.replace("sites/f", "sites/g")
    rows = [seen(day, source_resource=each, source_subscription="2") for each in (FUNCTION, other) for day in (0, 1)]
    (one,) = inbound(*rows)
    assert (one.kind, one.elements) == ("subscriptions", ("/subscriptions/2",))
    assert one.as_json()["evidence"]["callers"] == 2
    assert "every managed identity" in one.reason


def test_subscription_with_a_caller_that_is_refused_today_is_asked_about() -> None:
    rows = [seen(day, source_resource=FUNCTION, source_subscription="2") for day in range(9)]
    intruder = {"source_resource": FUNCTION.replace("sites/f", "sites/intruder"), "source_subscription": "2"}
    (one,) = inbound(*rows, *(seen(day, allowed=0, denied=4, **intruder) for day in range(9)))
    assert one.flags == ("holds-a-refused-caller",)
    assert one.reason.startswith("f; admits")
    assert one.reason.endswith("; intruder is refused today")
    (one,) = inbound(*rows, *(seen(day, denied=4, **intruder) for day in range(9)))
    assert (one.flags, one.reason.startswith("f, intruder; admits")) == ((), True), "it is admitted as well"


def test_caller_seen_once_inside_a_prefix_around_a_known_network_is_not_asked_about() -> None:
    rows = [seen(day, ip=f"198.51.100.{last}") for last in (2, 20, 50, 60) for day in range(9)]
    rows += [seen(day, ip="198.51.100.25", network_name="HQ") for day in range(9)]
    found = inbound(*rows, seen(4, ip="198.51.100.45"), rule_cost=256.0)
    assert sorted(each.elements for each in found) == [("198.51.100.0/26",), ("198.51.100.25/32",)]
    assert all(not each.flags for each in found)


def test_member_called_from_outside_its_identity_needs_no_rule_but_a_remedy() -> None:
    (one,) = inbound(seen(0, source_resource=VAULT, source_subscription="1", is_member=True))
    assert (one.kind, one.elements) == ("cannot-fix", ())
    assert "managed identity" in one.reason


@pytest.mark.parametrize("address", ["10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.0.9", "fd00::1", "fe80::1", None])
def test_address_that_no_rule_matches_is_told_and_never_proposed(address: str | None) -> None:
    (one,) = inbound(seen(0, ip=address), seen(1, ip=address))
    assert (one.kind, one.elements, one.requests) == ("cannot-fix", (), 10)


def test_outbound_names_are_exact_and_members_are_left_out() -> None:
    rows = [seen(day, ip=None, destination_fqdn="api.example.com") for day in (0, 1)]
    rows.append(seen(0, ip=None, destination_fqdn="docs.blob.core.windows.net", is_member=True))
    rows.append(seen(0, ip=None, destination_fqdn="x.example.com", destination_resource=VAULT, is_member=True))
    proposals = outbound(*rows)
    assert [(each.kind, each.elements) for each in proposals] == [("fqdns", ("api.example.com",)), ("cannot-fix", ())]
    assert proposals[1].requests == 10


@pytest.mark.parametrize(
    "host", [None, "203.0.113.9", "*.example.com", "a b.example.com", "x", "a..b", "ex<script>.com"]
)
def test_outbound_without_a_host_name_cannot_be_fixed(host: str | None) -> None:
    (one,) = outbound(seen(0, ip=None, destination_fqdn=host), seen(1, ip=None, destination_fqdn=host))
    assert (one.kind, one.elements) == ("cannot-fix", ())
    assert one.reason.endswith("and this is none" if host else "and the log holds none")


def test_host_that_a_rule_names_in_vain_is_not_told_of_service_endpoints() -> None:
    (one,) = outbound(
        *(seen(day, ip=None, destination_fqdn="api.example.com", reason="not-honoured") for day in (0, 1))
    )
    assert (one.kind, one.elements) == ("cannot-fix", ())
    assert "may not have the rule yet" in one.reason


def test_infeasible_cover_is_told_not_widened() -> None:
    rows = [seen(day, ip=f"{first}.113.0.1") for first in range(11, 31) for day in (0, 1)]
    *rules, note = inbound(*rows, max_elements=15, reserve=0)
    assert sum(len(each.elements) for each in rules) == 15
    assert (note.kind, note.elements, note.requests) == ("cannot-fix", (), 50)
    assert "the 15 rule elements that are left don't suffice" in note.reason


def test_those_seen_once_for_whom_no_element_is_left_are_asked_about() -> None:
    rows = [seen(day, ip=f"{first}.113.0.1") for first in (11, 12) for day in (0, 1)]
    rows += [seen(3, ip=f"{first}.113.0.1") for first in (41, 42, 43)]
    *rules, note = inbound(*rows, max_elements=3, reserve=0, rule_cost=0)
    assert [each.recommended for each in rules] == [True, True, False]
    assert (note.kind, note.elements, note.flags) == ("leave-denied", (), ("seen-on-one-day", "over-budget"))
    assert (len(note.needs), note.requests) == (2, 10)


def test_budget_counts_rules_in_force_and_subscriptions_first() -> None:
    rows = [seen(day, ip=f"203.0.{third}.1") for third in range(0, 40, 2) for day in (0, 1)]
    rows += [seen(day, source_resource=FUNCTION, source_subscription=str(n)) for n in range(3, 6) for day in (0, 1)]
    proposals = inbound(*rows, elements_in_force=80, max_elements=100, reserve=10, rule_cost=0)
    elements = [element for each in proposals for element in each.elements]
    assert len(elements) <= 100 - 10 - 80
    assert sum(each.kind == "subscriptions" for each in proposals) == 3


def test_hosts_beyond_the_budget_are_flagged() -> None:
    rows = [seen(day, ip=None, destination_fqdn=f"h{n:03d}.example.com") for n in range(195) for day in (0, 1)]
    proposals = outbound(*rows)
    assert Counter(each.recommended for each in proposals) == {True: 190, False: 5}
    assert {each.flags for each in proposals if not each.recommended} == {("over-budget",)}


ADDRESS = st.one_of(
    st.integers(0, 63).map(lambda host: f"203.0.113.{host}"),
    st.integers(0, 7).map(lambda host: f"198.51.100.{host * 20}"),
    st.integers(0, 7).map(lambda host: f"10.0.0.{host}"),
    st.integers(0, 7).map(lambda host: f"2001:db8:0:{host}::1"),
)
ROW = st.builds(
    seen,
    day=st.integers(0, 9),
    ip=ADDRESS,
    allowed=st.integers(0, 3),
    denied=st.integers(0, 3),
    source_subscription=st.sampled_from([None, None, None, "2", "3"]),
)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ROW, max_size=40), cost=st.sampled_from([0.0, 16.0, 256.0]), budget=st.integers(1, 30))
def test_every_caller_ends_in_one_proposal_and_no_stranger_or_private_address_is_admitted(
    rows: list[CallerDay], cost: float, budget: int
) -> None:
    limits = Limits(max_elements=budget, reserve=0, rule_cost=cost)
    proposals = propose(profile(), gathered(rows), 10, limits)
    placed = Counter((need.kind, need.key) for each in proposals for need in each.needs)
    assert set(placed.values()) <= {1}
    callers = {row.source_subscription or row.source_ip for row in rows if row.allowed}
    assert callers <= {key for _, key in placed}
    accepted = [each for each in proposals if each.is_rule and "over-budget" not in each.flags]
    assert sum(len(each.elements) for each in accepted) <= budget
    for each in proposals:
        for need in each.needs:
            if each.kind == "address-prefixes":
                assert admits(accepted, need.key)
            if each.kind == "leave-denied" and need.kind == "address-prefixes" and ip_address(need.key).version == 4:
                assert not admits(accepted, need.key)
        for element in each.elements if each.kind == "address-prefixes" else ():
            network = ip_network(element)
            assert network.prefixlen >= (limits.widest_v4 if network.version == 4 else limits.widest_v6)
            assert not any(network.version == other.version and network.overlaps(other) for other, _ in UNROUTABLE)
    again = propose(profile(), gathered(reversed(rows)), 10, limits)
    assert [each.as_json() for each in again] == [each.as_json() for each in proposals]


def test_names_are_azures_and_ids_are_the_choice_alone() -> None:
    (one,) = inbound(seen(0), seen(1))
    (later,) = inbound(seen(0), seen(1), seen(2), seen(2, service_resource=VAULT))
    assert one.id == later.id
    assert one.name == later.name
    host = ".".join(["a" * 60] * 3) + ".example.com"
    (long,) = outbound(seen(0, ip=None, destination_fqdn=host))
    for name in (one.name, long.name):
        assert len(name) <= 80
        assert name.replace("-", "").isalnum()


def bounded(*rows: CallerDay, **bounds: Any) -> list[Proposal]:
    return inbound(*rows, bounds=Bounds(**bounds))


def networks(*texts: str) -> frozenset[Any]:
    return frozenset(ip_network(text) for text in texts)


def test_policy_keeps_prefixes_within_what_is_allowed() -> None:
    rows = [seen(day, ip=f"203.0.113.{host}") for host in range(32) for day in (0, 1)]
    rows += [seen(day, ip="198.51.100.9") for day in (0, 1)]
    halves = networks("203.0.113.0/28", "203.0.113.16/28")
    *rules, note = bounded(*rows, allowed_addresses=halves)
    assert [each.elements for each in rules] == [("203.0.113.0/28",), ("203.0.113.16/28",)]
    assert (note.kind, [need.key for need in note.needs]) == ("cannot-fix", ["198.51.100.9"])
    assert "policy.toml allows no rule for them (addresses.allowed)" in note.reason


def test_policy_keeps_prefixes_off_what_is_banned() -> None:
    rows = [seen(day, ip=f"203.0.113.{host}") for host in (0, 1, 2, 4, 5, 6, 7) for day in (0, 1)]
    proposals = bounded(*rows, banned_addresses=networks("203.0.113.3/32", "203.0.113.7/32"))
    elements = [element for each in proposals for element in each.elements]
    assert not any(ip_network(each).overlaps(ip_network(f"203.0.113.{host}")) for each in elements for host in (3, 7))
    assert [need.key for each in proposals if each.kind == "cannot-fix" for need in each.needs] == ["203.0.113.7"]


def test_policy_bans_subscriptions_and_hosts() -> None:
    rows = [
        seen(day, source_resource=FUNCTION, source_subscription="2" * 8 + "-0000" * 3 + "-" + "2" * 12)
        for day in (0, 1)
    ]
    (one,) = bounded(*rows, allowed_subscriptions=frozenset())
    assert (one.elements, one.flags, one.recommended) == (("203.0.113.7/32",), ("azure-address",), False)
    (one,) = bounded(*rows, allowed_subscriptions=frozenset(), banned_addresses=networks("203.0.113.0/24"))
    assert (one.kind, one.elements) == ("cannot-fix", ())
    hosts = [seen(day, ip=None, destination_fqdn=f"{name}.example.com") for name in ("a", "b.c") for day in (0, 1)]
    limits = Limits(bounds=Bounds(banned_hosts=frozenset({"c.example.com"})))
    proposals = propose(profile("Outbound"), gathered(hosts), 10, limits)
    assert [(each.kind, each.elements) for each in proposals] == [("fqdns", ("a.example.com",)), ("cannot-fix", ())]


def test_limits_are_the_narrower_of_settings_and_policy() -> None:
    found = Limits(max_elements=150, reserve=5, widest_v4=24).within(Bounds(max_elements=180, reserve=20, widest_v4=20))
    assert (found.max_elements, found.reserve, found.widest_v4, found.widest_v6) == (150, 20, 24, 48)
    assert Limits().within(None) == Limits()


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(ROW, max_size=40),
    allowed=st.none() | st.sets(st.sampled_from(["203.0.113.0/26", "203.0.113.8/29", "2001:db8::/62"])),
    banned=st.sets(st.sampled_from(["203.0.113.32/27", "198.51.100.20/32", "2001:db8:0:3::/64"])),
)
def test_no_proposal_exceeds_the_policy(rows: list[CallerDay], allowed: set[str] | None, banned: set[str]) -> None:
    bounds = Bounds(
        allowed_addresses=None if allowed is None else networks(*allowed), banned_addresses=networks(*banned)
    )
    proposals = inbound(*rows, bounds=bounds)
    for each in proposals:
        assert [within(each.kind, element, bounds) for element in each.elements] == [None] * len(each.elements)
    callers = {row.source_subscription or row.source_ip for row in rows if row.allowed}
    assert callers <= {need.key for each in proposals for need in each.needs}


def test_name_that_looks_like_another_is_a_question() -> None:
    rows = [seen(day, ip=None, destination_fqdn="api.contoso.com") for day in range(20)]
    rows += [seen(day, ip=None, destination_fqdn="api.c0ntoso.com") for day in (3, 4)]
    asked = {each.elements[0]: each.flags for each in outbound(*rows)}
    assert asked == {"api.contoso.com": (), "api.c0ntoso.com": ("look-alike",)}


NAMED = [
    seen(day, ip=None, destination_fqdn=f"api{number}.{zone}")
    for number in range(6)
    for zone in ("contoso.com", "blob.core.windows.net", "windows.net", "contoso.azurewebsites.net")
    for day in (0, 1)
]


def runner_ups(**bounds: Any) -> dict[str, tuple[Any, bool]]:
    found = propose(profile("Outbound"), gathered(NAMED), 10, Limits(bounds=Bounds(**bounds)))
    assert all(not element.startswith("*") for each in found for element in each.elements)
    told = {each.elements[0]: each.as_json()["choice"] for each in found if each.is_rule}
    return {name: (each["runner_up"], each["your_call"]) for name, each in told.items()}


def test_wildcard_is_offered_beside_exact_names_to_those_who_allow_any() -> None:
    assert set(runner_ups().values()) == {("leave-denied", False)}
    told = runner_ups(allowed_wildcards=True)
    assert {name for name, each in told.items() if each == ("fqdns", True)} == {f"api{n}.contoso.com" for n in range(6)}
    assert set(runner_ups(allowed_wildcards=True, banned_hosts=frozenset({"evil.contoso.com"})).values()) == {
        ("leave-denied", False)
    }
    (one, *_) = propose(
        profile("Outbound"), gathered(NAMED[:1] + NAMED[8:9]), 10, Limits(bounds=Bounds(allowed_wildcards=True))
    )
    assert one.as_json()["choice"]["sentence"].endswith("Next best: to leave it denied.")
