"""Words that a workspace writes: another spelling of one, or one that nobody knows, hides nothing that succeeded."""

import pytest

from pipeline.store import Store

ALLOWED = "NspPublicInboundResourceRulesAllowed"


@pytest.mark.parametrize(
    ("category", "logged", "read"),
    [
        (ALLOWED, ("Inbound", "Public", "Approved"), ("Inbound", "Public", "Approved")),
        (ALLOWED, ("INBOUND", "public", "approved"), ("Inbound", "Public", "Approved")),
        (ALLOWED, ("in", "internet", "Allow"), ("Inbound", "Public", "Approved")),
        (ALLOWED, (None, None, None), ("Inbound", "Public", "Approved")),
        (ALLOWED, ("outbound", "CROSS", "Denied"), ("Outbound", "Cross", "Denied")),
        ("NspOutboundAttempt", ("Outbound", None, "Allowed"), ("Outbound", None, "Approved")),
        ("Nsp", ("x", "y", "z"), (None, None, None)),
    ],
)
def test_logged_word(store: Store, category: str, logged: tuple[str | None, ...], read: tuple[str | None, ...]) -> None:
    store._connection.execute(
        "insert into access_log_stored (source_id, line, time, count, counted, category, logged_direction, "
        "logged_traffic_type, logged_action) values (1, 1, '2026-10-01', 1, false, ?, ?, ?, ?)",
        [category, *logged],
    )
    assert store._connection.execute("select direction, traffic_type, action from access_log").fetchall() == [read]
