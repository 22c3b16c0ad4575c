"""Writes a diagnostic export into Azurite as Azure does, and keeps a ledger of its own to hold results against."""

import uuid
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient

from pipeline.ingest import ingest_folder
from pipeline.store import Store, open_store
from tests.services.azurite import Azurite

FOLDER = "resourceId=/SUBSCRIPTIONS/0000/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYPERIMETERS/NSP1"

SAME = {
    "access_log": "select regexp_replace(l.name, '^.*(insights-logs-)', '') as name, a.* exclude (source_id) "
    "from access_log a join load_ledger l using (source_id)",
    "rejected_record": "select regexp_replace(l.name, '^.*(insights-logs-)', '') as name, r.* exclude (source_id) "
    "from rejected_record r join load_ledger l using (source_id)",
    "load_ledger": "select regexp_replace(name, '^.*(insights-logs-)', '') as name, loaded_bytes, pending_bytes, "
    "lines, records, rejected, head_hash, tail_hash from load_ledger",
    "traffic": "select * exclude (source_kind) from traffic",
}


def hourly(hour: int, day: int = 1, folder: str = FOLDER) -> str:
    """Name of the blob of an hour of October 2026."""
    return f"{folder}/y=2026/m=10/d={day:02d}/h={hour:02d}/m=00/PT1H.json"


class Export:
    """One export with containers of its own, so that tests can share a service.

    `written` is the writer's ledger: (container, blob) -> bytes.
    """

    def __init__(self, azurite: Azurite, port: int = 0, prefix: str = "") -> None:
        self.azurite = azurite
        self.prefix = prefix or f"insights-logs-nsp{uuid.uuid4().hex[:10]}"
        self.container = self.prefix + "publicinbound"
        self.written: dict[tuple[str, str], bytes] = {}
        self._service = BlobServiceClient.from_connection_string(azurite.connection_string(port))

    def close(self) -> None:
        for container in {container for container, _ in self.written}:
            self._service.delete_container(container)
        self._service.close()

    def blob(self, name: str, container: str = "") -> Any:
        return self._service.get_blob_client(container or self.container, name)

    def append(self, name: str, data: str | bytes, container: str = "") -> None:
        """Append as Azure's writer does, whose block need not end with a line or a character."""
        data = data.encode() if isinstance(data, str) else data
        key = (container or self.container, name)
        client = self.blob(name, container)
        if not any(each == key[0] for each, _ in self.written):
            self._service.create_container(key[0])
        if key not in self.written:
            client.create_append_blob()
        if data:
            client.append_block(data)
        self.written[key] = self.written.get(key, b"") + data

    def rewrite(self, name: str, data: str | bytes, container: str = "", kind: str = "AppendBlob") -> None:
        """Make another blob in its place."""
        data = data.encode() if isinstance(data, str) else data
        if not any(each == (container or self.container) for each, _ in self.written):
            self._service.create_container(container or self.container)
        if data:
            self.blob(name, container).upload_blob(data, blob_type=kind, overwrite=True)
        else:  # the client's upload does nothing where there is nothing to upload
            self.blob(name, container).create_append_blob()
        self.written[container or self.container, name] = data

    def delete(self, name: str, container: str = "") -> None:
        self.blob(name, container).delete_blob()
        del self.written[container or self.container, name]

    def expected(self, folder: Path) -> dict[str, list[tuple[Any, ...]]]:
        """What one clean run over the same bytes on disk gives."""
        for (container, name), data in self.written.items():
            path = folder / "export" / container / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        with open_store(folder / "clean") as store:
            ingest_folder(store, folder / "export")
            return contents(store)


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a load writes, but for numbers, times and the place where the export lies."""
    return {name: sorted(store._connection.execute(text).fetchall(), key=repr) for name, text in SAME.items()}
