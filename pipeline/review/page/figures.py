"""Figures of the page, as plotly reads them. Colours of text and lines come from the style sheet: light and dark.

No log text goes into a figure: plotly reads markup in every label. Hours, days and counts are all there is.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from pipeline.review.page.replan import Replan

Figure = dict[str, Any]
BLUE, RED, AMBER, GREEN = "#3b82f6", "#e5484d", "#d08700", "#2f9e5f"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FONT = {"family": "system-ui, sans-serif", "size": 12}
_NOUGHT = 0.3
"""Where nothing is drawn on a logarithmic axis."""
SCENARIO_LINES = {
    "today": ("today\u2019s rules", RED, "solid"),
    "accepted": ("+ accepted", AMBER, "dash"),
    "recommended": ("+ all recommended", GREEN, "dot"),
}


def requests_by_day(hours: "pl.DataFrame", first: date, last: date) -> Figure:
    """Draw requests by day, allowed and refused.

    Args:
        hours: rows as of queries/review/requests_by_hour.sql.
        first: day of the window.
        last: day of the window.
    """
    import polars as pl

    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    by_day = hours.group_by(pl.col("hour").dt.date().alias("day")).agg(pl.col("allowed").sum(), pl.col("denied").sum())
    found = {row["day"]: row for row in by_day.to_dicts()}
    traces = []
    for column, name, colour in (("allowed", "succeed today", BLUE), ("denied", "refused today", RED)):
        values = [found[day][column] if day in found else 0 for day in days]
        if column == "allowed" or any(values):
            traces.append(
                {
                    "type": "bar", "name": name, "x": [each.isoformat() for each in days], "y": values,
                    "marker": {"color": colour}, "hovertemplate": "%{x|%a %d %b}<br>%{y:,} " + name + "<extra></extra>",
                }
            )  # fmt: skip
    return _figure(traces, 150, barmode="stack", bargap=0.25, xaxis=_days(first, last))


def hours_of_week(hours: "pl.DataFrame") -> Figure:
    """Draw requests by weekday and hour, UTC."""
    import polars as pl

    counted = hours.group_by(
        (pl.col("hour").dt.weekday() - 1).alias("day"), pl.col("hour").dt.hour().alias("of_day")
    ).agg((pl.col("allowed") + pl.col("denied")).sum().alias("requests"))
    cells = [[0] * 24 for _ in WEEKDAYS]
    for day, of_day, requests in counted.iter_rows():
        cells[day][of_day] = requests
    trace = {
        "type": "heatmap", "z": cells, "x": list(range(24)), "y": list(WEEKDAYS), "showscale": False, "xgap": 2,
        "ygap": 2, "colorscale": [[0, "rgba(120,130,150,0.10)"], [0.001, "rgba(59,130,246,0.30)"], [1, "#1d5fd6"]],
        "hovertemplate": "%{y} %{x}:00 UTC<br>%{z:,} requests<extra></extra>",
    }  # fmt: skip
    axis = {"tickvals": [0, 6, 12, 18, 23], "ticktext": ["00", "06", "12", "18", "23"], "fixedrange": True}
    return _figure([trace], 170, xaxis=axis, yaxis={"autorange": "reversed", "nticks": 7})


def denials(daily: Mapping[str, "pl.DataFrame"]) -> Figure:
    """Draw what enforcing would have denied of each day, by scenario.

    Args:
        daily: scenario -> rows as of queries/verdict/losses_by_day.sql.
    """
    import polars as pl

    traces = []
    for name, (label, colour, dash) in SCENARIO_LINES.items():
        by_day = daily[name].group_by("day").agg(pl.col("lost_requests").sum()).sort("day")
        days = [day.isoformat() for day in by_day["day"].to_list()]
        traces.append(
            {
                "type": "scatter", "mode": "lines", "name": label, "x": days, "y": by_day["lost_requests"].to_list(),
                "line": {"color": colour, "dash": dash, "width": 2.5},
                "hovertemplate": "%{x|%a %d %b}: %{y:,} requests<extra>" + label + "</extra>",
            }
        )  # fmt: skip
    return _figure(
        traces, 210, hovermode="x unified",
        xaxis={"type": "date", "fixedrange": True, "tickformat": "%d %b", "nticks": 6, "title": {"text": "day (UTC)"}},
        yaxis={"title": {"text": "requests a day"}},
    )  # fmt: skip


def curve(found: "Replan", chosen: int, recommended: tuple[int, int] | None) -> Figure:
    """Draw the fewest extra addresses for each number of prefixes.

    Args:
        found: the covers.
        chosen: number of prefixes that is looked at.
        recommended: prefixes and extra addresses of what is recommended.
    """
    counts = [count for count in range(found.least, len(found.extra)) if count]
    traces: list[Figure] = [
        {
            "type": "scatter", "mode": "lines", "name": "optimal", "x": counts,
            "y": [found.extra[count] for count in counts], "line": {"color": BLUE, "width": 2, "shape": "hv"},
            "hovertemplate": "%{x} prefixes<br>%{y:,} addresses nobody used<extra></extra>",
        },
        {
            "type": "scatter", "mode": "markers", "name": "this plan", "x": [chosen], "y": [found.extra[chosen]],
            "marker": {"color": BLUE, "size": 13, "symbol": "circle"},
            "hovertemplate": "this plan: %{x} prefixes, %{y:,} extra<extra></extra>",
        },
    ]  # fmt: skip
    if recommended:
        traces.append(
            {
                "type": "scatter", "mode": "markers", "name": "recommended", "x": [recommended[0]],
                "y": [recommended[1]], "marker": {"color": GREEN, "size": 13, "symbol": "diamond"},
                "hovertemplate": "recommended: %{x} prefixes, %{y:,} extra<extra></extra>",
            }
        )  # fmt: skip
    most = max([found.extra[found.least], recommended[1] if recommended else 0])
    kind = "log" if most > 1000 else "linear"  # noqa: PLR2004 -- from there on a line shows nothing of the low end
    if kind == "log":
        for trace in traces:
            trace["customdata"] = trace["y"]
            trace["y"] = [max(_NOUGHT, each) for each in trace["y"]]
            trace["hovertemplate"] = trace["hovertemplate"].replace("%{y:,}", "%{customdata:,}")
    powers = [10**power for power in range(13) if 10**power <= most * 10]
    ticks = {"tickvals": [_NOUGHT, *powers], "ticktext": ["0", *map(_brief, powers)]} if kind == "log" else {}
    return _figure(
        traces, 230,
        xaxis={"title": {"text": "prefixes"}, "rangemode": "tozero", "fixedrange": True},
        yaxis={"title": {"text": "addresses nobody used"}, "type": kind, **ticks},
    )  # fmt: skip


def _brief(number: int) -> str:
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number // size}{letter}"
    return str(number)


def _days(first: date, last: date) -> Figure:
    return {
        "type": "date",
        "range": [f"{first - timedelta(days=1)}T12:00", f"{last}T12:00"],
        "fixedrange": True,
        "tickformat": "%d %b",
        "nticks": 6,
    }


def _figure(data: Sequence[Figure], height: int, **layout: Any) -> Figure:
    yaxis = {"fixedrange": True, "rangemode": "tozero", "nticks": 4, **layout.pop("yaxis", {})}
    return {
        "data": list(data),
        "layout": {
            "height": height,
            "margin": {"l": 48, "r": 12, "t": 8, "b": 34},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": _FONT,
            "showlegend": False,
            "hoverlabel": {"bgcolor": "#1f2733", "bordercolor": "#1f2733", "font": {"color": "#ffffff", **_FONT}},
            "dragmode": False,
            "yaxis": {"automargin": True, "zeroline": False, **yaxis},
            **layout,
            "xaxis": {"automargin": True, "zeroline": False, **layout.get("xaxis", {})},
        },
    }
