"""Decisions survive new runs: what is said of each proposal, and of what is proposed no longer."""

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.review.decisions import Decisions, open_decisions
from pipeline.review.extent import Extent
from pipeline.review.state import ProposalState, state_of
from tests.review.some import DAY, NOW, choose, evidence, proposal

FIRST, SECOND, NOTE = proposal("203.0.113.0/28"), proposal("198.51.100.7/32"), proposal()


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    return open_decisions(tmp_path)


def one(decisions: Decisions, given: dict[str, Any]) -> ProposalState:
    return state_of([given], decisions.trail(), NOW)[0]


@pytest.mark.parametrize(
    ("given", "action", "more", "state", "later"),
    [
        (FIRST, "accept", {}, "accepted", "accepted"),
        (FIRST, "accept", {"expires": NOW + DAY}, "accepted", "expired"),
        (FIRST, "edit", {"elements": ("203.0.113.0/30",), "expires": NOW + DAY}, "edited", "expired"),
        (FIRST, "reject", {}, "rejected", "rejected"),
        (FIRST, "defer", {}, "deferred", "deferred"),
        (FIRST, "defer", {"expires": NOW + DAY}, "deferred", "open"),
        (NOTE, "accept", {}, "acknowledged", "acknowledged"),
        (NOTE, "accept", {"expires": NOW + DAY}, "acknowledged", "expired"),
    ],
)
def test_every_state(
    decisions: Decisions, given: dict[str, Any], action: str, more: dict[str, Any], state: str, later: str
) -> None:
    assert one(decisions, given).state == "open"
    (made,) = decisions.record([choose(given, action, **more)], NOW)
    (found,) = state_of([given], decisions.trail(), NOW)
    assert (found.state, found.decision, found.sequence, found.is_proposed) == (state, made, 1, True)
    assert state_of([given], decisions.trail(), NOW + DAY)[0].state == later
    decisions.record([choose(given, "undo")], NOW)
    (found,) = state_of([given], decisions.trail(), NOW)
    assert (found.state, found.decision, found.sequence) == ("open", None, 2)


def test_accepted_rules_are_kept_when_nobody_proposes_them_any_longer(decisions: Decisions) -> None:
    edited = proposal("192.0.2.0/28")
    decisions.record(
        [choose(SECOND), choose(edited, "edit", elements=("192.0.2.0/30",)), choose(FIRST, "reject"), choose(NOTE)], NOW
    )
    new = proposal("203.0.113.64/28")
    found = state_of([new], decisions.trail(), NOW)
    assert [(each.id, each.state, each.is_proposed) for each in found] == [
        (new["id"], "open", True), (SECOND["id"], "accepted", False), (edited["id"], "edited", False),
    ]  # fmt: skip
    assert found[1].proposal == SECOND
    assert found[2].elements == ("192.0.2.0/30",)


def test_new_is_what_was_first_seen_after_the_last_decision_on_its_profile(decisions: Decisions) -> None:
    later = evidence("2026-11-03T00:00:00Z")
    new = proposal("203.0.113.64/28", evidence=later)
    elsewhere = proposal("203.0.113.64/28", evidence=later, profile="Other")
    assert not one(decisions, new).is_new, "nobody decided about anything yet"
    decisions.record([choose(FIRST)], NOW)
    assert one(decisions, new).is_new
    assert not one(decisions, elsewhere).is_new
    assert not one(decisions, SECOND).is_new, "it had been seen when the profile was decided about"
    decisions.record([choose(new, "defer")], NOW)
    assert not one(decisions, new).is_new


@pytest.mark.parametrize(
    ("elements", "relation"),
    [
        (("203.0.113.4/32",), "covered"),
        (("203.0.113.0/28",), "covered"),
        (("203.0.113.0/27",), "covered"),
        (("203.0.113.0/26",), "widens"),
        (("203.0.113.4/32", "192.0.2.1/32"), "widens"),
        (("192.0.2.1/32",), None),
        (("2001:db8::/64",), None),
    ],
)
def test_what_accepted_rules_hold_of_a_proposal(
    decisions: Decisions, elements: tuple[str, ...], relation: str | None
) -> None:
    beside = proposal("203.0.113.16/28")
    decisions.record([choose(FIRST), choose(beside, "edit", elements=("203.0.113.16/28", "203.0.113.16/29"))], NOW)
    found = one(decisions, proposal(*elements, reason="another"))
    if found.id == FIRST["id"]:
        assert found.overlaps == ()  # it is decided itself
        return
    assert [each.relation for each in found.overlaps] == ([relation] if relation else [])
    assert found.is_for_all_unflagged == (relation != "covered")
    for other in ({"profile": "Other"}, {"direction": "Outbound"}):
        assert one(decisions, proposal(*elements, **other)).overlaps == ()


def test_what_was_rejected_comes_not_back_by_a_wider_proposal(decisions: Decisions) -> None:
    refused = proposal("203.0.113.7/32")
    decisions.record([choose(refused, "reject")], NOW)
    found = one(decisions, FIRST)
    assert [(each.relation, each.proposals) for each in found.overlaps] == [("rejected-before", (refused["id"],))]
    assert not found.is_for_all_unflagged
    assert one(decisions, SECOND).is_for_all_unflagged


def test_names_overlap_by_what_they_stand_for(decisions: Decisions) -> None:
    kept = proposal("a.example.com", "b.example.com", kind="fqdns")
    decisions.record([choose(kept, "edit", elements=("A.example.com.", "b.example.com"))], NOW)
    assert one(decisions, proposal("b.example.com", kind="fqdns")).overlaps[0].relation == "covered"
    assert one(decisions, proposal("b.example.com", "c.example.com", kind="fqdns")).overlaps[0].relation == "widens"
    assert one(decisions, proposal("c.example.com", kind="fqdns")).overlaps == ()


@pytest.mark.parametrize("action", ["accept", "reject"])
def test_a_note_about_much_more_is_an_open_question_again(decisions: Decisions, action: str) -> None:
    decisions.record([choose(proposal(evidence=evidence(callers=3)), action)], NOW)
    state = {"accept": "acknowledged", "reject": "rejected"}[action]
    assert one(decisions, proposal(evidence=evidence(callers=5))).state == state
    assert one(decisions, proposal(evidence=evidence(callers=6))).state == "open"
    other = evidence()
    other["resources"] = ["/another"]
    assert one(decisions, proposal(evidence=other)).state == "open"
    decisions.record([choose(SECOND, action)], NOW)
    assert one(decisions, proposal(*SECOND["elements"], evidence=evidence(callers=99))).state != "open"


def test_a_note_with_the_id_of_a_rule_decides_nothing_about_it(decisions: Decisions) -> None:
    decisions.record([choose({**NOTE, "id": FIRST["id"]})], NOW)
    assert one(decisions, FIRST).state == "open"
    decisions.record([choose({**NOTE, "id": FIRST["id"]}, "reject")], NOW)
    assert one(decisions, FIRST).state == "open"


def test_all_unflagged_takes_only_what_nobody_decided(decisions: Decisions) -> None:
    taken = proposal("192.0.2.1/32")
    for left in (NOTE, proposal("192.0.2.2/32", flags=["odd"])):
        assert not one(decisions, left).is_for_all_unflagged
    for action in ("reject", "defer", "accept"):
        decided = proposal("192.0.2.9/32", profile=action)
        decisions.record([choose(decided, action)], NOW)
        assert not one(decisions, decided).is_for_all_unflagged
    assert one(decisions, taken).is_for_all_unflagged


PREFIXES = st.builds(
    lambda address, length: str(ip_network((address, length), strict=False)),
    st.integers(0xCB007100, 0xCB00711F), st.integers(26, 32),
)  # fmt: skip


@given(st.lists(st.lists(PREFIXES, max_size=3), max_size=4), st.lists(PREFIXES, min_size=1, max_size=3))
def test_overlaps_are_what_the_addresses_say(rules: list[list[str]], asked: list[str]) -> None:
    def addresses(prefixes: list[str]) -> set[Any]:
        return {ip_address(int(each)) for prefix in prefixes for each in ip_network(prefix)}

    extent = Extent("address-prefixes")
    for number, elements in enumerate(rules):
        extent.add(str(number), elements)
    wanted = addresses(asked)
    assert extent.holds(asked) == (wanted <= addresses([each for some in rules for each in some]))
    assert extent.sharing(asked) == tuple(str(n) for n, some in enumerate(rules) if addresses(some) & wanted)
