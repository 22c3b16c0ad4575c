"""Looks back after applying and enforcing: is anybody denied who shouldn't be, and is everything still as applied?

What the log shows since is put beside what was expected at the time, which the record keeps. Each finding says what to
do about it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.errors import UsageError
from pipeline.progress import each_of, work
from pipeline.publish import record
from pipeline.publish.content import Content
from pipeline.publish.denials import Enforced, denials
from pipeline.publish.drift import InForce, drift, inventory_moments, mode_drift, unknown_modes
from pipeline.publish.finding import UNUSED_RULE, Finding
from pipeline.publish.merge import Key
from pipeline.publish.record import Entry, ModeChange
from pipeline.publish.silence import silence
from pipeline.recommend.allot import Limits
from pipeline.recommend.scope import Scope
from pipeline.recommend.tighten import tighten
from pipeline.recommend.tightening import UNUSED, Tightening
from pipeline.store import Store

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found.

    Args:
        enforced: since when denials were looked for; none where nothing was enforced by nsp.
        findings: those that need attention first.
        still_denied: callers that were denied before, and are.
        rules: applied by nsp, which were compared with those in force and looked for in the log.
    """

    enforced: tuple[Enforced, ...]
    findings: tuple[Finding, ...]
    still_denied: int = 0
    rules: int = 0

    @property
    def needs_attention(self) -> bool:
        """Whether any finding does."""
        return any(each.needs_attention for each in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return all as a JSON object."""
        return {
            "schema_version": SCHEMA_VERSION,
            "enforced": [{"resource": each.resource, "since": each.since.isoformat() + "Z"} for each in self.enforced],
            "still_denied": self.still_denied,
            "findings": [each.as_json() for each in self.findings],
        }


def verify(
    store: Store, entries: list[Entry], now_in_force: InForce, scope: Scope, now: datetime, limits: Limits
) -> Verified:
    """Look for denials since enforcing, for drift and for unused rules.

    Args:
        store: the warehouse; read-only will do.
        entries: of the record.
        now_in_force: rules and modes, of Azure or of the newest inventory.
        scope: perimeter and profile; its `since` in the place of the moments of the record.
        now: time of the run, UTC.
        limits: as for proposals.

    Raises:
        UsageError: nothing was applied or enforced with this store, and there is no `since`.
    """
    changes = [each for each in record.mode_changes(entries) if _in_scope(scope, each)]
    last = {
        key: each
        for key, each in record.last_applied(entries, now_in_force.rules).items()
        if scope.holds(key[0], key[1])
    }
    if not changes and not last and not scope.since:
        raise UsageError(
            "Nothing was applied or enforced by nsp with this store, so there is nothing to verify. --since TIME looks "
            "for denials since then, whoever enforced."
        )
    enforced = _enforced(changes, entries, scope)
    findings: list[Finding] = []
    still_denied = 0
    for each in each_of(enforced, "looking for denials", "resources"):
        found, still = denials(store, each, scope)
        findings += found
        still_denied += still
    findings += silence(store, enforced, scope, now)
    findings += drift(entries, last, now_in_force)
    findings += mode_drift(changes, now_in_force)
    findings += unknown_modes(changes, now_in_force, inventory_moments(store))
    with work("looking for unused rules"):
        findings += _unused(store, last, scope, now, limits)
    return Verified(
        tuple(enforced), tuple(sorted(findings, key=lambda one: not one.needs_attention)), still_denied, len(last)
    )  # fmt: skip


def _in_scope(scope: Scope, change: ModeChange) -> bool:
    perimeter, _, profile = change.profile.partition("/profiles/")
    return scope.holds(perimeter, profile)


def _enforced(changes: Sequence[ModeChange], entries: Sequence[Entry], scope: Scope) -> list[Enforced]:
    newest = {each.association: each for each in changes}
    if scope.since:
        kept = [entry["prediction"] for entry in entries if entry.get("prediction")]
        return [Enforced(None, scope.since, kept[-1] if kept else {})]
    return [
        Enforced(each.resource, each.at, each.prediction) for each in newest.values() if each.mode.lower() == "enforced"
    ]


def _unused(
    store: Store, last: Mapping[Key, Content], scope: Scope, now: datetime, limits: Limits
) -> list[Finding]:  # fmt: skip
    if not last:
        return []
    whole = Scope(perimeter=scope.perimeter, profile=scope.profile)
    mine = [each for each in tighten(store, whole, now, limits) if each.finding == UNUSED and _is_of(each, last)]
    return [
        Finding(
            UNUSED_RULE,
            each.element.perimeter,
            each.element.profile,
            each.element.rule,
            f"Nothing used {each.element.element} of the rule {each.element.rule}. {each.reason}",
            "Where no yearly job needs it: nsp decide reject its proposal, then nsp apply.",
            {"element": each.element.element, "days_observed": each.days_observed},
        )
        for each in mine
    ]


def _is_of(finding: Tightening, rules: Collection[Key]) -> bool:
    return (*finding.element.profile_key, finding.element.rule.lower()) in rules
