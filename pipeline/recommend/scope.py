"""What part of the store a run looks at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Scope:
    """What part of the store a run looks at; None for all of it."""

    since: datetime | None = None
    until: datetime | None = None
    perimeter: str | None = None
    profile: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the scope as query parameters."""
        return {
            "since": self.since,
            "until": self.until,
            "perimeter": self.perimeter,
            "profile": self.profile,
        }

    def holds(self, perimeter: str, profile: str) -> bool:
        """Tell whether a profile is in it, whatever the time; perimeters are named by name or ARM id."""
        return (self.perimeter is None or self.perimeter.lower() in (perimeter, perimeter.rsplit("/", 1)[-1])) and (
            self.profile is None or self.profile.lower() == profile.lower()
        )
