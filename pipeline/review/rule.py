"""The access rule that accepting a proposal makes, with its own elements or with a person's."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.addresses import UNROUTABLE
from pipeline.errors import InventoryError
from pipeline.recommend.access_rule import AccessRule, access_rule
from pipeline.recommend.bounds import Bounds, prefix_as_written, within


def rule_of(proposal: Mapping[str, Any], elements: Sequence[str], bounds: Bounds | None, reason: str) -> AccessRule:
    """Return the rule.

    Args:
        proposal: as `nsp recommend --format json` has it.
        elements: that it shall hold.
        bounds: that they have to keep; None where that was checked when it was accepted.
        reason: why it was accepted; the proposal's own sentence takes its place where it is empty.

    Raises:
        InventoryError: Azure wouldn't take it, an element can't ever match, or exceeds the bounds. The message goes
            on after the proposal's id.
    """
    kind = proposal["kind"]
    if bounds is not None:
        for each in elements:
            _check(kind, each, bounds)
        room = bounds.max_elements - bounds.reserve
        if len(set(elements)) > room:
            raise InventoryError(f"it would hold {len(set(elements)):,} elements, where {room:,} may be.")
    return access_rule(
        (proposal["perimeter"], proposal["profile"]),
        proposal["name"],
        proposal["direction"],
        kind,
        elements,
        proposal=proposal["id"],
        reason=reason.strip() or str(proposal.get("reason", "")),
    )


def _check(kind: str, element: str, bounds: Bounds) -> None:
    if kind == "address-prefixes":
        try:
            network = prefix_as_written(element)
        except ValueError as error:
            raise InventoryError(f"it {error}") from None
        for range_, word in UNROUTABLE:
            if network.version == range_.version and network.subnet_of(range_):  # type: ignore[arg-type]
                raise InventoryError(f"{element!r} is {word}: no access rule ever matches it.")
    if exceeded := within(kind, element, bounds):
        raise InventoryError(f"{exceeded}.")
