"""A loopback Azure Resource Manager: holds ARM items, and serves them over TLS by their ids, as lists and in pages.

It answers as Azure Resource Manager does where that is documented: a token and an api-version that the type has are
needed, ids are matched without regard to case, errors are `{"error": {"code", "message"}}`. Which code comes with what
is modelled on azure-rest-api-specs and Microsoft Learn, not observed. It gives tokens as a managed identity's endpoint
does, so that the command itself can sign in.
"""

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.services.faults import deliver
from tests.services.log_analytics import Fault, _certificate

NETWORK = ["2024-07-01", "2025-05-01", "2025-07-01"]
PROVIDERS: dict[str, dict[str, list[str]]] = {
    "Microsoft.Network": {"networkSecurityPerimeters": NETWORK, "locations/serviceTags": NETWORK},
    "Microsoft.Storage": {
        "storageAccounts": ["2023-05-01", "2025-08-01-preview", "2024-01-01", "2025-06-01"],
        "storageAccounts/networkSecurityPerimeterConfigurations": ["2024-01-01"],
    },
    "Microsoft.KeyVault": {"vaults": ["2023-07-01", "2024-04-01-preview"]},
    "Microsoft.CognitiveServices": {"accounts": ["2025-06-01", "2025-10-01-preview"]},
    "Microsoft.Search": {"searchServices": ["2025-05-01"]},
    "Microsoft.Sql": {"servers": ["2024-11-01-preview", "2024-05-01-preview"]},
}
"""Namespace -> type -> its API versions; of Microsoft.Sql the newest are previews here."""
IDENTITY = "/identity"


class ResourceManager:
    """What a test sees and changes of the service."""

    def __init__(self) -> None:
        self.port = 0
        self.certificate = ""
        self.token = "a-token"
        self.page = 1000
        self.items: dict[str, dict[str, Any]] = {}
        self.subscriptions: set[str] = set()
        self.tags: list[Any] = []
        self.providers = json.loads(json.dumps(PROVIDERS))
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.other_methods: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.choose: Callable[[str, int], Fault | None] = lambda *_: None
        self.next_link: Callable[[str], Any] = lambda link: link
        self.stopping = threading.Event()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def add(self, items: list[dict[str, Any]]) -> None:
        """Hold items by their ids."""
        for item in items:
            self.items[item["id"].lower()] = item
            self.subscriptions.add(item["id"].split("/")[2].lower())

    def forget(self, beginning: str) -> None:
        """Delete an item and all below it."""
        whole = beginning.lower()
        self.items = {key: item for key, item in self.items.items() if key != whole and not key.startswith(f"{whole}/")}

    def paths(self) -> list[str]:
        """Return the paths asked for."""
        return [path for path, _ in self.requests]

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Return status and body of the answer to a GET."""
        parts = path.split("/")
        if "api-version" not in query:
            return _error(400, "MissingApiVersionParameter")
        if parts[1:2] != ["subscriptions"] or parts[2] not in self.subscriptions:
            return _error(404, "SubscriptionNotFound")
        if len(parts) == 5 and parts[3] == "providers":
            return self._provider(parts[4])
        versions = self._versions(path)
        if query["api-version"] not in versions:
            return _error(400, "NoRegisteredProviderFound") if versions else _error(404, "InvalidResourceType")
        return self._found(path, query)

    def _found(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if path.endswith("/servicetags"):
            return self._page(path, self.tags, query, "values")
        if path in self.items:
            return 200, self.items[path]
        above, _, kind = path.rpartition("/")
        if above.endswith("/providers/microsoft.network"):
            wanted = above.removesuffix("providers/microsoft.network")
            found = [item for key, item in self.items.items() if key.startswith(wanted) and key.split("/")[-2] == kind]
        elif above.removesuffix("/providers/microsoft.insights") in self.items:
            found = [item for key, item in self.items.items() if key.rpartition("/")[0] == path]
        else:
            return _error(404, "ResourceNotFound")
        return self._page(path, found, query, "value")

    def _provider(self, namespace: str) -> tuple[int, Any]:
        for name, types in self.providers.items():
            if name.lower() == namespace:
                listed = [{"resourceType": kind, "apiVersions": versions} for kind, versions in types.items()]
                return 200, {"namespace": name, "resourceTypes": listed}
        return _error(404, "InvalidResourceNamespace")

    def _versions(self, path: str) -> list[str]:
        """Return the API versions of the type that a path names; none where there is no such type."""
        if "/providers/microsoft.insights/diagnosticsettings" in path:
            return ["2021-05-01-preview"]
        namespace, *rest = path.rpartition("/providers/")[2].split("/")
        kinds = {f"{name}/{kind}".lower(): each for name, types in PROVIDERS.items() for kind, each in types.items()}
        kind = f"{namespace}/{'/'.join(rest[::2])}"
        if kind.startswith("microsoft.network/networksecurityperimeters"):
            return NETWORK
        if path.endswith("/servicetags"):
            return NETWORK
        return kinds.get(kind, [])

    def _page(self, path: str, found: list[Any], query: dict[str, str], key: str) -> tuple[int, Any]:
        start = int(query.get("$skiptoken", "0"))
        body: dict[str, Any] = {key: found[start : start + self.page]}
        if start + self.page < len(found):
            link = f"{self.url}{path}?api-version={query['api-version']}&$skiptoken={start + self.page}"
            body["nextLink"] = self.next_link(link)
        return 200, body


def _error(status: int, code: str) -> tuple[int, Any]:
    return status, {"error": {"code": code, "message": f"Told at length: {code}"}}


def refused(status: int = 403, code: str = "AuthorizationFailed", **more: Any) -> Fault:
    """A fault that answers as Azure Resource Manager refuses."""
    return Fault(status=status, body=_error(status, code)[1], **more)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, seen: ResourceManager) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen = seen

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body would wait for the acknowledgement of its head
    server: _Server

    def do_GET(self) -> None:
        seen = self.server.seen
        parts = urlsplit(self.path)
        path, query = unquote(parts.path).lower().rstrip("/"), dict(parse_qsl(parts.query))
        if path == IDENTITY:
            token = {"access_token": seen.token, "expires_on": "4102444800", "resource": query["resource"]}
            self._send(200 if query["resource"] == seen.url else 400, token, Fault())
            return
        with seen.lock:
            seen.requests.append((path, query))
            seen.headers.append(dict(self.headers))
            seen.at_once += 1
            seen.most_at_once = max(seen.most_at_once, seen.at_once)
            number = seen.paths().count(path)
        try:
            self._answer(path, query, seen.choose(path, number) or Fault())
        finally:
            with seen.lock:
                seen.at_once -= 1

    def _answer(self, path: str, query: dict[str, str], fault: Fault) -> None:
        seen = self.server.seen
        if fault.first:
            fault.first()
        if fault.reset:
            self._hang_up()
        elif fault.status:
            self._send(fault.status, fault.body, fault)
        elif self.headers.get("Authorization") != f"Bearer {seen.token}":
            self._send(*_error(401, "InvalidAuthenticationToken"), fault)
        else:
            self._send(*seen.answer(path, query), fault)

    def _other(self) -> None:
        self.server.seen.other_methods.append(self.command)
        self._send(*_error(405, "MethodNotAllowed"), Fault())

    do_POST = do_PUT = do_PATCH = do_DELETE = _other  # noqa: N815 -- as http.server has it

    def _send(self, status: int, body: Any, fault: Fault) -> None:
        ready = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(ready)))
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if not deliver(self, ready, fault.trickle, fault.cut, self.server.seen.stopping):
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running(folder: Path) -> Iterator[ResourceManager]:
    """Have the service running for the length of the block; its certificate lies in a folder."""
    seen = ResourceManager()
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
