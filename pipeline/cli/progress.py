"""Progress on stderr: a bar on a terminal, a line a minute elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pipeline.extract.outcome import Outcome

Show = Callable[[int, dict[str, str]], None]
"""Takes what was done since the last call, and more figures to show, by name."""
LINE_SECONDS = 60
"""Between two lines, where there is no terminal."""


class Reading:
    """Watches an ingest: files, bytes, records, rate and time to go. Use as a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._show: Show = lambda *_: None
        self._total_files = self._files = self._records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def planned(self, sources: int, total: int, unit: str) -> None:
        """Begin to show."""
        self._total_files = sources
        self._show = self._stack.enter_context(_display("reading", total, unit))

    def read(self, count: int) -> None:
        """Show that so much more was read."""
        self._show(count, self._figures())

    def loaded(self, outcome: "Outcome") -> None:
        """Show what a transaction brought."""
        self._files += outcome.files
        self._records += outcome.records
        self._show(0, self._figures())

    def _figures(self) -> dict[str, str]:
        return {"files": f"{self._files}/{self._total_files}", "records": str(self._records)}


@contextmanager
def progress(what: str, total: int, *, unit: str) -> Iterator[Callable[[int], None]]:
    """Show how far a long step is; yields a function that takes what was done since the last call.

    Args:
        what: the step, in a word or two.
        total: how much there is to do.
        unit: bytes or a plural noun.
    """
    with _display(what, total, unit) as show:
        yield lambda count: show(count, {})


@contextmanager
def _display(what: str, total: int, unit: str) -> Iterator[Show]:
    if sys.stderr.isatty():
        with _bar(what, total, unit) as show:
            yield show
    else:
        yield _lines(what, total, unit)


@contextmanager
def _bar(what: str, total: int, unit: str) -> Iterator[Show]:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from pipeline.cli.output import console

    figures = (DownloadColumn(), TransferSpeedColumn()) if unit == "bytes" else (MofNCompleteColumn(), TextColumn(unit))
    more = TextColumn("{task.fields[more]}")
    columns = (TextColumn(what), BarColumn(bar_width=16), *figures, TimeRemainingColumn(), more)
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, more="")

        def show(count: int, figures: dict[str, str]) -> None:
            bar.update(task, advance=count, more=", ".join(f"{value} {name}" for name, value in figures.items()))

        yield show


def _lines(what: str, total: int, unit: str) -> Show:
    started = last = time.monotonic()
    done = 0

    def show(count: int, figures: dict[str, str]) -> None:
        nonlocal done, last
        done += count
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            last = now
            rate = done / (now - started)
            left = f" eta_s={(total - done) / rate:.0f}" if rate and total > done else ""
            more = "".join(f" {name}={value}" for name, value in figures.items())
            sys.stderr.write(
                f"nsp: step={what} {unit}={done}/{total}{more} rate={rate:.0f}/s elapsed_s={now - started:.0f}{left}\n"
            )

    return show
