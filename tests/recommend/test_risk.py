"""Points of a caller, who is asked about, and who is listed as an outsider."""

from datetime import timedelta
from typing import Any

import pytest

from pipeline.recommend.need import needs
from pipeline.recommend.risk import Risk, assess, block_of, surroundings
from tests.recommend.caller_day import CallerDay, gathered
from tests.recommend.test_policy import FUNCTION, START, inbound, seen

APP = "11111111-0000-0000-0000-000000000000"
CROWD = [seen(day, ip=f"198.51.100.{host}", source_app_id=APP) for host in range(1, 9) for day in range(30)]


def risk_of(*rows: CallerDay, crowd: list[CallerDay] = CROWD, subscriptions: set[str] | None = None) -> Risk:
    found = needs(gathered([*rows, *crowd]), "Inbound")
    days = START, START + timedelta(days=29)
    around = surroundings(found, days, subscriptions or set())
    (mine,) = needs(gathered(rows), "Inbound")
    return assess(next(need for need in found if need.key == mine.key), around)


def resources(count: int, **fields: Any) -> list[CallerDay]:
    return [seen(9, ip="203.0.113.9", service_resource=f"/r/{number}", **fields) for number in range(count)]


@pytest.mark.parametrize(
    ("rows", "total", "told"),
    [
        ([seen(day, ip="203.0.113.9") for day in range(6)], 0, "no identity, where most callers have one"),
        ([seen(day, ip="203.0.113.9", source_app_id=APP) for day in range(6)], -2, ""),
        ([seen(9, ip="203.0.113.9", source_app_id=APP)], 1, "seen on one day, 2026-10-10"),
        ([seen(day, ip="203.0.113.9", source_app_id=APP) for day in (9, 10)], 1, "came and went between"),
        ([seen(0, ip="203.0.113.9", source_app_id=APP)], 1, "seen on one day"),
        (resources(4, source_app_id=APP), 2, "4 resources"),
        (resources(8, source_app_id=APP), 3, "8 resources"),
        (resources(1, operations=list("abcde")), 4, "5 kinds of operation on one day"),
        ([seen(day, ip="203.0.113.9", source_app_id=APP, denied=1) for day in range(3)], 1, "3 requests refused"),
        ([seen(day, ip="198.51.100.99") for day in range(3)], 0, "no identity"),  # among eight others of its network
        ([seen(9, ip="203.0.113.9", network_name="Office")], -2, "seen on one day"),
    ],
)
def test_points_add_up_and_are_told(rows: list[CallerDay], total: int, told: str) -> None:
    found = risk_of(*rows)
    assert (found.total, found.is_odd) == (total, total >= 2)
    assert told in found.sentence


def test_identity_that_stole_away_is_odd_in_any_subscription() -> None:
    rows = [
        seen(9, source_resource=FUNCTION, source_subscription="2", operations=list("abcde"), service_resource=f"/r/{n}")
        for n in range(8)
    ]
    assert risk_of(*rows).is_odd
    assert risk_of(*rows, subscriptions={"2"}).total == 1
    steady = [seen(day, source_resource=FUNCTION, source_subscription="2") for day in range(9)]
    assert risk_of(*steady).total == -3


def test_missing_identity_says_nothing_where_nobody_has_one() -> None:
    nobody = [seen(day, ip=f"198.51.100.{host}") for host in range(1, 9) for day in range(30)]
    assert risk_of(*(seen(day, ip="203.0.113.9") for day in range(3)), crowd=nobody).total == 0


@pytest.mark.parametrize(
    ("fields", "outsider"),
    [
        ({}, True),
        ({"source_app_id": APP}, False),
        ({"network_name": "Office"}, False),
        ({"service_tag": "Storage"}, False),
        ({"ip": "198.51.100.99"}, False),
    ],
)
def test_steady_caller_of_whom_nothing_is_known_is_an_outsider(fields: dict[str, Any], outsider: bool) -> None:
    assert risk_of(*(seen(day, **{"ip": "203.0.113.9"} | fields) for day in range(12))).is_outsider is outsider


def test_odd_caller_is_a_question_of_its_own_and_a_hole_for_others() -> None:
    odd = [seen(day, ip="203.0.113.3", source_app_id=APP, operations=list("abcde"), denied=1) for day in (4, 5)]
    users = [
        seen(day, ip=f"203.0.113.{host}", source_app_id=APP) for host in (0, 1, 2, 4, 5, 6, 7) for day in range(10)
    ]
    proposals = inbound(*users, *odd)
    assert {each.elements: each.flags for each in proposals if "odd" in each.flags} == {}, "among its neighbours"
    alone = [seen(day, ip="192.0.2.3", operations=list("abcde"), denied=1) for day in (4, 5)]
    (asked,) = [each for each in inbound(*users, *alone) if "odd" in each.flags]
    assert (asked.elements, asked.recommended) == (("192.0.2.3/32",), False)
    assert "looks odd (no identity, where most callers have one" in asked.reason


def test_more_odd_callers_than_anybody_looks_through_are_one_row() -> None:
    odd = [seen(5, ip=f"192.0.{n}.3", operations=list("abcde"), denied=1) for n in range(3, 40)]
    calm = [seen(day, ip=f"203.0.113.{host}", source_app_id=APP) for host in range(40) for day in range(10)]
    proposals = inbound(*calm, *odd)
    assert sum(each.is_rule and "odd" in each.flags for each in proposals) == 20
    (rest,) = [each for each in proposals if each.kind == "leave-denied"]
    assert (len(rest.needs), rest.flags) == (17, ("odd",))


def _pool(days: int, agents: int = 2) -> list[CallerDay]:
    """Agents of 198.51.100.0/24 that get another address each day."""
    return [seen(day, ip=f"198.51.100.{3 + 5 * (agents * day + n)}") for day in range(days) for n in range(agents)]


def test_agents_of_a_pool_seen_once_or_twice_are_one_prefix_and_no_question() -> None:
    pool = _pool(20)
    again = [seen(row.day.day + 5, ip=row.source_ip) for row in pool[:7]]
    (one,) = inbound(*pool, *again, rule_cost=256)
    assert (one.recommended, len(one.needs), one.elements) == (True, 40, ("198.51.100.0/24",))


def test_addresses_that_were_refused_as_well_are_no_pool() -> None:
    found = inbound(*(seen(row.day.day - 1, ip=row.source_ip, denied=1) for row in _pool(20)))
    assert {each.flags for each in found} == {("seen-on-one-day", "odd")}
    assert all(each.elements[0].endswith("/32") for each in found), "who was seen once widens nothing"


def test_who_acts_oddly_in_a_pool_never_widens_a_prefix() -> None:
    burst = [
        seen(9, ip="198.51.100.200", service_resource=f"/r/{n}", operations=list("abcde"), denied=4) for n in range(9)
    ]
    proposals = inbound(*_pool(20), *burst)
    assert not any(each.recommended and "198.51.100.200" in {need.key for need in each.needs} for each in proposals)


def test_block_of_neighbours() -> None:
    assert (block_of("203.0.113.9"), block_of("2001:db8:1:2::9")) == ("203.0.113.0/24", "2001:db8:1::/48")
