"""How the page is laid out: a bar, the headline, the grid beside the details, and what-if and the curve below."""

from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from pipeline.review.page import grid
from pipeline.review.page.parts import aria
from pipeline.review.page.reviewing import Review
from pipeline.review.page.source import Loaded, ProfileKey
from pipeline.review.page.text import last_part, shown

POLL_MILLISECONDS = 4_000
RELOAD, NEWER, UNFINISHED = "Reload", "New data: reload", "Being written: reload later"
KEYS = (
    ("j  k", "next, previous proposal"),
    ("n", "next one to decide"),
    ("a", "accept"),
    ("r", "reject"),
    ("e", "edit its elements"),
    ("d", "defer"),
    ("u", "undo the last decision about it"),
    ("/", "search"),
    ("Enter", "in the reason: do what was begun"),
    ("Esc", "leave a field, close this"),
    ("?", "this help"),
)


def layout(review: Review) -> html.Div:
    """Return the page, with everything that changes empty.

    Args:
        review: what it shows.
    """
    loaded = review.loaded
    options = profile_options(loaded)
    first = options[0]["value"] if options else None
    return html.Div(
        [
            dcc.Store(id="tick", data={"state": loaded.state, "last": review.trail().last, "n": 0}),
            dcc.Store(id="seen", data={}),
            dcc.Store(id="chosen", data=None, storage_type="session"),
            dcc.Store(id="held", data=None),
            dcc.Store(id="decided", data={}),
            dcc.Store(id="visible", data=None),
            dcc.Store(id="news", data=None),
            dcc.Download(id="download"),
            dcc.Interval(id="poll", interval=POLL_MILLISECONDS),
            html.A("Skip to the proposals", href="#proposals", className="skip"),
            html.P(id="banner", className="banner", role="alert"),
            _bar(review, options, first),
            html.Main(
                [
                    aria(
                        html.Section(
                            [
                                html.Div(id="headline", className="card headline"),
                                html.Div(
                                    [
                                        html.H3("Requests that enforcing would deny, by day"),
                                        html.Ul(id="denials-said", className="legend"),
                                        dcc.Loading(html.Div(id="denials"), type="dot", delay_show=300),
                                    ],
                                    className="card denials",
                                ),
                            ],
                            className="top",
                        ),
                        label="Readiness",
                    ),
                    aria(
                        html.Section(
                            [_proposals(review), _details(review)],
                            className="middle",
                            id="proposals",
                        ),
                        label="Proposals",
                    ),
                    _curve(),
                ]
            ),
            _help(),
        ],
        className="page read-only" if review.desk.read_only else "page",
    )


def profile_options(loaded: Loaded) -> list[dict[str, str]]:
    """Return what the profile picker offers."""
    options = []
    for key, spelled in loaded.profiles.items():
        judged = loaded.readiness.get(key)
        word = "no judgement" if judged is None else "ready" if judged["ready"] else "not ready"
        label = f"{last_part(key[0])} / {shown(spelled) or '(no profile)'} \u2014 {word}"
        options.append({"label": label, "value": profile_value(key)})
    return options


def profile_value(profile: ProfileKey) -> str:
    """Return a profile as the picker has it."""
    return "\n".join(profile)


def profile_key(value: str | None) -> ProfileKey:
    """Return the profile that the picker has."""
    perimeter, _, profile = (value or "").partition("\n")
    return perimeter, profile


def _bar(review: Review, options: list[dict[str, str]], first: str | None) -> html.Header:
    run = review.loaded.run["run"]
    window = run.get("window", {})
    return html.Header(
        [
            html.H1(["nsp ", html.Span("review")]),
            html.Label(
                [
                    html.Span("Perimeter and profile", className="sr"),
                    dcc.Dropdown(
                        id="profile", options=options, value=first, clearable=False, persistence=True,
                        persistence_type="session", searchable=len(options) > 8,  # noqa: PLR2004
                    ),
                ],
                className="picker",
            ),
            html.P(
                [
                    html.Span(id="run-said", children=run_said(run, window)),
                    html.Button(
                        RELOAD,
                        id="reload",
                        className="quiet",
                        title="Make the run anew: with what the store holds now, and what was decided",
                    ),
                ],
                className="run",
            ),
            html.P(
                ["read-only"] if review.desk.read_only else ["deciding as ", html.Strong(shown(review.desk.who))],
                className="who",
            ),
            aria(html.Button("Keys ?", id="help-open", className="quiet" ), haspopup="dialog"),
        ],
        className="bar",
    )  # fmt: skip


def run_said(run: Mapping[str, Any], window: Mapping[str, Any]) -> str:
    """Return which run is shown, and of what time."""
    first, last = (str(window.get(name) or "?")[:10] for name in ("start", "end"))
    return f"run {shown(run.get('id', '?'))} \u00b7 {first} to {last}"


def _proposals(review: Review) -> html.Div:
    return html.Div(
        [
            html.Div(
                [
                    dcc.RadioItems(
                        id="show", options=list(grid.SHOW), value="all", className="chips", persistence=True,
                        persistence_type="session", inline=True,
                    ),
                    _named(
                        "Search the proposals",
                        dcc.Input(
                            id="search", type="search", placeholder="Search  /", debounce=False, maxLength=100,
                            persistence=True, persistence_type="session",
                        ),
                        "search",
                    ),
                    html.Label(
                        [
                            "Group by",
                            dcc.Dropdown(
                                id="group", options=grid.GROUPS, value="none", clearable=False, searchable=False,
                                persistence=True, persistence_type="session",
                            ),
                        ],
                        className="group",
                    ),
                    html.Button("Export CSV", id="export", className="quiet"),
                    None if review.desk.read_only else html.Button(id="bulk", className="quiet strong"),
                ],
                className="tools",
            ),
            aria(html.Div(
                [
                    html.P(id="bulk-said"),
                    _named(
                        "Reason for all of them",
                        dcc.Input(id="bulk-reason", type="text", placeholder="Reason (optional)", maxLength=2000),
                    ),
                    html.Button(id="bulk-yes", className="primary"),
                    html.Button("Cancel", id="bulk-no", className="quiet"),
                ],
                id="bulk-ask",
                className="ask",
                hidden=True,
                role="group",
                ), label="Accept all unflagged"),
            html.Div(
                [
                    aria(html.P(id="bulk-told", role="status" ), live="polite"),
                    html.Button("Undo these", id="undo-these", className="quiet", hidden=True),
                ],
                className="told",
            ),
            grid.grid(),
        ],
        className="card proposals",
    )  # fmt: skip


def _details(review: Review) -> html.Aside:
    return aria(
        html.Aside(
            [
                html.Div(
                    [
                        html.P("Choose a proposal to see its evidence.", className="empty"),
                        html.P(
                            "j and k go up and down, n to the next one to decide, ? lists all keys.", className="muted"
                        ),
                    ],
                    id="nothing",
                ),
                html.Div(
                    [
                        html.Div(id="standing"),
                        html.Div(None if review.desk.read_only else _decide(), className="decide"),
                        aria(html.P(id="notice", role="status", className="notice"), live="polite"),
                        dcc.Loading(html.Div(id="evidence"), type="dot", delay_show=300),
                    ],
                    id="something",
                    hidden=True,
                ),
            ],
            id="detail",
            className="card detail",
            tabIndex=-1,
        ),
        label="Details of the proposal",
    )


def _decide() -> list[Any]:
    return [
        aria(
            html.Div(
                [
                    _action("accept", "Accept", "a", "primary"),
                    _action("reject", "Reject", "r"),
                    _action("edit", "Edit", "e", controls="edit-panel"),
                    _action("defer", "Defer", "d"),
                    _action("undo", "Undo", "u"),
                ],
                className="actions",
                role="group",
            ),
            label="Decide",
        ),
        html.Div(
            [
                html.Label(
                    [
                        "Reason",
                        dcc.Input(
                            id="reason",
                            type="text",
                            maxLength=2000,
                            placeholder="to reject, edit or accept what is flagged",
                        ),
                    ],
                    className="reason",
                ),
                html.Label(
                    ["Until", dcc.Input(id="until", type="text", maxLength=40, placeholder="never, 30d, 2027-01-31")],
                    className="until",
                ),
            ],
            className="fields",
        ),
        html.Div(
            [
                html.Label(["Elements, one a line", dcc.Textarea(id="elements", spellCheck=False, className="mono")]),
                html.Div(
                    [
                        html.Button("As proposed", id="edit-proposed", className="quiet"),
                        html.Button("Only addresses seen", id="edit-narrow", className="quiet"),
                        html.Button("One bit wider", id="edit-wider", className="quiet"),
                        html.Button("Save the edit", id="edit-save", className="primary"),
                    ],
                    className="actions",
                ),
                aria(html.Div(id="exposure"), live="polite"),
            ],
            id="edit-panel",
            className="edit",
            hidden=True,
        ),
    ]


def _action(name: str, word: str, key: str, look: str = "", controls: str = "") -> html.Button:
    button = html.Button(
        [word, aria(html.Kbd(key), hidden="true")], id=name, className=look or "plain", title=f"{word} ({key})"
    )
    if controls:
        aria(button, controls=controls, expanded="false")
    return aria(button, keyshortcuts=key)


def _named(name: str, field: Any, look: str = "") -> html.Label:
    """Return a field with a name that only a screen reader says."""
    return html.Label([html.Span(name, className="sr"), field], className=look or None)


def _curve() -> html.Section:
    return aria(
        html.Section(
            [
                html.Div(
                    [
                        html.H3("How narrow can the address rules be?"),
                        html.P(
                            "Fewer prefixes are easier to keep and admit more addresses that nobody used. Slide to "
                            "plan anew with another number.",
                            className="muted",
                        ),
                        html.Ul(
                            [
                                html.Li([html.Span(className="line solid blue"), "optimal"]),
                                html.Li([html.Span("\u25cf", className="blue-text"), "this plan"]),
                                html.Li([html.Span("\u25c6", className="green-text"), "recommended"]),
                            ],
                            className="legend",
                        ),
                        html.Div(id="curve"),
                        html.Label(
                            [
                                html.Span(id="plan-said", children="Prefixes"),
                                dcc.Slider(
                                    id="plan-size", min=1, max=2, step=1, value=1, marks=None, updatemode="drag"
                                ),
                            ],
                            className="slider",
                        ),
                    ],
                    className="card",
                ),
                html.Div(
                    [html.H3("The plan with so many"), aria(html.Div(id="plan"), live="polite")],
                    className="card plan",
                ),
            ],
            className="bottom",
            id="curve-section",
        ),
        label="Number of prefixes",
    )


def _help() -> html.Dialog:
    return aria(
        html.Dialog(
            [
                html.H2("Keys"),
                html.Dl(
                    [
                        html.Div([html.Dt([html.Kbd(key) for key in keys.split("  ")]), html.Dd(what)])
                        for keys, what in KEYS
                    ]
                ),
                html.Button("Close", id="help-close", className="plain"),
            ],
            id="help",
        ),
        label="Keys",
    )
