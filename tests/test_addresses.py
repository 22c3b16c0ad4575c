"""Addresses as logs write them."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.addresses import UNROUTABLE, network_of, read


@pytest.mark.parametrize(
    ("text", "canonical", "version", "network"),
    [
        ("203.0.113.7", "203.0.113.7", 4, "public"),
        ("203.0.113.7:50196", "203.0.113.7", 4, "public"),
        (" 203.0.113.7 ", "203.0.113.7", 4, "public"),
        ("[2001:DB8:0:0::7]:443", "2001:db8::7", 6, "public"),
        ("[2001:db8::7]", "2001:db8::7", 6, "public"),
        ("2001:0db8:0000:0000:0000:0000:0000:0007", "2001:db8::7", 6, "public"),
        ("::ffff:203.0.113.7", "203.0.113.7", 4, "public"),
        ("fe80::1%eth0", "fe80::1", 6, "link-local"),
        ("fde4:8dba:82e1::1", "fde4:8dba:82e1::1", 6, "unique-local"),
        ("10.0.0.4", "10.0.0.4", 4, "private"),
        ("172.31.255.255", "172.31.255.255", 4, "private"),
        ("172.32.0.0", "172.32.0.0", 4, "public"),
        ("192.168.1.1", "192.168.1.1", 4, "private"),
        ("100.64.0.1", "100.64.0.1", 4, "shared"),
        ("100.128.0.1", "100.128.0.1", 4, "public"),
        ("127.0.0.1", "127.0.0.1", 4, "loopback"),
        ("169.254.1.1", "169.254.1.1", 4, "link-local"),
        ("0.0.0.0", "0.0.0.0", 4, "unspecified"),
        ("255.255.255.255", "255.255.255.255", 4, "reserved"),
        ("224.0.0.1", "224.0.0.1", 4, "multicast"),
        ("64:ff9b:1::1", "64:ff9b:1::1", 6, "translated"),
        ("::1", "::1", 6, "loopback"),
        ("::", "::", 6, "unspecified"),
        ("203.0.113", "203.0.113", None, "unreadable"),
        ("203.0.113.007", "203.0.113.007", None, "unreadable"),
        ("<script>", "<script>", None, "unreadable"),
        ("2001:db8::7:443:z", "2001:db8::7:443:z", None, "unreadable"),
    ],
)
def test_reads(text: str, canonical: str, version: int | None, network: str) -> None:
    address = read(text)
    assert (address.canonical, address.version, address.network) == (canonical, version, network)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_network_is_that_of_the_range_the_address_lies_in(address: object) -> None:
    parsed = ip_address(str(address))
    expected = [name for network, name in UNROUTABLE if parsed.version == network.version and parsed in network]
    assert network_of(parsed) == (expected[0] if expected else "public")


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert read(text).network
