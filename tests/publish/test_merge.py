"""The three-way merge against a brute statement of its rules, and the record that it reads."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import PublishError
from pipeline.publish import content
from pipeline.publish.content import Content
from pipeline.publish.merge import Finding, Key, merge
from pipeline.publish.record import RULES, Record, as_json, last_applied

KEY: Key = ("/p", "apps", "r")


def inbound(*prefixes: str, **more: Any) -> Content:
    return content.of_properties({"direction": "Inbound", "addressPrefixes": list(prefixes), **more})


A, B, C = inbound("192.0.2.1/32"), inbound("192.0.2.2/32"), inbound("192.0.2.3/32")
LINK = content.of_properties({"direction": "Inbound", "networkSecurityPerimeters": [{"perimeterGuid": "g"}]})
ODD = content.of_properties({"direction": "Inbound", "addressPrefixes": ["192.0.2.1/32"], "news": [1]})
STATES = (None, A, B, C, LINK, ODD)


def test_every_case_as_the_rules_say() -> None:
    """Each sentence of the rules, for all that live, last and accepted can be."""
    for live, last, accepted in product(STATES, STATES, STATES[:4]):
        found = {each.key: each for each in merge(_of(live), _of(last), _of(accepted))}
        if live is last is accepted is None:
            assert found == {}
            continue
        finding = found[KEY].finding
        is_ours = last is not None
        is_untouched = live == last
        told = (live, last, accepted, finding)
        assert (finding is Finding.IN_PLACE) == (accepted is not None and live == accepted), told
        assert (finding is Finding.CREATE) == (accepted is not None and live is None and not is_ours), told
        if finding is Finding.REMOVE:  # only what this tool applied itself, as it left it, and what isn't accepted
            assert is_ours, told
            assert is_untouched, told
            assert accepted is None, told
        if finding is Finding.CHANGE:
            assert is_ours, told
            assert is_untouched, told
        if live is not None and not is_ours:  # what somebody else made stays
            assert finding in {Finding.FOREIGN, Finding.IN_PLACE, Finding.CONFLICT}, told
            assert (finding is Finding.CONFLICT) == (accepted is not None and accepted != live), told
        if live is LINK:
            assert finding in {Finding.FOREIGN, Finding.CONFLICT}, told
        elif is_ours and live not in (last, accepted):
            assert finding is Finding.DRIFT, told


def _of(state: Content | None) -> dict[Key, Content]:
    return {} if state is None else {KEY: state}


names = st.sampled_from("abcde").map(lambda name: ("/p", "apps", name))
rules = st.dictionaries(names, st.sampled_from([A, B, C, ODD]), max_size=5)
writable = st.dictionaries(names, st.sampled_from([A, B, C]), max_size=5)


@given(rules, rules, writable)
def test_applying_what_was_found_leaves_nothing_to_apply(
    live: dict[Key, Content], last: dict[Key, Content], accepted: dict[Key, Content]
) -> None:
    before = dict(live)
    ours = dict(last)
    for each in merge(live, last, accepted):
        if each.is_open:
            for kept in (live, ours):
                kept.pop(each.key, None)
                if each.accepted:
                    kept[each.key] = each.accepted
    assert [each for each in merge(live, ours, accepted) if each.is_open] == []
    for key, state in before.items():
        if key not in last:
            assert live[key] == state  # foreign ones are as they were
    for key, state in accepted.items():
        assert live[key] == state or (key in before and key not in last)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"addressPrefixes": ["192.0.2.1"]}, {"addressPrefixes": ["192.0.2.1/32"]}),
        ({"addressPrefixes": ["192.0.2.1/24"]}, {"addressPrefixes": ["192.0.2.0/24"]}),
        ({"addressPrefixes": ["2001:DB8::/64"]}, {"addressPrefixes": ["2001:db8:0:0::/64"]}),
        ({"subscriptions": [{"id": f"/Subscriptions/{'A' * 8}-{'A' * 4}-{'A' * 4}-{'A' * 4}-{'A' * 12}"}]},
         {"subscriptions": [{"id": f"/subscriptions/{'a' * 8}-{'a' * 4}-{'a' * 4}-{'a' * 4}-{'a' * 12}"}]}),
        ({"fullyQualifiedDomainNames": ["WWW.Contoso.com."]}, {"fullyQualifiedDomainNames": ["www.contoso.com"]}),
        ({"serviceTags": ["Storage.WestUS"]}, {"serviceTags": ["storage.westus"]}),
        ({"addressPrefixes": ["192.0.2.1/32", "192.0.2.2/32"]}, {"addressPrefixes": ["192.0.2.2/32", "192.0.2.1/32"]}),
        ({"addressPrefixes": ["192.0.2.1/32"], "provisioningState": "Succeeded", "phoneNumbers": [],
          "appliesTo": [{"resourceType": "*", "features": ["*"]}]}, {"addressPrefixes": ["192.0.2.1/32"]}),
    ],
)  # fmt: skip
def test_spelling_makes_no_difference(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert content.of_properties({"direction": "Inbound", **one}) == content.of_properties(
        {"direction": "inbound", **other}
    )


ODDITIES: list[Any] = [
    {}, {"direction": "Sideways", "addressPrefixes": ["192.0.2.1"]}, {"direction": "Inbound"},
    {"direction": "Inbound", "addressPrefixes": "192.0.2.1"}, {"direction": "Inbound", "addressPrefixes": [7]},
    {"direction": "Inbound", "addressPrefixes": [{"x": 1}]}, {"direction": ["Inbound"]},
    {"direction": "Inbound", "addressPrefixes": ["192.0.2.1"], "appliesTo": [{"resourceType": "x"}]},
    {"direction": "Inbound", "addressPrefixes": ["192.0.2.1"], "priority": 1},
]  # fmt: skip


@pytest.mark.parametrize("properties", ODDITIES, ids=str)
def test_what_cannot_be_read_is_equal_only_to_itself(properties: dict[str, Any]) -> None:
    found = content.of_properties(properties)
    assert not found.is_readable
    assert found == content.of_properties(dict(properties))
    assert found not in (A, content.of_properties({**properties, "more": 1}))
    prefixes = properties.get("addressPrefixes")
    assert found.count() == (len(prefixes) if isinstance(prefixes, list) else 0)


def test_rules_of_several_kinds_are_compared_whole() -> None:
    one = inbound("192.0.2.1", serviceTags=["Storage"])
    assert one.count() == 2
    assert one.is_readable
    assert one != inbound("192.0.2.1")


class TestRecord:
    """What the record says of whose a rule is."""

    def note(self, *events: tuple[str, Content | None]) -> list[dict[str, Any]]:
        return [
            {"event": event, "kind": RULES, "run": "1", "rule": list(KEY), "after": as_json(state)}
            for event, state in events
        ]

    @pytest.mark.parametrize(
        ("events", "live", "ours"),
        [
            ([("step", A), ("done", A)], A, A),
            ([("step", A), ("done", A)], B, A),
            ([("step", A)], A, A),  # written, and killed before that was noted
            ([("step", A)], None, None),  # killed before it was written
            ([("step", A)], B, None),  # somebody else made it: never ours for certain
            ([("step", A), ("refused", A)], A, None),
            ([("step", A), ("failed", A)], A, A),
            ([("step", A), ("done", A), ("step", B)], B, B),
            ([("step", A), ("done", A), ("step", B)], A, A),
            ([("step", A), ("done", A), ("step", B)], C, B),  # drift of ours
            ([("step", A), ("done", A), ("step", None)], None, None),
            ([("step", A), ("done", A), ("step", None)], A, A),
            ([("step", A), ("done", A), ("step", None)], C, None),
            ([("step", A), ("done", A), ("step", None), ("done", None)], A, None),
            ([("step", A), ("done", A), ("step", B), ("refused", B)], A, A),
            ([("step", A), ("done", A), ("gone", None)], A, None),
        ],
    )
    def test_of_unfinished_writes_what_is_in_force_tells(
        self, events: list[tuple[str, Content | None]], live: Content | None, ours: Content | None
    ) -> None:
        assert last_applied(self.note(*events), _of(live)) == _of(ours)

    def test_a_line_cut_short_is_none(self, tmp_path: Path) -> None:
        record = Record(tmp_path)
        assert record.entries() == []
        with record.writing() as writer:
            writer.add(event="one")
            writer.add(event="two", text="\u202e\n\x1b[31m")
        whole = record.path.read_bytes()
        for cut in range(len(whole)):
            record.path.write_bytes(whole[:cut])
            kept = [each["event"] for each in record.entries()]
            assert kept == ["one", "two"][: len(kept)]
            with record.writing() as writer:
                writer.add(event="next")
            assert [each["event"] for each in record.entries()] == [*kept, "next"]

    @pytest.mark.parametrize("text", ["x\n", "[]\n", '{"version": 2}\n', "{}\n", "\n", "\xff\n"])
    def test_a_damaged_record_is_told(self, tmp_path: Path, text: str) -> None:
        record = Record(tmp_path)
        record.path.write_bytes(text.encode("latin-1"))
        with pytest.raises(PublishError, match=r"Line 1 of .* isn't what nsp wrote"):
            record.entries()

    def test_two_cannot_apply_at_once(self, tmp_path: Path) -> None:
        record = Record(tmp_path)
        with record.writing(), pytest.raises(PublishError, match="Another nsp is applying"), record.writing():
            pass
