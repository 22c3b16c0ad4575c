"""One direction of one profile, as it stands today."""

from dataclasses import dataclass, field

from pipeline.recommend.candidates import Estate


@dataclass(frozen=True, slots=True)
class Profile:
    """One direction of one profile, as it stands.

    Args:
        perimeter: ARM id, lower case.
        name: of the profile.
        direction: Inbound or Outbound.
        elements_in_force: how many elements its access rules have today.
        resources: ARM ids of the resources of this profile.
        own_names: host names of the resources that the inventory knows.
        estate: what lies around it.
    """

    perimeter: str
    name: str
    direction: str
    elements_in_force: int = 0
    resources: frozenset[str] = frozenset()
    own_names: frozenset[str] = frozenset()
    estate: Estate = field(default_factory=Estate)

    @property
    def subscriptions(self) -> frozenset[str]:
        """The subscriptions in which the perimeter and its resources lie."""
        return frozenset(
            each.split("/")[2] for each in (self.perimeter, *self.resources) if each.startswith("/subscriptions/")
        )
