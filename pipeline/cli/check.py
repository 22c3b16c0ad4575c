"""nsp recommend --check: whether rules keep the bounds of policy.toml."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import Format
from pipeline.errors import InventoryError, SettingsError, UsageError
from pipeline.moments import utc_now

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.inventory.rules import ProfileKey
    from pipeline.recommend.bounds import Bounds, Violation
    from pipeline.recommend.scope import Scope
    from pipeline.store import Store

ATTENTION = 3
SCHEMA_VERSION = 1

CheckOption = Annotated[
    bool,
    typer.Option("--check", help="Propose nothing: check rules against policy.toml. Exit code 3 where one exceeds it."),
]
RulesOption = Annotated[
    str | None,
    typer.Option(
        "--rules",
        metavar="in-force|proposed|accepted|FILE",
        help="Which rules --check looks at. Default: those in force. A file is read as by nsp whatif.",
    ),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy", metavar="FILE", help="Bounds that no proposal exceeds. Default: policy.toml beside nsp.toml."
    ),
]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Args:
        elements: how many were checked.
        untold: (perimeter, profile) of which the logs speak and no inventory lists the rules.
        violations: in order.
    """

    elements: int
    untold: "tuple[ProfileKey, ...]"
    violations: "tuple[Violation, ...]"


def run_check(common: "Context", scope: "Scope", form: Format, rules: str | None, policy: Path | None) -> None:
    """Check rules against the policy and print what exceeds it.

    Args:
        common: the store and nsp.toml.
        scope: perimeter and profile; rules have no time.
        form: of the output.
        rules: what --rules says; None for those in force.
        policy: what --policy says; None for policy.toml beside nsp.toml.

    Raises:
        UsageError: there is no policy, or a word is wrong.
        InventoryError: no rule is known, so there is nothing to check.
        Exit: with 3, where a rule exceeds the policy.
    """
    from pipeline.recommend import policy_file

    if scope.since or scope.until:
        raise UsageError("--check looks at rules, which have no time: leave --since and --until out.")
    bounds = policy_file.find(policy, common.config)
    if bounds is None:
        raise SettingsError(
            f"There is no policy to check against. Write {policy_file.place(common.config)} (docs/policy.md has an "
            "example; an empty file sets the default bounds), or name one by --policy FILE."
        )
    with common.open() as store:
        found = _checked(store, common, scope, bounds, rules or "in-force")
    _show(found, form, {"policy": str(policy or policy_file.place(common.config)), "rules": rules or "in-force"})
    if found.violations:
        raise typer.Exit(ATTENTION)


def _checked(store: "Store", common: "Context", scope: "Scope", bounds: "Bounds", source: str) -> Checked:
    from pipeline.cli.candidate import candidate
    from pipeline.inventory import rules
    from pipeline.recommend.bounds import violations
    from pipeline.recommend.configuration import Configuration

    now = utc_now()
    tried = candidate(store, common, source, scope, now) or rules.in_force(store)
    if not tried.told:
        raise InventoryError(
            "No access rule and no profile is known, so there is nothing to check: nsp inventory pull --subscription "
            "GUID, or nsp inventory load FILE."
        )
    known = Configuration(store)
    everything = known.profiles(None, None) | tried.told
    profiles = {key for key in everything if scope.holds(*key)}
    if not profiles:
        names = ", ".join(sorted(f"{owner.rsplit('/', 1)[-1]}/{name}" for owner, name in everything))
        raise UsageError(f"No such perimeter or profile. Known (perimeter/profile): {names}.")
    elements = [each for each in tried.elements if each.profile_key in profiles]
    prefixes = rules.tag_prefixes(
        store, {each.element.strip().lower() for each in elements if each.kind == "service-tags"}
    )
    untold = sorted((owner, known.spelled(owner, name)) for owner, name in profiles - tried.told)
    return Checked(len(elements), tuple(untold), tuple(violations(elements, bounds, prefixes)))


def _show(found: Checked, form: Format, told: dict[str, str]) -> None:
    from pipeline.cli.output import console, plain, table, write, write_json

    rows = [
        {
            "perimeter": each.element.perimeter,
            "profile": each.element.profile,
            "direction": each.element.direction,
            "kind": each.element.kind,
            "element": each.element.element,
            "rule": each.element.rule,
            "bound": each.bound,
            "reason": each.sentence,
        }
        for each in found.violations
    ]
    untold = [{"perimeter": perimeter, "profile": profile} for perimeter, profile in found.untold]
    if form is Format.JSON:
        write_json(
            {"schema_version": SCHEMA_VERSION, **told, "elements": found.elements, "untold_profiles": untold,
             "violations": rows}
        )  # fmt: skip
        return
    if form is not Format.TABLE:
        import polars as pl

        names = ("perimeter", "profile", "direction", "kind", "element", "rule", "bound", "reason")
        write(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String)), form)
        return
    to = console()
    count = f"{len(rows):,} violation{'' if len(rows) == 1 else 's'}"
    to.print(f"{count} of {told['policy']} by {found.elements:,} rule elements ({told['rules']}).", markup=False)
    if rows:
        shown = [
            [
                f"{row['perimeter'].rsplit('/', 1)[-1]}/{row['profile']}",
                "in" if row["direction"] == "Inbound" else "out",
                row["rule"],
                row["bound"],
                row["reason"],
            ]
            for row in rows
        ]
        columns = ["profile", "", "rule", "bound", "why"]
        to.print(table("", columns, shown, wrap=("profile", "rule", "why")))
    for each in untold:
        to.print(
            f"Not checked: {plain(each['perimeter'].rsplit('/', 1)[-1])}/{plain(each['profile'])}; the logs name it, "
            "but no inventory lists its rules.",
            markup=False,
        )
