"""Rules as a PowerShell script of Az.Network. Creating a rule that is there updates it (PUT).

Sources: azure-powershell, New-AzNetworkSecurityPerimeterAccessRule.md. It has no parameter for service tags, so a rule
of those is given as its JSON.
"""

import json
import re
from collections.abc import Iterator, Sequence

from pipeline.publish.place import PerimeterRules
from pipeline.publish.script import script
from pipeline.recommend.access_rule import AccessRule

HEAD = (
    "#Requires -Modules Az.Network",
    "# Creates or updates access rules of network security perimeters; may be run again.",
    "Set-StrictMode -Version Latest",
    "$ErrorActionPreference = 'Stop'",
)
_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
"""What PowerShell takes for a single quote (about_Quoting_Rules, and CharTraits.IsSingleQuote of its parser)."""


def text(perimeters: Sequence[PerimeterRules]) -> str:
    """Return the script; where it isn't plain ASCII with a byte order mark, without which Windows PowerShell misreads.

    Args:
        perimeters: with their rules.
    """
    written = script(HEAD, perimeters, _call)
    return written if written.isascii() else f"\ufeff{written}"


def literal(value: str) -> str:
    """Return a text as a PowerShell string without expansion; any character but NUL may stand in one."""
    doubled = _QUOTES.sub(r"\1\1", value)
    return f"'{doubled}'"


def _call(perimeter: PerimeterRules, profile: str, rule: AccessRule) -> Iterator[str]:
    yield "$rule = @{"
    yield from (f"  {name} = {value}" for name, value in _parameters(perimeter, profile, rule))
    yield "}"
    yield "New-AzNetworkSecurityPerimeterAccessRule @rule | Out-Null"


def _parameters(perimeter: PerimeterRules, profile: str, rule: AccessRule) -> Iterator[tuple[str, str]]:
    yield "SubscriptionId", literal(perimeter.subscription)
    yield "ResourceGroupName", literal(perimeter.resource_group)
    yield "SecurityPerimeterName", literal(perimeter.name)
    yield "ProfileName", literal(profile)
    yield "Name", literal(rule.name)
    if rule.kind == "service-tags":
        yield "JsonString", literal(json.dumps({"properties": rule.properties}))
        return
    yield "Direction", literal(rule.direction)
    elements = [literal(each) for each in rule.elements]
    if rule.kind == "subscriptions":
        yield "Subscription", f"@({', '.join(f'@{{ Id = {each} }}' for each in elements)})"
    else:
        parameter = "AddressPrefix" if rule.kind == "address-prefixes" else "FullyQualifiedDomainName"
        yield parameter, f"@({', '.join(elements)})"
