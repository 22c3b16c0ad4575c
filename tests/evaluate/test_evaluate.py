"""The simulator makes what it says, and the scorer counts right on cases made by hand."""

from collections import Counter
from datetime import timedelta
from functools import cache
from ipaddress import ip_address
from itertools import pairwise
from math import isnan

import pytest

from pipeline.addresses import PUBLIC, read
from pipeline.store import Store
from tests.evaluate.page import GOALS, page
from tests.evaluate.policy import Answer, ask
from tests.evaluate.score import Score, score
from tests.evaluate.simulate import KINDS, NEXT_WEEK, RESOURCES, Caller, Setting, Simulation, simulate
from tests.recommend.caller_day import CallerDay
from tests.recommend.test_policy import START, seen

LONG = Setting("test", 30, churn=1.0)


@cache
def made(setting: Setting = LONG, seed: int = 1) -> Simulation:
    return simulate(setting, seed)


def of(kind: str, simulation: Simulation | None = None) -> dict[int, list[CallerDay]]:
    """Return the rows of each caller of a kind."""
    simulation = simulation or made()
    found: dict[int, list[CallerDay]] = {}
    for row, owner in zip(simulation.rows, simulation.owners, strict=True):
        if simulation.callers[owner].kind == kind:
            found.setdefault(owner, []).append(row)
    return found


def days(rows: list[CallerDay]) -> set[int]:
    return {(row.day - made().start).days for row in rows}


def test_same_seed_gives_the_same_and_another_one_doesnt() -> None:
    short = Setting("short", 14)
    assert simulate(short, 1).rows == simulate(short, 1).rows
    assert simulate(short, 1).rows != simulate(short, 2).rows


def test_everybody_is_there_with_public_addresses_of_his_own() -> None:
    simulation = made()
    kinds = {caller.kind for seed in (1, 2, 3) for caller in made(seed=seed).callers}
    assert kinds == set(KINDS) - {"branch"}
    spans = sorted((caller.first, caller.last) for caller in simulation.callers)
    assert all(one[1] < other[0] for one, other in pairwise(spans))
    for row, owner in zip(simulation.rows, simulation.owners, strict=True):
        assert row.source_ip
        assert simulation.callers[owner].first <= int(ip_address(row.source_ip)) <= simulation.callers[owner].last
        assert read(row.source_ip).network == row.source_network == PUBLIC
    span = {row.day for row in simulation.rows}
    assert (min(span), max(span)) == (simulation.start, simulation.end + timedelta(days=NEXT_WEEK - 1))
    assert len(list(simulation.window())) + len(list(simulation.next_week())) == len(simulation.rows)


def test_scanners_never_get_in_and_are_thousands() -> None:
    scanners = of("scanner")
    assert len(scanners) > 2000
    assert not any(row.allowed for rows in scanners.values() for row in rows)


def test_attackers_behave_as_told() -> None:
    services = {f"app-{owner}" for owner in of("service")}
    simulations = [made(seed=seed) for seed in (1, 2, 3)]
    for simulation in simulations:
        for rows in of("burst", simulation).values():
            assert len({row.day for row in rows}) <= 2
            assert sum(row.allowed for row in rows) > 0 < sum(row.denied for row in rows)
            assert len({row.service_resource for row in rows}) >= 6
        taken = Counter((caller.first >> 8, caller.last >> 8) for caller in simulation.callers)
        for owner, rows in of("slow", simulation).items():
            assert len(rows) <= 12
            assert len({row.service_resource for row in rows}) == 1
            assert not any(row.source_app_id or row.denied for row in rows)
            assert taken[simulation.callers[owner].first >> 8, simulation.callers[owner].first >> 8] == 1
    assert all(row.source_app_id in services for rows in of("stolen").values() for row in rows)
    for kind in ("burst", "slow", "stolen"):
        assert any(of(kind, simulation) for simulation in simulations)


def test_jobs_and_visits_keep_their_calendar() -> None:
    for rows in of("weekly").values():
        assert len({row.day.weekday() for row in rows}) == 1
    for rows in of("monthly").values():
        assert all(1 in {row.day.day, (row.day + timedelta(days=1)).day} for row in rows)
    for rows in of("migration").values():
        assert len(days(rows)) == 1
        assert {row.service_resource for row in rows} == set(RESOURCES)
    assert all(len(days(rows)) <= 3 for rows in of("hotel").values())
    assert all(len(rows) == 1 and not rows[0].source_app_id for rows in of("vendor").values())


def test_services_arrive_at_the_rate_of_churn() -> None:
    arrived = [min(days(rows)) for kind in ("service", "identity") for rows in of(kind).values()]
    assert 18 + 37 - 25 < len(arrived) < 18 + 37 + 25
    steady = made(Setting("steady", 14, churn=0))
    assert (len(of("service", steady)), len(of("identity", steady))) == (12, 6)
    assert len(of("home")) > 25


def test_settings_differ_as_they_say() -> None:
    aligned = [made().callers[owner] for owner in of("pool")]
    assert [(each.first % 1024, each.last - each.first + 1) for each in aligned] == [(0, 4096), (0, 1024)]
    anywhere = made(Setting("anywhere", 3, is_aligned=False))
    assert any(anywhere.callers[owner].first % 1024 for owner in of("pool", anywhere))
    nameless = made(Setting("nameless", 3, has_identity=False))
    assert not any(row.source_subscription or row.source_app_id for row in nameless.rows)
    assert all(row.source_subscription for rows in of("identity").values() for row in rows)
    wide = made(Setting("wide", 3, branches=60))
    legit = {row.source_ip for row, owner in wide.window() if wide.callers[owner].is_legit}
    assert len(legit) > 2000


WINDOW = 10


def told(*callers: tuple[str, str, list[CallerDay]]) -> Simulation:
    """Return a simulation made by hand: (kind, first address or range, rows)."""
    simulation = Simulation(Setting("by hand", WINDOW), START)
    for kind, span, rows in callers:
        first, _, last = span.partition("-")
        numbers = int(ip_address(first)), int(ip_address(last or first))
        subscription = next((row.source_subscription for row in rows), None)
        simulation.owners += [len(simulation.callers)] * len(rows)
        simulation.callers.append(Caller(kind, *numbers, subscription))
        simulation.rows += rows
    return simulation


def steady(address: str, *when: int, **fields: object) -> list[CallerDay]:
    return [seen(day, ip=address, **fields) for day in when]


def judged(simulation: Simulation, *recommended: str, **fields: object) -> Score:
    return score(simulation, Answer(recommended, **fields))  # type: ignore[arg-type]


TWO = told(
    ("service", "20.0.0.0-20.0.0.3", steady("20.0.0.1", 0, 1, 11, 12)),
    ("service", "20.0.1.0", steady("20.0.1.0", 5, 11, 11)),
    ("service", "20.0.2.0", steady("20.0.2.0", 12)),
)


def test_recall_counts_caller_and_day_and_leaves_newcomers_out() -> None:
    found = judged(TWO, "20.0.0.0/30")
    assert (found.recall, found.recall_answered) == (2 / 3, 2 / 3)
    assert (found.denied, found.denied_new) == (2 / 4, 1 / 4)
    found = judged(TWO, "20.0.0.0/30", asked=["20.0.1.0/32"])
    assert (found.recall, found.recall_answered, found.denied) == (2 / 3, 1.0, 1 / 4)


@pytest.mark.parametrize(
    ("rules", "precision"),
    [
        (["20.0.0.0/30"], 1.0),
        (["20.0.0.0/29"], 0.5),
        (["20.0.0.0/30", "20.0.1.0/31"], 5 / 6),
        (["30.0.0.0/32"], 0.0),
        ([], 1.0),
        (["/subscriptions/s"], 1.0),
    ],
)
def test_precision_is_of_addresses(rules: list[str], precision: float) -> None:
    assert judged(TWO, *rules).precision == precision


def test_denied_callers_are_counted_as_the_replay_does() -> None:
    simulation = told(
        ("pool", "20.0.0.0-20.0.1.255", steady("20.0.0.1", 11) + steady("20.0.0.9", 12) + steady("20.0.1.1", 12)),
        ("service", "20.0.5.5", steady("20.0.5.5", 11, allowed=5, denied=5)),
        ("service", "20.0.6.6", steady("20.0.6.6", 11)),
        ("identity", "20.0.7.7", steady("20.0.7.7", 11, source_subscription="s")),
        ("scanner", "20.0.8.8", steady("20.0.8.8", 11, allowed=0, denied=5)),
        ("slow", "20.0.9.9", steady("20.0.9.9", 11)),
    )
    found = judged(simulation, "20.0.1.0/24", asked=["20.0.6.6/32"], estimate=2.0, low=1, high=2)
    assert (found.actual, found.actual_all) == (2, 3)  # 20.0.0.0/24 and s; then 20.0.9.0/24 as well
    assert (found.is_covered, found.is_covered_all, found.is_below) == (1, 0, 1)
    found = judged(simulation, "20.0.1.0/24", "/subscriptions/s", estimate=5.0, low=2, high=9)
    assert (found.actual, found.is_covered, found.is_below) == (2, 1, 1)
    assert isnan(judged(simulation).is_covered)


def test_attackers_and_rules_for_nothing() -> None:
    simulation = told(
        ("service", "20.0.0.1", steady("20.0.0.1", 0, 11)),
        ("slow", "20.0.1.1", steady("20.0.1.1", 0, 1)),
        ("scanner", "20.0.0.2", steady("20.0.0.2", 0, allowed=0, denied=3)),
        ("scanner", "20.0.0.3", steady("20.0.0.3", 12, allowed=0, denied=3)),
    )
    found = judged(simulation, "20.0.0.0/30", "20.0.1.1/32", "30.0.0.0/24", "/subscriptions/s")
    assert found.admitted == Counter(slow=1, scanner=1, unseen=1)
    assert found.attackers == Counter(slow=1, scanner=1, unseen=1)
    assert (found.rules, found.for_nothing, found.for_attackers) == (4, 3, 1)


def test_outcomes() -> None:
    simulation = told(
        ("pool", "20.0.0.0-20.0.0.3", steady("20.0.0.1", 0) + steady("20.0.0.2", 1) + steady("20.0.0.3", 1)),
        ("monthly", "20.0.1.1", steady("20.0.1.1", 0)),
        ("monthly", "20.0.1.2", steady("20.0.1.2", 12)),
        ("vendor", "20.0.1.3", steady("20.0.1.3", 0)),
        ("burst", "20.0.2.1", steady("20.0.2.1", 0, allowed=5, denied=9)),
        ("scanner", "20.0.3.1", steady("20.0.3.1", 0, allowed=0, denied=9)),
        ("slow", "20.0.4.1", steady("20.0.4.1", *range(9))),
        ("slow", "20.0.4.2", steady("20.0.4.2", *range(9))),
    )
    found = judged(
        simulation,
        "20.0.0.2/31",
        "20.0.4.1/32",
        "20.0.4.2/32",
        outsiders=frozenset({"20.0.4.1"}),
        asked=["20.0.1.1/32"],
        questioned=frozenset({"20.0.2.1"}),
        unfixable=frozenset({"20.0.1.3"}),
    )
    assert found.outcomes == Counter(
        {
            ("pool", "kept"): 1,
            ("monthly", "asked"): 1,
            ("vendor", "unfixable"): 1,
            ("burst", "asked"): 1,
            ("scanner", "refused"): 1,
            ("slow", "listed"): 1,
            ("slow", "kept"): 1,
        }
    )


def test_recommender_is_asked_as_it_is(store: Store) -> None:
    rows = steady("20.0.0.1", *range(21)) + steady("20.0.1.1", 3) + steady("20.0.2.1", *range(18, 21))
    rows += steady("20.0.3.1", 1, source_subscription="s") + steady("20.0.3.1", 2, source_subscription="s")
    rows += steady("20.0.4.1", 1, allowed=1, denied=5) + steady("10.0.0.1", 1)
    answer = ask(store, rows, [START + timedelta(days=day) for day in range(21)])
    assert sorted(answer.recommended) == ["/subscriptions/s", "20.0.0.1/32", "20.0.2.1/32"]
    assert answer.asked == ["20.0.1.1/32"]
    assert (set(answer.questioned), set(answer.unfixable)) == ({"20.0.4.1"}, {"10.0.0.1"})
    assert answer.outsiders == {"20.0.0.1", "20.0.2.1"}
    assert answer.questions == 2
    assert answer.estimate == (1 + 0.5) / 2  # two weeks, and 20.0.2.1 was new in the second
    assert (answer.low, answer.high) == (0, 4)


def test_page_names_the_goals_that_are_missed() -> None:
    setting = Setting("by hand", 30)
    fine = judged(told(("service", "20.0.0.1", steady("20.0.0.1", 0, 11))), "20.0.0.1/32", estimate=0.5, high=1)
    assert page({setting: [fine]}).count("| none |") == len(GOALS)
    bad = judged(TWO, "20.0.0.0/24", estimate=9, low=8, high=9)
    text = page({setting: [fine, bad]})
    assert "| no rule for nothing, but for attackers | none |" in text
    assert "| the 90 % interval holds in at least 85 % | by hand: 0.5 |" in text
    assert "| by hand | 83.3% (66.7%) |" in text
