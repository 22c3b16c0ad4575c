"""Ingests that can be handed to another process."""

from pathlib import Path

import azure.identity.aio
import azure.monitor.query.aio
import azure.storage.blob.aio  # noqa: F401 -- imported once, for all that are forked

from pipeline.extract.account import Access, connect
from pipeline.extract.blob import Wanted
from pipeline.extract.workspace import connect as connect_workspace
from pipeline.ingest import ingest_blobs, ingest_folder, ingest_workspace
from pipeline.store import Store
from tests.services.log_analytics import WORKSPACE
from tests.services.loopback import Token


def folder(store: Store, export: Path, round_bytes: int) -> None:
    ingest_folder(store, export, round_bytes=round_bytes)


def blobs(store: Store, connection_string: str, prefix: str, round_bytes: int) -> None:
    with connect(Access(connection_string=connection_string), concurrency=4) as account:
        result = ingest_blobs(store, account, Wanted(container_prefix=prefix), round_bytes=round_bytes)
    assert result.failed == []


def workspace(store: Store, port: int, certificate: str, rows: int) -> None:
    connection = connect_workspace(
        WORKSPACE, endpoint=f"https://127.0.0.1:{port}", credential=Token(), verify=certificate
    )
    with connection as connected:
        result = ingest_workspace(store, connected, rows=rows)
    assert result.failed == []
