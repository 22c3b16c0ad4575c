"""nsp demo: the sample perimeter, all the way to proposals; needs no Azure."""

import shlex
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import UsageError
from pipeline.progress import work

if TYPE_CHECKING:
    from pipeline.cli.context import Context

FOLDER = Path(".nsp-demo")
EXPORT = "sample-export"


def demo(
    context: typer.Context,
    records: Annotated[
        int, typer.Option("--records", min=1000, max=20_000_000, help="About how many log records.")
    ] = 50_000,
) -> None:
    """Run the main job on a made-up perimeter: five weeks of logs, classified, and the rules that they call for.

    Everything goes to ./.nsp-demo (or --store), which is made anew each time.
    """
    from pipeline.cli import coverage, ingest, recommend
    from pipeline.cli.output import console
    from pipeline.coverage.measure import report
    from pipeline.inventory import file
    from pipeline.published.publish import publish_snapshot
    from pipeline.recommend.chosen import tolerance_of
    from pipeline.sample.generate import DAYS, START, write_export
    from pipeline.store import open_store

    common: Context = context.obj
    folder = common.store or FOLDER
    _clear(folder)
    export = folder / EXPORT
    with work("writing the sample", records, "records") as written:
        write_export(export, records, written=written)
    settings = common.settings
    # the sample's own today, or its logs would be called stale
    end = (START + timedelta(days=DAYS)).replace(tzinfo=None)
    with open_store(folder, memory=settings.memory, wait=settings.store_wait) as store:
        file.load(store, export / "inventory.json")
        file.load(store, export / "known-networks.csv")
        ingest.load(store, export)
        seen = report(store, end)
    result = publish_snapshot(folder, recommend.limits_of(common), tolerance_of(settings), end, memory=settings.memory)
    out = console()
    out.rule("What was seen", align="left")
    coverage.show(seen, out, infos=False)
    out.rule("What enforcing today would deny, and the rules that would keep it alive", align="left")
    recommend.show(result, out, brief=True)
    out.rule("Next", align="left")
    here = f"nsp --store {shlex.quote(str(folder))}"
    steps = {
        f"{here} traffic --by caller": "who calls, and what would be denied",
        f"{here} whatif": "what breaks if enforced with the recommended rules",
        f"{here} report --output report.html": "the same as a page to send",
        f"{here} recommend --format json": "the same with all evidence, for machines",
        f"{here} query": "every question that has a query",
        "nsp ingest folder PATH && nsp recommend": "your own export",
        f"{here} review": "the page on which to look at all of it, and decide",
    }
    longest = max(map(len, steps))
    for command, told in steps.items():
        out.print(f"  {command:{longest}}  {told}", markup=False)


def _clear(folder: Path) -> None:
    """Remove an earlier demo; never a store of anybody's own logs."""
    if (folder / EXPORT).is_dir():
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds something that isn't a demo. Name another folder: nsp --store FOLDER demo.")
