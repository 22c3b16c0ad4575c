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


def with_a_value(text: str) -> int:
    """How many keys of a JSON text have a value that is neither blank nor an object, also those given twice."""
    found = 0

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        found += sum(value not in ("", [], None) and not isinstance(value, dict) for _, value in pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=look)
    return found


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
    # what is blank got a name that no column has
    left = [json.loads(text) for text in block.tobytes().decode().splitlines()]
    assert not any(value in ("", []) and not key.endswith("~") for each in left for key, value in _leaves(each))


def _leaves(record: dict[str, Any]) -> list[tuple[str, Any]]:
    found = []
    for key, value in record.items():
        found += _leaves(value) if isinstance(value, dict) else [(key, value)]
    return found


@pytest.mark.parametrize("odd", ['"a" :1', '"a":  1', '"a\\\\":1', '"a":[1]', '"a":{}', '"\\n":""', '"b\\u0041":[]'])
def test_what_it_cannot_tell_it_says(odd: str) -> None:
    assert count_keys(block_of(line(), "{" + odd + "}\n"), BufferPool()) is None
