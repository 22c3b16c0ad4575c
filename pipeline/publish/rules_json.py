"""Rules as the objects that Azure Resource Manager gives and takes, which nsp itself reads again."""

import json
from collections.abc import Iterable
from typing import Any

from pipeline.publish.arm import ACCESS_RULE
from pipeline.recommend.access_rule import AccessRule


def text(rules: Iterable[AccessRule]) -> str:
    """Return one object with the list accessRules; ASCII only, so no control or bidirectional character.

    Args:
        rules: of any perimeters, in order.
    """
    return json.dumps({"accessRules": [_item(rule) for rule in rules]}, indent=2) + "\n"


def _item(rule: AccessRule) -> dict[str, Any]:
    item: dict[str, Any] = {"id": rule.id, "name": rule.name, "type": ACCESS_RULE, "properties": rule.properties}
    told = {"proposal": rule.proposal, "reason": rule.reason}
    return {**item, **{key: value for key, value in told.items() if value}}
