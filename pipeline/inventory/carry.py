"""Leaves what a document doesn't speak of as it is in force: a file of rules alone doesn't remove the members.

A list tells of a perimeter where it holds an item of it, or where the document names the perimeter itself: then what
the list lacks isn't there. Access rules are listed a profile at a time, so a list of rules tells of the profiles that
it names, and of all that the document lists. What a single resource says of its perimeter adds to the rest.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.inventory import items
from pipeline.inventory.document import LISTS, Document
from pipeline.tables import (
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
IN_FORCE = {
    SNAPSHOT_PROFILE: "inventory/profiles",
    SNAPSHOT_RULE_ELEMENT: "inventory/rule_elements",
    SNAPSHOT_ASSOCIATION: "inventory/associations",
    SNAPSHOT_RESOURCE: "inventory/resources",
    SNAPSHOT_LINK: "inventory/links",
    SNAPSHOT_LOGGING: "inventory/logging",
    SNAPSHOT_ISSUE: "inventory/issues",
}
"""Of each table the query that returns what is in force."""
_OF_PERIMETERS = frozenset(LISTS) - {"perimeters", "resources", "configurations"}
"""Lists of items that lie in a perimeter."""
_KEYS = {
    SNAPSHOT_PROFILE: 1,
    SNAPSHOT_ASSOCIATION: 3,
    SNAPSHOT_RESOURCE: 1,
    SNAPSHOT_LOGGING: 1,
}
"""Where a row holds what tells it from the others of its perimeter."""


class Told:
    """What a document tells of one perimeter.

    Args:
        document: the document.
        perimeter: ARM id, lower case.
        rows: the rows that it tells, by table.

    Raises:
        InventoryError: an item is none.
    """

    def __init__(self, document: Document, perimeter: str, rows: Mapping[Table, list[Row]]) -> None:
        self._rows = {table: [*some] for table, some in rows.items()}  # others are added to rows later
        perimeters = {items.perimeter_of(item) for item in document.items("perimeters")}
        # lists that were gathered from several files may lack those of some of the perimeters
        named = perimeter in perimeters and (document.is_one or len(perimeters) == 1)
        self.lists = {
            name
            for name in document.whole.intersection(_OF_PERIMETERS)
            if named or any(items.perimeter_of(item) == perimeter for item in document.items(name))
        }
        if "resources" in document.whole and "associations" in self.lists:
            self.lists.add("resources")
        found = map(items.configured, document.items("configurations"))
        self._configured = [each for each in found if each and each.perimeter == perimeter]
        rules = [(*items.profile_of(item), items.name_of(item).lower()) for item in document.items("accessRules")]
        self._rules = {(profile, name) for owner, profile, name in rules if owner == perimeter}
        self._ruled = {profile for profile, _ in self._rules if "accessRules" in document.whole}
        self._ruled |= {profile for owner, profile in document.without_rules() if owner == perimeter}
        if "accessRules" not in self.lists:
            self._ruled |= {each.profile.lower() for each in self._configured if each.profile and each.rules_told}

    @property
    def is_whole(self) -> bool:
        """It tells what matters most of the perimeter: it was looked at anew."""
        return self.lists.issuperset({"profiles", "accessRules", "associations"})

    @property
    def profiles_with_rules(self) -> set[str]:
        """The profiles, lower case, whose rules it tells."""
        return self._ruled

    def tells_rules(self, profile: str) -> bool:
        """Whether it tells the rules of a profile."""
        return profile.lower() in self._ruled or (
            "accessRules" in self.lists and ("profiles" in self.lists or not self._rules)
        )

    def leaves(self, table: Table, row: Row) -> bool:
        """Whether a row that is in force stays, since the document doesn't speak of it."""
        if table is SNAPSHOT_RULE_ELEMENT:
            return self._leaves_rule(row)
        lists = {
            SNAPSHOT_PROFILE: "profiles",
            SNAPSHOT_ASSOCIATION: "associations",
            SNAPSHOT_RESOURCE: "resources",
            SNAPSHOT_LINK: "linkReferences" if row[-1] else "links",
            SNAPSHOT_LOGGING: "diagnosticSettings" if row[1] else "loggingConfigurations",
        }
        if lists.get(table) in self.lists:
            return False
        if table is SNAPSHOT_ISSUE:
            return row[1] not in {each.resource for each in self._configured}
        if table is SNAPSHOT_LINK:
            return (row[1], row[-1]) not in {(each[1], each[-1]) for each in self._rows[table]}
        return row[_KEYS[table]].lower() not in self._told(table)

    def _leaves_rule(self, row: Row) -> bool:
        profile = row[1].lower()
        if profile in self._ruled or (profile, row[2].lower()) in self._rules:
            return False
        if "accessRules" in self.lists and not self._rules:
            return False
        if "profiles" not in self.lists:
            return True
        return "accessRules" not in self.lists and profile in self._told(SNAPSHOT_PROFILE)

    def _told(self, table: Table) -> set[str]:
        """Return what tells the rows apart that the document holds."""
        return {row[_KEYS[table]].lower() for row in self._rows[table]}
