"""The answers that hold a batch of windows, asked for ahead of the reader and in the size that the service bears."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

from pipeline.azure.patience import REQUEST_ERRORS
from pipeline.errors import UnansweredError
from pipeline.extract import windows
from pipeline.extract.windows import Window
from pipeline.extract.workspace import CONCURRENCY, Workspace, told_in_short

LEAST_ROWS = 500
MOST_ROWS = 100_000


class Pace:
    """How many records to ask for at once: half as many after a refusal, more again after successes.

    Args:
        rows: to begin with.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._refused = False

    def shrink(self) -> None:
        """Note that an answer was too large or too slow."""
        if not self._refused:  # once a batch: its pieces are halved already
            self.rows = min(self.rows, max(LEAST_ROWS, self.rows // 2))
        self._refused = True

    def batches(self, chosen: list[Window]) -> Iterator[list[Window]]:
        """Yield the windows in batches of the size that is in force when each is asked for."""
        rest = chosen
        while rest:
            self._refused = False
            batch = next(windows.batches(rest, self.rows))
            rest = rest[len(batch) :]
            yield batch
            if not self._refused:
                self.rows = min(MOST_ROWS, self.rows + self.rows // 4)


def answers(workspace: Workspace, batch: list[Window], pace: Pace) -> Iterator[bytes]:
    """Yield whole answers that together hold the records of some windows that follow each other.

    Raises:
        UnansweredError: a part of them can't be had now.
        AzureError: the workspace refuses, or can't be reached.
    """
    rest = deque(windows.pieces(batch, pace.rows))
    asked: deque[Future[list[bytes]]] = deque()
    try:
        while rest or asked:
            while rest and len(asked) < CONCURRENCY:
                asked.append(workspace.background.submit(workspace.records(rest.popleft(), pace.shrink)))
            yield from asked.popleft().result()
    except REQUEST_ERRORS as error:
        raise UnansweredError(told_in_short(error)) from None
    finally:
        for future in asked:
            future.cancel()
