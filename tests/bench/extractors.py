"""Measures the extractors beside the bare clients, in one run against the same loopback services.

`make bench` prints it after the loading of files; `make bench FULL=1` adds memory over 200 MB and 2 GB, 20,000 blobs
and increments on 1 and 10 million rows. Azurite shares the two cores with the client, so read the ratios.
"""

import argparse
import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from azure.storage.blob.aio import BlobServiceClient

from pipeline.sample.generate import write_export
from tests.services import azurite, log_analytics
from tests.services.export import hourly
from tests.services.loopback import Token

CONCURRENCY = 16
PREFIX = "insights-logs-nsp"


def fill(connection_string: str, blobs: list[tuple[str, str, bytes]]) -> None:
    """Write blobs, many at once."""

    async def work() -> None:
        async with BlobServiceClient.from_connection_string(connection_string) as service:
            for container in {container for container, _, _ in blobs}:
                await service.create_container(container)
            free = asyncio.Semaphore(8)

            async def one(container: str, name: str, data: bytes) -> None:
                async with free:
                    await service.get_blob_client(container, name).upload_blob(data, blob_type="AppendBlob")

            await asyncio.gather(*(one(*blob) for blob in blobs))

    asyncio.run(work())


def export(records: int, days: int) -> list[tuple[str, str, bytes]]:
    """Make an export of hourly blobs."""
    with tempfile.TemporaryDirectory() as folder:
        write_export(Path(folder), records, days=days, messy=False)
        files = Path(folder).glob("insights-logs-*/**/*.json")
        relative = [(file.relative_to(folder).parts, file) for file in files]
        return [(parts[0], "/".join(parts[1:]), file.read_bytes()) for parts, file in relative]


async def _download(connection_string: str) -> int:
    """List, and download every blob: what the bare client of azure-storage-blob does."""
    async with BlobServiceClient.from_connection_string(connection_string) as service:
        names = [
            (container.name, blob.name)
            async for container in service.list_containers(name_starts_with=PREFIX)
            async for blob in service.get_container_client(container.name).list_blobs()
        ]
        free = asyncio.Semaphore(CONCURRENCY)

        async def one(container: str, name: str) -> int:
            async with free:
                return len(await (await service.get_blob_client(container, name).download_blob()).readall())

        return sum(await asyncio.gather(*(one(*name) for name in names)))


def job_download(connection_string: str, _: Path) -> None:
    asyncio.run(_download(connection_string))


def job_blobs(connection_string: str, work: Path, *, relist: bool = False) -> None:
    from pipeline.extract.account import Access, connect
    from pipeline.extract.blob import Wanted
    from pipeline.ingest import ingest_blobs
    from pipeline.store import open_store

    access = Access(connection_string=connection_string)
    with connect(access, concurrency=CONCURRENCY) as account, open_store(work / "store") as store:
        result = ingest_blobs(store, account, Wanted(relist=relist))
        print(f"requests {account.downloads.requests} files {result.outcome.files}", file=sys.stderr)


def job_load(connection_string: str, work: Path) -> None:
    """Into access_log, without the hourly flows."""
    from pipeline.transform import rollup

    rollup.refresh = lambda *_: None
    job_blobs(connection_string, work)


def job_relist(connection_string: str, work: Path) -> None:
    job_blobs(connection_string, work, relist=True)


def job_list(connection_string: str, _: Path) -> None:
    async def work() -> int:
        async with BlobServiceClient.from_connection_string(connection_string) as service:
            count = 0
            async for container in service.list_containers(name_starts_with=PREFIX):
                async for _ in service.get_container_client(container.name).list_blobs():
                    count += 1
            return count

    asyncio.run(work())


JOBS: dict[str, Callable[[str, Path], None]] = {
    "download": job_download, "load": job_load, "ingest": job_blobs, "list": job_list, "relist": job_relist,
}  # fmt: skip


def run(job: str, connection_string: str, work: Path, *, keep: bool = False) -> tuple[float, float]:
    """Run a job in a process of its own; return (seconds inside it, peak resident MB)."""
    if not keep:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, "--job", job, "--work", str(work), "--connect", connection_string]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = done.stdout.split()[-2:]
    return float(seconds), float(peak)


def blobs(work: Path) -> None:
    """Print the rate of loading blobs beside that of downloading them."""
    with azurite.running() as service:
        made = export(440_000, 9)[:2000]  # of 200 KB each
        fill(service.connection_string(), made)
        size = sum(len(data) for _, _, data in made) / 1e6
        seconds: dict[str, list[float]] = {"download": [], "load": [], "ingest": []}
        for _ in range(3):
            for job, taken in seconds.items():
                taken.append(run(job, service.connection_string(), work / job)[0])
        bare = statistics.median(seconds["download"])
        print(f"\n{len(made):,} blobs, {size:.0f} MB, from Azurite, {CONCURRENCY} requests at a time")
        for job, taken in seconds.items():
            median = statistics.median(taken)
            print(f"  {job:9} {median:6.2f} s ({min(taken):.2f}-{max(taken):.2f})  {bare / median:5.2f}x bare download")


def nightly(work: Path, count: int) -> None:
    """Print what a night with nothing new costs beside listing."""
    days = [(number // 24, number % 24) for number in range(count // 4)]
    names = [
        hourly(hour).replace("2026/m=10/d=01", f"{2020 + day // 360}/m={day % 360 // 30 + 1:02d}/d={day % 30 + 1:02d}")
        for day, hour in days
    ]
    line = b'{"time":"2026-10-01T00:00:00Z","category":"NspPrivateInboundAllowed"}\n'
    with azurite.running() as service:
        fill(service.connection_string(), [(f"{PREFIX}{kind}", name, line) for kind in "abcd" for name in names])
        run("ingest", service.connection_string(), work / "nightly")
        seconds = {
            job: min(run(job, service.connection_string(), work / "nightly", keep=True)[0] for _ in range(3))
            for job in ("list", "relist", "ingest")
        }
    print(f"\nnothing new in {count:,} blobs")
    for job, taken in seconds.items():
        print(f"  {job:9} {taken:6.2f} s  {taken / seconds['list']:5.2f}x listing")


def memory(work: Path) -> None:
    """Print peak memory at 200 MB and 2 GB."""
    peaks = []
    for records, days in ((220_000, 4), (2_200_000, 35)):
        with azurite.running() as service:
            made = export(records, days)
            size = sum(len(data) for _, _, data in made) / 1e6
            fill(service.connection_string(), made)
            del made
            seconds, peak = run("ingest", service.connection_string(), work / "memory")
            peaks.append(peak)
            print(f"  {size:6.0f} MB of blobs: peak {peak:4.0f} MB, {seconds:.1f} s")
    print(f"  {peaks[1] / peaks[0]:.2f}x")


def workspace(work: Path, rows: int = 100_000) -> None:
    """Print 100,000 workspace rows into access_log beside the query client's model objects."""
    from azure.monitor.query.aio import LogsQueryClient

    from pipeline.extract.workspace import connect
    from pipeline.ingest import ingest_workspace
    from pipeline.store import open_store

    start = datetime(2026, 10, 3)
    with log_analytics.running(work) as service:
        url = f"https://127.0.0.1:{service.port}"
        arm = "/subscriptions/0/resourcegroups/rg/providers/microsoft"
        service.execute(
            "insert into NSPAccessLogs by name select ?::timestamp + range * interval '0.07 seconds' as TimeGenerated, "
            "1 as Count, 'NspPrivateInboundAllowed' as Category, 'apps' as Profile, ? as ServiceResourceId, "
            "? as _ResourceId, '203.0.113.' || (range % 200) as SourceIpAddress, 'GetBlob' as OperationName, "
            "'HTTPS:TCP' as SourceProtocol, '{\"accessRule\":\"DefaultDenyAll\"}' as MatchedRule, "
            "?::timestamp as hidden_ingestion_time from range(?)",
            start,
            f"{arm}.storage/storageaccounts/docs",
            f"{arm}.network/networksecurityperimeters/n",
            start + timedelta(hours=1),
            rows,
        )
        real, ready = service.answer, {}

        def answer(text: str) -> tuple[int, Any]:  # executing the KQL isn't what is measured
            if "nsp_ingestion_time" in text and text not in ready:
                status, body = real(text)
                ready[text] = (status, json.dumps(body, separators=(",", ":")).encode())
            return ready.get(text) or real(text)

        service.answer = answer  # type: ignore[method-assign]

        async def through_models() -> None:
            client = LogsQueryClient(Token(), endpoint=url, connection_verify=service.certificate)
            async with client:
                for text in list(ready):
                    result = await client.query_workspace(log_analytics.WORKSPACE, text, timespan=None)
                    columns = result.tables[0].columns  # type: ignore[union-attr]
                    found = [dict(zip(columns, row, strict=True)) for row in result.tables[0].rows]  # type: ignore[union-attr]
                    import polars as pl

                    pl.DataFrame(found, infer_schema_length=None).write_parquet(work / "models.parquet")

        ours, models = [], []
        for number in range(4):
            connection = connect(log_analytics.WORKSPACE, endpoint=url, credential=Token(), verify=service.certificate)
            with connection as connected, open_store(work / f"workspace{number}") as store:
                began = time.perf_counter()
                result = ingest_workspace(store, connected)
                ours.append(time.perf_counter() - began)
                assert result.outcome.records == rows
            began = time.perf_counter()
            asyncio.run(through_models())
            models.append(time.perf_counter() - began)
        one, other = statistics.median(ours[1:]), statistics.median(models[1:])  # the first executed the KQL
        print(
            f"\n{rows:,} workspace rows: ingest {one:.2f} s, model objects to Parquet {other:.2f} s: {other / one:.1f}x"
        )


def increments(work: Path) -> None:
    """Print what one more hour costs on 1 and on 10 million rows."""
    from pipeline.ingest import ingest_folder
    from pipeline.store import open_store

    tree = work / "tree"
    write_export(tree, 1_000_000, days=35, messy=False)
    last = sorted(tree.glob("insights-logs-*/**/d=01/h=23/m=00/PT1H.json"))
    held = {file: file.read_bytes() for file in last}
    for file in last:
        file.unlink()
    medians = []
    for copies in (1, 10):
        folder = work / f"store{copies}"
        with open_store(folder) as store:
            ingest_folder(store, tree)
            connection = store._connection
            for copy in range(1, copies):  # the same weeks, some years earlier
                stored = "* replace (source_id + 1000000 * {0} as source_id, {1}) from {2} where source_id < 1000000"
                shift = (
                    f"time - interval '{copy * 40} days' as time, end_time - interval '{copy * 40} days' as end_time"
                )
                names = ", ".join(row[0] for row in connection.execute(
                    "select column_name from duckdb_columns() where table_name = 'access_log' and not "
                    "coalesce(regexp_matches(column_name, '^(direction|traffic_type|action|rule_origin)$'), false) "
                    "order by column_index").fetchall())  # fmt: skip
                connection.execute(f"create or replace temp view one as select {names} from access_log")
                connection.execute("insert into access_log by name select " + stored.format(copy, shift, "one"))
                connection.execute("insert into load_ledger select " + stored.format(
                    copy, f"name || '-{copy}' as name", "load_ledger"))  # fmt: skip
                moved = f"hour - interval '{copy * 40} days' as hour"
                for table in ("traffic", "hour_count"):
                    connection.execute(f"insert into {table} by name select * replace ({moved}) from {table} "
                                       "where hour >= '2026-09-20'")  # fmt: skip
            connection.execute("checkpoint")
        taken = []
        for number in range(5):
            for file, data in held.items():
                file.write_bytes(data * (number + 1))
            with open_store(folder) as store:
                began = time.perf_counter()
                result = ingest_folder(store, tree)
                taken.append(time.perf_counter() - began)
                assert result.outcome.files == len(held)
                rows = store._connection.execute("select count(*) from access_log").fetchall()[0][0]
        for file in held:
            file.unlink()
        medians.append(statistics.median(taken))
        print(
            f"  {rows:>10,} rows: {len(held)} grown files take {medians[-1]:.2f} s ({min(taken):.2f}-{max(taken):.2f})"
        )
    print(f"  {medians[1] / medians[0]:.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--job")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--connect")
    given = parser.parse_args()
    if given.job:
        from pipeline.transform import load  # noqa: F401 -- what is imported isn't measured

        began = time.perf_counter()
        JOBS[given.job](given.connect, given.work)
        # not ru_maxrss, which a child takes over from the parent that held the blobs
        peak = int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1000
        print(time.perf_counter() - began, peak)
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        parts: dict[str, Callable[[], None]] = {"blobs": lambda: blobs(work), "workspace": lambda: workspace(work)}
        parts["nightly"] = lambda: nightly(work, 20_000 if given.full else 4_000)
        if given.full:
            parts |= {"memory": lambda: memory(work), "increments": lambda: increments(work)}
        for name, part in parts.items():
            if given.only in {"", name}:
                part()


if __name__ == "__main__":
    main()
