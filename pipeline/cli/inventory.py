"""nsp inventory: the perimeters' configuration, now and over time."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import (
    AuthOption,
    ClientIdOption,
    PerimeterOption,
    SinceOption,
    UntilOption,
    moment,
    resource_manager,
)
from pipeline.cli.output import Format, FormatOption

if TYPE_CHECKING:
    from pipeline.cli.context import Context

app = typer.Typer(
    no_args_is_help=True,
    help="The perimeters' configuration, now and over time: rules, members and their modes, links, logging.",
)


PARTIAL = 5


class Part(StrEnum):
    """What of the inventory is shown; each names the query inventory/..."""

    ASSOCIATIONS = "associations"
    PERIMETERS = "perimeters"
    PROFILES = "profiles"
    RULES = "rule_elements"
    RESOURCES = "resources"
    LINKS = "links"
    LOGGING = "logging"
    ISSUES = "issues"
    NETWORKS = "known_networks"


@app.command()
def pull(
    context: typer.Context,
    subscription: Annotated[
        list[str] | None,
        typer.Option("--subscription", help="Id of a subscription: all perimeters in it. Repeatable."),
    ] = None,
    perimeter: Annotated[
        list[str] | None,
        typer.Option("--perimeter", help="ARM id of a perimeter. Repeatable."),
    ] = None,
    service_tags: Annotated[
        str | None,
        typer.Option("--service-tags", metavar="REGION", help="Pull Azure's service tags, too; any region will do."),
    ] = None,
    auth: AuthOption = None,
    client_id: ClientIdOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Pull the configuration from Azure Resource Manager; the role Reader on the subscriptions suffices.

    What may not be read is left out and told (exit code 5); nothing is ever written to Azure.
    """
    import polars as pl

    from pipeline.cli.log import warn
    from pipeline.cli.output import write
    from pipeline.inventory import arm

    common: Context = context.obj
    access = resource_manager(common, auth, client_id)
    wanted = arm.Wanted(tuple(subscription or ()), tuple(perimeter or ()), service_tags)
    with common.open(read_only=False) as store:
        result = arm.pull(store, wanted, access)
    write(pl.DataFrame({"list": list(result.counts), "items": list(result.counts.values())}), form)
    for gap in result.gaps:
        warn("not_read", f"not read: {gap}", reason=gap)
    if result.gaps:
        raise typer.Exit(PARTIAL)


@app.command()
def load(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="File, or folder of *.json files; see docs/inventory.md.")],
    taken: Annotated[
        datetime | None,
        typer.Option("--taken", parser=moment, metavar="TIME", help="When it was so, for older files. Default: now."),
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="The file names every perimeter: those it doesn't name are gone.")
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Load a configuration, Azure's service tags or known networks from a file.

    JSON as `az network perimeter ... list -o json` prints it (flattened, or with .properties), one object with
    several such lists, or a folder of them; Microsoft's ServiceTags_*.json; or CSV with the columns name,cidr,owner for
    networks that you know.
    """
    import polars as pl

    from pipeline.cli.output import console, write
    from pipeline.inventory import file

    common: Context = context.obj
    with common.open(read_only=False) as store:
        doubts = file.doubts(store, path, taken)
        counts = file.load(store, path, taken_at=taken, complete=complete)
    for each in doubts:
        console(stderr=True).print(each, markup=False)
    write(pl.DataFrame({"list": list(counts), "items": list(counts.values())}), form)


@app.command()
def show(
    context: typer.Context,
    part: Annotated[Part, typer.Argument(help="What to show.")] = Part.ASSOCIATIONS,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the newest configuration: associated resources, or another part of it."""
    from pipeline.cli.output import write

    common: Context = context.obj
    with common.open() as store:
        write(store.frame(f"inventory/{part.value}"), form)


@app.command()
def diff(
    context: typer.Context,
    since: SinceOption = None,
    until: UntilOption = None,
    perimeter: PerimeterOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show what changed between snapshots: access modes, rules, members, links, log categories.

    Each pull or load that finds a perimeter changed keeps a snapshot of it; the time is that of the finding.
    """
    from pipeline.cli.output import write

    common: Context = context.obj
    with common.open() as store:
        frame = store.frame("inventory/changes", since=since, until=until, perimeter=perimeter)
    write(frame, form)
