"""Each mess that real exports have, one test each: nothing is lost, nothing stops the run."""

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.extract import document
from pipeline.ingest import ingest_folder
from pipeline.store import Store
from tests.conftest import line, pascal, record, respelled


def load(store: Store, export: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = export / name.replace("__", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    ingest_folder(store, export)


def rows(store: Store, columns: str) -> list[tuple[Any, ...]]:
    return store._connection.execute(f"select {columns} from access_log order by source_id, line").fetchall()


def rejects(store: Store) -> list[tuple[int, str]]:
    return store._connection.execute("select line, reason from rejected_record order by source_id, line").fetchall()


@pytest.mark.parametrize("spell", [str, pascal, str.lower, str.upper, lambda key: key.swapcase()])
def test_keys_in_any_case_at_every_level(store: Store, export: Path, spell: Any) -> None:
    text = json.dumps(respelled(record(), spell)) + "\n"
    load(store, export, a__json=text + text)
    read = rows(store, "category, profile, matched_rule, source_ip, count, extra")
    assert read == [("NspPublicInboundResourceRulesAllowed", "apps", "DefaultDenyAll", "203.0.113.7", 3, None)] * 2


def test_files_of_different_spelling_in_one_run(store: Store, export: Path) -> None:
    pascal_line = json.dumps(respelled(record(), pascal), separators=(",", ":")) + "\n"
    load(store, export, a__json=line(), b__json=pascal_line, c__json=line(), d__json=pascal_line)
    assert rows(store, "source_ip") == [("203.0.113.7",)] * 4


def test_spellings_mixed_within_a_file(store: Store, export: Path) -> None:
    pascal_line = json.dumps(respelled(record(), pascal), separators=(",", ":")) + "\n"
    load(store, export, a__json=line() + pascal_line + line(properties__Profile="other", properties__profile=None))
    assert rows(store, "profile, source_ip, extra") == [
        ("apps", "203.0.113.7", None),
        ("apps", "203.0.113.7", None),
        ("other", "203.0.113.7", None),
    ]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(17, (17, True)), ("17", (17, True)), (None, (1, False)), ("", (1, False)), (0, (1, True)), (2.0, (2, True))],
)
def test_count_as_number_string_or_absent(store: Store, export: Path, count: Any, expected: tuple[int, bool]) -> None:
    load(store, export, a__json=line(count=count))
    assert rows(store, "count, counted") == [expected]


@pytest.mark.parametrize("count", [-1, "many", 3.7, 10**10, True, [1]])
def test_count_that_is_none_is_rejected(store: Store, export: Path, count: Any) -> None:
    load(store, export, a__json=line() + line(count=count))
    assert rejects(store) == [(2, "count is no whole number between 0 and 1,000,000,000")]
    assert len(rows(store, "line")) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-04-26T00:58:01", datetime(2024, 4, 26, 0, 58, 1)),
        ("2024-04-26T00:58:01Z", datetime(2024, 4, 26, 0, 58, 1)),
        ("2024-04-26T00:58:01.1234567Z", datetime(2024, 4, 26, 0, 58, 1, 123456)),
        ("2024-04-26T00:58:01.1234567", datetime(2024, 4, 26, 0, 58, 1, 123456)),
        ("2024-04-26T00:58:01+02:00", datetime(2024, 4, 25, 22, 58, 1)),
        ("2024-04-26T00:58:01.5-07:00", datetime(2024, 4, 26, 7, 58, 1, 500000)),
    ],
)
def test_time_with_or_without_zone_and_with_seven_digits(
    store: Store, export: Path, text: str, expected: datetime
) -> None:
    load(store, export, a__json=line(time=text, timeGeneratedEndTime=text))
    assert rows(store, "time, end_time") == [(expected, expected)]


@pytest.mark.parametrize(
    "text", ["yesterday", "2024-02-30T00:00:00Z", "infinity", "1999-01-01T00:00:00Z", "1714093081"]
)
def test_time_that_is_none_is_rejected(store: Store, export: Path, text: str) -> None:
    load(store, export, a__json=line() + line(time=text))
    assert rejects(store) == [(2, "time is no timestamp between 2015 and 2099")]


def test_end_time_that_is_none_is_rejected(store: Store, export: Path) -> None:
    load(store, export, a__json=line() + line(timeGeneratedEndTime="later"))
    assert rejects(store) == [(2, "timeGeneratedEndTime is no timestamp between 2015 and 2099")]


def test_blanks_become_null(store: Store, export: Path) -> None:
    blank = line(location="", properties__source__appId="", properties__source__perimeterGuids=[], operationName="")
    load(store, export, a__json=blank)
    assert rows(store, "location, source_app_id, source_perimeters, operation, extra") == [(None,) * 5]


def test_explicit_nulls_become_null_and_are_no_unknown_fields(store: Store, export: Path) -> None:
    made = record()
    made["location"] = made["properties"]["parameters"] = made["properties"]["destination"] = None
    load(store, export, a__json=json.dumps(made) + "\n")
    assert rows(store, "location, parameters, destination_fqdn, extra, source_ip") == [
        (None, None, None, None, "203.0.113.7"),
    ]


def test_byte_order_mark_and_carriage_returns(store: Store, export: Path) -> None:
    text = "\ufeff" + line().replace("\n", "\r\n") + "\r\n" + line().replace("\n", "\r\n")
    load(store, export, a__json=text)
    assert rows(store, "line") == [(1,), (3,)]
    assert rejects(store) == []


def test_cut_last_line_waits_for_its_rest(store: Store, export: Path) -> None:
    whole = line(properties__profile="späť")
    cut = whole.encode()[:-90]
    load(store, export, a__json=line().encode() + cut)
    assert rows(store, "line") == [(1,)]
    assert store._connection.execute("select pending_bytes from load_ledger").fetchall() == [(len(cut),)]
    load(store, export, a__json=line() + whole + line())
    assert rows(store, "line, profile") == [(1, "apps"), (2, "späť"), (3, "apps")]
    assert rejects(store) == []


def test_last_line_without_newline_is_read_when_it_is_whole(store: Store, export: Path) -> None:
    load(store, export, a__json=line() + line().rstrip("\n"))
    assert len(rows(store, "line")) == 2
    load(store, export, a__json=line() + line() + line())
    assert rows(store, "line") == [(1,), (2,), (3,)]


def test_bad_lines_are_kept_with_file_and_line(store: Store, export: Path) -> None:
    bad = ["garbage", line()[:50], '{"time":"2026-10-01T00:00:00Z","note":"say "hello""}', "[1,2]", "null", "17", '"x"']
    load(store, export, a__json=line() + "\n".join(bad) + "\n" + line())
    assert rows(store, "line") == [(1,), (9,)]
    kept = store._connection.execute("select line, raw from rejected_record order by line").fetchall()
    assert kept == [(number, text.rstrip("\n")) for number, text in enumerate(bad, start=2)]
    assert [reason for _, reason in rejects(store)] == ["not valid JSON"] * 3 + ["not a JSON object"] * 4


@pytest.mark.parametrize(("field", "reason"), [("time", "no time"), ("category", "no category")])
def test_records_without_time_or_category_are_rejected(store: Store, export: Path, field: str, reason: str) -> None:
    load(store, export, a__json=line() + line(**{field: ""}) + line(**{field: None}))
    assert rejects(store) == [(2, reason), (3, reason)]


def test_unknown_fields_are_kept_at_every_level(store: Store, export: Path) -> None:
    text = line(schema="2") + line() + line(properties__serviceFeatureNames=["*"], properties__source__odd={"a": 1})
    load(store, export, a__json=text)
    extras = [json.loads(extra) if extra else None for (extra,) in rows(store, "extra")]
    assert extras == [
        {"$.schema": "2"},
        None,
        {"$.properties.serviceFeatureNames": ["*"], "$.properties.source.odd": {"a": 1}},
    ]


def test_field_of_another_type_is_kept(store: Store, export: Path) -> None:
    load(store, export, a__json=line(properties__matchedRule="DenyAll") + line(properties__source="nobody"))
    extras = [json.loads(extra) for (extra,) in rows(store, "extra")]
    assert extras == [{"$.properties.matchedRule": "DenyAll"}, {"$.properties.source": "nobody"}]


def test_one_unknown_field_far_into_a_large_file_is_kept(store: Store, export: Path) -> None:
    text = line() * 5000 + line(late="yes") + line() * 5000
    load(store, export, a__json=text)
    found = store._connection.execute("select line, extra from access_log where extra is not null").fetchall()
    assert found == [(5001, '{"$.late":"yes"}')]


def test_unknown_field_is_kept_though_escaped_quotes_would_hide_it(store: Store, export: Path) -> None:
    text = line(resultDescription='say "hello"') * 3 + line(late="yes")
    load(store, export, a__json=text)
    assert rows(store, "extra")[-1] == ('{"$.late":"yes"}',)


def test_unknown_category_is_kept_and_reported(store: Store, export: Path) -> None:
    load(store, export, a__json=line(category="NspPublicInboundAuditOnly"))
    assert rows(store, "category, direction, action") == [("NspPublicInboundAuditOnly", "Inbound", None)]
    assert store.rows("coverage/category_counts")[0][:2] == ("NspPublicInboundAuditOnly", 1)


@pytest.mark.parametrize(
    ("text", "canonical", "network"),
    [
        ("203.0.113.7:50196", "203.0.113.7", "public"),
        ("[2001:db8::7]:443", "2001:db8::7", "public"),
        ("2001:DB8::7", "2001:db8::7", "public"),
        ("nobody", "nobody", "unreadable"),
    ],
)
def test_addresses_with_port_and_ipv6(store: Store, export: Path, text: str, canonical: str, network: str) -> None:
    load(store, export, a__json=line(properties__source__ipAddress=text))
    assert rows(store, "source_ip") == [(text,)]
    read = "select source_ip, source_network from traffic"
    assert store._connection.execute(read).fetchall() == [(canonical, network)]


def test_two_spellings_of_an_address_are_one_flow(store: Store, export: Path) -> None:
    one, other = (line(properties__source__ipAddress=text) for text in ("2001:DB8::7", "[2001:db8:0::7]:443"))
    load(store, export, a__json=one + other)
    assert store._connection.execute("select records, requests from traffic").fetchall() == [(2, 6)]


def test_host_name_with_and_without_its_root_is_one_flow(store: Store, export: Path) -> None:
    names = ("API.example.com.", "api.example.com", "api.example.com..")
    load(store, export, a__json="".join(line(properties__destination__fullyQualifiedDomainName=name) for name in names))
    assert store._connection.execute("select destination_fqdn from traffic").fetchall() == [("api.example.com",)]


def test_rows_of_another_hour_than_their_path(store: Store, export: Path) -> None:
    folder = export / "insights-logs-nspx" / "resourceId=" / "y=2026" / "m=10" / "d=01" / "h=04" / "m=00"
    folder.mkdir(parents=True)
    (folder / "PT1H.json").write_text(line() + line(time="2026-10-03T23:59:59Z"))
    ingest_folder(store, export)
    hours = store._connection.execute("select hour from traffic order by hour").fetchall()
    assert hours == [(datetime(2026, 10, 1, 4),), (datetime(2026, 10, 3, 23),)]


def test_array_and_envelopes(store: Store, export: Path) -> None:
    load(
        store,
        export,
        a__json=json.dumps([record(), record(), 5]),
        b__json=json.dumps({"records": [record(), record()]}, indent=2),
        c__json=json.dumps({"records": [record()]}) + "\n" + json.dumps({"Records": [record(), record()]}) + "\n",
        d__json=json.dumps([{"records": [record()]}, record()]),
        e__json=json.dumps(record(), indent=2),
    )
    counts = store._connection.execute("select name[-6:], records, rejected from load_ledger order by name").fetchall()
    assert counts == [("a.json", 2, 1), ("b.json", 2, 0), ("c.json", 3, 0), ("d.json", 2, 0), ("e.json", 1, 0)]
    assert rejects(store) == [(3, "not a JSON object")]


def test_cut_array_is_rejected_whole_and_read_again_when_it_changes(store: Store, export: Path) -> None:
    text = json.dumps([record(), record()])
    load(store, export, a__json=text[:-20])
    assert rejects(store) == [(2, "the rest of the array is cut or malformed")]
    assert len(rows(store, "line")) == 1
    load(store, export, a__json=text)
    assert rejects(store) == []
    assert len(rows(store, "line")) == 2


FEW = 3
MANY = 200
"""An envelope of so many records on one line is longer than what is looked at to tell lines from documents."""


def envelope(count: int, **others: Any) -> dict[str, Any]:
    return {**others, "records": [record() for _ in range(count)]}


@pytest.mark.parametrize(
    ("text", "records"),
    [
        (2 * json.dumps(envelope(FEW), indent=2), 2 * FEW),
        (f"[\n{line()}]\n{line()}{line()}", 3),
        (3 * (json.dumps(envelope(MANY)) + "\n"), 3 * MANY),
        (3 * (json.dumps(envelope(MANY)["records"]) + "\n"), 3 * MANY),
        (json.dumps(envelope(1)) + "\n" + json.dumps(envelope(MANY)) + "\n", 1 + MANY),
        (json.dumps(envelope(MANY)), MANY),
        (json.dumps(envelope(MANY)) + "\n" + line(), MANY + 1),
        (json.dumps(envelope(FEW), indent=1)[:-1] + ',"records":' + json.dumps([record()]) + "}", FEW + 1),
    ],
    ids=["envelopes", "array-then-lines", "long-envelope-lines", "long-array-lines", "a-short-one-first",
         "one-long-line", "a-long-one-first", "records-twice"],
)  # fmt: skip
def test_nothing_behind_the_first_document_is_lost(store: Store, export: Path, text: str, records: int) -> None:
    load(store, export, a__json=text)
    assert (len(rows(store, "line")), rejects(store)) == (records, [])


@pytest.mark.parametrize("shift", range(-3, 4))
def test_where_a_long_line_is_cut_to_look_at_it_tells_nothing(store: Store, export: Path, shift: int) -> None:
    begin = '{"records":[' + json.dumps(record(location=""))
    place = begin.index('"location": "') + len('"location": "')
    begin = begin[:place] + "x" * (65_536 + shift - len(begin)) + begin[place:]  # ends with }}} near byte 65,536
    load(store, export, a__json=begin + "," + json.dumps(record()) + "]}")
    assert (len(rows(store, "line")), rejects(store)) == (2, [])


def test_what_an_envelope_holds_beside_its_records_is_told(store: Store, export: Path) -> None:
    load(store, export, a__json=json.dumps(envelope(2, note="x") | {"trailer": {"a": 1}}, indent=2))
    assert len(rows(store, "line")) == 2
    assert rejects(store) == [(3, "the envelope holds more than its records")]
    (raw,) = store._connection.execute("select raw from rejected_record").fetchall()
    assert raw == ('"note": "x", "trailer": {\n    "a": 1\n  }',)


def test_junk_behind_a_document_is_told(store: Store, export: Path) -> None:
    load(store, export, a__json=json.dumps([record()], indent=2) + "\n}\n")
    assert len(rows(store, "line")) == 1
    assert rejects(store) == [(2, "the rest of the array is cut or malformed")]


@pytest.mark.parametrize(
    "flawed",
    [
        b'{"time":"2026-10-01T00:00:00Z","note":"\xff"}',
        b'{"time":"2026-10-01T00:00:00Z","note":"a\nb"}',
        b'{"time":"2026-10-01T00:00:00Z","note":"\\x"}',
        b'{"time":"2026-10-01T00:00:00Z","properties":{"source":{"port":1}',
        b'{"time":"2026-10-01T00:00:00Z","note":}',
        b'{"time":"2026-10-01T00:00:00Z","note":"open}',
        b"oops",
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
    ],
)
@pytest.mark.parametrize("around", [b"[%s]", b'{"records":[\n%s]}', b"[\n%s\n]\n"])
@pytest.mark.parametrize("between", [b",", b",\n", b"\n,\r\n  "])
def test_malformed_element_of_an_array_is_lost_alone(
    store: Store, export: Path, flawed: bytes, around: bytes, between: bytes
) -> None:
    good = [json.dumps(record(properties__source__port=str(port))).encode() for port in range(3)]
    load(store, export, a__json=around % between.join([*good[:2], flawed, good[2]]))
    assert rows(store, "line, source_port") == [(1, "0"), (2, "1"), (4, "2")]
    ((number, reason),) = rejects(store)
    assert number == 3
    assert reason in {"not valid JSON", "nested too deeply"}


@pytest.mark.parametrize(
    "envelope", ['{"records":[%s]}', "[%s]", '{"x":1,"Records":[%s],"y":2}', ' { "records" : [%s] '],
)  # fmt: skip
def test_malformed_record_of_an_envelope_on_a_line_is_lost_alone(store: Store, export: Path, envelope: str) -> None:
    good = [json.dumps(record(properties__source__port=str(port))) for port in range(3)]
    bad = envelope % ", ".join([*good[:2], '{"time":"2026-10-01T00:00:00Z","note":"\\x"}', good[2]])
    load(store, export, a__json=line() + bad + "\n" + envelope % good[0] + "\n" + line())
    assert [number for (number,) in rows(store, "line")] == [1, 2, 2, 2, 3, 4]
    assert (2, "not valid JSON") in rejects(store)
    assert {number for number, _ in rejects(store)} <= {2, 3}


@pytest.mark.parametrize(
    "text",
    [
        "[" + "{oops,\n" * 20_000,
        "[" + '{"a":[1,' * 40_000,
        "[{" + "\n" * 400_000,
        "[{" + ", " * 200_000,
        "[{" + " " * 400_000 + "x",
        "[" + '{"a":"' * 40_000,
    ],
)
def test_hostile_document_takes_no_more_than_its_length(text: str) -> None:
    elements = document.Elements(text)
    looked_at = 0

    class Decoder(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            nonlocal looked_at
            try:
                value, end = super().raw_decode(s, idx)
            except json.JSONDecodeError as error:
                looked_at += error.pos - idx + 1
                raise
            except RecursionError:
                looked_at += 20_000
                raise
            looked_at += end - idx
            return value, end

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "_DECODER", Decoder())
        assert not list(elements)
    assert elements.flaws
    assert looked_at < 3_000_000 + 3 * len(text)


def test_cut_gzip_of_an_array_keeps_what_stands_before(store: Store, export: Path) -> None:
    noisy = [json.dumps(record(properties__source__port=str(number))) for number in range(2000)]
    load(store, export, a__json__gz=gzip.compress(("[\n" + ",\n".join(noisy) + "\n]").encode())[:-4000])
    assert 500 < len(rows(store, "line")) < 2000
    assert [reason for _, reason in rejects(store)] == ["the rest of the array is cut or malformed"]


def test_gzip_whole_multi_member_and_cut(store: Store, export: Path) -> None:
    text = line() * 3
    noisy = "".join(line(properties__source__port=str(number)) for number in range(2000))
    load(
        store,
        export,
        a__json__gz=gzip.compress(text.encode()) + gzip.compress(text.encode()),
        b__json__gz=gzip.compress(text.rstrip("\n").encode()),
        c__json__gz=gzip.compress(noisy.encode())[:-4000],
    )
    counts = store._connection.execute(
        "select regexp_extract(name, '(.).json.gz', 1), records from load_ledger order by name"
    ).fetchall()
    assert counts[:2] == [("a", 6), ("b", 3)]
    (damaged,) = rejects(store)[-1:]
    assert damaged[1].startswith("the gzip stream is cut or damaged")


def test_text_that_is_not_utf8_is_rejected_and_its_neighbours_kept(store: Store, export: Path) -> None:
    latin = line(location="Zürich").encode().replace(b"Z\\u00fcrich", "Zürich".encode("latin-1"))
    good = json.dumps(record(location="Zürich"), ensure_ascii=False).encode() + b"\n"
    load(store, export, a__json=good + latin + b"\xff\xfe\x00\n" + good)
    assert rows(store, "line, location") == [(1, "Zürich"), (4, "Zürich")]
    assert rejects(store) == [(2, "not UTF-8"), (3, "not UTF-8")]


def test_line_longer_than_the_reader_takes(store: Store, export: Path) -> None:
    huge = '{"time":"' + "x" * (17 << 20) + '"}\n'
    load(store, export, a__json=line() + huge + line())
    assert rows(store, "line") == [(1,), (3,)]
    assert rejects(store) == [(2, "longer than 16,777,216 bytes")]


def test_long_lines_across_the_edges_of_buffers(store: Store, export: Path) -> None:
    text = "".join(line(properties__parameters="ü" * size) for size in (400_000, 524_288, 10, 1 << 20, 700_001, 5))
    load(store, export, a__json=text)
    sizes = [len(parameters) for (parameters,) in rows(store, "parameters")]
    assert sizes == [400_000, 524_288, 10, 1 << 20, 700_001, 5]


def test_containers_of_other_services_are_left_alone(store: Store, export: Path) -> None:
    for container in ("insights-logs-nspprivateinboundallowed", "insights-logs-auditevent"):
        (export / container).mkdir()
        (export / container / "PT1H.json").write_text(line())
    (export / "inventory.json").write_text("{}")
    ingest_folder(store, export)
    assert len(rows(store, "line")) == 1


def test_empty_file_and_empty_folder(store: Store, export: Path) -> None:
    load(store, export, a__json=b"")
    result = ingest_folder(store, export)
    assert (result.outcome.files, result.unchanged) == (0, 1)


def with_field(text: str) -> str:
    """A record with one more member at its end, written by hand."""
    return line(properties__source__perimeterGuids=[]).rstrip("\n")[:-1] + "," + text + "}\n"


@pytest.mark.parametrize(
    ("text", "extra"),
    [
        ('"note":"say \\"hi\\""', {"$.note": 'say "hi"'}),
        ('"path":"items[]"', {"$.path": "items[]"}),
        ('"u":[[],1]', {"$.u": [[], 1]}),
        ('"u":["",1]', {"$.u": ["", 1]}),
        ('"unk" :"v"', {"$.unk": "v"}),
        ('"unk"\t:\t"v"', {"$.unk": "v"}),
        ('"":"secret"', {'$.""': "secret"}),
        ('"odd":{"a":1}', {"$.odd": {"a": 1}}),
        ('"a\\tb":1', {'$."a\\tb"': 1}),
        ('"a\\\\":1', {'$."a\\\\"': 1}),
        ('"a/b~c":1', {'$."a/b~c"': 1}),
        ('"$.x":1,"#-1":2', {'$."#-1"': 2, '$."$.x"': 1}),
        ('"blank":"","none":null,"list":[],"object":{}', None),
    ],
)
def test_no_spelling_hides_an_unknown_field(store: Store, export: Path, text: str, extra: Any) -> None:
    load(store, export, a__json=line() + with_field(text) + line())
    found = [json.loads(each) if each else None for (each,) in rows(store, "extra")]
    assert found == [None, extra, None]


def test_escaped_quotes_in_known_fields_do_not_hide_an_unknown_one(store: Store, export: Path) -> None:
    load(store, export, a__json=line() + line(operationName='Put "x"', unk="kept") + line(operationName="C:\\"))
    assert rows(store, "operation, extra") == [
        ("GetBlob", None),
        ('Put "x"', '{"$.unk":"kept"}'),
        ("C:\\", None),
    ]


def test_properties_as_text_are_kept(store: Store, export: Path) -> None:
    made = record()
    made["properties"] = json.dumps(made["properties"])
    load(store, export, a__json=json.dumps(made, separators=(",", ":")) + "\n")
    assert json.loads(rows(store, "extra")[0][0]) == {"$.properties": made["properties"]}


@pytest.mark.parametrize(
    "text",
    [
        line(location=None).replace('"GetBlob"', "null"),
        line(properties__destination={}, properties__matchedRule={"accessRule": ""}),
        json.dumps(record(properties__matchedRule={"accessRule": ""})) + "\n",
        line(properties__parameters='{"a":"b","c":[]}'),
        line(properties__source={"ipAddress": "", "port": ""}),
        json.dumps(respelled(record(), pascal)) + "\n",
    ],
)
def test_ordinary_records_go_the_quick_way(store: Store, export: Path, text: str) -> None:
    (export / "a.json").write_text(text * 3)
    result = ingest_folder(store, export)
    assert (result.outcome.records, result.outcome.careful) == (3, {})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "no time"),
        ('{"records":[]}', "no time"),
        ("[[" * 400 + "]]" * 400, "more than 500 objects and arrays in one another"),
        ('{"a":' * 3000 + "1" + "}" * 3000, "more than 500 objects and arrays in one another"),
        ('{"time":"2026-10-01T00:00:00Z","":{"":[1]}}', "no category"),
    ],
)
def test_odd_json_is_rejected_and_stops_nothing(store: Store, export: Path, text: str, reason: str) -> None:
    load(store, export, a__json=line() + text + "\n" + line(), b__json=line())
    assert rejects(store) == [(2, reason)]
    assert len(rows(store, "line")) == 3


def test_evidence_of_a_line_nested_too_deeply_is_that_line_alone(store: Store, export: Path) -> None:
    deep = "[" * 501 + "]" * 501
    load(store, export, a__json=line() + deep + "\n" + line())
    ((raw,),) = store._connection.execute("select raw from rejected_record").fetchall()
    assert raw.rstrip("\n") == deep


def test_record_with_a_field_called_records_is_a_record(store: Store, export: Path) -> None:
    load(store, export, a__json=line(records=[], zz=1) + line(records=[1]))
    assert [json.loads(extra) for (extra,) in rows(store, "extra")] == [{"$.zz": 1}, {"$.records": [1]}]


def test_very_many_unknown_fields_keep_the_whole_record(store: Store, export: Path) -> None:
    load(store, export, a__json="".join(line(**{f"unknown{number}": number}) for number in range(600)))
    kept = json.loads(rows(store, "extra")[17][0])
    assert kept["$"]["unknown17"] == 17


def test_nothing_beside_the_records_of_a_line_is_lost(store: Store, export: Path) -> None:
    mixed = {"records": [7, record(), None, record()], "next": "page 2"}
    load(store, export, a__json=line() + json.dumps(mixed) + "\n" + json.dumps([None, record()]) + "\n")
    assert [number for (number,) in rows(store, "line")] == [1, 2, 2, 3]
    assert sorted(rejects(store)) == [(2, "no time"), *[(2, "not a JSON object")] * 2, (3, "not a JSON object")]
    raw = store._connection.execute("select raw from rejected_record where reason = 'no time'").fetchall()
    assert [json.loads(text) for (text,) in raw] == [{"next": "page 2"}]


@pytest.mark.parametrize(
    "text",
    [
        with_field('"time":"2026-10-01T02:00:00Z"'),
        with_field('"note":1,"note":2'),
        line().replace('"port":', '"port":"1","port":'),
        line().replace('"source":', '"source":{"port":"1"},"source":'),
        json.dumps(respelled(record(), pascal)).replace('"Port":', '"Port":"1","Port":') + "\n",
    ],
)
def test_no_second_value_of_a_key_is_dropped_in_silence(store: Store, export: Path, text: str) -> None:
    assert text not in (line(), with_field("")), "the replacement found its place"
    load(store, export, a__json=line() + text + line())
    assert rejects(store) == [(2, "a key stands twice in one object")]
    assert rows(store, "line") == [(1,), (3,)]


def test_arrays_one_a_line_and_an_array_with_a_flaw(store: Store, export: Path) -> None:
    array = json.dumps([record(), record()])
    cut = "[" + ",".join([json.dumps(record())] * 5) + ",{oops]"
    load(store, export, a__json=array + "\n" + array + "\n", b__json=cut)
    assert len(rows(store, "line")) == 4 + 5
    assert rejects(store) == [(6, "the rest of the array is cut or malformed")]


def test_gzip_keeps_what_comes_before_the_damage(store: Store, export: Path) -> None:
    text = "".join(line(properties__source__port=str(number)) for number in range(1800)).encode()
    load(store, export, a__json__gz=gzip.compress(text)[:-1], b__json__gz=gzip.compress(text) + b"junkjunk")
    assert len(rows(store, "line")) == 3600
    assert [number for number, _ in rejects(store)] == [1801, 1801]
