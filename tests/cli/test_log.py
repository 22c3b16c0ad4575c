"""What nsp writes on stderr: a JSON object a line with the run's id, or sentences and bars at a terminal; no secret."""

import base64
import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import redaction
from pipeline.cli import log, progress
from pipeline.cli.log import Log, LogFormat, crash, logging_to, tell, warn
from pipeline.ingest import ingest_folder
from pipeline.nightly import kept
from pipeline.nightly.lock import locked
from pipeline.progress import each_of, watched_by, work
from pipeline.store import Store
from tests import forks
from tests.conftest import line

ROOT = Path(__file__).parent.parent.parent
FIRST = ["time", "level", "run", "command", "event", "message"]
GUID = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000001"
HOSTILE = 'x\n{"level": "error"}\r\x1b[31m\u202egnp\u2028\x85\x00"\\'
Told = list[dict[str, Any]]


def environment(**variables: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NSP_", "AZURE_"))}
    return {**clean, "PYTHONPATH": str(ROOT), **variables}


def nsp(folder: Path, *words: str, **variables: str) -> tuple[int, str, Told]:
    """Run the command as a scheduler does; return its code, stdout and what it logged."""
    done = forks.nsp(words, folder, environment(**variables))
    return done.returncode, done.stdout.decode(), parsed(done.stderr.decode())


def parsed(stderr: str) -> Told:
    """Each line as the JSON object that it has to be, with what each has to say."""
    assert stderr.isascii()
    assert not set(stderr) - {"\n", *map(chr, range(32, 127))}
    found = [json.loads(each) for each in stderr.splitlines()]
    for each in found:
        assert list(each)[: len(FIRST)] == FIRST
        assert each["time"].endswith("Z")
        assert each["event"].isidentifier()
    assert len({each["run"] for each in found}) <= 1
    return found


def events(told: Told, name: str) -> Told:
    return [each for each in told if each["event"] == name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "1.json").write_text(line())
    return tmp_path


NIGHTLY = ("nightly", "--folder", "export", "--format", "json")


def test_each_line_of_a_night_is_an_object_with_the_id_of_its_record(folder: Path) -> None:
    code, out, told = nsp(folder, *NIGHTLY)
    entry = json.loads(out)
    assert (code, entry["exit_code"], told[-1]["exit_code"]) == (3, 3, 3)
    assert {each["run"] for each in told} == {entry["id"]} == {kept.entries(folder / ".nsp")[-1]["id"]}
    assert {each["command"] for each in told} == {"nightly"}
    assert [told[0]["event"], told[-1]["event"]] == ["nightly_started", "nightly_ended"]
    done = [each for each in entry["steps"] if each["status"] != "skipped"]
    assert [each["step"] for each in events(told, "step_started")] == [each["name"] for each in done]
    names = ("step", "status", "counts", "seconds")
    assert [[each[name] for name in names] for each in events(told, "step_ended")] == [
        [each["name"], each["status"], each["counts"], each["seconds"]] for each in done
    ]


def test_each_line_of_a_night_in_which_things_fail_is_one_too(folder: Path) -> None:
    (folder / "export" / "2.json").write_text("no json\n")
    failing = {"NSP_INVENTORY_SUBSCRIPTION": GUID, "NSP_AZURE_AUTH": "environment"}
    code, out, told = nsp(folder, "-v", *NIGHTLY, "--notify-command", "false", **failing)
    assert code == 4
    assert {each["run"] for each in told} == {json.loads(out)["id"]}
    ended = {each["step"]: each for each in events(told, "step_ended")}
    assert {name: each["level"] for name, each in ended.items()} == {
        "ingest-folder": "warning", "inventory": "error", "recommend": "warning", "report": "info", "notify": "error"
    }  # fmt: skip
    assert "AZURE_TENANT_ID" in ended["inventory"]["error"]
    assert ended["inventory"]["exit_code"] == 4
    assert {"ingest-blob", "ingest-workspace", "retention", "verify"} == {
        each["step"] for each in events(told, "step_skipped")
    }
    assert events(told, "command_ended")[0]["exit_code"] == 4


def test_a_night_that_does_nothing_says_why_in_one_object(folder: Path) -> None:
    with locked(folder / ".nsp", "another", "2026-10-01T00:00:00Z"):
        code, out, told = nsp(folder, *NIGHTLY)
    assert (code, out, told[-1]["error"], told[-1]["exit_code"]) == (6, "", "NightlyRunningError", 6)
    code, out, told = nsp(folder, *NIGHTLY, NSP_STORE_WAIT_SECONDS="-1")
    assert (code, out, told[-1]["event"], told[-1]["error"]) == (2, "", "failed", "SettingsError")
    code, out, told = nsp(folder, "nightly", "--no-such-option")
    assert (code, out, told[-1]["event"], told[-1]["command"]) == (2, "", "bad_usage", "nightly")
    code, out, told = nsp(folder, "inventory", "load", "nowhere")
    assert (code, told[-1]["command"], told[-1]["error"]) == (1, "inventory load", "InventoryError")


def at_a_terminal(folder: Path, *words: str) -> tuple[int, str]:
    """Run the command with a terminal for stderr, and for nothing else; return its code and what it showed."""
    ours, theirs = pty.openpty()
    shown = bytearray()

    def read() -> None:
        while True:
            try:
                some = os.read(ours, 65536)
            except OSError:  # so Linux says that nobody holds the other end any longer
                return
            if not some:
                return
            shown.extend(some)

    reader = threading.Thread(target=read)
    reader.start()
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=theirs, env=environment(TERM="xterm-256color", COLUMNS="160"), timeout=300, check=False,
    )  # fmt: skip
    os.close(theirs)
    reader.join()
    os.close(ours)
    return done.returncode, shown.decode()


def test_at_a_terminal_it_is_sentences_and_bars(folder: Path) -> None:
    code, shown = at_a_terminal(folder, *NIGHTLY)
    assert code == 3
    assert "nsp: ingest-folder done in " in shown
    assert "nsp: recommend attention in " in shown
    for name in ("ingest-folder", "recommend", "report"):
        assert f"{name} \x1b[" in shown, "the bar, in its color"
    assert '{"' not in shown
    (folder / "export" / "2.json").write_text(line())
    code, reading = at_a_terminal(folder, "ingest", "folder", "export")
    assert (code, "reading \x1b[" in reading) == (0, True)
    assert reading.count("\x1b[?25l") == reading.count("\x1b[?25h") > 0, "the cursor is back"
    code, quiet = at_a_terminal(folder, "--quiet", *NIGHTLY)
    assert [each.partition(" in ")[0] for each in quiet.splitlines()] == ["nsp: recommend attention"]
    code, machine = at_a_terminal(folder, "--log-format", "json", "ingest", "folder", "gone")
    assert (code, events(parsed(machine.replace("\r\n", "\n")), "failed")[0]["exit_code"]) == (1, 1)
    code, refused = at_a_terminal(folder, "--log-format", "text", "traffic", "--by", "x")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", refused)
    assert (code, "Usage: " in plain, "--help" in plain) == (2, True, True)


def test_text_can_be_had_without_a_terminal(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "ingest", "folder", "gone"], cwd=folder, capture_output=True, text=True,
        env=environment(NSP_LOG_FORMAT="text"), timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("nsp: ")
    code, _, told = nsp(folder, "coverage", NSP_LOG_FORMAT="yaml")
    assert (code, told[-1]["event"], "NSP_LOG_FORMAT" in told[-1]["message"]) == (2, "bad_usage", True)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Gives what was logged so far, as where there is no terminal."""
    parts: list[str] = []

    def so_far() -> str:
        parts.append(capsys.readouterr().err)
        return "".join(parts)

    monkeypatch.delenv(log.VARIABLE, raising=False)
    monkeypatch.setattr(redaction, "_known", set())
    with logging_to(Log("20261001T000000Z-1")):
        yield so_far


def test_no_text_begins_a_line_or_turns_one_around(logged: Callable[[], str]) -> None:
    warn("not_read", f"not read: {HOSTILE}", name=HOSTILE, run="forged", **{HOSTILE: [HOSTILE]})
    (told,) = parsed(logged())
    assert told["message"] == f"not read: {HOSTILE}"
    assert (told["name"], told[HOSTILE], told["run"]) == (HOSTILE, [HOSTILE], "20261001T000000Z-1")


def test_no_text_acts_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    target = Log("run")
    with logging_to(target):
        target.choose(LogFormat.TEXT)
        warn("not_read", f"not read: {HOSTILE}")
        logging.getLogger("some.library").warning("%s", HOSTILE)
        tell("progress", "x" * 100_000)
    first, second, third = stderr.getvalue().splitlines()
    assert first == ('nsp: not read: x\\n{"level": "error"}\\r\\x1b[31m\\u202egnp\\u2028\\x85\\x00"\\'), (
        "escapes to be looked at"
    )
    assert second.startswith("nsp: some.library: x\\n{")
    assert third.endswith(" ... (92,000 more characters)")


def test_libraries_and_warnings_take_the_same_way(logged: Callable[[], str]) -> None:
    azure = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")
    azure.warning("what our errors say in a line")
    logging.getLogger("some.library").warning("odd: %s", 1)
    logging.getLogger("some.library").info("chatter")
    Log("20261001T000000Z-1").emit(logging.LogRecord("other", logging.WARNING, "", 0, "%s %s", (1,), None))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = log._warned
        warnings.warn("a warning", DeprecationWarning, stacklevel=1)
    library, too_few, warning = parsed(logged())
    assert (library["logger"], library["event"], library["level"]) == ("some.library", "library", "warning")
    assert (library["message"], too_few["message"]) == ("odd: 1", "%s %s (1,)"), "a library's mistake is no crash"
    assert (warning["event"], warning["category"]) == ("warning", "DeprecationWarning")
    assert warning["file"] == Path(__file__).name


def test_a_bug_is_one_object_with_its_traceback(folder: Path) -> None:
    code = (
        "import threading, pipeline.store as s, pipeline.cli as c\n"
        "def broken(*_, **__):\n"
        "    thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()\n"
        "    raise ZeroDivisionError('?sig=abcdefghijkl')\n"
        "s.open_store = broken\n"
        "c.main(['coverage'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    in_thread, told = parsed(done.stderr)
    assert (done.returncode, told["event"], told["level"], told["exit_code"]) == (1, "crashed", "critical", 1)
    assert "in broken" in told["traceback"]
    assert "abcdefghijkl" not in done.stderr
    assert "division by zero" in in_thread["message"]


JWT = ".".join(
    base64.urlsafe_b64encode(each).decode().rstrip("=") for each in (b'{"alg":"x"}', b'{"aud":"y"}', b"zz" * 9)
)
CALM = "exit_code=4, design=x, a signature of it, bearer of news"
SECRET = "Zm9yYmlkZGVuIGZydWl0cw"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"https://a.blob.core.windows.net/c?sv=2024&sig={SECRET}%3D&se=2026", "https://a.blob.core.windows.net/c?sv=2024&sig=[secret]&se=2026"),
        (f"a%3Fsig%3D{SECRET}", "a%3Fsig%3D[secret]"),
        (f"AccountName=a;AccountKey={SECRET}==;EndpointSuffix=b", "AccountName=a;AccountKey=[secret];EndpointSuffix=b"),
        (f"Authorization: Bearer {JWT}", "Authorization: Bearer [secret]"),
        (f"'Authorization': 'SharedKey account:{SECRET}='", "'Authorization': 'SharedKey [secret]'"),
        (f"the token {JWT} is no good", "the token [secret] is no good"),
        (f'{{"access_token": "{SECRET}", "x": 1}}', '{"access_token": "[secret]", "x": 1}'),
        (f"client_id=a&client_secret={SECRET}&scope=b", "client_id=a&client_secret=[secret]&scope=b"),
        (f"https://u:{SECRET}@host/x", "https://[secret]@host/x"),
        (f"https://hooks.slack.com/services/T0/B0/{SECRET}", "https://hooks.slack.com/[secret]"),
        (f"https://x.webhook.office.com/webhookb2/{SECRET}", "https://x.webhook.office.com/[secret]"),
        (f"https://prod-1.westeurope.logic.azure.com:443/workflows/{SECRET}?api=1", "https://prod-1.westeurope.logic.azure.com:443/[secret]"),
        (f"https://f.azurewebsites.net/api/x?code={SECRET}", "https://f.azurewebsites.net/api/x?code=[secret]"),
        (CALM, CALM),
    ],
)  # fmt: skip
def test_secrets_are_known_by_their_form(text: str, left: str) -> None:
    assert redaction.redacted(text) == left


def test_secrets_that_were_read_are_known_to_the_letter(logged: Callable[[], str]) -> None:
    hook = f"https://example.org/notify/{SECRET}/now"
    redaction.note(hook)
    redaction.note("short")
    redaction.note(f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey={SECRET[::-1]};")
    tell("told", f"{hook} /notify/{SECRET}/now {SECRET[::-1]}", path=[{"x": f"a/notify/{SECRET}/now"}], short="short")
    (told,) = parsed(logged())
    assert told["message"] == "[secret] [secret] [secret]"
    assert (told["path"], told["short"]) == ([{"x": "a[secret]"}], "short")


def test_a_secret_across_the_end_of_what_is_kept_is_none_that_is_shown() -> None:
    for before in range(redaction.LONGEST - 60, redaction.LONGEST + 10):
        shown = redaction.redacted("x" * before + f"?sig={SECRET}" + "&" * 20_000)
        assert SECRET[:4] not in shown


def test_progress_is_a_line_now_and_then_while_something_goes_on(
    logged: Callable[[], str], store: Store, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    target = Log("20261001T000000Z-1")

    def until(words: str) -> dict[str, Any]:
        """Wait for a line that holds some words; a test that waits in vain ends by the time of all tests."""
        while words not in logged():
            threading.Event().wait(0.01)
        return next(each for each in parsed(logged().rpartition("\n")[0]) if words in each["message"])

    with watched_by(progress.Shown(target)):
        with work("night"):
            assert until("night: for ")["work"] == "night"
            with work("reading", 1000, "bytes") as advance:
                advance(250, {"files": "0/20"})
                told = until("reading: 250 of 1,000 bytes, 0/20 files; ")
                names = ("work", "unit", "done", "total", "files")
                assert [told[each] for each in names] == ["reading", "bytes", 250, 1000, "0/20"]
                assert told["rate"] > 0
                assert told["eta_s"] >= 0
            for each in each_of(["a", "b"], "looking", "things"):
                until("looking: 0 of 2 things" if each == "a" else "looking: 1 of 2 things")
        (export / "1.json").write_text(line() * 50)
        assert ingest_folder(store, export).outcome.records == 50
    target.quiet = True
    before = logged()
    with watched_by(progress.Shown(target)), work("silent"):
        threading.Event().wait(0.1)
    assert "silent" not in logged()[len(before) :]


def test_the_loggers_are_left_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    root, hooks = logging.getLogger(), (warnings.showwarning, threading.excepthook, sys.unraisablehook)
    before = [*root.handlers], root.level
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with logging_to(Log("run")):
        crash(KeyError("x"))
    assert ([*root.handlers], root.level) == before
    assert (warnings.showwarning, threading.excepthook, sys.unraisablehook) == hooks
