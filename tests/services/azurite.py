"""Azurite, the blob service that Microsoft publishes for tests, as a child process on a free loopback port."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SERVICES = Path(__file__).parent
MAIN = SERVICES / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
INSTALL = f"npm ci --ignore-scripts --prefix {SERVICES.relative_to(SERVICES.parents[1])}   (make test does it)"

ACCOUNT, SECOND = "devstoreaccount1", "devstoreaccount2"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # in its documentation


@dataclass(frozen=True)
class Azurite:
    port: int
    account: str = ACCOUNT

    @property
    def second(self) -> "Azurite":
        """Another account of the same service; it has the same key."""
        return Azurite(self.port, SECOND)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.account}"

    def connection_string(self, port: int = 0, key: str = KEY) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.account};AccountKey={key};"
            f"BlobEndpoint=http://127.0.0.1:{port or self.port}/{self.account};"
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running() -> Iterator[Azurite]:
    """Have Azurite running, its blobs in memory, for the length of the block."""
    node = shutil.which("node")
    if node is None or not MAIN.exists():
        raise AssertionError(f"Azurite isn't installed. Install node 20 or newer, then: {INSTALL}")
    port = free_port()
    command = [node, str(MAIN), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    command += ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    accounts = {"AZURITE_ACCOUNTS": ";".join(f"{each}:{KEY}" for each in (ACCOUNT, SECOND))}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | accounts
    ) as process:
        try:
            _wait(process, port)
            yield Azurite(port)
        finally:
            process.kill()


def _wait(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stdout
            raise AssertionError(f"Azurite ended: {process.stdout.read()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("Azurite didn't listen within a minute")
