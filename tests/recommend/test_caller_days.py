"""What is gathered in SQL, and cut by days, is what one gets by going through the flows one by one."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.recommend.caller_days import between, caller_days
from pipeline.recommend.need import Need, needs
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from pipeline.verdict.scenario import ENFORCED, scenario
from tests.thorough import times
from tests.verdict.world import DOCS, FUNCTION, MOMENT, PERIMETER, VAULT, World, flow, put, traffic


def made(hours: int, action: str, **fields: Any) -> dict[str, Any]:
    hour = MOMENT + timedelta(hours=hours)
    category = f"NspPublicInboundResourceRules{action}"
    times = {"hour": hour, "first_seen": hour, "last_seen": hour + timedelta(minutes=fields["requests"])}
    fields["source_subscription"] = FUNCTION.split("/")[2] if fields["source_resource"] else None
    return flow(category=category, **times, **fields)


FLOW = st.builds(
    made,
    hours=st.integers(0, 24 * 9),
    action=st.sampled_from(["Allowed", "Allowed", "Denied"]),
    requests=st.integers(0, 3),
    source_ip=st.sampled_from(["203.0.113.7", "203.0.113.8", "2001:db8::1"]),
    source_resource=st.sampled_from([None, None, FUNCTION]),
    source_app_id=st.sampled_from([None, "app"]),
    service_resource=st.sampled_from([DOCS, VAULT]),
    operation=st.sampled_from(["Get", "Put", "List", None]),
    protocol=st.sampled_from(["HTTPS:TCP", "TDS:TCP"]),
)


def straightforward(flows: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Gather flows by the subscription or address that a rule could name."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in flows:
        found[each["source_subscription"] or each["source_ip"]].append(each)
    return {key: _told(mine) for key, mine in found.items()}


def _told(mine: list[dict[str, Any]]) -> tuple[Any, ...]:
    allowed = {
        (each["hour"], number): each["requests"] for number, each in enumerate(mine) if each["action"] != "Denied"
    }
    at = Counter({each["service_resource"]: 0 for each in mine})
    by_day: dict[date, set[str]] = defaultdict(set)
    for number, each in enumerate(mine):
        at[each["service_resource"]] += allowed.get((each["hour"], number), 0)
        by_day[each["hour"].date()] |= {each["operation"]} - {None}
    return (
        sum(allowed.values()),
        sum(each["requests"] for each in mine) - sum(allowed.values()),
        len(mine),
        {hour.date() for (hour, _), requests in allowed.items() if requests},
        dict(at),
        set().union(*by_day.values()),
        max(map(len, by_day.values())),
        {each["source_resource"] or each["source_ip"] for each in mine},
        {each["source_ip"] for each in mine},
        any(each["source_resource"] or each["source_app_id"] for each in mine),
        min(each["first_seen"] for each in mine),
        max(each["last_seen"] for each in mine),
    )


def _of(need: Need) -> tuple[Any, ...]:
    return (
        need.allowed,
        need.denied,
        need.records,
        need.days,
        dict(need.allowed_at),
        need.operations,
        need.most_operations,
        need.callers,
        need.addresses,
        need.has_identity,
        need.first_seen,
        need.last_seen,
    )


@settings(max_examples=times(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flows=st.lists(FLOW, max_size=30), first=st.integers(0, 9), length=st.integers(1, 9))
def test_gathered_in_sql_and_cut_by_days_as_flow_by_flow(
    store: Store, flows: list[dict[str, Any]], first: int, length: int
) -> None:
    put(
        store, World(modes=dict.fromkeys((DOCS, VAULT), ("Learning", "Enabled", "apps"))), taken_at=datetime(2026, 9, 1)
    )
    with traffic(store, *flows), scenario(store, access_mode=ENFORCED):
        found = caller_days(store.rows("recommend/caller_days", **Scope().parameters(), admitted=None))
    seen = found.get((PERIMETER, "apps", "Inbound"), [])
    assert {need.key: _of(need) for need in needs(seen, "Inbound")} == straightforward(flows)
    since = MOMENT.date() + timedelta(days=first)
    until = since + timedelta(days=length)
    cut = needs(between(seen, since, until), "Inbound")
    inside = [each for each in flows if since <= each["hour"].date() < until]
    assert {need.key: _of(need) for need in cut} == straightforward(inside)
