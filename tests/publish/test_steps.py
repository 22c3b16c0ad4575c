"""The order of writes: access is never closed before it is opened, and no limit is passed on the way."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.publish import content
from pipeline.publish.content import Content
from pipeline.publish.merge import Key
from pipeline.publish.steps import Step, Target, excesses, gaps, ordered

FIELDS = {"Inbound": ("addressPrefixes", "serviceTags"), "Outbound": ("fullyQualifiedDomainNames",)}
TEXTS = {
    "addressPrefixes": ["192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"],
    "serviceTags": ["Storage", "Sql"],
    "fullyQualifiedDomainNames": ["a.example", "b.example"],
}


@st.composite
def contents(draw: st.DrawFn, mixed: bool = True) -> Content:
    direction = draw(st.sampled_from(["Inbound", "Outbound"])) if mixed else "Inbound"
    name = draw(st.sampled_from(FIELDS[direction])) if mixed else "addressPrefixes"
    texts = draw(st.lists(st.sampled_from(TEXTS[name]), min_size=1, unique=True))
    return content.of_properties({"direction": direction, name: texts})


def worlds(mixed: bool) -> st.SearchStrategy[dict[Key, Content]]:
    keys = st.sampled_from("abcd").map(lambda name: ("/p", "apps", name))
    return st.dictionaries(keys, contents(mixed), max_size=4)


def targets(live: dict[Key, Content], after: dict[Key, Content]) -> list[Target]:
    return [Target(key, live.get(key), after.get(key)) for key in live.keys() | after.keys()]


def walked(live: dict[Key, Content], steps: tuple[Step, ...]) -> list[dict[Key, Content]]:
    """Every state on the way, the first and the last included."""
    found = [dict(live)]
    for step in steps:
        now = dict(found[-1])
        assert now.get(step.key) == step.before, "a step finds what it expects"
        now.pop(step.key, None)
        if step.after:
            now[step.key] = step.after
        found.append(now)
    return found


def admitted(rules: dict[Key, Content]) -> set[tuple[str, str]]:
    return {(each.direction, element) for each in rules.values() for _, element in each.elements}


@given(worlds(mixed=False), worlds(mixed=False))
@settings(max_examples=300)
def test_everything_is_open_before_anything_is_closed(live: dict[Key, Content], after: dict[Key, Content]) -> None:
    steps = ordered(targets(live, after))
    way = walked(live, steps)
    assert way[-1] == after
    everything = admitted(live) | admitted(after)
    is_open = [admitted(now) for now in way]
    full = [now == everything for now in is_open]
    peak = full.index(True)
    for earlier, later in pairwise(is_open[: peak + 1]):
        assert earlier <= later
    for earlier, later in pairwise(is_open[peak:]):
        assert earlier >= later
    assert gaps(live, steps) == []
    assert len(steps) <= 2 * len(live.keys() | after.keys())


@given(worlds(mixed=True), worlds(mixed=True))
@settings(max_examples=300)
def test_what_closes_too_early_is_told(live: dict[Key, Content], after: dict[Key, Content]) -> None:
    steps = ordered(targets(live, after))
    way = walked(live, steps)
    assert way[-1] == after
    lasting = admitted(live) & admitted(after)
    lost = {each for now in way for each in lasting - admitted(now)}
    assert set(gaps(live, steps)) == lost


@given(worlds(mixed=True), worlds(mixed=True), st.integers(0, 8), st.booleans())
@settings(max_examples=300)
def test_passed_limits_are_told(
    live: dict[Key, Content], after: dict[Key, Content], limit: int, narrow_first: bool
) -> None:
    steps = ordered(targets(live, after), narrow_first=narrow_first)
    way = walked(live, steps)
    for direction in ("Inbound", "Outbound"):
        counts = [sum(each.count() for each in now.values() if each.direction == direction) for now in way]
        told = [each for each in excesses(live, steps, limit) if each.side == ("/p", "apps", direction)]
        assert bool(told) == (max(counts) > max(limit, counts[0]))
        for each in told:
            assert (each.count, each.is_at_end) == (max(counts), counts[-1] > limit)
        if narrow_first and not any(
            each.before and each.after and each.before.side != each.after.side for each in steps
        ):
            assert max(counts) == max(counts[0], counts[-1])  # never more than there must be


def test_nothing_to_do_is_no_step() -> None:
    same = content.of_properties({"direction": "Inbound", "addressPrefixes": ["192.0.2.1"]})
    assert ordered([Target(("/p", "a", "r"), same, same), Target(("/p", "a", "s"), None, None)]) == ()
