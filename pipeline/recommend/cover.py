"""The fewest and narrowest prefixes that cover some addresses: exact, with the whole curve of choices.

An optimal prefix is the longest common prefix of what it covers, so a cover with k prefixes is an antichain cut
of the compressed binary trie of the addresses. Each node v holds F_v(k), the least number of addresses beyond
those wanted when k prefixes cover everything below it:

    F_v(1) = 2^(bits below v) - addresses below v, or infinity (wider than allowed, or a hole lies below)
    F_v(k) = min over i of F_left(i) + F_right(k - i)

Where addresses may be dropped at a price, F_v(0) is the price of all below v, and k counts from 0.

computed from the deepest prefix length up; all nodes of a length at once. The deny-list mirror image is solved
on the same tree by Soldo, Argyraki and Markopoulou, "Optimal source-based filtering of malicious traffic" (2012,
arXiv:1006.1165). Time O(N K), memory some 100 bytes an address.

Filling a budget overfits: it would spend 200 elements on single addresses of rotating agents, and deny the next
ones. So each prefix costs `rule_cost` address-equivalents (a minimum description length), and the cheapest
point of the curve is taken.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
Keys = np.ndarray[Any, np.dtype[np.uint64]]
Network = IPv4Network | IPv6Network

KEY_BITS = {4: 32, 6: 64}
"""Bits of an address that take part: IPv6 is rolled up to /64 first, as hosts change the rest at will."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Every useful cover of one set of addresses.

    Args:
        version: 4 or 6.
        extra: extra[k] is the least number of addresses (IPv6: of /64 networks) beyond those wanted, with k
            prefixes, plus the price of those that are dropped; infinity where k prefixes don't suffice. extra[0] is
            infinity where none may be dropped.
        least: the least number of prefixes with which a cover of all exists.
    """

    version: int
    extra: Floats
    least: int
    _tree: "_Tree"

    def best(self, rule_cost: float, most: int) -> int | None:
        """Return the number of prefixes, at most `most`, that is cheapest at a price a prefix; None if none is."""
        reachable = self.extra[: most + 1] + rule_cost * np.arange(len(self.extra[: most + 1]))
        if not len(reachable) or not np.isfinite(reachable).any():
            return None
        return int(np.argmin(reachable))

    def prefixes(self, count: int) -> list[Network]:
        """Return an optimal cover with just that many prefixes, in order of address.

        Raises:
            ValueError: there is none.
        """
        if not 0 <= count < len(self.extra) or not np.isfinite(self.extra[count]):
            raise ValueError(f"there is no cover with {count} prefixes")
        return self._tree.trace(count)


def keys_of(addresses: Iterable[int], version: int) -> Keys:
    """Return the distinct keys of addresses given as integers, sorted: IPv4 addresses, or IPv6 /64 networks."""
    shift = 0 if version == 4 else 64  # noqa: PLR2004
    return np.unique(np.fromiter((address >> shift for address in addresses), np.uint64))


def curve(  # noqa: PLR0913 -- the bounds of one problem
    keys: Keys,
    version: int,
    most: int,
    *,
    widest: int = 0,
    holes: Keys | None = None,
    sparsest: float = math.inf,
    ranges: Sequence[tuple[int, int]] = (),
    prices: Floats | None = None,
) -> Curve:
    """Return the curve of optimal covers with up to `most` prefixes.

    Args:
        keys: sorted distinct keys (see keys_of), at least one.
        version: 4 or 6.
        most: the largest number of prefixes of interest.
        widest: no prefix is shorter than that many bits.
        holes: sorted keys that no prefix of more than one key may contain.
        sparsest: no prefix has more than so many keys for each one wanted, but for pools: see `most_keys`.
        ranges: (first, last) keys of ranges that no prefix of more than one key may touch.
        prices: of each key, what it costs to drop it; None where all must be covered.
    """
    bounds = _Bounds(widest, holes if holes is not None else np.empty(0, np.uint64), sparsest, ranges)
    tree = _Tree(keys, version, most, bounds, prices)
    extra = np.full(most + 1, np.inf)
    table = tree.table(tree.root)
    extra[tree.base : tree.base + len(table)] = table
    return Curve(version, extra, tree.least(tree.root), tree)


def most_keys(wanted: Integers, sparsest: float) -> Floats:
    """Return how many keys a prefix may have of which some are wanted.

    So many for each one wanted, or their square: of n addresses drawn at random from more than n^2 hardly one is drawn
    twice (the birthday bound), so what was seen looks like no more than chance. From fewer, some come back, and so will
    the rest of the pool.
    """
    count = np.asarray(wanted, np.float64)
    return np.maximum(sparsest * count, count**2)


@dataclass(frozen=True, slots=True)
class _Bounds:
    widest: int
    holes: Keys
    sparsest: float
    ranges: Sequence[tuple[int, int]]


class _Tree:
    """The compressed trie: nodes 0..N-1 are the keys, N.. the branchings, children before parents."""

    def __init__(self, keys: Keys, version: int, most: int, bounds: _Bounds, prices: Floats | None) -> None:
        self.keys = keys
        self.base = 1 if prices is None else 0  # the count of prefixes at which tables begin
        self.version = version
        self.bits = KEY_BITS[version]
        count = len(keys)
        nodes = 2 * count - 1
        self.first = np.arange(nodes)  # index of the first and the last key below a node
        self.last = np.arange(nodes)
        self.length = np.full(nodes, self.bits)
        self.left = np.full(nodes, -1)
        self.right = np.full(nodes, -1)
        self._least = np.ones(nodes, np.int64)
        self.root = nodes - 1
        self._build()
        self._single = self._single_costs(bounds)
        self._count_least()
        size = np.minimum(self.last - self.first + 1, self._most_useful(most)) + (1 - self.base)
        self.offset = np.concatenate(([0], np.cumsum(size)))
        self.tables = np.full(int(self.offset[-1]), np.inf)
        if prices is not None:
            self.tables[self.offset[:count]] = prices
        if most:
            self.tables[self.offset[:count] + (1 - self.base)] = 0.0
        self._fill(most)

    def _build(self) -> None:
        count = len(self.keys)
        free = _bit_length(self.keys[:-1] ^ self.keys[1:]).astype(np.uint8)  # so few bits are sorted by counting
        order = np.argsort(free, kind="stable")
        bounds = np.cumsum(np.bincount(free, minlength=self.bits + 1))
        top = np.arange(count)  # at both ends of a finished run of keys: its topmost node
        self.levels: list[tuple[int, int]] = []
        start = 0
        for end in bounds.tolist():
            if end == start:
                continue
            cut = order[start:end]  # the branching lies between keys[cut] and keys[cut + 1]
            node = count + np.arange(start, end)
            left, right = top[cut], top[cut + 1]
            self.left[node], self.right[node] = left, right
            self.first[node], self.last[node] = self.first[left], self.last[right]
            self.length[node] = self.bits - free[cut].astype(np.int64)
            top[self.first[node]] = top[self.last[node]] = node
            self.levels.append((count + start, count + end))
            start = end

    def _single_costs(self, bounds: _Bounds) -> Floats:
        """Return for each branching what one prefix over all of it costs."""
        node = slice(len(self.keys), None)
        free = self.bits - self.length[node]
        wanted = self.last[node] - self.first[node] + 1
        total = np.exp2(free.astype(np.float64))
        cost: Floats = total - wanted
        cost[(self.length[node] < bounds.widest) | (total > most_keys(wanted, bounds.sparsest))] = np.inf
        # a shift by all 64 bits is undefined, so by one less and one more
        host_bits = (np.uint64(2) << (np.maximum(free, 1) - 1).astype(np.uint64)) - np.uint64(1)
        low = self.keys[self.first[node]] & ~host_bits
        high = low | host_bits
        if len(bounds.holes):
            below = np.searchsorted(bounds.holes, high, side="right") - np.searchsorted(bounds.holes, low, side="left")
            cost[below > 0] = np.inf
        for first, last in bounds.ranges:
            cost[(low <= np.uint64(last)) & (high >= np.uint64(first))] = np.inf
        return cost

    def _count_least(self) -> None:
        """Note of each node with how few prefixes all below it can be covered."""
        for start, end in self.levels:
            below = self._least[self.left[start:end]] + self._least[self.right[start:end]]
            single = self._single[start - len(self.keys) : end - len(self.keys)]
            self._least[start:end] = np.where(np.isfinite(single), 1, below)

    def _most_useful(self, most: int) -> Integers:
        """Return for each node how many prefixes below it can be part of a cover of all with no more than `most`.

        Where all must be covered, what lies beside the way from the root to a node takes the least number it can do
        with. Few of a thousand far-flung pools then ask for long tables, and these take nearly all of the time.
        """
        useful: Integers = np.full(len(self.left), most)
        if self.base:
            for start, end in reversed(self.levels):
                left, right = self.left[start:end], self.right[start:end]
                useful[left] = useful[start:end] - self._least[right]
                useful[right] = useful[start:end] - self._least[left]
        return np.maximum(useful, min(most, 1), out=useful)

    def _fill(self, most: int) -> None:
        count = len(self.keys)
        for start, end in self.levels:
            nodes = np.arange(start, end)
            self._combine(nodes)
            if most:
                cost = self._single[nodes - count]
                one = self.offset[nodes] + (1 - self.base)
                self.tables[one] = cost if self.base else np.minimum(self.tables[one], cost)

    def _combine(self, nodes: Integers) -> None:
        """Fill the tables of branchings whose children are done, those with tables of like sizes together."""
        left, right = self.left[nodes], self.right[nodes]
        sizes = self._size(left), self._size(right)
        swap = sizes[0] > sizes[1]
        small, large = np.where(swap, right, left), np.where(swap, left, right)
        small_size, large_size = np.minimum(*sizes), np.maximum(*sizes)
        magnitudes = _bit_length((small_size - 1).astype(np.uint64)), _bit_length((large_size - 1).astype(np.uint64))
        classes = (magnitudes[0] * 64 + magnitudes[1]).astype(np.uint16)  # so few bits are sorted by counting
        order = np.argsort(classes, kind="stable")
        edges = np.flatnonzero(np.diff(classes[order])) + 1
        for group in np.split(order, edges):
            self._combine_group(nodes[group], small[group], large[group], small_size[group], large_size[group])

    def _combine_group(
        self,
        nodes: Integers,
        small: Integers,
        large: Integers,
        small_size: Integers,
        large_size: Integers,
    ) -> None:
        wide, narrow, width = int(large_size.max()), int(small_size.max()), self._size(nodes)
        reach = int(width.max())
        # a column a node: the inner loops then run over many nodes, not over a few counts
        a = self._padded(small, small_size, narrow)
        b = self._padded(large, large_size, wide)
        out = np.full((reach, len(nodes)), np.inf)
        base = self.base
        for i in range(min(narrow, reach - base)):
            span = min(wide, reach - base - i)
            np.minimum(out[i + base : i + base + span], a[i] + b[:span], out=out[i + base : i + base + span])
        count = np.arange(base, reach)[:, None]
        inside = count < width
        self.tables[(self.offset[nodes] + count)[inside]] = out[base:][inside]

    def _padded(self, nodes: Integers, size: Integers, width: int) -> Floats:
        """Return a node's table as a column of that width, infinity beyond its own end."""
        if width == 1:
            return self.tables[self.offset[nodes]][None, :]
        count = np.arange(width)[:, None]
        return np.where(count < size, self.tables[self.offset[nodes] + np.minimum(count, size - 1)], np.inf)

    def _size(self, nodes: Integers) -> Integers:
        return self.offset[nodes + 1] - self.offset[nodes]

    def table(self, node: int) -> Floats:
        """Return F_node(base..)."""
        return self.tables[self.offset[node] : self.offset[node + 1]]

    def least(self, node: int) -> int:
        """Return the least number of prefixes that can cover a node at all."""
        return int(self._least[node])

    def trace(self, count: int) -> list[Network]:
        """Walk down from the root, splitting the count as the tables say; what gets none is dropped."""
        found: list[Network] = []
        stack = [(self.root, count)]
        while stack:
            node, budget = stack.pop()
            if budget == 0:
                continue
            if budget == 1 and (node < len(self.keys) or self._is_one_prefix(node)):
                found.append(self._network(node))
                continue
            left, right = self.table(int(self.left[node])), self.table(int(self.right[node]))
            low = max(self.base, budget - len(right) - self.base + 1)
            high = min(len(left) + self.base - 1, budget - self.base)
            split = np.arange(low, high + 1)
            best = int(split[np.argmin(left[split - self.base] + right[budget - split - self.base])])
            stack.append((int(self.right[node]), budget - best))
            stack.append((int(self.left[node]), best))
        return found

    def _is_one_prefix(self, node: int) -> bool:
        """Whether one prefix over all of a branching is what its table holds for a count of one."""
        if self.base:
            return True
        left, right = self.table(int(self.left[node])), self.table(int(self.right[node]))
        return bool(self._single[node - len(self.keys)] <= min(left[0] + right[1], left[1] + right[0]))

    def _network(self, node: int) -> Network:
        length = int(self.length[node])
        key = int(self.keys[self.first[node]]) >> (self.bits - length) << (self.bits - length)
        return IPv4Network((key, length)) if self.version == 4 else IPv6Network((key << 64, length))  # noqa: PLR2004


def _bit_length(values: Keys) -> Integers:
    """Return the number of bits needed for each value; frexp is exact below 2^53, so take 32 at a time."""
    high = np.frexp((values >> np.uint64(32)).astype(np.float64))[1]
    low = np.frexp((values & np.uint64(0xFFFFFFFF)).astype(np.float64))[1]
    return np.where(high > 0, high + 32, low).astype(np.int64)
