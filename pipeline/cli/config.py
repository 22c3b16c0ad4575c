"""nsp config: are the settings right?"""

import os
from typing import TYPE_CHECKING

import typer

from pipeline.cli.log import tell
from pipeline.cli.output import Format, FormatOption

if TYPE_CHECKING:
    from pipeline.cli.context import Context

app = typer.Typer(no_args_is_help=True, help="The settings of nsp.toml, policy.toml and NSP_ variables.")

WRONG = 2


@app.command()
def check(context: typer.Context, form: FormatOption = Format.TABLE) -> None:
    """Say all that is wrong with the settings, a row a key.

    Unknown keys, types, ranges, files and secrets that aren't there. Asks nothing of Azure, and shows no secret. The
    exit code is 2 where something is wrong.
    """
    import polars as pl

    from pipeline.cli.output import write
    from pipeline.nightly.configuration import problems

    common: Context = context.obj
    found = problems(common.config, os.environ)
    if not found and form is Format.TABLE:
        tell("settings_fine", "nothing is wrong with the settings")
        return
    rows = [{"key": each.key, "problem": each.text} for each in found]
    write(pl.DataFrame(rows, schema={"key": pl.String, "problem": pl.String}), form)
    if found:
        raise typer.Exit(WRONG)
