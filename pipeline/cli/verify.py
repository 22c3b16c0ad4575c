"""nsp verify: what became of it after enforcing."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import (
    AuthOption,
    ClientIdOption,
    PerimeterOption,
    ProfileOption,
    SinceOption,
    resource_manager,
)
from pipeline.cli.output import Format, FormatOption
from pipeline.moments import utc_now

if TYPE_CHECKING:
    from pipeline.azure.arm_connection import Access
    from pipeline.cli.context import Context
    from pipeline.publish.drift import InForce
    from pipeline.publish.verify import Verified
    from pipeline.recommend.scope import Scope

ATTENTION = 3


def verify(
    context: typer.Context,
    since: SinceOption = None,
    perimeter: PerimeterOption = None,
    profile: ProfileOption = None,
    live: Annotated[
        bool, typer.Option("--live", help="Compare with what Azure says right now, not with the newest inventory.")
    ] = False,
    auth: AuthOption = None,
    client_id: ClientIdOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show who is denied since resources were enforced, what isn't as applied any more, and which rules are unused.

    Since when is known from the record of nsp enforce; --since is for what somebody else enforced. Load newer logs and
    the inventory first. Each finding says what to do; the exit code is 3 where one needs attention.
    """
    import polars as pl

    from pipeline.cli.output import write, write_json
    from pipeline.cli.recommend import limits_of
    from pipeline.publish import verify as verifier
    from pipeline.publish.drift import of_inventory
    from pipeline.publish.record import Record
    from pipeline.recommend.scope import Scope

    common: Context = context.obj
    access = resource_manager(common, auth, client_id) if live else None
    scope = Scope(since=since, perimeter=perimeter, profile=profile)
    entries = Record(common.settings.store).entries()
    told = _in_azure(access, entries, scope) if access else None
    now = utc_now()
    with common.open() as store:
        in_force = told or of_inventory(store)
        found = verifier.verify(store, entries, in_force, scope, now, limits_of(common))
    if form is Format.JSON:
        write_json(found.as_json())
    elif form is Format.TABLE:
        show(found)
    else:
        names = ("kind", "attention", "perimeter", "profile", "about", "sentence", "suggestion")
        rows = [{name: each.as_json()[name] for name in names} for each in found.findings]
        write(
            pl.DataFrame(rows, schema={name: pl.Boolean if name == "attention" else pl.String for name in names}), form
        )
    if found.needs_attention:
        raise typer.Exit(ATTENTION)


def _in_azure(access: "Access", entries: "list[dict[str, object]]", scope: "Scope") -> "InForce":
    """Return the rules and modes that are in force in Azure of what nsp applied or enforced."""
    from pipeline.azure.arm_connection import connect
    from pipeline.publish import access_mode, live, plan, record
    from pipeline.publish.drift import InForce

    changed = record.mode_changes(entries)
    places = plan.places((), entries, scope)
    wanted = sorted({(each.profile.partition("/profiles/")[0], each.resource) for each in changed})
    with connect(access) as manager:
        rules = live.read(manager, places).contents
        modes = {
            each.resource: each.mode
            for perimeter in sorted({perimeter for perimeter, _ in wanted})
            for each in access_mode.all_of(manager, perimeter)
        }
    return InForce(rules, modes)


def show(found: "Verified") -> None:
    """Print what was found for people."""
    from pipeline.cli.output import console, plain

    to = console()
    for each in found.enforced:
        name = each.resource.rsplit("/", 1)[-1] if each.resource else "everything"
        to.print(f"{plain(name)}: denials since {plain(each.since)} UTC", markup=False)
    if not found.enforced:
        to.print("Nothing was enforced by nsp, so denials weren't looked for; --since TIME does.", markup=False)
    for finding in found.findings:
        to.print(f"\n{'!' if finding.needs_attention else ' '} {finding.kind}: {plain(finding.sentence)}", markup=False)
        to.print(f"    -> {plain(finding.suggestion)}", markup=False)
    if found.still_denied:
        to.print(f"\n{found.still_denied:,} callers were denied before as well, and still are.", markup=False)
    if not found.findings:
        told = ["nobody new is denied"] if found.enforced else []
        told += ["the rules are as applied and used"] if found.rules else []
        to.print(f"Nothing was found: {', '.join(told) or 'the access modes are as nsp left them'}.", markup=False)
