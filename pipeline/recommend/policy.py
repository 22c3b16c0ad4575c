"""The policy: from what one profile and direction saw to proposals. The backtest runs this very function."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import numpy as np

from pipeline.addresses import UNROUTABLE
from pipeline.inventory import hosts
from pipeline.recommend import cover
from pipeline.recommend.cover import Curve, Network
from pipeline.recommend.need import CallerDay, Need, needs
from pipeline.recommend.proposal import Proposal, days_flags

SPARSE = 16
"""A prefix of which less than one address in 16 was seen is flagged: it opens much for little."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a proposal; see `settings.Settings` for each."""

    max_elements: int = 200
    reserve: int = 10
    rule_cost: float = 256.0
    widest_v4: int = 16
    widest_v6: int = 48


@dataclass(frozen=True, slots=True)
class Profile:
    """One direction of one profile, as it stands.

    Args:
        perimeter: ARM id, lower case.
        name: of the profile.
        direction: Inbound or Outbound.
        elements_in_force: how many elements its access rules have today.
        resources: ARM ids of the resources of this profile.
    """

    perimeter: str
    name: str
    direction: str
    elements_in_force: int = 0
    resources: frozenset[str] = frozenset()


def propose(profile: Profile, rows: Sequence[CallerDay], days_observed: int, limits: Limits) -> list[Proposal]:
    """Propose what one direction of one profile needs; the same rows always give the same proposals.

    Every caller or destination in the rows that no rule of today admits ends in just one proposal: a rule, or
    cannot-fix with the reason, or leave-denied for strangers.
    """
    found = needs(rows, profile.direction)
    strangers = [need for need in found if need.is_stranger]
    asked = [need for need in found if need.kind != "cannot-fix" and need.is_mostly_denied]
    users = [need for need in found if need.kind != "cannot-fix" and need.allowed and not need.is_mostly_denied]
    unfixable = [need for need in found if need.kind == "cannot-fix" and need.allowed]
    draft = _Draft(profile, days_observed, limits)
    budget = max(0, limits.max_elements - limits.reserve - profile.elements_in_force)
    subscriptions = [need for need in users if need.kind == "subscriptions"]
    named = [need for need in users if need.kind == "fqdns"]
    addresses = [need for need in users if need.kind == "address-prefixes"]
    proposals = [draft.subscription(need, over=place >= budget) for place, need in _by_weight(subscriptions)]
    proposals += [draft.host(need, over=place >= budget) for place, need in _by_weight(named)]
    if addresses:
        refused = {address for need in [*strangers, *asked] for address in need.addresses}
        proposals += draft.addresses(addresses, refused, max(0, budget - len(subscriptions)))
    for why in sorted({need.why for need in unfixable}):
        proposals.append(draft.note("cannot-fix", [need for need in unfixable if need.why == why], why))
    if asked:
        proposals.append(draft.mostly_denied(asked))
    if strangers:
        proposals.append(draft.strangers(strangers))
    return sorted(proposals, key=_order)


def _by_weight(found: list[Need]) -> list[tuple[int, Need]]:
    return list(enumerate(sorted(found, key=lambda need: (-need.allowed, need.key))))


_KINDS = ("subscriptions", "address-prefixes", "fqdns", "cannot-fix", "leave-denied")


def _order(proposal: Proposal) -> tuple[int, int, tuple[str, ...], str]:
    return _KINDS.index(proposal.kind), -proposal.requests, proposal.elements, proposal.reason


@dataclass(frozen=True, slots=True)
class _Draft:
    profile: Profile
    days_observed: int
    limits: Limits

    def subscription(self, need: Need, *, over: bool) -> Proposal:
        callers = sorted(caller.rsplit("/", 1)[-1] for caller in need.callers)
        more = f" and {len(callers) - 3} more" if len(callers) > 3 else ""  # noqa: PLR2004
        reason = (
            f"{', '.join(callers[:3])}{more}; admits every managed identity of the subscription, but no SAS, key "
            "or user token"
        )
        return self._proposal("subscriptions", (f"/subscriptions/{need.key}",), [need], reason, over=over)

    def host(self, need: Need, *, over: bool) -> Proposal:
        services = ", ".join(sorted(resource.rsplit("/", 1)[-1] for resource in need.resources))
        reason, flags = f"called by {services}", tuple[str, ...]()
        if zone := hosts.shared_zone(need.key):
            reason, flags = f"{reason}; anybody can own a name under {zone}: is it yours?", ("shared-zone",)
        return self._proposal("fqdns", (need.key,), [need], reason, flags=flags, over=over)

    def addresses(self, found: list[Need], refused: set[str], budget: int) -> list[Proposal]:
        """Cover addresses seen on several days first; those seen once never widen a prefix, they are asked about."""
        steady = [need for need in found if len(need.days) > 1]
        prefixes, left_out = _cover(steady, refused, budget, self.limits)
        once = [need for need in found if len(need.days) <= 1 and not _holder(prefixes, need.key)]
        apart = refused | {need.key for need in steady}  # so that the prefixes don't overlap
        asked, over = _cover(once, apart, budget - len(prefixes), self.limits)
        prefixes = sorted([*prefixes, *asked], key=lambda prefix: (prefix.version, prefix))
        by_prefix: dict[Network, list[Need]] = {prefix: [] for prefix in prefixes}
        dropped = {need.key for need in [*left_out, *over]}
        for need in found:
            if need.key not in dropped:
                by_prefix[_holder(prefixes, need.key)].append(need)  # type: ignore[index]
        proposals = [self._prefix(prefix, inside, refused) for prefix, inside in by_prefix.items()]
        if dropped:
            why = (
                f"the {budget} rule elements that are left don't suffice within the widest prefixes allowed "
                f"(/{self.limits.widest_v4}, IPv6 /{self.limits.widest_v6}): split the resources over profiles, or let "
                "the callers use managed identities or private endpoints"
            )
            proposals.append(self.note("cannot-fix", [*left_out, *over], why, topic="budget"))
        return proposals

    def _prefix(self, prefix: Network, inside: list[Need], refused: set[str]) -> Proposal:
        keys = cover.keys_of((int(ip_address(need.key)) for need in inside), prefix.version)
        total = 2 ** max(0, cover.KEY_BITS[prefix.version] - prefix.prefixlen)
        extra = total - len(keys)
        unit = "addresses" if prefix.version == 4 else "/64 networks"  # noqa: PLR2004
        if total == 1:
            reason = "one address" if prefix.version == 4 else f"one /64 network, {len(inside):,} addresses"  # noqa: PLR2004
        elif extra:
            reason = f"{len(keys):,} {unit}; one prefix admits {extra:,} more"
        else:
            reason = f"{len(keys):,} {unit}, the whole prefix"
        flags: tuple[str, ...] = ("sparse",) if total > SPARSE * len(keys) else ()
        if prefix.version == 6 and any(":" in text and ip_address(text) in prefix for text in refused):  # noqa: PLR2004
            flags += ("holds-a-refused-address",)
        if tags := sorted(set().union(*(need.service_tags for need in inside))):
            flags += ("azure-address",)
            reason += f"; of Azure's {', '.join(tags[:3])}, which other customers share"
        if any(need.is_same_region for need in inside):
            flags += ("same-region",)
            reason += "; in the resource's own region, where address rules may not match"
        if any(need.is_key_suspected for need in inside):
            flags += ("key-or-sas",)
            reason += "; a rule in force names their subscription and doesn't admit them (a key or SAS?)"
        return self._proposal("address-prefixes", (str(prefix),), inside, reason, flags=flags, extra=extra)

    def strangers(self, found: list[Need]) -> Proposal:
        who = "callers" if self.profile.direction == "Inbound" else "destinations"
        why = f"{len(found):,} {who} refused today as well: nothing changes for them"
        return self.note("leave-denied", found, why, topic="strangers")

    def mostly_denied(self, found: list[Need]) -> Proposal:
        requests = sum(need.allowed for need in found)
        why = f"{len(found):,} mostly refused today, yet {requests:,} requests succeeded: who are they?"
        return self.note("leave-denied", found, why, topic="mostly denied", flags=("mostly-denied",))

    def note(
        self, kind: str, found: list[Need], reason: str, *, topic: str = "", flags: tuple[str, ...] = ()
    ) -> Proposal:
        return Proposal(
            perimeter=self.profile.perimeter,
            profile=self.profile.name,
            direction=self.profile.direction,
            kind=kind,
            elements=(),
            needs=tuple(found),
            days_observed=self.days_observed,
            reason=reason,
            flags=flags,
            topic=topic or reason,
        )

    def _proposal(
        self,
        kind: str,
        elements: tuple[str, ...],
        found: list[Need],
        reason: str,
        *,
        flags: tuple[str, ...] = (),
        extra: int = 0,
        over: bool = False,
    ) -> Proposal:
        seen = set().union(*(need.resources for need in found))
        opened = tuple(sorted(self.profile.resources - seen)) if self.profile.direction == "Inbound" else ()
        over_flag = ("over-budget",) if over else ()
        return Proposal(
            self.profile.perimeter, self.profile.name, self.profile.direction, kind, elements, tuple(found),
            self.days_observed, reason, (*flags, *days_flags(found), *over_flag), extra, opened,
        )  # fmt: skip


def _holder(prefixes: Sequence[Network], text: str) -> Network | None:
    """Return the prefix, of disjoint ones in order, that holds an address."""
    address = ip_address(text)
    here: tuple[int, int] = address.version, int(address)
    place = bisect_right(prefixes, here, key=_first) - 1
    return prefixes[place] if place >= 0 and address in prefixes[place] else None


def _first(prefix: Network) -> tuple[int, int]:
    return prefix.version, int(prefix.network_address)


def _cover(found: list[Need], refused: set[str], budget: int, limits: Limits) -> tuple[list[Network], list[Need]]:
    """Return the cheapest prefixes within the budget, in order, and the callers that had to be left out for it.

    Callers with the fewest requests are left out first, as many at a time as prefixes are lacking. Prefixes of which
    hardly an address was seen are only taken where nothing else suffices.
    """
    kept = sorted(found, key=lambda need: (-need.allowed, need.key))
    lacking = 1
    while kept and budget > 0:
        for sparsest in (float(SPARSE), math.inf):
            prefixes, lacking = _cheapest_cover(kept, refused, budget, limits, sparsest)
            if prefixes:
                return prefixes, found if not kept else [need for need in found if need not in kept]
        kept = kept[: -max(1, lacking)]
    return [], found


def _cheapest_cover(
    found: list[Need], refused: set[str], budget: int, limits: Limits, sparsest: float
) -> tuple[list[Network], int]:
    """Share the budget between IPv4 and IPv6 as is cheapest; return the prefixes, or how many too few there are."""
    parsed = [ip_address(need.key) for need in found]
    hollow = [ip_address(text) for text in refused]
    curves: list[Curve] = []
    for version, widest in ((4, limits.widest_v4), (6, limits.widest_v6)):
        keys = cover.keys_of((int(address) for address in parsed if address.version == version), version)
        avoid = cover.keys_of((int(address) for address in hollow if address.version == version), version)
        if len(keys):
            curves.append(
                cover.curve(
                    keys,
                    version,
                    min(budget, len(keys)),
                    widest=widest,
                    holes=np.setdiff1d(avoid, keys),
                    sparsest=sparsest,
                    ranges=_UNROUTABLE_KEYS[version],
                ),
            )
    lacking = sum(each.least for each in curves) - budget
    if lacking > 0:
        return [], lacking
    if len(curves) == 1:
        counts = [curves[0].best(limits.rule_cost, budget)]
    else:
        counts = _shared(curves, budget, limits.rule_cost)
    return [prefix for each, count in zip(curves, counts, strict=True) for prefix in each.prefixes(count or 0)], 0


_UNROUTABLE_KEYS = {
    version: [
        (int(network.network_address) >> shift, int(network.broadcast_address) >> shift)
        for network, _ in UNROUTABLE
        if network.version == version
    ]
    for version, shift in ((4, 0), (6, 64))
}


def _shared(curves: list[Curve], budget: int, rule_cost: float) -> list[int | None]:
    """Choose how many prefixes each of two curves gets, together at most the budget."""
    first, second = (each.extra + rule_cost * np.arange(len(each.extra)) for each in curves)
    total = first[:, None] + second[None, :]
    total[np.add.outer(np.arange(len(first)), np.arange(len(second))) > budget] = np.inf
    if not np.isfinite(total).any():
        return [None, None]
    one, other = np.unravel_index(int(np.argmin(total)), total.shape)
    return [int(one), int(other)]
