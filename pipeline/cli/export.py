"""nsp export: accepted rules as code."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.files import put
from pipeline.cli.options import PerimeterOption, ProfileOption
from pipeline.errors import PublishError, UsageError
from pipeline.publish.form import API_VERSION, Form
from pipeline.text import counted

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.recommend.writable import Writable


def export(
    context: typer.Context,
    form: Annotated[Form, typer.Argument(help="Bicep, an ARM template, Terraform, a script, or the rules as JSON.")],
    rules: Annotated[
        str,
        typer.Option(
            "--rules",
            metavar="accepted|proposed|FILE",
            help="Rules to write: the accepted ones, the recommended ones, or a file of `nsp recommend -f json` or of "
            "access rules as in an inventory.",
        ),
    ] = "accepted",
    perimeter: PerimeterOption = None,
    profile: ProfileOption = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE|FOLDER/", help="A folder gets one file for each perimeter."),
    ] = None,
    api_version: Annotated[
        str | None,
        typer.Option("--api-version", metavar="V", help=f"Of Microsoft.Network, in arm and bicep. [{API_VERSION}]"),
    ] = None,
    imported: Annotated[
        bool, typer.Option("--import", help="Terraform: import blocks for the rules that the inventory knows already.")
    ] = False,
) -> None:
    """Write access rules as code: on stdout, or into a file or folder.

    Nothing is sent to Azure. The exit code is 1 where there is no rule, or Azure would refuse them.
    """
    from pipeline.cli.candidate import writable
    from pipeline.cli.log import tell, warn
    from pipeline.cli.output import write_text
    from pipeline.publish.export import Options, export_each
    from pipeline.publish.export import export as export_all
    from pipeline.recommend.scope import Scope

    common: Context = context.obj
    if imported and form is not Form.TERRAFORM:
        raise UsageError(f"--import is for terraform; {form} takes what is there as it is.")
    scope = Scope(perimeter=perimeter, profile=profile)
    found = writable(common, rules, scope)
    scope.check_one(each.perimeter for each in found.rules)
    if not found.rules:
        raise PublishError(_nothing(rules, found))
    if found.are_additions and form is Form.TERRAFORM:
        warn(
            "additions",
            "These come on top of the rules in force. In the place of an earlier file, Terraform removes what is "
            "no more in it: add to that file, or accept the proposals and export those.",
        )
    options = Options(api_version, _live(common) if imported else ())
    if output is None:
        write_text(export_all(found.rules, form, options))
        if found.left_out:
            tell("proposals_left_out", f"{_counted(found)}.", rules=len(found.rules), flagged=found.flagged)
        return
    path = Path(output)
    if path.is_dir() or output.endswith(("/", os.sep)):
        texts = {path / name: text for name, text in export_each(found.rules, form, options).items()}
    else:
        texts = {path: export_all(found.rules, form, options)}
    for file, text in texts.items():
        _put(file, text)
    names = [str(file) for file in texts]
    message = f"{_counted(found)} written to {', '.join(names)}."
    tell("rules_written", message, rules=len(found.rules), flagged=found.flagged, files=names)


def _nothing(source: str, found: "Writable") -> str:
    from pipeline.recommend.candidate import ACCEPTED

    if found.rejected and not found.flagged:
        return f"All {found.rejected:,} rules of {source} were rejected: nsp decide list."
    if found.flagged:
        return f"No rule of {source} is without a flag; {found.flagged:,} are flagged: ask who knows, then accept them."
    if source == ACCEPTED:
        return "No rule of what was asked for is accepted: see nsp decide list, then nsp decide accept."
    return f"There is no rule of what was asked for in {source}."


def _counted(found: "Writable") -> str:
    return counted(len(found.rules), "rule") + (f" ({found.left_out} left out)" if found.left_out else "")


def _live(common: "Context") -> frozenset[str]:
    """Return the ids of the rules in force.

    Raises:
        UsageError: no inventory was loaded, so nobody knows them.
    """
    from pipeline.inventory import rules

    with common.open() as store:
        known = rules.in_force(store)
    if not known.told:
        raise UsageError("--import needs the rules in force: nsp inventory pull --subscription GUID, or load FILE.")
    return frozenset(
        f"{each.perimeter}/profiles/{each.profile}/accessrules/{each.rule}".lower() for each in known.elements
    )


def _put(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        PublishError: it can't be written.
    """
    try:
        path.resolve().parent.mkdir(parents=True, exist_ok=True)
        put(path, text.encode())
    except OSError as error:
        raise PublishError(f"{path} can't be written: {error.strerror}.") from error
