"""A table in any room: numbers are whole, and a column that isn't shown is named."""

import io
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from pipeline.cli.output import plain, table
from tests.thorough import times

WORDS = st.text(st.characters(categories=("L", "Nd", "P")), max_size=40)
NUMBERS = st.integers(-(10**9), 10**9)
CELLS = {"text": WORDS, "number": st.one_of(NUMBERS, st.none()), "empty": st.none(), "mixed": st.one_of(NUMBERS, WORDS)}


def shown(columns: list[str], rows: list[list[Any]], room: int, wrap: tuple[str, ...] = ()) -> str:
    to = Console(file=io.StringIO(), width=room, highlight=False)
    to.print(table("", columns, rows, wrap=wrap))
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def told(text: str) -> list[str]:
    """The columns that the sentence under a table names."""
    found = re.search(r"left out for want of room: (.*)\. A wider", " ".join(text.split()))
    return found[1].split(", ") if found else []


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]], tuple[str, ...]]:
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=14))
    columns = [f"c{index}{draw(st.sampled_from(['', ' of', ' of them']))}" for index in range(len(kinds))]
    rows = draw(st.lists(st.tuples(*(CELLS[kind] for kind in kinds)).map(list), max_size=6))
    return columns, rows, tuple(draw(st.lists(st.sampled_from(columns), max_size=2)))


@settings(max_examples=times(200), deadline=None)
@given(tables(), st.integers(20, 200))
def test_numbers_are_whole_and_columns_are_shown_or_told(
    made: tuple[list[str], list[list[Any]], tuple[str, ...]], room: int
) -> None:
    columns, rows, wrap = made
    text = shown(columns, rows, room, wrap)
    left_out = told(text)
    heading = text.partition("\u2500")[0]
    for index, name in enumerate(columns):
        assert (name in left_out) != (re.search(rf"\b{name.split()[0]}\b", heading) is not None)
        for row in rows:
            if name not in left_out and isinstance(row[index], int):
                assert plain(row[index]) in text.split()
    assert all(len(line) <= room for line in text.splitlines())


def test_texts_fold_before_a_column_goes_and_those_at_the_right_go_first() -> None:
    columns = ["resource", "profile", "denied_if_enforced", "days_seen", "first_seen", "why"]
    rows: list[list[Any]] = [["storage/" + "a" * 50, "data", 419_869, 35, "2026-09-28", "one two three four five"]]
    assert told(shown(columns, rows, 80)) == []
    assert told(shown(columns, rows, 60)) == ["why"]
    assert told(shown(columns, rows, 50)) == ["first seen", "why"]
    assert "a" * 50 in re.sub(r"\s", "", shown(columns[:1], rows, 30))


def test_empty_columns_go_before_any_text() -> None:
    rows: list[list[Any]] = [["a" * 12, None, "b" * 12, "c" * 12, "d" * 12]]
    assert told(shown(["first", "region", "second", "third", "fourth"], rows, 58)) == ["region"]


@pytest.mark.parametrize("room", [60, 120])
def test_one_long_name_takes_the_room_of_no_other_column(room: int) -> None:
    rows: list[list[Any]] = [["Nsp" * 200, 419_869, "a rule of the perimeter admits it"]]
    columns = ["category", "requests", "before enforcing this means"]
    text = shown(columns, rows, room, wrap=(columns[-1],))
    assert not told(text)
    assert "419,869" in text.split()
    assert "perimeter" in text
