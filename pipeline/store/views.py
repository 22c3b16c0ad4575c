"""Makes the views that are queries themselves, and keeps the rows of those that are costly and asked again and again.

Planning the verdict of a few flows takes DuckDB 160 ms, and a report asks for it a dozen times. So its rows are kept
in a temporary table until something changes that it reads.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import duckdb

from pipeline import sql
from pipeline.tables import INVENTORY_SNAPSHOT, TRAFFIC, VIEWS

QUERY_VIEWS = {
    "address_owner": "callers/address_owner",
    "caller": "callers/caller",
    "caller_perimeter": "verdict/caller_perimeter",
    "crossing": "verdict/crossing",
    "decision_matrix": "verdict/decision_matrix",
    "links_since": "inventory/links_since",
    "logged_flow": "transform/logged_flow",
    "logged_record": "transform/logged_record",
    "member": "verdict/member",
    "member_part": "verdict/member_part",
    "resource_state": "verdict/resource_state",
    "rules_since": "inventory/rules_since",
    "state_since": "inventory/state_since",
    "verdict": "verdict/verdict",
    "verdict_reason": "verdict/verdict_reason",
    "working_pair": "verdict/working_pair",
}
"""Views that are queries themselves: name -> query. Each is made when a query first reads it."""
SMALL = frozenset(
    {
        "caller_perimeter",
        "crossing",
        "links_since",
        "member",
        "member_part",
        "rules_since",
        "state_since",
        "working_pair",
    }
)
"""Views of few rows, which are always kept: other views read them several times."""
LARGE = frozenset({"resource_state", "verdict"})
"""Views that are kept but in a trial, which asks for them once."""
MOST_FLOWS = 4_000_000
"""Of more flows no verdicts are kept: a temporary table isn't compressed, and takes some 500 bytes a flow."""
KEPT = SMALL | LARGE
_UNDER = {view.name: {view.name, view.table.name, INVENTORY_SNAPSHOT.name} for view in VIEWS}


def tables_read(query: sql.Query) -> frozenset[str]:
    """Return the tables that a query reads, also through views that are queries themselves."""
    found: set[str] = set()
    for name in query.reads:
        found |= tables_read(sql.load(QUERY_VIEWS[name])) if name in QUERY_VIEWS else {name}
    return frozenset(found)


@cache
def _founded_on(view: str) -> frozenset[str]:
    """Return the tables, and the views of the inventory, whose change changes the rows of a view."""
    read = tables_read(sql.load(QUERY_VIEWS[view]))
    return read.union(*(_UNDER.get(name, set()) for name in read))


class Views:
    """The views of one connection. What is kept of one is a temporary table of its name.

    Args:
        connection: an open DuckDB connection.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._made: dict[str, str] = {}  # name -> whether it is a table or a view
        self._tried: list[frozenset[str]] = []  # what has something else in its place; a set a trial
        self._aside: list[dict[str, str]] = []  # what was kept before: name -> where it is now; one a trial

    def make(self, query: sql.Query) -> None:
        """Make the views that a query reads, where they are missing.

        Raises:
            duckdb.Error: DuckDB could not run one.
        """
        for name in query.reads:
            if name in QUERY_VIEWS:
                view = sql.load(QUERY_VIEWS[name])
                self.make(view)
                if name not in self._made:
                    kind = "table" if self._is_kept(name) else "view"
                    self._connection.execute(f"create temp {kind} {name} as\n{view.text}")
                    self._made[name] = kind

    def outdate(self, *changed: str) -> None:
        """Forget the rows that were kept of what reads one of these tables or views."""
        for name in self._kept_of(changed):
            self._drop(name)
        lasting = frozenset(changed).difference(*self._tried)
        for aside in self._aside:
            for name in [each for each in aside if not _founded_on(each).isdisjoint(lasting)]:
                self._connection.execute(f"drop table temp.{aside.pop(name)}")

    @contextmanager
    def trial(self, *changed: str) -> Iterator[None]:
        """Have views made anew that read one of these tables or views, for the length of the block."""
        self._tried.append(frozenset(changed))
        aside: dict[str, str] = {}
        self._aside.append(aside)
        try:
            for name in self._kept_of(changed):
                place = f"{name}_before_{len(self._tried)}"
                self._connection.execute(f"alter table temp.{name} rename to {place}")
                aside[name] = place
                del self._made[name]
            yield
        finally:
            self._tried.pop()
            self._aside.pop()
            with suppress(duckdb.Error):  # a transaction that failed takes all of it along; see forget
                for name in [each for each in self._made if not _founded_on(each).isdisjoint(changed)]:
                    self._drop(name)
                for name, place in aside.items():
                    self._connection.execute(f"alter table temp.{place} rename to {name}")
                    self._made[name] = "table"

    def forget(self) -> None:
        """Begin anew, after a rollback: what was made within the transaction is gone, what was dropped is back."""
        self._made.clear()
        for aside in self._aside:
            aside.clear()
        names = "|".join(QUERY_VIEWS)
        statement = (
            "select if(table_type = 'VIEW', 'view', 'table'), table_name from information_schema.tables "
            "where table_catalog = 'temp' and regexp_full_match(table_name, $names)"
        )
        for kind, name in self._connection.execute(statement, {"names": rf"({names})(_before_\d+)?"}).fetchall():
            self._connection.execute(f'drop {kind} temp."{name}"')

    def _is_kept(self, name: str) -> bool:
        if name in SMALL:
            return True
        is_tried = any(not _founded_on(name).isdisjoint(changed) for changed in self._tried)
        return name in KEPT and not is_tried and self._connection.table(TRAFFIC.name).shape[0] <= MOST_FLOWS

    def _kept_of(self, changed: tuple[str, ...]) -> list[str]:
        """Return what is kept and reads one of these."""
        kept = [name for name, kind in self._made.items() if kind == "table"]
        return [name for name in kept if not _founded_on(name).isdisjoint(changed)]

    def _drop(self, name: str) -> None:
        self._connection.execute(f"drop {self._made[name]} temp.{name}")
        del self._made[name]
