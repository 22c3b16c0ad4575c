"""Nights over two storage accounts, a workspace and Azure Resource Manager, all of them named by one nsp.toml."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.nightly import kept
from pipeline.store import PUBLISHED, attach, open_store
from tests import forks
from tests.conftest import line
from tests.extract.conftest import service
from tests.extract.test_workspace import hour, records
from tests.forks import FORKS
from tests.nightly import jobs
from tests.nightly.test_nightly import step
from tests.publish.world import PERIMETER, PROFILE
from tests.services import azurite, faults, log_analytics, resource_manager
from tests.services.export import Export, hourly
from tests.services.loopback import Fault

__all__ = ["service"]

ATTENTION, AZURE = 3, 4
KEY = PERIMETER.lower()
EAST, WEST, WORKSPACE = (f"{KEY}-{name}" for name in ("east", "west", "workspace"))
STEPS = ["ingest-folder", "ingest-blob:east", "ingest-blob:west", "ingest-workspace", "inventory", "retention"]
Counts = dict[str, tuple[int, int]]
"""Perimeter -> records and requests."""


class Estate:
    """The services, what was written into them, and a folder with an nsp.toml that names them all."""

    def __init__(self, folder: Path, blobs: azurite.Azurite, between: faults.Proxy) -> None:
        self.folder, self.between = folder, between
        self.east = Export(blobs)
        self.west = Export(blobs.second, prefix=self.east.prefix)
        self.written: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()

    def settle(self, analytics: log_analytics.LogAnalytics, azure: resource_manager.ResourceManager) -> None:
        self.analytics, self.azure = analytics, azure
        azure.audiences.add(f"https://127.0.0.1:{analytics.port}")
        azure.add([{"id": PERIMETER, "name": "Nsp", "location": "westeurope"}, {"id": PROFILE, "name": "Apps"}])
        trusted = self.folder / "trusted.pem"
        trusted.write_text(Path(analytics.certificate).read_text() + Path(azure.certificate).read_text())
        self.variables = {
            "EAST": self.east.azurite.connection_string(),
            "WEST": self.west.azurite.connection_string(self.between.port),
            "SSL_CERT_FILE": str(trusted),
            "IDENTITY_ENDPOINT": f"{azure.url}{resource_manager.IDENTITY}",
            "IDENTITY_HEADER": "secret",
        }
        accounts = "".join(
            f'[[blob]]\nname = "{name.lower()}"\nconnection_string_env = "{name}"\n'
            f'container_prefix = "{self.east.prefix}"\n'
            for name in ("EAST", "WEST")
        )
        (self.folder / "nsp.toml").write_text(
            f'[store]\npath = "store"\n{accounts}'
            f'[workspace]\nid = "{log_analytics.WORKSPACE}"\nendpoint = "https://127.0.0.1:{analytics.port}"\n'
            f'[azure]\nauth = "managed-identity"\nresource_manager = "{azure.url}"\n'
            f'[inventory]\nperimeter = ["{PERIMETER}"]\n'
        )

    def append(self, export: Export, number: int, *counts: int) -> None:
        """Append records of an hour to its blob."""
        perimeter = EAST if export is self.east else WEST
        texts = [
            line(time=f"2026-10-01T{number:02}:{minute:02}:00Z", count=count, resourceId=perimeter)
            for minute, count in enumerate(counts)
        ]
        export.append(hourly(number), "".join(texts))
        self._note(perimeter, counts)

    def ingested(self, number: float, count: int) -> None:
        """Let records arrive in the workspace."""
        made = records(count, int(number * 10), _ResourceId=WORKSPACE)
        self.analytics.add(hour(number), made)
        self._note(WORKSPACE, [each["Count"] for each in made])

    def _note(self, perimeter: str, counts: Any) -> None:
        self.written[perimeter] += len(counts)
        self._requests[perimeter] += sum(counts)

    @property
    def expected(self) -> Counts:
        """What was written, by the writer's own ledger."""
        return {each: (self.written[each], self._requests[each]) for each in sorted(self.written)}

    def nsp(self, *words: str, code: int) -> Any:
        """Run a command as a scheduler does; return what it prints."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("NSP_", "AZURE_", "IDENTITY_"))}
        ended = forks.text(forks.nsp((*words, "--format", "json"), self.folder, {**clean, **self.variables}))
        assert ended.returncode == code, (ended.stdout, ended.stderr)
        assert azurite.KEY not in ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    def night(self, code: int) -> dict[str, Any]:
        """Run nsp nightly; return its line of the record."""
        return dict(self.nsp("nightly", code=code))

    def forked(self, code: int) -> dict[str, Any]:
        """The same in a process that has imported everything."""
        assert self.killed(self.folder / "store") == code
        return kept.entries(self.folder / "store")[-1]

    def killed(self, store: Path, event: str = "", name: str = "", skip: int = 0) -> int | None:
        """Run it in a child that is killed at a place in its code; return how it ended."""
        process = FORKS.Process(target=jobs.night_of_services, args=(store, self.variables, event, name, skip))
        process.start()
        process.join()
        return process.exitcode

    def published(self) -> Counts:
        """What people read."""
        return _counts(attach(self.folder / "store" / PUBLISHED))


def _counts(store: Any) -> Counts:
    with store:
        text = "select perimeter, sum(records)::int, sum(requests)::int from traffic group by all"
        return {row[0]: row[1:] for row in sorted(store._connection.execute(text).fetchall())}


@pytest.fixture
def estate(service: azurite.Azurite, tmp_path: Path) -> Iterator[Estate]:
    for name in ("analytics", "azure"):
        (tmp_path / name).mkdir()
    with (
        faults.proxy(service.port) as between,
        log_analytics.running(tmp_path / "analytics") as analytics,
        resource_manager.running(tmp_path / "azure") as azure,
    ):
        made = Estate(tmp_path, service, between)
        made.settle(analytics, azure)
        for number in range(4):
            made.append(made.east, number, 3, 4)
            made.append(made.west, number, 5)
            made.ingested(number + 0.3, 6)
        yield made
        made.east.close()
        made.west.close()


def counts(entry: dict[str, Any], name: str) -> tuple[int, int]:
    """What a step loaded: blobs or windows, and records."""
    found = step(entry, name)["counts"]
    assert (found["rejected"], found["failed"]) == (0, 0)
    return found["loaded"], found["records"]


def test_nights_load_what_is_new_of_each_place_and_bear_one_that_is_down(estate: Estate) -> None:
    first = estate.night(ATTENTION)
    assert [each["name"] for each in first["steps"]][: len(STEPS)] == STEPS
    assert [counts(first, name) for name in STEPS[1:4]] == [(4, 8), (4, 4), (4, 24)]
    assert step(first, "inventory")["counts"]["perimeters"] == 1
    assert estate.published() == estate.expected

    estate.append(estate.east, 3, 7)
    estate.append(estate.west, 4, 1, 1)
    estate.analytics.now += timedelta(hours=4)
    estate.ingested(12.5, 9)
    second = estate.forked(ATTENTION)
    assert [counts(second, name) for name in STEPS[1:4]] == [(1, 1), (1, 2), (1, 9)]
    assert estate.published() == estate.expected

    before = estate.expected
    estate.append(estate.east, 4, 2)
    estate.append(estate.west, 5, 8, 8, 8)
    estate.analytics.now += timedelta(hours=4)
    estate.ingested(16.5, 5)
    estate.between.choose = lambda *_: faults.Fault(status=403, code="AuthorizationFailure")
    estate.analytics.choose = lambda _, number: Fault(503) if number == 1 else None
    third = estate.night(AZURE)
    west = step(third, "ingest-blob:west")
    assert (west["status"], west["code"]) == ("failed", AZURE)
    assert "forbids it (403 AuthorizationFailure)" in west["error"]
    assert counts(third, "ingest-blob:east") == (1, 1)
    assert counts(third, "ingest-workspace") == (1, 5), "it was out of order for a moment"
    assert [step(third, name)["status"] for name in ("recommend", "report")] == ["attention", "done"]
    assert estate.published() == {**estate.expected, WEST: before[WEST]}, "the rest is usable"

    estate.between.choose = lambda *_: None
    estate.analytics.choose = lambda *_: None
    fourth = estate.forked(ATTENTION)
    assert [counts(fourth, name) for name in STEPS[1:4]] == [(0, 0), (1, 3), (0, 0)]
    assert estate.published() == estate.expected
    assert [each["exit_code"] for each in kept.entries(estate.folder / "store")] == [3, 3, 4, 3]
    (row,) = estate.nsp("ingest", "workspace", "--workspace", log_analytics.WORKSPACE, code=0)
    assert (row["workspace"], row["files_loaded"], row["records"]) == (log_analytics.WORKSPACE, 0, 0)


PLACES = [
    ("return", "load_round", 0, "ingest-blob:east"),
    ("return", "load_round", 1, "ingest-blob:west"),
    ("return", "load_windows", 0, "ingest-workspace"),
]


def _held(store: Path) -> dict[str, Any]:
    """What a night leaves, but for its times."""
    texts = {
        "ledger": "select place, name, loaded_bytes, lines, records, rejected from load_ledger order by all",
        "traffic": "from traffic order by all",
        "hours": "from hour_count order by all",
        "marks": "from load_mark order by all",
        "inventory": "select perimeter, content_hash, gone, gaps from inventory_perimeter order by all",
    }
    with open_store(store, read_only=True) as warehouse:
        return {name: warehouse._connection.execute(text).fetchall() for name, text in texts.items()}


def test_a_night_that_is_killed_at_any_place_is_made_good(estate: Estate) -> None:
    clean = estate.folder / "store"
    assert estate.killed(clean) == ATTENTION
    expected = _held(clean)
    assert estate.published() == estate.expected
    for event, name, skip, at in PLACES:
        store = estate.folder / f"killed-{at.replace(':', '-')}"
        assert estate.killed(store, event, name, skip) == -signal.SIGKILL
        assert estate.killed(store) == ATTENTION
        assert _held(store) == expected, at
        interrupted, whole = kept.entries(store)
        assert [each["name"] for each in interrupted["steps"]] == [at]
        assert whole["exit_code"] == ATTENTION
