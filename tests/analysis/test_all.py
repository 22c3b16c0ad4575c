"""What holds for every query of queries/analysis."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import sql
from pipeline.store import Store, open_store
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
    VAULT,
    at,
    flow,
    inventory,
    member,
    put,
    rule,
    scoped,
)

NAMES = [name.removeprefix("analysis/") for name in sql.names() if name.startswith("analysis/")]
FOREVER = {"rules_by_use", "unused_rules"}  # rules are in force, whatever the window holds
FLOWS = [
    flow(
        at(day, hour),
        category,
        2 * day,
        records=2,
        last_seen=at(day, hour, 30),
        perimeter=f"{NSP}/{perimeter}",
        profile=profile,
        service_resource=resource,
        **told,
    )
    for day in (1, 9, 16, 31)
    for hour, (perimeter, profile, resource) in enumerate(
        [("one", "apps", VAULT), ("one", "APPS", SQL), ("two", "apps", VAULT), ("two", "Apps", SQL)]
    )
    for category, told in [
        (BY_FIREWALL if day < 16 else REFUSED, {"source_ip": "203.0.113.1"}),
        (REFUSED if day < 16 else ADMITTED, {"source_ip": "203.0.113.2"}),
        (BY_FIREWALL, {"source_ip": f"203.0.113.{day + 100}"}),
        (BY_FIREWALL, {"source_ip": "203.0.113.1", "source_resource": SITE}),
        (REFUSED, {"source_ip": "10.0.0.7"}),
        (PRIVATE, {"source_ip": "10.0.0.4"}),
        (INTRA, {"source_resource": SQL}),
        (CROSS_IN, {"source_perimeters": '["00000000-1111-0000-0000-000000000002"]'}),
        (CROSS_OUT, {"destination_resource": SITE}),
        (ATTEMPT, {"destination_resource": SITE}),
        (CALLED, {"destination_fqdn": f"h{day}.example"}),
        (CALLED_OPEN, {}),
        (CALL_REFUSED, {"destination_fqdn": "h1.example"}),
    ]
]


def halves(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The same requests in two rows, each half as many."""
    half = row | {"requests": row["requests"] // 2, "records": 1}
    minutes = [row["hour"].replace(minute=minute) for minute in (10, 20)]
    return [half | {"last_seen": minutes[0]}, half | {"first_seen": minutes[1]}]


def filled(folder: Path, flows: list[dict[str, Any]]) -> Store:
    folder.mkdir()
    store = open_store(folder / "store")
    rules = [
        rule("office", addressPrefixes=["203.0.113.2/32", "192.0.2.0/24"]),
        rule("x", subscriptions=[{"id": SITE}]),
    ]
    members = [member(VAULT, "Enforced"), member(SQL), member(SITE)]
    inventory(store, folder, accessRules=rules, associations=members)
    put(store, *flows)
    return store


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Store]:
    folder = tmp_path_factory.mktemp("analysis")
    return filled(folder / "forth", FLOWS), filled(
        folder / "back", [half for row in FLOWS[::-1] for half in halves(row)]
    )


def answer(store: Store, name: str, **scope: object) -> pl.DataFrame:
    told = sql.load(f"analysis/{name}").parameters
    return store.frame(
        f"analysis/{name}", **scoped(name, **{key: value for key, value in scope.items() if key in told})
    )


def test_there_are_many_and_each_has_a_test_that_names_it() -> None:
    assert len(NAMES) >= 25
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))
    assert [name for name in NAMES if f'"{name}"' not in tests] == []


@pytest.mark.parametrize("name", NAMES)
def test_parameters_may_all_be_left_out(name: str) -> None:
    parameters = sql.load(f"analysis/{name}").parameters
    assert all("null for all" in told for told in parameters.values())
    traffic = sql.load("traffic/flows_by_caller").parameters
    assert {key: told for key, told in parameters.items() if key in traffic} == {
        key: traffic[key] for key in traffic if key in parameters
    }
    assert {"until", "perimeter", "profile", "limit"} <= set(parameters) <= {*traffic, "days"}


@pytest.mark.parametrize("name", NAMES)
def test_empty_store_has_no_rows(store: Store, name: str) -> None:
    assert answer(store, name).height == 0


@pytest.mark.parametrize("name", NAMES)
def test_answer_depends_neither_on_order_nor_on_how_events_are_gathered_in_records(
    stores: tuple[Store, Store], name: str
) -> None:
    forth, back = (answer(store, name).drop("flows", strict=False) for store in stores)
    if name not in {"operation_versions", "addresses_of_known_networks"}:  # of tables that are empty here
        assert forth.height > 0
    assert forth.rows() == back.rows()


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_of_64_bits(stores: tuple[Store, Store], name: str) -> None:
    query = sql.load(f"analysis/{name}")
    types = {str(each) for each in stores[0]._connection.sql(query.text, params=scoped(name)).types}
    assert types <= {"VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE"}


@pytest.mark.parametrize("name", NAMES)
def test_scope_limits_the_answer(stores: tuple[Store, Store], name: str) -> None:
    store, _ = stores
    whole = answer(store, name)
    assert answer(store, name, profile="aPPs").equals(whole)
    assert answer(store, name, profile="other").height == 0
    assert answer(store, name, limit=1).equals(whole.head(1))
    if name not in FOREVER:
        assert answer(store, name, until=at(1)).height == 0
    assert answer(store, name, perimeter="ne").height == 0
    one = answer(store, name, perimeter="ONE")
    assert one.equals(answer(store, name, perimeter=f"{NSP}/ONE"))
    if "perimeter" in whole.columns:
        assert set(one["perimeter"]) <= {f"{NSP}/one"}
        assert one.equals(whole.filter(pl.col("perimeter") == f"{NSP}/one"))
    elif whole.height:
        assert not one.equals(whole)
