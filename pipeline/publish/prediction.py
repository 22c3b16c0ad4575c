"""What is expected of rules and of enforcing them, kept with what is done so that it can be compared later."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.inventory import rules
from pipeline.inventory.items import KINDS
from pipeline.inventory.rules import ProfileKey, RuleElement, RuleSet
from pipeline.publish.content import Content
from pipeline.publish.merge import Key
from pipeline.recommend.run import Recommendation
from pipeline.store import Store
from pipeline.verdict.scenario import ENFORCED
from pipeline.verdict.whatif import compare

if TYPE_CHECKING:
    import polars as pl

MOST_LOSSES = 500


def predict(
    store: Store, found: Recommendation, contents: Mapping[Key, Content], places: Collection[ProfileKey]
) -> dict[str, Any]:
    """Return what is to be expected once some profiles are enforced with given rules.

    Args:
        store: the warehouse; read-only will do.
        found: a run of the recommender over all of them.
        contents: all rules of the profiles as they are to be in force.
        places: the profiles.

    Returns:
        An object: the run's id, by profile what readiness says, and who of those seen would be denied.
    """
    readiness = [each.as_json() for each in found.readiness if (each.perimeter, each.profile.lower()) in places]
    names = ("perimeter", "profile", "ready", "callers_at_risk", "predicted_denied_share")
    lost = losses(store, contents, places)
    return {
        "run": found.as_json()["run"]["id"],
        "profiles": [{name: each[name] for name in names} for each in readiness],
        "losses": [_loss(row) for row in lost.head(MOST_LOSSES).to_dicts()],
        "losses_left_out": max(0, lost.height - MOST_LOSSES),
    }


def losses(store: Store, contents: Mapping[Key, Content], places: Collection[ProfileKey]) -> "pl.DataFrame":
    """Return who succeeds today and would be denied once some profiles are enforced with given rules.

    Args:
        store: the warehouse; read-only will do.
        contents: all rules of the profiles.
        places: the profiles.

    Returns:
        Rows as of queries/verdict/losses.sql, of these profiles.
    """
    import polars as pl

    compared = compare(store, rule_set(store, contents, places), access_mode=ENFORCED).losses
    mine = [(row[0], (row[1] or "").lower()) in places for row in compared.select("perimeter", "profile").rows()]
    return compared.filter(pl.Series(mine, dtype=pl.Boolean))


def rule_set(store: Store, contents: Mapping[Key, Content], places: Collection[ProfileKey]) -> RuleSet:
    """Return the rules in force with others in the place of those of some profiles."""
    elements = [
        RuleElement(key[0], key[1], content.direction, KINDS[name], element, key[2])
        for key, content in contents.items()
        if content.is_readable
        for name, element in sorted(content.elements)
    ]
    return rules.in_force(store).replacing(places, elements)


def _loss(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("perimeter", "profile", "direction", "caller", "reason", "requests", "days_seen")
    return {**{name: row[name] for name in kept}, "resources": [each or "" for each in row["resources"]]}
