"""Rules as a bash script of Azure CLI commands, its extension nsp. Creating a rule that is there updates it (PUT).

Sources: azure-cli-extensions, src/nsp, profile/access_rule/_create.py. Lists are written as JSON, which the shorthand
syntax of the CLI takes as well (azure-cli, doc/shorthand_syntax.md); options as --name=value, since a value may begin
with a hyphen.
"""

import json
from collections.abc import Iterator, Sequence
from shlex import quote

from pipeline.publish.place import PerimeterRules
from pipeline.publish.script import script
from pipeline.recommend.access_rule import FIELDS, AccessRule

OPTIONS = {
    "address-prefixes": "--address-prefixes",
    "subscriptions": "--subscriptions",
    "service-tags": "--service-tags",
    "fqdns": "--fqdn",
}
HEAD = (
    "#!/usr/bin/env bash",
    "# Creates or updates access rules of network security perimeters; may be run again.",
    "# Needs the extension: az extension add --name nsp",
    "set -euo pipefail",
)
NULL = "'null'"
"""The name null in the shorthand syntax, to which, bare, it would be no value."""


def text(perimeters: Sequence[PerimeterRules]) -> str:
    """Return the script.

    Args:
        perimeters: with their rules.
    """
    return script(HEAD, perimeters, _call)


def _call(perimeter: PerimeterRules, profile: str, rule: AccessRule) -> Iterator[str]:
    yield " \\\n  ".join(_command(perimeter, profile, rule))


def _command(perimeter: PerimeterRules, profile: str, rule: AccessRule) -> Iterator[str]:
    yield "az network perimeter profile access-rule create"
    elements = json.dumps(rule.properties[FIELDS[rule.direction, rule.kind]])
    for option, value in (
        ("--subscription", perimeter.subscription),
        ("--resource-group", perimeter.resource_group),
        ("--perimeter-name", perimeter.name),
        ("--profile-name", profile),
        ("--name", rule.name),
        ("--direction", rule.direction),
        (OPTIONS[rule.kind], elements),
        ("--output", "none"),
    ):
        yield f"{option}={quote(value if value != 'null' else NULL)}"
