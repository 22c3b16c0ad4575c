"""A nightly that can be handed to another process, and killed there at a place in its code."""

import contextlib
import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

import azure.identity.aio
import azure.monitor.query.aio
import azure.storage.blob.aio  # noqa: F401 -- imported once, for all that are forked

import pipeline.nightly.run
import pipeline.published.publish
import pipeline.report.gather
import pipeline.report.page  # noqa: F401 -- imported once, for all that are forked
from pipeline.cli import main
from tests.forks import trust


def night(store: Path, words: list[str], event: str, name: str, number: int, skip: int = 0) -> None:
    """Run the command; at a call of a function of ours that is named, or return from it, it gets a signal.

    That is the first one, or one after so many that are skipped.
    """
    seen = 0

    def kill(frame: Any, what: str, _: object) -> None:
        nonlocal seen
        if what == event and frame.f_code.co_name == name and "/pipeline/" in frame.f_code.co_filename:
            seen += 1
            if seen > skip:
                os.kill(os.getpid(), number)

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if name:
            sys.setprofile(kill)
        main(["--store", str(store), "nightly", *words])


def night_of_services(store: Path, variables: dict[str, str], event: str, name: str, skip: int) -> None:
    """Run it in the folder above the store, with variables, trusting what SSL_CERT_FILE names; kill it at a place."""
    os.environ.update(variables)
    os.chdir(store.parent)
    trust(variables)
    night(store, [], event, name, signal.SIGKILL, skip)
