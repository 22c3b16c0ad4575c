"""A finding about an element of a rule in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.inventory.rules import RuleElement

SHADOWED, TOO_WIDE, UNUSED, WIDE, UNJUDGED = "shadowed", "too-wide", "unused", "wide", "unjudged"


@dataclass(frozen=True, slots=True)
class Tightening:
    """One finding about one element of a rule in force; no element has several.

    Args:
        element: what it is about.
        finding: shadowed, where other elements that stay admit all of it; too-wide, of a prefix that is wider than any
            that would be proposed; unused; wide, of a prefix of which only a small part was used; unjudged.
        reason: one or two plain sentences.
        replacement: what to put in its place: prefixes, or nothing; None where nothing is proposed.
        beside: the other elements that admit what it admits, or what of it was used.
        flags: what makes the evidence doubtful: stale, no-records-of-direction, not-honoured.
        requests: seen in the scope that it admits, whether or not others admit them, too.
        used: distinct addresses of those (IPv6: /64 networks), subscriptions or host names.
        days_used: days of the scope on which it admitted anything.
        days_observed: days of the scope on which anything of its profile was seen.
        last_use: the last of what it admits.
        addresses: that it holds (IPv6: /64 networks); 0 where it is no prefix.
        closed: those of them (IPv6: /64 networks) that nothing would admit any more, once wider elements around it that
            are named, too, are gone or narrowed.
    """

    element: RuleElement
    finding: str
    reason: str
    replacement: tuple[str, ...] | None = None
    beside: tuple[RuleElement, ...] = ()
    flags: tuple[str, ...] = ()
    requests: int = 0
    used: int = 0
    days_used: int = 0
    days_observed: int = 0
    last_use: datetime | None = None
    addresses: int = 0
    closed: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the finding as an object."""
        return {
            "perimeter": self.element.perimeter,
            "profile": self.element.profile,
            "direction": self.element.direction,
            "rule": self.element.rule,
            "kind": self.element.kind,
            "element": self.element.element,
            "finding": self.finding,
            "reason": self.reason,
            "replacement": None if self.replacement is None else list(self.replacement),
            "beside": [{"rule": each.rule, "element": each.element} for each in self.beside],
            "flags": list(self.flags),
            "evidence": {
                "requests": self.requests,
                "used": self.used,
                "days_used": self.days_used,
                "days_observed": self.days_observed,
                "last_use": self.last_use.isoformat() + "Z" if self.last_use else None,
            },
            "exposure": {"addresses": self.addresses, "closed_addresses": self.closed},
        }
