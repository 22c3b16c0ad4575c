"""nsp review: the page on which proposals are read with their evidence, and decided."""

import getpass
import os
import webbrowser
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.check import PolicyOption
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.recommend.bounds import Bounds
    from pipeline.review.page.source import Source
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
    from pipeline.cli.output import console, csv_text
    from pipeline.review.decisions import open_decisions
    from pipeline.review.page.reviewing import Desk, Review
    from pipeline.review.page.server import Served

    common: Context = context.obj
    bounds = _bounds(common, policy)
    decisions = open_decisions(common.settings.store, wait=common.settings.store_wait)
    desk = Desk(decisions, bounds, _person(who), read_only=read_only)
    out, told = console(), console(stderr=True)
    if not source:
        told.print("Making the run ...", markup=False)
    served = Served(Review(_source(common, source, policy), desk, csv_text), port)
    out.print(served.url, markup=False, soft_wrap=True)
    told.print("Open it in one browser; the token is used up then. Ctrl+C ends.", markup=False)
    if open_browser and not webbrowser.open(served.url):
        told.print("No browser could be opened: copy the address.", markup=False)
    try:
        served.run()
    finally:
        served.close()


def _source(common: "Context", file: Path | None, policy: Path | None) -> "Source":
    """Return what the page reads: a snapshot of the warehouse, which stays free for who writes it."""
    from pipeline.cli.recommend import limits_of
    from pipeline.published.publish import publish_snapshot, warehouse_state
    from pipeline.recommend.chosen import tolerance_of
    from pipeline.review.page.source import Source
    from pipeline.store import PUBLISHED, attach

    settings, limits = common.settings, limits_of(common, policy)
    snapshot = settings.store / PUBLISHED

    def run() -> Mapping[str, Any]:
        now = datetime.now(UTC).replace(tzinfo=None)
        publish_snapshot(
            settings.store, limits, tolerance_of(settings), now, memory=settings.memory, wait=settings.store_wait
        )
        return _published(snapshot)

    def opened() -> "AbstractContextManager[Store]":
        if not snapshot.exists():
            run()
        return attach(snapshot, memory=settings.memory)

    if file:
        return Source(lambda: _saved(file), opened, lambda: _changed(file), limits)
    return Source(run, opened, lambda: warehouse_state(settings.store), limits)


def _published(snapshot: Path) -> Mapping[str, Any]:
    import json

    from pipeline.store import attach
    from pipeline.tables import PUBLISHED_RUN

    with attach(snapshot) as store:
        found: dict[str, Any] = json.loads(store.whole(PUBLISHED_RUN.name)["run"][0])
    return found


def _saved(file: Path) -> Mapping[str, Any]:
    """Return a saved run.

    Raises:
        UsageError: it is none.
    """
    from pipeline.inventory import document
    from pipeline.recommend import difference

    difference.read(file)  # says what is wrong with it
    found: dict[str, Any] = document.json_of(file)
    return found


def _changed(file: Path) -> str:
    try:
        told = file.stat()
    except OSError:
        return ""
    return f"{told.st_size} {told.st_mtime_ns}"


def _person(who: str | None) -> str:
    """Return who decides: as the option says, else NSP_WHO, else the user of the system."""
    if told := who or os.environ.get("NSP_WHO"):
        return told
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError) as error:
        raise UsageError("The system doesn't say who you are: name yourself by --who or NSP_WHO.") from error


def _bounds(common: "Context", policy: Path | None) -> "Bounds":
    from pipeline.recommend import policy_file
    from pipeline.recommend.bounds import Bounds

    chosen = common.settings
    return policy_file.find(policy, common.config) or Bounds(
        widest_v4=chosen.widest_v4, widest_v6=chosen.widest_v6, reserve=chosen.reserve, max_elements=chosen.max_elements
    )
