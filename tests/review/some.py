"""Proposals to decide about, as `nsp recommend --format json` prints them."""

from datetime import datetime, timedelta
from typing import Any

from pipeline.recommend.proposal import identity
from pipeline.review.decision import ACCEPT, Choice
from pipeline.review.entry import Entry, entry

PERIMETER = (
    "/subscriptions/00000000-0000-0000-0000-00000000000a/resourcegroups/rg"
    "/providers/microsoft.network/networksecurityperimeters/p"
)
NOW = datetime(2026, 11, 2, 8)
DAY = timedelta(days=1)


def evidence(first_seen: str = "2026-10-01T00:00:00Z", callers: int = 1, *resources: str) -> dict[str, Any]:
    return {"requests": 7, "callers": callers, "first_seen": first_seen, "resources": list(resources)}


def proposal(*elements: str, kind: str = "address-prefixes", **fields: Any) -> dict[str, Any]:
    """A proposal of an inbound address rule, if nothing else is said; without elements, a note."""
    direction = fields.pop("direction", "Outbound" if kind == "fqdns" else "Inbound")
    profile = fields.pop("profile", "Data")
    kind = kind if elements else "cannot-fix"
    made = identity(PERIMETER, profile, direction, kind, elements or ("a topic",))
    return {
        "id": made,
        "perimeter": PERIMETER,
        "profile": profile,
        "direction": direction,
        "kind": kind,
        "name": f"nsp-ip-{made[:8]}",
        "elements": list(elements),
        "recommended": bool(elements) and not fields.get("flags"),
        "flags": [],
        "reason": "Head office",
        "evidence": evidence(),
        "exposure": {"extra_addresses": 0, "resources_opened": []},
        **fields,
    }


def choose(
    given: dict[str, Any], action: str = ACCEPT, reason: str = "for a test", who: str = "ada", **more: Any
) -> Entry:
    """A checked choice."""
    return entry(given, Choice(action, reason, **more), who, NOW)
