"""Keeps configurations with their time: a snapshot is one perimeter, as it was found at one moment.

A perimeter that is found as it was makes no new snapshot; that it was confirmed is noted. So the snapshots of a
perimeter are the history of its changes: of access modes, of rules and their versions, of members.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from pipeline.inventory import hosts, items, rules
from pipeline.inventory.document import Document, Item
from pipeline.store import Store
from pipeline.tables import (
    INVENTORY_SNAPSHOT,
    MEMBER_HOST,
    SNAPSHOT_ASSOCIATION,
    SNAPSHOT_ISSUE,
    SNAPSHOT_LINK,
    SNAPSHOT_LOGGING,
    SNAPSHOT_PROFILE,
    SNAPSHOT_RESOURCE,
    SNAPSHOT_RULE_ELEMENT,
    Table,
)

Row = tuple[Any, ...]
Content = dict[Table, list[Row]]
TABLES = {
    "profiles": SNAPSHOT_PROFILE,
    "rule elements": SNAPSHOT_RULE_ELEMENT,
    "associations": SNAPSHOT_ASSOCIATION,
    "resources": SNAPSHOT_RESOURCE,
    "links": SNAPSHOT_LINK,
    "log categories": SNAPSHOT_LOGGING,
    "issues": SNAPSHOT_ISSUE,
}

TOLD_BY = {
    SNAPSHOT_PROFILE: ("inventory/profiles", {"profiles", "configurations"}),
    SNAPSHOT_RULE_ELEMENT: ("inventory/rule_elements", {"accessRules", "configurations"}),
    SNAPSHOT_ASSOCIATION: ("inventory/associations", {"associations", "configurations"}),
    SNAPSHOT_RESOURCE: ("inventory/resources", {"resources"}),
    SNAPSHOT_LINK: ("inventory/links", {"links", "linkReferences"}),
    SNAPSHOT_LOGGING: ("inventory/logging", {"loggingConfigurations", "diagnosticSettings", "configurations"}),
    SNAPSHOT_ISSUE: ("inventory/issues", {"configurations"}),
}
"""Of each table the query that returns what is in force, and the lists of a document that tell of it."""


def keep(
    store: Store, document: Document, taken_at: datetime, origin: str, *, scope: Iterable[str] | None = None
) -> dict[str, int]:
    """Keep what a document tells of each perimeter; return how many of what it told.

    Writes: inventory_snapshot, the tables snapshot_..., rule_span, rule_name, member_host; all or nothing.

    Args:
        store: the warehouse.
        document: the configuration.
        taken_at: when it was so, UTC.
        origin: arm, or the name of the file.
        scope: ARM ids, whole or up to a slash ("" for all); perimeters of the inventory in or below them
            that that the document doesn't
            know are gone. None where the document doesn't claim to be complete.

    Raises:
        InventoryError: an item is none.
    """
    heads, content = _rows(document)
    _carry_over(store, document, heads, content, taken_at)
    known = {row[0]: row for row in store.rows("inventory/newest_snapshots", moment=taken_at)}
    number = store.rows("inventory/last_snapshot_id")[0][0]
    with store.transaction():
        for perimeter, head in sorted(heads.items()):
            mine = {table: sorted(rows, key=repr) for table, rows in content[perimeter].items()}
            gaps = [*document.gaps.get("", []), *document.gaps.get(perimeter, [])]
            told = (*head, *_known(document), json.dumps(gaps) if gaps else None)
            digest = sha256(json.dumps([told, [mine[table] for table in TABLES.values()]]).encode()).hexdigest()
            number += _keep_one(
                store, known.get(perimeter), (perimeter, *told), digest, mine, (number + 1, taken_at, origin)
            )
        prefixes = tuple(f"{each.lower().rstrip('/')}/" if each else "" for each in scope or ())
        for perimeter, (_, _, guid, location, _, gone, *_) in sorted(known.items()):
            if perimeter not in heads and not gone and f"{perimeter}/".startswith(prefixes):
                number += 1
                head = (number, perimeter, guid, location, taken_at, taken_at, origin, "gone", True, True, True, None)
                store.append_rows(INVENTORY_SNAPSHOT, [head])
        derive(store)
    counts = {"perimeters": len(heads)}
    return counts | {name: sum(len(each[table]) for each in content.values()) for name, table in TABLES.items()}


def _carry_over(
    store: Store, document: Document, heads: dict[str, Row], content: dict[str, Content], taken_at: datetime
) -> None:
    """Leave what a document doesn't speak of as it is in force: a file of rules alone doesn't remove the members."""
    in_force = {row[0]: row[3] for row in store.rows("inventory/perimeters")}
    for table, (query, lists) in TOLD_BY.items():
        if lists.isdisjoint(document.lists):
            for row in store.rows(query):
                if row[0] in heads and in_force[row[0]] <= taken_at:
                    content[row[0]][table].append(row)


def _known(document: Document) -> tuple[bool, bool]:
    return "links" in document.lists, "loggingConfigurations" in document.lists


def _keep_one(
    store: Store, before: Row | None, told: Row, digest: str, content: Content, about: tuple[int, datetime, str]
) -> int:
    """Keep one snapshot, or confirm the one before; return how many were made."""
    number, taken_at, origin = about
    perimeter, guid, location, links_known, logging_known, gaps = told
    if before and before[4] == digest and not before[5]:
        number, first, last, origin = before[1], before[6], before[7], before[8]
        store.delete(INVENTORY_SNAPSHOT, "inventory/rowid_of_snapshot", snapshot_id=number)
        taken_at, confirmed_at = first, max(last, taken_at)
        content = {}
    else:
        confirmed_at = taken_at
    head = (
        number,
        perimeter,
        guid,
        location,
        taken_at,
        confirmed_at,
        origin,
        digest,
        False,
        links_known,
        logging_known,
        gaps,
    )
    store.append_rows(INVENTORY_SNAPSHOT, [head])
    for table, rows in content.items():
        store.append_rows(table, [(number, *row) for row in rows])
    return int(bool(content))


def derive(store: Store) -> None:
    """Make anew what the engine matches with, from the newest snapshots, in the caller's transaction."""
    rules.derive(store)
    members = [(row[0], row[3]) for row in store.rows("inventory/associations")]
    rows = {(perimeter, host, resource) for perimeter, resource in members for host in hosts.names_of(resource)}
    store.replace(MEMBER_HOST, sorted(rows))


def _rows(document: Document) -> tuple[dict[str, Row], dict[str, Content]]:
    """Sort a document by perimeter: (perimeter -> GUID and location), (perimeter -> table -> rows)."""
    heads: dict[str, Row] = {}
    for item in document.items("perimeters"):
        guid = items.text(items.field(item, "perimeterGuid"))
        heads[items.storable(items.perimeter_of(item))] = (
            items.storable(guid.lower()) if guid else None,
            items.storable(items.text(item.get("location"))),
        )
    found: list[tuple[Table, Row]] = []
    found += [(SNAPSHOT_PROFILE, items.profile(item)) for item in document.items("profiles")]
    for item in document.items("accessRules"):
        found += [(SNAPSHOT_RULE_ELEMENT, row) for row in items.rule_elements(item)]
    found += [(SNAPSHOT_ASSOCIATION, items.association(item)) for item in document.items("associations")]
    for name, is_reference in (("links", False), ("linkReferences", True)):
        found += [(SNAPSHOT_LINK, items.link(item, is_reference=is_reference)) for item in document.items(name)]
    found += [(SNAPSHOT_LOGGING, row) for row in items.logging(document)]
    for item in document.items("configurations"):
        found += _of_configuration(
            item, heads, {(row[0], row[3]) for table, row in found if table is SNAPSHOT_ASSOCIATION}
        )
    content: dict[str, Content] = {}
    for table, unsafe in found:
        row = tuple(items.storable(value) for value in unsafe)
        heads.setdefault(row[0], (None, None))
        content.setdefault(row[0], {each: [] for each in TABLES.values()})[table].append(row)
    for perimeter in heads:
        content.setdefault(perimeter, {each: [] for each in TABLES.values()})
        _complete(content[perimeter], perimeter, document)
    return heads, content


def _complete(content: Content, perimeter: str, document: Document) -> None:
    """Add what the members themselves tell, once each."""
    told = {items.arm_id(item): item for item in document.items("resources")}
    associations = content[SNAPSHOT_ASSOCIATION]
    for place, row in enumerate(associations):
        item = told.get(row[3])
        if item is None:
            continue
        facts = (items.storable(value) for value in items.resource(item))
        content[SNAPSHOT_RESOURCE].append((perimeter, *facts))
        if row[5] is None:
            access = items.text(items.field(item, "publicNetworkAccess"))
            associations[place] = (*row[:5], access, *row[6:])
    for table, rows in content.items():
        content[table] = list(dict.fromkeys(rows))


def _of_configuration(
    item: Item, heads: dict[str, Row], associated: set[tuple[str, str]]
) -> Iterable[tuple[Table, Row]]:
    """Yield what a resource itself says of its perimeter; the perimeter's own lists go first."""
    of = items.object_in(item, "networkSecurityPerimeter")
    perimeter = str(of.get("id") or "").lower()
    resource = items.arm_id(item).rpartition("/networksecurityperimeterconfigurations")[0]
    if not perimeter or not resource:
        return
    yield from ((SNAPSHOT_ISSUE, row) for row in items.issues(item, perimeter, resource))
    heads.setdefault(perimeter, (items.text(of.get("perimeterGuid")), items.text(of.get("location"))))
    if (perimeter, resource) in associated:
        return
    profile = items.object_in(item, "profile")
    name = items.text(profile.get("name"))
    association = items.object_in(item, "resourceAssociation")
    if name is None:
        return
    yield SNAPSHOT_PROFILE, (perimeter, name, items.text(profile.get("accessRulesVersion")))
    for rule in items.items_in(profile, "accessRules"):
        yield from ((SNAPSHOT_RULE_ELEMENT, row) for row in items.elements_of(rule, perimeter, name))
    for category in items.words_in(profile, "enabledLogCategories"):
        yield SNAPSHOT_LOGGING, (perimeter, "", category, False, True, None)
    mode = items.text(association.get("accessMode"))
    state = items.text(items.field(item, "provisioningState"))
    yield SNAPSHOT_ASSOCIATION, (perimeter, name, str(association.get("name") or ""), resource, mode, None, state, None)
