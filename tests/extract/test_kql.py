"""Every KQL file is understood by Microsoft's own parser against the documented table, and takes typed values only."""

import json
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline import sql
from pipeline.extract import kql
from tests.services.azurite import INSTALL, SERVICES
from tests.services.log_analytics import COLUMNS, KINDS

SAMPLES: dict[str, kql.Value] = {
    "stretch_start": datetime(2026, 10, 1),
    "stretch_end": datetime(2026, 10, 1, 1, 2, 3, 4),
    "window_size": timedelta(hours=1),
    "slices": 2,
    "slice": 1,
}
TABLE = {name: KINDS[kind] for name, kind in COLUMNS.items()}


def checked(queries: dict[str, str]) -> dict[str, Any]:
    node = shutil.which("node")
    if node is None or not (SERVICES / "node_modules" / "@kusto").exists():
        raise AssertionError(f"The Kusto language service isn't installed. Install node, then: {INSTALL}")
    given = json.dumps({"columns": TABLE, "queries": queries})
    command = [node, str(SERVICES / "kusto.js")]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=60)
    return dict(json.loads(done.stdout))


def bound(name: str) -> str:
    return kql.bind(name, {key: SAMPLES[key] for key in kql.parameters(name)})


def test_every_file_is_understood_and_has_the_columns_that_it_tells() -> None:
    found = checked({name: bound(name) for name in kql.names()})
    assert len(found) >= 5
    for name, result in found.items():
        assert result["problems"] == [], name
        told = re.search(r"^// columns: (.*)$", (sql.ROOT / f"{name}.kql").read_text(), re.MULTILINE)
        assert told, name
        columns = dict(each.split() for each in told[1].split(", ") if each != "...")
        if "..." in told[1]:
            columns |= TABLE
        assert result["columns"] == columns, name


def test_the_parser_finds_what_is_wrong() -> None:
    wrong = {
        "table": "NSPAccesLogs | take 1",
        "column": "NSPAccessLogs | where SourceAddress == ''",
        "type": "NSPAccessLogs | where TimeGenerated > 5",
        "syntax": "NSPAccessLogs | wher 1 == 1",
    }
    assert [name for name, result in checked(wrong).items() if not result["problems"]] == []


@pytest.mark.parametrize("name", kql.names())
def test_header_tells_the_values(name: str) -> None:
    text = (sql.ROOT / f"{name}.kql").read_text()
    assert re.match(r"// [^\n]+[.]\n// columns: ", text)
    for parameter in kql.parameters(name):
        assert re.search(rf"^[^/].*\b{parameter}\b", text, re.MULTILINE), f"{parameter} isn't used"


def test_values_are_written_as_typed_literals() -> None:
    text = bound("extract/window_counts")
    assert text.startswith(
        "let stretch_start = datetime(2026-10-01T00:00:00.000000Z);\n"
        "let stretch_end = datetime(2026-10-01T01:02:03.000004Z);\n"
        "let window_size = timespan(0.01:00:00);\n"
    )


@pytest.mark.parametrize("value", ["x); NSPAccessLogs", True, None, 1.5, ["a"]])
def test_other_values_are_refused(value: Any) -> None:
    values: dict[str, Any] = {"stretch_start": value, "stretch_end": SAMPLES["stretch_end"]}
    with pytest.raises(TypeError):
        kql.bind("extract/records", values)
    with pytest.raises(TypeError):
        kql.bind("extract/records", {"stretch_start": SAMPLES["stretch_start"]})
