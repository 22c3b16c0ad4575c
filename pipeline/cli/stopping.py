"""Has a scheduler's stop (SIGTERM) end a command in the same order as Ctrl-C does."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether the process was asked to end by SIGTERM."""

    asked = False

    def die(self) -> None:
        """End as a process does that heeds no signals, so that service managers see a stop and no failure."""
        if self.asked:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)


@contextmanager
def heeded() -> Iterator[Stop]:
    """Turn SIGTERM into a KeyboardInterrupt for the length of the block, where nothing else is made of it."""
    stop = Stop()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        stop.asked = True
        raise KeyboardInterrupt

    in_main = threading.current_thread() is threading.main_thread()  # no other may set a handler
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield stop
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
