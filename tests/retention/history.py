"""Logs that come, grow, shrink, are written anew and come late, by several ways: what retention has to stand."""

import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.coverage.measure import report
from pipeline.extract.windows import Window
from pipeline.ingest import ingest_folder
from pipeline.store import Store
from pipeline.transform.load_windows import load_windows
from tests.conftest import PERIMETER, line

START = datetime(2026, 10, 1)
NOW = datetime(2026, 11, 1)
DAYS = 6
CATEGORIES = ("NspPublicInboundResourceRulesAllowed", "NspPublicOutboundResourceRulesAllowed", "NspOutboundAttempt")
COLUMNS = (
    "TimeGenerated", "Count", "_ResourceId", "Category", "OperationName", "OperationVersion", "SourceIpAddress",
    "ResultDirection", "NewColumn", "nsp_ingestion_time",
)  # fmt: skip
TABLES = {
    "traffic": "from traffic",
    "hour_count": "from hour_count",
    "load_ledger": "select * exclude (loaded_at) from load_ledger",
    "rejected_record": "select source_id, line, reason from rejected_record",
}


def a_moment(chosen: random.Random) -> datetime:
    """Few hours, so that files and windows meet in them."""
    return START + timedelta(days=chosen.randrange(DAYS), hours=chosen.randrange(2), minutes=chosen.randrange(60))


def lines(count: int, seed: int) -> str:
    """Lines of a file; some have a field that nobody knows, or an address with a port."""
    chosen = random.Random(seed)
    made = []
    for _ in range(count):
        extra = {"note": "x"} if chosen.random() < 0.3 else {}
        moment = a_moment(chosen)
        made.append(
            line(
                time=f"{moment.isoformat()}Z",
                timeGeneratedEndTime=f"{(moment + timedelta(minutes=chosen.randrange(90))).isoformat()}Z",
                count=chosen.choice([None, 1, 5]),
                category=chosen.choice(CATEGORIES),
                operationVersion=chosen.choice(["1", "2", None]),
                properties__source__ipAddress=chosen.choice(["203.0.113.1", "203.0.113.1:99", "203.0.113.2", ""]),
                properties__source__appId=chosen.choice(["", "AAAA", "aaaa"]),
                properties__destination={"fullyQualifiedDomainName": chosen.choice(["A.example.", "a.example"])},
                **extra,
            )
        )
    return "".join(made)


def act(path: Path, action: str, seed: int) -> None:
    """Change a file."""
    text = path.read_text() if path.exists() else ""
    match action:
        case "append":
            path.write_text(text + lines(4, seed))
        case "append_cut":
            path.write_text(text + lines(1, seed)[: 40 + seed])
        case "rewrite":
            path.write_text(lines(5, seed + 100))
        case "shrink":
            path.write_text("".join(text.splitlines(keepends=True)[: len(text.splitlines()) // 2]))
        case "delete":
            path.unlink(missing_ok=True)
        case "bad":
            path.write_text(text + "\nno json\n")


def answer(window: datetime, count: int, seed: int) -> bytes:
    """What Log Analytics answers when it is asked for a window."""
    chosen = random.Random(seed)
    rows = [
        [
            f"{a_moment(chosen).isoformat()}Z", str(chosen.randint(1, 5)), PERIMETER, chosen.choice(CATEGORIES),
            "GetBlob", chosen.choice(["1", "2", None]), chosen.choice(["203.0.113.1", "203.0.113.3", None]),
            chosen.choice(["Inbound", "Outbound", None]), chosen.choice(["x", None]), f"{window.isoformat()}Z",
        ]
        for _ in range(count)
    ]  # fmt: skip
    columns = [{"name": name, "type": "string"} for name in COLUMNS]
    return json.dumps({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]}).encode()


def read_window(store: Store, number: int, count: int, seed: int) -> None:
    """Read a window, in the place of what was read of it before."""
    start = START + timedelta(hours=number)
    known = {row[0]: row[1] for row in store.rows("extract/loaded_windows", prefix="w/")}
    replaces = next((source for name, source in known.items() if f"{start:%Y-%m-%dT%H:%M}" in name), None)
    window = Window(start, store.rows("extract/last_source_id")[0][0] + 1, replaces, count)
    load_windows(store, "w", [window], [answer(start, count, seed)], NOW, NOW)


def load(store: Store, export: Path) -> None:
    """Load what is new of the files."""
    ingest_folder(store, export, round_bytes=3000)


def answers(store: Store, since: datetime | None = None) -> dict[str, Any]:
    """What people are told: all tables after the records, coverage, and the queries that ask for records."""
    found: dict[str, Any] = {}
    for name, text in TABLES.items():
        rows = store._connection.execute(text).fetchall()
        found[name] = sorted((row for row in rows if since is None or row[0] >= since), key=repr) if (
            since is None or name in {"traffic", "hour_count"}
        ) else []  # fmt: skip
    scope = {"since": since, "until": None, "perimeter": None, "profile": None, "limit": None}
    found["operations"] = store.frame("analysis/operation_versions", **scope).rows()
    if since is None:
        found["coverage"] = report(store)
    return found
