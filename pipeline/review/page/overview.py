"""Keeps the headline and the grid as they are now: another profile, another filter, a decision, a new run."""

from typing import Any

from dash import Dash, Input, Output, Patch, State, no_update

from pipeline.errors import NspError
from pipeline.moments import utc_now
from pipeline.review.page import grid
from pipeline.review.page.headline import headline
from pipeline.review.page.layout import NEWER, RELOAD, UNFINISHED, profile_key, profile_options, run_said
from pipeline.review.page.parts import in_browser
from pipeline.review.page.reviewing import Review
from pipeline.review.page.text import DONE, shown
from pipeline.review.state import ProposalState

Tick = dict[str, Any]


def connect(app: Dash, review: Review) -> None:
    """Add the callbacks."""

    @app.callback(
        Output("headline", "children"),
        Output("grid", "rowData"),
        Output("seen", "data"),
        Output("show", "options"),
        Input("profile", "value"),
        Input("tick", "data"),
        Input("show", "value"),
        Input("group", "value"),
    )
    def overview(profile: str, _tick: Tick, show: str, group: str) -> tuple[Any, ...]:
        key = profile_key(profile)
        states = review.states(key, review.trail())
        rows = [grid.row(each) for each in states if grid.holds(show, each)]
        found = grid.counts(states)
        options = [{"label": f"{word} {found[name]:,}", "value": name} for name, word in grid.SHOW.items()]
        sequences = {each.id: each.sequence for each in states}
        judged = review.loaded.readiness.get(key)
        return headline(judged, states), grid.grouped(rows, group), sequences, options

    @app.callback(Output("grid", "dashGridOptions"), Input("search", "value"))
    def search(text: str | None) -> Patch:
        changed = Patch()
        changed["quickFilterText"] = text or ""
        return changed

    in_browser(
        app,
        "choose",
        Output("chosen", "data"),
        Input("grid", "selectedRows"),
        State("chosen", "data"),
    )
    in_browser(
        app,
        "restore",
        Output("grid", "selectedRows"),
        Input("grid", "rowData"),
        State("chosen", "data"),
        State("grid", "selectedRows"),
    )
    in_browser(app, "visible", Output("visible", "data"), Input("export", "n_clicks"))

    @app.callback(
        Output("download", "data"), Input("visible", "data"), State("profile", "value"), prevent_initial_call=True
    )
    def export(visible: dict[str, Any] | None, profile: str) -> Any:
        import polars as pl

        if not visible:
            return no_update
        states = {each.id: each for each in review.states(profile_key(profile), review.trail())}
        rows = [_row(states[each]) for each in visible["ids"] if each in states]
        frame = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame({"id": []})
        return {
            "content": review.to_csv(frame),
            "filename": f"proposals-{utc_now():%Y%m%d-%H%M}.csv",
            "type": "text/csv",
        }

    _follow(app, review)


def _follow(app: Dash, review: Review) -> None:
    """Notice what others do: decisions at once, new data when the person says so."""

    @app.callback(
        Output("news", "data"),
        Output("reload", "children"),
        Output("reload", "className"),
        Input("poll", "n_intervals"),
        State("tick", "data"),
        State("held", "data"),
        prevent_initial_call=True,
    )
    def poll(_n: int, tick: Tick, held: dict[str, Any] | None) -> tuple[Any, ...]:
        try:
            trail = review.trail()
            stale = review.is_stale
        except NspError:
            return (no_update,) * 3  # busy: the next time will do
        button = (NEWER, "quiet attention") if stale else (RELOAD, "quiet")
        if trail.last == tick["last"] and tick["state"] == review.loaded.state:
            return no_update, *button
        said = None
        if held and trail.sequences.get(held["id"], 0) != held["sequence"]:
            last = [each for each in trail.decisions if each.proposal_id == held["id"]][-1]
            said = f"{shown(last.who)} has {DONE[last.action]} this meanwhile."
        changed = {"state": review.loaded.state, "last": trail.last, "n": tick["n"] + 1, "is_others": True}
        return {"tick": changed, "said": said}, *button

    # what was decided here since the poll was sent isn't news
    in_browser(
        app,
        "hear",
        Output("tick", "data", allow_duplicate=True),
        Output("notice", "children", allow_duplicate=True),
        Output("notice", "className", allow_duplicate=True),
        Input("news", "data"),
        State("tick", "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("tick", "data", allow_duplicate=True),
        Output("profile", "options"),
        Output("run-said", "children"),
        Output("reload", "children", allow_duplicate=True),
        Output("reload", "className", allow_duplicate=True),
        Input("reload", "n_clicks"),
        State("tick", "data"),
        prevent_initial_call=True,
        running=[(Output("reload", "disabled"), True, False)],
    )
    def reload(_n: int, tick: Tick) -> tuple[Any, ...]:
        try:
            review.reload()
        except NspError as error:
            return no_update, no_update, no_update, f"Not now: {shown(error)[:80]}", "quiet attention"
        loaded = review.loaded
        said = run_said(loaded.run["run"], loaded.run["run"].get("window", {}))
        anew = {"state": loaded.state, "last": review.trail().last, "n": tick["n"] + 1}
        button = (UNFINISHED, "quiet attention") if review.is_stale else (RELOAD, "quiet")
        return anew, profile_options(loaded), said, *button

    if review.desk.read_only:
        return

    @app.callback(
        Output("bulk", "children"), Output("bulk", "disabled"), Input("seen", "data"), State("profile", "value")
    )
    def bulk(_seen: dict[str, int], profile: str) -> tuple[str, bool]:
        count = sum(each.is_for_all_unflagged for each in review.states(profile_key(profile), review.trail()))
        return (f"Accept {count:,} unflagged" if count else "No unflagged left"), not count


def _row(state: ProposalState) -> dict[str, Any]:
    """Return a proposal as a row of the export: all of it, but the evidence in numbers."""
    told, exposure, decision = state.proposal["evidence"], state.proposal["exposure"], state.decision
    return {
        **{name: str(state.proposal[name]) for name in ("id", "perimeter", "profile", "direction", "kind", "name")},
        "state": state.state,
        "elements": " ".join(state.elements),
        "flags": " ".join(state.proposal["flags"]),
        **{name: told.get(name) for name in ("requests", "callers", "days_seen", "days_observed")},
        "extra_addresses": exposure.get("extra_addresses"),
        "why": str(state.proposal["reason"]),
        "decided_by": decision.who if decision else None,
        "decided_at": decision.decided_at if decision else None,
        "until": decision.expires if decision else None,
        "reason": decision.reason if decision else None,
    }
