"""nsp inventory: the perimeter's configuration."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import Format, FormatOption

if TYPE_CHECKING:
    from pipeline.cli.context import Context

app = typer.Typer(no_args_is_help=True, help="The perimeter's configuration: profiles, rules, associated resources.")


@app.command()
def load(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="JSON file; see docs/inventory.md for its shape.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """Load an inventory from a file, in the place of the one that is there.

    The file is one JSON object with the lists perimeters, profiles, accessRules and associations, each as
    `az network perimeter ... list -o json` prints it (flattened, or with .properties).
    """
    import polars as pl

    from pipeline.cli.output import write
    from pipeline.inventory import file

    common: Context = context.obj
    with common.open(read_only=False) as store:
        counts = file.load(store, path)
    write(pl.DataFrame({"list": list(counts), "items": list(counts.values())}), form)


@app.command()
def show(context: typer.Context, form: FormatOption = Format.TABLE) -> None:
    """Show the associated resources; rules in force: nsp query inventory/rule_elements."""
    from pipeline.cli.output import write

    common: Context = context.obj
    with common.open() as store:
        write(store.frame("inventory/associations"), form)
