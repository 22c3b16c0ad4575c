"""A proposed access rule, with its evidence, what it opens beyond that, and a sentence that says why."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from pipeline.recommend.candidates import MEMBERSHIPS
from pipeline.recommend.need import Need
from pipeline.recommend.weighed import Weighed

OVER_BUDGET = "over-budget"
"""The flag of what the rule elements that a profile takes don't suffice for."""
EXAMPLES = 20
"""The most callers or destinations that a proposal names: of strangers there are thousands."""
NAME_LENGTH = 80
"""Longest name of an access rule. Source: azure-rest-api-specs, networkSecurityPerimeter.json, 2025-05-01."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to do about some callers or destinations of one profile.

    Args:
        perimeter: ARM id, lower case.
        profile: name of the profile.
        direction: Inbound or Outbound.
        kind: address-prefixes, subscriptions, service-tags, fqdns; associate or link; cannot-fix or leave-denied.
        elements: what the rule names; empty where there is no rule.
        needs: what was seen of those it would admit.
        days_observed: days on which the profile was seen at all.
        reason: one plain sentence.
        flags: why it isn't recommended without a look.
        extra_addresses: addresses admitted beyond those seen (IPv6: /64 networks).
        resources_opened: other resources of the profile that it would open to them.
        topic: where there is no rule, what it is about; stays the same while callers come and go.
        label: whom the rule is for, where that has a name, such as a known network.
        outsiders: those of the callers that are steady, alone in their network, and without any identity.
        choice: what it was weighed against; None where there was nothing to choose.
    """

    perimeter: str
    profile: str
    direction: str
    kind: str
    elements: tuple[str, ...]
    needs: tuple[Need, ...]
    days_observed: int
    reason: str
    flags: tuple[str, ...] = ()
    extra_addresses: int = 0
    resources_opened: tuple[str, ...] = field(default=())
    topic: str = ""
    label: str = ""
    outsiders: tuple[str, ...] = ()
    choice: Weighed | None = None

    @property
    def id(self) -> str:
        """Content-addressed: the same choice for the same profile has the same id in every run."""
        what = self.elements or (self.topic,)
        return identity(self.perimeter, self.profile, self.direction, self.kind, what)

    @property
    def name(self) -> str:
        """A rule name that Azure takes: at most 80 letters, digits, `_`, `.` and `-`, readable and stable."""
        first = self.label or (self.elements[0] if self.elements else self.kind)
        short = {"address-prefixes": "ip", "subscriptions": "sub", "service-tags": "tag", "fqdns": "to"}.get(
            self.kind, "note"
        )
        words = re.sub(r"[^A-Za-z0-9]+", "-", first.removeprefix("/subscriptions/")).strip("-").lower()
        return f"nsp-{short}-{words}"[: NAME_LENGTH - 9].rstrip("-") + f"-{self.id[:8]}"

    @property
    def is_rule(self) -> bool:
        """Whether accepting it makes an access rule."""
        return bool(self.elements)

    @property
    def recommended(self) -> bool:
        """Whether 'accept all defaults' takes it."""
        return self.is_rule and not self.flags

    @property
    def is_to_do(self) -> bool:
        """Whether a person has to associate a resource or link a perimeter, which no rule of this profile does."""
        return self.kind in MEMBERSHIPS

    @property
    def state(self) -> str:
        """What is to become of it: recommended, asked, to-do, cannot-fix or left-denied."""
        if self.recommended:
            return "recommended"
        if self.flags:
            return "asked"
        return "to-do" if self.is_to_do else {"leave-denied": "left-denied"}.get(self.kind, self.kind)

    @property
    def days_seen(self) -> int:
        """Days on which any of it succeeded."""
        return len(set().union(*(need.days for need in self.needs)))

    def examples(self, count: int) -> list[str]:
        """Return the callers or destinations with the most requests, admitted ones first."""
        ranked = sorted(self.needs, key=lambda need: (-need.allowed, -need.denied, need.key))
        return [need.key for need in ranked[:count]]

    @property
    def requests(self) -> int:
        """Requests seen that would be denied without it."""
        return sum(need.allowed for need in self.needs)

    def as_json(self) -> dict[str, Any]:
        """Return the proposal as the JSON contract has it."""
        return {
            "id": self.id,
            "perimeter": self.perimeter,
            "profile": self.profile,
            "direction": self.direction,
            "kind": self.kind,
            "name": self.name,
            "elements": list(self.elements),
            "recommended": self.recommended,
            "state": self.state,
            "flags": list(self.flags),
            "reason": self.reason,
            "choice": (self.choice or Weighed(self.kind, self.reason)).as_json(),
            "evidence": {
                "requests": self.requests,
                "denied_requests": sum(need.denied for need in self.needs),
                "records": sum(need.records for need in self.needs),
                "callers": len(set().union(*(need.callers for need in self.needs))),
                "days_seen": self.days_seen,
                "days_observed": self.days_observed,
                "first_seen": min(need.first_seen for need in self.needs).isoformat() + "Z",
                "last_seen": max(need.last_seen for need in self.needs).isoformat() + "Z",
                "resources": sorted(set().union(*(need.resources for need in self.needs))),
                "operations": sorted(set().union(*(need.operations for need in self.needs))),
                "examples": self.examples(EXAMPLES),
                "outsiders": list(self.outsiders),
            },
            "exposure": {
                "extra_addresses": self.extra_addresses,
                "resources_opened": list(self.resources_opened),
            },
        }


def about(evidence: Mapping[str, Any]) -> tuple[list[str], int]:
    """Return the examples of a proposal, and of how many callers or destinations they are.

    Args:
        evidence: as `as_json` has it.
    """
    names = [str(each) for each in evidence.get("examples", ())]
    is_cut = len(names) >= EXAMPLES  # else they are all: an example may stand for several callers
    return names, max(len(names), evidence.get("callers") or 0) if is_cut else len(names)


def identity(perimeter: str, profile: str, direction: str, kind: str, what: Iterable[str]) -> str:
    """Return the id of a proposal.

    Args:
        perimeter: ARM id, lower case.
        profile: name of the profile, in any case.
        direction: Inbound or Outbound.
        kind: of the proposal.
        what: its elements; where it has none, its topic.
    """
    return sha256("\n".join((perimeter, profile.lower(), direction, kind, *what)).encode()).hexdigest()[:12]


def days_flags(found: Iterable[Sequence[Need]]) -> tuple[str, ...]:
    """Return the flag of what nobody came back to: a monthly job, or a stranger; logs can't tell.

    Args:
        found: of each caller what was seen of it; strangers that each came once, on different days, don't come back.
    """
    came_back = any(len(set().union(*(need.days for need in mine))) > 1 for mine in found)
    return () if came_back else ("seen-on-one-day",)
