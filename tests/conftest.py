"""What all tests share: an empty store, and log records written as services write them."""

import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.extract.outcome import Outcome
from pipeline.store import Store, open_store

PERIMETER = "/SUBSCRIPTIONS/0000/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYPERIMETERS/NSP1"
STORAGE = "/subscriptions/0000/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/Docs"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept-golden", action="store_true", help="write the golden files anew")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays to the end: going over it takes a tenth of the time of all tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
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
