"""Which kind of rule for whom: the cheapest options that admit all callers worth admitting, within a budget.

A caller may be admitted in several ways: its resource becomes a member, its perimeter is linked, its subscription is
named, or one of the prefixes that hold its address. This is a facility location problem whose facilities serve for
nothing once they are open, that is a set cover with a price for what stays uncovered:

    minimise    sum over options of cost x + sum over callers of value d
    subject to  sum of x over the options that serve a caller + d >= 1, for each caller
                sum of elements x <= budget
                0 <= x <= 1, whole; 0 <= d <= 1

Solved by HiGHS (Huangfu and Hall, "Parallelizing the dual revised simplex method", Mathematical Programming
Computation 10, 2018) through scipy. Prefixes are nested or disjoint, so their part of the matrix is totally unimodular,
and the linear relaxation mostly gives whole numbers already; only where it doesn't are whole numbers asked for. Callers
with prefixes alone give just the optimum of `cover`.

Costs are in address-equivalents: what a rule exposes beyond the callers, and a price for each element.
"""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from itertools import pairwise
from typing import Any

import numpy as np

from pipeline.addresses import UNROUTABLE
from pipeline.errors import ChoiceError
from pipeline.recommend import cover

KINDS = ("associate", "link", "subscriptions", "service-tags", "address-prefixes")
"""The kinds of options. Of equally dear ones the kind that stands first here is taken, then the first name."""

CLOSE = 0.2
"""A choice is close where the next best costs at most this share more: a person should look at both."""

_WHOLE = 1e-6
"""How far from a whole number the solver may end; it is HiGHS' own tolerance for whole numbers."""

_NODES = 20_000
"""Branchings after which HiGHS gives up. Not a time, so that the same input always gives the same answer."""

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Option:
    """One way to admit callers.

    Args:
        kind: one of KINDS.
        name: resource id, perimeter GUID, subscription id, tag or prefix.
        cost: address-equivalents that it exposes, with the price of its elements; at least 0.
        elements: rule elements that it takes; 0 for associate and link.
    """

    kind: str
    name: str
    cost: float
    elements: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who has to be admitted, or left denied.

    Args:
        key: names it.
        value: what leaving it denied costs, in address-equivalents; finite, at least 0. Costs that differ by less
            than a thousand-millionth of the largest value may not be told apart.
        options: the ways to admit it.
    """

    key: str
    value: float
    options: frozenset[Option]


@dataclass(frozen=True, slots=True)
class Alternative:
    """The best without one chosen rule, for all callers that nothing else chosen admits; the rest stays as chosen.

    Args:
        options: what would be chosen instead, in order of preference.
        denied: how many callers would be left denied.
        delta: what that would add to the total, in address-equivalents. Below 0 only where the budget forbids it.
        elements: how many rule elements that would add.
        is_over_budget: that many are not left.
    """

    options: tuple[Option, ...]
    denied: int
    delta: float
    elements: int
    is_over_budget: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for one caller, and what else might have been.

    Args:
        caller: its key.
        chosen: None where it is left denied.
        runner_up: the next best for this caller alone, all others' choices held, whatever the budget; None for
            leaving it denied.
        delta: what the runner-up would add to the total, in address-equivalents: 0 where it is chosen for others
            anyway. Infinity where the caller has no options at all. Below 0 only where the budget forbids it.
        is_close: the alternative adds at most CLOSE of what the chosen option costs (of the caller's value, where it
            is left denied) and the budget holds it. An alternative for a shared rule is one for all who need it, so
            this speaks of the rule and not of one caller.
        callers: how many callers the chosen option admits; of those left denied, how many have the same options.
        alternative: to the chosen option; None where there is none at all.
    """

    caller: str
    chosen: Option | None
    runner_up: Option | None
    delta: float
    is_close: bool
    callers: int
    alternative: Alternative | None


def choose(callers: Sequence[Caller], budget: int) -> list[Choice]:
    """Choose for each caller one option or none, so that costs and the values of the denied are least in sum.

    The order of callers doesn't matter. A caller whose admission costs just its value stays denied. Where several
    choices cost the same, each chosen option gives way to the first in order of KINDS and name that could stand in for
    it; between sets that differ in more than one option the solver decides, always in the same way.

    Args:
        callers: with distinct keys or not; those with the same options are decided together.
        budget: rule elements that may be used, at least 0.

    Returns:
        a choice for each caller, in the order given.

    Raises:
        ValueError: an option, value or budget is out of range, or one option is given with two costs.
        ChoiceError: HiGHS didn't solve it, or its answer doesn't hold.
    """
    if budget < 0:
        raise ValueError(f"a budget of {budget} elements is below 0")
    options = _in_order_of_preference(callers)
    place = {option: index for index, option in enumerate(options)}
    members: dict[tuple[int, ...], list[int]] = {}
    for index, caller in enumerate(callers):
        members.setdefault(tuple(sorted(place[option] for option in caller.options)), []).append(index)
    groups = sorted(members)
    problem = _Problem(
        [option.cost for option in options],
        [option.elements for option in options],
        groups,
        [math.fsum(callers[index].value for index in members[group]) for group in groups],
        budget,
    )
    chosen = _solve(problem)
    used = sum(problem.elements[option] for option in chosen)
    if used > budget:
        raise ChoiceError(f"the solver used {used} rule elements of {budget}; nothing was chosen")
    return _Explained(callers, options, problem, [members[group] for group in groups], chosen, budget - used).choices()


def prefix_options(
    addresses: Iterable[Address],
    rule_cost: float,
    widest_v4: int,
    widest_v6: int,
    holes: Iterable[Address],
    *,
    sparsest: float = math.inf,
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
        sparsest: no prefix has more than so many addresses for each one wanted.
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
            option = Option("address-prefixes", str(node.network), node.extra + rule_cost, 1)
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


def sentence(choice: Choice, names: Mapping[str, str] | None = None) -> str:
    """Say in plain English what was chosen, what it exposes, and what would be next best.

    Args:
        choice: of one caller; those of all callers of one rule read the same.
        names: what people call the resource, perimeter, subscription or tag of that name.
    """
    said = names or {}
    who = _count(choice.callers, "caller")
    if choice.chosen is None:
        return f"Left denied: {who}; {_why_denied(choice, said)}.{_hint(choice)}"
    elements = _count(choice.chosen.elements, "element") if choice.chosen.elements else "no element"
    other = choice.alternative
    instead = ""
    if other and other.elements > 0 and not other.denied:
        instead = f" instead of {choice.chosen.elements + other.elements:,}"
    what = f"{_TITLES[choice.chosen.kind]}: {who}, {elements}{instead}; {_exposure(choice.chosen, said)}."
    return f"{what} Next best: {_next_best(choice, said)}.{_hint(choice)}"


_TITLES = {
    "associate": "Association",
    "link": "Link",
    "subscriptions": "Subscription rule",
    "service-tags": "Service tag rule",
    "address-prefixes": "Prefix rule",
}
_NOUNS = {
    "associate": "association",
    "link": "link",
    "subscriptions": "subscription",
    "service-tags": "service tag",
    "address-prefixes": "prefix",
}


def _exposure(option: Option, names: Mapping[str, str]) -> str:
    name = _name(option, names)
    if option.kind == "associate":
        return f"makes {name} a member, which exposes the members to it and it to them"
    if option.kind == "link":
        return f"exposes the members to every member of perimeter {name}"
    if option.kind == "subscriptions":
        return f"exposes every managed identity of subscription {name}"
    if option.kind == "service-tags":
        return f"exposes every address of {name}, other customers' too"
    network = ip_network(option.name)
    unit = "address" if network.version == 4 else "/64 network"  # noqa: PLR2004
    return f"exposes {_count(2 ** max(0, cover.KEY_BITS[network.version] - network.prefixlen), unit)} of {name}"


def _name(option: Option, names: Mapping[str, str]) -> str:
    short = option.name.rsplit("/", 1)[-1] if option.kind == "associate" else option.name
    return names.get(option.name, short)


def _next_best(choice: Choice, names: Mapping[str, str]) -> str:
    other, chosen = choice.alternative, choice.chosen
    if other is None or chosen is None or not other.options:
        return f"to leave {'it' if choice.callers == 1 else 'them'} denied"
    parts = [_listed(other.options, names)]
    if other.denied:
        parts.append(f"{_count(other.denied, 'caller')} left denied")
    if other.elements:
        parts.append(f"{_count(other.elements, 'element', sign='+')}")
    if not other.denied:
        prices = f"{chosen.cost + other.delta:,.0f}", f"{chosen.cost:,.0f}"
        parts.append("at the same price" if prices[0] == prices[1] else f"price {prices[0]} instead of {prices[1]}")
    if other.is_over_budget:
        parts.append("which the budget doesn't hold")
    return ", ".join(parts)


def _listed(options: Sequence[Option], names: Mapping[str, str]) -> str:
    if len(options) == 1:
        return f"{_NOUNS[options[0].kind]} {_name(options[0], names)}"
    counts = {kind: sum(option.kind == kind for option in options) for kind in KINDS}
    words = [_count(count, _NOUNS[kind]) for kind, count in counts.items() if count]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _why_denied(choice: Choice, names: Mapping[str, str]) -> str:
    other = choice.alternative
    if other is None:
        return "no rule can admit them" if choice.callers > 1 else "no rule can admit it"
    cheapest = _listed(other.options, names)
    if other.is_over_budget:
        return f"the budget doesn't hold {cheapest} as well"
    price = math.fsum(option.cost for option in other.options)
    return f"{cheapest} costs {price:,.0f}, and admitting is worth {price - other.delta:,.0f}"


def _hint(choice: Choice) -> str:
    return " Close: your call." if choice.is_close else ""


def _count(number: int, noun: str, *, sign: str = "") -> str:
    plural = noun if abs(number) == 1 else noun + ("es" if noun.endswith(("s", "x")) else "s")
    return f"{number:{sign},} {plural}"


def _in_order_of_preference(callers: Sequence[Caller]) -> list[Option]:
    distinct = frozenset[Option]().union(*(caller.options for caller in callers))
    for option in distinct:
        if option.kind not in KINDS:
            raise ValueError(f"{option.kind} is none of the kinds {', '.join(KINDS)}")
        if not (math.isfinite(option.cost) and option.cost >= 0 and option.elements >= 0):
            raise ValueError(f"{option} needs a finite cost and elements of at least 0")
    found = sorted(distinct, key=lambda option: (KINDS.index(option.kind), option.name))
    for one, other in pairwise(found):
        if (one.kind, one.name) == (other.kind, other.name):
            raise ValueError(f"{one} and {other} are one option with two prices")
    for caller in callers:
        if not (math.isfinite(caller.value) and caller.value >= 0):
            raise ValueError(f"the value {caller.value} of {caller.key} is not a finite number of at least 0")
    return found


@dataclass(slots=True)
class _Problem:
    """Options by number, in order of preference; groups of callers by the numbers of their options."""

    cost: list[float]
    elements: list[int]
    groups: list[tuple[int, ...]]
    value: list[float]
    budget: int | None  # None: unlimited
    serving: dict[int, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.serving = {}
        for group, options in enumerate(self.groups):
            for option in options:
                self.serving.setdefault(option, []).append(group)


def _solve(problem: _Problem) -> list[int]:
    """Return the options chosen, in order of preference."""
    reduced = _reduced(problem)
    return _settled(problem, _optimum(reduced)) if reduced.groups else []


def _reduced(problem: _Problem) -> _Problem:
    """Leave out options that some optimum does without, and merge the groups that are left with the same options."""
    alive = {
        option: frozenset(served)
        for option, served in problem.serving.items()
        if (problem.budget is None or problem.elements[option] <= problem.budget)
        and problem.cost[option] < math.fsum(problem.value[group] for group in served)
    }
    for option in sorted(alive, reverse=True):  # of equal ones, the preferred stays
        served = alive[option]
        rarest = min(served, key=lambda group: len(problem.groups[group]))
        if any(
            other != option
            and len(alive.get(other, ())) >= len(served)
            and problem.cost[other] <= problem.cost[option]
            and problem.elements[other] <= problem.elements[option]
            and alive[other] >= served
            for other in problem.groups[rarest]
        ):
            del alive[option]
    merged: dict[tuple[int, ...], float] = {}
    for options, value in zip(problem.groups, problem.value, strict=True):
        left = tuple(option for option in options if option in alive)
        if left:
            merged[left] = merged.get(left, 0.0) + value
    return _Problem(problem.cost, problem.elements, list(merged), list(merged.values()), problem.budget)


def _optimum(problem: _Problem) -> set[int]:
    """Return an optimal set of options of a problem in which every group has options."""
    from scipy.sparse import csr_array  # 0.3 s, and only here

    numbers = np.array(sorted(problem.serving))
    count, groups = len(numbers), len(problem.groups)
    sizes = [len(options) for options in problem.groups]
    column = np.searchsorted(numbers, np.fromiter((option for each in problem.groups for option in each), np.int64))
    row = np.repeat(np.arange(groups), sizes)
    cost = np.concatenate((np.array(problem.cost)[numbers], problem.value))
    elements = np.array(problem.elements)[numbers]
    data, rows, columns = [-np.ones(len(row) + groups)], [row, np.arange(groups)], [column, count + np.arange(groups)]
    bound = -np.ones(groups)
    if problem.budget is not None and elements.sum() > problem.budget:
        dear = np.flatnonzero(elements)
        data.append(elements[dear].astype(np.float64))
        rows.append(np.full(len(dear), groups))
        columns.append(dear)
        bound = np.append(bound, float(problem.budget))
    matrix = csr_array(
        (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))), shape=(len(bound), count + groups)
    )
    taken = _relaxed(cost, matrix, bound)[:count]
    if np.abs(taken - np.rint(taken)).max() > _WHOLE:
        taken = _whole(cost, matrix, bound, count)[:count]
    return set(numbers[taken > 0.5].tolist())  # noqa: PLR2004


def _relaxed(cost: cover.Floats, matrix: Any, bound: cover.Floats) -> cover.Floats:
    """Solve the linear program: options may be taken in part."""
    from scipy.optimize import linprog

    return _answer(linprog(cost, A_ub=matrix, b_ub=bound, bounds=(0, 1), method="highs"))


def _whole(cost: cover.Floats, matrix: Any, bound: cover.Floats, options: int) -> cover.Floats:
    """Solve it with whole options. Whether callers are denied follows then, and needs no branching."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    with _stdout_as_stderr():
        result = milp(
            cost,
            integrality=np.arange(len(cost)) < options,
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(matrix, ub=bound),
            # HiGHS would stop at a ten-thousandth of the total, which large values make very coarse
            options={"mip_rel_gap": 0.0, "node_limit": _NODES},
        )
    return _answer(result)


@contextmanager
def _stdout_as_stderr() -> Iterator[None]:
    """Let what C code writes to stdout go to stderr.

    HiGHS 1.12, which is in scipy 1.17, now and then writes a line whatever its options say (its issue 2783, mended
    since), and stdout may be JSON that somebody reads.
    """
    try:
        kept = os.dup(1)
    except OSError:  # there is no stdout
        yield
        return
    try:
        with suppress(OSError):  # there is no stderr
            os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _answer(result: Any) -> cover.Floats:
    if not result.success or result.x is None:
        raise ChoiceError(f"HiGHS chose no rules ({str(result.message).strip()}); try with fewer callers at once")
    found: cover.Floats = result.x
    return found


def _settled(problem: _Problem, chosen: set[int]) -> list[int]:
    """Drop what isn't worth its cost, and let preferred options stand in for those that cost as much."""
    found = set(chosen)
    holders = [{option for option in options if option in found} for options in problem.groups]
    is_done = False
    while not is_done:
        is_done = True
        for option in sorted(found, reverse=True):
            needing = [group for group in problem.serving[option] if len(holders[group]) == 1]
            instead = None
            if math.fsum(problem.value[group] for group in needing) > problem.cost[option]:
                instead = _stand_in(problem, option, needing)
                if instead is None:
                    continue
                found.add(instead)
                for group in problem.serving[instead]:
                    holders[group].add(instead)
            found.discard(option)
            for group in problem.serving[option]:
                holders[group].discard(option)
            is_done = False
    return sorted(found)


def _stand_in(problem: _Problem, option: int, needing: Sequence[int]) -> int | None:
    """Return the most preferred option that could replace one for no more cost and elements."""
    shared = set(problem.groups[needing[0]]).intersection(*(problem.groups[group] for group in needing[1:]))
    able = (
        other
        for other in shared
        if other < option
        and problem.cost[other] <= problem.cost[option]
        and problem.elements[other] <= problem.elements[option]
    )
    return min(able, default=None)


class _Explained:
    """The chosen options, with what would be next best."""

    def __init__(
        self,
        callers: Sequence[Caller],
        options: Sequence[Option],
        problem: _Problem,
        members: Sequence[Sequence[int]],
        chosen: Sequence[int],
        left: int,
    ) -> None:
        self.callers, self.options, self.problem, self.members = callers, options, problem, members
        self.left = left  # rule elements
        taken = set(chosen)
        self.holders = [[option for option in group if option in taken] for group in problem.groups]
        self.admitted: dict[int, int] = {}
        for holders, inside in zip(self.holders, members, strict=True):
            if holders:
                self.admitted[holders[0]] = self.admitted.get(holders[0], 0) + len(inside)
        self.needing: dict[int, list[int]] = {option: [] for option in chosen}
        for group, holders in enumerate(self.holders):
            if len(holders) == 1:
                self.needing[holders[0]].append(group)

    def choices(self) -> list[Choice]:
        instead = self._alternatives()
        found: dict[int, Choice] = {}
        for group, inside in enumerate(self.members):
            holders = self.holders[group]
            mine = holders[0] if holders else None
            other = self._for_denied(group) if mine is None else instead[mine]
            scale = self.problem.value[group] if mine is None else self.problem.cost[mine]
            is_close = other is not None and not other.is_over_budget and other.delta <= CLOSE * scale
            shared = len(inside) if mine is None else self.admitted[mine]
            for index in inside:
                runner_up, delta = self._runner_up(group, mine, index)
                found[index] = Choice(
                    self.callers[index].key,
                    None if mine is None else self.options[mine],
                    None if runner_up is None else self.options[runner_up],
                    delta,
                    is_close,
                    shared,
                    other,
                )
        return [found[index] for index in range(len(self.callers))]

    def _runner_up(self, group: int, mine: int | None, caller: int) -> tuple[int | None, float]:
        """Return the next best for one caller alone, None for leaving it denied, and what it adds to the total."""
        value, cost = self.callers[caller].value, self.problem.cost
        prices = {option: cost[option] for option in self.problem.groups[group] if option != mine}
        prices.update(dict.fromkeys(self.holders[group][1:], 0.0))
        best = min(prices, key=lambda option: (prices[option], option), default=None)
        if mine is None:
            return best, math.inf if best is None else prices[best] - value
        is_mine_alone = self.needing[mine] == [group] and len(self.members[group]) == 1
        saved = cost[mine] if is_mine_alone else 0.0
        if best is None or value < prices[best]:
            return None, value - saved
        return best, prices[best] - saved

    def _for_denied(self, group: int) -> Alternative | None:
        """Return the cheapest option of a group that is left denied, one that the budget holds before others."""
        elements, cost = self.problem.elements, self.problem.cost
        options = self.problem.groups[group]
        best = min(options, key=lambda option: (elements[option] > self.left, cost[option], option), default=None)
        if best is None:
            return None
        delta = cost[best] - self.problem.value[group]
        return Alternative((self.options[best],), 0, delta, elements[best], elements[best] > self.left)

    def _alternatives(self) -> dict[int, Alternative]:
        """Return the alternative to each chosen option.

        No group needs two of them, so these are independent problems: solved as one, with an option a row for each
        chosen option that it may replace. The budget is left out, and what goes beyond it is told.
        """
        pairs = sorted(
            {
                (other, option)
                for option, needing in self.needing.items()
                for group in needing
                for other in self.problem.groups[group]
                if other != option
            }
        )
        place = {pair: index for index, pair in enumerate(pairs)}
        groups, values, origin = [], [], []
        for option, needing in self.needing.items():
            for group in needing:
                groups.append(tuple(place[other, option] for other in self.problem.groups[group] if other != option))
                values.append(self.problem.value[group])
                origin.append((option, group))
        apart = _Problem(
            [self.problem.cost[other] for other, _ in pairs],
            [self.problem.elements[other] for other, _ in pairs],
            groups,
            values,
            None,
        )
        taken = set(_solve(apart))
        instead: dict[int, list[int]] = {option: [] for option in self.needing}
        for index in sorted(taken):
            other, option = pairs[index]
            instead[option].append(other)
        denied: dict[int, list[int]] = {option: [] for option in self.needing}
        for options, (option, group) in zip(groups, origin, strict=True):
            if taken.isdisjoint(options):
                denied[option].append(group)
        return {option: self._alternative(option, instead[option], denied[option]) for option in self.needing}

    def _alternative(self, option: int, instead: Sequence[int], denied: Sequence[int]) -> Alternative:
        cost, elements = self.problem.cost, self.problem.elements
        more = sum(elements[other] for other in instead) - elements[option]
        lost = math.fsum(self.problem.value[group] for group in denied)
        return Alternative(
            tuple(self.options[other] for other in instead),
            sum(len(self.members[group]) for group in denied),
            math.fsum([*(cost[other] for other in instead), lost, -cost[option]]),
            more,
            more > self.left,
        )
