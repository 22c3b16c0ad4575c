"""Takes decisions: one, or all unflagged; and takes them back."""

from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, State, ctx, no_update

from pipeline.errors import ConflictError, NspError, UsageError
from pipeline.moments import ahead, utc_now
from pipeline.review.decision import ACCEPT, DEFER, EDIT, REJECT, UNDO, Choice, Decision
from pipeline.review.page.layout import profile_key
from pipeline.review.page.reviewing import Review
from pipeline.review.page.text import DONE, shown
from pipeline.text import counted

_BUTTONS = {"accept": ACCEPT, "reject": REJECT, "edit-save": EDIT, "defer": DEFER, "undo": UNDO}
_GOOD, _BAD, _WANTS = "notice is-ok", "notice is-bad", "notice is-bad wants-reason"
_KEEP = (no_update,) * 4


def connect(app: Dash, review: Review) -> None:
    """Add the callbacks; none of them is there where the page is read-only."""
    if review.desk.read_only:
        return

    @app.callback(
        Output("notice", "children", allow_duplicate=True),
        Output("notice", "className", allow_duplicate=True),
        Output("tick", "data", allow_duplicate=True),
        Output("decided", "data"),
        Output("reason", "value"),
        Output("held", "data", allow_duplicate=True),
        *(Input(each, "n_clicks") for each in _BUTTONS),
        State("held", "data"),
        State("reason", "value"),
        State("until", "value"),
        State("elements", "value"),
        State("tick", "data"),
        prevent_initial_call=True,
    )
    def decide(*given: Any) -> tuple[Any, ...]:
        held, reason, ends, elements, tick = given[len(_BUTTONS) :]
        action = _BUTTONS.get(str(ctx.triggered_id))
        if action is None or held is None:
            return (no_update,) * 6
        why = (reason or "").strip()
        try:
            if action in {REJECT, EDIT} and not why:
                return (f"Say why you {action} it, then Enter.", _WANTS, *_KEEP)
            expires = end_of(ends or "", utc_now()) if action in {ACCEPT, EDIT, DEFER} else None
            choice = Choice(action, why, tuple((elements or "").split()) if action == EDIT else (), expires)
            made = review.decide([held["id"]], choice, {held["id"]: held["sequence"]})
        except ConflictError as error:
            known = review.trail().sequences.get(held["id"], 0)
            holds = {"id": held["id"], "sequence": known}  # now it is told
            return shown(error), _BAD, _ticked(review, tick), no_update, no_update, holds
        except NspError as error:
            wants = isinstance(error, UsageError) and str(error).startswith("Say why")
            told = shown(error).replace(" (--reason TEXT)", "")
            return (told, _WANTS if wants else _BAD, *_KEEP)
        holds = {"id": held["id"], "sequence": made[-1].sequence}
        return _told(made), _GOOD, _ticked(review, tick), {}, "", holds

    _all_unflagged(app, review)


def end_of(text: str, moment: datetime) -> datetime | None:
    """Return when a decision of some moment ends, by what a person wrote; None for never.

    Raises:
        UsageError: it is no time.
    """
    return None if text.strip().lower() in {"", "never"} else ahead(text, moment)


def _all_unflagged(app: Dash, review: Review) -> None:
    @app.callback(
        Output("bulk-ask", "hidden"),
        Output("bulk-said", "children"),
        Output("bulk-yes", "children"),
        Input("bulk", "n_clicks"),
        Input("bulk-no", "n_clicks"),
        Input("decided", "data"),
        State("profile", "value"),
        prevent_initial_call=True,
    )
    def ask(_open: int, _close: int, _decided: Any, profile: str) -> tuple[Any, ...]:
        if ctx.triggered_id != "bulk":
            return True, no_update, no_update
        states = review.states(profile_key(profile), review.trail())
        mine = [each for each in states if each.is_for_all_unflagged]
        left = sum(bool(each.proposal["recommended"]) and bool(each.overlaps) for each in states) - sum(
            bool(each.overlaps) for each in mine
        )
        extra = sum(each.proposal["exposure"].get("extra_addresses") or 0 for each in mine)
        said = f"Accept {counted(len(mine), 'unflagged proposal')}? "
        said += f"They admit {counted(extra, 'address', 'addresses')} that nobody used."
        said += f" {left:,} stay open, since they overlap with what was decided." if left else ""
        return False, said, f"Accept {len(mine):,}"

    @app.callback(
        Output("notice", "children", allow_duplicate=True),
        Output("notice", "className", allow_duplicate=True),
        Output("tick", "data", allow_duplicate=True),
        Output("decided", "data", allow_duplicate=True),
        Output("bulk-told", "children"),
        Output("undo-these", "hidden"),
        Input("bulk-yes", "n_clicks"),
        Input("undo-these", "n_clicks"),
        Input("decided", "data"),
        State("bulk-reason", "value"),
        State("seen", "data"),
        State("profile", "value"),
        State("tick", "data"),
        prevent_initial_call=True,
    )
    def several(
        _yes: int,
        _undo: int,
        decided: dict[str, int],
        reason: str | None,
        seen: dict[str, int],
        profile: str,
        tick: dict[str, Any],
    ) -> tuple[Any, ...]:
        if ctx.triggered_id == "decided":
            return (*(no_update,) * 4, no_update if decided else "", not decided)
        try:
            if ctx.triggered_id == "undo-these":
                made = review.decide(list(decided), Choice(UNDO), decided)
                left: dict[str, int] = {}
            else:
                states = review.states(profile_key(profile), review.trail())
                ids = [each.id for each in states if each.is_for_all_unflagged]
                made = review.decide(ids, Choice(ACCEPT, (reason or "").strip()), seen)
                left = {each.proposal_id: each.sequence for each in made}
        except NspError as error:
            return no_update, no_update, _ticked(review, tick), no_update, shown(error), not decided
        return no_update, no_update, _ticked(review, tick), left, _told(made), not left


def _ticked(review: Review, tick: dict[str, Any]) -> dict[str, Any]:
    return {"state": review.loaded.state, "last": review.trail().last, "n": tick["n"] + 1}


def _told(made: list[Decision]) -> str:
    if not made:
        return "Nothing to decide."
    first = made[0]
    is_note = first.action == ACCEPT and not first.proposal["elements"]
    word = "Acknowledged" if is_note else DONE[first.action].capitalize()
    if len(made) > 1:
        return f"{word} {counted(len(made), 'proposal')}."
    ends = f" until {first.expires:%Y-%m-%d %H:%M} UTC" if first.expires else ""
    after = "" if first.action == UNDO else " u undoes it, n goes to the next one."
    return f"{word}{ends}.{after}"
