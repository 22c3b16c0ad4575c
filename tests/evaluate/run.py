"""One run, apart from the command so that worker processes can import it."""

import os
from functools import cache
from pathlib import Path

from pipeline.store import Store, open_store
from tests.evaluate.policy import ask
from tests.evaluate.score import Score, score
from tests.evaluate.simulate import Setting, simulate

Job = tuple[Path, Setting, int]


@cache
def _store(folder: Path) -> Store:
    """Return this process's empty store; the folder's owner clears it away."""
    return open_store(folder / str(os.getpid()), memory="300MB")


def run(job: Job) -> Score:
    """Simulate, ask and score once."""
    folder, setting, seed = job
    made = simulate(setting, seed)
    answer = ask(_store(folder), [row for row, _ in made.window()], made.days)
    return score(made, answer)
