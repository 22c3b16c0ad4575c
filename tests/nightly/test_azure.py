"""Nights around applying and enforcing, with a Resource Manager that keeps state."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.publish.conftest import there
from tests.publish.test_cli import Nsp, nsp, past
from tests.publish.world import KEY, PERIMETER, World, item

__all__ = ["nsp", "there"]


def test_nights_before_and_after_enforcing(
    there: World,
    nsp: Nsp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NSP_INVENTORY_PERIMETER", PERIMETER)
    monkeypatch.setenv("NSP_INGEST_FOLDER", str(past(tmp_path / "export", datetime.now(UTC).replace(tzinfo=None))))
    told = tmp_path / "told.json"

    def night(code: int) -> dict[str, Any]:
        told.unlink(missing_ok=True)
        entry = nsp.json("nightly", "--notify-command", f"tee '{told}'", code=code)
        return {**entry, "steps": {each["name"]: each for each in entry["steps"]}}

    first = night(5)["steps"]
    assert first["inventory"]["status"] == "partial", "the resource itself isn't there to be asked"
    assert first["inventory"]["counts"]["perimeters"] == 1
    assert first["recommend"]["counts"]["ready"] == 1
    assert first["verify"]["status"] == "skipped"
    (proposal,) = [each for each in nsp.json("recommend")["proposals"] if each["elements"]]
    nsp("decide", "accept", proposal["id"], "--reason", "the branch")
    nsp("apply", "--yes")
    nsp("enforce", "docs", "--yes")

    second = night(5)
    assert second["steps"]["verify"]["status"] == "done"
    assert second["changes"]["new_denials"] == []

    (name,) = [each for each in there.rules() if each.startswith("nsp-")]
    there.azure.add([item(name, addressPrefixes=["0.0.0.0/0"])])
    third = night(5)
    assert third["steps"]["verify"]["status"] == "attention"
    (drift,) = third["changes"]["drift"]
    assert (drift["kind"], drift["perimeter"]) == ("drift", KEY)
    assert "1 drifted" in json.loads(told.read_text())["text"]

    monkeypatch.setenv("NSP_AZURE_AUTH", "environment")  # nobody is signed in any longer
    fourth = night(4)
    assert fourth["steps"]["inventory"]["status"] == "failed"
    assert fourth["steps"]["recommend"]["status"] in {"done", "attention"}, "on the last inventory"
    assert fourth["steps"]["verify"]["counts"] == third["steps"]["verify"]["counts"]
    assert fourth["changes"]["drift"] == [], "it was told the night before"
    assert [each["name"] for each in json.loads(told.read_text())["failed_steps"]] == ["inventory"]
    status = nsp.json("status")
    assert status["decisions"] == 1
    assert status["next"].startswith("Mend inventory: ")
    assert [each["exit_code"] for each in status["runs"]] == [4, 5, 5, 5]
