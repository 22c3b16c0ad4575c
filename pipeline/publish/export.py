"""Writes rules in one of the forms: one text for all, or one for each perimeter."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import PublishError, UsageError
from pipeline.publish import arm, az, bicep, powershell, rules_json, terraform
from pipeline.publish.check import check
from pipeline.publish.form import API_VERSION, EXTENSIONS, OF_ONE_PERIMETER, RESOURCES, Form, checked_version
from pipeline.publish.place import PerimeterRules, by_perimeter
from pipeline.recommend.access_rule import AccessRule


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen of a form.

    Args:
        api_version: of Microsoft.Network, for Bicep and ARM; None for the default.
        live: ids of rules that Azure has already, lower case; Terraform imports them, the others overwrite them.
    """

    api_version: str | None = None
    live: Collection[str] = ()


def export(rules: Sequence[AccessRule], form: Form, options: Options = Options()) -> str:
    """Return rules as one text; the same for the same rules, in whatever order they come.

    Args:
        rules: all of them.
        form: how to write them.
        options: of the form.

    Raises:
        PublishError: there is none, or they can't stand together; see pipeline.publish.check.
        UsageError: the form can't hold several perimeters, or has no such option.
    """
    check(rules)
    perimeters = by_perimeter(rules)
    if form in OF_ONE_PERIMETER and len(perimeters) > 1:
        names = ", ".join(each.name for each in perimeters)
        raise UsageError(
            f"{form} is deployed into the resource group of one perimeter, and the rules are for {names}. Choose one "
            "with --perimeter, or take --output FOLDER/ for a file of each."
        )
    return _text(perimeters, form, options)


def export_each(rules: Sequence[AccessRule], form: Form, options: Options = Options()) -> dict[str, str]:
    """Return the texts of each perimeter by file name. Arguments and errors are as of `export`."""
    check(rules)
    return {f"{each.file}.{EXTENSIONS[form]}": _text((each,), form, options) for each in by_perimeter(rules)}


def _text(perimeters: Sequence[PerimeterRules], form: Form, options: Options) -> str:
    if options.api_version is not None and form not in OF_ONE_PERIMETER:
        raise UsageError(f"--api-version is for arm and bicep; {form} has no place for one.")
    if form in OF_ONE_PERIMETER and len(perimeters[0].rules) > RESOURCES:
        raise PublishError(
            f"{perimeters[0].name} has {len(perimeters[0].rules):,} rules, and a deployment takes {RESOURCES}. "
            "Export its profiles one by one: --profile NAME."
        )
    version = API_VERSION if options.api_version is None else checked_version(options.api_version)
    match form:
        case Form.BICEP:
            return bicep.text(perimeters[0], version)
        case Form.ARM:
            return arm.text(perimeters[0], version)
        case Form.TERRAFORM:
            return terraform.text(perimeters, options.live)
        case Form.AZ:
            return az.text(perimeters)
        case Form.POWERSHELL:
            return powershell.text(perimeters)
        case Form.JSON:
            return rules_json.text(_rules(perimeters))


def _rules(perimeters: Iterable[PerimeterRules]) -> list[AccessRule]:
    return [rule for each in perimeters for rule in each.rules]
