"""What the page is made of, without a browser: held against the run that it shows."""

import json
from datetime import date, datetime
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConflictError, UsageError
from pipeline.recommend.bounds import Bounds
from pipeline.recommend.need import Need, needs
from pipeline.recommend.policy import Limits
from pipeline.review.decision import ACCEPT, REJECT, Choice, Trail
from pipeline.review.page import detail, figures, grid
from pipeline.review.page.deciding import end_of
from pipeline.review.page.exposure import exposure, narrowest, wider
from pipeline.review.page.headline import headline
from pipeline.review.page.replan import replan
from pipeline.review.page.reviewing import Review
from pipeline.review.page.source import ProfileKey
from pipeline.review.page.text import LONGEST, last_part, shown
from pipeline.review.state import state_of
from tests.recommend.caller_day import gathered
from tests.recommend.test_policy import seen
from tests.review.page.conftest import HOSTILE, HOSTILE_PERIMETER, Wheel
from tests.review.some import NOW
from tests.review.some import proposal as made_up


@pytest.fixture(scope="module")
def review(wheel: Wheel) -> Review:
    return wheel.review(to="parts")


def profiles(review: Review) -> list[ProfileKey]:
    return list(review.loaded.profiles)


def test_the_evidence_of_every_rule_adds_up_to_what_the_run_says_of_it(review: Review) -> None:
    checked = 0
    for profile in profiles(review):
        found = review.evidence(profile)
        for each in review.loaded.proposals(profile):
            if not each["elements"]:
                continue
            needs = found.of(each)
            hours = found.requests(each["direction"], needs)
            told = each["evidence"]
            assert hours["allowed"].sum() == told["requests"], each["reason"]
            assert len(set(hours.filter(hours["allowed"] > 0)["hour"].dt.date())) == told["days_seen"]
            assert {one for one in hours["operation"] if one} == set(told["operations"])
            checked += 1
    assert checked > 30


def test_a_note_has_the_evidence_of_those_that_it_names(review: Review) -> None:
    for profile in profiles(review):
        for each in review.loaded.proposals(profile):
            if not each["elements"]:
                assert [need.key for need in review.evidence(profile).of(each)] == each["evidence"]["examples"]


def test_narrowing_to_what_was_seen_loses_nobody_and_opens_nothing(review: Review) -> None:
    checked = 0
    for profile in profiles(review):
        found = review.evidence(profile)
        for each in review.loaded.proposals(profile):
            if each["kind"] != "address-prefixes":
                continue
            if each["profile"] == HOSTILE[1]:  # no name of a profile, so nothing can be a rule of it
                assert "is no name" in exposure(each, each["elements"], found, Bounds()).error
                continue
            seen = exposure(each, narrowest(found.of(each)), found, Bounds())
            assert not seen.error
            assert not seen.lost
            assert set((seen.unseen or {}).values()) == {0}
            as_is = exposure(each, each["elements"], found, Bounds())
            assert len(as_is.kept) == len(seen.kept) > 0
            assert sum((as_is.unseen or {}).values()) == each["exposure"]["extra_addresses"]
            wide = exposure(each, wider(each["elements"]), found, Bounds())
            assert wide.error or (not wide.lost and set(keys(as_is.kept)) <= set(keys(wide.kept)))
            checked += 1
    assert checked > 5


@pytest.mark.parametrize(
    ("elements", "word"),
    [(["10.0.0.0/8"], "private"), (["0.0.0.0/0"], "every IPv4"), (["203.0.0.0/8"], "wider"), (["x"], "x"),
     ([], "no element"), ([f"198.51.{number // 256}.{number % 256}" for number in range(0, 400, 2)], "elements"),
     (["<script>alert(1)</script>"], "script")],
)  # fmt: skip
def test_what_makes_no_rule_is_told(elements: list[str], word: str) -> None:
    found = exposure(made_up("203.0.113.0/28"), elements, None, Bounds())
    assert word in found.error
    assert not found.elements


def test_falling_out_and_getting_in_are_told_by_name(review: Review) -> None:
    (branch,) = [each for each in review.loaded.run["proposals"] if each["reason"].startswith("Branch")]
    profile = branch["perimeter"], branch["profile"].lower()
    found = review.evidence(profile)
    one = branch["evidence"]["examples"][0]
    seen = exposure(branch, [one], found, Bounds())
    assert [need.key for need in seen.kept] == [one]
    assert len(seen.lost) == branch["evidence"]["callers"] - 1
    everybody = exposure(branch, ["203.0.113.0/24"], found, Bounds())
    assert not everybody.lost
    assert {need.key for need in everybody.more} & {
        need.key for need in found.needs["Inbound"] if need.key.startswith("203.0.113.1")
    }


addresses = st.sets(st.integers(0, 2**12 - 1), min_size=1, max_size=40)


@settings(deadline=None)
@given(addresses, addresses)
def test_every_point_of_the_curve_is_a_plan_that_keeps_its_word(wanted: set[int], refused: set[int]) -> None:
    base = int(ip_address("198.51.0.0"))
    needs = [_need(str(ip_address(base + number)), allowed=1) for number in wanted]
    needs += [_need(str(ip_address(base + number)), denied=5) for number in refused - wanted]
    found = replan(needs, Limits(max_elements=30, reserve=0, widest_v4=22))
    assert found is not None
    finite = [count for count in range(len(found.extra)) if found.extra[count] < float("inf")]
    if not finite:
        assert found.least == 0
        return
    assert found.least == finite[0] > 0
    for count in finite:
        prefixes = found.prefixes(count)
        held = sum(each.num_addresses for each in prefixes)
        assert len(prefixes) == found.enough(count) <= count
        assert held - len(wanted) == found.extra[count]
        assert all(any(ip_address(need.key) in each for each in prefixes) for need in needs if need.allowed)
        assert not any(ip_address(need.key) in each for each in prefixes for need in needs if not need.allowed)
        assert found.price(count) >= 0


def _need(address: str, allowed: int = 0, denied: int = 0) -> Need:
    (found,) = needs(gathered([seen(ip=address, allowed=allowed, denied=denied)]), "Inbound")
    return found


def test_no_addresses_have_no_curve() -> None:
    assert replan([], Limits()) is None
    both = [_need("2001:db8::1", allowed=1), _need("198.51.100.1", allowed=1)]
    found = replan(both, Limits())
    assert found is not None
    assert found.prefixes(2) == [ip_network("198.51.100.1/32"), ip_network("2001:db8::/64")]


def test_figures_hold_no_log_text(review: Review) -> None:
    """Plotly reads markup in labels, so none is given to it."""
    profile = HOSTILE_PERIMETER, "hostile"
    found = review.evidence(profile)
    hours = found.hours
    drawn = [
        figures.requests_by_day(hours, date(2026, 10, 1), date(2026, 10, 10)),
        figures.hours_of_week(hours),
        figures.denials(review.denials(profile, Trail())),
    ]
    plan = replan(found.needs["Inbound"], Limits())
    assert plan is not None
    drawn.append(figures.curve(plan, plan.least, (2, 5)))
    text = json.dumps(drawn, default=str)
    assert not [each for each in HOSTILE if json.dumps(each)[1:-1] in text]
    bars = drawn[0]["data"]
    assert sum(bars[0]["y"]) == hours["allowed"].sum()
    assert sum(map(sum, drawn[1]["data"][0]["z"])) == sum(hours["allowed"].to_list() + hours["denied"].to_list())


def test_accepting_what_is_recommended_denies_as_little_as_all_recommended(review: Review) -> None:
    profile = next(key for key in profiles(review) if key[1] == "ai-apps")
    before = review.denials(profile, review.trail())
    lost = {name: int(rows["lost_requests"].sum()) for name, rows in before.items()}
    assert lost["today"] == lost["accepted"] > lost["recommended"]
    ids = [each.id for each in review.states(profile, review.trail()) if each.is_for_all_unflagged]
    review.decide(ids, Choice(ACCEPT, "all"), {})
    after = review.denials(profile, review.trail())
    assert int(after["accepted"]["lost_requests"].sum()) == lost["recommended"]
    with pytest.raises(ConflictError, match="accepted meanwhile by 'ada'"):
        review.decide(ids[:1], Choice(REJECT, "too late"), {})


def test_a_read_only_review_records_nothing(wheel: Wheel) -> None:
    reader = wheel.review(to="nothing", read_only=True)
    with pytest.raises(UsageError, match="read-only"):
        reader.decide([reader.loaded.run["proposals"][0]["id"]], Choice(ACCEPT), {})
    assert not (wheel.folder / "nothing").exists()


def test_what_is_proposed_no_longer_can_still_be_decided_about(wheel: Wheel) -> None:
    before = wheel.review(to="gone")
    gone = next(each for each in wheel.run["proposals"] if each["recommended"])
    before.decide([gone["id"]], Choice(ACCEPT), {})
    after = wheel.review(to="gone", run={**wheel.run, "proposals": []})
    (state,) = after.states((gone["perimeter"], gone["profile"].lower()), after.trail())
    assert not state.is_proposed
    assert "no longer proposed" in grid.row(state)["why"]
    after.decide([gone["id"]], Choice("undo"), {gone["id"]: state.sequence})
    with pytest.raises(UsageError, match="reload"):
        after.decide(["0" * 12], Choice(ACCEPT), {})


@pytest.mark.parametrize(
    ("text", "moment"),
    [("", None), (" never ", None), ("30d", datetime(2026, 12, 2, 8)), ("2 W", datetime(2026, 11, 16, 8)),
     ("12h", datetime(2026, 11, 2, 20)), ("2027-01-31", datetime(2027, 1, 31)),
     ("2027-01-31T08:00+02:00", datetime(2027, 1, 31, 6))],
)  # fmt: skip
def test_until_is_read_as_people_write_it(text: str, moment: datetime | None) -> None:
    assert end_of(text, NOW) == moment


@pytest.mark.parametrize("text", ["soon", "30", "-3d", "99999w", "2027-13-01", "<b>", "99999d"])
def test_until_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        end_of(text, NOW)


def test_groups_have_headings_and_stay_in_order() -> None:
    flagged = made_up("203.0.113.9/32", flags=["odd"], recommended=False)
    states = state_of([made_up("203.0.113.0/28"), flagged, made_up("203.0.113.64/28")], Trail(), NOW)
    rows = grid.grouped([grid.row(each) for each in states], "risk")
    assert [each.get("heading") or each["risk"] for each in rows] == [
        "flagged (1)",
        "flagged",
        "no flag (2)",
        "no flag",
        "no flag",
    ]
    assert grid.grouped([], "state") == []
    assert grid.counts(states) == {"all": 3, "open": 3, "flagged": 1, "decided": 0, "new": 0}


@pytest.mark.parametrize(
    ("kind", "elements", "reason", "told"),
    [
        ("subscriptions", ("/subscriptions/0000",), "func, ml; admits", "subscription of func, ml: 0000"),
        ("subscriptions", ("/subscriptions/0000",), "; admits every managed identity", "subscription 0000"),
        ("service-tags", ("Storage.WestEurope",), "2 addresses", "service tag Storage.WestEurope"),
        ("address-prefixes", ("203.0.113.0/28",), "Branch: 9 addresses", "203.0.113.0/28"),
        ("fqdns", ("api.example.com",), "called by x", "api.example.com"),
    ],
)
def test_the_rule_column_tells_what_a_rule_names(kind: str, elements: tuple[str, ...], reason: str, told: str) -> None:
    (state,) = state_of([made_up(*elements, kind=kind, reason=reason)], Trail(), NOW)
    row = grid.row(state)
    assert (row["rule"], row["is_rule"]) == (told, True)


@pytest.mark.parametrize(
    ("kind", "named", "callers", "told"),
    [
        ("cannot-fix", 1, 1, "no rule helps: 203.0.113.0"),
        ("cannot-fix", 6, 9, "no rule helps: 203.0.113.0 and 5 more"),  # all are named: one stands for several callers
        ("leave-denied", 20, 330, "leave denied: 203.0.113.0 and 329 more"),
        ("leave-denied", 20, 3, "leave denied: 203.0.113.0 and 19 more"),
        ("link", 0, 0, "link"),
    ],
)
def test_the_rule_column_tells_what_is_no_rule_and_whom_it_is_about(
    kind: str, named: int, callers: int, told: str
) -> None:
    examples = [f"203.0.113.{number}" for number in range(named)]
    note = made_up() | {"kind": kind, "evidence": {"examples": examples, "callers": callers}}
    (state,) = state_of([note], Trail(), NOW)
    row = grid.row(state)
    assert (row["rule"], row["is_rule"]) == (told, False)


def test_the_evidence_names_callers_of_a_subscription_and_says_when_it_is_of_some_only(review: Review) -> None:
    every = [each for profile in profiles(review) for each in review.states(profile, Trail())]
    rule = next(
        each for each in every if each.proposal["kind"] == "subscriptions" and each.proposal["profile"] == "data"
    )
    note = next(each for each in every if each.proposal["evidence"]["callers"] > 20 and not each.elements)
    said = {}
    for state in (rule, note):
        found = review.evidence((state.proposal["perimeter"], state.proposal["profile"].lower()))
        said[state.id] = json.dumps(detail.seen(state, found, None), default=lambda one: one.to_plotly_json())
    assert "func-ingest" in said[rule.id]
    assert "Callers (1)" in said[rule.id]
    of = note.proposal["evidence"]["callers"]
    assert f"Drawn of the 20 with the most requests, of {of:,}:" in said[note.id]
    assert "Drawn of" not in said[rule.id]


def test_a_run_that_lacks_what_it_may_lack_is_still_shown(review: Review) -> None:
    note = {**made_up(), "evidence": {}, "exposure": {}, "reason": ""}
    (state,) = state_of([made_up()], Trail(), NOW)
    bare = type(state)(note, "open")
    assert grid.row(bare)["requests"] is None
    assert detail.standing(bare, Trail())
    assert detail.seen(bare, None, None)
    assert headline(None, [])
    assert headline({"perimeter": "p", "profile": "q"}, [])
    for profile in profiles(review):
        assert headline(review.loaded.readiness.get(profile), review.states(profile, Trail()))


@given(st.text())
def test_shown_text_is_one_harmless_line(text: str) -> None:
    for made in (shown(text), last_part(text)):
        assert made.isprintable()
        assert len(made) <= 10 * (LONGEST + 1)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (12.5, "12.5 address-equivalents dearer"),
        (367782.0, "367,782 address-equivalents dearer"),
        (1.0, "1 address-equivalent dearer"),
        (0.0, "at the same price"),
        (-16.0, "16 address-equivalents cheaper"),
    ],
)
def test_the_choice_behind_a_proposal_is_shown(more: float, told: str) -> None:
    choice = {"runner_up": "service-tags", "cost_difference": more, "your_call": True, "sentence": "<b>close</b>"}
    (state,) = state_of([made_up("203.0.113.0/28", choice=choice)], Trail(), NOW)
    (shown_as,) = [part for part in detail.standing(state, Trail()) if getattr(part, "id", "") == "runner-up"]
    strong, kind, comma, price, rest = shown_as.children
    assert strong.children == "Your call: "
    assert f"{kind}{comma}{price.children}{rest}" == f"service tag rule, {told}. <b>close</b>"
    assert price.title.startswith("A price")


def test_the_drawing_of_denials_says_what_it_counts(review: Review) -> None:
    profile = next(key for key in profiles(review) if key[1] == "data")
    drawn = figures.denials(review.denials(profile, Trail()))["layout"]
    assert [drawn[axis]["title"]["text"] for axis in ("xaxis", "yaxis")] == ["day (UTC)", "requests a day"]


def keys(found: Any) -> list[str]:
    return [need.key for need in found]
