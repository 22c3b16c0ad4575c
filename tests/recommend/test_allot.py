"""Prefixes for groups under one budget, and the price of a rule."""

import math
from datetime import date, timedelta
from ipaddress import IPv4Network, IPv6Network
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.recommend.allot import Limits, Place, Plan, holders, share
from pipeline.recommend.cover import Curve, curve
from pipeline.recommend.need import Need, needs
from pipeline.recommend.price import DEFAULT, PRICES, rule_cost
from tests.recommend.caller_day import gathered
from tests.recommend.test_policy import START, seen


def curve_of(extra: list[float]) -> Curve:
    made = curve(np.array([1], np.uint64), 4, 1)
    return Curve(4, np.array([math.inf, *extra]), 1, made._tree)


@settings(max_examples=200, deadline=None)
@given(
    extras=st.lists(st.lists(st.sampled_from([0.0, 1.0, 5.0, 40.0, math.inf]), min_size=1, max_size=4), max_size=3),
    budget=st.integers(0, 8),
    cost=st.sampled_from([0.0, 2.0, 16.0]),
)
def test_budget_is_shared_as_by_trying_everything(extras: list[list[float]], budget: int, cost: float) -> None:
    curves = [curve_of(each) for each in extras]
    best = math.inf
    for counts in product(*(range(1, len(each) + 1) for each in extras)):
        if sum(counts) <= budget:
            found = sum(each[count - 1] + cost * count for each, count in zip(extras, counts, strict=True))
            best = min(best, found)
    shared = share(curves, budget, cost)
    if not math.isfinite(best):
        assert shared is None
    else:
        assert shared is not None
        assert sum(shared) <= budget
        assert sum(each[count - 1] + cost * count for each, count in zip(extras, shared, strict=True)) == best


networks = st.one_of(
    st.builds(lambda host, bits: IPv4Network((host, bits), strict=False), st.integers(0, 255), st.integers(24, 32)),
    st.builds(lambda host, bits: IPv6Network((host, bits), strict=False), st.integers(0, 255), st.integers(120, 128)),
)


@given(st.lists(networks, max_size=9), st.lists(st.tuples(st.sampled_from([4, 6]), st.integers(0, 255)), max_size=9))
def test_narrowest_prefix_holds_an_address(prefixes: list[IPv4Network | IPv6Network], places: list[Place]) -> None:
    def expected(place: Place) -> IPv4Network | IPv6Network | None:
        around = [
            each for each in prefixes
            if each.version == place[0] and int(each.network_address) <= place[1] <= int(each.broadcast_address)
        ]  # fmt: skip
        return max(around, key=lambda each: each.prefixlen, default=None)

    assert holders(prefixes, places) == [expected(place) for place in places]


def callers(*addresses: str, days: int = 20) -> list[Need]:
    return needs(gathered(seen(day, ip=each) for each in addresses for day in range(days)), "Inbound")


def test_groups_share_a_budget_and_keep_apart() -> None:
    office = callers(*(f"203.0.113.{host}" for host in range(16)))
    branch = callers(*(f"203.0.113.{host}" for host in range(16, 32)))
    found = Plan([office, branch], set(), 10, Limits()).allot(256)
    assert [[str(prefix) for prefix in each] for each in found.prefixes] == [["203.0.113.0/28"], ["203.0.113.16/28"]]
    short = Plan([office, branch], set(), 1, Limits()).allot(256)
    assert (len(short.left_out), short.least) == (16, 2)


def test_least_number_of_elements_is_told_where_they_do_not_suffice() -> None:
    found = Plan([callers(*(f"{first}.0.0.1" for first in range(11, 21)))], set(), 4, Limits()).allot(256)
    assert (found.least, len(found.left_out), len(found.prefixes[0])) == (10, 6, 4)


def test_stray_that_widens_a_rule_for_next_to_no_traffic_is_dropped() -> None:
    stray = callers("203.0.120.9", days=2)
    limits = Limits(drop_budget=0.001)
    dense = callers(*(f"203.0.{third}.{host}" for third in range(112, 120) for host in range(0, 250, 3)), days=10)
    found = Plan([[*dense, *stray]], set(), 1, limits).allot(16)
    assert [need.key for need in found.strays] == ["203.0.120.9"]
    assert [str(prefix) for prefix in found.prefixes[0]] == ["203.0.112.0/21"]
    assert Plan([[*dense, *stray]], set(), 1, Limits(drop_budget=0)).allot(16).strays == ()


def rotating(pool: int, days: int, seed: int) -> list[Need]:
    """Agents that take another address of 203.0.112.0/21 each day."""
    rng = np.random.default_rng(seed)
    rows = [
        seen(day, ip=f"203.0.{112 + int(place) // 256}.{int(place) % 256}")
        for day in range(days)
        for place in rng.integers(0, pool, 60)
    ]
    return needs(gathered(rows), "Inbound")


def test_rotating_agents_make_rules_dear_and_fixed_addresses_cheap() -> None:
    assert rule_cost([rotating(2048, 30, 1)], set(), 190, Limits()) >= 64
    fixed = callers(*(f"203.{second}.113.9" for second in range(20)), days=30)
    assert rule_cost([fixed], set(), 190, Limits()) == PRICES[0]
    assert rule_cost([fixed], set(), 190, Limits(rule_cost=99.0)) == 99.0


@pytest.mark.parametrize("days", [0, 1, 13])
def test_without_two_weeks_there_is_nothing_to_try_on(days: int) -> None:
    assert rule_cost([callers("203.0.113.9", days=days)], set(), 190, Limits()) == DEFAULT
    assert START + timedelta(days=days) >= date(2026, 10, 1)
