"""The hourly flows say what the records say, also after partial refreshes."""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest import ingest_folder
from pipeline.store import Store, open_store
from pipeline.transform import rollup
from pipeline.transform.rollup import HOUR, MAX_SPANS, PART_RECORDS, SPAN_RECORDS, parts, spans
from tests.conftest import line
from tests.thorough import times

FIELDS = st.fixed_dictionaries(
    {
        "hour": st.integers(0, 3),
        "count": st.one_of(st.none(), st.integers(1, 9)),
        "ip": st.sampled_from(["203.0.113.1", "203.0.113.1:99", "203.0.113.2", ""]),
        "category": st.sampled_from(["NspPublicInboundResourceRulesAllowed", "NspPrivateInboundAllowed"]),
        "app": st.sampled_from(["", "AAAA", "aaaa"]),
    },
)


@settings(max_examples=times(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(FIELDS, max_size=6), min_size=1, max_size=4),
    st.sampled_from([0, 2, SPAN_RECORDS]),
    st.sampled_from([1, 4, PART_RECORDS]),
)
def test_flows_equal_a_plain_sum(
    tmp_path_factory: Any, loads: list[list[dict[str, Any]]], span_records: int, part_records: int
) -> None:
    base = tmp_path_factory.mktemp("rollup")
    export = base / "export"
    export.mkdir()
    expected: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    with open_store(base / "store") as store:
        for number, events in enumerate(loads):
            with (export / f"{number % 2}.json").open("a") as file:
                for event in events:
                    file.write(
                        line(
                            time=f"2026-10-01T{event['hour']:02d}:30:00Z",
                            count=event["count"],
                            category=event["category"],
                            properties__source__ipAddress=event["ip"],
                            properties__source__appId=event["app"],
                        ),
                    )
                    address = event["ip"].partition(":")[0] or None
                    key = (event["hour"], event["category"], address, event["app"].lower() or None)
                    expected[key][0] += 1
                    expected[key][1] += event["count"] or 1
            with patch.multiple(rollup, SPAN_RECORDS=span_records, PART_RECORDS=part_records):
                ingest_folder(store, export)
        found = store._connection.execute(
            "select hour(hour), category, source_ip, source_app_id, records, requests from traffic",
        ).fetchall()
    assert len(found) == len(expected)
    assert {row[:4]: [row[4], row[5]] for row in found} == dict(expected)


def one_flow(store: Store, export: Path, **fields: Any) -> tuple[Any, ...]:
    (export / "a.json").write_text(line(**fields))
    ingest_folder(store, export)
    read = "select caller_kind, caller_key, source_subscription from traffic"
    (row,) = store._connection.execute(read).fetchall()
    return tuple(row)


FUNCTION = "/subscriptions/AAAAAAAA-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Web/sites/F"


def test_caller_is_the_best_identity_the_log_holds(store: Store, export: Path) -> None:
    found = [
        one_flow(store, export),
        one_flow(store, export, properties__source__appId="E0E0"),
        one_flow(store, export, properties__source__resourceId=FUNCTION, properties__source__appId="E0E0"),
        one_flow(store, export, properties__source__ipAddress="10.0.0.4"),
        one_flow(store, export, properties__source__ipAddress=""),
        one_flow(store, export, category="NspPrivateInboundAllowed", properties__source__ipAddress="10.0.0.4"),
        one_flow(store, export, category="NspIntraPerimeterInboundAllowed"),
        one_flow(store, export, category="NspCrossPerimeterInboundAllowed", properties__source__perimeterGuids=["Gg"]),
        one_flow(store, export, category="NspOutboundAttempt"),
    ]
    resource = "/subscriptions/0000/resourcegroups/rg/providers/microsoft.storage/storageaccounts/docs"
    assert found == [
        ("public-address", "203.0.113.7", None),
        ("app", "app:e0e0", None),
        ("azure-resource", FUNCTION.lower(), "aaaaaaaa-0000-4000-8000-000000000001"),
        ("unmatchable-address", "10.0.0.4", None),
        ("unknown", None, None),
        ("private-endpoint", "10.0.0.4", None),
        ("member", "203.0.113.7", None),
        ("other-perimeter", '["gg"]', None),
        ("member", resource, None),
    ]


@given(
    st.sets(st.integers(0, 3000), min_size=1, max_size=80),
    st.dictionaries(st.integers(-5, 3005), st.sampled_from([1, 500, SPAN_RECORDS - 1, SPAN_RECORDS + 1]), max_size=99),
)
def test_spans_hold_every_hour_and_leave_out_what_is_worth_it(numbers: set[int], records: dict[int, int]) -> None:
    start = datetime(2026, 10, 1)
    hours = sorted(start + timedelta(hours=number) for number in numbers)
    held = {start + timedelta(hours=number): count for number, count in records.items()}
    found = spans(hours, held)
    assert all(sum(first <= hour < end for first, end in found) == 1 for hour in hours)
    assert all(first in hours and end - HOUR in hours for first, end in found)
    assert all(end < later for (_, end), (later, _) in pairwise(found))

    def inside(begin: datetime, end: datetime) -> int:
        return sum(count for hour, count in held.items() if begin <= hour < end)

    gaps = [inside(earlier + HOUR, later) for earlier, later in pairwise(hours)]
    left_out = [inside(end, later) for (_, end), (later, _) in pairwise(found)]
    worth = sorted(gap for gap in gaps if gap > SPAN_RECORDS)
    assert sorted(left_out) == worth[-(MAX_SPANS - 1) :], "the fullest gaps, and only such as are worth a span"


@given(
    st.integers(1, 40),
    st.dictionaries(st.integers(-3, 43), st.sampled_from([0, 1, PART_RECORDS // 2, PART_RECORDS, 2 * PART_RECORDS])),
)
def test_parts_hold_every_hour_once_and_no_more_than_they_may(hours: int, records: dict[int, int]) -> None:
    start = datetime(2026, 10, 1)
    held = {start + number * HOUR: count for number, count in records.items()}
    found = list(parts(start, start + hours * HOUR, held))
    assert [found[0][0], found[-1][1]] == [start, start + hours * HOUR]
    assert all(end == later for (_, end), (later, _) in pairwise(found))
    sums = []
    for begin, end in found:
        inside = [count for hour, count in held.items() if begin <= hour < end and count]
        assert begin < end
        assert len(inside) < 2 or sum(inside) <= PART_RECORDS
        sums.append(sum(inside))
    assert all(earlier + later > PART_RECORDS for earlier, later in pairwise(sums)), "none could have been joined"
