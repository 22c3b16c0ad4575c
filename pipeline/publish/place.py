"""Where rules go: their perimeter and profile, with the rules of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from pipeline.recommend.access_rule import AccessRule

DIGITS = 8


@dataclass(frozen=True, slots=True)
class ProfileRules:
    """The rules of one profile.

    Args:
        name: of the profile.
        rules: in order of direction and name.
    """

    name: str
    rules: tuple[AccessRule, ...]


@dataclass(frozen=True, slots=True)
class PerimeterRules:
    """The rules of one perimeter.

    Args:
        id: ARM id of the perimeter, lower case.
        profiles: with their rules, in order of their names.
    """

    id: str
    profiles: tuple[ProfileRules, ...]

    @property
    def subscription(self) -> str:
        """GUID of the subscription."""
        return self.id.split("/")[2]

    @property
    def resource_group(self) -> str:
        """Name of the resource group, lower case."""
        return self.id.split("/")[4]

    @property
    def name(self) -> str:
        """Name of the perimeter, lower case."""
        return self.id.rsplit("/", 1)[-1]

    @property
    def file(self) -> str:
        """Name for a file, without extension; perimeters of one name in two places get two."""
        return f"{self.name}-{digest(self.id)}"

    def profile_id(self, profile: str) -> str:
        """Return the ARM id of a profile in Azure's capitals, which azurerm demands; names stay in lower case."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.Network/networkSecurityPerimeters/{self.name}/profiles/{profile}"
        )

    @property
    def rules(self) -> tuple[AccessRule, ...]:
        """All rules."""
        return tuple(rule for profile in self.profiles for rule in profile.rules)


def by_perimeter(rules: Iterable[AccessRule]) -> tuple[PerimeterRules, ...]:
    """Return rules grouped by perimeter and profile, all in one order whatever the order they come in."""
    found: dict[str, dict[str, list[AccessRule]]] = {}
    for rule in sorted(rules, key=lambda each: (each.profile_key, each.direction, each.name.lower())):
        found.setdefault(rule.perimeter, {}).setdefault(rule.profile.lower(), []).append(rule)
    return tuple(
        PerimeterRules(
            perimeter,
            tuple(ProfileRules(min(each.profile for each in some), tuple(some)) for some in profiles.values()),
        )
        for perimeter, profiles in found.items()
    )


def digest(text: str) -> str:
    """Return some digits that tell a text from others."""
    return sha256(text.encode()).hexdigest()[:DIGITS]
