"""Progress bars on a terminal; loaded only where there is one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from pipeline.cli.output import console
from pipeline.progress import Advance


class _Figures(ProgressColumn):
    """How much is done: bytes with their rate, other things by their number, nothing where nobody knows."""

    def render(self, task: Task) -> Text:
        unit = task.fields["unit"]
        if unit != "bytes" or task.total is None:
            whole = "" if task.total is None else f"/{task.total:,.0f}"
            return Text(f"{task.completed:,.0f}{whole} {unit}" if unit else "")
        return Text(" ").join([DownloadColumn().render(task), TransferSpeedColumn().render(task)])


class _Time(ProgressColumn):
    """How long it will take; where nobody knows, how long it took so far."""

    def render(self, task: Task) -> Text:
        return (TimeElapsedColumn() if task.total is None else TimeRemainingColumn()).render(task)


class Bars:
    """A bar for each work that is going on; all are gone when the last has ended."""

    def __init__(self) -> None:
        more = TextColumn("{task.fields[more]}", markup=False)
        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=16), _Figures(), _Time(), more)
        # what is logged meanwhile goes above the bars; what is printed goes where it was to go
        self._progress = Progress(*columns, console=console(stderr=True), transient=True, redirect_stdout=False)

    @contextmanager
    def bar(self, what: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Show a bar until the context is left."""
        task = self._progress.add_task(what, total=total, unit=unit, more="")
        self._progress.start()
        said: dict[str, str] = {}

        def advance(count: int = 1, figures: Mapping[str, str] | None = None) -> None:
            said.update(figures or {})
            self._progress.update(
                task, advance=count, more=", ".join(f"{value} {name}" for name, value in said.items())
            )

        try:
            yield advance
        finally:
            self._progress.remove_task(task)
            if not self._progress.task_ids:
                self._progress.stop()
