"""What isn't as nsp left it: rules and access modes that others changed."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.inventory.items import KINDS
from pipeline.publish import content, record
from pipeline.publish.content import Content
from pipeline.publish.finding import DRIFT, MODE_DRIFT, UNKNOWN, Finding, short
from pipeline.publish.merge import Key
from pipeline.publish.plan import drift_words, listed
from pipeline.publish.record import Entry, ModeChange
from pipeline.store import Store

_FIELDS = {kind: name for name, kind in KINDS.items()}


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
    return InForce(rules, modes, inventory_moments(store))


def inventory_moments(store: Store) -> dict[str, datetime]:
    """Return of each perimeter of the inventory when that was found so."""
    return {row[0]: max(each for each in row[3:5] if each) for row in store.rows("inventory/perimeters")}


def drift(entries: Sequence[Entry], last: Mapping[Key, Content], now: InForce) -> list[Finding]:
    """Return which rules aren't as nsp left them.

    Args:
        entries: of the record.
        last: what nsp applied last, by rule.
        now: what is in force.
    """
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


def mode_drift(changes: Sequence[ModeChange], now: InForce) -> list[Finding]:
    """Return which access modes aren't as nsp left them.

    Args:
        changes: of access modes, in order.
        now: what is in force.
    """
    found = []
    for each in {one.association: one for one in changes}.values():
        perimeter, _, profile = each.profile.partition("/profiles/")
        mode = now.modes.get(each.resource)
        if now.is_older(perimeter, each.at) or (mode or "").lower() == each.mode.lower():
            continue
        found.append(
            Finding(
                MODE_DRIFT, perimeter, profile, each.resource,
                f"{short(each.resource)} was set to {each.mode} by nsp; it is "
                f"{mode or 'not associated'} now.",
                f"If that isn't meant: nsp enforce {shlex.quote(short(each.resource))} --mode {each.mode}.",
            )
        )  # fmt: skip
    return found


def unknown_modes(changes: Sequence[ModeChange], now: InForce, inventory: Mapping[str, datetime]) -> list[Finding]:
    """Return where the inventory is older than an access mode that nsp set.

    Denials are judged by the inventory, whatever is in force in Azure: by one that still says Learning, hardly any is
    denied. Of what went back to Learning no denial is looked for; its mode Azure itself may tell.

    Args:
        changes: of access modes, in order.
        now: what is in force.
        inventory: perimeter -> when the inventory was found so.
    """
    old: dict[str, list[str]] = {}
    for each in {one.association: one for one in changes}.values():
        perimeter = each.profile.partition("/profiles/")[0]
        matters = now.known_at is not None or each.mode.lower() == "enforced"
        if matters and inventory.get(perimeter, datetime.min) < each.at:  # noqa: DTZ901
            old.setdefault(perimeter, []).append(short(each.resource))
    return [
        Finding(
            UNKNOWN,
            perimeter,
            "",
            "inventory",
            f"The inventory is older than the access mode that nsp set of {listed(names)}, so nobody can tell whether "
            "the rules of today admit who is denied there.",
            "nsp inventory pull, then nsp verify again.",
        )
        for perimeter, names in sorted(old.items())
    ]
