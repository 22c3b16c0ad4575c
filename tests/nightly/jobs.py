"""A nightly that can be handed to another process, and killed there at a place in its code."""

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import pipeline.nightly.run
import pipeline.published.publish
import pipeline.report.gather
import pipeline.report.page  # noqa: F401 -- imported once, for all that are forked
from pipeline.cli import main


def night(store: Path, words: list[str], event: str, name: str, number: int) -> None:
    """Run the command; at the first call of a function of ours that is named, or return from it, it gets a signal."""

    def kill(frame: Any, what: str, _: object) -> None:
        if what == event and frame.f_code.co_name == name and "/pipeline/" in frame.f_code.co_filename:
            os.kill(os.getpid(), number)

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if name:
            sys.setprofile(kill)
        main(["--store", str(store), "nightly", *words])
