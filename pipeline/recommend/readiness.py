"""May a profile be enforced? Three lights, each shown on its own, and the reasons."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from pipeline.inventory.rules import ProfileKey
from pipeline.recommend.association import Step, Tolerance
from pipeline.recommend.backtest import Forecast, Week, forecast
from pipeline.recommend.calendar import Calendar
from pipeline.recommend.candidates import MAX_LINKS
from pipeline.recommend.decided import Denied
from pipeline.recommend.proposal import Proposal
from pipeline.recommend.split import Split
from pipeline.text import counted


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the logs of a profile can tell at all.

    Args:
        days: days on which it wrote any record.
        stale_days: whole days between its last record and the run.
        sees_denials: whether any record of a ...ResourceRules... category was seen in its perimeter in the last month
            of its log; without one nobody can tell "nothing would be denied" from "the category isn't enabled".
        switched_off: categories that hold would-be denials and aren't logged.
        unproven: categories that hold would-be denials of which neither a record nor their being logged is known.
        silent: names of its associated resources without any record, or without one for a month.
        unlisted: names of resources that wrote records since the inventory was taken, which doesn't list them.
        unjudged: what nobody can judge (a log category, an access mode), with its requests.
        nameless_records: records of any perimeter that don't say of which.
        rejected: lines of any perimeter that could not be read.
        records: records of any perimeter that could.
        errors: issues that Azure reports as errors: name of the resource, and the issue.
        closed: resources that were closed to all but what the perimeter admits, so that who was refused is not among
            the would-be denials: name, when they were last, and days of their log since they are open.
        fresh: resources whose first record is younger than the window has to be: name, and days since.
        seldom: resources whose first record is old enough, but that wrote on fewer days than the window has to have:
            name, and days.
        too_many: directions with more elements than there may be, once what people accepted is applied: the direction,
            the elements, and how many there may be.
        newer_rules: the version of the rules that the inventory knows, and the newer one that the log names; None where
            it names none.
        linked: GUIDs (else ARM ids) of the perimeters to which its perimeter has a link, in whatever state.
    """

    days: int
    stale_days: int = 0
    sees_denials: bool = True
    silent: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    switched_off: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    unjudged: tuple[tuple[str, int], ...] = ()
    nameless_records: int = 0
    rejected: int = 0
    records: int = 0
    errors: tuple[tuple[str, str], ...] = ()
    closed: tuple[tuple[str, date, int], ...] = ()
    fresh: tuple[tuple[str, int], ...] = ()
    seldom: tuple[tuple[str, int], ...] = ()
    too_many: tuple[tuple[str, int, int], ...] = ()
    newer_rules: tuple[int, int] | None = None
    linked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer for one profile of one perimeter.

    Args:
        perimeter: ARM id, lower case.
        profile: name of the profile.
        days_observed: days on which it wrote any record.
        weeks: the replayed weeks, newest first.
        at_risk: distinct callers wrongly denied next week; None where there is nothing to tell it from.
        lights: name -> whether it is green: callers, window, questions.
        reasons: one sentence for each of what makes a light red, and for what people's decisions deny.
        calendar: what its window has not seen of the calendar, and what is due.
        steps: its associations, in the order in which to enforce them.
        shared: those of the reasons that speak against each of its associations: of the window, of what is logged, and
            of accepted rules that can't be applied.
        split: how to spread its resources over several profiles; None where its elements suffice.
        denied: who succeeds today and would be denied because of what people decided; that is theirs to choose, so
            no light is red for it.
    """

    perimeter: str
    profile: str
    days_observed: int
    weeks: tuple[Week, ...]
    at_risk: Forecast | None
    lights: dict[str, bool]
    reasons: tuple[str, ...]
    calendar: Calendar = field(default_factory=Calendar)
    steps: tuple[Step, ...] = ()
    shared: tuple[str, ...] = ()
    split: Split | None = None
    denied: Denied = field(default_factory=Denied)

    @property
    def key(self) -> ProfileKey:
        """The profile, as it is compared."""
        return self.perimeter, self.profile.lower()

    @property
    def ready(self) -> bool:
        """All lights are green."""
        return all(self.lights.values())

    def knowing(self, denied: Denied, rules: str) -> "Readiness":
        """Return the same with what decisions deny, which is told and turns no light red.

        Args:
            denied: who succeeds and would be denied because of decisions.
            rules: what `nsp whatif --rules` is to try to show them.
        """
        reasons = (*self.reasons, denied.sentence(rules)) if denied.requests else self.reasons
        return replace(self, denied=denied, reasons=reasons)

    def as_json(self) -> dict[str, Any]:
        """Return the readiness as the JSON contract has it; figures that nothing tells are null."""
        risk = self.at_risk
        shares = [week.denied_requests / week.requests for week in self.weeks if week.requests]
        pooled = sum(week.denied_requests for week in self.weeks) / max(1, sum(week.requests for week in self.weeks))
        return {
            "perimeter": self.perimeter,
            "profile": self.profile,
            "ready": self.ready,
            "reasons": list(self.reasons),
            "callers_at_risk": {
                "estimate": round(risk.estimate, 2) if risk else None,
                "low": risk.low if risk else None,
                "high": risk.high if risk else None,
                "of": self.weeks[0].callers if self.weeks else None,
            },
            "predicted_denied_share": {
                "estimate": round(pooled, 6) if shares else None,
                "low": round(min(shares), 6) if shares else None,
                "high": round(max(shares), 6) if shares else None,
            },
            "denied_by_decisions": self.denied.as_json(),
            "lights": self.lights,
            "calendar": self.calendar.as_json(),
            "split": self.split.as_json() if self.split else None,
            "associations": [each.as_json() for each in self.steps],
            "backtest": [
                {
                    "origin": week.origin.isoformat(),
                    "callers": week.callers,
                    "denied_callers": week.denied_callers,
                    "requests": week.requests,
                    "denied_requests": week.denied_requests,
                }
                for week in self.weeks
            ],
        }


def judge(
    perimeter: str,
    profile: str,
    evidence: Evidence,
    weeks: Sequence[Week],
    proposals: Sequence[Proposal],
    tolerance: Tolerance,
    calendar: Calendar | None = None,
) -> Readiness:
    """Judge one profile from its window, its replayed weeks and its proposals.

    Args:
        perimeter: ARM id.
        profile: name of the profile.
        evidence: what its logs can tell.
        weeks: both directions added up, newest first.
        proposals: of the profile, without the questions that a person answered.
        tolerance: callers at risk and the shortest window.
        calendar: what its days have to say.
    """
    risk = forecast([week.denied_callers for week in weeks])
    of_logging = [*_questions_of_logging(profile, evidence), *_unread(evidence, tolerance.rejected_share)]
    of_elements = _of_elements(evidence)
    open_questions = [*of_logging, *of_elements, *_questions(evidence, proposals)]
    calendar = calendar or Calendar()
    window = _window(evidence, calendar, tolerance.min_days)
    closed = [*_closed(evidence, tolerance.min_days), *_little_seen(evidence, tolerance.min_days)]
    callers = []
    if risk is None and evidence.days:
        callers.append("callers: no whole week after a first one was seen, so nothing can be replayed")
    elif risk is not None and risk.high > tolerance.callers_at_risk:
        callers.append(
            f"callers: up to {risk.high} callers may be wrongly denied next week ({risk.estimate:.1f} expected), "
            f"{tolerance.callers_at_risk:g} tolerated",
        )
    lights = {
        "callers": risk is not None and not callers,
        "window": not (window or closed),
        "questions": not open_questions,
    }
    reasons = (*window, *closed, *callers, *open_questions)
    return Readiness(
        perimeter,
        profile,
        evidence.days,
        tuple(weeks),
        risk,
        lights,
        reasons,
        calendar,
        shared=(*window, *of_logging, *of_elements),
    )


def _window(evidence: Evidence, calendar: Calendar, min_days: int) -> list[str]:
    if not evidence.days:
        return ["no data: not one record of this profile was seen, which is no proof of no traffic"]
    reasons = []
    if evidence.days < min_days:
        unseen = f", some {calendar.unseen_monthly:.0f} of them" if calendar.unseen_monthly >= 1 else ""
        reasons.append(
            f"window: {counted(evidence.days, 'day')} seen, {min_days} wanted; "
            f"monthly jobs may not have run yet{unseen}",
        )
    reasons += [f"window: {gap}" for gap in calendar.gaps]
    if evidence.stale_days > MAX_STALE_DAYS:
        reasons.append(f"window: the last record is {counted(evidence.stale_days, 'day')} old; load newer logs")
    return reasons


def _closed(evidence: Evidence, min_days: int) -> list[str]:
    """Say of which resources the window is shorter than it looks."""
    return [
        f"window: {name} was closed to all but what the perimeter admits on {last:%Y-%m-%d}; of callers that were "
        f"refused then nothing is known, and only {days} days are seen since, {min_days} wanted"
        for name, last, days in evidence.closed
        if days < min_days
    ]


def _little_seen(evidence: Evidence, min_days: int) -> list[str]:
    """Say of which resources less was seen than of the others."""
    if evidence.days < min_days:
        return []
    fresh = [
        f"window: the first record of {name} is {counted(days, 'day')} old, {min_days} wanted"
        for name, days in evidence.fresh
    ]
    seldom = [
        f"window: {name} wrote records on {counted(days, 'day')}, {min_days} wanted" for name, days in evidence.seldom
    ]
    return [*fresh, *seldom]


def _questions_of_logging(profile: str, evidence: Evidence) -> list[str]:
    reasons = []
    if not profile:
        reasons.append("questions: these records name no profile")
    if evidence.days and not evidence.sees_denials:
        reasons.append(
            "questions: no record of a ResourceRules category was seen in this perimeter for a month, so would-be "
            "denials can't be seen; check that these categories are enabled",
        )
    if evidence.switched_off:
        reasons.append(f"questions: {', '.join(evidence.switched_off)} isn't logged, so would-be denials can't be seen")
    if evidence.unproven:
        reasons.append(
            f"questions: no record of {', '.join(evidence.unproven)} was ever seen, and nobody told whether it is "
            "logged; nsp inventory pull tells, else would-be denials may go unseen"
        )
    if evidence.newer_rules:
        told, logged = evidence.newer_rules
        reasons.append(
            f"questions: the log was written under version {logged} of the rules, and the inventory knows version "
            f"{told}: it isn't judged by what is in force; load a newer inventory"
        )
    for about, requests in evidence.unjudged:
        reasons.append(f"questions: nobody can tell what enforcing does to {requests:,} requests ({about})")
    if evidence.nameless_records:
        reasons.append(
            f"questions: {evidence.nameless_records:,} records name no perimeter, so nothing is proposed from them"
        )
    return reasons


def _unread(evidence: Evidence, tolerated: float) -> list[str]:
    """Say of how many lines nothing is known: whoever calls may be in them alone."""
    lines = evidence.records + evidence.rejected
    if evidence.rejected <= tolerated * lines:
        return []
    told = f"questions: {evidence.rejected:,} of {lines:,} lines could not be read, {tolerated:.0%} tolerated"
    return [f"{told} (ingest.rejected_share); nsp query coverage/rejected_records"]


def _of_elements(evidence: Evidence) -> list[str]:
    return [
        f"questions: with what is accepted there would be {count:,} {direction.lower()} elements, where {most:,} may "
        "be, so nsp apply will refuse; reject or undo some, or accept wider ones"
        for direction, count, most in evidence.too_many
    ]


def _questions(evidence: Evidence, proposals: Sequence[Proposal]) -> list[str]:
    reasons = []
    if evidence.silent:
        reasons.append(
            f"questions: no record of {', '.join(evidence.silent)} for a month; no data is no proof of no traffic"
        )
    reasons += [
        f"questions: Azure reports {error} of {name}, so its rules may not be what they seem; nsp inventory show issues"
        for name, error in evidence.errors
    ]
    if evidence.unlisted:
        reasons.append(
            f"questions: {', '.join(evidence.unlisted)} wrote records and is not in the inventory, so nothing is "
            "proposed for it; load a newer inventory",
        )
    to_link = {need.key for each in proposals if each.kind == "link" for need in each.needs} - evidence.linked
    if to_link and len(evidence.linked | to_link) > MAX_LINKS:
        reasons.append(
            f"questions: a perimeter takes {MAX_LINKS} links; this one has {len(evidence.linked)}, and "
            f"{len(to_link)} more {'are' if len(to_link) > 1 else 'is'} proposed"
        )
    return [*reasons, *_open(proposals)]


def _open(proposals: Sequence[Proposal]) -> list[str]:
    """Say what of the proposals is open."""
    reasons = []
    flagged = sum(bool(proposal.flags) for proposal in proposals)
    if flagged:
        reasons.append(f"questions: {flagged} flagged proposal{'s wait' if flagged > 1 else ' waits'} for a decision")
    to_do = [proposal for proposal in proposals if proposal.is_to_do]
    if to_do:
        requests = sum(proposal.requests for proposal in to_do)
        reasons.append(
            f"questions: {requests:,} requests succeed today and are denied once enforced, until "
            f"{' and '.join(_to_do(to_do))}",
        )
    unfixable = sum(proposal.requests for proposal in proposals if proposal.kind == "cannot-fix")
    if unfixable:
        reasons.append(f"questions: {unfixable:,} requests succeed today that no rule settles (cannot-fix)")
    return reasons


def _to_do(proposals: Sequence[Proposal]) -> list[str]:
    """Say how many resources have to be associated and perimeters linked."""
    counts = Counter(proposal.kind for proposal in proposals)
    words = {"associate": ("resource", "associated"), "link": ("perimeter", "linked")}
    return [
        f"{count} {noun}{'s are' if count > 1 else ' is'} {done}"
        for kind, (noun, done) in words.items()
        if (count := counts[kind])
    ]


MAX_STALE_DAYS = 3
"""Logs arrive within two days at the latest; evidence older than that is of another time."""
