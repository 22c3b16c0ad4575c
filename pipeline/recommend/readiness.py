"""May a profile be enforced? Three lights, each shown on its own, and the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.recommend.backtest import Forecast, Week, forecast
from pipeline.recommend.proposal import Proposal


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
        reasons: one sentence for each light that is not green.
    """

    perimeter: str
    profile: str
    days_observed: int
    weeks: tuple[Week, ...]
    at_risk: Forecast | None
    lights: dict[str, bool]
    reasons: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """All lights are green."""
        return all(self.lights.values())

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
            "lights": self.lights,
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
    days_observed: int,
    weeks: Sequence[Week],
    proposals: Sequence[Proposal],
    *,
    callers_at_risk: float,
    min_days: int,
) -> Readiness:
    """Judge one profile from its window, its replayed weeks and its proposals.

    Args:
        perimeter: ARM id.
        profile: name of the profile.
        days_observed: days on which it wrote any record.
        weeks: both directions added up, newest first.
        proposals: all of the profile.
        callers_at_risk: tolerance for the upper bound of callers wrongly denied in a week.
        min_days: shortest window.
    """
    risk = forecast([week.denied_callers for week in weeks])
    questions = [proposal for proposal in proposals if proposal.flags]
    unfixable = [proposal for proposal in proposals if proposal.kind == "cannot-fix"]
    lights = {
        "callers": risk is not None and risk.high <= callers_at_risk,
        "window": days_observed >= min_days,
        "questions": not questions and not unfixable and days_observed > 0,
    }
    reasons = []
    if not days_observed:
        reasons.append("no data: not one record of this profile was seen, which is no proof of no traffic")
    elif not lights["window"]:
        reasons.append(
            f"window: {days_observed} days seen, {min_days} wanted; a month-end job may not have run yet",
        )
    if risk is None and days_observed:
        reasons.append("callers: less than two weeks seen, so nothing can be replayed")
    elif risk is not None and not lights["callers"]:
        reasons.append(
            f"callers: up to {risk.high} callers may be wrongly denied next week ({risk.estimate:.1f} expected), "
            f"{callers_at_risk:g} tolerated",
        )
    if questions:
        reasons.append(
            f"questions: {len(questions)} flagged proposal{'s wait' if len(questions) > 1 else ' waits'} for a decision"
        )
    if unfixable:
        requests = sum(proposal.requests for proposal in unfixable)
        reasons.append(f"questions: {requests:,} requests succeed today that no rule settles (cannot-fix)")
    return Readiness(perimeter, profile, days_observed, tuple(weeks), risk, lights, tuple(reasons))
