"""What loading some sources did, for the report of it."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """What one or more rounds did."""

    files: int = 0
    records: int = 0
    rejected: int = 0
    pending_bytes: int = 0
    careful: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Add the figures of another round."""
        self.files += other.files
        self.records += other.records
        self.rejected += other.rejected
        self.pending_bytes += other.pending_bytes
        self.careful |= other.careful
        self.failed += other.failed
