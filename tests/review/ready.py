"""A profile that is ready to be enforced once its callers' rules are there: what decisions make of it is told."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.ingest import ingest_folder
from pipeline.inventory import file
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import Recommendation, recommend
from pipeline.recommend.scope import Scope
from pipeline.review.decided import decided
from pipeline.review.decisions import Decisions
from pipeline.store import Store, open_store
from pipeline.tables import CATEGORIES
from tests.conftest import STORAGE, line
from tests.review.some import DAY, NOW, PERIMETER

DAYS, A_DAY = 40, 100
"""Days, and requests of each caller on each."""
FIRST, SECOND = "20.50.1.7", "20.60.1.7"


def inventory(*rules: dict[str, Any]) -> dict[str, Any]:
    """A perimeter with one profile, one member, every category logged, and some access rules."""
    return {
        "perimeters": [{"id": PERIMETER, "name": "p", "perimeterGuid": "b1d5a7c0-1111-4e4e-8f8f-00000000a001"}],
        "profiles": [{"id": f"{PERIMETER}/profiles/apps", "name": "apps", "accessRulesVersion": "4"}],
        "accessRules": [{"id": f"{PERIMETER}/profiles/apps/accessRules/{each['name']}", **each} for each in rules],
        "associations": [
            {
                "id": f"{PERIMETER}/resourceAssociations/one", "name": "one", "accessMode": "Learning",
                "publicNetworkAccess": "Enabled", "privateLinkResource": {"id": STORAGE},
                "profile": {"id": f"{PERIMETER}/profiles/apps"},
            }
        ],
        "links": [],
        "loggingConfigurations": [
            {"id": f"{PERIMETER}/loggingConfigurations/instance", "name": "instance",
             "enabledLogCategories": list(CATEGORIES)}
        ],
    }  # fmt: skip


def lines(callers: Sequence[str], days: int = DAYS, before: timedelta = timedelta()) -> str:
    """Calls of every caller on every day, up to the day before NOW less a time."""
    last = NOW - DAY - before
    return "".join(
        line(
            time=f"{last - day * DAY:%Y-%m-%dT%H:%M:%SZ}", timeGeneratedEndTime=None, count=A_DAY,
            resourceId=PERIMETER.upper(), properties__source__ipAddress=caller,
        )
        for day in range(days)
        for caller in callers
    )  # fmt: skip


def fill(store: Store, folder: Path, callers: Sequence[str] = (FIRST, SECOND), *rules: dict[str, Any]) -> None:
    """Load the inventory and the calls into a store."""
    (folder / "inventory.json").write_text(json.dumps(inventory(*rules)))
    file.load(store, folder / "inventory.json", taken_at=NOW - 50 * DAY)
    (folder / "calls.jsonl").write_text(lines(callers))
    ingest_folder(store, folder / "calls.jsonl")


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """Have a store with a profile that is ready and two callers that need a rule each, for the length of the block."""
    with open_store(folder / "store") as store:
        fill(store, folder)
        yield store


def run(store: Store, decisions: Decisions | None = None, now: datetime = NOW) -> Recommendation:
    """A run with what was decided."""
    known = decided(decisions.trail(), now) if decisions else None
    return recommend(store, Limits(), Scope(), now, decided=known)


def of(found: Recommendation) -> dict[str, dict[str, Any]]:
    """The proposals as JSON, by the address of their first element."""
    return {each.elements[0].partition("/")[0]: each.as_json() for each in found.proposals if each.elements}
