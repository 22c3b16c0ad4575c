"""Nothing gets past a bound, however it is spelled; and the policy file says what is wrong with it."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.inventory.rules import RuleElement
from pipeline.recommend.bounds import Bounds, Network, canonical_prefix, violations, within
from pipeline.recommend.policy_file import find, load

ONE, TWO = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000001", "5f0c2a1e-7d34-4b6a-9a51-c0ffee000002"
UNIVERSE = ip_network("203.0.113.0/24")


def networks(*texts: str) -> frozenset[Network]:
    return frozenset(ip_network(text) for text in texts)


def element(text: str, kind: str = "address-prefixes", *, rule: str = "r", profile: str = "apps") -> RuleElement:
    return RuleElement("/p", profile, "Outbound" if kind == "fqdns" else "Inbound", kind, text, rule)


def exceeded(text: str, bounds: Bounds, kind: str = "address-prefixes", **tags: list[str]) -> set[str]:
    """The bounds that an element exceeds; `within` has to agree."""
    found = violations([element(text, kind)], bounds, tags)
    assert len({each.bound for each in found}) == len(found)
    if not tags:
        assert (within(kind, text, bounds) is None) == (not found)
    return {each.bound for each in found}


@st.composite
def prefixes(draw: st.DrawFn) -> Network:
    """Any prefix; often in a small universe, where prefixes meet."""
    kind = draw(st.sampled_from(["near", "four", "six"]))
    if kind == "near":
        length = draw(st.integers(24, 32))
        return IPv4Network((int(UNIVERSE.network_address) + draw(st.integers(0, 255)), length), strict=False)
    if kind == "four":
        return IPv4Network((draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 32))), strict=False)
    first = draw(st.integers(0, 2**128 - 1) | st.just(0x20010DB8 << 96))
    return IPv6Network((first, draw(st.integers(0, 128))), strict=False)


@st.composite
def spelled(draw: st.DrawFn, network: Network) -> str:
    """A prefix as somebody may write it."""
    span = int(network.broadcast_address) - int(network.network_address)
    address = network.network_address + draw(st.integers(0, span))
    length = str(network.prefixlen)
    text = str(address)
    if isinstance(network, IPv4Network):
        way = draw(st.sampled_from(["plain", "netmask", "hostmask", "mapped", "mapped-hex", "mapped-long"]))
        if way == "netmask":
            length = str(network.netmask)
        elif way == "hostmask" and 0 < network.prefixlen < 32:
            length = str(network.hostmask)
        elif way.startswith("mapped"):
            length = str(network.prefixlen + 96)
            value = int(address)
            text = {
                "mapped": f"::ffff:{address}",
                "mapped-hex": f"::FFFF:{value >> 16:x}:{value & 0xFFFF:x}",
                "mapped-long": f"0000:0:0:0:0:ffff:{value >> 16:04X}:{value & 0xFFFF:04x}",
            }[way]
    else:
        way = draw(st.sampled_from(["plain", "upper", "long", "zone"]))
        text = {"plain": text, "upper": text.upper(), "long": address.exploded, "zone": f"{text}%eth0"}[way]
    bare = span == 0 and "mask" not in way and draw(st.booleans())
    return (
        draw(st.sampled_from(["", " ", "\t"]))
        + (text if bare else f"{text}/{length}")
        + draw(st.sampled_from(["", " \n"]))
    )


@given(st.data())
def test_no_spelling_of_a_prefix_escapes(data: st.DataObject) -> None:
    network = data.draw(prefixes())
    some = st.frozensets(prefixes(), max_size=4)
    bounds = Bounds(
        widest_v4=data.draw(st.integers(8, 32)),
        widest_v6=data.draw(st.integers(16, 64)),
        allowed_addresses=data.draw(st.none() | some),
        banned_addresses=data.draw(some),
    )
    text = data.draw(spelled(network))
    assert canonical_prefix(text) == canonical_prefix(str(network))
    assert exceeded(text, bounds) == exceeded(str(network), bounds)


@given(st.data())
def test_prefixes_are_judged_as_their_addresses_are(data: st.DataObject) -> None:
    def near() -> Network:
        length, last = data.draw(st.integers(24, 32)), data.draw(st.integers(0, 255))
        return IPv4Network((int(UNIVERSE.network_address) + last, length), strict=False)

    network = near()
    allowed, banned = (frozenset(near() for _ in range(data.draw(st.integers(0, 5)))) for _ in range(2))
    found = exceeded(data.draw(spelled(network)), Bounds(allowed_addresses=allowed, banned_addresses=banned))
    assert ("addresses.allowed" in found) == any(all(one not in each for each in allowed) for one in network)
    assert ("addresses.banned" in found) == any(one in each for each in banned for one in network)


@pytest.mark.parametrize(
    "text",
    ["0.0.0.0/0", "::/0", "8.8.8.8/0", "0.0.0.0/0.0.0.0", " ::1/0", "::ffff:0:0/96", "::FFFF:1.2.3.4/96", "::/48"],
)
def test_everything_is_never_within_bounds(text: str) -> None:
    assert "everything" in exceeded(
        text, Bounds(widest_v4=8, widest_v6=16, allowed_addresses=networks("0.0.0.0/0", "::/0"))
    )


def test_prefix_around_ipv4_is_ipv4_as_well() -> None:
    bounds = Bounds(banned_addresses=networks("203.0.113.0/24"))
    assert "addresses.banned" in exceeded("::fffe:0:0/95", bounds)
    assert exceeded("::ffff:198.51.100.0/120", bounds) == set()
    assert exceeded("198.51.100.0/24", Bounds(banned_addresses=networks("::/0"))) == set()
    assert exceeded("2001:db8::/64", Bounds(allowed_addresses=networks("0.0.0.0/0"))) == {"addresses.allowed"}


@pytest.mark.parametrize(
    "text", ["", "203.0.113.0-203.0.113.9", "203.000.113.0/24", "\uff12\uff10\uff13.0.113.0/24", "x/8", "1.2.3.4/33"]
)
def test_unreadable_prefix_is_a_violation(text: str) -> None:
    assert exceeded(text, Bounds()) == {"unreadable"}


def test_allowed_prefixes_count_together_and_an_empty_list_allows_none() -> None:
    assert exceeded("203.0.113.0/24", Bounds(allowed_addresses=networks("203.0.113.0/25", "203.0.113.128/25"))) == set()
    assert exceeded("203.0.113.0/24", Bounds(allowed_addresses=frozenset())) == {"addresses.allowed"}
    assert "203.0.113.0/8" in str(within("address-prefixes", "203.0.113.0/8", Bounds()))


@given(st.sampled_from([ONE, TWO]), st.data())
def test_no_spelling_of_a_subscription_escapes(identity: str, data: st.DataObject) -> None:
    way = data.draw(
        st.sampled_from(
            ["{}", "/subscriptions/{}", "subscriptions/{}", "//Subscriptions//{}/",
             "/SUBSCRIPTIONS/{}/resourceGroups/g", "https://management.azure.com/subscriptions/{}", " {} ", "{{{}}}"]
        )
    )  # fmt: skip
    written = data.draw(st.sampled_from([identity, identity.upper(), UUID(identity).hex]))
    text = way.format(written)
    for bounds in (Bounds(banned_subscriptions=frozenset({ONE})), Bounds(allowed_subscriptions=frozenset({TWO}))):
        assert bool(exceeded(text, bounds, "subscriptions")) == (identity == ONE)
    assert exceeded(text, Bounds(), "subscriptions") == set()


def test_unreadable_subscription_matters_where_some_are_told_apart() -> None:
    assert exceeded("0000", Bounds(), "subscriptions") == set()
    assert exceeded("%2Fsubscriptions", Bounds(banned_subscriptions=frozenset({ONE})), "subscriptions") == {
        "unreadable"
    }
    assert exceeded(ONE, Bounds(allowed_subscriptions=frozenset()), "subscriptions") == {"subscriptions.allowed"}


@given(st.lists(st.booleans(), min_size=30, max_size=30), st.sampled_from(["", ".", ".."]), st.sampled_from(["", " "]))
def test_no_spelling_of_a_host_escapes(upper: list[bool], dots: str, blank: str) -> None:
    bounds = Bounds(banned_hosts=frozenset({"blob.core.windows.net"}))
    for name, is_banned in (
        ("blob.core.windows.net", True),
        ("mine.blob.core.windows.net", True),
        ("notblob.core.windows.net", False),
        ("blob.core.windows.net.evil.io", False),
    ):
        flipped = "".join(letter.upper() if up else letter for letter, up in zip(name, upper, strict=False))
        rest = name[len(flipped) :]
        assert bool(exceeded(f"{blank}{flipped}{rest}{dots}", bounds, "fqdns")) == is_banned


@pytest.mark.parametrize(
    ("text", "is_banned"),
    [
        ("*.blob.core.windows.net", True),
        ("*.windows.net", True),
        ("*", True),
        ("*.NET.", True),
        ("*blob.core.windows.net", True),
        ("blob.*", True),
        ("*ob.core.windows.net", True),
        ("*.x.blob.core.windows.net", True),
        ("*.example.net", False),
        ("*notblob.core.windows.net", False),
    ],
)
def test_wildcard_is_banned_where_it_may_stand_for_a_banned_name(text: str, is_banned: bool) -> None:
    banned = frozenset({"blob.core.windows.net"})
    assert exceeded(text, Bounds(allowed_wildcards=True), "fqdns") == set()
    assert exceeded(text, Bounds(), "fqdns") == {"hosts.allowed_wildcards"}
    found = exceeded(text, Bounds(allowed_wildcards=True, banned_hosts=banned), "fqdns")
    assert found == ({"hosts.banned"} if is_banned else set())


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", "https://x.example", "x.example:443", "b\u00fccher.example", "x\uff0eexample", "x" * 64]
)
def test_unreadable_host_is_a_violation(text: str) -> None:
    assert exceeded(text, Bounds(allowed_wildcards=True), "fqdns") == {"unreadable"}


def test_service_tags_go_with_their_regions() -> None:
    banned = Bounds(banned_tags=frozenset({"storage.westeurope"}))
    assert exceeded(" STORAGE.westEurope", banned, "service-tags") == {"service_tags.banned"}
    assert exceeded("Storage", banned, "service-tags") == {"service_tags.banned"}
    assert exceeded("Storage.NorthEurope", banned, "service-tags") == set()
    assert exceeded("Storage.NorthEurope", Bounds(banned_tags=frozenset({"storage"})), "service-tags") != set()
    assert exceeded("StorageSync", Bounds(banned_tags=frozenset({"storage"})), "service-tags") == set()
    allowed = Bounds(allowed_tags=frozenset({"storage"}))
    assert exceeded("Storage.NorthEurope", allowed, "service-tags") == set()
    assert exceeded("AzureCloud", allowed, "service-tags") == {"service_tags.allowed"}
    assert exceeded("Internet", Bounds(), "service-tags") == {"everything"}
    assert exceeded("Sto rage", Bounds(), "service-tags") == {"unreadable"}


def test_service_tag_touches_banned_addresses_if_it_may() -> None:
    bounds = Bounds(banned_addresses=networks("203.0.113.0/24"))
    assert exceeded("Storage", bounds, "service-tags") == {"addresses.banned"}
    assert exceeded("Storage", bounds, "service-tags", storage=["203.0.113.128/25"]) == {"addresses.banned"}
    assert exceeded("Storage", bounds, "service-tags", storage=["198.51.100.0/25"]) == set()


def test_elements_are_counted_for_each_profile_and_direction() -> None:
    bounds = Bounds(max_elements=5, reserve=2)
    three = [element(f"203.0.113.{number}/32") for number in range(3)]
    others = [element("x.example", "fqdns"), element("203.0.113.9", profile="data")]
    assert violations([*three, *three, *others], bounds) == []
    (found,) = violations([*three, *others, element("198.51.100.1", profile="APPS")], bounds)
    assert (found.bound, found.element.perimeter, found.element.direction, found.element.element) == (
        "elements.max", "/p", "Inbound", "",
    )  # fmt: skip
    assert "4 inbound elements, where 3 may be" in found.sentence


def test_violations_come_in_one_order() -> None:
    some = [element(f"{number}.0.0.0/4", rule=f"r{number}") for number in (96, 16, 64)]
    bounds = Bounds(allowed_addresses=frozenset())
    assert violations(some, bounds) == violations(reversed(some), bounds)
    assert len(violations(some, bounds)) == 6


def test_policy_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(
        f"""
        [addresses]
        widest_v4 = 24
        widest_v6 = 64
        allowed = ["203.0.113.0/24", "::ffff:198.51.100.0/120", "2001:DB8::/32"]
        banned = ["203.0.113.7"]
        [subscriptions]
        allowed = ["/subscriptions/{ONE.upper()}"]
        banned = ["{TWO}"]
        [hosts]
        banned = ["Blob.Core.Windows.Net."]
        allowed_wildcards = true
        [service_tags]
        allowed = ["Storage.WestEurope"]
        banned = ["AzureCloud"]
        [elements]
        reserve = 20
        max = 100
        """
    )
    assert load(path) == Bounds(
        24, 64, networks("203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32"), networks("203.0.113.7/32"),
        frozenset({ONE}), frozenset({TWO}), frozenset({"blob.core.windows.net"}), True,
        frozenset({"storage.westeurope"}), frozenset({"azurecloud"}), 20, 100,
    )  # fmt: skip


def test_policy_lies_beside_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find(None, None) is None
    assert find(None, tmp_path / "a" / "nsp.toml") is None
    (tmp_path / "policy.toml").write_text("")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "policy.toml").write_text("[elements]\nmax = 50\n")
    assert find(None, None) == Bounds()
    assert find(None, tmp_path / "a" / "nsp.toml") == Bounds(max_elements=50)
    with pytest.raises(SettingsError, match="isn't there"):
        find(tmp_path / "no.toml", None)


def test_example_of_the_page_is_legal(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "policy.md").read_text()
    path = tmp_path / "policy.toml"
    path.write_text(page.partition("```toml\n")[2].partition("```")[0])
    found = load(path)
    assert found.banned_addresses
    assert found.banned_hosts


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[adresses]\n", r"unknown key adresses. Did you mean addresses\? Legal: addresses, elements, hosts"),
        (
            "[addresses]\nalowed = []\n",
            r"Did you mean addresses.allowed\? Legal: addresses.widest_v4, addresses.widest_v6",
        ),
        ("widest_v4 = 16\n", "unknown key widest_v4"),
        ("addresses = 1\n", r"addresses must be a section, \[addresses\]"),
        ("[addresses]\nwidest_v4 = '16'\n", "addresses.widest_v4 must be a whole number from 8 to 32, not '16'"),
        ("[addresses]\nwidest_v4 = true\n", "must be a whole number"),
        ("[addresses]\nwidest_v6 = 16.0\n", "must be a whole number"),
        ("[addresses]\nwidest_v4 = 7\n", "from 8 to 32"),
        ("[addresses]\nbanned = '10.0.0.0/8'\n", "addresses.banned must be a list of texts"),
        ("[addresses]\nbanned = [10]\n", "must be a list of texts"),
        ("[addresses]\nbanned = ['10.0.0.0/99']\n", "addresses.banned holds '10.0.0.0/99', which is no prefix"),
        ("[addresses]\nbanned = ['10.0.0.1/8']\n", "did you mean 10.0.0.0/8"),
        ("[addresses.banned]\nx = 1\n", "must be a list of texts"),
        ("[subscriptions]\nallowed = ['prod']\n", "subscriptions.allowed holds 'prod', which is no subscription id"),
        ("[hosts]\nallowed_wildcards = 1\n", "must be true or false"),
        ("[hosts]\nbanned = ['*.example.com']\n", "those below it are meant as well"),
        ("[hosts]\nbanned = ['.example.com']\n", "hosts.banned holds"),
        ("[hosts]\nallowed = []\n", "unknown key hosts.allowed"),
        ("[service_tags]\nbanned = ['a b']\n", "is no service tag"),
        ("[elements]\nreserve = 5\nmax = 5\n", "must be less than elements.max"),
        ("[elements\n", "is no TOML"),
    ],
)
def test_wrong_policy_says_what_to_mend(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=told):
        load(path)
