"""The table that a published snapshot has beside those of the warehouse."""

from pipeline.tables.declaration import Column, Table

PUBLISHED_RUN = Table(
    "published_run",
    "one row: the run that the snapshot was published with",
    (
        Column("published_at", "TIMESTAMP", "When the run began, UTC.", True),
        Column("run", "VARCHAR", "JSON: what `nsp recommend --format json` prints.", True),
        Column("findings", "VARCHAR", "JSON: the findings of `nsp coverage --format json`.", True),
        Column("warehouse_state", "VARCHAR", "Changes whenever the warehouse does.", True),
        Column("last_decision", "BIGINT", "Number of the last decision that the run knew of; 0: none.", True),
    ),
)

PUBLISHED_QUERIES = {
    "callers": "callers/callers",
    "verdicts": "verdict/verdicts_by_day",
    "proposals": "published/proposals",
    "readiness": "published/readiness",
}
"""Tables of the snapshot that hold the rows of a query: name -> query."""
