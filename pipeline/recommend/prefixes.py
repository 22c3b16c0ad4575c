"""The prefixes for some addresses by themselves: what another kind of rule, or one prefix, is weighed against."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

from pipeline.recommend import cover
from pipeline.recommend.allot import SPARSE
from pipeline.recommend.cover import Network

_SHIFT = {4: 0, 6: 64}

Priced = tuple[float, Network]
"""A prefix, with what it opens beside the addresses wanted and the price of a rule."""


def narrowest(address: str) -> Network:
    """Return the narrowest prefix for one address: IPv6 hosts change the last 64 bits at will."""
    parsed = ip_address(address)
    return ip_network((parsed, 32 if parsed.version == 4 else 64), strict=False)  # noqa: PLR2004


def keys_by_version(addresses: Iterable[str]) -> dict[int, list[int]]:
    """Return the distinct keys of some addresses, in order: IPv4 addresses, and IPv6 /64 networks."""
    found: dict[int, set[int]] = {}
    for parsed in map(ip_address, addresses):
        found.setdefault(parsed.version, set()).add(int(parsed) >> _SHIFT[parsed.version])
    return {version: sorted(keys) for version, keys in sorted(found.items())}


def cheapest(keys: Sequence[int], version: int, rule_cost: float, *, may_be_one: bool = True) -> list[Priced]:
    """Return the cheapest prefixes for some keys, without a thought for budgets, refused addresses and widths.

    As the cover at that price, halves first: the cost of a node is min(one prefix, its left half and its right half).

    Args:
        keys: of one version, at least one, in order.
        version: 4 or 6.
        rule_cost: what a prefix costs beside the keys that it opens.
        may_be_one: one prefix may hold them all; else there are at least two, or none for a single key.
    """
    bits = cover.KEY_BITS[version]

    def best(first: int, last: int, *, may_be_one: bool = True) -> tuple[float, list[tuple[float, int, int]]]:
        """Return the cost, and of each prefix its cost, a key and how many bits of it are free."""
        if last - first == 1:
            return rule_cost, [(rule_cost, keys[first], 0)]
        free = (keys[first] ^ keys[last - 1]).bit_length()
        middle = bisect_left(keys, keys[last - 1] >> (free - 1) << (free - 1), first, last)
        (left, some), (right, others) = best(first, middle), best(middle, last)
        wanted = last - first
        alone = 2**free - wanted + rule_cost
        if may_be_one and alone <= left + right and 2**free <= max(SPARSE * wanted, wanted**2):
            return alone, [(alone, keys[first], free)]
        return left + right, some + others

    if len(keys) == 1 and not may_be_one:
        return []
    _, found = best(0, len(keys), may_be_one=may_be_one)
    shift = _SHIFT[version]
    return [(cost, ip_network((key >> free << free + shift, bits - free), strict=False)) for cost, key, free in found]
