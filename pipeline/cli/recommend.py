"""nsp recommend: proposals, readiness, backtest."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pipeline.cli.check import CheckOption, PolicyOption, RulesOption
from pipeline.cli.difference import DiffOption
from pipeline.cli.options import PerimeterOption, ProfileOption, SinceOption, UntilOption
from pipeline.cli.output import Format, FormatOption
from pipeline.errors import UsageError
from pipeline.moments import utc_now
from pipeline.text import counted

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.cli.context import Context
    from pipeline.recommend.association import Step
    from pipeline.recommend.decided import Decided
    from pipeline.recommend.policy import Limits
    from pipeline.recommend.proposal import Proposal
    from pipeline.recommend.readiness import Readiness
    from pipeline.recommend.run import Recommendation
    from pipeline.recommend.scope import Scope
    from pipeline.store import Store

ATTENTION = 3
EXAMPLES = 2
_MARKS = {"recommended": "", "asked": "?", "to-do": "!"}


def recommend(
    context: typer.Context,
    since: SinceOption = None,
    until: UntilOption = None,
    perimeter: PerimeterOption = None,
    profile: ProfileOption = None,
    diff: DiffOption = None,
    check: CheckOption = False,
    rules: RulesOption = None,
    policy: PolicyOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Propose the access rules that are needed, and say whether each profile may be enforced.

    The exit code is 3 while a profile isn't ready. JSON holds the whole run; CSV and Parquet the proposals.
    """
    import polars as pl

    from pipeline.cli.check import run_check
    from pipeline.cli.difference import write_difference
    from pipeline.cli.output import console, write, write_json
    from pipeline.recommend import difference
    from pipeline.recommend.scope import Scope
    from pipeline.review.decided import decided

    common: Context = context.obj
    scope = Scope(since, until, perimeter, profile)
    if check:
        if diff:
            raise UsageError("--check and --diff are two questions: ask one at a time.")
        run_check(common, scope, form, rules, policy)
        return
    if rules:
        raise UsageError("--rules says what --check looks at: add --check.")
    earlier = difference.read(diff) if diff else None
    with common.open() as store:
        now = utc_now()
        result = run(store, common, scope, now, policy, decided(common.decisions().trail(), now))
    if earlier:
        write_difference(difference.compare(earlier, difference.run_of(result.as_json()), scope), form)
    elif form is Format.JSON:
        write_json(result.as_json())
    elif form is Format.TABLE:
        show(result, console())
    else:
        rows = [_flat(proposal.as_json()) for proposal in result.proposals]
        write(pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame(schema={"id": pl.String}), form)
    if not result.ready:
        raise typer.Exit(ATTENTION)


def run(
    store: "Store",
    common: "Context",
    scope: "Scope",
    now: datetime,
    policy: Path | None = None,
    decided: "Decided | None" = None,
) -> "Recommendation":
    """Run the recommender as the settings and the policy say, as of a time in UTC.

    Args:
        store: the warehouse.
        common: the settings.
        scope: what part of it.
        now: UTC.
        policy: what --policy says.
        decided: what people decided; None where that plays no part.
    """
    from pipeline.recommend import run as recommender
    from pipeline.recommend.chosen import tolerance_of

    return recommender.recommend(store, limits_of(common, policy), scope, now, tolerance_of(common.settings), decided)


def limits_of(common: "Context", policy: Path | None = None) -> "Limits":
    """Return what bounds proposals, as the settings say, within the policy where there is one."""
    from pipeline.recommend import chosen, policy_file

    return chosen.limits_of(common.settings, policy_file.find(policy, common.config))


def show(result: "Recommendation", to: "Console", *, brief: bool = False) -> None:
    """Print a run for people: profile by profile, what is needed and whether it is enough.

    Args:
        result: the run.
        to: where to.
        brief: without those for whom nothing changes, and the order of enforcing in one line: for the demonstration.
    """
    from pipeline.cli.output import plain, table

    if not result.readiness:
        to.print("Not ready: no data. Nothing was loaded, which says nothing about traffic. nsp ingest folder PATH")
        return
    for ready in result.readiness:
        mine = [each for each in result.proposals if (each.perimeter, each.profile) == (ready.perimeter, ready.profile)]
        denied = sum(each.requests for each in mine)
        to.print(
            f"\nPerimeter {plain(ready.perimeter.rsplit('/', 1)[-1])}, profile {plain(ready.profile)}: "
            f"{_verdict(ready)}. Enforcing today would have denied {counted(denied, 'request')} in "
            f"{counted(ready.days_observed, 'day')}.",
            markup=False,
        )
        for reason in ready.reasons:
            to.print(f"  - {plain(reason)}", markup=False)
        rows = [
            [
                _MARKS.get(each.state, "-") if each.is_rule or each.is_to_do else "-",
                "in" if each.direction == "Inbound" else "out",
                _named(each),
                each.requests,
                f"{each.days_seen}/{each.days_observed}",
                _why(each),
            ]
            for each in mine
            if each.kind != "leave-denied" or each.flags or not brief
        ]
        if rows:
            to.print(table("", ["", "", "rule element", "requests", "days", "why"], rows, wrap=("why", "rule element")))
        else:
            to.print("  No rule is needed for what was seen.")
        for line in _notes(ready):
            to.print(f"  {line}", markup=False)
        if len(ready.steps) > 1:
            _show_order(ready, to, brief=brief)
    if result.azure_suggestions:
        rows = [
            [each["profile"], each["resource"].rsplit("/", 1)[-1], each["direction"], each["elements"], each["issue"]]
            for each in result.azure_suggestions
        ]
        title = "Azure itself suggests (nsp inventory show issues)"
        to.print(table(title, ["profile", "resource", "direction", "elements", "because of"], rows, wrap=("elements",)))
    to.print("? is flagged: ask a person who knows. - is no rule: cannot-fix wants another remedy, leave-denied none.")
    if any(each.is_to_do for each in result.proposals):
        to.print("! is no rule either: associate or link as it says before you enforce.")


def _verdict(ready: "Readiness") -> str:
    if not ready.ready:
        return "NOT READY"
    return "READY, with denials as decided" if ready.denied.requests else "READY"


def _notes(ready: "Readiness") -> list[str]:
    """Say how to split the profile, where its elements don't suffice, and which jobs are due."""
    from pipeline.cli.output import plain

    lines = []
    for number, part in enumerate(ready.split.parts if ready.split else ()):
        names = ", ".join(plain(each.rsplit("/", 1)[-1]) for each in part.resources)
        counts = " and ".join(f"{count:,} {way.lower()}" for way, count in part.elements.items() if count) or "no"
        where = "keep here" if part.stays else f"move to new profile {number}"
        lines.append(f"split, as the elements don't suffice: {where} {names} ({counts} elements)")
    for resource, count in (ready.split.too_large if ready.split else {}).items():
        name = plain(resource.rsplit("/", 1)[-1])
        lines.append(f"split: {name} needs {count:,} elements beside those in force, too many for one profile")
    lines += [f"due {each.day}: {plain(each.caller)}, {each.rhythm.sentence}" for each in ready.calendar.due]
    return lines


def _show_order(ready: "Readiness", to: "Console", *, brief: bool) -> None:
    """Print the associations in the order in which to enforce them, those that are already apart; brief in a line."""
    from pipeline.cli.output import plain, table

    def names(some: "list[Step]") -> str:
        return ", ".join(plain(step.association.resource.rsplit("/", 1)[-1]) for step in some)

    left = [step for step in ready.steps if not step.is_enforced]
    enforced = [step for step in ready.steps if step.is_enforced]
    title = "Enforce one by one, in this order" if len(left) > 1 else "Left to enforce"
    rows = [
        [
            number,
            step.association.resource.rsplit("/", 1)[-1],
            "ready" if step.ready else "not ready",
            step.by_rules,
            step.open_requests,
            "; ".join(step.reasons) or ("what speaks against its profile" if step.shared else ""),
        ]
        for number, step in enumerate(left, 1)
    ]
    if left and brief:
        done = f"; enforced already: {names(enforced)}" if enforced else ""
        to.print(f"  {title}: {names(left)}{done}.", markup=False)
        return
    if left:
        columns = ["", "resource", "", "by rules", "open", "what speaks against it"]
        to.print(table(title, columns, rows, wrap=("what speaks against it",)))
    if enforced:
        to.print(f"  Enforced already: {names(enforced)}.", markup=False)


def _named(proposal: "Proposal") -> str:
    """Return what a rule names, at most one element of it."""
    if not proposal.is_rule:
        return proposal.kind
    more = len(proposal.elements) - 1
    return proposal.elements[0].removeprefix("/subscriptions/") + (f" and {more} more" if more else "")


def _why(proposal: "Proposal") -> str:
    """Return the reason, with whom it is about where no rule element says so, and the flags."""
    from pipeline.cli.output import plain

    named = ""
    if not proposal.is_rule:
        others = len(proposal.needs) - EXAMPLES
        shown = ", ".join(plain(each.rsplit("/", 1)[-1])[:60] for each in proposal.examples(EXAMPLES))
        named = f" ({shown}{f' and {others:,} more' if others > 0 else ''})"
    close = f"; your call: {plain(proposal.choice.sentence)}" if proposal.choice and proposal.choice.your_call else ""
    return proposal.reason + named + close + (f" [{', '.join(proposal.flags)}]" if proposal.flags else "")


def _flat(proposal: dict[str, Any]) -> dict[str, Any]:
    """Return a proposal as one row: choice, evidence and exposure beside the rest, lists as text."""
    choice = {name if name == "your_call" else f"choice_{name}": value for name, value in proposal["choice"].items()}
    row = {**proposal, **proposal["evidence"], **proposal["exposure"], **choice}
    del row["evidence"], row["exposure"], row["choice"]
    return {key: " ".join(value) if isinstance(value, list) else value for key, value in row.items()}
