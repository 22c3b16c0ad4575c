"""How far a long work is, told to whoever watches. Nothing here shows anything: that is the command line's business.

Who watches is set once for a process, as with loggers, and not handed down: a work may lie many calls below the command
that waits for it. Where nobody watches, telling costs nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Advance(Protocol):
    """Is told what was done of a work. May be called from any thread."""

    def __call__(self, count: int = 1, figures: Mapping[str, str] | None = None) -> None:
        """So much was done since the last call; figures beside it, by name, take the place of earlier ones."""


class Watcher(Protocol):
    """Is told of works."""

    def work(self, what: str, total: int | None, unit: str) -> AbstractContextManager[Advance]:
        """A work begins; it has ended when the context is left."""


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Tell a watcher of all works within."""
    before = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(before)


@contextmanager
def work(what: str, total: int | None = None, unit: str = "") -> Iterator[Advance]:
    """Tell of a work; yields a function that takes what was done since the last call.

    Args:
        what: the work, in a word or two; nothing of a log.
        total: how much there is to do; None where nobody knows.
        unit: bytes or a plural noun.
    """
    watcher = _watcher.get()
    if watcher is None:
        yield _nobody
        return
    with watcher.work(what, total, unit) as advance:
        yield advance


def each_of(items: Iterable[T], what: str, unit: str) -> Iterator[T]:
    """Yield things one by one, and tell how many are done.

    Args:
        items: what to yield.
        what: the work on them, in a word or two.
        unit: a plural noun for them.
    """
    them = list(items)
    with work(what, len(them), unit) as advance:
        for each in them:
            yield each
            advance()


def _nobody(count: int = 1, figures: Mapping[str, str] | None = None) -> None:
    """Do nothing."""
