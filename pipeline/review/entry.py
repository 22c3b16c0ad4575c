"""Checks what a person wants to decide, before it is recorded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipeline.errors import InventoryError, UsageError
from pipeline.recommend.bounds import Bounds
from pipeline.recommend.candidates import MEMBERSHIPS
from pipeline.recommend.proposal import identity
from pipeline.review.decision import ACCEPT, ACTIONS, DEFER, EDIT, REJECT, Choice, canonical, moment_of
from pipeline.review.rule import rule_of

REASON_LENGTH = 2_000
WHO_LENGTH = 200
PROPOSAL_LENGTH = 4_000_000
"""Characters of JSON; a proposal takes some two thousand."""
NOTES = ("cannot-fix", "leave-denied", *MEMBERSHIPS)
"""Kinds of proposals without elements: no rule helps, or what helps is no rule."""
_ID = re.compile(r"[0-9a-f]{12}")
_WORD = re.compile(r"\w{2,}")
_MAY_EXPIRE = (ACCEPT, EDIT, DEFER)


@dataclass(frozen=True, slots=True)
class Entry:
    """A choice that may be recorded; made by `entry`, which checks it."""

    proposal: Mapping[str, Any]
    choice: Choice
    who: str

    @property
    def proposal_id(self) -> str:
        """Id of the proposal."""
        return str(self.proposal["id"])


def entry(proposal: Mapping[str, Any], choice: Choice, who: str, now: datetime, bounds: Bounds | None = None) -> Entry:
    """Check a choice.

    Args:
        proposal: as `nsp recommend --format json` has it.
        choice: of the person; elements of an edit come back in one spelling.
        who: the person; nobody checks it.
        now: UTC.
        bounds: that an accepted or edited rule has to keep; None for the default ones.

    Raises:
        UsageError: words are missing or too many, elements are none, or the rule would exceed the bounds; says what
            to do.
    """
    check_proposal(proposal)
    identity_of = proposal["id"]
    _check_text(f"The reason for {identity_of}", choice.reason, REASON_LENGTH)
    _check_text("The name of who decides", who, WHO_LENGTH)
    if not who.strip():
        raise UsageError("Nobody knows who decides: name yourself by --who or NSP_WHO.")
    _check_choice(proposal, choice, now)
    if choice.action in {ACCEPT, EDIT} and proposal["elements"]:
        try:
            rule = rule_of(proposal, choice.elements or proposal["elements"], bounds or Bounds(), choice.reason)
        except InventoryError as error:
            raise UsageError(f"{identity_of} can't be accepted: {error}") from error
        if choice.action == EDIT:
            choice = replace(choice, elements=rule.elements)
    return Entry(proposal, choice, who)


def check_proposal(proposal: Mapping[str, Any]) -> None:
    """Check that a proposal is one: that of a file may have been changed after it was made.

    Raises:
        UsageError: it isn't as `nsp recommend --format json` prints it, or its id is another's.
    """
    try:
        place = [proposal[name] for name in ("perimeter", "profile", "direction", "kind", "name")]
        given, elements, flags = proposal["id"], proposal["elements"], proposal["flags"]
        evidence = proposal["evidence"]
        well_typed = all(isinstance(each, list) for each in (elements, flags, evidence["resources"]))
        well_typed &= type(evidence["callers"]) is int and isinstance(moment_of(evidence["first_seen"]), datetime)
    except KeyError as error:
        raise UsageError(f"A proposal lacks {error}; take what nsp recommend --format json prints.") from None
    except (TypeError, ValueError):
        well_typed = False
    if not well_typed or not all(isinstance(each, str) for each in (given, *place, *elements, *flags)):
        raise UsageError("A proposal isn't as nsp recommend --format json prints it.")
    for each in (*place, *elements, *flags):
        _check_text(f"The proposal {given!a}", each, PROPOSAL_LENGTH)
    is_another = elements and given != identity(place[0], place[1], place[2], place[3], elements)
    if not _ID.fullmatch(given) or is_another or bool(elements) == (place[3] in NOTES):
        raise UsageError(f"The proposal {given!r} isn't what its id stands for: it was changed after it was made.")
    if len(canonical(proposal)) > PROPOSAL_LENGTH:
        raise UsageError(f"The proposal {given} is larger than {PROPOSAL_LENGTH:,} characters.")


def _check_text(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise UsageError(f"{what} has {len(text):,} characters; at most {most:,} are kept.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{what} isn't text that can be kept (a lone surrogate, or bytes that are no UTF-8)."
        ) from None


def _check_choice(proposal: Mapping[str, Any], choice: Choice, now: datetime) -> None:
    named, action = proposal["id"], choice.action
    if action not in ACTIONS:
        raise UsageError(f"{action!r} is no decision. There are: {', '.join(ACTIONS)}.")
    if choice.elements and action != EDIT:
        raise UsageError(f"{named}: only an edit names elements, not {action}.")
    if action == EDIT and not proposal["elements"]:
        raise UsageError(
            f"{named} is a note ({proposal['kind']}), no rule: accept (as acknowledged), reject or defer it."
        )
    if action == EDIT and not choice.elements:
        raise UsageError(f"{named}: name the elements that the rule shall hold; to have none, reject it.")
    if choice.expires is not None:
        if action not in _MAY_EXPIRE:
            raise UsageError(f"{named}: {action} has no end.")
        if choice.expires <= now:
            raise UsageError(f"{named}: {choice.expires:%Y-%m-%d %H:%M} UTC is past; name a time to come.")
    flagged = action == ACCEPT and proposal["flags"]
    if (action in {EDIT, REJECT} or flagged) and not _WORD.search(choice.reason):
        why = f", which is flagged ({', '.join(proposal['flags'])})" if flagged else ""
        raise UsageError(f"Say why you {action} {named}{why}: a reason is kept with it (--reason TEXT).")
