"""Simulated perimeters of which everything is known: who calls, whether he may, and what he needs next week.

One simulation is the inbound traffic of one profile, as recommend/caller_days gives it, over a window to learn from
and the seven days after it. Nothing in it depends on the recommender. Everybody has addresses of his own; rates of
what comes and goes (new services, new home addresses, attacks, visits) are the same throughout.

Members called as members need no rule and so never become caller days; they aren't simulated.
"""

from bisect import bisect_right, insort
from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from ipaddress import IPv4Address

import numpy as np

from tests.recommend.caller_day import CallerDay

NEXT_WEEK = 7
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg/providers"
RESOURCES = tuple(f"{GROUP}/microsoft.storage/storageaccounts/docs{number}" for number in range(12))
OPERATIONS = ("GetBlob", "PutBlob", "ListBlobs", "DeleteBlob", "GetBlobProperties", "ListContainers", "PutBlockList")

KEPT, LISTED, ASKED, REFUSED = "kept", "listed", "asked", "refused"


@dataclass(frozen=True, slots=True)
class Kind:
    """What should become of a kind of caller: any of the outcomes is right. Attackers aren't legit."""

    is_legit: bool
    right: frozenset[str]
    has_app: bool = True


KINDS = {
    "service": Kind(True, frozenset({KEPT, LISTED})),
    "pool": Kind(True, frozenset({KEPT, LISTED})),
    "branch": Kind(True, frozenset({KEPT, LISTED})),
    "office": Kind(True, frozenset({KEPT, LISTED})),
    "home": Kind(True, frozenset({KEPT, LISTED, ASKED})),
    "identity": Kind(True, frozenset({KEPT, LISTED})),
    "weekly": Kind(True, frozenset({KEPT, LISTED, ASKED})),
    "monthly": Kind(True, frozenset({KEPT, LISTED, ASKED})),
    "migration": Kind(True, frozenset({ASKED})),
    "hotel": Kind(True, frozenset({ASKED})),
    "vendor": Kind(True, frozenset({ASKED}), has_app=False),
    "scanner": Kind(False, frozenset({REFUSED}), has_app=False),
    "burst": Kind(False, frozenset({ASKED, REFUSED}), has_app=False),
    "slow": Kind(False, frozenset({ASKED, LISTED}), has_app=False),
    "stolen": Kind(False, frozenset({ASKED, REFUSED})),
}
"""Home addresses, weekly and monthly jobs may have been seen just once, so asking about them is right as well."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One kind of perimeter.

    Args:
        name: as in the table; part of the seed.
        window: days to learn from.
        churn: new services a day.
        is_aligned: whether pools of agents are whole prefixes; else they begin and end anywhere.
        branches: branch offices with 25 to 60 fixed addresses each.
        has_identity: whether the log names subscriptions and applications.
    """

    name: str
    window: int
    churn: float = 0.3
    is_aligned: bool = True
    branches: int = 0
    has_identity: bool = True


SETTINGS = (
    *(
        Setting(f"{window} days, churn {churn:g}", window, churn)
        for window in (14, 21, 30, 60)
        for churn in (0.0, 0.3, 1.0)
    ),
    Setting("30 days, unaligned pools", 30, is_aligned=False),
    Setting("60 days, unaligned pools", 60, is_aligned=False),
    Setting("30 days, 2,000 addresses", 30, branches=60),
    Setting("30 days, no identity", 30, has_identity=False),
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with addresses of his own; a laptop at home is a new one with each new address.

    Args:
        kind: one of KINDS.
        first: first address that is his, as an integer.
        last: last one.
        subscription: of his managed identity, where the log names it.
    """

    kind: str
    first: int
    last: int
    subscription: str | None = None

    @property
    def is_legit(self) -> bool:
        """Whether he may call at all."""
        return KINDS[self.kind].is_legit


@dataclass(slots=True)
class Simulation:
    """Traffic and truth.

    Args:
        setting: what was simulated.
        start: first day of the window.
        callers: everybody.
        rows: caller days of the window and of the seven days after it, in no order that means anything.
        owners: for each row its place in callers.
    """

    setting: Setting
    start: date
    callers: list[Caller] = field(default_factory=list)
    rows: list[CallerDay] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)

    @property
    def end(self) -> date:
        """First day after the window."""
        return self.start + timedelta(days=self.setting.window)

    @property
    def days(self) -> list[date]:
        """Return the days of the window."""
        return [self.start + timedelta(days=day) for day in range(self.setting.window)]

    def window(self) -> Iterator[tuple[CallerDay, int]]:
        """Yield what may be learnt from: (row, place in callers)."""
        return ((row, owner) for row, owner in zip(self.rows, self.owners, strict=True) if row.day < self.end)

    def next_week(self) -> Iterator[tuple[CallerDay, int]]:
        """Yield what has to work: (row, place in callers)."""
        return ((row, owner) for row, owner in zip(self.rows, self.owners, strict=True) if row.day >= self.end)


def simulate(setting: Setting, seed: int) -> Simulation:
    """Return the simulation of a setting and seed; the same ones give the same."""
    world = _World(setting, seed)
    for actor in _ACTORS:
        actor(world)
    return world.made


class _World:
    """What actors write into: an address space, a calendar and a source of chance."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self.rng = np.random.default_rng([*setting.name.encode(), seed])
        self.setting = setting
        self.span = setting.window + NEXT_WEEK
        self.made = Simulation(setting, date(2026, 1, 1) + timedelta(days=self.below(365)))
        octets = self.rng.choice(np.arange(20, 100), 8, replace=False).tolist()
        regions = [(octet << 24) + (self.below(64) << 18) for octet in octets]  # a /14 each
        self.clouds, self.providers = regions[:4], regions[4:]
        self._firsts: list[int] = []
        self._lasts: dict[int, int] = {}

    def below(self, end: int) -> int:
        return int(self.rng.integers(end))

    def between(self, first: int, last: int) -> int:
        return int(self.rng.integers(first, last + 1))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def date(self, day: int) -> date:
        return self.made.start + timedelta(days=day)

    def is_weekend(self, day: int) -> bool:
        return self.date(day).weekday() >= 5

    def some_resources(self, count: int) -> list[str]:
        return [RESOURCES[place] for place in self.rng.choice(len(RESOURCES), count, replace=False)]

    def starts(self, a_month: float, length: int) -> list[int]:
        """Return the first days of what comes and goes; some began before the window."""
        return [
            day for day in range(1 - length, self.span) for _ in range(int(self.rng.poisson(a_month / 30)))
        ]  # fmt: skip

    def settle(
        self,
        kind: str,
        size: int = 1,
        regions: Sequence[int] = (),
        *,
        is_aligned: bool = False,
        subscription: str | None = None,
        alone_in: int = 1,
    ) -> int:
        """Give somebody addresses that nobody has; return his place in callers.

        Args:
            kind: of caller.
            size: how many addresses.
            regions: /14 ranges to choose from; anywhere in the world without any.
            is_aligned: the addresses are one prefix.
            subscription: of his managed identity.
            alone_in: he is the only one in the block of so many addresses (a power of two).
        """
        while True:
            if regions:
                first = regions[self.below(len(regions))] + self.below((1 << 18) - size)
            else:
                first = (self.between(101, 126) << 24) + self.below((1 << 24) - size)
            if is_aligned:
                first -= first % size
            outer = first - first % alone_in
            if self._take(outer, max(outer + alone_in, first + size) - 1):
                break
        named = subscription if self.setting.has_identity else None
        self.made.callers.append(Caller(kind, first, first + size - 1, named))
        return len(self.made.callers) - 1

    def _take(self, first: int, last: int) -> bool:
        place = bisect_right(self._firsts, last)
        if place and self._lasts[self._firsts[place - 1]] >= first:
            return False
        insort(self._firsts, first)
        self._lasts[first] = last
        return True

    def calls(
        self,
        owner: int,
        day: int,
        resource: str,
        allowed: int,
        denied: int = 0,
        *,
        address: int | None = None,
        operations: int = 1,
        app: int | None = None,
    ) -> None:
        """Write one caller day, unless the day lies outside.

        Args:
            owner: place in callers.
            day: from the first day of the window.
            resource: called.
            allowed: requests that succeeded.
            denied: requests that were refused.
            address: as an integer; his first without it.
            operations: how many different ones.
            app: place in callers of whose application signed in; his own without it.
        """
        if not 0 <= day < self.span:
            return
        caller = self.made.callers[owner]
        moment = datetime.combine(self.date(day), datetime.min.time())
        has_app = self.setting.has_identity and (app is not None or KINDS[caller.kind].has_app)
        first = self.below(len(OPERATIONS))
        self.made.owners.append(owner)
        self.made.rows.append(
            CallerDay(
                day=moment.date(),
                source_ip=str(IPv4Address(caller.first if address is None else address)),
                source_network="public",
                source_subscription=caller.subscription,
                source_resource=f"/subscriptions/{caller.subscription}/resourcegroups/rg/providers/microsoft.web/sites/f"
                if caller.subscription
                else None,
                source_app_id=f"app-{owner if app is None else app}" if has_app else None,
                destination_fqdn=None,
                destination_resource=None,
                service_resource=resource,
                matched_rule=None,
                is_member=False,
                reason="no-rule",
                service_tag=None,
                is_same_region=False,
                operations=[OPERATIONS[(first + step) % len(OPERATIONS)] for step in range(operations)],
                allowed=allowed,
                denied=denied,
                records=1,
                first_seen=moment,
                last_seen=moment,
            )
        )

    def works(self, owner: int, day: int, resource: str, mean: float, address: int | None = None) -> None:
        """Write a day of honest work: a few requests, now and then one of them refused."""
        allowed = 3 + int(self.rng.poisson(mean))
        self.calls(owner, day, resource, allowed, int(self.chance(0.02)), address=address, operations=2)


def _service(world: _World, birth: int) -> None:
    """A service with one to four fixed addresses; two of three run in a cloud."""
    size = world.between(1, 4)
    owner = world.settle("service", size, world.clouds if world.chance(0.67) else ())
    first = world.made.callers[owner].first
    resources = world.some_resources(world.between(1, 3))
    for day in range(birth, world.span):
        for address in range(first, first + size):
            if world.chance(0.9):
                world.works(owner, day, resources[world.below(len(resources))], 60, address)


def _identity(world: _World, birth: int) -> None:
    """A managed identity of a subscription outside; without identities in the log it has two addresses."""
    number = len(world.made.callers)
    owner = world.settle("identity", 2, world.clouds, subscription=f"00000000-0000-0000-0000-{number:012d}")
    (resource,) = world.some_resources(1)
    for day in range(birth, world.span):
        world.works(owner, day, resource, 60, world.made.callers[owner].first + world.below(2))


def _services(world: _World) -> None:
    """Twelve services and six identities from the start; then new ones, one of four an identity."""
    for _ in range(12):
        _service(world, 0)
    for _ in range(6):
        _identity(world, 0)
    for day in range(world.span):
        for _ in range(int(world.rng.poisson(world.setting.churn))):
            (_identity if world.chance(0.25) else _service)(world, day)


def _pools(world: _World) -> None:
    """Agents that get any address of a pool each day; some pools are busy, some aren't."""
    for size, fewest, most in ((4096, 40, 160), (1024, 20, 60)):
        if not world.setting.is_aligned:
            size = world.between(size // 3, size)  # noqa: PLW2901
        owner = world.settle("pool", size, world.clouds, is_aligned=world.setting.is_aligned)
        first, agents = world.made.callers[owner].first, world.between(fewest, most)
        resources = world.some_resources(3)
        for day in range(world.span):
            busy = int(world.rng.poisson(agents * (0.3 if world.is_weekend(day) else 1)))
            for offset in world.rng.choice(size, min(busy, size), replace=False).tolist():
                world.works(owner, day, resources[offset % 3], 15, first + offset)


def _laptops(world: _World) -> None:
    """Three offices behind a /28 each, and 25 people at home, whose address changes once a quarter."""
    for _ in range(3):
        owner = world.settle("office", 16, is_aligned=True)
        resources = world.some_resources(3)
        for day in range(world.span):
            used = 1 if world.is_weekend(day) else 8
            for offset in world.rng.choice(16, used, replace=False).tolist():
                world.works(owner, day, resources[offset % 3], 20, world.made.callers[owner].first + offset)
    for _ in range(25):
        owner = world.settle("home", 1, world.providers)
        (resource,) = world.some_resources(1)
        for day in range(world.span):
            if world.chance(1 / 90):
                owner = world.settle("home", 1, world.providers)
            if world.chance(0.1 if world.is_weekend(day) else 0.5):
                world.works(owner, day, resource, 10)


def _jobs(world: _World) -> None:
    """Six jobs that run once a week, and five on the first or the last day of the month."""
    for _ in range(6):
        owner, weekday = world.settle("weekly", 1, world.clouds), world.below(7)
        (resource,) = world.some_resources(1)
        for day in range(world.span):
            if world.date(day).weekday() == weekday:
                world.works(owner, day, resource, 40)
    for _ in range(5):
        owner, is_last = world.settle("monthly", 1, world.clouds), world.chance(0.5)
        (resource,) = world.some_resources(1)
        for day in range(world.span):
            here = world.date(day)
            if here.day == (monthrange(here.year, here.month)[1] if is_last else 1):
                world.works(owner, day, resource, 40)


def _branches(world: _World) -> None:
    """Branch offices with fixed addresses side by side, most of them used each day."""
    for _ in range(world.setting.branches):
        size = world.between(25, 60)
        owner = world.settle("branch", size)
        (resource,) = world.some_resources(1)
        for day in range(world.span):
            for offset in np.flatnonzero(world.rng.random(size) < (0.5 if world.is_weekend(day) else 0.9)).tolist():
                world.works(owner, day, resource, 20, world.made.callers[owner].first + offset)


def _visits(world: _World) -> None:
    """Legit, and gone for good: a migration of a day, an admin in a hotel, a vendor's SAS used once."""
    for day in world.starts(1, 1):
        owner = world.settle("migration")
        for resource in RESOURCES:
            world.calls(owner, day, resource, world.between(100, 400), operations=4)
    for day in world.starts(2, 3):
        owner = world.settle("hotel")
        for night in range(world.between(1, 3)):
            for resource in world.some_resources(world.between(2, 5)):
                world.calls(owner, day + night, resource, world.between(3, 20), operations=5)
    for day in world.starts(2, 1):
        world.calls(world.settle("vendor"), day, world.some_resources(1)[0], world.between(1, 10))


def _scanners(world: _World) -> None:
    """Some 80 new ones a day, a tenth of them near legit callers, each for a day or two; none gets in."""
    for day in world.starts(2400, 2):
        near = world.rng.random()
        owner = world.settle("scanner", 1, world.clouds if near < 0.05 else world.providers if near < 0.1 else ())
        for later in range(world.between(1, 2)):
            for resource in world.some_resources(world.between(1, 3)):
                world.calls(owner, day + later, resource, 0, world.between(1, 9))


def _attackers(world: _World) -> None:
    """Those who got in.

    burst: one or two days, most resources, many operations, about half of it refused.
    slow: twelve days, one resource, a few requests a day, no identity, nobody else in its /24.
    stolen: two to four days with the application of a service, from an address of its own.
    """
    for day in world.starts(1, 2):
        owner = world.settle("burst", 1, world.providers if world.chance(0.5) else ())
        refused = world.rng.uniform(0.2, 0.8)
        for later in range(world.between(1, 2)):
            for resource in world.some_resources(world.between(6, 12)):
                tried = world.between(10, 80)
                denied = int(tried * refused)
                world.calls(owner, day + later, resource, tried - denied, denied, operations=6)
    for day in world.starts(1, 12):
        owner = world.settle("slow", alone_in=256)
        (resource,) = world.some_resources(1)
        for later in range(12):
            world.calls(owner, day + later, resource, world.between(1, 3))
    services = [place for place, caller in enumerate(world.made.callers) if caller.kind == "service"]
    for day in world.starts(1, 4):
        owner = world.settle("stolen", 1, world.providers if world.chance(0.5) else ())
        victim = services[world.below(len(services))]
        for later in range(world.between(2, 4)):
            for resource in world.some_resources(world.between(3, 5)):
                world.calls(owner, day + later, resource, world.between(5, 40), operations=3, app=victim)


_ACTORS: tuple[Callable[[_World], None], ...] = (
    _services, _pools, _laptops, _jobs, _branches, _visits, _scanners, _attackers,
)  # fmt: skip
