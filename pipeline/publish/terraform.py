"""Rules as Terraform resources of the azurerm provider.

Sources: terraform-provider-azurerm, network_security_perimeter_access_rule; for literals and identifiers, the HCL
native syntax specification. The provider makes a rule in its own subscription, whatever the id of the profile says.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from pipeline.errors import UsageError
from pipeline.publish.comment import comments, why
from pipeline.publish.place import PerimeterRules, digest
from pipeline.recommend.access_rule import AccessRule

RESOURCE = "azurerm_network_security_perimeter_access_rule"
ARGUMENTS = {
    "address-prefixes": "address_prefixes",
    "subscriptions": "subscription_ids",
    "service-tags": "service_tags",
    "fqdns": "fqdns",
}
COMMENT = "#"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})
_BMP = 0xFFFF


def text(perimeters: Sequence[PerimeterRules], live: Collection[str] = ()) -> str:
    """Return the configuration.

    Args:
        perimeters: with their rules; all of one subscription.
        live: ids of rules that Azure has already, lower case: they are imported.

    Raises:
        UsageError: they are of several subscriptions.
    """
    subscriptions = sorted({each.subscription for each in perimeters})
    if len(subscriptions) > 1:
        raise UsageError(
            f"The rules are for perimeters in {len(subscriptions)} subscriptions, and azurerm makes a rule in the "
            "subscription of its provider. Choose one with --perimeter, or take --output FOLDER/ for a file of each."
        )
    return "\n".join(_lines(perimeters, subscriptions[0], live)) + "\n"


def literal(value: str) -> str:
    """Return a text as an HCL string without templates."""
    escaped = value.translate(_ESCAPES).replace("${", "$${").replace("%{", "%%{")
    return f'"{"".join(each if each.isprintable() else _code(each) for each in escaped)}"'


def _code(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= _BMP else f"\\U{code:08x}"


def _lines(perimeters: Sequence[PerimeterRules], subscription: str, live: Collection[str]) -> Iterator[str]:
    yield from comments(
        COMMENT,
        (
            f"Access rules of {', '.join(f'the network security perimeter {each.name}' for each in perimeters)}.",
            f"The azurerm provider must be of the subscription {subscription}.",
        ),
    )
    for perimeter in perimeters:
        for profile in perimeter.profiles:
            for rule in profile.rules:
                yield ""
                yield from _resource(rule, perimeter.profile_id(profile.name), live)


def _resource(rule: AccessRule, profile_id: str, live: Collection[str]) -> Iterator[str]:
    label = _label(rule)
    if rule.id.lower() in live:
        yield "import {"
        yield f"  to = {RESOURCE}.{label}"
        yield f"  id = {literal(f'{profile_id}/accessRules/{rule.name}')}"
        yield "}"
        yield ""
    yield from comments(COMMENT, (why(rule),))
    yield f"resource {literal(RESOURCE)} {literal(label)} {{"
    argument = ARGUMENTS[rule.kind]
    width = len("network_security_perimeter_profile_id")
    yield f"  {'name':{width}} = {literal(rule.name)}"
    yield f"  network_security_perimeter_profile_id = {literal(profile_id)}"
    yield f"  {'direction':{width}} = {literal(rule.direction)}"
    yield f"  {argument} = ["
    yield from (f"    {literal(each)}," for each in rule.elements)
    yield "  ]"
    yield "}"


def _label(rule: AccessRule) -> str:
    """Return a label that depends on the rule's id alone: another label would make Terraform replace the rule."""
    words = re.sub(r"[^a-z0-9_-]", "_", rule.name.lower())
    return f"{'_' * words[0].isdigit()}{words}_{digest(rule.id.lower())}"
