"""Reads IP addresses as logs write them, and says which of them an access rule can match.

`ipaddress.is_private` is not asked, since it also counts the documentation ranges (which samples use) and
leaves CGNAT out; the ranges stand here one by one.
"""

import re
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_RANGES: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "unspecified"),  # RFC 1122: this network
    ("10.0.0.0/8", "private"),  # RFC 1918
    ("100.64.0.0/10", "shared"),  # RFC 6598: carrier-grade NAT
    ("127.0.0.0/8", "loopback"),  # RFC 1122
    ("169.254.0.0/16", "link-local"),  # RFC 3927
    ("168.63.129.16/32", "azure-platform"),  # Microsoft Learn, "What is IP address 168.63.129.16?"
    ("192.0.0.0/24", "reserved"),  # RFC 6890: protocol assignments
    ("192.88.99.0/24", "reserved"),  # RFC 7526: former 6to4 relays
    ("172.16.0.0/12", "private"),  # RFC 1918
    ("192.168.0.0/16", "private"),  # RFC 1918
    ("224.0.0.0/4", "multicast"),  # RFC 5771
    ("240.0.0.0/4", "reserved"),  # RFC 1112, and the broadcast address
    ("::/128", "unspecified"),  # RFC 4291
    ("::1/128", "loopback"),  # RFC 4291
    ("::/64", "reserved"),  # RFC 4291: IPv4-compatible and mapped addresses
    ("64:ff9b::/96", "translated"),  # RFC 6052: NAT64
    ("64:ff9b:1::/48", "translated"),  # RFC 8215: NAT64 within a site
    ("100::/64", "reserved"),  # RFC 6666: discard
    ("2001::/32", "translated"),  # RFC 4380: Teredo
    ("2002::/16", "translated"),  # RFC 3056: 6to4
    ("fc00::/7", "unique-local"),  # RFC 4193; service endpoints show as such
    ("fe80::/10", "link-local"),  # RFC 4291
    ("fec0::/10", "private"),  # RFC 3879: site-local
    ("ff00::/8", "multicast"),  # RFC 4291
)
UNROUTABLE: tuple[tuple[IPv4Network | IPv6Network, str], ...] = tuple(
    (ip_network(prefix), name) for prefix, name in _RANGES
)
"""The ranges that no access rule can match, with the word for each."""

PUBLIC = "public"
UNREADABLE = "unreadable"
MAPPED = 0xFFFF << 32
"""Where IPv4 lies in IPv6: ::ffff:0:0/96 (RFC 4291, section 2.5.5.2). One order for addresses of both kinds."""

_BRACKETED = re.compile(r"\[([^\]]+)\](?::\d{1,5})?")
_WITH_PORT = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")

IPV6_BEGINS = 1 << 64
"""No address below ::/64 is anybody's (RFC 4291: compatible and mapped addresses, loopback)."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a log: its shortest form, its version (None where it is none) and its network."""

    canonical: str
    version: int | None
    network: str


def read(text: str) -> Address:
    """Read an address as a log writes it: with a port, in brackets, with a zone, or IPv4 mapped into IPv6.

    Text that is no address comes back as it was, with version None and network `unreadable`.
    """
    bare = text.strip()
    if match := _BRACKETED.fullmatch(bare) or _WITH_PORT.fullmatch(bare):
        bare = match.group(1)
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return Address(text, None, UNREADABLE)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return Address(str(address), address.version, network_of(address))


def network_of(address: IPv4Address | IPv6Address) -> str:
    """Return `public`, or the word for the range that keeps access rules from matching the address."""
    value = int(address)
    for first, last, name in _SPANS[address.version]:
        if first <= value <= last:
            return name
    return PUBLIC


def number(address: IPv4Address | IPv6Address) -> int:
    """Return the address as one number, IPv4 in its place in IPv6."""
    return int(address) + (MAPPED if address.version == 4 else 0)  # noqa: PLR2004


def span(network: IPv4Network | IPv6Network) -> tuple[int, int]:
    """Return the numbers of the first and the last address of a prefix.

    IPv6 begins above ::/64, where IPv4 has its place: ::/0 holds no IPv4 address. A prefix below that has its first
    number above its last.
    """
    first, last = number(network.network_address), number(network.broadcast_address)
    return (first, last) if network.version == 4 else (max(first, IPV6_BEGINS), last)  # noqa: PLR2004


_SPANS = {
    version: [
        (int(network.network_address), int(network.broadcast_address), name)
        for network, name in UNROUTABLE
        if network.version == version
    ]
    for version in (4, 6)
}


@cache
def read_prefix(text: str) -> IPv4Network | IPv6Network | None:
    """Return the prefix that a rule element stands for, host bits cleared; None where it is none."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None
