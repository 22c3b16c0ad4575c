"""Reads one perimeter of Azure Resource Manager, list by list, and makes sure that a snapshot can be made of it.

Paths: azure-rest-api-specs, Microsoft.Network, networkSecurityPerimeter.json, 2025-05-01; diagnostic settings,
Microsoft.Insights, 2021-05-01-preview. What a service sends is other people's text, of whatever type.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.azure.arm_answer import NOT_FOUND, UnreadError
from pipeline.azure.resource_manager import ResourceManager
from pipeline.errors import InventoryError
from pipeline.inventory import items
from pipeline.inventory.arm_member import gap
from pipeline.inventory.document import Document, Item

NETWORK_VERSION = "2025-05-01"
SETTINGS_VERSION = "2021-05-01-preview"
SETTINGS = "providers/Microsoft.Insights/diagnosticSettings"
LOGGING = "loggingConfigurations"
NEEDED = frozenset({"profiles", "accessRules", "associations"})
"""Lists without which no snapshot is kept."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


@dataclass(slots=True)
class Perimeter:
    """What is read of a perimeter.

    Args:
        item: the perimeter itself.
        document: its lists; one that can't be read is missing.
        unread: names of those.
        members: ARM ids of the associated resources, lower case -> as they are spelled.
    """

    item: Item
    document: Document = field(default_factory=Document)
    unread: set[str] = field(default_factory=set)
    members: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.document.add("perimeters", [self.item])

    @property
    def key(self) -> str:
        """Its ARM id, lower case."""
        return items.arm_id(self.item)

    @property
    def gaps(self) -> list[str]:
        """Sentences on what can't be read of it."""
        return self.document.gaps.setdefault(self.key, [])

    @property
    def usable(self) -> bool:
        """Whether what was read is enough for a snapshot."""
        return not self.unread & NEEDED


async def read_lists(manager: ResourceManager, perimeter: Perimeter) -> None:
    """Read the lists of a perimeter into its document; one that can't be read is missing there, and a gap.

    Raises:
        AzureError: nothing can be read.
    """
    await asyncio.gather(
        _list(manager, perimeter, "profiles", "profiles"),
        _list(manager, perimeter, "associations", "resourceAssociations"),
        _list(manager, perimeter, "links", "links"),
        _list(manager, perimeter, "linkReferences", "linkReferences"),
        _list(manager, perimeter, "diagnosticSettings", SETTINGS),
        _list(manager, perimeter, LOGGING, f"{LOGGING}/instance"),
    )
    lists = perimeter.document.lists
    if perimeter.unread & {"links", "linkReferences"}:
        perimeter.document.forget("links")  # half of the links would be taken for all
    paths = [f"profiles/{items.name_of(each)}/accessRules" for each in lists.get("profiles", [])]
    await asyncio.gather(*(_list(manager, perimeter, "accessRules", path) for path in paths))
    perimeter.gaps.sort()
    perimeter.members = {
        items.association(each)[3]: items.field(each, "privateLinkResource")["id"]
        for each in lists.get("associations", [])
    }


async def _list(manager: ResourceManager, perimeter: Perimeter, name: str, path: str) -> None:
    """Read one list; a logging configuration that isn't there is a list without items."""
    whole = f"{perimeter.item['id']}/{path}"
    try:
        perimeter.document.add(name, _usable(name, await _found(manager, name, whole), perimeter.key))
    except UnreadError as error:
        perimeter.unread.add(name)
        kept = " The perimeter's configuration is left as it was." if name in NEEDED else ""
        perimeter.gaps.append(gap(whole, error, "the perimeter") + kept)


async def _found(manager: ResourceManager, name: str, path: str) -> list[Item]:
    if name == LOGGING:
        try:
            return [await manager.item(path, NETWORK_VERSION)]
        except UnreadError as error:
            if error.status == NOT_FOUND:
                return []
            raise
    if name == "diagnosticSettings":  # their ids are spelled in many ways
        found = await manager.items(path, SETTINGS_VERSION)
        return [{**each, "id": f"{path}/{each.get('name')}"} for each in found]
    return await manager.items(path, NETWORK_VERSION)


def _usable(name: str, found: list[Item], perimeter: str) -> list[Item]:
    """Return items after making sure that a snapshot can be made of them.

    Raises:
        UnreadError: it can't.
    """
    try:
        elsewhere = [each for each in found if items.perimeter_of(each) != perimeter]
        for item in found:
            _READERS[name](item)
    except InventoryError as error:
        raise UnreadError(str(error).rstrip(".")) from None
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):  # it holds what nobody foresaw
        raise UnreadError("the answer holds something unexpected") from None
    if elsewhere:
        raise UnreadError("the answer holds items of another perimeter")
    return found


def _profile(item: Item) -> None:
    if not _NAME.fullmatch(items.name_of(item)):
        raise InventoryError("a profile has no usable name")
    items.profile(item)


def _logging(name: str) -> Callable[[Item], None]:
    def read(item: Item) -> None:
        for each in ("enabledLogCategories", "logs"):
            if not isinstance(items.field(item, each), list | None):
                raise InventoryError(f"{each} is no list")
        list(items.logging(Document({name: [item]})))

    return read


_READERS: dict[str, Callable[[Item], Any]] = {
    "profiles": _profile,
    "accessRules": items.rule_elements,
    "associations": items.association,
    "links": lambda item: items.link(item, is_reference=False),
    "linkReferences": lambda item: items.link(item, is_reference=True),
    LOGGING: _logging(LOGGING),
    "diagnosticSettings": _logging("diagnosticSettings"),
}
