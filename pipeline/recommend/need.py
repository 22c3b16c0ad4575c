"""Who needs a rule: what enforcing would deny, gathered by caller or destination."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

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
_PROTOCOL = (
    "NFS, SMB or SFTP, which only the resource's own firewall admits: the perimeter knows HTTPS alone, whatever its "
    "rules; use a private endpoint"
)
_NOT_MATCHED = (
    "named by a rule in force and yet not admitted by it: a service endpoint, or an address inside Azure; call with a "
    "managed identity, or through a private endpoint"
)
_NOT_IDENTIFIED = (
    "its subscription is named by a rule in force, which doesn't admit it: a key or SAS, and no address that a rule "
    "could name; call with a managed identity"
)
_TRUSTED = (
    "a trusted Azure service that the resource's own exception admits: trusted access isn't supported once enforced; "
    "associate that service, or let it call with a managed identity under a subscription rule"
)
_TRUSTED_RULE = re.compile(r"trusted|azure\s*services", re.IGNORECASE)
"""How resources name that exception isn't documented: these are the words of the portals' check boxes."""

IDENTITY_REFUSED = "identity-not-honoured"
"""The reason of the verdict engine where a rule in force names the caller's subscription and doesn't admit it."""

_BEYOND_RULES = {"not-honoured": _NOT_MATCHED, "protocol": _PROTOCOL}
"""Reasons of the verdict engine that no rule can change."""


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
    protocol: str | None
    matched_rule: str | None
    is_member: bool
    reason: str
    service_tag: str | None
    is_same_region: bool
    operations: list[str]
    allowed: int
    denied: int
    records: int
    first_seen: datetime
    last_seen: datetime
    network_name: str | None = None
    source_perimeters: str | None = None


class Router(Protocol):
    """Says which kind of rule a caller's row falls under; None leaves that to the row itself."""

    def of(self, row: CallerDay) -> tuple[str, str] | None:
        """Return kind and key."""


@dataclass(slots=True)
class Need:
    """One caller (inbound) or destination (outbound) of one profile, with all that was seen of it.

    Args:
        kind: the kind of rule that could admit it: subscriptions, service-tags, address-prefixes, fqdns; associate or
            link where it needs none then; or cannot-fix.
        key: the subscription id, tag, address or host name, the resource to associate, the GUID of the perimeter to
            link; for cannot-fix whatever names it best.
        why: for cannot-fix, the reason.
    """

    kind: str
    key: str
    why: str = ""
    allowed: int = 0
    denied: int = 0
    records: int = 0
    days: set[date] = field(default_factory=set)
    allowed_at: Counter[str] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    callers: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    service_tags: set[str] = field(default_factory=set)
    networks: set[str] = field(default_factory=set)
    operations_by_day: dict[date, set[str]] = field(default_factory=dict)
    has_identity: bool = False
    is_same_region: bool = False
    is_key_suspected: bool = False
    is_azure: bool = False
    first_seen: datetime | None = None
    last_seen: datetime | None = None

    @property
    def resources(self) -> set[str]:
        """The resources of the profile that took part, where it was refused as well."""
        return set(self.allowed_at)

    @property
    def is_stranger(self) -> bool:
        """Never admitted."""
        return not self.allowed

    @property
    def is_mostly_denied(self) -> bool:
        """Admitted sometimes, refused at least as often."""
        return bool(self.allowed) and self.denied >= MOSTLY_DENIED * (self.allowed + self.denied)

    @property
    def most_operations(self) -> int:
        """The most kinds of operation that it asked for on one day."""
        return max((len(each) for each in self.operations_by_day.values()), default=0)

    def add(self, row: CallerDay) -> None:
        """Count one row in."""
        self.allowed += row.allowed
        self.denied += row.denied
        self.records += row.records
        if row.allowed:
            self.days.add(row.day)
        if row.service_resource:
            self.allowed_at[row.service_resource] += row.allowed
        self.operations.update(row.operations)
        self.operations_by_day.setdefault(row.day, set()).update(row.operations)
        self.has_identity = self.has_identity or bool(row.source_resource or row.source_app_id)
        if row.network_name:
            self.networks.add(row.network_name)
        if row.service_tag:
            self.service_tags.add(row.service_tag)
        self.is_same_region = self.is_same_region or row.is_same_region
        self.is_key_suspected = self.is_key_suspected or row.reason == IDENTITY_REFUSED
        self.is_azure = self.is_azure or bool(row.source_subscription)
        self.callers.add(row.source_resource or row.source_ip or row.destination_fqdn or "")
        if row.source_ip and row.source_network == "public":
            self.addresses.add(row.source_ip)
        self.first_seen = min(self.first_seen or row.first_seen, row.first_seen)
        self.last_seen = max(self.last_seen or row.last_seen, row.last_seen)


def needs(rows: Iterable[CallerDay], direction: str, router: Router | None = None) -> list[Need]:
    """Gather what enforcing would deny by what a rule could name.

    Args:
        rows: of one perimeter, profile and direction.
        direction: Inbound or Outbound.
        router: what was chosen for whom; None where nothing was, and each row is what it looks like by itself.
    """
    found: dict[tuple[str, str, str], Need] = {}
    for row in rows:
        kind, key, why = _inbound(row, router) if direction == "Inbound" else _outbound(row)
        if row.reason in _BEYOND_RULES:
            kind, why = "cannot-fix", _BEYOND_RULES[row.reason]
        if (kind, key, why) not in found:
            found[kind, key, why] = Need(kind, key, why)
        found[kind, key, why].add(row)
    return [found[each] for each in sorted(found)]


def is_beyond_rules(row: CallerDay) -> bool:
    """Whether no rule and no membership could help an inbound caller."""
    return row.reason in _BEYOND_RULES or bool(_why_no_rule_helps(row))


def _inbound(row: CallerDay, router: Router | None) -> tuple[str, str, str]:
    if why := _why_no_rule_helps(row):
        return "cannot-fix", row.source_resource or row.source_ip or "unnamed", why
    if router and (routed := router.of(row)):
        return *routed, ""
    if row.reason == IDENTITY_REFUSED and row.source_network != "public":
        return "cannot-fix", row.source_resource or row.source_ip or "unnamed", _NOT_IDENTIFIED
    if row.source_subscription and row.reason != IDENTITY_REFUSED:
        return "subscriptions", row.source_subscription, ""
    if row.source_network == "public" and row.source_ip:
        return "address-prefixes", row.source_ip, ""
    return _nameless(row)


def _nameless(row: CallerDay) -> tuple[str, str, str]:
    if row.source_ip:
        why = "the log holds no readable address, so no rule can be written for it"
        unreadable = row.source_network == "unreadable"
        return "cannot-fix", row.source_ip, why if unreadable else f"{row.source_network} addresses{_UNMATCHABLE}"
    who = row.source_resource or (f"app {row.source_app_id}" if row.source_app_id else "unnamed")
    return "cannot-fix", who, "the log names no address and no subscription, so no rule can be written for it"


def _why_no_rule_helps(row: CallerDay) -> str:
    """Return why the caller itself is beyond rules; "" where a rule may help."""
    if row.is_member:
        return _CALLING_MEMBER
    if row.matched_rule and row.allowed and _TRUSTED_RULE.search(row.matched_rule):
        return _TRUSTED
    return ""


def _outbound(row: CallerDay) -> tuple[str, str, str]:
    host = (row.destination_fqdn or "").rstrip(".")
    resource = row.destination_resource or ""
    if row.is_member:
        return "cannot-fix", host or resource, _CALLED_MEMBER
    if not _HOST.fullmatch(host):
        return "cannot-fix", host or resource or "unnamed", _NAMELESS
    return "fqdns", host, ""


def caller_days(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str, str], list[CallerDay]]:
    """Sort the rows of recommend/caller_days by (perimeter, profile, direction)."""
    found: dict[tuple[str, str, str], list[CallerDay]] = {}
    for perimeter, profile, direction, *rest in rows:
        found.setdefault((perimeter, profile or "", direction), []).append(CallerDay(*rest))
    return found
