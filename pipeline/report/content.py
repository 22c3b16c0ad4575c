"""What a report says, in the order in which it says it; the templates only set it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipeline.recommend.decided import Denied
from pipeline.report.figure import Figure, figure
from pipeline.report.gather import Evidence, Row
from pipeline.report.glossary import meanings
from pipeline.report.text import last_part
from pipeline.tables import CATEGORIES
from pipeline.text import counted

STATES = {
    "accepted": ("Accepted", "A person accepted these."),
    "edited": ("Accepted with changes", "A person accepted these with other elements than were proposed."),
    "recommended": ("Recommended", "Nothing speaks against these: accepting all defaults takes them."),
    "asked": (
        "Waiting for a person",
        "These succeed today and look odd, or the logs can't tell: somebody who knows decides.",
    ),
    "deferred": ("Deferred", "A person put these off."),
    "to-do": (
        "For you to do",
        "These need no rule: associate the resource, or link the perimeter. Until that is done, enforcing denies them.",
    ),
    "cannot-fix": (
        "No rule helps",
        "These succeed today, enforcing denies them, and no rule can change that: they need the remedy named.",
    ),
    "rejected": ("Rejected", "A person turned these down: enforcing denies them."),
    "acknowledged": ("Noted", "A person has seen these, and no rule comes of it."),
    "left-denied": ("Nothing changes", "Refused today as well; no rule is proposed."),
}
"""State of a proposal -> its title and what it means, in order."""
LIGHTS = {
    "callers": ("Callers", "few enough would be wrongly denied next week"),
    "window": ("Window", "the logs are long and fresh enough"),
    "questions": ("Questions", "none is open"),
}
"""Light -> its title and what it says when it is green."""


@dataclass(frozen=True, slots=True)
class Content:
    """A report, ready to be set out.

    Args:
        title: the headline.
        lede: sentences that say why.
        figures: (name, value, note) of the figures at the top.
        evidence: what it rests on.
        states: (state, title, meaning, proposals) of those that occur.
        drawing: would-be denials over time.
        days: (day, requests, denied with the rules in force, with those decided) for the drawing's table.
        categories: (category, records, requests, meaning), those missing as well.
        words: the glossary's.
    """

    title: str
    lede: tuple[str, ...]
    figures: tuple[tuple[str, str, str], ...]
    evidence: Evidence
    states: tuple[tuple[str, str, str, list[Row]], ...]
    drawing: Figure | None
    days: tuple[tuple[date, int, int, int], ...]
    categories: tuple[tuple[str, int | None, int | None, str], ...]
    words: dict[str, str]

    @property
    def profiles(self) -> list[Row]:
        """Readiness of each profile."""
        found: list[Row] = self.evidence.run["readiness"]
        return found

    @property
    def ready(self) -> bool:
        """Every profile is ready, and there is one."""
        return bool(self.profiles) and all(each["ready"] for each in self.profiles)

    @property
    def denied(self) -> Denied:
        """Who succeeds today and would be denied because of decisions."""
        return _denied(self.profiles)

    @property
    def tried(self) -> str:
        """What rules are tried beside those in force, in a word to go before "rules"."""
        return _named(self.evidence)

    @property
    def losses(self) -> list[Row]:
        """Who would be denied with what was decided and is recommended."""
        return self.evidence.decided.losses.head(12).to_dicts()


def content(evidence: Evidence) -> Content:
    """Return what a report says."""
    run = evidence.run
    days = _days(evidence)
    found = [_decided(each, evidence) for each in run["proposals"]]
    return Content(
        _title(run["readiness"]),
        tuple(_lede(evidence, found)),
        tuple(_figures(evidence)),
        evidence,
        tuple(
            (state, *told, mine)
            for state, told in STATES.items()
            if (mine := [each for each in found if each["state"] == state])
        ),
        figure({each[0]: each[2] for each in days}, {each[0]: each[3] for each in days}),
        tuple(days),
        tuple(_categories(run["coverage"])),
        meanings(),
    )


def _title(profiles: Sequence[Row]) -> str:
    if not profiles:
        return "Not ready: no data"
    ready = sum(each["ready"] for each in profiles)
    denied = _denied(profiles).requests
    with_denials = f"enforcing denies {counted(denied, 'request')} that succeed{'s' if denied == 1 else ''}, as decided"
    if len(profiles) == 1:
        (one,) = profiles
        name = f"{last_part(one['perimeter'])}/{one['profile']}"
        if ready and denied:
            return f"{name}: {with_denials}"
        return f"{name} is {'ready' if ready else 'not ready'} to be enforced"
    owners = {each["perimeter"] for each in profiles}
    name = last_part(next(iter(owners))) if len(owners) == 1 else f"{len(owners)} perimeters"
    if ready == len(profiles):
        return f"{name}: {with_denials if denied else 'ready to be enforced'}"
    return f"{name}: {'not ready' if not ready else f'{ready} of {len(profiles)} profiles ready'} to be enforced"


def _denied(profiles: Sequence[Row]) -> Denied:
    found = [each["denied_by_decisions"] for each in profiles]
    return Denied(sum(each["requests"] for each in found), sum(each["callers"] for each in found))


def _decided(proposal: Row, evidence: Evidence) -> Row:
    """Return a proposal as it was decided: an edited one holds what its rule holds, and what was proposed apart."""
    state = evidence.states.get(proposal["id"], proposal["state"])
    if state != "edited":
        return {**proposal, "state": state, "proposed": []}
    elements = list(evidence.edited.get(proposal["id"], proposal["elements"]))
    return {**proposal, "state": state, "elements": elements, "proposed": proposal["elements"]}


def _tried(evidence: Evidence) -> list[tuple[int, str]]:
    """Return what rules are tried beside those in force: how many were accepted, and how many are recommended."""
    settled = {"accepted", "edited", "rejected"}
    recommended = sum(
        each["recommended"] and evidence.states.get(each["id"]) not in settled for each in evidence.run["proposals"]
    )
    return [(count, word) for count, word in ((evidence.pending, "accepted"), (recommended, "recommended")) if count]


def _named(evidence: Evidence) -> str:
    return " and ".join(word for _, word in _tried(evidence)) or "recommended"


def _lede(evidence: Evidence, proposals: Sequence[Row]) -> list[str]:
    if not evidence.run["readiness"] or not int(evidence.today.changes["requests"].sum()):
        return ["No traffic was seen in this scope, which says nothing about what enforcing would deny."]
    total = int(evidence.today.changes["requests"].sum())
    lost, left = evidence.today.lost_requests, evidence.decided.lost_requests
    denied = _denied(evidence.run["readiness"])
    seen = counted(total, "request")
    said = [f"Of {seen} seen, enforcing with the rules in force would deny {lost:,} that succeed today."]
    if tried := _tried(evidence):
        rules = " and ".join(f"{count:,} {word}" for count, word in tried)
        rules += f" rule{'s' if sum(count for count, _ in tried) > 1 else ''}"
        said.append(f"With the {rules} it would deny {left:,}." if left else f"With the {rules} it would deny none.")
    if denied.requests:
        said.append(
            f"{counted(denied.requests, 'request')} of {counted(denied.callers, 'caller')} would be denied because of "
            "what was rejected or edited."
        )
    waiting = [each for each in proposals if each["state"] == "asked" and each["evidence"]["requests"]]
    if waiting:
        requests = sum(each["evidence"]["requests"] for each in waiting)
        waits = "waits" if len(waiting) == 1 else "wait"
        said.append(
            f"{counted(len(waiting), 'proposal')} ({counted(requests, 'request')}) {waits} for a person's word."
        )
    stuck = sum(each["evidence"]["requests"] for each in proposals if each["state"] == "cannot-fix")
    if stuck:
        one = "request needs another remedy, since no rule can admit it."
        said.append(counted(stuck, one, "requests need another remedy, since no rule can admit them."))
    if evidence.decided.unjudged_requests:
        said.append(f"Of {counted(evidence.decided.unjudged_requests, 'request')} nobody can tell.")
    return said


def _figures(evidence: Evidence) -> list[tuple[str, str, str]]:
    coverage = evidence.run["coverage"]
    lost, left = evidence.today.lost_requests, evidence.decided.lost_requests
    total = int(evidence.today.changes["requests"].sum())
    risks = [each["callers_at_risk"] for each in evidence.run["readiness"]]
    known = [each for each in risks if each["estimate"] is not None]
    risk, note = "unknown", "no whole week could be replayed"
    if known and len(known) == len(risks):
        risk = f"{sum(each['estimate'] for each in known):.1f}"
        ranges = ", ".join(f"{each['low']} to {each['high']}" for each in known)
        note = f"expected; by profile {ranges}" if len(known) > 1 else f"expected; {ranges} likely"
    share = f"{100 * lost / total:.1f} % of {counted(total, 'request')}" if total else "no requests seen"
    return [
        ("Denied with today's rules", f"{lost:,}", share),
        (
            f"Denied with the {_named(evidence)} rules",
            f"{left:,}",
            f"{100 * left / total:.1f} % of requests" if total else "",
        ),
        ("Callers at risk next week", risk, note),
        ("Days seen", f"{coverage['days_seen']:,}", f"{counted(coverage['records'], 'record')} of the whole store"),
    ]


def _days(evidence: Evidence) -> list[tuple[date, int, int, int]]:
    frames = [
        each.daily.group_by("day").agg(pl.col("requests").sum(), pl.col("lost_requests").sum())
        for each in (evidence.today, evidence.decided)
    ]
    both = frames[0].join(frames[1].select("day", left="lost_requests"), on="day").sort("day")
    return both.select("day", "requests", "lost_requests", "left").rows()


def _categories(coverage: Row) -> list[tuple[str, int | None, int | None, str]]:
    seen = coverage["by_category"]
    names = [*CATEGORIES, *coverage["categories_unknown"]]
    return [
        (
            name,
            seen.get(name, {}).get("records"),
            seen.get(name, {}).get("requests"),
            CATEGORIES.get(name, "unknown to nsp: kept, not judged"),
        )
        for name in names
    ]
