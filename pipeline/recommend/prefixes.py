"""The prefixes that may admit addresses, as options."""

import math
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import numpy as np

from pipeline.addresses import UNROUTABLE
from pipeline.recommend import cover
from pipeline.recommend.choice import Option

Address = IPv4Address | IPv6Address


def narrowest(address: str) -> cover.Network:
    """Return the narrowest prefix for one address: IPv6 hosts change the last 64 bits at will."""
    parsed = ip_address(address)
    return ip_network((parsed, 32 if parsed.version == 4 else 64), strict=False)  # noqa: PLR2004


def prefix_options(
    addresses: Iterable[Address],
    rule_cost: float,
    widest_v4: int,
    widest_v6: int,
    holes: Iterable[Address],
    *,
    sparsest: float = math.inf,
    surcharge: float = 0.0,
) -> dict[Address, tuple[Option, ...]]:
    """Return for each address the prefixes that may admit it, narrow before wide.

    They are the longest common prefixes of some of the addresses, which is all that an optimal cover ever needs. IPv6
    addresses are taken by their /64.

    Args:
        addresses: that want to be admitted.
        rule_cost: what one prefix costs beside the addresses (IPv6: /64 networks) that it exposes.
        widest_v4: no IPv4 prefix is shorter.
        widest_v6: no IPv6 prefix is shorter.
        holes: refused addresses, which no prefix of several addresses may hold.
        sparsest: no prefix has more than so many addresses for each one wanted, but for pools: see `cover.most_keys`.
        surcharge: what each wanted address (IPv6: /64 network) in a prefix costs beside.
    """
    wanted, hollow = set(addresses), set(holes)
    found: dict[Address, tuple[Option, ...]] = {}
    for version, widest in ((4, widest_v4), (6, widest_v6)):
        mine = sorted(address for address in wanted if address.version == version)
        if not mine:
            continue
        keys = cover.keys_of(map(int, mine), version)
        avoid = cover.keys_of((int(address) for address in hollow if address.version == version), version)
        serving: list[list[Option]] = [[] for _ in keys]
        for node in cover.nodes(
            keys,
            version,
            widest=widest,
            holes=np.setdiff1d(avoid, keys),
            sparsest=sparsest,
            ranges=_UNROUTABLE_KEYS[version],
        ):
            option = Option(
                "address-prefixes",
                str(node.network),
                node.extra + rule_cost + surcharge * (node.last - node.first + 1),
                1,
            )
            for key in range(node.first, node.last + 1):
                serving[key].append(option)
        shift = _SHIFT[version]
        by_key = dict(zip(keys.tolist(), map(tuple, serving), strict=True))
        found.update((address, by_key[int(address) >> shift]) for address in mine)
    return found


_SHIFT = {4: 0, 6: 64}
_UNROUTABLE_KEYS = {
    version: [
        (int(network.network_address) >> shift, int(network.broadcast_address) >> shift)
        for network, _ in UNROUTABLE
        if network.version == version
    ]
    for version, shift in _SHIFT.items()
}
