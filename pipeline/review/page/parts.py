"""Parts that several panels are built of."""

from typing import Any, TypeVar

from dash import ClientsideFunction, dcc, html

from pipeline.review.page.figures import Figure

Part = TypeVar("Part")
_CONFIG: Any = {"displayModeBar": False, "responsive": True, "doubleClick": False, "scrollZoom": False}


def aria(part: Part, **said: str) -> Part:
    """Return a part of the page with what a screen reader says of it; `label` for aria-label."""
    for name, value in said.items():
        setattr(part, f"aria-{name}", value)
    return part


def graph(figure: Figure) -> html.Div:
    """Return a figure without plotly's own buttons, as high as it says."""
    height = figure["layout"]["height"]
    drawn = dcc.Graph(figure=figure, config=_CONFIG, responsive=True, style={"height": height})
    return html.Div(drawn, style={"minHeight": height})  # nothing moves when it has been drawn


def in_browser(app: Any, function: str, *dependencies: Any, **options: Any) -> None:
    """Have a function of assets/page.js answer, without the server; options are those of Dash's callbacks."""
    app.clientside_callback(ClientsideFunction("nsp", function), *dependencies, **options)
