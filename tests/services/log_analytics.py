"""A loopback Log Analytics: speaks the query API over TLS and executes the very KQL that it is sent.

There is no emulator. The text is translated by duckdb-kql and runs on a DuckDB table, so slices really slice; only
`ingestion_time()` becomes a hidden column. Limits, lateness, throttling and faults are modelled on the documentation
(Azure Monitor: query limits, errors of the query API), not observed.
"""

import contextlib
import datetime as dt
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import duckdb_kql

from pipeline.tables import ACCESS_LOG
from tests.services.loopback import Fault, Handler, Service, as_body, serving

WORKSPACE = "11111111-2222-4333-8444-555555555555"
HIDDEN = "hidden_ingestion_time"
COLUMNS = {
    **{column.workspace: "VARCHAR" for column in ACCESS_LOG.columns if column.workspace},
    "TimeGenerated": "TIMESTAMP",
    "TimeGeneratedEndTime": "TIMESTAMP",
    "Count": "INTEGER",
    "_SubscriptionId": "VARCHAR",
    "SourceSystem": "VARCHAR",
    "TenantId": "VARCHAR",
    "Type": "VARCHAR",
}
"""The 40 columns of the table reference, less the two of billing."""
KINDS = {"TIMESTAMP": "datetime", "VARCHAR": "string", "INTEGER": "int", "BIGINT": "long"}


class LogAnalytics(Service):
    """What a test sees and changes of the service."""

    def __init__(self) -> None:
        super().__init__()
        self.now = dt.datetime(2026, 10, 3, 12)
        self.most_rows = 500_000
        self.most_bytes = 64_000_000
        self.queries: list[str] = []
        self.workspaces = {WORKSPACE}
        self.choose: Callable[[str, int], Fault | None] = lambda *_: None
        self._lock = threading.Lock()
        self._connection = duckdb.connect()
        self._connection.execute("set TimeZone = 'UTC'")
        self.create()

    def create(self, columns: dict[str, str] | None = None) -> None:
        """Make the table anew, with other columns if wanted."""
        stored = ", ".join(f'"{name}" {kind}' for name, kind in (columns or COLUMNS).items())
        with self._lock:
            self._connection.execute("drop table if exists NSPAccessLogs")
            self._connection.execute(f"create table NSPAccessLogs ({stored}, {HIDDEN} TIMESTAMP)")

    def drop(self) -> None:
        self._connection.execute("drop table NSPAccessLogs")

    def add(self, ingested: dt.datetime, records: list[dict[str, Any]]) -> None:
        """Let records become visible that carry a time of ingestion."""
        with self._lock:
            for record in records:
                names = [*record, HIDDEN]
                marks = ", ".join("?" for _ in names)
                quoted = ", ".join(f'"{name}"' for name in names)
                self._connection.execute(
                    f"insert into NSPAccessLogs ({quoted}) values ({marks})", [*record.values(), ingested]
                )

    def execute(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run SQL on the service's own table."""
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    def answer(self, text: str) -> tuple[int, Any]:
        """Return status and body of the answer to a query."""
        rewritten = re.sub(r"\bingestion_time\(\)", HIDDEN, text)
        try:
            with self._lock:
                relation = duckdb_kql.query(
                    self._connection, rewritten, query_now=self.now.replace(tzinfo=dt.UTC), allow_write=False
                )
                names, kinds, rows = relation.columns, [str(kind) for kind in relation.types], relation.fetchall()
        except duckdb.CatalogException:
            return 400, _semantic(
                "'where' operator: Failed to resolve table or column expression named 'NSPAccessLogs'"
            )
        except duckdb.BinderException as error:
            return 400, _semantic(str(error))
        kept = [index for index, name in enumerate(names) if name != HIDDEN]
        found = [[_cell(row[index]) for index in kept] for row in rows]
        table = {
            "name": "PrimaryResult",
            "columns": [{"name": names[index], "type": KINDS.get(kinds[index], "string")} for index in kept],
            "rows": found[: self.most_rows],
        }
        body: dict[str, Any] = {"tables": [table]}
        if len(found) > self.most_rows:
            body["error"] = _partial(f"The results of this query exceed the set limit of {self.most_rows} records.")
        else:
            size = 0
            for count, row in enumerate(found):
                size += len(json.dumps(row))
                if size > self.most_bytes:
                    table["rows"] = found[:count]
                    limit = f"The results of this query exceed the set limit of {self.most_bytes} bytes"
                    body["error"] = _partial(f"{limit}, so not all records were returned")
                    break
        return 200, body


def _cell(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%f}0Z"  # seven digits
    return value


def _semantic(message: str) -> dict[str, Any]:
    return {
        "error": {
            "message": "The request had some invalid properties",
            "code": "BadArgumentError",
            "innererror": {
                "code": "SemanticError",
                "message": "A semantic error occurred.",
                "innererror": {"code": "SEM0100", "message": message},
            },
        }
    }


def _partial(message: str) -> dict[str, Any]:
    return {
        "code": "PartialError",
        "message": "There were some errors when processing your query.",
        "details": [
            {
                "code": "EngineError",
                "message": "Something went wrong processing your query on the server.",
                "innererror": {"code": "-2133196797", "message": message, "severity": 2, "severityName": "Error"},
            }
        ],
    }


class _Handler(Handler):
    def do_POST(self) -> None:  # noqa: N802 -- as http.server has it
        seen: LogAnalytics = self.service
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        text = request["query"]
        seen.queries.append(text)
        fault = seen.choose(text, seen.queries.count(text)) or Fault()
        if fault.first:
            fault.first()
        if fault.hang:
            seen.stopping.wait(fault.hang)
        if fault.reset or fault.hang:
            self.hang_up()
        elif fault.empty:
            self.send(fault.empty, b"", {}, fault)
        elif fault.status:
            self.send(fault.status, as_body(fault.body or {}), {}, fault)
        elif self.headers.get("Authorization") != f"Bearer {seen.token}":
            self.send(401, as_body({"error": {"code": "AuthorizationRequiredError"}}), {}, fault)
        elif self.path not in {f"/v1/workspaces/{each}/query" for each in seen.workspaces}:
            missing = {"message": "The requested path does not exist", "code": "PathNotFoundError"}
            self.send(404, as_body({"error": missing}), {}, fault)
        else:
            status, body = seen.answer(text)
            self.send(status, as_body(body), {}, fault)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[LogAnalytics]:
    """Have the service running for the length of the block; its certificate lies in a folder."""
    seen = LogAnalytics()
    with serving(seen, _Handler, folder):
        yield seen
