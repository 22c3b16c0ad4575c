"""Measures the verdict engine beside a bare ASOF join on the same addresses as integers, in one run.

`python -m tests.bench.verdicts [--flows 10000000]`: verdicts of all flows against 4 profiles of 200 prefixes
each, as the view gives them; then a what-if over a tenth of the flows. Read the ratios; machines differ.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.inventory import snapshot
from pipeline.inventory.document import Document
from pipeline.inventory.rules import RuleElement, RuleSet
from pipeline.store import Store, open_store
from pipeline.verdict.whatif import compare

GROUP = "/subscriptions/0000/resourcegroups/rg/providers"
PERIMETER = f"{GROUP}/microsoft.network/networksecurityperimeters/nsp1"
PROFILES, PREFIXES, ROUNDS = 4, 200, 3

FLOWS = f"""
insert into traffic by name
with drawn as (
    select i, hash(i) as h, hash(i * 7 + 1) as g, hash(i * 13 + 5) as k from range($flows) as t(i)
)
select
    timestamp '2026-10-01' + to_hours((i * 720 // $flows)::bigint) as hour,
    'blob' as source_kind,
    '{PERIMETER}' as perimeter,
    'profile-' || (h % {PROFILES}) as profile,
    '{GROUP}/microsoft.storage/storageaccounts/docs' || (h % {PROFILES}) || (g % 10) as service_resource,
    ['NspPublicInboundPerimeterRulesAllowed', 'NspPublicInboundResourceRulesDenied',
     'NspPublicInboundResourceRulesAllowed', 'NspPublicInboundResourceRulesAllowed'][1 + (k % 4)::bigint] as category,
    'Inbound' as direction,
    'Public' as traffic_type,
    if(k % 4 = 1, 'Denied', 'Approved') as action,
    if(k % 4 = 0, 'Perimeter', 'Resource') as rule_origin,
    'rule' || (k % 30) as matched_rule,
    if(g % 2 = 0, '3', '4') as rules_version,
    'Op' || (g % 12) as operation,
    (20 + (h >> 8) % 5) || '.' || ((h >> 16) % 4) || '.' || ((h >> 24) % 50) || '.' || ((h >> 32) % 45) as source_ip,
    'public' as source_network,
    source_ip as caller_key,
    'public-address' as caller_kind,
    'HTTPS:TCP' as protocol,
    1 as records,
    (1 + g % 5)::bigint as requests,
    hour as first_seen,
    hour as last_seen
from drawn
"""
INTEGER = " + ".join(f"split_part(source_ip, '.', {part + 1})::bigint * {256 ** (3 - part)}" for part in range(4))
ADDRESSES = f"""
insert into address
select source_ip, source_ip, 4, {0xFFFF << 32}::uhugeint + ({INTEGER}), 'public'
from (select distinct source_ip from traffic)
"""
BARE = """
select s.element is not null and f.value <= s.last_value as admitted, sum(f.requests)
from bare_flow as f
asof left join bare_span as s on f.profile = s.profile and f.value >= s.first_value
group by admitted
"""
OURS = "select verdict, reason, sum(requests) from verdict group by verdict, reason"


def prefixes() -> list[str]:
    """200 prefixes of /15 to /28 over the space that callers come from."""
    return [f"{20 + n % 5}.{n % 4}.{n % 50}.{(n * 16) % 256}/{28 if n % 3 else 24}" for n in range(PREFIXES)]


def configuration() -> Document:
    """4 profiles with 200 prefixes each, and 40 associated resources."""
    found = Document()
    found.add("perimeters", [{"id": PERIMETER}])
    names = [f"profile-{number}" for number in range(PROFILES)]
    found.add("profiles", [{"id": f"{PERIMETER}/profiles/{each}", "accessRulesVersion": "4"} for each in names])
    found.add(
        "accessRules",
        [
            {"id": f"{PERIMETER}/profiles/{each}/accessRules/r", "direction": "Inbound", "addressPrefixes": prefixes()}
            for each in names
        ],
    )
    found.add(
        "associations",
        [
            {
                "id": f"{PERIMETER}/resourceAssociations/docs{number}{place}",
                "accessMode": "Learning",
                "publicNetworkAccess": "Enabled",
                "privateLinkResource": {"id": f"{GROUP}/microsoft.storage/storageaccounts/docs{number}{place}"},
                "profile": {"id": f"{PERIMETER}/profiles/profile-{number}"},
            }
            for number in range(PROFILES)
            for place in range(10)
        ],
    )
    return found


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that some work took, and its result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def peak_megabytes() -> float:
    """Return the peak resident memory of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3


def measure(store: Store, flows: int) -> None:
    """Print the engine beside the bare join."""
    connection = store._connection
    made, _ = timed(lambda: connection.execute(FLOWS, {"flows": flows}))
    connection.execute(ADDRESSES)
    snapshot.keep(store, configuration(), datetime(2026, 9, 1), "bench")
    print(f"{flows:,} flows, {PROFILES} profiles x {PREFIXES} prefixes, made in {made:.1f} s")
    taken: list[float] = []
    for _ in range(ROUNDS):
        store._query("traffic/flows_by_verdict")  # makes the view
        seconds, rows = timed(lambda: connection.execute(OURS).fetchall())
        taken.append(seconds)
    peak = peak_megabytes()
    connection.execute(
        "create temp table bare_flow as "
        f"select right(profile, 1)::integer as profile, {INTEGER} as value, requests from traffic"
    )
    connection.execute(
        "create temp table bare_span as select right(profile, 1)::integer as profile, "
        f"(first_value - {0xFFFF << 32}::uhugeint)::bigint as first_value, "
        f"(last_value - {0xFFFF << 32}::uhugeint)::bigint as last_value, element from rule_span"
    )
    bare = [timed(lambda: connection.execute(BARE).fetchall())[0] for _ in range(ROUNDS)]
    ours, peer = statistics.median(taken), statistics.median(bare)
    print(f"  bare ASOF join on integers {peer:5.2f} s ({min(bare):.2f}-{max(bare):.2f})")
    times = f"{ours / peer:.1f} times the bare join"
    print(f"  verdicts                   {ours:5.2f} s ({min(taken):.2f}-{max(taken):.2f})  {times}")
    print(f"  peak memory                {peak:5.0f} MB  ({len(rows)} verdicts and reasons)")


def whatif(store: Store, flows: int) -> None:
    """Print how long a what-if takes."""
    store._connection.execute("delete from traffic")
    store._connection.execute(FLOWS, {"flows": flows})
    elements = [
        RuleElement(PERIMETER, f"profile-{number}", "Inbound", "address-prefixes", each, "tried")
        for number in range(PROFILES)
        for each in prefixes()[: PREFIXES // 2]
    ]
    taken = [timed(lambda: compare(store, RuleSet(tuple(elements)), limit=20))[0] for _ in range(ROUNDS)]
    print(f"  what-if over {flows:,} flows {statistics.median(taken):.2f} s")


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=10_000_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nsp-bench-") as name, open_store(Path(name), memory="1200MB") as store:
        measure(store, chosen.flows)
        whatif(store, chosen.flows // 10)


if __name__ == "__main__":
    main()
