"""A loopback Log Analytics: speaks the query API over TLS and executes the very KQL that it is sent.

There is no emulator. The text is translated by duckdb-kql and runs on a DuckDB table, so slices really slice; only
`ingestion_time()` becomes a hidden column. Limits, lateness, throttling and faults are modelled on the documentation
(Azure Monitor: query limits, errors of the query API), not observed.
"""

import contextlib
import datetime as dt
import ipaddress
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import duckdb
import duckdb_kql
from azure.core.credentials import AccessToken
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.tables import ACCESS_LOG
from tests.services.faults import deliver

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


@dataclass
class Fault:
    """What happens to a query instead of, or before, its answer."""

    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    empty: int = 0
    cut: int = -1
    trickle: float = 0
    hang: float = 0
    first: Callable[[], object] | None = None


class LogAnalytics:
    """What a test sees and changes of the service."""

    def __init__(self) -> None:
        self.port = 0
        self.certificate = ""
        self.now = dt.datetime(2026, 10, 3, 12)
        self.most_rows = 500_000
        self.most_bytes = 64_000_000
        self.token = "a-token"
        self.queries: list[str] = []
        self.choose: Callable[[str, int], Fault | None] = lambda *_: None
        self.stopping = threading.Event()
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


class Token:
    """A credential of the aio kind that gives one token."""

    def __init__(self, token: str = "a-token") -> None:
        self._token = token

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(self._token, 4102444800)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, seen: LogAnalytics) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen = seen

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        seen = self.server.seen
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        text = request["query"]
        seen.queries.append(text)
        fault = seen.choose(text, seen.queries.count(text)) or Fault()
        if fault.first:
            fault.first()
        if fault.hang:
            seen.stopping.wait(fault.hang)
        if fault.reset or fault.hang:
            self._hang_up()
        elif fault.empty:
            self._send(fault.empty, b"", fault)
        elif fault.status:
            self._send(fault.status, json.dumps(fault.body or {}).encode(), fault)
        elif self.headers.get("Authorization") != f"Bearer {seen.token}":
            self._send(401, json.dumps({"error": {"code": "AuthorizationRequiredError"}}).encode(), fault)
        elif self.path != f"/v1/workspaces/{WORKSPACE}/query":
            missing = {"message": "The requested path does not exist", "code": "PathNotFoundError"}
            self._send(404, json.dumps({"error": missing}).encode(), fault)
        else:
            status, body = seen.answer(text)
            ready = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
            self._send(status, ready, fault)

    def _send(self, status: int, body: bytes, fault: Fault) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if not deliver(self, body, fault.trickle, fault.cut, self.server.seen.stopping):
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running(folder: Path) -> Iterator[LogAnalytics]:
    """Have the service running for the length of the block; its certificate lies in a folder."""
    seen = LogAnalytics()
    with _Server(seen) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        seen.certificate, key = _certificate(folder)
        context.load_cert_chain(seen.certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        seen.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            seen.stopping.set()
            server.shutdown()
            thread.join()


def _certificate(folder: Path) -> tuple[str, str]:
    """Write a self-signed certificate for loopback, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(paths[0]), str(paths[1])
