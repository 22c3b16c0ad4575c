"""Findings on the configuration: what the inventory lacks, where it and the logs disagree, what Azure reports."""

import json
from collections.abc import Iterator
from typing import Any

from pipeline.coverage.finding import BLOCKER, INFO, WARNING, Finding
from pipeline.store import Store

OLD_INVENTORY_DAYS = 7
_ERROR = "Error"
_SCOPE: dict[str, Any] = dict.fromkeys(("since", "until", "perimeter", "profile", "limit"))

_DISAGREEMENTS = {
    "rule-not-honoured": (
        "a rule in force names the caller and yet doesn't admit it: a key, a SAS or a service endpoint",
        "call with a managed identity, or by private endpoint; an address rule may help callers with keys",
    ),
    "rule-not-found": (
        "the log says that a rule admits it, and the inventory has no such rule under that version",
        "pull the inventory again; load the service tags, if rules name any",
    ),
    "not-a-member": (
        "the log says that both are members, and the caller is none in the inventory",
        "pull the inventory again; if the caller has left the perimeter, it will be denied",
    ),
    "no-link": (
        "the log says that a link admits it, and the inventory has no such link",
        "pull the inventory again; if the link is gone, it will be denied",
    ),
    "resource-rules-while-enforced": (
        "the resource's own rules decide although the association is Enforced",
        "ask for the association's provisioning state; the service may not have taken the mode over",
    ),
    "resource-rules-while-closed": (
        "the resource's own rules decide although its publicNetworkAccess lets nobody ask them",
        "pull the inventory again; if it is open, what enforcing denies is more than is told",
    ),
    "perimeter-denied-while-learning": (
        "the perimeter denies although the association is in learning mode",
        "check publicNetworkAccess: Disabled and SecuredByPerimeter deny in learning mode, too",
    ),
}


def findings(store: Store, seen: dict[str, Any]) -> Iterator[Finding]:
    """Yield what the inventory lacks or tells.

    Args:
        store: the warehouse.
        seen: what pipeline.coverage.measure counted.
    """
    if not seen["inventory"]:
        evidence = "no inventory: rules in force, modes, members and silent resources are unknown"
        yield Finding("no-inventory", WARNING, "", evidence, "nsp inventory pull, or nsp inventory load FILE")
    for perimeter, confirmed, _last, behind, gaps in store.rows("coverage/inventory_age"):
        if behind > OLD_INVENTORY_DAYS:
            evidence = f"the inventory was last confirmed {confirmed:%Y-%m-%d}, {behind} days before the newest record"
            yield Finding("inventory-old", WARNING, perimeter, evidence, "nsp inventory pull")
        for gap in json.loads(gaps or "[]"):
            yield Finding("inventory-gap", WARNING, perimeter, gap, "give the role Reader and pull again")
    for perimeter, _profile, resource, mode, last in store.rows("coverage/silent_resources"):
        record = f"no record since {last:%Y-%m-%d}" if last else "not one record"
        evidence = f"associated ({mode or 'mode unknown'}), but {record}; no data is no proof of no traffic"
        remedy = f"ask its owner, and check that the service writes logs for {perimeter.rsplit('/', 1)[-1]}"
        yield Finding("silent-resource", WARNING, resource, evidence, remedy)
    for _perimeter, _profile, resource, records, _newer in store.rows("coverage/unlisted_resources"):
        evidence = f"{records:,} records, but no association in the inventory"
        yield Finding("unlisted-resource", WARNING, resource, evidence, "pull the inventory again; it may have left")
    yield from _rules(store)
    yield from _modes(store)
    yield from _states(store)
    yield from _traffic(store)
    yield from _reported(store)


def _rules(store: Store) -> Iterator[Finding]:
    """Yield where the access rules aren't known, or can't be matched."""
    for perimeter, profile, _version, rules_known in store.rows("inventory/profiles"):
        if not rules_known:
            evidence = f"nobody told the access rules of the profile {profile}: the log is believed where it names some"
            yield Finding(
                "rules-unknown", WARNING, perimeter, evidence, "pull the inventory, or load its rules as well"
            )
    for perimeter, profile, told, logged, since in store.rows("coverage/newer_rules", before=None):
        evidence = (
            f"records of {profile} since {since:%Y-%m-%d} name version {logged} of its rules, and the inventory knows "
            f"version {told}"
        )
        yield Finding(
            "rules-newer", WARNING, perimeter, evidence, "pull the inventory again: its rules aren't in force"
        )
    for _perimeter, profile, rule, kind, element in store.rows("coverage/unevaluable_elements"):
        evidence = f"the rule {rule} of {profile} names {element} ({kind}), which can't be matched here"
        remedy = "load the service tags" if kind == "service-tags" else "nothing; the log is believed for it"
        yield Finding("rule-not-evaluable", INFO, element, evidence, remedy)


def errors(store: Store) -> dict[tuple[str, str], list[str]]:
    """Return of each (perimeter, resource) the issues that Azure reports as errors, which block conclusions of it."""
    found: dict[tuple[str, str], list[str]] = {}
    for perimeter, resource, issue, severity, *_ in store.rows("inventory/issues"):
        if severity == _ERROR:
            found.setdefault((perimeter, resource), []).append(issue)
    return found


def _reported(store: Store) -> Iterator[Finding]:
    """Yield what Azure reports, and what its documentation warns of."""
    for _perimeter, resource, issue, severity, description, _resources, suggested in store.rows("inventory/issues"):
        count = len(json.loads(suggested or "[]"))
        yield Finding(
            "azure-issue",
            BLOCKER if severity == _ERROR else WARNING,
            resource,
            f"Azure reports {issue}: {description or 'no words'}"
            + (f"; it suggests {count} access rules" if count else ""),
            "nsp inventory show issues",
        )
    for _perimeter, _profile, resource, check, state, evidence, remedy in store.rows("inventory/foundry_checks"):
        if state != "ok":
            word = "" if state == "attention" else " (not known)"
            severity = WARNING if state == "attention" else INFO
            yield Finding(f"foundry-{check}", severity, resource, f"{evidence}{word}", remedy)


def _modes(store: Store) -> Iterator[Finding]:
    for _perimeter, _profile, _name, resource, mode, _access, _state, has_issues in store.rows(
        "inventory/associations"
    ):
        if (mode or "").lower() == "audit":
            evidence = "the access mode Audit has no published meaning; it is taken for Learning"
            yield Finding("mode-audit", WARNING, resource, evidence, "don't rely on verdicts of this resource")
        if has_issues:
            evidence = "the association has provisioning issues"
            yield Finding("provisioning-issues", WARNING, resource, evidence, "nsp inventory pull, then show issues")


def _states(store: Store) -> Iterator[Finding]:
    """Yield where logs are older than what is known of access modes and publicNetworkAccess, or of another state."""
    for perimeter, resources, untold, since, requests, unproven, example in store.rows("coverage/states_known_since"):
        known = f"are known since {since:%Y-%m-%d %H:%M} only" if since else "of its resources were never told"
        evidence = (
            f"access mode and publicNetworkAccess {known}: {requests:,} older requests are judged by those of now"
        )
        if untold and since:
            evidence += f"; of {untold} of {resources} resources they were never told"
        if unproven:
            evidence += (
                f"; of {unproven} open resources, such as {example.rsplit('/', 1)[-1]}, no record shows that they were "
                "open before"
            )
        remedy = "pull the inventory from time to time: what a log doesn't show, only its history tells"
        yield Finding("state-not-known", WARNING if unproven else INFO, perimeter, evidence, remedy)
    for _perimeter, _profile, resource, last, since, days in store.rows("coverage/closed_resources"):
        seen = f"seen open since {since:%Y-%m-%d}, {days} days" if since else "not seen open since"
        yield Finding(
            "closed-before",
            WARNING,
            resource,
            f"closed to all but what the perimeter admits, by publicNetworkAccess or Enforced, on {last:%Y-%m-%d}, and "
            f"{seen}: of callers that were refused before nobody can tell what enforcing denies",
            "judge by the days since; wait until they are enough",
        )


def _traffic(store: Store) -> Iterator[Finding]:
    for row in store.frame("analysis/private_and_public_by_resource", **_SCOPE).to_dicts():
        yield Finding(
            "private-and-public",
            WARNING if row["identities_both_ways"] else INFO,
            row["resource"],
            f"{row['private_requests']:,} requests by private endpoint and {row['public_requests']:,} in public, "
            f"{row['identities_both_ways']} callers both ways",
            "where a caller should use the endpoint, look at its DNS and proxy",
        )
    for row in store.frame("analysis/disagreements", **_SCOPE).to_dicts():
        what, remedy = _DISAGREEMENTS[row["disagreement"]]
        name = f"{row['perimeter'].rsplit('/', 1)[-1]}/{row['profile']}"
        yield Finding(
            f"disagreement-{row['disagreement']}", WARNING, name, f"{row['requests']:,} requests: {what}", remedy
        )
