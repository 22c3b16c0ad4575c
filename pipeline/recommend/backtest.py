"""Would last month's proposals have held? Rolling weekly origins: propose from before, replay the week after."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from pipeline.inventory.rules import RuleElement
from pipeline.progress import each_of
from pipeline.recommend.caller_days import CallerDays, between
from pipeline.recommend.candidates import MEMBERSHIPS
from pipeline.recommend.need import Need, needs
from pipeline.recommend.policy import Limits, Profile, propose
from pipeline.recommend.proposal import Proposal
from pipeline.recommend.risk import block_of
from pipeline.recommend.routes import routes
from pipeline.verdict.scenario import Party

WEEK = timedelta(days=7)
ORIGINS = 4
MIN_LEARNING = timedelta(days=7)
MIN_DAYS = 5
DISPERSION = 2.0
"""Variance of a week's count over its mean. Poisson's 1 would have callers come one by one; but a new service or a
month's end brings several, and in simulated perimeters intervals for 1 held too seldom (docs/evaluation.md)."""

Judge = Callable[[Sequence[Party], Sequence[RuleElement]], list[str | None]]
"""Names for each party a rule that admits it: pipeline.verdict.scenario.admitting_rules, bound to a store."""


@dataclass(frozen=True, slots=True)
class Week:
    """One replayed week of one or more directions.

    Args:
        origin: first day of the week; rules were proposed from the days before it.
        callers: callers that needed a rule in that week and that a rule could admit.
        denied_callers: those of them that the recommended rules would have denied.
        requests: their requests.
        denied_requests: those that would have been denied.
        callers_at: resource -> callers that needed a rule for it; under "" alone those of whom the log named none once,
            since they count for each.
        denied_at: resource -> those of them that would have been denied.
    """

    origin: date
    callers: int
    denied_callers: int
    requests: int
    denied_requests: int
    callers_at: Counter[str] = field(default_factory=Counter)
    denied_at: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Week") -> "Week":
        return Week(
            self.origin,
            self.callers + other.callers,
            self.denied_callers + other.denied_callers,
            self.requests + other.requests,
            self.denied_requests + other.denied_requests,
            self.callers_at + other.callers_at,
            self.denied_at + other.denied_at,
        )


def replay(
    profile: Profile, seen: Sequence[CallerDays], days: Sequence[date], limits: Limits, judge: Judge
) -> list[Week]:
    """Replay up to four whole weeks that end before the window does, newest first.

    Callers that the proposals of the time left to a person (flagged ones, and those to associate or link), strangers
    and those that no rule can help are left out on both sides.

    Rules that are in force by now were mostly made from these very weeks, so they would foretell them. Whom the log
    shows not admitted by the rules of its time is therefore a need here even where a rule admits it today. Whom it
    shows admitted by a rule isn't.

    Args:
        profile: the direction and profile.
        seen: its callers and destinations with their days, also those that rules in force admit by now.
        days: the days observed, in order; a week with less than MIN_DAYS of them tells nothing and is left out.
        limits: as for the proposals themselves.
        judge: the verdict engine.
    """
    profile = _before_its_rules(profile, seen)
    start, end = days[0], days[-1] + timedelta(days=1)
    tried = []
    for number in each_of(range(1, ORIGINS + 1), "replaying", "weeks"):
        origin = end - number * WEEK
        if origin - start < MIN_LEARNING:
            break
        if sum(origin <= day < origin + WEEK for day in days) < MIN_DAYS:
            continue
        before = between(seen, date.min, origin)
        routed = routes(profile, before, limits)
        after = needs(between(seen, origin, origin + WEEK), profile.direction, routed)
        learnt = propose(profile, before, sum(day < origin for day in days), limits, routed)
        matter = [
            need for need in after if need.kind not in _NO_RULE and not need.is_stranger and not need.is_mostly_denied
        ]
        tried.append(_Origin(origin, learnt, matter))
    # the engine is asked once for all weeks: each is a profile of its own
    parties = [_party(profile, str(each.origin), need) for each in tried for need in each.matter]
    elements = [element for each in tried for element in _elements(profile, str(each.origin), each.learnt)]
    admitting = iter(judge(parties, elements))
    return [_week(each, [next(admitting) for _ in each.matter]) for each in tried]


def _before_its_rules(profile: Profile, seen: Sequence[CallerDays]) -> Profile:
    """Return a profile without the elements that weren't in force when the log was written: they took no room then."""
    since = {each.caller.admitted_by for each in seen} - {None}
    return replace(profile, elements_in_force=max(0, profile.elements_in_force - len(since)))


@dataclass(frozen=True, slots=True)
class _Origin:
    """A week to replay: what was learnt before it, and who came in it and could have been admitted."""

    origin: date
    learnt: Sequence[Proposal]
    matter: Sequence[Need]


def _elements(profile: Profile, name: str, proposals: Sequence[Proposal]) -> Iterator[RuleElement]:
    for each in proposals:
        for element in each.elements:
            yield RuleElement(profile.perimeter, name, profile.direction, each.kind, element, _word(each))


def _week(replayed: _Origin, admitting: Sequence[str | None]) -> Week:
    callers: dict[str, set[str]] = {}
    denied: dict[str, set[str]] = {}
    requests = denied_requests = 0
    for need, rule in zip(replayed.matter, admitting, strict=True):
        if rule == ASKED:
            continue
        callers.setdefault(_caller(need), set()).update(need.places)
        requests += need.allowed
        if rule is None:
            denied.setdefault(_caller(need), set()).update(need.places)
            denied_requests += need.allowed
    return Week(
        replayed.origin,
        len(callers),
        len(denied),
        requests,
        denied_requests,
        _by_resource(callers.values()),
        _by_resource(denied.values()),
    )


def _by_resource(places: Iterable[set[str]]) -> Counter[str]:
    return Counter(resource for each in places for resource in ({""} if "" in each else each))


RECOMMENDED, ASKED = "recommended", "asked"


def _word(proposal: Proposal) -> str:
    return RECOMMENDED if proposal.recommended else ASKED


_NO_RULE = frozenset({"cannot-fix", *MEMBERSHIPS})


def _party(profile: Profile, name: str, need: Need) -> Party:
    if need.kind == "service-tags":  # only some targets honour them
        seen = {"source_ip": min(need.addresses), "service_resource": min(need.resources)}
        return Party(profile.perimeter, name, profile.direction, **seen)
    field = {"subscriptions": "source_subscription", "fqdns": "destination_fqdn"}.get(need.kind, "source_ip")
    return Party(profile.perimeter, name, profile.direction, **{field: need.key})


def _caller(need: Need) -> str:
    """Return whom an admin would hear from: addresses of one /24 (IPv6: /48) are one caller."""
    return block_of(need.key) if need.kind == "address-prefixes" else need.key


@dataclass(frozen=True, slots=True)
class Forecast:
    """A number for next week: the mean, and an interval that holds in nine of ten weeks."""

    estimate: float
    low: int
    high: int


def forecast(counts: Sequence[int]) -> Forecast | None:
    """Predict next week's count from those of past weeks; None without any.

    Negative binomial around the mean m = (s + 1/2) / n of n weeks with sum s, with the variance of a new week and of
    the mean together: m d (1 + 1/n). At a dispersion d of 1 that is the Gamma-Poisson predictive with Jeffreys' prior,
    r = s + 1/2 and p = n / (n + 1). Zero denials in four weeks still leave an upper bound of about one.
    """
    if not counts:
        return None
    weeks = len(counts)
    mean = (sum(counts) + 0.5) / weeks
    p = 1 / (DISPERSION * (1 + 1 / weeks))
    shape = mean * p / (1 - p)
    return Forecast(mean, _quantile(0.05, shape, p), _quantile(0.95, shape, p))


def _quantile(share: float, shape: float, p: float) -> int:
    total, value = 0.0, 0
    while True:
        log = math.lgamma(shape + value) - math.lgamma(shape) - math.lgamma(value + 1)
        total += math.exp(log + shape * math.log(p) + value * math.log1p(-p))
        if total >= share:
            return value
        value += 1
