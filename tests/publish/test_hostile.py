"""A table of sink x text: whatever a reason or a proposal's id says, the rules stay the same and nothing is run."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.publish.comment import LONGEST
from pipeline.publish.export import export
from pipeline.publish.form import Form
from pipeline.recommend.access_rule import AccessRule
from tests.publish import readers
from tests.publish.samples import HOSTILE, RULES, bare

MARKS = {Form.BICEP: "//", Form.TERRAFORM: "#", Form.AZ: "#", Form.POWERSHELL: "#"}
SAME = bare(RULES)


def spoilt(text: str) -> list[AccessRule]:
    return [replace(rule, reason=text, proposal=text) for rule in RULES]


@cache
def hcl() -> dict[str, dict[str, Any]]:
    """All texts in one go: the parser takes half a second to start."""
    found = readers.parsed_hcl([export(spoilt(text), Form.TERRAFORM) for text in HOSTILE.values()])
    return dict(zip(HOSTILE, found, strict=True))


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_inert(form: Form, name: str, tmp_path: Path) -> None:
    text = export(spoilt(HOSTILE[name]), form)
    match form:
        case Form.ARM:
            found = readers.arm(text)
        case Form.BICEP:
            found = readers.bicep(text)
        case Form.TERRAFORM:
            found = readers.terraform(hcl()[name]["holds"])
        case Form.AZ:
            found = readers.az(readers.ran(text, tmp_path))
        case Form.POWERSHELL:
            found = readers.powershell(text)
        case Form.JSON:
            found = readers.objects(text)
    assert bare(found) == SAME
    shown = text.removeprefix("\ufeff")
    assert all(each.isprintable() or each == "\n" for each in shown)
    if mark := MARKS.get(form):
        assert code(shown, mark) == code(export(SAME, form).removeprefix("\ufeff"), mark)
        assert max(len(line) for line in shown.split("\n")) < 12 * LONGEST * 2
    assert text == export(spoilt(HOSTILE[name]), form)


def code(text: str, mark: str) -> list[str]:
    """The lines that are no comments, and those comments that are the same for all rules."""
    return [line for line in text.split("\n") if not re.match(f"{mark} (proposal|reason)", line)]


def test_a_reason_is_told_whole_where_it_is_harmless() -> None:
    reason = "Größe: 5 Adressen; 'Zweigstelle' (日本)"
    for form in MARKS:
        assert f"reason: {reason}\n" in export(spoilt(reason), form)


def test_a_long_reason_is_cut_and_says_so() -> None:
    assert "... (9,600 more characters)" in export([replace(RULES[0], reason="x" * 10_000)], Form.BICEP)
