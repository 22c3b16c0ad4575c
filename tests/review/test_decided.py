"""What decisions deny of those who succeed: told with readiness, which is a person's to weigh."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.cli.recommend import show
from pipeline.review.decisions import Decisions, open_decisions
from pipeline.review.page.headline import headline
from pipeline.store import Store, open_store
from tests.review import ready
from tests.review.some import DAY, NOW, choose, proposal

ALL = ready.DAYS * ready.A_DAY


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with ready.opened(tmp_path_factory.mktemp("two")) as opened:
        yield opened


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    return open_decisions(tmp_path)


def told(store: Store, decisions: Decisions) -> tuple[int, int, str]:
    """Requests and callers that decisions deny, and the reasons; it is ready whatever they are."""
    (found,) = ready.run(store, decisions).readiness
    assert found.ready
    as_json = found.as_json()
    denied = as_json["denied_by_decisions"]
    return denied["requests"], denied["callers"], "; ".join(as_json["reasons"])


def test_rejected_and_edited_rules_that_are_needed_are_told(two: Store, decisions: Decisions) -> None:
    proposals = ready.of(ready.run(two))
    assert told(two, decisions) == (0, 0, "")
    decisions.record([choose(proposals[ready.FIRST], "reject")], NOW)
    reason = (
        f"decisions: {ALL:,} requests of 1 caller that succeed today would be denied by your decisions (rejected or "
        "edited); nsp whatif --rules in-force shows whom"
    )
    assert told(two, decisions) == (ALL, 1, reason)
    decisions.record([choose(proposals[ready.SECOND], "edit", elements=("20.60.1.8/32",))], NOW)
    requests, callers, reason = told(two, decisions)
    assert (requests, callers) == (2 * ALL, 2)
    assert "nsp whatif --rules accepted shows whom" in reason
    decisions.record([choose(proposal("20.50.0.0/16", "20.60.0.0/16", profile="apps"))], NOW - DAY)
    assert told(two, decisions) == (0, 0, ""), "another accepted rule admits them"


@pytest.mark.parametrize("action", ["accept", "defer"])
def test_what_is_accepted_or_still_open_denies_nobody(two: Store, decisions: Decisions, action: str) -> None:
    decisions.record([choose(each, action) for each in ready.of(ready.run(two)).values()], NOW)
    assert told(two, decisions) == (0, 0, "")


def test_an_edit_that_ran_out_denies_nobody(two: Store, decisions: Decisions) -> None:
    edited = choose(ready.of(ready.run(two))[ready.FIRST], "edit", elements=("20.50.1.8/32",), expires=NOW + DAY)
    decisions.record([edited], NOW)
    assert told(two, decisions)[0] == ALL
    (found,) = ready.run(two, decisions, now=NOW + DAY).readiness
    assert found.denied.requests == 0


OFFICE = [f"198.51.100.{number}/32" for number in range(60)]
NSP = [f"20.70.{number}.9/32" for number in range(80)]


def test_more_accepted_elements_than_azure_takes_are_a_question(tmp_path: Path, decisions: Decisions) -> None:
    mine = proposal(*NSP, profile="Apps")
    waiting = proposal(*(f"20.80.{number}.9/32" for number in range(60)), profile="apps")
    foreign = {"name": "office", "direction": "Inbound", "addressPrefixes": OFFICE}
    applied = {"name": mine["name"].upper(), "direction": "Inbound", "addressPrefixes": NSP}
    with open_store(tmp_path / "store") as store:
        ready.fill(store, tmp_path, (ready.FIRST,), foreign, applied)
        decisions.record([choose(mine), choose(waiting)], NOW)
        assert told(store, decisions) == (0, 0, ""), "60 of others, 80 that are in force already, and 60 make 200"
        decisions.record([choose(ready.of(ready.run(store))[ready.FIRST])], NOW)
        (found,) = ready.run(store, decisions).readiness
        assert not found.ready
        (reason,) = found.reasons
        assert reason.startswith(
            "questions: with what is accepted there would be 201 inbound elements, where 200 may be, so nsp apply will"
        )
        assert [step.ready for step in found.steps] == [False], "what it needs can't be applied"
        decisions.record([choose(mine, "undo")], NOW)
        assert told(store, decisions) == (0, 0, ""), "applying removes what is accepted no longer"


def test_people_are_told_beside_the_verdict(two: Store, decisions: Decisions) -> None:
    decisions.record([choose(ready.of(ready.run(two))[ready.FIRST], "reject")], NOW)
    found = ready.run(two, decisions)
    printed = StringIO()
    show(found, Console(file=printed, width=300))
    assert "profile apps: READY, with denials as decided." in printed.getvalue()
    assert f"  - decisions: {ALL:,} requests of 1 caller" in printed.getvalue()
    page = [str(each) for each in headline(found.readiness[0].as_json(), [])]
    assert sum("would be denied by your decisions" in each for each in page) == 1
    (lights,) = (each for each in page if "lights" in each)
    assert "your decisions" not in lights
