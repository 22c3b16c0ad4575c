"""Rules as an Azure Resource Manager template of one perimeter, deployed into its resource group.

Sources: Microsoft.Network/networkSecurityPerimeters/profiles/accessRules in azure-rest-api-specs, 2025-05-01; for the
template, its syntax and limits, azure-docs, azure-resource-manager/templates.
"""

import json
from typing import Any

from pipeline.publish.comment import why
from pipeline.publish.place import PerimeterRules

PERIMETER = "Microsoft.Network/networkSecurityPerimeters"
PROFILE = f"{PERIMETER}/profiles"
ACCESS_RULE = f"{PROFILE}/accessRules"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def text(perimeter: PerimeterRules, api_version: str) -> str:
    """Return the template.

    Args:
        perimeter: with its rules.
        api_version: of Microsoft.Network.
    """
    resources = []
    for profile in perimeter.profiles:
        for rule in profile.rules:
            resource: dict[str, Any] = {
                "type": ACCESS_RULE,
                "apiVersion": api_version,
                "name": f"{perimeter.name}/{profile.name}/{rule.name}",
            }
            if told := why(rule):
                resource["comments"] = told
            resources.append({**resource, "properties": rule.properties})
    template = {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "metadata": {
            "description": "Access rules of a network security perimeter; deploy into its resource group",
            "subscription": perimeter.subscription,
            "resourceGroup": perimeter.resource_group,
        },
        "resources": resources,
    }
    # ASCII only, so no control or bidirectional character
    return json.dumps(_literal(template), indent=2) + "\n"


def _literal(value: Any) -> Any:
    """Return a value with every text as such: one that begins with a bracket would be an expression."""
    if isinstance(value, dict):
        return {key: _literal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return f"[{value}" if isinstance(value, str) and value.startswith("[") else value
