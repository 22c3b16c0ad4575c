"""What the commands that write to Azure share: who runs them, what they print, and how they end."""

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.log import tell, warn
from pipeline.errors import AzureError, UsageError
from pipeline.moments import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from pipeline.cli.context import Context
    from pipeline.publish.apply import Outcome, Run
    from pipeline.publish.plan import Plan
    from pipeline.store import Store

ATTENTION = 3
SHOWN = 40

YesOption = Annotated[bool, typer.Option("--yes", help="Write to Azure. Without it nothing is written.")]
AcceptDriftOption = Annotated[
    bool, typer.Option("--accept-drift", help="Overwrite what somebody changed since nsp wrote it.")
]
NarrowFirstOption = Annotated[
    bool,
    typer.Option(
        "--narrow-first",
        help="Close before opening, where the limit of elements leaves no other way: what moves from one rule to "
        "another is denied for the seconds between.",
    ),
]


def known_perimeters(common: "Context") -> "set[str]":
    """Return the perimeters of the inventory.

    Raises:
        AzureError: there is no inventory; says how to get one.
    """
    from pipeline.store import WAREHOUSE

    found = set()
    if (common.settings.store / WAREHOUSE).exists():
        with common.open() as store:
            found = perimeters_of(store)
    if not found:
        raise AzureError(
            "No inventory is loaded, so no perimeter is known. Get one: nsp inventory pull --subscription GUID "
            "(the role Reader suffices), or nsp inventory load FILE; see docs/inventory.md."
        )
    return found


def perimeters_of(store: "Store") -> "set[str]":
    """Return the perimeters of the inventory."""
    return {row[0] for row in store.rows("inventory/perimeters")}


def this_run(source: str, prediction: "Mapping[str, Any]") -> "Run":
    """Return who runs this now.

    Raises:
        UsageError: the system doesn't know who that is.
    """
    from pipeline.cli.desk import person
    from pipeline.publish.apply import Run

    return Run(person(None), utc_now(), source, prediction, utc_now, _told)


def _told(step: str) -> None:
    tell("written", f"done: {step}", step=step)


def show_plan(plan: "Plan", limit: int, to: "Console") -> None:
    """Print a plan for people: what is done about each rule, what is left alone, and what stands against it."""
    from pipeline.cli.output import plain, table
    from pipeline.publish.merge import Finding
    from pipeline.publish.plan import difference, listed

    words = {
        Finding.CREATE: "+ create",
        Finding.CHANGE: "~ change",
        Finding.REMOVE: "- remove",
        Finding.DRIFT: "! drift",
        Finding.CONFLICT: "! conflict",
    }
    rows = []
    several = len({each.key[0] for each in plan.merged}) > 1
    for each in plan.merged:
        if each.finding in words:
            parts = plan.ids[each.key].split("/")
            added, removed = difference(each.live, each.accepted)
            state = each.accepted or each.live or each.last
            changes = [f"+ {listed(added)}"] if added else []
            changes += [f"- {listed(removed)}"] if removed else []
            rows.append(
                [
                    words[each.finding],
                    _place(plan.ids[each.key], parts[-3], several=several),
                    "out" if state and state.side == "Outbound" else "in",
                    parts[-1],
                    "  ".join(changes),
                ]
            )
    if rows:
        to.print(table("", ["", "profile", "", "rule", "elements"], rows, wrap=("rule", "elements")))
    in_place = len(plan.of(Finding.IN_PLACE))
    foreign = plan.of(Finding.FOREIGN)
    count = sum(each.live.count() for each in foreign if each.live)
    to.print(
        f"To write: {len(plan.steps):,}; in place: {in_place:,}; of others, never touched: {len(foreign):,} "
        f"({count:,} elements).",
        markup=False,
    )
    for side, (now, after, most) in sorted(plan.elements.items()):
        if side[2]:
            way = f", at most {most:,} on the way" if most > max(now, after) else ""
            where = f"{plain(_place(side[0], side[1], several=several))} {'out' if side[2] == 'Outbound' else 'in'}"
            to.print(
                f"  {where}: {now:,} -> {after:,} of {limit:,} elements{way}",
                markup=False,
            )
    for begun in plan.begun:
        to.print(
            f"A run of {plain(begun['at'])} by {plain(begun['by'])} was cut short; this goes on from there. Back to "
            f"before it: nsp rollback {plain(begun['rollback'])} (in the store's folder)",
            markup=False,
        )
    for problem in plan.problems:
        to.print(f"Refused: {plain(problem)}", markup=False)


def _place(identity: str, profile: str, *, several: bool) -> str:
    """Name a profile, with the resource group and name of its perimeter where a plan is about several."""
    parts = identity.split("/")
    return "/".join((parts[4], parts[8], profile)) if several else profile


def end(outcome: "Outcome") -> None:
    """Print what wasn't done, and the way back, and end with the error where something stopped it.

    Raises:
        NspError: what stopped it.
    """
    for step in outcome.steps[outcome.done :][:SHOWN]:
        warn("not_written", f"not done: {step}", step=step)
    if outcome.rollback:
        way = f"Back to before: nsp rollback {shlex.quote(str(outcome.rollback))}"
        tell("rollback_file", way, file=str(outcome.rollback))
    if outcome.error:
        raise outcome.error


def only_table_or_json(form: Any) -> None:
    """Refuse the formats that can't hold a plan.

    Raises:
        UsageError: it is neither table nor json.
    """
    from pipeline.cli.output import Format

    if form not in {Format.TABLE, Format.JSON}:
        raise UsageError("A plan is written as table or json.")
