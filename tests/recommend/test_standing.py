"""Callers that no rule can tell apart share one proposal, and who was seen once widens nothing."""

from collections import Counter
from ipaddress import ip_network
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.recommend.bounds import Bounds
from pipeline.recommend.policy import Limits, propose
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


SIX = st.builds(
    lambda network, host, **fields: seen(ip=f"2001:db8:0:{network}::{host}", **fields),
    st.integers(0, 2),
    st.integers(1, 6),
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
    allowed=st.none() | st.just(frozenset({ip_network("2001:db8::/63"), ip_network("2001:db8:0:2::/64")})),
)
def test_proposals_of_one_run_have_ids_of_their_own_and_no_prefix_in_common(
    rows: list[CallerDay], budget: int, allowed: frozenset[Any] | None
) -> None:
    limits = Limits(max_elements=budget, reserve=0, bounds=Bounds(allowed_addresses=allowed))
    found = propose(profile(), gathered([*OFFICE, *rows]), 30, limits)
    assert set(Counter(each.id for each in found).values()) == {1}
    assert max(Counter(element for each in found for element in each.elements).values(), default=1) == 1
