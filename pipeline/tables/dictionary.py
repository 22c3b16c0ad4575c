"""Writes docs/tables.md, the data dictionary."""

from pipeline.tables import CATEGORIES, PUBLISHED_QUERIES, PUBLISHED_RUN, TABLES, VIEWS, Table


def data_dictionary() -> str:
    """Return docs/tables.md: every table with its grain, columns, origins and meanings, as Markdown."""
    parts = [
        "# Tables\n",
        "Written from `pipeline/tables/` by `make docs`; do not edit. Times are UTC, sizes bytes.\n",
    ]
    for table in TABLES:
        parts += _section(table)
    parts.append(
        "## Views\n\nOf each perimeter the newest snapshot, without snapshot_id; made when a store is opened.\n"
    )
    parts.append("| view | rows | columns as in |\n|---|---|---|")
    parts.extend(f"| {view.name} | {view.grain} | {view.table.name} |" for view in VIEWS)
    parts.append(
        "\n## The published snapshot\n\n`published.duckdb` beside the warehouse, for readers: all tables but "
        "access_log, rejected_record, source_flow and source_field, which are empty there, and these.\n"
    )
    parts += _section(PUBLISHED_RUN)
    parts.append("| table | rows as of the query |\n|---|---|")
    parts.extend(f"| {name} | {query} |" for name, query in PUBLISHED_QUERIES.items())
    parts.append("\n## Log categories\n\n| category | meaning before enforcement |\n|---|---|")
    parts.extend(f"| {name} | {meaning} |" for name, meaning in CATEGORIES.items())
    return "\n".join(parts) + "\n"


def _section(table: Table) -> list[str]:
    parts = [f"## {table.name}\n\nGrain: {table.grain}.\n"]
    if table.stored_as != table.name:
        parts.append(f"A view: its rows are in {table.stored_as}, which lacks the derived columns.\n")
    parts.append("| column | type | blob field | workspace column | meaning |\n|---|---|---|---|---|")
    for column in table.columns:
        kind = column.type + (" not null" if column.required else "") + (" derived" if column.derived else "")
        parts.append(f"| {column.name} | {kind} | {column.blob or ''} | {column.workspace or ''} | {column.meaning} |")
    return [*parts, ""]
