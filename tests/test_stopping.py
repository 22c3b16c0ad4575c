"""Signals to stop end a query that runs, whichever thread is in it, and are lost nowhere."""

import hashlib
import os
import signal
import threading
from pathlib import Path

import pytest

from pipeline import store as warehouse
from pipeline.stopping import heeded, may_interrupt
from pipeline.store.failures import told

pytestmark = pytest.mark.usefixtures("_sigint_heeded")
ENDLESS = "select count(*) from range(1000000000000) as numbers where hash(range) % 7 = 3"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_a_long_query(tmp_path: Path, threads: int, number: signal.Signals) -> None:
    """With two threads it is often the other one that has all the work, while the main one waits for it."""
    with warehouse.open_store(tmp_path) as store:
        store._connection.execute(f"set threads = {threads}")
        pressed = threading.Timer(0.5, os.kill, (os.getpid(), number))
        with heeded(terminating=True) as stop:
            pressed.start()
            with pytest.raises(KeyboardInterrupt), told("endless"):
                store._connection.execute(ENDLESS)
        assert stop.number == number
        assert store.rows("extract/last_source_id"), "it can be used again"
    assert signal.getsignal(number) is {signal.SIGTERM: signal.SIG_DFL}.get(number, signal.default_int_handler)


def test_a_signal_that_is_taken_inside_a_query_ends_it_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB finds the signal by itself, and then waits for its other thread, which nothing has interrupted."""
    with warehouse.open_store(tmp_path) as store:
        store._connection.execute("set threads = 2")
        really = store._connection.interrupt
        seen: list[int] = []
        monkeypatch.setattr(warehouse.Store, "interrupt", lambda _: seen.append(1) if len(seen) < 4 else really())
        pressed = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        with heeded():
            pressed.start()
            with pytest.raises(KeyboardInterrupt), told("endless"):
                store._connection.execute(ENDLESS)
        assert store.rows("extract/last_source_id")


def test_a_signal_that_is_lost_between_two_queries_is_told_again() -> None:
    """Nothing runs yet that could be interrupted; the main thread then goes into what heeds no signals by itself."""
    told = threading.Semaphore(0)

    class Deaf:
        def interrupt(self) -> None:
            told.release()

    deaf = Deaf()
    may_interrupt(deaf)
    pressed = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    with heeded(), pytest.raises(KeyboardInterrupt):  # noqa: PT012 -- once it is out of it
        pressed.start()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 3_000_000)  # seconds
    assert told.acquire(timeout=0)
    assert told.acquire(timeout=0)


def test_who_heeds_signals_keeps_them() -> None:
    """Inside another block, and where the caller has a handler of its own, nothing is taken over."""
    with heeded(terminating=True) as outer:
        with heeded() as inner:
            assert inner is outer
        assert signal.getsignal(signal.SIGINT) != signal.default_int_handler
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with heeded():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
