"""What loading some sources did, for the report of it."""

from dataclasses import dataclass, field

from pipeline.extract.source import Source


@dataclass(slots=True)
class Outcome:
    """What one or more rounds did.

    Args:
        files: sources loaded, whole or from where they were left.
        records: rows that came to access_log.
        rejected: rows that came to rejected_record.
        pending_bytes: bytes behind the last whole line of these sources.
        careful: source -> why it was read the careful way.
        failed: (source, why it could not be read).
        replaced: sources that were to be continued, but no longer begin as they did; they have to be read whole.
    """

    files: int = 0
    records: int = 0
    rejected: int = 0
    pending_bytes: int = 0
    careful: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)
    replaced: list[Source] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Add the figures of another round."""
        self.files += other.files
        self.records += other.records
        self.rejected += other.rejected
        self.pending_bytes += other.pending_bytes
        self.careful |= other.careful
        self.failed += other.failed
        self.replaced += other.replaced
