"""Pulls the perimeters' configuration from Azure Resource Manager.

What can't be read is a gap that is told; it never makes something look removed. A perimeter whose profiles, rules or
associations can't be read keeps the snapshot that it has. All is read before anything is kept.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pipeline.azure.arm_answer import FORBIDDEN, NOT_FOUND, UnreadError
from pipeline.azure.arm_connection import Access, connect
from pipeline.azure.resource_manager import ResourceManager
from pipeline.errors import AzureError, ForbiddenError, InventoryError, UnreachableError, UsageError
from pipeline.inventory import items, networks, snapshot
from pipeline.inventory.arm_member import Members, Told, gap
from pipeline.inventory.arm_perimeter import NETWORK_VERSION, Perimeter, read_lists
from pipeline.inventory.document import Document, Item
from pipeline.moments import utc_now
from pipeline.progress import Advance, work
from pipeline.store import Store

T = TypeVar("T")
NETWORK = "providers/Microsoft.Network"

_PERIMETER = re.compile(
    r"/subscriptions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourcegroups/[^/?#%\\<>]+"
    r"/providers/microsoft\.network/networksecurityperimeters/[a-z0-9_.-]*[a-z0-9_-]"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to pull.

    Args:
        subscriptions: ids; all perimeters in them.
        perimeters: ARM ids.
        service_tags: a region, to pull Azure's service tags as well.
    """

    subscriptions: tuple[str, ...] = ()
    perimeters: tuple[str, ...] = ()
    service_tags: str | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was pulled.

    Args:
        counts: how many of what.
        gaps: sentences on what could not be read.
    """

    counts: dict[str, int]
    gaps: tuple[str, ...]


@dataclass(slots=True)
class _Read:
    """What was read of Azure, before anything is kept."""

    perimeters: dict[str, Perimeter] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    tags: list[Item] | None = None
    gaps: list[str] = field(default_factory=list)
    failures: list[tuple[str, UnreadError]] = field(default_factory=list)


def pull(store: Store, wanted: Wanted, access: Access) -> Pulled:
    """Pull the configuration of perimeters, and keep a snapshot of each that has changed.

    Args:
        store: the warehouse.
        wanted: what to pull.
        access: how to get at it.

    Raises:
        UsageError: nothing is wanted, or an id is none.
        SignInError: nobody is signed in.
        ForbiddenError: nothing of it may be read.
        AzureError: nothing can be read, or Resource Manager can't be reached.
    """
    wanted = _checked(wanted)
    taken_at = utc_now()
    known = {row[0]: bool(row[5]) for row in store.rows("inventory/newest_snapshots", moment=taken_at)}
    with connect(access) as manager:
        read = manager.background.run(_read(manager, wanted, known))
    return _keep(store, read, taken_at)


def _keep(store: Store, read: _Read, taken_at: datetime) -> Pulled:
    """Keep what was read, a document a perimeter: what is known of one isn't known of all."""
    counts = Counter(dict.fromkeys(("perimeters", *snapshot.TABLES), 0))
    gaps = list(read.gaps)
    for perimeter in read.perimeters.values():
        gaps += perimeter.gaps
        if not perimeter.usable:
            continue
        try:
            counts.update(snapshot.keep(store, perimeter.document, taken_at, "arm"))
        except InventoryError as error:
            gaps.append(gap(f"The perimeter {perimeter.item['id']}", UnreadError(str(error))))
    if read.gone:
        snapshot.keep(store, Document(), taken_at, "arm", scope=read.gone)
    if read.tags:
        try:
            counts.update(networks.keep_service_tags(store, {"values": read.tags}))
        except InventoryError as error:
            gaps.append(gap("The service tags", UnreadError(str(error))))
    return Pulled(dict(counts), tuple(dict.fromkeys(gaps)))


def _checked(wanted: Wanted) -> Wanted:
    """Return what is wanted, each id in its one spelling and once.

    Raises:
        UsageError: nothing is wanted, or an id is none.
    """
    if not wanted.subscriptions and not wanted.perimeters:
        raise UsageError("Which perimeters? Give --subscription ID for all in it, or --perimeter with an ARM id.")
    subscriptions = []
    for text in wanted.subscriptions:
        try:
            subscriptions.append(str(UUID(text.strip())))
        except ValueError:
            raise UsageError(f"{text!r} is no id of a subscription; it must be a GUID (az account list).") from None
    perimeters = [text.strip().rstrip("/") for text in wanted.perimeters]
    for text in perimeters:
        if not _is_perimeter(text):
            raise UsageError(
                f"{text!r} is no ARM id of a perimeter, which is /subscriptions/ID/resourceGroups/GROUP/{NETWORK}/"
                "networkSecurityPerimeters/NAME."
            )
    region = None if wanted.service_tags is None else wanted.service_tags.replace(" ", "").lower()
    if region is not None and not re.fullmatch(r"[a-z0-9]+", region):
        raise UsageError(f"{wanted.service_tags!r} is no Azure region such as westeurope.")
    by_key = {text.lower(): text for text in perimeters}
    return Wanted(tuple(dict.fromkeys(subscriptions)), tuple(by_key.values()), region)


def _is_perimeter(text: str) -> bool:
    return text.isprintable() and _PERIMETER.fullmatch(text.lower()) is not None and "/../" not in text


async def _read(manager: ResourceManager, wanted: Wanted, known: dict[str, bool]) -> _Read:
    """Read all that is wanted.

    Args:
        manager: a Resource Manager that is connected.
        wanted: what.
        known: perimeters of the store -> whether they are gone.
    """
    read = _Read()
    listed = await asyncio.gather(*(_list(manager, read, each) for each in wanted.subscriptions))
    there = {items.arm_id(each): each for found in listed for each in found or ()}
    # a list shows only what may be read: that a perimeter isn't in it doesn't say yet that it is gone
    missing = {
        perimeter: perimeter
        for subscription, found in zip(wanted.subscriptions, listed, strict=True)
        for perimeter, gone in known.items()
        if found is not None and not gone and perimeter.startswith(f"/subscriptions/{subscription}/")
    }
    single = missing | {each.lower(): each for each in wanted.perimeters}
    asked = [each for key, each in single.items() if key not in there]
    found = await asyncio.gather(*(_find(manager, read, each, known) for each in asked))
    there |= {items.arm_id(each): each for each in found if each}
    if read.failures and not there and not read.gone and all(each is None for each in listed):
        raise _nothing_read(*read.failures[0])
    read.gaps += [gap(what[:1].upper() + what[1:], error) for what, error in read.failures]
    read.perimeters = {key: Perimeter(each) for key, each in sorted(there.items())}
    tags = _service_tags(manager, wanted, read) if wanted.service_tags else asyncio.sleep(0)
    with work("reading perimeters", len(read.perimeters), "perimeters") as done:
        await asyncio.gather(tags, *(_counted(read_lists(manager, each), done) for each in read.perimeters.values()))
    await _members(manager, [each for each in read.perimeters.values() if each.usable])
    return read


def _nothing_read(what: str, error: UnreadError) -> AzureError:
    """Return the error to raise when nothing at all could be read."""
    if error.status == FORBIDDEN:
        return ForbiddenError(f"No permission to read {what} ({error}). The role Reader on it is needed.")
    if error.status == NOT_FOUND:
        return AzureError(f"There is no {what.removeprefix('the ')} here ({error}). Is the id right, and the tenant?")
    return UnreachableError(f"Azure Resource Manager gives no answer for {what}: {error}. Try again later.")


async def _counted(one: Awaitable[T], done: Advance) -> T:
    """Wait for an answer, and count it."""
    found = await one
    done()
    return found


async def _list(manager: ResourceManager, read: _Read, subscription: str) -> list[Item] | None:
    """Return the perimeters in a subscription; None where they can't be read."""
    path = f"/subscriptions/{subscription}/{NETWORK}/networkSecurityPerimeters"
    what = f"the perimeters of the subscription {subscription}"
    try:
        found = await manager.items(path, NETWORK_VERSION)
    except UnreadError as error:
        read.failures.append((what, error))
        return None
    if all(isinstance(each.get("id"), str) and _is_perimeter(each["id"]) for each in found):
        return found
    read.failures.append((what, UnreadError("the answer holds something else than perimeters")))
    return None


async def _find(manager: ResourceManager, read: _Read, perimeter: str, known: dict[str, bool]) -> Item | None:
    """Return a perimeter; None where it is gone or can't be read."""
    try:
        found = await manager.item(perimeter, NETWORK_VERSION)
    except UnreadError as error:
        if error.is_absent and perimeter.lower() in known:
            read.gone.append(perimeter.lower())
        else:
            read.failures.append((f"the perimeter {perimeter}", error))
        return None
    if str(found.get("id")).lower() == perimeter.lower():
        return {**found, "id": perimeter}
    read.failures.append((f"the perimeter {perimeter}", UnreadError("the answer holds something else")))
    return None


async def _members(manager: ResourceManager, perimeters: list[Perimeter]) -> None:
    """Ask every associated resource once, and put what it tells where it belongs."""
    members = Members(manager)
    wanted = {key: spelled for each in perimeters for key, spelled in each.members.items()}
    with work("reading resources", len(wanted), "resources") as done:
        asked = [_counted(members.ask(each), done) for each in wanted.values()]
        told: dict[str, Told] = dict(zip(wanted, await asyncio.gather(*asked), strict=True))
    for perimeter in perimeters:
        for key in sorted(perimeter.members):
            found = told[key]
            perimeter.gaps.extend(found.gaps)
            perimeter.document.add("resources", [found.item] if found.item else [])
            mine = [each for each in found.configurations if _perimeter_named(each) == perimeter.key]
            perimeter.document.add("configurations", mine)


def _perimeter_named(configuration: Item) -> str:
    of = items.field(configuration, "networkSecurityPerimeter") or {}
    return str(of.get("id") or "").lower()


async def _service_tags(manager: ResourceManager, wanted: Wanted, read: _Read) -> None:
    subscription = wanted.subscriptions[0] if wanted.subscriptions else wanted.perimeters[0].split("/")[2]
    path = f"/subscriptions/{subscription}/{NETWORK}/locations/{wanted.service_tags}/serviceTags"
    try:
        found = await manager.items(path, NETWORK_VERSION, "values")
    except UnreadError as error:
        read.gaps.append(gap("The service tags", error, f"the subscription {subscription}"))
        return
    if found and all(_is_tag(each) for each in found):
        read.tags = found
    else:
        read.gaps.append(gap("The service tags", UnreadError("the answer holds something else than service tags")))


def _is_tag(item: Item) -> bool:
    properties = item.get("properties")
    if not isinstance(properties, dict) or not isinstance(properties.get("addressPrefixes"), list | None):
        return False
    return all(isinstance(properties.get(name), str | None) for name in ("systemService", "region"))
