"""The whole way with the command itself: pull, ingest, decide, plan, apply, enforce, verify, roll back."""

import contextlib
import io
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.connector import _SSL_CONTEXT_VERIFIED

from pipeline.cli import main
from pipeline.publish.record import Record
from tests.publish.world import ASSOCIATION, PERIMETER, PROFILE, RULES, STORAGE, World, item
from tests.services.resource_manager import IDENTITY, refused

CALLER, OTHER, NEW = "203.0.113.7", "203.0.113.99", "203.0.113.200"
HOSTILE = "\x1b[31m=cmd|' /C calc'!A0<script>alert(1)</script>\u202e$(reboot)"


@dataclass
class Done:
    stdout: str
    stderr: str


class Nsp:
    """The command, in this process, signed in by the managed identity of an App Service."""

    def __init__(self, there: World) -> None:
        self._folder = there.folder

    def __call__(self, *words: str, code: int = 0) -> Done:
        out, err, ended = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(["--store", str(self._folder), *words])
            except SystemExit as end:
                ended = int(end.code or 0)
        done = Done(out.getvalue(), err.getvalue())
        assert ended == code, (words, ended, done)
        assert not {"\x1b", "\u202e"} & set(done.stdout + done.stderr)
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--format", "json", code=code).stdout)


def record(moment: datetime, address: str, category: str, **more: Any) -> str:
    return json.dumps(
        {
            "time": moment.isoformat() + "Z",
            "count": 3,
            "resourceId": PERIMETER.upper(),
            "location": "westeurope",
            "operationName": "GetBlob",
            "category": category,
            "properties": {
                "serviceResourceId": STORAGE, "profile": "Apps", "matchedRule": {"accessRule": "DefaultDenyAll"},
                "accessRulesVersion": "4", "source": {"ipAddress": address, "protocol": "HTTPS:TCP", **more},
            },
        }
    ) + "\n"  # fmt: skip


@pytest.fixture
def nsp(there: World, monkeypatch: pytest.MonkeyPatch) -> Nsp:
    for key in os.environ:
        if key.startswith(("NSP_", "AZURE_", "IDENTITY_")):
            monkeypatch.delenv(key)
    environment = {
        "NSP_AZURE_RESOURCE_MANAGER": there.azure.url,
        "NSP_AZURE_AUTH": "managed-identity",
        "NSP_WHO": "ada",
        "IDENTITY_ENDPOINT": f"{there.azure.url}{IDENTITY}",
        "IDENTITY_HEADER": "secret",
    }
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    # what SSL_CERT_FILE would do, had it been set when the client was imported
    _SSL_CONTEXT_VERIFIED.load_verify_locations(there.azure.certificate)
    return Nsp(there)


def past(folder: Path, now: datetime) -> Path:
    """40 days of one steady caller, up to now."""
    folder.mkdir(exist_ok=True)
    days = [now - timedelta(days=day, hours=2) for day in range(40)]
    category = "NspPublicInboundResourceRulesAllowed"
    (folder / "PT1H.json").write_text("".join(record(day, CALLER, category) for day in days))
    return folder


def test_proposals_come_on_top_of_what_was_applied_before(there: World, nsp: Nsp, tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    nsp("inventory", "pull", "--perimeter", PERIMETER, code=5)
    export = past(tmp_path / "export", now)
    nsp("ingest", "folder", str(export))
    foreign = there.rules().keys()
    nsp("apply", "--rules", "proposed", "--yes")
    first = there.rules().keys() - foreign
    assert len(first) == 1
    nsp("inventory", "pull", "--perimeter", PERIMETER, code=5)
    days = [now - timedelta(days=day, hours=2) for day in range(40)]
    for number, address in enumerate((NEW, OTHER)):
        lines = [record(day, address, "NspPublicInboundResourceRulesAllowed") for day in days]
        (export / f"{number}.json").write_text("".join(lines))
    nsp("ingest", "folder", str(export))
    found = nsp.json("recommend")
    (tmp_path / "run.json").write_text(json.dumps(found))
    unwanted = next(each for each in found["proposals"] if f"{OTHER}/32" in each["elements"])
    nsp("decide", "reject", unwanted["id"], "--reason", "gone soon")
    for source in ("proposed", str(tmp_path / "run.json")):
        plan = nsp.json("apply", "--rules", source, code=3)
        assert [each["action"] for each in plan["steps"]] == ["create"]
        assert "1 rejected" in nsp("apply", "--rules", source, code=3).stderr
    nsp("apply", "--rules", "proposed", "--yes")
    applied = there.rules().keys() - foreign
    assert first < applied
    assert len(applied) == 2
    told = nsp("export", "terraform", "--rules", str(tmp_path / "run.json"), "-o", str(tmp_path / "rules.tf")).stderr
    assert "come on top" in told


def test_the_whole_way(there: World, nsp: Nsp, tmp_path: Path) -> None:  # noqa: PLR0915 -- it is long
    now = datetime.now(UTC).replace(tzinfo=None)
    assert "nsp inventory pull" in nsp("apply", "--plan", code=4).stderr
    nsp("inventory", "pull", "--perimeter", PERIMETER, code=5)  # the resource itself isn't there to be asked
    nsp("ingest", "folder", str(past(tmp_path / "export", now)))
    assert "No rule is accepted" in nsp("apply").stderr
    (proposal,) = [each for each in nsp.json("recommend")["proposals"] if each["elements"]]
    nsp("decide", "accept", proposal["id"], "--reason", f"the branch {HOSTILE}")

    plan = nsp.json("apply", "--plan", code=3)
    assert [each["action"] for each in plan["steps"]] == ["create"]
    assert plan["refused"] is False
    assert {each["finding"] for each in plan["rules"]} == {"create", "foreign"}
    told = nsp("apply", code=3)
    assert "+ create" in told.stdout
    assert "of others, never touched: 4 (6 elements)" in told.stdout
    assert there.azure.writes == []

    closed = nsp("enforce", "docs", code=3)
    assert "NOT READY" in closed.stdout
    assert "would be denied" in closed.stdout.replace("\n", " ")

    done = nsp("apply", "--yes")
    assert "done: create" in done.stderr
    (name,) = [name for name in there.rules() if name.startswith("nsp-")]
    assert there.prefixes(name) == {f"{CALLER}/32"}
    assert nsp.json("apply", "--yes")["steps"] == []
    (begin, *_) = Record(there.folder).entries()
    assert begin["by"] == "ada"
    assert begin["prediction"]["losses"] == []

    nsp("inventory", "pull", "--perimeter", PERIMETER, code=5)
    assert nsp.json("verify")["findings"] == []
    gate = nsp.json("enforce", "docs", code=3)["associations"][0]
    assert (gate["ready"], gate["reasons"]) == (True, [])
    other = json.loads(json.dumps(ASSOCIATION).replace("/docs", "/keys"))
    there.azure.add([other])
    assert "keys is associated" in nsp("enforce", "docs", "--yes", code=3).stdout.replace("\n", " ")
    there.azure.forget(other["id"])
    enforced = nsp("enforce", "docs", "--yes")
    assert "done: Learning -> Enforced" in enforced.stderr
    assert there.azure.items[f"{PERIMETER}/resourceAssociations/docs".lower()]["properties"]["accessMode"] == "Enforced"

    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=5)
    denied = "NspPublicInboundPerimeterRulesDenied"
    some = [record(later, CALLER, denied), record(later, OTHER, denied), record(later, NEW, denied, appId=HOSTILE)]
    (tmp_path / "export" / "later.json").write_text("".join(some))
    nsp("ingest", "folder", str(tmp_path / "export"))
    there.azure.add([item(name, addressPrefixes=["0.0.0.0/0"])])
    nsp("inventory", "pull", "--perimeter", PERIMETER, code=5)
    found = nsp.json("verify", code=3)["findings"]
    kinds = {each["kind"] for each in found}
    assert {"denied-newcomer", "denied-strangers", "drift"} <= kinds
    assert kinds & {"denied-unexpected", "denied-settled"}
    assert {each["kind"] for each in nsp.json("verify", "--live", code=3)["findings"]} == kinds
    nsp("verify", code=3)
    nsp("verify", "--format", "csv", code=3)

    assert "--accept-drift" in nsp("apply", code=3).stdout.replace("\n", " ")
    path = next(line for line in done.stderr.splitlines() if "nsp rollback" in line)
    path = done.stderr.replace("\n", "").partition("nsp rollback ")[2].split(".json")[0] + ".json"
    assert "Somebody changed since" in nsp("rollback", path, code=3).stderr
    assert nsp("rollback", path, "--plan", "--accept-drift", code=3).stdout
    nsp("rollback", path, "--accept-drift")
    assert there.prefixes(name) is None
    mode = enforced.stderr.replace("\n", "").partition("nsp rollback ")[2].split(".json")[0] + ".json"
    assert "Enforced -> Learning" in nsp("rollback", mode, "--plan", code=3).stdout
    nsp("rollback", mode)
    assert there.azure.items[f"{PERIMETER}/resourceAssociations/docs".lower()]["properties"]["accessMode"] == "Learning"


def test_a_failure_halfway_and_hostile_names(there: World, nsp: Nsp, tmp_path: Path) -> None:
    nsp("inventory", "pull", "--perimeter", PERIMETER, code=5)
    rules = [
        {"id": f"{PROFILE}/accessRules/{name}", "name": name,
         "properties": {"direction": "Inbound", "addressPrefixes": [f"192.0.2.{number}/32"]}}
        for number, name in enumerate(["one", "two"])
    ]  # fmt: skip
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"accessRules": rules}))
    # what Azure tells is other people's text
    there.azure.add([{**item("x", addressPrefixes=["192.0.2.200/32"]), "name": HOSTILE}])
    there.azure.choose_write = lambda _, place, __: refused(403) if place.endswith("two") else None
    stopped = nsp("apply", "--yes", "--rules", str(path), code=5)
    assert "1 of 2 steps are done" in stopped.stderr.replace("\n", " ")
    assert "not done: create Apps/two" in stopped.stderr
    assert (f"{RULES}/one" in there.azure.items, f"{RULES}/two" in there.azure.items) == (True, False)
    there.azure.choose_write = lambda *_: None
    assert "was cut short" in nsp("apply", "--rules", str(path), code=3).stdout
    whole = nsp.json("apply", "--yes", "--rules", str(path))
    assert whole["outcome"]["not_done"] == []
    there.azure.choose = lambda *_: refused(403)
    assert "The role Reader" in nsp("apply", "--rules", str(path), code=4).stderr.replace("\n", " ")
    assert nsp("apply", "--plan", "--yes", code=2).stderr
    assert nsp("apply", "--format", "csv", code=2).stderr
    assert nsp("rollback", str(path), code=1).stderr
    assert nsp("enforce", "nowhere", code=2).stderr


def test_the_policy_stands_against_rules(there: World, nsp: Nsp, tmp_path: Path) -> None:
    nsp("inventory", "pull", "--perimeter", PERIMETER, code=5)
    rule = {"id": f"{PROFILE}/accessRules/wide", "name": "wide",
            "properties": {"direction": "Inbound", "addressPrefixes": ["10.0.0.0/8"]}}  # fmt: skip
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"accessRules": [rule]}))
    (tmp_path / "nsp.toml").write_text("")
    (tmp_path / "policy.toml").write_text("[addresses]\nwidest_v4 = 16\n")
    done = nsp("--config", str(tmp_path / "nsp.toml"), "apply", "--yes", "--rules", str(path), code=3)
    assert "Refused: The policy (addresses.widest_v4) stands against wide" in done.stdout
    (tmp_path / "policy.toml").rename(tmp_path / "bounds.toml")
    words = ("apply", "--rules", str(path), "--policy", str(tmp_path / "bounds.toml"))
    assert "stands against wide" in nsp(*words, code=3).stdout
    assert there.azure.writes == []
