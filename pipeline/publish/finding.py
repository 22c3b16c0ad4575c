"""Something to know after enforcing, and the words for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNEXPECTED, NEWCOMER, EXPECTED, SETTLED = "denied-unexpected", "denied-newcomer", "denied-as-expected", "denied-settled"
STRANGERS = "denied-strangers"
SHARE, DRIFT, MODE_DRIFT, UNUSED_RULE = "denied-share", "drift", "mode-drift", "unused"
SILENT, NOT_YET, UNKNOWN = "no-records", "no-records-yet", "unknown"
CALM = frozenset({EXPECTED, SETTLED, STRANGERS, NOT_YET})
"""Findings that ask for nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know after enforcing.

    Args:
        kind: denied-unexpected, of whom succeeded before and wasn't expected to be denied; denied-newcomer, of whom
            nobody had seen and who has an identity or keeps coming; denied-strangers, the rest of those, together;
            denied-as-expected; denied-settled, whom the rules of today admit; denied-share, where more is denied than
            predicted; drift and mode-drift, where Azure isn't as nsp left it; unused, of a rule that nsp applied;
            no-records, where the log tells nothing of the time since enforcing, or of late; no-records-yet, the same on
            the first day; unknown, where something can't be looked at.
        perimeter: ARM id, lower case.
        profile: name.
        about: the resource, rule or association.
        sentence: what was found.
        suggestion: what to do.
        evidence: numbers and times.
    """

    kind: str
    perimeter: str
    profile: str
    about: str
    sentence: str
    suggestion: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs_attention(self) -> bool:
        """Whether somebody has to do something."""
        return self.kind not in CALM

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {
            "kind": self.kind,
            "attention": self.needs_attention,
            "perimeter": self.perimeter,
            "profile": self.profile,
            "about": self.about,
            "sentence": self.sentence,
            "suggestion": self.suggestion,
            "evidence": dict(self.evidence),
        }


def short(resource: str | None) -> str:
    """Return the last part of an ARM id."""
    return (resource or "").rsplit("/", 1)[-1]
