"""What of a file of decisions is new: a file in git says what shall stand, so applying it twice records nothing new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipeline.errors import UsageError
from pipeline.recommend.bounds import Bounds
from pipeline.review.decision import Choice, Trail
from pipeline.review.decisions_file import Written
from pipeline.review.entry import Entry, entry
from pipeline.review.lookup import UnknownProposalError, proposal_of


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A file held against the trail.

    Args:
        entries: that are to be recorded, in the order of the file.
        unchanged: how many stand already as the file says.
        notes: a sentence for each decision that has run out before anybody recorded it, or is of no known proposal.
    """

    entries: tuple[Entry, ...]
    unchanged: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Holds the decisions of a file against the trail.

    Args:
        trail: of the decisions.
        known: proposals that may be decided about, by id.
        who: decides where the file names nobody.
        now: UTC.
        bounds: that rules have to keep.
        skips_unknown: note what nobody proposes any longer and nobody decided about, rather than refuse the file.
    """

    trail: Trail
    known: Mapping[str, Mapping[str, Any]]
    who: str
    now: datetime
    bounds: Bounds
    skips_unknown: bool = False

    def reconcile(self, written: Sequence[Written]) -> Reconciled:
        """Return what is to be recorded.

        Raises:
            UsageError: one decision can't be taken; says in which line.
        """
        entries: list[Entry] = []
        notes: list[str] = []
        lines: dict[str, str] = {}
        unchanged = 0
        for each in written:
            try:
                proposal = proposal_of(each.proposal, self.known)
            except UnknownProposalError as error:
                if not self.skips_unknown:
                    raise UsageError(f"{each.where}: {error} Or --skip-unknown.") from error
                notes.append(
                    f"{each.where}: nobody proposes {each.proposal!r} any longer, and nobody decided about it."
                )
                continue
            except UsageError as error:
                raise UsageError(f"{each.where}: {error}") from error
            if earlier := lines.get(proposal["id"]):
                raise UsageError(f"{each.where}: {proposal['id']} is decided about in {earlier} already.")
            lines[proposal["id"]] = each.where
            choice = self._checked(each, proposal)
            standing = self.trail.current.get(proposal["id"])
            if standing is not None and standing.choice == choice:
                unchanged += 1
            elif choice.expires is not None and choice.expires <= self.now:
                notes.append(f"{each.where}: this ended {choice.expires:%Y-%m-%d}; take it out of the file.")
            else:
                entries.append(entry(proposal, choice, each.who or self.who, self.now, self.bounds))
        return Reconciled(tuple(entries), unchanged, tuple(notes))

    def _checked(self, each: Written, proposal: Mapping[str, Any]) -> Choice:
        """Return the choice in one spelling; that its end is past is no fault of a file that is kept."""
        endless = replace(each.choice, expires=None)
        try:
            made = entry(proposal, endless, each.who or self.who, self.now, self.bounds)
        except UsageError as error:
            raise UsageError(f"{each.where}: {error}") from error
        return replace(made.choice, expires=each.choice.expires)
