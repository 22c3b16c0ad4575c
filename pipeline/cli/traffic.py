"""nsp traffic: flows by one thing or another."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import PerimeterOption, ProfileOption, SinceOption, UntilOption
from pipeline.cli.output import Format, FormatOption

if TYPE_CHECKING:
    from pipeline.cli.context import Context


class By(StrEnum):
    """What a row stands for; each names the query traffic/flows_by_..."""

    VERDICT = "verdict"
    RULE = "rule"
    CALLER = "caller"
    DIRECTION = "direction"
    CATEGORY = "category"
    RESOURCE = "resource"
    DESTINATION = "destination"
    HOUR = "hour"


def traffic(
    context: typer.Context,
    by: Annotated[By, typer.Option("--by", help="What a row stands for.")] = By.CATEGORY,
    since: SinceOption = None,
    until: UntilOption = None,
    perimeter: PerimeterOption = None,
    profile: ProfileOption = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many rows; 0 for all.")] = 50,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show traffic by verdict, rule, caller, direction, category, resource, destination or hour.

    Requests are events (the sum of the log's count), records are log lines. denied_if_enforced counts those that
    succeed today and that enforcing would deny by the rules now in force, or might: of calls across links that nobody
    can judge.
    """
    from pipeline.cli.output import write
    from pipeline.recommend.scope import Scope, profiles_known

    common: Context = context.obj
    with common.open() as store:
        Scope(since, until, perimeter, profile).check(profiles_known(store))
        frame = store.frame(
            f"traffic/flows_by_{by.value}",
            since=since, until=until, perimeter=perimeter, profile=profile, limit=limit or None,
        )  # fmt: skip
    write(frame, form)
