"""Several processes decide while an ingest writes the warehouse; killing any of them loses nothing that was told."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from pipeline.errors import ConflictError
from pipeline.ingest import ingest_folder
from pipeline.review.decisions import open_decisions
from pipeline.store import open_store
from tests.conftest import line
from tests.forks import FORKS
from tests.review.some import NOW, choose, proposal

EACH = 60
KILLS = 15


def decide(folder: Path, who: str, count: int, told: Any) -> None:
    """Record decisions one by one, and tell of each when it is acknowledged."""
    decisions = open_decisions(folder)
    for number in range(count):
        (made,) = decisions.record([choose(proposal(f"203.0.113.{number % 250}/32"), who=who)], NOW)
        told.send(made.sequence)
    told.close()


def ingest(folder: Path, export: Path, rounds: int) -> None:
    for number in range(rounds):
        (export / f"{number}.json").write_text(line() * 200)
        with open_store(folder) as store:
            ingest_folder(store, export)


def decide_once(folder: Path, who: str, start: Any, told: Any) -> None:
    decisions = open_decisions(folder)
    seen = decisions.trail().sequences
    told.send("has looked")
    start.wait()
    try:
        decisions.record([choose(proposal("203.0.113.7/32"), who=who)], NOW, seen)
        told.send("recorded")
    except ConflictError as error:
        told.send(str(error))


def read(folder: Path, rounds: int, told: Any) -> None:
    """Read again and again, and tell how many decisions there were."""
    decisions = open_decisions(folder)
    for _ in range(rounds):
        assert decisions.verify().is_intact
        told.send(decisions.trail().last)
    told.close()


def received(pipe: Any) -> list[Any]:
    found = []
    try:
        while True:
            found.append(pipe.recv())
    except EOFError:
        return found


def started(target: Any, *arguments: Any) -> tuple[Any, Any]:
    """A process that got the sending end of a pipe, and the other end."""
    receiving, sending = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=target, args=(*arguments, sending))
    process.start()
    sending.close()
    return process, receiving


def test_two_processes_decide_while_an_ingest_writes(tmp_path: Path, export: Path) -> None:
    folder = tmp_path / "store"
    loading = FORKS.Process(target=ingest, args=(folder, export, 6))
    loading.start()
    writers = [started(decide, folder, who, EACH) for who in ("ada", "grace")]
    reader, pages = started(read, folder, EACH)
    told = [received(pipe) for _, pipe in writers]
    seen = received(pages)
    assert (len(seen), seen) == (EACH, sorted(seen))
    for process in (loading, reader, *(each for each, _ in writers)):
        process.join()
        assert process.exitcode == 0
    decisions = open_decisions(folder)
    assert sorted(told[0] + told[1]) == list(range(1, 2 * EACH + 1))
    assert Counter(each.who for each in decisions.history()) == {"ada": EACH, "grace": EACH}
    assert decisions.verify().is_intact
    assert decisions.verify().count == 2 * EACH
    with open_store(folder, read_only=True) as store:
        assert store.frame("coverage/totals")["records"].to_list() == [1200]


def test_of_many_who_decide_at_once_one_wins_and_the_others_are_told(tmp_path: Path) -> None:
    start = FORKS.Event()
    writers = [started(decide_once, tmp_path, f"person {number}", start) for number in range(5)]
    for _, pipe in writers:
        assert pipe.recv() == "has looked"
    start.set()
    told = [received(pipe)[0] for _, pipe in writers]
    for process, _ in writers:
        process.join()
    (made,) = open_decisions(tmp_path).history()
    assert told.count("recorded") == 1
    assert sum(f"accepted meanwhile by '{made.who}'" in each for each in told) == 4


def test_many_who_make_the_file_at_once_make_one(tmp_path: Path) -> None:
    for attempt in range(6):
        folder = tmp_path / str(attempt)
        writers = [started(decide, folder, who, 2) for who in ("ada", "grace", "edsger")]
        readers = [started(read, folder, 20) for _ in range(2)]
        told = [number for _, pipe in writers for number in received(pipe)]
        for process, pipe in (*writers, *readers):
            received(pipe)
            process.join()
            assert process.exitcode == 0
        assert sorted(told) == list(range(1, 7))


def test_killed_in_the_middle_of_writing_nothing_told_is_lost(tmp_path: Path) -> None:
    chosen = random.Random(5)
    acknowledged: list[int] = []
    for _ in range(KILLS):
        writers = [started(decide, tmp_path, who, 10**6) for who in ("ada", "grace")]
        writers[0][1].poll(5)
        time.sleep(chosen.uniform(0, 0.05))
        for process, pipe in writers:
            process.kill()
            process.join()
            acknowledged += received(pipe)
        decisions = open_decisions(tmp_path)
        found = decisions.verify()
        assert found.is_intact, found
        assert set(acknowledged) <= set(range(1, found.count + 1))
    kept = [each.sequence for each in open_decisions(tmp_path).history()]
    assert kept == list(range(1, len(kept) + 1))
    assert len(acknowledged) == len(set(acknowledged)), "no number is given twice"
    assert len(acknowledged) > KILLS
    assert len(kept) - len(acknowledged) <= 2 * KILLS, "at most one a process was recorded and not yet told"
