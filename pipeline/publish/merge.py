"""The three-way merge: what is in force, what this tool applied last, and what is accepted -> what to do about each.

Only what this tool applied itself is ever changed or deleted. A rule that somebody else made is foreign and stays; one
of this tool that somebody changed is drift, and is overwritten only when told to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline.publish.content import Content

Key = tuple[str, str, str]
"""A rule: ARM id of its perimeter, name of its profile and its own name, all lower case: so Azure compares them."""


class Finding(StrEnum):
    """What a comparison found about one rule."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"
    IN_PLACE = "in-place"
    GONE = "gone"
    FOREIGN = "foreign"
    DRIFT = "drift"
    CONFLICT = "conflict"


TO_DO = frozenset({Finding.CREATE, Finding.CHANGE, Finding.REMOVE})


@dataclass(frozen=True, slots=True)
class Merged:
    """One rule, and what is to be done about it.

    Args:
        key: which.
        finding: create, change and remove are to be done; in-place is as accepted already; gone was ours, is there
            no more and isn't wanted; foreign is somebody else's; drift is ours and somebody changed it; conflict is
            somebody else's and has the name of an accepted rule.
        live: what is in force; None for nothing.
        last: what this tool applied last; None for nothing.
        accepted: what is accepted; None for nothing.
    """

    key: Key
    finding: Finding
    live: Content | None
    last: Content | None
    accepted: Content | None

    @property
    def is_open(self) -> bool:
        """Whether live isn't as accepted, and this tool may see to that: drift only when told to."""
        return self.finding in TO_DO or self.finding is Finding.DRIFT


def merge(
    live: Mapping[Key, Content], last: Mapping[Key, Content], accepted: Mapping[Key, Content]
) -> tuple[Merged, ...]:
    """Compare all rules.

    Args:
        live: those in force.
        last: those that this tool applied last, and didn't remove since.
        accepted: those that are to be in force.

    Returns:
        Every rule of any of the three, in order.
    """
    found = []
    for key in sorted(live.keys() | last.keys() | accepted.keys()):
        three = live.get(key), last.get(key), accepted.get(key)
        found.append(Merged(key, _finding(*three), *three))
    return tuple(found)


def _finding(live: Content | None, last: Content | None, accepted: Content | None) -> Finding:
    if live is not None and live.is_of_link:
        return Finding.CONFLICT if accepted else Finding.FOREIGN  # nobody can write it, whoever's it was
    if live == accepted:
        return Finding.IN_PLACE if accepted else Finding.GONE
    if last is None:
        return Finding.CREATE if live is None else Finding.CONFLICT if accepted else Finding.FOREIGN
    if live != last:
        return Finding.DRIFT
    return Finding.CHANGE if accepted else Finding.REMOVE
