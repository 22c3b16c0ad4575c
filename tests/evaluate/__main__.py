"""Measures the recommendations on simulated perimeters with known truth, and writes the page about it.

`python -m tests.evaluate [--seeds 20] [--settings 30 ...] [--output docs/evaluation.md]`; `make evaluate` runs it.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.evaluate.page import page
from tests.evaluate.run import run
from tests.evaluate.score import Score
from tests.evaluate.simulate import SETTINGS, Setting


def main() -> None:
    """Run all seeds of the settings and write the page, anew after each seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="simulations a setting")
    parser.add_argument("--settings", nargs="*", default=[], metavar="TEXT", help="only those whose name holds one")
    parser.add_argument("--output", type=Path, default=Path("docs/evaluation.md"))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    settings = [each for each in SETTINGS if not chosen.settings or any(text in each.name for text in chosen.settings)]
    if not settings or chosen.seeds < 1:
        parser.error(f"no run is left; settings are: {'; '.join(each.name for each in SETTINGS)}")
    results: dict[Setting, list[Score]] = {each: [] for each in settings}
    with (
        tempfile.TemporaryDirectory(prefix="nsp-evaluate-") as name,
        # not forked: DuckDB and numpy have threads of their own
        ProcessPoolExecutor(chosen.processes, mp_context=multiprocessing.get_context("spawn")) as workers,
    ):
        jobs = [(Path(name), setting, seed) for seed in range(chosen.seeds) for setting in settings]
        for (_, setting, seed), found in zip(jobs, workers.map(run, jobs), strict=True):
            results[setting].append(found)
            if setting == settings[-1]:
                sys.stderr.write(f"{seed + 1} of {chosen.seeds} seeds done\n")
                chosen.output.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
