"""nsp apply: live rules <- accepted rules."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.check import PolicyOption
from pipeline.cli.options import AuthOption, ClientIdOption, PerimeterOption, ProfileOption, resource_manager
from pipeline.cli.output import Format, FormatOption
from pipeline.cli.publishing import AcceptDriftOption, NarrowFirstOption, YesOption
from pipeline.moments import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.azure.resource_manager import ResourceManager
    from pipeline.cli.context import Context
    from pipeline.publish.apply import Outcome
    from pipeline.publish.plan import Choices, Plan
    from pipeline.recommend.access_rule import AccessRule
    from pipeline.recommend.scope import Scope
    from pipeline.recommend.writable import Writable


def apply(
    context: typer.Context,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be done; the default.")] = False,
    yes: YesOption = False,
    rules: Annotated[
        str,
        typer.Option(
            "--rules",
            metavar="accepted|proposed|FILE",
            help="Rules that are to be in force, read as by nsp export. Of the accepted ones, and of access rules in a "
            "file, what nsp applied before and is not among them is removed; proposals come on top.",
        ),
    ] = "accepted",
    perimeter: PerimeterOption = None,
    profile: ProfileOption = None,
    accept_drift: AcceptDriftOption = False,
    narrow_first: NarrowFirstOption = False,
    remove_all: Annotated[
        bool, typer.Option("--remove-all", help="Remove all that nsp applied, where no rule is accepted any more.")
    ] = False,
    policy: PolicyOption = None,
    auth: AuthOption = None,
    client_id: ClientIdOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Bring the accepted rules into force: a plan, and with --yes its writes.

    What is in force is read from Azure now and compared with what nsp applied last and with what is accepted. Rules of
    others are never touched. Everything is opened before anything is closed, and a rollback file is written before the
    first write. The exit code is 3 where there is something to apply or something stands against it, 5 where it
    stopped halfway: run it again to go on. Needs the role Network Contributor on the perimeter (--plan: Reader).
    """
    from pipeline.azure.arm_connection import connect
    from pipeline.cli.candidate import writable
    from pipeline.cli.log import tell
    from pipeline.cli.output import console, write_json
    from pipeline.cli.publishing import ATTENTION, end, known_perimeters, only_table_or_json, show_plan
    from pipeline.errors import AzureError, UsageError
    from pipeline.publish.plan import Choices
    from pipeline.recommend.scope import Scope

    if plan and yes:
        raise UsageError("--plan only looks, --yes writes: give one of them.")
    only_table_or_json(form)
    common: Context = context.obj
    access = resource_manager(common, auth, client_id)
    known = known_perimeters(common)
    scope = Scope(perimeter=perimeter, profile=profile)
    scope.check_one(known)
    found = writable(common, rules, scope)
    if unknown := sorted({each.perimeter for each in found.rules} - known):
        raise AzureError(
            f"The inventory doesn't know {unknown[0]}. Get it: nsp inventory pull --perimeter {unknown[0]}"
        )
    objections = _objections(common, found.rules, policy)
    choices = Choices(
        common.settings.max_elements, accept_drift, narrow_first, remove_all, objections, keep=found.are_additions
    )
    outcome = None
    with connect(access) as manager:
        made = _planned(common, manager, found.rules, scope, choices)
        if form is Format.TABLE:
            _show_sources(made, rules, found)
            show_plan(made, choices.limit, console())
        if yes and not made.problems:
            made, outcome = _applied(common, manager, found.rules, scope, choices, made, rules)
    if form is Format.JSON:
        write_json(made.as_json() | ({"outcome": outcome.as_json()} if outcome else {}))
    if outcome:
        end(outcome)
    if made.problems or (made.steps and outcome is None):
        if not made.problems:
            tell("nothing_written", "Nothing was written. To do so, add --yes.")
        raise typer.Exit(ATTENTION)


def _planned(
    common: "Context", manager: "ResourceManager", rules: "tuple[AccessRule, ...]", scope: "Scope", choices: "Choices"
) -> "Plan":
    from pipeline.publish.apply import plan_now

    return plan_now(manager, common.settings.store, rules, scope, choices)[0]


def _applied(
    common: "Context",
    manager: "ResourceManager",
    rules: "tuple[AccessRule, ...]",
    scope: "Scope",
    choices: "Choices",
    made: "Plan",
    source: str,
) -> "tuple[Plan, Outcome]":
    from pipeline.cli.publishing import this_run
    from pipeline.publish.apply import apply_now

    run = this_run(source, _prediction(common, made, scope) if made.steps else {})
    return apply_now(manager, common.settings.store, rules, scope, choices, run)


def _prediction(common: "Context", made: "Plan", scope: "Scope") -> "dict[str, Any]":
    """Return what is to be expected once the plan is carried out and its profiles are enforced."""
    from pipeline.cli.recommend import run
    from pipeline.publish.prediction import predict
    from pipeline.review.decided import decided

    now = utc_now()
    contents = {each.key: each.accepted if each.is_open else each.live for each in made.merged}
    there = {key: content for key, content in contents.items() if content is not None}
    places = {key[:2] for key in contents}
    with common.open() as store:
        found = run(store, common, scope, now, None, decided(common.decisions().trail(), now))
        return predict(store, found, there, places)


def _objections(common: "Context", rules: "tuple[AccessRule, ...]", policy: "Path | None") -> tuple[str, ...]:
    """Return what the policy has against rules."""
    from pipeline.inventory.rules import tag_prefixes
    from pipeline.recommend import policy_file
    from pipeline.recommend.bounds import violations

    bounds = policy_file.find(policy, common.config)
    if bounds is None:
        return ()
    elements = [each for rule in rules for each in rule.rule_elements()]
    with common.open() as store:
        prefixes = tag_prefixes(store, {each.element.lower() for each in elements if each.kind == "service-tags"})
    return tuple(
        f"The policy ({each.bound}) stands against {each.element.rule or 'these rules'}: {each.sentence}."
        for each in violations(elements, bounds, prefixes)
    )


def _show_sources(made: "Plan", source: str, found: "Writable") -> None:
    from pipeline.cli.log import tell, warn

    if found.left_out:
        message = f"{found.left_out} proposals are left out."
        tell("proposals_left_out", message, flagged=found.flagged, rejected=found.rejected)
    if not made.merged:
        warn(
            "no_rules",
            "No rule is accepted, and nsp applied none. See nsp recommend, then nsp decide accept."
            if source == "accepted"
            else "There is no rule to apply.",
        )
