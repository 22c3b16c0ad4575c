"""nsp recommend --diff: what changed since an earlier run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.output import Format, console, plain, table, write, write_json
from pipeline.text import first_of

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.recommend.difference import Difference

DiffOption = Annotated[
    Path | None,
    typer.Option(
        "--diff",
        metavar="LAST.json",
        help="Print what changed since an earlier nsp recommend --format json. The exit code stays the run's.",
    ),
]

COLUMNS = ("change", "perimeter", "profile", "direction", "kind", "elements", "what")
SHOWN = 3
SIGNS = {"new": "+", "gone": "-", "changed": "~"}


def write_difference(found: "Difference", form: Format) -> None:
    """Write a difference on stdout."""
    if form is Format.JSON:
        write_json(found.as_json())
    elif form is Format.TABLE:
        _show(found, console())
    else:
        import polars as pl

        write(pl.DataFrame(_rows(found), schema=dict.fromkeys(COLUMNS, pl.String), orient="row"), form)


def _rows(found: "Difference") -> list[list[Any]]:
    """Return the changes of proposals, then those of lights, a row each."""
    rows = [
        [
            each.change,
            each.proposal["perimeter"],
            each.proposal["profile"],
            each.proposal["direction"],
            each.proposal["kind"],
            " ".join(each.proposal["elements"]),
            "; ".join((*each.sentences, *_notes(each.change, each.proposal))),
        ]
        for each in found.changes
    ]
    for each in found.lights:
        turn = f"{each.light}: {_colour(each.was_green)} -> {_colour(each.is_green)}"
        rows.append(["light", each.perimeter, each.profile, "", "light", "", turn])
    return rows


def _notes(change: str, proposal: dict[str, Any]) -> list[str]:
    """Say why a new proposal is made and what it is flagged for; of the others that is known."""
    if change != "new":
        return []
    flags = proposal["flags"]
    return [proposal["reason"] + (f" [{', '.join(flags)}]" if flags else "")]


def _shortened(elements: list[str]) -> str:
    """Return the first elements of a rule; how many more there are."""
    return first_of([each.removeprefix("/subscriptions/") for each in elements], SHOWN, " ")


def _colour(is_green: bool | None) -> str:
    return {True: "green", False: "red", None: "not in the run"}[is_green]


def _show(found: "Difference", to: "Console") -> None:
    since = f"{plain(found.earlier['created'])} (run {plain(found.earlier['id'])})"
    if found.is_empty:
        to.print(f"Nothing changed since {since}.", markup=False)
        return
    counts = {word: sum(each.change == word for each in found.changes) for word in SIGNS}
    to.print(
        f"Since {since}: {counts['new']:,} new, {counts['gone']:,} gone and {counts['changed']:,} changed proposals, "
        f"{len(found.lights):,} changed lights.",
        markup=False,
    )
    rows = [
        [
            SIGNS.get(change, "!"),
            f"{perimeter.rsplit('/', 1)[-1]}/{profile}",
            {"Inbound": "in", "Outbound": "out"}.get(direction, ""),
            _shortened(elements.split()) or kind,
            what,
        ]
        for change, perimeter, profile, direction, kind, elements, what in _rows(found)
    ]
    to.print(table("", ["", "profile", "", "rule element", "what"], rows, wrap=("profile", "rule element", "what")))
    to.print("+ is new, - gone, ~ changed, ! a light. More of the same evidence is no change.", markup=False)
