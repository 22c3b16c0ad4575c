"""Whether the inventory, by which members, modes and links are judged, is as Azure is right now."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pipeline.azure.resource_manager import ResourceManager
from pipeline.errors import AzureError
from pipeline.publish import access_mode, live
from pipeline.publish.access_mode import Association
from pipeline.publish.drift import inventory_moments
from pipeline.publish.finding import short
from pipeline.publish.live import Link
from pipeline.publish.plan import listed
from pipeline.publish.record import ModeChange
from pipeline.store import Store

_LINKS_KNOWN, _MEMBERS_CONFIRMED = 6, 8


def outdated(
    store: Store, manager: ResourceManager, perimeters: Collection[str], changes: Sequence[ModeChange]
) -> dict[str, tuple[str, ...]]:
    """Return of each perimeter what speaks against judging by its inventory, a sentence each.

    A member that left, or a link that is gone, still admits its calls by an older inventory.

    Args:
        store: the warehouse; read-only will do.
        manager: connected.
        perimeters: ARM ids, lower case.
        changes: of access modes by nsp itself, oldest first: those that are newer than the inventory are known.

    Raises:
        AzureError: the associations can't be read.
        PublishError: one holds something unexpected.
    """
    heads = {row[0]: row for row in store.rows("inventory/perimeters")}
    moments = inventory_moments(store)
    kept: dict[str, dict[str, tuple[str, str]]] = {}
    for perimeter, profile, _, resource, mode, *_ in store.rows("inventory/associations"):
        kept.setdefault(perimeter, {})[resource] = (profile.lower(), _mode(mode))
    links: dict[str, list[Link]] = {}
    for perimeter, *rest in store.rows("inventory/links"):
        links.setdefault(perimeter, []).append(Link(*rest))
    found: dict[str, tuple[str, ...]] = {}
    for perimeter in perimeters:
        head: tuple[Any, ...] = heads.get(perimeter, (None,) * 10)
        set_since = {
            each.association: _mode(each.mode)
            for each in changes
            if perimeter in moments and each.at > moments[perimeter]
        }
        members = access_mode.all_of(manager, perimeter)
        differences = [*_associations(kept.get(perimeter, {}), members, set_since)]
        reasons = []
        if head[_MEMBERS_CONFIRMED] is None:
            reasons.append("nobody told all associations of the perimeter; nsp inventory pull does")
        if not head[_LINKS_KNOWN]:
            reasons.append("nobody told the links of the perimeter; nsp inventory pull does")
        else:
            try:
                differences += _links(links.get(perimeter, []), live.links(manager, perimeter))
            except AzureError as error:
                reasons.append(f"nobody can tell whether the links of the perimeter are as in the inventory: {error}")
        if differences:
            reasons.append(f"the inventory isn't as Azure is now ({listed(differences)}); nsp inventory pull")
        found[perimeter] = tuple(reasons)
    return found


def _mode(mode: str | None) -> str:
    """Return a mode to compare by; Transition is an older name of Learning, for which one that nobody told is taken."""
    told = (mode or "learning").lower()
    return "learning" if told == "transition" else told


def _associations(
    kept: Mapping[str, tuple[str, str]], now: Sequence[Association], set_since: Mapping[str, str]
) -> Iterator[str]:
    for resource in sorted(set(kept) - {each.resource for each in now}):
        yield f"{short(resource)} isn't associated any more"
    for each in now:
        if each.resource not in kept:
            yield f"{short(each.resource)} is associated"
            continue
        profile, mode = kept[each.resource]
        if each.profile[1] != profile:
            yield f"{short(each.resource)} is in the profile {each.profile[1]}"
        if _mode(each.mode) not in {mode, set_since.get(each.id.lower())}:
            yield f"{short(each.resource)} is {each.mode}"


def _links(kept: Sequence[Link], now: Sequence[Link]) -> Iterator[str]:
    before = {(each.name.lower(), each.is_reference): each for each in kept}
    after = {(each.name.lower(), each.is_reference): each for each in now}
    for key in sorted(set(before) - set(after)):
        yield f"the link {before[key].name} is gone"
    for key, link in sorted(after.items(), key=lambda pair: pair[0]):
        if key not in before:
            yield f"the link {link.name} is new"
        elif not _is_same(before[key], link):
            yield f"the link {link.name} is another"


def _is_same(kept: Link, now: Link) -> bool:
    """Compare what is judged by; a file may tell the other perimeter by its id or its GUID alone."""
    told = [
        (a, b)
        for a, b in ((kept.remote_guid, now.remote_guid), (kept.remote_perimeter, now.remote_perimeter))
        if a and b
    ]
    return all(a.lower() == b.lower() for a, b in told) and _terms(kept) == _terms(now)


def _terms(link: Link) -> tuple[str, list[str] | None, list[str] | None]:
    return (
        (link.status or "Approved").lower(),
        _profiles(link.local_inbound_profiles),
        _profiles(link.remote_inbound_profiles),
    )


def _profiles(told: str | None) -> list[str] | None:
    """Return a link's list of profiles, kept as JSON; None for one that nobody told."""
    return sorted(str(each).lower() for each in json.loads(told)) if told else None
