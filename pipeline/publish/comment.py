"""What people read beside a rule. Reasons are text of any content: they may not end a comment, nor look like code."""

from collections.abc import Iterable, Iterator

from pipeline.recommend.access_rule import AccessRule
from pipeline.text import visible

LONGEST = 400
"""Characters of a text that a comment shows; the whole stays where it came from."""


def why(rule: AccessRule) -> str:
    """Return the proposal and the reason of a rule as one line of printable text; empty where it has neither."""
    cut = len(rule.reason) - LONGEST
    reason = rule.reason[:LONGEST] + (f" ... ({cut:,} more characters)" if cut > 0 else "")
    told = (f"proposal {rule.proposal[:LONGEST]}" if rule.proposal else "", f"reason: {reason}" if reason else "")
    return visible("; ".join(filter(None, told)))


def comments(mark: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield texts as line comments; an empty text has none.

    Args:
        mark: what a comment begins with.
        lines: of any content.
    """
    yield from (f"{mark} {visible(line)}" for line in lines if line)
