"""Measures `nsp recommend` with its backtest beside the reading of the same traffic, in one run.

`python -m tests.bench.recommend`: 60,000 and 1,000,000 flows of 1,000 callers, and 1,000,000 flows of 20,000, each over
30 days. The bare reading is a GROUP BY of the same columns in DuckDB, without any verdict; reading is what `nsp
recommend` reads of callers and their days, with verdicts, and is part of its time.
"""

import argparse
import tempfile
from datetime import datetime
from pathlib import Path

from pipeline.inventory import snapshot
from pipeline.inventory.document import Document
from pipeline.recommend.caller_days import CallerDays, caller_days
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import recommend
from pipeline.recommend.scope import Scope
from pipeline.store import Store, open_store
from pipeline.verdict.scenario import ENFORCED, scenario
from tests.bench.verdicts import ADDRESSES, GROUP, PERIMETER, timed

FLOWS = f"""
insert into traffic by name
with drawn as (
    select i, hash(i) as h, hash(i * 7 + 1) as g, hash(hash(i) % $callers * 13 + 5) as c from range($flows) as t(i)
)
select
    timestamp '2026-10-01' + to_hours((i * 720 // $flows)::bigint) as hour,
    'blob' as source_kind,
    '{PERIMETER}' as perimeter,
    'profile-0' as profile,
    '{GROUP}/microsoft.storage/storageaccounts/docs0' || (c % 10) as service_resource,
    'NspPublicInboundResourceRulesAllowed' as category,
    'Inbound' as direction,
    'Public' as traffic_type,
    'Approved' as action,
    'Resource' as rule_origin,
    'DenyAll' as matched_rule,
    '4' as rules_version,
    'Op' || (g % 12) as operation,
    (20 + (c >> 8) % 5) || '.' || ((c >> 16) % 4) || '.' || ((c >> 24) % 12) || '.' || ((c >> 32) % 128) as source_ip,
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
BARE = """
select perimeter, profile, service_resource, direction, source_ip, hour::date as day, action, sum(requests)
from traffic
group by all
"""


def configuration() -> Document:
    """One profile without rules, and ten resources that learn."""
    found = Document()
    found.add("perimeters", [{"id": PERIMETER}])
    found.add("profiles", [{"id": f"{PERIMETER}/profiles/profile-0", "accessRulesVersion": "4"}])
    members = [
        {
            "id": f"{PERIMETER}/resourceAssociations/docs0{number}",
            "accessMode": "Learning",
            "privateLinkResource": {"id": f"{GROUP}/microsoft.storage/storageaccounts/docs0{number}"},
            "profile": {"id": f"{PERIMETER}/profiles/profile-0"},
        }
        for number in range(10)
    ]
    found.add("associations", members)
    return found


def measure(store: Store, flows: int, callers: int) -> str:
    """Return a row of the table."""
    connection = store._connection
    connection.execute(FLOWS, {"flows": flows, "callers": callers})
    connection.execute(ADDRESSES)
    snapshot.keep(store, configuration(), datetime(2026, 9, 1), "bench")
    bare, _ = timed(lambda: connection.execute(BARE).fetchall())
    reading, _ = timed(lambda: read(store))
    ours, found = timed(lambda: recommend(store, Limits(), Scope(), datetime(2026, 10, 31)))
    seconds = f"{bare:.2f} | {reading:.2f} | {ours:.2f} | {ours - reading:.2f}"
    return f"| {flows:,} | {callers:,} | {seconds} | {ours / bare:.1f} | {len(found.proposals):,} |"


def read(store: Store) -> dict[tuple[str, str, str], list[CallerDays]]:
    """Read the callers and their days, as `nsp recommend` does."""
    with scenario(store, access_mode=ENFORCED):
        return caller_days(store.rows("recommend/caller_days", **Scope().parameters(), admitted=None))


def main() -> None:
    """Fill a store for each size, measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recommend", description=__doc__)
    parser.parse_args()
    print(
        "| flows | callers | bare GROUP BY, s | reading, s | nsp recommend, s | beyond reading, s | ratio | proposals |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for flows, callers in ((60_000, 1_000), (1_000_000, 1_000), (1_000_000, 20_000)):
        with tempfile.TemporaryDirectory(prefix="nsp-bench-") as folder, open_store(Path(folder)) as store:
            print(measure(store, flows, callers))


if __name__ == "__main__":
    main()
