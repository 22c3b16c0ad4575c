"""The bounding policy: what no rule may exceed, whoever proposed or wrote it.

Elements are judged by what they stand for, not by how they are spelled: a prefix with host bits or a netmask, IPv4
mapped into IPv6, a subscription with or without its path, a host name in capitals or with its root dot. What can't be
read can't be shown to lie within the bounds, so it doesn't.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from uuid import UUID

from pipeline.addresses import MAPPED, read_prefix
from pipeline.inventory.rules import RuleElement

Network = IPv4Network | IPv6Network

EVERYTHING = "everything"
"""The bound that every policy has: no rule admits all addresses."""
UNREADABLE = "unreadable"
"""The bound of an element that nobody can say the extent of."""

HOST_LENGTH = 253
"""Longest host name (RFC 1035, section 2.3.4, less the root)."""

_ALL_V4 = IPv4Network("0.0.0.0/0")
_ALL_MAPPED = IPv6Network((MAPPED, 96))
_LABEL = re.compile(r"[a-z0-9_*]([a-z0-9_*-]{0,61}[a-z0-9_*])?")
_TAG = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_INTERNET = "internet"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What no rule may exceed, as policy_file.load reads it; the metadata name the keys of policy.toml.

    Of what is allowed, None is everything, and an empty set nothing. What is banned goes before what is allowed.

    Args:
        widest_v4: shortest length of an IPv4 prefix, in bits.
        widest_v6: shortest length of an IPv6 prefix, in bits.
        allowed_addresses: prefixes in which every address rule has to lie.
        banned_addresses: prefixes of which no rule may hold an address.
        allowed_subscriptions: ids as canonical_subscription returns them.
        banned_subscriptions: as well.
        banned_hosts: names as canonical_host returns them; those below them are banned, too.
        allowed_wildcards: host names may hold a `*`.
        allowed_tags: service tags, lower case; those of their regions are meant, too.
        banned_tags: as well.
        reserve: elements to leave free in each profile and direction.
        max_elements: elements that a profile and direction may have, with the reserve.
    """

    widest_v4: int = field(default=16, metadata={"key": "addresses.widest_v4"})
    widest_v6: int = field(default=48, metadata={"key": "addresses.widest_v6"})
    allowed_addresses: frozenset[Network] | None = field(default=None, metadata={"key": "addresses.allowed"})
    banned_addresses: frozenset[Network] = field(default=frozenset(), metadata={"key": "addresses.banned"})
    allowed_subscriptions: frozenset[str] | None = field(default=None, metadata={"key": "subscriptions.allowed"})
    banned_subscriptions: frozenset[str] = field(default=frozenset(), metadata={"key": "subscriptions.banned"})
    banned_hosts: frozenset[str] = field(default=frozenset(), metadata={"key": "hosts.banned"})
    allowed_wildcards: bool = field(default=False, metadata={"key": "hosts.allowed_wildcards"})
    allowed_tags: frozenset[str] | None = field(default=None, metadata={"key": "service_tags.allowed"})
    banned_tags: frozenset[str] = field(default=frozenset(), metadata={"key": "service_tags.banned"})
    reserve: int = field(default=10, metadata={"key": "elements.reserve"})
    max_elements: int = field(default=200, metadata={"key": "elements.max"})


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """A rule element beyond a bound.

    Args:
        element: which; where a profile has too many of them, one without kind, element and rule.
        bound: key of policy.toml, `everything` or `unreadable`.
        sentence: what is wrong, without a full stop.
    """

    element: RuleElement
    bound: str
    sentence: str


def violations(
    elements: Iterable[RuleElement], bounds: Bounds, prefixes_of_tags: Mapping[str, Collection[str]] | None = None
) -> list[Violation]:
    """Return what exceeds the bounds, in order; for an element at most one violation of each bound.

    Args:
        elements: of all rules together, since they are counted for each profile and direction.
        bounds: that they have to keep.
        prefixes_of_tags: what service tags stand for, by name in lower case. Of a tag that isn't in here nobody can
            say that it holds no banned address.
    """
    given = set(elements)
    counted: dict[tuple[str, str, str], list[RuleElement]] = {}
    found: list[Violation] = []
    for each in given:
        counted.setdefault((*each.profile_key, each.direction), []).append(each)
        exceeded = dict(_exceeded(each.kind, each.element, bounds, prefixes_of_tags or {}))
        found += [Violation(each, bound, sentence) for bound, sentence in exceeded.items()]
    room = bounds.max_elements - bounds.reserve
    for (perimeter, _, direction), some in counted.items():
        if len(some) > room:
            profile = min(each.profile for each in some)
            sentence = (
                f"{len(some):,} {direction.lower()} elements, where {room:,} may be: {bounds.max_elements:,} less a "
                f"reserve of {bounds.reserve:,}"
            )
            found.append(Violation(RuleElement(perimeter, profile, direction, "", "", ""), "elements.max", sentence))
    return sorted(found)


def within(kind: str, element: str, bounds: Bounds) -> str | None:
    """Return why an element would exceed the bounds; None where it keeps them. Elements are not counted.

    Args:
        kind: as in proposals: address-prefixes, subscriptions, fqdns or service-tags; others have no bounds.
        element: as a rule would name it.
        bounds: that it has to keep.
    """
    return next((f"{sentence} ({bound})" for bound, sentence in _exceeded(kind, element, bounds, {})), None)


def bound_exceeded(kind: str, element: str, bounds: Bounds) -> str | None:
    """Return the bound that an element would exceed; None where it keeps them. As `within`, in one word."""
    return next((bound for bound, _ in _exceeded(kind, element, bounds, {})), None)


def allowed_part(network: Network, bounds: Bounds) -> Network | None:
    """Return the allowed prefix that a prefix lies in; None where every prefix is allowed, or none of them holds it."""
    allowed = bounds.allowed_addresses or ()
    inside = [
        each
        for each in allowed
        if each.version == network.version and network.subnet_of(each)  # type: ignore[arg-type]
    ]
    return max(inside, key=lambda each: each.prefixlen, default=None)


def canonical_prefix(text: str) -> Network | None:
    """Return a prefix, IPv4 where it is IPv4 mapped into IPv6, without zone and host bits; None where it is none."""
    network = read_prefix(text)
    if isinstance(network, IPv6Network):
        first = int(network.network_address)
        if network.prefixlen >= _ALL_MAPPED.prefixlen and first >> 32 == MAPPED >> 32:
            return IPv4Network((first & 0xFFFFFFFF, network.prefixlen - _ALL_MAPPED.prefixlen))
        return IPv6Network((first, network.prefixlen))
    return network


def prefix_as_written(text: str) -> Network:
    """Return the prefix that a person wrote, who may have meant another: one with host bits is refused.

    Raises:
        ValueError: it is none, or an address inside one; the message goes on after what holds it.
    """
    network, start = canonical_prefix(text), read_prefix(text.partition("/")[0].partition("%")[0])
    if network is None:
        raise ValueError(f"holds {text!r}, which is no prefix such as 203.0.113.0/24")
    if start != read_prefix(str(read_prefix(text)).partition("/")[0]):
        raise ValueError(f"holds {text!r}, an address inside a prefix; did you mean {network}?")
    return network


def canonical_subscription(text: str) -> str | None:
    """Return the id in a subscription's bare id, its ARM id or that of anything in it; None where there is none."""
    parts = [part for part in text.strip().lower().split("/") if part]
    if "subscriptions" in parts[:-1]:
        parts = parts[parts.index("subscriptions") + 1 :]
    try:
        return str(UUID(parts[0].strip())) if parts else None
    except ValueError:
        return None


def canonical_host(text: str) -> str | None:
    """Return a host name in lower case, without the dot of the root; None where it is none.

    Names beyond ASCII have to be written as DNS carries them (xn--): of others the same letters may be several names.
    """
    name = text.strip().rstrip(".").lower() if text.isascii() else ""
    if len(name) > HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        return None
    return name


def canonical_tag(text: str) -> str | None:
    """Return the name of a service tag in lower case; None where it is none."""
    name = text.strip().lower() if text.isascii() else ""
    return name if _TAG.fullmatch(name) else None


Exceeded = Iterator[tuple[str, str]]
"""Bounds, with the sentence that says how each is exceeded."""


def _exceeded(kind: str, element: str, bounds: Bounds, prefixes_of_tags: Mapping[str, Collection[str]]) -> Exceeded:
    match kind:
        case "address-prefixes":
            yield from _prefix(element, bounds)
        case "subscriptions":
            yield from _subscription(element, bounds)
        case "fqdns":
            yield from _host(element, bounds)
        case "service-tags":
            yield from _tag(element, bounds, prefixes_of_tags)


def _prefix(element: str, bounds: Bounds) -> Exceeded:
    network = canonical_prefix(element)
    if network is None:
        yield UNREADABLE, f"{element} can't be read as a prefix, so nobody can say what it admits"
        return
    shown = element if element == str(network) else f"{element}, which is {network},"
    parts = _parts(network)
    if whole := [part for part in parts if part.prefixlen == 0]:
        yield EVERYTHING, f"{shown} holds every {' and '.join(f'IPv{part.version}' for part in whole)} address"
    for key, version, widest in (
        ("addresses.widest_v4", 4, bounds.widest_v4),
        ("addresses.widest_v6", 6, bounds.widest_v6),
    ):
        if any(part.version == version and 0 < part.prefixlen < widest for part in parts):
            yield key, f"{shown} is wider than /{widest}"
    if bounds.allowed_addresses is not None and not all(_inside(part, bounds.allowed_addresses) for part in parts):
        yield "addresses.allowed", f"{shown} doesn't lie in an allowed prefix"
    if banned := _touched(parts, bounds.banned_addresses):
        yield "addresses.banned", f"{shown} touches {banned}, which is banned"


def _parts(network: Network) -> list[Network]:
    """Return a prefix as what it may admit: one around the place of IPv4 in IPv6 is taken for both."""
    if isinstance(network, IPv6Network) and _ALL_MAPPED.subnet_of(network):
        return [network, _ALL_V4]
    return [network]


def _inside(part: Network, allowed: Collection[Network]) -> bool:
    """Tell whether a prefix lies in the union of some; collapsed, a union holds a prefix only if one of them does."""
    if isinstance(part, IPv4Network):
        four = (each for each in allowed if isinstance(each, IPv4Network))
        return any(part.subnet_of(one) for one in collapse_addresses(four))
    six = (each for each in allowed if isinstance(each, IPv6Network))
    return any(part.subnet_of(one) for one in collapse_addresses(six))


def _touched(parts: Iterable[Network], banned: Collection[Network]) -> Network | None:
    """Return the first banned prefix that shares an address with one of some prefixes."""
    for part in parts:
        for one in sorted((each for each in banned if each.version == part.version), key=str):
            if part.overlaps(one):
                return one
    return None


def _subscription(element: str, bounds: Bounds) -> Exceeded:
    found = canonical_subscription(element)
    if found is None:
        if bounds.banned_subscriptions or bounds.allowed_subscriptions is not None:
            yield UNREADABLE, f"{element} can't be read as a subscription, so nobody can say whom it admits"
        return
    if bounds.allowed_subscriptions is not None and found not in bounds.allowed_subscriptions:
        yield "subscriptions.allowed", f"the subscription {found} isn't among those allowed"
    if found in bounds.banned_subscriptions:
        yield "subscriptions.banned", f"the subscription {found} is banned"


def _host(element: str, bounds: Bounds) -> Exceeded:
    name = canonical_host(element)
    if name is None:
        yield UNREADABLE, f"{element} can't be read as a host name, so nobody can say where it leads"
        return
    if "*" in name and not bounds.allowed_wildcards:
        yield "hosts.allowed_wildcards", f"{name} holds a wildcard"
    for banned in sorted(bounds.banned_hosts):
        if _may_lie_under(name, banned):
            yield "hosts.banned", f"{name} {'may lie' if '*' in name else 'lies'} under {banned}, which is banned"
            return


def _may_lie_under(name: str, suffix: str) -> bool:
    """Tell whether a name, or any name that a wildcard may stand for, is a suffix or lies below it.

    No source says what a `*` stands for, so it is taken for any text, with dots: what follows the last one decides.
    """
    _, star, tail = name.rpartition("*")
    below = f".{suffix}"
    if not star:
        return f".{name}".endswith(below)
    return tail.endswith(below) or below.endswith(tail)


def _tag(element: str, bounds: Bounds, prefixes_of_tags: Mapping[str, Collection[str]]) -> Exceeded:
    name = canonical_tag(element)
    if name is None:
        yield UNREADABLE, f"{element} can't be read as a service tag, so nobody can say whom it admits"
        return
    if name == _INTERNET:
        yield EVERYTHING, f"{element} holds every public address"
    if bounds.allowed_tags is not None and not any(_is_part(name, one) for one in bounds.allowed_tags):
        yield "service_tags.allowed", f"the service tag {element} isn't among those allowed"
    for banned in sorted(bounds.banned_tags):
        if _is_part(name, banned) or _is_part(banned, name):
            yield "service_tags.banned", f"the service tag {element} shares addresses with {banned}, which is banned"
            break
    if not bounds.banned_addresses:
        return
    prefixes = prefixes_of_tags.get(name)
    if not prefixes:
        unknown = f"nobody knows the addresses of the service tag {element}, so banned ones may be among them"
        yield "addresses.banned", f"{unknown}; load the tags: nsp inventory pull --service-tags REGION"
        return
    networks = (network for text in prefixes if (network := canonical_prefix(text)))
    parts = (part for network in networks for part in _parts(network))
    if touched := _touched(parts, bounds.banned_addresses):
        yield "addresses.banned", f"the service tag {element} touches {touched}, which is banned"


def _is_part(tag: str, whole: str) -> bool:
    """Tell whether a service tag is another or that of one of its regions."""
    return f"{tag}.".startswith(f"{whole}.")
