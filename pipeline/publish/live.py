"""What is in force in Azure right now: the access rules and associations of some profiles.

Paths: azure-rest-api-specs, Microsoft.Network, networkSecurityPerimeter.json, 2025-05-01.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.azure.arm_answer import FORBIDDEN, NOT_FOUND, UnreadError
from pipeline.azure.resource_manager import SERVICE, ResourceManager
from pipeline.errors import AzureError, ForbiddenError, InventoryError, UnreachableError
from pipeline.inventory import items
from pipeline.inventory.arm_perimeter import NETWORK_VERSION
from pipeline.inventory.document import Item
from pipeline.inventory.rules import ProfileKey
from pipeline.publish import content
from pipeline.publish.content import Content
from pipeline.publish.merge import Key

ROLE = "Network Contributor"


@dataclass(frozen=True, slots=True)
class LiveRule:
    """One access rule in force.

    Args:
        id: ARM id, as Azure spells it.
        item: what Resource Manager gave.
        content: what it admits.
    """

    id: str
    item: Item
    content: Content


@dataclass(frozen=True, slots=True)
class Live:
    """The access rules in force.

    Args:
        rules: all those of the profiles.
        profiles: that there are, as Azure spells them.
    """

    rules: Mapping[Key, LiveRule]
    profiles: Mapping[ProfileKey, str]

    @property
    def contents(self) -> dict[Key, Content]:
        """What each rule admits."""
        return {key: rule.content for key, rule in self.rules.items()}


def read(manager: ResourceManager, places: Collection[ProfileKey]) -> Live:
    """Read the rules of some profiles.

    Args:
        manager: connected.
        places: profiles; those that aren't there are missing in the answer.

    Raises:
        AzureError: something of it can't be read: then nothing may be concluded.
    """
    return manager.background.run(_read(manager, places))


async def _read(manager: ResourceManager, places: Collection[ProfileKey]) -> Live:
    perimeters = sorted({perimeter for perimeter, _ in places})
    listed = await asyncio.gather(*(_profiles(manager, each) for each in perimeters))
    profiles = {
        key: name
        for perimeter, names in zip(perimeters, listed, strict=True)
        for name in names
        if (key := (perimeter, name.lower())) in places
    }
    found = await asyncio.gather(*(_rules(manager, key, name) for key, name in sorted(profiles.items())))
    return Live({key: rule for some in found for key, rule in some.items()}, profiles)


async def _profiles(manager: ResourceManager, perimeter: str) -> list[str]:
    found = await _list(manager, f"{perimeter}/profiles", perimeter)
    return [items.name_of(each) for each in found]


async def _rules(manager: ResourceManager, profile: ProfileKey, name: str) -> dict[Key, LiveRule]:
    path = f"{profile[0]}/profiles/{name}/accessRules"
    found = await _list(manager, path, profile[0])
    rules = (LiveRule(each["id"], each, content.of_item(each)) for each in found)
    return {(*profile, rule.id.rsplit("/", 1)[-1].lower()): rule for rule in rules}


def associations(manager: ResourceManager, perimeter: str) -> list[Item]:
    """Return the associations of a perimeter.

    Raises:
        AzureError: they can't be read.
    """
    return manager.background.run(_list(manager, f"{perimeter}/resourceAssociations", perimeter))


class Link(NamedTuple):
    """A link of a perimeter, or the other end of another's.

    Args:
        name: of the link.
        remote_perimeter: ARM id, lower case; None where nobody told.
        remote_guid: its GUID, lower case; None where nobody told.
        local_inbound_profiles: list of names as JSON; None where nobody told.
        remote_inbound_profiles: likewise.
        status: as Azure says it.
        is_reference: it was made from the other side.
    """

    name: str
    remote_perimeter: str | None
    remote_guid: str | None
    local_inbound_profiles: str | None
    remote_inbound_profiles: str | None
    status: str | None
    is_reference: bool


def links(manager: ResourceManager, perimeter: str) -> list[Link]:
    """Return the links of a perimeter, from either side.

    Raises:
        AzureError: they can't be read.
    """
    return manager.background.run(_links(manager, perimeter))


async def _links(manager: ResourceManager, perimeter: str) -> list[Link]:
    made, referred = await asyncio.gather(
        _list(manager, f"{perimeter}/links", perimeter), _list(manager, f"{perimeter}/linkReferences", perimeter)
    )
    rows = [items.link(each, is_reference=False) for each in made]
    rows += [items.link(each, is_reference=True) for each in referred]
    return [Link(*row[1:]) for row in rows]


async def _list(manager: ResourceManager, path: str, perimeter: str) -> list[Item]:
    try:
        found = await manager.items(path, NETWORK_VERSION)
        elsewhere = [each for each in found if items.perimeter_of(each) != perimeter]
    except UnreadError as error:
        raise told(error, f"{path} can't be read", "Reader") from None
    except InventoryError:
        raise AzureError(f"{path} can't be read: the answer holds something without an id.") from None
    if elsewhere:
        raise AzureError(f"{path} can't be read: the answer holds items of another perimeter.")
    return found


def told(error: UnreadError, what: str, role: str = ROLE) -> AzureError:
    """Return the error to raise for a refusal.

    Args:
        error: the refusal.
        what: a sentence on what failed, without a full stop.
        role: that is needed for it.
    """
    if error.status == FORBIDDEN:
        return ForbiddenError(f"{what}: no permission ({error}). The role {role} on the perimeter is needed.")
    if error.status == NOT_FOUND:
        return AzureError(f"{what}: there is no such thing ({error}). Is the perimeter still there?")
    if error.is_uncertain:
        return UnreachableError(f"{what}: {SERVICE} gives no useful answer ({error}). Try again later.")
    return AzureError(f"{what}: {SERVICE} refuses it ({error}).")
