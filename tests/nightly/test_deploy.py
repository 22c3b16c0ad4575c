"""The files for schedulers: read by the tools of their kind, and their scripts run with an nsp that only ends."""

import configparser
import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pycep
import pytest
import yaml

from pipeline.settings import Settings

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
GOOD, BAD = (0, 3, 6), (1, 2, 4, 5)


def stub(folder: Path, code: int) -> Path:
    """An nsp that tells what it is called with, and ends with a code."""
    made = folder / "nsp"
    made.write_text(f'#!/bin/sh\necho "called $*"\ntest "$1" = status || exit {code}\n')
    made.chmod(0o755)
    return made


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, env={"PATH": f"{folder}:/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )


def test_systemd_units(tmp_path: Path) -> None:
    for path in (DEPLOY / "systemd").iterdir():
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/nsp/bin/nsp", sys.executable))
    service = configparser.ConfigParser(strict=True, interpolation=None)
    service.optionxform = str  # type: ignore[assignment,method-assign]
    service.read(DEPLOY / "systemd" / "nsp-nightly.service")
    assert service["Service"]["ExecStart"].split() == ["/opt/nsp/bin/nsp", "nightly", "--format", "json"]
    assert service["Service"]["SuccessExitStatus"].split() == [str(code) for code in GOOD if code]
    timer = configparser.ConfigParser(strict=True, interpolation=None)
    timer.read(DEPLOY / "systemd" / "nsp-nightly.timer")
    assert timer["Timer"]["Persistent"] == "yes"
    if analyze := shutil.which("systemd-analyze"):
        for words in (
            [analyze, "verify", "--man=no", str(tmp_path / "nsp-nightly.service"), str(tmp_path / "nsp-nightly.timer")],
            [analyze, "calendar", timer["Timer"]["OnCalendar"]],
        ):
            result = subprocess.run(words, capture_output=True, text=True, check=False)
            assert result.returncode == 0, result.stderr
            assert "nknown" not in result.stderr, "a key that systemd doesn't know"


@pytest.mark.parametrize("code", [*GOOD, *BAD])
def test_cron_line(tmp_path: Path, code: int) -> None:
    (line,) = [each for each in (DEPLOY / "cron" / "nsp-nightly").read_text().splitlines() if re.match(r"\d", each)]
    when, user, command = line.split(" ", 5)[:5], *line.split(" ", 6)[5:]
    assert len(when) == 5
    assert user == "nsp"
    assert "%" not in command, "cron would end the command there"
    nsp = stub(tmp_path, code)
    command = command.replace("/etc/nsp", str(tmp_path)).replace("/opt/nsp/bin/nsp", str(nsp))
    result = run(["sh", "-c", command], tmp_path)
    if code in GOOD:
        assert (result.returncode, result.stdout) == (0, "")
    else:
        assert (result.returncode, result.stdout) == (code, "called nightly --format json\n")


def workflow() -> dict[str, Any]:
    found = yaml.safe_load((DEPLOY / "github" / "nsp-nightly.yml").read_text())
    found["on"] = found.pop(True)  # which YAML 1.1 takes the word for
    return dict(found)


def test_workflow_keeps_to_the_schema_of_github() -> None:
    path = files("check_jsonschema") / "builtin_schemas" / "vendor" / "github-workflows.json"
    schema = json.loads(path.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [each.message for each in validator.iter_errors(workflow())] == []
    assert list(validator.iter_errors(workflow() | {"jobs": {"x": {"runs-on": 5}}})), "the schema finds mistakes"
    assert workflow()["permissions"] == {"contents": "read", "id-token": "write"}
    assert workflow()["concurrency"] == {"group": "nsp-nightly"}


def lint(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a linter that a package of its own brings."""
    tool, *rest = words
    found = [str(Path(sys.executable).with_name(str(tool))), *map(str, rest)]
    return subprocess.run(found, capture_output=True, text=True, check=False)


def test_workflow_has_no_weakness_that_zizmor_knows(tmp_path: Path) -> None:
    words = ("zizmor", "--offline", "--no-progress", "--config", Path(__file__).with_name("zizmor.yml"))
    path = DEPLOY / "github" / "nsp-nightly.yml"
    result = lint(*words, path)
    assert result.returncode == 0, result.stdout
    weak = tmp_path / "weak.yml"
    weak.write_text(path.read_text().replace("nsp status", "echo ${{ github.head_ref }}"))
    result = lint(*words, weak)
    assert result.returncode != 0
    assert "template-injection" in result.stdout


@pytest.mark.parametrize("code", [*GOOD, *BAD])
def test_workflow_step(tmp_path: Path, code: int) -> None:
    steps = workflow()["jobs"]["nightly"]["steps"]
    (script,) = [each["run"] for each in steps if each.get("name") == "Nightly"]
    stub(tmp_path, code)
    result = run(["bash", "-e", "-o", "pipefail", "-c", script], tmp_path)
    assert result.returncode == (0 if code in {0, 3} else code)
    assert "called status" in result.stdout, "it is told in any case"


@pytest.mark.parametrize("code", [*GOOD, *BAD])
def test_container_ends_as_the_platform_takes_it(tmp_path: Path, code: int) -> None:
    text = (DEPLOY / "container-apps" / "Containerfile").read_text()
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)
    shell, option, script = json.loads(entry)
    result = run([shell, option, script.replace("/opt/nsp/bin/nsp", str(stub(tmp_path, code)))], tmp_path)
    assert result.returncode == (0 if code in GOOD else code)
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001"]
    for source in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE):
        assert all((DEPLOY.parent / each).exists() for each in source.split())


def test_image_holds_all_that_the_package_is_made_of(tmp_path: Path) -> None:
    path = DEPLOY / "container-apps" / "Containerfile"
    copied = " ".join(re.findall(r"^COPY (?!--)(.*) \S+$", path.read_text(), re.MULTILINE)).split()
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())
    made_of = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {*made_of["packages"], *made_of["force-include"], project["project"]["readme"]}
    assert wanted | set(project["project"]["license-files"]) <= set(copied)
    result = lint("hadolint", path)
    assert (result.returncode, result.stdout) == (0, "")
    careless = tmp_path / "Containerfile"
    careless.write_text(path.read_text().replace(":3.11-slim\n", ":latest\n"))
    result = lint("hadolint", careless)
    assert result.returncode != 0
    assert "DL3007" in result.stdout


def test_bicep() -> None:
    content = pycep.BicepParser().parse(text=(DEPLOY / "container-apps" / "main.bicep").read_text())
    resources = content["resources"]
    properties = resources["job"]["config"]["properties"]
    assert properties["configuration"]["scheduleTriggerConfig"]["parallelism"] == 1
    (container,) = properties["template"]["containers"]
    (mount,) = container["volumeMounts"]
    (volume,) = properties["template"]["volumes"]
    assert mount["volumeName"] == volume["name"]
    given = {each["name"] for each in container["env"]}
    known = {"NSP_" + each.metadata["key"].replace(".", "_").upper() for each in fields(Settings)}
    assert given - known == {"NSP_WEBHOOK"}, "the secret itself"
    secrets = {each["name"] for each in properties["configuration"]["secrets"]}
    assert {each["secretRef"] for each in container["env"] if "secretRef" in each} == secrets
    written = [each["type"] for each in resources.values() if not each["existing"]]
    assert written.count("Microsoft.Authorization/roleAssignments") == 1
    assert resources["readsExport"]["config"]["scope"] == "exportAccount"


def test_role_reads_only() -> None:
    role = json.loads((DEPLOY / "nsp-inventory-role.json").read_text())
    assert role["Actions"]
    assert all(each.endswith("/read") for each in role["Actions"])
    assert role["DataActions"] == []
