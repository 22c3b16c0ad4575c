"""What the window has not seen of the calendar, and which jobs are due next week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pipeline.recommend.need import Need
from pipeline.recommend.proposal import Proposal
from pipeline.recommend.rhythm import Due, due, rhythm
from pipeline.recommend.risk import block_of
from pipeline.recommend.unseen import calendar_gaps, unseen_monthly

FEWEST_RUNS = 3


@dataclass(frozen=True, slots=True)
class Calendar:
    """The calendar of one profile.

    Args:
        gaps: sentences on parts of a week or month that the window has not seen.
        unseen_monthly: estimated number of monthly jobs that it has not caught.
        due: jobs that their rhythm brings back in the week after the window, soonest first.
    """

    gaps: tuple[str, ...] = ()
    unseen_monthly: float = 0.0
    due: tuple[Due, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the calendar as a JSON object."""
        return {
            "gaps": list(self.gaps),
            "unseen_monthly_jobs": round(self.unseen_monthly, 1),
            "due": [
                {"day": each.day.isoformat(), "caller": each.caller, "rhythm": each.rhythm.sentence}
                for each in self.due
            ],
        }


def calendar(proposals: Sequence[Proposal], days: Sequence[date]) -> Calendar:
    """Return what the calendar has to say to a profile.

    Args:
        proposals: all of the profile; addresses of one /24 (IPv6: /48) are one caller.
        days: on which it wrote any record, in order.
    """
    if not days:
        return Calendar()
    came: dict[str, set[date]] = {}
    identified: dict[str, bool] = {}
    for need in (need for each in proposals for need in each.needs if need.allowed):
        came.setdefault(_caller(need), set()).update(need.days)
        identified[_caller(need)] = need.has_identity or bool(need.networks)
    once = sum(len(mine) == 1 and identified[caller] for caller, mine in came.items())
    # who comes on most days is seen anyhow
    rare = {caller: mine for caller, mine in came.items() if FEWEST_RUNS <= len(mine) <= len(days) / 2}
    rhythms = {caller: found for caller, mine in sorted(rare.items()) if (found := rhythm(mine, days))}
    return Calendar(
        tuple(calendar_gaps(days)),
        unseen_monthly(once, len(days)),
        tuple(due(rhythms, days[-1] + timedelta(days=1))),
    )


def _caller(need: Need) -> str:
    return block_of(need.key) if need.kind == "address-prefixes" else need.key
