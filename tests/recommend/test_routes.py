"""Which kind of rule each caller falls under, and that the replay of a week sorts its callers alike."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.inventory import snapshot
from pipeline.inventory.document import Document
from pipeline.inventory.networks import keep_service_tags
from pipeline.recommend.association import Tolerance
from pipeline.recommend.backtest import Week, replay
from pipeline.recommend.bounds import Bounds
from pipeline.recommend.candidates import Estate, associable, guids_of, honours_links, honours_tags
from pipeline.recommend.policy import Limits, propose
from pipeline.recommend.profile import Profile
from pipeline.recommend.proposal import Proposal
from pipeline.recommend.readiness import Evidence, judge
from pipeline.recommend.routes import routes
from pipeline.recommend.run import recommend
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from pipeline.verdict.scenario import admitting_rules
from tests.recommend.caller_day import CallerDay, gathered
from tests.recommend.test_all_clear import LATE, NOW, month
from tests.recommend.test_policy import FUNCTION, START, STORAGE, VAULT, profile, seen
from tests.verdict import world

OWN, FOREIGN = "1", "2"
SEARCH = "/subscriptions/1/resourcegroups/g/providers/microsoft.search/searchservices/find"
ELSEWHERE = "/subscriptions/2/resourcegroups/g/providers/microsoft.sql/servers/db"
GUID = "0f000000-0000-0000-0000-000000000001"
OTHER = "/subscriptions/2/resourcegroups/g/providers/microsoft.network/networksecurityperimeters/partner"


def member(name: str = "find", day: int = 0, **fields: Any) -> CallerDay:
    """A search service of the perimeter's own subscription, which could be a member."""
    return seen(day, source_resource=SEARCH.replace("find", name), source_subscription=OWN, **fields)


def function(name: str = "f", subscription: str = FOREIGN, day: int = 0, **fields: Any) -> CallerDay:
    resource = f"/subscriptions/{subscription}/resourcegroups/g/providers/microsoft.web/sites/{name}"
    return seen(day, source_resource=resource, source_subscription=subscription, **fields)


def twice(make: Any, *given: Any, **fields: Any) -> list[CallerDay]:
    return [make(*given, day=day, **fields) for day in (0, 1)]


def around(**fields: Any) -> Profile:
    return replace(profile(), estate=Estate(**fields))


def proposed(*rows: CallerDay, of: Profile | None = None, **limits: Any) -> list[Proposal]:
    return propose(of or profile(), gathered(rows), 10, Limits(**limits))


def test_own_resource_that_can_be_a_member_is_to_be_associated() -> None:
    (one,) = proposed(*twice(member))
    assert (one.kind, one.elements, one.recommended, one.state) == ("associate", (), False, "to-do")
    assert one.reason.startswith("associate find with this perimeter: ")
    made = one.as_json()
    assert made["choice"] == {
        "chosen": "associate",
        "cost": 16.0,
        "runner_up": "subscriptions",
        "cost_difference": 304.0,
        "your_call": False,
        "sentence": (
            "Association: 1 caller, no element instead of 1; makes find a member, which opens the members to it and it "
            "to them. Next best: subscription 1, +1 element, price 320 instead of 16."
        ),
    }
    assert made["evidence"]["requests"] == 10


def test_where_memberships_are_not_wanted_its_subscription_is_named() -> None:
    (one,) = proposed(*twice(member), memberships=False)
    assert (one.kind, one.elements, one.state) == ("subscriptions", ("/subscriptions/1",), "recommended")


def test_what_another_caller_needs_anyway_admits_it_as_well() -> None:
    (one,) = proposed(*twice(member), *twice(function, "f", OWN))
    assert (one.kind, one.elements) == ("subscriptions", ("/subscriptions/1",))
    assert one.as_json()["choice"]["sentence"].startswith("Subscription rule: 2 callers, 1 element; ")


def test_parts_of_a_resource_are_the_resource() -> None:
    assert associable(f"{STORAGE}/blobservices/default") == STORAGE
    assert associable(STORAGE) == STORAGE
    assert associable(FUNCTION) is None
    assert associable("") is None
    assert associable(f"{STORAGE}\n") is None


def test_foreign_resource_is_not_to_be_associated() -> None:
    (one,) = proposed(*(seen(day, source_resource=ELSEWHERE, source_subscription=FOREIGN) for day in (0, 1)))
    assert one.elements == ("/subscriptions/2",)


@pytest.mark.parametrize("logged", [GUID.upper(), f'["{GUID}"]', f'"{GUID}"'])
def test_resource_of_another_perimeter_is_to_be_linked(logged: str) -> None:
    rows = [
        seen(day, source_resource=ELSEWHERE, source_subscription=FOREIGN, source_perimeters=logged) for day in (0, 1)
    ]
    (one,) = proposed(*rows, of=around(perimeters={GUID: OTHER}))
    assert (one.kind, one.elements, one.state) == ("link", (), "to-do")
    assert one.reason.startswith("link this perimeter with partner: ")
    assert [need.key for need in one.needs] == [GUID]


def test_member_of_another_perimeter_is_known_by_the_inventory_too() -> None:
    rows = [seen(day, source_resource=ELSEWHERE, source_subscription=FOREIGN) for day in (0, 1)]
    (one,) = proposed(*rows, of=around(member_of={ELSEWHERE: GUID}))
    assert one.kind == "link"
    (one,) = proposed(*twice(member), of=around(member_of={SEARCH: GUID}))
    assert one.kind == "link"  # nothing can be a member of two


def test_caller_that_is_nothing_but_a_member_of_another_perimeter_can_be_linked() -> None:
    rows = [seen(day, ip=None, source_perimeters=GUID) for day in (0, 1)]
    assert [each.kind for each in proposed(*rows)] == ["link"]
    assert [each.kind for each in proposed(*rows, memberships=False)] == ["cannot-fix"]


@pytest.mark.parametrize(("there", "told"), [(8, None), (9, "this one has 9, and 2 more are proposed"), (10, "has 10")])
def test_more_links_than_a_perimeter_takes_are_a_question(there: int, told: str | None) -> None:
    """One to a perimeter that it is linked with already, for another profile, is no new one."""
    guids = [f"0f000000-0000-0000-0000-{number:012d}" for number in range(12)]
    asked = [guids[0], *guids[10:]]
    rows = [seen(day, ip=None, source_perimeters=guid) for day in (0, 1) for guid in asked]
    found = proposed(*rows)
    assert [each.kind for each in found] == ["link"] * 3
    judged = judge("/p", "apps", Evidence(35, linked=frozenset(guids[:there])), [], found, Tolerance())
    reasons = [reason for reason in judged.reasons if "takes 10 links" in reason]
    assert (reasons == []) if told is None else (told in reasons[0])


@pytest.mark.parametrize("estate", [{"own_guid": GUID}, {"linked": frozenset({GUID})}])
def test_own_perimeter_and_linked_ones_are_not_to_be_linked(estate: dict[str, Any]) -> None:
    (one,) = proposed(*twice(function, source_perimeters=GUID), of=around(**estate))
    assert one.kind == "subscriptions"


def test_link_is_no_way_to_what_honours_none() -> None:
    (one,) = proposed(*twice(function, source_perimeters=GUID, service_resource=SEARCH))
    assert one.kind == "subscriptions"
    assert not honours_links(SEARCH)
    assert honours_links(STORAGE)


def test_key_or_sas_is_helped_by_no_membership() -> None:
    (one,) = proposed(*twice(member, reason="identity-not-honoured"))
    assert (one.kind, one.flags) == ("address-prefixes", ("key-or-sas",))


def test_one_subscription_rule_stands_for_many_addresses() -> None:
    rows = [row for host in range(14) for row in twice(function, ip=f"20.{host}.0.1")]
    (one,) = proposed(*rows)
    choice = one.as_json()["choice"]
    assert (one.kind, choice["runner_up"], choice["your_call"]) == ("subscriptions", "address-prefixes", False)
    assert choice["cost_difference"] == 14 * (4096 + 256) - 1280
    assert choice["sentence"] == (
        "Subscription rule: 1 caller, 1 element instead of 14; admits every managed identity of subscription 2. "
        "Next best: 14 prefixes, +13 elements, price 60,928 instead of 1,280."
    )


TAGGED = {"service_tag": "PowerBI.WestEurope", "service_resource": VAULT}


def test_service_tag_is_a_question_behind_a_switch() -> None:
    rows = [row for host in range(9) for row in twice(seen_at, f"20.{host}.0.1", **TAGGED)]
    assert {each.kind for each in proposed(*rows)} == {"address-prefixes"}
    (one,) = proposed(*rows, service_tags=True)
    assert (one.kind, one.elements, one.flags) == ("service-tags", ("PowerBI.WestEurope",), ("azure-address",))
    assert one.name.startswith("nsp-tag-powerbi-westeurope-")
    assert one.as_json()["choice"]["runner_up"] == "address-prefixes"


def seen_at(address: str, day: int = 0, **fields: Any) -> CallerDay:
    return seen(day, ip=address, **fields)


def test_service_tag_that_costs_about_as_much_is_your_call() -> None:
    rows = [row for host in range(4) for row in twice(seen_at, f"20.{host}.0.1", **TAGGED)]
    (one,) = proposed(*rows, service_tags=True)
    choice = one.as_json()["choice"]
    assert (choice["chosen"], choice["runner_up"], choice["your_call"]) == ("service-tags", "address-prefixes", True)
    assert choice["sentence"].endswith("price 17,408 instead of 16,640. Close: your call.")
    few = proposed(*rows[:6], service_tags=True)
    assert {(each.kind, each.as_json()["choice"]["runner_up"]) for each in few} == {
        ("address-prefixes", "service-tags")
    }


def test_service_tag_is_no_way_to_what_honours_none_or_where_the_policy_bans_it() -> None:
    rows = [
        row for host in range(9) for row in twice(seen_at, f"20.{host}.0.1", **{**TAGGED, "service_resource": STORAGE})
    ]
    assert {each.kind for each in proposed(*rows, service_tags=True)} == {"address-prefixes"}
    rows = [row for host in range(9) for row in twice(seen_at, f"20.{host}.0.1", **TAGGED)]
    banned = Bounds(banned_tags=frozenset({"powerbi"}))
    assert {each.kind for each in proposed(*rows, service_tags=True, bounds=banned)} == {"address-prefixes"}
    assert honours_tags(VAULT)
    assert not honours_tags(STORAGE)


def test_what_the_policy_forbids_is_no_way() -> None:
    subscription = "22222222-0000-0000-0000-222222222222"
    rows = twice(function, "f", subscription)
    (one,) = proposed(*rows, bounds=Bounds(banned_subscriptions=frozenset({subscription})))
    assert (one.kind, one.flags) == ("address-prefixes", ("azure-address",))
    assert "admits 1 address of 203.0.113.7/32" in one.as_json()["choice"]["sentence"]


def test_where_the_budget_does_not_suffice_the_busiest_are_named() -> None:
    rows = [
        row
        for number in range(2, 7)
        for row in twice(function, "f", str(number), ip=f"20.{number}.0.1", allowed=number)
    ]
    found = proposed(*rows, max_elements=3, reserve=0)
    assert [each.elements[0] for each in found if each.recommended] == [f"/subscriptions/{n}" for n in (6, 5, 4)]
    over = [each for each in found if not each.recommended]
    assert [each.flags for each in over] == [("over-budget",)] * 2
    assert "the budget doesn't hold subscription" in over[0].as_json()["choice"]["sentence"]


def test_every_proposal_has_a_choice_and_a_prefix_its_next_best() -> None:
    pool = [seen(day, ip=f"203.0.113.{host}") for host in range(0, 32, 2) for day in (0, 1)]
    found = proposed(*pool, seen(0, ip="10.0.0.1"), seen(0, ip="198.51.100.1", allowed=0, denied=1))
    rule, unfixable, stranger = (each.as_json()["choice"] for each in found)
    assert rule["sentence"] == (
        "Prefix rule: 16 callers, 1 element instead of 2; admits 32 addresses of 203.0.113.0/27. "
        "Next best: 2 prefixes, +1 element, price 528 instead of 272."
    )
    assert (rule["cost"], rule["cost_difference"], rule["runner_up"]) == (272.0, 256.0, "address-prefixes")
    assert (unfixable["chosen"], unfixable["cost"], unfixable["runner_up"]) == ("cannot-fix", None, None)
    assert (stranger["chosen"], stranger["your_call"]) == ("leave-denied", False)


def test_logs_lists_of_perimeters_are_read_as_they_come() -> None:
    assert guids_of(None) == []
    assert guids_of(f'["{GUID.upper()}", "{GUID}", 5, "<b>", ""]') == [GUID]
    assert guids_of(f'"{GUID}"') == guids_of(GUID) == [GUID]
    for text in ("[not json", '{"a": 1}', "5", "[" * 100_000, f"{GUID}\n"):
        assert guids_of(text) == []


DAYS = 35
EVERY_DAY = [START + timedelta(days=day) for day in range(DAYS)]


def weeks(store: Store, rows: list[CallerDay], of: Profile | None = None, **limits: Any) -> list[Week]:
    return replay(of or profile(), gathered(rows), EVERY_DAY, Limits(**limits), partial(admitting_rules, store))


def test_replay_leaves_out_whom_somebody_has_to_associate(store: Store) -> None:
    rows = [member(day=day) for day in range(DAYS)] + [function(day=day) for day in range(DAYS)]
    assert [(week.callers, week.denied_callers) for week in weeks(store, rows)] == [(1, 0)] * 4


def test_replay_counts_whom_nobody_had_associated_yet(store: Store) -> None:
    rows = [member(day=day) for day in range(24, DAYS)] + [function(day=day) for day in range(DAYS)]
    assert [(week.callers, week.denied_callers) for week in weeks(store, rows)] == [(1, 0), (2, 1), (1, 0), (1, 0)]


def test_replay_admits_a_newcomer_by_what_was_chosen_for_others(store: Store) -> None:
    rows = [function(day=day) for day in range(DAYS)] + [
        function("new", day=day, ip="20.1.2.3") for day in range(30, DAYS)
    ]
    assert [(week.callers, week.denied_callers) for week in weeks(store, rows)] == [(1, 0)] * 4


def test_replay_asks_the_engine_about_service_tags(store: Store) -> None:
    """Where it admits the addresses, they wait for a person; else they would count as denied."""
    rows = [seen_at(f"20.{host}.0.1", day, **TAGGED) for day in range(DAYS) for host in range(9)]
    assert {week.denied_callers for week in weeks(store, rows, service_tags=True)} == {1}
    values = [{"name": "PowerBI.WestEurope", "properties": {"addressPrefixes": ["20.0.0.0/8"], "region": "westeurope"}}]
    keep_service_tags(store, {"cloud": "Public", "changeNumber": 1, "values": values})
    assert [(week.callers, week.denied_callers) for week in weeks(store, rows, service_tags=True)] == [(0, 0)] * 4


def test_memberships_are_open_until_they_are_done() -> None:
    found = proposed(*twice(member), *twice(function, source_perimeters=GUID))
    judged = judge("/p", "apps", Evidence(35), [Week(START, 9, 0, 100, 0)] * 4, found, Tolerance(1, 31))
    assert judged.lights == {"callers": True, "window": True, "questions": False}
    (reason,) = judged.reasons
    assert reason.startswith("questions: 20 requests succeed today and are denied once enforced, until ")
    assert reason.endswith("until 1 resource is associated and 1 perimeter is linked")


CALLER = st.builds(
    lambda make, number, day, host, allowed, denied, perimeters, reason: make(
        f"x{number}", day=day, ip=host and f"203.0.113.{host}", allowed=allowed, denied=denied,
        source_perimeters=perimeters, reason=reason,
    ),
    st.sampled_from([member, function, lambda name, **fields: function(name, "3", **fields), lambda _, **f: seen(**f)]),
    st.integers(0, 3),
    st.integers(0, 9),
    st.none() | st.integers(1, 40),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([None, None, None, GUID]),
    st.sampled_from(["no-rule", "no-rule", "no-rule", "identity-not-honoured", "protocol"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(CALLER, max_size=30), budget=st.integers(0, 8), tags=st.booleans())
def test_whatever_comes_everyone_is_in_one_proposal_within_the_budget(
    rows: list[CallerDay], budget: int, tags: bool
) -> None:
    limits = Limits(max_elements=max(1, budget), reserve=0, service_tags=tags)
    found = propose(profile(), gathered(rows), 10, limits)
    keys = [(need.kind, need.key, need.why) for each in found for need in each.needs]
    assert len(keys) == len(set(keys))
    assert sum(need.records for each in found for need in each.needs) == len(rows)
    assert sum(len(each.elements) for each in found if "over-budget" not in each.flags) <= limits.max_elements
    assert len({each.id for each in found}) == len(found)
    assert all((each.state == "to-do") == (each.kind in {"associate", "link"}) for each in found)
    turned = gathered(rows[::-1])
    again = propose(profile(), turned, 10, limits, routes(profile(), turned, limits))
    assert [each.as_json() for each in again] == [each.as_json() for each in found]


APP = "/subscriptions/22222222-0000-0000-0000-000000000000/resourcegroups/g/providers/microsoft.web/sites/f"
CALLS = [
    *month(source_ip="20.1.1.1", source_resource=world.SEARCH),
    *month(source_ip="20.1.1.2", source_resource=APP, source_subscription=APP.split("/")[2]),
    *month(source_ip="20.1.1.3", source_perimeters=f'["{world.PARTNER_GUID}"]'),
]


def kinds(store: Store, **limits: Any) -> dict[str, list[str]]:
    found = recommend(store, Limits(**limits), Scope(), NOW)
    return {need.key: [each.kind, each.state] for each in found.proposals for need in each.needs}


@pytest.mark.parametrize(
    ("links", "kind"),
    [
        ([], "link"),
        ([{"remotePerimeterGuid": world.PARTNER_GUID, "status": "Pending"}], "link"),
        ([{"remotePerimeterGuid": world.PARTNER_GUID, "localInboundProfiles": ["other"]}], "link"),
        ([{"remotePerimeterGuid": world.PARTNER_GUID, "localInboundProfiles": ["APPS"]}], "address-prefixes"),
        ([{"remotePerimeterGuid": world.PARTNER_GUID.upper(), "localInboundProfiles": ["*"]}], "address-prefixes"),
    ],
)
def test_inventory_tells_what_lies_around(store: Store, links: list[dict[str, Any]], kind: str) -> None:
    told = [{"id": f"{world.PERIMETER}/links/l{place}", "properties": each} for place, each in enumerate(links)]
    world.put(store, world.World(links=told), taken_at=LATE)
    world.write(store, *CALLS)
    found = kinds(store)
    assert found[world.SEARCH] == ["associate", "to-do"]
    assert found[APP.split("/")[2]] == ["subscriptions", "recommended"]
    assert found[world.PARTNER_GUID if kind == "link" else "20.1.1.3"][0] == kind


def test_member_of_a_perimeter_of_the_inventory_is_never_to_be_associated(store: Store) -> None:
    world.put(store, world.World(), taken_at=LATE)
    document = Document()
    document.add("perimeters", [{"id": world.PARTNER, "perimeterGuid": world.PARTNER_GUID}])
    held = {"privateLinkResource": {"id": world.SEARCH}, "profile": {"id": f"{world.PARTNER}/profiles/p"}}
    document.add("associations", [{"id": f"{world.PARTNER}/resourceAssociations/find", **held}])
    snapshot.keep(store, document, LATE, "test")
    world.write(store, *CALLS)
    found = kinds(store)
    assert world.SEARCH not in found
    assert found[world.PARTNER_GUID] == ["link", "to-do"]
