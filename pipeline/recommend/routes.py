"""Which kind of rule each caller falls under, chosen for all of them at once before anything is proposed.

A caller that the log names as an Azure resource can be admitted in several ways (`candidates`), and one rule may
admit many callers; `choice` takes the cheapest set. One that is an address and nothing more has one way only, a prefix,
and which prefix is the cover's question: such callers take no part. Of the budget, those named here are served first,
as one element of theirs admits all the addresses that a resource ever has; the prefixes share what is left.

What is chosen is kept as routes, so that the replay of a past week sorts that week's callers as the proposals of its
time did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from pipeline.recommend import candidates
from pipeline.recommend.allot import SPARSE, Limits
from pipeline.recommend.bounds import bound_exceeded
from pipeline.recommend.candidates import MEMBERSHIPS, Estate
from pipeline.recommend.choice import Caller, Choice, Option, choose
from pipeline.recommend.need import IDENTITY_REFUSED, MOSTLY_DENIED, CallerDay, is_beyond_rules
from pipeline.recommend.prefixes import narrowest, prefix_options
from pipeline.recommend.price import DEFAULT
from pipeline.recommend.profile import Profile

PREFIXES = "address-prefixes"
_MOST_VALUE = 9
"""Where the budget doesn't suffice, the busiest caller counts for so many callers more than one with a request."""


@dataclass(frozen=True, slots=True)
class Who:
    """A caller as the log names it.

    Args:
        resource: ARM id.
        subscription: its subscription.
        perimeters: GUIDs of its perimeters, as logged.
        is_refused: a rule in force names its subscription and doesn't admit it, so it calls with a key or SAS.
        address: where nothing else names it.
    """

    resource: str = ""
    subscription: str = ""
    perimeters: str = ""
    is_refused: bool = False
    address: str = ""


Place = tuple[Who, str]
"""A caller at one of its public addresses, "" where it has none: what one option has to serve."""


@dataclass(slots=True)
class _Seen:
    """What was seen of a caller: requests, what it called, and its addresses with requests and service tag."""

    allowed: int = 0
    denied: int = 0
    targets: set[str] = field(default_factory=set)
    at: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, row: CallerDay) -> None:
        self.allowed += row.allowed
        self.denied += row.denied
        self.targets.add(row.service_resource or "")
        address = _public(row)
        before, tag = self.at.get(address, (0, ""))
        self.at[address] = before + row.allowed, max(tag, row.service_tag or "")

    @property
    def is_user(self) -> bool:
        """It mostly succeeds."""
        return self.allowed > 0 and self.denied < MOSTLY_DENIED * (self.allowed + self.denied)


class Routes:
    """What was chosen for whom; made by `routes`.

    Args:
        subscriptions: of the perimeter and its resources.
        estate: what lies around.
        limits: as for proposals.
    """

    def __init__(self, subscriptions: frozenset[str], estate: Estate, limits: Limits) -> None:
        self._own = subscriptions
        self._estate = estate
        self._limits = limits
        self.rule_cost = DEFAULT if limits.rule_cost is None else limits.rule_cost
        self._choices: dict[Place, Choice] = {}
        self._ways: dict[str, frozenset[Option]] = {}
        self._by_option: dict[tuple[str, str], Choice] = {}
        self.over: set[tuple[str, str]] = set()

    def choose(self, rows: Sequence[CallerDay], budget: int) -> None:
        """Choose for all callers in some rows that a rule or a membership may admit in more ways than by address."""
        seen: dict[Who, _Seen] = {}
        for row in rows:
            if who := self._who(row):
                seen.setdefault(who, _Seen()).add(row)
        ways: dict[Place, set[Option]] = {}
        for who, mine in seen.items():
            served = [at for at, (allowed, _) in mine.at.items() if allowed] if mine.is_user else []
            ways.update({(who, at): found for at in served if (found := self._ways_of(who, at, mine))})
        if not ways:
            return
        prefixes = self._prefixes({at for _, at in ways if at})
        callers = self._callers({place: found | prefixes.get(place[1], set()) for place, found in ways.items()}, seen)
        made = dict(zip(ways, choose(callers, budget), strict=True))
        admitted: dict[tuple[str, str], set[Who]] = {}
        for (who, _), each in made.items():
            admitted.setdefault(_key(_taken(each)), set()).add(who)
        for place, each in made.items():
            key = _key(_taken(each))
            self._choices[place] = told = replace(each, callers=len(admitted[key]))
            self._by_option.setdefault(key, told)
            if each.chosen is None:
                self.over.add(key)
            if key[0] == PREFIXES:
                self._ways[place[1]] = self._ways.get(place[1], frozenset(ways[place])) & ways[place]

    def of(self, row: CallerDay) -> tuple[str, str] | None:
        """Return kind and key of the rule or membership for a row; None where its address or nothing will do.

        Who came later falls under what was chosen for others, where that admits him as well.
        """
        who = self._who(row)
        if who is None:
            return None
        address = _public(row)
        if made := self._choices.get((who, address)):
            option = _taken(made)
            return (PREFIXES, address) if option.kind == PREFIXES else (option.kind, option.name)
        lone = _Seen()
        lone.add(row)
        ways = self._ways_of(who, address, lone)
        for option in sorted(ways, key=lambda each: (each.cost, each.name)):
            if _key(option) in self._by_option and _key(option) not in self.over:
                return _key(option)
        if address and not any(option.kind == "subscriptions" for option in ways):
            return PREFIXES, address
        return None

    def choice_of(self, kind: str, key: str) -> Choice | None:
        """Return what was chosen with a rule or membership; None where there was nothing to choose."""
        return self._by_option.get((kind, key))

    def ways_beside(self, address: str) -> frozenset[Option]:
        """Return the other ways in which all callers at an address could have been admitted."""
        return self._ways.get(address, frozenset())

    def elements(self) -> int:
        """Return how many elements of the budget are taken by what was chosen."""
        chosen = self._by_option.keys() - self.over
        return sum(kind not in {PREFIXES, *MEMBERSHIPS} for kind, _ in chosen)

    def _who(self, row: CallerDay) -> Who | None:
        if not (row.source_subscription or row.source_resource or row.source_perimeters):
            by_tag = self._limits.service_tags and row.service_tag and _public(row) and not is_beyond_rules(row)
            return Who(address=_public(row)) if by_tag else None
        if is_beyond_rules(row):
            return None
        return Who(
            row.source_resource or "",
            row.source_subscription or "",
            row.source_perimeters or "",
            row.reason == IDENTITY_REFUSED,
        )

    def _ways_of(self, who: Who, address: str, seen: _Seen) -> set[Option]:
        """Return the ways to admit a caller at an address, but for prefixes."""
        found: set[Option] = set()
        if not who.is_refused:
            if self._limits.memberships:
                found.update(self._memberships(who, seen))
            if who.subscription and self._allows("subscriptions", who.subscription):
                is_own = who.subscription in self._own
                found.add(candidates.subscription(who.subscription, self.rule_cost, is_own=is_own))
        tag = seen.at[address][1]
        if self._limits.service_tags and tag and all(candidates.honours_tags(each) for each in seen.targets):
            found.update([candidates.service_tag(tag, self.rule_cost)] if self._allows("service-tags", tag) else [])
        return found

    def _memberships(self, who: Who, seen: _Seen) -> list[Option]:
        resource = candidates.associable(who.resource)
        guids = {*candidates.guids_of(who.perimeters), self._estate.member_of.get(resource or who.resource, "")}
        others = guids - {"", self._estate.own_guid}
        if others:
            if not all(candidates.honours_links(each) for each in seen.targets):
                return []
            return [candidates.link(guid) for guid in others - self._estate.linked]
        return [candidates.associate(resource)] if resource and who.subscription in self._own else []

    def _allows(self, kind: str, element: str) -> bool:
        bounds = self._limits.bounds
        return bounds is None or bound_exceeded(kind, element, bounds) is None

    def _prefixes(self, addresses: set[str]) -> dict[str, set[Option]]:
        """Return the prefixes for some addresses, without a thought for refused ones in them.

        That makes some of them look cheaper than they are, by nothing beside what an address of Azure's costs; those
        that are proposed in the end are the cover's, which knows all that they have to hold and must not.
        """
        wanted = {at: ip_address(at) for at in sorted(addresses) if self._allows(PREFIXES, str(narrowest(at)))}
        found = prefix_options(
            wanted.values(),
            self.rule_cost,
            self._limits.widest_v4,
            self._limits.widest_v6,
            (),
            sparsest=SPARSE,
            surcharge=candidates.AZURE_ADDRESS,
        )
        return {at: set(found[parsed]) for at, parsed in wanted.items()}

    def _callers(self, ways: dict[Place, set[Option]], seen: dict[Who, _Seen]) -> list[Caller]:
        """Return the callers, each worth more than its admission costs, and the more the more it calls."""
        least = 2 * (candidates.SERVICE_TAG + self.rule_cost)  # no way for one caller alone is dearer
        requests = {(who, at): seen[who].at[at][0] for who, at in ways}
        most = max(1, *requests.values())
        return [
            Caller(str(number), least * (1 + _MOST_VALUE * requests[place] / most), frozenset(found))
            for number, (place, found) in enumerate(ways.items())
        ]


def routes(profile: Profile, rows: Sequence[CallerDay], limits: Limits) -> Routes:
    """Choose for the callers of one direction of one profile; outbound there is nothing to choose.

    Raises:
        ChoiceError: the solver gave up.
    """
    found = Routes(profile.subscriptions, profile.estate, limits)
    if profile.direction == "Inbound":
        found.choose(rows, max(0, limits.max_elements - limits.reserve - profile.elements_in_force))
    return found


def _public(row: CallerDay) -> str:
    return row.source_ip if row.source_ip and row.source_network == "public" else ""


def _key(option: Option) -> tuple[str, str]:
    return (option.kind, "") if option.kind == PREFIXES else (option.kind, option.name)


def _taken(choice: Choice) -> Option:
    """Return the chosen option; where the budget holds none, the one that it would have been."""
    option = choice.chosen or (choice.alternative.options[0] if choice.alternative else None)
    if option is None:
        raise AssertionError("who has no way to be admitted takes no part")
    return option
