"""A review of a small store, really served: the sample beside a perimeter whose every log field is hostile."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.output import csv_text
from pipeline.ingest import ingest_folder
from pipeline.inventory import file
from pipeline.published.publish import publish_snapshot
from pipeline.recommend.association import Tolerance
from pipeline.recommend.bounds import Bounds
from pipeline.recommend.policy import Limits
from pipeline.review.decisions import open_decisions
from pipeline.review.page.reviewing import Desk, Review
from pipeline.review.page.server import Served
from pipeline.review.page.source import Loaded, Source
from pipeline.sample.generate import write_export
from pipeline.store import PUBLISHED, attach, open_store
from tests.conftest import line

NOW = datetime(2026, 11, 2)
LIMITS = Limits(rule_cost=16.0)
HOSTILE_PERIMETER = (
    "/subscriptions/ffffffff-0000-0000-0000-0000000000aa/resourcegroups/rg"
    "/providers/microsoft.network/networksecurityperimeters/hostile"
)
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg/onload=alert(1)>',
    '<a href="javascript:alert(1)">x</a>',
    '=HYPERLINK("http://evil.example/","x")',
    "+1+cmd|'/c calc'!A0",
    "@SUM(1+1)",
    "${alert(1)}",
    "{{constructor.constructor('alert(1)')()}}",
    "%{y}<br><b>bold</b>",
    "$\\alpha$",
    "two\nlines\r\nand\ttabs",
    "\u202egnp.exe\u202c",
    "'; drop table decision; --",
    "__proto__",
    "[link](javascript:alert(1))",
    "x" * 3000,
)


@dataclass(frozen=True)
class Wheel:
    """A review that a test may turn: what it reads, and where decisions go."""

    folder: Path
    run: dict[str, Any]

    def review(self, *, read_only: bool = False, run: dict[str, Any] | None = None, who: str = "ada", to: str = "a",
               state: Callable[[], str] = lambda: "1") -> Review:  # fmt: skip
        shown = run or self.run
        source = Source(
            run=lambda: Loaded(state(), shown), open=lambda: attach(self.folder / PUBLISHED), state=state, limits=LIMITS
        )
        desk = Desk(open_decisions(self.folder / to), Bounds(), who, read_only=read_only)
        return Review(source, desk, csv_text)


def hostile_lines() -> str:
    text = ""
    for number, hostile in enumerate(HOSTILE):
        fields: dict[str, Any] = {
            "resourceId": HOSTILE_PERIMETER,
            "properties__profile": "hostile",
            "operationName": hostile,
            "properties__serviceResourceId": f"/subscriptions/x/resourceGroups/rg/providers/p/t/{hostile}",
        }
        for day in range(1, 11):
            at = f"2026-10-{day:02}T0{number % 8}:00:00Z"
            fields |= {"time": at, "timeGeneratedEndTime": at}
            text += line(properties__source__ipAddress=f"198.18.200.{8 * number + 3}", **fields)
            caller = (
                f"/subscriptions/00000000-0000-0000-0000-{number:012}/resourceGroups/rg/providers/p/sites/{hostile}"
            )
            text += line(properties__source={"resourceId": caller, "ipAddress": f"198.19.{number}.7"}, **fields)
            text += line(
                category="NspPublicOutboundResourceRulesAllowed",
                properties__destination={"fullyQualifiedDomainName": hostile},
                properties__source=None,
                **fields,
            )
    return text + line(resourceId=HOSTILE_PERIMETER, properties__profile=HOSTILE[1])


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    folder = tmp_path_factory.mktemp("review")
    write_export(folder / "export", 3000, written=lambda _: None)
    (folder / "hostile.json").write_text(hostile_lines())
    with open_store(folder) as store:
        file.load(store, folder / "export" / "inventory.json")
        file.load(store, folder / "export" / "known-networks.csv")
        ingest_folder(store, folder / "export")
        ingest_folder(store, folder / "hostile.json")
    publish_snapshot(folder, LIMITS, Tolerance(), NOW)
    with attach(folder / PUBLISHED) as snapshot:
        run = json.loads(snapshot.whole("published_run")["run"][0])
    return Wheel(folder, run)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Review], Served]]:
    """Serves reviews for as long as the tests run."""
    running: list[tuple[Served, threading.Thread]] = []

    def started(review: Review) -> Served:
        served = Served(review)
        thread = threading.Thread(target=served.run, daemon=True)
        thread.start()
        running.append((served, thread))
        return served

    yield started
    for each, thread in running:
        each.stop()
        thread.join(5)
        assert not thread.is_alive()


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
