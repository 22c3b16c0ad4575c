"""The declaration of the tables and the tables themselves say the same."""

import polars as pl
import pytest

from pipeline.store import Store
from pipeline.tables import ACCESS_LOG, CATEGORIES, TABLES, VIEWS, Table, View


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_created_table_has_the_declared_columns_and_types(store: Store, table: Table) -> None:
    described = store._connection.execute(f"describe {table.name}").fetchall()
    assert [(row[0], row[1]) for row in described] == [(column.name, column.type) for column in table.columns]
    enforced = [column.required and not table.checked_by_loader for column in table.columns]
    assert [row[2] == "NO" for row in described] == enforced


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_polars_sees_the_declared_schema(store: Store, table: Table) -> None:
    frame = pl.DataFrame(store._connection.sql(f"from {table.name}"))
    assert dict(frame.schema) == table.polars_schema()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_view_has_the_declared_columns(store: Store, view: View) -> None:
    described = store._connection.execute(f"describe {view.name}").fetchall()
    assert [(row[0], row[1]) for row in described] == [(column.name, column.type) for column in view.columns]


def test_every_column_and_table_is_explained() -> None:
    for table in TABLES:
        assert table.grain
        assert all(column.meaning.endswith(".") for column in table.columns)


def test_blob_and_workspace_names_are_unique() -> None:
    for names in (
        [column.blob for column in ACCESS_LOG.columns if column.blob],
        [column.workspace for column in ACCESS_LOG.columns if column.workspace],
    ):
        assert len(names) == len({name.lower() for name in names})


@pytest.mark.parametrize(
    ("category", "direction", "traffic_type", "action", "origin"),
    [
        ("NspPublicInboundPerimeterRulesAllowed", "Inbound", "Public", "Approved", "Perimeter"),
        ("NspPublicInboundPerimeterRulesDenied", "Inbound", "Public", "Denied", "Perimeter"),
        ("NspPublicInboundResourceRulesAllowed", "Inbound", "Public", "Approved", "Resource"),
        ("NspPublicInboundResourceRulesDenied", "Inbound", "Public", "Denied", "Resource"),
        ("NspPublicOutboundPerimeterRulesAllowed", "Outbound", "Public", "Approved", "Perimeter"),
        ("NspPublicOutboundPerimeterRulesDenied", "Outbound", "Public", "Denied", "Perimeter"),
        ("NspPublicOutboundResourceRulesAllowed", "Outbound", "Public", "Approved", "Resource"),
        ("NspPublicOutboundResourceRulesDenied", "Outbound", "Public", "Denied", "Resource"),
        ("NspOutboundAttempt", "Outbound", None, None, None),
        ("NspIntraPerimeterInboundAllowed", "Inbound", "Intra", "Approved", None),
        ("NspCrossPerimeterInboundAllowed", "Inbound", "Cross", "Approved", None),
        ("NspCrossPerimeterOutboundAllowed", "Outbound", "Cross", "Approved", None),
        ("NspPrivateInboundAllowed", "Inbound", "Private", "Approved", None),
        ("SomethingNew", None, None, None, None),
    ],
)
def test_category_says_direction_type_action_and_origin(
    store: Store,
    category: str,
    direction: str | None,
    traffic_type: str | None,
    action: str | None,
    origin: str | None,
) -> None:
    insert = (
        "insert into access_log_stored (source_id, line, time, count, counted, category) "
        "values (1, 1, now(), 1, false, ?)"
    )
    store._connection.execute(insert, [category])
    read = "select direction, traffic_type, action, rule_origin from access_log"
    assert store._connection.execute(read).fetchall() == [(direction, traffic_type, action, origin)]


def test_what_the_workspace_says_goes_before_the_category(store: Store) -> None:
    store._connection.execute(
        "insert into access_log_stored (source_id, line, time, count, counted, category, logged_direction, "
        "logged_traffic_type, logged_action, logged_rule_origin) "
        "values (1, 1, now(), 1, false, 'NspPublicInboundResourceRulesAllowed', 'Outbound', 'Intra', 'Denied', 'NSP')",
    )
    read = "select direction, traffic_type, action, rule_origin from access_log"
    assert store._connection.execute(read).fetchall() == [("Outbound", "Intra", "Denied", "NSP")]


def test_there_are_thirteen_categories() -> None:
    assert len(CATEGORIES) == 13
