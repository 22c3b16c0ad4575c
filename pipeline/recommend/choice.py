"""Which kind of rule for whom: the cheapest options that admit all callers worth admitting, within a budget.

A caller may be admitted in several ways: its resource becomes a member, its perimeter is linked, its subscription is
named, or one of the prefixes that hold its address. What is chosen for one may admit others as well, so all callers are
decided at once (`solver`). Prefixes are nested or disjoint, so their part of the matrix is totally unimodular, and the
linear relaxation mostly gives whole numbers already. Callers with prefixes alone give just the optimum of `cover`.

Costs are in address-equivalents: what a rule exposes beyond the callers, and a price for each element.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.errors import ChoiceError
from pipeline.recommend.solver import Problem, solve

KINDS = ("associate", "link", "subscriptions", "service-tags", "address-prefixes")
"""The kinds of options. Of equally dear ones the kind that stands first here is taken, then the first name."""

CLOSE = 0.2
"""A choice is close where the next best costs at most this share more: a person should look at both."""


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
    problem = Problem(
        [option.cost for option in options],
        [option.elements for option in options],
        groups,
        [math.fsum(callers[index].value for index in members[group]) for group in groups],
        budget,
    )
    chosen = solve(problem)
    used = sum(problem.elements[option] for option in chosen)
    if used > budget:
        raise ChoiceError(f"the solver used {used} rule elements of {budget}; nothing was chosen")
    return _Explained(callers, options, problem, [members[group] for group in groups], chosen, budget - used).choices()


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


class _Explained:
    """The chosen options, with what would be next best."""

    def __init__(
        self,
        callers: Sequence[Caller],
        options: Sequence[Option],
        problem: Problem,
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
        apart = Problem(
            [self.problem.cost[other] for other, _ in pairs],
            [self.problem.elements[other] for other, _ in pairs],
            groups,
            values,
            None,
        )
        taken = set(solve(apart))
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
