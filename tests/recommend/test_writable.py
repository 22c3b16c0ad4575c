"""Rules of proposals and of files, as they are written as code or applied."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InventoryError
from pipeline.publish.export import export
from pipeline.publish.form import Form
from pipeline.recommend.scope import Scope
from pipeline.recommend.writable import of_file, of_proposal, of_proposals
from tests.publish.samples import FIRST, HOSTILE, OF_TWO, SECOND, perimeter

PROPOSAL: dict[str, Any] = {
    "id": "051fb800f917", "perimeter": FIRST, "profile": "Data", "direction": "Inbound", "kind": "address-prefixes",
    "name": "nsp-ip-branch-051fb800", "elements": ["203.0.113.32/30"], "recommended": True, "flags": [],
    "reason": "Branch: 5 addresses",
}  # fmt: skip
NOTE = {**PROPOSAL, "id": "x", "kind": "cannot-fix", "elements": [], "recommended": False}


def test_a_proposal_is_a_rule_of_its_name() -> None:
    rule = of_proposal(PROPOSAL)
    assert (rule.name, rule.elements) == ("nsp-ip-branch-051fb800", ("203.0.113.32/30",))
    assert (rule.proposal, rule.reason) == ("051fb800f917", "Branch: 5 addresses")


def test_flagged_ones_are_counted_and_notes_left_out() -> None:
    flagged = {**PROPOSAL, "name": "other", "recommended": False, "flags": ["seen-on-one-day"]}
    found = of_proposals([PROPOSAL, flagged, NOTE], Scope())
    assert ([rule.name for rule in found.rules], found.flagged) == (["nsp-ip-branch-051fb800"], 1)


@pytest.mark.parametrize("scope", [Scope(perimeter="nsp2"), Scope(profile="apps"), Scope(perimeter=SECOND)])
def test_a_scope_leaves_out_others(scope: Scope) -> None:
    elsewhere = {**PROPOSAL, "perimeter": SECOND, "profile": "Apps"}
    (rule,) = of_proposals([PROPOSAL, elsewhere], scope).rules
    assert rule.perimeter == SECOND


def test_what_export_writes_is_read_with_proposal_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    for text in HOSTILE.values():
        rules = sorted(of_proposal({**PROPOSAL, "id": text, "reason": text, "name": name}) for name in "ab")
        path.write_text(export(rules, Form.JSON))
        assert list(of_file(path, Scope()).rules) == rules
    path.write_text(export(OF_TWO, Form.JSON))
    assert list(of_file(path, Scope()).rules) == sorted(OF_TWO)
    assert list(of_file(path, Scope(perimeter="nsp2")).rules) == [rule for rule in OF_TWO if rule.perimeter == SECOND]


def test_places_may_be_named_like_parts_of_an_id(tmp_path: Path) -> None:
    rule = of_proposal({**PROPOSAL, "perimeter": perimeter("profiles", "profiles"), "profile": "profiles"})
    path = tmp_path / "rules.json"
    path.write_text(export([rule], Form.JSON))
    assert of_file(path, Scope()).rules == (rule,)


def test_a_run_of_recommend_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"schema_version": 1, "proposals": [PROPOSAL, NOTE]}))
    assert of_file(path, Scope()).rules == (of_proposal(PROPOSAL),)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"name": "a'; >pwned; '"}, {"name": "${x}"}, {"profile": "a\nb"}, {"perimeter": f"{FIRST}'"},
        {"elements": ["203.0.113.0/24'"]}, {"elements": ["${x}"]}, {"elements": "203.0.113.0/24"}, {"elements": [4]},
        {"kind": "fqdns"}, {"direction": "Sideways"}, {"kind": "subscriptions", "elements": ["$(>pwned)"]},
        {"kind": "service-tags", "elements": ["`x`"]}, {"kind": "cannot-fix"},
    ],
)  # fmt: skip
def test_nothing_but_a_rule_becomes_one(spoilt: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InventoryError):
        of_proposal({**PROPOSAL, **spoilt})
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"proposals": [{**PROPOSAL, **spoilt}]}))
    with pytest.raises(InventoryError):
        of_file(path, Scope())


@pytest.mark.parametrize("key", ["id", "perimeter", "profile", "direction", "kind", "name", "elements", "recommended"])
def test_what_is_missing_is_named(key: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"proposals": [{name: value for name, value in PROPOSAL.items() if name != key}]}))
    with pytest.raises(InventoryError, match=f"lacks '{key}'"):
        of_file(path, Scope())


@pytest.mark.parametrize("content", ["", "[", "[]", "{}", '{"profiles": []}', '{"proposals": [1]}', '"x"'])
def test_what_is_no_file_of_rules(content: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(content)
    with pytest.raises(InventoryError):
        of_file(path, Scope())
