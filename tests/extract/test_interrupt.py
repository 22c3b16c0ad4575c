"""Ctrl-C, and a scheduler's stop, while a download hangs: all ends in order, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import store as warehouse
from tests.services.export import Export, contents, hourly
from tests.services.faults import Fault, Proxy
from tests.transform.test_exactly_once import some_lines

pytestmark = pytest.mark.usefixtures("_sigint_heeded")
HOURS = 12


def started(folder: Path, prefix: str, connection_string: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "pipeline", "--store", str(folder / "store")]
    command += ["ingest", "blob", "--connection-string-env", "LOGS", "--container-prefix", prefix]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        env={**os.environ, "LOGS": connection_string},
    )  # fmt: skip


@pytest.mark.parametrize(("stop", "hour"), [(signal.SIGINT, 7), (signal.SIGTERM, 0)])
def test_stopped_while_a_download_hangs(
    written: Export, between: Proxy, tmp_path: Path, stop: signal.Signals, hour: int
) -> None:
    for number in range(HOURS):
        written.append(hourly(number), some_lines(300, number))
    between.choose = lambda _, path, __: Fault(hang=3600) if f"h={hour:02d}" in path and "comp=" not in path else None
    process = started(tmp_path, written.prefix, written.azurite.connection_string(between.port))
    between.wait_for(lambda: any(f"h={hour:02d}" in path for _, path in between.requests))
    process.send_signal(stop)
    _, told = process.communicate(timeout=100)  # an attempt is given 60 s, and there are six
    assert process.returncode == (130 if stop == signal.SIGINT else -signal.SIGTERM), told
    last = json.loads(told.splitlines()[-1])
    assert last["message"] == "stopped. What was committed stays; run the command again to go on."
    assert "Traceback" not in told
    between.choose = lambda *_: None
    again = started(tmp_path, written.prefix, written.azurite.connection_string(between.port))
    assert (again.communicate()[1], again.returncode) == ("", 0)
    with warehouse.open_store(tmp_path / "store") as store:
        assert contents(store) == written.expected(tmp_path)
