"""What a rule costs: the price under which past weeks would have been denied the least.

Filling the budget fits last month's addresses and denies next month's; too high a price opens more than was ever used.
So a few prices are tried on the last two weeks that are known: rules from what came before, held against each week. The
lowest price is taken that denies no more than the best one, within one standard error (the rule of one standard error:
Breiman et al., Classification and Regression Trees, 1984).
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from pipeline.recommend.allot import Limits, Plan, holders, place_of
from pipeline.recommend.need import Need

PRICES = (16.0, 64.0, 256.0, 1024.0, 4096.0)
"""Address-equivalents a rule that are tried."""
DEFAULT = 256.0
"""Where less than a week came before the last one, there is nothing to try on."""
WEEK = timedelta(days=7)
ORIGINS = 2


def rule_cost(groups: Sequence[Sequence[Need]], refused: Collection[str], budget: int, limits: Limits) -> float:
    """Return what a prefix costs, in address-equivalents.

    Args:
        groups: callers of kind address-prefixes that succeeded, with the days on which they did.
        refused: addresses that no prefix of more than one may hold.
        budget: how many prefixes there may be.
        limits: if they name a price, it is that.
    """
    if limits.rule_cost is not None:
        return limits.rule_cost
    days = sorted({day for group in groups for need in group for day in need.days})
    if not days:
        return DEFAULT
    denied = dict.fromkeys(PRICES, 0)
    tried = False
    for number in range(1, ORIGINS + 1):
        origin = days[-1] + timedelta(days=1) - number * WEEK
        before = [[need for need in group if sum(day < origin for day in need.days) > 1] for group in groups]
        if origin - days[0] < WEEK or not any(before):
            break
        tried = True
        after = [
            [
                (place_of(need.key), count)
                for need in group
                if (count := sum(origin <= day < origin + WEEK for day in need.days))
            ]
            for group in groups
        ]
        plan = Plan(before, refused, budget, replace(limits, drop_budget=0.0))
        for price in PRICES:
            found = plan.allot(price)
            for some, prefixes in zip(after, found.prefixes, strict=True):
                held = holders(prefixes, [place for place, _ in some])
                denied[price] += sum(count for (_, count), holder in zip(some, held, strict=True) if holder is None)
    if not tried:
        return DEFAULT
    tolerated = min(denied.values()) + math.sqrt(min(denied.values()))
    return next(price for price in PRICES if denied[price] <= tolerated)
