"""What analysts hold in a notebook: a snapshot, opened for reading, with the questions that are asked most."""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline import settings, sql
from pipeline.errors import StoreError, UsageError
from pipeline.inventory import rules as inventory_rules
from pipeline.inventory.rules import RuleElement, RuleSet
from pipeline.moments import utc_now
from pipeline.published.publish import NOT_PUBLISHED, publish_snapshot, warehouse_state
from pipeline.recommend import policy_file
from pipeline.recommend.access_rule import AccessRule
from pipeline.recommend.candidate import PROPOSED, elements_of_proposals, rules_of
from pipeline.recommend.chosen import limits_of, tolerance_of
from pipeline.recommend.frontier import frontier
from pipeline.recommend.policy import Limits
from pipeline.recommend.scope import Scope
from pipeline.review.decisions import open_decisions
from pipeline.store import PUBLISHED, WAREHOUSE, Store, attach, tables_read
from pipeline.tables import PUBLISHED_QUERIES, PUBLISHED_RUN, TABLES
from pipeline.verdict.scenario import scenario
from pipeline.verdict.whatif import Comparison, compare

if TYPE_CHECKING:
    import polars as pl

Rules = str | Path | Iterable[str | AccessRule] | None
"""Rules to try: None for those in force; 'proposed' for the recommended ones on top of those; a file, as nsp whatif
takes it; or a list of access rules and ids of proposals, on top of those in force."""


def open_snapshot(path: str | Path | None = None, *, refresh: bool = True) -> "Published":
    """Open what people read; see `pipeline.open_store`."""
    where = Path(path) if path is not None else None
    if where and where.name == WAREHOUSE:
        where = where.parent
    chosen = settings.load(None, os.environ, {"store": where})
    limits = limits_of(chosen, policy_file.find(None, None))
    if where and where.is_file():
        return Published(attach(where, memory=chosen.memory), where, limits, is_current=True)
    folder = chosen.store
    file = folder / PUBLISHED
    old = _opened(file, folder, limits, chosen.memory)
    if old and (old.is_current or not refresh):
        return old
    now = utc_now()
    wait = 0.0 if old else chosen.store_wait  # a reader with something to read doesn't wait for a writer
    try:
        publish_snapshot(folder, limits, tolerance_of(chosen), now, memory=chosen.memory, wait=wait)
    except StoreError:  # it is written, or belongs to others
        if old is None:
            raise
        return old
    if old:
        old.close()
    return Published(attach(file, memory=chosen.memory), file, limits, is_current=True)


def _opened(file: Path, folder: Path, limits: Limits, memory: str) -> "Published | None":
    """Return the last snapshot; None where there is none, or one that has to be made anew."""
    if not file.exists():
        return None
    try:
        found = Published(attach(file, memory=memory), file, limits, is_current=False)
    except StoreError:
        if not (folder / WAREHOUSE).exists():  # nothing to make a new one from
            raise
        return None
    found.is_current = not (folder / WAREHOUSE).exists() or (
        found.warehouse_state == warehouse_state(folder) and found.last_decision == open_decisions(folder).trail().last
    )
    return found


class Published:
    """A snapshot, opened for reading. Nothing it does changes a file.

    Every frame is a polars frame; times are UTC without a zone. Tab completion lists the questions; `tables()` and
    `queries()` what there is beside them. Close it, or use it in a `with` block.

    Args:
        store: the snapshot.
        path: where it came from.
        limits: what bounds proposals, by the settings.
        is_current: it holds what the warehouse holds and what people decided.
    """

    def __init__(self, store: Store, path: Path, limits: Limits, *, is_current: bool) -> None:
        self._store = store
        self._limits = limits
        self.path = path
        self.is_current = is_current
        try:
            (row,) = store.whole(PUBLISHED_RUN.name).rows()
            self.published_at, run, findings, self.warehouse_state, self.last_decision = row
        except (StoreError, ValueError) as error:  # no such table, or that of an earlier version
            store.close()
            raise StoreError(f"{path} isn't a published snapshot; open_store takes it or a store's folder.") from error
        self.run: dict[str, Any] = json.loads(run)
        """The run that it was published with, as `nsp recommend --format json` prints it."""
        self._findings: list[dict[str, str]] = json.loads(findings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def __repr__(self) -> str:
        seen = self.run["coverage"]
        note = "" if self.is_current else "; the warehouse has changed since"
        return (
            f"<{self.path}: {seen['records']:,} records of {seen['days_seen']} days, "
            f"published {self.published_at:%Y-%m-%d %H:%M} UTC{note}>"
        )

    def query(self, name: str, **parameters: Any) -> "pl.DataFrame":
        """Return the rows of a file of queries/; `queries()` lists them.

        Args:
            name: such as `analysis/callers_new_this_week`; its last part will do.
            parameters: by name; what isn't given and may be null is null.

        Raises:
            UsageError: there is no such query, it reads log lines, or a parameter is missing, unknown or none.
        """
        found = sql.load(name)
        if lacking := {table.name for table in NOT_PUBLISHED} & tables_read(found):
            told = ", ".join(sorted(lacking))
            raise UsageError(f"{found.name} reads {told}, which only the warehouse holds: nsp query {found.name}")
        absent = {each: None for each, told in found.parameters.items() if "null for all" in told}
        return self._store.frame(found.name, **{**absent, **parameters})

    def queries(self) -> "pl.DataFrame":
        """Return the queries that can be asked here: query, rows, parameters."""
        import polars as pl

        names = [each for each in sql.names() if not each.startswith(sql.INTERNAL)]
        lines = {table.name for table in NOT_PUBLISHED}
        listed = [found for found in map(sql.load, names) if not lines & tables_read(found)]
        columns = {
            "query": [each.name for each in listed],
            "rows": [each.description for each in listed],
            "parameters": [" ".join(each.parameters) for each in listed],
        }
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))

    def tables(self) -> "pl.DataFrame":
        """Return the tables of the snapshot: table, rows, what a row is. docs/tables.md has their columns."""
        import polars as pl

        grains = {table.name: table.grain for table in (*TABLES, PUBLISHED_RUN)}
        grains |= {name: f"the rows of the query {query}" for name, query in PUBLISHED_QUERIES.items()}
        left_out = {table.name for table in NOT_PUBLISHED}
        rows = [
            (name, count, grains[name])
            for name, count in self._store.tables().items()
            if name in grains and name not in left_out
        ]
        return pl.DataFrame(rows, schema={"table": pl.String, "rows": pl.Int64, "grain": pl.String}, orient="row")

    def traffic(
        self, *, since: datetime | None = None, until: datetime | None = None, perimeter: str | None = None,
        profile: str | None = None, direction: str | None = None, limit: int | None = None,
    ) -> "pl.DataFrame":  # fmt: skip
        """Return the hourly flows, a row each; the columns are those of the table traffic (docs/tables.md).

        Args:
            since: first hour.
            until: end, exclusive.
            perimeter: name or ARM id.
            profile: name.
            direction: Inbound or Outbound.
            limit: at most so many rows.
        """
        return self.query(
            "traffic/flows", since=since, until=until, perimeter=perimeter, profile=profile, direction=direction,
            limit=limit,
        )  # fmt: skip

    def callers(self, *, kind: str | None = None, perimeter: str | None = None) -> "pl.DataFrame":
        """Return who calls, those with the most requests first.

        Columns: perimeter, kind, caller, network, azure_region, addresses, examples (three of them), resources,
        requests, denied_requests, denied_if_enforced, days_seen, first_seen, last_seen.

        Args:
            kind: member, azure-resource, known-network, public-address ... (GLOSSARY.md: caller).
            perimeter: name or ARM id.
        """
        return self.query("callers/callers", kind=kind, perimeter=perimeter)

    def verdicts(
        self, rules: Rules = None, *, mode: str | None = None, since: datetime | None = None,
        until: datetime | None = None, perimeter: str | None = None, profile: str | None = None,
    ) -> "pl.DataFrame":  # fmt: skip
        """Return what happens to the traffic of each day, today or under other rules and modes.

        Columns: perimeter, profile, resource, direction, caller_kind, caller, destination, day, action (of the log),
        verdict, reason, rule, element, requests, records.

        Args:
            rules: None for those in force; 'proposed'; a file as `nsp whatif` takes it; or a list of access rules and
                ids of proposals, on top of those in force.
            mode: access mode of all associations: Enforced, Learning or Audit; None for what each is.
            since: first hour.
            until: end, exclusive.
            perimeter: name or ARM id.
            profile: name.
        """
        scope = {"since": since, "until": until, "perimeter": perimeter, "profile": profile}
        with scenario(self._store, self._rule_set(rules), access_mode=mode):
            return self.query("verdict/verdicts_by_day", **scope)

    def proposals(self, *, perimeter: str | None = None, profile: str | None = None) -> "pl.DataFrame":
        """Return the proposals of the published run.

        Columns: id, perimeter, profile, direction, kind, state (recommended, asked, to-do, cannot-fix or left-denied),
        name, elements, recommended, flags, reason, requests, denied_requests, records, callers, days_seen,
        days_observed, first_seen, last_seen, resources, operations, examples, extra_addresses, resources_opened.
        """
        return self._within("proposals", perimeter, profile)

    def readiness(self, *, perimeter: str | None = None, profile: str | None = None) -> "pl.DataFrame":
        """Return whether each profile may be enforced, by the published run.

        Columns: perimeter, profile, ready, callers_light, window_light, questions_light, callers_at_risk (with _low
        and _high: distinct callers wrongly denied next week), callers_of_last_week, predicted_denied_share, reasons.
        """
        return self._within("readiness", perimeter, profile)

    def findings(self) -> "pl.DataFrame":
        """Return what is missing or doubtful in the logs and the inventory: id, severity, subject, evidence, remedy."""
        import polars as pl

        names = ("id", "severity", "subject", "evidence", "remedy")
        return pl.DataFrame(self._findings, schema=dict.fromkeys(names, pl.String))

    def frontier(
        self, *, perimeter: str | None = None, profile: str | None = None, since: datetime | None = None,
        until: datetime | None = None,
    ) -> "pl.DataFrame":  # fmt: skip
        """Return how narrow inbound address rules can be: the best that each number of prefixes can do.

        Columns: perimeter, profile, version (4 or 6), prefixes, extra_addresses (admitted beyond those that succeed
        today and need a rule; for version 6, /64 networks). Bounds are those of the settings.
        """
        return frontier(self._store, Scope(since, until, perimeter, profile), self._limits)

    def whatif(
        self, rules: Rules = PROPOSED, *, mode: str | None = "Enforced", perimeter: str | None = None,
        profile: str | None = None,
    ) -> Comparison:  # fmt: skip
        """Compare today with other rules and another access mode.

        Returns an object with the frames `changes` (a row a perimeter, profile, direction and pair of verdicts) and
        `losses` (who succeeds today and would be denied), and the counts `lost_requests` and `unjudged_requests`.

        Args:
            rules: as for `verdicts`.
            mode: access mode of all associations; None for what each is.
            perimeter: name or ARM id.
            profile: name.
        """
        return compare(self._store, self._rule_set(rules), access_mode=mode, perimeter=perimeter, profile=profile)

    def _within(self, table: str, perimeter: str | None, profile: str | None) -> "pl.DataFrame":
        scope = Scope(perimeter=perimeter, profile=profile)
        frame = self._store.whole(table)
        return frame.filter([scope.holds(*row) for row in frame.select("perimeter", "profile").rows()])

    def _rule_set(self, rules: Rules) -> RuleSet | None:
        if rules is None:
            return None
        if isinstance(rules, str | Path):
            if rules == PROPOSED:  # as published, not made anew
                return self._plus(elements_of_proposals(self.run["proposals"]))
            return rules_of(self._store, str(rules), self._limits, Scope(), self.published_at)
        rules = list(rules)
        known = {each["id"]: {**each, "recommended": True} for each in self.run["proposals"] if each["elements"]}
        unknown = [each for each in rules if isinstance(each, str) and each not in known]
        if unknown:
            raise UsageError(f"No rule is proposed under the id {unknown[0]!r}; .proposals() has them.")
        tried: list[RuleElement] = []
        for each in rules:
            tried += elements_of_proposals([known[each]]) if isinstance(each, str) else each.rule_elements()
        return self._plus(tried)

    def _plus(self, elements: Any) -> RuleSet:
        return inventory_rules.in_force(self._store).plus(elements)
