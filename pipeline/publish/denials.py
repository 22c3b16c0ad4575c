"""Who is denied since enforcing, beside what was expected then."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.publish.finding import EXPECTED, NEWCOMER, SETTLED, SHARE, STRANGERS, UNEXPECTED, Finding, short
from pipeline.publish.plan import listed
from pipeline.recommend.scope import Scope
from pipeline.store import Store

STEADY_DAYS = 3
"""An unidentified caller that is denied on fewer days is taken for one of the strangers that every address meets."""
_UNNAMED = "a resource that the log doesn't name"
NAMELESS = frozenset({"public-address", "unmatchable-address", "unknown"})


@dataclass(frozen=True, slots=True)
class Enforced:
    """Since when denials count.

    Args:
        resource: ARM id, lower case; None for all of the scope.
        since: UTC.
        prediction: what was expected then.
    """

    resource: str | None
    since: datetime
    prediction: Mapping[str, Any]


def denials(store: Store, enforced: Enforced, scope: Scope) -> tuple[list[Finding], int]:
    """Return who is denied since enforcing, and how many callers were denied before, too, and still are.

    Args:
        store: the warehouse; read-only will do.
        enforced: since when, and what was expected.
        scope: perimeter and profile.
    """
    rows = store.frame(
        "publish/denials_since", since=enforced.since, resource=enforced.resource, perimeter=scope.perimeter,
        profile=scope.profile,
    ).to_dicts()  # fmt: skip
    foreseen: dict[tuple[str, str | None], list[Mapping[str, Any]]] = {}
    for each in enforced.prediction.get("losses", ()):
        foreseen.setdefault((each["direction"], each["caller"]), []).append(each)
    found: list[Finding] = []
    strangers: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    still = 0
    for row in rows:
        losses = foreseen.get((row["direction"], row["caller"]), ())
        kind = _kind(row, any(_is_at(row["resource"], each) for each in losses))
        place = row["perimeter"] or "", row["profile"] or "", row["resource"] or ""
        if kind is None:
            still += 1
        elif kind == STRANGERS:
            strangers.setdefault(place, []).append(row)
        else:
            found.append(_denial(row, kind))
    found += [_strangers(place, some) for place, some in strangers.items()]
    return found + _shares(store, enforced, scope, found), still


def _is_at(resource: str | None, loss: Mapping[str, Any]) -> bool:
    """Whether a loss was foreseen at a resource, or at a part of it; one of no named resource was at any."""
    places = loss.get("resources") or [""]
    return any(not place or (resource or "") == place or place.startswith(f"{resource}/") for place in places)


def _kind(row: Mapping[str, Any], is_foreseen: bool) -> str | None:
    if row["admitted_by_rules_of_today"] == row["denied_requests"] and row["allowed_before"]:
        return SETTLED
    if is_foreseen:
        return EXPECTED
    if row["allowed_before"]:
        return UNEXPECTED
    if row["denied_before"]:
        return None
    is_known = row["caller_kind"] not in NAMELESS or row["direction"] == "Outbound"
    return NEWCOMER if is_known or row["days_denied"] >= STEADY_DAYS else STRANGERS


def _strangers(place: tuple[str, str, str], rows: Sequence[Mapping[str, Any]]) -> Finding:
    count = sum(row["denied_requests"] for row in rows)
    names = listed([str(row["caller"] or "unnamed") for row in rows])
    return Finding(
        STRANGERS,
        *place,
        f"{count:,} requests of {len(rows):,} callers that were never seen before, without identity and on few days, "
        f"were denied at {short(place[2]) or _UNNAMED}: {names}.",
        "Nothing, as long as nobody complains: any public address is called by strangers.",
        {"callers": len(rows), "denied_requests": count},
    )


def _to_name(resource: str | None) -> str:
    """Return what to name a resource by in a command."""
    return shlex.quote(short(resource)) if resource else "RESOURCE"


def _denial(row: Mapping[str, Any], kind: str) -> Finding:
    who = row["caller"] or "a caller without a name"
    way = "to" if row["direction"] == "Outbound" else "of"
    resource = short(row["resource"])
    where = resource or _UNNAMED
    if resource and row["unplaced_requests"]:
        where += f", or at another of its profile ({row['unplaced_requests']:,} of them name no resource)"
    before = {
        UNEXPECTED: f"{row['allowed_before']:,} succeeded before, and nobody expected it",
        EXPECTED: "that was expected when it was enforced",
        SETTLED: "the rules of today admit it",
        NEWCOMER: "it was never seen before",
    }[kind]
    rule = f" (by {row['matched_rule']})" if row["matched_rule"] else ""
    advice = {
        UNEXPECTED: "nsp recommend proposes what would admit it: nsp decide accept, then nsp apply. Until then, nsp "
        f"enforce {_to_name(row['resource'])} --mode Learning --yes lets it in again.",
        EXPECTED: "Leave it, or accept its proposal after all: nsp decide accept, then nsp apply.",
        SETTLED: "Nothing: see whether it stays so.",
        NEWCOMER: "Ask whose it is. If it belongs here: nsp recommend, nsp decide accept, nsp apply; else leave it.",
    }[kind]
    told = (
        "direction",
        "caller",
        "caller_kind",
        "matched_rule",
        "denied_requests",
        "unplaced_requests",
        "allowed_before",
        "denied_before",
    )
    evidence = {name: row[name] for name in told}
    evidence |= {name: row[name].isoformat() + "Z" for name in ("first_seen", "last_seen")}
    return Finding(
        kind,
        row["perimeter"] or "",
        row["profile"] or "",
        row["resource"] or "",
        f"{row['denied_requests']:,} requests {way} {who} were denied at {where}{rule}; {before}.",
        advice,
        evidence,
    )


def _shares(store: Store, enforced: Enforced, scope: Scope, denials: Sequence[Finding]) -> list[Finding]:
    """Compare the share of requests that were denied though they shouldn't be with what was predicted."""
    predicted = {
        (each["perimeter"], each["profile"].lower()): each["predicted_denied_share"]
        for each in enforced.prediction.get("profiles", ())
    }
    rows = store.rows(
        "publish/admitted_since", since=enforced.since, resource=enforced.resource, perimeter=scope.perimeter,
        profile=scope.profile,
    )  # fmt: skip
    admitted = {(row[0], row[1], row[2]): row[3] for row in rows}
    denied: Counter[tuple[str, str, str]] = Counter()
    for each in denials:
        if each.kind in {UNEXPECTED, NEWCOMER}:
            denied[each.perimeter, each.profile, each.about] += each.evidence["denied_requests"]
    found = []
    for place, count in sorted(denied.items()):
        high = (predicted.get(place[:2]) or {}).get("high")
        share = count / (count + admitted.get(place, 0))
        if high is not None and share > high:
            found.append(
                Finding(
                    SHARE,
                    *place,
                    f"{share:.2%} of the requests that rules have to decide about were denied at "
                    f"{short(place[2]) or _UNNAMED}, strangers left out; at most {high:.2%} was predicted.",
                    "Go back to Learning and look again: nsp enforce "
                    f"{_to_name(place[2])} --mode Learning --yes, then nsp recommend.",
                    {"share": share, "predicted_high": high, "denied_requests": count},
                )
            )
    return found
