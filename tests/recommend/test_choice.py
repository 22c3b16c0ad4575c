"""The choice between kinds of rules is optimal: held against all subsets of the options, and against the cover."""

import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from itertools import chain, combinations
from typing import Any

import numpy as np
import pytest
from highspy._core import _Highs
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ChoiceError
from pipeline.recommend import solver
from pipeline.recommend.allot import SPARSE
from pipeline.recommend.choice import KINDS, Caller, Choice, Option, choose
from pipeline.recommend.cover import curve
from pipeline.recommend.prefixes import cheapest, keys_by_version, narrowest
from pipeline.recommend.wording import sentence

SUBSCRIPTION = Option("subscriptions", "sub-payments", 1280, 1)


def subsets(options: Iterable[Option]) -> Iterable[tuple[Option, ...]]:
    pool = sorted(options, key=lambda option: (KINDS.index(option.kind), option.name))
    return chain.from_iterable(combinations(pool, size) for size in range(len(pool) + 1))


def every_option(callers: Sequence[Caller]) -> frozenset[Option]:
    return frozenset().union(*(caller.options for caller in callers))


def total(callers: Sequence[Caller], taken: Iterable[Option]) -> float:
    chosen = frozenset(taken)
    return sum(option.cost for option in chosen) + sum(
        caller.value for caller in callers if not caller.options & chosen
    )


def least_total(callers: Sequence[Caller], budget: int) -> float:
    return min(
        total(callers, each)
        for each in subsets(every_option(callers))
        if sum(option.elements for option in each) <= budget
    )


def taken_of(found: Sequence[Choice]) -> frozenset[Option]:
    return frozenset(each.chosen for each in found if each.chosen)


@st.composite
def situations(draw: st.DrawFn) -> list[Caller]:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=7))
    costs = st.one_of(st.integers(0, 6), st.sampled_from([256, 257, 300.5, 1280, 65792]))
    pool = [
        Option(kind, f"option{place}", draw(costs), 0 if kind in KINDS[:2] else draw(st.integers(0, 3)))
        for place, kind in enumerate(kinds)
    ]
    values = st.one_of(st.integers(0, 8), st.sampled_from([1000.5, 1e6, 1e9]))
    return [
        Caller(f"caller{place}", draw(values), frozenset(draw(st.sets(st.sampled_from(pool)))))
        for place in range(draw(st.integers(0, 8)))
    ]


@settings(max_examples=200, deadline=None)
@given(callers=situations(), budget=st.integers(0, 8), seed=st.integers(0, 99))
def test_equals_all_subsets(callers: list[Caller], budget: int, seed: int) -> None:
    found = choose(callers, budget)
    assert [each.caller for each in found] == [caller.key for caller in callers]
    taken = taken_of(found)
    assert sum(option.elements for option in taken) <= budget
    assert all(
        each.chosen in caller.options if each.chosen else not caller.options & taken
        for caller, each in zip(callers, found, strict=True)
    )
    assert total(callers, taken) == pytest.approx(least_total(callers, budget), rel=1e-9)
    shuffled = random.Random(seed).sample(callers, len(callers))
    assert sorted(map(repr, choose(shuffled, budget))) == sorted(map(repr, found))


@settings(max_examples=200, deadline=None)
@given(callers=situations(), budget=st.integers(0, 8))
def test_next_best_is_what_all_subsets_say(callers: list[Caller], budget: int) -> None:
    found = choose(callers, budget)
    taken = taken_of(found)
    left = budget - sum(option.elements for option in taken)
    for caller, each in zip(callers, found, strict=True):
        other = each.alternative
        if each.chosen is None:
            assert (other is None) == (not caller.options)
            if other and not other.is_over_budget:
                assert other.delta >= 0
            continue
        rest = taken - {each.chosen}
        needing = [one for one in callers if not one.options & rest and each.chosen in one.options]
        best = min(total(needing, some) for some in subsets(every_option(needing) - {each.chosen}))
        assert other is not None
        assert other.delta == pytest.approx(best - each.chosen.cost, abs=1e-6)
        held = [one for one in callers if one.options & taken]  # those left denied stay so
        assert total(held, rest.union(other.options)) - total(held, taken) == pytest.approx(other.delta, abs=1e-6)
        assert other.denied == sum(not one.options & rest.union(other.options) for one in needing)
        assert other.elements == sum(option.elements for option in other.options) - each.chosen.elements
        assert other.is_over_budget == (other.elements > left)
        assert other.is_over_budget or other.delta >= -1e-6
        check_runner_up(caller, each, taken, needing)


def check_runner_up(caller: Caller, found: Choice, taken: frozenset[Option], needing: list[Caller]) -> None:
    """One caller takes another option or none; where others need the old one it stays."""
    is_alone = [one.key for one in needing] == [caller.key]
    kept = taken - {found.chosen} if is_alone else taken
    ways: dict[Option | None, float] = {
        option: total([], kept | {option}) for option in caller.options - {found.chosen}
    }
    ways[None] = total([], kept) + caller.value
    before = total([], taken)
    assert found.delta == pytest.approx(min(ways.values()) - before, abs=1e-6)
    assert found.delta == pytest.approx(ways[found.runner_up] - before, abs=1e-6)


def test_equal_costs_are_settled_by_kind_and_name() -> None:
    options = [Option(kind, name, 7, 0) for kind in reversed(KINDS) for name in ("b", "a")]
    for kind in KINDS:
        found = choose([Caller("one", 100, frozenset(options))], 0)[0]
        assert found.chosen == Option(kind, "a", 7, 0)
        assert found.runner_up == Option(kind, "b", 7, 0)
        assert (found.delta, found.is_close) == (0, True)
        options = [option for option in options if option.kind != kind]


def test_a_preferred_option_stands_in_for_a_wider_one_that_costs_the_same() -> None:
    member, link = Option("associate", "a", 5, 0), Option("link", "l", 5, 0)
    alone = Option("address-prefixes", "20.0.0.1/32", 1, 1)
    callers = [Caller("one", 100, frozenset({member, link})), Caller("two", 100, frozenset({link, alone}))]
    assert [each.chosen for each in choose(callers, 9)] == [link, link]
    assert choose(callers[:1], 9)[0].chosen == member


def test_nobody_and_no_budget() -> None:
    assert choose([], 0) == []
    caller = Caller("one", 1e6, frozenset({SUBSCRIPTION}))
    found = choose([caller], 0)[0]
    assert found.chosen is None
    assert found.runner_up == SUBSCRIPTION
    assert found.delta == 1280 - 1e6
    assert not found.is_close
    assert sentence(found) == "Left denied: 1 caller; the budget doesn't hold subscription sub-payments as well."
    hopeless = choose([Caller("two", 1e6, frozenset())], 9)[0]
    assert (hopeless.chosen, hopeless.runner_up, hopeless.delta) == (None, None, float("inf"))
    assert sentence(hopeless) == "Left denied: 1 caller; no rule can admit it."


def test_a_fractional_relaxation_is_made_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """An odd cycle: three options of which each serves two of three callers, so half of each would do."""
    options = [Option("subscriptions", name, 10, 1) for name in "abc"]
    callers = [Caller(str(each), 1e6, frozenset(options) - {options[each]}) for each in range(3)]
    asked: list[bool] = []
    answer = solver._Program.answer

    def noted(program: Any, *, whole: bool) -> Any:
        asked.append(whole)
        return answer(program, whole=whole)

    monkeypatch.setattr(solver._Program, "answer", noted)
    found = choose(callers, 9)
    assert asked[:2] == [False, True]
    assert len(taken_of(found)) == 2
    assert total(callers, taken_of(found)) == 20


def test_what_nothing_competes_with_needs_no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(solver, "_Program")
    dear = Option("service-tags", "b", 9, 1)
    callers = [Caller("one", 99, frozenset({SUBSCRIPTION})), Caller("two", 1e6, frozenset({SUBSCRIPTION, dear}))]
    callers.append(Caller("three", 1e6, frozenset({SUBSCRIPTION})))
    assert [each.chosen for each in choose(callers, 1)] == [SUBSCRIPTION] * 3


def test_nothing_is_written_to_stdout() -> None:
    """It may be JSON that somebody reads, and HiGHS greets once a process."""
    program = """
from pipeline.recommend.choice import Caller, Option, choose
options = [Option("subscriptions", name, 10, 1) for name in "abc"]
choose([Caller(str(each), 1e6, frozenset(options) - {options[each]}) for each in range(3)], 9)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_solver_that_gives_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Highs, "run", lambda _: None)
    options = [Option("subscriptions", name, 10, 1) for name in "abc"]
    callers = [Caller(str(each), 1e6, frozenset(options) - {options[each]}) for each in range(3)]
    with pytest.raises(ChoiceError, match=r"HiGHS chose no rules \(Not Set\)"):
        choose(callers, 9)


def test_an_answer_beyond_the_budget_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver._Program, "answer", lambda program, **_: np.ones(len(program.options)))
    callers = [Caller(name, 1e6, frozenset({Option("subscriptions", name, 1, 1)})) for name in "ab"]
    with pytest.raises(ChoiceError, match="used 2 rule elements of 1"):
        choose(callers, 1)


@pytest.mark.parametrize(
    ("callers", "budget", "said"),
    [
        ([], -1, "below 0"),
        ([Caller("one", float("nan"), frozenset())], 0, "value nan of one"),
        ([Caller("one", -1, frozenset())], 0, "value -1 of one"),
        ([Caller("one", 1, frozenset({Option("link", "x", float("inf"), 0)}))], 0, "finite cost"),
        ([Caller("one", 1, frozenset({Option("link", "x", 1, -1)}))], 0, "finite cost"),
        ([Caller("one", 1, frozenset({Option("link", "x", 1, 0), Option("link", "x", 2, 0)}))], 0, "two prices"),
        ([Caller("one", 1, frozenset({Option("wish", "x", 1, 0)}))], 0, "wish"),
    ],
)
def test_senseless_input_is_refused(callers: list[Caller], budget: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        choose(callers, budget)


def test_the_sentence_says_what_it_saves_and_what_it_opens() -> None:
    singles = [Option("address-prefixes", f"20.{place}.0.1/32", 256, 1) for place in range(14)]
    callers = [Caller(single.name, 1e6, frozenset({single, SUBSCRIPTION})) for single in singles]
    found = choose(callers, 50)
    assert {sentence(each) for each in found} == {
        (
            "Subscription rule: 14 callers, 1 element instead of 14; admits every managed identity of subscription "
            "sub-payments. Next best: 14 prefixes, +13 elements, price 3,584 instead of 1,280."
        ),
    }
    assert (found[0].runner_up, found[0].delta, found[0].is_close) == (singles[0], 256, False)
    tight = choose(callers, 3)[0]
    assert sentence(tight).endswith("price 3,584 instead of 1,280, which the budget doesn't hold.")
    assert "of subscription Payments." in sentence(tight, {"sub-payments": "Payments"})


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            Option("associate", "/subscriptions/s/resourcegroups/g/providers/p/t/vault1", 0, 0),
            "Association: 1 caller, no element; makes vault1 a member, which opens the members to it and it to them.",
        ),
        (
            Option("link", "guid-1", 0, 0),
            "Link: 1 caller, no element; opens the members to every member of perimeter guid-1.",
        ),
        (
            Option("service-tags", "Storage.WestEurope", 300, 1),
            "Service tag rule: 1 caller, 1 element; admits every address of Storage.WestEurope, other customers' too.",
        ),
        (
            Option("address-prefixes", str(ip_network("20.1.2.0/24")), 300, 1),
            "Prefix rule: 1 caller, 1 element; admits 256 addresses of 20.1.2.0/24.",
        ),
        (
            Option("address-prefixes", "2a00:1::/64", 300, 1),
            "Prefix rule: 1 caller, 1 element; admits 1 /64 network of 2a00:1::/64.",
        ),
    ],
)
def test_the_sentence_of_every_kind(option: Option, said: str) -> None:
    found = choose([Caller("one", 1000, frozenset({option}))], 1)[0]
    assert sentence(found) == f"{said} Next best: to leave it denied."


def test_close_ones_are_a_persons_call() -> None:
    narrow, wide = Option("address-prefixes", "20.0.0.1/32", 256, 1), Option("address-prefixes", "20.0.0.0/28", 271, 1)
    found = choose([Caller("one", 1e6, frozenset({narrow, wide}))], 1)[0]
    assert found.is_close
    assert sentence(found).endswith("Next best: prefix 20.0.0.0/28, price 271 instead of 256. Close: your call.")
    denied = choose([Caller("one", 250, frozenset({narrow}))], 1)[0]
    assert denied.is_close
    assert sentence(denied) == (
        "Left denied: 1 caller; prefix 20.0.0.1/32 costs 256, and admitting is worth 250. Close: your call."
    )


def test_an_alternative_may_leave_some_denied() -> None:
    single = Option("address-prefixes", "20.0.0.1/32", 256, 1)
    both = [Caller("one", 1e6, frozenset({single, SUBSCRIPTION})), Caller("two", 1e6, frozenset({SUBSCRIPTION}))]
    found = choose(both, 5)
    assert sentence(found[0]).endswith("Next best: prefix 20.0.0.1/32, 1 caller left denied.")
    assert [each.runner_up for each in found] == [single, None]


@settings(max_examples=150, deadline=None)
@given(
    version=st.sampled_from([4, 6]),
    offsets=st.sets(st.integers(0, 255), min_size=1, max_size=30),
    rule_cost=st.sampled_from([0.5, 3, 16, 256]),
)
def test_cheapest_prefixes_are_the_optimal_cover_at_that_price(
    version: int, offsets: set[int], rule_cost: float
) -> None:
    base, step = (int(ip_address("20.1.2.0")), 1) if version == 4 else (int(ip_address("2a00:1::")), 1 << 64)
    keys = keys_by_version(str(ip_address(base + offset * step)) for offset in offsets)[version]
    best = curve(np.array(keys, np.uint64), version, len(keys), sparsest=SPARSE)
    for may_be_one in (True, False):
        found = cheapest(keys, version, rule_cost, may_be_one=may_be_one)
        counts = range(1 if may_be_one else 2, len(keys) + 1)
        costs = [best.extra[count] + count * rule_cost for count in counts]
        assert sum(cost for cost, _ in found) == (pytest.approx(min(costs)) if costs else 0)
        held = [ip_address(base + offset * step) in network for offset in offsets for _, network in found]
        assert sum(held) == (len(offsets) if found else 0)


def test_narrowest_prefix_of_an_address() -> None:
    assert str(narrowest("20.0.0.1")) == "20.0.0.1/32"
    assert str(narrowest("2a00:1:2:3:4::5")) == "2a00:1:2:3::/64"
    assert keys_by_version(["2a00::1", "2a00::2", "20.0.0.1"]) == {4: [0x14000001], 6: [0x2A000000_00000000]}
