"""One write to Azure, carried out for sure: looked before, sent, looked again, whatever happens on the way.

Access rules and associations carry no etag: the swagger has neither If-Match nor an etag in their schema
(azure-rest-api-specs, networkSecurityPerimeter.json, 2025-05-01), and the recorded answers hold none
(azure-cli-extensions, src/nsp, tests of 2025-10). So what is in force is compared right before each write; where a
service gives an etag all the same it is sent along. Between looking and writing a moment stays in which somebody else's
change of the same rule is lost; it is short, and the rollback file holds what was there before it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.azure.arm_answer import CONFLICT, PRECONDITION, Answer, UnreadError
from pipeline.azure.resource_manager import ResourceManager
from pipeline.errors import MeanwhileError, NspError, UnreachableError
from pipeline.inventory.arm_perimeter import NETWORK_VERSION
from pipeline.inventory.document import Item
from pipeline.publish.live import told

_READS = 5
_CONFLICTS = frozenset({CONFLICT, PRECONDITION})


@dataclass(frozen=True, slots=True)
class Write:
    """One object, how it is, and how it is to be.

    Args:
        path: ARM id.
        what: what it is called in messages.
        before: the state that it must have for the write; None for not there.
        after: the state that it is to have; None for not there.
        item: what to send; None to delete it.
        state: tells the state of what was read.
    """

    path: str
    what: str
    before: Any
    after: Any
    item: Item | None
    state: Callable[[Item], Any]


class StoppedError(Exception):
    """A write didn't succeed.

    Args:
        why: the error to tell.
        nothing_done: it is certain that this write changed nothing.
    """

    def __init__(self, why: NspError, *, nothing_done: bool) -> None:
        super().__init__(str(why))
        self.why = why
        self.nothing_done = nothing_done


def carry_out(manager: ResourceManager, write: Write) -> Answer | None:
    """Bring an object into a state, and return what is read of it then; None where it isn't there.

    What is in that state already is left alone. Where an answer got lost, what is there tells whether to write again.

    Raises:
        StoppedError: it isn't in that state, or nobody knows.
    """
    is_sent = False
    error: UnreadError | None = None
    try:
        for number in range(1, manager.patience.attempts + 1):
            if error:
                time.sleep(manager.patience.before_retry(number, error))
            now = _look(manager, write.path)
            state = _state(write, now)
            if state == write.after:
                return now
            if state != write.before:
                raise MeanwhileError(f"{write.what} was changed by somebody else meanwhile; it is left as it is.")
            try:
                _send(manager, write, now)
            except UnreadError as refusal:
                if not refusal.is_uncertain and refusal.status not in _CONFLICTS:
                    raise told(refusal, f"{write.what} can't be written") from None
                if error and error.status in _CONFLICTS and refusal.status in _CONFLICTS:
                    raise told(refusal, f"{write.what} can't be written") from None
                is_sent = is_sent or refusal.is_uncertain
                error = refusal
            else:
                is_sent = True
                return _read_back(manager, write)
    except NspError as why:
        raise StoppedError(why, nothing_done=not is_sent) from None
    gone = told(error or UnreadError("no answer"), f"{write.what} can't be written")
    raise StoppedError(gone, nothing_done=not is_sent)


def _look(manager: ResourceManager, path: str) -> Answer | None:
    """Return an object as it is; None where it isn't there."""
    try:
        return manager.background.run(manager.read(path, NETWORK_VERSION))
    except UnreadError as error:
        if error.is_absent:
            return None
        raise told(error, f"{path} can't be read", "Reader") from None


def _send(manager: ResourceManager, write: Write, now: Answer | None) -> None:
    if write.item is None:
        manager.background.run(manager.delete(write.path, NETWORK_VERSION, etag=now.etag if now else ""))
    else:
        etag = now.etag if now else None
        manager.background.run(manager.put(write.path, NETWORK_VERSION, write.item, etag=etag))


def _read_back(manager: ResourceManager, write: Write) -> Answer | None:
    """Return what is there after a write that Azure took."""
    for number in range(_READS):
        if number:
            time.sleep(manager.patience.pause)
        now = _look(manager, write.path)
        if _state(write, now) == write.after:
            return now
    raise UnreachableError(f"Azure took {write.what}, but shows something else. Look at it, then run it again.")


def _state(write: Write, now: Answer | None) -> Any:
    return None if now is None else write.state(now.item)
