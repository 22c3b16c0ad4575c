"""A loopback proxy that breaks chosen requests on their way to a service: by status, by cutting, by being slow."""

import contextlib
import http.client
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Fault:
    """What happens to a request.

    Args:
        status: answer with this status instead of asking the service.
        headers: of that answer.
        code: its x-ms-error-code.
        body: of that answer.
        reset: cut the connection, without an answer.
        cut: pass on only the first so many bytes of the body, then cut.
        trickle: seconds between two bytes of the body.
        hang: seconds of silence before the connection is cut.
        first: called before the service is asked.
        without: drop this parameter from the query, as a service would that doesn't know it.
        range: ask for this range of bytes in the place of another, as a proxy might; "" for the whole.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    code: str = "Injected"
    body: bytes = b""
    reset: bool = False
    cut: int = -1
    trickle: float = 0
    hang: float = 0
    first: Callable[[], object] | None = None
    without: str = ""
    range: str | None = None


Chooser = Callable[[str, str, int], Fault | None]
"""Given method, path with query and the number of the request to that path, the fault or None."""


class Proxy:
    """What a test sees of the proxy."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.choose: Chooser = lambda *_: None
        self.requests: list[tuple[str, str]] = []
        self.stopping = threading.Event()
        self.asked = threading.Condition()

    def wait_for(self, met: Callable[[], bool]) -> None:
        """Wait until the requests so far meet a condition."""
        with self.asked:
            assert self.asked.wait_for(met, timeout=60), self.requests


def deliver(handler: BaseHTTPRequestHandler, body: bytes, trickle: float, cut: int, stopping: threading.Event) -> bool:
    """Write a body whole, in single bytes so many seconds apart, or cut; False where the connection is to end."""
    if trickle:
        for byte in body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if stopping.wait(trickle):
                break
        return True
    if cut >= 0:
        handler.wfile.write(body[:cut])
        handler.wfile.flush()
        return False
    handler.wfile.write(body)
    return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.seen = Proxy(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        seen = self.server.seen
        with seen.asked:
            seen.requests.append((self.command, self.path))
            seen.asked.notify_all()
        number = seen.requests.count((self.command, self.path))
        fault = seen.choose(self.command, self.path, number) or Fault()
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault.first:
            fault.first()
        if fault.hang:
            seen.stopping.wait(fault.hang)
        if fault.reset or fault.hang:
            self._hang_up()
        elif fault.status:
            self.send_response(fault.status)
            for name, value in {
                "x-ms-error-code": fault.code,
                "Content-Length": str(len(fault.body)),
                **fault.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(fault.body)
        else:
            self._pass_on(sent, fault)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 -- as http.server has it

    def _pass_on(self, sent: bytes, fault: Fault) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.target, timeout=60)
        path = re.sub(rf"[&]?{fault.without}=[^&]*", "", self.path) if fault.without else self.path
        headers = dict(self.headers)
        if fault.range is not None:
            del headers["x-ms-range"]
            headers |= {"x-ms-range": f"bytes={fault.range}"} if fault.range else {}
        upstream.request(self.command, path, sent, headers)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "content-length", "connection", "keep-alive"}:
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(body)))
        self.end_headers()
        if not deliver(self, body, fault.trickle, fault.cut, self.server.seen.stopping):
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
            super().handle()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Have a proxy in front of a loopback port for the length of the block."""
    with _Server(target) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.seen
        finally:
            server.seen.stopping.set()
            server.shutdown()
            thread.join()
