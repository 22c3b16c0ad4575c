"""nsp export as people run it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.publish.form import Form
from tests.cli.test_cli import ROOT, SAMPLE, nsp, out, told
from tests.publish import readers
from tests.publish.samples import OF_TWO, bare


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ./.nsp holds the kept sample, with a file of what it recommends."""
    folder = tmp_path_factory.mktemp("sample")
    out(folder, "ingest", "folder", str(SAMPLE), NSP_INGEST_REJECTED_SHARE="0.05")
    out(folder, "inventory", "load", str(SAMPLE / "inventory.json"))
    (folder / "run.json").write_text(out(folder, "recommend", "-f", "json", code=3))
    out(folder, "export", "json", "--rules", "run.json", "-o", "rules.json")
    return folder


def test_proposed_a_run_and_its_rules_are_the_same(sample: Path) -> None:
    texts = {out(sample, "export", "bicep", "--rules", rules) for rules in ("proposed", "run.json", "rules.json")}
    assert len(texts) == 1
    assert texts != {""}


def test_the_sample_is_read_back(sample: Path, tmp_path: Path) -> None:
    run = json.loads((sample / "run.json").read_text())
    names = {each["name"] for each in run["proposals"] if each["recommended"]}
    assert names
    rules = readers.objects((sample / "rules.json").read_text())
    assert {rule.name for rule in rules} == names
    assert bare(readers.arm(out(sample, "export", "arm", "--rules", "run.json"))) == bare(rules)
    assert bare(readers.az(readers.ran(out(sample, "export", "az", "--rules", "run.json"), tmp_path))) == bare(rules)


def test_nsp_itself_takes_the_rules(sample: Path) -> None:
    tried = json.loads(out(sample, "whatif", "--rules", "rules.json", "-f", "json", code=3))
    assert tried["changes"]
    again = sample / "again"
    again.mkdir()
    out(again, "inventory", "load", str(sample / "rules.json"))
    assert '"address-prefixes"' in out(again, "inventory", "show", "rule_elements", "-f", "json")


def test_the_page_shows_what_is_written(sample: Path) -> None:
    (shown,) = re.findall(r"```bicep\n(.*?)```", (ROOT / "docs" / "export.md").read_text(), flags=re.DOTALL)
    assert out(sample, "export", "bicep", "--rules", "run.json", "--profile", "data").startswith(shown)


def test_a_file_and_a_folder(sample: Path) -> None:
    message = told(sample, "export", "bicep", "--rules", "run.json", "-o", "new/rules.bicep", code=0)
    assert "written to new/rules.bicep" in message
    text = (sample / "new" / "rules.bicep").read_text()
    assert text == out(sample, "export", "bicep", "--rules", "run.json")
    told(sample, "export", "bicep", "--rules", "run.json", "-o", "each/", code=0)
    told(sample, "export", "bicep", "--rules", "run.json", "-o", "each", code=0)
    (only,) = (sample / "each").iterdir()
    assert (only.read_text(), only.suffix, only.stem.startswith("nsp-contoso-ai-")) == (text, ".bicep", True)
    assert "can't be written" in told(sample, "export", "az", "--rules", "run.json", "-o", "run.json/x", code=1)


def test_a_run_comes_through_a_pipe(sample: Path) -> None:
    for file, text in (("run.json", "proposals"), ("rules.json", "accessRules")):
        piped = subprocess.run(
            [sys.executable, "-m", "pipeline", "export", "json", "--rules", "/dev/stdin"], cwd=sample, check=True,
            env={"PYTHONPATH": str(ROOT)}, input=(sample / file).read_bytes(), capture_output=True,
        )  # fmt: skip
        assert f'"{text}"' in (sample / file).read_text()
        assert piped.stdout == (sample / "rules.json").read_bytes()


def test_a_device_is_written_to_and_never_replaced(sample: Path) -> None:
    """The shell may have sent it to a file that holds something."""
    for words in (("export", "json", "--rules", "run.json"), ("report", "-f", "md")):
        alone = out(sample, *words)
        file = sample / "kept.txt"
        file.write_bytes(b"kept\n")
        with file.open("ab") as held:
            command = [sys.executable, "-m", "pipeline", *words, "-o", "/dev/stdout"]
            subprocess.run(command, cwd=sample, check=True, env={"PYTHONPATH": str(ROOT)}, stdout=held)
        assert file.read_bytes() == b"kept\n" + alone.encode()
        assert Path("/dev/stdout").is_symlink()


def test_terraform_imports_rules_in_force(sample: Path) -> None:
    inventory = json.loads((SAMPLE / "inventory.json").read_text())
    (sample / "live.json").write_text(json.dumps({"accessRules": inventory["accessRules"]}))
    words = ("export", "terraform", "--rules", "live.json")
    assert out(sample, *words, "--import").count("import {") == len(inventory["accessRules"])
    assert "import {" not in out(sample, *words)
    assert "import {" not in out(sample, "export", "terraform", "--rules", "run.json", "--import")
    bare_ = sample / "bare"
    bare_.mkdir()
    (bare_ / "networks.csv").write_text("name,cidr,owner\nBranch,192.0.2.0/24,\n")
    out(bare_, "inventory", "load", "networks.csv")
    assert "nsp inventory pull" in told(bare_, *words[:3], str(sample / "live.json"), "--import", code=2)
    assert "--import is for terraform" in told(sample, "export", "az", "--rules", "run.json", "--import", code=2)


def test_what_is_accepted_is_written_by_default(sample: Path) -> None:
    assert "No rule of what was asked for is accepted" in told(sample, "export", "json", code=1)
    run = json.loads((sample / "run.json").read_text())
    chosen = next(each for each in run["proposals"] if each["recommended"] and each["profile"] == "data")
    reason = "'; >pwned; ' \u202e"
    out(sample, "decide", "accept", chosen["id"], "--from", "run.json", "--reason", reason, "--who", "ann")
    (item,) = json.loads(out(sample, "export", "json"))["accessRules"]
    assert (item["name"], item["proposal"], item["reason"]) == (chosen["name"], chosen["id"], reason)
    assert "'; >pwned; ' \\u202e\n" in out(sample, "export", "az")
    assert "is accepted" in told(sample, "export", "json", "--profile", "ai-apps", code=1)
    out(sample, "decide", "reject", chosen["id"], "--from", "run.json", "--reason", "no", "--who", "ann")
    assert "is accepted" in told(sample, "export", "json", code=1)


def test_several_perimeters(tmp_path: Path) -> None:
    from pipeline.publish.export import export

    (tmp_path / "rules.json").write_text(export(OF_TWO, Form.JSON))
    words = ("export", "arm", "--rules", "rules.json")
    assert "--perimeter" in told(tmp_path, *words, code=2)
    assert len(readers.arm(out(tmp_path, *words, "--perimeter", "NSP2"))) == 1
    assert len(readers.arm(out(tmp_path, *words, "--perimeter", "nsp1", "--profile", "data"))) == 3
    told(tmp_path, *words, "-o", "both/", code=0)
    renamed = (tmp_path / "rules.json").read_text().replace("/nsp2/", "/nsp1/").replace("/NSP2/", "/NSP1/")
    (tmp_path / "twins.json").write_text(renamed.replace("/rg/", "/rg2/", 1).replace("/RG/", "/RG2/", 1))
    assert "2 perimeters are called nsp1: give an ARM id" in told(
        tmp_path, "export", "arm", "--rules", "twins.json", "--perimeter", "nsp1", code=2
    )
    assert len(list((tmp_path / "both").iterdir())) == 2
    assert not (tmp_path / ".nsp").exists(), "a file of rules needs no store"


def test_nothing_to_write_is_no_success(sample: Path) -> None:
    assert "There is no rule of what was asked for in run.json" in told(
        sample, "export", "az", "--rules", "run.json", "--profile", "x", code=1
    )
    assert "there is no file 'no.json'" in told(sample, "export", "az", "--rules", "no.json", code=2)
    assert "No such perimeter or profile" in told(
        sample, "export", "az", "--rules", "proposed", "--profile", "x", code=2
    )
    run = json.loads((sample / "run.json").read_text())
    for each in run["proposals"]:
        each["recommended"] = False
    (sample / "flagged.json").write_text(json.dumps(run))
    result = nsp(sample, "export", "az", "--rules", "run.json")
    flagged = [each for each in run["proposals"] if each["flags"] and each["elements"]]
    assert f"({len(flagged)} flagged" in result.stderr.decode()
    assert "are flagged" in told(sample, "export", "az", "--rules", "flagged.json", "-o", "none.sh", code=1)
    assert not (sample / "none.sh").exists()
