"""Looks back after applying and enforcing: is anybody denied who shouldn't be, and is everything still as applied?

What the log shows since is put beside what was expected at the time, which the record keeps. Each finding says what to
do about it.
"""

import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.errors import UsageError
from pipeline.inventory.items import KINDS
from pipeline.progress import each_of, work
from pipeline.publish import content, record
from pipeline.publish.content import Content
from pipeline.publish.merge import Key
from pipeline.publish.plan import drift_words, listed
from pipeline.publish.record import Entry, ModeChange
from pipeline.recommend.allot import Limits
from pipeline.recommend.scope import Scope
from pipeline.recommend.tighten import UNUSED, Tightening, tighten
from pipeline.store import Store

SCHEMA_VERSION = 1
UNEXPECTED, NEWCOMER, EXPECTED, SETTLED = "denied-unexpected", "denied-newcomer", "denied-as-expected", "denied-settled"
STRANGERS = "denied-strangers"
SHARE, DRIFT, MODE_DRIFT, UNUSED_RULE, UNKNOWN = "denied-share", "drift", "mode-drift", "unused", "unknown"
CALM = frozenset({EXPECTED, SETTLED, STRANGERS})
"""Findings that ask for nothing."""
STEADY_DAYS = 3
"""An unidentified caller that is denied on fewer days is taken for one of the strangers that every address meets."""
NAMELESS = frozenset({"public-address", "unmatchable-address", "unknown"})
_FIELDS = {kind: name for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know after enforcing.

    Args:
        kind: denied-unexpected, of whom succeeded before and wasn't expected to be denied; denied-newcomer, of whom
            nobody had seen and who has an identity or keeps coming; denied-strangers, the rest of those, together;
            denied-as-expected; denied-settled, of whom a rule of today admits; denied-share, where more is denied than
            predicted; drift and mode-drift, where Azure isn't as nsp left it; unused, of a rule that nsp applied;
            unknown, where something can't be looked at.
        perimeter: ARM id, lower case.
        profile: name.
        about: the resource, rule or association.
        sentence: what was found.
        suggestion: what to do.
        evidence: numbers and times.
    """

    kind: str
    perimeter: str
    profile: str
    about: str
    sentence: str
    suggestion: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs_attention(self) -> bool:
        """Whether somebody has to do something."""
        return self.kind not in CALM

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {
            "kind": self.kind,
            "attention": self.needs_attention,
            "perimeter": self.perimeter,
            "profile": self.profile,
            "about": self.about,
            "sentence": self.sentence,
            "suggestion": self.suggestion,
            "evidence": dict(self.evidence),
        }


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


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found.

    Args:
        enforced: since when denials were looked for; none where nothing was enforced by nsp.
        findings: those that need attention first.
        still_denied: callers that were denied before, and are.
    """

    enforced: tuple[Enforced, ...]
    findings: tuple[Finding, ...]
    still_denied: int = 0

    @property
    def needs_attention(self) -> bool:
        """Whether any finding does."""
        return any(each.needs_attention for each in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return all as a JSON object."""
        return {
            "schema_version": SCHEMA_VERSION,
            "enforced": [{"resource": each.resource, "since": each.since.isoformat() + "Z"} for each in self.enforced],
            "still_denied": self.still_denied,
            "findings": [each.as_json() for each in self.findings],
        }


@dataclass(frozen=True, slots=True)
class InForce:
    """What is in force, and as of when.

    Args:
        rules: what each rule admits.
        modes: resource -> access mode.
        known_at: perimeter -> when that was so; None for right now.
    """

    rules: Mapping[Key, Content]
    modes: Mapping[str, str]
    known_at: Mapping[str, datetime] | None = None

    def is_older(self, perimeter: str, moment: datetime) -> bool:
        """Whether it says nothing of what was done at a moment."""
        return self.known_at is not None and self.known_at.get(perimeter, datetime.min) < moment  # noqa: DTZ901


def of_inventory(store: Store) -> InForce:
    """Return what the newest inventory of a store says."""
    properties: dict[Key, dict[str, Any]] = {}
    for perimeter, profile, rule, direction, kind, element in store.rows("inventory/rule_elements"):
        held = properties.setdefault((perimeter, profile.lower(), rule.lower()), {"direction": direction})
        held.setdefault(_FIELDS.get(kind, kind), []).append(element)
    rules = {key: content.of_properties(each) for key, each in properties.items()}
    modes = {row[3]: row[4] or "" for row in store.rows("inventory/associations")}
    known = {row[0]: max(each for each in row[3:5] if each) for row in store.rows("inventory/perimeters")}
    return InForce(rules, modes, known)


def verify(
    store: Store, entries: list[Entry], now_in_force: InForce, scope: Scope, now: datetime, limits: Limits
) -> Verified:
    """Look for denials since enforcing, for drift and for unused rules.

    Args:
        store: the warehouse; read-only will do.
        entries: of the record.
        now_in_force: rules and modes, of Azure or of the newest inventory.
        scope: perimeter and profile; its `since` in the place of the moments of the record.
        now: time of the run, UTC.
        limits: as for proposals.

    Raises:
        UsageError: nothing was applied or enforced with this store, and there is no `since`.
    """
    changes = [each for each in record.mode_changes(entries) if _in_scope(scope, each)]
    last = {
        key: each
        for key, each in record.last_applied(entries, now_in_force.rules).items()
        if scope.holds(key[0], key[1])
    }
    if not changes and not last and not scope.since:
        raise UsageError(
            "Nothing was applied or enforced by nsp with this store, so there is nothing to verify. --since TIME looks "
            "for denials since then, whoever enforced."
        )
    enforced = _enforced(changes, entries, scope)
    findings: list[Finding] = []
    still_denied = 0
    for each in each_of(enforced, "looking for denials", "resources"):
        found, still = _denials(store, each, scope)
        findings += found
        still_denied += still
    findings += _drift(entries, last, now_in_force)
    findings += _mode_drift(changes, now_in_force)
    with work("looking for unused rules"):
        findings += _unused(store, last, scope, now, limits)
    return Verified(
        tuple(enforced), tuple(sorted(findings, key=lambda one: not one.needs_attention)), still_denied
    )  # fmt: skip


def _in_scope(scope: Scope, change: ModeChange) -> bool:
    perimeter, _, profile = change.profile.partition("/profiles/")
    return scope.holds(perimeter, profile)


def _enforced(changes: Sequence[ModeChange], entries: Sequence[Entry], scope: Scope) -> list[Enforced]:
    newest = {each.association: each for each in changes}
    if scope.since:
        kept = [entry["prediction"] for entry in entries if entry.get("prediction")]
        return [Enforced(None, scope.since, kept[-1] if kept else {})]
    return [
        Enforced(each.resource, each.at, each.prediction) for each in newest.values() if each.mode.lower() == "enforced"
    ]


def _denials(store: Store, enforced: Enforced, scope: Scope) -> tuple[list[Finding], int]:
    rows = store.frame(
        "publish/denials_since", since=enforced.since, resource=enforced.resource, perimeter=scope.perimeter,
        profile=scope.profile,
    ).to_dicts()  # fmt: skip
    foreseen = {(each["direction"], each["caller"]) for each in enforced.prediction.get("losses", ())}
    found: list[Finding] = []
    strangers: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    still = 0
    for row in rows:
        kind = _kind(row, (row["direction"], row["caller"]) in foreseen)
        place = row["perimeter"] or "", row["profile"] or "", row["resource"] or ""
        if kind is None:
            still += 1
        elif kind == STRANGERS:
            strangers.setdefault(place, []).append(row)
        else:
            found.append(_denial(row, kind))
    found += [_strangers(place, some) for place, some in strangers.items()]
    return found + _shares(store, enforced, scope, found), still


def _short(resource: str | None) -> str:
    return (resource or "").rsplit("/", 1)[-1]


def _kind(row: Mapping[str, Any], is_foreseen: bool) -> str | None:
    if not row["denied_by_rules_of_today"] and row["allowed_before"]:
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
        f"were denied at {_short(place[2])}: {names}.",
        "Nothing, as long as nobody complains: any public address is called by strangers.",
        {"callers": len(rows), "denied_requests": count},
    )


def _denial(row: Mapping[str, Any], kind: str) -> Finding:
    who = row["caller"] or "a caller without a name"
    way = "to" if row["direction"] == "Outbound" else "of"
    resource = _short(row["resource"])
    before = {
        UNEXPECTED: f"{row['allowed_before']:,} succeeded before, and nobody expected it",
        EXPECTED: "that was expected when it was enforced",
        SETTLED: "the rules of today admit it",
        NEWCOMER: "it was never seen before",
    }[kind]
    rule = f" (by {row['matched_rule']})" if row["matched_rule"] else ""
    advice = {
        UNEXPECTED: "nsp recommend proposes what would admit it: nsp decide accept, then nsp apply. Until then, nsp "
        f"enforce {shlex.quote(resource)} --mode Learning --yes lets it in again.",
        EXPECTED: "Leave it, or accept its proposal after all: nsp decide accept, then nsp apply.",
        SETTLED: "Nothing: see whether it stays so.",
        NEWCOMER: "Ask whose it is. If it belongs here: nsp recommend, nsp decide accept, nsp apply; else leave it.",
    }[kind]
    told = ("direction", "caller", "caller_kind", "matched_rule", "denied_requests", "allowed_before", "denied_before")
    evidence = {name: row[name] for name in told}
    evidence |= {name: row[name].isoformat() + "Z" for name in ("first_seen", "last_seen")}
    return Finding(
        kind,
        row["perimeter"] or "",
        row["profile"] or "",
        row["resource"] or "",
        f"{row['denied_requests']:,} requests {way} {who} were denied at {resource}{rule}; {before}.",
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
                    f"{_short(place[2])}, strangers left out; at most {high:.2%} was predicted.",
                    "Go back to Learning and look again: nsp enforce "
                    f"{shlex.quote(_short(place[2]))} --mode Learning --yes, then nsp recommend.",
                    {"share": share, "predicted_high": high, "denied_requests": count},
                )
            )
    return found


def _drift(entries: Sequence[Entry], last: Mapping[Key, Content], now: InForce) -> list[Finding]:
    written: dict[Key, datetime] = {}
    names: dict[Key, str] = {}
    for entry in entries:
        if "rule" in entry and entry["event"] == "done":
            key = (entry["rule"][0], entry["rule"][1], entry["rule"][2])
            written[key] = record.moment(entry)
            names[key] = entry["rule"][2]
    found = []
    old: set[str] = set()
    for key, applied in sorted(last.items(), key=lambda pair: pair[0]):
        if key in written and now.is_older(key[0], written[key]):
            old.add(key[0])
        elif (live := now.rules.get(key)) != applied:
            found.append(
                Finding(
                    DRIFT, key[0], key[1], names.get(key, key[2]),
                    f"Somebody changed the rule {key[2]}, which nsp applied: {drift_words(live, applied)}.",
                    "nsp apply --accept-drift puts it back; to keep the change, decide it: nsp decide edit.",
                    {"live": record.as_json(live), "applied": record.as_json(applied)},
                )
            )  # fmt: skip
    return found + [
        Finding(
            UNKNOWN,
            perimeter,
            "",
            "inventory",
            "The inventory is older than the last apply, so nobody can tell whether the rules are as applied.",
            "nsp inventory pull, or look at Azure itself: nsp verify --live.",
        )
        for perimeter in sorted(old)
    ]


def _mode_drift(changes: Sequence[ModeChange], now: InForce) -> list[Finding]:
    found = []
    for each in {one.association: one for one in changes}.values():
        perimeter, _, profile = each.profile.partition("/profiles/")
        mode = now.modes.get(each.resource)
        if now.is_older(perimeter, each.at) or (mode or "").lower() == each.mode.lower():
            continue
        found.append(
            Finding(
                MODE_DRIFT, perimeter, profile, each.resource,
                f"{_short(each.resource)} was set to {each.mode} by nsp; it is "
                f"{mode or 'not associated'} now.",
                f"If that isn't meant: nsp enforce {shlex.quote(_short(each.resource))} --mode {each.mode}.",
            )
        )  # fmt: skip
    return found


def _unused(
    store: Store, last: Mapping[Key, Content], scope: Scope, now: datetime, limits: Limits
) -> list[Finding]:  # fmt: skip
    if not last:
        return []
    whole = Scope(perimeter=scope.perimeter, profile=scope.profile)
    mine = [each for each in tighten(store, whole, now, limits) if each.finding == UNUSED and _is_of(each, last)]
    return [
        Finding(
            UNUSED_RULE,
            each.element.perimeter,
            each.element.profile,
            each.element.rule,
            f"Nothing used {each.element.element} of the rule {each.element.rule}. {each.reason}",
            "Where no yearly job needs it: nsp decide reject its proposal, then nsp apply.",
            {"element": each.element.element, "days_observed": each.days_observed},
        )
        for each in mine
    ]


def _is_of(finding: Tightening, rules: Collection[Key]) -> bool:
    return (*finding.element.profile_key, finding.element.rule.lower()) in rules
