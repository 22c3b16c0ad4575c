"""nsp review as people start it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.store import PUBLISHED, WAREHOUSE, open_store
from tests.cli.test_cli import ROOT, told
from tests.review.page.conftest import Wheel


@contextmanager
def started(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NSP_")}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "pipeline", *words]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def test_it_prints_an_address_leaves_the_warehouse_free_and_ends_on_a_key(wheel: Wheel) -> None:
    words = ("--store", str(wheel.folder), "review", "--port", "0", "--who", "eve", "--read-only")
    with started(wheel.folder, *words) as (process, url):
        assert url.startswith("http://127.0.0.1:")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(url.partition("?")[0], timeout=20)  # noqa: S310
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        with open_store(wheel.folder, wait=0):
            pass  # as a nightly run does
        host = url.split("/")[2]
        connection = http.client.HTTPConnection(host, timeout=20)
        connection.request("GET", "/_dash-layout", headers={"Cookie": cookie})
        layout = connection.getresponse().read().decode()
        connection.close()
        assert "read-only" in layout
        process.send_signal(signal.SIGINT)
        process.wait(20)
        said = process.stderr.read() if process.stderr else ""
        assert "Traceback" not in said


def test_a_saved_run_is_reviewed_without_a_warehouse(wheel: Wheel, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(wheel.run))
    with started(tmp_path, "review", "--from", "run.json", "--who", "eve") as (_, url):
        assert "token=" in url
    assert not (tmp_path / ".nsp" / WAREHOUSE).exists()
    assert not (tmp_path / ".nsp" / PUBLISHED).exists()


def test_what_can_not_be_served_is_told(tmp_path: Path) -> None:
    assert "nsp ingest" in told(tmp_path, "review", code=1)
    assert "can't be read" in told(tmp_path, "review", "--from", "none.json", code=2)
    (tmp_path / "x.json").write_text("[]")
    assert "schema_version" in told(tmp_path, "review", "--from", "x.json", code=2)
    told(tmp_path, "review", "--port", "70000", code=2)


def test_a_port_that_is_taken_is_told(wheel: Wheel, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(wheel.run))
    with started(tmp_path, "review", "--from", "run.json", "--who", "eve") as (_, url):
        port = url.split(":")[2].partition("/")[0]
        assert "name another" in told(tmp_path, "review", "--from", "run.json", "--port", port, code=2)


def test_the_run_is_served_while_a_nightly_writes(wheel: Wheel) -> None:
    """What was published last is shown, rather than nothing, and the page says that there is something newer."""
    begun, ended = threading.Event(), threading.Event()

    def nightly() -> None:
        code = "import sys; from pathlib import Path; from pipeline.store import open_store\n"
        code += "with open_store(Path(sys.argv[1])):\n print('open', flush=True); sys.stdin.readline()"
        with subprocess.Popen(
            [sys.executable, "-c", code, str(wheel.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process:  # fmt: skip
            assert process.stdout is not None
            process.stdout.readline()
            begun.set()
            ended.wait(60)
            process.communicate(b"\n", timeout=20)

    writer = threading.Thread(target=nightly)
    writer.start()
    assert begun.wait(30)
    try:
        with started(wheel.folder, "--store", str(wheel.folder), "review", "--who", "eve") as (_, url):
            assert "token=" in url
    finally:
        ended.set()
        writer.join()
