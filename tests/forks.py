"""Processes that are forked from one that has imported everything: each costs milliseconds instead of a second.

They are real processes all the same: they can be killed, have their own environment and files, and end with a code.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.preloaded"])
_ASKING = threading.Lock()


def start(process: ForkServerProcess) -> None:
    """Start a process, also where other threads wait for theirs.

    A start asks whether any other process has ended; how one ended can be read only once, and who reads it while its
    own thread does leaves that one with the code 255.
    """
    with _ASKING:
        process.start()


def ended(process: ForkServerProcess, timeout: float | None = None) -> int | None:
    """Wait for the end of a process that `start` started; return its code, or None after so many seconds."""
    if not wait([process.sentinel], timeout):
        return None
    with _ASKING:
        process.join()
        return process.exitcode


def nsp(
    words: tuple[str, ...], folder: Path, variables: Mapping[str, str], timeout: float = 300
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own, without a terminal; return what it printed and its code.

    Args:
        words: what follows `nsp`.
        folder: where it runs.
        variables: its environment, all of it.
        timeout: seconds after which it is killed.

    Raises:
        TimeoutError: it didn't end in time.
    """
    with tempfile.TemporaryDirectory(prefix="nsp-out-") as name:
        out, err = Path(name) / "out", Path(name) / "err"
        process = FORKS.Process(target=_command, args=(words, folder, dict(variables), out, err))
        start(process)
        code = ended(process, timeout)
        if code is None:
            process.kill()
            ended(process)
            raise TimeoutError(f"nsp {' '.join(words)} still runs after {timeout:g} seconds")
        process.close()
        return subprocess.CompletedProcess(["nsp", *words], code, out.read_bytes(), err.read_bytes())


def text(done: subprocess.CompletedProcess[bytes]) -> subprocess.CompletedProcess[str]:
    """Return the same with its output as text."""
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def _command(words: tuple[str, ...], folder: Path, variables: dict[str, str], out: Path, err: Path) -> None:
    from pipeline.cli import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    flags = os.O_WRONLY | os.O_CREAT
    for number, opened in enumerate((os.open(os.devnull, os.O_RDONLY), os.open(out, flags), os.open(err, flags))):
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["nsp", *words]
    trust(variables)
    main(list(words))


def trust(variables: Mapping[str, Any]) -> None:
    """Do what SSL_CERT_FILE would have done, had it been set when the client was imported."""
    if "SSL_CERT_FILE" in variables:
        from aiohttp.connector import _SSL_CONTEXT_VERIFIED

        _SSL_CONTEXT_VERIFIED.load_verify_locations(variables["SSL_CERT_FILE"])
