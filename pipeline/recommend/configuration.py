"""The perimeters as the inventory tells them, with what the logs alone tell where there is none."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pipeline.coverage.configuration import errors
from pipeline.coverage.logging import switched_off, unproven
from pipeline.inventory import hosts, rules
from pipeline.recommend.association import Association
from pipeline.recommend.candidates import Estate
from pipeline.recommend.profile import Profile
from pipeline.recommend.readiness import Evidence
from pipeline.recommend.scope import Scope
from pipeline.store import Store

EVIDENCE_DAYS = timedelta(days=31)
"""Would-be denials that were last seen longer ago tell nothing of today's logging."""
_UNJUDGED = {
    "category": "unknown log category {}",
    "mode": "unknown access mode {}",
    "link-unknown": "calls across links to perimeters nobody pulled",
}
"""Reasons of the verdict engine for which nobody can tell, in words; {} is what a row is about."""


class Configuration:
    """What is known of each perimeter and profile beside its traffic.

    Profile names differ in case between services' logs, and Azure doesn't tell them apart; so they are compared
    without it and shown as the inventory spells them.

    Reads: inventory_perimeter, inventory_profile, inventory_association, inventory_link, inventory_rule_element,
    traffic.
    """

    def __init__(
        self,
        store: Store,
        since: datetime | None = None,
        until: datetime | None = None,
        before: datetime | None = None,
    ) -> None:
        self._elements = Counter(
            (each.perimeter, each.profile.lower(), each.direction) for each in rules.in_force(store).elements
        )
        self._modes: dict[tuple[str, str], dict[str, str | None]] = {}
        for perimeter, profile, resource, mode in store.rows("recommend/resources_of_profiles"):
            self._modes.setdefault((perimeter, (profile or "").lower()), {})[resource] = mode
        self._own_names = frozenset(
            host for resources in self._modes.values() for resource in resources for host in hosts.names_of(resource)
        )
        self._spelled: dict[tuple[str, str], str] = {}
        for perimeter, profile, *_ in store.rows("inventory/profiles"):
            self._spelled[perimeter, profile.lower()] = profile
        self._listed = {(row[0], row[1].lower()) for row in store.rows("inventory/profiles")} | {
            (row[0], row[1].lower()) for row in store.rows("inventory/associations")
        }
        self._silent: dict[tuple[str, str], list[str]] = {}
        for perimeter, profile, resource, _mode, _last in store.rows("coverage/silent_resources"):
            self._silent.setdefault((perimeter, profile.lower()), []).append(resource.rsplit("/", 1)[-1])
        self._unlisted: dict[tuple[str, str], list[str]] = {}
        for perimeter, profile, resource, _records, since_inventory in store.rows("coverage/unlisted_resources"):
            if since_inventory:
                key = perimeter or "", (profile or "").lower()
                self._unlisted.setdefault(key, []).append(resource.rsplit("/", 1)[-1])
        self._closed = {
            (perimeter, resource): (profile.lower(), last, days)
            for perimeter, profile, resource, last, _since, days in store.rows("coverage/closed_resources")
        }
        self._newer_rules = {
            (perimeter, profile.lower()): (told, logged)
            for perimeter, profile, told, logged, _ in store.rows("coverage/newer_rules", before=before)
        }
        self._evidence = {
            (row[0], row[1] or ""): row[2:]
            for row in store.rows("recommend/evidence", since=since, until=until, before=before)
        }
        self._switched_off = switched_off(store)
        self._unproven = unproven(store)
        self._guids = {row[0]: row[1].lower() for row in store.rows("inventory/perimeters") if row[1]}
        self._members = {row[3]: row[0] for row in store.rows("inventory/associations")}
        self._links = store.rows("inventory/links")
        self._unjudged: dict[tuple[str, str], list[tuple[str, int]]] = {}
        self._errors = errors(store)
        (self._totals,) = store.frame("coverage/totals").to_dicts()

    def note_unjudged(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Take the rows of recommend/unjudged: what nobody can judge even when all is enforced."""
        for perimeter, profile, reason, about, requests in rows:
            told = _UNJUDGED.get(reason, reason).format(about)
            self._unjudged.setdefault((perimeter, (profile or "").lower()), []).append((told, requests))

    def profiles(self, perimeter: str | None, profile: str | None) -> set[tuple[str, str]]:
        """Return the (perimeter, lower-case profile) pairs of the inventory and the logs that a scope names."""
        scope = Scope(perimeter=perimeter, profile=profile)
        return {(owner, name) for owner, name in self._listed | set(self._evidence) if scope.holds(owner, name)}

    def spelled(self, perimeter: str, profile: str) -> str:
        """Return a profile's name as it is shown; the first spelling that comes along settles it."""
        return self._spelled.setdefault((perimeter, profile.lower()), profile)

    def direction(self, perimeter: str, profile: str, direction: str) -> Profile:
        """Return one direction of a profile as it stands today."""
        key = perimeter, profile.lower()
        return Profile(
            perimeter=perimeter,
            name=self.spelled(perimeter, profile),
            direction=direction,
            elements_in_force=self._elements[*key, direction],
            resources=frozenset(self._modes.get(key, ())),
            own_names=self._own_names,
            estate=self._estate(perimeter, profile.lower()),
        )

    def _estate(self, perimeter: str, profile: str) -> Estate:
        """Return what lies around a profile. A perimeter whose GUID nobody told goes by its ARM id."""
        guid_of = {owner: self._guids.get(owner, owner) for owner in {*self._guids, *self._members.values()}}
        linked = [
            remote
            for remote, inbound, status in self._links_of(perimeter)
            if (status or "Approved").lower() == "approved" and _takes_part(inbound, profile)
        ]
        return Estate(
            own_guid=guid_of.get(perimeter, perimeter),
            perimeters={guid: owner for owner, guid in guid_of.items()},
            member_of={resource: guid_of[owner] for resource, owner in self._members.items()},
            linked=frozenset(linked),
        )

    def _links_of(self, perimeter: str) -> list[tuple[str, str | None, str | None]]:
        """Return of a perimeter's links: GUID of the other one (else its ARM id), inbound profiles as JSON, status."""
        return [
            ((remote_guid or "").lower() or self._guids.get(remote, remote), inbound, status)
            for owner, _, remote, remote_guid, inbound, _, status, _ in self._links
            if owner == perimeter
        ]

    def associations(self, perimeter: str, profile: str, days: Mapping[str, int]) -> list[Association]:
        """Return the resources of a profile.

        Args:
            perimeter: ARM id.
            profile: name.
            days: resource -> days on which it wrote any record; those before it was opened don't count.
        """
        modes = self._modes.get((perimeter, profile.lower()), {})
        found = []
        for resource, mode in sorted(modes.items()):
            _, _, since_open = self._closed.get((perimeter, resource), ("", None, None))
            seen = days.get(resource, 0)
            days_open = seen if since_open is None else min(seen, since_open)
            found.append(Association(resource, mode, days_open, tuple(self._errors.get((perimeter, resource), ()))))
        return found

    def _is_of(self, resource: str, profile: tuple[str, str]) -> bool:
        """Whether a resource may be of a profile: one that no profile of its perimeter lists may be of each."""
        owners = [key for key, modes in self._modes.items() if key[0] == profile[0] and resource in modes]
        return profile in owners or not owners

    def evidence(self, perimeter: str, profile: str, days: int, now: datetime) -> Evidence:
        """Return what the logs of a profile can tell."""
        key = perimeter, profile.lower()
        last_seen, _ = self._evidence.get(key, (None, None))
        mine = [times for (owner, _), times in self._evidence.items() if owner == perimeter]
        newest = max((last for last, _ in mine if last), default=now)
        sees_denials = any(told and told >= newest - EVIDENCE_DAYS for _, told in mine)
        return Evidence(
            days=days,
            stale_days=max(0, (now - last_seen).days) if last_seen else 0,
            sees_denials=sees_denials,
            silent=tuple(sorted(self._silent.get(key, []))),
            unlisted=tuple(sorted(self._unlisted.get(key, []))),
            switched_off=tuple(self._switched_off.get(perimeter, ())),
            unproven=tuple(self._unproven.get(perimeter, ())) if sees_denials else (),
            unjudged=tuple(self._unjudged.get(key, ())),
            nameless_records=self._totals["records_without_perimeter"],
            rejected=self._totals["rejected_records"],
            records=self._totals["records"],
            errors=tuple(
                (resource.rsplit("/", 1)[-1], error)
                for (owner, resource), some in sorted(self._errors.items())
                if owner == perimeter and self._is_of(resource, key)
                for error in some
            ),
            closed=tuple(
                (resource.rsplit("/", 1)[-1], last, days)
                for (owner, resource), (name, last, days) in sorted(self._closed.items())
                if (owner, name) == key
            ),
            newer_rules=self._newer_rules.get(key),
            linked=frozenset(remote for remote, *_ in self._links_of(perimeter)),
        )


def _takes_part(profiles: str | None, profile: str) -> bool:
    """Whether a link's list of profiles, as JSON, holds a profile; one that nobody told holds all."""
    listed = json.loads(profiles.lower()) if profiles else ["*"]
    return "*" in listed or profile in listed
