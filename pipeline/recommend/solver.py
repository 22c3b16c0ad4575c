"""Solves the choice between options: the cheapest set of them that serves all groups worth serving.

    minimise    sum over options of cost x + sum over groups of value d
    subject to  sum of x over the options that serve a group + d >= 1, for each group
                sum of elements x <= budget
                0 <= x <= 1, whole; 0 <= d <= 1

That is set cover with a price for what stays uncovered. First what is settled without a solver is settled: options
that another one replaces go, and an option that alone serves a group worth its cost is taken. What is left goes to
HiGHS (Huangfu and Hall, "Parallelizing the dual revised simplex method", Mathematical Programming Computation 10,
2018), as a linear program, and only where its answer isn't whole with whole numbers asked for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import ChoiceError

if TYPE_CHECKING:
    from pipeline.recommend.cover import Floats

_WHOLE = 1e-6
"""How far from a whole number the solver may end; it is HiGHS' own tolerance for whole numbers."""

_NODES = 20_000
"""Branchings after which HiGHS gives up. Not a time, so that the same input always gives the same answer."""


@dataclass(slots=True)
class Problem:
    """Options by number, in order of preference; groups of callers by the numbers of their options.

    Args:
        cost: of each option, at least 0.
        elements: of the budget that each option takes.
        groups: the options that serve each.
        value: what leaving each unserved costs.
        budget: None for no limit.
        serving: option -> the groups that it serves; made here.
    """

    cost: Sequence[float]
    elements: Sequence[int]
    groups: Sequence[tuple[int, ...]]
    value: Sequence[float]
    budget: int | None
    serving: dict[int, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        """Turn the groups round."""
        self.serving = {}
        for group, options in enumerate(self.groups):
            for option in options:
                self.serving.setdefault(option, []).append(group)

    def elements_of(self, options: Sequence[int]) -> int:
        """Return how much of the budget some options take."""
        return sum(self.elements[option] for option in options)


def solve(problem: Problem) -> list[int]:
    """Return the options chosen, in order of preference.

    Raises:
        ChoiceError: HiGHS didn't solve it.
    """
    found = _settled(problem, _without_budget(replace(problem, budget=None)))
    if problem.budget is not None and problem.elements_of(found) > problem.budget:
        found = _settled(problem, _optimum(_reduced(problem)))
    return found


def _without_budget(problem: Problem) -> set[int]:
    """Return an optimal set: options that are needed whatever else is chosen first, then the rest."""
    taken: set[int] = set()
    left = _reduced(problem)
    while needed := {
        options[0]
        for options, value in zip(left.groups, left.value, strict=True)
        if len(options) == 1 and value > left.cost[options[0]]
    }:
        taken |= needed
        rest = [place for place, options in enumerate(left.groups) if needed.isdisjoint(options)]
        groups = [left.groups[place] for place in rest]
        left = _reduced(replace(left, groups=groups, value=[left.value[place] for place in rest]))
    return taken | _optimum(left)


def _reduced(problem: Problem) -> Problem:
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
    values = list(merged.values())
    if problem.budget is None:  # whoever is worth his cheapest option gets one: more value says nothing, and is coarse
        least = [min(problem.cost[option] for option in options) for options in merged]
        values = [min(value, 2 * cost + 1) for value, cost in zip(values, least, strict=True)]
    return replace(problem, groups=list(merged), value=values)


def _optimum(problem: Problem) -> set[int]:
    """Return an optimal set of options of a problem in which every group has options."""
    if not problem.groups:
        return set()
    program = _Program(problem)
    taken = program.answer(whole=False)
    if np.abs(taken - np.rint(taken)).max() > _WHOLE:
        taken = program.answer(whole=True)
    return {option for option, part in zip(program.options, taken.tolist(), strict=True) if part > 0.5}  # noqa: PLR2004


class _Program:
    """A problem as HiGHS takes it: a column an option and then a group, a row a group and then the budget."""

    def __init__(self, problem: Problem) -> None:
        self.options = sorted(problem.serving)
        column = {option: place for place, option in enumerate(self.options)}
        count, groups = len(self.options), len(problem.groups)
        self.cost = np.array([*(problem.cost[option] for option in self.options), *problem.value], np.float64)
        rows = [
            [*(column[option] for option in options), count + group] for group, options in enumerate(problem.groups)
        ]
        weights = [1.0] * sum(map(len, rows))
        self.least, self.most = [1.0] * groups, [math.inf] * groups
        if problem.budget is not None:
            dear = [place for place, option in enumerate(self.options) if problem.elements[option]]
            rows.append(dear)
            weights += [float(problem.elements[self.options[place]]) for place in dear]
            self.least.append(-math.inf)
            self.most.append(float(problem.budget))
        self.start = np.cumsum([0, *map(len, rows)][:-1], dtype=np.int32)
        self.index = np.array([place for row in rows for place in row], np.int32)
        self.weights = np.array(weights)

    def answer(self, *, whole: bool) -> "Floats":
        """Return how much of each option is taken. Whether groups are unserved follows, and needs no branching."""
        import highspy  # 0.02 s, and only here
        from highspy._core import _Highs

        highs = _Highs()  # what highspy builds on it writes a banner to stdout before it can be told not to
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("solver", "simplex"),
            # it would stop at a ten-thousandth of the total, which large values make very coarse
            ("mip_rel_gap", 0.0),
            ("mip_max_nodes", _NODES),
        ):
            highs.setOptionValue(name, value)
        columns, kinds = len(self.cost), highspy.HighsVarType
        count = len(self.options)
        integer = [int(kinds.kInteger if whole and place < count else kinds.kContinuous) for place in range(columns)]
        highs.passModel(
            columns,
            len(self.least),
            len(self.index),
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
            self.cost,
            np.zeros(columns),
            np.ones(columns),
            np.array(self.least),
            np.array(self.most),
            self.start,
            self.index,
            self.weights,
            np.array(integer, np.int32),
        )
        highs.run()
        status = highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            why = highs.modelStatusToString(status)
            raise ChoiceError(f"HiGHS chose no rules ({why}); try with fewer callers at once")
        return np.array(highs.getSolution().col_value[:count])


def _settled(problem: Problem, chosen: set[int]) -> list[int]:
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


def _stand_in(problem: Problem, option: int, needing: Sequence[int]) -> int | None:
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
