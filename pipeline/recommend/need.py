"""Who needs a rule: the public traffic that only resource rules admit, gathered by caller or destination."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pipeline.recommend import hosts
from pipeline.verdict.rules import RuleSet

MOSTLY_DENIED = 0.5
"""A caller with at least this share of its requests denied is asked about, not proposed."""

_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


_CALLING_MEMBER = (
    "a member of this perimeter that isn't recognised as one: call with its managed identity, not with a key or SAS, "
    "and no rule is needed"
)
_CALLED_MEMBER = (
    "a member of this perimeter: with a managed identity no rule is needed (DenyAll on working traffic is a known "
    "artefact of the log)"
)
_UNMATCHABLE = (
    " (a service endpoint, or inside Azure): no address rule matches them; use a private endpoint, or the caller's "
    "managed identity"
)
_NAMELESS = "outbound rules take exact host names, and the log holds none"
_NOT_MATCHED = (
    "named by a rule in force and yet not admitted by it: a key or SAS under a subscription rule, or a service "
    "endpoint; call with a managed identity, or through a private endpoint"
)


@dataclass(frozen=True, slots=True)
class CallerDay:
    """One row of recommend/caller_days, without perimeter, profile and direction."""

    day: date
    source_ip: str | None
    source_network: str | None
    source_subscription: str | None
    source_resource: str | None
    source_app_id: str | None
    destination_fqdn: str | None
    destination_resource: str | None
    service_resource: str | None
    rules_version: str | None
    operations: list[str]
    allowed: int
    denied: int
    records: int
    first_seen: datetime
    last_seen: datetime


@dataclass(slots=True)
class Need:
    """One caller (inbound) or destination (outbound) of one profile, with all that was seen of it.

    Args:
        kind: the kind of rule that could admit it: subscriptions, address-prefixes, fqdns, or cannot-fix.
        key: the subscription id, address or host name; for cannot-fix whatever names it best.
        why: for cannot-fix, the reason.
    """

    kind: str
    key: str
    why: str = ""
    allowed: int = 0
    denied: int = 0
    records: int = 0
    days: set[date] = field(default_factory=set)
    resources: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)
    callers: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    first_seen: datetime | None = None
    last_seen: datetime | None = None

    @property
    def is_stranger(self) -> bool:
        """Never admitted."""
        return not self.allowed

    @property
    def is_mostly_denied(self) -> bool:
        """Admitted sometimes, refused at least as often."""
        return bool(self.allowed) and self.denied >= MOSTLY_DENIED * (self.allowed + self.denied)

    def add(self, row: CallerDay) -> None:
        """Count one row in."""
        self.allowed += row.allowed
        self.denied += row.denied
        self.records += row.records
        if row.allowed:
            self.days.add(row.day)
        if row.service_resource:
            self.resources.add(row.service_resource)
        self.operations.update(row.operations)
        self.callers.add(row.source_resource or row.source_ip or row.destination_fqdn or "")
        if row.source_ip and row.source_network == "public":
            self.addresses.add(row.source_ip)
        self.first_seen = min(self.first_seen or row.first_seen, row.first_seen)
        self.last_seen = max(self.last_seen or row.last_seen, row.last_seen)


def needs(
    rows: Iterable[CallerDay],
    direction: str,
    members: Collection[str],
    in_force: RuleSet,
    rules_version: str | None = None,
) -> list[Need]:
    """Gather rows by what a rule could name; leave out what a rule in force admits already.

    A caller that a rule in force names and that only the resource's own rules admitted all the same, under the
    very version of the rules, is not admitted by that rule: it uses a key, a SAS or a service endpoint.

    Args:
        rows: of one perimeter, profile and direction.
        direction: Inbound or Outbound.
        members: ARM ids of the perimeter's own resources, lower case.
        in_force: the rules of today.
        rules_version: their version, where the inventory tells it.
    """
    found: dict[tuple[str, str], Need] = {}
    name = _inbound if direction == "Inbound" else _outbound
    for row in rows:
        kind, key, why = name(row, members)
        if _admitted(kind, key, row, in_force):
            if not row.allowed or row.rules_version is None or row.rules_version != rules_version:
                continue
            kind, why = "cannot-fix", _NOT_MATCHED
        if (kind, key) not in found:
            found[kind, key] = Need(kind, key, why)
        found[kind, key].add(row)
    return [found[each] for each in sorted(found)]


def _admitted(kind: str, key: str, row: CallerDay, rules: RuleSet) -> bool:
    if kind == "fqdns":
        return rules.admits_host(key)
    if row.source_subscription and rules.admits_subscription(row.source_subscription):
        return True
    return row.source_network == "public" and bool(row.source_ip) and rules.admits_address(row.source_ip or "")


def _inbound(row: CallerDay, members: Collection[str]) -> tuple[str, str, str]:
    if row.source_resource and _is_member(row.source_resource, members):
        return (
            "cannot-fix",
            row.source_resource,
            _CALLING_MEMBER,
        )
    if row.source_subscription:
        return "subscriptions", row.source_subscription, ""
    if row.source_network == "public" and row.source_ip:
        return "address-prefixes", row.source_ip, ""
    if not row.source_ip:
        who = row.source_resource or (f"app {row.source_app_id}" if row.source_app_id else "unnamed")
        return "cannot-fix", who, "the log names no address and no subscription, so no rule can be written for it"
    if row.source_network == "unreadable":
        return "cannot-fix", row.source_ip, "the log holds no readable address, so no rule can be written for it"
    return (
        "cannot-fix",
        row.source_ip,
        f"{row.source_network} addresses{_UNMATCHABLE}",
    )


def _is_member(resource: str, members: Collection[str]) -> bool:
    """Whether a resource is a member or a part of one, such as the blob service of a storage account."""
    parts = resource.split("/")
    return any("/".join(parts[:length]) in members for length in range(len(parts), 8, -2))


def _outbound(row: CallerDay, members: Collection[str]) -> tuple[str, str, str]:
    host = (row.destination_fqdn or "").rstrip(".")
    resource = row.destination_resource or ""
    if _is_member(resource, members) or hosts.names_member(host, members):
        return (
            "cannot-fix",
            host or resource,
            _CALLED_MEMBER,
        )
    if not _HOST.fullmatch(host):
        return (
            "cannot-fix",
            host or resource or "unnamed",
            _NAMELESS,
        )
    return "fqdns", host, ""


def caller_days(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str, str], list[CallerDay]]:
    """Sort the rows of recommend/caller_days by (perimeter, profile, direction)."""
    found: dict[tuple[str, str, str], list[CallerDay]] = {}
    for perimeter, profile, direction, *rest in rows:
        found.setdefault((perimeter, profile or "", direction), []).append(CallerDay(*rest))
    return found
