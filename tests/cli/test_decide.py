"""nsp decide as people and jobs run it: from a demo to accepted rules, a file in git, and the trail."""

import contextlib
import json
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.cli import main
from pipeline.cli.candidate import tell_expired
from pipeline.cli.log import Log, logging_to
from pipeline.recommend import difference
from pipeline.review.decision import Choice
from pipeline.review.decisions import open_decisions
from pipeline.review.entry import entry
from pipeline.store import open_store
from tests.cli.test_cli import HOSTILE, nsp, out
from tests.review import ready, some

Run = dict[str, Any]
GOLDEN = Path(__file__).parent.parent / "recommend" / "golden" / "sample.json"


def proposals(folder: Path) -> list[Run]:
    run: Run = json.loads((folder / "run.json").read_text())
    return list(run["proposals"])


def one(folder: Path, **wanted: Any) -> Run:
    """The first proposal that is as wanted."""
    return next(each for each in proposals(folder) if all(each[name] == value for name, value in wanted.items()))


class Here:
    """The command in this very process, which is quicker than to start one; in a folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def said(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        self._capsys.readouterr()
        with contextlib.chdir(self.folder), pytest.raises(SystemExit) as end:
            main(list(words))
        shown = self._capsys.readouterr()
        return int(end.value.code or 0), shown.out, shown.err

    def out(self, *words: str, code: int = 0) -> str:
        found, shown, message = self.said(*words)
        assert found == code, message
        return shown

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.out(*words, "-f", "json", code=code))

    def decide(self, *words: str, code: int = 0) -> str:
        return self.out("decide", *words, "--from", "run.json", code=code)

    def refused(self, *words: str, code: int = 2) -> str:
        found, shown, message = self.said("decide", *words)
        assert (found, shown) == (code, ""), message
        return message

    def states(self) -> dict[str, Run]:
        return {each["id"]: each for each in json.loads(self.decide("list", "-f", "json"))}

    def trail(self) -> list[Run]:
        return list(self.json("decide", "log"))


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    """A folder with a run over the kept sample and no decisions; there is no warehouse, and none is needed."""
    (tmp_path / "run.json").write_bytes(GOLDEN.read_bytes())
    monkeypatch.setenv("NSP_WHO", "ada")
    return Here(tmp_path, capsys)


def test_from_a_demo_to_accepted_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, demo = Here(tmp_path, capsys), tmp_path
    here.out("--store", ".nsp", "demo", "--records", "3000")
    (demo / "run.json").write_text(here.out("recommend", "-f", "json", code=3))
    recommended = [each for each in proposals(demo) if each["recommended"]]
    assert "No rule is accepted" in here.said("whatif", "--rules", "accepted")[2]
    before = json.loads((demo / "run.json").read_text())["readiness"]
    shown = out(demo, "decide", "accept", "--all-unflagged", "--reason", "reviewed", NSP_WHO="ada")
    assert all(each["id"] in shown for each in recommended)
    listed = here.json("decide", "list")
    assert {each["id"] for each in listed if each["state"] == "accepted"} == {each["id"] for each in recommended}
    assert {each["state"] for each in listed} == {"accepted", "open"}
    assert {each["who"] for each in listed if each["state"] == "accepted"} == {"ada"}
    accepted = here.json("whatif", "--rules", "accepted", code=3)
    proposed = here.json("whatif", "--rules", "proposed", code=3)
    assert accepted["lost_requests"] == proposed["lost_requests"] > 0
    assert accepted["changes"] == proposed["changes"]
    # what a person answers is no open question any longer
    asked = [each for each in proposals(demo) if each["flags"] or each["kind"] == "cannot-fix"]
    assert any("flagged proposal" in reason or "cannot-fix" in reason for each in before for reason in each["reasons"])
    here.decide("accept", *(each["id"] for each in asked), "-r", "they are ours")
    after = here.json("recommend", code=3)["readiness"]
    assert not any("flagged" in reason or "cannot-fix" in reason for each in after for reason in each["reasons"])
    (demo / "policy.toml").write_text("")
    checked = here.json("recommend", "--check", "--rules", "accepted")
    rules = [each for each in proposals(demo) if each["recommended"] or (each["flags"] and each["elements"])]
    in_force = here.json("recommend", "--check")["elements"]
    assert checked["elements"] == in_force + sum(len(each["elements"]) for each in rules)


def test_a_trail_of_all_kinds_and_its_undoing(desk: Here) -> None:
    flagged = next(each["id"] for each in proposals(desk.folder) if each["flags"] and each["elements"])
    note = one(desk.folder, kind="cannot-fix")["id"]
    address = next(each for each in proposals(desk.folder) if each["elements"][:1] == ["203.0.113.128/26"])["id"]
    assert "Say why you accept" in desk.refused("accept", flagged, "--from", "run.json")
    assert "acknowledged" in desk.decide("accept", note)
    desk.decide("accept", flagged[:4], "--reason", "the month-end job", "--expires", "30d")
    desk.decide("edit", address, "-e", "203.0.113.128/27, 203.0.113.160/28", "-r", "the new agents")
    desk.decide("defer", flagged, "--until", "2099-01-01")
    found = desk.states()
    assert [found[each]["state"] for each in (note, flagged, address)] == ["acknowledged", "deferred", "edited"]
    assert found[address]["elements"] == ["203.0.113.128/27", "203.0.113.160/28"]
    assert found[flagged]["expires"] == "2099-01-01T00:00:00Z"
    assert "undone" in desk.out("decide", "undo", flagged)
    assert desk.states()[flagged]["state"] == "accepted"
    desk.decide("reject", flagged, "-r", "it left")
    assert desk.states()[flagged]["state"] == "rejected"
    trail = desk.trail()
    assert [each["action"] for each in trail] == ["accept", "accept", "edit", "defer", "undo", "reject"]
    assert trail[2]["proposal"] == next(each for each in proposals(desk.folder) if each["id"] == address)
    mine = desk.json("decide", "log", "--proposal", flagged[:5])
    assert [each["sequence"] for each in mine] == [2, 4, 5, 6]
    assert "the month-end job" in desk.out("decide", "log")
    assert pl.read_csv(desk.out("decide", "log", "-f", "csv").encode()).height == 6
    assert nsp(desk.folder, "decide", "log", "-f", "parquet").stdout.startswith(b"PAR1")
    assert desk.decide("list", "--state", "rejected", "-f", "csv").count("\n") == 2


def test_all_unflagged_leaves_what_people_decided_alone(desk: Here) -> None:
    first, second, third, *_ = [each["id"] for each in proposals(desk.folder) if each["recommended"]]
    desk.decide("reject", first, "-r", "not ours")
    desk.decide("defer", second)
    desk.decide("accept", "--all-unflagged", "--profile", "nobody")
    assert desk.states()[third]["state"] == "open"
    desk.decide("accept", "--all-unflagged")
    found = desk.states()
    assert [found[each]["state"] for each in (first, second, third)] == ["rejected", "deferred", "accepted"]
    count = len(desk.trail())
    desk.decide("accept", "--all-unflagged")
    desk.decide("accept", third)
    assert len(desk.trail()) == count, "what stands is not said again"


def test_a_note_that_is_about_much_more_has_to_be_acknowledged_again(desk: Here) -> None:
    note = one(desk.folder, kind="cannot-fix")
    desk.decide("accept", note["id"])
    desk.decide("accept", note["id"])
    assert len(desk.trail()) == 1
    run = json.loads((desk.folder / "run.json").read_text())
    for each in run["proposals"]:
        each["evidence"]["callers"] *= 2
    (desk.folder / "run.json").write_text(json.dumps(run))
    assert desk.states()[note["id"]]["state"] == "open"
    desk.decide("accept", note["id"])
    assert desk.states()[note["id"]]["state"] == "acknowledged"
    assert len(desk.trail()) == 2


def test_wrong_words_record_nothing(desk: Here) -> None:
    address = one(desk.folder, kind="address-prefixes")["id"]
    note = one(desk.folder, kind="cannot-fix")["id"]
    run = ("--from", "run.json")
    for words, message in (
        (("accept", *run), "or say --all-unflagged"),
        (("accept", address, "--all-unflagged", *run), "or say --all-unflagged"),
        (("accept", address[:3], *run), "too short"),
        (("accept", "ffffffffffff", *run), "nsp decide list"),
        (("accept", address, "ffffffffffff", *run), "nsp decide list"),
        (("accept", address, "--expires", "2020-01-01", *run), "is past"),
        (("accept", address, "--expires", "soon", *run), "no time"),
        (("accept", address, "--until", "2099-01-01", *run), "with --expires"),
        (("accept", address, "--expires", "9999w", *run), ""),
        (("accept", address, "--who", " ", *run), "name yourself"),
        (("accept", address, "-r", "x" * 2001, *run), "at most 2,000"),
        (("accept", address, "--from", "nowhere.json"), "can't be read"),
        (("reject", address, *run), "Say why"),
        (("edit", address, "-e", "203.0.113.7/24", "-r", "why", *run), "did you mean 203.0.113.0/24"),
        (("edit", address, "-e", "0.0.0.0/0", "-r", "why", *run), "every IPv4 address"),
        (("edit", address, "-e", "10.0.0.0/24", "-r", "why", *run), "private"),
        (("edit", address, "-e", ",", "-r", "why", *run), "name the elements"),
        (("edit", note, "-e", "203.0.113.7", "-r", "why", *run), "is a note"),
        (("undo", address), "so there is nothing to undo"),
        (("log", "--proposal", address), "No proposal's id begins with"),
        (("list", "--state", "opne", *run), "There are: open"),
        (("apply", "no.yaml", *run), "can't be read"),
    ):
        if message:
            assert message in desk.refused(*words), words
    assert not (desk.folder / ".nsp").exists()
    assert "There is no warehouse" in desk.refused("list", code=1)


@pytest.mark.parametrize("source", ["run made now", "saved run", "file in git"])
def test_an_edit_that_leaves_out_those_it_was_proposed_for_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    here = Here(tmp_path, capsys)
    with open_store(tmp_path / ".nsp") as store:
        ready.fill(store, tmp_path)
        found = ready.run(store)
    (tmp_path / "run.json").write_text(json.dumps(found.as_json()))
    named = ready.of(found)[ready.SECOND]["id"]
    saved = ("--from", "run.json") if source == "saved run" else ()

    def edit(elements: str) -> str:
        (tmp_path / "d.yaml").write_text(
            f"decisions:\n  - {{id: {named}, action: edit, elements: [{elements}], reason: a typo}}\n"
        )
        words = ("edit", named, "-e", elements, "-r", "a typo", *saved)
        code, _, message = here.said("decide", *(("apply", "d.yaml") if source == "file in git" else words))
        assert code == 0
        return message

    assert f"{named}: of 1 that it was proposed for, the edited rule doesn't admit 1: {ready.SECOND}." in edit(
        "20.60.1.8/32"
    )
    assert "doesn't admit" not in edit("20.60.1.0/28")
    reasons = here.json("recommend", code=3)["readiness"][0]["reasons"]
    assert not any("your decisions" in each for each in reasons)


def test_an_edit_of_a_saved_run_counts_the_callers_that_the_run_does_not_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Here(tmp_path, capsys)
    named = [f"203.0.113.{number}" for number in range(20)]
    rule = some.proposal("203.0.113.0/26", evidence=some.evidence(callers=64) | {"examples": named})
    (tmp_path / "run.json").write_text(json.dumps(json.loads(GOLDEN.read_bytes()) | {"proposals": [rule]}))
    words = ("edit", rule["id"], "-e", "203.0.113.32/27", "-r", "smaller", "--from", "run.json")
    code, _, message = here.said("decide", *words)
    assert code == 0, message
    assert "of the first 20 of 64 that it was proposed for, the edited rule doesn't admit 20: " in message


def test_accepting_more_than_azure_takes_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = Here(tmp_path, capsys)
    office = [f"198.51.{number}.1/32" for number in range(130)]
    with open_store(tmp_path / ".nsp") as store:
        ready.fill(
            store, tmp_path, (ready.FIRST,), {"name": "office", "direction": "Inbound", "addressPrefixes": office}
        )
        found = ready.run(store)
    proposed = ready.of(found)[ready.FIRST]
    many = [some.proposal(*(f"20.{net}.{number}.1/32" for number in range(70)), profile="apps") for net in (70, 80, 90)]
    (tmp_path / "run.json").write_text(json.dumps(found.as_json() | {"proposals": many}))
    first, second, third = (each["id"] for each in many)

    def accept(*words: str) -> str:
        code, _, message = here.said("decide", "accept", *words)
        assert code == 0, message
        return message

    assert accept(first, "--from", "run.json") == ""
    told = "p/apps would have 201 inbound elements, where 200 may be: nsp apply will refuse."
    assert told in accept(proposed["id"])
    accept(second, "--from", "run.json")
    assert "would have 211 inbound elements" in accept(third, "--from", "run.json"), "of the accepted alone"
    assert any(
        "elements, where 200 may be" in each for each in here.json("recommend", code=3)["readiness"][0]["reasons"]
    )


def test_a_policy_beside_the_settings_bounds_edits(desk: Here) -> None:
    address = one(desk.folder, kind="address-prefixes")["id"]
    (desk.folder / "policy.toml").write_text("[addresses]\nwidest_v4 = 30\n")
    words = ("edit", address, "-r", "why", "--from", "run.json")
    assert "wider than /30" in desk.refused(*words, "-e", "203.0.113.0/29")
    desk.decide("edit", address, "-r", "why", "-e", "203.0.113.0/30")


def test_a_run_that_was_changed_is_not_decided_on(desk: Here) -> None:
    run = json.loads((desk.folder / "run.json").read_text())
    address = next(each for each in run["proposals"] if each["recommended"] and each["kind"] == "address-prefixes")
    address["elements"] = ["198.51.100.0/24"]
    (desk.folder / "run.json").write_text(json.dumps(run))
    for words in (("accept", "--all-unflagged"), ("list",)):
        assert "was changed after it was made" in desk.refused(*words, "--from", "run.json")
    address["elements"] = ["203.0.113.7/32"]
    address["evidence"]["first_seen"] = None
    (desk.folder / "run.json").write_text(json.dumps(run))
    assert "isn't as nsp recommend" in desk.refused("list", "--from", "run.json")


def test_a_file_in_git_is_applied_once(desk: Here) -> None:
    address, note = one(desk.folder, kind="address-prefixes")["id"], one(desk.folder, kind="cannot-fix")["id"]
    text = f"""decisions:
  - {{id: {address[:5]}, action: edit, elements: [203.0.113.0/28], reason: only these, who: grace}}
  - {{id: {note}, action: accept}}
"""
    (desk.folder / "d.yaml").write_text(text)
    assert "2 of 2 decisions are new" in desk.said("decide", "apply", "d.yaml", "--from", "run.json", "--dry-run")[2]
    assert not (desk.folder / ".nsp").exists()
    desk.decide("apply", "d.yaml")
    code, shown, message = desk.said("decide", "apply", "d.yaml", "--from", "run.json")
    assert (code, shown) == (0, "")
    assert "0 of 2 decisions are new, 2 stand already" in message
    trail = desk.trail()
    assert [(each["proposal_id"], each["who"]) for each in trail] == [(address, "grace"), (note, "ada")]
    (desk.folder / "d.yaml").write_text(text + "  - {id: ffffffff, action: accept}\n")
    assert "d.yaml:4: No proposal's id begins with 'ffffffff'" in desk.refused("apply", "d.yaml", "--from", "run.json")
    desk.decide("apply", "d.yaml", "--skip-unknown")
    (desk.folder / "d.yaml").write_text(text.replace("only these", "\x1b[31m"))
    assert "no YAML" in desk.refused("apply", "d.yaml", "--from", "run.json")


def test_verify_tells_of_a_changed_trail(desk: Here) -> None:
    desk.decide("accept", "--all-unflagged")
    head = desk.out("decide", "verify").splitlines()[-1]
    assert re.fullmatch("[0-9a-f]{64}", head)
    desk.out("decide", "verify", "--head", head)
    assert "cut or rewritten" in desk.out("decide", "verify", "--head", "0" * 64, code=3)
    with closing(sqlite3.connect(desk.folder / ".nsp" / "decisions.sqlite")) as connection:
        connection.execute("drop trigger decision_is_never_changed")
        connection.execute("update decision set who = 'grace' where sequence = 2")
        connection.commit()
    assert "decision 2 was changed" in desk.out("decide", "verify", code=3)


def test_an_expired_rule_is_told(desk: Here, capsys: pytest.CaptureFixture[str]) -> None:
    address = one(desk.folder, kind="address-prefixes")
    desk.decide("accept", address["id"], "--expires", "2099-01-01")
    with logging_to(Log("run")):
        tell_expired(open_decisions(desk.folder / ".nsp").trail(), datetime(2100, 1, 1))
    message = capsys.readouterr().err
    assert "Expired 2099-01-01 00:00" in message
    assert address["id"] in message


def test_hostile_text_is_kept_and_shown_inert(desk: Here) -> None:
    ids = [each["id"] for each in proposals(desk.folder)]
    texts = [each[:200] for each in HOSTILE if "\x00" not in each]  # no command line can carry a NUL
    for identity, text in zip(ids, texts, strict=False):
        desk.out("decide", "defer", identity, "--reason", text, "--who", text, "--from", "run.json")
    trail = desk.trail()
    assert [each["reason"] for each in trail] == [each["who"] for each in trail] == texts[: len(ids)]
    for words in (("log",), ("list", "--from", "run.json")):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e]", desk.out("decide", *words)), words
        exported = desk.out("decide", *words, "-f", "csv")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e]", exported), words
        cells = pl.read_csv(exported.encode(), infer_schema=False)
        assert not [cell for name in ("who", "reason") for cell in cells[name] if re.match(r"\s*[=+\-@＝]", cell or "")]  # noqa: RUF001
    message = desk.refused("edit", ids[0], "-e", "\x1b[31m\u202e", "-r", "why", "--from", "run.json")
    assert message.isascii()


def test_who_decides_while_a_run_is_made_is_not_overruled(desk: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    address = one(desk.folder, kind="address-prefixes")
    read = difference.read

    def read_slowly(path: Path) -> difference.Run:
        choice = Choice("reject", "it left \x1b[31m")
        now = datetime(2026, 11, 2)
        open_decisions(desk.folder / ".nsp").record([entry(address, choice, "grace", now)], now)
        return read(path)

    monkeypatch.setattr(difference, "read", read_slowly)
    message = desk.refused("accept", "--all-unflagged", "--from", "run.json", code=1)
    assert f"{address['id']} was rejected meanwhile by 'grace'" in message
    assert "\x1b" not in message
    assert [each["who"] for each in desk.trail()] == ["grace"]


def test_two_jobs_at_once_each_record_all_or_are_told(desk: Here) -> None:
    def accept(who: str) -> int:
        return nsp(desk.folder, "decide", "accept", "--all-unflagged", "--from", "run.json", NSP_WHO=who).returncode

    with ThreadPoolExecutor(2) as pool:
        codes = sorted(pool.map(accept, ("ada", "grace")))
    trail = desk.trail()
    assert codes in ([0, 0], [0, 1])  # the second came later and had nothing to do, or was told
    assert len({each["who"] for each in trail}) == 1
    assert len(trail) == sum(each["recommended"] for each in proposals(desk.folder))
