"""What the loopback services share: HTTP over TLS on 127.0.0.1, with a certificate of their own, and faults."""

import contextlib
import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from azure.core.credentials import AccessToken
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.services.faults import deliver


@dataclass
class Fault:
    """What happens to a request instead of, or before, its answer."""

    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    empty: int = 0
    cut: int = -1
    trickle: float = 0
    hang: float = 0
    first: Callable[[], object] | None = None
    done: bool = False
    """What was asked for is done all the same."""


class Service:
    """What a test sees of any service."""

    def __init__(self) -> None:
        self.port = 0
        self.certificate = ""
        self.token = "a-token"
        self.stopping = threading.Event()


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


class Handler(BaseHTTPRequestHandler):
    """Answers, whole or broken."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body would wait for the acknowledgement of its head
    server: "_Server"

    @property
    def service(self) -> Any:
        return self.server.service

    def send(self, status: int, body: bytes, headers: dict[str, str], fault: Fault) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        for name, value in {**headers, **fault.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if not deliver(self, body, fault.trickle, fault.cut, self.service.stopping):
            self.hang_up()

    def hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, service: Any, handler: type[Handler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.service = service

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are part of the tests."""


@contextlib.contextmanager
def serving(service: Service, handler: type[Handler], folder: Path) -> Iterator[None]:
    """Have a service running for the length of the block; its certificate lies in a folder."""
    with _Server(service, handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        service.certificate, key = _certificate(folder)
        context.load_cert_chain(service.certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        service.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            service.stopping.set()
            server.shutdown()
            thread.join()


def as_body(value: Any) -> bytes:
    """JSON, or bytes as they are."""
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def _certificate(folder: Path) -> tuple[str, str]:
    """Write a self-signed certificate for loopback, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"loopback {serial}")])  # several may be trusted at once
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
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
