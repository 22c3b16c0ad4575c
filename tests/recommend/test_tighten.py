"""What of the rules in force could be narrower; held against the verdict engine: nothing that was admitted is lost."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.addresses import PUBLIC, network_of
from pipeline.errors import UsageError
from pipeline.inventory import rules
from pipeline.inventory.rules import RuleSet
from pipeline.recommend.policy import Limits
from pipeline.recommend.scope import Scope
from pipeline.recommend.tighten import tighten
from pipeline.recommend.tightening import Tightening
from pipeline.store import Store, open_store
from pipeline.tables import SERVICE_TAG_PREFIX
from pipeline.verdict.scenario import scenario
from pipeline.verdict.whatif import compare
from tests.thorough import times
from tests.verdict.world import DOCS, FUNCTION, MOMENT, VAULT, World, flow, judged, put, traffic

NOW = MOMENT + timedelta(hours=10)
IN, OUT = "NspPublicInbound", "NspPublicOutbound"
SUBSCRIPTION = "22222222-0000-0000-0000-000000000000"


def world(*prefixes: str, **told: Any) -> World:
    """A rule a prefix: r0, r1 ..."""
    return World(rules=[("apps", "Inbound", "addressPrefixes", each) for each in prefixes], **told)


def calls(*addresses: str, days_ago: int = 0, **told: Any) -> list[dict[str, Any]]:
    hour = MOMENT - timedelta(days=days_ago)
    return [flow(source_ip=each, caller_key=each, hour=hour, last_seen=hour, **told) for each in addresses]


def hosts(network: str, count: int, start: int = 1) -> list[str]:
    first = int(ip_network(network).network_address)
    make = type(ip_network(network).network_address)
    return [str(make(first + start + each)) for each in range(count)]


def found(
    store: Store, about: World, *flows: dict[str, Any], limits: Limits | None = None, days: int = 90, **scope: Any
) -> list[Tightening]:
    put(store, about)
    with traffic(store, *flows):
        return tighten(store, Scope(**scope), NOW, limits or Limits(), unused_days=days)


def told(findings: list[Tightening]) -> list[tuple[str, str, tuple[str, ...] | None]]:
    return [(each.element.element, each.finding, each.replacement) for each in findings]


def followed(store: Store, findings: Collection[Tightening], *which: str) -> RuleSet:
    """The rules in force with the findings of some kinds, or of all but `unused`, followed."""
    today = rules.in_force(store)
    elements = list(today.elements)
    for each in findings:
        if each.replacement is not None and each.finding in (which or {"shadowed", "wide", "too-wide"}):
            elements.remove(each.element)
            one = each.element
            elements += [
                rules.RuleElement(one.perimeter, one.profile, one.direction, one.kind, prefix, f"{one.rule}-{number}")
                for number, prefix in enumerate(each.replacement)
            ]
    return RuleSet(tuple(elements), today.told)


def admitted(store: Store, tried: RuleSet | None, mode: str | None) -> set[int]:
    with scenario(store, tried, access_mode=mode):
        return {flow for flow, verdict in judged(store, "flow", "verdict") if verdict == "allowed-by-rule"}


def assert_nothing_is_lost(store: Store, findings: Collection[Tightening]) -> None:
    after = followed(store, findings)
    assert compare(store, after, access_mode=None).lost_requests == 0
    assert admitted(store, None, "Enforced") <= admitted(store, after, "Enforced")


def test_unused(store: Store) -> None:
    about = world("203.0.113.0/28", "198.51.100.7", "2001:db8:1::/64")
    some = calls(*hosts("203.0.113.0/28", 9))
    findings = found(store, about, *some)
    assert told(findings) == [("198.51.100.7", "unused", ()), ("2001:db8:1::/64", "unused", ())]
    assert [(each.addresses, each.closed, each.days_observed) for each in findings] == [(1, 1, 1), (1, 1, 1)]
    assert findings[0].reason == "Unused in the 1 day seen."
    assert found(store, about) == []  # no record: nothing is known


def test_unused_counts_back_from_the_last_record(store: Store) -> None:
    about = world("203.0.113.0/28", "198.51.100.7")
    every_day = [one for day in range(40) for one in calls(*hosts("203.0.113.0/28", 9), days_ago=day + 10)]
    long_ago = calls("198.51.100.7", days_ago=45, requests=3)
    assert found(store, about, *every_day, *long_ago) == []
    (one,) = found(store, about, *every_day, *long_ago, days=30)
    assert (one.element.element, one.finding, one.requests, one.days_used) == ("198.51.100.7", "unused", 3, 1)
    assert (one.flags, one.days_observed) == (("stale",), 40)
    assert one.reason == ("Unused in the last 30 days. The last use was on 2026-08-17. The last record is 10 days old.")
    (one,) = found(store, about, *every_day, *long_ago, since=datetime(2026, 8, 20))
    assert one.reason.startswith("Unused in the 33 days seen. The last record")
    assert one.as_json()["evidence"]["last_use"] is None


def test_what_a_narrower_one_admits_is_use_of_the_wider_one_as_well(store: Store) -> None:
    some = calls(*hosts("203.0.113.0/26", 30))
    assert told(found(store, world("203.0.113.0/26", "203.0.113.0/27"), *some)) == [("203.0.113.0/27", "shadowed", ())]


def test_of_equals_one_is_named(store: Store) -> None:
    some = calls(*hosts("203.0.113.0/27", 20))
    about = world("203.0.113.5/27", "203.0.113.0/27", "203.0.113.0/27")
    about.rules += [
        ("apps", "Outbound", "fullyQualifiedDomainNames", host) for host in ("API.example.com", "api.example.com.")
    ]
    about.rules += [
        ("apps", "Inbound", "subscriptions", each)
        for each in (f"/subscriptions/{SUBSCRIPTION}", f"/subscriptions/{SUBSCRIPTION.upper()}")
    ]
    about.rules.append(("data", "Inbound", "addressPrefixes", "203.0.113.0/27"))  # another profile has its own
    others = [
        flow(source_resource=FUNCTION, source_subscription=SUBSCRIPTION, source_ip=None),
        flow(category=f"{OUT}ResourceRulesAllowed", destination_fqdn="api.example.com"),
    ]
    findings = found(store, about, *some, *others)
    assert [(each.element.rule, each.finding, [one.rule for one in each.beside]) for each in findings] == [
        ("r2", "shadowed", ["r1"]),
        ("r0", "shadowed", ["r1"]),
        ("r6", "shadowed", ["r5"]),
        ("r4", "shadowed", ["r3"]),
    ]
    assert findings[0].reason == "It admits the same as 203.0.113.0/27 (rule r1)."
    with traffic(store, *some, *others):
        assert_nothing_is_lost(store, findings)
    assert told(found(store, about))[:2] == [("203.0.113.0/27", "shadowed", ()), ("203.0.113.5/27", "shadowed", ())]


def test_rule_that_lists_an_element_twice(store: Store) -> None:
    rule = rules.RuleElement("/p", "apps", "Inbound", "address-prefixes", "203.0.113.0/27", "r")
    put(store, world("203.0.113.0/27"))
    (element,) = rules.in_force(store).elements
    assert element.element == rule.element
    about = World(rules=[("apps", "Inbound", "addressPrefixes", "203.0.113.0/27")] * 2)
    assert [each.finding for each in found(store, about)] == ["shadowed"]


def test_prefix_that_several_others_cover_together(store: Store) -> None:
    """The wide one goes: what is beside it is narrower, though together it holds all."""
    halves = ("203.0.113.0/26", "203.0.113.64/26")
    parts = [*hosts("203.0.113.0/26", 9), *hosts("203.0.113.64/26", 9)]
    (one,) = found(store, world("203.0.113.0/25", *halves), *calls(*parts), limits=Limits(widest_v4=26))
    assert (one.element.element, one.finding, one.replacement) == ("203.0.113.0/25", "shadowed", ())
    told_of = "203.0.113.0/26 (rule r1) and 203.0.113.64/26 (rule r2)"
    assert one.reason == f"All of it is admitted by {told_of} together as well."
    # of those that are as narrow as may be, the fewest stay
    quarters = world("203.0.113.0/26", "203.0.113.0/27", "203.0.113.32/27")
    findings = found(store, quarters, *calls(*hosts("203.0.113.0/26", 50)))
    assert told(findings) == [("203.0.113.0/27", "shadowed", ()), ("203.0.113.32/27", "shadowed", ())]


def test_wider_than_its_use(store: Store) -> None:
    used = ["203.0.113.9", "203.0.113.10", "203.0.113.11"]
    (one,) = found(store, world("203.0.113.0/24"), *calls(*used))
    assert (one.finding, one.replacement) == ("wide", ("203.0.113.8/30",))
    assert (one.used, one.addresses, one.closed) == (3, 256, 252)
    assert one.reason == ("3 of its 256 addresses were used in the 1 day seen; 1 narrower prefix would close 252.")
    with traffic(store, *calls(*used)):
        assert_nothing_is_lost(store, [one])
    # most of it was used, or what could be closed isn't worth a change
    assert found(store, world("203.0.113.0/24"), *calls(*hosts("203.0.113.0/24", 100))) == []
    assert found(store, world("203.0.113.0/28"), *calls("203.0.113.9")) == []


def test_half_of_a_large_prefix_is_worth_closing(store: Store) -> None:
    about = world("203.0.112.0/21")
    some = calls(*hosts("203.0.116.0/24", 250))
    assert told(found(store, about, *some)) == [("203.0.112.0/21", "wide", ("203.0.116.0/24",))]
    assert found(store, about, *some, limits=Limits(rule_cost=2000)) == []


def test_ipv6_counts_networks(store: Store) -> None:
    used = ["2001:db8:0:5::1", "2001:db8:0:5::2", "2001:db8:0:7::1"]
    (one,) = found(store, world("2001:db8::/48"), *calls(*used))
    assert (one.finding, one.replacement) == ("wide", ("2001:db8:0:4::/62",))
    assert (one.used, one.addresses, one.closed) == (2, 65536, 65532)
    # hosts change the last 64 bits at will
    assert found(store, world("2001:db8::/64"), *calls("2001:db8::1")) == []
    assert found(store, world("2001:db8::/120"), *calls("2001:db8::1")) == []


def test_a_wide_element_is_no_reason_to_drop_a_narrow_one(store: Store) -> None:
    used = hosts("203.0.113.0/28", 10)
    (one,) = found(store, world("203.0.113.0/24", "203.0.113.0/28"), *calls(*used))
    assert (one.element.element, one.finding, one.replacement) == ("203.0.113.0/24", "wide", ())
    assert [each.element for each in one.beside] == ["203.0.113.0/28"]
    assert one.closed == 240
    assert one.reason == (
        "10 of its 256 addresses were used in the 1 day seen, and 203.0.113.0/28 (rule r1) admits those: without it "
        "240 would close."
    )
    with traffic(store, *calls(*used)):
        assert_nothing_is_lost(store, [one])


def test_everything_is_always_named(store: Store) -> None:
    about = world("0.0.0.0/0", "::/0", "8.0.0.0/7", "203.0.113.0/27", "2001:db8::/40", "10.0.0.0/8")
    findings = found(store, about)
    assert told(findings) == [
        ("0.0.0.0/0", "too-wide", None),
        ("10.0.0.0/8", "unused", ()),
        ("2001:db8::/40", "too-wide", None),
        ("8.0.0.0/7", "too-wide", None),
        ("::/0", "too-wide", None),
    ]
    assert findings[0].reason == "It admits every IPv4 address. There is no record of this profile to go by."
    assert findings[1].reason == "No address of it can be matched by a rule (private)."
    assert findings[4].as_json()["exposure"]["addresses"] == 2**64 - 1
    some = calls(*hosts("203.0.113.0/27", 20), "198.51.100.1", "198.51.100.200", "9.1.1.1", "2001:db8:7::1")
    findings = found(store, about, *some)
    assert told(findings) == [
        ("0.0.0.0/0", "too-wide", ("198.51.100.1/32", "198.51.100.200/32")),
        ("10.0.0.0/8", "unused", ()),
        ("2001:db8::/40", "too-wide", ("2001:db8:7::/64",)),
        ("8.0.0.0/7", "too-wide", ("9.1.1.1/32",)),
        ("::/0", "too-wide", ()),
    ]
    with traffic(store, *some):
        assert_nothing_is_lost(store, findings)
    # a limit that allows everything doesn't make it narrow
    assert told(found(store, world("0.0.0.0/0"), limits=Limits(widest_v4=0))) == [("0.0.0.0/0", "too-wide", None)]
    (one,) = found(store, world("0.0.0.0/0"), flow(source_ip="10.0.0.4"))
    assert one.reason == "It admits every IPv4 address, and is unused in the 1 day seen."
    assert (one.replacement, one.closed) == ((), 2**32)


def test_replacements_fit_into_what_azure_allows(store: Store) -> None:
    spread = [f"203.{second}.0.7" for second in range(0, 200, 20)]
    about = world("203.0.0.0/8", *(f"198.51.100.{each}" for each in range(8)))
    some = [*calls(*spread), *calls(*(f"198.51.100.{each}" for each in range(8)))]
    assert len(found(store, about, *some)[0].replacement or ()) == 10
    (one,) = found(store, about, *some, limits=Limits(max_elements=12, reserve=0))
    assert (one.finding, one.replacement) == ("too-wide", None)
    assert "fit into the 3 elements that are left" in one.reason


def test_what_can_not_be_judged_is_said(store: Store) -> None:
    about = World(
        rules=[
            ("apps", "Outbound", "fullyQualifiedDomainNames", "*.example.com"),
            ("apps", "Outbound", "fullyQualifiedDomainNames", "old.example.com"),
            ("apps", "Outbound", "addressPrefixes", "203.0.113.0/24"),
            ("apps", "Outbound", "emailAddresses", "a@example.com"),
            ("apps", "Inbound", "serviceTags", "PowerPlatform"),
            ("apps", "Inbound", "networkSecurityPerimeters", "/x"),
        ]
    )
    findings = found(store, about, flow())
    assert {each.element.element: each.finding for each in findings} == {
        "*.example.com": "unjudged",
        "old.example.com": "unused",
        "203.0.113.0/24": "unjudged",
        "a@example.com": "unjudged",
        "PowerPlatform": "unjudged",
        "/x": "unjudged",
    }
    (old,) = (each for each in findings if each.finding == "unused")
    assert old.flags == ("no-records-of-direction",)
    assert "No outbound record of this profile was seen at all" in old.reason


def test_service_tag_is_judged_where_its_prefixes_are_known(store: Store) -> None:
    about = World(
        rules=[("apps", "Inbound", "serviceTags", "PowerPlatform")],
        modes={DOCS: ("Learning", "Enabled", "apps"), VAULT: ("Learning", "Enabled", "apps")},
    )
    store.append_rows(SERVICE_TAG_PREFIX, [_tag("PowerPlatform", "203.0.113.0/24")])
    put(store, about)
    assert [each.finding for each in found(store, about, flow())] == ["unused"]  # tags don't count for storage
    assert found(store, about, flow(service_resource=VAULT)) == []
    scope = dict.fromkeys(("since", "until", "perimeter", "profile", "limit"))
    for resource, unused in ((DOCS, 1), (VAULT, 0)):
        with traffic(store, flow(service_resource=resource)):
            assert store.frame("analysis/unused_rules", **scope).height == unused


def _tag(name: str, prefix: str) -> tuple[Any, ...]:
    given = {"tag": name, "prefix": prefix}
    return tuple(given.get(column.name) for column in SERVICE_TAG_PREFIX.columns)


def test_subscription_is_used_beside_an_address_rule(store: Store) -> None:
    about = world("203.0.113.7")
    about.rules.append(("apps", "Inbound", "subscriptions", f"/subscriptions/{SUBSCRIPTION}"))
    assert found(store, about, flow(source_subscription=SUBSCRIPTION)) == []


def test_whom_the_log_shows_not_admitted_is_no_use(store: Store) -> None:
    about = World(rules=[("apps", "Inbound", "subscriptions", f"/subscriptions/{SUBSCRIPTION}")])
    (one,) = found(store, about, flow(source_subscription=SUBSCRIPTION, rules_version="4", requests=20))
    assert (one.finding, one.flags, one.requests) == ("unused", ("not-honoured",), 0)
    assert one.reason.endswith("It names callers of 20 requests that the log shows not admitted: first find out why.")
    nfs = flow(source_subscription=SUBSCRIPTION, protocol="NFSV3")  # no rule admits it
    assert [each.finding for each in found(store, about, nfs)] == ["unused"]


def test_nothing_is_taken_from_a_rule_that_the_log_shows_to_admit_more(store: Store) -> None:
    about = world("203.0.113.0/24", "198.51.100.0/24", "0.0.0.0/0")
    about.rules = [(*rule[:3], "198.51.100.0/25") if rule[3] == "0.0.0.0/0" else rule for rule in about.rules]
    named = {"category": f"{IN}PerimeterRulesAllowed", "rules_version": "4"}
    some = [
        flow(source_ip="192.0.2.1", matched_rule="r0", requests=3, **named),
        flow(source_ip="192.0.2.2", matched_rule="r2", **named),
        *calls(*hosts("198.51.100.0/24", 60)),
    ]
    findings = found(store, about, *some)
    assert told(findings) == [("203.0.113.0/24", "unjudged", None)]
    assert "The log names its rule for 3 requests that none of its elements explains" in findings[0].reason
    with traffic(store, *some):
        assert_nothing_is_lost(store, findings)


def test_wide_rule_that_must_be_left_is_no_reason_to_drop_others(store: Store) -> None:
    named = {"category": f"{IN}PerimeterRulesAllowed", "rules_version": "4", "matched_rule": "r0"}
    some = [flow(source_ip="10.0.0.4", **named), *calls(*hosts("203.0.113.0/27", 20), "198.51.100.7")]
    findings = found(store, world("0.0.0.0/0", "203.0.113.0/27", "198.51.0.0/16"), *some)
    assert told(findings) == [("0.0.0.0/0", "too-wide", None), ("198.51.0.0/16", "wide", ("198.51.100.7/32",))]
    with traffic(store, *some):
        assert_nothing_is_lost(store, findings)


def test_resources_that_left_are_no_evidence(store: Store) -> None:
    assert found(store, world("203.0.113.0/24"), flow(service_resource=VAULT)) == []


def test_profiles_are_those_of_today_in_any_spelling(store: Store) -> None:
    modes: dict[str, tuple[str | None, str | None, str]] = {DOCS: ("Enforced", "Enabled", "DATA")}
    about = World(rules=[("data", "Inbound", "addressPrefixes", "203.0.113.0/24")], modes=modes, versions={"Data": "1"})
    (one,) = found(store, about, flow(profile="apps"), perimeter="NSP1", profile="dAtA")
    assert (one.finding, one.replacement) == ("wide", ("203.0.113.7/32",))
    assert found(store, about, flow(), profile="apps") == []
    with pytest.raises(UsageError, match=r"Known .*: nsp1/"):
        found(store, about, profile="nobody")
    with pytest.raises(UsageError, match="before --until"):
        found(store, about, since=NOW, until=NOW)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("tighten") / "store") as opened:
        yield opened


BASES = {4: int(ip_address("203.0.112.0")), 6: int(ip_address("2001:db8::"))}


@st.composite
def prefixes(draw: st.DrawFn) -> str:
    version = draw(st.sampled_from([4, 4, 6]))
    if version == 4:
        length = draw(st.sampled_from([0, 8, 15, 16, 20, 22, 24, 25, 26, 28, 30, 31, 32]))
        offset = draw(st.integers(0, 2047))
    else:
        length = draw(st.sampled_from([0, 32, 47, 48, 56, 60, 62, 63, 64, 65, 120, 128]))
        offset = draw(st.integers(0, 15)) << draw(st.sampled_from([0, 64, 66, 72]))
    bits = 32 if version == 4 else 128
    first = (BASES[version] + offset) >> (bits - length) << (bits - length)
    return str(ip_network((first, length)) if version == 6 else IPv4Network((first, length)))


@st.composite
def callers(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        return str(ip_address(BASES[4] + draw(st.integers(0, 2047))))
    networks = draw(st.integers(0, 15)) << draw(st.sampled_from([64, 66, 72]))
    return str(ip_address(BASES[6] + networks + draw(st.integers(0, 3))))


@settings(max_examples=times(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    elements=st.lists(prefixes(), min_size=1, max_size=9),
    addresses=st.lists(st.tuples(callers(), st.integers(0, 5)), min_size=1, max_size=25),
    limits=st.sampled_from([Limits(), Limits(rule_cost=4), Limits(max_elements=9, reserve=0, widest_v4=20)]),
)
def test_following_every_finding_loses_nothing(
    shared: Store, elements: list[str], addresses: list[tuple[str, int]], limits: Limits
) -> None:
    category = {0: f"{IN}PerimeterRulesDenied", 1: f"{IN}PerimeterRulesAllowed"}
    some = [
        flow(
            source_ip=text,
            caller_key=text,
            category=category.get(way, f"{IN}ResourceRulesAllowed"),
            rules_version="4" if way in {2, 3} else "3",
            hour=MOMENT - timedelta(days=40 * (way == 4)),
            last_seen=MOMENT - timedelta(days=40 * (way == 4)),
        )
        for text, way in addresses
    ]
    about = world(*elements)
    put(shared, about)
    with traffic(shared, *some):
        findings = tighten(shared, Scope(), NOW, limits, unused_days=30)
        assert_nothing_is_lost(shared, findings)
        after = followed(shared, findings)
        assert len(after.elements) <= max(len(elements), limits.max_elements - limits.reserve)
        named = {each.element.element for each in findings}
        unused = {each.element.element for each in findings if each.finding == "unused"}
        # what is kept under every finding followed is no wider than before
        before = [ip_network(each) for each in elements]
        for each in findings:
            for prefix in map(ip_network, each.replacement or ()):
                assert any(prefix.version == one.version and prefix.subnet_of(one) for one in before)  # type: ignore[arg-type]
        # the query tells the same elements as unused, besides those that have another finding as well
        scope = dict.fromkeys(("until", "perimeter", "profile", "limit"))
        newest = max((each["hour"] for each in some), default=MOMENT)  # both look back from the last record
        frame = shared.frame("analysis/unused_rules", since=newest - timedelta(days=29), **scope)
        assert unused <= set(frame["element"]) <= named
        assert {"0.0.0.0/0", "::/0"} & set(elements) <= named
    assert all(network_of(ip_address(text)) == PUBLIC for text, _ in addresses)


def test_the_sample_has_nothing_to_tighten(tmp_path: Path) -> None:
    from pipeline.ingest import ingest_folder
    from pipeline.inventory.file import load

    sample = Path(__file__).parent.parent.parent / "data" / "sample"
    with open_store(tmp_path / "store") as store:
        load(store, sample / "inventory.json")
        ingest_folder(store, sample)
        assert [each.element.element for each in tighten(store, Scope(), NOW, Limits()) if each.finding != "wide"] == []
