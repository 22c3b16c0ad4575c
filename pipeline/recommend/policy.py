"""The policy: from what one profile and direction saw to proposals. The backtest runs this very function."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.recommend.allot import Limits, Plan, holders, place_of
from pipeline.recommend.draft import Draft, Profile
from pipeline.recommend.need import CallerDay, Need, needs
from pipeline.recommend.price import rule_cost
from pipeline.recommend.proposal import Proposal
from pipeline.recommend.risk import Risk, assess, surroundings

__all__ = ["Limits", "Profile", "propose"]
ASKED_ROWS = 20
"""More odd callers than that nobody looks through one by one: the rest is one row."""


def propose(profile: Profile, rows: Sequence[CallerDay], days_observed: int, limits: Limits) -> list[Proposal]:
    """Propose what one direction of one profile needs; the same rows always give the same proposals.

    Every caller or destination in the rows that no rule of today admits ends in just one proposal: a rule, or
    cannot-fix with the reason, or leave-denied for strangers.
    """
    found = needs(rows, profile.direction)
    sorted_out = _sort(found, profile, rows)
    draft = Draft(profile, days_observed, limits, sorted_out.risks)
    budget = max(0, limits.max_elements - limits.reserve - profile.elements_in_force)
    subscriptions = [need for need in sorted_out.users if need.kind == "subscriptions"]
    named = [need for need in sorted_out.users if need.kind == "fqdns"]
    proposals = [draft.subscription(need, over=place >= budget) for place, need in _by_weight(subscriptions)]
    proposals += [draft.host(need, over=place >= budget) for place, need in _by_weight(named)]
    proposals += _addresses(draft, sorted_out, max(0, budget - len(subscriptions)))
    for why in sorted({need.why for need in sorted_out.unfixable}):
        proposals.append(draft.note("cannot-fix", [need for need in sorted_out.unfixable if need.why == why], why))
    if sorted_out.asked:
        proposals.append(draft.mostly_denied(sorted_out.asked))
    if sorted_out.strangers:
        proposals.append(draft.strangers(sorted_out.strangers))
    return sorted(proposals, key=_order)


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Needs by what becomes of them; users are those that a rule could admit and that mostly succeed."""

    users: list[Need]
    asked: list[Need]
    strangers: list[Need]
    unfixable: list[Need]
    risks: dict[str, Risk]


def _sort(found: list[Need], profile: Profile, rows: Sequence[CallerDay]) -> _Sorted:
    users = [need for need in found if need.kind != "cannot-fix" and need.allowed and not need.is_mostly_denied]
    risks: dict[str, Risk] = {}
    if users and profile.direction == "Inbound":
        days = min(row.day for row in rows), max(row.day for row in rows)
        around = surroundings(users, days, profile.subscriptions)
        risks = {need.key: assess(need, around) for need in users}
    return _Sorted(
        users,
        asked=[need for need in found if need.kind != "cannot-fix" and need.is_mostly_denied],
        strangers=[need for need in found if need.is_stranger],
        unfixable=[need for need in found if need.kind == "cannot-fix" and need.allowed],
        risks=risks,
    )


def _addresses(draft: Draft, sorted_out: _Sorted, budget: int) -> list[Proposal]:
    """Cover addresses seen on several days first, by network.

    Those seen once, strays and the odd ones never widen a prefix: they are asked about apart.
    """
    whole = budget
    users = [need for need in sorted_out.users if need.kind == "address-prefixes"]
    odd = [need for need in users if sorted_out.risks[need.key].is_odd]
    fine = [need for need in users if not sorted_out.risks[need.key].is_odd]
    steady = [need for need in fine if len(need.days) > 1 or need.networks]
    refused = {address for need in [*sorted_out.strangers, *sorted_out.asked] for address in need.addresses}
    hollow = refused | {need.key for need in odd}
    names = sorted({_network(need) for need in steady})
    groups = [[need for need in steady if _network(need) == name] for name in names]
    price = rule_cost(groups, hollow, budget, draft.limits)
    allotted = Plan(groups, hollow, budget, draft.limits).allot(price)
    everywhere = [prefix for prefixes in allotted.prefixes for prefix in prefixes]
    once = [need for need in fine if len(need.days) <= 1 and not need.networks]
    held = dict(
        zip((need.key for need in once), holders(everywhere, [place_of(need.key) for need in once]), strict=True)
    )
    groups = [
        [*group, *(need for need in once if held[need.key] in prefixes)]
        for group, prefixes in zip(groups, allotted.prefixes, strict=True)
    ]
    apart = [need for need in (*once, *allotted.strays) if held.get(need.key) is None]
    kept = {need.key for need in fine} - {need.key for need in apart}
    budget -= len(everywhere)
    asked = Plan([apart], hollow | kept, budget, draft.limits).allot(price)
    budget -= len(asked.prefixes[0])
    alone = replace(draft.limits, widest_v4=32, widest_v6=64)
    questioned = Plan([odd], hollow | kept, min(budget, ASKED_ROWS), alone).allot(price)
    proposals = []
    for name, group, prefixes in zip(names, groups, allotted.prefixes, strict=True):
        proposals += draft.rules(prefixes, group, refused, name)
    proposals += draft.rules(asked.prefixes[0], apart, refused)
    proposals += draft.rules(questioned.prefixes[0], odd, refused)
    if left_out := [*allotted.left_out, *asked.left_out]:
        proposals.append(draft.over_budget(left_out, whole, max(allotted.least, whole + 1)))
    if questioned.left_out:
        proposals.append(draft.odd(list(questioned.left_out)))
    return proposals


def _network(need: Need) -> str:
    return min(need.networks, default="")


def _by_weight(found: list[Need]) -> list[tuple[int, Need]]:
    return list(enumerate(sorted(found, key=lambda need: (-need.allowed, need.key))))


_KINDS = ("subscriptions", "address-prefixes", "fqdns", "cannot-fix", "leave-denied")


def _order(proposal: Proposal) -> tuple[int, int, tuple[str, ...], str]:
    return _KINDS.index(proposal.kind), -proposal.requests, proposal.elements, proposal.reason
