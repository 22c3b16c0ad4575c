"""nsp enforce: the access mode of single associated resources."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AuthOption, ClientIdOption, PerimeterOption, resource_manager
from pipeline.cli.output import Format, FormatOption
from pipeline.cli.publishing import YesOption
from pipeline.moments import utc_now
from pipeline.publish.mode import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.azure.resource_manager import ResourceManager
    from pipeline.cli.context import Context
    from pipeline.publish.access_mode import Association, Gate


def enforce(
    context: typer.Context,
    resources: Annotated[
        list[str],
        typer.Argument(
            metavar="RESOURCE...", help="Names or ARM ids of associated resources; nsp inventory show lists them."
        ),
    ],
    mode: Annotated[
        Mode, typer.Option("--mode", case_sensitive=False, help="Enforced, or back to Learning.")
    ] = Mode.ENFORCED,
    yes: YesOption = False,
    override: Annotated[
        str, typer.Option("--override", metavar="REASON", help="Enforce although it isn't ready; kept in the record.")
    ] = "",
    perimeter: PerimeterOption = None,
    auth: AuthOption = None,
    client_id: ClientIdOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Enforce associated resources, one after the other; without --yes it says whether they are ready.

    Ready is what `nsp recommend` calls so for the resource, with logs that can tell and an inventory that is as Azure
    is, and nobody who succeeds would be denied by the rules that are in force right now. Nothing but the access mode is
    changed; a rollback file is written first. The exit code is 3 where something isn't ready, or would be changed.
    """
    from pipeline.azure.arm_connection import connect
    from pipeline.cli.log import tell, warn
    from pipeline.cli.output import write_json
    from pipeline.cli.publishing import ATTENTION, end, known_perimeters, only_table_or_json, this_run
    from pipeline.publish import access_mode

    only_table_or_json(form)
    common: Context = context.obj
    access = resource_manager(common, auth, client_id)
    known_perimeters(common)
    with common.open() as store:
        wanted = access_mode.known(store, resources, perimeter)
    outcome = None
    with connect(access) as manager:
        found = access_mode.read(manager, wanted)
        gates = _gates(common, manager, found, mode)
        if form is Format.TABLE:
            _show(gates, mode)
        closed = [each for each in gates if each.reasons and not override.strip() and not each.is_so(mode)]
        if yes and not closed:
            run = this_run(f"enforce --mode {mode}", {})
            outcome = access_mode.change(manager, common.settings.store, gates, mode, run, override)
    if form is Format.JSON:
        write_json(
            {"associations": [each.as_json(mode) for each in gates]}
            | ({"outcome": outcome.as_json()} if outcome else {})
        )
    if outcome:
        end(outcome)
        return
    if closed:
        warn("not_ready", "Not ready, so nothing was written. --override REASON enforces all the same.")
        raise typer.Exit(ATTENTION)
    if not all(each.is_so(mode) for each in gates):
        tell("nothing_written", "Nothing was written. To do so, add --yes.")
        raise typer.Exit(ATTENTION)


def _gates(common: "Context", manager: "ResourceManager", found: "Sequence[Association]", mode: Mode) -> "list[Gate]":
    """Judge associations; going back to Learning needs no judgement, since it denies nothing that succeeds."""
    from pipeline.cli.recommend import run
    from pipeline.publish import access_mode, live
    from pipeline.publish.outdated import outdated
    from pipeline.publish.record import Record, mode_changes
    from pipeline.recommend.scope import Scope
    from pipeline.review.decided import decided

    if mode is Mode.LEARNING:
        return [access_mode.Gate(each, (), {}) for each in found]
    now = utc_now()
    rules = live.read(manager, {each.profile for each in found})
    changes = mode_changes(Record(common.settings.store).entries())
    with common.open() as store:
        against = outdated(store, manager, {each.profile[0] for each in found}, changes)
        known = decided(common.decisions().trail(), now)
        runs = {
            place: run(store, common, Scope(perimeter=place[0], profile=place[1]), now, None, known)
            for place in {each.profile for each in found}
        }
        return [access_mode.gate(store, each, runs[each.profile], rules, against[each.profile[0]]) for each in found]


def _show(gates: "Sequence[Gate]", mode: Mode) -> None:
    from pipeline.cli.output import console, plain

    to = console()
    for each in gates:
        word = f"is {mode} already" if each.is_so(mode) else f"{each.association.mode} -> {mode}"
        ready = "" if mode is Mode.LEARNING or each.is_so(mode) else ", NOT READY" if each.reasons else ", READY"
        name = each.association.resource.rpartition("/providers/")[2]
        to.print(f"{plain(name)}: {plain(word)}{ready}", markup=False)
        for reason in () if each.is_so(mode) else each.reasons:
            to.print(f"  - {plain(reason)}", markup=False)
