"""What is kept of log records when retention drops them: enough to make every flow anew, and every count.

The grain holds the source, so that one that grows, shrinks or is written anew has its part added or taken away like
that of records which are still there.
"""

from dataclasses import replace

from pipeline.tables.access_log import ACCESS_LOG
from pipeline.tables.declaration import Column, Table
from pipeline.tables.logs import TRAFFIC

_LOGGED = {column.name: replace(column, blob=None, workspace=None) for column in ACCESS_LOG.columns}
_FLOW = {column.name: column for column in TRAFFIC.columns}

SOURCE_FLOW = Table(
    "source_flow",
    "one row a source, hour, flow and version of the operation: what is kept of dropped rows of access_log; one more "
    "where some came after others were dropped",
    (
        _LOGGED["source_id"],
        _FLOW["hour"],
        _LOGGED["perimeter"],
        _LOGGED["profile"],
        _LOGGED["service_resource"],
        _LOGGED["category"],
        _LOGGED["logged_direction"],
        _LOGGED["logged_traffic_type"],
        _LOGGED["logged_action"],
        _LOGGED["logged_rule_origin"],
        _LOGGED["matched_rule"],
        _LOGGED["rules_version"],
        _LOGGED["operation"],
        _LOGGED["operation_version"],
        _FLOW["source_ip"],
        _FLOW["source_network"],
        _LOGGED["source_resource"],
        _FLOW["source_app_id"],
        _LOGGED["source_perimeters"],
        _FLOW["destination_fqdn"],
        _LOGGED["destination_resource"],
        _FLOW["protocol"],
        _FLOW["records"],
        _FLOW["requests"],
        _FLOW["first_seen"],
        _FLOW["last_seen"],
        _LOGGED["direction"],
        _LOGGED["traffic_type"],
        _LOGGED["action"],
        _LOGGED["rule_origin"],
    ),
)

SOURCE_FIELD = Table(
    "source_field",
    "one row a source, hour and field without a column: what is kept of access_log.extra; one more as in source_flow",
    (
        _LOGGED["source_id"],
        _FLOW["hour"],
        Column("field", "VARCHAR", "JSON path of the field.", True),
        Column("records", "BIGINT", "Records that had it.", True),
    ),
)

RETENTION = Table(
    "retention",
    "at most one row: what was dropped so far",
    (
        Column("raw_before", "TIMESTAMP", "Rows of access_log of the hours before it were dropped, UTC."),
        Column("flows_before", "TIMESTAMP", "All of the hours before it was dropped, UTC."),
    ),
)
