"""The headline: may the profile be enforced, and if not, why."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from pipeline.review.page.grid import waits
from pipeline.review.page.parts import aria
from pipeline.review.page.text import shown
from pipeline.review.state import ProposalState
from pipeline.text import counted

LIGHTS = {"callers": "Callers", "window": "Window", "questions": "Questions"}
_MEANING = {
    "callers": ("few enough callers at risk", "too many callers at risk"),
    "window": ("long and fresh enough", "too short, old or with gaps"),
    "questions": ("none open", "some open"),
}


def headline(judged: Mapping[str, Any] | None, states: Sequence[ProposalState]) -> list[Any]:
    """Return the verdict of a profile, its three lights and their reasons.

    Args:
        judged: readiness of the run; None where it has none.
        states: of its proposals.
    """
    if judged is None and not states:
        return [html.H2("No data", className="verdict"), html.P("The run knows no such profile: load logs first.")]
    if judged is None:
        return [html.H2("No judgement", className="verdict"), html.P("The run holds none of this profile.")]
    ready = bool(judged.get("ready"))
    verdict = html.H2(
        [
            aria(html.Span("✓" if ready else "✕", className="verdict-glyph"), hidden="true"),
            "Ready to enforce" if ready else "Not ready to enforce",
        ],
        className=f"verdict {'is-ok' if ready else 'is-bad'}",
    )
    decisions = [shown(each.split(": ", 1)[-1]) for each in judged.get("reasons") or () if _is_of_decisions(each)]
    return [
        html.Div(
            [verdict, html.P(_risk(judged.get("callers_at_risk") or {}), className="risk")], className="verdict-line"
        ),
        html.Ul(
            [
                _light(name, green=bool(green), reasons=judged.get("reasons") or ())
                for name, green in (judged.get("lights") or {}).items()
            ],
            className="lights",
        ),
        *(html.P(f"{each[:1].upper()}{each[1:]}.", className="risk") for each in decisions),
        html.P(_progress(states), className="progress", id="progress"),
    ]


def _risk(risk: Mapping[str, Any]) -> str:
    if risk.get("estimate") is None:
        return "Nothing could be replayed, so nobody can say how many callers would be wrongly denied."
    of = f" of {risk['of']:,}" if risk.get("of") is not None else ""
    return (
        f"With the recommended rules, {risk['estimate']:.1f}{of} callers would be wrongly denied next week "
        f"(likely {risk['low']:,} to {risk['high']:,})."
    )


def _is_of_decisions(reason: str) -> bool:
    return reason.startswith("decisions:")


def _light(name: str, *, green: bool, reasons: Sequence[str]) -> html.Li:
    mine = [shown(each.split(": ", 1)[-1]) for each in reasons if each.startswith(f"{name}:")]
    if name == "window":
        mine += [shown(each) for each in reasons if each.split(":", 1)[0] not in LIGHTS and not _is_of_decisions(each)]
    good, bad = _MEANING.get(name, ("good", "not good"))
    return html.Li(
        [
            html.Div(
                [
                    aria(html.Span("✓" if green else "✕", className="light-glyph"), hidden="true"),
                    html.Span(LIGHTS.get(name, shown(name)), className="light-name"),
                    html.Span(good if green else bad, className="light-word"),
                ],
                className="light-head",
            ),
            html.Ul([html.Li(f"{each[:1].upper()}{each[1:]}.") for each in mine], className="reasons")
            if mine
            else None,
        ],
        className=f"light {'is-ok' if green else 'is-bad'}",
    )


def _progress(states: Sequence[ProposalState]) -> str:
    waiting = [each for each in states if waits(each)]
    flagged = sum(bool(each.proposal["flags"]) for each in waiting)
    if not states:
        return "No rule is needed for what was seen."
    if not waiting:
        return "Every proposal is decided. Questions are judged anew by the next run: reload."
    return (
        f"{counted(len(waiting), 'proposal waits', 'proposals wait')} for a decision"
        f"{f', {flagged:,} of them flagged' if flagged else ''}."
    )
