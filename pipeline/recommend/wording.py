"""Says in plain words what was chosen for whom, and what would be next best."""

import math
from collections.abc import Mapping, Sequence
from ipaddress import ip_network

from pipeline.recommend import cover
from pipeline.recommend.choice import KINDS, Choice, Option


def sentence(choice: Choice, names: Mapping[str, str] | None = None, *, exposed: str = "") -> str:
    """Say in plain English what was chosen, what it exposes, and what would be next best.

    Args:
        choice: of one caller; those of all callers of one rule read the same.
        names: what people call the resource, perimeter, subscription or tag of that name.
        exposed: what the chosen option opens, where it stands for several.
    """
    said = names or {}
    who = _count(choice.callers, "caller")
    if choice.chosen is None:
        return f"Left denied: {who}; {_why_denied(choice, said)}.{_hint(choice)}"
    elements = _count(choice.chosen.elements, "element") if choice.chosen.elements else "no element"
    other = choice.alternative
    instead = ""
    if other and other.elements > 0 and not other.denied:
        instead = f" instead of {choice.chosen.elements + other.elements:,}"
    what = f"{_TITLES[choice.chosen.kind]}: {who}, {elements}{instead}; {exposed or _exposure(choice.chosen, said)}."
    return f"{what} Next best: {_next_best(choice, said)}.{_hint(choice)}"


_TITLES = {
    "associate": "Association",
    "link": "Link",
    "subscriptions": "Subscription rule",
    "service-tags": "Service tag rule",
    "address-prefixes": "Prefix rule",
}
_NOUNS = {
    "associate": "association",
    "link": "link",
    "subscriptions": "subscription",
    "service-tags": "service tag",
    "address-prefixes": "prefix",
}


def _exposure(option: Option, names: Mapping[str, str]) -> str:
    name = _name(option, names)
    if option.kind == "associate":
        return f"makes {name} a member, which opens the members to it and it to them"
    if option.kind == "link":
        return f"opens the members to every member of perimeter {name}"
    if option.kind == "subscriptions":
        return f"admits every managed identity of subscription {name}"
    if option.kind == "service-tags":
        return f"admits every address of {name}, other customers' too"
    network = ip_network(option.name)
    unit = "address" if network.version == 4 else "/64 network"  # noqa: PLR2004
    return f"admits {_count(2 ** max(0, cover.KEY_BITS[network.version] - network.prefixlen), unit)} of {name}"


def _name(option: Option, names: Mapping[str, str]) -> str:
    short = option.name.rsplit("/", 1)[-1] if option.kind == "associate" else option.name
    return names.get(option.name, short)


def _next_best(choice: Choice, names: Mapping[str, str]) -> str:
    other, chosen = choice.alternative, choice.chosen
    if other is None or chosen is None or not other.options:
        return f"to leave {'it' if choice.callers == 1 else 'them'} denied"
    parts = [_listed(other.options, names)]
    if other.denied:
        parts.append(f"{_count(other.denied, 'caller')} left denied")
    if other.elements:
        parts.append(f"{_count(other.elements, 'element', sign='+')}")
    if not other.denied:
        prices = f"{chosen.cost + other.delta:,.0f}", f"{chosen.cost:,.0f}"
        parts.append("at the same price" if prices[0] == prices[1] else f"price {prices[0]} instead of {prices[1]}")
    if other.is_over_budget:
        parts.append("which the budget doesn't hold")
    return ", ".join(parts)


def _listed(options: Sequence[Option], names: Mapping[str, str]) -> str:
    """Name an only option; of several, and of prefixes that are one option together, say how many they are."""
    counts = {kind: sum(max(1, option.elements) for option in options if option.kind == kind) for kind in KINDS}
    if sum(counts.values()) == 1:
        return f"{_NOUNS[options[0].kind]} {_name(options[0], names)}"
    words = [_count(count, _NOUNS[kind]) for kind, count in counts.items() if count]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _why_denied(choice: Choice, names: Mapping[str, str]) -> str:
    other = choice.alternative
    if other is None:
        return "no rule can admit them" if choice.callers > 1 else "no rule can admit it"
    cheapest = _listed(other.options, names)
    if other.is_over_budget:
        return f"the budget doesn't hold {cheapest} as well"
    price = math.fsum(option.cost for option in other.options)
    return f"{cheapest} costs {price:,.0f}, and admitting is worth {price - other.delta:,.0f}"


def _hint(choice: Choice) -> str:
    return " Close: your call." if choice.is_close else ""


def _count(number: int, noun: str, *, sign: str = "") -> str:
    plural = noun if abs(number) == 1 else noun + ("es" if noun.endswith(("s", "x")) else "s")
    return f"{number:{sign},} {plural}"
