"""The same hours by blob, by workspace and from disk are counted once, and what one of them lacks is shown."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.coverage.measure import measure, report
from pipeline.ingest import ingest_folder
from pipeline.store import Store
from tests.conftest import line
from tests.extract.test_blob import ingest as ingest_blobs
from tests.extract.test_workspace import hour, ingest, records
from tests.services.export import FOLDER, Export, hourly
from tests.services.log_analytics import LogAnalytics

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
