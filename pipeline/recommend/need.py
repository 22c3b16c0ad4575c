"""Who needs a rule: what enforcing would deny, gathered by caller or destination."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Protocol

from pipeline.recommend.caller_days import CallerDays, LoggedCaller

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
_NO_HOST_NAME = "outbound rules take exact host names, and this is none"
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
_TRUSTED_RULE = re.compile(r"(?<!un)trusted|azure\s*services", re.IGNORECASE)
"""How resources name that exception isn't documented: these are the words of the portals' check boxes."""

IDENTITY_REFUSED = "identity-not-honoured"
"""The reason of the verdict engine where a rule in force names the caller's subscription and doesn't admit it."""

_HOST_NOT_MATCHED = (
    "named by a rule in force and yet refused: the service may not have the rule yet, or not ask its perimeter about "
    "such calls; look at the resource's own log of them"
)
_BEYOND_RULES = {
    "Inbound": {"not-honoured": _NOT_MATCHED, "protocol": _PROTOCOL},
    "Outbound": {"not-honoured": _HOST_NOT_MATCHED, "protocol": _PROTOCOL},
}
"""Reasons of the verdict engine that no rule can change, by direction."""


class Router(Protocol):
    """Says which kind of rule a caller falls under; None leaves that to what the log says of it."""

    def of(self, seen: CallerDays) -> tuple[str, str] | None:
        """Return kind and key."""


@dataclass(eq=False)
class Need:
    """One caller (inbound) or destination (outbound) of one profile, with all that was seen of it.

    Whatever can be told of what was seen is worked out once it is asked for: a replayed week asks for little.

    Args:
        kind: the kind of rule that could admit it: subscriptions, service-tags, address-prefixes, fqdns; associate or
            link where it needs none then; or cannot-fix.
        key: the subscription id, tag, address or host name, the resource to associate, the GUID of the perimeter to
            link; for cannot-fix whatever names it best.
        why: for cannot-fix, the reason.
        seen: the callers that it is about, with their days.
    """

    kind: str
    key: str
    why: str = ""
    seen: list[CallerDays] = field(default_factory=list)

    @cached_property
    def allowed(self) -> int:
        """Requests that succeeded."""
        return sum(sum(each.allowed) for each in self.seen)

    @cached_property
    def denied(self) -> int:
        """Requests that were refused."""
        return sum(sum(each.denied) for each in self.seen)

    @property
    def records(self) -> int:
        """Log records."""
        return sum(sum(each.records) for each in self.seen)

    @cached_property
    def days(self) -> set[date]:
        """The days on which any request succeeded."""
        return set().union(*(each.days for each in self.seen if each.caller.succeeded))

    @cached_property
    def allowed_at(self) -> Counter[str]:
        """The resources of the profile that took part, with the requests that succeeded; "" where none is named."""
        found: Counter[str] = Counter()
        for each in self.seen:
            found[each.caller.service_resource or ""] += sum(each.allowed)
        return found

    @property
    def resources(self) -> set[str]:
        """The resources of the profile that took part, where it was refused as well."""
        return self.places - {""}

    @property
    def served_by(self) -> set[str]:
        """Those of the resources at which any request succeeded."""
        return {place for place, requests in self.allowed_at.items() if place and requests}

    @property
    def places(self) -> set[str]:
        """The resources that took part, with "" where the log names none: that may be any of the profile."""
        return {each.caller.service_resource or "" for each in self.seen}

    @property
    def operations(self) -> set[str]:
        """The operations that it asked for."""
        return {operation for each in self.seen for day in each.operations for operation in day}

    @property
    def most_operations(self) -> int:
        """The most kinds of operation that it asked for on one day."""
        if len(self.seen) == 1:
            return max(map(len, self.seen[0].operations))
        by_day: dict[date, set[str]] = {}
        for each in self.seen:
            for day, operations in zip(each.days, each.operations, strict=True):
                by_day.setdefault(day, set()).update(operations)
        return max((len(each) for each in by_day.values()), default=0)

    @property
    def refused(self) -> set[str]:
        """Those of the callers of whom no request succeeded."""
        admitted = {each.caller.name for each in self.seen if sum(each.allowed)}
        return self.callers - admitted

    @property
    def callers(self) -> set[str]:
        """The callers: resources, else addresses; outbound the destinations."""
        return {each.caller.name for each in self.seen}

    @property
    def addresses(self) -> set[str]:
        """Their public addresses."""
        return {each.caller.address for each in self.seen} - {""}

    @property
    def service_tags(self) -> set[str]:
        """The service tags that hold these."""
        return {each.caller.service_tag for each in self.seen if each.caller.service_tag}

    @cached_property
    def networks(self) -> set[str]:
        """The known networks that hold these."""
        return {each.caller.network_name for each in self.seen if each.caller.network_name}

    @cached_property
    def has_identity(self) -> bool:
        """The log names a resource or an application."""
        return any(each.caller.source_resource or each.caller.source_app_id for each in self.seen)

    @property
    def is_same_region(self) -> bool:
        """It calls from the region of a resource that it calls."""
        return any(each.caller.is_same_region for each in self.seen)

    @property
    def is_key_suspected(self) -> bool:
        """A rule in force names its subscription and doesn't admit it."""
        return any(each.caller.reason == IDENTITY_REFUSED for each in self.seen)

    @property
    def is_azure(self) -> bool:
        """The log names an Azure resource as the caller, with a subscription that can be read or without."""
        return any(each.caller.source_subscription or each.caller.source_resource for each in self.seen)

    @property
    def first_seen(self) -> datetime:
        """The first event."""
        return min(min(each.first_seen) for each in self.seen)

    @property
    def last_seen(self) -> datetime:
        """The last event."""
        return max(max(each.last_seen) for each in self.seen)

    @property
    def is_stranger(self) -> bool:
        """Never admitted."""
        return not self.allowed

    @property
    def is_mostly_denied(self) -> bool:
        """Admitted sometimes, refused at least as often."""
        return bool(self.allowed) and self.denied >= MOSTLY_DENIED * (self.allowed + self.denied)


def needs(seen: Iterable[CallerDays], direction: str, router: Router | None = None) -> list[Need]:
    """Gather what enforcing would deny by what a rule could name.

    Args:
        seen: callers of one perimeter, profile and direction, with their days.
        direction: Inbound or Outbound.
        router: what was chosen for whom; None where nothing was, and each is what it looks like by itself.
    """
    found: dict[tuple[str, str, str], Need] = {}
    for each in seen:
        kind, key, why = _inbound(each, router) if direction == "Inbound" else _outbound(each.caller)
        if beyond := _BEYOND_RULES[direction].get(each.caller.reason):
            kind, why = "cannot-fix", beyond
        if (kind, key, why) not in found:
            found[kind, key, why] = Need(kind, key, why)
        found[kind, key, why].seen.append(each)
    return [found[each] for each in sorted(found)]


def is_beyond_rules(caller: LoggedCaller) -> bool:
    """Whether no rule and no membership could help an inbound caller."""
    return caller.reason in _BEYOND_RULES["Inbound"] or bool(_why_no_rule_helps(caller))


def _inbound(seen: CallerDays, router: Router | None) -> tuple[str, str, str]:
    caller = seen.caller
    if why := _why_no_rule_helps(caller):
        return "cannot-fix", caller.source_resource or caller.source_ip or "unnamed", why
    if router and (routed := router.of(seen)):
        return *routed, ""
    if caller.reason == IDENTITY_REFUSED and caller.source_network != "public":
        return "cannot-fix", caller.source_resource or caller.source_ip or "unnamed", _NOT_IDENTIFIED
    if caller.source_subscription and caller.reason != IDENTITY_REFUSED:
        return "subscriptions", caller.source_subscription, ""
    if caller.source_network == "public" and caller.source_ip:
        return "address-prefixes", caller.source_ip, ""
    return _nameless(caller)


def _nameless(caller: LoggedCaller) -> tuple[str, str, str]:
    if caller.source_ip:
        why = "the log holds no readable address, so no rule can be written for it"
        unreadable = caller.source_network == "unreadable"
        return "cannot-fix", caller.source_ip, why if unreadable else f"{caller.source_network} addresses{_UNMATCHABLE}"
    who = caller.source_resource or (f"app {caller.source_app_id}" if caller.source_app_id else "unnamed")
    return "cannot-fix", who, "the log names no address and no subscription, so no rule can be written for it"


def _why_no_rule_helps(caller: LoggedCaller) -> str:
    """Return why the caller itself is beyond rules; "" where a rule may help."""
    if caller.is_member:
        return _CALLING_MEMBER
    if caller.matched_rule and caller.succeeded and _TRUSTED_RULE.search(caller.matched_rule):
        return _TRUSTED
    return ""


def _outbound(caller: LoggedCaller) -> tuple[str, str, str]:
    host = (caller.destination_fqdn or "").rstrip(".")
    resource = caller.destination_resource or ""
    if caller.is_member:
        return "cannot-fix", host or resource, _CALLED_MEMBER
    if not _HOST.fullmatch(host):
        return "cannot-fix", host or resource or "unnamed", _NO_HOST_NAME if host else _NAMELESS
    return "fqdns", host, ""
