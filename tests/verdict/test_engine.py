"""The verdict engine: against a naive evaluator on random worlds, and case by case."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.coverage import configuration
from pipeline.errors import QueryError, UsageError
from pipeline.inventory import snapshot
from pipeline.inventory.document import Document
from pipeline.inventory.rules import RuleElement, RuleSet, in_force
from pipeline.inventory.snapshot import TABLES
from pipeline.store import Store, open_store
from pipeline.tables import INVENTORY_SNAPSHOT
from pipeline.verdict.scenario import Party, admitting_rules, scenario
from pipeline.verdict.whatif import compare
from tests.thorough import times
from tests.verdict.world import (
    DOCS,
    FUNCTION,
    GUID,
    MOMENT,
    PARTNER,
    PARTNER_GUID,
    PERIMETER,
    SEARCH,
    VAULT,
    World,
    as_json,
    flow,
    judged,
    put,
    traffic,
    verdicts,
)

ADDRESSES = [
    "203.0.113.0",
    "203.0.113.127",
    "203.0.113.128",
    "203.0.113.255",
    "198.51.100.9",
    "2001:db8::",
    "2001:db8::ffff",
]
ADDRESSES += ["2001:db8:0:1::1", "10.0.0.4", "0.0.0.1", "::1", "255.255.255.255"]
PREFIXES = ["203.0.113.0/24", "203.0.113.0/25", "203.0.113.128/25", "203.0.113.255/32", "0.0.0.0/0", "198.51.100.8/31"]
PREFIXES += ["2001:db8::/64", "2001:db8::/32", "::/0", "2001:db8:0:1::1/128", "255.255.255.255/32"]
HOSTS = ["api.example.com", "other.example.com", "docs.blob.core.windows.net"]
NO_RULES = RuleSet(told=frozenset({(PERIMETER, "apps")}))
SUBSCRIPTION = FUNCTION.split("/")[2]
KINDS = [("Inbound", "addressPrefixes", prefix) for prefix in PREFIXES]
KINDS += [("Inbound", "subscriptions", f"/subscriptions/{name}") for name in (SUBSCRIPTION.upper(), "3")]
KINDS += [("Outbound", "fullyQualifiedDomainNames", host) for host in (HOSTS[0].upper(), HOSTS[1])]
RULE = st.tuples(st.sampled_from(["apps", "Data"]), st.sampled_from(KINDS)).map(lambda pair: (pair[0], *pair[1]))
MODE = st.tuples(
    st.sampled_from(["Learning", "Enforced", "Audit", None]),
    st.sampled_from(["Enabled", "Disabled", "SecuredByPerimeter", None]),
    st.sampled_from(["apps", "DATA"]),
)
PUBLIC = [
    f"NspPublic{way}{rules}Rules{end}"
    for way in ("Inbound", "Outbound")
    for rules in ("Perimeter", "Resource")
    for end in ("Allowed", "Denied")
]
OTHERS = [
    "NspPrivateInboundAllowed",
    "NspOutboundAttempt",
    "NspIntraPerimeterInboundAllowed",
    "NspPublicInboundAuditOnly",
]


@st.composite
def flows(draw: st.DrawFn) -> dict[str, Any]:
    category = draw(st.sampled_from([*PUBLIC, *PUBLIC, *OTHERS]))
    inbound = "Inbound" in category
    return flow(
        category=category,
        service_resource=draw(st.sampled_from([DOCS, VAULT, SEARCH])),
        profile=draw(st.sampled_from(["apps", "data"])),
        source_ip=draw(st.sampled_from([*ADDRESSES, None])) if inbound else None,
        source_subscription=draw(st.sampled_from([SUBSCRIPTION, None])) if inbound else None,
        source_resource=draw(st.sampled_from([VAULT, FUNCTION, None])) if inbound else None,
        destination_fqdn=None if inbound else draw(st.sampled_from([*HOSTS, None])),
        rules_version=draw(st.sampled_from(["3", None])),  # older than what is in force: judged by today's rules
    )


WORLD = st.builds(
    World,
    rules=st.lists(RULE, max_size=6),
    modes=st.dictionaries(st.sampled_from([DOCS, VAULT, SEARCH]), MODE, min_size=1),
    versions=st.just({"apps": "4", "data": "4"}),
)


def naive(world: World, each: dict[str, Any], others: list[dict[str, Any]]) -> str:  # noqa: PLR0911 -- a line a case
    """The verdict by reading the matrix aloud."""
    if each["traffic_type"] == "Private":
        return "private"
    if each["category"] == "NspOutboundAttempt":
        return "attempt"
    if each["action"] is None:
        return "unknown"
    mode, access, profile = world.modes.get(each["service_resource"], ("NotAssociated", None, each["profile"]))
    mode, access = mode or "Learning", access or "Enabled"
    ruled, inbound = mode != "NotAssociated", each["direction"] == "Inbound"
    if each["traffic_type"] == "Intra" and ruled and each["source_resource"] in (None, *world.modes):
        return "allowed-by-membership"
    if ruled and any(_arrived(world, each, other) for other in others):
        return "allowed-by-membership"
    if ruled and any(_admits(rule, each, profile) for rule in world.rules):
        return "allowed-by-rule"
    if mode == "Enforced" or access == "SecuredByPerimeter" or (inbound and access == "Disabled"):
        return "denied"
    if each["rule_origin"] == "Resource":
        denied = each["action"] == "Denied"
        return "denied" if denied else "allowed-by-resource-rules-only"
    return "unknown" if inbound else "allowed-by-resource-rules-only"


def _arrived(world: World, each: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether what one resource sent to a host is what a member's own log says it admitted."""
    return (
        (each["direction"], each["action"]) == ("Outbound", "Denied")  # no flow here names DenyAll
        and each["destination_fqdn"] == "docs.blob.core.windows.net"
        and DOCS in world.modes
        and (other["traffic_type"], other["action"]) == ("Intra", "Approved")
        and (other["source_resource"], other["service_resource"]) == (each["service_resource"], DOCS)
    )


def _admits(rule: tuple[str, str, str, str], each: dict[str, Any], profile: str) -> bool:
    if rule[0].lower() != profile.lower() or rule[1] != each["direction"]:
        return False
    if rule[2] == "addressPrefixes":
        return each["source_network"] == "public" and ip_address(each["source_ip"]) in ip_network(rule[3])
    if rule[2] == "subscriptions":
        return rule[3].lower() == f"/subscriptions/{each['source_subscription']}"
    return bool(rule[3].lower() == each["destination_fqdn"])


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@settings(max_examples=times(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=WORLD, some=st.lists(flows(), min_size=1, max_size=25))
def test_engine_is_the_naive_evaluator(lasting: Store, world: World, some: list[dict[str, Any]]) -> None:
    for table in (INVENTORY_SNAPSHOT, *TABLES.values()):
        lasting.replace(table, [])
    put(lasting, world)
    with traffic(lasting, *some):
        found = judged(lasting, "flow", "verdict", "element")
    assert [row[0] for row in found] == list(range(len(some)))
    assert [row[1] for row in found] == [naive(world, each, some) for each in some]
    assert all((row[2] is not None) == (row[1] == "allowed-by-rule") for row in found)


def test_the_narrowest_prefix_and_its_rule_are_named(store: Store) -> None:
    rules = [("apps", "Inbound", "addressPrefixes", prefix) for prefix in ("203.0.113.0/24", "203.0.113.0/28")]
    put(store, World(rules=rules))
    with traffic(store, flow(), flow(source_ip="203.0.113.99")):
        assert judged(store, "element_kind", "element", "rule") == [
            ("address-prefixes", "203.0.113.0/28", "r1"),
            ("address-prefixes", "203.0.113.0/24", "r0"),
        ]


def test_log_under_the_rules_in_force_shows_whom_they_do_not_admit(store: Store) -> None:
    put(store, World(rules=[("apps", "Inbound", "subscriptions", f"/subscriptions/{SUBSCRIPTION}")]))
    caller = {"source_subscription": SUBSCRIPTION, "source_resource": FUNCTION, "source_ip": "198.51.100.9"}
    seen = (flow(rules_version="4", **caller), flow(rules_version="3", **caller))
    assert verdicts(store, *seen) == [("allowed-by-resource-rules-only", "resource-rules"), ("allowed-by-rule", "rule")]
    with traffic(store, *seen):
        assert judged(store, "disagreement") == [("rule-not-honoured",), (None,)]
    with scenario(store, access_mode="Enforced"):
        assert verdicts(store, *seen) == [("denied", "identity-not-honoured"), ("allowed-by-rule", "rule")]
    # an address rule that is only tried admits it all the same
    tried = RuleElement(PERIMETER, "apps", "Inbound", "address-prefixes", "198.51.100.9/32", "new")
    kept = RuleElement(PERIMETER, "apps", "Inbound", "subscriptions", SUBSCRIPTION, "r0")
    with scenario(store, RuleSet((kept, tried)), access_mode="Enforced"):
        assert verdicts(store, *seen) == [("allowed-by-rule", "rule")] * 2


def test_what_cannot_be_evaluated_is_believed_while_its_version_is_in_force(store: Store) -> None:
    put(store, World(rules=[("apps", "Inbound", "serviceTags", "PowerPlatform")]))
    admitted = flow(category="NspPublicInboundPerimeterRulesAllowed", matched_rule="r0", rules_version="4")
    seen = (admitted, admitted | {"rules_version": "3"}, admitted | {"matched_rule": "gone"})
    assert verdicts(store, *seen) == [
        ("allowed-by-rule", "rule-as-logged"),
        ("unknown", "never-asked"),
        ("unknown", "never-asked"),
    ]
    with traffic(store, *seen):
        assert judged(store, "disagreement") == [("rule-not-found",), (None,), ("rule-not-found",)]
    with scenario(store, NO_RULES, access_mode="Enforced"):
        assert verdicts(store, admitted) == [("denied", "no-rule")], "the rule that was named is not among those tried"


def test_without_an_inventory_the_log_is_believed(store: Store) -> None:
    seen = (
        flow(category="NspPublicInboundPerimeterRulesAllowed"),
        flow(category="NspPublicInboundPerimeterRulesDenied"),
        flow(),
        flow(category="NspCrossPerimeterInboundAllowed"),
        flow(category="NspIntraPerimeterInboundAllowed", source_resource=FUNCTION),
    )
    assert [verdict for verdict, _ in verdicts(store, *seen)] == [
        "allowed-by-rule", "unknown", "allowed-by-resource-rules-only", "allowed-by-link", "allowed-by-membership",
    ]  # fmt: skip
    with traffic(store, *seen):
        assert {row[0] for row in judged(store, "assumed")} == {True}


def test_service_tag_admits_its_addresses_to_what_takes_tags(store: Store) -> None:
    store._connection.execute("insert into service_tag_prefix values ('Storage', 'AzureStorage', '', '203.0.113.0/24')")
    modes: dict[str, tuple[str | None, str | None, str]] = dict.fromkeys((DOCS, VAULT), ("Enforced", "Enabled", "apps"))
    put(store, World(rules=[("apps", "Inbound", "serviceTags", "storage")], modes=modes))
    outside = flow(service_resource=VAULT, source_ip="198.51.100.1")
    assert [verdict for verdict, _ in verdicts(store, flow(service_resource=VAULT), flow(), outside)] == [
        "allowed-by-rule",
        "denied",
        "denied",
    ]


@pytest.mark.parametrize("protocol", ["NFS:TCP", "smb", "SFTP:TCP"])
def test_protocol_that_the_perimeter_does_not_support_is_admitted_by_no_rule(store: Store, protocol: str) -> None:
    put(store, World(rules=[("apps", "Inbound", "addressPrefixes", "203.0.113.0/24")]))
    assert verdicts(store, flow(protocol=protocol)) == [("allowed-by-resource-rules-only", "resource-rules")]
    with scenario(store, access_mode="Enforced"):
        assert verdicts(store, flow(protocol=protocol), flow(protocol="HTTPS:TCP")) == [
            ("denied", "protocol"),
            ("allowed-by-rule", "rule"),
        ]


def test_membership_is_that_of_today(store: Store) -> None:
    def intra(**fields: Any) -> dict[str, Any]:
        return flow(category="NspIntraPerimeterInboundAllowed", source_ip="10.0.0.4", **fields)

    enforced: dict[str, tuple[str | None, str | None, str]] = dict.fromkeys((DOCS, SEARCH), ("Enforced", None, "apps"))
    put(store, World(modes=enforced))
    seen = (
        intra(source_resource=f"{SEARCH}/indexers/i"),
        intra(source_resource=VAULT, source_perimeters=as_json([GUID])),
        intra(source_perimeters=as_json([GUID.upper()])),
        intra(source_perimeters=as_json([PARTNER_GUID])),
        intra(),
    )
    assert [reason for _, reason in verdicts(store, *seen)] == ["member", "no-rule", "member", "no-rule", "member"]
    with traffic(store, *seen):
        assert [row[0] for row in judged(store, "disagreement")] == [None, "not-a-member", None, "not-a-member", None]


@pytest.mark.parametrize(
    ("link", "verdict"),
    [
        ({"remotePerimeterGuid": PARTNER_GUID.upper(), "localInboundProfiles": ["*"]}, "allowed-by-link"),
        ({"remotePerimeterGuid": PARTNER_GUID, "localInboundProfiles": ["APPS"]}, "allowed-by-link"),
        ({"remotePerimeterGuid": PARTNER_GUID, "localInboundProfiles": ["other"]}, "denied"),
        ({"remotePerimeterGuid": PARTNER_GUID, "localInboundProfiles": []}, "denied"),
        ({"remotePerimeterGuid": PARTNER_GUID, "localInboundProfiles": ["*"], "status": "Pending"}, "denied"),
        ({"remotePerimeterGuid": "cccc-3", "localInboundProfiles": ["*"]}, "denied"),
    ],
)
def test_link_admits_whom_it_names(store: Store, link: dict[str, Any], verdict: str) -> None:
    put(
        store,
        World(
            modes={DOCS: ("Enforced", None, "apps")},
            links=[{"id": f"{PERIMETER}/links/l", "properties": link}],
        ),
    )
    crossing = flow(category="NspCrossPerimeterInboundAllowed", source_perimeters=as_json([PARTNER_GUID]))
    assert [found for found, _ in verdicts(store, crossing)] == [verdict]


def test_outbound_to_a_member_that_its_own_log_admits_is_an_artefact(store: Store) -> None:
    modes: dict[str, tuple[str | None, str | None, str]] = dict.fromkeys((DOCS, SEARCH), ("Enforced", None, "apps"))
    put(store, World(modes=modes))
    call = {"category": "NspPublicOutboundPerimeterRulesDenied", "service_resource": SEARCH, "matched_rule": "DenyAll"}
    by_name = flow(destination_fqdn="docs.blob.core.windows.net", **call)
    by_id = flow(destination_resource=f"{DOCS}/blobservices/default", destination_fqdn="x", **call)
    arrived = flow(category="NspIntraPerimeterInboundAllowed", source_resource=SEARCH)
    assert [reason for _, reason in verdicts(store, by_name, by_id)] == ["no-rule", "no-rule"]
    assert [reason for _, reason in verdicts(store, by_name, by_id, arrived)] == [
        "log-artefact",
        "log-artefact",
        "member",
    ]
    for hours, reason in ((24, "log-artefact"), (25, "no-rule")):
        later = MOMENT + timedelta(hours=hours)
        assert verdicts(store, by_name | {"hour": later}, arrived)[0][1] == reason
        assert verdicts(store, by_name, arrived | {"hour": later, "last_seen": later})[0][1] == "log-artefact"


def test_resource_is_judged_by_the_profile_that_it_is_in_today(store: Store) -> None:
    put(
        store,
        World(
            rules=[("data", "Inbound", "addressPrefixes", "203.0.113.0/24")],
            modes={DOCS: ("Enforced", None, "data")},
            versions={"apps": "4", "data": "1"},
        ),
    )
    assert verdicts(store, flow(profile="apps")) == [("allowed-by-rule", "rule")]


def test_perimeter_rule_admits_callers_of_that_perimeter(store: Store) -> None:
    put(
        store,
        World(
            rules=[("apps", "Inbound", "networkSecurityPerimeters", PARTNER_GUID)],
            modes={DOCS: ("Enforced", None, "apps")},
        ),
    )
    known = flow(source_perimeters=as_json(["x", PARTNER_GUID]))
    assert [verdict for verdict, _ in verdicts(store, known, flow(source_perimeters="not json"))] == [
        "allowed-by-rule",
        "denied",
    ]


def test_mode_is_compared_with_the_log_only_since_it_is_known(store: Store) -> None:
    put(store, World(modes={DOCS: ("Learning", "Enabled", "apps")}), taken_at=datetime(2026, 9, 1))
    put(store, World(modes={DOCS: ("Enforced", "Enabled", "apps")}), taken_at=datetime(2026, 10, 1))
    put(store, World(modes={DOCS: ("Enforced", "Disabled", "apps")}), taken_at=datetime(2026, 10, 3))
    seen = [flow(hour=datetime(2026, month, day)) for month, day in ((9, 30), (10, 1), (10, 9))]
    with traffic(store, *seen):
        assert [row[0] for row in judged(store, "disagreement")] == [
            None,
            "resource-rules-while-enforced",
            "resource-rules-while-enforced",
        ]


def test_parties_are_judged_by_the_same_engine(store: Store) -> None:
    rules = [
        RuleElement("/p", "apps", "Inbound", "address-prefixes", "203.0.113.0/25", "office"),
        RuleElement("/p", "apps", "Inbound", "subscriptions", "/subscriptions/2", "function"),
        RuleElement("/p", "apps", "Outbound", "fqdns", "API.example.com", "api"),
        RuleElement("/p", "other", "Inbound", "address-prefixes", "0.0.0.0/0", "all"),
    ]
    parties = [
        Party("/p", "Apps", "Inbound", source_ip="203.0.113.127"),
        Party("/p", "apps", "Inbound", source_ip="203.0.113.128"),
        Party("/p", "apps", "Inbound", source_ip="2001:db8::1"),
        Party("/p", "apps", "Inbound", source_subscription="2"),
        Party("/p", "apps", "Outbound", destination_fqdn="api.example.com"),
        Party("/p", "apps", "Inbound", destination_fqdn="api.example.com"),
    ]
    assert admitting_rules(store, parties, rules) == ["office", None, None, "function", "api", None]
    assert admitting_rules(store, [], rules) == []


def test_scenario_leaves_the_warehouse_as_it_was(store: Store) -> None:
    put(store, World(rules=[("apps", "Inbound", "addressPrefixes", "203.0.113.0/24")]))
    before = verdicts(store, flow())
    with scenario(store, NO_RULES, access_mode="Enforced"):
        assert verdicts(store, flow()) == [("denied", "no-rule")]
    with pytest.raises(QueryError), scenario(store, NO_RULES):
        store.rows("verdict/verdict", nothing=1)
    assert verdicts(store, flow()) == before == [("allowed-by-rule", "rule")]


def test_each_flow_is_judged_once_whatever_the_inventory_holds_twice(store: Store) -> None:
    bus = DOCS.replace("microsoft.storage/storageaccounts", "microsoft.servicebus/namespaces")
    hub = DOCS.replace("microsoft.storage/storageaccounts", "microsoft.eventhub/namespaces")
    modes: dict[str, tuple[str | None, str | None, str]] = dict.fromkeys(
        (DOCS, f"{DOCS}/blobservices/default", bus, hub, SEARCH), ("Enforced", None, "apps")
    )
    rules = [("apps", "Inbound", "addressPrefixes", "203.0.113.0/24")] * 2
    rules += [("Apps", "Inbound", "addressPrefixes", "203.0.113.0/24")]
    rules += [("apps", "Inbound", "networkSecurityPerimeters", guid) for guid in (GUID, PARTNER_GUID)]
    link = {"remotePerimeterGuid": PARTNER_GUID, "localInboundProfiles": ["*", "apps"]}
    links = [{"id": f"{PERIMETER}/links/{name}", "properties": link} for name in "ab"]
    put(store, World(rules=rules, modes=modes, versions={"apps": "4", "Apps": "5"}, links=links))
    both = as_json([GUID, PARTNER_GUID, PARTNER_GUID, GUID.upper()])
    call = {"category": "NspPublicOutboundPerimeterRulesDenied", "service_resource": SEARCH}
    some = [
        flow(source_perimeters=both, matched_rule="r0", rules_version="5"),
        flow(source_resource=f"{DOCS}/blobservices/default/x", source_perimeters=both),
        flow(category="NspCrossPerimeterInboundAllowed", source_perimeters=both),
        flow(destination_fqdn="docs.servicebus.windows.net", **call),
        flow(destination_resource=f"{DOCS}/blobservices/default", **call),
        *(flow(source_perimeters=text) for text in ("{}", '"x"', "[1,null]", "[", "null", "7", '[["a"]]')),
        flow(perimeter=None, profile=None, service_resource=None),
    ]
    with traffic(store, *some):
        assert [row[0] for row in judged(store, "flow")] == list(range(len(some)))


def admitted_by_log(**fields: Any) -> dict[str, Any]:
    return flow(category="NspPublicInboundPerimeterRulesAllowed", matched_rule="r0", rules_version="4", **fields)


def test_profile_of_today_is_shown_and_versions_are_its_own(store: Store) -> None:
    rules = [("data", "Inbound", "serviceTags", "PowerPlatform")]
    put(store, World(rules=rules, modes={DOCS: ("Enforced", None, "Data")}, versions={"apps": "4", "Data": "4"}))
    with traffic(store, admitted_by_log(), admitted_by_log(profile="data")):
        assert judged(store, "profile", "logged_profile", "verdict", "reason") == [
            ("Data", "apps", "denied", "no-rule"),  # admitted under version 4 of another profile
            ("Data", "data", "allowed-by-rule", "rule-as-logged"),
        ]


def test_rule_is_believed_as_logged_only_while_all_its_elements_are_there(store: Store) -> None:
    document = World(modes={DOCS: ("Enforced", None, "apps")}).document()
    document.add(
        "accessRules",
        [
            {
                "id": f"{PERIMETER}/profiles/apps/accessRules/r0",
                "direction": "Inbound",
                "addressPrefixes": ["203.0.113.0/24"],
                "serviceTags": ["PowerPlatform"],
            }
        ],
    )
    snapshot.keep(store, document, MOMENT, "test")
    today = in_force(store)
    seen = admitted_by_log(source_ip="198.51.100.9")
    assert verdicts(store, seen) == [("allowed-by-rule", "rule-as-logged")]
    respelled = [
        replace(each, element=each.element.replace("203.0.113.0/24", "203.0.113.77/24")) for each in today.elements
    ]
    with scenario(store, RuleSet(tuple(respelled), today.told), access_mode="Enforced"):
        assert verdicts(store, seen) == [("allowed-by-rule", "rule-as-logged")]
    for each in today.elements:
        with scenario(store, RuleSet((each,), today.told), access_mode="Enforced"):
            assert verdicts(store, seen) == [("denied", "no-rule")]


@pytest.mark.parametrize(
    ("told", "spelled"),
    [("203.0.113.7", "203.0.113.7/32"), ("203.0.113.7/32", "203.0.113.7"), ("203.0.113.0/24", "203.0.113.9/24")],
)
def test_rule_that_the_log_refutes_admits_in_no_spelling(store: Store, told: str, spelled: str) -> None:
    put(store, World(rules=[("apps", "Inbound", "addressPrefixes", told)]))
    tried = RuleElement(PERIMETER, "APPS", "Inbound", "address-prefixes", spelled, "other")
    with scenario(store, RuleSet((tried,)), access_mode="Enforced"):
        assert verdicts(store, flow(rules_version="4")) == [("denied", "not-honoured")]


@pytest.mark.parametrize("version", [None, "0", "3", "4"])
def test_version_that_a_service_does_not_keep_up_hides_no_refusal(store: Store, version: str | None) -> None:
    rules = [("apps", "Inbound", "addressPrefixes", "203.0.113.7/32")]
    put(store, World(rules=rules), taken_at=MOMENT - timedelta(days=1))
    seen = flow(rules_version=version)
    with scenario(store, access_mode="Enforced"):
        assert verdicts(store, seen) == [("denied", "not-honoured")]
        before = verdicts(store, seen | {"hour": MOMENT - timedelta(hours=1)})
        assert before == [("denied", "not-honoured") if version == "4" else ("allowed-by-rule", "rule")]


def test_subscription_that_the_log_refutes_admits_in_no_spelling(store: Store) -> None:
    put(store, World(rules=[("apps", "Inbound", "subscriptions", f"/subscriptions/{SUBSCRIPTION}")]))
    tried = RuleElement(PERIMETER, "apps", "Inbound", "subscriptions", SUBSCRIPTION.upper(), "other")
    seen = flow(rules_version="4", source_subscription=SUBSCRIPTION, source_resource=FUNCTION)
    with scenario(store, RuleSet((tried,)), access_mode="Enforced"):
        assert verdicts(store, seen) == [("denied", "identity-not-honoured")]


def test_rules_that_are_told_take_the_place_of_the_log_where_no_profile_is_listed(store: Store) -> None:
    seen = admitted_by_log()
    assert verdicts(store, seen) == [("allowed-by-rule", "rule-as-logged")]
    with scenario(store, RuleSet(), access_mode="Enforced"):
        assert verdicts(store, seen) == [("allowed-by-rule", "rule-as-logged")], "nothing is said of the profile"
    with scenario(store, NO_RULES, access_mode="Enforced"):
        assert verdicts(store, seen) == [("denied", "no-rule")]
    document = World(rules=[("apps", "Inbound", "addressPrefixes", "192.0.2.0/24")], versions={}, modes={}).document()
    document.forget("profiles")
    document.forget("associations")
    snapshot.keep(store, document, MOMENT, "test")
    with scenario(store, access_mode="Enforced"):
        assert verdicts(store, seen) == [("denied", "no-rule")], "the rules are known without a list of profiles"


def test_versions_are_compared_as_numbers(store: Store) -> None:
    rules = [("apps", "Inbound", "addressPrefixes", "203.0.113.0/24")]
    put(store, World(rules=rules, versions={"apps": "10", "Apps": "9"}))
    with traffic(store, flow(rules_version="10"), flow(rules_version="9")):
        assert [row[0] for row in judged(store, "disagreement")] == ["rule-not-honoured", None]


def test_enforcing_leaves_what_no_perimeter_holds(store: Store) -> None:
    put(store, World())
    with scenario(store, access_mode="Enforced"):
        assert verdicts(store, flow(service_resource=SEARCH), flow()) == [
            ("allowed-by-resource-rules-only", "resource-rules"),
            ("denied", "no-rule"),
        ]


def test_part_of_a_resource_is_judged_as_the_resource(store: Store) -> None:
    inner = f"{DOCS}/blobservices/default"
    modes: dict[str, tuple[str | None, str | None, str]] = {
        DOCS: ("Enforced", None, "apps"),
        inner: ("Learning", None, "apps"),
    }
    put(store, World(modes=modes))
    parts = (f"{DOCS}/fileservices/default", f"{inner}/containers/c", f"{DOCS}2")
    with traffic(store, *(flow(service_resource=each) for each in parts)):
        assert judged(store, "verdict", "associated_resource") == [
            ("denied", DOCS),
            ("allowed-by-resource-rules-only", inner),
            ("allowed-by-resource-rules-only", None),
        ]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"status": "APPROVED"}, "link"),
        ({}, "link"),
        ({"status": "Pending"}, "no-rule"),
        ({"status": "Disconnected"}, "no-rule"),
        ({"remoteInboundProfiles": []}, "no-rule"),
    ],
)
def test_link_lets_out_only_what_is_approved(store: Store, told: dict[str, Any], found: str) -> None:
    link = {"id": f"{PERIMETER}/links/l", "properties": {"remotePerimeterGuid": PARTNER_GUID, **told}}
    put(store, World(modes={DOCS: ("Enforced", None, "apps")}, links=[link]))
    crossing = flow(category="NspCrossPerimeterOutboundAllowed", destination_fqdn="x.example.com")
    assert [reason for _, reason in verdicts(store, crossing)] == [found]


def test_perimeters_of_a_caller_may_be_told_without_a_list(store: Store) -> None:
    rules = [("apps", "Inbound", "networkSecurityPerimeters", PARTNER_GUID)]
    put(store, World(rules=rules, modes={DOCS: ("Enforced", None, "apps")}))
    spelled = (PARTNER_GUID, f'"{PARTNER_GUID}"', PARTNER_GUID.upper())
    assert {verdict for verdict, _ in verdicts(store, *(flow(source_perimeters=each) for each in spelled))} == {
        "allowed-by-rule"
    }
    intra = flow(category="NspIntraPerimeterInboundAllowed", source_perimeters="[]")
    assert verdicts(store, intra) == [("allowed-by-membership", "member")]


def test_mode_is_compared_without_case(store: Store) -> None:
    put(store, World(modes={DOCS: ("enforced", None, "apps")}))
    with traffic(store, flow()):
        assert judged(store, "verdict", "disagreement") == [("denied", "resource-rules-while-enforced")]


@pytest.mark.parametrize("modes", [{"access_mode": "Enforce"}, {"public_network_access": "Off"}])
def test_mode_that_there_is_not_is_told(store: Store, modes: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="there are "), scenario(store, **modes):  # type: ignore[arg-type]
        pass


def partner(profile: str, *members: str) -> Document:
    """The other side of a link, which an inventory may hold as well."""
    modes: dict[str, tuple[str | None, str | None, str]] = dict.fromkeys(members, ("Enforced", None, profile))
    document = World(modes=modes, versions={profile: "1"}).document()
    for name, items in document.lists.items():
        document.lists[name] = [{**each, "id": each["id"].replace(PERIMETER, PARTNER)} for each in items]
    document.lists["perimeters"][0]["perimeterGuid"] = PARTNER_GUID
    return document


ELSEWHERE = DOCS.replace("docs", "elsewhere")
EARLIER, LATER = datetime(2026, 9, 1), datetime(2026, 10, 9)


@pytest.mark.parametrize(
    ("link", "known", "unknown"),
    [
        ({"remotePerimeterGuid": PARTNER_GUID.upper()}, "link", "link-unknown"),
        ({"remotePerimeterResourceId": PARTNER.upper(), "remoteInboundProfiles": ["DATA"]}, "link", "link-unknown"),
        ({"remotePerimeterGuid": PARTNER_GUID, "remoteInboundProfiles": ["other"]}, "no-rule", "link-unknown"),
        ({"remotePerimeterGuid": PARTNER_GUID, "remoteInboundProfiles": []}, "no-rule", "no-rule"),
        ({"remotePerimeterGuid": "cccc-3", "remoteInboundProfiles": ["*"]}, "no-rule", "link-unknown"),
        ({"remotePerimeterGuid": PARTNER_GUID, "status": "Pending"}, "no-rule", "no-rule"),
    ],
)
def test_link_lets_out_to_the_perimeter_that_it_names(
    store: Store, link: dict[str, Any], known: str, unknown: str
) -> None:
    link = {"id": f"{PERIMETER}/links/l", "properties": link}
    put(store, World(modes={DOCS: ("Enforced", None, "apps")}, links=[link]), taken_at=LATER)
    snapshot.keep(store, partner("Data", ELSEWHERE), LATER, "test")
    out = {"category": "NspCrossPerimeterOutboundAllowed"}
    seen = [
        flow(destination_resource=f"{ELSEWHERE}/blobservices/default", destination_fqdn="x.example.com", **out),
        flow(destination_fqdn="elsewhere.blob.core.windows.net", **out),
        flow(destination_fqdn="nobody.blob.core.windows.net", **out),
        flow(**out),
    ]
    assert [reason for _, reason in verdicts(store, *seen)] == [known, known, unknown, unknown]
    with traffic(store, *seen):
        doubts = [row[0] for row in judged(store, "disagreement")]
    assert doubts == [
        None if reason in {"link", "link-unknown"} else "no-link" for reason in [known] * 2 + [unknown] * 2
    ]


def test_what_a_link_let_out_since_the_links_are_what_they_are_was_let_out_by_one_of_them(store: Store) -> None:
    def world(*guids: str) -> World:
        links = [
            {"id": f"{PERIMETER}/links/{guid}", "properties": {"remotePerimeterGuid": guid, "status": "Approved"}}
            for guid in guids
        ]
        return World(modes={DOCS: ("Learning", "Enabled", "apps")}, links=links)

    put(store, world(PARTNER_GUID, "gone-1"), taken_at=EARLIER)
    put(store, world(PARTNER_GUID), taken_at=MOMENT)
    out = {"category": "NspCrossPerimeterOutboundAllowed", "destination_fqdn": "x.example.com"}
    seen = [flow(hour=hour, **out) for hour in (datetime(2026, 9, 9), MOMENT)]
    assert verdicts(store, *seen) == [("unknown", "link-unknown"), ("allowed-by-link", "link")]
    with traffic(store, *seen):
        assert [row[0] for row in judged(store, "denied_if_enforced")] == [True, False]
        found = compare(store, None)
        assert (found.lost_requests, found.unjudged_requests) == (0, 1), "no all-clear for a link that is gone"
        rule = RuleElement(PERIMETER, "apps", "Outbound", "fqdns", "x.example.com", "r")
        assert compare(store, RuleSet((rule,))).unjudged_requests == 0


def test_call_across_that_stays_inside_now_needs_no_link(store: Store) -> None:
    modes: dict[str, tuple[str | None, str | None, str]] = dict.fromkeys((DOCS, SEARCH), ("Enforced", None, "apps"))
    put(store, World(modes=modes, links=[]))
    out = {"category": "NspCrossPerimeterOutboundAllowed", "service_resource": SEARCH}
    seen = [flow(destination_resource=DOCS, **out), flow(destination_resource=VAULT, **out)]
    assert [reason for _, reason in verdicts(store, *seen)] == ["member", "no-rule"]


def test_call_inside_is_judged_by_whom_it_goes_to(store: Store) -> None:
    modes: dict[str, tuple[str | None, str | None, str]] = dict.fromkeys((DOCS, SEARCH), ("Enforced", None, "apps"))
    put(store, World(modes=modes))
    call = {"category": "NspIntraPerimeterOutboundAllowed", "service_resource": SEARCH}
    to = [{"destination_fqdn": "docs.blob.core.windows.net"}, {"destination_resource": VAULT}, {}]
    seen = [flow(**call, **each) for each in to]
    assert [reason for _, reason in verdicts(store, *seen)] == ["member", "no-rule", "member"]


def access_on(store: Store, day: int, access: str | None, mode: str = "Learning") -> None:
    put(store, World(modes={DOCS: (mode, access, "apps")}), taken_at=datetime(2026, 10, day))


def test_access_is_compared_with_the_log_only_since_it_is_known(store: Store) -> None:
    access_on(store, 1, "Enabled")
    access_on(store, 5, "Disabled")
    seen = [flow(hour=datetime(2026, 10, day), requests=day) for day in (2, 6)]
    with traffic(store, *seen):
        assert judged(store, "verdict", "disagreement", "is_state_known", "denied_if_enforced") == [
            ("denied", None, False, False),
            ("denied", "resource-rules-while-closed", True, True),
        ]
        found = compare(store, None)
        assert (found.lost_requests, found.denied_already_requests) == (6, 2), "what the log shows admitted is lost"
        assert [row["caller"] for row in found.losses.to_dicts()] == [None]
    access_on(store, 8, "Enabled")
    denied = [flow(category="NspPublicInboundPerimeterRulesDenied", hour=datetime(2026, 10, day)) for day in (6, 8)]
    with traffic(store, *denied):
        assert judged(store, "verdict", "disagreement", "is_state_known") == [
            ("unknown", None, False),
            ("unknown", "perimeter-denied-while-learning", True),
        ]


def test_state_that_nobody_told_is_known_since_never(store: Store) -> None:
    access_on(store, 1, None)
    with traffic(store, flow(hour=LATER), flow(category="NspPublicInboundPerimeterRulesDenied", hour=LATER)):
        assert judged(store, "is_state_known", "disagreement") == [
            (False, None),
            (False, "perimeter-denied-while-learning"),
        ]
    access_on(store, 2, None, mode="Enforced")
    with traffic(store, flow(hour=LATER)):
        assert judged(store, "is_state_known") == [(True,)], "once enforced, it decides nothing"


def test_log_is_believed_for_rules_that_nobody_told_under_the_version_in_force(store: Store) -> None:
    document = World(modes={DOCS: ("Enforced", None, "apps")}).document()
    document.forget("accessRules")
    snapshot.keep(store, document, MOMENT, "test")
    older = admitted_by_log() | {"rules_version": "3"}
    assert verdicts(store, admitted_by_log(), older) == [("allowed-by-rule", "rule-as-logged"), ("denied", "no-rule")]
    with traffic(store, admitted_by_log()):
        assert judged(store, "assumed") == [(True,)]
        assert "rules-unknown" in {each.id for each in configuration.findings(store, {"inventory": True})}


def test_log_without_versions_shows_whom_the_rules_do_not_admit_once_they_are_known(store: Store) -> None:
    rules = [("apps", "Inbound", "subscriptions", f"/subscriptions/{SUBSCRIPTION}")]
    put(store, World(rules=[], versions={"apps": "3"}), taken_at=datetime(2026, 10, 1))
    put(store, World(rules=rules), taken_at=datetime(2026, 10, 5))
    put(store, World(rules=rules, modes={DOCS: ("Enforced", None, "apps")}), taken_at=datetime(2026, 10, 9))
    caller = {"source_subscription": SUBSCRIPTION, "source_resource": FUNCTION}
    seen = [flow(hour=datetime(2026, 10, day), **caller) for day in (2, 5, 6)]
    assert verdicts(store, *seen) == [
        ("allowed-by-rule", "rule"),
        ("allowed-by-rule", "rule"),
        ("denied", "identity-not-honoured"),
    ]
