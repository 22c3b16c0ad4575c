"""Rules of every kind, strategies that make them, and texts that mean to do harm."""

import ipaddress
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from pipeline.recommend.access_rule import AccessRule, access_rule

SUBSCRIPTION = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000001"
OTHER = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000002"


def perimeter(name: str = "nsp1", group: str = "rg-(é).1", subscription: str = SUBSCRIPTION) -> str:
    return (
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
        f"/networkSecurityPerimeters/{name}"
    ).lower()


FIRST, SECOND = perimeter(), perimeter("NSP2", "-rg")
ELSEWHERE = perimeter("nsp1", "rg", OTHER)
RULES = [
    access_rule((FIRST, "Data"), "branch", "Inbound", "address-prefixes", ["203.0.113.32/30", "2001:db8::/64"],
                proposal="051fb800f917", reason="Branch: 5 addresses"),
    access_rule((FIRST, "Data"), "A.b_c-1", "Inbound", "subscriptions", [OTHER, SUBSCRIPTION], reason="func-ingest"),
    access_rule((FIRST, "Data"), "9", "Inbound", "service-tags", ["AzureMonitor", "Storage.WestUS"], proposal="abc"),
    access_rule((FIRST, "apps_1.x"), "branch", "Outbound", "fqdns", ["a.example.com", "*.example.org"]),
]  # fmt: skip
OF_TWO = [*RULES, access_rule((SECOND, "Data"), "branch", "Inbound", "address-prefixes", ["192.0.2.7/32"])]
OF_TWO_SUBSCRIPTIONS = [*RULES, replace(RULES[0], perimeter=ELSEWHERE)]

HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "spreadsheet": "=cmd|'/c calc'!A0",
    "template": "${1+1} %{ if true } $(>pwned) #{x}",
    "substitution": "`>pwned` $(>pwned) <(>pwned)",
    "single quote": "'; >pwned; '",
    "three quotes": "''' >pwned '''",
    "double quote": '"; >pwned; "',
    "smart quotes": "\u2018; >pwned; \u2019 \u201a \u201b \u201c \u201d \u201e",
    "comment ends": "*/ #> --> %> \"@ '@ {{ }} ]]",
    "comment begins": "/* <# // # <!--",
    "line ends": "a\n>pwned\r\n>pwned\r>pwned\x0b\x0c>pwned\x85>pwned\u2028>pwned\u2029>pwned",
    "backslash at the end": ">pwned \\",
    "backtick at the end": ">pwned `",
    "here-document": "\nEOF\n>pwned\ncat <<'EOF'",
    "null": "a\0>pwned",
    "escape sequences": "\x1b]0;title\x07\x1b[2J\x9b2J",
    "bidi": "\u202e>pwned\u202c \u2066x\u2069 \u200e\u200f\u061c",
    "invisible": "\u200b\u2060\ufeff\u00ad\u00a0\u3000\U000e0041",
    "surrogate": "\ud800 \udfff",
    "combining": "a" + "\u0301" * 50,
    "beyond the plane": "\U0001f600\U0010ffff",
    "expression": "[concat('a', variables('x'))]",
    "directive": "#disable-next-line\n#Requires -RunAsAdministrator\n# SIG # Begin signature block\n#!/bin/sh",
    "ten kilobytes": "x" * 5000 + "\n>pwned\n" + "'\"$(>pwned)" * 500,
    "format": "%s %n {0} {rule} \\u0027 \\x27 \\N{BULLET}",
}


def bare(rules: Iterable[AccessRule]) -> list[AccessRule]:
    """Rules in order without what only people read."""
    return sorted(replace(rule, proposal="", reason="") for rule in rules)


_words = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,12}[a-zA-Z0-9_])?", fullmatch=True)
_groups = st.from_regex(r"[a-z0-9é_().-]{1,12}", fullmatch=True)
_networks = st.one_of(
    st.builds(ipaddress.IPv4Network, st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 32)), st.just(False)),
    st.builds(ipaddress.IPv6Network, st.tuples(st.integers(2**120, 2**128 - 1), st.integers(1, 128)), st.just(False)),
).map(str)
_hosts = st.from_regex(r"(\*\.)?[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){1,2}", fullmatch=True)
_tags = st.from_regex(r"[A-Z][A-Za-z0-9_-]{1,8}(\.[A-Za-z0-9]{1,8})?", fullmatch=True)
_KINDS = {
    ("Inbound", "address-prefixes"): _networks,
    ("Inbound", "subscriptions"): st.uuids().map(str),
    ("Inbound", "service-tags"): _tags,
    ("Outbound", "fqdns"): _hosts,
}
_elements = st.sampled_from(sorted(_KINDS)).flatmap(
    lambda key: st.tuples(st.just(key), st.lists(_KINDS[key], min_size=1, max_size=4))
)
_text = st.one_of(st.text(), st.sampled_from(sorted(HOSTILE.values())))


@st.composite
def rule_sets(draw: st.DrawFn, subscription: str | None = None, one: bool = False) -> list[AccessRule]:
    """Rules that can stand together.

    Args:
        draw: hypothesis's.
        subscription: of all perimeters; None for any.
        one: of one perimeter alone.
    """
    subscriptions = st.just(subscription) if subscription else st.uuids().map(str)
    places = draw(st.lists(st.builds(perimeter, _words, _groups, subscriptions), min_size=1, max_size=1 if one else 3))
    found: dict[tuple[str, str, str], AccessRule] = {}
    for _ in range(draw(st.integers(1, 8))):
        (direction, kind), elements = draw(_elements)
        place = draw(st.sampled_from(places)), draw(st.one_of(st.just("Data"), _words))
        rule = access_rule(place, draw(_words), direction, kind, elements, proposal=draw(_text), reason=draw(_text))
        found[*rule.profile_key, rule.name.lower()] = rule
    spelled = {rule.profile_key: rule.profile for rule in found.values()}
    return [replace(rule, profile=spelled[rule.profile_key]) for rule in found.values()]
