"""The policy: from what one profile and direction saw to proposals. The backtest runs this very function."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

import numpy as np

from pipeline.recommend import cover
from pipeline.recommend.cover import Curve, Network
from pipeline.recommend.need import CallerDay, Need, needs
from pipeline.recommend.proposal import Proposal, days_flags
from pipeline.verdict.rules import RuleSet

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
        in_force: its access rules today.
        members: ARM ids of all resources of the perimeter.
        resources: ARM ids of the resources of this profile.
    """

    perimeter: str
    name: str
    direction: str
    in_force: RuleSet = field(default_factory=RuleSet)
    members: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()


def propose(profile: Profile, rows: Sequence[CallerDay], days_observed: int, limits: Limits) -> list[Proposal]:
    """Propose what one direction of one profile needs; the same rows always give the same proposals.

    Every caller or destination in the rows that no rule of today admits ends in just one proposal: a rule, or
    cannot-fix with the reason, or leave-denied for strangers.
    """
    found = needs(rows, profile.direction, set(profile.members), profile.in_force)
    strangers = [need for need in found if need.kind != "cannot-fix" and need.is_stranger]
    users = [need for need in found if need.kind != "cannot-fix" and not need.is_stranger]
    unfixable = [need for need in found if need.kind == "cannot-fix" and need.allowed]
    draft = _Draft(profile, days_observed, limits)
    budget = limits.max_elements - limits.reserve - profile.in_force.size
    subscriptions = [need for need in users if need.kind == "subscriptions"]
    hosts = [need for need in users if need.kind == "fqdns"]
    addresses = [need for need in users if need.kind == "address-prefixes"]
    proposals = [draft.subscription(need, over=place >= budget) for place, need in _by_weight(subscriptions)]
    proposals += [draft.host(need, over=place >= budget) for place, need in _by_weight(hosts)]
    if addresses:
        holes = [need.key for need in strangers if need.kind == "address-prefixes"]
        proposals += draft.addresses(addresses, holes, max(0, budget - len(subscriptions)))
    for why in sorted({need.why for need in unfixable}):
        proposals.append(draft.note("cannot-fix", [need for need in unfixable if need.why == why], why))
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
        return self._proposal("fqdns", (need.key,), [need], f"called by {services}", over=over)

    def addresses(self, found: list[Need], holes: list[str], budget: int) -> list[Proposal]:
        prefixes = _cheapest_cover(found, holes, budget, self.limits)
        if prefixes is None:
            why = (
                f"{len(found):,} addresses can't be covered by the {budget} rule elements that are left without a "
                f"prefix wider than /{self.limits.widest_v4} or one that holds a stranger; split the resources over "
                "profiles, or let the callers use managed identities or private endpoints"
            )
            return [self.note("cannot-fix", found, why)]
        by_prefix: dict[Network, list[Need]] = {prefix: [] for prefix in prefixes}
        for need in found:
            address = ip_address(need.key)
            by_prefix[next(prefix for prefix in prefixes if address in prefix)].append(need)
        return [self._prefix(prefix, inside) for prefix, inside in by_prefix.items()]

    def _prefix(self, prefix: Network, inside: list[Need]) -> Proposal:
        keys = cover.keys_of((int(ip_address(need.key)) for need in inside), prefix.version)
        total = 2 ** (cover.KEY_BITS[prefix.version] - prefix.prefixlen)
        extra = total - len(keys)
        unit = "addresses" if prefix.version == 4 else "/64 networks"  # noqa: PLR2004
        if total == 1:
            reason = "one address" if prefix.version == 4 else f"one /64 network, {len(inside):,} addresses"  # noqa: PLR2004
        elif extra:
            reason = f"{len(keys):,} {unit}; one prefix admits {extra:,} more"
        else:
            reason = f"{len(keys):,} {unit}, the whole prefix"
        flags = ("sparse",) if total > SPARSE * len(keys) else ()
        return self._proposal("address-prefixes", (str(prefix),), inside, reason, flags=flags, extra=extra)

    def strangers(self, found: list[Need]) -> Proposal:
        who = "callers" if self.profile.direction == "Inbound" else "destinations"
        why = f"{len(found):,} {who} refused today as well, always or mostly: enforcing changes nothing for them"
        return self.note("leave-denied", found, why)

    def note(self, kind: str, found: list[Need], reason: str) -> Proposal:
        return Proposal(
            self.profile.perimeter, self.profile.name, self.profile.direction, kind, (), tuple(found),
            self.days_observed, reason,
        )  # fmt: skip

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


def _cheapest_cover(found: list[Need], holes: list[str], budget: int, limits: Limits) -> list[Network] | None:
    """Share the budget between IPv4 and IPv6 as is cheapest, and return the prefixes; None if none suffice."""
    parsed = [ip_address(need.key) for need in found]
    hollow = [ip_address(text) for text in holes]
    curves: list[Curve] = []
    for version, widest in ((4, limits.widest_v4), (6, limits.widest_v6)):
        keys = cover.keys_of((int(address) for address in parsed if address.version == version), version)
        avoid = cover.keys_of((int(address) for address in hollow if address.version == version), version)
        if len(keys):
            most = min(budget, len(keys))
            if not most:
                return None
            avoid = np.setdiff1d(avoid, keys)
            curves.append(cover.curve(keys, version, most, widest=widest, holes=avoid))
    if len(curves) == 1:
        counts = [curves[0].best(limits.rule_cost, budget)]
    else:
        counts = _shared(curves, budget, limits.rule_cost)
    if None in counts:
        return None
    return [prefix for each, count in zip(curves, counts, strict=True) for prefix in each.prefixes(count or 0)]


def _shared(curves: list[Curve], budget: int, rule_cost: float) -> list[int | None]:
    """Choose how many prefixes each of two curves gets, together at most the budget."""
    first, second = (each.extra + rule_cost * np.arange(len(each.extra)) for each in curves)
    total = first[:, None] + second[None, :]
    total[np.add.outer(np.arange(len(first)), np.arange(len(second))) > budget] = np.inf
    if not np.isfinite(total).any():
        return [None, None]
    one, other = np.unravel_index(int(np.argmin(total)), total.shape)
    return [int(one), int(other)]
