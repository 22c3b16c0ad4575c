"""In which order to enforce: each association judged by itself, the safest first.

The access mode is a property of an association, so nobody has to enforce a whole profile at once. Its rules are those
of its profile; what is judged here is who calls this one resource.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.recommend.backtest import Forecast, Week, forecast
from pipeline.recommend.proposal import Proposal
from pipeline.text import counted


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What readiness tolerates.

    Args:
        callers_at_risk: the upper bound of callers wrongly denied in a week may be so high.
        min_days: the window must be so long.
        rejected_share: so large a share of the lines may have been unreadable.
    """

    callers_at_risk: float = 1.0
    min_days: int = 31
    rejected_share: float = 0.01


@dataclass(frozen=True, slots=True)
class Association:
    """One associated resource, as the inventory and the log know it.

    Args:
        resource: ARM id, lower case.
        access_mode: as the inventory says it; None where nobody told.
        days: days on which it wrote any record.
        errors: issues of it that Azure reports as errors.
    """

    resource: str
    access_mode: str | None
    days: int
    errors: tuple[str, ...] = ()

    @property
    def is_enforced(self) -> bool:
        """It is enforced already."""
        return (self.access_mode or "").lower() == "enforced"


@dataclass(frozen=True, slots=True)
class Step:
    """Whether one association may be enforced.

    Args:
        association: the resource.
        at_risk: distinct callers of it wrongly denied next week; None where nothing was replayed.
        by_rules: requests that the recommended rules of its profile keep alive.
        open_requests: requests that wait for a decision, or that no rule settles.
        reasons: one sentence for each of what speaks against it.
        shared: what speaks against each association of its profile: of the window, and of what is logged.
    """

    association: Association
    at_risk: Forecast | None
    by_rules: int
    open_requests: int
    reasons: tuple[str, ...]
    shared: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Nothing speaks against it."""
        return not (self.reasons or self.shared)

    @property
    def is_enforced(self) -> bool:
        """It is enforced already."""
        return self.association.is_enforced

    def as_json(self) -> dict[str, Any]:
        """Return the step as a JSON object."""
        risk = self.at_risk
        return {
            "resource": self.association.resource,
            "access_mode": self.association.access_mode,
            "ready": self.ready,
            "reasons": [*self.reasons, *self.shared],
            "days_observed": self.association.days,
            "requests_by_rules": self.by_rules,
            "open_requests": self.open_requests,
            "callers_at_risk": {
                "estimate": round(risk.estimate, 2) if risk else None,
                "low": risk.low if risk else None,
                "high": risk.high if risk else None,
            },
        }


def steps(
    associations: Sequence[Association],
    weeks: Sequence[Week],
    proposals: Sequence[Proposal],
    tolerance: Tolerance,
    shared: Sequence[str] = (),
) -> list[Step]:
    """Judge the associations of one profile and return them in the order in which to enforce them.

    First those of which nothing speaks against it; then those with the fewest reasons, callers at risk and requests
    that wait for a decision. What depends on fewer rules goes before what depends on more.

    Args:
        associations: of the profile.
        weeks: the replayed weeks of the profile.
        proposals: of the profile, without the questions that a person answered.
        tolerance: callers at risk and the shortest window.
        shared: what speaks against each of them.
    """
    found = [_step(each, weeks, proposals, tolerance, tuple(shared)) for each in associations]
    return sorted(found, key=_order)


def _order(step: Step) -> tuple[bool, bool, int, float, int, int, str]:
    high = step.at_risk.high if step.at_risk else math.inf
    return (
        step.is_enforced,
        not step.association.days,
        len(step.reasons),
        high,
        step.open_requests,
        step.by_rules,
        step.association.resource,
    )


def _step(
    each: Association,
    weeks: Sequence[Week],
    proposals: Sequence[Proposal],
    tolerance: Tolerance,
    shared: tuple[str, ...],
) -> Step:
    # what the log says of no resource may have been of this one
    places = each.resource, ""
    risk = forecast([sum(week.denied_at[place] for place in places) for week in weeks])
    requests: Counter[str] = Counter()
    for proposal in proposals:
        requests[_waits_for(proposal)] += sum(need.allowed_at[place] for need in proposal.needs for place in places)
    by_rules = requests.pop("", 0)
    reasons = []
    if not each.days:
        reasons.append("not one record of it, which is no proof of no traffic")
    elif each.days < tolerance.min_days:
        reasons.append(f"{counted(each.days, 'day')} seen, {tolerance.min_days} wanted")
    if each.days and risk is None:
        reasons.append("no whole week could be replayed")
    elif risk and risk.high > tolerance.callers_at_risk:
        reasons.append(f"up to {risk.high} callers may be wrongly denied next week")
    reasons += [f"Azure reports {error}" for error in each.errors]
    reasons += [f"{count:,} requests {waiting}" for waiting, count in sorted(requests.items(), reverse=True) if count]
    return Step(each, risk, by_rules, requests.total(), tuple(reasons), shared)


def _waits_for(proposal: Proposal) -> str:
    """Return what the requests of a proposal wait for; "" for nothing."""
    if proposal.recommended:
        return ""
    if proposal.flags:
        return "wait for a decision"
    return "wait for their callers to be associated or linked" if proposal.is_to_do else "no rule settles"
