"""Every table and view of the warehouse, declared once: name, grain, columns with their type and meaning.

The DDL, the polars schema, the mapping from a log record to columns and the page docs/tables.md are all
derived from these declarations; tests/test_tables.py holds them together.
"""

from pipeline.tables.access_log import ACCESS_LOG, CATEGORIES
from pipeline.tables.declaration import Column, Table, View
from pipeline.tables.inventory import (
    INVENTORY_ASSOCIATION,
    INVENTORY_ISSUE,
    INVENTORY_LINK,
    INVENTORY_LOGGING,
    INVENTORY_PERIMETER,
    INVENTORY_PROFILE,
    INVENTORY_RESOURCE,
    INVENTORY_RULE_ELEMENT,
    INVENTORY_SNAPSHOT,
    KNOWN_NETWORK,
    MEMBER_HOST,
    NETWORK_SPAN,
    RULE_NAME,
    RULE_SPAN,
    SCENARIO,
    SERVICE_TAG_PREFIX,
    SNAPSHOT_ASSOCIATION,
    SNAPSHOT_ISSUE,
    SNAPSHOT_LINK,
    SNAPSHOT_LOGGING,
    SNAPSHOT_PROFILE,
    SNAPSHOT_RESOURCE,
    SNAPSHOT_RULE_ELEMENT,
)
from pipeline.tables.logs import ADDRESS, HOUR_COUNT, LOAD_LEDGER, LOAD_MARK, REJECTED_RECORD, TRAFFIC
from pipeline.tables.published import PUBLISHED_QUERIES, PUBLISHED_RUN
from pipeline.tables.retention import RETENTION, SOURCE_FIELD, SOURCE_FLOW

SCHEMA_VERSION = 7
"""Raised whenever a stored table changes its shape; `pipeline.store` refuses other versions."""

TABLES = (
    ACCESS_LOG,
    REJECTED_RECORD,
    LOAD_LEDGER,
    LOAD_MARK,
    ADDRESS,
    TRAFFIC,
    HOUR_COUNT,
    SOURCE_FLOW,
    SOURCE_FIELD,
    RETENTION,
    INVENTORY_SNAPSHOT,
    SNAPSHOT_PROFILE,
    SNAPSHOT_RULE_ELEMENT,
    SNAPSHOT_ASSOCIATION,
    SNAPSHOT_RESOURCE,
    SNAPSHOT_LINK,
    SNAPSHOT_LOGGING,
    SNAPSHOT_ISSUE,
    RULE_SPAN,
    RULE_NAME,
    MEMBER_HOST,
    SCENARIO,
    SERVICE_TAG_PREFIX,
    KNOWN_NETWORK,
    NETWORK_SPAN,
)
VIEWS = (
    INVENTORY_PERIMETER,
    INVENTORY_PROFILE,
    INVENTORY_RULE_ELEMENT,
    INVENTORY_ASSOCIATION,
    INVENTORY_RESOURCE,
    INVENTORY_LINK,
    INVENTORY_LOGGING,
    INVENTORY_ISSUE,
)

__all__ = [
    "ACCESS_LOG",
    "ADDRESS",
    "CATEGORIES",
    "HOUR_COUNT",
    "INVENTORY_ASSOCIATION",
    "INVENTORY_ISSUE",
    "INVENTORY_LINK",
    "INVENTORY_LOGGING",
    "INVENTORY_PERIMETER",
    "INVENTORY_PROFILE",
    "INVENTORY_RESOURCE",
    "INVENTORY_RULE_ELEMENT",
    "INVENTORY_SNAPSHOT",
    "KNOWN_NETWORK",
    "LOAD_LEDGER",
    "LOAD_MARK",
    "MEMBER_HOST",
    "NETWORK_SPAN",
    "PUBLISHED_QUERIES",
    "PUBLISHED_RUN",
    "REJECTED_RECORD",
    "RETENTION",
    "RULE_NAME",
    "RULE_SPAN",
    "SCENARIO",
    "SCHEMA_VERSION",
    "SERVICE_TAG_PREFIX",
    "SNAPSHOT_ASSOCIATION",
    "SNAPSHOT_ISSUE",
    "SNAPSHOT_LINK",
    "SNAPSHOT_LOGGING",
    "SNAPSHOT_PROFILE",
    "SNAPSHOT_RESOURCE",
    "SNAPSHOT_RULE_ELEMENT",
    "SOURCE_FIELD",
    "SOURCE_FLOW",
    "TABLES",
    "TRAFFIC",
    "VIEWS",
    "Column",
    "Table",
    "View",
]
