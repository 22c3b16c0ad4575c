"""Callers that no rule can tell apart share one proposal, and who was seen once widens nothing."""

from collections import Counter
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.recommend.bounds import Bounds
from pipeline.recommend.need import needs
from pipeline.recommend.policy import Limits, propose
from pipeline.recommend.prefixes import narrowest
from pipeline.recommend.proposal import days_flags
from pipeline.recommend.risk import Risk
from pipeline.recommend.standing import as_one
from tests.recommend.caller_day import CallerDay, gathered
from tests.recommend.test_policy import STORAGE, VAULT, inbound, profile, seen

APP = "11111111-0000-0000-0000-000000000000"
OFFICE = [seen(day, ip="198.51.100.7", source_app_id=APP) for day in range(30)]


def test_stranger_in_the_64_of_a_service_makes_one_question_of_it() -> None:
    service = [seen(day, ip="2001:db8:1:fe::5", source_app_id=APP) for day in range(30)]
    one, office = inbound(*OFFICE, *service, seen(3, ip="2001:db8:1:fe::99"))
    assert (one.elements, one.flags, len(one.needs)) == (("2001:db8:1:fe::/64",), ("odd",), 2)
    assert "2001:db8:1:fe::99 looks odd (no identity, where most callers have one" in one.reason
    assert office.recommended


def test_64_with_a_caller_that_is_asked_about_is_asked_about() -> None:
    services = [seen(day, ip=f"2001:db8:1:fe::{host}", source_app_id=APP) for host in (5, 6) for day in range(30)]
    several = [seen(3, ip="2001:db8:1:fe::99", source_app_id=APP, service_resource=f"/r/{n}") for n in range(4)]
    (one, _) = inbound(*OFFICE, *services, *several)
    assert (one.elements, one.flags) == (("2001:db8:1:fe::/64",), ("odd",))


def test_64_that_only_partly_lies_in_a_known_network_is_one_proposal_and_not_that_networks() -> None:
    rows = [seen(day, ip="2001:db8:1:fe::5", network_name="HQ") for day in range(9)]
    rows += [seen(day, ip="2001:db8:1:fe::6") for day in range(9)]
    (one,) = inbound(*rows)
    assert (one.elements, one.label) == (("2001:db8:1:fe::/64",), "")


@pytest.mark.parametrize(
    "addresses",
    [
        ("203.0.113.2", "203.0.113.13"),
        ("203.0.113.200", "203.0.113.201"),
        ("203.0.112.4", "203.0.112.9", "203.0.112.15"),
        ("2001:db8:7:1::1", "2001:db8:7:2::1"),
    ],
)
@pytest.mark.parametrize("apart", [0, 2])
def test_those_seen_once_never_widen_one_prefix_whatever_their_days(addresses: tuple[str, ...], apart: int) -> None:
    once = [seen(1 + apart * n, ip=ip, source_app_id=APP) for n, ip in enumerate(addresses)]
    *asked, office = sorted(inbound(*OFFICE, *once), key=lambda each: each.requests)
    assert office.recommended
    assert {each.flags for each in asked} == {("seen-on-one-day",)}
    assert sorted(each.elements for each in asked) == sorted((str(narrowest(ip)),) for ip in addresses)


def test_64_whose_hosts_change_their_addresses_came_back() -> None:
    (one, _) = inbound(*(seen(day, ip=f"2001:db8:7:1::{day + 1}") for day in (0, 5)), seen(0, ip="2001:db8:8:1::1"))
    assert (one.elements, one.recommended) == (("2001:db8:7:1::/64",), True)


def test_days_of_several_callers_are_no_return_of_any() -> None:
    two = needs(gathered([seen(0, ip="203.0.113.2"), seen(5, ip="203.0.113.13")]), "Inbound")
    pooled = {need.key: Risk((), is_pooled=True) for need in two}
    assert days_flags(as_one(two, {})) == ("seen-on-one-day",)
    assert days_flags(as_one(two, pooled)) == days_flags(as_one(two, {}, "HQ")) == (), "a pool or network is one caller"
    assert days_flags(as_one(two[:1], {}, "HQ")) == ("seen-on-one-day",)


def test_prefix_that_would_do_for_a_known_network_and_for_others_is_one_proposal() -> None:
    ours = [*range(8), *range(48, 56)]
    rows = [
        seen(day, ip=f"198.51.100.{host}", network_name="HQ" if host in ours else None)
        for host in (*ours, *range(8, 16), *range(56, 64))
        for day in range(9)
    ]
    (one,) = inbound(*rows, rule_cost=256.0)
    assert (one.elements, len(one.needs), one.flags) == (("198.51.100.0/26",), 32, ())


SIX = st.builds(
    lambda network, host, **fields: seen(ip=f"2001:db8:0:{network}::{host}", **fields),
    st.integers(0, 5),
    st.integers(1, 4),
    day=st.integers(0, 9),
    allowed=st.integers(0, 3),
    denied=st.integers(0, 2),
    source_app_id=st.sampled_from([None, APP]),
    network_name=st.sampled_from([None, None, "HQ", "Branch"]),
    service_resource=st.sampled_from([STORAGE, VAULT, *(f"/r/{number}" for number in range(6))]),
    operations=st.sampled_from([["GetBlob"], list("abcde")]),
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(SIX, max_size=40),
    budget=st.integers(1, 12),
    allowed=st.none() | st.just(frozenset({ip_network("2001:db8::/63"), ip_network("2001:db8:0:2::/63")})),
)
def test_proposals_of_one_run_have_ids_of_their_own_and_no_prefix_in_common(
    rows: list[CallerDay], budget: int, allowed: frozenset[Any] | None
) -> None:
    limits = Limits(max_elements=budget, reserve=0, bounds=Bounds(allowed_addresses=allowed))
    found = propose(profile(), gathered([*OFFICE, *rows]), 30, limits)
    assert set(Counter(each.id for each in found).values()) == {1}
    assert max(Counter(element for each in found for element in each.elements).values(), default=1) == 1
