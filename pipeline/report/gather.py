"""Gathers what a report tells, by the functions that the other commands print from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from pipeline.coverage.measure import report
from pipeline.inventory import rules
from pipeline.recommend import difference
from pipeline.recommend.association import Tolerance
from pipeline.recommend.decided import Decided, to_be_in_force
from pipeline.recommend.difference import Difference, Run
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import recommend
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from pipeline.verdict.whatif import Comparison, compare

TOP = 12
"""Callers and destinations that are listed; who wants all asks nsp traffic."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a report tells.

    Args:
        scope: what it looks at.
        judged: when, UTC.
        run: as `nsp recommend --format json` prints it.
        findings: as `nsp coverage --format json` prints them.
        today: today beside all enforced with the rules in force.
        decided: today beside all enforced with the accepted rules as well, and with those recommended ones that
            nobody accepted, edited or rejected.
        callers: who calls most: caller, kind, network, requests, days_seen, lost (with the rules in force), left (with
            those decided as well).
        destinations: what is called most: the same, without kind and network.
        meanings: reason of a verdict -> what it means.
        changes: since an earlier run; None where none was given.
        states: id of a proposal -> what was decided about it, a word of `content.STATES`.
        edited: id of an edited proposal -> the elements that its rule holds.
        pending: accepted rules that hold something that isn't in force.
    """

    scope: Scope
    judged: datetime
    run: Row
    findings: list[dict[str, str]]
    today: Comparison
    decided: Comparison
    callers: list[Row]
    destinations: list[Row]
    meanings: Mapping[str, str]
    changes: Difference | None = None
    states: Mapping[str, str] = field(default_factory=dict)
    edited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pending: int = 0


def gather(
    store: Store, limits: Limits, tolerance: Tolerance, scope: Scope, judged: datetime, earlier: Run | None = None,
    decided: Decided | None = None,
) -> Evidence:  # fmt: skip
    """Run the recommender and ask what else a report tells.

    Args:
        store: the warehouse or a snapshot; read-only will do.
        limits: what bounds proposals.
        tolerance: of the lights.
        scope: perimeter, profile and window.
        judged: time of the run, UTC.
        earlier: what an earlier run found.
        decided: what people decided; None where nobody did.

    Raises:
        UsageError: the scope names a perimeter or profile that nobody knows.
    """
    seen = report(store, judged)
    findings = seen.pop("findings")
    run = recommend(store, limits, scope, judged, tolerance, decided, seen)
    found = run.as_json()
    tried = rules.in_force(store).plus(to_be_in_force(run.proposals, decided))
    today = compare(store, None, **scope.parameters())
    then = compare(store, tried, **scope.parameters())
    verdicts = store.frame("verdict/verdicts_by_day", **scope.parameters(), limit=None)
    named = {
        (row["perimeter"], row["caller"]): row
        for row in store.frame("callers/callers", kind=None, perimeter=scope.perimeter, limit=None).to_dicts()
    }
    callers = _most(verdicts.filter(pl.col("direction") == "Inbound"), "caller", today, then)
    for row in callers:
        told = named.get((row["perimeter"], row["caller"]), {})
        row |= {"kind": told.get("kind"), "network": told.get("network")}
    public = pl.col("direction").eq("Outbound") & pl.col("verdict").ne("attempt")
    return Evidence(
        scope,
        judged,
        found,
        findings,
        today,
        then,
        callers,
        _most(verdicts.filter(public), "destination", today, then),
        {row[0]: row[2] for row in store.rows("verdict/verdict_reason")},
        difference.compare(earlier, difference.run_of(found), scope) if earlier else None,
        decided.states(found["proposals"]) if decided else {},
        decided.edited if decided else {},
        _pending(store, decided, scope) if decided else 0,
    )


def _pending(store: Store, decided: Decided, scope: Scope) -> int:
    """Return how many accepted rules of a scope hold something that isn't in force."""
    there = set(rules.keys(store, rules.in_force(store).elements))
    mine = [each for each in decided.accepted if scope.holds(*each.profile_key)]
    keys = rules.keys(store, mine)
    return len({(each.profile_key, each.rule) for each, key in zip(mine, keys, strict=True) if key not in there})


def _most(verdicts: pl.DataFrame, who: str, *scenarios: Comparison) -> list[Row]:
    """Return who has the most requests, with what each scenario would deny of them."""
    key = ["perimeter", who]
    found = verdicts.group_by(key).agg(pl.col("requests").sum(), pl.col("day").n_unique().alias("days_seen"))
    direction = "Inbound" if who == "caller" else "Outbound"
    for name, scenario in zip(("lost", "left"), scenarios, strict=True):
        losses = scenario.losses.filter(pl.col("direction") == direction).group_by("perimeter", "caller")
        lost = losses.agg(pl.col("requests").sum().alias(name)).rename({"caller": who}, strict=False)
        found = found.join(lost, on=key, how="left", nulls_equal=True).with_columns(pl.col(name).fill_null(0))
    return found.sort(["requests", *key], descending=[True, False, False]).head(TOP).to_dicts()
