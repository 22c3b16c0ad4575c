"""Findings on what is logged: categories, groups of them, perimeters, hours, delay, and what could not be read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pipeline.coverage.finding import BLOCKER, INFO, WARNING, Finding
from pipeline.moments import next_day
from pipeline.store import Store
from pipeline.tables import CATEGORIES

WOULD_BE_DENIALS = ("NspPublicInboundResourceRulesAllowed", "NspPublicOutboundResourceRulesAllowed")
"""The categories that hold what enforcing would deny: without them nobody can tell that nothing would be."""
MIN_GAP_HOURS = 6
MONTH = timedelta(days=31)
LONG_DELAY_HOURS = 2
_ENABLE = "switch it on by name in the perimeter's diagnostic setting and logging configuration"


def findings(store: Store, seen: dict[str, Any], now: datetime) -> Iterator[Finding]:
    """Yield what the logs lack.

    Args:
        store: the warehouse.
        seen: what pipeline.coverage.measure counted.
        now: the time, UTC.
    """
    yield from _categories(store, seen)
    yield from _directions(store)
    for perimeter, setting, group, records in store.rows("coverage/category_groups"):
        yield Finding(
            "category-group",
            WARNING if records else BLOCKER,
            perimeter,
            f"the diagnostic setting {setting} names the group {group}, which is reported to be accepted and to "
            f"collect nothing; {records:,} records were seen",
            "name the 13 categories one by one",
        )
    for perimeter, in_inventory, records in store.rows("coverage/perimeter_presence"):
        if in_inventory:
            evidence, remedy = (
                "not one record of this perimeter",
                "check that its diagnostic setting exports to where nsp reads",
            )
            yield Finding("perimeter-without-logs", BLOCKER, perimeter, evidence, remedy)
        elif seen["inventory"]:
            evidence = f"{records:,} records of a perimeter that the inventory doesn't know"
            yield Finding("perimeter-not-in-inventory", WARNING, perimeter, evidence, "nsp inventory pull or load")
    yield from _gaps(store)
    for kind, records, median, most_hours, most in store.rows("coverage/delays"):
        yield Finding(
            "ingest-delay",
            WARNING if most_hours > LONG_DELAY_HOURS else INFO,
            "",
            f"records by {kind} arrive {median} h after the event (median), 99% within {most_hours} h, the last after "
            f"{most} h ({records:,} records)",
            "judge the last hours only after that time" if most_hours else "nothing",
        )
    yield from _ahead(store, now)
    yield from _dropped(store)
    yield from _losses(seen)


def _ahead(store: Store, now: datetime) -> Iterator[Finding]:
    """Yield the records of days that haven't come yet: taken for the newest, they would hide that the log is old."""
    for perimeter, records, first, last in store.rows("coverage/dated_ahead", before=next_day(now)):
        evidence = (
            f"{records:,} records are dated after today, from {first:%Y-%m-%d} to {last:%Y-%m-%d}: they count for no "
            "observed day, and past weeks are replayed without them"
        )
        yield Finding(
            "dated-ahead", WARNING, perimeter or "", evidence, "look at the clocks of what wrote and loaded it"
        )


def _dropped(store: Store) -> Iterator[Finding]:
    """Yield how far back the log reaches by retention: what was never seen was only not seen since."""
    for _, flows_before in store.rows("retention/retention"):
        if flows_before is not None:
            evidence = (
                f"all before {flows_before:%Y-%m-%d} was dropped by retention.flow_days; what was never seen or used, "
                "wasn't since"
            )
            yield Finding("flows-dropped", INFO, "", evidence, "judge what comes less often than that by other means")


def _gaps(store: Store) -> Iterator[Finding]:
    """Yield one finding a perimeter; the gaps come longest first."""
    gaps: dict[str, list[tuple[datetime, int]]] = {}
    for perimeter, start, _, hours in store.rows("coverage/gaps", min_hours=MIN_GAP_HOURS):
        gaps.setdefault(perimeter or "", []).append((start, hours))
    for perimeter, mine in sorted(gaps.items()):
        start, hours = mine[0]
        evidence = (
            f"{len(mine)} spans of {MIN_GAP_HOURS} hours and more without a record, the longest of {hours} hours from "
            f"{start:%Y-%m-%d %H:%M}"
        )
        remedy = "load what is missing, else these hours prove nothing; nsp query coverage/gaps"
        yield Finding("hours-missing", WARNING, perimeter, evidence, remedy)


States = dict[str, dict[str, tuple[Any, ...]]]


def _states(store: Store) -> States:
    """Return of each perimeter and category (lower case) (enabled, by group, records, last seen)."""
    told: States = {}
    for perimeter, category, *state in store.rows("coverage/category_states"):
        told.setdefault(perimeter, {})[category.lower()] = tuple(state)
    return told


def switched_off(store: Store) -> dict[str, list[str]]:
    """Return of each perimeter the categories that hold would-be denials and are known not to be logged."""
    found: dict[str, list[str]] = {}
    for perimeter, states in _states(store).items():
        for category in WOULD_BE_DENIALS:
            enabled, *_ = states.get(category.lower(), (_default(states),))
            if enabled is False:
                found.setdefault(perimeter, []).append(category)
    return found


def unproven(store: Store) -> dict[str, list[str]]:
    """Return of each perimeter the categories that hold would-be denials, were never seen, and are not told of.

    Whether there was nothing to log, or nothing is logged, nobody can tell.
    """
    found: dict[str, list[str]] = {}
    for perimeter, states in _states(store).items():
        for category in WOULD_BE_DENIALS:
            enabled, _, records, _ = states.get(category.lower(), (_default(states), False, 0, None))
            if enabled is None and not records:
                found.setdefault(perimeter, []).append(category)
    return found


def _categories(store: Store, seen: dict[str, Any]) -> Iterator[Finding]:
    told = _states(store)
    for perimeter, found in sorted(told.items()):
        for category in CATEGORIES:
            enabled, by_group, records, _ = found.get(category.lower(), (_default(found), False, 0, None))
            if records:
                continue
            if enabled is False:
                severity, evidence = (BLOCKER if category in WOULD_BE_DENIALS else WARNING), "is not switched on"
            elif enabled:
                severity, evidence = INFO, "is switched on and was never seen"
            else:
                severity = WARNING if category in WOULD_BE_DENIALS else INFO
                evidence = "was never seen" + (", only a group names it" if by_group else "")
            remedy = "nothing, if there was no such traffic" if enabled else _ENABLE
            yield Finding("category-missing", severity, perimeter, f"{category} {evidence}", remedy)
    for name in seen["categories_unknown"]:
        yield Finding("category-unknown", WARNING, name, "kept, but not judged", "look for a newer nsp")


def _directions(store: Store) -> Iterator[Finding]:
    """Yield directions that should be logged and of which a month shows no record, though it shows others.

    A container that isn't exported or loaded looks like a perimeter that nobody calls, or that calls nobody: nothing in
    the logs tells one from the other. So it is told, and no profile waits for traffic that may never come.
    """
    for perimeter, states in sorted(_states(store).items()):
        last_seen = {category: state[3] for category, state in states.items() if state[3]}
        for category in WOULD_BE_DENIALS:
            enabled, *_ = states.get(category.lower(), (_default(states),))
            word = "inbound" if "Inbound" in category else "outbound"
            last = max((moment for name, moment in last_seen.items() if word in name), default=None)
            if not (enabled and last_seen) or (last and last >= max(last_seen.values()) - MONTH):
                continue
            since = f"since {last:%Y-%m-%d}" if last else "at all"
            evidence = (
                f"no {word} record {since}, of any category, though {category} is switched on: there was no such "
                "traffic, or its container isn't exported or loaded"
            )
            remedy = f"look whether insights-logs-{category.lower()} exists and is loaded"
            yield Finding("direction-unseen", WARNING, perimeter, evidence, remedy)


def _default(found: dict[str, tuple[Any, ...]]) -> bool | None:
    """Return whether a category that nobody names is on: not, where others are named."""
    return False if any(state[0] for state in found.values()) else None


def _losses(seen: dict[str, Any]) -> Iterator[Finding]:
    """Yield what came and could not be used."""
    if seen["records_without_perimeter"]:
        evidence = f"{seen['records_without_perimeter']:,} records name no perimeter; nothing is recommended from them"
        yield Finding("no-perimeter", WARNING, "", evidence, "keep resourceId in the export or transformation")
    if seen["rejected_records"]:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in seen["rejected_reasons"].items())
        evidence = f"{seen['rejected_records']:,} lines rejected: {reasons}"
        yield Finding("rejected", WARNING, "", evidence, "nsp query coverage/rejected_records")
    if seen["pending_bytes"]:
        evidence = f"{seen['files_with_a_cut_last_line']} files end in an unfinished line"
        yield Finding("unfinished-line", INFO, "", evidence, "nothing; it is read when the file grows")
    if seen["unknown_fields"]:
        evidence = f"fields without a column, kept in access_log.extra: {', '.join(list(seen['unknown_fields'])[:20])}"
        yield Finding("unknown-fields", INFO, "", evidence, "nothing; nsp query coverage/unknown_fields")
    yield from _overlaps(seen["overlaps"])


def _overlaps(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield where two ways to the same logs disagree, and that they were counted once."""
    if not rows:
        return
    kinds = [kind for kind in ("blob", "workspace", "folder") if any(row[f"{kind}_records"] for row in rows)]
    totals = ", ".join(f"{sum(row[f'{kind}_records'] for row in rows):,} by {kind}" for kind in kinds)
    evidence = f"the same hours came by several ways and were counted once, the fuller one of each hour: {totals}"
    places = sorted({place for row in rows for place in row["places"].split(", ")})
    if len(places) > len(kinds):  # two accounts or two workspaces
        evidence += f"; from {', '.join(places)}"
    yield Finding("mixed-sources", INFO, "", evidence, "nothing")
    for row in rows:
        if row["hours_that_differ"]:
            records = ", ".join(f"{row[f'{kind}_records']:,} by {kind}" for kind in kinds)
            hours = f"{row['hours_that_differ']} of {row['hours']} hours of {row['category']}"
            evidence = f"the ways differ in {hours} ({records}; {row['places']}): one of them lacks records"
            yield Finding("sources-differ", WARNING, row["perimeter"] or "", evidence, "nsp query coverage/overlaps")
