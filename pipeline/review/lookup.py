"""Finds the proposal that a person means by its id, or by the beginning of it."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import UsageError

SHORTEST = 4
"""Characters of an id that a person has to type."""
_SHOWN = 5


def proposal_of(text: str, known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return a proposal.

    Args:
        text: its id, or at least four characters of the beginning.
        known: by id.

    Raises:
        UsageError: there is none, or there are several; says which.
    """
    wanted = text.strip().lower()
    if wanted in known:
        return known[wanted]
    if len(wanted) < SHORTEST:
        raise UsageError(f"{text!r} is too short: write at least {SHORTEST} characters of the id.")
    found = sorted(each for each in known if each.startswith(wanted))
    if not found:
        raise UnknownProposalError(
            f"No proposal's id begins with {text!r}: nsp decide list shows them. Was the run of other dates or bounds? "
            "Name the same ones here, or the run that you saw by --from FILE."
        )
    if len(found) > 1:
        more = " ..." if len(found) > _SHOWN else ""
        raise UsageError(f"{text!r} could be {', '.join(found[:_SHOWN])}{more}: write more of the id.")
    return known[found[0]]


class UnknownProposalError(UsageError):
    """Nobody proposes it, and nobody decided about it."""
