"""The one place where the evaluation calls the recommender: change it here when the recommender's interface changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from pipeline.recommend.backtest import forecast, replay
from pipeline.recommend.policy import Limits, Profile, propose
from pipeline.store import Store
from pipeline.verdict.scenario import admitting_rules
from tests.evaluate.simulate import GROUP, RESOURCES
from tests.recommend.caller_day import CallerDay, gathered

PERIMETER = f"{GROUP}/microsoft.network/networksecurityperimeters/nsp"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the recommender said, in plain terms.

    Args:
        recommended: elements of rules that accepting all defaults takes: prefixes and /subscriptions/ID.
        asked: elements of rules that wait for a person.
        questioned: addresses and subscription ids that are asked about without a rule.
        unfixable: those listed as beyond rules.
        outsiders: addresses that recommended rules admit and that are listed as steady, alone and without identity.
        questions: how many proposals wait for a person.
        estimate: callers wrongly denied next week, mean; None where nothing tells it.
        low: 5 % quantile.
        high: 95 % quantile.
    """

    recommended: Sequence[str]
    asked: Sequence[str] = ()
    questioned: frozenset[str] = field(default=frozenset())
    unfixable: frozenset[str] = field(default=frozenset())
    outsiders: frozenset[str] = field(default=frozenset())
    questions: int = 0
    estimate: float | None = None
    low: int = 0
    high: int = 0


def ask(store: Store, rows: Sequence[CallerDay], days: Sequence[date]) -> Answer:
    """Have the recommender, with its defaults, propose from a window and forecast the week after it.

    Args:
        store: whose verdict engine the replay asks.
        rows: caller days of one inbound profile.
        days: the days observed, in order.
    """
    seen = gathered(rows)
    profile = Profile(PERIMETER, "apps", "Inbound", 0, frozenset(RESOURCES))
    proposals = propose(profile, seen, len(days), Limits())
    weeks = replay(profile, seen, days, Limits(), partial(admitting_rules, store))
    risk = forecast([week.denied_callers for week in weeks])
    waiting = [each for each in proposals if each.flags]
    return Answer(
        [element for each in proposals if each.recommended for element in each.elements],
        [element for each in waiting for element in each.elements],
        frozenset(need.key for each in waiting if not each.is_rule for need in each.needs),
        frozenset(need.key for each in proposals if each.kind == "cannot-fix" for need in each.needs),
        frozenset(key for each in proposals if each.recommended for key in each.outsiders),
        len(waiting),
        risk.estimate if risk else None,
        risk.low if risk else 0,
        risk.high if risk else 0,
    )
