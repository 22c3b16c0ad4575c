"""The file of decisions: append-only, chained, and nobody decides over somebody else's head."""

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConflictError, StoreBusyError, StoreError, UsageError
from pipeline.review.chain import verify_rows
from pipeline.review.decision import ACTIONS, UNDO, Trail, digest
from pipeline.review.decisions import FILE, Decisions, open_decisions
from pipeline.review.entry import REASON_LENGTH
from pipeline.store import open_store
from tests.cli.test_cli import HOSTILE
from tests.review.some import DAY, NOW, choose, proposal

ONE, TWO = proposal("203.0.113.0/28"), proposal("198.51.100.7/32")


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    return open_decisions(tmp_path / "store")


def raw(decisions: Decisions, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(decisions.path)) as connection:
        for each in statements:
            connection.execute(each)
        connection.commit()


def test_reading_before_anybody_decided_makes_no_file(decisions: Decisions) -> None:
    assert decisions.history() == []
    assert decisions.current() == {}
    assert decisions.trail().last == 0
    assert decisions.verify().is_intact
    assert not decisions.path.parent.exists()
    assert decisions.record([], NOW) == []
    assert not decisions.path.parent.exists()


def test_a_decision_comes_back_as_it_was_made(decisions: Decisions) -> None:
    made = decisions.record([choose(ONE, expires=NOW + DAY), choose(TWO, "edit", elements=("198.51.100.0/29",))], NOW)
    assert [each.sequence for each in made] == [1, 2]
    assert decisions.history() == made
    assert decisions.history(TWO["id"]) == made[1:]
    assert made[0].proposal == ONE
    assert (made[0].who, made[0].decided_at, made[0].expires) == ("ada", NOW, NOW + DAY)
    assert made[1].elements == ("198.51.100.0/29",)
    assert decisions.path.name == FILE
    with open_store(decisions.path.parent):  # beside a warehouse
        assert decisions.current() == {ONE["id"]: made[0], TWO["id"]: made[1]}


def test_undo_is_a_decision_and_reveals_the_one_before(decisions: Decisions) -> None:
    (first,) = decisions.record([choose(ONE)], NOW)
    (second,) = decisions.record([choose(ONE, "reject")], NOW)
    assert decisions.current() == {ONE["id"]: second}
    decisions.record([choose(ONE, "undo")], NOW)
    assert decisions.current() == {ONE["id"]: first}
    decisions.record([choose(ONE, "undo")], NOW)
    assert decisions.current() == {}
    assert [each.action for each in decisions.history()] == ["accept", "reject", "undo", "undo"]
    with pytest.raises(UsageError, match="nothing can be undone"):
        decisions.record([choose(ONE, "undo")], NOW)
    assert decisions.trail().sequences == {ONE["id"]: 4}


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(ACTIONS)), max_size=12))
def test_what_stands_is_what_a_naive_reading_says(steps: list[tuple[str, str]]) -> None:
    class Step:
        def __init__(self, proposal_id: str, action: str) -> None:
            self.proposal_id, self.action = proposal_id, action

    done: list[Any] = [Step(*each) for each in steps]
    left = list(done)
    while undos := [number for number, each in enumerate(left) if each.action == UNDO]:
        before = [number for number in range(undos[0]) if left[number].proposal_id == left[undos[0]].proposal_id]
        left = [each for number, each in enumerate(left) if number not in {undos[0], *before[-1:]}]
    assert Trail(done).current == {each.proposal_id: each for each in left}


def test_the_second_of_two_browsers_is_told(decisions: Decisions) -> None:
    seen = decisions.trail().sequences
    decisions.record([choose(ONE, who="grace", reason="vendor \x1b[31m left")], NOW, seen)
    with pytest.raises(ConflictError) as refused:
        decisions.record([choose(TWO), choose(ONE, "reject", who="ada")], NOW + DAY, seen)
    message = str(refused.value)
    assert "'grace' at 2026-11-02 08:00:00 UTC" in message
    assert "accepted meanwhile" in message
    assert "\x1b" not in message
    assert [each.who for each in decisions.history()] == ["grace"], "all or none"
    decisions.record([choose(TWO), choose(ONE, "reject", who="ada")], NOW + DAY, decisions.trail().sequences)
    with pytest.raises(ConflictError):  # an undo is a decision, too
        decisions.record([choose(TWO)], NOW, {TWO["id"]: 0})


def test_other_proposals_are_no_conflict(decisions: Decisions) -> None:
    seen = decisions.trail().sequences
    decisions.record([choose(ONE)], NOW, seen)
    decisions.record([choose(TWO)], NOW, seen)
    with pytest.raises(UsageError, match="twice at once"):
        decisions.record([choose(ONE), choose(ONE, "reject")], NOW)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_any_text_comes_back_as_it_was(tmp_path: Path, hostile: str) -> None:
    decisions = open_decisions(tmp_path)
    text = hostile[:REASON_LENGTH]
    decisions.record(
        [choose(proposal("192.0.2.1/32", reason=hostile), reason=text, who=text[:200] + "x"[: not text])], NOW
    )
    (found,) = decisions.history()
    assert (found.reason, found.who, found.proposal["reason"]) == (text, text[:200], hostile)
    assert decisions.verify().is_intact
    assert json.loads(json.dumps(decisions.export(), default=str))[0]["reason"] == text


APPENDED_OUT_OF_ORDER = (
    "insert into decision select 9, proposal_id, action, elements, reason, who, decided_at, expires, proposal, "
    "previous_hash, hash from decision where sequence = 2"
)


@pytest.mark.parametrize(
    "statement",
    [
        "update decision set reason = 'x' where sequence = 2",
        "delete from decision where sequence = 2",
        "delete from decision",
        "insert or replace into decision select * from decision where sequence = 2",
        "insert into decision select * from decision where sequence = 2",
        APPENDED_OUT_OF_ORDER,
    ],
)
def test_sqlite_itself_refuses_to_change_what_was_decided(decisions: Decisions, statement: str) -> None:
    before = decisions.record([choose(ONE), choose(TWO), choose(proposal("192.0.2.1/32"))], NOW)
    with pytest.raises(sqlite3.IntegrityError):
        raw(decisions, statement)
    assert decisions.history() == before


UNGUARDED = (
    "drop trigger decision_is_appended",
    "drop trigger decision_is_never_changed",
    "drop trigger decision_is_never_deleted",
)


@pytest.mark.parametrize(
    "column",
    [
        "proposal_id",
        "action",
        "elements",
        "reason",
        "who",
        "decided_at",
        "expires",
        "proposal",
        "previous_hash",
        "hash",
    ],
)
def test_a_changed_column_is_found(decisions: Decisions, column: str) -> None:
    decisions.record([choose(ONE), choose(TWO), choose(proposal("192.0.2.1/32"))], NOW)
    assert decisions.verify().count == 3
    raw(decisions, *UNGUARDED, f"update decision set {column} = {column} || ' ' where sequence = 2")
    raw(decisions, f"update decision set {column} = 'x' where sequence = 2 and {column} is null")
    found = decisions.verify()
    assert (found.broken, found.count) == (2, 1)
    assert "decision 2" in found.sentence


SWAPPED = tuple(f"update decision set sequence = {to} where sequence = {was}" for was, to in ((1, 9), (2, 1), (9, 2)))


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        (("delete from decision where sequence = 1",), 1),
        (("delete from decision where sequence = 2",), 2),
        (("delete from decision where sequence = 1", "update decision set sequence = sequence - 1"), 1),
        (SWAPPED, 1),
    ],
)
def test_a_missing_or_moved_row_is_found(decisions: Decisions, statements: tuple[str, ...], broken: int) -> None:
    decisions.record([choose(ONE), choose(TWO), choose(proposal("192.0.2.1/32"))], NOW)
    raw(decisions, *UNGUARDED, *statements)
    assert decisions.verify().broken == broken


def test_a_row_whose_hash_was_made_anew_no_longer_leads_to_the_next(decisions: Decisions) -> None:
    decisions.record([choose(ONE), choose(TWO), choose(proposal("192.0.2.1/32"))], NOW)
    row = {**decisions.history()[1].as_row(), "who": "grace"}
    raw(decisions, *UNGUARDED, f"update decision set who = 'grace', hash = '{digest(row)}' where sequence = 2")
    assert (decisions.verify().broken, decisions.verify().count) == (3, 2)


def test_cut_off_decisions_are_found_by_a_hash_that_was_noted(decisions: Decisions) -> None:
    decisions.record([choose(ONE), choose(TWO)], NOW)
    head = decisions.verify().head
    decisions.record([choose(proposal("192.0.2.1/32"))], NOW)
    assert decisions.verify(head).is_intact, "the trail may have grown since"
    raw(decisions, *UNGUARDED, "delete from decision where sequence > 1")
    assert decisions.verify().is_intact, "nobody can tell without it"
    assert not decisions.verify(head).is_intact


def test_an_export_can_be_checked_elsewhere(decisions: Decisions) -> None:
    decisions.record(
        [choose(ONE), choose(TWO, "edit", elements=("198.51.100.0/29", "192.0.2.1"), expires=NOW + DAY)], NOW
    )

    def spelled(value: Any) -> str:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    exported = json.loads(json.dumps(decisions.export()))
    rows = [
        {
            **each,
            "elements": spelled(each["elements"]) if each["action"] == "edit" else None,
            "proposal": spelled(each["proposal"]),
        }
        for each in exported
    ]
    assert verify_rows(rows).head == decisions.verify().head
    rows[1]["reason"] = "changed"
    assert verify_rows(rows).broken == 2


def test_rows_that_nobody_recorded_are_told_not_taken(decisions: Decisions) -> None:
    decisions.record([choose(ONE)], NOW)
    raw(decisions, *UNGUARDED, "update decision set action = 'allow everything'")
    with pytest.raises(StoreError, match="The decision 1 isn't as it was recorded"):
        decisions.history()


@pytest.mark.parametrize(
    "value", ["7", "x'ff00'", "null", "cast(x'ff' as text)", "'[1]'", "'{}'", "'[' || char(0)", "1.5"]
)
@pytest.mark.parametrize("column", ["elements", "reason", "proposal", "decided_at"])
def test_tampering_never_makes_a_traceback(decisions: Decisions, column: str, value: str) -> None:
    decisions.record([choose(TWO, "edit", elements=("198.51.100.0/29",))], NOW)
    before = decisions.history()
    table = (
        "create table changed as select * from decision",
        "drop table decision",
        "alter table changed rename to decision",
    )
    raw(decisions, *table, f"update decision set {column} = {value}")
    assert decisions.verify().broken == 1
    with contextlib.suppress(StoreError):
        assert decisions.history() != before


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be read as one" * 100, b"SQLite format 3\x00" + b"\xff" * 4000]
)
def test_a_file_that_is_none_is_told(decisions: Decisions, content: bytes) -> None:
    decisions.path.parent.mkdir()
    decisions.path.write_bytes(content)
    with pytest.raises(StoreError, match=FILE):
        decisions.history()
    with pytest.raises(StoreError, match=FILE):
        decisions.record([choose(ONE)], NOW)
    assert decisions.path.read_bytes() == content


def _other_database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("create table mine (x)")


def _newer(path: Path) -> None:
    open_decisions(path.parent).record([choose(ONE)], NOW)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma user_version = 2")


@pytest.mark.parametrize("make", [_other_database, _newer])
def test_a_database_of_others_is_left_alone(decisions: Decisions, make: Callable[[Path], None]) -> None:
    decisions.path.parent.mkdir()
    make(decisions.path)
    with pytest.raises(StoreError, match="another version"):
        decisions.history()
    with pytest.raises(StoreError, match="another version"):
        decisions.record([choose(ONE)], NOW)


def test_an_empty_file_left_by_a_crash_is_filled(decisions: Decisions) -> None:
    decisions.path.parent.mkdir()
    decisions.path.write_bytes(b"")
    assert decisions.history() == []
    decisions.record([choose(ONE)], NOW)
    assert len(decisions.history()) == 1


def test_a_writer_that_never_ends_is_told_and_readers_go_on(tmp_path: Path) -> None:
    decisions = open_decisions(tmp_path, wait=0.1)
    decisions.record([choose(ONE)], NOW)
    with contextlib.closing(sqlite3.connect(decisions.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(StoreBusyError, match="in use"):
            decisions.record([choose(TWO)], NOW)
        assert len(decisions.history()) == 1
    decisions.record([choose(TWO)], NOW)


def test_a_reader_that_never_ends_keeps_nobody_from_deciding(tmp_path: Path) -> None:
    decisions = open_decisions(tmp_path, wait=0.1)
    decisions.record([choose(ONE)], NOW)
    with contextlib.closing(sqlite3.connect(decisions.path, isolation_level=None)) as other:
        other.execute("begin")
        assert other.execute("select count(*) from decision").fetchone() == (1,)
        decisions.record([choose(TWO)], NOW)
        assert len(decisions.history()) == 2
        assert other.execute("select count(*) from decision").fetchone() == (1,)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be made"):
        open_decisions(tmp_path / "file" / "store").record([choose(ONE)], NOW)
