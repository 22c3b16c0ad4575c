"""The grid of proposals: its columns and its rows."""

from collections.abc import Iterable, Sequence
from typing import Any

import dash_ag_grid as dag

from pipeline.recommend.proposal import about
from pipeline.review.page.text import DIRECTIONS, KINDS, last_part, rule_element, shown
from pipeline.review.state import STATES, UNDECIDED, ProposalState
from pipeline.text import first_of

Row = dict[str, Any]
GLYPHS = {
    "open": "○",
    "accepted": "✓",
    "edited": "✎",
    "acknowledged": "✓",
    "rejected": "✕",
    "deferred": "◷",
    "expired": "⌛",
}
TONES = {
    "accepted": "ok",
    "edited": "ok",
    "acknowledged": "ok",
    "rejected": "bad",
    "deferred": "warn",
    "expired": "warn",
}
SHOW = {"all": "All", "open": "To decide", "flagged": "Flagged", "decided": "Decided", "new": "New"}
GROUPS = {"none": "No groups", "state": "State", "kind": "Kind", "risk": "Risk"}
SHOWN_ELEMENTS = 3


_TONED = {f"tone-{tone}": f"params.data.tone === '{tone}'" for tone in ("ok", "bad", "warn")}


def grid() -> dag.AgGrid:
    """Return the empty grid."""
    number = {"type": "rightAligned", "filter": "agNumberColumnFilter"}
    thousands = {"function": "params.value == null ? '' : d3.format(',')(params.value)"}
    return dag.AgGrid(
        id="grid",
        className="ag-theme-quartz grid",
        rowData=[],
        getRowId="params.data.id",
        columnDefs=[
            {"field": "state", "headerName": "State", "width": 104, "cellClassRules": _TONED,
             "valueFormatter": {"function": "stateOf(params)"}},
            {"field": "direction", "headerName": "", "headerTooltip": "Inbound or outbound", "width": 46},
            {"field": "rule", "headerName": "Rule", "minWidth": 110, "flex": 5, "tooltipField": "rule",
             "cellClass": "mono", "cellClassRules": {"no-rule": "!params.data.is_rule"}},
            {"field": "flags", "headerName": "Flags", "width": 106, "tooltipField": "flags", "cellClass": "flags-cell"},
            {"field": "requests", "headerName": "Requests", "width": 98, "valueFormatter": thousands, **number},
            {"field": "days", "headerName": "Days", "width": 70,
             "valueFormatter": {"function": "params.data.days_text"}, **number},
            {"field": "extra", "headerName": "Extra", "width": 84, "valueFormatter": thousands,
             "headerTooltip": "Addresses that the rule admits and that were never seen", **number},
            {"field": "kind", "headerName": "Kind", "width": 138},
            {"field": "why", "headerName": "Why", "minWidth": 190, "flex": 4, "tooltipField": "why",
             "valueFormatter": {"function": "whyOf(params)"}},
        ],
        defaultColDef={
            "sortable": True, "resizable": True, "filter": "agTextColumnFilter", "suppressHeaderMenuButton": False,
            "filterParams": {"buttons": ["reset"], "debounceMs": 150},
        },
        dashGridOptions={
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True,
                             "isRowSelectable": {"function": "!params.data.heading"}},
            "isFullWidthRow": {"function": "!!params.rowNode.data && !!params.rowNode.data.heading"},
            "fullWidthCellRenderer": "GroupHeading",
            "postSortRows": {"function": "keepGroups(params)"},
            "rowHeight": 38, "headerHeight": 40, "tooltipShowDelay": 400, "animateRows": False,
            "localeText": {"noRowsToShow": "Nothing here."},
            "suppressColumnVirtualisation": True, "ensureDomOrder": True,
            "includeHiddenColumnsInQuickFilter": True,
        },
        persistence=True,
        persistence_type="session",
        persisted_props=["filterModel"],
        dangerously_allow_code=False,
        style={"height": None, "width": None},
    )  # fmt: skip


def row(state: ProposalState) -> Row:
    """Return what the grid shows of a proposal."""
    proposal = state.proposal
    evidence, exposure = proposal["evidence"], proposal["exposure"]
    return {
        "id": state.id,
        "state": state.state,
        "glyph": GLYPHS[state.state],
        "tone": TONES.get(state.state, ""),
        "waits": waits(state),
        "direction": DIRECTIONS.get(proposal["direction"], shown(proposal["direction"])),
        "kind": KINDS.get(proposal["kind"], shown(proposal["kind"])),
        "rule": rule(state),
        "is_rule": bool(state.elements),
        "flags": ", ".join(shown(each) for each in proposal["flags"]),
        "risk": "flagged" if proposal["flags"] else "no flag",
        "requests": evidence.get("requests"),
        "days": evidence.get("days_seen"),
        "days_text": f"{evidence.get('days_seen', '?')}/{evidence.get('days_observed', '?')}",
        "extra": exposure.get("extra_addresses") if proposal["elements"] else None,
        "why": ("new \u00b7 " if state.is_new else "")
        + ("" if state.is_proposed else "no longer proposed \u00b7 ")
        + shown(proposal["reason"]),
    }


def rule(state: ProposalState) -> str:
    """Return the elements of a rule in a line, of a note whom it is about; with its kind where these don't tell it."""
    kind, elements = state.proposal["kind"], state.elements
    if not elements:
        names, of = about(state.proposal["evidence"])
        named = first_of([last_part(each) for each in names], 1, of=of)
        return ": ".join(each for each in (KINDS.get(kind, "note"), named) if each)
    named = first_of([rule_element(each) for each in elements], SHOWN_ELEMENTS)
    if kind == "subscriptions":
        who = shown(str(state.proposal["reason"]).partition(";")[0])  # it begins with the names of its callers
        return f"subscription of {who}: {named}" if who else f"subscription {named}"
    return f"service tag {named}" if kind == "service-tags" else named


def waits(state: ProposalState) -> bool:
    """Tell whether a person has to decide; who is refused today as well asks for nothing, unless it is flagged."""
    asks = state.proposal["kind"] != "leave-denied" or bool(state.proposal["flags"])
    return state.state in UNDECIDED and asks


def holds(show: str, state: ProposalState) -> bool:
    """Tell whether a state is among those that are shown."""
    match show:
        case "open":
            return waits(state)
        case "flagged":
            return bool(state.proposal["flags"])
        case "decided":
            return state.state not in UNDECIDED
        case "new":
            return state.is_new
    return True


def counts(states: Sequence[ProposalState]) -> dict[str, int]:
    """Return how many proposals each choice of SHOW has."""
    return {show: sum(holds(show, each) for each in states) for show in SHOW}


def grouped(rows: Iterable[Row], by: str) -> list[Row]:
    """Return rows with a heading before each group.

    Args:
        rows: of the grid.
        by: none, state, kind or risk.
    """
    some = list(rows)
    if by not in GROUPS or by == "none":
        return some
    names = sorted({each[by] for each in some}, key=lambda name: (STATES.index(name) if by == "state" else 0, name))
    found: list[Row] = []
    for place, name in enumerate(names):
        mine = [{**each, "group": place} for each in some if each[by] == name]
        found.append({"id": f"group-{place}", "heading": f"{name} ({len(mine):,})", "group": place})
        found += mine
    return found
