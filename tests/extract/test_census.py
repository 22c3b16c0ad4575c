"""Keys with a value are counted as by someone who parses, wherever a window of the search ends."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.extract import buffers
from pipeline.extract.buffers import BufferPool
from pipeline.extract.census import count_keys
from pipeline.tables import ACCESS_LOG
from tests.conftest import line
from tests.thorough import times
from tests.transform.test_two_ways import records

COLUMNS = [column.blob.split(".") for column in ACCESS_LOG.columns if column.blob]


def block_of(*lines: str) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    return np.frombuffer("".join(lines).encode(), np.uint8).copy()


def pairs(text: str) -> list[tuple[str, Any]]:
    """The keys and values of a JSON text at any level, also of keys that are given twice, but not those of objects."""
    found: list[tuple[str, Any]] = []

    def look(given: list[tuple[str, Any]]) -> dict[str, Any]:
        found.extend((key, value) for key, value in given if not isinstance(value, dict))
        return dict(given)

    json.loads(text, object_pairs_hook=look)
    return found


def with_a_value(text: str) -> int:
    return sum(value not in ("", [], None) for _, value in pairs(text))


@settings(max_examples=times(100), deadline=None)
@given(st.lists(records(), min_size=1, max_size=3), st.integers(1, 40))
def test_no_count_is_too_low_and_none_depends_on_windows(texts: list[str], window: int) -> None:
    lines = [text + "\n" for text in texts]
    whole, cut = block_of(*lines), block_of(*lines)
    count = count_keys(whole, BufferPool())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffers, "WINDOW", window)
        assert count_keys(cut, BufferPool()) == count
    if count is not None:
        assert count >= sum(map(with_a_value, texts))
        assert (whole == cut).all()


@settings(max_examples=times(50), deadline=None)
@given(st.lists(st.sets(st.sampled_from(range(len(COLUMNS)))), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_what_services_write_is_counted_exactly(given_fields: list[set[int]], spaced: bool, empty: bool) -> None:
    lines = []
    for fields in given_fields:
        record: dict[str, Any] = {"time": "2026-10-01T04:36:54Z", "count": 3}
        for number in sorted(fields):
            place = record
            for part in COLUMNS[number][:-1]:
                place = place.setdefault(part, {})
            place[COLUMNS[number][-1]] = "" if empty and number % 3 else ["a", "b"] if number % 5 == 0 else "12:30, a"
        lines.append(json.dumps(record, separators=(",", ": " if spaced else ":")) + "\n")
    block = block_of(*lines)
    assert count_keys(block, BufferPool()) == sum(map(with_a_value, lines))
    left = block.tobytes().decode().splitlines()
    blank = [key for text in left for key, value in pairs(text) if value in ("", [])]
    assert all(key.endswith("~") for key in blank), "no column has such a name"


@pytest.mark.parametrize("odd", ['"a" :1', '"a":  1', '"a\\\\":1', '"a":[1]', '"a":{}', '"\\n":""', '"b\\u0041":[]'])
def test_what_it_cannot_tell_it_says(odd: str) -> None:
    assert count_keys(block_of(line(), "{" + odd + "}\n"), BufferPool()) is None
