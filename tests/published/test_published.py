"""The published snapshot and the handle of analysts: what it says, while others write."""

import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipeline import open_store, sql
from pipeline.errors import StoreBusyError, StoreError, UsageError
from pipeline.ingest import ingest_folder
from pipeline.inventory import file
from pipeline.published.handle import Published
from pipeline.published.publish import _UNFINISHED, publish_snapshot
from pipeline.recommend.access_rule import access_rule
from pipeline.recommend.association import Tolerance
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import recommend
from pipeline.recommend.scope import Scope
from pipeline.review.decision import Choice
from pipeline.review.decisions import open_decisions
from pipeline.review.entry import entry
from pipeline.store import PUBLISHED, WAREHOUSE
from pipeline.store import open_store as open_warehouse
from tests.conftest import line

ROOT = Path(__file__).parent.parent.parent
NOW = datetime(2026, 11, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the kept sample, with a snapshot."""
    made = tmp_path_factory.mktemp("store")
    with open_warehouse(made) as store:
        file.load(store, ROOT / "data/sample/inventory.json")
        file.load(store, ROOT / "data/sample/known-networks.csv")
        ingest_folder(store, ROOT / "data/sample")
    publish_snapshot(made, Limits(), Tolerance(), NOW)
    return made


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[Published]:
    with open_store(folder) as found:
        yield found


def child(code: str) -> "subprocess.Popen[str]":
    """Another process that runs some code and can be talked to."""
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def small(folder: Path, export: Path, name: str = "a") -> Path:
    """Load one more file of a few records into a store."""
    (export / f"{name}.json").write_text(line(properties__matchedRule__accessRule=name) * 3)
    with open_warehouse(folder) as store:
        ingest_folder(store, export)
    return folder


def test_snapshot_says_what_the_warehouse_says(folder: Path, opened: Published) -> None:
    with open_warehouse(folder, read_only=True) as store:
        assert opened.run == json.loads(json.dumps(recommend(store, Limits(), Scope(), NOW).as_json()))
        for name in ("traffic/flows_by_caller", "callers/callers", "verdict/verdicts_by_day", "coverage/totals"):
            assert opened.query(name).equals(store.frame(name, **dict.fromkeys(sql.load(name).parameters)))
    assert opened.is_current
    assert opened.published_at == NOW


def test_every_question_has_an_answer(opened: Published) -> None:
    rows = dict(opened.tables().select("table", "rows").rows())
    assert rows["traffic"] == opened.traffic().height == opened.run["coverage"]["flows"] > 1000
    assert rows["callers"] == opened.callers().height > 10
    assert "access_log" not in rows
    assert rows["verdicts"] == opened.verdicts().height
    assert opened.verdicts()["requests"].sum() == opened.traffic()["requests"].sum()
    assert set(opened.proposals()["state"]) == {"recommended", "asked", "cannot-fix", "left-denied"}
    assert opened.proposals().height == len(opened.run["proposals"]) == rows["proposals"]
    assert opened.proposals(profile="DATA").height < rows["proposals"]
    assert opened.readiness()["ready"].to_list() == [each["ready"] for each in opened.run["readiness"]]
    assert {"blocker", "warning", "info"} >= set(opened.findings()["severity"])
    day = datetime(2026, 10, 12)
    some = opened.traffic(since=day, until=day + timedelta(days=1), profile="data", direction="inbound", limit=5)
    assert some.height == 5
    assert set(some["direction"]) == {"Inbound"}


def test_frontier_falls_with_each_prefix_and_ends_without_extra(opened: Published) -> None:
    for (_, version), curve in opened.frontier().group_by("profile", "version"):
        extra = curve.sort("prefixes")["extra_addresses"].to_list()
        assert extra == sorted(extra, reverse=True)
        assert version == 6 or extra[-1] == 0


def test_rules_can_be_tried_by_word_by_id_and_as_rules(opened: Published) -> None:
    today, proposed = opened.whatif(None), opened.whatif()
    assert today.lost_requests > proposed.lost_requests > 0
    recommended = opened.proposals().filter("recommended")
    assert opened.whatif(recommended["id"]).changes.equals(proposed.changes)
    rules = [
        access_rule(
            (row["perimeter"], row["profile"]), row["name"], row["direction"], row["kind"], row["elements"]
        )
        for row in recommended.to_dicts()
    ]  # fmt: skip
    assert opened.whatif(rules).changes.equals(proposed.changes)
    denied = opened.verdicts("proposed", mode="Enforced").filter(
        pl.col("verdict") == "denied", pl.col("action") == "Approved"
    )
    assert denied["requests"].sum() == proposed.lost_requests
    assert "allowed-by-resource-rules-only" in set(opened.verdicts()["verdict"])
    assert opened.whatif("in-force").changes.equals(today.changes)
    with pytest.raises(UsageError, match=r"\.proposals\(\) has them"):
        opened.whatif(["0" * 12])


def test_query_tells_what_it_lacks(opened: Published) -> None:
    with pytest.raises(UsageError, match="nsp query coverage/delays"):
        opened.query("delays")
    with pytest.raises(UsageError, match="Missing: \\['caller'\\]"):
        opened.query("addresses_of_caller")
    names = opened.queries()["query"].to_list()
    assert "analysis/callers_new_this_week" in names
    assert "coverage/delays" not in names
    for name in names:
        if name.startswith("analysis/"):
            opened.query(name, limit=1)


def test_tab_completion_explains_itself() -> None:
    names = [name for name in dir(Published) if not name.startswith("_")]
    assert {"query", "queries", "tables", "traffic", "callers", "verdicts", "proposals", "readiness", "whatif"} <= set(
        names
    )
    for name in names:
        assert inspect.getdoc(getattr(Published, name)), name


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import pipeline, sys; pipeline.open_store; print({'duckdb', 'polars', 'numpy'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "set()"


def test_reading_changes_no_file(folder: Path) -> None:
    def state() -> dict[str, tuple[int, str]]:
        return {
            each.name: (each.stat().st_mtime_ns, sha256(each.read_bytes()).hexdigest()) for each in folder.iterdir()
        }

    before = state()
    with open_store(folder) as found:
        found.whatif()
        found.frontier()
        found.verdicts("proposed", mode="Enforced")
        with pytest.raises(Exception, match="read-only"):
            found._store._connection.execute("insert into traffic select * from traffic")
    assert state() == before


def test_new_snapshot_follows_the_warehouse_and_old_handles_keep_theirs(tmp_path: Path, export: Path) -> None:
    first = open_store(small(tmp_path, export))
    small(tmp_path, export, "b")
    kept = open_store(tmp_path, refresh=False)
    assert "the warehouse has changed since" in repr(kept)
    second = open_store(tmp_path / WAREHOUSE)
    assert (first.run["coverage"]["records"], second.run["coverage"]["records"]) == (3, 6)
    assert set(first.traffic()["matched_rule"]) == set(kept.traffic()["matched_rule"]) == {"a"}
    assert set(second.traffic()["matched_rule"]) == {"a", "b"}
    moved = tmp_path / "elsewhere.duckdb"
    moved.write_bytes((tmp_path / PUBLISHED).read_bytes())
    assert open_store(moved).traffic().equals(second.traffic())
    (tmp_path / "log.duckdb").write_bytes((tmp_path / WAREHOUSE).read_bytes())
    with pytest.raises(StoreError, match="isn't a published snapshot"):
        open_store(tmp_path / "log.duckdb")


def test_nothing_to_open_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nsp ingest folder PATH"):
        open_store(tmp_path)
    (tmp_path / WAREHOUSE).write_text("no database" * 1000)
    with pytest.raises(StoreError, match="can't be opened"):
        open_store(tmp_path)
    (tmp_path / PUBLISHED).write_text("rubbish")
    with pytest.raises(StoreError, match="can't be opened"):
        open_store(tmp_path)
    (tmp_path / WAREHOUSE).unlink()
    with pytest.raises(StoreError, match=f"{PUBLISHED} can't be opened"):
        open_store(tmp_path)


def test_damaged_snapshot_is_made_anew(tmp_path: Path, export: Path) -> None:
    small(tmp_path, export)
    (tmp_path / PUBLISHED).write_text("rubbish")
    assert open_store(tmp_path).traffic().height == 1


def test_reader_does_not_wait_for_a_writer(tmp_path: Path, export: Path) -> None:
    """The writer has the warehouse open until the reader is done; so waiting for it would end in an error."""
    code = f"""
from pathlib import Path
from pipeline.store import open_store
with open_store(Path({str(tmp_path)!r})) as store, store.transaction():
    print("open", flush=True)
    input()
"""
    small(tmp_path, export)
    with child(code) as writer:
        assert writer.stdout
        writer.stdout.readline()
        os.environ["NSP_STORE_WAIT_SECONDS"] = "0.2"
        try:
            with pytest.raises(StoreBusyError):
                open_store(tmp_path)  # there is nothing to read yet
        finally:
            del os.environ["NSP_STORE_WAIT_SECONDS"]
        writer.communicate("\n")
    open_store(tmp_path).close()
    small(tmp_path, export, "b")
    with child(code) as writer:
        assert writer.stdout
        writer.stdout.readline()
        found = open_store(tmp_path)
        assert not found.is_current
        assert set(found.traffic()["matched_rule"]) == {"a"}
        assert found.whatif(None).changes.height == 1
        assert writer.poll() is None
        writer.communicate("\n")


def test_readers_never_fail_while_a_writer_commits_and_publishes_in_a_loop(tmp_path: Path, export: Path) -> None:
    """What a reader sees is always one whole snapshot: its run counts the flows that it holds."""
    code = f"""
import sys, threading
from datetime import datetime
from pathlib import Path
from pipeline.published.publish import publish_snapshot
from pipeline.recommend.association import Tolerance
from pipeline.recommend.policy import Limits
from tests.published.test_published import small
folder, export, number = Path({str(tmp_path)!r}), Path({str(export)!r}), 0
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
while not ended.is_set() or number < 3:
    number += 1
    small(folder, export, f"rule{{number}}")
    if number % 2:
        publish_snapshot(folder, Limits(), Tolerance(), datetime(2026, 11, 2))
print(number, flush=True)
"""
    small(tmp_path, export)
    open_store(tmp_path).close()
    seen: set[str] = set()
    with child(code) as writer:
        end = datetime.now(UTC) + timedelta(seconds=4)
        while datetime.now(UTC) < end or len(seen) < 3:
            with open_store(tmp_path, refresh=len(seen) % 2 == 0) as found:
                assert found.traffic().height == found.run["coverage"]["flows"]
                seen.add(found.run["run"]["id"])
            assert writer.poll() is None
        told, _ = writer.communicate("\n")
    assert int(told) >= 3
    assert writer.returncode == 0
    assert not list(tmp_path.glob(f"{_UNFINISHED}*"))


def test_snapshot_knows_what_was_decided(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "store")
    waits = "flagged proposal"

    def reasons(found: Published) -> str:
        return str(found.readiness().filter(pl.col("profile") == "data")["reasons"].to_list())

    with open_store(tmp_path / "store") as found:
        assert waits in reasons(found)
        asked = found.proposals(profile="data").filter(pl.col("state") == "asked")["id"].to_list()
        proposals = {each["id"]: each for each in found.run["proposals"]}
    choice = Choice("reject", reason="Nobody knows them.")
    entries = [entry(proposals[each], choice, "ada", NOW) for each in asked]
    open_decisions(tmp_path / "store").record(entries, NOW)
    with open_store(tmp_path / "store", refresh=False) as found:
        assert not found.is_current
        assert waits in reasons(found)
    with open_store(tmp_path / "store") as found:
        assert found.is_current
        assert waits not in reasons(found)


def test_snapshot_of_an_earlier_version_is_made_anew(tmp_path: Path, export: Path) -> None:
    open_store(small(tmp_path, export)).close()
    with duckdb.connect(tmp_path / PUBLISHED) as connection:
        connection.execute("alter table published_run drop column last_decision")
    with pytest.raises(StoreError, match="isn't a published snapshot"):
        open_store(tmp_path / PUBLISHED)
    with open_store(tmp_path) as found:
        assert found.last_decision == 0


def test_killed_publisher_leaves_the_last_snapshot(tmp_path: Path, export: Path) -> None:
    code = f"""
import os, signal
from datetime import datetime
from pathlib import Path
from pipeline.published import publish
from pipeline.recommend.association import Tolerance
from pipeline.recommend.policy import Limits
run = publish.recommend
publish.recommend = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
publish.publish_snapshot(Path({str(tmp_path)!r}), Limits(), Tolerance(), datetime(2026, 11, 2))
"""
    open_store(small(tmp_path, export)).close()
    before = (tmp_path / PUBLISHED).read_bytes()
    small(tmp_path, export, "b")
    with child(code) as killed:
        assert killed.wait() == -9
    assert (tmp_path / PUBLISHED).read_bytes() == before
    (left,) = tmp_path.glob(f"{_UNFINISHED}*")
    assert open_store(tmp_path).is_current
    assert left.exists(), "it may belong to a process that lives"
    os.utime(left, (0, 0))
    publish_snapshot(tmp_path, Limits(), Tolerance(), NOW)
    assert not left.exists()
