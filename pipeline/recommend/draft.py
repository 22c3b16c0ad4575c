"""Writes proposals: what is proposed in plain words, with its flags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address

import numpy as np

from pipeline.recommend import cover
from pipeline.recommend.allot import SPARSE, Limits, holders, place_of
from pipeline.recommend.cover import Network
from pipeline.recommend.hostnames import Question
from pipeline.recommend.need import Need
from pipeline.recommend.profile import Profile
from pipeline.recommend.proposal import OVER_BUDGET, Proposal, days_flags
from pipeline.recommend.refusals import refused_elsewhere, refused_lately
from pipeline.recommend.risk import Risk
from pipeline.recommend.routes import Routes
from pipeline.recommend.standing import as_one, by_place
from pipeline.recommend.weighed import Weighed, Wildcard, weighed, weighed_host, weighed_prefixes
from pipeline.text import first_of

IPV4 = 4


@dataclass(frozen=True, slots=True)
class Draft:
    """Makes the proposals of one direction of one profile.

    Args:
        profile: the direction and profile.
        days_observed: days on which it was seen at all.
        limits: what bounds proposals.
        risks: how odd the callers look, by key.
        learnt: what was chosen for whom.
    """

    profile: Profile
    days_observed: int
    limits: Limits
    risks: Mapping[str, Risk]
    learnt: Routes

    def subscription(self, need: Need, *, over: bool) -> Proposal:
        """Propose a rule for the managed identities of a subscription."""
        refused = need.refused
        also = f"; {_names_of(refused)} {'is' if len(refused) == 1 else 'are'} refused today" if refused else ""
        reason = (
            f"{_names_of(need.callers - refused)}; admits every managed identity of the subscription, but no SAS, key "
            f"or user token{also}"
        )
        flags = [*(["holds-a-refused-caller"] if refused else []), *_over(over=over)]
        made = self._proposal("subscriptions", (f"/subscriptions/{need.key}",), [need], reason, flags=flags)
        return replace(made, choice=self._weighed(need))

    def service_tag(self, need: Need, *, over: bool) -> Proposal:
        """Propose a rule for a service tag, to be asked about: other customers have its addresses as well."""
        reason = (
            f"{len(need.addresses):,} addresses of {need.key}; admits all of that service, other customers' as well, "
            "and only to Key Vault and Azure Monitor (preview)"
        )
        made = self._proposal("service-tags", (need.key,), [need], reason, flags=["azure-address", *_over(over=over)])
        return replace(made, choice=self._weighed(need))

    def membership(self, need: Need) -> Proposal:
        """Say what to associate or link, so that no rule is needed; until that is done, the callers are open."""
        what = {
            "associate": f"associate {need.key.rsplit('/', 1)[-1]} with this perimeter",
            "link": f"link this perimeter with {self._names.get(need.key, need.key)}",
        }[need.kind]
        why = (
            f"{what}: its callers need no rule then, if they use their managed identities (no key, no SAS); enforced "
            "before that is done, they are denied"
        )
        return replace(self.note(need.kind, [need], why, topic=need.key), choice=self._weighed(need))

    @property
    def _names(self) -> dict[str, str]:
        """What people call the perimeters."""
        return {guid: arm_id.rsplit("/", 1)[-1] for guid, arm_id in self.profile.estate.perimeters.items()}

    def _weighed(self, need: Need) -> Weighed | None:
        choice = self.learnt.choice_of(need.kind, need.key)
        return weighed(choice, self._names) if choice else None

    def host(self, need: Need, asked: Sequence[Question], wildcard: Wildcard | None, *, over: bool) -> Proposal:
        """Propose a rule for one host name.

        Args:
            need: the destination.
            asked: why a person should look at the name.
            wildcard: the pattern that would stand for it and others, where the policy allows any.
            over: the elements don't suffice for it.
        """
        services = ", ".join(sorted(resource.rsplit("/", 1)[-1] for resource in need.served_by))
        reason = "; ".join([f"called by {services}", *(each.sentence for each in asked)])
        flags = [*(each.flag for each in asked), *_over(over=over)]
        made = self._proposal("fqdns", (need.key,), [need], reason, flags=flags)
        return replace(made, choice=weighed_host(need.key, wildcard))

    def beyond_policy(self, found: list[Need], bound: str) -> Proposal:
        """Say for whom the policy allows no rule."""
        why = f"policy.toml allows no rule for them ({bound}): change it, or let them call in another way"
        return self.note("cannot-fix", found, why, topic=f"policy {bound}")

    def rules(
        self,
        prefixes: Sequence[Network],
        callers: Sequence[Need],
        refused: set[str],
        rule_cost: float,
        network: str = "",
    ) -> list[Proposal]:
        """Propose prefixes for the callers that they hold: a rule each, or one for all of a known network."""
        inside: dict[Network, list[Need]] = {prefix: [] for prefix in sorted(prefixes, key=lambda p: (p.version, p))}
        for need, prefix in zip(callers, holders(prefixes, [place_of(need.key) for need in callers]), strict=True):
            if prefix is not None:
                inside[prefix].append(need)
        if network and inside:
            return [self._weigh(self._rule(inside, refused, network), inside, rule_cost)]
        return [
            self._weigh(self._rule({prefix: mine}, refused), {prefix: mine}, rule_cost)
            for prefix, mine in inside.items()
        ]

    def _weigh(self, rule: Proposal, inside: Mapping[Network, Sequence[Need]], rule_cost: float) -> Proposal:
        ways = [self.learnt.ways_beside(need.key) for need in rule.needs]
        common = ways[0].intersection(*ways[1:]) if ways else frozenset()
        return replace(rule, choice=weighed_prefixes(inside, rule_cost, common, rule.label))

    def _rule(self, inside: Mapping[Network, Sequence[Need]], refused: set[str], network: str = "") -> Proposal:
        found = [need for mine in inside.values() for need in mine]
        extra = 0
        flags: list[str] = []
        for prefix, mine in inside.items():
            keys, total = _sizes(prefix, mine)
            extra += total - keys
            if total > cover.most_keys(np.array(keys), SPARSE):
                flags.append("sparse")
            if prefix.version != IPV4 and any(":" in text and ip_address(text) in prefix for text in refused):
                flags.append("holds-a-refused-address")
        reason = _size_in_words(inside, extra) if not network else _network_in_words(network, inside, extra)
        if tags := sorted(set().union(*(need.service_tags for need in found))):
            flags.append("azure-address")
            reason += f"; of Azure's {', '.join(tags[:3])}, which other customers share"
        elif any(need.is_azure and not need.is_key_suspected for need in found):
            flags.append("azure-address")
            reason += "; of an Azure resource that no subscription rule may admit, and addresses of Azure's are shared"
        if any(need.is_same_region for need in found):
            flags.append("same-region")
            reason += "; in the resource's own region, where address rules may not match"
        if any(need.is_key_suspected for need in found):
            flags.append("key-or-sas")
            reason += "; a rule in force names their subscription and doesn't admit them (a key or SAS?)"
        elements = tuple(str(prefix) for prefix in inside)
        return self._proposal("address-prefixes", elements, found, reason, flags=flags, extra=extra, label=network)

    def over_budget(self, found: list[Need], budget: int, least: int) -> Proposal:
        """Say for whom the elements that are left don't suffice."""
        why = (
            f"the {budget} rule elements that are left don't suffice within the widest prefixes allowed "
            f"(/{self.limits.widest_v4}, IPv6 /{self.limits.widest_v6}), at least {least} would: split the resources "
            "over profiles, or let the callers use managed identities or private endpoints"
        )
        return self.note("cannot-fix", found, why, topic="budget")

    def odd(self, found: list[Need]) -> Proposal:
        """Ask about odd callers beyond those that are asked about one by one."""
        why = f"{len(found):,} more callers succeeded and look odd: who are they?"
        return self.note("leave-denied", found, why, topic="odd", flags=("odd",))

    def passing(self, found: list[Need]) -> Proposal:
        """Ask about those seen once for whom no element is left: a monthly job among them looks like a stranger."""
        why = (
            f"{len(found):,} more callers succeeded on a day or two, and no rule element is left for them: who of them "
            "comes back? Split the resources over profiles, or give those a managed identity"
        )
        return self.note("leave-denied", found, why, topic="passing", flags=("seen-on-one-day", OVER_BUDGET))

    def strangers(self, found: list[Need]) -> Proposal:
        """Note whom nothing changes for."""
        who = "caller" if self.profile.direction == "Inbound" else "destination"
        why = f"{len(found):,} {who}{'' if len(found) == 1 else 's'} refused today as well: nothing changes for them"
        return self.note("leave-denied", found, why, topic="strangers")

    def mostly_denied(self, found: list[Need]) -> Proposal:
        """Ask about those who are refused at least as often as admitted."""
        requests = sum(need.allowed for need in found)
        why = f"{len(found):,} mostly refused today, yet {requests:,} requests succeeded: who are they?"
        return self.note("leave-denied", found, why, topic="mostly denied", flags=("mostly-denied",))

    def note(
        self, kind: str, found: list[Need], reason: str, *, topic: str = "", flags: tuple[str, ...] = ()
    ) -> Proposal:
        """Note some callers or destinations for whom there is no rule."""
        return Proposal(
            perimeter=self.profile.perimeter,
            profile=self.profile.name,
            direction=self.profile.direction,
            kind=kind,
            elements=(),
            needs=tuple(found),
            days_observed=self.days_observed,
            reason=reason,
            flags=flags,
            topic=topic or reason,
        )

    def _proposal(
        self,
        kind: str,
        elements: tuple[str, ...],
        found: list[Need],
        reason: str,
        *,
        flags: Sequence[str] = (),
        extra: int = 0,
        label: str = "",
    ) -> Proposal:
        is_inbound = self.profile.direction == "Inbound"
        served_by = set().union(*(need.served_by for need in found))
        opened = tuple(sorted(self.profile.resources - served_by)) if is_inbound else ()
        more = []
        risks = {need.key: self.risks[need.key] for need in found if need.key in self.risks}
        odd = [key for key, risk in risks.items() if risk.is_odd]
        # a few of a pool are held by its prefix, as those seen once are; but nobody else vouches for those of one /64
        if odd and (2 * len(odd) >= len(found) or (len(by_place(found)) == 1 and not label)):
            more.append("odd")
            oddest = max(odd, key=lambda key: risks[key].total)
            who = f"{oddest} " if len(odd) < len(found) else ""
            reason += f"; {who}looks odd ({risks[oddest].sentence}): who is it?"
        outsiders = tuple(key for key, risk in risks.items() if risk.is_outsider)
        if outsiders:
            reason += "; steady, alone, no identity: who is it?"
        callers = as_one(found, self.risks, label)
        if places := refused_elsewhere(callers):
            more.append("refused-elsewhere")
            reason += f"; always refused {'at' if is_inbound else 'from'} {_names_of(places)}, which it opens"
        if lately := {need.key: since for need in found if (since := refused_lately(need))}:
            more.append("refused-lately")
            who = f"{first_of(sorted(lately), 3)} " if len(lately) < len(found) else ""
            reason += f"; {who}succeeded before, only refused since {min(lately.values())}: on purpose?"
        flags = list(dict.fromkeys((*flags, *days_flags(callers), *more)))
        return Proposal(
            perimeter=self.profile.perimeter,
            profile=self.profile.name,
            direction=self.profile.direction,
            kind=kind,
            elements=elements,
            needs=tuple(found),
            days_observed=self.days_observed,
            reason=reason,
            flags=tuple(flags),
            extra_addresses=extra,
            resources_opened=opened,
            label=label,
            outsiders=outsiders,
        )


def _names_of(ids: set[str]) -> str:
    return first_of(sorted(each.rsplit("/", 1)[-1] for each in ids), 3)


def _over(*, over: bool) -> list[str]:
    return [OVER_BUDGET] if over else []


def _sizes(prefix: Network, inside: Sequence[Need]) -> tuple[int, int]:
    """Return how many addresses (IPv6: /64 networks) of a prefix were seen, and how many it has."""
    keys = cover.keys_of((place_of(need.key)[1] for need in inside), prefix.version)
    return len(keys), 2 ** max(0, cover.KEY_BITS[prefix.version] - prefix.prefixlen)


def _size_in_words(inside: Mapping[Network, Sequence[Need]], extra: int) -> str:
    ((prefix, mine),) = inside.items()
    keys, total = _sizes(prefix, mine)
    unit = "addresses" if prefix.version == IPV4 else "/64 networks"
    if total == 1:
        return "one address" if prefix.version == IPV4 else f"one /64 network, {len(mine):,} addresses"
    if extra:
        return f"{keys:,} {unit}; one prefix admits {extra:,} more"
    return f"{keys:,} {unit}, the whole prefix"


def _network_in_words(network: str, inside: Mapping[Network, Sequence[Need]], extra: int) -> str:
    callers = sum(len(mine) for mine in inside.values())
    prefixes = "one prefix admits" if len(inside) == 1 else f"{len(inside)} prefixes admit"
    return f"{network}: {callers:,} addresses; {prefixes} {f'{extra:,} more' if extra else 'just them'}"
