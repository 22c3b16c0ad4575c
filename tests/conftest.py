"""What all tests share: an empty store, and log records written as services write them."""

import gc
import json
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.extract.outcome import Outcome
from pipeline.store import Store, open_store

MEMORY = Path("/dev/shm")  # noqa: S108 -- made by mkdtemp
ROOM_BYTES = 2 << 30
"""Ten times what the tests hold at once."""
PERIMETER = "/SUBSCRIPTIONS/0000/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYPERIMETERS/NSP1"
STORAGE = "/subscriptions/0000/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/Docs"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept-golden", action="store_true", help="write the golden files anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes half a minute a test, lest one worker be busy with it when the others have nothing left."""
    items.sort(key=lambda item: item.path.name != "test_kill.py")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays to the end: going over it takes a tenth of the time of all tests."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary files in memory where there is room: a tenth of the time goes into waiting for a disk.

    Those of tests that pass are removed at once (`tmp_path_retention_policy`), so that they don't add up.
    """
    if config.option.basetemp is None and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_BYTES:
        config.option.basetemp = tempfile.mkdtemp(prefix="nsp-tests-", dir=MEMORY)
        config.add_cleanup(partial(shutil.rmtree, config.option.basetemp, ignore_errors=True))


@pytest.fixture
def _sigint_heeded() -> Iterator[None]:
    """Have SIGINT heeded here and in children: a shell's background jobs ignore it from their start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store with nothing in its tables: copying it takes a millisecond, making it forty."""
    folder = tmp_path_factory.mktemp("empty") / "store"
    open_store(folder).close()
    return folder


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    shutil.copytree(empty_store, tmp_path / "store")
    with open_store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    return folder


def record(**fields: Any) -> dict[str, Any]:
    """A record of an inbound call; dots in names reach into objects, None removes a field."""
    made: dict[str, Any] = {
        "time": "2026-10-01T04:36:54.1058756Z",
        "timeGeneratedEndTime": "2026-10-01T04:50:00.0000000Z",
        "count": 3,
        "resourceId": PERIMETER,
        "location": "westeurope",
        "operationName": "GetBlob",
        "category": "NspPublicInboundResourceRulesAllowed",
        "properties": {
            "serviceResourceId": STORAGE,
            "profile": "apps",
            "matchedRule": {"accessRule": "DefaultDenyAll"},
            "accessRulesVersion": "4",
            "source": {"ipAddress": "203.0.113.7", "port": "50196", "protocol": "HTTPS:TCP", "appId": ""},
        },
    }
    for path, value in fields.items():
        *above, name = path.split("__")
        node = made
        for part in above:
            node = node.setdefault(part, {})
        if value is None:
            node.pop(name, None)
        else:
            node[name] = value
    return made


def line(**fields: Any) -> str:
    """One compact line, as services write it."""
    return json.dumps(record(**fields), separators=(",", ":")) + "\n"


def respelled(value: Any, spell: Callable[[str], str]) -> Any:
    """A record with every key spelled another way."""
    if isinstance(value, dict):
        return {spell(key): respelled(item, spell) for key, item in value.items()}
    return value


def pascal(key: str) -> str:
    return key[:1].upper() + key[1:]


class WhenPlanned:
    """A watcher of an ingest that does something between listing and reading."""

    def __init__(self, then: Callable[[int], object]) -> None:
        self._then = then

    def planned(self, sources: int, total: int, unit: str) -> None:  # noqa: ARG002
        self._then(total)

    def read(self, count: int) -> None:
        pass

    def loaded(self, outcome: Outcome) -> None:
        pass
