"""Writes the sample perimeter's export: any number of records, the same for the same seed, a million in seconds.

What varies from record to record (times, counts, addresses, ports) comes from numpy; the rest of a record is
one of a few ready texts. Keys are camelCase, but for private-endpoint records, whose keys are PascalCase, as
services differ in that. With `messy`, some lines are cut, blank, unescaped, of unknown category, without zone.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.sample.scenario import (
    FLOWS,
    FQDN,
    INVENTORY,
    KNOWN_NETWORKS,
    PERIMETER,
    PROFILE,
    RULES_VERSION,
    Flow,
)

START = datetime(2026, 9, 28, tzinfo=UTC)
"""A Monday."""
DAYS = 35
SMALL_HOURS = (3, 9)
"""Hours of the sample that is kept in the repository: one at night, one at work."""

Integers = np.ndarray[Any, np.dtype[np.int64]]


def write_export(
    folder: Path,
    records: int,
    *,
    seed: int = 7,
    days: int = DAYS,
    messy: bool = True,
    hours: tuple[int, ...] = tuple(range(24)),
    written: Callable[[int], None] = lambda _: None,
) -> int:
    """Write an export tree below a folder, with inventory.json and known-networks.csv beside them; return the records.

    Args:
        folder: where the insights-logs-* folders go; made where it is missing.
        records: how many log records, about.
        seed: same seed, same bytes.
        days: length of the window, from START.
        messy: add lines as real exports have them too.
        hours: hours of the day in which anything happens; fewer hours make fewer files.
        written: called with the number of records written, again and again.
    """
    rng = np.random.default_rng(seed)
    total = sum(flow.weight for flow in FLOWS)
    blobs: dict[tuple[str, datetime], list[tuple[int, str]]] = defaultdict(list)
    for number, flow in enumerate(FLOWS):
        share = max(1, round(records * flow.weight / total))
        moments = _moments(flow, share, days, hours, rng)
        for moment, line in zip(moments.tolist(), _lines(flow, number, moments, rng), strict=True):
            blobs[flow.category, START + timedelta(hours=moment // 3600)].append((moment, line))
    count = 0
    for (category, hour), lines in sorted(blobs.items()):
        path = folder / blob_name(category, hour)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(line for _, line in sorted(lines))
        path.write_text(text + (_mess(rng, text, category) if messy else ""), encoding="utf-8", newline="")
        count += len(lines)
        written(len(lines))
    (folder / "inventory.json").write_text(json.dumps(INVENTORY, indent=2) + "\n", encoding="utf-8")
    networks = "".join(f"{name},{prefix},{owner}\n" for name, prefix, owner in KNOWN_NETWORKS)
    (folder / "known-networks.csv").write_text("name,cidr,owner\n" + networks, encoding="utf-8")
    return count


def blob_name(category: str, hour: datetime) -> str:
    """Return the blob's path as a diagnostic setting lays it out (Azure Monitor, "Resource logs")."""
    return (
        f"insights-logs-{category.lower()}/resourceId={PERIMETER.upper()}"
        f"/y={hour:%Y}/m={hour:%m}/d={hour:%d}/h={hour:%H}/m=00/PT1H.json"
    )


def _moments(flow: Flow, count: int, days: int, hours: tuple[int, ...], rng: np.random.Generator) -> Integers:
    """Return seconds since START, by the flow's rhythm."""
    day = rng.integers(0, days, count)
    open_hours = np.array(hours)
    hour = rng.choice(open_hours, count)
    if flow.rhythm == "office":
        day = np.where(day % 7 >= 5, (day + 2) % days, day)  # noqa: PLR2004 -- Saturday and Sunday
        day = np.where(day % 7 >= 5, day - 2, day)  # noqa: PLR2004 -- the window may end on a week-end
        office = open_hours[(open_hours >= 6) & (open_hours < 17)]  # noqa: PLR2004 -- UTC
        hour = rng.choice(office, count)
    elif flow.rhythm == "nightly":
        hour = rng.choice(open_hours[open_hours < 5], count)  # noqa: PLR2004 -- before five
    elif flow.rhythm == "weekly":
        day = np.minimum(day // 7 * 7 + 6, days - 1)
        hour = np.full(count, 3)
    elif flow.rhythm == "monthly":
        day = np.full(count, min(3, days - 1))  # the first of October
        hour = np.full(count, 3)
    elif flow.rhythm == "rare":
        day = rng.choice(np.array([2, 9, 23]) % days, count)
    moments: Integers = day * 86400 + hour * 3600 + rng.integers(0, 3600, count)
    return moments


def _lines(flow: Flow, number: int, moments: Integers, rng: np.random.Generator) -> list[str]:
    count = len(moments)
    addresses = _addresses(flow, count, rng)
    ports = rng.integers(1024, 65535, count).tolist() if flow.addresses else [""] * count
    events = rng.integers(1, flow.events + 1, count).tolist()
    fractions = rng.integers(0, 10_000_000, count).tolist()
    base = np.datetime64(START.replace(tzinfo=None), "s")
    starts = np.datetime_as_string(base + moments).tolist()
    ends = np.datetime_as_string(
        base + np.minimum(moments + rng.integers(1, 1500, count), moments // 3600 * 3600 + 3599)
    )
    head, middle, tail = _template(flow, number)
    pascal = flow.category == "NspPrivateInboundAllowed"
    time, end, times = (
        ("Time", "TimeGeneratedEndTime", "Count") if pascal else ("time", "timeGeneratedEndTime", "count")
    )
    return [
        f'{{"{time}":"{start}.{fraction:07d}Z","{end}":"{stop}.0000000Z","{times}":{event},{head}{address}{middle}{port}{tail}'
        for start, fraction, stop, event, address, port in zip(
            starts,
            fractions,
            ends.tolist(),
            events,
            addresses,
            ports,
            strict=True,
        )
    ]


def _addresses(flow: Flow, count: int, rng: np.random.Generator) -> list[str]:
    if not flow.addresses:
        return [""] * count
    # the pool belongs to the prefix, not to the flow: one machine calls several services
    pool_rng = np.random.default_rng(abs(hash_of(flow.addresses)) % 2**32)
    pool: list[str] = []
    for prefix in flow.addresses:
        network = ip_network(prefix)
        size = min(network.num_addresses, 2**62)
        chosen = (
            pool_rng.choice(size, min(flow.hosts, size), replace=False)
            if size < 2**20
            else pool_rng.integers(
                0,
                size,
                flow.hosts,
            )
        )
        pool += [str(network[int(offset)]) for offset in chosen]
    return [pool[index] for index in rng.integers(0, len(pool), count).tolist()]


def hash_of(words: tuple[str, ...]) -> int:
    """Return a number that is the same in every process, unlike hash()."""
    return int.from_bytes("|".join(words).encode(), "big") % (2**61 - 1)


def _template(flow: Flow, number: int) -> tuple[str, str, str]:
    """Return the text of a record around its address and its port."""
    profile = PROFILE[flow.service]
    properties: dict[str, Any] = {
        "serviceResourceId": flow.service,
        "serviceFqdn": FQDN[flow.service],
        "profile": profile,
        "parameters": "",
        "appId": f"a0a0a0a0-0000-4000-8000-{number:012d}",
        "matchedRule": {"accessRule": flow.matched_rule},
        "accessRulesVersion": RULES_VERSION[profile],
    }
    if "Outbound" in flow.category:
        properties["destination"] = {
            "resourceId": flow.destination[1],
            "fullyQualifiedDomainName": flow.destination[0],
            "port": "443",
            "protocol": "HTTPS:TCP",
            "parameters": "@address@@port@",  # both are blank: an outbound record has no caller's address
        }
    else:
        properties["source"] = {
            "resourceId": flow.source_resource,
            "ipAddress": "@address@",
            "port": "@port@",
            "protocol": "HTTPS:TCP",
            "perimeterGuids": [flow.source_perimeter] if flow.source_perimeter else [],
            "appId": flow.source_app,
            "parameters": "",
        }
    record = {
        "resourceId": PERIMETER.upper(),
        "location": "westeurope",
        "operationName": flow.operation[0],
        "operationVersion": "2024-08-04",
        "category": flow.category,
        "resultDescription": flow.operation[1],
        "properties": properties,
    }
    if flow.category == "NspPrivateInboundAllowed":
        record = _pascal(record)
    text = json.dumps(record, separators=(",", ":"))[1:] + "\n"
    head, rest = text.split("@address@")
    middle, tail = rest.split("@port@")
    return head, middle, tail


def _pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _pascal(item) for key, item in value.items()}
    return value


def _mess(rng: np.random.Generator, text: str, category: str) -> str:
    """Return lines that a reader must survive: rarely any, never the same kind everywhere."""
    line = text[: text.index("\n") + 1]
    unescaped = '{"time":"2026-10-01T00:00:00Z","category":"' + category + '","note":"say "hello""}\n'
    kinds: list[Callable[[], str]] = [
        lambda: line[: len(line) // 2] + "\n",  # cut
        lambda: "\n\r\n",  # blank
        lambda: unescaped,
        lambda: line.replace('{"', '{"schemaVersion":"2","', 1),  # a field nobody knows
        lambda: line.replace(category, "NspPublicInboundAuditOnly", 1),  # a category nobody knows
        lambda: re.sub(r'"(.ime)":"([^."]+)[^"]*"', r'"\1":"\2"', line, count=1),  # no fraction, no zone
        lambda: re.sub(r'"(.ount)":(\d+)', r'"\1":"\2"', line, count=1),  # a count in quotes
        lambda: re.sub(r'"timeGeneratedEndTime":"[^"]*","count":\d+,', "", line, count=1),  # not aggregated
    ]
    kind = int(rng.integers(0, 60))
    return kinds[kind]() if kind < len(kinds) else ""
