"""What is told of a night, by runs as the recommender prints them."""

from copy import deepcopy
from typing import Any

import pytest

from pipeline.nightly.changes import MANY, are_any, changes, sentence
from pipeline.nightly.run import SEVERITY, Outcome, _code
from pipeline.recommend.difference import run_of


def proposal(key: str, *elements: str, callers: int = 1, kind: str = "address-prefixes") -> dict[str, Any]:
    return {
        "id": key, "perimeter": "/p", "profile": "Apps", "direction": "Inbound", "kind": kind, "reason": "",
        "elements": list(elements), "flags": [], "recommended": True,
        "evidence": {"resources": [], "callers": callers, "requests": 5}, "exposure": {"resources_opened": []},
    }  # fmt: skip


def run(*proposals: dict[str, Any], **ready: bool) -> dict[str, Any]:
    lights = [
        {"perimeter": "/p", "profile": name, "lights": {"callers": True, "questions": light}}
        for name, light in ready.items()
    ]
    return {
        "run": {"id": "r", "created": "2026-11-25T00:00:00Z", "window": {}},
        "proposals": list(proposals), "readiness": lights,
    }  # fmt: skip


def told(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return changes(run_of(deepcopy(before)), run_of(deepcopy(after)), [], [])


def test_a_new_caller_is_told() -> None:
    found = told(run(proposal("a", "192.0.2.1/32")), run(proposal("a", "192.0.2.1/32"), proposal("b", "10.0.0.0/32")))
    assert [each["id"] for each in found["new_denials"]] == ["b"]


@pytest.mark.parametrize(("callers", "is_told"), [(2, False), (3, True)])
def test_a_prefix_in_the_place_of_others_is_told_only_where_somebody_is_new(callers: int, is_told: bool) -> None:
    before = run(proposal("a", "192.0.2.0/32"), proposal("b", "192.0.2.1/32"))
    after = run(proposal("c", "192.0.2.0/30", callers=callers))
    assert bool(told(before, after)["new_denials"]) is is_told
    assert told(after, before)["new_denials"] == [], "narrower than before"


def test_what_is_denied_anyway_is_no_new_denial() -> None:
    assert told(run(), run(proposal("a", kind="leave-denied")))["new_denials"] == []
    assert len(told(run(), run(proposal("a", kind="cannot-fix")))["new_denials"]) == 1


def test_readiness_both_ways() -> None:
    found = told(run(Apps=False, Data=True, Same=True), run(apps=True, Data=False, Same=True))
    assert found["became_ready"] == [{"perimeter": "/p", "profile": "apps"}]
    assert found["no_longer_ready"] == [{"perimeter": "/p", "profile": "Data"}]
    assert sentence(found) == "1 became ready, 1 no longer ready"
    assert are_any(found)


def test_lists_are_short_and_totals_whole() -> None:
    many = [proposal(str(each), f"192.0.2.{each}/32") for each in range(MANY + 5)]
    found = told(run(), run(*many))
    assert len(found["new_denials"]) == MANY
    assert found["new_denials_total"] == MANY + 5


def test_nothing_is_new_where_there_was_no_run_before() -> None:
    found = changes(None, run_of(run(proposal("a", "192.0.2.1/32"), Apps=True)), [], [])
    assert not are_any(found)
    assert not are_any(changes(run_of(run(Apps=True)), None, [], [])), "nor where this one found nothing"


@pytest.mark.parametrize("codes", [(0, 3, 5, 4, 1), (3, 5), (0, 0), ()])
def test_the_gravest_code_is_the_night_s(codes: tuple[int, ...]) -> None:
    code = _code([Outcome("x", "", code=each) for each in codes])
    assert code == min(codes, key=SEVERITY.index, default=0)
    assert codes != (0, 3, 5, 4, 1) or code == 1
