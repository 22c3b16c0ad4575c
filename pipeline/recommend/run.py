"""One run of the recommender over the store: proposals, readiness and coverage, as the JSON contract has them."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from pipeline.recommend.backtest import Week, replay
from pipeline.recommend.need import CallerDay, caller_days
from pipeline.recommend.policy import Limits, Profile, propose
from pipeline.recommend.proposal import Proposal
from pipeline.recommend.readiness import Readiness, judge
from pipeline.store import Store
from pipeline.tables import CATEGORIES
from pipeline.verdict.rules import RuleSet

SCHEMA_VERSION = 1
DIRECTIONS = ("Inbound", "Outbound")


@dataclass(frozen=True, slots=True)
class Scope:
    """What part of the store a run looks at; None for all of it."""

    since: datetime | None = None
    until: datetime | None = None
    perimeter: str | None = None
    profile: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the scope as query parameters."""
        return {
            "since": self.since,
            "until": self.until,
            "perimeter": self.perimeter,
            "profile": self.profile,
        }


@dataclass(frozen=True, slots=True)
class Recommendation:
    """All that one run found."""

    created: datetime
    coverage: dict[str, Any]
    readiness: tuple[Readiness, ...]
    proposals: tuple[Proposal, ...]

    @property
    def ready(self) -> bool:
        """Every profile is ready, and there is one."""
        return bool(self.readiness) and all(each.ready for each in self.readiness)

    def as_json(self) -> dict[str, Any]:
        """Return the run as the JSON contract has it. The run's id depends on its findings, not on its time."""
        body = {
            "coverage": self.coverage,
            "readiness": [each.as_json() for each in self.readiness],
            "proposals": [each.as_json() for each in self.proposals],
        }
        digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]
        window = {"start": self.coverage.pop("window_start"), "end": self.coverage.pop("window_end")}
        run = {
            "id": digest,
            "created": self.created.isoformat(timespec="seconds") + "Z",
            "window": window,
            "sources": self.coverage.pop("sources"),
        }
        return {"schema_version": SCHEMA_VERSION, "run": run, **body}


def recommend(
    store: Store,
    limits: Limits,
    scope: Scope,
    created: datetime,
    *,
    callers_at_risk: float = 1.0,
    min_days: int = 31,
) -> Recommendation:
    """Propose rules for every profile that the logs or the inventory know, and judge each.

    Reads: traffic, load_ledger, inventory_profile, inventory_association, inventory_rule_element.

    Args:
        store: the warehouse.
        limits: what bounds proposals.
        scope: perimeter, profile and window.
        created: time of the run, UTC.
        callers_at_risk: tolerance of the first light.
        min_days: shortest window of the second light.
    """
    known = _Configuration(store)
    rows = caller_days(store.rows("recommend/caller_days", **scope.parameters()))
    days: dict[tuple[str, str], list[date]] = {}
    for perimeter, profile, day in store.rows("recommend/observed_days", **scope.parameters()):
        days.setdefault((perimeter, profile or ""), []).append(day)
    proposals: list[Proposal] = []
    readiness: list[Readiness] = []
    for perimeter, profile in sorted(set(days) | known.profiles(scope)):
        seen = days.get((perimeter, profile), [])
        found, weeks = _one_profile(known, perimeter, profile, rows, seen, limits)
        proposals += found
        readiness.append(
            judge(
                perimeter,
                profile,
                len(seen),
                weeks,
                found,
                callers_at_risk=callers_at_risk,
                min_days=min_days,
            ),
        )
    return Recommendation(created, coverage(store), tuple(readiness), tuple(proposals))


def _one_profile(
    known: "_Configuration",
    perimeter: str,
    profile: str,
    rows: dict[tuple[str, str, str], list[CallerDay]],
    days: list[date],
    limits: Limits,
) -> tuple[list[Proposal], list[Week]]:
    found: list[Proposal] = []
    weeks: list[Week] = []
    for direction in DIRECTIONS:
        mine = rows.get((perimeter, profile, direction), [])
        one = known.direction(perimeter, profile, direction)
        found += propose(one, mine, len(days), limits)
        if days:
            replayed = replay(one, mine, days[0], days[-1] + timedelta(days=1), limits)
            weeks = [a + b for a, b in zip(weeks, replayed, strict=True)] if weeks else replayed
    return found, weeks


class _Configuration:
    """The inventory, with what the logs alone tell where there is none."""

    def __init__(self, store: Store) -> None:
        self._elements: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        for perimeter, profile, _rule, direction, kind, element in store.rows("inventory/rule_elements"):
            self._elements.setdefault((perimeter, profile.lower(), direction), []).append((kind, element))
        self._resources: dict[tuple[str, str], set[str]] = {}
        for perimeter, profile, resource in store.rows("recommend/resources_of_profiles"):
            self._resources.setdefault((perimeter, (profile or "").lower()), set()).add(resource)
        self._profiles = {(row[0], row[2]) for row in store.rows("inventory/profiles")}

    def profiles(self, scope: Scope) -> set[tuple[str, str]]:
        """Return the (perimeter, profile) pairs of the inventory that lie in the scope."""
        return {
            (perimeter, profile)
            for perimeter, profile in self._profiles
            if (scope.perimeter is None or scope.perimeter.lower() in (perimeter, perimeter.rsplit("/", 1)[-1]))
            and (scope.profile is None or scope.profile.lower() == profile.lower())
        }

    def direction(self, perimeter: str, profile: str, direction: str) -> Profile:
        """Return one direction of a profile as it stands today."""
        resources = self._resources.get((perimeter, profile.lower()), set())
        members = set().union(*(found for (owner, _), found in self._resources.items() if owner == perimeter))
        in_force = RuleSet(self._elements.get((perimeter, profile.lower(), direction), []))
        return Profile(perimeter, profile, direction, in_force, frozenset(members), frozenset(resources))


def coverage(store: Store) -> dict[str, Any]:
    """Return what was seen and what is missing, for machines: `nsp coverage --format json`.

    Reads: traffic, load_ledger, inventory_association.
    """
    (totals,) = store.frame("coverage/totals").to_dicts()
    counts = {row[0]: row[1:3] for row in store.rows("coverage/category_counts")}
    return {
        **{name: _plain(value) for name, value in totals.items()},
        "sources": [row[0] for row in store.rows("coverage/source_kinds")],
        "categories_seen": sorted(counts),
        "categories_missing": sorted(set(CATEGORIES) - set(counts)),
        "categories_unknown": sorted(set(counts) - set(CATEGORIES)),
        "silent_resources": [row[2] for row in store.rows("coverage/silent_resources")],
        "unlisted_resources": [row[2] for row in store.rows("coverage/unlisted_resources")],
        "by_category": {
            name: {"records": records, "requests": requests} for name, (records, requests) in counts.items()
        },
        "rejected_reasons": {row[0]: row[1] for row in store.rows("coverage/rejected_reasons")},
        "gaps": [
            {"perimeter": row[0], "start": _plain(row[1]), "end": _plain(row[2]), "hours": row[3]}
            for row in store.rows("coverage/gaps", min_hours=6)[:20]
        ],
        "unknown_fields": {row[0]: row[1] for row in store.rows("coverage/unknown_fields")},
        "inventory": bool(store.rows("inventory/associations")),
    }


def _plain(value: Any) -> Any:
    return value.isoformat() + "Z" if isinstance(value, datetime) else value
