"""Options that several commands share, and how their words are read."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import UsageError
from pipeline.moments import ago, utc_now

if TYPE_CHECKING:
    from pipeline.azure.arm_connection import Access
    from pipeline.azure.signin import Auth
    from pipeline.cli.context import Context


def moment(text: str) -> datetime:
    """Read `2026-10-01`, `2026-10-01T08:00` (UTC unless it says otherwise) or `36h`, `7d`, `2w` ago."""
    try:
        return ago(text, utc_now())
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


SinceOption = Annotated[
    datetime | None,
    typer.Option(
        "--since", parser=moment, metavar="TIME", help="First whole hour, UTC: 2026-10-01, or 7d for a week ago."
    ),
]
UntilOption = Annotated[
    datetime | None,
    typer.Option(
        "--until",
        parser=moment,
        metavar="TIME",
        help="End, exclusive, written as --since; an hour that has begun counts.",
    ),
]
PerimeterOption = Annotated[
    str | None,
    typer.Option(
        "--perimeter",
        help="Name or ARM id of one perimeter.",
        callback=lambda text: text and text.rstrip("/"),  # as ids are copied from the portal's addresses
    ),
]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="Name of one profile.")]
AuthOption = Annotated[
    str | None,
    typer.Option(
        "--auth",
        metavar="WAY",
        help="How to sign in: default, cli, managed-identity, environment or workload-identity.",
    ),
]
ClientIdOption = Annotated[
    str | None,
    typer.Option("--client-id", help="Client id of a user-assigned managed identity."),
]


def way_of(word: str) -> "Auth":
    """Return the way of signing in that --auth or azure.auth names.

    Raises:
        UsageError: there is no such way.
    """
    from pipeline.azure import signin

    return signin.way_of(word)


def resource_manager(common: "Context", auth: str | None, client_id: str | None) -> "Access":
    """Return how to get at Azure Resource Manager, as the settings and a command's options say.

    Raises:
        UsageError: there is no such way of signing in.
    """
    from pipeline.azure.arm_connection import Access

    chosen = common.chosen(auth=auth, client_id=client_id)
    return Access(chosen.resource_manager, way_of(chosen.auth), chosen.client_id)
