"""From decisions to the rules that are exported and applied."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.ingest import ingest_folder
from pipeline.inventory import file
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import Recommendation, recommend
from pipeline.recommend.scope import Scope
from pipeline.review.accepted import accepted_rules, answered, expired
from pipeline.review.decided import decided
from pipeline.review.decisions import Decisions, open_decisions
from pipeline.store import Store
from tests.cli.test_cli import SAMPLE
from tests.review.some import DAY, NOW, PERIMETER, choose, proposal

FIRST, SECOND = proposal("203.0.113.0/28"), proposal("198.51.100.7/32", "192.0.2.1/32")
HOST = proposal("a.example.com", kind="fqdns")
NOTE = proposal()


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    return open_decisions(tmp_path)


def test_accepted_and_edited_rules_in_order_whoever_came_first(decisions: Decisions) -> None:
    decisions.record([choose(HOST), choose(SECOND, reason="")], NOW)
    decisions.record([choose(FIRST, "edit", reason="only these", elements=("203.0.113.4/30", "203.0.113.1"))], NOW)
    rules = accepted_rules(decisions.trail(), NOW)
    assert rules == sorted(rules)
    by_proposal = {each.proposal: each for each in rules}
    assert by_proposal[FIRST["id"]].elements == ("203.0.113.1/32", "203.0.113.4/30")
    assert by_proposal[SECOND["id"]].elements == ("192.0.2.1/32", "198.51.100.7/32")
    assert (by_proposal[SECOND["id"]].reason, by_proposal[FIRST["id"]].reason) == ("Head office", "only these")
    assert by_proposal[HOST["id"]].id == f"{PERIMETER}/profiles/Data/accessRules/{HOST['name']}"


def test_what_makes_no_rule(decisions: Decisions) -> None:
    third = proposal("192.0.2.9/32")
    decisions.record([choose(NOTE), choose(FIRST, "reject"), choose(SECOND, "defer"), choose(third)], NOW)
    decisions.record([choose(third, "undo")], NOW)
    assert accepted_rules(decisions.trail(), NOW) == []


def test_expired_rules_are_told_not_silently_gone(decisions: Decisions) -> None:
    decisions.record([choose(FIRST, expires=NOW + 2 * DAY), choose(SECOND, expires=NOW + DAY), choose(HOST)], NOW)
    trail = decisions.trail()
    assert len(accepted_rules(trail, NOW + DAY / 2)) == 3
    assert expired(trail, NOW + DAY / 2) == []
    assert [each.proposal for each in accepted_rules(trail, NOW + 2 * DAY)] == [HOST["id"]]
    assert [each.proposal_id for each in expired(trail, NOW + 2 * DAY)] == [SECOND["id"], FIRST["id"]]


@pytest.fixture
def sampled(store: Store) -> Store:
    file.load(store, SAMPLE / "inventory.json")
    ingest_folder(store, SAMPLE)
    return store


def test_what_people_answered_is_no_open_question_unless_it_has_grown(decisions: Decisions, sampled: Store) -> None:
    def run() -> Recommendation:
        return recommend(sampled, Limits(), Scope(), NOW, decided=decided(decisions.trail(), NOW))

    def questions(found: Recommendation) -> list[str]:
        return [
            reason for each in found.readiness for reason in each.reasons if re.search("flagged|cannot-fix", reason)
        ]

    first = run()
    asked = [each.as_json() for each in first.proposals if not each.recommended]
    flagged = [each for each in asked if each["flags"]]
    (note,) = (each for each in asked if each["kind"] == "cannot-fix" and not each["flags"])
    fewer = {**note, "evidence": {**note["evidence"], "callers": note["evidence"]["callers"] // 2}}
    decisions.record([choose(fewer), choose(flagged[0], "defer")], NOW)
    assert questions(run()) == questions(first), "it was about half as many callers, and put off is not answered"
    decisions.record([choose(note), *(choose(each, "reject") for each in flagged)], NOW)
    assert questions(first)
    assert questions(run()) == []


@pytest.mark.parametrize(("action", "is_answered"), [("accept", False), ("reject", True)])
def test_rule_that_azure_would_not_take_stays_open_until_it_is_rejected(
    decisions: Decisions, sampled: Store, action: str, is_answered: bool
) -> None:
    found = recommend(sampled, Limits(), Scope(), NOW)
    rule = next(each for each in found.proposals if each.is_rule and each.recommended)
    over = replace(rule, flags=("over-budget",))
    decisions.record([choose(over.as_json(), action)], NOW)
    asks = answered(decisions.trail(), NOW)
    assert (asks(over), asks(rule)) == (is_answered, True)


@pytest.mark.parametrize(("action", "is_answered"), [("accept", False), ("reject", True)])
def test_what_has_to_be_done_elsewhere_stays_open_until_it_is_rejected(
    decisions: Decisions, sampled: Store, action: str, is_answered: bool
) -> None:
    note = next(each for each in recommend(sampled, Limits(), Scope(), NOW).proposals if each.kind == "cannot-fix")
    for kind in ("associate", "link"):
        to_do = replace(note, kind=kind, topic=kind)
        decisions.record([choose(to_do.as_json(), action)], NOW)
        assert answered(decisions.trail(), NOW)(to_do) is is_answered


def test_a_decision_that_makes_no_rule_is_told(decisions: Decisions) -> None:
    decisions.record([choose(FIRST, "edit", elements=("203.0.113.0/30",))], NOW)
    with closing(sqlite3.connect(decisions.path)) as connection:
        connection.execute("drop trigger decision_is_never_changed")
        connection.execute("update decision set elements = '[\"everything\"]'")
        connection.commit()
    with pytest.raises(StoreError, match="makes no rule"):
        accepted_rules(decisions.trail(), NOW)
