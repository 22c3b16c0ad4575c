"""What a scenario would change: each flow's verdict of today beside that under other rules and modes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.inventory.rules import RuleSet
from pipeline.progress import work
from pipeline.store import Store
from pipeline.verdict.scenario import scenario

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a scenario changes.

    Args:
        changes: a row a perimeter, profile, direction and pair of verdicts, with requests, flows and callers; see
            queries/verdict/changes.sql.
        losses: a row a caller (or destination) that succeeds today and would be denied; see
            queries/verdict/losses.sql.
        daily: a row a perimeter, profile, direction and day; see queries/verdict/losses_by_day.sql.
    """

    changes: "pl.DataFrame"
    losses: "pl.DataFrame"
    daily: "pl.DataFrame"

    @property
    def lost_requests(self) -> int:
        """Requests that succeeded and would be denied."""
        return int(self.changes.filter(self.changes["is_loss"])["requests"].sum())

    @property
    def denied_already_requests(self) -> int:
        """Requests that succeeded, and that the rules and modes of today deny as well, as the inventory tells them."""
        return int(self.changes.filter(self.changes["is_denied_already"])["requests"].sum())

    @property
    def unjudged_requests(self) -> int:
        """Requests of which nobody can tell in the scenario, though something is known today, or they succeeded."""
        return int(self.changes.filter(self.changes["is_unjudged"])["requests"].sum())


def compare(
    store: Store,
    tried: RuleSet | None,
    *,
    access_mode: str | None = "Enforced",
    public_network_access: str | None = None,
    limit: int | None = None,
    **scope: Any,
) -> Comparison:
    """Judge the traffic of a scope today and in a scenario.

    Reads: the view verdict.

    Args:
        store: the warehouse; read-only will do.
        tried: all rules of the scenario; None for the rules in force.
        access_mode: of all associations; None for what each is.
        public_network_access: of all resources; None for what each is.
        limit: of losses at most so many rows.
        scope: since, until, perimeter, profile; None for all.

    Raises:
        UsageError: there is no such mode.
        QueryError: DuckDB could not run it.
    """
    within = {name: scope.get(name) for name in ("since", "until", "perimeter", "profile")}
    with (
        work("comparing"),
        store.scratch("verdict_today", "verdict/flow_verdicts"),
        scenario(store, tried, access_mode=access_mode, public_network_access=public_network_access),
        store.scratch("compared", "verdict/compared", **within),
    ):
        return Comparison(
            changes=store.frame("verdict/changes"),
            losses=store.frame("verdict/losses", limit=limit),
            daily=store.frame("verdict/losses_by_day"),
        )
