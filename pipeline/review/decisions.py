"""Keeps decisions in a SQLite file beside the warehouse: append-only, chained by hashes, written by many processes.

A connection lives as long as one call, so an object may be shared by threads and nothing has to be closed. What was
recorded is on the disk when `record` returns (write-ahead log, synchronous). SQLite's log needs shared memory: the
store must lie on a local disk.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline import sql
from pipeline.errors import ConflictError, StoreBusyError, StoreError, UsageError
from pipeline.review.chain import Verification, verify_rows
from pipeline.review.decision import NO_HASH, UNDO, Decision, Trail, canonical, digest, of_row
from pipeline.review.entry import Entry
from pipeline.tables.decisions import DECISION, DECISION_GUARDS, DECISION_INSERT

FILE = "decisions.sqlite"
_APPLICATION = 0x6E737064
"""SQLite's application_id: the letters nspd."""
_VERSION = 1
_DONE = {"accept": "accepted", "edit": "edited", "reject": "rejected", "defer": "deferred", "undo": "undone"}


class Decisions:
    """The decisions of one store. Made by `open_decisions`.

    Args:
        path: the file, which the first decision creates.
        wait: seconds to wait for others that are writing.
    """

    def __init__(self, path: Path, wait: float) -> None:
        self.path = path
        self._wait = wait

    def record(
        self, entries: Sequence[Entry], at: datetime, expected: Mapping[str, int] | None = None
    ) -> list[Decision]:
        """Record decisions, all or none of them; when this returns they are on the disk.

        Args:
            entries: made by `pipeline.review.entry.entry`; at most one a proposal.
            at: now, UTC.
            expected: what the caller has seen: proposal id -> number of its last decision (`Trail.sequences`); those
                that are missing had none. None: whatever others did.

        Raises:
            ConflictError: another one was decided about meanwhile; says who, when and what.
            UsageError: a proposal occurs twice, or there is nothing to undo.
            StoreBusyError: others were writing for all of `wait` seconds.
            StoreError: the file can't be written, or isn't one of these.
        """
        if len({each.proposal_id for each in entries}) != len(entries):
            raise UsageError("A proposal is decided about twice at once. Nothing was recorded.")
        if not entries:
            return []
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The store folder {self.path.parent} can't be made: {error.strerror}.") from error
        with self._connected(create=True) as connection, _transaction(connection):
            before = {each.proposal_id: _history(connection, each.proposal_id) for each in entries}
            if expected is not None:
                _refuse_conflicts(before, expected)
            _refuse_empty_undos(entries, before)
            last = connection.execute(sql.load("review/last_decision").text).fetchone()
            sequence, previous = (last["sequence"], last["hash"]) if last else (0, NO_HASH)
            made = []
            for each in entries:
                sequence += 1
                decision = _decision(each, sequence, at, previous)
                connection.execute(DECISION_INSERT, decision.as_row())
                previous = decision.hash
                made.append(decision)
        return made

    def history(self, proposal: str | None = None) -> list[Decision]:
        """Return the decisions, in the order of recording.

        Args:
            proposal: id of one; None for all.

        Raises:
            StoreError: the file can't be read, or holds what nobody recorded.
        """
        with self._connected(create=False) as connection:
            return _history(connection, proposal)

    def trail(self) -> Trail:
        """Return all decisions as of this moment: what everything about them is asked of."""
        return Trail(self.history())

    def current(self) -> dict[str, Decision]:
        """Return the decision that stands for each proposal, by id."""
        return self.trail().current

    def export(self) -> list[dict[str, Any]]:
        """Return all decisions as JSON objects, with what is needed to check the hashes elsewhere."""
        return [each.as_json() for each in self.history()]

    def verify(self, head: str | None = None) -> Verification:
        """Check every hash, and that no number is missing.

        Args:
            head: a hash that was noted elsewhere; it has to be in the trail. Without it nobody can tell whether the
                last decisions were cut off, or all of it written anew.
        """
        with self._connected(create=False) as connection:
            return verify_rows((dict(row) for row in _rows(connection, None)), head)

    @contextmanager
    def _connected(self, *, create: bool) -> Iterator[sqlite3.Connection]:
        with self._told():
            exists = self.path.exists()
            if not exists and not create:
                connection = sqlite3.connect(":memory:", isolation_level=None)
            else:
                uri = f"{self.path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
                connection = sqlite3.connect(uri, uri=True, timeout=self._wait, isolation_level=None)
            with closing(connection):
                connection.row_factory = sqlite3.Row
                connection.text_factory = _text
                if create:
                    self._prepare(connection)
                elif not _is_ours(connection, self.path):
                    connection.executescript(DECISION.ddl().replace("create table", "create temp table", 1))
                yield connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the file what it has to be; several processes may do so at once."""
        deadline = time.monotonic() + self._wait
        while True:
            try:
                connection.execute("pragma journal_mode = wal").fetchall()
                break
            except sqlite3.OperationalError:  # SQLite doesn't wait by itself where the mode changes
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.01)
        connection.execute("pragma synchronous = full")
        if _is_ours(connection, self.path):
            return
        with _transaction(connection):
            if _is_ours(connection, self.path):
                return  # another process was quicker
            connection.execute(DECISION.ddl())
            for statement in _statements(DECISION_GUARDS):
                connection.execute(statement)
            connection.execute(f"pragma application_id = {_APPLICATION}")
            connection.execute(f"pragma user_version = {_VERSION}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise StoreBusyError(f"{self.path} is in use by another nsp. Try again.") from error
            raise StoreError(f"{self.path} can't be read or written: {error}.") from error
        except sqlite3.IntegrityError as error:
            raise StoreError(f"{self.path} refused the decision: {error}.") from error
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path} is damaged or holds no decisions: {error}. Restore a backup.") from error


def open_decisions(folder: Path, *, wait: float = 30.0) -> Decisions:
    """Return the decisions of a store; the file is made by the first of them.

    Args:
        folder: the store's folder, usually ./.nsp.
        wait: seconds to wait for others that are writing.
    """
    return Decisions(folder / FILE, wait)


def _decision(entry: Entry, sequence: int, at: datetime, previous: str) -> Decision:
    made = Decision(
        sequence, entry.proposal_id, entry.choice.action, entry.choice.elements, entry.choice.reason, entry.who, at,
        entry.choice.expires, canonical(entry.proposal), previous, "",
    )  # fmt: skip
    return replace(made, hash=digest(made.as_row()))


def _rows(connection: sqlite3.Connection, proposal: str | None) -> list[sqlite3.Row]:
    return connection.execute(sql.load("review/decisions").text, {"proposal_id": proposal}).fetchall()


def _history(connection: sqlite3.Connection, proposal: str | None) -> list[Decision]:
    found = []
    for row in _rows(connection, proposal):
        try:
            found.append(of_row(dict(row)))
        except (ValueError, TypeError, RecursionError) as error:
            raise StoreError(
                f"The decision {row['sequence']} isn't as it was recorded: {error}. See nsp decide verify."
            ) from error
    return found


def _refuse_conflicts(before: Mapping[str, Sequence[Decision]], expected: Mapping[str, int]) -> None:
    meanwhile = [
        some[-1] for proposal, some in before.items() if some and some[-1].sequence != expected.get(proposal, 0)
    ]
    if not meanwhile:
        return
    first = meanwhile[0]
    more = f", and so were {len(meanwhile) - 1} more" if meanwhile[1:] else ""
    why = f" ({first.reason!r})" if first.reason else ""
    raise ConflictError(
        f"{first.proposal_id} was {_DONE[first.action]} meanwhile by {first.who!r} at "
        f"{first.decided_at:%Y-%m-%d %H:%M:%S} UTC{why}{more}. Nothing was recorded; look again, then decide."
    )


def _refuse_empty_undos(entries: Sequence[Entry], before: Mapping[str, Sequence[Decision]]) -> None:
    for each in entries:
        if each.choice.action == UNDO and each.proposal_id not in Trail(before[each.proposal_id]).current:
            raise UsageError(f"Nothing is decided about {each.proposal_id}, so nothing can be undone.")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All writes inside happen, or none; nobody else writes meanwhile."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Tell whether the file is ready; False where it is empty still.

    Raises:
        StoreError: it is something else, or of another version.
    """
    if not connection.execute("pragma schema_version").fetchone()[0]:
        return False
    # asked after that: who makes the file sets all three at once
    application = connection.execute("pragma application_id").fetchone()[0]
    version = connection.execute("pragma user_version").fetchone()[0]
    if (application, version) != (_APPLICATION, _VERSION):
        raise StoreError(f"{path} was written by another version of nsp, or by something else. Move it away.")
    return True


def _text(stored: bytes) -> str:
    """Return a text, even one that was tampered with: its hash tells."""
    return stored.decode("utf-8", "surrogateescape")


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; SQLite's own executescript would commit the transaction first."""
    text = ""
    for line in script.splitlines(keepends=True):
        text += line
        if text.strip() and sqlite3.complete_statement(text):
            yield text
            text = ""
