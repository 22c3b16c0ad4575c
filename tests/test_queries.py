"""Every file of queries/ is one SELECT, with a header that tells the truth, and runs on an empty store."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipeline import sql
from pipeline.errors import UsageError
from pipeline.store import QUERY_VIEWS, Store
from pipeline.tables import ACCESS_LOG, PUBLISHED_RUN, TABLES, VIEWS
from pipeline.tables.decisions import DECISION
from pipeline.transform.load import _STAGED_LINE
from pipeline.transform.record import structure

SAMPLES: dict[str, object] = {
    "source_kind": "folder",
    "names": ["a.json"],
    "source_ids": [1],
    "start_lines": [0],
    "structure": structure("camelCase"),
    "unknown_paths": ["/a"],
    "unknown_names": ["$.a"],
    "first_perimeter": None,
    "first_service": None,
    "shapes": ["{}"],
    "source_id": 1,
    "text": "[]",
    "first_hour": None,
    "end_hour": None,
    "since": None,
    "until": None,
    "perimeter": None,
    "profile": None,
    "limit": None,
    "min_hours": 6,
    "days": 7,
    "kind": None,
    "direction": None,
    "caller": "203.0.113.7",
    "prefix": "w/",
    "first_line": 1,
    "window_starts": [datetime(2026, 10, 1)],
    "size": timedelta(hours=1),
    "columns": ["Count"],
    "unknown": ["New"],
    "tags": ["storage"],
    "moment": None,
    "now": datetime(2026, 10, 1),
    "before": datetime(2026, 10, 1),
    "resource": None,
    "snapshot_id": 1,
    "proposal_id": None,
    "objects": [""],
    "pattern": "(.*)",
    "within": ["a"],
    "after": -1,
    "admitted": None,
    "most": 10,
    "rowids": [1],
}
VERDICT = "flow bigint, verdict varchar, disagreement varchar"
SCRATCH = {
    "decision": DECISION.ddl().replace("create table if not exists", "create temp table"),  # stored by SQLite
    "line_text": "create temp table line_text (source_id bigint, line bigint, text varchar)",
    "judged_line": "create temp table judged_line (source_id bigint, line bigint, text varchar, reason varchar)",
    "record_of_line": ACCESS_LOG.ddl()
    .partition(";")[0]
    .replace(ACCESS_LOG.stored_as, "record_of_line")
    .replace("create table", "create temp table"),
    "staged_line": _STAGED_LINE.ddl(),
    "answer_text": "create temp table answer_text (text varchar)",
    "answer": "create temp table answer (columns varchar[], rows varchar[][])",
    "published_run": PUBLISHED_RUN.ddl(),
    "verdict_today": f"create temp table verdict_today ({VERDICT})",
    "compared": "create temp table compared (perimeter varchar, profile varchar, direction varchar, day date, party "
    "varchar, resource varchar, requests bigint, first_seen timestamp, last_seen timestamp, verdict_today varchar, "
    "verdict_then varchar, reason varchar, is_loss boolean, is_denied_already boolean, is_unjudged boolean)",
    "workspace_row": "create temp table workspace_row (source_id bigint, line bigint, cells varchar[])",
}


@pytest.mark.parametrize("name", sql.names())
def test_query_is_one_select_with_a_true_header(store: Store, name: str) -> None:
    query = sql.load(name)
    statements = duckdb.extract_statements(query.text)
    assert len(statements) == 1
    assert statements[0].type == duckdb.StatementType.SELECT
    assert set(statements[0].named_parameters) == set(query.parameters), "the header tells of other parameters"
    lines = query.text.splitlines()
    assert lines[0].startswith("-- ")
    assert lines[0].endswith(".")
    assert lines[1].startswith("-- reads: ")
    assert lines[2].startswith("-- grain: ")
    told = {word.split("(")[0].strip() for word in re.sub(r"\(.*?\)", "", lines[1][10:]).split(",")}
    known = (
        {table.name for table in (*TABLES, *VIEWS)}
        | {table.stored_as for table in TABLES}
        | set(QUERY_VIEWS)
        | set(SCRATCH)
    )
    body = "\n".join(text for text in lines if not text.startswith("--"))
    really = {table for table in known if re.search(rf"\b(?:from|join) {table}\b", body)}
    assert told - {"nothing"} == really
    for table in really & set(SCRATCH):
        store._connection.execute(SCRATCH[table])
    store._query(name)  # makes the views that it reads
    parameters = {parameter: SAMPLES[parameter] for parameter in query.parameters}
    assert store._connection.sql(query.text, params=parameters).columns


def test_short_name_finds_a_query_and_a_wrong_one_is_told() -> None:
    assert sql.load("flows_by_caller").name == "traffic/flows_by_caller"
    with pytest.raises(UsageError, match="No query is named 'flows_by_nothing'"):
        sql.load("flows_by_nothing")
    with pytest.raises(UsageError):
        sql.load("../pyproject")


def test_no_sql_hides_in_python() -> None:
    root = Path(__file__).parent.parent / "pipeline"
    for path in root.rglob("*.py"):
        if path.parent.name in {"store", "tables"}:
            continue  # they make the tables and write whole rows
        assert not re.search(
            r"(?i)[\"'](select|insert into|delete from|update|with)\s[^\"']*\b(from|values|set|as)\b", path.read_text()
        ), path
