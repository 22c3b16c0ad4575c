"""Rules that are in force by now don't foretell the weeks that they were made from."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pipeline.recommend.backtest import replay
from pipeline.recommend.policy import Limits
from pipeline.recommend.readiness import Readiness
from pipeline.recommend.run import Recommendation, recommend
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from pipeline.verdict.scenario import admitting_rules
from tests.recommend.caller_day import gathered
from tests.recommend.test_backtest import DAYS, EVERY_DAY
from tests.recommend.test_policy import profile, seen
from tests.verdict.world import World, flow, put, write

END = datetime(2026, 11, 1, 4)
NOW = datetime(2026, 11, 2)
BEFORE, AFTER = datetime(2026, 9, 1), datetime(2026, 11, 1, 23)
FIELDS = {"address-prefixes": "addressPrefixes", "fqdns": "fullyQualifiedDomainNames"}


def calls(days: range, address: str, **fields: Any) -> list[dict[str, Any]]:
    moments = [END - timedelta(days=day) for day in days]
    told = {"source_ip": address, "caller_key": address, "rules_version": "4", "matched_rule": "DefaultDenyAll"}
    return [flow(hour=each, first_seen=each, last_seen=each, **(told | fields)) for each in moments]


def newcomers(within: str = "30.{}.7.9", **fields: Any) -> list[dict[str, Any]]:
    """Two a week, each on three days of one week."""
    return [
        call
        for number in range(10)
        for call in calls(range(number // 2 * 7, number // 2 * 7 + 3), within.format(number), **fields)
    ]


STEADY = calls(range(35), "203.0.113.7")
OUTBOUND = calls(
    range(35),
    "",
    category="NspPublicOutboundResourceRulesAllowed",
    source_ip=None,
    source_network=None,
    caller_key="docs",
    destination_fqdn="api.contoso.com",
)


def run(store: Store) -> Recommendation:
    return recommend(store, Limits(), Scope(), NOW)


def readiness(store: Store) -> Readiness:
    (found,) = run(store).readiness
    return found


def apply(store: Store, found: Recommendation) -> None:
    rules = [
        (each.profile, each.direction, FIELDS[each.kind], element)
        for each in found.proposals
        if each.is_rule
        for element in each.elements
    ]
    put(store, World(rules=rules, versions={"apps": "5"}), taken_at=AFTER)


def test_applying_what_is_proposed_changes_no_forecast(store: Store) -> None:
    put(store, World(), taken_at=BEFORE)
    write(store, *STEADY, *OUTBOUND, *newcomers())
    before = run(store)
    (old,) = before.readiness
    assert [week.denied_callers for week in old.weeks] == [2, 2, 2, 2]
    apply(store, before)
    after = run(store)
    assert after.proposals == ()
    (new,) = after.readiness
    assert (new.weeks, new.at_risk) == (old.weeks, old.at_risk)
    assert not new.lights["callers"]
    assert not new.steps[0].ready


def test_what_rules_of_then_admitted_is_no_need_of_a_past_week(store: Store) -> None:
    put(store, World(rules=[("apps", "Inbound", "addressPrefixes", "30.0.0.0/8")]), taken_at=BEFORE)
    admitted = newcomers(category="NspPublicInboundPerimeterRulesAllowed", matched_rule="r0")
    write(store, *STEADY, *OUTBOUND, *admitted)
    found = readiness(store)
    assert [(week.callers, week.denied_callers) for week in found.weeks] == [(2, 0)] * 4
    assert found.ready


def test_steady_caller_whose_service_logs_old_rules_does_no_harm(store: Store) -> None:
    """Some services never take over a newer version of the rules, or log none; the log then shows no rule at work."""
    office = ("apps", "Inbound", "addressPrefixes", "203.0.113.0/24")
    put(store, World(rules=[office], versions={"apps": "5"}), taken_at=AFTER)
    write(store, *STEADY, *OUTBOUND)
    found = readiness(store)
    assert [(week.callers, week.denied_callers) for week in found.weeks] == [(2, 0)] * 4
    assert found.ready


def test_elements_that_came_later_took_no_room_then(store: Store) -> None:
    names = [f"{number}.contoso.com" for number in range(150)]
    rows = [
        replace(seen(day, ip=None), destination_fqdn=name, admitted_by=name) for day in range(DAYS) for name in names
    ]
    limits, judge = Limits(), partial(admitting_rules, store)
    weeks = replay(profile("Outbound", len(names)), gathered(rows), EVERY_DAY, limits, judge)
    assert [(week.callers, week.denied_callers) for week in weeks] == [(150, 0)] * 4
