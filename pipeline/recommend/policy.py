"""The policy: from what one profile and direction saw to proposals. The backtest runs this very function."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.recommend.allot import Limits, Plan, Prefixes, holders, place_of
from pipeline.recommend.bounds import bound_exceeded
from pipeline.recommend.caller_days import CallerDays
from pipeline.recommend.candidates import MEMBERSHIPS
from pipeline.recommend.draft import Draft
from pipeline.recommend.hostnames import Names, Question, is_late, questions, wildcards
from pipeline.recommend.need import Need, needs
from pipeline.recommend.prefixes import narrowest
from pipeline.recommend.price import rule_cost
from pipeline.recommend.profile import Profile
from pipeline.recommend.proposal import Proposal
from pipeline.recommend.refusals import never_admitted
from pipeline.recommend.risk import Risk, assess, surroundings
from pipeline.recommend.routes import Routes, routes
from pipeline.recommend.standing import sort_out
from pipeline.recommend.weighed import Wildcard

__all__ = ["Limits", "Profile", "propose"]
ASKED_ROWS = 20
"""More odd callers than that nobody looks through one by one: the rest is one row."""


def propose(
    profile: Profile, seen: Sequence[CallerDays], days_observed: int, limits: Limits, learnt: Routes | None = None
) -> list[Proposal]:
    """Propose what one direction of one profile needs; the same callers and days always give the same proposals.

    Every caller or destination that no rule of today admits ends in just one proposal: a rule, or a
    membership that somebody has to see to, or cannot-fix with the reason, or leave-denied for strangers.

    Args:
        profile: the direction and profile.
        seen: its callers and destinations with their days.
        days_observed: days on which it was seen at all.
        limits: what bounds proposals.
        learnt: what `routes` chose for them; None to have it chosen here.

    Raises:
        ChoiceError: the solver gave up choosing kinds of rules.
    """
    learnt = learnt or routes(profile, seen, limits)
    found = needs(seen, profile.direction, learnt)
    sorted_out = _sort(found, profile, seen, limits)
    draft = Draft(profile, days_observed, limits, sorted_out.risks, learnt)
    budget = limits.room(profile.elements_in_force)
    named = [need for need in sorted_out.users if need.kind == "fqdns"]
    asked = _asked(named, profile, seen)
    proposals = _identified(draft, sorted_out.users)
    offered = _wildcards(named, limits)
    proposals += [
        draft.host(need, asked[need.key], offered.get(need.key), over=place >= budget)
        for place, need in _by_weight(named)
    ]
    proposals += _addresses(draft, sorted_out, max(0, budget - learnt.elements()))
    for bound in sorted(set(sorted_out.bounds.values())):
        beyond = [need for need in sorted_out.beyond if sorted_out.bounds[need.key] == bound]
        proposals.append(draft.beyond_policy(beyond, bound))
    for why in sorted({need.why for need in sorted_out.unfixable}):
        proposals.append(draft.note("cannot-fix", [need for need in sorted_out.unfixable if need.why == why], why))
    if sorted_out.asked:
        proposals.append(draft.mostly_denied(sorted_out.asked))
    if sorted_out.strangers:
        proposals.append(draft.strangers(sorted_out.strangers))
    return sorted(proposals, key=_order)


def _identified(draft: Draft, users: Sequence[Need]) -> list[Proposal]:
    """Propose what was chosen for those whom the log names as more than an address."""
    proposals = []
    for need in users:
        over = (need.kind, need.key) in draft.learnt.over
        if need.kind in MEMBERSHIPS:
            proposals.append(draft.membership(need))
        elif need.kind == "subscriptions":
            proposals.append(draft.subscription(need, over=over))
        elif need.kind == "service-tags":
            proposals.append(draft.service_tag(need, over=over))
    return proposals


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Needs by what becomes of them.

    Args:
        users: those that a rule could admit and that mostly succeed.
        beyond: those of them for whom the policy allows no rule.
        asked: mostly refused.
        strangers: never admitted.
        unfixable: admitted, and no rule could.
        risks: how odd the users look, by key.
        bounds: the bound that keeps those beyond out, by key.
        refused: addresses that never, or mostly never, succeeded: no prefix for others may hold them.
    """

    users: list[Need]
    beyond: list[Need]
    asked: list[Need]
    strangers: list[Need]
    unfixable: list[Need]
    risks: dict[str, Risk]
    bounds: dict[str, str]
    refused: set[str]


def _sort(found: list[Need], profile: Profile, seen: Sequence[CallerDays], limits: Limits) -> _Sorted:
    wanted = [need for need in found if need.kind != "cannot-fix" and need.allowed and not need.is_mostly_denied]
    bounds = {need.key: bound for need in wanted if (bound := _bound(need, limits))}
    users = [need for need in wanted if need.key not in bounds]
    risks: dict[str, Risk] = {}
    if users and profile.direction == "Inbound":
        days = min(each.days[0] for each in seen), max(each.days[-1] for each in seen)
        around = surroundings(users, days, profile.subscriptions)
        risks = {need.key: assess(need, around) for need in users}
    asked = [need for need in found if need.kind != "cannot-fix" and need.is_mostly_denied]
    strangers = [need for need in found if need.is_stranger]
    return _Sorted(
        users,
        [need for need in wanted if need.key in bounds],
        asked=asked,
        strangers=strangers,
        unfixable=[need for need in found if need.kind == "cannot-fix" and need.allowed],
        risks=risks,
        bounds=bounds,
        refused=never_admitted(seen).union(*(need.addresses for need in (*strangers, *asked))),
    )


def _bound(need: Need, limits: Limits) -> str | None:
    """Return the bound of the policy that even the narrowest rule for a caller or destination would exceed."""
    if limits.bounds is None:
        return None
    element = need.key
    if need.kind == "address-prefixes":
        element = str(narrowest(need.key))
    return bound_exceeded(need.kind, element, limits.bounds)


def _asked(named: Sequence[Need], profile: Profile, seen: Sequence[CallerDays]) -> dict[str, list[Question]]:
    """Return for each host name why a person should look at it."""
    if not named:
        return {}
    observed = {day for each in seen for day in each.days}
    others = Names({need.key: len(need.days) for need in named}, profile.own_names)
    return {
        need.key: questions(
            need.key,
            others=others,
            days_seen=len(need.days),
            days_observed=len(observed),
            first_seen_late=is_late(min(need.days), observed),
        )
        for need in named
    }


def _wildcards(named: Sequence[Need], limits: Limits) -> dict[str, Wildcard]:
    """Return for host names the pattern that may stand for them: none, unless the policy allows wildcards."""
    if limits.bounds is None or not limits.bounds.allowed_wildcards:
        return {}
    found = wildcards(need.key for need in named)
    return {
        name: (pattern, len(names))
        for pattern, names in found
        if bound_exceeded("fqdns", pattern, limits.bounds) is None
        for name in names
    }


def _addresses(draft: Draft, sorted_out: _Sorted, budget: int) -> list[Proposal]:
    """Cover addresses seen on several days first, by network.

    Those seen once, strays and the odd ones never widen a prefix, not even for each other: they are asked about apart.
    """
    whole = budget
    users = [need for need in sorted_out.users if need.kind == "address-prefixes"]
    standing = sort_out(users, sorted_out.risks, draft.limits)
    steady, once, odd, group_of = standing.steady, standing.once, standing.odd, standing.groups
    refused = sorted_out.refused
    hollow = refused | standing.shut_out | {need.key for need in odd}
    names = sorted({group_of[need.key] for need in steady})
    groups = [[need for need in steady if group_of[need.key] == name] for name in names]
    price = rule_cost(groups, hollow, budget, draft.limits)
    allotted = Plan(groups, hollow, budget, draft.limits).allot(price)
    groups, covered = _shared_once(groups, allotted.prefixes)
    everywhere = [prefix for prefixes in covered for prefix in prefixes]
    held = dict(
        zip((need.key for need in once), holders(everywhere, [place_of(need.key) for need in once]), strict=True)
    )
    owner = {prefix: at for at, prefixes in enumerate(covered) for prefix in prefixes}
    groups = [
        [*group, *(need for need in once if (holder := held[need.key]) and owner[holder] == at)]
        for at, group in enumerate(groups)
    ]
    apart = [need for need in (*once, *allotted.strays) if held.get(need.key) is None]
    kept = {need.key for need in (*steady, *once)} - {need.key for need in apart}
    budget -= len(everywhere)
    parts = sorted({group_of[need.key][1] for need in apart})
    singles = [[need for need in apart if group_of[need.key][1] == part] for part in parts]
    alone = replace(draft.limits, widest_v4=32, widest_v6=64)
    asked = Plan(singles, hollow | kept, budget, alone).allot(price)
    budget -= sum(len(prefixes) for prefixes in asked.prefixes)
    questioned = Plan([odd], hollow | kept, min(budget, ASKED_ROWS), alone).allot(price)
    proposals = []
    for (name, *_), group, prefixes in zip(names, groups, covered, strict=True):
        proposals += draft.rules(prefixes, group, refused, price, name)
    for group, prefixes in zip(singles, asked.prefixes, strict=True):
        proposals += draft.rules(prefixes, group, refused, price)
    proposals += draft.rules(questioned.prefixes[0], odd, refused, price)
    if allotted.left_out:
        proposals.append(draft.over_budget(list(allotted.left_out), whole, max(allotted.least, whole + 1)))
    if asked.left_out:
        proposals.append(draft.passing(list(asked.left_out)))
    if questioned.left_out:
        proposals.append(draft.odd(list(questioned.left_out)))
    return proposals


def _shared_once(groups: Sequence[Sequence[Need]], prefixes: Prefixes) -> tuple[list[list[Need]], Prefixes]:
    """Give a prefix that came out for two groups to the first, with all its callers: else two proposals had one id.

    That happens where a known network has several ranges, and others lie between them.
    """
    first = {prefix: at for at, mine in reversed(list(enumerate(prefixes))) for prefix in mine}
    merged: list[list[Need]] = [[] for _ in groups]
    for at, (group, mine) in enumerate(zip(groups, prefixes, strict=True)):
        for need, holder in zip(group, holders(mine, [place_of(need.key) for need in group]), strict=True):
            merged[first[holder] if holder else at].append(need)
    return merged, tuple(tuple(each for each in mine if first[each] == at) for at, mine in enumerate(prefixes))


def _by_weight(found: list[Need]) -> list[tuple[int, Need]]:
    return list(enumerate(sorted(found, key=lambda need: (-need.allowed, need.key))))


_KINDS = (*MEMBERSHIPS, "subscriptions", "service-tags", "address-prefixes", "fqdns", "cannot-fix", "leave-denied")


def _order(proposal: Proposal) -> tuple[int, int, tuple[str, ...], str]:
    return _KINDS.index(proposal.kind), -proposal.requests, proposal.elements, proposal.reason
