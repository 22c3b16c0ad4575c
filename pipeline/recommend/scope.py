"""What part of the store a run looks at."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.errors import UsageError
from pipeline.store import Store


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

    def check_one(self, perimeters: Iterable[str]) -> None:
        """Refuse a name that several perimeters have: what is meant for one would be done to all of them.

        Args:
            perimeters: ARM ids, lower case, of all that are known.

        Raises:
            UsageError: several have the name.
        """
        named = sorted({each for each in perimeters if self.perimeter and each.endswith(f"/{self.perimeter.lower()}")})
        if len(named) > 1:
            raise UsageError(
                f"{len(named)} perimeters are called {self.perimeter}: give an ARM id, {' or '.join(named)}."
            )

    def check(self, profiles: Iterable[tuple[str, str]]) -> None:
        """Refuse a scope of nothing: it would have nothing to lose.

        Args:
            profiles: (perimeter, profile) of all that are known; where none is, nothing is refused.

        Raises:
            UsageError: nobody knows the perimeter or profile, several have its name, or the span of time is empty.
        """
        if self.since and self.until and self.since >= self.until:
            raise UsageError("--since must lie before --until.")
        known = {(perimeter, profile.lower()) for perimeter, profile in profiles}
        if known and not any(self.holds(*each) for each in known):
            names = ", ".join(sorted(f"{perimeter.rsplit('/', 1)[-1]}/{profile}" for perimeter, profile in known))
            raise UsageError(f"No such perimeter or profile. Known (perimeter/profile): {names}.")
        self.check_one(perimeter for perimeter, _ in known)


def profiles_known(store: Store) -> set[tuple[str, str]]:
    """Return the (perimeter, lower-case profile) pairs that the inventory lists or a log names."""
    return {(perimeter, profile.lower()) for perimeter, profile in store.rows("recommend/profiles_known")}
