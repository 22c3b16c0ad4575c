"""Has items made in a thread of their own, a few ahead of whoever takes them."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """An iterator over the items of another one, which runs in another thread from now on.

    What the other raises, a KeyboardInterrupt too, is raised where its item would have been.

    Args:
        items: what makes the items; nobody else may ask it.
        count: how many items are made before the first is taken; at least 1.
    """

    def __init__(self, items: Iterator[T], count: int) -> None:
        self._items = items
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nsp-ahead")
        self._made: deque[Future[Any]] = deque()
        for _ in range(count):
            self._begin()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        item = self._made[0].result()
        if item is self:
            raise StopIteration
        self._made.popleft()
        self._begin()
        made: T = item
        return made

    def stop(self) -> None:
        """Make no more; returns when nothing is being made."""
        self._thread.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        self._made.append(self._thread.submit(next, self._items, self))
