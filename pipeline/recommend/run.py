"""One run of the recommender over the store: proposals, readiness and coverage, as the JSON contract has them."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from typing import Any

from pipeline.coverage.measure import measure
from pipeline.inventory import rules
from pipeline.moments import next_day
from pipeline.progress import each_of, work
from pipeline.recommend.association import Association, Tolerance, steps
from pipeline.recommend.backtest import Judge, Week, replay
from pipeline.recommend.calendar import calendar
from pipeline.recommend.caller_days import CallerDays, caller_days, unadmitted
from pipeline.recommend.configuration import Configuration
from pipeline.recommend.decided import Decided, Denied, denied_by, too_many
from pipeline.recommend.policy import Limits, propose
from pipeline.recommend.price import DEFAULT
from pipeline.recommend.proposal import Proposal
from pipeline.recommend.readiness import Readiness, judge
from pipeline.recommend.scope import Scope
from pipeline.recommend.split import split
from pipeline.store import Store
from pipeline.verdict.scenario import ENFORCED, admitting_rules, scenario

SCHEMA_VERSION = 1
DIRECTIONS = ("Inbound", "Outbound")


@dataclass(frozen=True, slots=True)
class Recommendation:
    """All that one run found; azure_suggestions are the access rules that Azure itself suggests."""

    created: datetime
    window: dict[str, str | None]
    coverage: dict[str, Any]
    readiness: tuple[Readiness, ...]
    proposals: tuple[Proposal, ...]
    azure_suggestions: tuple[dict[str, Any], ...] = ()

    @property
    def ready(self) -> bool:
        """Every profile is ready, and there is one."""
        return bool(self.readiness) and all(each.ready for each in self.readiness)

    def as_json(self) -> dict[str, Any]:
        """Return the run as the JSON contract has it. The run's id depends on its findings, not on its time."""
        seen = dict(self.coverage)
        sources = seen.pop("sources")
        seen["azure_suggestions"] = list(self.azure_suggestions)
        body = {
            "coverage": seen,
            "readiness": [each.as_json() for each in self.readiness],
            "proposals": [each.as_json() for each in self.proposals],
        }
        digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]
        run = {
            "id": digest,
            "created": self.created.isoformat(timespec="seconds") + "Z",
            "window": self.window,
            "sources": sources,
        }
        return {"schema_version": SCHEMA_VERSION, "run": run, **body}


def recommend(
    store: Store,
    limits: Limits,
    scope: Scope,
    created: datetime,
    tolerance: Tolerance | None = None,
    decided: Decided | None = None,
    coverage: dict[str, Any] | None = None,
) -> Recommendation:
    """Propose rules for every profile that the logs or the inventory know, and judge each.

    Reads: the view verdict, traffic, load_ledger and the inventory.

    Args:
        store: the warehouse.
        limits: what bounds proposals.
        scope: perimeter, profile and window.
        created: time of the run, UTC.
        tolerance: of the first two lights; None for the default.
        decided: what people decided: what they answered is no open question, and whom they deny is told.
        coverage: what was measured of the store; None to measure it now.

    Raises:
        UsageError: the scope names a perimeter or profile that nobody knows, or an empty span of time.
    """
    known = Configuration(store, scope.since, scope.until, next_day(created))
    profiles = known.profiles(scope.perimeter, scope.profile)
    scope.check(known.profiles(None, None))
    rows: dict[tuple[str, str, str], list[CallerDays]] = {}
    with work("judging traffic"), scenario(store, access_mode=ENFORCED):
        by_spelling = caller_days(store.rows("recommend/caller_days", **scope.parameters(), admitted=None))
        known.note_unjudged(store.rows("recommend/unjudged", since=scope.since, until=scope.until))
    judge_parties = partial(admitting_rules, store)
    for (perimeter, profile, direction), some in by_spelling.items():
        rows.setdefault((perimeter, profile.lower(), direction), []).extend(some)
    days: dict[tuple[str, str], dict[date, set[str]]] = {}
    for perimeter, profile, resource, day in store.rows("recommend/observed_days", **scope.parameters()):
        known.spelled(perimeter, profile or "")
        if day <= created.date():  # what is dated ahead is of no day that was observed
            days.setdefault((perimeter, (profile or "").lower()), {}).setdefault(day, set()).add(resource or "")
    crowded = too_many(rules.in_force(store).elements, decided, limits.max_elements) if decided else {}
    proposals: list[Proposal] = []
    readiness: list[Readiness] = []
    for perimeter, profile in each_of(sorted(profiles), "proposing", "profiles"):
        written = days.get((perimeter, profile), {})
        seen = sorted(written)
        mine = {direction: rows.get((perimeter, profile, direction), []) for direction in DIRECTIONS}
        found, weeks = _one_profile(known, (perimeter, profile), mine, seen, limits, judge_parties)
        proposals += found
        undecided = [each for each in found if each.recommended or not (decided and decided.answered(each))]
        tolerated = tolerance or Tolerance()
        resources = Counter(resource for some in written.values() for resource in some)
        associations = known.associations(perimeter, profile, resources)
        evidence = known.evidence(perimeter, profile, len(seen), created)
        fresh, seldom = _little_seen(associations, written, evidence.silent, tolerated.min_days)
        judged = judge(
            perimeter,
            known.spelled(perimeter, profile),
            replace(
                evidence,
                fresh=fresh,
                seldom=seldom,
                too_many=tuple(
                    (direction, crowded[perimeter, profile, direction], limits.max_elements)
                    for direction in DIRECTIONS
                    if (perimeter, profile, direction) in crowded
                ),
            ),
            weeks,
            undecided,
            tolerated,
            calendar(found, seen),
        )
        order = steps(associations, weeks, undecided, tolerated, judged.shared)
        room = {each: limits.room(known.direction(perimeter, profile, each).elements_in_force) for each in DIRECTIONS}
        parts = split(found, room, DEFAULT if limits.rule_cost is None else limits.rule_cost)
        readiness.append(replace(judged, steps=tuple(order), split=parts))
    if decided:
        denied = denied_by(store, proposals, decided, scope)
        shown_by = "accepted" if decided.accepted else "in-force"
        readiness = [each.knowing(denied.get(each.key, Denied()), shown_by) for each in readiness]
    ((start, end, _),) = store.rows("recommend/window", **scope.parameters())
    window = {name: moment.isoformat() + "Z" if moment else None for name, moment in (("start", start), ("end", end))}
    suggested = store.frame("inventory/suggested_rules", perimeter=scope.perimeter, profile=scope.profile).to_dicts()
    measured = measure(store) if coverage is None else coverage
    return Recommendation(created, window, measured, tuple(readiness), tuple(proposals), tuple(suggested))


def _little_seen(
    associations: Sequence[Association], written: Mapping[date, set[str]], silent: Collection[str], min_days: int
) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]:
    """Return which resources that aren't enforced wrote too little: the fresh and the seldom ones of Evidence.

    Silent ones are told as such.
    """
    fresh, seldom = [], []
    for each in associations:
        name = each.resource.rsplit("/", 1)[-1]
        if not each.is_enforced and name not in silent:
            mine = [day for day, resources in written.items() if each.resource in resources]
            since = (max(written) - min(mine)).days + 1 if mine else min_days
            if since < min_days:
                fresh.append((name, since))
            elif len(mine) < min_days:
                seldom.append((name, len(mine)))
    return tuple(fresh), tuple(seldom)


def _one_profile(
    known: Configuration,
    profile: tuple[str, str],
    rows: dict[str, list[CallerDays]],
    days: list[date],
    limits: Limits,
    admitting: Judge,
) -> tuple[list[Proposal], list[Week]]:
    found: list[Proposal] = []
    weeks: list[Week] = []
    for direction, mine in rows.items():
        one = known.direction(*profile, direction)
        found += propose(one, unadmitted(mine), len(days), limits)
        if days:
            replayed = replay(one, mine, days, limits, admitting)
            weeks = [a + b for a, b in zip(weeks, replayed, strict=True)] if weeks else replayed
    return found, weeks
