"""How narrow address rules can be: the least that each number of prefixes admits beyond what is needed."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.recommend import cover
from pipeline.recommend.allot import Limits, place_of
from pipeline.recommend.need import caller_days, needs
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from pipeline.verdict.scenario import ENFORCED, scenario

if TYPE_CHECKING:
    import polars as pl


def frontier(store: Store, scope: Scope, limits: Limits) -> "pl.DataFrame":
    """Return for each profile and number of prefixes the addresses that the best cover admits beyond those seen.

    It covers the addresses that mostly succeed today and that no rule in force admits; proposals leave strays and odd
    callers out and pay for each prefix, so they lie near it, not on it.

    Reads: the view verdict, traffic and the inventory.

    Args:
        store: the warehouse; read-only will do.
        scope: perimeter, profile and window.
        limits: how many and how wide prefixes may be.
    """
    import polars as pl

    with scenario(store, access_mode=ENFORCED):
        found = caller_days(store.rows("recommend/caller_days", **scope.parameters()))
    rows = []
    for (perimeter, profile, direction), days in sorted(found.items()):
        if direction != "Inbound":
            continue
        mine = [need for need in needs(days, direction) if need.kind == "address-prefixes"]
        for version, widest in ((4, limits.widest_v4), (6, limits.widest_v6)):
            wanted, refused = (
                cover.keys_of(
                    (number for need in mine if need.is_stranger is stranger and not need.is_mostly_denied
                     for of, number in [place_of(need.key)] if of == version),
                    version,
                )
                for stranger in (False, True)
            )  # fmt: skip
            if not len(wanted):
                continue
            most = min(limits.max_elements - limits.reserve, len(wanted))
            curve = cover.curve(wanted, version, most, widest=widest, holes=np.setdiff1d(refused, wanted))
            rows += [
                (perimeter, profile, version, count, int(extra))
                for count, extra in enumerate(curve.extra)
                if np.isfinite(extra)
            ]
    names = {"perimeter": pl.String, "profile": pl.String}
    numbers = dict.fromkeys(("version", "prefixes", "extra_addresses"), pl.Int64)
    return pl.DataFrame(rows, schema={**names, **numbers}, orient="row")
