"""nsp whatif: what changes under other rules, another access mode."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import PerimeterOption, ProfileOption, SinceOption, UntilOption
from pipeline.cli.output import Format, FormatOption
from pipeline.moments import utc_now
from pipeline.text import counted

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.cli.context import Context
    from pipeline.verdict.whatif import Comparison

ATTENTION = 3
SHOWN = 20


class Mode(StrEnum):
    """Access modes that a scenario can assume."""

    ENFORCED = "Enforced"
    LEARNING = "Learning"
    AUDIT = "Audit"
    AS_IS = "as-is"


class Access(StrEnum):
    """Values of publicNetworkAccess that a scenario can assume."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    SECURED = "SecuredByPerimeter"


def whatif(
    context: typer.Context,
    rules: Annotated[
        str,
        typer.Option(
            "--rules",
            metavar="proposed|in-force|accepted|FILE",
            help="Rules to try: the recommended or the accepted ones on top of those in force, just those in force, "
            "or a file of `nsp recommend -f json` or of access rules as in an inventory.",
        ),
    ] = "proposed",
    mode: Annotated[
        Mode, typer.Option("--mode", case_sensitive=False, help="Access mode of all associations.")
    ] = Mode.ENFORCED,
    access: Annotated[
        Access | None,
        typer.Option("--public-network-access", case_sensitive=False, help="Of all resources. Default: what each is."),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    perimeter: PerimeterOption = None,
    profile: ProfileOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show what of the traffic seen would change under other rules or another access mode.

    The exit code is 3 where something that succeeded would be denied. JSON holds all; CSV and Parquet who would be
    denied. Rules are tried on the traffic that was seen: what was never seen is not in here (see nsp recommend for
    the callers to expect).
    """
    from pipeline.cli.candidate import candidate
    from pipeline.cli.output import console, write, write_json
    from pipeline.recommend.candidate import PROPOSED
    from pipeline.recommend.scope import Scope, profiles_known
    from pipeline.verdict.whatif import compare

    common: Context = context.obj
    scope = Scope(since, until, perimeter, profile)
    now = utc_now()
    with common.open() as store:
        if rules != PROPOSED:  # making proposals looks at the scope itself
            scope.check(profiles_known(store))
        tried = candidate(store, common, rules, scope, now)
        found = compare(
            store, tried, access_mode=None if mode is Mode.AS_IS else mode.value,
            public_network_access=access.value if access else None, **scope.parameters(),
        )  # fmt: skip
    if form is Format.JSON:
        told = {"rules": rules, "access_mode": mode.value, "public_network_access": access.value if access else None}
        write_json(
            {
                "scenario": told,
                "lost_requests": found.lost_requests,
                "denied_already_requests": found.denied_already_requests,
                "unjudged_requests": found.unjudged_requests,
                "changes": found.changes.to_dicts(),
                "losses": found.losses.to_dicts(),
            }
        )
    elif form is Format.TABLE:
        show(found, console())
    else:
        write(found.losses, form)
    if found.lost_requests:
        raise typer.Exit(ATTENTION)


def show(found: "Comparison", to: "Console") -> None:
    """Print a comparison for people."""
    from pipeline.cli.output import plain, table

    changed = found.changes.filter(found.changes["verdict_today"] != found.changes["verdict_then"])
    if found.changes.is_empty():
        to.print("No traffic in this scope, which says nothing about what would happen.")
        return
    rows = [
        [
            "!" if row["is_loss"] else "+" if row["verdict_today"] == "denied" else "",
            row["profile"],
            "in" if row["direction"] == "Inbound" else "out",
            row["verdict_today"],
            row["verdict_then"],
            row["reason"],
            row["requests"],
            row["callers"],
        ]
        for row in changed.to_dicts()
    ]
    total = int(found.changes["requests"].sum())
    to.print(
        f"{found.lost_requests:,} of {total:,} requests that were seen succeed today and would be denied; "
        f"{int(changed['requests'].sum()):,} would be judged differently.",
        markup=False,
    )
    if found.denied_already_requests:
        to.print(
            f"{found.denied_already_requests:,} more were seen to succeed and are denied today already, by what the "
            "inventory tells of rules, access modes and publicNetworkAccess: if they aren't, pull it again.",
            markup=False,
        )
    if found.unjudged_requests:  # of some something is known today, of others nothing either
        to.print(f"Of {counted(found.unjudged_requests, 'request')} nobody can tell what would happen.", markup=False)
    if rows:
        names = ["", "profile", "", "today", "then", "because", "requests", "callers"]
        to.print(table("", names, rows))
    if not found.losses.is_empty():
        lost = [
            [
                row["profile"],
                "in" if row["direction"] == "Inbound" else "out",
                (row["caller"] or "unnamed").rpartition("/providers/")[2],
                row["reason"],
                row["requests"],
                row["days_seen"],
                ", ".join(each.rsplit("/", 1)[-1] for each in row["resources"] if each),
            ]
            for row in found.losses.head(SHOWN).to_dicts()
        ]
        title = f"Would be denied, the {len(lost)} with the most requests of {found.losses.height:,}"
        names = ["profile", "", "caller", "because", "requests", "days", "resources"]
        to.print(table(plain(title), names, lost, wrap=("caller", "resources")))
