"""Rules as a Bicep file of one perimeter, deployed into its resource group.

Sources: as for pipeline.publish.arm; for literals, azure-docs, azure-resource-manager/bicep/data-types.
"""

import re
import shlex
from collections.abc import Iterator
from typing import Any

from pipeline.publish.arm import ACCESS_RULE, PERIMETER, PROFILE
from pipeline.publish.comment import comments, why
from pipeline.publish.place import PerimeterRules, digest

COMMENT = "//"
_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "$": "\\$"})


def text(perimeter: PerimeterRules, api_version: str) -> str:
    """Return the Bicep file.

    Args:
        perimeter: with its rules.
        api_version: of Microsoft.Network.
    """
    return "\n".join(_lines(perimeter, api_version)) + "\n"


def literal(value: str) -> str:
    """Return a text as a Bicep string without interpolation."""
    escaped = value.translate(_ESCAPES)
    shown = (each if each.isprintable() else f"\\u{{{ord(each):x}}}" for each in escaped)
    return f"'{''.join(shown)}'"


def _lines(perimeter: PerimeterRules, api_version: str) -> Iterator[str]:
    scope = f"--subscription {perimeter.subscription} --resource-group={shlex.quote(perimeter.resource_group)}"
    deploy = f"az deployment group create {scope} --template-file FILE"
    yield from comments(COMMENT, (f"Access rules of the network security perimeter {perimeter.name}.", deploy))
    yield "targetScope = 'resourceGroup'"
    yield ""
    yield f"resource perimeter {literal(f'{PERIMETER}@{api_version}')} existing = {{"
    yield f"  name: {literal(perimeter.name)}"
    yield "}"
    for profile in perimeter.profiles:
        symbol = _symbol("profile", profile.name)
        yield ""
        yield f"resource {symbol} {literal(f'{PROFILE}@{api_version}')} existing = {{"
        yield "  parent: perimeter"
        yield f"  name: {literal(profile.name)}"
        yield "}"
        for rule in profile.rules:
            yield ""
            yield from comments(COMMENT, (why(rule),))
            yield f"resource {_symbol('rule', profile.name, rule.name)} {literal(f'{ACCESS_RULE}@{api_version}')} = {{"
            yield f"  parent: {symbol}"
            yield f"  name: {literal(rule.name)}"
            yield f"  properties: {_value(rule.properties, '  ')}"
            yield "}"


def _symbol(kind: str, *names: str) -> str:
    """Return an identifier; of names that differ in a sign that none may hold, the digest differs."""
    words = re.sub(r"[^A-Za-z0-9]", "_", names[-1])
    return f"{kind}_{words}_{digest('/'.join(names).lower())}"


def _value(value: Any, indent: str) -> str:
    if isinstance(value, str):
        return literal(value)
    deeper = f"{indent}  "
    if isinstance(value, dict):
        inner = [f"{deeper}{key}: {_value(item, deeper)}" for key, item in value.items()]
        return "\n".join(["{", *inner, f"{indent}}}"])
    return "\n".join(["[", *(f"{deeper}{_value(item, deeper)}" for item in value), f"{indent}]"])
