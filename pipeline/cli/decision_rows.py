"""Prints the states of proposals and the trail of decisions."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.cli.desk import brief, done, overlap_words
from pipeline.cli.log import tell
from pipeline.cli.output import Format, console, table, write, write_json

if TYPE_CHECKING:
    from pipeline.review.decision import Decision
    from pipeline.review.state import ProposalState

_STATE_COLUMNS = (
    "id", "state", "perimeter", "profile", "direction", "kind", "elements", "recommended", "flags", "requests",
    "is_proposed", "is_new", "overlaps", "sequence", "who", "decided_at", "reason", "expires", "name",
)  # fmt: skip
_TRAIL_COLUMNS = (
    "sequence", "decided_at", "who", "action", "proposal_id", "perimeter", "profile", "direction", "kind", "elements",
    "reason", "expires", "proposal", "previous_hash", "hash",
)  # fmt: skip
_TIMES = ("decided_at", "expires")


def write_states(states: "Sequence[ProposalState]", form: Format) -> None:
    """Write a row a proposal."""
    rows = [{**each.as_json(), "requests": each.proposal["evidence"].get("requests")} for each in states]
    if form is Format.JSON:
        write_json(rows)
    elif form is not Format.TABLE:
        _write_frame(rows, _STATE_COLUMNS, form)
    elif not rows:
        tell("no_rows", "No proposals, and nothing that was accepted.")
    else:
        shown = [
            [
                each.state,
                each.id,
                each.proposal["profile"],
                "in" if each.proposal["direction"] == "Inbound" else "out",
                brief(each.proposal, each.elements),
                each.proposal["evidence"].get("requests"),
                "; ".join(_notes(each)),
            ]
            for each in states
        ]
        columns = ["state", "id", "profile", "", "rule element", "requests", "what"]
        console().print(table("", columns, shown, wrap=("rule element", "what")))


def _notes(state: "ProposalState") -> list[str]:
    """Say what a person has to know of a proposal before deciding, or of what was decided."""
    notes = [f"[{', '.join(state.proposal['flags'])}]"] if state.proposal["flags"] else []
    if state.is_new:
        notes.append("new")
    notes += [f"{overlap_words(each.relation)} {', '.join(each.proposals)}" for each in state.overlaps]
    if decision := state.decision:
        notes.append(f"{done(decision.action, state.proposal)} by {decision.who} on {decision.decided_at:%Y-%m-%d}")
        if decision.expires:
            notes.append(f"until {decision.expires:%Y-%m-%d %H:%M}")
        if decision.reason:
            notes.append(decision.reason)
    else:
        notes.append(state.proposal["reason"])
    if not state.is_proposed:
        notes.append("proposed no longer")
    return notes


def write_trail(made: "Sequence[Decision]", form: Format) -> None:
    """Write a row a decision."""
    if form is Format.JSON:
        write_json([each.as_json() for each in made])
    elif form is not Format.TABLE:
        rows = []
        for each in made:
            proposal = each.proposal
            place = {name: proposal[name] for name in ("perimeter", "profile", "direction", "kind")}
            elements = each.elements or proposal["elements"]
            times = {"decided_at": each.decided_at, "expires": each.expires}
            rows.append({**each.as_row(), **place, **times, "elements": list(elements)})
        _write_frame(rows, _TRAIL_COLUMNS, form)
    elif not made:
        tell("no_rows", "Nobody has decided about anything yet.")
    else:
        shown = [
            [
                each.sequence,
                each.decided_at,
                each.who,
                done(each.action, each.proposal),
                each.proposal_id,
                brief(each.proposal, each.elements or each.proposal["elements"]),
                each.reason,
                each.expires,
            ]
            for each in made
        ]
        columns = ["", "when (UTC)", "who", "", "id", "rule element", "why", "until"]
        console().print(table("", columns, shown, wrap=("who", "rule element", "why")))


def _write_frame(rows: list[dict[str, Any]], columns: tuple[str, ...], form: Format) -> None:
    import polars as pl

    kinds: dict[str, Any] = dict.fromkeys(columns, pl.String)
    kinds |= {name: pl.Datetime("us") for name in _TIMES}
    kinds |= {name: pl.Int64 for name in ("sequence", "requests") if name in columns}
    kinds |= {name: pl.Boolean for name in ("recommended", "is_proposed", "is_new") if name in columns}
    kinds |= {name: pl.List(pl.String) for name in ("elements", "flags") if name in columns}
    flat = [{name: json.dumps(row[name]) if name == "overlaps" else row[name] for name in columns} for row in rows]
    write(pl.DataFrame(flat, schema=kinds, orient="row"), form)
