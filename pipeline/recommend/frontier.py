"""How narrow address rules can be: the least that each number of prefixes admits beyond what is needed."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.recommend import cover
from pipeline.recommend.allot import Limits, place_of
from pipeline.recommend.caller_days import caller_days
from pipeline.recommend.cover import Curve, Keys
from pipeline.recommend.need import Need, needs
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from pipeline.verdict.scenario import ENFORCED, scenario

if TYPE_CHECKING:
    import polars as pl


def covers(wanted: Sequence[Need], refused: Sequence[Need], limits: Limits) -> Iterator[tuple[Curve, int]]:
    """Yield all optimal covers of the IPv4 and of the IPv6 addresses that are wanted, and how many those are.

    Args:
        wanted: callers of kind address-prefixes; addresses of IPv6 are counted by their /64.
        refused: those that no prefix of several addresses may hold, where they aren't wanted as well.
        limits: how many and how wide prefixes may be.
    """
    for version, widest in ((4, limits.widest_v4), (6, limits.widest_v6)):
        keys, others = _keys(wanted, version), _keys(refused, version)
        if len(keys):
            most = min(limits.max_elements - limits.reserve, len(keys))
            yield cover.curve(keys, version, most, widest=widest, holes=np.setdiff1d(others, keys)), len(keys)


def _keys(some: Sequence[Need], version: int) -> Keys:
    places = (place_of(need.key) for need in some)
    return cover.keys_of((number for of, number in places if of == version), version)


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
        found = caller_days(store.rows("recommend/caller_days", **scope.parameters(), admitted=False))
    rows = []
    for (perimeter, profile, direction), days in sorted(found.items()):
        if direction != "Inbound":
            continue
        mine = [
            need for need in needs(days, direction) if need.kind == "address-prefixes" and not need.is_mostly_denied
        ]
        wanted, refused = ([need for need in mine if need.is_stranger is stranger] for stranger in (False, True))
        for curve, _ in covers(wanted, refused, limits):
            rows += [
                (perimeter, profile, curve.version, count, int(extra))
                for count, extra in enumerate(curve.extra)
                if np.isfinite(extra)
            ]
    names = {"perimeter": pl.String, "profile": pl.String}
    numbers = dict.fromkeys(("version", "prefixes", "extra_addresses"), pl.Int64)
    return pl.DataFrame(rows, schema={**names, **numbers}, orient="row")
