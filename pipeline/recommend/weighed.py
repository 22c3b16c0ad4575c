"""What a proposal was weighed against: the next best way, what it would cost more, and whether a person should look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.recommend import cover
from pipeline.recommend.candidates import AZURE_ADDRESS
from pipeline.recommend.choice import CLOSE, Alternative, Choice, Option
from pipeline.recommend.cover import Network
from pipeline.recommend.need import Need
from pipeline.recommend.prefixes import cheapest, keys_by_version
from pipeline.recommend.wording import sentence

Wildcard = tuple[str, int]
"""A pattern of host names, and how many of the names seen it would stand for."""
PREFIXES, LEFT_DENIED = "address-prefixes", "leave-denied"


@dataclass(frozen=True, slots=True)
class Weighed:
    """The choice behind a proposal, as the JSON contract has it. Costs are in address-equivalents.

    Args:
        chosen: kind of the proposal.
        sentence: what was chosen, what that opens, and what would be next best.
        cost: None where nothing was priced.
        runner_up: kind of the next best; None where there is none.
        cost_difference: what it would cost more; None where that has no price, as leaving callers denied hasn't.
        your_call: the next best is so close that a person should look at both; never between prefixes, which the
            price of a rule settles.
    """

    chosen: str
    sentence: str
    cost: float | None = None
    runner_up: str | None = None
    cost_difference: float | None = None
    your_call: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "chosen": self.chosen,
            "cost": _rounded(self.cost),
            "runner_up": self.runner_up,
            "cost_difference": _rounded(self.cost_difference),
            "your_call": self.your_call,
            "sentence": self.sentence,
        }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)


def weighed(choice: Choice, names: Mapping[str, str], *, exposed: str = "") -> Weighed:
    """Return what a choice was weighed against.

    Args:
        choice: of the callers of one proposal.
        names: what people call the perimeter of a GUID.
        exposed: what the rule opens, where it isn't one option by itself.
    """
    other = choice.alternative
    is_priced = choice.chosen is not None and other is not None and bool(other.options) and not other.denied
    option = choice.chosen or (other.options[0] if other else None)
    instead = other.options[0].kind if other and other.options and choice.chosen else LEFT_DENIED
    return Weighed(
        chosen=option.kind if option else LEFT_DENIED,
        sentence=sentence(choice, names, exposed=exposed),
        cost=option.cost if option else None,
        runner_up=instead,
        cost_difference=other.delta if is_priced and other else None,
        your_call=choice.is_close and is_priced,
    )


def weighed_prefixes(
    inside: Mapping[Network, Sequence[Need]], rule_cost: float, ways: frozenset[Option], label: str = ""
) -> Weighed:
    """Return what one rule of prefixes was weighed against: the next best prefixes for its callers, or another kind.

    Args:
        inside: the prefixes, apart from one another, with the callers that each holds.
        rule_cost: what a prefix costs beside the addresses that it opens.
        ways: the other options that would admit all of them.
        label: whom the rule is for.
    """
    cost = 0.0
    best: Alternative | None = None
    for prefix, mine in inside.items():
        keys = _keys(mine)
        shared = [need for need in mine if need.is_azure or need.service_tags]
        price = _size(prefix) - len(keys) + rule_cost
        cost += price + (AZURE_ADDRESS * len(_keys(shared)) if shared else 0.0)
        narrower = [
            Option(PREFIXES, str(network), each, 1)
            for each, network in cheapest(keys, prefix.version, rule_cost, may_be_one=False)
        ]
        delta = sum(option.cost for option in narrower) - price
        if narrower and (best is None or delta < best.delta):
            best = Alternative(tuple(narrower), 0, delta, len(narrower) - 1, is_over_budget=False)
    for option in sorted(ways, key=lambda each: (each.cost, each.kind, each.name)):
        if best is None or option.cost - cost < best.delta:
            best = Alternative((option,), 0, option.cost - cost, option.elements - len(inside), is_over_budget=False)
    chosen = Option(PREFIXES, str(min(inside, key=str)), cost, len(inside))
    is_other_kind = best is not None and best.options[0].kind != PREFIXES
    is_close = best is not None and is_other_kind and best.delta <= CLOSE * cost
    callers = sum(len(mine) for mine in inside.values())
    choice = Choice("", chosen, best.options[0] if best else None, best.delta if best else 0.0, is_close, callers, best)
    opened = sum(_size(prefix) for prefix in inside)
    several = f"admits {opened:,} addresses in {len(inside):,} prefixes" + (f" of {label}" if label else "")
    return weighed(choice, {}, exposed=several if len(inside) > 1 else "")


def weighed_host(host: str, wildcard: Wildcard | None) -> Weighed:
    """Return what the exact name of a host was weighed against: a wildcard, where there may be one, or nothing.

    Nothing is priced: nobody can say how many names a wildcard opens. So it never goes before exact names by itself.
    """
    what = f"Host rule: 1 name, 1 element; lets data out to {host} alone."
    if wildcard is None:
        return Weighed("fqdns", f"{what} Next best: to leave it denied.", runner_up=LEFT_DENIED)
    pattern, names = wildcard
    instead = (
        f"Next best: {pattern} for {names:,} names, {1 - names:+,} elements; lets data out to every name below "
        f"{pattern.removeprefix('*.')}, and no source says that the service takes wildcards. Your call."
    )
    return Weighed("fqdns", f"{what} {instead}", runner_up="fqdns", your_call=True)


def _keys(callers: Sequence[Need]) -> list[int]:
    """Return the keys of callers at addresses of one version."""
    (keys,) = keys_by_version(need.key for need in callers).values()
    return keys


def _size(prefix: Network) -> int:
    return int(2 ** max(0, cover.KEY_BITS[prefix.version] - prefix.prefixlen))
