"""What a rule would open, as a person writes it: whom it admits, who falls out, what nobody used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import collapse_addresses, ip_address, ip_network
from typing import Any

from pipeline.errors import InventoryError
from pipeline.recommend import cover
from pipeline.recommend.bounds import Bounds, Network, canonical_prefix
from pipeline.recommend.need import Need
from pipeline.review.page.evidence import Evidence
from pipeline.review.rule import rule_of

IPV4 = 4


@dataclass(frozen=True, slots=True)
class Exposure:
    """What some elements would do in the place of the proposed ones.

    Args:
        elements: in one spelling; empty where they make no rule.
        error: why they make none; empty where they do.
        sizes: addresses that they admit, by IP version; of version 6 networks of /64.
        unseen: of those, never seen, by IP version.
        kept: callers of the proposal that they admit.
        lost: callers of the proposal that they don't.
        more: other callers that succeed today and that they admit.
        refused: callers that are refused today and that they admit.
    """

    elements: tuple[str, ...] = ()
    error: str = ""
    sizes: Mapping[int, int] | None = None
    unseen: Mapping[int, int] | None = None
    kept: tuple[Need, ...] = ()
    lost: tuple[Need, ...] = ()
    more: tuple[Need, ...] = ()
    refused: tuple[Need, ...] = ()


def exposure(
    proposal: Mapping[str, Any], elements: Sequence[str], seen: Evidence | None, bounds: Bounds
) -> Exposure:  # fmt: skip
    """Return what elements would open.

    Args:
        proposal: as `nsp recommend --format json` has it.
        elements: in any spelling.
        seen: evidence of its profile; None where there is no store to ask.
        bounds: that the rule has to keep.
    """
    try:
        rule = rule_of(proposal, elements, bounds, "edited")
    except InventoryError as error:
        return Exposure(error=f"{str(error)[:1].upper()}{str(error)[1:]}")
    kind, direction = proposal["kind"], proposal["direction"]
    before = seen.admitted(direction, kind, proposal["elements"]) if seen else []
    after = seen.admitted(direction, kind, rule.elements) if seen else []
    wanted, there = {need.key for need in before if need.allowed}, {need.key for need in after}
    sizes: dict[int, int] = {}
    unseen: dict[int, int] = {}
    if kind == "address-prefixes":
        for network in _apart(rule.elements):
            sizes[network.version] = sizes.get(network.version, 0) + _size(network)
        for version, size in sizes.items():
            known = cover.keys_of(
                (int(ip_address(need.key)) for need in after if ip_address(need.key).version == version), version
            )
            unseen[version] = size - len(known)
    return Exposure(
        elements=rule.elements,
        sizes=sizes,
        unseen=unseen,
        kept=tuple(need for need in after if need.allowed and need.key in wanted),
        lost=tuple(need for need in before if need.allowed and need.key not in there),
        more=tuple(need for need in after if need.allowed and need.key not in wanted),
        refused=tuple(need for need in after if not need.allowed),
    )


def narrowest(seen: Sequence[Need]) -> list[str]:
    """Return the prefixes that admit the addresses of some callers and nothing else (IPv6: their /64 networks)."""
    alone = [_alone(need.key) for need in seen if need.allowed]
    return [str(each) for each in _collapsed(alone)]


def wider(elements: Sequence[str]) -> list[str]:
    """Return the prefixes one bit wider, in order; those that touch become one."""
    networks = [network for each in elements if (network := canonical_prefix(each))]
    return [str(each) for each in _collapsed([one.supernet() if one.prefixlen else one for one in networks])]


def _alone(address: str) -> Network:
    version = ip_address(address).version
    return ip_network((address, 32 if version == IPV4 else 64), strict=False)


def _apart(elements: Sequence[str]) -> list[Network]:
    return _collapsed([network for each in elements if (network := canonical_prefix(each))])


def _collapsed(networks: Sequence[Network]) -> list[Network]:
    found: list[Network] = []
    for version in (4, 6):
        found += collapse_addresses([each for each in networks if each.version == version])  # type: ignore[type-var]
    return found


def _size(network: Network) -> int:
    return int(2 ** max(0, cover.KEY_BITS[network.version] - network.prefixlen))
