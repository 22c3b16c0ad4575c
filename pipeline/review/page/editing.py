"""Shows what an edited rule would open, while it is typed."""

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, State, ctx, html, no_update

from pipeline.errors import NspError
from pipeline.review.page.detail import callers
from pipeline.review.page.evidence import Evidence
from pipeline.review.page.exposure import Exposure, exposure, narrowest, wider
from pipeline.review.page.layout import profile_key
from pipeline.review.page.parts import in_browser
from pipeline.review.page.reviewing import Review
from pipeline.review.page.selecting import found
from pipeline.review.page.text import rule_element, shown
from pipeline.text import counted

_UNITS = {4: ("address", "addresses"), 6: ("/64 network", "/64 networks")}


def connect(app: Dash, review: Review) -> None:
    """Add the callbacks; none of them is there where the page is read-only."""
    if review.desk.read_only:
        return
    in_browser(
        app,
        "edits",
        Output("edit-panel", "hidden"),
        Output("edit", "aria-expanded"),
        Input("edit", "n_clicks"),
        Input("chosen", "data"),
        Input("decided", "data"),
        State("edit-panel", "hidden"),
    )

    @app.callback(
        Output("elements", "value"),
        Output("edit", "disabled"),
        Output("edit-narrow", "hidden"),
        Output("edit-wider", "hidden"),
        Input("chosen", "data"),
        Input("edit-proposed", "n_clicks"),
        Input("edit-narrow", "n_clicks"),
        Input("edit-wider", "n_clicks"),
        State("elements", "value"),
        State("profile", "value"),
    )
    def elements(chosen: str | None, _a: int, _b: int, _c: int, text: str | None, profile: str) -> tuple[Any, ...]:
        state = found(review, chosen, profile, review.trail())
        if state is None or not state.proposal["elements"]:
            return "", True, True, True
        is_addresses = state.proposal["kind"] == "address-prefixes"
        given: Sequence[str] = state.elements if ctx.triggered_id != "edit-proposed" else state.proposal["elements"]
        if ctx.triggered_id == "edit-wider":
            given = wider((text or "").split())
        elif ctx.triggered_id == "edit-narrow":
            seen = _evidence(review, profile)
            given = narrowest(seen.of(state.proposal)) if seen else given
        shown_ = "\n".join(rule_element(each) for each in given)
        return shown_, False, not is_addresses, not is_addresses

    @app.callback(
        Output("exposure", "children"),
        Output("edit-save", "disabled"),
        Input("elements", "value"),
        Input("edit-panel", "hidden"),
        State("chosen", "data"),
        State("profile", "value"),
    )
    def opened(text: str | None, hidden: bool, chosen: str | None, profile: str) -> tuple[Any, ...]:
        state = None if hidden else found(review, chosen, profile, review.trail())
        if state is None or not state.proposal["elements"]:
            return no_update, no_update
        given = (text or "").split()
        if not given:
            return [html.P("Name at least one element; to have none, reject it.", className="is-bad")], True
        seen = _evidence(review, profile)
        return _said(exposure(state.proposal, given, seen, review.desk.bounds), has_evidence=seen is not None)


def _evidence(review: Review, profile: str) -> Evidence | None:
    try:
        return review.evidence(profile_key(profile))
    except NspError:
        return None


def _said(found_: Exposure, *, has_evidence: bool) -> tuple[list[Any], bool]:
    if found_.error:
        return [html.P(shown(found_.error), className="is-bad")], True
    lines: list[Any] = [
        html.Li(
            [
                html.Strong(counted(size, *_UNITS[version])),
                f", {(found_.unseen or {}).get(version, 0):,} of them never seen",
            ]
        )
        for version, size in (found_.sizes or {}).items()
    ]
    if not has_evidence:
        lines.append(html.Li("Who falls out can\u2019t be told: there is no store to ask."))
    else:
        lines.append(html.Li(f"{counted(len(found_.kept), 'caller')} of this proposal stay admitted"))
        if found_.lost:
            lines.append(
                html.Li(
                    [html.Strong(f"{counted(len(found_.lost), 'caller')} fall out: "), callers(found_.lost)],
                    className="is-bad",
                )
            )
        else:
            lines.append(html.Li("nobody falls out", className="is-ok"))
        if found_.more:
            lines.append(html.Li([f"{counted(len(found_.more), 'other caller')} get in: ", callers(found_.more)]))
        if found_.refused:
            lines.append(
                html.Li(
                    [f"{counted(len(found_.refused), 'caller')} refused today get in: ", callers(found_.refused)],
                    className="is-bad",
                )
            )
    return [html.Ul(lines, className="opens")], False
