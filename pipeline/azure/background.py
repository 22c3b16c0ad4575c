"""Runs the Azure clients: one event loop in a thread of its own, so that many requests wait at once."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any, Self, TypeVar

from pipeline.stopping import heeded, may_interrupt

T = TypeVar("T")


class Background:
    """An event loop that runs while the block lasts.

    Coroutines are handed over from any thread; leaving the block cancels what is still running. A signal to stop
    cancels at once what was submitted.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nsp-azure", daemon=True)
        self._submitted: set[Future[Any]] = set()
        self._stopped = False
        self._heeding = ExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        self._heeding.enter_context(heeded())
        may_interrupt(self)
        return self

    def __exit__(self, *exc: object) -> None:
        with self._heeding:
            self.run(self._cancel_others())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start a coroutine; the future has its result. After a signal to stop it is cancelled instead."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._submitted.add(future)
        future.add_done_callback(self._submitted.discard)
        if self._stopped:
            future.cancel()
        return future

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # the wait was interrupted from the keyboard
            raise

    def interrupt(self) -> None:
        """Cancel what was submitted, and whatever will be."""
        self._stopped = True
        for future in list(self._submitted):
            future.cancel()

    async def _cancel_others(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.02)  # transports that were cut off close in the next turns of the loop
