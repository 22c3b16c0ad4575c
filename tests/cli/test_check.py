"""nsp recommend --check and --diff as people run them."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.cli.test_cli import HOSTILE, SAMPLE, nsp, out, told
from tests.conftest import PERIMETER, line


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ./.nsp holds the kept sample."""
    folder = tmp_path_factory.mktemp("sample")
    out(folder, "ingest", "folder", str(SAMPLE), NSP_INGEST_REJECTED_SHARE="0.05")
    out(folder, "inventory", "load", str(SAMPLE / "inventory.json"))
    (folder / "narrow.toml").write_text(
        '[addresses]\nallowed = ["192.0.2.0/24"]\n[hosts]\nbanned = ["microsoft.com"]\n'
    )
    (folder / "wide.toml").write_text("")
    return folder


@pytest.fixture(scope="module")
def last(sample: Path) -> Path:
    """What a run over the sample printed."""
    path = sample / "last.json"
    path.write_text(out(sample, "recommend", "-f", "json", code=3))
    return path


def test_check_without_a_policy_says_what_to_do(sample: Path) -> None:
    message = told(sample, "recommend", "--check", code=2)
    assert "Write policy.toml" in message
    assert "docs/policy.md" in message
    assert "isn't there" in told(sample, "recommend", "--check", "--policy", "no.toml", code=2)


def test_check_exits_3_with_violations_and_0_without(sample: Path) -> None:
    words = ("recommend", "--check", "--policy", "narrow.toml")
    found = json.loads(out(sample, *words, "-f", "json", code=3))
    assert (found["policy"], found["rules"], found["elements"], found["untold_profiles"]) == (
        "narrow.toml", "in-force", 3, [],
    )  # fmt: skip
    assert [(each["rule"], each["bound"]) for each in found["violations"]] == [
        ("head-office", "addresses.allowed"), ("graph", "hosts.banned"),
    ]  # fmt: skip
    text = out(sample, *words, code=3)
    assert "2 violations" in text
    assert "head-office" in text
    assert pl.read_csv(out(sample, *words, "-f", "csv", code=3).encode()).height == 2
    assert "0 violations of wide.toml by 3 rule elements" in out(
        sample, "recommend", "--check", "--policy", "wide.toml"
    )
    empty = json.loads(out(sample, "recommend", "--check", "--policy", "wide.toml", "-f", "json"))
    assert empty["violations"] == []
    assert out(sample, "recommend", "--check", "--policy", "wide.toml", "-f", "csv").startswith("perimeter,")


def test_check_of_a_policy_beside_the_settings(sample: Path) -> None:
    beside = sample / "settings"
    beside.mkdir()
    (beside / "nsp.toml").write_text("")
    (beside / "policy.toml").write_text("[hosts]\nbanned = ['microsoft.com']\n")
    found = json.loads(out(sample, "--config", "settings/nsp.toml", "recommend", "--check", "-f", "json", code=3))
    assert [each["rule"] for each in found["violations"]] == ["graph"]


@pytest.mark.usefixtures("last")
def test_check_of_other_rules_and_of_a_part(sample: Path) -> None:
    words = ("recommend", "--check", "--policy", "narrow.toml", "-f", "json")
    assert json.loads(out(sample, *words, "--profile", "DATA"))["elements"] == 1
    proposed = json.loads(out(sample, *words, "--rules", "proposed", code=3))
    assert len(proposed["violations"]) > 2
    from_file = json.loads(out(sample, *words, "--rules", "last.json", code=3))
    assert from_file["violations"] == proposed["violations"]
    assert "No rule is accepted" in told(sample, *words, "--rules", "accepted", code=2)
    assert "nsp-contoso-ai/data" in told(sample, *words, "--profile", "typo", code=2)
    assert "leave --since" in told(sample, *words, "--since", "7d", code=2)
    assert "add --check" in told(sample, "recommend", "--rules", "in-force", code=2)
    assert "one at a time" in told(sample, *words, "--diff", "last.json", code=2)


def test_check_without_rules_is_not_fine(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("")
    (tmp_path / "x.json").write_text(line())
    out(tmp_path, "ingest", "folder", "x.json")
    assert "nothing to check" in told(tmp_path, "recommend", "--check", code=1)


def test_check_names_profiles_whose_rules_nobody_listed(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("")
    (tmp_path / "x.json").write_text(line(properties__profile="apps") + line(properties__profile="data"))
    profile = f"{PERIMETER}/profiles/apps"
    rule = {"id": f"{profile}/accessRules/r", "direction": "Inbound", "addressPrefixes": ["203.0.113.7/32"]}
    (tmp_path / "part.json").write_text(json.dumps({"profiles": [{"id": profile}], "accessRules": [rule]}))
    out(tmp_path, "ingest", "folder", "x.json")
    out(tmp_path, "inventory", "load", "part.json")
    assert "Not checked: nsp1/data" in out(tmp_path, "recommend", "--check")
    found = json.loads(out(tmp_path, "recommend", "--check", "-f", "json"))
    assert [each["profile"] for each in found["untold_profiles"]] == ["data"]


@pytest.mark.usefixtures("last")
def test_diff_of_a_quiet_night_is_empty_and_keeps_the_exit_code(sample: Path) -> None:
    found = json.loads(out(sample, "recommend", "--diff", "last.json", "-f", "json", code=3))
    assert set(found) == {"schema_version", "earlier", "run", "new", "gone", "changed", "lights"}
    assert [found[name] for name in ("new", "gone", "changed", "lights")] == [[], [], [], []]
    words = ("recommend", "--diff", "last.json", "--profile", "data")
    assert out(sample, *words, code=3).startswith("Nothing changed since 20")
    assert out(sample, *words, "-f", "csv", code=3).startswith("change,")


def test_diff_tells_what_changed(sample: Path, last: Path) -> None:
    earlier: dict[str, Any] = json.loads(last.read_text())
    earlier["proposals"][0]["recommended"] = False
    earlier["proposals"][0]["flags"] = [HOSTILE[0]]
    new = earlier["proposals"].pop(1)
    gone = {**earlier["proposals"][1], "id": "gone", "elements": [HOSTILE[7]], "kind": "fqdns"}
    earlier["proposals"].append(gone)
    earlier["readiness"][0]["lights"]["window"] = True
    (sample / "changed.json").write_text(json.dumps(earlier))
    text = out(sample, "recommend", "--diff", "changed.json", code=3)
    assert "1 new, 1 gone and 1 changed proposals, 1 changed lights" in text
    assert "window: green -> red" in text
    assert "\x1b" not in text
    found = json.loads(out(sample, "recommend", "--diff", "changed.json", "-f", "json", code=3))
    assert [found[name][0]["id"] for name in ("new", "gone", "changed")] == [
        new["id"], "gone", earlier["proposals"][0]["id"],
    ]  # fmt: skip
    assert pl.read_csv(out(sample, "recommend", "--diff", "changed.json", "-f", "csv", code=3).encode()).height == 4


def test_diff_with_a_wrong_file_says_so_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]")
    assert "nsp recommend --format json" in told(tmp_path, "recommend", "--diff", "x.json", code=2)
    assert "can't be read" in told(tmp_path, "recommend", "--diff", "no.json", code=2)
    assert nsp(tmp_path, "recommend", "--diff", ".").returncode == 2
