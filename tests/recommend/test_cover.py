"""The cover is optimal: held against a recursion over all prefixes of a small universe."""

import functools
import math
from ipaddress import IPv4Address, IPv6Address, ip_network
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.recommend.cover import KEY_BITS, Keys, curve, keys_of

BASES = {4: [0, 0xC0A80000, 0xFFFFFFE0], 6: [0, 0x20010DB8 << 32, 2**64 - 32]}


def brute_force(keys: list[int], holes: list[int], bits: int, widest: int, most: int) -> list[float]:
    """F(0..most) by trying every prefix of the 32 last keys below the first key's prefix of bits - 5."""

    @functools.cache
    def best(base: int, length: int, count: int) -> float:
        inside = [key for key in keys if key >> (bits - length) == base]
        if not inside:
            return 0 if count == 0 else float("inf")
        if count == 0:
            return float("inf")
        found = float("inf")
        if count == 1:
            hollow = any(hole >> (bits - length) == base for hole in holes)
            if length == bits or (length >= widest and not hollow):
                found = float(2 ** (bits - length) - len(inside))
        if length < bits:
            for left in range(count + 1):
                found = min(found, best(base * 2, length + 1, left) + best(base * 2 + 1, length + 1, count - left))
        return found

    return [best(keys[0] >> 5, bits - 5, count) for count in range(most + 1)]


@settings(max_examples=300, deadline=None)
@given(
    version=st.sampled_from([4, 6]),
    place=st.integers(0, 2),
    offsets=st.sets(st.integers(0, 31), min_size=1, max_size=14),
    hollow=st.sets(st.integers(0, 31), max_size=4),
    guard=st.sampled_from([0, 5, 4, 3, 2]),
    most=st.integers(1, 9),
)
def test_equals_brute_force(
    version: int, place: int, offsets: set[int], hollow: set[int], guard: int, most: int
) -> None:
    bits = KEY_BITS[version]
    base = BASES[version][place]
    keys = sorted(base + offset for offset in offsets)
    holes = sorted(base + offset for offset in hollow - offsets)
    widest = bits - guard if guard else 0
    found = curve(np.array(keys, np.uint64), version, most, widest=widest, holes=np.array(holes, np.uint64))
    expected = brute_force(keys, holes, bits, widest, most)
    reachable = min(most, len(keys))
    assert found.extra[: reachable + 1].tolist() == [float("inf"), *expected[1 : reachable + 1]]
    assert np.isinf(found.extra[reachable + 1 :]).all()
    everything = brute_force(keys, holes, bits, widest, len(keys))
    assert found.least == next(count for count, extra in enumerate(everything) if extra < float("inf"))
    for count in range(1, reachable + 1):
        if np.isfinite(found.extra[count]):
            check_cover(found.prefixes(count), keys, holes, version, widest, count, found.extra[count])


def check_cover(
    prefixes: list[Any], keys: list[int], holes: list[int], version: int, widest: int, count: int, extra: float
) -> None:
    shift = 0 if version == 4 else 64
    assert len(prefixes) == count
    assert prefixes == sorted(prefixes)
    addresses = {key << shift for key in keys}
    assert all(sum(int(each.network_address) <= key <= int(each.broadcast_address) for each in prefixes) == 1
               for key in addresses)  # fmt: skip
    assert sum(each.num_addresses >> shift for each in prefixes) - len(keys) == extra
    assert all(each.prefixlen >= widest for each in prefixes)
    for hole in holes:
        assert not any(int(each.network_address) <= hole << shift <= int(each.broadcast_address) for each in prefixes)


def test_greedy_would_be_worse() -> None:
    """The smallest sets on which merging bottom-up (12) and splitting top-down (10) miss the optimum."""
    base = 0xCB007100
    merge = curve(np.array([base + each for each in (0, 2, 8, 10, 12, 14)], np.uint64), 4, 6)
    split = curve(np.array([base + each for each in (0, 1, 8, 10, 12, 14)], np.uint64), 4, 6)
    assert merge.extra[3] == 10 - 6
    assert split.extra[4] == 8 - 6


def test_price_of_a_rule_chooses_the_point_of_the_curve() -> None:
    keys = keys_of([int(IPv4Address("203.0.113.0")) + each for each in (0, 1, 2, 3, 128)], 4)
    found = curve(keys, 4, 5)
    assert found.best(0, 5) == 2
    assert found.best(256, 5) == 1
    assert found.prefixes(2) == [ip_network("203.0.113.0/30"), ip_network("203.0.113.128/32")]
    assert found.best(0, 0) is None


def test_ipv6_is_covered_by_networks_of_64() -> None:
    keys = keys_of(
        [int(IPv6Address("2001:db8::1")), int(IPv6Address("2001:db8::2")), int(IPv6Address("2001:db8:0:1::"))], 6
    )
    assert len(keys) == 2
    assert curve(keys, 6, 2).prefixes(1) == [ip_network("2001:db8::/63")]


def test_infeasible_is_told_with_the_least_number() -> None:
    keys = keys_of([int(IPv4Address(text)) for text in ("203.0.113.1", "198.51.100.1", "192.0.2.1")], 4)
    found = curve(keys, 4, 2, widest=16)
    assert found.best(256, 2) is None
    assert found.least == 3
    with pytest.raises(ValueError, match="no cover with 2"):
        found.prefixes(2)


@pytest.mark.parametrize("seed", range(3))
def test_large_sets_are_covered_and_the_curve_falls(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pools = rng.integers(0, 2**32 - 2**16, 50)
    keys = np.unique((pools[rng.integers(0, 50, 20_000)] + rng.integers(0, 2**16, 20_000)).astype(np.uint64))
    found = curve(keys, 4, 200, widest=12)
    assert (np.diff(found.extra[found.least :]) <= 0).all()
    prefixes = found.prefixes(200)
    starts = np.array([int(each.network_address) for each in prefixes], np.uint64)
    ends = np.array([int(each.broadcast_address) for each in prefixes], np.uint64)
    place = np.searchsorted(starts, keys, side="right") - 1
    assert (keys <= ends[place]).all()
    assert int((ends - starts + np.uint64(1)).sum()) - len(keys) == found.extra[200]


@settings(max_examples=60, deadline=None)
@given(
    prices=st.dictionaries(st.integers(0, 15), st.sampled_from([0.0, 0.5, 1.0, 3.0, 9.0]), min_size=1, max_size=7),
    hollow=st.sets(st.integers(0, 15), max_size=3),
    guard=st.sampled_from([0, 3, 2]),
    most=st.integers(0, 6),
)
def test_dropping_at_a_price_equals_every_choice_of_what_to_drop(
    prices: dict[int, float], hollow: set[int], guard: int, most: int
) -> None:
    base = 0xC0A80000
    offsets = sorted(prices)
    holes = np.array(sorted(base + each for each in hollow - set(offsets)), np.uint64)
    widest = 32 - guard if guard else 0
    keys = np.array([base + each for each in offsets], np.uint64)
    found = curve(keys, 4, most, widest=widest, holes=holes, prices=np.array([prices[each] for each in offsets]))
    for count in range(min(most, len(offsets)) + 1):
        best = min(
            sum(prices[each] for each in set(offsets) - set(kept))
            + covered([base + each for each in kept], holes, widest, count)
            for size in range(len(offsets) + 1)
            for kept in combinations(offsets, size)
        )
        assert found.extra[count] == best
        if np.isfinite(best):
            prefixes = found.prefixes(count)
            assert len(prefixes) == count
            admitted = [each for each in offsets if any(IPv4Address(base + each) in prefix for prefix in prefixes)]
            extra = sum(each.num_addresses for each in prefixes) - len(admitted)
            assert extra + sum(prices[each] for each in set(offsets) - set(admitted)) == best


def covered(kept: list[int], holes: Keys, widest: int, count: int) -> float:
    """The least extra space over what is kept; what a prefix admits anyway is no extra."""
    if not kept:
        return 0.0 if count == 0 else math.inf
    if count == 0:
        return math.inf
    cover = curve(np.array(kept, np.uint64), 4, count, widest=widest, holes=holes)
    return float(cover.extra[count])
