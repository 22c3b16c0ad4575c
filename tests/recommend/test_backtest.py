"""Replaying past weeks, the forecast from them, and the three lights."""

from datetime import date, timedelta
from functools import partial

import numpy as np
import pytest

from pipeline.recommend.association import Tolerance
from pipeline.recommend.backtest import Week, forecast, replay
from pipeline.recommend.policy import Limits
from pipeline.recommend.proposal import Proposal
from pipeline.recommend.readiness import Evidence, judge
from pipeline.store import Store
from pipeline.verdict.scenario import admitting_rules
from tests.recommend.caller_day import gathered
from tests.recommend.test_policy import START, STORAGE, inbound, profile, seen

DAYS = 35
END = START + timedelta(days=DAYS)
EVERY_DAY = [START + timedelta(days=day) for day in range(DAYS)]


def test_steady_callers_would_not_have_been_denied(store: Store) -> None:
    rows = [seen(day, ip=f"203.0.113.{host}") for day in range(DAYS) for host in range(8)]
    weeks = replay(profile(), gathered(rows), EVERY_DAY, Limits(), partial(admitting_rules, store))
    assert [(week.origin, week.callers, week.denied_callers) for week in weeks] == [
        (date(2026, 10, 29), 1, 0),
        (date(2026, 10, 22), 1, 0),
        (date(2026, 10, 15), 1, 0),
        (date(2026, 10, 8), 1, 0),
    ]
    assert weeks[0].requests == 7 * 8 * 5


def test_newcomer_would_have_been_denied_in_its_first_week_only(store: Store) -> None:
    rows = [seen(day) for day in range(DAYS)]
    rows += [seen(day, ip="198.51.100.9") for day in range(24, DAYS)]
    weeks = replay(profile(), gathered(rows), EVERY_DAY, Limits(), partial(admitting_rules, store))
    assert [week.denied_callers for week in weeks] == [0, 1, 0, 0]
    assert weeks[1].denied_requests == (28 - 24) * 5


def test_who_once_named_no_resource_counts_for_each_and_for_none_twice(store: Store) -> None:
    rows = [seen(day) for day in range(DAYS)]
    rows += [seen(day, ip="198.51.100.9", service_resource=None) for day in range(24, 28)]
    rows += [seen(day, ip="198.51.100.10") for day in range(24, 28)]  # of the same /24: the same caller
    rows += [seen(day, ip="192.0.2.8") for day in range(24, 28)]
    weeks = replay(profile(), gathered(rows), EVERY_DAY, Limits(), partial(admitting_rules, store))
    assert weeks[1].denied_callers == 2
    assert weeks[1].denied_at == {"": 1, STORAGE: 1}


def test_strangers_unmatchable_and_asked_callers_are_left_out(store: Store) -> None:
    rows = [seen(day) for day in range(DAYS)]
    rows += [seen(day, ip="198.51.100.1", allowed=0, denied=5) for day in range(DAYS)]
    rows += [seen(day, ip="10.0.0.4") for day in range(DAYS)]
    rows += [seen(3, ip="192.0.2.8"), seen(30, ip="192.0.2.8")]  # seen once before the last origin, so asked
    weeks = replay(profile(), gathered(rows), EVERY_DAY, Limits(), partial(admitting_rules, store))
    assert [(week.callers, week.denied_callers) for week in weeks] == [(1, 0)] * 4


def test_weeks_that_were_not_observed_prove_nothing(store: Store) -> None:
    rows = [seen(day) for day in (*range(28), 34)]
    days = [START + timedelta(days=day) for day in (*range(28), 34)]
    assert [
        week.origin for week in replay(profile(), gathered(rows), days, Limits(), partial(admitting_rules, store))
    ] == [START + timedelta(days=day) for day in (21, 14, 7)]


def test_short_windows_replay_fewer_weeks(store: Store) -> None:
    rows = [seen(day) for day in range(20)]
    assert len(replay(profile(), gathered(rows), EVERY_DAY[:20], Limits(), partial(admitting_rules, store))) == 1
    assert replay(profile(), gathered(rows), EVERY_DAY[:13], Limits(), partial(admitting_rules, store)) == []


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [([0, 0, 0, 0], 0, 1), ([0], 0, 3), ([4, 5, 3, 6], 0, 11), ([100], 70, 135)],
)
def test_forecast_interval(counts: list[int], low: int, high: int) -> None:
    found = forecast(counts)
    assert found
    assert found.estimate == (sum(counts) + 0.5) / len(counts)
    rng = np.random.default_rng(1)
    beyond_poisson = 2 * (1 + 1 / len(counts)) - 1
    drawn = rng.poisson(rng.gamma(found.estimate / beyond_poisson, beyond_poisson, 400_000))
    assert abs(found.low - np.quantile(drawn, 0.05)) <= 1
    assert abs(found.high - np.quantile(drawn, 0.95)) <= 1
    assert (found.low, found.high) == (low, high)


def test_no_weeks_no_forecast() -> None:
    assert forecast([]) is None


QUIET = [Week(END, 9, 0, 100, 0)] * 4


def test_all_lights_green() -> None:
    found = judge("/p", "apps", Evidence(35), QUIET, inbound(seen(0), seen(1)), Tolerance(1, 31))
    assert found.ready
    assert found.reasons == ()


def test_few_unreadable_lines_are_tolerated() -> None:
    assert judge("/p", "apps", Evidence(35, records=990, rejected=10), QUIET, [], Tolerance(1, 31)).ready
    assert not judge("/p", "apps", Evidence(35, records=990, rejected=10), QUIET, [], Tolerance(1, 31, 0)).ready


@pytest.mark.parametrize(
    ("evidence", "weeks", "proposals", "light", "told"),
    [
        (Evidence(30), QUIET, [], "window", "30 days seen, 31 wanted"),
        (Evidence(35), [Week(END, 9, 3, 100, 30)] * 4, [], "callers", "up to 9 callers may be wrongly denied"),
        (Evidence(35), [], [], "callers", "no whole week after a first one"),
        (Evidence(35), QUIET, inbound(seen(0)), "questions", "1 flagged proposal waits"),
        (
            Evidence(35),
            QUIET,
            inbound(seen(0, ip="10.0.0.1")),
            "questions",
            "5 requests succeed today that no rule settles",
        ),
        (Evidence(0), [], [], "window", "no data"),
        (Evidence(35, stale_days=9), QUIET, [], "window", "9 days old"),
        (Evidence(35, sees_denials=False), QUIET, [], "questions", "no record of a ResourceRules category"),
        (Evidence(35, records=264, rejected=132), QUIET, [], "questions", "132 of 396 lines could not be read"),
        (Evidence(35, silent=("sql",)), QUIET, [], "questions", "no record of sql"),
    ],
)
def test_each_light_turns_red_with_its_reason(
    evidence: Evidence, weeks: list[Week], proposals: list[Proposal], light: str, told: str
) -> None:
    found = judge("/p", "apps", evidence, weeks, proposals, Tolerance(1, 31))
    assert not found.ready
    assert not found.lights[light]
    assert any(told in reason for reason in found.reasons)


def test_json_has_nulls_where_nothing_is_known() -> None:
    made = judge("/p", "apps", Evidence(0), [], [], Tolerance(1, 31)).as_json()
    assert made["callers_at_risk"] == {"estimate": None, "low": None, "high": None, "of": None}
    assert made["predicted_denied_share"]["estimate"] is None
