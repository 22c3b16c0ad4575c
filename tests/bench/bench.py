"""Measures the pipeline beside its peers, in one run on the same input, each job in a process of its own.

`make bench` prints a table; read the ratios, machines differ. Jobs are interleaved and the median of the rounds is
taken. `make bench FULL=1` adds the five million records for the memory figure.
"""

import argparse
import importlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from pipeline.sample.generate import write_export
from pipeline.tables import ACCESS_LOG, Column

LEAVES = {tuple(column.blob.split(".")): column for column in ACCESS_LOG.columns if column.blob}
PEER_TYPES = {"time": "TIMESTAMP", "end_time": "TIMESTAMP", "count": "BIGINT"}


def _tree(leaf: Callable[[Any], Any], node: Callable[[dict[str, Any]], Any]) -> Any:
    """Fold the known fields of a record into one nested type."""
    tree: dict[str, Any] = {}
    for path, column in LEAVES.items():
        place = tree
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = leaf(column)

    def fold(value: Any) -> Any:
        return node({key: fold(item) for key, item in value.items()}) if isinstance(value, dict) else value

    return {key: fold(value) for key, value in tree.items()}


def job_duckdb(files: list[str], work: Path) -> None:
    """DuckDB's read_json with explicit columns into a plain table of the same columns, on disk."""
    _read_json(files, work, PEER_TYPES, lambda path, _: ".".join(path))


def job_values(files: list[str], work: Path) -> None:
    """DuckDB's read_json, with the values of access_log: blank is null, ids in lower case, any zone, the source."""
    lowered = {"perimeter", "service_resource", "source_resource", "source_perimeters", "destination_resource"}

    def value(path: tuple[str, ...], column: Column) -> str:
        text = f"nullif({'.'.join(path)}, '')"
        if column.type == "TIMESTAMP":
            return f"try_cast({text} as timestamptz) at time zone 'UTC'"
        if column.name == "count":
            return f"coalesce(try_cast({text} as bigint), 1)"
        return f"lower({text})" if column.name in lowered else text

    _read_json(files, work, {}, value, source=True)


def _read_json(
    files: list[str],
    work: Path,
    types: Mapping[str, str],
    value: Callable[[tuple[str, ...], Column], str],
    *,
    source: bool = False,
) -> None:
    import duckdb

    connection = duckdb.connect(
        str(work / "peer.duckdb"), config={"memory_limit": "700MB", "preserve_insertion_order": "false"},
    )  # fmt: skip
    connection.execute("set TimeZone = 'UTC'")
    read = _tree(
        lambda column: types.get(column.name, "VARCHAR"),
        lambda node: "STRUCT(" + ", ".join(f'"{key}" {kind}' for key, kind in node.items()) + ")",
    )
    columns = "{" + ", ".join(f"'{key}': '{kind}'" for key, kind in read.items()) + "}"
    stored = ", ".join(f"{column.name} {column.type}" for column in ACCESS_LOG.written)
    values = ", ".join(f"{value(path, column)} as {column.name}" for path, column in LEAVES.items())
    if source:
        stored, values = f"file varchar, {stored}", f"filename as file, {values}"
    connection.execute(f"create table plain ({stored})")
    reader = f"read_json(?, columns = {columns}, format = 'newline_delimited', filename = {source})"
    connection.execute(f"insert into plain by name select {values} from {reader}", [files])
    connection.close()


def job_polars(files: list[str], work: Path) -> None:
    """polars' scan_ndjson with the same fields of the same types, into Parquet."""
    import polars as pl

    schema = _tree(lambda column: pl.Int64 if column.name == "count" else pl.String, pl.Struct)
    frame = pl.scan_ndjson(files, schema=schema)

    def field(path: tuple[str, ...], column: Column) -> pl.Expr:
        chosen = pl.col(path[0])
        for part in path[1:]:
            chosen = chosen.struct.field(part)
        if column.type == "TIMESTAMP":
            chosen = chosen.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us")
        return chosen.alias(column.name)

    frame.select(field(path, column) for path, column in LEAVES.items()).sink_parquet(work / "peer.parquet")


def job_load(files: list[str], work: Path) -> None:
    """nsp ingest without the hourly flows: records, rejects and ledger."""
    from pipeline.transform import rollup

    rollup.refresh = lambda *_: None
    job_ingest(files, work)


def job_ingest(files: list[str], work: Path) -> None:
    """nsp ingest folder, all of it."""
    from pipeline.ingest import ingest_folder
    from pipeline.store import open_store

    with open_store(work / "store") as store:
        result = ingest_folder(store, _root(files))
        if result.outcome.rejected or result.outcome.careful:
            raise AssertionError(result.outcome)


def _root(files: list[str]) -> Path:
    """Return the folder that holds just these files: of an export the one with the containers."""
    first = Path(files[0])
    return next((above.parent for above in first.parents if above.name.startswith("insights-logs-")), first.parent)


PEERS = ("duckdb", "values", "polars")
JOBS = {"duckdb": job_duckdb, "values": job_values, "polars": job_polars, "load": job_load, "ingest": job_ingest}


def run(job: str, files: list[str], work: Path, *, fresh: bool = True) -> tuple[float, float]:
    """Run a job in a fresh process; return (seconds inside it, peak resident MB)."""
    if fresh:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
    (work / "files.json").write_text(json.dumps(files))
    process = subprocess.Popen(
        [sys.executable, __file__, "--job", job, "--work", str(work)], stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.02)
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{job} failed")
    return float(out.split()[-1]), peak / 1e6


def compare(title: str, files: list[str], work: Path, rounds: int, jobs: tuple[str, ...] = tuple(JOBS)) -> None:
    """Print a row a job: median seconds, how many times as fast as each peer, peak memory."""
    seconds: dict[str, list[float]] = {job: [] for job in jobs}
    peaks: dict[str, float] = dict.fromkeys(jobs, 0.0)
    for _ in range(rounds):
        for job in jobs:
            taken, peak = run(job, files, work / job)
            seconds[job].append(taken)
            peaks[job] = max(peaks[job], peak)
    print(f"\n{title}")
    for job in jobs:
        median = statistics.median(seconds[job])
        ratios = [f"{statistics.median(seconds[peer]) / median:5.2f}x {peer}" for peer in PEERS if peer in jobs]
        spread = f"{min(seconds[job]):.2f}-{max(seconds[job]):.2f}"
        print(f"  {job:8} {median:7.2f} s ({spread})  speed {'  '.join(ratios)}  peak {peaks[job]:6.0f} MB")


def again(files: list[str], work: Path) -> None:
    """Print what a second ingest over unchanged files costs, as the command: start-up and all."""
    folder = _root(files)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        command = [sys.executable, "-m", "pipeline", "--store", str(work / "store"), "ingest", "folder", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    print(f"\nnsp ingest folder over {len(files):,} files: first {taken[0]:.2f} s, unchanged {min(taken[1:]):.2f} s "
          f"({min(taken[1:]) / taken[0]:.1%})")  # fmt: skip


def cover() -> None:
    """Print the prefix cover beside netaddr and ipaddress on the same addresses."""
    from ipaddress import IPv4Address, collapse_addresses, ip_network

    import netaddr
    import numpy as np

    from pipeline.recommend.cover import curve

    print("\nprefix cover, K = 200, the whole curve; the peers merge without loss and can't meet a budget")
    rng = np.random.default_rng(1)
    for count in (10_000, 100_000, 1_000_000):
        pools = rng.integers(0, 2**32 - 2**18, 200)
        keys = np.unique((pools[rng.integers(0, 200, count)] + rng.integers(0, 2**18, count)).astype(np.uint64))

        ours = min(_timed(lambda given: curve(given, 4, 200, widest=8).prefixes(200), keys)[0] for _ in range(3))
        line = f"  {len(keys):>9,} addresses  ours {ours:6.3f} s"
        if count <= 100_000:
            texts = [str(IPv4Address(int(key))) for key in keys]
            addresses = [netaddr.IPAddress(text) for text in texts]
            networks = [ip_network(text) for text in texts]
            merge, merged = _timed(netaddr.cidr_merge, addresses)
            collapse, _ = _timed(lambda given: list(collapse_addresses(given)), networks)
            line += (
                f"  netaddr.cidr_merge {merge:6.3f} s ({merge / ours:.1f}x ours, {len(merged):,} prefixes)"
                f"  ipaddress.collapse_addresses {collapse:6.3f} s ({collapse / ours:.1f}x)"
            )
        print(line)


def _timed(work: Callable[[Any], Any], given: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work(given)
    return time.perf_counter() - started, result


def start_up() -> None:
    """Print how long the help takes to show."""
    taken = []
    for _ in range(7):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "pipeline", "--help"], check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    bare = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    print(f"\nnsp --help: {statistics.median(taken):.2f} s (bare Python {time.perf_counter() - bare:.2f} s)")


def camel_case_export(folder: Path, records: int) -> None:
    """Write an export without the category whose keys are PascalCase, which the peers would read as nulls."""
    write_export(folder, round(records * 1.11), messy=False)
    (folder / "inventory.json").unlink()
    shutil.rmtree(folder / "insights-logs-nspprivateinboundallowed")


def big_files(tree: list[str], folder: Path) -> list[str]:
    """Put the files of an export together, one file a category."""
    folder.mkdir()
    for path in tree:
        container = next(part for part in Path(path).parts if part.startswith("insights-logs-"))
        with (folder / f"{container}.json").open("ab") as out:
            out.write(Path(path).read_bytes())
    return sorted(str(path) for path in folder.iterdir())


def main() -> None:
    """Run everything, or one job of it in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=JOBS)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", action="store_true")
    chosen = parser.parse_args()
    if chosen.job:
        files = json.loads((chosen.work / "files.json").read_text())
        for module in ("duckdb", "polars", "pipeline.transform.load"):
            importlib.import_module(module)  # the work is measured, not the start-up
        started = time.perf_counter()
        JOBS[chosen.job](files, chosen.work)
        print(time.perf_counter() - started)
        return
    with tempfile.TemporaryDirectory(prefix="nsp-bench-") as name:
        base = Path(name)
        started = time.perf_counter()
        camel_case_export(base / "export", chosen.records)
        tree = sorted(str(path) for path in (base / "export").rglob("*.json"))
        size = sum(Path(path).stat().st_size for path in tree)
        print(f"{chosen.records:,} records, {size / 1e9:.2f} GB, made in {time.perf_counter() - started:.1f} s")
        few = big_files(tree, base / "few")
        compare(f"{chosen.records:,} records in {len(few)} files", few, base / "w1", chosen.rounds)
        compare(f"the same in {len(tree):,} files", tree, base / "w2", 1)
        again(tree, base / "w3")
        if chosen.full:
            camel_case_export(base / "export5", 5 * chosen.records)
            many = sorted(str(path) for path in (base / "export5").rglob("*.json"))
            compare(f"{5 * chosen.records:,} records", big_files(many, base / "few5"), base / "w4", 1)
    cover()
    start_up()


if __name__ == "__main__":
    main()
