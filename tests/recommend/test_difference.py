"""What a night changes: nothing, where it was quiet."""

import copy
import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.ingest import ingest_folder
from pipeline.recommend.difference import Difference, Run, compare, read, run_of
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import recommend
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from tests.conftest import line

START = datetime(2026, 9, 1, 8)
FUNCTION = "/subscriptions/22222222-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Web/sites/f"
MEMBER = "/subscriptions/0000/resourceGroups/g/providers/Microsoft.Search/searchServices/s"
PARTNER = "0f000000-0000-0000-0000-000000000001"
OUTBOUND = "NspPublicOutboundResourceRulesAllowed"


def at(day: int) -> dict[str, Any]:
    moment = START + timedelta(days=day)
    return {"time": f"{moment.isoformat()}Z", "timeGeneratedEndTime": f"{moment.isoformat()}Z"}


def ordinary(day: int) -> str:
    """The traffic of every day: some of each kind of proposal."""
    lines = [line(**at(day), properties__source__ipAddress=f"203.0.113.{last}") for last in (8, 9, 10, 11, 77)]
    lines.append(line(**at(day), properties__source__ipAddress="10.1.2.3"))
    lines.append(line(**at(day), properties__source={"resourceId": FUNCTION, "ipAddress": "198.51.100.9"}))
    lines.append(line(**at(day), properties__source={"resourceId": MEMBER, "ipAddress": "198.51.100.10"}))
    lines.append(line(**at(day), properties__source={"perimeterGuids": [PARTNER], "ipAddress": "198.51.100.11"}))
    stranger = {"category": "NspPublicInboundResourceRulesDenied", "properties__source__ipAddress": "192.0.2.66"}
    lines.append(line(**at(day), **stranger))
    destination = {"fullyQualifiedDomainName": "api.example.com"}
    lines.append(line(**at(day), category=OUTBOUND, properties__destination=destination, properties__source=None))
    return "".join(lines)


def add(store: Store, export: Path, day: int, *more: str) -> None:
    (export / f"{day}.json").write_text(ordinary(day) + "".join(more))
    ingest_folder(store, export)


def run(store: Store, day: int) -> dict[str, Any]:
    found = recommend(store, Limits(), Scope(), START + timedelta(days=day + 1)).as_json()
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def between(one: dict[str, Any], other: dict[str, Any], scope: Scope | None = None) -> Difference:
    return compare(run_of(one), run_of(other), scope or Scope())


def months(store: Store, export: Path, days: int) -> None:
    for day in range(days):
        (export / f"{day}.json").write_text(ordinary(day))
    ingest_folder(store, export)


def test_quiet_night_gives_an_empty_difference_and_a_guest_shows(store: Store, export: Path) -> None:
    months(store, export, 36)
    before = run(store, 35)
    assert {each["kind"] for each in before["proposals"]} == {
        "associate", "link", "address-prefixes", "subscriptions", "fqdns", "cannot-fix", "leave-denied",
    }  # fmt: skip
    add(store, export, 36)
    quiet = run(store, 36)
    assert quiet["proposals"] != before["proposals"], "the evidence grew"
    assert between(before, quiet).is_empty

    guest = {"properties__source__ipAddress": "198.51.100.200"}
    add(store, export, 37, line(**at(37), **guest))
    visited = run(store, 37)
    (change,) = between(quiet, visited).changes
    assert (change.change, change.proposal["elements"]) == ("new", ["198.51.100.200/32"])
    assert change.proposal["flags"] == ["seen-on-one-day"]
    add(store, export, 38, line(**at(38), **guest))
    (change,) = between(visited, run(store, 38)).changes
    assert (change.change, change.sentences) == (
        "changed", ("recommended now", "no longer flagged: seen-on-one-day"),
    )  # fmt: skip


def proposal(identity: str, *elements: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "perimeter": "/x/p",
        "profile": "apps",
        "direction": "Inbound",
        "kind": "address-prefixes",
        "name": f"nsp-{identity}",
        "elements": list(elements),
        "recommended": True,
        "flags": [],
        "reason": "one address",
        "evidence": {"requests": 1, "resources": ["/r/docs"]},
        "exposure": {"extra_addresses": 0, "resources_opened": ["/r/keys"]},
        **fields,
    }


def printed(proposals: Iterable[dict[str, Any]], *profiles: str, **lights: bool) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "run": {"id": "a", "created": "2026-10-01T00:00:00Z", "window": {"start": None, "end": None}, "sources": []},
        "coverage": {},
        "readiness": [
            {"perimeter": "/x/p", "profile": name, "ready": False, "lights": {"callers": True, "window": True} | lights}
            for name in profiles or ("apps",)
        ],
        "proposals": list(proposals),
    }


def test_more_evidence_is_no_change_and_a_newly_opened_resource_is() -> None:
    one = proposal("a", "203.0.113.0/30")
    more = proposal(
        "a", "203.0.113.0/30", reason="4 addresses, the whole prefix",
        evidence={"requests": 9, "resources": ["/r/docs", "/r/keys"]},
        exposure={"extra_addresses": 1, "resources_opened": []},
    )  # fmt: skip
    assert between(printed([one]), printed([more])).is_empty
    assert between(printed([more]), printed([one])).is_empty, "what was called before had been open"
    exposure = {"extra_addresses": 0, "resources_opened": ["/r/keys", "/r/sql"]}
    (change,) = between(printed([one]), printed([{**one, "exposure": exposure}])).changes
    assert change.sentences == ("would open now as well: sql",)


def test_prefixes_that_take_turns_name_each_other() -> None:
    before = [proposal("a", "203.0.113.0/29"), proposal("b", "198.51.100.1/32"), proposal("c", "2001:db8::/64")]
    now = [proposal("d", "203.0.113.0/28"), proposal("c", "2001:db8::/64")]
    found = between(printed(before), printed(now))
    assert [(each.change, each.proposal["id"], each.sentences) for each in found.changes] == [
        ("gone", "b", ()),
        ("new", "d", ("in place of 203.0.113.0/29",)),
        ("gone", "a", ("now in 203.0.113.0/28",)),
    ]


def test_lights_that_changed_and_profiles_that_came_and_went() -> None:
    found = between(printed([], "apps", "old"), printed([], "APPS", "young", window=False))
    assert [(each.profile, each.light, each.was_green, each.is_green) for each in found.lights] == [
        ("APPS", "window", True, False),
        ("old", "callers", True, None),
        ("old", "window", True, None),
        ("young", "callers", None, True),
        ("young", "window", None, False),
    ]


def test_only_what_the_later_run_looked_at_is_compared() -> None:
    other = proposal("b", "198.51.100.1/32", profile="data")
    before, now = printed([proposal("a", "203.0.113.7/32"), other], "apps", "data"), printed([other], "data")
    assert between(before, now, Scope(perimeter="P", profile="Data")).is_empty
    assert not between(before, now).is_empty


def test_order_does_not_matter() -> None:
    some = [proposal(f"{number}", f"203.0.113.{number}/32", flags=["sparse"]) for number in range(6)]
    others = [proposal(f"{number}", f"203.0.113.{number}/32") for number in range(3, 9)]
    wanted = between(printed(some, "a", "b"), printed(others, "c")).as_json()
    mixer = random.Random(1)
    for _ in range(5):
        mixer.shuffle(some)
        mixer.shuffle(others)
        assert between(printed(some, "b", "a"), printed(others, "c")).as_json() == wanted
    assert [len(wanted[name]) for name in ("new", "gone", "changed")] == [3, 3, 3]


def broken(**fields: Any) -> dict[str, Any]:
    made = copy.deepcopy(printed([proposal("a", "203.0.113.7/32")]))
    return {**made, **fields}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "isn't JSON"),
        ("[" * 100_000, "isn't JSON"),
        ("[]", "has no schema_version"),
        (json.dumps(broken(schema_version=2)), "has schema_version 2; this nsp reads 1"),
        (json.dumps(broken(schema_version=True)), "has schema_version True"),
        (json.dumps(broken(run=None)), "run of it must be an object"),
        (json.dumps(broken(proposals={})), "proposals of it must be a list"),
        (json.dumps(broken(proposals=[1])), r"id of proposals\[0\] must be text"),
        (json.dumps(broken(proposals=[proposal("a", flags=None)])), r"flags of proposals\[0\] must be a list"),
        (json.dumps(broken(proposals=[proposal("a", flags=[1])])), r"flags of proposals\[0\] must be a list of texts"),
        (json.dumps(broken(proposals=[proposal("a", recommended=1)])), "must be true or false"),
        (json.dumps(broken(proposals=[proposal("a", exposure={})])), r"resources_opened of proposals\[0\].exposure"),
        (json.dumps(broken(proposals=[proposal("a"), proposal("a")])), "'a' occurs twice"),
        (json.dumps(broken(readiness=[{"perimeter": "/p"}])), r"profile of readiness\[0\] must be text"),
        (json.dumps(printed([], "a", "A")), "'A' of /x/p occurs twice"),
        (json.dumps(printed([], window="x")), r"window of readiness\[0\].lights must be true or false"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_wrong_file_is_told(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "last.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=told):
        read(path)


def test_what_is_printed_is_read(tmp_path: Path) -> None:
    path = tmp_path / "last.json"
    path.write_text(json.dumps(broken()))
    found = read(path)
    assert isinstance(found, Run)
    assert list(found.proposals) == ["a"]
