"""What flows where: outbound calls, endpoints, protocols, hours, versions, and what changed."""

from datetime import date

from pipeline.store import Store
from pipeline.tables import ACCESS_LOG, HOUR_COUNT, LOAD_LEDGER
from tests.analysis.build import (
    ADMITTED,
    ATTEMPT,
    BY_FIREWALL,
    CALL_REFUSED,
    CALLED,
    CALLED_OPEN,
    CROSS_IN,
    CROSS_OUT,
    INTRA,
    NSP,
    PRIVATE,
    REFUSED,
    SITE,
    SQL,
    STORE,
    VAULT,
    ask,
    at,
    flow,
    put,
)

A, B, C = (f"203.0.113.{each}" for each in range(1, 4))


def test_denials_that_began(store: Store) -> None:
    put(
        store,
        flow(at(1), source_ip=A, requests=5, rules_version="3"),
        flow(at(2, 10, 5), ADMITTED, source_ip=A, rules_version="4"),
        flow(at(2, 10, 6), REFUSED, source_ip=A, requests=2, rules_version="5", matched_rule="DefaultDenyAll"),
        flow(at(3), REFUSED, source_ip=A, requests=7, rules_version="5", profile="APPS"),
        # denied and allowed by turns: the newest is allowed
        flow(at(1), source_ip=B),
        flow(at(2), REFUSED, source_ip=B),
        flow(at(3), source_ip=B),
        # an endpoint that is gone is an outage as well
        flow(at(1), PRIVATE, source_app_id="p", source_ip="10.0.0.4"),
        flow(at(4), REFUSED, source_app_id="p", source_ip=C, matched_rule=None),
        # at the very second of the last allowed one; and nobody knows who
        flow(at(5), service_resource=SQL, source_ip=C),
        flow(at(5), REFUSED, service_resource=SQL, source_ip=C),
        flow(at(1)),
        flow(at(9), REFUSED),
        # denied elsewhere, denied before, never allowed, allowed only
        flow(at(4), REFUSED, source_ip=A, service_resource=VAULT),
        flow(at(1), REFUSED, source_ip=C),
        flow(at(2), source_ip=C),
        flow(at(1), CALLED, destination_fqdn="a.example"),
        flow(at(3), CALL_REFUSED, destination_fqdn="a.example", requests=3),
        flow(at(3), CALL_REFUSED, destination_fqdn="b.example"),
        flow(at(1), REFUSED, source_ip=A, perimeter=f"{NSP}/two"),
    )
    columns = "direction resource caller_kind caller destination last_allowed denied_since last_denied"
    assert ask(store, "denials_that_began", columns) == [
        ("Inbound", "store", "app", "app:p", None, at(1), at(4), at(4)),
        ("Outbound", "store", "member", "store", "a.example", at(1), at(3), at(3)),
        ("Inbound", "store", "public-address", A, None, at(2, 10, 5), at(2, 10, 6), at(3)),
    ]
    columns = "allowed_before denied_requests rules_version_before rules_version_since denied_by"
    assert ask(store, "denials_that_began", columns) == [
        (1, 1, "4", "4", None),
        (1, 3, "4", "4", None),
        (6, 9, "4", "5", "DefaultDenyAll"),
    ]
    assert ask(store, "denials_that_began", "caller", profile="Apps", until=at(3)) == [(A,), (B,)]
    assert ask(store, "denials_that_began", "caller", since=at(3)) == []


def test_accesses_that_began(store: Store) -> None:
    put(
        store,
        flow(at(1), REFUSED, source_ip=A, requests=5, rules_version="3"),
        flow(at(2), ADMITTED, source_ip=A, requests=2, matched_rule="office", profile="APPS"),
        flow(at(1), REFUSED, source_ip=B),
        flow(at(2), source_ip=B),
        flow(at(3), REFUSED, source_ip=B),
        flow(at(1), source_ip=C),
        flow(at(5), REFUSED, service_resource=SQL, source_ip=C),
        flow(at(5), service_resource=SQL, source_ip=C),
        flow(at(1), REFUSED),
        flow(at(9)),
        flow(at(1), CALL_REFUSED, destination_resource=SQL),
        flow(at(3), CALLED_OPEN, destination_resource=SQL),
    )
    columns = (
        "direction caller destination last_denied allowed_since denied_before allowed_requests "
        "rules_version_before rules_version_since rule_origin allowed_by"
    )
    assert ask(store, "accesses_that_began", columns) == [
        ("Outbound", "store", "sql", at(1), at(3), 1, 1, "4", "4", "Resource", None),
        ("Inbound", A, None, at(1), at(2), 5, 2, "3", "4", "Perimeter", "office"),
    ]
    assert ask(store, "accesses_that_began", "caller", until=at(2)) == []


def test_destinations_by_rarity(store: Store) -> None:
    put(
        store,
        flow(at(1), CALLED, destination_fqdn="often.example", requests=9),
        flow(at(2), CALLED, destination_fqdn="often.example"),
        flow(at(1), CALL_REFUSED, destination_fqdn="two.example", service_resource=VAULT),
        flow(at(1), CALLED, destination_fqdn="two.example", profile="APPS"),
        flow(at(1), CALLED, destination_fqdn="one.example", requests=5),
        flow(at(1), CALLED, destination_resource=SQL, requests=5),
        flow(at(1), CALLED),
        flow(at(1), ATTEMPT, destination_fqdn="member.example"),
        flow(at(1), CROSS_OUT, destination_fqdn="linked.example"),
        flow(at(1), source_ip=A, destination_fqdn="in.example"),
    )
    columns = "destination days_seen resources requests denied_requests first_resource"
    assert ask(store, "destinations_by_rarity", columns) == [
        ("sql", 1, 1, 5, 0, "store"),
        ("one.example", 1, 1, 5, 0, "store"),
        ("two.example", 1, 2, 2, 1, "vault"),
        ("often.example", 2, 1, 10, 0, "store"),
    ]
    assert ask(store, "destinations_by_rarity", "destination", since=at(2)) == [("often.example",)]


def test_destinations_new_this_week(store: Store) -> None:
    put(
        store,
        flow(at(1), CALLED, destination_fqdn="old.example"),
        flow(at(14), CALLED, destination_fqdn="old.example"),
        flow(at(8), CALLED, destination_fqdn="week.example"),
        flow(at(14), CALLED, destination_fqdn="new.example", requests=2),
        flow(at(14), CALL_REFUSED, destination_fqdn="new.example", requests=3, service_resource=VAULT, profile="APPS"),
        flow(at(14), CALLED, destination_fqdn="b.example", requests=5),
        flow(at(14), CALLED, destination_fqdn="z.example", requests=6),
        flow(at(14), CALLED),
        flow(at(15), ATTEMPT, destination_fqdn="member.example"),
    )
    columns = "destination requests denied_requests resources first_seen log_begins"
    assert ask(store, "destinations_new_this_week", columns, profile="Apps") == [
        ("z.example", 6, 0, 1, at(14), at(1)),
        ("b.example", 5, 0, 1, at(14), at(1)),
        ("new.example", 5, 3, 2, at(14), at(1)),
    ]
    assert len(ask(store, "destinations_new_this_week", "destination", days=8)) == 4
    assert ask(store, "destinations_new_this_week", "destination", until=at(9), days=3) == [("week.example",)]


def test_destinations_new_this_week_without_a_perimeter(store: Store) -> None:
    put(store, flow(at(1), CALLED, destination_fqdn="a.example", perimeter=None))
    assert ask(store, "destinations_new_this_week", "perimeter destination") == [(None, "a.example")]


def test_outbound_without_host(store: Store) -> None:
    put(
        store,
        flow(at(1), CALLED_OPEN, requests=2),
        flow(at(2), CALLED_OPEN, profile="APPS"),
        flow(at(1), CALL_REFUSED, destination_resource=SQL, operation=None, requests=3),
        flow(at(1), CALLED_OPEN, destination_fqdn="a.example"),
        flow(at(1), ATTEMPT, destination_resource=SQL),
        flow(at(1), CROSS_OUT, destination_resource=SQL),
        flow(at(1), source_ip=A),
    )
    columns = "profile resource destination_resource operation action requests days_seen"
    assert ask(store, "outbound_without_host", columns) == [
        ("apps", "store", "sql", None, "Denied", 3, 1),
        ("apps", "store", None, "Get", "Approved", 3, 2),
    ]


def test_resources_by_destinations(store: Store) -> None:
    put(
        store,
        flow(at(1), CALLED, destination_fqdn="a.example"),
        flow(at(1), CALL_REFUSED, destination_fqdn="b.example", requests=2, profile="APPS"),
        flow(at(1), CALL_REFUSED, destination_fqdn="b.example", requests=3),
        flow(at(1), CALLED, destination_fqdn="a.example", service_resource=VAULT, requests=50),
        flow(at(1), ATTEMPT, destination_fqdn="c.example"),
        flow(at(1), CALLED, service_resource=SQL),
    )
    columns = "resource destinations destinations_denied requests denied_requests"
    assert ask(store, "resources_by_destinations", columns) == [
        ("store", 2, 1, 6, 5),
        ("vault", 1, 0, 50, 0),
        ("sql", 0, 0, 1, 0),
    ]


def test_private_and_public_by_resource(store: Store) -> None:
    put(
        store,
        flow(at(1), PRIVATE, source_ip="10.0.0.4", source_app_id="p", requests=6),
        flow(at(2), source_ip=A, source_app_id="p"),
        flow(at(3), REFUSED, source_ip=B, profile="APPS"),
        flow(at(1), PRIVATE, source_ip="10.0.0.4", service_resource=VAULT),
        flow(at(2), source_ip=A, source_app_id="public-only"),
        flow(at(4), PRIVATE, source_ip="10.0.0.4", source_app_id="private-only"),
        flow(at(1), source_ip=A, service_resource=SQL),
        flow(at(1), PRIVATE, source_ip="10.0.0.4", service_resource=None),
        flow(at(1), source_ip=A, service_resource=None),
        flow(at(1), PRIVATE, service_resource=f"{SQL}2"),
        flow(at(1), service_resource=f"{SQL}2"),
        flow(at(1), source_ip=A, service_resource=VAULT, perimeter=f"{NSP}/two"),
        flow(at(1), INTRA, source_resource=SITE, requests=90),
    )
    columns = (
        "resource private_requests public_requests public_denied_requests public_share public_addresses "
        "identities_both_ways first_public last_public"
    )
    assert ask(store, "private_and_public_by_resource", columns) == [
        ("store", 7, 3, 1, 0.3, 2, 1, at(2), at(3)),
        ("sql2", 1, 1, 0, 0.5, 0, 0, at(1), at(1)),
    ]
    assert ask(store, "private_and_public_by_resource", columns, until=at(1)) == []


def test_busiest_hours(store: Store) -> None:
    put(
        store,
        flow(at(5, 9), source_ip=A, requests=10),  # Monday
        flow(at(12, 9, 30), source_ip=B, requests=5, profile="APPS"),
        flow(at(12, 9, 30), CALLED),
        flow(at(11, 9), source_ip=A, requests=8),
        flow(at(5, 10), CALLED, requests=8),
        flow(at(6, 10), CALLED, requests=5),
        flow(at(13, 10), CALLED, requests=4),
    )
    columns = "weekday hour_of_day hours_seen requests requests_an_hour callers"
    assert ask(store, "busiest_hours", columns, profile="apps") == [
        (1, 9, 2, 16, 8.0, 2),
        (1, 10, 1, 8, 8.0, 0),
        (7, 9, 1, 8, 8.0, 1),
        (2, 10, 2, 9, 4.5, 0),
    ]


def test_category_by_day(store: Store) -> None:
    put(
        store,
        flow(at(1, 23), source_ip=A, requests=10),
        flow(at(1), source_ip=B, requests=2, records=2),
        flow(at(1), ATTEMPT),
        flow(at(2), source_ip=A, perimeter=None),
    )
    assert ask(store, "category_by_day", "perimeter day category requests records") == [
        ("one", date(2026, 10, 1), ATTEMPT, 1, 1),
        ("one", date(2026, 10, 1), BY_FIREWALL, 12, 3),
        (None, date(2026, 10, 2), BY_FIREWALL, 1, 1),
    ]
    assert len(ask(store, "category_by_day", "day", since=at(1, 1), until=at(2))) == 1


def test_protocols_in_use(store: Store) -> None:
    put(
        store,
        flow(at(1), source_ip=A, requests=9),
        flow(at(1), REFUSED, source_ip=B, protocol="https:tcp"),
        flow(at(1), source_ip=A, protocol="nfs"),
        flow(at(1), CALLED, protocol="SFTP:TCP"),
        flow(at(1), source_ip=A, protocol=None),
        flow(at(1), source_ip=A, protocol="X-SMB"),
    )
    columns = "direction protocol is_unsupported requests approved_requests resources callers"
    assert ask(store, "protocols_in_use", columns) == [
        ("Inbound", "NFS", True, 1, 1, 1, 1),
        ("Inbound", "HTTPS:TCP", False, 10, 9, 1, 2),
        ("Inbound", "X-SMB", False, 1, 1, 1, 1),
        ("Inbound", None, False, 1, 1, 1, 1),
        ("Outbound", "SFTP:TCP", False, 1, 1, 1, 1),
    ]


def test_attempts_without_outcome(store: Store) -> None:
    host = "vault.example"
    store._connection.execute(
        "insert into member_host values ('x', $host, $resource)", {"host": host, "resource": VAULT}
    )
    put(
        store,
        # reached, by a part of the destination, and named by its host only
        flow(at(1, 9, 50), ATTEMPT, destination_resource=f"{SQL}/databases/a"),
        flow(at(1, 9, 10), INTRA, service_resource=SQL, source_resource=f"{STORE}/blobservices/default"),
        flow(at(1), ATTEMPT, destination_fqdn=host),
        flow(at(1), CROSS_IN, service_resource=VAULT, source_resource=STORE, perimeter=f"{NSP}/two"),
        # in another hour, by another caller, by somebody without a name
        flow(at(2), ATTEMPT, destination_fqdn=host, requests=3),
        flow(at(3), ATTEMPT, destination_fqdn=host, requests=2, profile="APPS"),
        flow(at(2), INTRA, service_resource=VAULT, source_resource=SITE),
        flow(at(4), ATTEMPT, destination_resource=SQL),
        flow(at(4), INTRA, service_resource=SQL),
        flow(at(4), ATTEMPT, destination_resource=SITE),
        flow(at(4), ATTEMPT, destination_fqdn="who.example"),
        flow(at(4), CALLED, destination_fqdn="who.example"),
        # neither calls of the destination itself nor public ones by nobody knows whom tell anything
        flow(at(4), CALLED, service_resource=SITE),
        flow(at(3), source_ip=A, service_resource=VAULT),
        flow(at(2), source_ip=A, service_resource=VAULT),
    )
    columns = "resource destination destination_fqdn why hours requests first_seen"
    assert ask(store, "attempts_without_outcome", columns) == [
        ("store", "vault", host, "its log shows no such call", 2, 5, at(2)),
        ("store", "sql", None, "its log has calls inside perimeters, without the name of the caller", 1, 1, at(4)),
        ("store", "site", None, "the destination wrote no inbound record at all", 1, 1, at(4)),
        ("store", None, "who.example", "the destination is not known", 1, 1, at(4)),
    ]
    assert ask(store, "attempts_without_outcome", "requests", until=at(3)) == [(3,)]


def test_operation_versions_counts_each_record_once(store: Store) -> None:
    def ledger(number: int, kind: str) -> list[object]:
        row: dict[str, object] = dict.fromkeys((column.name for column in LOAD_LEDGER.columns), 0)
        row |= {"source_id": number, "source_kind": kind, "place": kind, "name": kind, "etag": ""}
        return list((row | {"head_hash": "", "tail_hash": "", "loaded_at": at(1)}).values())

    def log(number: int, version: str | None, count: int, operation: str | None = "Get") -> list[object]:
        row: dict[str, object] = {column.name: None for column in ACCESS_LOG.written}
        told: dict[str, object] = {
            "operation": operation,
            "operation_version": version,
            "perimeter": f"{NSP}/one",
            "category": BY_FIREWALL,
        }
        told |= {"profile": "Apps", "service_resource": STORE, "source_ip": A, "time": at(1, 0, 7), "counted": True}
        return list((row | told | {"source_id": number, "line": 1, "count": count}).values())

    store.append_rows(LOAD_LEDGER, [ledger(1, "blob"), ledger(2, "workspace")])
    store.append_rows(
        HOUR_COUNT,
        [(at(1), kind, kind, f"{NSP}/one", BY_FIREWALL, 2, 5, kind == "blob") for kind in ("blob", "workspace")],
    )
    logs = [log(1, "2020", 2), log(1, "2020", 3), log(1, None, 1), log(1, None, 9, None), log(2, "2020", 5)]
    store.append_rows(ACCESS_LOG, logs)
    columns = "operation operation_version requests records resources addresses first_seen last_seen"
    assert ask(store, "operation_versions", columns, profile="apps", since=at(1)) == [
        ("Get", "2020", 5, 2, 1, 1, at(1, 0, 7), at(1, 0, 7)),
        ("Get", None, 1, 1, 1, 1, at(1, 0, 7), at(1, 0, 7)),
    ]
    assert ask(store, "operation_versions", columns, until=at(1)) == []
