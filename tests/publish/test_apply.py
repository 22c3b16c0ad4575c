"""Applying to a loopback Azure that keeps state: what is written, what never is, and what a failure leaves."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.azure.arm_connection import connect
from pipeline.errors import AzureError, ForbiddenError, HalfwayError, MeanwhileError, PublishError, UnreachableError
from pipeline.publish.merge import Finding
from pipeline.publish.record import Record
from pipeline.recommend.access_rule import AccessRule, access_rule
from pipeline.recommend.scope import Scope
from tests.publish.world import FOREIGN, PERIMETER, PROFILE, RULES, World, item, outbound, rule
from tests.services.jobs import HASTY
from tests.services.loopback import Fault
from tests.services.resource_manager import refused

A, B, C = "192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"
ONE, TWO = rule("one", A), rule("two", B, C)


def test_rules_are_created_changed_and_removed_and_a_second_run_writes_nothing(there: World) -> None:
    foreign = there.rules()
    there.done(ONE, TWO)
    assert (there.prefixes("one"), there.prefixes("two")) == ({A}, {B, C})
    assert there.done(ONE, TWO) is None
    there.done(rule("one", A, B), outbound("out", "api.contoso.com"))
    assert (there.prefixes("one"), there.prefixes("two")) == ({A, B}, None)
    count = len(there.azure.writes)
    assert there.done(rule("one", A, B), outbound("out", "api.contoso.com")) is None
    assert len(there.azure.writes) == count
    there.done(remove_all=True)
    assert there.rules() == foreign
    assert {name for _, name in there.written()} == {"one", "two", "out"}


def test_what_is_to_be_kept_is_neither_removed_nor_made_again(there: World) -> None:
    there.done(ONE, TWO)
    there.done(rule("three", C), keep=True)
    assert [there.prefixes(name) for name in ("one", "two", "three")] == [{A}, {B, C}, {C}]
    assert there.done(rule("three", C), keep=True) is None


def test_what_moves_between_rules_is_never_closed(there: World) -> None:
    there.done(rule("one", A), rule("two", B))
    seen: list[set[str]] = []
    there.azure.choose_write = lambda *_: Fault(first=lambda: seen.append(open_now(there)))
    there.done(rule("one", B), rule("two", A))
    assert len(seen) == 4
    assert all(each >= {A, B} for each in [*seen, open_now(there)])


def open_now(there: World) -> set[str]:
    return {prefix for each in there.rules().values() for prefix in each["addressPrefixes"]}


def test_a_rule_of_the_same_content_is_left_alone_and_stays_foreign(there: World) -> None:
    there.azure.add([item("one", addressPrefixes=["192.0.2.1"])])
    assert there.done(ONE) is None
    assert there.done(TWO) is not None
    assert there.prefixes("one") == {A[:-3]}  # never applied, so never removed


@pytest.mark.parametrize("name", ["head-office", "PARTNER", "several", "future"])
def test_a_foreign_rule_of_the_name_is_a_conflict(there: World, name: str) -> None:
    before = there.rules()
    plan = there.plan(rule(name, A), TWO)
    assert [each.finding for each in plan.merged].count(Finding.CONFLICT) == 1
    assert "nsp never overwrites it" in plan.problems[0]
    assert plan.steps == ()
    with pytest.raises(AssertionError):
        there.apply(rule(name, A), TWO, accept_drift=True, remove_all=True, narrow_first=True)
    assert there.rules() == before
    assert there.azure.writes == []


DRIFTS: dict[str, dict[str, Any]] = {
    "widened": {"addressPrefixes": [A, "0.0.0.0/0"]},
    "other": {"addressPrefixes": [C]},
    "several": {"addressPrefixes": [A], "serviceTags": ["Storage"]},
    "unknown": {"addressPrefixes": [A], "appliesTo": [{"resourceType": "x", "features": ["y"]}]},
    "turned": {"direction": "Outbound", "addressPrefixes": [], "fullyQualifiedDomainNames": ["a.example"]},
}


@pytest.mark.parametrize("drift", [*DRIFTS, "gone"])
@pytest.mark.parametrize("accepted", [[], [rule("one", A)], [rule("one", B)]], ids=["none", "same", "other"])
def test_drift_is_told_and_overwritten_only_when_told_to(there: World, drift: str, accepted: list[AccessRule]) -> None:
    there.done(ONE, TWO)
    if drift == "gone":
        there.azure.forget(f"{RULES}/one")
    else:
        there.azure.add([item("one", **DRIFTS[drift])])
    before = there.rules()
    plan = there.plan(*accepted, TWO)
    if drift == "gone" and not accepted:
        assert plan.problems == ()
        return
    assert "Somebody changed Apps/one, which nsp applied" in plan.problems[0].replace("apps/one", "Apps/one")
    assert "--accept-drift" in plan.problems[0]
    assert plan.steps == ()
    path = there.done(*accepted, TWO, accept_drift=True)
    assert there.prefixes("one") == (set(accepted[0].elements) if accepted else None)
    assert path
    assert there.back(path).error is None
    assert there.rules() == before


def test_a_rule_that_was_ours_and_is_made_anew_by_somebody_is_foreign(there: World) -> None:
    there.done(ONE, TWO)
    there.azure.forget(f"{RULES}/one")
    there.done(rule("two", B))  # notes that it is gone
    there.azure.add([item("one", addressPrefixes=[A])])
    assert there.plan(rule("two", B)).steps == ()
    assert there.prefixes("one") == {A}


class TestLimits:
    """Nothing is sent that Azure would refuse half of the way through."""

    FULL = tuple(f"203.0.113.{number}/32" for number in range(194))  # with foreign: 2 + 1 + 2 + 1

    def test_foreign_elements_count(self, there: World) -> None:
        there.done(rule("full", *self.FULL))
        plan = there.plan(rule("full", *self.FULL), ONE)
        assert "would have 201 elements, foreign ones counted" in plan.problems[0]
        assert there.plan(rule("full", *self.FULL), outbound("out", "a.example")).problems == ()

    def test_widening_first_needs_room_and_says_so(self, there: World) -> None:
        there.done(rule("full", *self.FULL))
        changed = rule("full", *self.FULL[1:], A)
        plan = there.plan(changed)
        assert "201 elements at once" in plan.problems[0]
        assert "--narrow-first" in plan.problems[0]
        there.done(changed, narrow_first=True)
        assert there.prefixes("full") == {*self.FULL[1:], A}

    def test_a_profile_that_was_too_full_before_can_shrink(self, there: World) -> None:
        there.done(ONE, TWO)
        there.azure.add([item("much", addressPrefixes=[f"198.18.{n}.0/24" for n in range(210)])])
        there.done(TWO)
        assert there.prefixes("one") is None

    def test_names_that_differ_in_case_only(self, there: World) -> None:
        assert "Azure doesn't tell capitals" in there.plan(rule("one", A), rule("ONE", B)).problems[0]
        assert there.plan(ONE, ONE).problems == ()
        assert len(there.plan(ONE, ONE).steps) == 1

    def test_a_rule_made_past_its_checks_is_refused(self, there: World) -> None:
        for wrong in (replace(ONE, name="a/b"), replace(ONE, elements=("x",)), replace(ONE, kind="fqdns")):
            assert there.plan(wrong).problems

    def test_a_profile_that_is_not_there(self, there: World) -> None:
        plan = there.plan(rule("one", A, profile="Nowhere"))
        assert "There is no profile nowhere" in plan.problems[0]

    def test_losing_all_decisions_removes_nothing(self, there: World) -> None:
        there.done(ONE)
        assert "--remove-all" in there.plan().problems[0]
        assert there.plan(remove_all=True).problems == ()


def test_a_scope_leaves_other_profiles_alone(there: World) -> None:
    other = PROFILE.replace("Apps", "Data")
    there.azure.add([{"id": other, "name": "Data", "properties": {}}])
    there.done(ONE, rule("data", B, profile="data"))
    assert there.azure.items[f"{other.lower()}/accessrules/data"]
    assert there.plan(scope=Scope(profile="Data"), remove_all=True).merged[0].finding is Finding.REMOVE
    assert there.apply(scope=Scope(profile="Data"), remove_all=True).done == 1
    assert there.prefixes("one") == {A}


def test_the_rollback_file_is_there_before_the_first_write(there: World) -> None:
    there.done(ONE)
    seen: list[tuple[int, int]] = []

    def look() -> None:
        files = list((there.folder / "rollback").glob("*.json"))
        seen.append((len(files), len(Record(there.folder).entries())))

    there.azure.choose_write = lambda *_: Fault(first=look)
    path = there.done(rule("one", B), TWO)
    assert path
    assert [files for files, _ in seen] == [2, 2, 2]
    kept = json.loads(path.read_text())
    states = {each["id"].rsplit("/", 1)[1]: each for each in kept["states"]}
    assert states["one"]["before"]["properties"]["addressPrefixes"] == [A]
    assert states["two"]["before"] is None
    events = [each["event"] for each in Record(there.folder).entries()]
    assert events == ["begin", "step", "done", "end", "begin", *["step", "done"] * 3, "end"]
    assert {each["by"] for each in Record(there.folder).entries() if each["event"] == "begin"} == {"somebody"}


CERTAIN = [
    refused(403),
    refused(400, "Bad"),
    refused(401, "InvalidAuthenticationToken"),
    refused(404, "ParentResourceNotFound"),
]
CONFLICTS = [refused(409, "Conflict"), refused(412, "PreconditionFailed")]
UNCERTAIN = [refused(500, "Oops"), Fault(reset=True), Fault(status=200, body=b"<html>"), refused(503, "Busy")]


@pytest.mark.parametrize("fault", [*CERTAIN, *CONFLICTS, *UNCERTAIN], ids=str)
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_failure_stops_there_and_says_what_is_done(there: World, fault: Fault, step: int) -> None:
    there.done(ONE, rule("old", C))
    before = there.rules()
    names = ["two", "one", "old"]  # create, widen, delete
    there.azure.choose_write = lambda _, path, __: fault if path.endswith(f"/{names[step - 1]}") else None
    wanted = (rule("one", A, B), TWO)
    outcome = there.apply(*wanted)
    assert outcome.done == step - 1
    assert outcome.error
    assert [there.prefixes("two"), there.prefixes("one"), there.prefixes("old")][step - 1] == (
        None, {A}, {C},
    )[step - 1]  # fmt: skip
    if step > 1 or fault in UNCERTAIN:
        assert isinstance(outcome.error, HalfwayError)
        assert f"{step - 1} of 3 steps are done" in str(outcome.error)
        assert f"nsp rollback {outcome.rollback}" in str(outcome.error)
    else:
        assert isinstance(outcome.error, AzureError)
        assert isinstance(outcome.error, ForbiddenError) == (fault.status == 403)
        assert there.rules() == before
    there.azure.choose_write = lambda *_: None
    plan = there.plan(*wanted)
    assert plan.problems == ()
    assert [each["rollback"] for each in plan.begun] == [str(outcome.rollback).split("/store/")[1]]
    there.done(*wanted)
    assert (there.prefixes("one"), there.prefixes("two"), there.prefixes("old")) == ({A, B}, {B, C}, None)
    assert there.plan(*wanted).begun == ()
    assert outcome.rollback
    assert there.back(outcome.rollback).error is None
    assert there.rules() == before


@pytest.mark.parametrize(
    "fault",
    [
        refused(429, "TooManyRequests", headers={"Retry-After": "0"}),
        Fault(reset=True, done=True),
        Fault(reset=True),
        Fault(cut=9),
        refused(500, "Oops", done=True),
        refused(409, "AnotherOperationInProgress"),
        refused(412, "PreconditionFailed", done=True),
        Fault(hang=30, done=True),
        Fault(hang=30),
    ],
    ids=str,
)
def test_what_goes_away_is_sat_out_and_nothing_is_done_twice(there: World, fault: Fault) -> None:
    there.done(ONE, rule("old", C))
    version = int(there.azure.items[PROFILE.lower()]["properties"]["accessRulesVersion"])
    there.azure.choose_write = lambda _, __, number: fault if number == 1 and not fault.hang else None
    if fault.hang:
        fault.hang = 0.3
        hasty = replace(HASTY, seconds=0.15)
        access = replace(there.access, patience=hasty)
        there.azure.choose_write = lambda _, path, number: fault if path.endswith("two") and number == 1 else None
        with connect(access) as there.manager:
            there.done(rule("one", A, B), TWO)
    else:
        there.done(rule("one", A, B), TWO)
    assert (there.prefixes("one"), there.prefixes("two"), there.prefixes("old")) == ({A, B}, {B, C}, None)
    assert int(there.azure.items[PROFILE.lower()]["properties"]["accessRulesVersion"]) == version + 3


def test_a_change_between_plan_and_write_is_not_overwritten(there: World) -> None:
    there.done(ONE)
    other = item("one", addressPrefixes=[C])
    # while the first step is written, somebody changes what the second is about
    there.azure.choose_write = lambda _, path, __: (
        Fault(first=lambda: there.azure.add([other])) if path.endswith("two") else None
    )
    outcome = there.apply(rule("one", A, B), TWO)
    assert outcome.done == 1
    assert "was changed by somebody else meanwhile" in str(outcome.error)
    assert there.prefixes("one") == {C}
    there.azure.choose_write = lambda *_: None
    assert "Somebody changed" in there.plan(rule("one", A, B), TWO).problems[0]


def test_a_change_before_the_only_write_is_told_as_such(there: World) -> None:
    plan = there.plan(ONE)
    taken: list[int] = []

    def another(path: str, _: int) -> Fault | None:
        if path.endswith("/accessrules/one") and not taken:
            taken.append(1)
            there.azure.add([item("one", addressPrefixes=[C])])
        return None

    assert len(plan.steps) == 1
    there.azure.choose = another
    outcome = there.apply(ONE)
    assert isinstance(outcome.error, MeanwhileError)
    assert outcome.error.exit_code == 3
    assert there.prefixes("one") == {C}
    assert "nsp never overwrites it" in there.plan(ONE).problems[0]  # and it isn't taken for ours


def test_etags_are_sent_where_the_service_gives_any(there: World) -> None:
    there.azure.has_etags = True
    there.done(ONE)
    there.done(rule("one", A, B))
    there.done(TWO)
    assert there.prefixes("one") is None
    there.azure.choose_write = lambda _, path, __: (
        Fault(first=lambda: there.azure._keep(f"{RULES}/two", item("two", addressPrefixes=[A])))
        if path.endswith("two")
        else None
    )
    outcome = there.apply(rule("two", B))  # changed in the very moment between looking and writing
    assert "changed by somebody else meanwhile" in str(outcome.error)
    assert there.prefixes("two") == {A}


def test_only_what_people_can_write_is_sent(there: World) -> None:
    there.done(ONE)
    there.done(rule("one", B))  # on the way it holds what was live as well
    for method, _, sent in there.azure.writes:
        if method == "PUT":
            assert set(sent["properties"]) == {"direction", "addressPrefixes"}


def test_files_with_names_of_people_are_for_their_owner_only(there: World) -> None:
    path = there.done(ONE)
    assert path
    assert [each.stat().st_mode & 0o077 for each in (path, Record(there.folder).path)] == [0, 0]


def test_what_was_cut_short_is_told_until_there_is_nothing_left_of_it(there: World) -> None:
    there.azure.choose_write = lambda *_: refused(500)
    there.apply(ONE)
    assert there.plan(ONE).begun
    there.azure.choose_write = lambda *_: None
    there.azure.add([item("one", addressPrefixes=[A])])  # somebody does it by hand
    assert there.done(ONE) is None
    assert there.plan(ONE).begun == ()


def test_nothing_is_written_where_the_rollback_file_cannot_be(there: World) -> None:
    there.folder.mkdir()
    (there.folder / "rollback").write_text("in the way")
    with pytest.raises(PublishError, match="nothing was applied"):
        there.apply(ONE)
    assert there.azure.writes == []


def test_what_cannot_be_read_stops_everything(there: World) -> None:
    there.azure.choose = lambda path, _: refused() if path.endswith("accessrules") else None
    with pytest.raises(ForbiddenError, match="Reader"):
        there.plan(ONE)
    there.azure.choose = lambda path, _: refused(500) if path.endswith("profiles") else None
    with pytest.raises(UnreachableError):
        there.plan(ONE)
    there.azure.choose = lambda path, _: (
        Fault(status=200, body={"value": [{**FOREIGN[0], "id": FOREIGN[0]["id"].replace("Nsp", "Other")}]})
        if path.endswith("accessrules")
        else None
    )
    with pytest.raises(AzureError, match="another perimeter"):
        there.plan(ONE)


class TestRollback:
    """Back to before, and no further."""

    def test_everything_is_as_before(self, there: World) -> None:
        there.done(ONE, rule("old", C))
        before = there.rules()
        path = there.done(rule("one", B), TWO, outbound("out", "a.example"))
        assert path
        outcome = there.back(path)
        assert outcome.error is None
        assert there.rules() == before
        assert there.back(path).steps == ()
        there.done(rule("one", B), TWO, outbound("out", "a.example"))  # decisions are as they were
        assert there.prefixes("one") == {B}

    def test_what_is_rolled_back_is_ours_as_before(self, there: World) -> None:
        there.done(ONE)
        path = there.done(TWO)
        assert path
        there.back(path)
        assert [each.finding for each in there.plan(remove_all=True).merged if each.last] == [Finding.REMOVE]

    def test_a_way_back_can_be_rolled_back(self, there: World) -> None:
        there.done(ONE)
        path = there.done(rule("one", B), TWO)
        after = there.rules()
        assert path
        back = there.back(path).rollback
        assert back
        there.back(back)
        assert there.rules() == after

    @pytest.mark.parametrize("change", ["changed", "removed", "recreated"])
    def test_what_somebody_changed_since_is_left(self, there: World, change: str) -> None:
        there.done(ONE, rule("old", C))
        before = there.rules()
        path = there.done(rule("one", A, B), TWO)
        assert path
        if change == "changed":
            there.azure.add([item("one", addressPrefixes=["198.18.0.1/32"])])
        elif change == "removed":
            there.azure.forget(f"{RULES}/one")
        else:
            there.azure.add([item("old", addressPrefixes=["198.18.0.1/32"])])
        changed = there.rules()
        with pytest.raises(MeanwhileError, match="Nothing was rolled back"):
            there.back(path)
        assert there.rules() == changed
        there.back(path, accept_drift=True)
        assert there.rules() == before

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 1, "kind": "x"}', "\x00", '{"version": 1}'])
    def test_other_files_are_refused(self, there: World, tmp_path: Path, text: str) -> None:
        path = tmp_path / "file.json"
        path.write_text(text)
        with pytest.raises(PublishError, match="no rollback file"):
            there.back(path)
        with pytest.raises(PublishError, match="can't be read"):
            there.back(tmp_path / "none")

    def test_a_file_about_something_else_than_rules_does_nothing(self, there: World, tmp_path: Path) -> None:
        there.done(ONE)
        kept = json.loads(next((there.folder / "rollback").glob("*.json")).read_text())
        path = tmp_path / "file.json"
        for identity in (PERIMETER, PROFILE, f"{PROFILE}/accessRules/a/x/y", "/", "x", f"/x{PROFILE}/accessRules/a"):
            path.write_text(json.dumps({**kept, "states": [{**kept["states"][0], "id": identity}]}))
            with pytest.raises((PublishError, AzureError)):
                there.back(path)
        assert len(there.azure.writes) == 1


def test_plans_hold_what_machines_need(there: World) -> None:
    there.done(ONE)
    plan = there.plan(rule("one", A, B), TWO).as_json()
    assert json.loads(json.dumps(plan)) == plan
    assert [each["action"] for each in plan["steps"]] == ["create", "widen"]
    by_name = {each["id"].rsplit("/", 1)[1]: each for each in plan["rules"]}
    assert by_name["one"]["added"] == [B]
    assert by_name["two"]["proposal"] == "p-two"
    assert {name for name, each in by_name.items() if each["finding"] == "foreign"} == {
        "head-office", "Partner", "several", "future",
    }  # fmt: skip
    (counts,) = plan["elements"]
    assert (counts["direction"], counts["now"], counts["after"], counts["most"]) == ("Inbound", 7, 10, 10)


def test_subscriptions_and_tags_are_written_as_azure_takes_them(there: World) -> None:
    place = (PERIMETER, "Apps")
    subscription = access_rule(place, "sub", "Inbound", "subscriptions", ["5F0C2A1E-7D34-4B6A-9A51-C0FFEE000002"])
    tag = access_rule(place, "tag", "Inbound", "service-tags", ["AzureMonitor"])
    there.done(subscription, tag)
    assert there.done(subscription, tag) is None
    held = there.rules()
    assert held["sub"]["subscriptions"] == [{"id": "/subscriptions/5f0c2a1e-7d34-4b6a-9a51-c0ffee000002"}]
    assert held["tag"]["serviceTags"] == ["AzureMonitor"]
