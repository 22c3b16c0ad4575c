"""Runs the Azure clients: one event loop in a thread of its own, so that many requests wait at once."""

import asyncio
import signal
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Self, TypeVar

T = TypeVar("T")

STOPPING = frozenset({signal.SIGINT, signal.SIGTERM})


class Background:
    """An event loop that runs while the block lasts.

    Coroutines are handed over from any thread; leaving the block cancels what is still running. A signal to stop
    cancels at once what was submitted: Python handles signals in the main thread only, which may be waiting inside
    DuckDB for another thread that in turn waits for a download.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nsp-azure", daemon=True)
        self._submitted: set[Future[Any]] = set()
        self._stopped = False

    def __enter__(self) -> Self:
        self._thread.start()
        self._wakeup: tuple[socket.socket, socket.socket, int] | None = None
        if threading.current_thread() is threading.main_thread():  # no other may ask for it, nor is sent signals
            told, teller = socket.socketpair()
            told.setblocking(False)
            teller.setblocking(False)
            before = signal.set_wakeup_fd(teller.fileno(), warn_on_full_buffer=False)
            self._wakeup = told, teller, before
            asyncio.run_coroutine_threadsafe(self._watch(told), self._loop)
        return self

    def __exit__(self, *exc: object) -> None:
        self.run(self._cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._wakeup:
            told, teller, before = self._wakeup
            signal.set_wakeup_fd(before)
            told.close()
            teller.close()

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

    async def _watch(self, told: socket.socket) -> None:
        """Wait for a signal to stop; its number is what the interpreter writes."""
        while not STOPPING & set(await self._loop.sock_recv(told, 64)):
            pass
        self._stopped = True
        for future in list(self._submitted):
            future.cancel()

    async def _cancel_others(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.02)  # transports that were cut off close in the next turns of the loop
