"""What is kept of costly views never outlives what it was made of."""

from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import QueryError
from pipeline.store import KEPT, QUERY_VIEWS, Store, open_store, views
from pipeline.tables import ADDRESS, RULE_SPAN, SCENARIO, TRAFFIC
from pipeline.verdict.scenario import scenario
from tests.thorough import times
from tests.verdict.world import DOCS, MOMENT, VAULT, World, flow, put, traffic, write

ASKED = ("verdict/flow_verdicts", "coverage/unlisted_resources")


class _UndoneError(Exception):
    pass


def answers(store: Store) -> list[Any]:
    return [sorted(store.rows(name), key=repr) for name in ASKED]


def flows(number: int) -> list[dict[str, Any]]:
    return [
        flow(source_ip=f"203.0.113.{number}", caller_key=f"203.0.113.{number}", requests=number),
        flow(service_resource=VAULT, profile="vaults", requests=number),
        flow(category="NspPublicOutboundResourceRulesAllowed", destination_fqdn=f"{number}.example.com"),
    ]


def world(number: int) -> World:
    return World(
        rules=[("apps", "Inbound", "addressPrefixes", f"203.0.113.{number}/32")],
        modes={DOCS: (("Learning", "Enforced")[number % 2], "Enabled", "apps")},
    )


def read(store: Store, _: int) -> None:
    answers(store)


def load(store: Store, number: int) -> None:
    write(store, *flows(number))


def clear(store: Store, number: int) -> None:
    store.delete_hours(TRAFFIC, None, MOMENT + timedelta(hours=number % 2))


def pull(store: Store, number: int) -> None:
    put(store, world(number), taken_at=MOMENT + timedelta(days=number))


def swap_rules(store: Store, number: int) -> None:
    store.delete_named(RULE_SPAN, "element", [f"203.0.113.{number}/32"])


def enforce(store: Store, _: int) -> None:
    store.replace(SCENARIO, [("Enforced", None)])


def relax(store: Store, _: int) -> None:
    store.replace(SCENARIO, [(None, None)])


WAYS = ("plain", "kept", "tried", "undone", "failed")
CHANGES = (read, load, clear, pull, swap_rules, enforce, relax)
steps = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.integers(1, 5), st.sampled_from(WAYS)),
    min_size=1,
    max_size=5,
)


def take(store: Store, change: Any, number: int, how: str) -> None:
    """Change something: as it is, within a transaction, in one that is undone, or in one that a query ended."""
    if how == "plain" or change is pull:  # which is a transaction itself
        change(store, number)
        return
    if how == "tried":  # what isn't in the place of anything is written for good
        answers(store)
        with scenario(store, None, access_mode="Enforced"):
            answers(store)
            change(store, number)
            answers(store)
        return
    with suppress(_UndoneError, QueryError), store.transaction():
        change(store, number)
        answers(store)
        if how == "undone":
            raise _UndoneError
        if how == "failed":
            with traffic(store, *flows(number)):
                answers(store)
                store.rows("callers/addresses_of_caller", perimeter=1, caller=object)


@given(steps)
@settings(max_examples=times(6), deadline=None)
def test_any_history_is_answered_as_by_one_who_just_came(tmp_path_factory: pytest.TempPathFactory, done: Any) -> None:
    folder = tmp_path_factory.mktemp("views")
    with open_store(folder) as store:
        for change, number, how in done:
            take(store, change, number, how)
            with open_store(folder) as fresh:
                assert answers(store) == answers(fresh)
        with open_store(folder) as fresh, ExitStack() as trials:
            for each in (store, fresh):
                trials.enter_context(scenario(each, None, access_mode="Enforced"))
            assert answers(store) == answers(fresh)


def kinds(store: Store) -> dict[str, str]:
    """Which views there are now, and whether their rows are kept."""
    found = store._connection.execute(
        "select table_name, table_type from information_schema.tables where table_catalog = 'temp'"
    ).fetchall()
    return {name: "view" if kind == "VIEW" else "table" for name, kind in found if name in QUERY_VIEWS}


def test_rows_are_kept_until_something_they_are_made_of_changes(store: Store) -> None:
    put(store, world(1))
    write(store, *flows(7))
    answers(store)
    kept = {name for name, kind in kinds(store).items() if kind == "table"}
    assert kept == set(KEPT)
    store.replace(ADDRESS, [])
    assert set(KEPT) - kinds(store).keys() == {"verdict"}
    write(store, *flows(8))
    assert kinds(store).keys() >= {"rules_since", "links_since", "state_since"}, "no load changes these"
    with ExitStack() as trial:
        trial.enter_context(scenario(store, None, access_mode="Enforced"))
        answers(store)
        assert {name for name, kind in kinds(store).items() if kind == "view"} >= {"verdict", "resource_state"}
    with store.as_of(datetime(2020, 1, 1)):
        answers(store)


def test_verdicts_of_very_many_flows_are_not_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, world(1))
    write(store, *flows(7), *flows(8))
    expected = answers(store)
    monkeypatch.setattr(views, "MOST_FLOWS", 5)
    with open_store(tmp_path / "store") as other:
        assert answers(other) == expected
        assert kinds(other)["verdict"] == kinds(other)["resource_state"] == "view"
