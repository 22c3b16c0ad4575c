"""Ingests that can be handed to another process."""

import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import azure.identity.aio
import azure.monitor.query.aio
import azure.storage.blob.aio  # noqa: F401 -- imported once, for all that are forked

from pipeline.azure.arm_connection import Access as ArmAccess
from pipeline.azure.arm_connection import connect as connect_arm
from pipeline.azure.patience import Patience
from pipeline.azure.signin import Auth
from pipeline.extract.account import Access, connect
from pipeline.extract.blob import Wanted
from pipeline.extract.workspace import connect as connect_workspace
from pipeline.ingest import ingest_blobs, ingest_folder, ingest_workspace
from pipeline.publish import apply as publisher
from pipeline.publish.plan import Choices
from pipeline.recommend.access_rule import AccessRule
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from tests.services.log_analytics import WORKSPACE
from tests.services.loopback import Token

HASTY = Patience(attempts=4, seconds=5, pause=0.01, longest_pause=0.2)


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


def apply(port: int, certificate: str, folder: Path, accepted: list[AccessRule], call: int, told: Any) -> None:
    """Apply rules; killed at the n-th call of a function of ours where one is given; tell how many there were."""
    calls = 0

    def count(frame: Any, event: str, _: object) -> None:
        nonlocal calls
        if event == "call" and "/pipeline/" in frame.f_code.co_filename:
            calls += 1
            if calls == call:
                os.kill(os.getpid(), signal.SIGKILL)

    access = ArmAccess(
        f"https://127.0.0.1:{port}", Auth.DEFAULT, credential=Token(), verify=certificate, patience=HASTY
    )  # fmt: skip
    moment = datetime(2026, 11, 25)
    run = publisher.Run("somebody", moment, "accepted", {}, lambda: moment)
    with connect_arm(access) as manager:
        sys.setprofile(count)
        _, outcome = publisher.apply_now(manager, folder, accepted, Scope(), Choices(), run)
        sys.setprofile(None)
    assert outcome.error is None, outcome.error
    told.send(calls)
