"""Checks that a trail of decisions is as it was recorded: each hash holds the one before it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.review.decision import NO_HASH, digest, of_row


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the trail found.

    Args:
        count: decisions that hold together, from the first on.
        head: hash of the last of them; note it elsewhere, and a later check can tell that nothing was cut off.
        broken: number of the first decision that isn't as it was recorded; None where all are.
        sentence: what is wrong; empty where nothing is.
    """

    count: int
    head: str
    broken: int | None = None
    sentence: str = ""

    @property
    def is_intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.sentence


def verify_rows(rows: Iterable[Mapping[str, Any]], head: str | None = None) -> Verification:
    """Check stored or exported rows, in the order of recording.

    Args:
        rows: with the columns of the table `decision`.
        head: a hash that was noted before and has to be among them.
    """
    count, previous, seen = 0, NO_HASH, False
    for row in rows:
        if wrong := _wrong(row, count + 1, previous):
            return Verification(count, previous, count + 1, wrong)
        count, previous = count + 1, row["hash"]
        seen |= previous == head
    if head and not seen:
        return Verification(
            count, previous, None, "the hash that was noted isn't in the trail: it was cut or rewritten"
        )
    return Verification(count, previous)


def _wrong(row: Mapping[str, Any], sequence: int, previous: str) -> str:
    if row["sequence"] != sequence:
        return f"decision {sequence} is missing: {row['sequence']} follows"
    if row["previous_hash"] != previous:
        return f"decision {sequence} doesn't follow the one before it"
    try:
        if row["hash"] != digest(row):
            return f"decision {sequence} was changed after it was recorded"
        of_row(row)
    except (ValueError, TypeError, RecursionError) as error:
        return f"decision {sequence} can't be read: {error}"
    return ""
