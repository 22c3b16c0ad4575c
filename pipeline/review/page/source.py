"""What the page reads: a run, and the store that it was made of, which is only open while something is asked."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.recommend.policy import Limits
from pipeline.store import Store

ProfileKey = tuple[str, str]
"""ARM id of a perimeter and lower-case name of a profile."""


@dataclass(frozen=True)
class Loaded:
    """A run as it is shown.

    Args:
        state: of the source when it was read.
        run: as `nsp recommend --format json` prints it.
    """

    state: str
    run: Mapping[str, Any]

    @cached_property
    def profiles(self) -> dict[ProfileKey, str]:
        """Every profile that has a judgement or a proposal, and how it is spelled."""
        found = {_key(each): str(each["profile"]) for each in (*self.run["proposals"], *self.run["readiness"])}
        return dict(sorted(found.items()))

    @cached_property
    def readiness(self) -> dict[ProfileKey, Mapping[str, Any]]:
        """The judgement of each profile."""
        return {_key(each): each for each in self.run["readiness"]}

    def proposals(self, profile: ProfileKey) -> list[Mapping[str, Any]]:
        """Return the proposals of a profile, in the order of the run."""
        return [each for each in self.run["proposals"] if _key(each) == profile]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the page reads from.

    Args:
        run: makes or reads a run.
        open: opens what the run was made of, for as short as one question takes.
        state: changes whenever a run made now might be another one.
        limits: that proposals were made within.
    """

    run: Callable[[], Loaded]
    open: Callable[[], AbstractContextManager[Store]]
    state: Callable[[], str]
    limits: Limits


def _key(each: Mapping[str, Any]) -> ProfileKey:
    return str(each["perimeter"]).lower(), str(each["profile"]).lower()
