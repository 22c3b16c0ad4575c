"""What the rules do, judged by the verdict engine: use, would-be denials, disagreements."""

from datetime import date
from pathlib import Path

import pytest

from pipeline.store import Store
from tests.analysis.build import (
    ADMITTED,
    ATTEMPT,
    BY_FIREWALL,
    CALL_REFUSED,
    CALLED,
    CALLED_OPEN,
    CROSS_IN,
    INTRA,
    NSP,
    PRIVATE,
    REFUSED,
    SITE,
    SQL,
    STORE,
    SUB,
    VAULT,
    ask,
    at,
    flow,
    inventory,
    member,
    put,
    rule,
)

A, B, OUTSIDE = "203.0.113.1", "203.0.113.2", "198.51.100.9"
RULES = [
    rule("office", addressPrefixes=["203.0.113.0/24", "203.0.113.2/32", "192.0.2.0/24"]),
    rule("hosts", fullyQualifiedDomainNames=["api.example", "*.wild.example"]),
    rule("data", profile="data", addressPrefixes=["203.0.113.0/24"]),
    rule("platform", serviceTags=["PowerPlatform"]),
]
PROFILES = [{"id": f"{NSP}/one/profiles/{name}", "name": name, "accessRulesVersion": "4"} for name in ("Apps", "data")]


@pytest.fixture
def judged(store: Store, tmp_path: Path) -> Store:
    """A store with rules in force, a member in each mode, and traffic of every verdict."""
    enforced = member(VAULT, "Enforced")
    inventory(store, tmp_path, accessRules=RULES, profiles=PROFILES, associations=[member(SITE), enforced, member(SQL)])
    put(
        store,
        flow(at(1, 8), ADMITTED, 5, source_ip=A, service_resource=SQL, profile="APPS", matched_rule="office"),
        flow(at(2, 8), ADMITTED, 2, source_ip=B, service_resource=SQL, matched_rule="office"),
        # a rule of today admits what an older version of the rules left to the firewall
        flow(at(3, 8), BY_FIREWALL, 1, source_ip=A, service_resource=SQL, rules_version="3", matched_rule="DenyAll"),
        flow(at(1, 9), BY_FIREWALL, 7, source_ip=OUTSIDE, service_resource=SQL, operation="List"),
        flow(at(1, 9), BY_FIREWALL, 1, source_ip="198.51.100.8", service_resource=SQL, profile="APPS"),
        flow(at(2, 9), BY_FIREWALL, 3, source_ip=OUTSIDE, service_resource=SQL),
        flow(at(1, 10), CALLED, 4, service_resource=SQL, destination_fqdn="api.example", matched_rule="hosts"),
        flow(at(1, 10), CALLED_OPEN, 6, service_resource=SQL, destination_fqdn="open.example", operation="Out"),
        flow(at(1, 11), ATTEMPT, 8, service_resource=SQL, destination_resource=SITE),
        flow(at(1, 11), PRIVATE, 9, service_resource=SQL, source_ip="10.0.0.4"),
        flow(at(1, 12), REFUSED, 5, source_ip=OUTSIDE, service_resource=VAULT),
        flow(at(2, 12), REFUSED, 1, source_ip=A, service_resource=VAULT, rules_version="3"),
        flow(at(1, 12), "NspPublicInboundResourceRulesDenied", 2, source_ip=OUTSIDE, service_resource=SQL),
        flow(at(1, 12), CALL_REFUSED, 1, service_resource=VAULT, destination_fqdn="open.example"),
    )
    return store


def test_rules_by_use(judged: Store) -> None:
    columns = "profile direction rule elements elements_used requests callers destinations resources last_use"
    apps = [
        ("apps", "Inbound", "office", 3, 2, 9, 2, 0, 2, at(3, 8)),
        ("apps", "Outbound", "hosts", 2, 1, 4, 0, 1, 1, at(1, 10)),
        ("apps", "Inbound", "platform", 1, 0, 0, 0, 0, 0, None),
    ]
    unused = ("data", "Inbound", "data", 1, 0, 0, 0, 0, 0, None)
    assert ask(judged, "rules_by_use", columns) == [*apps, unused]
    assert ask(judged, "rules_by_use", columns, profile="APPS", perimeter="one") == apps
    assert ask(judged, "rules_by_use", "rule requests", until=at(1, 9), limit=1) == [("office", 5)]


def test_rules_by_use_takes_the_rule_that_the_log_names_where_no_element_tells(store: Store, tmp_path: Path) -> None:
    tagged = rule("platform", serviceTags=["PowerPlatform"])
    inventory(store, tmp_path, accessRules=[tagged])
    put(store, flow(at(1), ADMITTED, 3, source_ip=A, matched_rule="platform"))
    assert ask(store, "rules_by_use", "rule elements elements_used requests callers") == [("platform", 1, 0, 3, 1)]


def test_unused_rules(judged: Store) -> None:
    columns = "profile direction rule kind element requests_of_profile requests_as_logged caution"
    found = ask(judged, "unused_rules", columns)
    assert [row[:7] for row in found] == [
        ("apps", "Inbound", "office", "address-prefixes", "192.0.2.0/24", 36, 7),
        ("apps", "Inbound", "platform", "service-tags", "PowerPlatform", 36, 0),
        ("apps", "Outbound", "hosts", "fqdns", "*.wild.example", 19, 4),
        ("data", "Inbound", "data", "address-prefixes", "203.0.113.0/24", 0, 0),
    ]
    starts = ("the log names its rule", "not judged: the prefixes", "not judged: how wildcards", "no evidence")
    assert all(row[7].startswith(start) for row, start in zip(found, starts, strict=True))
    assert ("203.0.113.2/32",) in ask(judged, "unused_rules", "element", until=at(2, 8), profile="aPPs")


def test_unused_rules_leaves_out_whatever_would_admit_a_request_by_itself(store: Store, tmp_path: Path) -> None:
    wide = rule("wide", addressPrefixes=["203.0.0.0/16", "2001:DB8::/32", "198.51.0.0/16"])
    narrow = rule("narrow", addressPrefixes=["203.0.113.0/24", "203.0.113.1", "2001:db8:1::/48", "203.0.113.2/32"])
    again = rule("again", addressPrefixes=["203.0.113.1/32"])
    subscription = rule("sub", subscriptions=[{"id": f"/subscriptions/{SUB.upper()}"}])
    hosts = [
        rule(name, fullyQualifiedDomainNames=[host]) for name, host in (("a", "API.example"), ("b", "api.example."))
    ]
    inventory(store, tmp_path, accessRules=[wide, narrow, again, subscription, *hosts])
    put(
        store,
        flow(at(1), source_ip=A, source_resource=SITE, rules_version="3"),
        flow(at(1), source_ip="2001:db8:1::7", rules_version="3"),
        flow(at(1), CALLED_OPEN, destination_fqdn="api.example", rules_version="3"),
        flow(at(1), source_ip=B, protocol="NFSV3"),  # no rule admits it
    )
    assert ask(store, "unused_rules", "rule element") == [("narrow", "203.0.113.2/32"), ("wide", "198.51.0.0/16")]


def test_unused_rules_without_a_caution_may_go(store: Store, tmp_path: Path) -> None:
    mail = {"id": f"{NSP}/one/profiles/apps/accessRules/mail", "name": "mail", "direction": "Outbound"}
    subscriptions = rule("sub", subscriptions=[{"id": f"/subscriptions/{SUB}"}])
    inventory(store, tmp_path, accessRules=[subscriptions, mail | {"emailAddresses": ["a@example"]}])
    put(store, flow(at(1), source_ip=OUTSIDE, matched_rule="sub"))  # a resource rule of that name
    assert ask(store, "unused_rules", "rule caution") == [
        ("sub", None),
        ("mail", "not judged: calls to it cannot be told apart"),
    ]
    put(store, flow(at(2), source_resource=SITE, rules_version="3"))
    assert ask(store, "unused_rules", "rule") == [("mail",)]


def test_perimeter_rule_reliance(judged: Store) -> None:
    columns = "resource direction rule requests callers share"
    assert ask(judged, "perimeter_rule_reliance", columns) == [
        ("vault", "Inbound", "office", 1, 1, 1.0),
        ("sql", "Inbound", "office", 8, 2, 0.2857),
        ("sql", "Outbound", "hosts", 4, 1, 0.4),
    ]


def test_would_be_denials_by_resource_and_hour(judged: Store) -> None:
    columns = "profile resource direction hour requests callers destinations"
    assert ask(judged, "would_be_denials_by_resource_and_hour", columns) == [
        ("apps", "sql", "Inbound", at(1, 9), 8, 2, 0),
        ("apps", "sql", "Inbound", at(2, 9), 3, 1, 0),
        ("apps", "sql", "Outbound", at(1, 10), 6, 0, 1),
    ]
    assert ask(judged, "would_be_denials_by_resource_and_hour", "requests", since=at(2), profile="APPS") == [(3,)]


@pytest.mark.parametrize("by", ["caller", "resource", "hour"])
def test_traffic_counts_would_be_denials_by_the_rules_of_today(judged: Store, by: str) -> None:
    every = dict.fromkeys(("since", "until", "perimeter", "profile", "limit"))
    found = judged.frame(f"traffic/flows_by_{by}", **every)
    denied = ask(judged, "would_be_denials_by_operation", "denied_if_enforced")
    assert found["denied_if_enforced"].sum() == sum(count for (count,) in denied) == 17
    assert found["requests"].sum() == judged.frame("traffic/flows_by_category", **every)["requests"].sum()


def test_would_be_denials_by_caller_and_day(judged: Store) -> None:
    columns = "profile direction caller_kind caller destination day requests resources operations hours_seen"
    first, second = date(2026, 10, 1), date(2026, 10, 2)
    assert ask(judged, "would_be_denials_by_caller_and_day", columns) == [
        ("apps", "Inbound", "public-address", "198.51.100.8", None, first, 1, 1, 1, 1),
        ("apps", "Inbound", "public-address", OUTSIDE, None, first, 7, 1, 1, 1),
        ("apps", "Inbound", "public-address", OUTSIDE, None, second, 3, 1, 1, 1),
        ("apps", "Outbound", "member", "sql", "open.example", first, 6, 1, 1, 1),
    ]


def test_would_be_denials_by_operation(judged: Store) -> None:
    columns = "profile direction operation denied_if_enforced allowed resources callers"
    assert ask(judged, "would_be_denials_by_operation", columns) == [
        ("apps", "Inbound", "List", 7, 0, 1, 1),
        ("apps", "Outbound", "Out", 6, 0, 1, 1),
        ("apps", "Inbound", "Get", 4, 9, 1, 2),
    ]


def test_verdicts_by_profile(judged: Store) -> None:
    columns = "profile direction verdict requests share callers resources is_assumed"
    assert ask(judged, "verdicts_by_profile", columns) == [
        ("apps", "Inbound", "allowed-by-resource-rules-only", 11, 0.3056, 2, 1, False),
        ("apps", "Inbound", "allowed-by-rule", 9, 0.25, 2, 2, False),
        ("apps", "Inbound", "private", 9, 0.25, 1, 1, False),
        ("apps", "Inbound", "denied", 7, 0.1944, 1, 2, False),
        ("apps", "Outbound", "attempt", 8, 0.4211, 1, 1, False),
        ("apps", "Outbound", "allowed-by-resource-rules-only", 6, 0.3158, 1, 1, False),
        ("apps", "Outbound", "allowed-by-rule", 4, 0.2105, 1, 1, False),
        ("apps", "Outbound", "denied", 1, 0.0526, 1, 1, False),
    ]


def test_enforced_resources_denials(judged: Store) -> None:
    columns = (
        "resource direction caller destination denied_requests denied_by_perimeter denied_by_rules_of_today "
        "admitted_by_rules_of_today"
    )
    assert ask(judged, "enforced_resources_denials", columns) == [
        ("vault", "Inbound", OUTSIDE, None, 5, 5, 5, 0),
        ("vault", "Inbound", A, None, 1, 1, 0, 1),
        ("vault", "Outbound", "vault", "open.example", 1, 1, 1, 0),
    ]
    assert ask(judged, "enforced_resources_denials", "caller", since=at(2)) == [(A,)]


def test_enforced_resources_denials_leaves_out_what_was_admitted_and_tells_who_denied(
    store: Store, tmp_path: Path
) -> None:
    inventory(store, tmp_path, associations=[member(STORE, "Enforced"), member(SQL)])
    put(
        store,
        flow(at(1), ADMITTED, 9, source_ip=A),
        flow(at(1), REFUSED, 2, source_ip=B),
        flow(at(2), "NspPublicInboundResourceRulesDenied", 3, source_ip=B, profile="APPS"),
        flow(at(1), REFUSED, 9, source_ip=B, service_resource=SQL),
    )
    columns = "resource caller denied_requests denied_by_perimeter denied_by_rules_of_today first_seen last_seen"
    assert ask(store, "enforced_resources_denials", columns) == [("store", B, 5, 2, 5, at(1), at(2))]


def test_rules_are_those_of_the_profile_that_a_resource_is_in_now(store: Store, tmp_path: Path) -> None:
    rules = [rule("office", addressPrefixes=["203.0.113.0/24"]), rule("office", "old", addressPrefixes=["203.0.113.1"])]
    inventory(store, tmp_path, accessRules=rules)
    put(store, flow(at(1), source_ip=A, profile="Old", rules_version="9"))
    assert ask(store, "rules_by_use", "profile requests") == [("apps", 1), ("old", 0)]
    assert ask(store, "unused_rules", "profile requests_of_profile") == [("old", 0)]


def test_disagreements(store: Store, tmp_path: Path) -> None:
    office = rule("office", addressPrefixes=["203.0.113.0/24"])
    inventory(store, tmp_path, accessRules=[office], associations=[member(STORE), member(SQL)])
    put(
        store,
        flow(at(1), "NspPublicInboundResourceRulesDenied", 4, source_ip=A, profile="APPS", matched_rule="DenyAll"),
        flow(at(2), BY_FIREWALL, 1, source_ip=B, service_resource=SQL, matched_rule="DenyAll"),
        flow(
            at(2), BY_FIREWALL, 1, source_ip=A, service_resource=SQL, matched_rule=None
        ),  # as new: the first by name is shown
        flow(at(1), ADMITTED, 2, source_ip=OUTSIDE, matched_rule="gone"),
        flow(at(1), INTRA, 3, source_resource=f"/subscriptions/{SUB}/x/y"),
        flow(at(1), CROSS_IN, 2, source_perimeters='["x"]'),  # links were not read: nothing to compare with
        flow(at(1), ADMITTED, 9, source_ip=A, matched_rule="office"),
    )
    columns = "profile disagreement requests flows callers first_seen last_seen"
    assert ask(store, "disagreements", columns) == [
        ("apps", "rule-not-honoured", 6, 3, 2, at(1), at(2)),
        ("apps", "not-a-member", 3, 1, 1, at(1), at(1)),
        ("apps", "rule-not-found", 2, 1, 1, at(1), at(1)),
    ]
    columns = "example_category example_resource example_caller example_logged_rule example_verdict"
    assert ask(store, "disagreements", columns, limit=1) == [
        (BY_FIREWALL, "sql", A, None, "allowed-by-resource-rules-only")
    ]


def test_rule_version_timeline(store: Store, tmp_path: Path) -> None:
    inventory(store, tmp_path)
    put(
        store,
        flow(at(1), source_ip=A, rules_version="3", requests=2),
        flow(at(5), source_ip=A, rules_version="3", profile="APPS", service_resource=VAULT),
        flow(at(4), source_ip=A),
        flow(at(2), source_ip=A, rules_version=None),
        flow(at(1), source_ip=A, rules_version="1", profile="data"),
    )
    columns = "profile rules_version first_seen last_seen next_first_seen requests resources is_in_force"
    assert ask(store, "rule_version_timeline", columns) == [
        ("apps", "3", at(1), at(5), at(4), 3, 2, False),
        ("apps", "4", at(4), at(4), None, 1, 1, True),
        ("data", "1", at(1), at(1), None, 1, 1, None),
    ]


def test_what_a_rule_admitted_that_is_gone_would_be_denied(store: Store, tmp_path: Path) -> None:
    inventory(
        store, tmp_path, accessRules=[rule("other", addressPrefixes=["192.0.2.0/24"])], associations=[member(SQL)]
    )
    gone = flow(at(1, 9), ADMITTED, 7, source_ip=OUTSIDE, service_resource=SQL, rules_version="3", matched_rule="gone")
    refused = flow(at(1, 9), REFUSED, 2, source_ip=OUTSIDE, service_resource=SQL, rules_version="3")
    put(store, gone, refused)
    assert ask(store, "would_be_denials_by_resource_and_hour", "requests") == [(7,)]
    assert ask(store, "would_be_denials_by_caller_and_day", "requests") == [(7,)]
    assert ask(store, "would_be_denials_by_operation", "denied_if_enforced") == [(7,)]
    assert store.rows("callers/callers", kind=None, perimeter=None, limit=None)[0][10] == 7
