"""Reads proposals as `nsp recommend --format json` prints them: what a rule of them would hold."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.errors import InventoryError

Object = Mapping[str, Any]


class Parts(NamedTuple):
    """What of a proposal makes a rule, not yet looked at: texts of any content, elements of any kind."""

    perimeter: str
    profile: str
    name: str
    direction: str
    kind: str
    elements: list[str]


def parts_of(proposal: Object) -> Parts:
    """Return the parts of a proposal; the perimeter in lower case.

    Raises:
        InventoryError: one is missing, or the elements are no list of texts.
    """
    names = ("perimeter", "profile", "name", "direction", "kind")
    try:
        perimeter, profile, name, direction, kind = (str(proposal[key]) for key in names)
        elements = proposal["elements"]
    except (KeyError, TypeError) as error:
        raise unreadable(f"lacks {error}") from None
    if not isinstance(elements, list) or not all(isinstance(each, str) for each in elements):
        raise unreadable(f"has the elements {elements!r}, which are no list of texts")
    return Parts(perimeter.lower(), profile, name, direction, kind, elements)


def is_recommended(proposal: Object) -> bool:
    """Tell whether 'accept all defaults' takes a proposal.

    Raises:
        InventoryError: it doesn't say.
    """
    try:
        return bool(proposal["recommended"])
    except (KeyError, TypeError) as error:
        raise unreadable(f"lacks {error}") from None


def unreadable(what: str) -> InventoryError:
    """Return the error for a proposal that can't be read."""
    return InventoryError(f"A proposal of the file {what}; take what nsp recommend --format json prints.")
