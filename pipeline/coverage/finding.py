"""What a finding is: something that is missing, or doubtful, with its evidence and what to do about it."""

from dataclasses import asdict, dataclass

BLOCKER, WARNING, INFO = "blocker", "warning", "info"
SEVERITIES = (BLOCKER, WARNING, INFO)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Args:
        id: what kind of finding it is; stays the same.
        severity: blocker, where nothing can be concluded before it is mended; warning, where a conclusion may be wrong;
            info.
        subject: what it is about: a perimeter, a resource, a category; "" for all.
        evidence: what was found, one sentence or part of one.
        remedy: what to do.
    """

    id: str
    severity: str
    subject: str
    evidence: str
    remedy: str

    def as_json(self) -> dict[str, str]:
        """Return the finding as an object."""
        return asdict(self)
