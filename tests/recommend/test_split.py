"""Resources are spread over profiles so that each has elements enough."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.recommend.policy import Limits, propose
from pipeline.recommend.split import Element, Split, split, spread
from tests.recommend.caller_day import gathered
from tests.recommend.test_policy import STORAGE, VAULT, profile, seen

ELEMENTS = [(direction, "subscriptions", str(number)) for direction in ("Inbound", "Outbound") for number in range(8)]
NEEDED = st.dictionaries(st.sampled_from("abcdefg"), st.sets(st.sampled_from(ELEMENTS)), max_size=7)


def union(needed: Mapping[str, set[Element]], resources: tuple[str, ...], direction: str) -> int:
    return len({element for each in resources for element in needed[each] if element[0] == direction})


@settings(max_examples=300, deadline=None)
@given(needed=NEEDED, inbound=st.integers(0, 8), outbound=st.integers(0, 8))
def test_every_resource_has_a_place_where_its_elements_fit(
    needed: dict[str, set[Element]], inbound: int, outbound: int
) -> None:
    room = {"Inbound": inbound, "Outbound": outbound}
    found = spread(needed, room)
    if found is None:
        assert all(union(needed, tuple(needed), direction) <= room[direction] for direction in room)
        return
    assert sorted([*(each for part in found.parts for each in part.resources), *found.too_large]) == sorted(needed)
    for part in found.parts:
        assert part.elements == {direction: union(needed, part.resources, direction) for direction in room}
        assert all(part.elements[direction] <= room[direction] for direction in room)
    assert [part.stays for part in found.parts] == [place == 0 for place in range(len(found.parts))]
    for resource in found.too_large:
        assert any(union(needed, (resource,), direction) > room[direction] for direction in room)
    for one in found.parts:  # no two of them would do with one profile
        for other in found.parts:
            both = (*one.resources, *other.resources)
            assert one == other or any(union(needed, both, direction) > room[direction] for direction in room)
    assert spread(dict(reversed(needed.items())), room) == found


def test_those_that_share_callers_stay_together() -> None:
    needed = {
        name: {("Inbound", "subscriptions", f"{group}{number}") for number in range(6)}
        for group, names in (("x", "ace"), ("y", "bd"))
        for name in names
    }
    found = spread(needed, {"Inbound": 8, "Outbound": 8})
    assert found is not None
    assert [(part.resources, part.elements["Inbound"], part.stays) for part in found.parts] == [
        (("a", "c", "e"), 6, True),
        (("b", "d"), 6, False),
    ]


def test_many_resources_are_spread_as_well() -> None:
    needed = {f"r{number:03}": {("Inbound", "subscriptions", str(number % 40))} for number in range(400)}
    found = spread(needed, {"Inbound": 10})
    assert found is not None
    assert len(found.parts) == 4


def proposals_of(budget: int, unnamed: int = 0) -> Split | None:
    rows = [
        seen(day, ip=f"{first}.113.0.1", service_resource=resource)
        for resource, some in ((STORAGE, range(11, 19)), (VAULT, range(31, 37)), (None, range(51, 51 + unnamed)))
        for first in some
        for day in (0, 1)
    ]
    found = propose(profile(), gathered(rows), 10, Limits(max_elements=budget, reserve=0))
    return split(found, {"Inbound": budget, "Outbound": budget}, 256.0)


def test_profile_whose_elements_do_not_suffice_is_split() -> None:
    assert proposals_of(14) is None
    found = proposals_of(10)
    assert found is not None
    assert [(part.resources, part.elements["Inbound"]) for part in found.parts] == [((STORAGE,), 8), ((VAULT,), 6)]
    assert found.as_json()["parts"][1] == {
        "resources": [VAULT],
        "elements": {"Inbound": 6, "Outbound": 0},
        "stays": False,
    }
    found = proposals_of(7)
    assert found is not None
    assert found.too_large == {STORAGE: 8}


def test_callers_of_a_resource_that_no_record_names_are_let_in_by_every_part() -> None:
    found = proposals_of(10, unnamed=2)
    assert found is not None
    assert [(part.resources, part.elements["Inbound"]) for part in found.parts] == [((STORAGE,), 10), ((VAULT,), 8)]
    found = proposals_of(10, unnamed=3)
    assert found is not None
    assert found.too_large == {STORAGE: 11}
