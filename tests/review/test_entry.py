"""What a person may decide, and what is refused before anything is recorded."""

from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.recommend.bounds import Bounds
from pipeline.review.decision import Choice
from pipeline.review.entry import REASON_LENGTH, entry
from tests.review.some import DAY, NOW, choose, evidence, proposal

ADDRESS = proposal("203.0.113.7/32")
FLAGGED = proposal("203.0.113.8/32", flags=["seen-on-one-day"])
NOTE = proposal()
HOST = proposal("a.example.com", kind="fqdns")
SUBSCRIPTION = proposal("/subscriptions/00000000-0000-0000-0000-00000000000b", kind="subscriptions")


def edit(given: dict[str, Any], *elements: str, bounds: Bounds | None = None) -> tuple[str, ...]:
    return entry(given, Choice("edit", "for a test", elements), "ada", NOW, bounds).choice.elements


@pytest.mark.parametrize(
    ("given", "elements", "kept"),
    [
        (ADDRESS, ("203.0.113.9", "198.51.100.0/24", "203.0.113.9/32"), ("198.51.100.0/24", "203.0.113.9/32")),
        (ADDRESS, ("2001:DB8::/64",), ("2001:db8::/64",)),
        (HOST, ("B.Example.com.", "a.example.com"), ("a.example.com", "b.example.com")),
        (
            SUBSCRIPTION,
            ("00000000-0000-0000-0000-00000000000C",),
            ("/subscriptions/00000000-0000-0000-0000-00000000000c",),
        ),
    ],
)
def test_an_edit_is_kept_in_one_spelling(
    given: dict[str, Any], elements: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    assert edit(given, *elements) == kept


@pytest.mark.parametrize(
    ("given", "element", "told"),
    [
        (ADDRESS, "203.0.113.7/24", "did you mean 203.0.113.0/24"),
        (ADDRESS, "2001:db8::1/64", "did you mean 2001:db8::/64"),
        (ADDRESS, "203.0.113.0/255.255.255.0", None),
        (ADDRESS, "0.0.0.0/0", "every IPv4 address"),
        (ADDRESS, "::/0", "every IPv6"),
        (ADDRESS, "::ffff:0:0/96", "every"),
        (ADDRESS, "203.0.0.0/15", "wider than /16"),
        (ADDRESS, "10.1.2.0/24", "private"),
        (ADDRESS, "192.168.0.1", "private"),
        (ADDRESS, "100.64.0.1", "shared"),
        (ADDRESS, "127.0.0.1", "loopback"),
        (ADDRESS, "169.254.1.1", "link-local"),
        (ADDRESS, "fd00::/64", "unique-local"),
        (ADDRESS, "::ffff:10.0.0.1", "private"),
        (ADDRESS, "any", "no prefix"),
        (ADDRESS, "", "no prefix"),
        (ADDRESS, "203.0.113.7\n203.0.113.8", "no prefix"),
        (ADDRESS, "\u202e203.0.113.7", "no prefix"),
        (HOST, "*.blob.core.windows.net", "wildcard"),
        (HOST, "*", "wildcard"),
        (HOST, "a.example.com; reboot", "host name"),
        (HOST, "b\u00fccher.example", "host name"),
        (SUBSCRIPTION, "everything", "none of its kind"),
        (SUBSCRIPTION, "00000000-0000-0000-0000-00000000000c/resourceGroups/rg", "none of its kind"),
    ],
)
def test_an_element_that_would_open_too_much_or_nothing(given: dict[str, Any], element: str, told: str | None) -> None:
    if told is None:
        assert edit(given, element)
        return
    with pytest.raises(UsageError, match=told) as refused:
        edit(given, "203.0.113.0/28" if given is ADDRESS else given["elements"][0], element)
    assert given["id"] in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_policy_bounds_what_people_accept_and_edit() -> None:
    strict = Bounds(widest_v4=30, reserve=198)
    assert edit(ADDRESS, "203.0.113.4/30", bounds=strict) == ("203.0.113.4/30",)
    with pytest.raises(UsageError, match="wider than /30"):
        edit(ADDRESS, "203.0.113.0/29", bounds=strict)
    with pytest.raises(UsageError, match="would hold 3 elements, where 2 may be"):
        edit(ADDRESS, "192.0.2.1", "192.0.2.3", "192.0.2.5", bounds=strict)
    wide = proposal("203.0.113.0/28")
    with pytest.raises(UsageError, match="wider than /30"):
        entry(wide, Choice("accept"), "ada", NOW, strict)
    assert entry(wide, Choice("reject", "too wide"), "ada", NOW, strict)
    assert edit(HOST, "*.example.com", bounds=Bounds(allowed_wildcards=True)) == ("*.example.com",)


@pytest.mark.parametrize(
    ("given", "choice", "told"),
    [
        (ADDRESS, Choice("approve"), "There are: accept, edit, reject, defer, undo"),
        (ADDRESS, Choice("edit", "why", ()), "name the elements"),
        (ADDRESS, Choice("reject"), "Say why you reject"),
        (ADDRESS, Choice("reject", " . ! -"), "Say why you reject"),
        (ADDRESS, Choice("edit", "", ("203.0.113.0/28",)), "Say why you edit"),
        (ADDRESS, Choice("accept", "", ("203.0.113.0/28",)), "only an edit"),
        (ADDRESS, Choice("accept", "", (), NOW), "is past"),
        (ADDRESS, Choice("reject", "why", (), NOW + DAY), "reject has no end"),
        (ADDRESS, Choice("undo", "why", (), NOW + DAY), "undo has no end"),
        (ADDRESS, Choice("accept", "x" * (REASON_LENGTH + 1)), "has 2,001 characters"),
        (ADDRESS, Choice("accept", "\udc80"), "isn't text"),
        (FLAGGED, Choice("accept"), "flagged \\(seen-on-one-day\\)"),
        (NOTE, Choice("edit", "why", ("203.0.113.0/28",)), "is a note \\(cannot-fix\\)"),
        (NOTE, Choice("reject"), "Say why"),
        ({**ADDRESS, "elements": ["0.0.0.0/0"]}, Choice("accept"), "changed after it was made"),
        ({**ADDRESS, "elements": []}, Choice("accept"), "changed after it was made"),
        ({**NOTE, "kind": "address-prefixes"}, Choice("accept"), "changed after it was made"),
        ({**ADDRESS, "kind": "cannot-fix"}, Choice("accept"), "changed after it was made"),
        ({**ADDRESS, "profile": "Other"}, Choice("accept"), "changed after it was made"),
        ({**ADDRESS, "id": "../../etc"}, Choice("accept"), "changed after it was made"),
        ({**ADDRESS, "elements": "203.0.113.7/32"}, Choice("accept"), "isn't as nsp recommend"),
        ({**ADDRESS, "elements": ["\ud800"]}, Choice("accept"), "isn't text"),
        ({**ADDRESS, "profile": "\ud800"}, Choice("accept"), "isn't text"),
        ({**ADDRESS, "id": "\ud800", "name": "\ud800"}, Choice("accept"), "isn't text"),
        ({**ADDRESS, "kind": "associate"}, Choice("accept"), "changed after it was made"),
        ({"id": "x"}, Choice("accept"), "lacks 'perimeter'"),
        ({**ADDRESS, "evidence": {}}, Choice("accept"), "lacks 'resources'"),
        ({**ADDRESS, "evidence": 7}, Choice("accept"), "isn't as nsp recommend"),
        ({**ADDRESS, "evidence": evidence("yesterday")}, Choice("accept"), "isn't as nsp recommend"),
        (proposal("203.0.113.7/32", profile=""), Choice("accept"), "no name of a profile"),
        (proposal("203.0.113.7/32", reason="y" * 4_000_000), Choice("accept"), "larger than"),
    ],
)
def test_what_is_refused(given: dict[str, Any], choice: Choice, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        entry(given, choice, "ada", NOW)


@pytest.mark.parametrize("who", ["", " \n", "x" * 201, "\udc80"])
def test_somebody_has_to_decide(who: str) -> None:
    with pytest.raises(UsageError):
        entry(ADDRESS, Choice("accept"), who, NOW)


def test_what_needs_no_reason() -> None:
    for given, action in ((ADDRESS, "accept"), (NOTE, "accept"), (FLAGGED, "defer"), (FLAGGED, "undo")):
        assert choose(given, action, "").choice == Choice(action)
    assert choose(FLAGGED, "defer", "", expires=NOW + DAY).choice.expires == NOW + DAY
