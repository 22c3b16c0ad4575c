"""Shows how far long works are: a bar at a terminal, a line a minute elsewhere, nothing where it is to be quiet."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.cli.log import Log, tell
from pipeline.progress import Advance

if TYPE_CHECKING:
    from pipeline.cli.bars import Bars

LINE_SECONDS = 60.0
"""Between two lines, where there is no terminal."""


@dataclass(slots=True)
class Work:
    """A work that is going on.

    Args:
        what: the work.
        total: how much there is to do; None where nobody knows.
        unit: bytes or a plural noun.
        started: of the monotonic clock.
        done: of it.
        figures: beside it, by name.
    """

    what: str
    total: int | None
    unit: str
    started: float = field(default_factory=time.monotonic)
    done: int = 0
    figures: dict[str, str] = field(default_factory=dict)

    def advance(self, count: int = 1, figures: Mapping[str, str] | None = None) -> None:
        """Note what was done."""
        self.done += count
        self.figures.update(figures or {})

    def fields(self) -> dict[str, Any]:
        """Return how far it is; durations in seconds, the rate a second."""
        elapsed = time.monotonic() - self.started
        found: dict[str, Any] = {"work": self.what, "elapsed_s": round(elapsed, 1)}
        if self.unit:
            rate = self.done / elapsed if elapsed else 0.0
            found |= {"unit": self.unit, "done": self.done, "rate": round(rate, 1)}
            if self.total is not None:
                found["total"] = self.total
            if self.total is not None and rate and self.total > self.done:
                found["eta_s"] = round((self.total - self.done) / rate)
        return found | self.figures

    def sentence(self) -> str:
        """Return the same for people."""
        told = self.fields()
        if not self.unit:
            return f"{self.what}: for {told['elapsed_s']:.0f} s"
        whole = "" if self.total is None else f" of {self.total:,}"
        more = "".join(f", {value} {name}" for name, value in self.figures.items())
        left = f", {told['eta_s']:,} s to go" if "eta_s" in told else ""
        return f"{self.what}: {self.done:,}{whole} {self.unit}{more}; {told['rate']:,} a second{left}"


class Shown:
    """Watches works, of which one may lie within another; is a `pipeline.progress.Watcher`."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._works: list[Work] = []
        self._bars: Bars | None = None
        self._over = threading.Event()

    @contextmanager
    def work(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Show a work until the context is left."""
        if self._log.quiet:
            yield lambda *_: None
        elif self._log.has_bars:
            from pipeline.cli.bars import Bars

            self._bars = self._bars or Bars()
            with self._bars.bar(what, total, unit) as advance:
                yield advance
        else:
            with self._told(Work(what, total, unit)) as work:
                yield work.advance

    @contextmanager
    def _told(self, work: Work) -> Iterator[Work]:
        if not self._works:
            self._over = threading.Event()
            threading.Thread(target=self._lines, args=[self._over], daemon=True).start()
        self._works.append(work)
        try:
            yield work
        finally:
            self._works.remove(work)
            if not self._works:
                self._over.set()

    def _lines(self, over: threading.Event) -> None:
        """Tell of the innermost work, also while it gets nowhere."""
        while not over.wait(LINE_SECONDS):
            if works := self._works[-1:]:
                tell("progress", works[0].sentence(), **works[0].fields())
