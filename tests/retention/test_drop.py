"""Whatever comes and whenever something is dropped, people are told the same."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.coverage.measure import report
from pipeline.retention.drop import Dropped, Keep, drop_old, extent
from pipeline.store import Store, open_store
from tests.conftest import line
from tests.retention import history
from tests.retention.history import NOW, START
from tests.thorough import times

FILE = st.tuples(
    st.just("file"),
    st.sampled_from(["append", "append_cut", "rewrite", "shrink", "delete", "bad"]),
    st.integers(0, 1),
    st.integers(0, 99),
)
WINDOW = st.tuples(st.just("window"), st.integers(0, 8), st.integers(0, 1), st.integers(0, 99))
DROP = st.tuples(st.just("drop"), st.integers(1, 5), st.just(0), st.just(0))


@settings(max_examples=times(6), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(FILE, WINDOW, DROP), min_size=3, max_size=9))
def test_any_history_tells_what_it_tells_without_retention(tmp_path_factory: Any, steps: list[Any]) -> None:
    base = tmp_path_factory.mktemp("history")
    export = base / "export"
    export.mkdir()
    with open_store(base / "whole") as whole, open_store(base / "aged") as aged:
        for kind, what, which, seed in [*steps, ("drop", 2, 0, 0)]:
            if kind == "drop":
                drop_old(aged, Keep(raw_days=what), NOW, round_records=5)
            elif kind == "file":
                history.act(export / f"{which}.json", what, seed)
                for store in (whole, aged):
                    history.load(store, export)
            else:
                for store in (whole, aged):
                    history.read_window(store, which, what, seed)
        newest = extent(whole, NOW).newest_hour
        if newest:
            ((first,),) = aged._connection.execute("select min(time) from access_log").fetchall()
            assert first >= newest.replace(hour=0) - timedelta(days=2)
        assert history.answers(aged) == history.answers(whole)


@settings(max_examples=times(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(FILE, WINDOW, DROP), min_size=3, max_size=9), st.integers(0, 2))
@example([("window", 3, 0, 20), ("drop", 1, 0, 0), ("window", 1, 0, 1)], 0)  # an older record in the place of others
def test_what_lies_in_the_window_stays_as_it_is(tmp_path_factory: Any, steps: list[Any], raw_days: int) -> None:
    base = tmp_path_factory.mktemp("window")
    export = base / "export"
    export.mkdir()
    days = 3
    with open_store(base / "whole") as whole, open_store(base / "aged") as aged:
        for kind, what, which, seed in [*steps, ("drop", 0, 0, 0)]:
            if kind == "drop":
                drop_old(aged, Keep(raw_days, days), NOW, round_records=5)
            elif kind == "file":
                history.act(export / f"{which}.json", what, seed)
                for store in (whole, aged):
                    history.load(store, export)
            else:
                for store in (whole, aged):
                    history.read_window(store, which, what, seed)
        newest = extent(aged, NOW).newest_hour
        # what was newest when something was dropped may have been taken back since
        ((_, dropped),) = aged.rows("retention/retention") or [(None, None)]
        since = max(dropped or START, newest.replace(hour=0) - timedelta(days=days) if newest else START)
        assert history.answers(aged, since) == history.answers(whole, since)
        if newest:
            reach = extent(aged, NOW)
            assert min(each for each in (reach.oldest_flow, reach.oldest_raw) if each) >= since
        assert not aged._connection.execute(
            "select source_ip from traffic where source_ip is not null except select canonical from address"
        ).fetchall(), "verdicts need the addresses of flows"


def days_of_logs(export: Path, days: int) -> None:
    for day in range(days):
        moment = START + timedelta(days=day)
        (export / f"{day}.json").write_text(
            "".join(line(time=f"{moment.isoformat()}Z", properties__source__ipAddress=f"203.0.113.{day}") for _ in "ab")
            + f"bad of {day}\n"
        )


def count(store: Store, table: str) -> int:
    return store.tables()[table]


def test_it_says_what_went_and_goes_no_further(store: Store, export: Path) -> None:
    assert drop_old(store, Keep(1, 35), NOW) == Dropped(), "an empty store"
    days_of_logs(export, 10)
    history.load(store, export)
    before = history.answers(store)
    assert drop_old(store, Keep(), NOW) == Dropped()
    assert drop_old(store, Keep(raw_days=3), NOW) == Dropped(records=12)
    assert (count(store, "access_log"), count(store, "source_flow")) == (8, 6)
    assert drop_old(store, Keep(raw_days=3), NOW) == Dropped()
    assert history.answers(store) == before
    assert store.rows("retention/retention") == [(START + timedelta(days=5, hours=1), None)]

    assert drop_old(store, Keep(raw_days=3, flow_days=5), NOW) == Dropped(flows=4)
    assert (count(store, "traffic"), count(store, "hour_count"), count(store, "address")) == (6, 6, 6)
    assert count(store, "load_ledger") == 10, "else the files were loaded again"
    history.load(store, export)
    assert count(store, "traffic") == 6
    told = [each for each in report(store)["findings"] if each["id"] == "flows-dropped"]
    assert "all before 2026-10-05 was dropped" in told[0]["evidence"]


def test_nothing_goes_while_nothing_comes_and_a_wrong_clock_moves_nothing(store: Store, export: Path) -> None:
    days_of_logs(export, 5)
    (export / "future.json").write_text(line(time="2099-01-01T00:00:00Z"))
    history.load(store, export)
    keep = Keep(raw_days=4, flow_days=4)
    assert drop_old(store, keep, NOW) == Dropped()
    assert drop_old(store, keep, datetime(2030, 1, 1)) == Dropped()


def test_texts_of_rejected_lines_go_and_the_lines_are_still_counted(store: Store, export: Path) -> None:
    days_of_logs(export, 2)
    history.load(store, export)
    store._connection.execute("update load_ledger set loaded_at = '2026-09-01' where name like '%/0.json'")
    before = history.answers(store)
    assert drop_old(store, Keep(raw_days=1), NOW).texts == 1
    texts = store._connection.execute("select raw from rejected_record order by source_id").fetchall()
    assert texts == [(None,), ("bad of 1",)]
    assert history.answers(store) == before


def uncounted(store: Store) -> int:
    read = "select count(*) from hour_count where source_kind = 'folder' and not counted"
    return int(store._connection.execute(read).fetchall()[0][0])


def test_what_did_not_count_when_it_was_dropped_may_count_later(store: Store, export: Path, tmp_path: Path) -> None:
    (export / "a.json").write_text(history.lines(20, 1))
    with open_store(tmp_path / "whole") as whole:
        for each in (store, whole):
            history.load(each, export)
            history.read_window(each, 0, 60, 1)
            assert uncounted(each), "the workspace has more"
            if each is store:
                assert drop_old(each, Keep(raw_days=1), NOW).records > 40
            history.read_window(each, 0, 1, 2)  # in the place of the sixty
            assert not uncounted(each)
        assert history.answers(store) == history.answers(whole)
