"""A night that drops old records tells people what one tells that keeps them."""

import json
from typing import Any

import pytest

from pipeline import open_store
from tests.nightly.test_nightly import Nsp, nsp, step

__all__ = ["nsp"]


def told(nsp: Nsp) -> dict[str, Any]:
    """What people are told, but for when."""
    found: dict[str, Any] = {}
    for words in (("coverage",), ("recommend",), ("query", "operation_versions"), ("query", "rejected_reasons")):
        found[words[-1]] = json.loads(nsp(*words, "--format", "json").stdout)
    del found["recommend"]["run"]["created"]
    return found


def test_records_go_and_no_answer_changes(nsp: Nsp, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(1, 29):
        nsp.day(day, "203.0.113.7", f"203.0.113.{day + 10}", operationVersion=str(day % 3), note="x")
    with (nsp.export / "1.json").open("a") as file:
        file.write("no json\n")
    nsp.night(code=5)
    before = told(nsp)
    shown = json.loads(nsp("status", "--format", "json").stdout)
    assert (shown["oldest_raw_record"], shown["oldest_flow"]) == ("2026-10-01T05:00:00Z", "2026-10-01T05:00:00Z")

    monkeypatch.setenv("NSP_RETENTION_RAW_DAYS", "7")
    entry = nsp.night(code=3)
    retention = step(entry, "retention")
    assert retention["status"] == "done", retention
    assert retention["counts"]["records_dropped"] == 2 * 20
    assert retention["counts"]["flows_dropped"] == retention["counts"]["rejected_texts_dropped"] == 0
    assert retention["counts"]["bytes_before"] > 0
    assert told(nsp) == before
    assert before["coverage"]["unknown_fields"] == {"$.note": 56}
    shown = json.loads(nsp("status", "--format", "json").stdout)
    assert (shown["oldest_raw_record"], shown["oldest_flow"]) == ("2026-10-21T05:00:00Z", "2026-10-01T05:00:00Z")
    assert "goes back to  2026-10-01 by hourly flows, 2026-10-21 by log records" in nsp("status").stdout
    assert entry["changes"]["new_denials"] == []
    with open_store(nsp.store) as handle:
        assert handle.is_current, "the snapshot was made after the drop"

    nsp.day(1, "198.51.100.1")  # written anew, long after its records went
    nsp.night(code=3)
    found = told(nsp)
    assert found["coverage"]["records"] == before["coverage"]["records"] - 1
    assert found["coverage"]["requests"] == before["coverage"]["requests"] - 3
    monkeypatch.delenv("NSP_RETENTION_RAW_DAYS")
    assert step(nsp.night(code=3), "retention")["error"] == "neither retention.raw_days nor retention.flow_days is set"


def test_flows_go_and_coverage_says_so(nsp: Nsp, monkeypatch: pytest.MonkeyPatch) -> None:
    (nsp.export / "old.json").write_text((nsp.export / "1.json").read_text().replace("2026-10-01", "2026-08-01"))
    monkeypatch.setenv("NSP_RETENTION_FLOW_DAYS", "35")
    entry = nsp.night(code=3)
    assert step(entry, "retention")["counts"]["flows_dropped"] == 1
    found = json.loads((nsp.store / entry["found"]).read_text())
    assert found["run"]["window"]["start"] == "2026-10-01T05:00:00Z"
    findings = {each["id"]: each for each in json.loads(nsp("coverage", "--format", "json").stdout)["findings"]}
    assert "all before 2026-08-27 was dropped" in findings["flows-dropped"]["evidence"]
    again = nsp.night(code=3)
    assert step(again, "ingest-folder")["counts"]["records"] == 0, "the ledger stays"
