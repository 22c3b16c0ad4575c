"""What enforcing would deny by day, and how narrow the address rules can be."""

from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from pipeline.errors import NspError
from pipeline.recommend.cover import KEY_BITS, Network
from pipeline.review.page import figures
from pipeline.review.page.layout import profile_key
from pipeline.review.page.parts import graph
from pipeline.review.page.replan import Replan
from pipeline.review.page.reviewing import SCENARIOS, Review
from pipeline.review.page.source import ProfileKey
from pipeline.review.page.text import shown
from pipeline.text import counted

MOST_SHOWN = 60


def connect(app: Dash, review: Review) -> None:
    """Add the callbacks."""

    @app.callback(
        Output("denials", "children"),
        Output("denials-said", "children"),
        Input("profile", "value"),
        Input("tick", "data"),
    )
    def denied(profile: str, _tick: Any) -> tuple[Any, ...]:
        try:
            daily = review.denials(profile_key(profile), review.trail())
        except NspError as error:
            return [html.P(f"It can\u2019t be asked now: {shown(error)}", className="muted")], []
        total = {name: int(daily[name]["lost_requests"].sum()) for name in SCENARIOS}
        if daily["today"].is_empty():
            return [html.P("No traffic of this profile is known.", className="muted")], []
        drawn = figures.denials(daily)
        said = [
            html.Li(
                [html.Span(className=f"line {dash} {name}"), f"{label} ", html.Strong(counted(total[name], "request"))]
            )
            for name, (label, _, dash) in figures.SCENARIO_LINES.items()
        ]
        return [graph(drawn)], said

    @app.callback(
        Output("curve-section", "hidden"),
        Output("plan-size", "min"),
        Output("plan-size", "max"),
        Output("plan-size", "value"),
        Input("profile", "value"),
        Input("tick", "data"),
        State("plan-size", "value"),
    )
    def slider(profile: str, tick: dict[str, Any], _value: int) -> tuple[Any, ...]:
        key = profile_key(profile)
        found = _replan(review, key)
        if found is None or not found.least:
            return True, no_update, no_update, no_update
        mark = _recommended(review, key)
        most = max(found.least + 1, len(found.extra) - 1)
        chosen = min(max(mark[0] if mark else most, found.least), len(found.extra) - 1)
        return False, found.least, most, no_update if tick["n"] else chosen

    @app.callback(
        Output("curve", "children"),
        Output("plan", "children"),
        Output("plan-said", "children"),
        Input("plan-size", "value"),
        Input("profile", "value"),
        Input("tick", "data"),
    )
    def plan(size: int, profile: str, _tick: Any) -> tuple[Any, ...]:
        key = profile_key(profile)
        found = _replan(review, key)
        if found is None or not found.least:
            return [], [], ""
        count = found.enough(min(max(int(size or 1), found.least), len(found.extra) - 1))
        drawn = figures.curve(found, count, _recommended(review, key))
        return (
            [graph(drawn)],
            _plan(found, count),
            f"{counted(count, 'prefix', 'prefixes')}, {found.extra[count]:,.0f} addresses nobody used",
        )


def _replan(review: Review, profile: ProfileKey) -> Replan | None:
    try:
        return review.replan(profile)
    except NspError:
        return None


def _recommended(review: Review, profile: ProfileKey) -> tuple[int, int] | None:
    """Return how many prefixes are recommended, and how many addresses they admit that nobody used."""
    mine = [
        each for each in review.loaded.proposals(profile) if each["recommended"] and each["kind"] == "address-prefixes"
    ]
    if not mine:
        return None
    return (
        sum(len(each["elements"]) for each in mine),
        sum(each["exposure"].get("extra_addresses") or 0 for each in mine),
    )


def _plan(found: Replan, count: int) -> list[Any]:
    prefixes = found.prefixes(count)
    price = found.price(count)
    items = [
        html.Li([html.Span(str(each), className="mono"), html.Span(_size(each), className="muted")])
        for each in prefixes[:MOST_SHOWN]
    ]
    more = len(prefixes) - MOST_SHOWN
    advice = (
        f"To have the recommender propose about so many, set rule_cost = {max(1, round(price)):,} below [recommend] in "
        "nsp.toml and run it again."
    )
    return [
        html.P(
            f"{counted(len(prefixes), 'prefix', 'prefixes')} admit all {found.seen:,} addresses that need a rule and "
            f"{found.extra[count]:,.0f} more."
        ),
        html.Ul(items, className="prefixes"),
        html.P(f"and {more:,} more", className="muted") if more > 0 else None,
        html.P(advice, className="muted small"),
    ]


def _size(prefix: Network) -> str:
    count = int(2 ** max(0, KEY_BITS[prefix.version] - prefix.prefixlen))
    return counted(count, "address", "addresses") if prefix.version == 4 else counted(count, "/64 network")  # noqa: PLR2004
