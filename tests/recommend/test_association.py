"""Each association by itself, and the order in which to enforce them."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

import pytest

from pipeline.recommend.association import Association, Step, Tolerance, steps
from pipeline.recommend.backtest import Week
from tests.recommend.caller_day import CallerDay
from tests.recommend.test_policy import STORAGE, VAULT, inbound, seen

SQL = "/r/sql"


def week(**denied: int) -> Week:
    at = Counter({"storage": STORAGE, "vault": VAULT}[name] for name, count in denied.items() for _ in range(count))
    return Week(date(2026, 10, 1), 9, sum(denied.values()), 90, 9, Counter({STORAGE: 5, VAULT: 5}), at)


def judged(*associations: Association, weeks: list[Week], rows: Sequence[CallerDay]) -> list[Step]:
    return steps(associations, weeks, inbound(*rows), Tolerance(1, 31))


def test_safest_association_goes_first_and_enforced_ones_last() -> None:
    rows = [seen(day, service_resource=STORAGE) for day in range(9)]
    rows += [seen(0, ip="192.0.2.9", service_resource=VAULT), seen(0, ip="10.0.0.4", service_resource=VAULT)]
    found = judged(
        Association(VAULT, "Learning", 35), Association(STORAGE, None, 35), Association(SQL, "Enforced", 35),
        weeks=[week()] * 4, rows=rows,
    )  # fmt: skip
    assert [(step.association.resource, step.ready) for step in found] == [(STORAGE, True), (VAULT, False), (SQL, True)]
    assert (found[0].by_rules, found[0].open_requests) == (45, 0)
    assert found[1].reasons == ("5 requests wait for a decision", "5 requests no rule settles")
    assert (found[1].open_requests, found[2].is_enforced) == (10, True)


@pytest.mark.parametrize(
    ("days", "weeks", "told"),
    [
        (0, [week()] * 4, "not one record of it"),
        (30, [week()] * 4, "30 days seen, 31 wanted"),
        (35, [], "no whole week could be replayed"),
        (35, [week(storage=3)] * 4, "up to 9 callers may be wrongly denied"),
    ],
)
def test_what_speaks_against_an_association_is_told(days: int, weeks: list[Week], told: str) -> None:
    (step,) = judged(Association(STORAGE, "Learning", days), weeks=weeks, rows=[])
    assert not step.ready
    assert told in step.reasons[0]
    assert step.as_json()["reasons"] == list(step.reasons)


def test_callers_of_another_resource_are_no_risk_of_this_one() -> None:
    (step,) = judged(Association(VAULT, "Learning", 35), weeks=[week(storage=3)] * 4, rows=[])
    assert step.ready
    assert step.at_risk
    assert step.at_risk.high == 1


def test_callers_of_no_named_resource_are_a_risk_of_each() -> None:
    rows = [seen(0, ip="192.0.2.9", service_resource=None), seen(0, ip="10.0.0.4", service_resource=VAULT)]
    nameless = Week(date(2026, 10, 1), 9, 3, 90, 9, denied_at=Counter({"": 3}))
    found = judged(
        Association(VAULT, "Learning", 35), Association(STORAGE, "Learning", 35), weeks=[nameless] * 4, rows=rows
    )
    assert {step.association.resource: step.reasons for step in found} == {
        STORAGE: ("up to 9 callers may be wrongly denied next week", "5 requests wait for a decision"),
        VAULT: (
            "up to 9 callers may be wrongly denied next week",
            "5 requests wait for a decision",
            "5 requests no rule settles",
        ),
    }
