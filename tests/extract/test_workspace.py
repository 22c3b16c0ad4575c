"""A workspace behind the real query client: windows of ingestion time, whole or not at all, whatever happens."""

import gc
import json
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError

from pipeline.azure.patience import Patience
from pipeline.errors import AzureError, ForbiddenError, SignInError, SourceError, UnreachableError, UsageError
from pipeline.extract import workspace
from pipeline.extract.windows import Timing
from pipeline.ingest import Ingested, ingest_workspace
from pipeline.moments import utc_now
from pipeline.store import Store
from tests.conftest import STORAGE
from tests.services.log_analytics import COLUMNS, WORKSPACE, LogAnalytics
from tests.services.loopback import Fault, Token

QUICK = Patience(attempts=4, seconds=5, pause=0.02, longest_pause=0.2)
DAY = datetime(2026, 10, 3)
AT_TWO = "T02:00:00.000000Z);\nlet stretch_end"
PERIMETER = "/subscriptions/0000/resourcegroups/rg/providers/microsoft.network/networksecurityperimeters/nsp1"


def ingest(store: Store, service: LogAnalytics, patience: Patience = QUICK, **options: Any) -> Ingested:
    token = options.pop("token", None) or Token()
    connection = workspace.connect(
        options.pop("workspace_id", WORKSPACE),
        endpoint=f"https://127.0.0.1:{options.pop('port', service.port)}",
        patience=patience,
        credential=token,
        verify=service.certificate,
    )
    with connection as connected:
        return ingest_workspace(store, connected, **options)


def records(count: int, seed: int, **fields: Any) -> list[dict[str, Any]]:
    chosen = random.Random(seed)
    return [
        {
            "TimeGenerated": DAY + timedelta(minutes=chosen.randint(-300, 600)),
            "Count": chosen.randint(1, 9),
            "_ResourceId": PERIMETER,
            "Category": "NspPublicInboundResourceRulesAllowed",
            "OperationName": "GetBlob",
            "Profile": "apps",
            "ServiceResourceId": STORAGE,
            "MatchedRule": '{"accessRule":"DefaultDenyAll"}',
            "SourceIpAddress": f"203.0.113.{chosen.randint(0, 9)}",
            "SourcePort": "",
            "ResultAction": "Approved",
            "ResultDirection": "Inbound",
            "TrafficType": "Public",
            **fields,
        }
        for _ in range(count)
    ]


def hour(number: float) -> datetime:
    return DAY + timedelta(hours=number)


def held(service: LogAnalytics) -> Counter[Any]:
    """The service's own account of what it holds."""
    return Counter(
        service.execute('select "TimeGenerated", "Count", "SourceIpAddress", "OperationName" from NSPAccessLogs')
    )


def loaded(store: Store) -> Counter[Any]:
    return Counter(store._connection.execute("select time, count, source_ip, operation from access_log").fetchall())


def flows(store: Store) -> int:
    return int(store._connection.execute("select coalesce(sum(requests), 0) from traffic").fetchall()[0][0])


def test_records_arrive_typed_and_normalised(store: Store, analytics: LogAnalytics) -> None:
    analytics.create({**COLUMNS, "NewColumn": "VARCHAR"})
    analytics.add(hour(1), records(1, 1, NewColumn="new", SourcePerimeterGuids="[]", RuleType="NSP rule of perimeter"))
    ingest(store, analytics)
    (row,) = pl.DataFrame(store._connection.sql("from access_log")).to_dicts()
    assert row["perimeter"] == PERIMETER
    assert row["service_resource"].endswith("microsoft.storage/storageaccounts/docs")
    assert (row["matched_rule"], row["source_port"], row["source_perimeters"]) == ("DefaultDenyAll", None, None)
    assert (row["direction"], row["traffic_type"], row["action"], row["rule_origin"]) == (
        "Inbound", "Public", "Approved", "Perimeter",
    )  # fmt: skip
    assert row["extra"] == '{"$.NewColumn":"new"}'
    ledger = store._connection.execute("select source_kind, name, records from load_ledger").fetchall()
    assert ledger == [("workspace", f"{WORKSPACE}/NSPAccessLogs/ingested=2026-10-03T01:00/PT1H", 1)]


def test_second_run_asks_only_for_counts(store: Store, analytics: LogAnalytics) -> None:
    for number in range(8):
        analytics.add(hour(number + 0.3), records(20, number))
    ingest(store, analytics)
    assert loaded(store) == held(analytics)
    assert flows(store) == sum(row[1] * count for row, count in held(analytics).items())
    analytics.queries.clear()
    result = ingest(store, analytics)
    assert (result.outcome.files, result.unchanged) == (0, 8)
    assert len(analytics.queries) == 2  # the clock and the counts


def test_identical_records_are_all_kept(store: Store, analytics: LogAnalytics) -> None:
    analytics.add(hour(1), records(1, 1) * 30)
    ingest(store, analytics)
    ingest(store, analytics)
    assert loaded(store) == held(analytics)
    assert loaded(store).total() == 30


def test_window_is_read_again_until_the_overlap_has_passed(store: Store, analytics: LogAnalytics) -> None:
    analytics.now = hour(2.3)
    analytics.add(hour(1.5), records(10, 1))
    ingest(store, analytics)
    analytics.now = hour(2.9)
    # one record more, and another one changed: the count alone would show only the first
    analytics.execute(
        "update NSPAccessLogs set \"OperationName\" = 'PutBlob' where \"SourceIpAddress\" < '203.0.113.5'"
    )
    ingest(store, analytics)
    assert loaded(store) == held(analytics)
    analytics.add(hour(1.7), records(1, 2))
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_window_that_is_not_over_is_left_alone(store: Store, analytics: LogAnalytics) -> None:
    analytics.now = hour(3.1)
    analytics.add(hour(1.5), records(10, 1))
    analytics.add(hour(2.5), records(10, 2))
    assert ingest(store, analytics, timing=Timing(settle=timedelta(minutes=15))).outcome.records == 10
    analytics.now = hour(3.3)
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_records_that_arrive_days_late_are_found_by_counting(store: Store, analytics: LogAnalytics) -> None:
    for number in range(4):
        analytics.add(hour(number), records(5, number))
    ingest(store, analytics)
    analytics.now += timedelta(days=6)
    analytics.add(hour(2), records(3, 50))
    analytics.add(hour(7), records(2, 51))  # a window that had none
    analytics.queries.clear()
    result = ingest(store, analytics)
    assert loaded(store) == held(analytics)
    assert (result.outcome.files, result.unchanged) == (2, 3)


def test_what_the_workspace_forgets_stays(store: Store, analytics: LogAnalytics) -> None:
    for number in range(4):
        analytics.add(hour(number), records(5, number))
    ingest(store, analytics)
    analytics.now += timedelta(days=6)
    analytics.execute("delete from NSPAccessLogs")
    assert ingest(store, analytics).failed == []
    assert loaded(store).total() == 20


def test_answers_too_large_are_asked_for_in_pieces(store: Store, analytics: LogAnalytics) -> None:
    analytics.most_rows = 40
    for number in range(3):
        for minute in range(30):
            analytics.add(hour(number) + timedelta(minutes=minute), records(9, number * 100 + minute))
    ingest(store, analytics, rows=5000)
    assert loaded(store) == held(analytics)
    assert flows(store) == sum(row[1] * count for row, count in held(analytics).items())


def test_limit_of_bytes(store: Store, analytics: LogAnalytics) -> None:
    analytics.most_bytes = 20_000
    for minute in range(50):
        analytics.add(hour(1) + timedelta(minutes=minute), records(7, minute))
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_one_moment_with_more_records_than_an_answer_holds(store: Store, analytics: LogAnalytics) -> None:
    analytics.most_rows = 100
    analytics.add(hour(1) + timedelta(microseconds=1), records(600, 1))
    result = ingest(store, analytics)
    assert result.failed == []
    assert loaded(store) == held(analytics)


def test_one_moment_that_cannot_be_cut_is_told_and_the_rest_loaded(store: Store, analytics: LogAnalytics) -> None:
    analytics.most_rows = 100
    analytics.add(hour(1), records(1, 1) * 200)
    analytics.add(hour(3), records(5, 2))
    result = ingest(store, analytics)
    assert [reason for _, reason in result.failed] == ["one moment holds more records than one answer can"]
    assert loaded(store).total() == 5
    analytics.most_rows = 1000
    analytics.now += timedelta(days=20)  # far beyond the audit: the mark has to remember it
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_the_size_shrinks_and_grows_again(store: Store, analytics: LogAnalytics) -> None:
    from pipeline.extract.answers import Pace
    from pipeline.extract.windows import Window

    pace = Pace(4000)
    windows = [Window(hour(number), number, None, 1000) for number in range(20)]
    sizes = []
    for batch in pace.batches(windows):
        sizes.append(len(batch))
        if len(sizes) in {1, 2}:
            pace.shrink()
            pace.shrink()
    assert sizes == [4, 2, 1, 1, 1, 1, 2, 3, 3, 2]
    assert store
    assert analytics


def test_missing_columns_are_borne(store: Store, analytics: LogAnalytics) -> None:
    analytics.create({"TimeGenerated": "TIMESTAMP", "Category": "VARCHAR", "SourceIpAddress": "VARCHAR"})
    few = [{"TimeGenerated": hour(0), "Category": "NspPrivateInboundAllowed", "SourceIpAddress": "10.0.0.1"}]
    analytics.add(hour(1), few)
    ingest(store, analytics)
    assert loaded(store) == Counter({(hour(0), 1, "10.0.0.1", None): 1})


def test_flawed_rows_are_kept_aside(store: Store, analytics: LogAnalytics) -> None:
    analytics.add(hour(1), [*records(3, 1), *records(1, 2, Category=None), *records(1, 3, Count=-4)])
    result = ingest(store, analytics)
    assert (result.outcome.records, result.outcome.rejected) == (3, 2)
    rejected = store._connection.execute("select reason, raw from rejected_record order by reason").fetchall()
    assert [reason for reason, _ in rejected] == ["Count is no whole number between 0 and 1,000,000,000", "no Category"]
    assert all("OperationName=GetBlob; " in raw for _, raw in rejected)
    assert ingest(store, analytics).unchanged == 1  # rejects count as read


def test_a_cell_that_says_error_is_no_error(store: Store, analytics: LogAnalytics) -> None:
    analytics.add(hour(1), records(3, 1, OperationName="error", Profile='"error":{"code":1}'))
    assert ingest(store, analytics).outcome.records == 3


GONE_AFTER_A_WHILE = [
    Fault(status=429),
    Fault(status=429, headers={"Retry-After": "0"}, body={"error": {"code": "ThrottledError"}}),
    Fault(status=500),
    Fault(status=503),
    Fault(reset=True),
    Fault(cut=0),
    Fault(cut=60),
    Fault(status=504, body={"error": {"code": "GatewayTimeout"}}),
    Fault(hang=6),
    Fault(trickle=1),
]


# a peer that says nothing doesn't answer the end of TLS either: such a socket goes with the garbage
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <function _Sel:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", GONE_AFTER_A_WHILE, ids=str)
def test_faults_that_go_away_are_sat_out(store: Store, analytics: LogAnalytics, fault: Fault) -> None:
    for number in range(4):
        analytics.add(hour(number), records(20, number))
    once = iter([fault])
    analytics.choose = lambda text, _: next(once, None) if "extend nsp_ingestion_time" in text else None
    result = ingest(store, analytics, Patience(attempts=4, seconds=2, pause=0.02, longest_pause=0.2))
    gc.collect()
    assert result.failed == []
    assert loaded(store) == held(analytics)


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=429), Fault(reset=True), Fault(cut=9)], ids=str)
def test_window_that_stays_unreadable_is_told_and_tried_again(
    store: Store, analytics: LogAnalytics, fault: Fault
) -> None:
    for number in range(6):
        analytics.add(hour(number), records(20, number))
    analytics.choose = lambda text, _: fault if "extend nsp" in text and AT_TWO in text else None
    result = ingest(store, analytics, rows=20)
    assert [name[-21:] for name, _ in result.failed] == ["2026-10-03T02:00/PT1H"]
    assert result.outcome.records == 100
    analytics.choose = lambda *_: None
    analytics.now += timedelta(days=30)
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_records_that_become_visible_while_windows_are_read(store: Store, analytics: LogAnalytics) -> None:
    analytics.now = hour(6.5)
    for number in range(6):
        analytics.add(hour(number + 0.2), records(20, number))
    late = iter(range(100, 200))
    analytics.choose = lambda *_: Fault(first=lambda: analytics.add(hour(5.8), records(2, next(late))))
    ingest(store, analytics, rows=20)
    analytics.choose = lambda *_: None
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_since_and_until_go_by_ingestion(store: Store, analytics: LogAnalytics) -> None:
    for number in range(8):
        analytics.add(hour(number), records(5, number))
    assert ingest(store, analytics, since=hour(2), until=hour(5)).outcome.records == 15
    assert ingest(store, analytics, since=hour(2)).outcome.records == 15
    assert ingest(store, analytics).outcome.records == 10  # the two hours before as well
    assert loaded(store) == held(analytics)


@pytest.mark.parametrize("ahead", [-26, -3, 3, 26])
def test_the_clock_of_this_machine_does_not_matter(
    store: Store, analytics: LogAnalytics, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.ingest.utc_now", lambda: utc_now() + timedelta(hours=ahead))
    analytics.now = hour(3.3)
    analytics.add(hour(1), records(5, 1))
    analytics.add(hour(2.9), records(5, 2))
    ingest(store, analytics)
    analytics.add(hour(2.95), records(5, 3))
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_empty_workspaces(store: Store, analytics: LogAnalytics) -> None:
    assert ingest(store, analytics).outcome.files == 0
    for empty in (204, 200):
        analytics.choose = lambda *_, status=empty: Fault(empty=status)
        assert ingest(store, analytics).outcome.files == 0


def test_workspace_without_the_table(store: Store, analytics: LogAnalytics) -> None:
    analytics.drop()
    with pytest.raises(SourceError, match="no table NSPAccessLogs"):
        ingest(store, analytics)


def error(status: int, code: str, **more: Any) -> Fault:
    return Fault(status=status, body={"error": {"code": code, "message": "told", **more}})


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (error(401, "AuthorizationRequiredError"), SignInError, "Sign in anew"),
        (error(403, "InvalidTokenError"), SignInError, "another tenant"),
        (error(403, "InsufficientAccessError"), ForbiddenError, "Log Analytics Data Reader"),
        (error(404, "PathNotFoundError"), AzureError, "Workspace ID, a GUID"),
        (error(400, "FailedToResolveResource"), AzureError, "Workspace ID, a GUID"),
        (error(400, "BadArgumentError", innererror={"code": "SyntaxError"}), AzureError, "SyntaxError"),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_refusals_say_what_to_do(
    store: Store, analytics: LogAnalytics, fault: Fault, kind: type[AzureError], words: str
) -> None:
    analytics.choose = lambda *_: fault
    with pytest.raises(kind, match=words) as caught:
        ingest(store, analytics)
    assert caught.value.exit_code == 4


def test_rights_that_end_in_the_middle_stop_it(store: Store, analytics: LogAnalytics) -> None:
    for number in range(4):
        analytics.add(hour(number), records(5, number))
    expired = error(401, "AuthorizationRequiredError")
    analytics.choose = lambda text, _: expired if AT_TWO in text else None
    with pytest.raises(SignInError):
        ingest(store, analytics, rows=5)
    assert loaded(store).total() == 10
    analytics.choose = lambda *_: None
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_wrong_words_and_no_network(store: Store, analytics: LogAnalytics) -> None:
    with pytest.raises(UsageError, match="Workspace ID"):
        ingest(store, analytics, workspace_id="my-workspace/../..")
    with pytest.raises(AzureError, match="no workspace"):
        ingest(store, analytics, workspace_id=WORKSPACE.replace("1", "9"))
    with pytest.raises(SignInError):
        ingest(store, analytics, token=Token("another"))
    with pytest.raises(UnreachableError):
        ingest(store, analytics, port=9)


class SignedOut(Token):
    async def get_token(self, *_: str, **__: Any) -> Any:
        raise CredentialUnavailableError(message="a long story")


def test_signed_out(store: Store, analytics: LogAnalytics) -> None:
    assert issubclass(CredentialUnavailableError, ClientAuthenticationError)
    with pytest.raises(SignInError, match="az login"):
        ingest(store, analytics, token=SignedOut())
    assert analytics.queries == []


def test_answers_without_their_records_are_not_taken_for_none(store: Store, analytics: LogAnalytics) -> None:
    for number in range(6):
        analytics.add(hour(number), records(5, number))
    answers = [Fault(empty=204), Fault(empty=200), Fault(status=200, body={"tables": []}), Fault(status=200, body={})]

    def choose(text: str, _: int) -> Fault | None:
        return lacking if "extend nsp" in text else None

    analytics.choose = choose
    for lacking in answers:
        result = ingest(store, analytics, rows=5)
        assert len(result.failed) == 6, lacking
        assert loaded(store).total() == 0
    analytics.choose = lambda *_: None
    analytics.now += timedelta(days=40)
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_gaps_between_stretches_are_loaded_in_the_end(store: Store, analytics: LogAnalytics) -> None:
    analytics.now = DAY + timedelta(days=41)
    for day in range(40):
        ingested = DAY + timedelta(days=day, hours=1)
        analytics.add(ingested, records(2, day, TimeGenerated=ingested - timedelta(minutes=day)))
    days: list[tuple[int | None, int | None]] = [(30, None), (None, 5), (None, None)]
    for since, until in days:
        ingest(
            store,
            analytics,
            since=None if since is None else DAY + timedelta(days=since),
            until=None if until is None else DAY + timedelta(days=until),
        )
    assert loaded(store) == held(analytics)


def test_since_inside_the_audit_does_not_end_it(store: Store, analytics: LogAnalytics) -> None:
    analytics.now = hour(2.3)
    analytics.add(hour(1.5), records(10, 1))
    ingest(store, analytics)
    analytics.add(hour(1.7), records(3, 2))
    analytics.now = hour(240)
    ingest(store, analytics, since=hour(2))
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


@pytest.mark.parametrize("audit", [0, 8])
def test_overlap_longer_than_the_audit(store: Store, analytics: LogAnalytics, audit: int) -> None:
    timing = Timing(audit=timedelta(days=audit))
    for number in range(1, 9):
        analytics.now = hour(number + 0.3)
        analytics.add(hour(number - 0.5), records(3, number))
        ingest(store, analytics, timing=timing)
        analytics.add(hour(number - 0.6), records(2, number + 50))
    analytics.now = hour(12)
    ingest(store, analytics, timing=timing)
    assert loaded(store) == held(analytics)


def test_records_that_move_to_another_window_are_not_doubled(store: Store, analytics: LogAnalytics) -> None:
    analytics.now = hour(2.3)
    analytics.add(hour(1.9), records(10, 1))
    ingest(store, analytics)
    analytics.execute("update NSPAccessLogs set hidden_ingestion_time = ?", hour(2.1))
    analytics.now = hour(9)
    ingest(store, analytics)
    assert loaded(store) == held(analytics)
    analytics.execute("update NSPAccessLogs set hidden_ingestion_time = ? where Count > 4", hour(4.1))
    analytics.now = hour(30)
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_retention_takes_nothing_away_from_a_window_that_was_not_settled(store: Store, analytics: LogAnalytics) -> None:
    analytics.now = hour(2.3)
    analytics.add(hour(1.5), records(10, 1))
    ingest(store, analytics)
    analytics.execute("delete from NSPAccessLogs where Count > 4")
    analytics.now += timedelta(days=6)
    result = ingest(store, analytics)
    assert (loaded(store).total(), result.shrunk) == (10, 1)


@pytest.mark.parametrize("condition", ["true", "Count > 2"])
def test_young_records_that_are_no_longer_shown_stay_and_are_told(
    store: Store, analytics: LogAnalytics, condition: str
) -> None:
    for number in range(8):
        analytics.add(hour(number + 0.3), records(20, number))
    analytics.now = hour(9)
    ingest(store, analytics)
    analytics.execute(f"delete from NSPAccessLogs where {condition}")
    analytics.now = hour(30)
    for _ in range(2):
        result = ingest(store, analytics)
        assert loaded(store).total() == 160
        ((name, reason),) = result.failed
        assert name == f"{WORKSPACE}/NSPAccessLogs"
        assert reason.startswith(f"{160 - held(analytics).total():,} records fewer than were loaded of 8 hours")


def test_workspace_that_says_it_holds_nothing_any_more(store: Store, analytics: LogAnalytics) -> None:
    analytics.add(hour(1), records(20, 1))
    ingest(store, analytics)
    analytics.choose = lambda *_: Fault(empty=204)
    result = ingest(store, analytics)
    assert (loaded(store).total(), len(result.failed)) == (20, 1)
    analytics.choose = lambda text, _: None if "now = now()" in text else Fault(empty=204)
    assert len(ingest(store, analytics).failed) == 1
    analytics.choose = lambda *_: None
    assert (ingest(store, analytics).failed, loaded(store).total()) == ([], 20)


@pytest.mark.parametrize("rows", [[["x"]], [[None]], [[7]]])
@pytest.mark.parametrize("name", ["now = now()", "min(ingestion_time", "summarize records"])
def test_table_of_another_form_than_documented(
    store: Store, analytics: LogAnalytics, name: str, rows: list[list[Any]]
) -> None:
    analytics.add(hour(1), records(3, 1))
    table = {"tables": [{"name": "PrimaryResult", "columns": [{"name": "x", "type": "string"}], "rows": rows}]}
    analytics.choose = lambda text, _: Fault(status=200, body=table) if name in text else None
    with pytest.raises(UnreachableError, match="proxy"):
        ingest(store, analytics)


def test_record_that_was_long_on_its_way(store: Store, analytics: LogAnalytics) -> None:
    analytics.add(hour(9), records(3, 1))
    analytics.add(hour(9.5), records(2, 2, TimeGenerated=hour(9.5) - timedelta(days=2, hours=3)))
    assert ingest(store, analytics).failed == []
    assert loaded(store) == held(analytics)


def test_one_window_that_cannot_be_had_keeps_its_neighbours_from_nothing(store: Store, analytics: LogAnalytics) -> None:
    for number in range(10):
        analytics.add(hour(number), records(5, number))

    def choose(text: str, _: int) -> Fault | None:
        if "extend nsp" not in text:
            return None
        start, end = (datetime.fromisoformat(part.split("Z")[0]) for part in text.split("datetime(")[1:3])
        return Fault(status=500) if start <= hour(3) < end else None

    analytics.choose = choose
    result = ingest(store, analytics)
    assert [name[-21:] for name, _ in result.failed] == ["2026-10-03T03:00/PT1H"]
    assert loaded(store).total() == 45


def test_half_a_surrogate_pair_is_a_question_mark(store: Store, analytics: LogAnalytics) -> None:
    analytics.add(hour(1), records(3, 1))
    odd = analytics.answer

    def answer(text: str) -> tuple[int, Any]:
        status, body = odd(text)
        if "extend nsp" in text:
            return status, json.dumps(body).replace("GetBlob", "Get\\ud800Blob").encode()
        return status, body

    analytics.answer = answer  # type: ignore[method-assign]
    assert ingest(store, analytics).failed == []
    assert {row[3] for row in loaded(store)} == {"Get?Blob"}


@pytest.mark.parametrize("name", ["now = now()", "min(ingestion_time", "summarize records"])
@pytest.mark.parametrize("fault", [Fault(status=500), Fault(reset=True), Fault(status=200, body={"a": 1})], ids=str)
def test_service_that_does_not_answer_the_first_questions(
    store: Store, analytics: LogAnalytics, name: str, fault: Fault
) -> None:
    analytics.add(hour(1), records(3, 1))
    analytics.choose = lambda text, _: fault if name in text else None
    with pytest.raises(UnreachableError):
        ingest(store, analytics)


def test_oldest_record_that_takes_too_long_to_find(store: Store, analytics: LogAnalytics) -> None:
    analytics.add(hour(1), records(3, 1))
    analytics.choose = lambda text, _: Fault(status=504) if "min(ingestion_time" in text else None
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


def test_service_that_goes_down_is_not_asked_for_every_window(store: Store, analytics: LogAnalytics) -> None:
    for number in range(0, 300, 30):
        analytics.add(hour(-number), records(2, number, TimeGenerated=hour(-number - 0.5)))
    down = iter([None, None, None, None])
    analytics.choose = lambda *_: next(down, Fault(status=503))
    with pytest.raises(UnreachableError):
        ingest(store, analytics)
    assert len(analytics.queries) < 30
    analytics.choose = lambda *_: None
    ingest(store, analytics)
    assert loaded(store) == held(analytics)


@pytest.mark.parametrize("fault", [Fault(status=504), Fault(status=503)], ids=str)
def test_service_that_answers_no_records_is_not_asked_for_every_window(
    store: Store, analytics: LogAnalytics, fault: Fault
) -> None:
    for number in range(240):
        analytics.add(hour(-number), records(2, number, TimeGenerated=hour(-number - 0.5)))
    analytics.choose = lambda text, _: fault if "extend nsp" in text else None
    quick = Patience(attempts=2, seconds=5, pause=0.001)
    result = ingest(store, analytics, quick)
    assert len(analytics.queries) < 100
    assert "left for the next run" in result.failed[-1][1]
    analytics.choose = lambda *_: None
    assert ingest(store, analytics).failed == []
    assert loaded(store) == held(analytics)


def test_old_hours_that_cannot_be_had_keep_no_new_ones_from_coming(store: Store, analytics: LogAnalytics) -> None:
    for number in range(0, 480, 2):
        analytics.add(hour(-number), records(2, number, TimeGenerated=hour(-number - 0.5)))

    def choose(text: str, _: int) -> Fault | None:
        if "extend nsp" not in text:
            return None
        start = datetime.fromisoformat(text.split("datetime(")[1].partition("Z")[0])
        return Fault(status=500) if start < hour(-240) else None

    analytics.choose = choose
    result = ingest(store, analytics, Patience(attempts=2, seconds=5, pause=0.001), rows=100)
    assert result.failed
    new = analytics.execute("select count(*) from NSPAccessLogs where hidden_ingestion_time >= ?", hour(-240))
    assert loaded(store).total() == new[0][0]
    analytics.choose = lambda *_: None
    assert ingest(store, analytics).failed == []
    assert loaded(store) == held(analytics)


def test_windows_that_always_take_too_long_are_given_up(store: Store, analytics: LogAnalytics) -> None:
    analytics.add(hour(1), records(5, 1))
    analytics.choose = lambda text, _: Fault(status=504) if "extend nsp" in text else None
    result = ingest(store, analytics)
    assert [reason for _, reason in result.failed] == ["the service takes too long, also for little"]
    assert len(analytics.queries) < 10


def test_partial_answer_for_another_reason_than_size(store: Store, analytics: LogAnalytics) -> None:
    analytics.add(hour(1), records(5, 1))
    broken = {
        "tables": [],
        "error": {"code": "PartialError", "details": [{"code": "EngineError", "message": "a shard"}]},
    }
    analytics.choose = lambda text, _: Fault(status=200, body=broken) if "extend nsp" in text else None
    result = ingest(store, analytics)
    assert "a shard" in result.failed[0][1]
    assert len(analytics.queries) < 10


@pytest.mark.parametrize(
    ("bag", "rule", "extra"),
    [
        ('{"accessRule":"r1"}', "r1", None),
        ('{"ACCESSRULE":"r1"}', "r1", None),
        ("r1", "r1", None),
        ('{"accessRule":""}', None, None),
        ("{}", None, None),
        ('{"ruleName":"r1"}', None, {"$.MatchedRule": '{"ruleName":"r1"}'}),
        ('{"accessrule":"r1","id":7}', "r1", {"$.MatchedRule": '{"accessrule":"r1","id":7}'}),
    ],
)
@pytest.mark.parametrize("columns", [COLUMNS, {**COLUMNS, "New": "VARCHAR"}], ids=["known", "new"])
def test_bag_of_the_matched_rule(
    store: Store, analytics: LogAnalytics, columns: dict[str, str], bag: str, rule: str | None, extra: Any
) -> None:
    analytics.create(columns)
    analytics.add(hour(1), records(1, 1, MatchedRule=bag))
    assert ingest(store, analytics).failed == []
    ((found, kept),) = store._connection.execute("select matched_rule, extra from access_log").fetchall()
    assert (found, kept and json.loads(kept)) == (rule, extra)


@pytest.mark.parametrize(("count", "kept"), [("2.5", 0), ("0x10", 0), ("1_000", 0), ("3.0", 3), ("", 1), (None, 1)])
def test_counts_as_text(store: Store, analytics: LogAnalytics, count: str | None, kept: int) -> None:
    analytics.create({**COLUMNS, "Count": "VARCHAR"})
    analytics.add(hour(1), records(1, 1, Count=count))
    result = ingest(store, analytics)
    assert result.outcome.rejected == (kept == 0)
    assert [row[1] for row in loaded(store)] == [kept] * (kept > 0)
