"""The one matcher of access rules: does a rule set admit this address, subscription or host name?

A perimeter has only allow rules, without priorities: whatever one rule admits is admitted (Microsoft Learn,
"What is a network security perimeter"). Host names are matched exactly and without regard to case; no
published source states how the service matches wildcards, so none is honoured here.
"""

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import ip_address

from pipeline.addresses import read_prefix


class RuleSet:
    """The elements of the rules of one profile and direction, ready to be asked.

    Args:
        elements: (kind, element) pairs; the kinds are those of inventory_rule_element and of proposals.
            Elements that can't be read match nothing.
    """

    def __init__(self, elements: Iterable[tuple[str, str]] = ()) -> None:
        prefixes: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        self._subscriptions: set[str] = set()
        self._hosts: set[str] = set()
        self.size = 0
        for kind, element in elements:
            self.size += 1
            if kind == "address-prefixes":
                if network := read_prefix(element):
                    span = (int(network.network_address), int(network.broadcast_address))
                    prefixes[network.version].append(span)
            elif kind == "subscriptions":
                self._subscriptions.add(subscription_id(element))
            elif kind == "fqdns":
                self._hosts.add(element.lower())
        self._starts: dict[int, list[int]] = {}
        self._ends: dict[int, list[int]] = {}
        for version, spans in prefixes.items():
            merged = _merged(spans)
            self._starts[version] = [start for start, _ in merged]
            self._ends[version] = [end for _, end in merged]

    def admits_address(self, text: str) -> bool:
        """Whether an address (in its canonical form) lies in a prefix."""
        try:
            address = ip_address(text)
        except ValueError:
            return False
        value = int(address)
        index = bisect_right(self._starts[address.version], value) - 1
        return index >= 0 and value <= self._ends[address.version][index]

    def admits_subscription(self, subscription: str) -> bool:
        """Whether a subscription id is named by a rule."""
        return subscription_id(subscription) in self._subscriptions

    def admits_host(self, host: str) -> bool:
        """Whether a host name is named by a rule."""
        return host.lower() in self._hosts


def subscription_id(element: str) -> str:
    """Return the bare subscription id of `/subscriptions/<id>` or `<id>`, lower case."""
    return element.strip().lower().removeprefix("/subscriptions/").partition("/")[0]


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that touch or overlap, so that one bisection answers."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
