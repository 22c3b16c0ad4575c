"""What was seen of a profile that enforcing would deny, for as long as a person looks at it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.recommend.allot import Limits, holders, place_of
from pipeline.recommend.bounds import canonical_host, canonical_prefix, canonical_subscription
from pipeline.recommend.caller_days import caller_days
from pipeline.recommend.candidates import MEMBERSHIPS
from pipeline.recommend.configuration import Configuration
from pipeline.recommend.need import Need, needs
from pipeline.recommend.routes import routes
from pipeline.review.page.source import ProfileKey
from pipeline.store import Store
from pipeline.verdict.scenario import ENFORCED, scenario

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Evidence:
    """All callers and destinations of a profile that no rule in force admits.

    Args:
        needs: by direction.
        hours: their requests by hour; see queries/review/requests_by_hour.sql.
    """

    needs: Mapping[str, Sequence[Need]]
    hours: "pl.DataFrame"

    def admitted(self, direction: str, kind: str, elements: Iterable[str]) -> list[Need]:
        """Return whom some elements would admit, refused ones as well; the most requests first.

        Args:
            direction: of the rule.
            kind: of the rule.
            elements: what can't be read admits nobody.
        """
        mine = [need for need in self.needs.get(direction, ()) if need.kind == kind]
        if kind == "address-prefixes":
            networks = {network for each in elements if (network := canonical_prefix(each))}
            apart = [one for one in networks if not any(one != two and _lies_in(one, two) for two in networks)]
            held = holders(apart, [place_of(need.key) for need in mine])
            found = [need for need, holder in zip(mine, held, strict=True) if holder is not None]
        else:
            read = canonical_subscription if kind == "subscriptions" else canonical_host
            names = {read(each) for each in elements}
            found = [need for need in mine if need.key in names]
        return sorted(found, key=lambda need: (-need.allowed, -need.denied, need.key))

    def of(self, proposal: Mapping[str, Any]) -> list[Need]:
        """Return whom a proposal is about; of a note those that it names as examples."""
        if proposal["elements"]:
            return self.admitted(proposal["direction"], proposal["kind"], proposal["elements"])
        named = {name: place for place, name in enumerate(proposal["evidence"].get("examples", ()))}
        found = [need for need in self.needs.get(proposal["direction"], ()) if need.key in named]
        return sorted(found, key=lambda need: named[need.key])

    def requests(self, direction: str, some: Sequence[Need]) -> "pl.DataFrame":
        """Return the rows of `hours` that are about some of the needs."""
        import polars as pl

        keys = [need.key for need in some]
        if direction == "Outbound":
            return self.hours.filter((pl.col("direction") == direction) & pl.col("destination").is_in(keys))
        subscriptions = [need.key for need in some if need.kind == "subscriptions"]
        addresses = [need.key for need in some if need.kind == "address-prefixes"]
        with_key = [need.key for need in some if need.is_key_suspected]
        others = [need.key for need in some if need.kind not in {"subscriptions", "address-prefixes"}]
        callers = set().union(*(need.callers for need in some))
        members = set().union(*(need.callers for need in some if need.kind in MEMBERSHIPS))
        address, subscription = pl.col("source_ip"), pl.col("source_subscription")
        resource = pl.col("source_resource")
        # what the log names by its resource may fall under a prefix as well, where that was the cheapest way in
        is_by_address = subscription.is_null() | resource.is_not_null() | address.is_in(with_key)
        return self.hours.filter(
            (pl.col("direction") == direction)
            & (
                (address.is_in(addresses) & is_by_address & pl.coalesce(resource, address).is_in(callers))
                | subscription.is_in(subscriptions)
                | address.is_in(others)
                | resource.is_in([*others, *members])
            ).fill_null(value=False)
        )


def evidence(store: Store, profile: ProfileKey, limits: Limits) -> Evidence:
    """Read the evidence of one profile.

    Reads: the view verdict.

    Args:
        store: the warehouse or a snapshot; read-only will do.
        profile: which.
        limits: within which the kinds of rules are chosen.

    Raises:
        ChoiceError: the solver gave up choosing kinds of rules.
    """
    perimeter, name = profile
    known = Configuration(store)
    with scenario(store, access_mode=ENFORCED):
        rows = caller_days(
            store.rows(
                "recommend/caller_days",
                since=None,
                until=None,
                perimeter=perimeter,
                profile=name or None,
                admitted=False,
            )
        )
        hours = store.frame("review/requests_by_hour", perimeter=perimeter, profile=name)
    days: dict[str, list[Any]] = {}
    for (_, spelled, direction), some in rows.items():
        if spelled.lower() == name:
            days.setdefault(direction, []).extend(some)
    gathered = {
        direction: needs(some, direction, routes(known.direction(perimeter, name, direction), some, limits))
        for direction, some in days.items()
    }
    return Evidence(gathered, hours)


def _lies_in(one: Any, two: Any) -> bool:
    return bool(one.version == two.version and one.subnet_of(two))
