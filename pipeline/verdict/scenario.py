"""Asks the verdict engine 'what if': other rules, another access mode, other traffic in the place of what is.

The engine is one query, queries/verdict/verdict.sql, over the tables of traffic, rules and inventory. Within a
scenario temporary tables stand in the place of some of them; nothing is written to the warehouse.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from pipeline import addresses
from pipeline.errors import UsageError
from pipeline.inventory import hosts, rules
from pipeline.inventory.rules import RuleElement, RuleSet
from pipeline.store import Store
from pipeline.tables import ADDRESS, MEMBER_HOST, RULE_NAME, RULE_SPAN, SCENARIO, TRAFFIC

ENFORCED = "Enforced"


@contextmanager
def scenario(
    store: Store,
    tried: RuleSet | None = None,
    *,
    access_mode: str | None = None,
    public_network_access: str | None = None,
) -> Iterator[None]:
    """Have the view `verdict` judge under other rules and modes, for the length of the block.

    Args:
        store: the warehouse; read-only will do.
        tried: all rules, those in force that stay included; None for the rules in force.
        access_mode: of all associations; None for what each is.
        public_network_access: of all resources; None for what each is.

    Raises:
        UsageError: there is no such mode.
    """
    _check(store, access_mode, public_network_access)
    with ExitStack() as stack:
        stack.enter_context(store.temporary(SCENARIO, [(access_mode, public_network_access)]))
        members = store.rows("verdict/member")
        names = sorted({(row[0], host, row[1]) for row in members for host in hosts.names_of(row[1])})
        stack.enter_context(store.temporary(MEMBER_HOST, names))
        if tried is not None:
            spans, named = rules.matchable(store, tried, rules.in_force(store))
            stack.enter_context(store.temporary(RULE_SPAN, spans))
            stack.enter_context(store.temporary(RULE_NAME, named))
        yield


def _check(store: Store, *words: str | None) -> None:
    """Refuse a mode that the decision matrix doesn't know: under it nothing would be judged, so nothing denied."""
    cells = store.rows("verdict/decision_matrix")
    for place, word in enumerate(words):
        known = sorted({row[place] for row in cells})
        if word is not None and word.lower() not in {each.lower() for each in known}:
            raise UsageError(f"There is no mode {word!r}; there are {', '.join(known)}.")


@dataclass(frozen=True, slots=True)
class Party:
    """What rules look at: a caller of a resource, or a destination."""

    perimeter: str
    profile: str
    direction: str
    source_ip: str | None = None
    source_subscription: str | None = None
    destination_fqdn: str | None = None
    service_resource: str | None = None


def admitting_rules(store: Store, parties: Sequence[Party], elements: Sequence[RuleElement]) -> list[str | None]:
    """Return for each party the name of a rule that admits it; None where none does.

    Args:
        store: whose engine is asked; its traffic plays no part.
        parties: callers and destinations, as seen in public traffic.
        elements: the rules to try.
    """
    if not parties:
        return []
    flows = [_flow(number, party) for number, party in enumerate(parties)]
    texts = sorted({party.source_ip for party in parties if party.source_ip})
    known = [(text, text, None, str(addresses.number(ip_address(text))), addresses.PUBLIC) for text in texts]
    with (
        store.temporary(TRAFFIC, flows),
        store.temporary(ADDRESS, known),
        scenario(store, RuleSet(tuple(elements)), access_mode=ENFORCED),
    ):
        found = dict(store.rows("verdict/admitting_rules"))
    return [found.get(number) for number in range(len(parties))]


def _flow(number: int, party: Party) -> list[object]:
    """Return one made-up flow of a party, as a row of traffic; its number stands where the requests do."""
    moment = "2000-01-01"
    told = {
        "hour": moment,
        "source_kind": "scenario",
        "perimeter": party.perimeter,
        "profile": party.profile,
        "service_resource": party.service_resource,
        "category": f"NspPublic{party.direction}ResourceRulesAllowed",
        "direction": party.direction,
        "traffic_type": "Public",
        "action": "Approved",
        "rule_origin": "Resource",
        "source_ip": party.source_ip,
        "source_network": addresses.PUBLIC if party.source_ip else None,
        "source_subscription": party.source_subscription,
        "caller_kind": "unknown",
        "destination_fqdn": party.destination_fqdn,
        "records": 1,
        "requests": number,
        "first_seen": moment,
        "last_seen": moment,
    }
    return [told.get(column.name) for column in TRAFFIC.columns]
