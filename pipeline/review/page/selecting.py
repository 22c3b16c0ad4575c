"""Shows the proposal that was chosen: what stands about it, and the evidence."""

from datetime import date, datetime
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from pipeline.errors import NspError
from pipeline.review.decision import Trail
from pipeline.review.page import detail
from pipeline.review.page.layout import profile_key
from pipeline.review.page.reviewing import Review
from pipeline.review.page.text import shown
from pipeline.review.state import ProposalState


def connect(app: Dash, review: Review) -> None:
    """Add the callbacks."""

    @app.callback(
        Output("standing", "children"),
        Output("something", "hidden"),
        Output("nothing", "hidden"),
        Output("held", "data"),
        Input("chosen", "data"),
        Input("tick", "data"),
        State("profile", "value"),
        State("held", "data"),
    )
    def stands(chosen: str | None, tick: dict[str, Any], profile: str, held: dict[str, Any] | None) -> tuple[Any, ...]:
        trail = review.trail()
        state = found(review, chosen, profile, trail)
        if state is None:
            return [], True, False, None
        holds: Any = {"id": state.id, "sequence": state.sequence}
        if tick.get("is_others") and held and held["id"] == state.id:
            holds = no_update  # who presses a key just now still means what stood there before, and is told
        return detail.standing(state, trail), False, True, holds

    @app.callback(
        Output("evidence", "children"),
        Output("notice", "children"),
        Output("notice", "className"),
        Input("chosen", "data"),
        State("profile", "value"),
    )
    def evidence(chosen: str | None, profile: str) -> tuple[Any, ...]:
        state = found(review, chosen, profile, review.trail())
        if state is None:
            return [], "", "notice"
        try:
            seen = review.evidence(profile_key(profile))
        except NspError as error:
            told = html.P(f"The evidence can\u2019t be read now: {shown(error)}", className="notice is-bad")
            return [*detail.seen(state, None, None)[:-1], told], "", "notice"
        return detail.seen(state, seen, window(review)), "", "notice"


def found(review: Review, chosen: str | None, profile: str, trail: Trail) -> ProposalState | None:
    """Return the state of the proposal that was chosen; None where the profile has none of that id."""
    return next((each for each in review.states(profile_key(profile), trail) if each.id == chosen), None)


def window(review: Review) -> tuple[date, date] | None:
    """Return the first and last day of the run; None where it doesn't say."""
    given = review.loaded.run["run"].get("window", {})
    try:
        first, last = (datetime.fromisoformat(str(given[name])).date() for name in ("start", "end"))
    except (KeyError, ValueError):
        return None
    return first, last
