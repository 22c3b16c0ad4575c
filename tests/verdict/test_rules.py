"""The matcher of rules, against a naive one."""

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from pipeline.verdict.rules import RuleSet

PREFIX = st.one_of(
    st.tuples(st.integers(0, 255), st.integers(24, 32)).map(lambda part: f"203.0.113.{part[0]}/{part[1]}"),
    st.tuples(st.integers(0, 15), st.integers(60, 64)).map(lambda part: f"2001:db8:0:{part[0]:x}::/{part[1]}"),
)
ADDRESS = st.one_of(
    st.integers(0, 255).map(lambda host: f"203.0.113.{host}"),
    st.integers(0, 31).map(lambda net: f"2001:db8:0:{net:x}::1"),
)


@given(st.lists(PREFIX, max_size=6), ADDRESS)
def test_address_is_admitted_if_any_prefix_holds_it(prefixes: list[str], text: str) -> None:
    address = ip_address(text)
    networks = [ip_network(prefix, strict=False) for prefix in prefixes]
    expected = any(address.version == network.version and address in network for network in networks)
    assert RuleSet(("address-prefixes", prefix) for prefix in prefixes).admits_address(text) is expected


def test_edges_subscriptions_and_hosts() -> None:
    rules = RuleSet(
        [
            ("address-prefixes", "0.0.0.0/8"),
            ("address-prefixes", "255.255.255.255/32"),
            ("address-prefixes", "nonsense"),
            ("subscriptions", "/subscriptions/AAAA-1"),
            ("fqdns", "Api.Example.com"),
            ("service-tags", "Storage"),
        ],
    )
    assert rules.admits_address("0.255.255.255")
    assert not rules.admits_address("1.0.0.0")
    assert rules.admits_address("255.255.255.255")
    assert not rules.admits_address("no address")
    assert rules.admits_subscription("aaaa-1")
    assert rules.admits_host("API.example.COM")
    assert not rules.admits_host("xapi.example.com")
    assert rules.size == 6
