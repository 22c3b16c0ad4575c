"""The detail panel: a proposal with its evidence, what it opens, and what was decided about it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from dash import html

from pipeline.recommend.need import Need
from pipeline.recommend.proposal import about
from pipeline.review.decision import Decision, Trail
from pipeline.review.page import figures
from pipeline.review.page.evidence import Evidence
from pipeline.review.page.grid import GLYPHS
from pipeline.review.page.parts import graph
from pipeline.review.page.text import DONE, FLAGS, KINDS, last_part, rule_element, shown
from pipeline.review.state import COVERED, REJECTED_BEFORE, WIDENS, ProposalState
from pipeline.text import counted, first_of

if TYPE_CHECKING:
    import polars as pl

MOST_BARS = 8
MOST_ELEMENTS = 12
PRICE = "A price: what a rule opens, deemed as bad as so many addresses, and something for each of its elements"
_OVERLAPS = {
    COVERED: "Accepted rules admit all of it already:",
    WIDENS: "Goes beyond the accepted",
    REJECTED_BEFORE: "Holds a part of the rejected",
}


def standing(state: ProposalState, trail: Trail) -> list[Any]:
    """Return the head of the panel: what the rule is, what was decided, and the trail of that."""
    proposal = state.proposal
    kind = KINDS.get(proposal["kind"], shown(proposal["kind"]))
    head = [
        html.Div(
            [
                html.Span(f"{GLYPHS[state.state]} {state.state}", className=f"badge state-{state.state}"),
                html.Span(f"{shown(proposal['direction']).lower()} {kind}", className="badge plain"),
                *(html.Span(f"? {shown(each)}", className="badge flag") for each in proposal["flags"]),
                html.Span("new since the last decision", className="badge new") if state.is_new else None,
                None if state.is_proposed else html.Span("no longer proposed", className="badge flag"),
            ],
            className="badges",
        ),
        html.H2(_title(state), id="detail-title", className="mono"),
        html.P(f"{shown(proposal['reason'])}.", className="reason-text"),
        html.P(f"{shown(proposal['name'])} \u00b7 {shown(state.id)}", className="muted mono small"),
        *(html.P(FLAGS[each], className="flag-text") for each in proposal["flags"] if each in FLAGS),
        *(
            html.P(f"{_OVERLAPS[each.relation]} {', '.join(each.proposals)}.", className="flag-text")
            for each in state.overlaps
        ),
    ]
    return [*head, *_choice(proposal.get("choice")), *_trail(state, trail)]


def _title(state: ProposalState) -> list[Any]:
    elements = state.elements
    if not elements:
        return [KINDS.get(state.proposal["kind"], "note").capitalize()]
    lines: list[Any] = []
    for each in elements[:MOST_ELEMENTS]:
        lines += [html.Span(rule_element(each), className="element")]
    if len(elements) > MOST_ELEMENTS:
        lines.append(html.Span(f"and {len(elements) - MOST_ELEMENTS:,} more", className="element muted"))
    return lines


def _choice(choice: Mapping[str, Any] | None) -> list[Any]:
    """Return what the rule was weighed against, where the run says so."""
    if not choice or not (choice.get("runner_up") or choice.get("your_call")):
        return []
    said = [html.Strong("Your call: " if choice.get("your_call") else "Runner-up: ")]
    kind = str(choice.get("runner_up") or "")
    more = choice.get("cost_difference")
    price: list[Any] = [", ", html.Abbr(_dearer(more), title=PRICE)] if isinstance(more, int | float) else []
    sentence = shown(choice.get("sentence") or "")
    named = KINDS.get(kind, shown(kind))
    return [html.P([*said, named, *price, f". {sentence}"], className="runner-up", id="runner-up")]


def _dearer(more: float) -> str:
    """Say what the runner-up would cost more; less where the budget alone forbids it."""
    said = f"{abs(more):,.1f}".removesuffix(".0")
    if said == "0":
        return "at the same price"
    return f"{said} address-equivalent{'' if said == '1' else 's'} {'dearer' if more > 0 else 'cheaper'}"


def _trail(state: ProposalState, trail: Trail) -> list[Any]:
    mine = [each for each in trail.decisions if each.proposal_id == state.id]
    if not mine:
        return []
    return [
        html.Details(
            [
                html.Summary(f"Trail: {counted(len(mine), 'decision')}"),
                html.Ol([html.Li(_decision(each)) for each in reversed(mine)], className="trail", reversed=True),
            ],
            open=True,
            id="trail",
        )
    ]


def _decision(each: Decision) -> list[Any]:
    ends = f", until {each.expires:%Y-%m-%d %H:%M} UTC" if each.expires else ""
    elements = f" to {', '.join(rule_element(one) for one in each.elements)}" if each.elements else ""
    why = [html.Q(shown(each.reason))] if each.reason else []
    return [
        html.Strong(DONE[each.action]),
        f"{elements}{ends} by {shown(each.who)}, ",
        html.Time(f"{each.decided_at:%Y-%m-%d %H:%M} UTC", dateTime=f"{each.decided_at.isoformat()}Z"),
        " ",
        *why,
    ]


def seen(state: ProposalState, found: Evidence | None, window: tuple[date, date] | None) -> list[Any]:
    """Return the evidence of a proposal: figures of it, and who, where and what.

    Args:
        state: of the proposal.
        found: of its profile; None where there is no store to ask.
        window: first and last day that was seen.
    """
    proposal = state.proposal
    told = proposal["evidence"]
    facts = [
        ("requests admitted", _number(told.get("requests"))),
        ("requests refused", _number(told.get("denied_requests"))),
        ("days seen", f"{told.get('days_seen', '?')} of {told.get('days_observed', '?')}"),
        ("callers" if proposal["direction"] == "Inbound" else "names", _number(told.get("callers"))),
        ("first seen", _day(told.get("first_seen"))),
        ("last seen", _day(told.get("last_seen"))),
    ]
    parts = [
        html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts], className="facts"),
        *_opens(proposal),
    ]
    if found is None:
        return [*parts, html.P("There is no store to draw the evidence from.", className="muted")]
    needs = found.of(proposal)
    hours = found.requests(proposal["direction"], needs)
    if hours.is_empty():
        return [*parts, html.P("Nothing of it was seen in what the store holds now.", className="muted")]
    first, last = window or (hours["hour"].min().date(), hours["hour"].max().date())  # type: ignore[union-attr]
    busiest = hours.group_by("hour").agg(requests=_total()).sort("requests", descending=True)["hour"][0]
    names, of = about(proposal["evidence"])
    is_some = not proposal["elements"] and of > len(names)
    only = f"Drawn of the {len(names):,} with the most requests, of {of:,}:" if is_some else None
    who = "Addresses" if proposal["kind"] == "address-prefixes" else "Callers"
    who = who if proposal["direction"] == "Inbound" else "Destinations"
    return [
        *parts,
        html.P(only, className="muted") if only else None,
        _drawn("Requests by day", figures.requests_by_day(hours, first, last), f"from {first} to {last}"),
        _drawn("By hour of the week, UTC", figures.hours_of_week(hours), f"busiest hour: {busiest:%a %H:00} UTC"),
        *_bars(who, _named(needs)),
        *_bars("Resources", _by(hours, "service_resource")),
        *_bars("Operations", _by(hours, "operation")),
    ]


def _opens(proposal: Mapping[str, Any]) -> list[Any]:
    """Return what a rule opens beyond what was used."""
    if not proposal["elements"]:
        return []
    exposure = proposal["exposure"]
    extra, opened = exposure.get("extra_addresses") or 0, exposure.get("resources_opened") or []
    lines = []
    if proposal["kind"] == "address-prefixes":
        lines.append(
            f"{counted(extra, 'address', 'addresses')} that nobody used." if extra else "No address beyond those seen."
        )
    elif proposal["kind"] == "subscriptions":
        lines.append("Every managed identity of the subscription.")
    if opened:
        names = first_of([last_part(str(each)) for each in opened], MOST_BARS)
        lines.append(f"Also {counted(len(opened), 'resource')} of the profile that they never called: {names}.")
    elif proposal["direction"] == "Inbound":
        lines.append("No resource that they didn\u2019t call.")
    outsiders = proposal["evidence"].get("outsiders") or []
    if outsiders:
        named = ", ".join(shown(each) for each in outsiders[:MOST_BARS])
        lines.append(f"Steady, alone and without any identity: {named}. A vendor, or a stranger?")
    return [html.H3("What it opens"), html.Ul([html.Li(each) for each in lines], className="opens")]


def _drawn(title: str, figure: figures.Figure, said: str) -> html.Figure:
    return html.Figure(
        [
            html.Figcaption([html.Strong(title), html.Span(said, className="muted")]),
            graph(figure),
        ]
    )


def _total() -> "pl.Expr":
    import polars as pl

    return (pl.col("allowed") + pl.col("denied")).sum()


def _named(needs: Iterable[Need]) -> list[tuple[str, int]]:
    """Return who called or was called, with the requests: of a subscription its callers, since nobody knows its id."""
    found: Counter[str] = Counter()
    for need in needs:
        for each in need.seen:
            name = each.caller.source_resource if need.kind == "subscriptions" else None
            found[last_part(name or need.key)] += sum(each.allowed) + sum(each.denied)
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))


def _by(hours: "pl.DataFrame", column: str) -> list[tuple[str, int]]:
    found = hours.group_by(column).agg(requests=_total()).sort(["requests", column], descending=[True, False])
    return [(last_part(name) if name else "not named", int(requests)) for name, requests in found.iter_rows()]


def _bars(title: str, rows: Sequence[tuple[str, int]]) -> list[Any]:
    """Return a list with a bar for each row; text is text, whatever it says."""
    if not rows:
        return []
    most = max(requests for _, requests in rows) or 1
    items = [
        html.Li(
            [
                html.Span(name, className="bar-name mono", title=name),
                html.Span(f"{requests:,}", className="bar-number"),
                html.Span(className="bar", style={"width": f"{max(1, 100 * requests / most):.0f}%"}),
            ]
        )
        for name, requests in rows[:MOST_BARS]
    ]
    more = len(rows) - MOST_BARS
    rest = sum(requests for _, requests in rows[MOST_BARS:])
    return [
        html.H3(f"{title} ({len(rows):,})"),
        html.Ul(items, className="bars"),
        html.P(f"and {more:,} more, with {rest:,} requests", className="muted small") if more > 0 else None,
    ]


def callers(some: Iterable[Need]) -> str:
    """Return a few callers with their requests, in a line."""
    found = sorted(some, key=lambda need: (-need.allowed - need.denied, need.key))
    return first_of([f"{shown(need.key)} ({need.allowed + need.denied:,})" for need in found], MOST_BARS)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "?"


def _day(text: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(text)):%Y-%m-%d}"
    except ValueError:
        return "?"
