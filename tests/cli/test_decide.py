"""nsp decide as people and jobs run it: from a demo to accepted rules, a file in git, and the trail."""

import json
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.cli.test_cli import HOSTILE, nsp, out, told

Run = dict[str, Any]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ./.nsp is a demo, with what a run over it printed as run.json."""
    folder = tmp_path_factory.mktemp("demo")
    out(folder, "--store", ".nsp", "demo", "--records", "20000")
    (folder / "run.json").write_text(out(folder, "recommend", "-f", "json", code=3))
    return folder


@pytest.fixture
def desk(demo: Path, tmp_path: Path) -> Path:
    """A folder with the run and no decisions; there is no warehouse, and none is needed."""
    (tmp_path / "run.json").write_bytes((demo / "run.json").read_bytes())
    return tmp_path


def proposals(folder: Path) -> list[Run]:
    run: Run = json.loads((folder / "run.json").read_text())
    return list(run["proposals"])


def one(folder: Path, **wanted: Any) -> Run:
    """The first proposal that is as wanted."""
    return next(each for each in proposals(folder) if all(each[name] == value for name, value in wanted.items()))


def decide(folder: Path, *words: str, code: int = 0) -> str:
    return out(folder, "decide", *words, "--from", "run.json", code=code, NSP_WHO="ada")


def refused(folder: Path, *words: str, code: int = 2) -> str:
    return told(folder, "decide", *words, code=code)


def states(folder: Path) -> dict[str, Run]:
    return {each["id"]: each for each in json.loads(decide(folder, "list", "-f", "json"))}


def test_from_a_demo_to_accepted_rules(demo: Path) -> None:
    recommended = [each for each in proposals(demo) if each["recommended"]]
    assert "No rule is accepted" in told(demo, "whatif", "--rules", "accepted", code=2)
    before = json.loads((demo / "run.json").read_text())["readiness"]
    shown = out(demo, "decide", "accept", "--all-unflagged", "--reason", "reviewed", NSP_WHO="ada")
    assert all(each["id"] in shown for each in recommended)
    listed = json.loads(out(demo, "decide", "list", "-f", "json"))
    assert {each["id"] for each in listed if each["state"] == "accepted"} == {each["id"] for each in recommended}
    assert {each["state"] for each in listed} == {"accepted", "open"}
    assert {each["who"] for each in listed if each["state"] == "accepted"} == {"ada"}
    accepted = json.loads(out(demo, "whatif", "--rules", "accepted", "-f", "json", code=3))
    proposed = json.loads(out(demo, "whatif", "--rules", "proposed", "-f", "json", code=3))
    assert accepted["lost_requests"] == proposed["lost_requests"] > 0
    assert accepted["changes"] == proposed["changes"]
    # what a person answers is no open question any longer
    asked = [each for each in proposals(demo) if each["flags"] or each["kind"] == "cannot-fix"]
    assert any("flagged proposal" in reason or "cannot-fix" in reason for each in before for reason in each["reasons"])
    out(demo, "decide", "accept", *(each["id"] for each in asked), "-r", "they are ours", NSP_WHO="ada")
    after = json.loads(out(demo, "recommend", "-f", "json", code=3))["readiness"]
    assert not any("flagged" in reason or "cannot-fix" in reason for each in after for reason in each["reasons"])
    (demo / "policy.toml").write_text("")
    checked = json.loads(out(demo, "recommend", "--check", "--rules", "accepted", "-f", "json"))
    rules = [each for each in proposals(demo) if each["recommended"] or (each["flags"] and each["elements"])]
    in_force = json.loads(out(demo, "recommend", "--check", "-f", "json"))["elements"]
    assert checked["elements"] == in_force + sum(len(each["elements"]) for each in rules)


def test_a_trail_of_all_kinds_and_its_undoing(desk: Path) -> None:
    flagged = next(each["id"] for each in proposals(desk) if each["flags"] and each["elements"])
    note = one(desk, kind="cannot-fix")["id"]
    address = next(each for each in proposals(desk) if each["elements"][:1] == ["203.0.113.128/26"])["id"]
    assert "Say why you accept" in refused(desk, "accept", flagged, "--from", "run.json")
    assert "acknowledged" in decide(desk, "accept", note)
    decide(desk, "accept", flagged[:4], "--reason", "the month-end job", "--expires", "30d")
    decide(desk, "edit", address, "-e", "203.0.113.128/27, 203.0.113.160/28", "-r", "the new agents")
    decide(desk, "defer", flagged, "--until", "2099-01-01")
    found = states(desk)
    assert [found[each]["state"] for each in (note, flagged, address)] == ["acknowledged", "deferred", "edited"]
    assert found[address]["elements"] == ["203.0.113.128/27", "203.0.113.160/28"]
    assert found[flagged]["expires"] == "2099-01-01T00:00:00Z"
    assert "undone" in out(desk, "decide", "undo", flagged)
    assert states(desk)[flagged]["state"] == "accepted"
    decide(desk, "reject", flagged, "-r", "it left")
    assert states(desk)[flagged]["state"] == "rejected"
    trail = json.loads(out(desk, "decide", "log", "-f", "json"))
    assert [each["action"] for each in trail] == ["accept", "accept", "edit", "defer", "undo", "reject"]
    assert trail[2]["proposal"] == next(each for each in proposals(desk) if each["id"] == address)
    mine = json.loads(out(desk, "decide", "log", "--proposal", flagged[:5], "-f", "json"))
    assert [each["sequence"] for each in mine] == [2, 4, 5, 6]
    assert "the month-end job" in out(desk, "decide", "log")
    assert pl.read_csv(out(desk, "decide", "log", "-f", "csv").encode()).height == 6
    assert nsp(desk, "decide", "log", "-f", "parquet").stdout.startswith(b"PAR1")
    assert decide(desk, "list", "--state", "rejected", "-f", "csv").count("\n") == 2


def test_all_unflagged_leaves_what_people_decided_alone(desk: Path) -> None:
    first, second, third, *_ = [each["id"] for each in proposals(desk) if each["recommended"]]
    decide(desk, "reject", first, "-r", "not ours")
    decide(desk, "defer", second)
    decide(desk, "accept", "--all-unflagged", "--profile", "nobody")
    assert states(desk)[third]["state"] == "open"
    decide(desk, "accept", "--all-unflagged")
    found = states(desk)
    assert [found[each]["state"] for each in (first, second, third)] == ["rejected", "deferred", "accepted"]
    count = len(json.loads(out(desk, "decide", "log", "-f", "json")))
    decide(desk, "accept", "--all-unflagged")
    decide(desk, "accept", third)
    assert len(json.loads(out(desk, "decide", "log", "-f", "json"))) == count, "what stands is not said again"


def test_wrong_words_record_nothing(desk: Path) -> None:
    address = one(desk, kind="address-prefixes")["id"]
    note = one(desk, kind="cannot-fix")["id"]
    run = ("--from", "run.json")
    for words, message in (
        (("accept", *run), "or say --all-unflagged"),
        (("accept", address, "--all-unflagged", *run), "or say --all-unflagged"),
        (("accept", address[:3], *run), "too short"),
        (("accept", "ffffffffffff", *run), "nsp decide list"),
        (("accept", address, "ffffffffffff", *run), "nsp decide list"),
        (("accept", address, "--expires", "2020-01-01", *run), "is past"),
        (("accept", address, "--expires", "soon", *run), "no time"),
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
        (("undo", address), "No proposal's id begins with"),
        (("log", "--proposal", address), "No proposal's id begins with"),
        (("list", "--state", "opne", *run), "There are: open"),
        (("apply", "no.yaml", *run), "can't be read"),
    ):
        if message:
            assert message in refused(desk, *words), words
    assert not (desk / ".nsp").exists()
    assert "There is no warehouse" in refused(desk, "list", code=1)


def test_a_policy_beside_the_settings_bounds_edits(desk: Path) -> None:
    address = one(desk, kind="address-prefixes")["id"]
    (desk / "policy.toml").write_text("[addresses]\nwidest_v4 = 30\n")
    words = ("edit", address, "-r", "why", "--from", "run.json")
    assert "wider than /30" in refused(desk, *words, "-e", "203.0.113.0/29")
    decide(desk, "edit", address, "-r", "why", "-e", "203.0.113.0/30")


def test_a_run_that_was_changed_is_not_decided_on(desk: Path) -> None:
    run = json.loads((desk / "run.json").read_text())
    address = next(each for each in run["proposals"] if each["recommended"] and each["kind"] == "address-prefixes")
    address["elements"] = ["198.51.100.0/24"]
    (desk / "run.json").write_text(json.dumps(run))
    assert "was changed after it was made" in refused(desk, "accept", "--all-unflagged", "--from", "run.json")


def test_a_file_in_git_is_applied_once(desk: Path) -> None:
    address, note = one(desk, kind="address-prefixes")["id"], one(desk, kind="cannot-fix")["id"]
    text = f"""decisions:
  - {{id: {address[:5]}, action: edit, elements: [203.0.113.0/28], reason: only these, who: grace}}
  - {{id: {note}, action: accept}}
"""
    (desk / "d.yaml").write_text(text)
    assert (
        "2 of 2 decisions are new"
        in nsp(desk, "decide", "apply", "d.yaml", "--from", "run.json", "--dry-run").stderr.decode()
    )
    assert not (desk / ".nsp").exists()
    decide(desk, "apply", "d.yaml")
    again = nsp(desk, "decide", "apply", "d.yaml", "--from", "run.json")
    assert (again.returncode, again.stdout) == (0, b"")
    assert "0 of 2 decisions are new, 2 stand already" in again.stderr.decode()
    trail = json.loads(out(desk, "decide", "log", "-f", "json"))
    assert [(each["proposal_id"], each["who"]) for each in trail] == [(address, "grace"), (note, "ada")]
    (desk / "d.yaml").write_text(text + "  - {id: ffffffff, action: accept}\n")
    assert "d.yaml:4: No proposal's id begins with 'ffffffff'" in refused(desk, "apply", "d.yaml", "--from", "run.json")
    decide(desk, "apply", "d.yaml", "--skip-unknown")
    (desk / "d.yaml").write_text(text.replace("only these", "'\u202e\\x1b[31m'"))
    assert "d.yaml:2" in refused(desk, "apply", "d.yaml", "--from", "run.json")


def test_verify_tells_of_a_changed_trail(desk: Path) -> None:
    decide(desk, "accept", "--all-unflagged")
    head = out(desk, "decide", "verify").splitlines()[-1]
    assert re.fullmatch("[0-9a-f]{64}", head)
    out(desk, "decide", "verify", "--head", head)
    assert "cut or rewritten" in out(desk, "decide", "verify", "--head", "0" * 64, code=3)
    with closing(sqlite3.connect(desk / ".nsp" / "decisions.sqlite")) as connection:
        connection.execute("drop trigger decision_is_never_changed")
        connection.execute("update decision set who = 'grace' where sequence = 2")
        connection.commit()
    assert "decision 2 was changed" in out(desk, "decide", "verify", code=3)


def test_an_expired_rule_is_told(desk: Path) -> None:
    address = one(desk, kind="address-prefixes")
    decide(desk, "accept", address["id"], "--expires", "2099-01-01")
    code = (
        "from datetime import datetime; from pathlib import Path; from pipeline.cli.candidate import tell_expired; "
        "from pipeline.review.decisions import open_decisions; "
        "tell_expired(open_decisions(Path('.nsp')).trail(), datetime(2100, 1, 1))"
    )
    message = subprocess.run([sys.executable, "-c", code], cwd=desk, capture_output=True, text=True, check=True).stderr
    assert "Expired 2099-01-01 00:00" in message
    assert address["id"] in message


def test_hostile_text_is_kept_and_shown_inert(desk: Path) -> None:
    ids = [each["id"] for each in proposals(desk)]
    texts = [each[:200] for each in HOSTILE if "\x00" not in each]  # no command line can carry a NUL
    for identity, text in zip(ids, texts, strict=False):
        out(desk, "decide", "defer", identity, "--reason", text, "--who", text, "--from", "run.json")
    trail = json.loads(out(desk, "decide", "log", "-f", "json"))
    assert [each["reason"] for each in trail] == [each["who"] for each in trail] == texts[: len(ids)]
    for words in (("log",), ("list", "--from", "run.json")):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e]", out(desk, "decide", *words)), words
        exported = out(desk, "decide", *words, "-f", "csv")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e]", exported), words
        cells = pl.read_csv(exported.encode(), infer_schema=False)
        assert not [cell for name in ("who", "reason") for cell in cells[name] if re.match(r"\s*[=+\-@＝]", cell or "")]  # noqa: RUF001
    message = refused(desk, "edit", ids[0], "-e", "\x1b[31m\u202e", "-r", "why", "--from", "run.json")
    assert message.isascii()


def test_two_jobs_at_once_each_record_all_or_are_told(desk: Path) -> None:
    def accept(who: str) -> int:
        return nsp(desk, "decide", "accept", "--all-unflagged", "--from", "run.json", NSP_WHO=who).returncode

    with ThreadPoolExecutor(2) as pool:
        codes = sorted(pool.map(accept, ("ada", "grace")))
    trail = json.loads(out(desk, "decide", "log", "-f", "json"))
    assert codes in ([0, 0], [0, 1])  # the second came later and had nothing to do, or was told
    assert len({each["who"] for each in trail}) == 1
    assert len(trail) == sum(each["recommended"] for each in proposals(desk))
