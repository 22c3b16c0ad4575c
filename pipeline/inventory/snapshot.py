"""Keeps configurations with their time: a snapshot is one perimeter, as it was found at one moment.

A perimeter that is found as it was makes no new snapshot; that it was confirmed is noted. So the snapshots of a
perimeter are the history of its changes: of access modes, of rules and their versions, of members.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from pipeline.inventory import hosts, items, rules
from pipeline.inventory.carry import IN_FORCE, Told
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


_OUTDATED = "The access rules of the profile {}"


@dataclass(slots=True)
class Head:
    """What a snapshot itself says of its perimeter.

    Args:
        guid: GUID of the perimeter, lower case.
        location: Azure region.
        links_known: links were read.
        logging_known: the logging configuration was read.
        members_at: when the list of associations was last read, UTC; None where it never was.
        gaps: sentences on what could not be read.
    """

    guid: str | None = None
    location: str | None = None
    links_known: bool = False
    logging_known: bool = False
    members_at: datetime | None = None
    gaps: list[str] = field(default_factory=list)

    def add(self, guid: str | None, location: str | None) -> None:
        """Take over what was not known."""
        self.guid = self.guid or items.storable(guid.lower() if guid else None)
        self.location = self.location or items.storable(location)

    def complete(self, before: dict[str, Any], told: Told) -> None:
        """Take over what is in force and was not told anew."""
        self.add(before["perimeter_guid"], before["location"])
        self.links_known = self.links_known or before["links_known"]
        self.logging_known = self.logging_known or before["logging_known"]
        self.members_at = max(
            (each for each in (self.members_at, before["members_confirmed_at"]) if each), default=None
        )
        if not told.is_whole and not self.gaps:
            closed = tuple(_OUTDATED.format(profile) for profile in told.profiles_with_rules)
            self.gaps += [each for each in json.loads(before["gaps"] or "[]") if not each.startswith(closed)]

    def facts(self) -> Row:
        """Return what of it is compared: (GUID, location, links known, logging known, members known, gaps)."""
        return self.guid, self.location, self.links_known, self.logging_known, self.members_at is not None, self.gaps


def keep(
    store: Store, document: Document, taken_at: datetime, origin: str, *, scope: Iterable[str] | None = None
) -> dict[str, int]:
    """Keep what a document tells of each perimeter; return how many of what is kept now.

    Writes: inventory_snapshot, the tables snapshot_..., rule_span, rule_name, member_host; all or nothing.

    Args:
        store: the warehouse.
        document: the configuration.
        taken_at: when it was so, UTC.
        origin: arm, or the name of the file.
        scope: ARM ids, whole or up to a slash ("" for all); perimeters of the inventory in or below them that the
            document doesn't know are gone. None where the document doesn't claim to be complete.

    Raises:
        InventoryError: an item is none.
    """
    heads, content = _rows(document)
    with store.as_of(taken_at):  # an older file is completed by what was known at its time
        _carry_over(store, document, heads, content, taken_at)
    for perimeter, rows in content.items():
        _add_facts(rows, perimeter, document)
    known = {row[0]: row for row in store.rows("inventory/newest_snapshots", moment=taken_at)}
    number = store.rows("inventory/last_snapshot_id")[0][0]
    with store.transaction():
        for perimeter, head in sorted(heads.items()):
            mine = {table: sorted(rows, key=repr) for table, rows in content[perimeter].items()}
            digest = sha256(json.dumps([head.facts(), [mine[table] for table in TABLES.values()]]).encode()).hexdigest()
            number += _keep_one(
                store, known.get(perimeter), (perimeter, head), digest, mine, (number + 1, taken_at, origin)
            )
        prefixes = tuple(f"{each.lower().rstrip('/')}/" if each else "" for each in scope or ())
        for perimeter, (_, _, guid, location, _, gone, *_) in sorted(known.items()):
            if perimeter not in heads and not gone and f"{perimeter}/".startswith(prefixes):
                number += 1
                row = (number, perimeter, guid, location, taken_at, taken_at, origin, "gone", True, True, True)
                store.append_rows(INVENTORY_SNAPSHOT, [(*row, taken_at, None)])
        derive(store)
    counts = {"perimeters": len(heads)}
    return counts | {name: sum(len(each[table]) for each in content.values()) for name, table in TABLES.items()}


def _carry_over(
    store: Store, document: Document, heads: dict[str, Head], content: dict[str, Content], taken_at: datetime
) -> None:
    """Add to what a document tells what is in force and what it doesn't speak of."""
    facts = {items.storable(items.arm_id(item)) for item in document.items("resources")}
    for row in store.rows(IN_FORCE[SNAPSHOT_ASSOCIATION]):
        if row[3] in facts and row[0] not in heads:
            heads[row[0]], content[row[0]] = Head(), _empty()
    told = {perimeter: Told(document, perimeter, rows) for perimeter, rows in content.items()}
    for perimeter, head in heads.items():
        head.links_known = "links" in told[perimeter].lists
        head.logging_known = "loggingConfigurations" in told[perimeter].lists
        head.members_at = taken_at if "associations" in told[perimeter].lists else None
    before = {
        found["perimeter"]: found
        for found in store.frame("inventory/perimeters").to_dicts()
        if found["perimeter"] in heads
    }
    for perimeter, found in before.items():
        heads[perimeter].complete(found, told[perimeter])
    _keep_access(store, content)
    rules_known = {(row[0], row[1].lower()) for row in store.rows(IN_FORCE[SNAPSHOT_PROFILE]) if row[3]}
    for table, query in IN_FORCE.items():
        for row in store.rows(query):
            if row[0] in before and told[row[0]].leaves(table, row):
                content[row[0]][table].append(row)
    for perimeter, profile in _outdated(store, told, content):
        rules_known.discard((perimeter, profile))
        rows = content[perimeter][SNAPSHOT_RULE_ELEMENT]
        content[perimeter][SNAPSHOT_RULE_ELEMENT] = [row for row in rows if row[1].lower() != profile]
        heads[perimeter].gaps.append(
            f"{_OUTDATED.format(profile)} have another version than those known: load them, too."
        )
    for perimeter, tables in content.items():
        tables[SNAPSHOT_PROFILE] = [
            (*row[:3], (perimeter, row[1].lower()) in rules_known or told[perimeter].tells_rules(row[1]))
            for row in tables[SNAPSHOT_PROFILE]
        ]


def _keep_access(store: Store, content: dict[str, Content]) -> None:
    """Leave publicNetworkAccess and known issues as they are where an association is told without them."""
    known = {(row[0], row[3]): row for row in store.rows(IN_FORCE[SNAPSHOT_ASSOCIATION])}
    for perimeter, tables in content.items():
        tables[SNAPSHOT_ASSOCIATION] = [
            (*row[:5], row[5] or before[5], row[6], before[7] if row[7] is None else row[7])
            if (before := known.get((perimeter, row[3])))
            else row
            for row in tables[SNAPSHOT_ASSOCIATION]
        ]


def _outdated(store: Store, told: dict[str, Told], content: dict[str, Content]) -> Iterator[tuple[str, str]]:
    """Yield the profiles that a document shows at another version than the rules have that it leaves as they are."""
    versions = {(row[0], row[1].lower()): row[2] for row in store.rows(IN_FORCE[SNAPSHOT_PROFILE])}
    for perimeter, some in told.items():
        for row in content[perimeter][SNAPSHOT_PROFILE]:
            before = versions.get((perimeter, row[1].lower()))
            if before and row[2] and row[2] != before and not some.tells_rules(row[1]):
                yield perimeter, row[1].lower()


def _keep_one(
    store: Store,
    before: Row | None,
    told: tuple[str, Head],
    digest: str,
    content: Content,
    about: tuple[int, datetime, str],
) -> int:
    """Keep one snapshot, or confirm the one before; return how many were made."""
    number, taken_at, origin = about
    perimeter, head = told
    members_at = head.members_at
    if before and before[4] == digest and not before[5]:
        number, first, last, origin = before[1], before[6], before[7], before[8]
        store.delete(INVENTORY_SNAPSHOT, "inventory/rowid_of_snapshot", snapshot_id=number)
        taken_at, confirmed_at = first, max(last, taken_at)
        members_at = max((each for each in (members_at, before[9]) if each), default=None)
        content = {}
    else:
        confirmed_at = taken_at
    row = (
        number,
        perimeter,
        head.guid,
        head.location,
        taken_at,
        confirmed_at,
        origin,
        digest,
        False,
        head.links_known,
        head.logging_known,
        members_at,
        json.dumps(head.gaps) if head.gaps else None,
    )
    store.append_rows(INVENTORY_SNAPSHOT, [row])
    for table, rows in content.items():
        store.append_rows(table, [(number, *row) for row in rows])
    return int(bool(content))


def derive(store: Store) -> None:
    """Make anew what the engine matches with, from the newest snapshots, in the caller's transaction."""
    rules.derive(store)
    members = [(row[0], row[3]) for row in store.rows("inventory/associations")]
    rows = {(perimeter, host, resource) for perimeter, resource in members for host in hosts.names_of(resource)}
    store.replace(MEMBER_HOST, sorted(rows))


def _rows(document: Document) -> tuple[dict[str, Head], dict[str, Content]]:
    """Sort a document by perimeter: (perimeter -> head), (perimeter -> table -> rows)."""
    heads: dict[str, Head] = {}
    for item in document.items("perimeters"):
        guid, location = items.text(items.field(item, "perimeterGuid")), items.text(item.get("location"))
        heads.setdefault(items.storable(items.perimeter_of(item)), Head()).add(guid, location)
    found: list[tuple[Table, Row]] = []
    found += [(SNAPSHOT_PROFILE, items.profile(item)) for item in document.items("profiles")]
    for item in document.items("accessRules"):
        heads.setdefault(items.storable(items.perimeter_of(item)), Head())  # a rule may have no element
        found += [(SNAPSHOT_RULE_ELEMENT, row) for row in items.rule_elements(item)]
    found += [(SNAPSHOT_ASSOCIATION, items.association(item)) for item in document.items("associations")]
    for name, is_reference in (("links", False), ("linkReferences", True)):
        found += [(SNAPSHOT_LINK, items.link(item, is_reference=is_reference)) for item in document.items(name)]
    found += [(SNAPSHOT_LOGGING, row) for row in items.logging(document)]
    associated = {(row[0], row[3]) for table, row in found if table is SNAPSHOT_ASSOCIATION}
    configured = [(item, about) for item in document.items("configurations") if (about := items.configured(item))]
    newest = _newest_versions(about for _, about in configured)
    told = _told_by_lists(document)
    for item, about in configured:
        found += _of_configuration(item, about, heads, associated)
        # members that lag behind tell of rules that are no more
        if about.profile and about.version == newest[about.perimeter, about.profile.lower()]:
            found += (each for each in _of_profile(item, about) if each[0] not in told)
    content: dict[str, Content] = {}
    for table, unsafe in found:
        row = tuple(items.storable(value) for value in unsafe)
        heads.setdefault(row[0], Head())
        content.setdefault(row[0], _empty())[table].append(row)
    for perimeter, head in heads.items():
        content.setdefault(perimeter, _empty())
        head.gaps = [*document.gaps.get("", []), *document.gaps.get(perimeter, [])]
    return heads, content


def _empty() -> Content:
    return {table: [] for table in TABLES.values()}


def _add_facts(content: Content, perimeter: str, document: Document) -> None:
    """Add what the members themselves tell, once each, and leave out facts of what is no member."""
    told = {items.storable(items.arm_id(item)): item for item in document.items("resources")}
    named = {items.association(item)[3] for item in document.items("associations")}
    facts = {row[1]: row for row in content[SNAPSHOT_RESOURCE]}
    associations = []
    for row in content[SNAPSHOT_ASSOCIATION]:
        item = told.get(row[3])
        if item is None:
            associations.append(row)
            continue
        facts[row[3]] = (perimeter, *(items.storable(value) for value in items.resource(item)))
        access = items.text(items.field(item, "publicNetworkAccess"))
        # an association of this document goes first, one that is carried over last
        newest = row[5] or access if row[3] in named else access or row[5]
        associations.append((*row[:5], items.storable(newest), *row[6:]))
    content[SNAPSHOT_ASSOCIATION] = associations
    members = {row[3] for row in associations}
    content[SNAPSHOT_ISSUE] = [row for row in content[SNAPSHOT_ISSUE] if row[1] in members]
    content[SNAPSHOT_RESOURCE] = [row for resource, row in facts.items() if resource in members]
    for table, rows in content.items():
        content[table] = list(dict.fromkeys(rows))


def _of_configuration(
    item: Item, about: items.Configured, heads: dict[str, Head], associated: set[tuple[str, str]]
) -> Iterable[tuple[Table, Row]]:
    """Yield what a resource itself says of its perimeter; the perimeter's own lists go first."""
    perimeter, resource, name = about.perimeter, about.resource, about.profile
    yield from ((SNAPSHOT_ISSUE, row) for row in items.issues(item, perimeter, resource))
    of = items.object_in(item, "networkSecurityPerimeter")
    head = heads.setdefault(items.storable(perimeter), Head())
    head.add(items.text(of.get("perimeterGuid")), items.text(of.get("location")))
    if (perimeter, resource) in associated or name is None:
        return
    association = items.object_in(item, "resourceAssociation")
    mode = items.text(association.get("accessMode"))
    state = items.text(items.field(item, "provisioningState"))
    yield SNAPSHOT_ASSOCIATION, (perimeter, name, str(association.get("name") or ""), resource, mode, None, state, None)


def _newest_versions(configured: Iterable[items.Configured]) -> dict[tuple[str, str], int | None]:
    """Return the newest version of each profile's rules that members tell of, by perimeter and profile."""
    newest: dict[tuple[str, str], int | None] = {}
    for about in configured:
        if about.profile:
            key = about.perimeter, about.profile.lower()
            newest[key] = max((each for each in (newest.get(key), about.version) if each is not None), default=None)
    return newest


def _told_by_lists(document: Document) -> set[Table]:
    """Return what the perimeter's own lists tell, which go before what its members say."""
    lists = {
        SNAPSHOT_PROFILE: "profiles",
        SNAPSHOT_RULE_ELEMENT: "accessRules",
        SNAPSHOT_LOGGING: "loggingConfigurations",
    }
    return {table for table, name in lists.items() if name in document.lists}


def _of_profile(item: Item, about: items.Configured) -> Iterable[tuple[Table, Row]]:
    """Yield what a resource says of its profile."""
    profile, name = items.object_in(item, "profile"), about.profile
    yield SNAPSHOT_PROFILE, (about.perimeter, name, items.text(profile.get("accessRulesVersion")))
    for rule in items.items_in(profile, "accessRules"):
        yield from ((SNAPSHOT_RULE_ELEMENT, row) for row in items.elements_of(rule, about.perimeter, str(name)))
    for category in items.words_in(profile, "enabledLogCategories"):
        yield SNAPSHOT_LOGGING, (about.perimeter, "", category, False, True, None)
