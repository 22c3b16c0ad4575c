"""Writes the sample export: `python data/make_sample.py FOLDER [RECORDS]`; data/README.md tells what is in it."""

import shutil
import sys
import time
from pathlib import Path

from pipeline.sample.generate import SMALL_HOURS, write_export

KEPT = Path(__file__).parent / "sample"
KEPT_RECORDS = 2400


def main(arguments: list[str]) -> None:
    """Write the export to a folder, or without arguments the small one that is kept in the repository."""
    started = time.perf_counter()
    if arguments:
        folder, records = Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 50_000
        written = write_export(folder, records)
    else:
        folder = KEPT
        shutil.rmtree(folder, ignore_errors=True)
        written = write_export(folder, KEPT_RECORDS, hours=SMALL_HOURS)
    seconds = time.perf_counter() - started
    sys.stdout.write(f"{written:,} records in {folder} after {seconds:.1f} s\n")


if __name__ == "__main__":
    main(sys.argv[1:])
