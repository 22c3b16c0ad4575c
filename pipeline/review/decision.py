"""One decision of a person about one proposal, and the trail that all of them make.

Nothing is ever taken back by deleting: an undo is a decision, too, and reveals the one before it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

ACCEPT, EDIT, REJECT, DEFER, UNDO = "accept", "edit", "reject", "defer", "undo"
ACTIONS = (ACCEPT, EDIT, REJECT, DEFER, UNDO)
NO_HASH = "0" * 64
"""What the first decision of a trail has in the place of the hash before it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose.

    Args:
        action: accept, edit, reject, defer or undo; of a proposal without elements, accept means acknowledged.
        reason: of any content; wanted for edit, reject and the accept of a flagged proposal.
        elements: of an edit, what the rule shall hold instead.
        expires: of accept and edit, when it ends to count; of defer, when to look again; UTC. None: never.
    """

    action: str
    reason: str = ""
    elements: tuple[str, ...] = ()
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as it was recorded.

    Args:
        sequence: 1, 2, 3 ... in the order of recording.
        proposal_id: of the proposal.
        action: accept, edit, reject, defer or undo; of a proposal without elements, accept means acknowledged.
        elements: of an edit; else empty.
        reason: text of a person, of any content.
        who: text of any content; nobody checked it.
        decided_at: when, UTC.
        expires: when it ends to count, UTC; of a deferral, when to look again. None: never.
        proposal_text: the proposal as it stood, JSON.
        previous_hash: of the decision before; NO_HASH for the first.
        hash: of this one.
    """

    sequence: int
    proposal_id: str
    action: str
    elements: tuple[str, ...]
    reason: str
    who: str
    decided_at: datetime
    expires: datetime | None
    proposal_text: str
    previous_hash: str
    hash: str

    @property
    def proposal(self) -> dict[str, Any]:
        """The proposal as it stood, as `nsp recommend --format json` has it."""
        found: dict[str, Any] = json.loads(self.proposal_text)
        return found

    @property
    def choice(self) -> Choice:
        """What was chosen."""
        return Choice(self.action, self.reason, self.elements, self.expires)

    def has_expired(self, now: datetime) -> bool:
        """Tell whether it counts no longer."""
        return self.expires is not None and self.expires <= now

    def as_row(self) -> dict[str, Any]:
        """Return the columns as they are stored."""
        return {
            "sequence": self.sequence,
            "proposal_id": self.proposal_id,
            "action": self.action,
            "elements": canonical(self.elements) if self.action == EDIT else None,
            "reason": self.reason,
            "who": self.who,
            "decided_at": stamp(self.decided_at),
            "expires": stamp(self.expires) if self.expires else None,
            "proposal": self.proposal_text,
            "previous_hash": self.previous_hash,
            "hash": self.hash,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the decision for machines. From it the hash can be checked elsewhere: see `digest`."""
        return {**self.as_row(), "elements": list(self.elements), "proposal": self.proposal}


def of_row(row: Mapping[str, Any]) -> Decision:
    """Return the decision of a stored row, without asking whether its hash is right.

    Raises:
        ValueError: a column holds what nobody recorded; TypeError as well.
    """
    texts = {name: row[name] for name in ("proposal_id", "reason", "who", "previous_hash", "hash")}
    elements = json.loads(row["elements"]) if row["elements"] else []
    if row["action"] not in ACTIONS or not all(isinstance(each, str) for each in (*texts.values(), *elements)):
        raise ValueError("it has an unknown action, or something that is no text")
    "".join(texts.values()).encode()  # a surrogate stands for bytes that are no text
    if not isinstance(json.loads(row["proposal"]), dict):
        raise ValueError("its proposal is none")  # noqa: TRY004 -- one kind of error for all
    return Decision(
        sequence=int(row["sequence"]),
        action=row["action"],
        elements=tuple(elements),
        decided_at=moment_of(row["decided_at"]),
        expires=moment_of(row["expires"]) if row["expires"] else None,
        proposal_text=row["proposal"],
        **texts,
    )


def digest(row: Mapping[str, Any]) -> str:
    """Return the hash of a row: SHA-256 of its other columns as a JSON object, sorted, ASCII, without spaces."""
    rest = {name: value for name, value in row.items() if name != "hash"}
    return sha256(canonical(rest).encode()).hexdigest()


def canonical(value: Any) -> str:
    """Return a value as JSON that has just one spelling."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def stamp(moment: datetime) -> str:
    """Return a time in UTC as it is stored."""
    return moment.isoformat(timespec="microseconds") + "Z"


def moment_of(text: str) -> datetime:
    """Return a stored time.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


class Trail:
    """All decisions as they were at one moment, in the order of recording.

    Args:
        decisions: in that order.
    """

    def __init__(self, decisions: Sequence[Decision] = ()) -> None:
        self.decisions = tuple(decisions)

    @cached_property
    def current(self) -> dict[str, Decision]:
        """The decision that stands for each proposal, by id; without those of which every decision was undone."""
        stacks: dict[str, list[Decision]] = {}
        for each in self.decisions:
            stack = stacks.setdefault(each.proposal_id, [])
            if each.action != UNDO:
                stack.append(each)
            elif stack:
                stack.pop()
        return {proposal: stack[-1] for proposal, stack in stacks.items() if stack}

    @cached_property
    def sequences(self) -> dict[str, int]:
        """The number of the last decision on each proposal: what `Decisions.record` takes as `expected`."""
        return {each.proposal_id: each.sequence for each in self.decisions}

    @property
    def last(self) -> int:
        """The number of the last decision; 0 where there is none."""
        return self.decisions[-1].sequence if self.decisions else 0
