"""The nightly as a scheduler runs it: what it leaves, what it tells, and how it ends."""

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.cli import main
from pipeline.errors import NotifyError
from pipeline.nightly import kept, lock, notify
from pipeline.publish.record import MODE, RULES, Record
from tests.conftest import PERIMETER, STORAGE, line

ROOT = Path(__file__).parent.parent.parent
GUID = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000001"
HOSTILE = "\x1b[31m=cmd|'/C calc'!A0\u202e<script>alert(1)</script>"


@dataclass
class Ended:
    code: int
    stdout: str
    stderr: str


class Nsp:
    """The command in this process, with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.store, self.export = folder / "store", folder / "export"
        self.export.mkdir()
        self.day(1, "203.0.113.7")

    def day(self, number: int, *addresses: str, **fields: Any) -> None:
        """Add a day of logs, with a record of each caller."""
        made = [
            line(time=f"2026-10-{number:02}T05:00:00Z", properties__source__ipAddress=each, **fields)
            for each in addresses
        ]
        (self.export / f"{number}.json").write_text("".join(made))

    def __call__(self, *words: str) -> Ended:
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(["--store", str(self.store), *words])
            except SystemExit as end:
                code = int(end.code or 0)
        assert not {"\x1b", "\u202e"} & set(out.getvalue() + err.getvalue())
        return Ended(code, out.getvalue(), err.getvalue())

    def night(self, *words: str, code: int) -> dict[str, Any]:
        """Run a nightly; return its line of the record."""
        ended = self("nightly", "--folder", str(self.export), "--format", "json", *words)
        assert ended.code == code, ended
        entry = json.loads(ended.stdout)
        assert kept.entries(self.store)[-1] == {"schema_version": 1, **entry}
        assert entry["exit_code"] == code
        return dict(entry)


@pytest.fixture
def nsp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nsp:
    for name in os.environ:
        if name.startswith(("NSP_", "AZURE_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return Nsp(tmp_path)


def step(entry: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in entry["steps"] if each["name"] == name]
    return dict(found)


def test_nights_tell_what_is_new_and_only_that(nsp: Nsp, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    notify = ("--notify-command", f"tee '{told}'")
    first = nsp.night(*notify, code=3)
    assert [(each["name"], each["status"]) for each in first["steps"]] == [
        ("ingest-folder", "done"), ("ingest-blob", "skipped"), ("ingest-workspace", "skipped"),
        ("inventory", "skipped"), ("retention", "skipped"), ("recommend", "attention"), ("verify", "skipped"),
        ("report", "done"), ("notify", "skipped"),
    ]  # fmt: skip
    assert step(first, "ingest-folder")["counts"]["records"] == 1
    assert first["changes"]["since"] is None
    assert not told.exists(), "the first night has nothing to compare with"
    found = json.loads((nsp.store / first["found"]).read_text())
    asked = json.loads(nsp("recommend", "--format", "json").stdout)
    assert found["proposals"] == asked["proposals"]
    assert found["readiness"] == asked["readiness"]
    assert "203.0.113.7" in (nsp.store / "report.html").read_text()

    quiet = nsp.night(*notify, code=3)
    assert step(quiet, "ingest-folder")["counts"] == {
        "loaded": 0, "unchanged": 1, "records": 0, "rejected": 0, "failed": 0
    }  # fmt: skip
    assert not told.exists(), "a quiet night tells nobody"

    nsp.day(2, "192.0.2.99", operationName=HOSTILE)
    third = nsp.night(*notify, code=3)
    message = json.loads(told.read_text())
    assert message["text"] == "nsp nightly: 1 new would-be denials"
    assert message["run"] == third["id"]
    (denial,) = message["changes"]["new_denials"]
    assert (denial["direction"], denial["elements"]) == ("Inbound", ["192.0.2.99/32"])
    assert message["changes"]["since"] == quiet_time(nsp, quiet)
    assert told.read_text().isascii()
    assert len(told.read_bytes()) < 4000
    assert "192.0.2.99" in (nsp.store / "report.html").read_text()


def quiet_time(nsp: Nsp, entry: dict[str, Any]) -> str:
    return str(json.loads((nsp.store / entry["found"]).read_text())["run"]["created"])


def test_a_failed_step_leaves_the_rest_usable(nsp: Nsp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    monkeypatch.setenv("NSP_INVENTORY_SUBSCRIPTION", GUID)
    monkeypatch.setenv("NSP_AZURE_AUTH", "environment")  # of which nothing is set: nobody is signed in
    (nsp.export / "2.json").write_text("no json\n")
    entry = nsp.night("--notify-command", f"tee '{told}'", code=4)
    assert step(entry, "ingest-folder")["status"] == "partial"
    inventory = step(entry, "inventory")
    assert (inventory["status"], inventory["code"]) == ("failed", 4)
    assert "AZURE_TENANT_ID" in inventory["error"]
    assert step(entry, "recommend")["counts"]["proposals"] == 1
    assert step(entry, "report")["status"] == "done"
    message = json.loads(told.read_text())
    assert [each["name"] for each in message["failed_steps"]] == ["ingest-folder", "inventory"]
    assert message["exit_code"] == 4
    monkeypatch.setenv("NSP_INGEST_FOLDER", "gone")
    ended = nsp("nightly", "--format", "json")
    assert ended.code == 1, "a source that isn't there is graver than Azure"
    assert "inventory failed" in ended.stderr
    shown = json.loads(nsp("status", "--format", "json").stdout)
    assert shown["next"].startswith("Mend ingest-folder: ")
    assert [each["exit_code"] for each in shown["runs"]] == [1, 4]


def test_an_error_that_nobody_thought_of_is_told_as_well(
    nsp: Nsp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = tmp_path / "told.json"

    def stumble(*_: Any, **__: Any) -> None:
        raise KeyError("now")

    monkeypatch.setattr("pipeline.published.publish.publish_snapshot", stumble)
    ended = nsp("nightly", "--folder", str(nsp.export), "--notify-command", f"tee '{told}'", "--format", "json")
    assert ended.code == 1
    assert "Traceback" in ended.stderr
    entry = json.loads(ended.stdout)
    assert step(entry, "recommend")["error"] == "it was stopped by KeyError: 'now'"
    assert step(entry, "report")["status"] == "skipped"
    assert [each["name"] for each in json.loads(told.read_text())["failed_steps"]] == ["recommend"]


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("NSP_BLOB_SECRET_FILE", "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=TOPSECRET0123456789=="),
        ("NSP_BLOB_SECRET_FILE", "sv=2024-08-04&sr=c&sp=rl&sig=TOPSECRET0123456789"),
        ("NSP_NIGHTLY_WEBHOOK_FILE", "https://example.com/services/T0000/B0000/TOPSECRET0123456789"),
    ],
)
def test_a_secret_in_the_place_of_a_files_name_is_shown_nowhere(
    nsp: Nsp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, secret: str
) -> None:
    told = tmp_path / "told.json"
    monkeypatch.setenv("NSP_BLOB_ACCOUNT_URL", "https://acc.blob.core.windows.net")
    monkeypatch.setenv(key, secret)
    shown = ""
    for words in (["nightly", "--folder", str(nsp.export), "--notify-command", f"tee '{told}'"], ["status"]):
        ended = nsp(*words)
        shown += ended.stdout + ended.stderr
    ended = nsp("config", "check")
    assert "not the secret itself" in ended.stdout + ended.stderr + shown
    shown += ended.stdout + ended.stderr
    for file in (told, nsp.store / kept.RECORD):
        shown += file.read_text() if file.exists() else ""
    assert "TOPSECRET" not in shown


def test_the_page_may_be_read_by_others_and_what_else_is_kept_may_not(nsp: Nsp, tmp_path: Path) -> None:
    page = tmp_path / "shared" / "page.html"
    entry = nsp.night("--report", str(page), code=3)
    assert page.stat().st_mode & 0o044
    for kept_file in (nsp.store / kept.RECORD, nsp.store / entry["found"]):
        assert not kept_file.stat().st_mode & 0o077
    nsp.night("--report", "/dev/null", code=3)
    assert not Path("/dev/null").is_file()


def test_several_folders_are_steps_of_their_own(nsp: Nsp, tmp_path: Path) -> None:
    other = tmp_path / "b, c"
    other.mkdir()
    (other / "1.json").write_text(line(count=7, resourceId=f"{PERIMETER}-b"))
    words = ("--folder", str(nsp.export), "--folder", str(other), "--folder", str(tmp_path / "gone"))
    ended = nsp("nightly", "--format", "json", *words)
    assert ended.code == 1, ended
    entry = json.loads(ended.stdout)
    told = [(each["name"], each["status"]) for each in entry["steps"]][:4]
    names = [f"ingest-folder:{each}" for each in words[1::2]]
    assert told == [(names[0], "done"), (names[1], "done"), (names[2], "failed"), ("ingest-blob", "skipped")]
    assert step(entry, "recommend")["counts"]["profiles"] == 2
    assert json.loads(nsp("status", "--format", "json").stdout)["next"].startswith(f"Mend {names[2]}: ")
    twice = nsp("nightly", *words, "--folder", f"{other}/")
    assert (twice.code, "more than once" in twice.stderr) == (2, True)


def test_a_folder_that_is_empty_is_told(nsp: Nsp) -> None:
    nsp.night(code=3)
    for file in nsp.export.iterdir():
        file.unlink()
    entry = nsp.night(code=5)
    assert "no log files were found" in step(entry, "ingest-folder")["error"]
    assert step(entry, "recommend")["status"] == "attention", "what was loaded before is there"


def test_partial_is_5(nsp: Nsp) -> None:
    (nsp.export / "2.json").write_text("no json\n")
    entry = nsp.night(code=5)
    assert "nsp query coverage/rejected_records" in step(entry, "ingest-folder")["error"]


def test_nothing_to_load_is_said_before_anything_is_done(nsp: Nsp) -> None:
    ended = nsp("nightly")
    assert ended.code == 2
    assert "--folder" in ended.stderr
    for words in (("--notify-command", "'open"), ("--notify-command", " ")):
        assert nsp("nightly", "--folder", str(nsp.export), *words).code == 2
    assert not nsp.store.exists()


def test_two_at_once(nsp: Nsp, tmp_path: Path) -> None:
    release, waiting = tmp_path / "release", tmp_path / "waiting"
    script = tmp_path / "wait.py"
    script.write_text(
        f"import pathlib, time\npathlib.Path({str(waiting)!r}).touch()\n"
        f"while not pathlib.Path({str(release)!r}).exists(): time.sleep(0.05)\n"
    )
    command = [sys.executable, "-m", "pipeline", "--store", str(nsp.store), "nightly", "--folder", str(nsp.export)]
    variables = os.environ | {"PYTHONPATH": str(ROOT), "NSP_NIGHTLY_NOTIFY_ALWAYS": "true"}
    with subprocess.Popen(
        [*command, "--notify-command", f"'{sys.executable}' '{script}'"], env=variables, cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as first:  # fmt: skip
        deadline = time.monotonic() + 60
        while not waiting.exists():
            assert first.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        second = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
        shown = json.loads(nsp("status", "--format", "json").stdout)
        release.touch()
        assert first.wait(60) == 3
    assert second.returncode == 6, second.stderr
    assert f"since {shown['running']['started']} (process {first.pid} on " in second.stderr
    assert "step notify" in second.stderr
    assert second.stdout == ""
    assert shown["next"] == "Wait: a nightly is running."
    assert len(kept.entries(nsp.store)) == 1, "the second left no trace"
    assert not lock.is_running(nsp.store)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("false", "ended with code 1"),
        ("/nowhere/at-all", "can't be started"),
    ],
)
def test_a_command_that_fails_is_told(command: str, error: str) -> None:
    with pytest.raises(NotifyError, match=error):
        notify.run_command(notify.words_of(command), {"text": "x" * 100_000}, 0.5)


def _is_over(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    started, late = tmp_path / "started", tmp_path / "late"
    command = f"sh -c '(sleep 40; touch {late}) & echo $! > {started}; sleep 60'"
    with pytest.raises(NotifyError, match="longer than 2 seconds"):
        notify.run_command(notify.words_of(command), {"text": "x" * 100_000}, 2)
    process = int(started.read_text())
    for _ in range(200):
        if _is_over(process):
            break
        time.sleep(0.05)  # the signal is sent; the system may take a moment
    assert _is_over(process)
    assert not late.exists(), "nobody waited for it"


def test_a_night_that_nobody_hears_of_is_partial(nsp: Nsp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NSP_NIGHTLY_NOTIFY_ALWAYS", "true")
    entry = nsp.night("--notify-command", "false", code=5)
    assert step(entry, "notify")["error"] == "The notify command false ended with code 1."
    assert step(entry, "recommend")["status"] == "attention"


@dataclass
class Webhook:
    url: str
    bodies: list[bytes]
    answer: int = 200


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    made = Webhook("", [])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(made.answer)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/hook/SECRET-PATH"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def test_a_webhook_gets_the_same_and_stays_secret(nsp: Nsp, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HOOK", webhook.url)
    monkeypatch.setenv("NSP_NIGHTLY_WEBHOOK_ENV", "HOOK")
    monkeypatch.setenv("NSP_NIGHTLY_NOTIFY_ALWAYS", "true")
    entry = nsp.night(code=3)
    (body,) = webhook.bodies
    assert json.loads(body)["run"] == entry["id"]
    webhook.answer = 302
    entry = nsp.night(code=5)
    assert len(webhook.bodies) == 2, "a redirect isn't followed"
    assert step(entry, "notify")["error"] == "The webhook answered 302."
    for value in ("http://example.com/SECRET-PATH", "ftp://SECRET", "https://[SECRET", ""):
        monkeypatch.setenv("HOOK", value)
        ended = nsp("nightly", "--folder", str(nsp.export))
        assert ended.code == 2, ended
        assert "SECRET" not in ended.stdout + ended.stderr
    for url in ("http://127.0.0.1:1/SECRET", "http://127.0.0.1:1/SECRET\n", "http://127.0.0.1:x/SECRET"):
        with pytest.raises(NotifyError, match="can't be reached") as caught:
            notify.post(url, {}, 5)
        assert "SECRET" not in str(caught.value)
    assert "SECRET" not in (nsp.store / kept.RECORD).read_text()


def test_drift_is_told_once(nsp: Nsp, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    perimeter, association = PERIMETER.lower(), f"{PERIMETER.lower()}/resourceassociations/docs"
    profile = f"{perimeter}/profiles/apps"
    rule = [perimeter, "apps", "ours"]
    after = {"direction": "Inbound", "addressPrefixes": ["203.0.113.7/32"]}
    nsp.store.mkdir()
    with Record(nsp.store).writing() as writer:
        common = {"run": "r", "kind": RULES, "at": "2026-10-01T00:00:00Z", "rule": rule, "before": None, "after": after}
        for event in ("step", "done"):
            writer.add(event=event, **common)
        mode = {"run": "m", "kind": MODE, "at": "2026-10-01T00:00:00Z", "association": association, "after": "Enforced"}
        for event in ("step", "done"):
            writer.add(event=event, resource=STORAGE.lower(), profile=profile, **mode)
    inventory = tmp_path / "inventory.json"
    inventory.write_text(
        json.dumps(
            {
                "perimeters": [{"id": PERIMETER, "name": "nsp1", "location": "westeurope"}],
                "profiles": [{"id": f"{PERIMETER}/profiles/apps", "name": "apps"}],
                "associations": [
                    {
                        "id": f"{PERIMETER}/resourceAssociations/docs", "name": "docs", "accessMode": "Learning",
                        "privateLinkResource": {"id": STORAGE}, "profile": {"id": f"{PERIMETER}/profiles/apps"},
                    }
                ],
                "accessRules": [],
            }
        )
    )  # fmt: skip
    words = ("--inventory", str(inventory), "--notify-command", f"tee '{told}'")
    entry = nsp.night(*words, code=3)
    assert step(entry, "verify")["status"] == "attention", entry
    assert {each["kind"] for each in entry["changes"]["drift"]} == {"drift", "mode-drift"}
    assert "2 drifted" in json.loads(told.read_text())["text"]
    told.unlink()
    again = nsp.night(*words, code=3)
    assert step(again, "verify")["counts"] == step(entry, "verify")["counts"], "it still drifts"
    assert again["changes"]["drift"] == []
    assert not told.exists()


def test_status_of_a_new_store_and_a_record_that_a_kill_cut_short(nsp: Nsp) -> None:
    shown = json.loads(nsp("status", "--format", "json").stdout)
    assert (shown["runs"], shown["newest_record"], shown["warehouse_bytes"], shown["decisions"]) == ([], None, 0, 0)
    assert "--folder" in shown["next"]
    assert not nsp.store.exists(), "it writes nothing"
    nsp.store.mkdir()
    with (nsp.store / kept.RECORD).open("wb") as record:
        record.write(b'[1]\n{"schema_version": 1, "id": "cut sh')
    entry = nsp.night(code=3)
    assert [each["id"] for each in kept.entries(nsp.store)] == [entry["id"]]
    shown = json.loads(nsp("status", "--format", "json").stdout)
    assert shown["newest_record"].startswith("2026-10-01T")
    assert shown["warehouse_bytes"] > 0
    text = nsp("status").stdout
    assert "newest record" in text
    assert entry["started"] in text
    assert "nsp coverage" in text
    assert nsp("status", "--format", "csv").stdout.startswith("started,")
