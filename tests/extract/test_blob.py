"""Blob exports in Azurite, read by the real client: what is new, exactly once, whatever happens in between."""

import dataclasses
import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import (
    AccountSasPermissions,
    ContainerSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_container_sas,
)

from pipeline.azure.patience import Patience
from pipeline.errors import ForbiddenError, SignInError, SourceError, UnreachableError, UsageError
from pipeline.extract import blob_content
from pipeline.extract.account import Access, connect
from pipeline.extract.blob import Wanted
from pipeline.ingest import Ingested, ingest_blobs
from pipeline.store import Store
from tests.conftest import WhenPlanned, line
from tests.services.azurite import ACCOUNT, KEY
from tests.services.export import FOLDER, Export, contents, hourly
from tests.services.faults import Fault, Proxy
from tests.transform.test_exactly_once import some_lines

QUICK = Patience(attempts=4, seconds=2, seconds_per_mebibyte=0.5, pause=0.02, longest_pause=0.2)


def ingest(
    store: Store, export: Export, port: int = 0, then: Callable[[int], object] | None = None, **wanted: Any
) -> Ingested:
    access = Access(connection_string=export.azurite.connection_string(port))
    chosen = Wanted(**{"container_prefix": export.prefix, **wanted})
    with connect(access, patience=QUICK, concurrency=4) as account:
        return ingest_blobs(store, account, chosen, watcher=WhenPlanned(then) if then else None)


def requests(proxy: Proxy) -> list[str]:
    """The blobs that were downloaded."""
    return [path for method, path in proxy.requests if method == "GET" and "comp=list" not in path]


def test_an_export_is_loaded_like_the_same_files_on_disk(store: Store, written: Export, tmp_path: Path) -> None:
    for hour in range(5):
        written.append(hourly(hour), some_lines(30, hour))
        written.append(hourly(hour), some_lines(3, hour) + "no json\n", written.prefix + "publicoutbound")
    written.rewrite("saved/a.json.gz", gzip.compress(some_lines(9, 3).encode()), kind="BlockBlob")
    written.rewrite("saved/notes.txt", "not ours", kind="BlockBlob")
    del written.written[written.container, "saved/notes.txt"]
    written.append(hourly(6), b"")
    result = ingest(store, written)
    assert (result.outcome.files, result.failed) == (11, [])
    expected = written.expected(tmp_path)
    expected["load_ledger"] = [row for row in expected["load_ledger"] if row[1]]  # an empty blob has nothing to keep
    assert contents(store) == expected
    assert contents(store)["traffic"]


def test_nothing_new_downloads_nothing_and_lists_only_the_last_hours(
    store: Store, written: Export, between: Proxy
) -> None:
    for day in (1, 2, 3):
        for hour in range(24):
            written.append(hourly(hour, day), some_lines(1, hour))
    ingest(store, written, between.port)
    between.requests.clear()
    result = ingest(store, written, between.port)
    assert (requests(between), result.unchanged) == ([], 48)
    assert ingest(store, written, between.port, relist=True).unchanged == 72
    assert requests(between) == []


def test_a_grown_blob_is_read_from_where_it_was_left(
    store: Store, written: Export, between: Proxy, tmp_path: Path
) -> None:
    written.append(hourly(1), some_lines(200, 1))
    ingest(store, written, between.port)
    written.append(hourly(1), some_lines(5, 2))
    ingest(store, written, between.port)
    assert contents(store) == written.expected(tmp_path)
    assert len(requests(between)) == 3  # whole; then the tail, and the head to see whether it is the same blob


def test_records_and_characters_that_are_cut_are_completed_later(store: Store, written: Export, tmp_path: Path) -> None:
    text = "".join(line(operationName=f"Größe-{number}-\N{SNOWMAN}") for number in range(40)).encode()
    text = text.replace(b"\\u00f6", "ö".encode()).replace(b"\\u2603", "☃".encode())
    cuts = [0, 700, 701, 1500, 1501, 1502, 2222, 9000, 9001, len(text)]
    middle = text.index("☃".encode()) + 1
    cuts = sorted({*cuts, middle, middle + 1})
    for start, end in pairwise(cuts):
        written.append(hourly(1), text[start:end])
        ingest(store, written)
    assert contents(store) == written.expected(tmp_path)
    assert len(contents(store)["access_log"]) == 40
    assert contents(store)["rejected_record"] == []


def test_blob_that_grows_between_listing_and_reading(store: Store, written: Export, tmp_path: Path) -> None:
    written.append(hourly(1), some_lines(5, 1))
    result = ingest(store, written, then=lambda _: written.append(hourly(1), some_lines(4, 2)))
    assert result.outcome.records == 5
    ingest(store, written)
    assert contents(store) == written.expected(tmp_path)


def test_blob_that_grows_while_it_is_read(
    store: Store, written: Export, between: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_content, "SLICE_BYTES", 10_000)  # many requests for one blob
    written.append(hourly(1), some_lines(100, 1))

    def choose(method: str, path: str, _: int) -> Fault | None:
        if method == "GET" and "PT1H" in path:
            return Fault(first=lambda: written.append(hourly(1), some_lines(1, 3)[:77]))
        return None

    between.choose = choose
    assert ingest(store, written, between.port).failed == []
    between.choose = lambda *_: None
    ingest(store, written, between.port)
    assert contents(store) == written.expected(tmp_path)


@pytest.mark.parametrize("lines", [3, 10, 25])
def test_blob_that_was_made_anew(store: Store, written: Export, tmp_path: Path, lines: int) -> None:
    """Shorter, of the same size and longer; within the second of the first one, so its creation time tells nothing."""
    written.append(hourly(1), some_lines(10, 1))
    ingest(store, written)
    written.rewrite(hourly(1), some_lines(lines, 1).replace("GetBlob", "PutBlob"))
    result = ingest(store, written)
    assert (result.outcome.records, result.failed) == (lines, [])
    assert contents(store) == written.expected(tmp_path)


@pytest.mark.parametrize("lines", [2, 30])
def test_blob_that_is_made_anew_between_listing_and_reading(
    store: Store, written: Export, tmp_path: Path, lines: int
) -> None:
    written.append(hourly(1), some_lines(10, 1))
    ingest(store, written)
    written.append(hourly(1), some_lines(5, 2))
    result = ingest(store, written, then=lambda _: written.rewrite(hourly(1), some_lines(lines, 7)))
    assert result.failed == []
    assert contents(store) == written.expected(tmp_path)


def test_block_blob_that_changes_between_listing_and_reading(store: Store, written: Export, tmp_path: Path) -> None:
    written.rewrite("a.json", some_lines(10, 1), kind="BlockBlob")
    result = ingest(store, written, then=lambda _: written.rewrite("a.json", some_lines(9, 2), kind="BlockBlob"))
    assert (result.outcome.records, result.failed) == (9, [])
    assert contents(store) == written.expected(tmp_path)


def test_etag_that_changes_without_new_bytes(store: Store, written: Export, tmp_path: Path) -> None:
    written.append(hourly(1), some_lines(10, 1))
    ingest(store, written)
    written.blob(hourly(1)).set_blob_metadata({"touched": "yes"})
    ingest(store, written)
    assert contents(store) == written.expected(tmp_path)
    assert ingest(store, written).unchanged == 1


def test_blob_that_is_deleted_between_listing_and_reading(store: Store, written: Export) -> None:
    written.append(hourly(1), some_lines(5, 1))
    written.append(hourly(2), some_lines(5, 2))
    result = ingest(store, written, then=lambda _: written.delete(hourly(1)))
    assert [reason for _, reason in result.failed] == ["it was deleted after it was listed"]
    assert result.outcome.records == 5
    assert ingest(store, written).failed == []


def test_large_blob_is_read_in_slices(
    store: Store, written: Export, between: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_content, "SLICE_BYTES", 30_000)
    written.append(hourly(1), some_lines(300, 1) + "no json\n" + some_lines(300, 2))
    ingest(store, written, between.port)
    assert contents(store) == written.expected(tmp_path)
    written.append(hourly(1), some_lines(200, 2))
    ingest(store, written, between.port)
    assert contents(store) == written.expected(tmp_path)


GONE_AFTER_A_WHILE = [
    Fault(status=429),
    Fault(status=429, headers={"Retry-After": "0"}),
    Fault(status=500),
    Fault(status=503, code="ServerBusy"),
    Fault(status=408),
    Fault(reset=True),
    Fault(cut=0),
    Fault(cut=1000),
    Fault(hang=5),
    Fault(trickle=1),
]


@pytest.mark.parametrize(
    "fault",
    GONE_AFTER_A_WHILE,
    ids=lambda each: repr({k: v for k, v in dataclasses.asdict(each).items() if v != getattr(Fault(), k)}),
)
def test_faults_that_go_away_are_sat_out(
    store: Store, written: Export, between: Proxy, tmp_path: Path, fault: Fault
) -> None:
    for hour in range(3):
        written.append(hourly(hour), some_lines(20, hour))
    between.choose = lambda _, path, number: fault if number == 1 and ("h=01" in path or "comp=list" in path) else None
    result = ingest(store, written, between.port)
    assert result.failed == []
    assert contents(store) == written.expected(tmp_path)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=409, code="BlobArchived"),
        Fault(status=500),
        Fault(reset=True),
        Fault(cut=10),
        Fault(trickle=1),
        Fault(status=416),
    ],
    ids=str,
)
def test_blob_that_stays_unreadable_is_told_and_tried_again(
    store: Store, written: Export, between: Proxy, tmp_path: Path, fault: Fault
) -> None:
    for hour in range(8):
        written.append(hourly(hour), some_lines(20, hour))
    between.choose = lambda _, path, __: fault if "h=01" in path and "comp=list" not in path else None
    result = ingest(store, written, between.port)
    assert [name.rsplit("/", 4)[-3] for name, _ in result.failed] == ["h=01"]
    assert result.outcome.records == 140
    between.choose = lambda *_: None
    ingest(store, written, between.port)
    assert contents(store) == written.expected(tmp_path)


def test_rights_that_end_in_the_middle_stop_it_at_once(
    store: Store, written: Export, between: Proxy, tmp_path: Path
) -> None:
    for hour in range(20):
        written.append(hourly(hour), some_lines(5, hour))
    between.choose = lambda _, path, __: Fault(status=403, code="AuthenticationFailed") if "PT1H" in path else None
    with pytest.raises(SignInError, match="expired"):
        ingest(store, written, between.port)
    assert len(requests(between)) <= 8  # not one a blob
    between.choose = lambda *_: None
    ingest(store, written, between.port)
    assert contents(store) == written.expected(tmp_path)


def test_since_until_and_perimeter(store: Store, written: Export, between: Proxy) -> None:
    other = FOLDER.replace("NSP1", "NSP2")
    for hour in range(10):
        written.append(hourly(hour), some_lines(1, hour))
        written.append(hourly(hour, folder=other), some_lines(1, hour))
    wanted: dict[str, Any] = {"since": datetime(2026, 10, 1, 3), "until": datetime(2026, 10, 1, 7)}
    assert ingest(store, written, between.port, perimeter="nsp2", **wanted).outcome.files == 4
    assert all("NSP2" in path for path in requests(between))
    perimeter = FOLDER.removeprefix("resourceId=").lower()
    assert ingest(store, written, between.port, perimeter=perimeter, **wanted).outcome.files == 4
    since = datetime(2026, 10, 1, 3)
    assert ingest(store, written, between.port, since=since).outcome.files == 6
    assert ingest(store, written, between.port).outcome.files == 6  # the hours before as well
    assert ingest(store, written, between.port, perimeter="nsp3").outcome.files == 0


def test_gaps_between_stretches_are_loaded_in_the_end(store: Store, written: Export) -> None:
    for day in range(1, 13):
        written.append(hourly(1, day), some_lines(1, day))
    days: list[tuple[int | None, int | None]] = [(8, None), (None, 4), (2, 3), (None, None)]
    for since, until in days:
        ingest(
            store,
            written,
            since=since and datetime(2026, 10, since),
            until=until and datetime(2026, 10, until),
        )
    assert len(contents(store)["access_log"]) == 12


def test_since_inside_the_look_back_does_not_pass_a_blob_that_grows(store: Store, written: Export) -> None:
    written.append(hourly(9), some_lines(5, 1))
    written.append(hourly(10), some_lines(5, 2))
    ingest(store, written)
    written.append(hourly(10), some_lines(5, 3))
    written.append(hourly(19), some_lines(3, 4))
    ingest(store, written, since=datetime(2026, 10, 1, 11))
    ingest(store, written)
    assert len(contents(store)["access_log"]) == 18


def test_cut_line_that_is_completed_long_after(store: Store, written: Export, tmp_path: Path) -> None:
    text = some_lines(2, 1)
    written.append(hourly(1), text[:-50])
    written.append(hourly(20), some_lines(2, 2))
    ingest(store, written)
    written.append(hourly(1), text[-50:])
    ingest(store, written)
    assert contents(store) == written.expected(tmp_path)


def test_one_container_and_one_account_by_two_names(store: Store, written: Export) -> None:
    written.append(hourly(1), some_lines(5, 1))
    ingest(store, written, containers=(written.container, written.container))
    for host in ("localhost", "LocalHost"):
        connection_string = written.azurite.connection_string().replace("127.0.0.1", host)
        with connect(Access(connection_string=connection_string), patience=QUICK) as account:
            ingest_blobs(store, account, Wanted(container_prefix=written.prefix))
    names = [row[0] for row in store._connection.execute("select name from load_ledger").fetchall()]
    assert len(names) == len(set(names)) == 2


def test_odd_hours_in_names(store: Store, written: Export) -> None:
    for year in ("0001", "9999", "2026"):
        written.append(hourly(23).replace("2026", year), some_lines(1, int(year)))
    assert ingest(store, written).outcome.files == 3
    assert ingest(store, written).failed == []


def test_answers_that_make_no_sense_touch_only_their_own(store: Store, written: Export, between: Proxy) -> None:
    for hour in range(4):
        written.append(hourly(hour), some_lines(5, hour))
    written.append(hourly(1), some_lines(5, 1), written.prefix + "second")
    portal = Fault(status=200)
    between.choose = lambda _, path, __: (
        portal if "h=02" in path or ("second" in path and "comp=list" in path) else None
    )
    result = ingest(store, written, between.port)
    assert result.outcome.records == 15
    assert len(result.failed) == 2
    between.choose = lambda *_: None
    assert ingest(store, written, between.port).outcome.records == 10


def test_one_forbidden_blob_stops_nothing_and_many_do(store: Store, written: Export, between: Proxy) -> None:
    for hour in range(24):
        written.append(hourly(hour), some_lines(1, hour))
        written.append(hourly(hour, 2), some_lines(1, hour))
    forbidden = Fault(status=403, code="AuthorizationPermissionMismatch")
    between.choose = lambda _, path, __: forbidden if "d=01/h=02" in path and "comp=list" not in path else None
    result = ingest(store, written, between.port)
    assert (result.outcome.records, len(result.failed)) == (47, 1)
    between.choose = lambda _, path, __: forbidden if "comp=list" not in path else None
    written.rewrite(hourly(5), some_lines(2, 1))
    for hour in range(24):
        written.append(hourly(hour, 3), some_lines(1, hour))
    with pytest.raises(ForbiddenError):
        ingest(store, written, between.port)


def test_blob_that_vanishes_after_a_bad_line_was_seen(store: Store, written: Export, between: Proxy) -> None:
    written.append(hourly(1), line().replace('"count":3', '"count":bad'))
    written.append(hourly(2), some_lines(5, 2))
    between.choose = lambda _, path, number: Fault(status=404) if "h=01" in path and number > 1 else None
    result = ingest(store, written, between.port)
    assert result.outcome.records == 5
    assert len(result.failed) == 1


def test_refusal_by_a_named_container_is_a_refusal(store: Store, written: Export) -> None:
    written.append(hourly(1), some_lines(5, 1))
    with pytest.raises((SignInError, ForbiddenError)):
        by_sas(store, written, account_sas(-1), containers=(written.container,))


@pytest.mark.parametrize("left", ["", "short"])
def test_blob_in_slices_that_is_made_anew_while_it_is_read(
    store: Store, written: Export, between: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    monkeypatch.setattr(blob_content, "SLICE_BYTES", 10_000)
    written.append(hourly(1), some_lines(100, 1))
    new = some_lines(3, 9) if left else ""

    def choose(_: str, path: str, number: int) -> Fault | None:
        remake = "PT1H" in path and number == 2
        return Fault(first=lambda: written.rewrite(hourly(1), new)) if remake else None

    between.choose = choose
    assert ingest(store, written, between.port).failed == []
    assert contents(store)["access_log"] == written.expected(tmp_path)["access_log"]


def test_perimeter_that_appears_later_is_found(store: Store, written: Export) -> None:
    for number in (1, 3):
        for hour in range(30):
            written.append(
                hourly(hour % 24, 1 + hour // 24, FOLDER.replace("NSP1", f"NSP{number}")), some_lines(1, hour)
            )
    assert ingest(store, written).outcome.files == 60
    for number in (0, 2, 4):
        written.append(hourly(2, folder=FOLDER.replace("NSP1", f"NSP{number}")), some_lines(1, 1))
    written.append("odd/name.json", some_lines(1, 4))
    assert ingest(store, written).outcome.files == 4


def test_an_hour_far_ahead_in_a_name_hides_nothing(store: Store, written: Export) -> None:
    written.append(hourly(1).replace("y=2026", "y=2999"), some_lines(1, 1))
    ingest(store, written)
    now = datetime.now(UTC) - timedelta(hours=1)
    written.append(f"{FOLDER}/y={now:%Y}/m={now:%m}/d={now:%d}/h={now:%H}/m=00/PT1H.json", some_lines(1, 2))
    assert ingest(store, written).outcome.files == 1


def account_sas(hours: float, *, listing: bool = True) -> str:
    permissions = AccountSasPermissions(read=True, list=listing)
    types = ResourceTypes(service=True, container=True, object=True)
    return generate_account_sas(ACCOUNT, KEY, types, permissions, datetime.now(UTC) + timedelta(hours=hours))


def by_sas(store: Store, export: Export, sas: str, port: int = 0, **wanted: Any) -> Ingested:
    url = export.azurite.url.replace(str(export.azurite.port), str(port or export.azurite.port))
    with connect(Access(account_url=url, sas=sas), patience=QUICK) as account:
        return ingest_blobs(store, account, Wanted(container_prefix=export.prefix, **wanted))


def test_a_service_without_start_from_is_listed_whole(store: Store, written: Export, between: Proxy) -> None:
    for hour in range(12):
        written.append(hourly(hour), some_lines(1, hour))
    between.choose = lambda *_: Fault(without="startFrom")
    by_sas(store, written, account_sas(1), between.port)
    for hour in (10, 12):
        written.append(hourly(hour), some_lines(1, hour))
    written.append(hourly(3, folder=FOLDER.replace("NSP1", "NSP0")), some_lines(1, 3))
    between.requests.clear()
    assert by_sas(store, written, account_sas(1), between.port).outcome.files == 3
    assert len(contents(store)["access_log"]) == 15
    assert any("startFrom" in path for _, path in between.requests)


def test_account_sas(store: Store, written: Export) -> None:
    written.append(hourly(1), some_lines(5, 1))
    sas = account_sas(1)
    assert by_sas(store, written, "?" + sas).outcome.records == 5
    signature = sas.split("sig=")[1]
    dump = repr([store._connection.execute(f"from {name}").fetchall() for name in ("load_ledger", "load_mark")])
    assert signature not in dump


def test_container_sas_needs_the_container_named(store: Store, written: Export) -> None:
    written.append(hourly(1), some_lines(5, 1))
    permissions = ContainerSasPermissions(read=True, list=True)
    until = datetime.now(UTC) + timedelta(hours=1)
    sas = generate_container_sas(ACCOUNT, written.container, account_key=KEY, permission=permissions, expiry=until)
    with pytest.raises((ForbiddenError, SignInError)):
        by_sas(store, written, sas)
    assert by_sas(store, written, sas, containers=(written.container,)).outcome.records == 5


def test_wrong_and_expired_secrets_are_told_without_showing_them(store: Store, written: Export) -> None:
    written.append(hourly(1), some_lines(5, 1))
    wrong = "c2VjcmV0c2VjcmV0c2VjcmV0" * 3 + "c2VjcmV0c2VjcmV0"
    refused = (SignInError, ForbiddenError)  # Azurite says AuthorizationFailure where Azure says AuthenticationFailed
    attempts: list[tuple[Access, Any]] = [
        (Access(connection_string=written.azurite.connection_string(key=wrong)), refused),
        (Access(account_url=written.azurite.url, sas=account_sas(-1)), refused),
        (Access(account_url=written.azurite.url, sas=account_sas(1, listing=False)), ForbiddenError),
        (Access(account_url=written.azurite.url, sas=account_sas(1)[:-6] + "AAAA%3D"), refused),
    ]
    for access, expected in attempts:
        with connect(access, patience=QUICK) as account, pytest.raises(expected) as caught:
            ingest_blobs(store, account, Wanted(container_prefix=written.prefix))
        told = str(caught.value) + repr(access)
        assert "expired" in told
        assert wrong not in told
        assert "sig=" not in told


def test_unreachable_account_is_told_at_once(store: Store) -> None:
    for url, sas in (("http://127.0.0.1:9/devstoreaccount1", "sig=x"), ("https://nowhere.invalid", "sig=x")):
        with connect(Access(account_url=url, sas=sas), patience=QUICK) as account, pytest.raises(UnreachableError):
            ingest_blobs(store, account, Wanted())


def test_account_without_containers(store: Store, written: Export) -> None:
    with pytest.raises(SourceError, match="diagnostic setting"):
        ingest(store, written, container_prefix="insights-logs-nspnothing")


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (Access(), "Which storage account"),
        (Access(account_url="https://a.blob.example.net/?sv=1&sig=secret"), "process list"),
        (Access(connection_string="nonsense"), "connection string is as"),
        (Access(account_url="http://127.0.0.1:1/a"), "https"),
    ],
)
def test_words_that_lead_to_no_account(access: Access, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught, connect(access):
        pass
    assert "secret" not in str(caught.value).replace("--secret-file", "")
