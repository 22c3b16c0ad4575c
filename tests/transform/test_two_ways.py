"""The quick way and the careful one read the same from a record, however it is spaced, blank or odd."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.extract.lines import LineStream
from pipeline.ingest import ingest_folder
from pipeline.store import Store, open_store
from pipeline.transform.record import FIELDS
from tests.thorough import times

TEXTS = (
    '""', "[]", "[ ]", "[\t]", "null", "{}", '" "', '"x"', "[1]", '[""]', '["a","b"]', "0", "false",
    '{"appId":""}', '{"a":"","b":1}', '["a",{"appId":""}]', '["]",{"b":[]}]', '[{"location":""}]',
    '":"', '": "', '":[]"', '"\\":\\"\\""', '":{"', '",\\"a\\":\\"\\""', '"\\\\"', '"é"', '"x~"',
)  # fmt: skip
"""JSON of values: blanks in every form, and strings that look like the end of a key."""
COLONS = (":", ": ", ":  ", ":\t", " :")
STRANGE = ("unknown", "n\\n", 'q\\"', "é", "", "appI~", "\\u0041", "b\\\\")
"""Keys that no column knows, as they stand in the text."""


@st.composite
def records(draw: st.DrawFn) -> str:
    """The text of a record on one line: known fields at any level, some that are unknown, any spacing."""
    fields = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=8, unique=True))
    colon = st.sampled_from(COLONS if draw(st.booleans()) else COLONS[:2])
    value = st.sampled_from(TEXTS)
    tree: dict[str, Any] = {"time": '"2026-10-01T04:36:54Z"', "category": '"NspPrivateInboundAllowed"'}
    for path in fields:
        place = tree
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = draw(value)
    for key in draw(st.lists(st.sampled_from(STRANGE), max_size=2, unique=True)):
        draw(st.sampled_from([tree, tree.get("properties", tree)]))[key] = draw(value)

    def text(node: Any) -> str:
        if isinstance(node, str):
            return node
        return "{" + ",".join(f'"{key}"{draw(colon)}{text(item)}' for key, item in node.items()) + "}"

    return text(tree)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ways")


def read(store: Store, file: Path, text: str) -> list[tuple[Any, ...]]:
    """What the tables hold of the record on the first line of a new file."""
    file.write_text(text)
    ingest_folder(store, file)
    file.unlink()
    found = []
    for select in ("* exclude (source_id) from access_log", "line, reason from rejected_record"):
        newest = "source_id = (select max(source_id) from load_ledger) and line = 1"
        found += store._connection.execute(f"select {select} where {newest}").fetchall()
    return found


@settings(max_examples=times(25), deadline=None)
@given(records())
@example('{"time":"2026-10-01T04:36:54Z","category":"A","location":"","properties":{"appId":[],"profile": ""}}')
@example('{"time":"2026-10-01T04:36:54Z","category":"A","location":"x","properties":{"parameters":":[]","p":":{"}}')
@example('{"time":"2026-10-01T04:36:54Z","category":"A","properties":{"parameters":{"a":"","b":1}}}')
@example('{"time":"2026-10-01T04:36:54Z","category":"A","location":["a",{"appId":""}],"count":1}')
@example('{"time":"2026-10-01T04:36:54Z","category":"A","location":{},"timeGeneratedEndTime":"garbage"}')
@example('{"time":"2026-10-01T04:36:54Z","category":"A","n\\n":"","\\u0041":""}')
def test_both_ways_read_the_same(base: Path, text: str) -> None:
    """A second line that is no record sends a file the careful way."""
    assert isinstance(json.loads(text), dict)
    with open_store(base / "store") as store:
        quick = read(store, base / "a.json", text + "\n")
        assert quick == read(store, base / "b.json", text + "\nbad\n")
        assert len(quick) == 1


@pytest.mark.parametrize("blank", ['""', "[]", "null"])
def test_blanks_of_every_field_go_the_quick_way(tmp_path: Path, blank: str) -> None:
    """A file of which any optional field is blank is read quickly, and each of them is null."""
    export = tmp_path / "export"
    export.mkdir()
    for number, path in enumerate(sorted(FIELDS)):
        if path[-1] not in ("time", "category"):
            inner = f'"{path[-1]}":{blank}'
            for part in reversed(path[:-1]):
                inner = f'"{part}":{{{inner}}}'
            text = f'{{"time":"2026-10-01T04:36:54Z","category":"A",{inner}}}\n'
            (export / f"{number:02}.json").write_text(text)
    with open_store(tmp_path / "store") as store:
        result = ingest_folder(store, export)
        assert result.outcome.careful == {}
        rows = store._connection.execute(
            "select * exclude (source_id, direction, traffic_type, action, rule_origin) from access_log"
        ).fetchall()
    assert len(rows) == len(FIELDS) - 2
    assert {sum(value is not None for value in row) for row in rows} == {5}, "line, time, count, counted, category"


@pytest.mark.parametrize("key", ["n\\n", "\\u0041", "A\\u00e9"])
def test_a_key_that_cannot_be_respelled_concerns_its_own_file_only(tmp_path: Path, key: str) -> None:
    export = tmp_path / "export"
    export.mkdir()
    head = '{"time":"2026-10-01T04:36:54Z","category":"A"'
    (export / "a.json").write_text(head + ',"location":""}\n')
    (export / "b.json").write_text(f'{head},"{key}":""}}\n')
    with open_store(tmp_path / "store") as store:
        result = ingest_folder(store, export)
    assert (result.outcome.records, result.outcome.rejected) == (2, 0)
    assert {Path(name).name: reason for name, reason in result.outcome.careful.items()} == {
        "b.json": "keys that can't be counted"
    }


def test_a_round_that_is_read_again_has_one_reader_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB stops at the first line while the files behind it are still being read."""
    reading: list[int] = []
    really = LineStream.close

    def closed(stream: LineStream) -> None:
        really(stream)
        reading.append(sum(thread.name.startswith("nsp-ahead") for thread in threading.enumerate()))

    monkeypatch.setattr(LineStream, "close", closed)
    line = '{"time":"2026-10-01T04:36:54Z","category":"NspPrivateInboundAllowed"}\n'
    (tmp_path / "0.json").write_text(line.replace("A", "\\x") + line)
    for number in range(1, 9):
        (tmp_path / f"{number}.json").write_text(line * 50_000)
    with open_store(tmp_path / "store") as store:
        result = ingest_folder(store, tmp_path)
    assert (result.outcome.records, result.outcome.rejected) == (400_001, 1)
    assert len(reading) >= 3, "quickly, to find the line, again, and carefully"
    assert set(reading) == {0}
