"""What Azure would refuse is refused before anything is written, with words that say what to do."""

from dataclasses import replace

import pytest

from pipeline.errors import NspError, PublishError, UsageError
from pipeline.publish.export import Options, export, export_each
from pipeline.publish.form import Form
from pipeline.recommend.access_rule import AccessRule, access_rule
from tests.publish.samples import FIRST, OF_TWO, OF_TWO_SUBSCRIPTIONS, RULES

PLACE = (FIRST, "Data")


def hosts(name: str, count: int, profile: str = "Data") -> AccessRule:
    names = [f"{name}-{number}.example.com" for number in range(count)]
    return access_rule((FIRST, profile), name, "Outbound", "fqdns", names)


def prefixes(name: str, count: int) -> AccessRule:
    return access_rule(
        PLACE, name, "Inbound", "address-prefixes", [f"203.0.{n // 256}.{n % 256}" for n in range(count)]
    )


@pytest.mark.parametrize("form", Form)
def test_two_hundred_elements_a_profile_and_direction(form: Form) -> None:
    fine = [hosts("a", 100), hosts("b", 100), prefixes("c", 200), hosts("d", 200, "other")]
    assert export(fine, form)
    with pytest.raises(PublishError, match=r"outbound rules of the profile Data of nsp1 have 201 elements.*takes 200"):
        export([*fine, hosts("e", 1)], form)
    with pytest.raises(PublishError, match="inbound rules of the profile Data of nsp1 have 201"):
        export([*fine, replace(prefixes("e", 1), profile="DATA")], form)


@pytest.mark.parametrize("form", Form)
def test_two_rules_of_one_name(form: Form) -> None:
    with pytest.raises(PublishError, match="Two rules of the profile Data are named branch"):
        export([*RULES, hosts("branch", 1)], form)
    with pytest.raises(PublishError, match=r"BRANCH .branch: Azure doesn't tell capitals"):
        export([*RULES, hosts("BRANCH", 1, "data")], form)


@pytest.mark.parametrize("form", Form)
def test_no_rule(form: Form) -> None:
    with pytest.raises(PublishError, match="no rule to export"):
        export([], form)


@pytest.mark.parametrize("form", [Form.ARM, Form.BICEP])
def test_a_deployment_is_of_one_perimeter(form: Form) -> None:
    with pytest.raises(UsageError, match=r"one perimeter, and the rules are for nsp2, nsp1.*--perimeter.*--output"):
        export(OF_TWO, form)
    assert len(export_each(OF_TWO, form)) == 2


def test_terraform_is_of_one_subscription() -> None:
    assert export(OF_TWO, Form.TERRAFORM)
    with pytest.raises(UsageError, match=r"2 subscriptions.*--perimeter.*--output"):
        export(OF_TWO_SUBSCRIPTIONS, Form.TERRAFORM)
    assert len(export_each(OF_TWO_SUBSCRIPTIONS, Form.TERRAFORM)) == 2


@pytest.mark.parametrize("form", [Form.ARM, Form.BICEP])
def test_a_deployment_takes_800_resources(form: Form) -> None:
    many = [hosts(f"r{number}", 1, f"p{number // 200}") for number in range(801)]
    with pytest.raises(PublishError, match=r"801 rules, and a deployment takes 800.*--profile"):
        export(many, form)
    assert export(many[:800], form)
    assert export(many, Form.AZ)


@pytest.mark.parametrize(
    "version", ["2025-13-01", "2025-5-1", "2023-06-30", "2025-05-01\n", "2025-05-01-beta", "", "x'y", "٢٠٢٥-05-01"]
)  # fmt: skip
def test_what_is_no_api_version(version: str) -> None:
    with pytest.raises(UsageError, match="no API version of access rules: write 2025-05-01"):
        export(RULES, Form.BICEP, Options(version))


@pytest.mark.parametrize("form", [Form.AZ, Form.TERRAFORM, Form.POWERSHELL, Form.JSON])
def test_other_forms_name_no_api_version(form: Form) -> None:
    with pytest.raises(UsageError, match=f"--api-version is for arm and bicep; {form} has no place"):
        export(RULES, form, Options("2025-05-01"))


def test_errors_have_exit_codes() -> None:
    assert (PublishError("").exit_code, UsageError("").exit_code) == (1, 2)
    assert issubclass(PublishError, NspError)
