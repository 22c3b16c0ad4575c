"""Has Ctrl-C and a scheduler's stop (SIGTERM) end what is running at once, and in order.

Python handles signals in the main thread only, and that may be waiting inside DuckDB for another thread, which works
on a long query or waits for a download itself. So a thread of its own is told of each signal (through a wakeup file
descriptor, see the standard library's `signal.set_wakeup_fd`) and interrupts whatever has said that it can be.
"""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Protocol
from weakref import WeakSet

AGAIN_SECONDS = 0.05
"""An interruption that comes between two queries stops neither: it is tried again until the main thread knows."""


class Interruptible(Protocol):
    """Something that can be told, from any thread, to give up what it is doing."""

    def interrupt(self) -> None:
        """Give up."""


class Stop:
    """Whether the process was asked to stop, and by which signal."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.taken = threading.Event()
        self._during: object | None = None

    def die(self) -> None:
        """End as a process does that heeds no SIGTERM, if that was it: service managers see a stop and no failure."""
        if self.number == signal.SIGTERM:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Handle the signal, in the main thread."""
        self.number, self._during = number, _work
        self.taken.set()
        raise KeyboardInterrupt

    def is_over(self) -> bool:
        """Whether the main thread has taken the signal, and has left the query in which it did.

        DuckDB looks for signals while it works; having found one, it still waits for its other threads.
        """
        return self.taken.is_set() and (self._during is None or self._during is not _work)


_lock = threading.Lock()
_interruptible: WeakSet[Interruptible] = WeakSet()
_heeding: list[Stop] = []
_work: object | None = None
"""What the main thread is in that may not come back by itself; a new object each time."""


def may_interrupt(work: Interruptible) -> None:
    """Have something interrupted by a signal to stop, for as long as it is referred to."""
    with _lock:
        _interruptible.add(work)


@contextmanager
def at_work() -> Iterator[None]:
    """Say that the main thread is inside something that `interrupt` ends, for the length of the block."""
    global _work  # noqa: PLW0603 -- there is one main thread, as there is one handler of a signal
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, _work = _work, object()
    try:
        yield
    finally:
        _work = before


@contextmanager
def heeded(*, terminating: bool = False) -> Iterator[Stop]:
    """Turn Ctrl-C into interruptions and a KeyboardInterrupt for the length of the block.

    Inside another such block, in another thread than the main one, or where something else is made of the signal,
    nothing changes.

    Args:
        terminating: likewise SIGTERM, which would end the process on the spot.
    """
    stop = Stop()
    in_main = threading.current_thread() is threading.main_thread()  # no other may set a handler
    default = {signal.SIGINT: signal.default_int_handler} | ({signal.SIGTERM: signal.SIG_DFL} if terminating else {})
    before = {number: usual for number, usual in default.items() if signal.getsignal(number) is usual}
    if _heeding or not in_main or not before:
        yield _heeding[0] if _heeding else stop
        return
    told, teller = socket.socketpair()
    teller.setblocking(False)
    wakeup = signal.set_wakeup_fd(teller.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(told, stop, frozenset(before)), name="nsp-stopping", daemon=True)
    _heeding.append(stop)
    watcher.start()
    try:
        for number in before:
            signal.signal(number, stop.take)
        yield stop
    finally:
        _heeding.clear()
        for number, usual in before.items():
            signal.signal(number, usual)
        signal.set_wakeup_fd(wakeup)
        stop.taken.set()
        teller.close()  # ends the watcher
        watcher.join()
        told.close()


def _watch(told: socket.socket, stop: Stop, numbers: frozenset[int]) -> None:
    """Wait for a signal to stop, whose number is received, and interrupt as long as the main thread hasn't taken it."""
    while received := told.recv(64):
        while numbers & set(received):
            with _lock:
                running = list(_interruptible)
            for work in running:
                with suppress(Exception):  # it may be closed by now
                    work.interrupt()
            time.sleep(AGAIN_SECONDS)
            if stop.is_over():
                break
