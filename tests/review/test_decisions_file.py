"""Decisions kept in git: what is read of a file, and what of it is new."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.recommend.bounds import Bounds
from pipeline.review.decision import ACTIONS, Choice
from pipeline.review.decisions import Decisions, open_decisions
from pipeline.review.decisions_file import Written, read
from pipeline.review.kept import Reconciled, Reconciler
from pipeline.review.lookup import proposal_of
from tests.review.some import DAY, NOW, proposal

FIRST, SECOND, NOTE = proposal("203.0.113.0/28"), proposal("198.51.100.7/32"), proposal()
TEXT = f"""
# kept by the platform team
decisions:
  - id: {FIRST["id"][:6]}
    action: accept
    reason: &why Head office
    expires: 2027-01-31
  - id: {SECOND["id"]}
    action: edit
    elements: [198.51.100.8, "198.51.100.4/31"]
    reason: *why
    who: grace
  - {{id: {NOTE["id"]}, action: defer, until: 2026-12-01T08:00+01:00}}
"""


def written(folder: Path, text: str) -> list[Written]:
    path = folder / "d.yaml"
    path.write_text(text, encoding="utf-8")
    return read(path)


def reconciled(decisions: Decisions, written: list[Written], skips_unknown: bool = False, days: int = 0) -> Reconciled:
    known = {each["id"]: each for each in (FIRST, SECOND, NOTE)}
    judge = Reconciler(decisions.trail(), known, "ada", NOW + days * DAY, Bounds(), skips_unknown)
    return judge.reconcile(written)


def test_a_file_is_read_with_its_lines(tmp_path: Path) -> None:
    first, second, third = written(tmp_path, TEXT)
    assert first.where.endswith("d.yaml:4")
    assert first.choice == Choice("accept", "Head office", (), NOW.replace(2027, 1, 31, 0))
    assert second == Written(
        f"{tmp_path / 'd.yaml'}:8", SECOND["id"],
        Choice("edit", "Head office", ("198.51.100.8", "198.51.100.4/31")), "grace",
    )  # fmt: skip
    assert third.choice.expires == NOW.replace(2026, 12, 1, 7)
    assert written(tmp_path, "decisions: []") == written(tmp_path, "# nothing\n") == []


def test_the_file_of_the_documentation_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "deciding.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert [each.choice.action for each in written(tmp_path, example)] == ["accept", "edit", "defer"]


def test_values_are_what_is_written_whatever_yaml_makes_of_them(tmp_path: Path) -> None:
    for text in ("123456789012", "012345678901", "1e4567890123", "no", "0x1234567890"):
        (found,) = written(tmp_path, f"decisions: [{{id: {text}, action: accept, reason: {text}}}]")
        assert (found.proposal, found.choice.reason) == (text, text)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("decisions: [", 1, "no YAML"),
        ("a: b: c", 1, "no YAML"),
        ("- 1", 1, "the file must be a mapping"),
        ("decision: []", 1, "Did you mean decisions"),
        ("decisions:\n  id: x", 2, "must be a list"),
        ("decisions:\n- just text", 2, "a decision must be a mapping"),
        ("decisions:\n- {id: abcd}", 2, "lacks 'action'"),
        ("decisions:\n- {action: accept}", 2, "lacks 'id'"),
        ("decisions:\n- id: abcd\n  action: acept", 3, "is no action"),
        ("decisions:\n- id: abcd\n  action: undo", 3, "nsp decide undo"),
        ("decisions:\n- id: abcd\n  action: accept\n  resaon: x", 4, "Did you mean reason"),
        ("decisions:\n- id: abcd\n  action: accept\n  id: efgh", 4, "occurs twice"),
        ("decisions:\n- id: abcd\n  action: accept\n  reason: [x]", 4, "must be a text"),
        ("decisions:\n- id: abcd\n  action: accept\n  reason:", 4, "must be a text"),
        ("decisions:\n- id: abcd\n  action: accept\n  expires: soon", 4, "no day"),
        ("decisions:\n- id: abcd\n  action: accept\n  expires: 30d", 4, "no day"),
        ("decisions:\n- id: abcd\n  action: accept\n  until: 2027-01-01", 4, "accept has no 'until'"),
        ("decisions:\n- id: abcd\n  action: defer\n  expires: 2027-01-01", 4, "defer has no 'expires'"),
        ("decisions:\n- id: abcd\n  action: accept\n  elements: [x]", 4, "accept has no 'elements'"),
        ("decisions:\n- id: abcd\n  action: edit\n  elements: a, b", 4, "must be a list"),
        ("decisions:\n- id: abcd\n  action: edit\n  elements:\n  - {a: b}", 5, "must be a text"),
        ("decisions: !!python/object/apply:os.system [reboot]", 1, "must be a mapping"),
        ("decisions: *nobody", 1, "no YAML"),
        ("%TAG ! x\n---\n\x07", None, "no YAML"),
        ("[" * 5000, None, "no YAML"),
    ],
)
def test_a_slip_is_told_with_its_line(tmp_path: Path, text: str, line: int | None, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        written(tmp_path, text)
    assert line is None or f"d.yaml:{line}:" in str(refused.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read: No such file"):
        read(tmp_path / "no.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"decisions: # \xe9")
    with pytest.raises(UsageError, match="no UTF-8"):
        read(tmp_path / "latin.yaml")
    (tmp_path / "huge.yaml").write_text("#" * 5_000_001)
    with pytest.raises(UsageError, match="at most"):
        read(tmp_path / "huge.yaml")


def test_many_aliases_of_much_stay_small(tmp_path: Path) -> None:
    layers = "\n".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(30))
    with pytest.raises(UsageError):
        written(tmp_path, f"decisions:\n{layers}\n")


@given(st.sampled_from(["", "decisions: [{", "decisions:\n- {id: abcd, action: "]), st.text(max_size=40))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, begun: str, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(begun + text, encoding="utf-8", errors="surrogatepass")
    with contextlib.suppress(UsageError):
        assert all(each.choice.action in ACTIONS for each in read(path))


def test_applying_twice_records_nothing_new(tmp_path: Path) -> None:
    decisions = open_decisions(tmp_path / "store")
    found = written(tmp_path, TEXT)
    first = reconciled(decisions, found)
    assert (len(first.entries), first.unchanged, first.notes) == (3, 0, ())
    made = decisions.record(first.entries, NOW)
    assert [(each.action, each.who) for each in made] == [("accept", "ada"), ("edit", "grace"), ("defer", "ada")]
    for days in (0, 1, 1000):  # also after all of it has ended
        again = reconciled(decisions, found, days=days)
        assert (again.entries, again.unchanged, again.notes) == ((), 3, ())


def test_what_somebody_changed_meanwhile_is_as_the_file_says_again(tmp_path: Path) -> None:
    decisions = open_decisions(tmp_path / "store")
    decisions.record(reconciled(decisions, written(tmp_path, TEXT)).entries, NOW)
    changed = written(tmp_path, TEXT.replace("198.51.100.8,", ""))
    found = reconciled(decisions, changed)
    assert ([each.choice.elements for each in found.entries], found.unchanged) == ([("198.51.100.4/31",)], 2)


def test_what_ended_before_anybody_recorded_it_is_told(tmp_path: Path) -> None:
    found = reconciled(open_decisions(tmp_path / "store"), written(tmp_path, TEXT), days=1000)
    assert [each.proposal_id for each in found.entries] == [SECOND["id"]]
    assert ["this ended 2027-01-31" in found.notes[0], "this ended 2026-12-01" in found.notes[1]] == [True, True]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"id: {FIRST['id'][:3]}, action: accept", "too short"),
        ("id: ffffffffffff, action: accept", "No proposal's id begins with"),
        (f"id: {FIRST['id']}, action: reject", "Say why you reject"),
        (f"id: {FIRST['id']}, action: edit, reason: why, elements: [203.0.113.7/24]", "did you mean 203.0.113.0/24"),
        (f"id: {SECOND['id']}, action: accept", "is decided about in .*d.yaml:2 already"),
    ],
)
def test_what_cannot_be_decided_is_told_with_its_line(tmp_path: Path, line: str, told: str) -> None:
    found = written(tmp_path, f"decisions:\n- {{id: {SECOND['id']}, action: accept}}\n- {{{line}}}\n")
    with pytest.raises(UsageError, match=f"d.yaml:3: .*{told}"):
        reconciled(open_decisions(tmp_path / "store"), found)


def test_unknown_ids_may_be_passed_over(tmp_path: Path) -> None:
    found = written(
        tmp_path, f"decisions:\n- {{id: ffffffff, action: accept}}\n- {{id: {SECOND['id']}, action: accept}}"
    )
    made = reconciled(open_decisions(tmp_path / "store"), found, skips_unknown=True)
    assert [each.proposal_id for each in made.entries] == [SECOND["id"]]
    assert "nobody proposes 'ffffffff'" in made.notes[0]


def test_an_abbreviation_has_to_be_of_one() -> None:
    known = {each: {"id": each} for each in ("abcd12345678", "abcd99999999", "0123456789ab")}
    assert proposal_of("ABCD1", known)["id"] == "abcd12345678"
    assert proposal_of("0123456789ab", known)["id"] == "0123456789ab"
    with pytest.raises(UsageError, match="could be abcd12345678, abcd99999999"):
        proposal_of("abcd", known)
