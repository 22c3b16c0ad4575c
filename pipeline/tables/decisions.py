"""The table of decisions. It lies in a SQLite file of its own, so that people decide while the warehouse is written."""

from pipeline.tables.declaration import Column, Table

DECISION = Table(
    "decision",
    "one row a decision of a person; none is ever changed or deleted",
    (
        Column("sequence", "BIGINT", "1, 2, 3 ... in the order of recording", required=True),
        Column("proposal_id", "VARCHAR", "id of the proposal", required=True),
        Column("action", "VARCHAR", "accept, edit, reject, defer or undo", required=True),
        Column("elements", "VARCHAR", "of an edit: its elements, as a JSON list"),
        Column("reason", "VARCHAR", "why; text of a person", required=True),
        Column("who", "VARCHAR", "who decided; as they called themselves", required=True),
        Column("decided_at", "VARCHAR", "when, UTC, ISO 8601 with microseconds", required=True),
        Column("expires", "VARCHAR", "until when it counts, as decided_at; null: without an end"),
        Column("proposal", "VARCHAR", "the proposal as it stood, as nsp recommend --format json has it", required=True),
        Column("previous_hash", "VARCHAR", "hash of the row before; 64 zeros for the first", required=True),
        Column("hash", "VARCHAR", "SHA-256 of all else in the row, as JSON, in hexadecimal digits", required=True),
    ),
)

DECISION_GUARDS = """
create unique index if not exists decision_sequence on decision (sequence);
create index if not exists decision_proposal on decision (proposal_id, sequence);
create trigger if not exists decision_is_appended before insert on decision
when new.sequence is not (select coalesce(max(sequence), 0) + 1 from decision)
begin select raise(abort, 'a decision can only be appended'); end;
create trigger if not exists decision_is_never_changed before update on decision
begin select raise(abort, 'a decision is never changed'); end;
create trigger if not exists decision_is_never_deleted before delete on decision
begin select raise(abort, 'a decision is never deleted'); end;
"""
"""SQLite's own guards. `insert or replace` deletes without asking the last of them; the first one refuses it."""

DECISION_INSERT = (
    f"insert into {DECISION.name} ({', '.join(column.name for column in DECISION.columns)}) "
    f"values ({', '.join('$' + column.name for column in DECISION.columns)})"
)
