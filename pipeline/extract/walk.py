"""In which order windows are read: halved where a batch fails, and not for ever where the service fails."""

from collections import deque
from collections.abc import Iterator

from pipeline.errors import SlowAnswerError, UnansweredError
from pipeline.extract import windows
from pipeline.extract.answers import Pace
from pipeline.extract.windows import Window

MOST_UNANSWERED = 4
"""Batches in a row without an answer before the service is asked whether it is there at all."""
MOST_IN_VAIN = 12
"""Such batches before others are tried: more than it takes to find one bad hour of a week by halving."""
SLOW_COUNTS = 3
"""For how many one counts that takes as long as the service is allowed to take."""


class Walk:
    """The batches of windows to read, oldest first; a batch that fails is halved until the bad window is found.

    Where one after the other gets no answer the newest are tried, so that old hours which can't be had don't keep new
    ones from coming night after night; where those get none either, the rest is `left` for the next run: a service
    that is half out of order would hold up a night for hours.

    Args:
        chosen: the windows, in order of time.
        pace: how many records to ask for at once.
    """

    def __init__(self, chosen: list[Window], pace: Pace) -> None:
        self.left: list[Window] = []
        self._in_vain = 0
        self._doubted = False
        self._pace = pace
        self._batches: Iterator[list[Window]] = pace.batches(chosen)
        self._halves: deque[list[Window]] = deque()
        self._turned = False

    def __iter__(self) -> Iterator[list[Window]]:
        """Yield batches, until all is read or left."""
        while batch := self._halves.popleft() if self._halves else next(self._batches, None):
            yield batch

    def succeeded(self) -> None:
        """Note that a batch came."""
        self._in_vain, self._doubted = 0, False

    def is_service_in_doubt(self) -> bool:
        """Whether it is time to ask if the service is there at all; once in a row of batches without an answer."""
        now = self._in_vain >= MOST_UNANSWERED and not self._doubted
        self._doubted |= now
        return now

    def failed(self, batch: list[Window], error: Exception) -> bool:
        """Note that a batch can't be read now; return whether its windows are tried again apart."""
        if isinstance(error, UnansweredError):
            self._in_vain += SLOW_COUNTS if isinstance(error, SlowAnswerError) else 1
        if self._in_vain >= MOST_IN_VAIN:
            self._turn()
            return False
        if len(batch) > 1:
            half = len(batch) // 2
            halves = [batch[half:], batch[:half]]
            self._halves.extendleft(halves[::-1] if self._turned else halves)
        return len(batch) > 1

    def _turn(self) -> None:
        """Go on from the other end, or not at all."""
        rest = sorted((each for some in (*self._halves, *self._batches) for each in some), key=lambda each: each.start)
        self._halves.clear()
        if self._turned:
            self.left, self._batches = rest, iter(())
        else:
            self._batches = iter(list(windows.batches(rest, self._pace.rows))[::-1])
        self._turned, self._in_vain, self._doubted = True, 0, False
