"""nsp review: the page on which proposals are read with their evidence, and decided."""

import webbrowser
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.check import PolicyOption
from pipeline.cli.log import tell, warn
from pipeline.errors import StoreBusyError
from pipeline.moments import utc_now
from pipeline.redaction import note

_PATIENCE = 2.0
"""Seconds to wait for who writes to the warehouse, where there is a snapshot to go on with."""

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.review.page.source import Loaded, Source
    from pipeline.store import Store


def review(
    context: typer.Context,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="On 127.0.0.1. 0: any that is free.")] = 0,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Show everything, decide nothing.")] = False,
    who: Annotated[
        str | None, typer.Option("--who", metavar="NAME", help="Who decides. Default: NSP_WHO, else the system's user.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Review a saved `nsp recommend -f json`, not a run made now."),
    ] = None,
    policy: PolicyOption = None,
) -> None:
    """Open the page for admins: readiness, proposals with their evidence, what-if, and decisions with a trail.

    It listens on this machine only. The address that is printed opens one browser, once. The warehouse stays free
    for a nightly run. Ctrl+C ends it.
    """
    from pipeline.cli.desk import bounds_of, person
    from pipeline.cli.output import console, csv_text
    from pipeline.review.page.reviewing import Desk, Review
    from pipeline.review.page.server import Served

    common: Context = context.obj
    desk = Desk(common.decisions(), bounds_of(common, policy), person(who), read_only=read_only)
    if not source:
        tell("run_started", "Making the run ...")
    served = Served(Review(_source(common, source, policy), desk, csv_text), port)
    note(served.url)
    console().print(served.url, markup=False, soft_wrap=True)
    tell("serving", "Open it in one browser; the token is used up then. Ctrl+C ends.")
    if open_browser and not webbrowser.open(served.url):
        warn("no_browser", "No browser could be opened: copy the address.")
    served.run()


def _source(common: "Context", file: Path | None, policy: Path | None) -> "Source":
    """Return what the page reads: a snapshot of the warehouse, which stays free for who writes it."""
    from pipeline.cli.recommend import limits_of
    from pipeline.published.publish import publish_snapshot, warehouse_state
    from pipeline.recommend.chosen import tolerance_of
    from pipeline.review.page.source import Source
    from pipeline.store import PUBLISHED, attach

    settings, limits = common.settings, limits_of(common, policy)
    snapshot = settings.store / PUBLISHED

    def run() -> "Loaded":
        now = utc_now()
        wait = _PATIENCE if snapshot.exists() else settings.store_wait
        try:
            publish_snapshot(
                settings.store, limits, tolerance_of(settings), now, memory=settings.memory, wait=wait
            )  # fmt: skip
        except StoreBusyError:  # a nightly run is writing: what was published last can be read all the same
            if not snapshot.exists():
                raise
        return _published(snapshot)

    def opened() -> "AbstractContextManager[Store]":
        if not snapshot.exists():
            run()
        return attach(snapshot, memory=settings.memory)

    if file:
        return Source(lambda: _saved(file), opened, lambda: _changed(file), limits)
    return Source(run, opened, lambda: warehouse_state(settings.store), limits)


def _published(snapshot: Path) -> "Loaded":
    import json

    from pipeline.review.page.source import Loaded
    from pipeline.store import attach
    from pipeline.tables import PUBLISHED_RUN

    with attach(snapshot) as store:
        (row,) = store.whole(PUBLISHED_RUN.name).to_dicts()
    return Loaded(row["warehouse_state"], json.loads(row["run"]))


def _saved(file: Path) -> "Loaded":
    """Return a saved run.

    Raises:
        UsageError: it is none.
    """
    from pipeline.inventory import document
    from pipeline.recommend import difference
    from pipeline.review.page.source import Loaded

    state = _changed(file)
    difference.read(file)  # says what is wrong with it
    return Loaded(state, document.json_of(file))


def _changed(file: Path) -> str:
    try:
        told = file.stat()
    except OSError:
        return ""
    return f"{told.st_size} {told.st_mtime_ns}"
