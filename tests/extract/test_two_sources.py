"""The same hours by blob, by workspace and from disk are counted once, and what one of them lacks is shown."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.coverage.measure import measure, report
from pipeline.ingest import ingest_folder
from pipeline.store import Store
from tests.conftest import line
from tests.extract.test_blob import ingest as ingest_blobs
from tests.extract.test_workspace import hour, ingest, records
from tests.services.export import FOLDER, Export, hourly
from tests.services.log_analytics import WORKSPACE, LogAnalytics

PERIMETER = FOLDER.removeprefix("resourceId=")


def as_line(record: dict[str, Any]) -> str:
    """The blob record of a workspace's row."""
    return line(
        time=record["TimeGenerated"].isoformat() + "Z",
        timeGeneratedEndTime=None,
        count=record["Count"],
        resourceId=PERIMETER,
        category=record["Category"],
        properties__source__ipAddress=record["SourceIpAddress"],
    )


def of_hour(number: int, count: int) -> list[dict[str, Any]]:
    made = records(count, number, _ResourceId=PERIMETER.lower())
    for index, record in enumerate(made):
        record["TimeGenerated"] = hour(number) + timedelta(minutes=index)
    return made


def counted(store: Store) -> dict[datetime, tuple[str, int]]:
    rows = store._connection.execute("select hour, source_kind, sum(requests) from traffic group by all").fetchall()
    assert len({row[0] for row in rows}) == len(rows), "an hour was counted twice"
    return {row[0]: (row[1], int(row[2])) for row in rows}


def requests(made: list[dict[str, Any]]) -> int:
    return sum(record["Count"] for record in made)


def test_the_fuller_one_counts_and_the_difference_is_shown(
    store: Store, written: Export, analytics: LogAnalytics, tmp_path: Path
) -> None:
    hours = {number: of_hour(number, 10) for number in range(6)}
    for number, made in hours.items():
        if number != 5:
            written.append(hourly(number, 3), "".join(as_line(each) for each in made[: 6 if number == 2 else 10]))
        if number != 0:
            analytics.add(hour(number + 0.2), made[: 4 if number == 3 else 10])
    ingest_blobs(store, written)
    ingest(store, analytics)
    assert counted(store) == {
        hour(number): ("workspace" if number in {2, 5} else "blob", requests(made)) for number, made in hours.items()
    }
    (overlap,) = measure(store)["overlaps"]
    assert (overlap["hours"], overlap["hours_that_differ"]) == (4, 2)
    assert (overlap["blob_records"], overlap["workspace_records"]) == (36, 34)
    assert overlap["first_difference"] == "2026-10-03T02:00:00Z"
    told = " ".join(each["evidence"] for each in report(store)["findings"])
    assert "counted once, the fuller one of each hour: 36 by blob, 34 by workspace" in told
    assert "differ in 2 of 4 hours of NspPublicInboundResourceRulesAllowed" in told

    export = tmp_path / "export" / "a.json"  # a third way, which has nothing new
    export.parent.mkdir()
    export.write_text("".join(as_line(each) for made in hours.values() for each in made))
    ingest_folder(store, export.parent)
    assert {value[1] for value in counted(store).values()} == {requests(made) for made in hours.values()}

    written.append(hourly(2, 3), "".join(as_line(each) for each in hours[2][6:]))  # and then it is complete
    ingest_blobs(store, written, relist=True)
    assert counted(store)[hour(2)] == ("blob", requests(hours[2]))


SECOND = "11111111-2222-4333-8444-666666666666"


@pytest.fixture
def other(written: Export) -> Iterator[Export]:
    """Containers of the same names in another account."""
    made = Export(written.azurite.second, prefix=written.prefix)
    yield made
    made.close()


def rows(store: Store, text: str) -> list[tuple[Any, ...]]:
    return store._connection.execute(text).fetchall()


def test_two_accounts_with_the_same_names_are_kept_apart(store: Store, written: Export, other: Export) -> None:
    elsewhere = {"resourceId": PERIMETER + "-b"}
    for number in range(5):
        written.append(hourly(number, 3), line(time=f"2026-10-03T{number:02}:10:00Z", count=2))
        other.append(hourly(number, 3), line(time=f"2026-10-03T{number:02}:10:00Z", count=5, **elsewhere))
    assert [ingest_blobs(store, each).outcome.files for each in (written, other)] == [5, 5]
    names = rows(store, "select place, count(*), count(distinct name) from load_ledger group by all order by all")
    assert names == [(written.azurite.url, 5, 5), (other.azurite.url, 5, 5)]
    scopes = [row[0] for row in rows(store, "select scope from load_mark order by all")]
    assert scopes == [f"{each.azurite.url}/{each.container}/{FOLDER}" for each in (written, other)]
    other.append(hourly(4, 3), line(time="2026-10-03T04:20:00Z", count=7, **elsewhere))
    assert [ingest_blobs(store, each).outcome.records for each in (written, other)] == [0, 1]
    totals = rows(store, "select ends_with(perimeter, '-b'), sum(requests)::int from traffic group by all order by all")
    assert totals == [(False, 10), (True, 32)]
    assert measure(store)["overlaps"] == [], "they tell of different perimeters"


def test_the_same_hour_of_two_accounts_counts_once(store: Store, written: Export, other: Export) -> None:
    hours = {number: of_hour(number, 6) for number in range(4)}
    for number, made in hours.items():
        written.append(hourly(number, 3), "".join(as_line(each) for each in made[: 2 if number == 1 else 6]))
        if number != 3:
            other.append(hourly(number, 3), "".join(as_line(each) for each in made[: 4 if number == 2 else 6]))
    for each in (written, other):
        ingest_blobs(store, each)
    expected = {hour(number): ("blob", requests(made)) for number, made in hours.items()}
    assert counted(store) == expected
    (overlap,) = measure(store)["overlaps"]
    assert (overlap["hours"], overlap["hours_that_differ"], overlap["blob_records"]) == (3, 2, 30)
    assert overlap["places"] == f"{written.azurite.url}, {other.azurite.url}"
    told = " ".join(each["evidence"] for each in report(store)["findings"])
    assert f"counted once, the fuller one of each hour: 30 by blob; from {overlap['places']}" in told
    unscoped = dict.fromkeys(("since", "until", "perimeter", "profile", "limit"))
    versions = store.rows("analysis/operation_versions", **unscoped)
    assert sum(row[2] for row in versions) == sum(requests(made) for made in hours.values())


def test_two_workspaces_are_kept_apart_and_count_once(store: Store, analytics: LogAnalytics) -> None:
    made = {number: of_hour(number, 5) for number in range(3)}
    for number in range(3):
        analytics.add(hour(number + 0.2), made[number])
    analytics.workspaces.add(SECOND)
    for each in (WORKSPACE, SECOND):
        assert ingest(store, analytics, workspace_id=each).outcome.records == 15
    names = rows(store, "select place, sum(records)::int from load_ledger group by all order by all")
    assert names == [(WORKSPACE, 15), (SECOND, 15)]
    assert rows(store, "select scope from load_mark order by all") == [(WORKSPACE,), (SECOND,)]
    assert counted(store) == {hour(number): ("workspace", requests(each)) for number, each in made.items()}
    (overlap,) = measure(store)["overlaps"]
    assert (overlap["hours_that_differ"], overlap["places"]) == (0, f"{WORKSPACE}, {SECOND}")
    analytics.add(hour(0.3), of_hour(0, 1))
    assert ingest(store, analytics, workspace_id=SECOND).outcome.records == 6, "of this one alone"
    assert sum(count for _, count in counted(store).values()) == requests(
        [*made[0], *of_hour(0, 1), *made[1], *made[2]]
    )


def test_a_category_that_one_way_lacks_altogether_is_shown(
    store: Store, written: Export, analytics: LogAnalytics
) -> None:
    for number in range(3):
        made = of_hour(number, 4)
        written.append(hourly(number, 3), "".join(as_line(each) for each in made))
        denied = [{**each, "Category": "NspPublicInboundResourceRulesDenied"} for each in made]
        written.append(hourly(number, 3), "".join(as_line(each) for each in denied), written.prefix + "denied")
        analytics.add(hour(number + 0.1), made)
    ingest_blobs(store, written)
    ingest(store, analytics)
    overlaps = {row["category"]: row for row in measure(store)["overlaps"]}
    assert overlaps["NspPublicInboundResourceRulesAllowed"]["hours_that_differ"] == 0
    assert overlaps["NspPublicInboundResourceRulesDenied"]["hours_that_differ"] == 3
    assert measure(store)["records"] == 24
