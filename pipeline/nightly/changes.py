"""What a night brought that somebody should hear of, by what it and the last one found."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from pipeline.recommend.difference import Change, Run, compare
from pipeline.recommend.scope import Scope

Json = dict[str, Any]
MANY = 20
"""Items of a list that are told; its total is told beside it."""
DRIFT = ("drift", "mode-drift")
DENIED = ("denied-unexpected", "denied-newcomer", "denied-share")
_NO_DENIAL = "leave-denied"


def changes(
    earlier: Run | None, now: Run | None, verified_before: Collection[Json], verified: Collection[Json]
) -> Json:
    """Return what changed since the last run, as the record has it.

    Args:
        earlier: what the last run found; None where there was none, so that nothing is new.
        now: what this one found; None where it found nothing.
        verified_before: findings of nsp verify then.
        verified: findings now.
    """
    told: Json = {"since": earlier.run["created"] if earlier else None}
    denials: list[Json] = []
    turned: dict[str, list[Json]] = {"became_ready": [], "no_longer_ready": []}
    if earlier and now:
        denials = _new_denials(earlier, now)
        turned = _turned(earlier, now)
    known = {_key(each) for each in verified_before}
    fresh = [each for each in verified if _key(each) not in known]
    lists = {
        "new_denials": denials,
        "drift": [_told(each) for each in fresh if each["kind"] in DRIFT],
        "denied_since_enforcing": [_told(each) for each in fresh if each["kind"] in DENIED],
        **turned,
    }
    for name, rows in lists.items():
        told[name] = rows[:MANY]
        told[f"{name}_total"] = len(rows)
    return told


def are_any(told: Mapping[str, Any]) -> bool:
    """Whether anything changed."""
    return any(count for name, count in told.items() if name.endswith("_total"))


def sentence(told: Mapping[str, Any]) -> str:
    """Return the changes in a line: counts only, nothing that a log could have put there."""
    words = {
        "new_denials": "new would-be denials",
        "drift": "drifted",
        "denied_since_enforcing": "denied since enforcing",
        "became_ready": "became ready",
        "no_longer_ready": "no longer ready",
    }
    found = [f"{told[f'{name}_total']} {text}" for name, text in words.items() if told.get(f"{name}_total")]
    return ", ".join(found) or ("nothing changed" if told.get("since") else "no earlier run to compare with")


def _new_denials(earlier: Run, now: Run) -> list[Json]:
    """Return whom enforcing would newly deny: new proposals, but for prefixes that only take turns with others.

    A prefix in the place of others counts where those of its place have more callers than before: then it was made
    wider for somebody new.
    """
    found = [each for each in compare(earlier, now, Scope()).changes if each.proposal["kind"] != _NO_DENIAL]
    grown: Counter[tuple[str, ...]] = Counter()
    for each in found:
        sign = {"new": 1, "gone": -1}.get(each.change, 0)
        grown[_place(each)] += sign * int(each.proposal["evidence"].get("callers") or 0)
    return [
        {
            **{name: each.proposal[name] for name in ("id", "perimeter", "profile", "direction", "kind", "flags")},
            "elements": each.proposal["elements"][:MANY],
            "requests": each.proposal["evidence"].get("requests"),
        }
        for each in found
        if each.change == "new" and (not each.sentences or grown[_place(each)] > 0)
    ]


def _place(change: Change) -> tuple[str, ...]:
    each = change.proposal
    return each["perimeter"], each["profile"].lower(), each["direction"], each["kind"]


def _turned(earlier: Run, now: Run) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {"became_ready": [], "no_longer_ready": []}
    for key in sorted(earlier.lights.keys() | now.lights.keys()):
        was, is_now = (_is_ready(run, key) for run in (earlier, now))
        if was != is_now:
            profile = (now.lights.get(key) or earlier.lights[key])[0]
            found["became_ready" if is_now else "no_longer_ready"].append({"perimeter": key[0], "profile": profile})
    return found


def _is_ready(run: Run, key: tuple[str, str]) -> bool:
    lights = run.lights.get(key, ("", {}))[1]
    return bool(lights) and all(lights.values())


def _key(finding: Json) -> tuple[str, ...]:
    return tuple(str(finding.get(name)) for name in ("kind", "perimeter", "profile", "about"))


def _told(finding: Json) -> Json:
    return {name: finding[name] for name in ("kind", "perimeter", "profile", "about", "sentence", "suggestion")}
