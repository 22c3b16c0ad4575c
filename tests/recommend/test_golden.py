"""The proposals of the kept sample, word for word. `make golden` accepts new ones; read the diff."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from pipeline.ingest import ingest_folder
from pipeline.inventory import file
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import recommend
from pipeline.recommend.scope import Scope
from pipeline.store import Store

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample"
GOLDEN = Path(__file__).parent / "golden" / "sample.json"


def test_proposals_of_the_sample(store: Store, request: pytest.FixtureRequest) -> None:
    file.load(store, SAMPLE / "inventory.json")
    ingest_folder(store, SAMPLE)
    found = recommend(store, Limits(), Scope(), datetime(2026, 11, 2)).as_json()
    text = json.dumps(found, indent=1) + "\n"
    if request.config.getoption("--accept-golden"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_same_store_gives_the_same_run_and_a_quiet_night_the_same_proposals(store: Store) -> None:
    ingest_folder(store, SAMPLE)
    first, second = (recommend(store, Limits(), Scope(), datetime(2026, 11, day)).as_json() for day in (2, 3))
    assert first["run"]["id"] == second["run"]["id"]
    assert first["proposals"] == second["proposals"]


def test_without_inventory_it_still_works_and_says_so(store: Store) -> None:
    ingest_folder(store, SAMPLE)
    found = recommend(store, Limits(), Scope(), datetime(2026, 11, 2)).as_json()
    assert found["coverage"]["inventory"] is False
    assert found["coverage"]["silent_resources"] == []
    assert any(each["recommended"] for each in found["proposals"])


def test_profile_without_a_record_is_not_ready(store: Store) -> None:
    file.load(store, SAMPLE / "inventory.json")
    found = recommend(store, Limits(), Scope(), datetime(2026, 11, 2)).as_json()
    assert [each["profile"] for each in found["readiness"]] == ["ai-apps", "data"]
    assert all(not each["ready"] and each["reasons"][0].startswith("no data") for each in found["readiness"])


def test_scope_narrows_to_a_profile_and_a_window(store: Store) -> None:
    file.load(store, SAMPLE / "inventory.json")
    ingest_folder(store, SAMPLE)
    scope = Scope(since=datetime(2026, 10, 5), until=datetime(2026, 10, 12), perimeter="NSP-contoso-ai", profile="DATA")
    found = recommend(store, Limits(), scope, datetime(2026, 11, 2)).as_json()
    assert {each["profile"] for each in found["proposals"]} == {"data"}
    assert all("2026-10-05" <= each["evidence"]["first_seen"] < "2026-10-12" for each in found["proposals"])
    (readiness,) = found["readiness"]
    assert any("7 days seen" in reason for reason in readiness["reasons"])
