"""nsp rollback: back to before an apply or a change of access modes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.log import tell
from pipeline.cli.options import AuthOption, ClientIdOption, resource_manager
from pipeline.cli.output import Format, FormatOption
from pipeline.cli.publishing import AcceptDriftOption, NarrowFirstOption

if TYPE_CHECKING:
    from pipeline.azure.resource_manager import ResourceManager
    from pipeline.cli.context import Context
    from pipeline.publish.plan import Choices
    from pipeline.publish.rollback_file import RollbackFile


def rollback(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Rollback file; they lie in rollback/ of the store.")],
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be done.")] = False,
    accept_drift: AcceptDriftOption = False,
    narrow_first: NarrowFirstOption = False,
    auth: AuthOption = None,
    client_id: ClientIdOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Bring everything that a run touched into the state before it; with --plan it only says what that would be.

    It refuses where somebody changed any of it since. Decisions stay as they are: nsp apply would apply them again.
    """
    from pipeline.azure.arm_connection import connect
    from pipeline.cli.publishing import only_table_or_json
    from pipeline.publish import rollback_file
    from pipeline.publish.plan import Choices
    from pipeline.publish.record import MODE

    only_table_or_json(form)
    common: Context = context.obj
    access = resource_manager(common, auth, client_id)
    kept = rollback_file.read(_found(common, file))
    choices = Choices(common.settings.max_elements, accept_drift, narrow_first)
    with connect(access) as manager:
        if kept.kind == MODE:
            _modes(common, manager, kept, choices, plan=plan, form=form)
        else:
            _rules(common, manager, kept, choices, plan=plan, form=form)


def _found(common: "Context", file: Path) -> Path:
    """Return the file, which may be named by its place in the store."""
    inside = common.settings.store / file
    return inside if not file.exists() and inside.exists() else file


def _rules(
    common: "Context", manager: "ResourceManager", kept: "RollbackFile", choices: "Choices", *, plan: bool, form: Format
) -> None:
    from pipeline.cli.output import console, write_json
    from pipeline.cli.publishing import ATTENTION, end, show_plan, this_run
    from pipeline.publish.rollback import roll_back_now, way_back

    outcome = None
    if not plan:
        run = this_run(f"rollback of {kept.run}", {})
        made, outcome = roll_back_now(manager, common.settings.store, kept, choices, run)
    else:
        made = way_back(manager, kept, choices).plan
    if form is Format.JSON:
        write_json(made.as_json() | ({"outcome": outcome.as_json()} if outcome else {}))
    else:
        show_plan(made, choices.limit, console())
    if made.problems:
        raise typer.Exit(ATTENTION)
    if outcome:
        end(outcome)
    elif made.steps:
        tell("nothing_written", "Nothing was written. To do so, leave --plan out.")
        raise typer.Exit(ATTENTION)


def _modes(
    common: "Context", manager: "ResourceManager", kept: "RollbackFile", choices: "Choices", *, plan: bool, form: Format
) -> None:
    from pipeline.cli.output import console, plain, write_json
    from pipeline.cli.publishing import ATTENTION, end, this_run
    from pipeline.publish import access_mode

    if plan:
        steps = access_mode.way_back(manager, kept, choices)
        if form is Format.JSON:
            write_json({"steps": steps})
        for step in steps:
            console().print(f"would do: {plain(step)}", markup=False) if form is Format.TABLE else None
        if steps:
            tell("nothing_written", "Nothing was written. To do so, leave --plan out.")
            raise typer.Exit(ATTENTION)
        return
    run = this_run(f"rollback of {kept.run}", {})
    outcome = access_mode.roll_back_now(manager, common.settings.store, kept, choices, run)
    if form is Format.JSON:
        write_json({"outcome": outcome.as_json()})
    end(outcome)
