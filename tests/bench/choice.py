"""Measures the choice between kinds of rules beside HiGHS alone, given the same problem whole at once.

`python -m tests.bench.choice [--seeds 5]`: callers of subscriptions, some of them resources that could become members,
or of perimeters that could be linked, each with prefixes of its own; budgets that suffice and that don't. Then how
often the linear relaxation of random small problems isn't whole. Read the ratios; machines differ.
"""

import argparse
import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from pipeline.recommend.choice import KINDS, Caller, Choice, Option, choose
from pipeline.recommend.solver import Problem, _Program

RULE_COST, VALUE = 256.0, 1e6
SIZES = 100, 1_000, 3_000
RANDOM = 100


def callers(count: int, seed: int) -> list[Caller]:
    """Make callers as a perimeter of some size has them: subscriptions of many, links of some, own prefixes of most."""
    rng = random.Random(seed)
    own = [Option("subscriptions", f"own-{place}", RULE_COST + 64, 1) for place in range(3)]
    subscriptions = [Option("subscriptions", f"sub-{place}", RULE_COST + 1024, 1) for place in range(count // 10)]
    links = [Option("link", f"perimeter-{place}", 64.0, 0) for place in range(5)]
    tags = [Option("service-tags", f"tag-{place}", RULE_COST + 16384, 1) for place in range(3)]
    found = []
    for place in range(count):
        named = rng.choice(own if rng.random() < 0.3 else subscriptions)
        ways = [named] if rng.random() < 0.9 else []
        if named in own and rng.random() < 0.5:
            ways.append(Option("associate", f"resource-{place}", 16.0, 0))
        elif rng.random() < 0.1:
            ways.append(rng.choice(links))
        if rng.random() < 0.1:
            ways.append(rng.choice(tags))
        elements = min(200, int(rng.paretovariate(1)))
        prefixes = Option("address-prefixes", f"prefixes-{place}", (RULE_COST + 4096) * elements, elements)
        found.append(Caller(f"caller-{place}", VALUE * (1 + 9 * rng.random()), frozenset([*ways, prefixes])))
    return found


def tangled(seed: int) -> list[Caller]:
    """Make a small problem without any structure, which real ones have: a caller has any three to six of 30 options."""
    rng = random.Random(seed)
    options = [Option(rng.choice(KINDS[2:]), str(place), RULE_COST + rng.randrange(2000), 1) for place in range(30)]
    return [Caller(str(place), VALUE, frozenset(rng.sample(options, rng.randint(3, 6)))) for place in range(60)]


def whole_at_once(given: Sequence[Caller], budget: int) -> float:
    """Return the optimum as HiGHS finds it without any preparation."""
    options = sorted({option for caller in given for option in caller.options}, key=lambda each: (each.kind, each.name))
    place = {option: index for index, option in enumerate(options)}
    groups = [tuple(place[option] for option in caller.options) for caller in given]
    problem = Problem(
        [option.cost for option in options],
        [option.elements for option in options],
        groups,
        [caller.value for caller in given],
        budget,
    )
    program = _Program(problem)
    taken = {option for option, part in zip(program.options, program.answer(whole=True), strict=True) if part > 1 / 2}
    denied = (value for group, value in zip(groups, problem.value, strict=True) if taken.isdisjoint(group))
    return sum(problem.cost[option] for option in taken) + sum(denied)


def total(given: Sequence[Caller], found: Sequence[Choice]) -> float:
    """Return what a choice costs."""
    taken = {each.chosen for each in found if each.chosen}
    denied = sum(caller.value for caller, each in zip(given, found, strict=True) if each.chosen is None)
    return sum(option.cost for option in taken) + denied


class Watch:
    """Counts how often whole numbers had to be asked for, and of how many problems."""

    def __init__(self) -> None:
        self.counts = {False: 0, True: 0}
        bare = _Program.answer

        def answer(program: _Program, *, whole: bool) -> Any:
            self.counts[whole] += 1
            return bare(program, whole=whole)

        setattr(_Program, "answer", answer)  # noqa: B010 - mypy takes no assignment to a method

    def told(self) -> str:
        said = f"{self.counts[True]} of {self.counts[False]} relaxations fractional"
        self.counts.update({False: 0, True: 0})
        return said


def measure(size: int, seeds: int, share: float, watch: Watch) -> None:
    """Print the times for one size and budget, given as a share of the elements that an endless budget would take."""
    ours, bare, options = [], [], []
    problems = [callers(size, seed) for seed in range(seeds)]
    budgets = [
        int(share * sum(each.elements for each in {one.chosen for one in choose(given, size)} if each))
        for given in problems
    ]
    watch.told()
    for given, budget in zip(problems, budgets, strict=True):
        options.append(len({option for caller in given for option in caller.options}))
        start = time.perf_counter()
        found = choose(given, budget)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        best = whole_at_once(given, budget)
        watch.counts[True] -= 1
        bare.append(time.perf_counter() - start)
        if abs(total(given, found) - best) > 1e-6 * best:
            print(f"  {total(given, found):,.1f} is not the optimum {best:,.1f}")
    print(
        f"  {size:5,} callers, {statistics.median(options):5,.0f} options, budget {statistics.median(budgets):4.0f}: "
        f"choose {statistics.median(ours):6.3f} s (max {max(ours):.3f}), HiGHS whole at once "
        f"{statistics.median(bare):6.3f} s (max {max(bare):.3f}); {watch.told()}"
    )


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args()
    choose(callers(10, 0), 3)  # so that nothing is imported while measuring
    watch = Watch()
    for size in SIZES:
        for share in (1.0, 0.7, 0.3):
            measure(size, chosen.seeds, share, watch)
    watch.told()
    for budget in (60, 6):
        start = time.perf_counter()
        for seed in range(RANDOM):
            choose(tangled(seed), budget)
        each = (time.perf_counter() - start) / RANDOM
        print(f"  {RANDOM} tangled problems, budget {budget:2}: {each * 1000:.0f} ms each; {watch.told()}")


if __name__ == "__main__":
    main()
