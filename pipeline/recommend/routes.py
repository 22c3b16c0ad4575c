"""Which kind of rule each caller falls under, chosen for all of them at once before anything is proposed.

A caller that the log names as an Azure resource can be admitted in several ways (`candidates`), and one rule may
admit many callers; `choice` takes the cheapest set. One that is an address and nothing more has one way only, a prefix,
and which prefix is the cover's question: such callers take no part. Of the budget, those named here are served first,
as one element of theirs admits all the addresses that a resource ever has; the prefixes share what is left.

What is chosen is kept as routes, so that the replay of a past week sorts that week's callers as the proposals of its
time did.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pipeline.recommend import candidates
from pipeline.recommend.allot import Limits
from pipeline.recommend.bounds import bound_exceeded
from pipeline.recommend.caller_days import CallerDays, LoggedCaller
from pipeline.recommend.candidates import MEMBERSHIPS, Estate
from pipeline.recommend.choice import Caller, Choice, Option, choose
from pipeline.recommend.need import IDENTITY_REFUSED, MOSTLY_DENIED, is_beyond_rules
from pipeline.recommend.prefixes import cheapest, keys_by_version, narrowest
from pipeline.recommend.price import DEFAULT
from pipeline.recommend.profile import Profile

PREFIXES = "address-prefixes"
_MOST_VALUE = 9
"""Where the budget doesn't suffice, the busiest caller counts for so many callers more than one with a request."""


@dataclass(frozen=True, slots=True, order=True)
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


@dataclass(slots=True)
class _Seen:
    """What was seen of a caller: requests, what it called, and its addresses with requests and service tag."""

    allowed: int = 0
    denied: int = 0
    targets: set[str] = field(default_factory=set)
    at: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, seen: CallerDays) -> None:
        allowed = sum(seen.allowed)
        self.allowed += allowed
        self.denied += sum(seen.denied)
        self.targets.add(seen.caller.service_resource or "")
        before, tag = self.at.get(seen.caller.address, (0, ""))
        self.at[seen.caller.address] = before + allowed, max(tag, seen.caller.service_tag or "")

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
        self._choices: dict[Who, Choice] = {}
        self._ways: dict[str, frozenset[Option]] = {}
        self._by_option: dict[tuple[str, str], Choice] = {}
        self.over: set[tuple[str, str]] = set()

    def choose(self, seen: Iterable[CallerDays], budget: int) -> None:
        """Choose for all callers that a rule or a membership may admit in more ways than by address."""
        by_who: dict[Who, _Seen] = {}
        for one in seen:
            if who := self._who(one.caller):
                by_who.setdefault(who, _Seen()).add(one)
        users = {who: mine for who, mine in sorted(by_who.items()) if mine.is_user}
        ways = {who: found for who, mine in users.items() if (found := self._ways_of(who, mine))}
        made = dict(zip(ways, choose(self._callers(ways, users), budget), strict=True))
        admitted = Counter(_key(_taken(each)) for each in made.values())
        for who, each in made.items():
            key = _key(_taken(each))
            self._choices[who] = told = replace(each, callers=admitted[key])
            self._by_option.setdefault(key, told)
            if each.chosen is None:
                self.over.add(key)
            for address in users[who].at if key[0] == PREFIXES else ():
                self._ways[address] = self._ways.get(address, frozenset(ways[who])) & ways[who]

    def of(self, seen: CallerDays) -> tuple[str, str] | None:
        """Return kind and key of the rule or membership for a caller; None where its address or nothing will do.

        Who came later falls under what was chosen for others, where that admits him as well.
        """
        who = self._who(seen.caller)
        if who is None:
            return None
        address = seen.caller.address
        if made := self._choices.get(who):
            key = _key(_taken(made))
            return key if key[0] != PREFIXES else (PREFIXES, address) if address else None
        lone = _Seen()
        lone.add(seen)
        ways = self._ways_of(who, lone)
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

    def _who(self, caller: LoggedCaller) -> Who | None:
        if not (caller.source_subscription or caller.source_resource or caller.source_perimeters):
            by_tag = self._limits.service_tags and caller.service_tag and caller.address and not is_beyond_rules(caller)
            return Who(address=caller.address) if by_tag else None
        if is_beyond_rules(caller):
            return None
        return Who(
            caller.source_resource or "",
            caller.source_subscription or "",
            caller.source_perimeters or "",
            caller.reason == IDENTITY_REFUSED,
        )

    def _ways_of(self, who: Who, seen: _Seen) -> set[Option]:
        """Return the ways to admit a caller, but for prefixes."""
        found: set[Option] = set()
        if not who.is_refused:
            if self._limits.memberships:
                found.update(self._memberships(who, seen))
            if who.subscription and self._allows("subscriptions", who.subscription):
                is_own = who.subscription in self._own
                found.add(candidates.subscription(who.subscription, self.rule_cost, is_own=is_own))
        if self._limits.service_tags and all(candidates.honours_tags(each) for each in seen.targets):
            tag, *others = {tag for _, tag in seen.at.values()}
            if tag and not others and "" not in seen.at and self._allows("service-tags", tag):
                found.add(candidates.service_tag(tag, self.rule_cost))
        return found

    def _memberships(self, who: Who, seen: _Seen) -> list[Option]:
        resource = candidates.associable(who.resource)
        guids = {*candidates.guids_of(who.perimeters), self._estate.member_of.get(resource or who.resource, "")}
        others = guids - {"", self._estate.own_guid}
        if others:
            if not all(candidates.honours_links(each) for each in seen.targets):
                return []
            return [candidates.link(guid) for guid in others - self._estate.linked]
        return [candidates.associate(resource)] if resource and resource.split("/")[2] in self._own else []

    def _allows(self, kind: str, element: str) -> bool:
        bounds = self._limits.bounds
        return bounds is None or bound_exceeded(kind, element, bounds) is None

    def _prefixes(self, seen: _Seen) -> list[Option]:
        """Return the prefixes that would admit a caller, as one way; none where a place of it can't be named.

        An estimate: those that are proposed in the end are the cover's, which knows all that they have to hold and
        must not.
        """
        served = [address for address, (allowed, _) in seen.at.items() if allowed]
        if not all(address and self._allows(PREFIXES, str(narrowest(address))) for address in served):
            return []
        keys = keys_by_version(served)
        found = [each for version, mine in keys.items() for each in cheapest(mine, version, self.rule_cost)]
        cost = sum(cost for cost, _ in found) + candidates.AZURE_ADDRESS * sum(map(len, keys.values()))
        return [Option(PREFIXES, " ".join(str(network) for _, network in found), cost, len(found))]

    def _callers(self, ways: Mapping[Who, set[Option]], seen: Mapping[Who, _Seen]) -> list[Caller]:
        """Return the callers, each worth more than its admission costs in any way, and the more the more it calls."""
        options = {who: frozenset(found).union(self._prefixes(seen[who])) for who, found in ways.items()}
        dearest = max((option.cost for found in options.values() for option in found), default=0.0)
        most = max((seen[who].allowed for who in ways), default=1)
        return [
            Caller(str(number), 2 * dearest * (1 + _MOST_VALUE * seen[who].allowed / most), found)
            for number, (who, found) in enumerate(options.items())
        ]


def routes(profile: Profile, seen: Iterable[CallerDays], limits: Limits) -> Routes:
    """Choose for the callers of one direction of one profile; outbound there is nothing to choose.

    Raises:
        ChoiceError: the solver gave up.
    """
    found = Routes(profile.subscriptions, profile.estate, limits)
    if profile.direction == "Inbound":
        found.choose(seen, limits.room(profile.elements_in_force))
    return found


def _key(option: Option) -> tuple[str, str]:
    return (option.kind, "") if option.kind == PREFIXES else (option.kind, option.name)


def _taken(choice: Choice) -> Option:
    """Return the chosen option; where the budget holds none, the one that it would have been."""
    option = choice.chosen or (choice.alternative.options[0] if choice.alternative else None)
    if option is None:
        raise AssertionError("who has no way to be admitted takes no part")
    return option
