"""nsp tighten: which rules in force are wider than what they are used for."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import PerimeterOption, ProfileOption, SinceOption, UntilOption
from pipeline.cli.output import Format, FormatOption
from pipeline.moments import utc_now
from pipeline.text import first_of

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.cli.context import Context
    from pipeline.recommend.tightening import Tightening

SHOWN = 6


def tighten(
    context: typer.Context,
    unused_days: Annotated[
        int,
        typer.Option(
            "--unused-days",
            min=1,
            max=36_500,
            help="A rule element is unused when it admitted nothing in so many days up to the last record.",
        ),
    ] = 90,
    since: SinceOption = None,
    until: UntilOption = None,
    perimeter: PerimeterOption = None,
    profile: ProfileOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show which rules in force are wider than what they are used for, and what would do in their place.

    This is advice: nothing is changed, and the exit code is 0. What other elements admit as well can go at once;
    what is unused, or used in part only, by the days that were seen: a job of once a year isn't in them. Narrower
    prefixes admit all that the wider one was seen to admit.
    """
    import polars as pl

    from pipeline.cli.output import console, write, write_json
    from pipeline.cli.recommend import limits_of
    from pipeline.recommend import tighten as tightener
    from pipeline.recommend.scope import Scope

    common: Context = context.obj
    now = utc_now()
    with common.open() as store:
        scope, limits = Scope(since, until, perimeter, profile), limits_of(common)
        found = tightener.tighten(store, scope, now, limits, unused_days=unused_days)
    if form is Format.JSON:
        write_json([each.as_json() for each in found])
    elif form is Format.TABLE:
        show(found, console())
    else:
        write(pl.DataFrame([_flat(each.as_json()) for each in found], schema=dict(_columns())), form)


def show(found: "list[Tightening]", to: "Console") -> None:
    """Print findings for people."""
    from pipeline.cli.output import table

    if not found:
        to.print(
            "No rule in force was found to be wider than its use. Rules that no inventory told aren't known, and those "
            "of profiles without a record can hardly be judged."
        )
        return
    rows = [
        [
            each.element.profile,
            "in" if each.element.direction == "Inbound" else "out",
            each.element.rule,
            each.element.element.removeprefix("/subscriptions/"),
            each.finding,
            _instead(each.replacement),
            each.reason,
        ]
        for each in found
    ]
    names = ["profile", "", "rule", "element", "finding", "instead", "why"]
    to.print(table("", names, rows, wrap=("rule", "element", "instead", "why")))


def _instead(replacement: tuple[str, ...] | None) -> str:
    if replacement is None:
        return ""
    return first_of(replacement, SHOWN) or "nothing"


def _columns() -> "list[tuple[str, Any]]":
    """Return the columns of a finding as one row; they are there without a finding as well."""
    import polars as pl

    texts = ("perimeter", "profile", "direction", "rule", "kind", "element", "finding", "reason")
    lists = ("replacement", "beside", "flags")
    return [
        *((name, pl.String) for name in (*texts, *lists)),
        *((name, pl.Int64) for name in ("requests", "used", "days_used", "days_observed")),
        ("last_use", pl.String),
        # ::/0 has 2^64 - 1 networks of /64
        *((name, pl.UInt64) for name in ("addresses", "closed_addresses")),
    ]


def _flat(finding: dict[str, Any]) -> dict[str, Any]:
    """Return a finding as one row: evidence and exposure beside the rest, lists as text, null where there is none."""
    beside = [each["element"] for each in finding["beside"]]
    row = {**finding, **finding["evidence"], **finding["exposure"], "beside": beside}
    del row["evidence"], row["exposure"]
    return {key: " ".join(value) if isinstance(value, list) else value for key, value in row.items()}
