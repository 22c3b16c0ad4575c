"""In which ways a caller could be admitted at all, and what each of them costs.

Costs are in address-equivalents: what is opened beyond the caller, deemed as bad as so many addresses. They are a
judgement; what they have to get right is the order of kinds, and where one rule is worth many.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.recommend.choice import Option

MEMBERSHIPS = ("associate", "link")
"""The kinds that are no rule: a person's to do."""

ASSOCIATE = 16.0
"""A member more: what the perimeter holds is open to one more resource, and somebody has to see to it."""
LINK = 64.0
"""All resources of another perimeter."""
OWN_SUBSCRIPTION = 64.0
"""All managed identities of a subscription in which the perimeter or its resources lie."""
FOREIGN_SUBSCRIPTION = 1024.0
"""All managed identities of a subscription in which nothing of the perimeter lies."""
AZURE_ADDRESS = 4096.0
"""An address of Azure's: other customers get it, or share it, and the caller gets another."""
SERVICE_TAG = 16384.0
"""All addresses of an Azure service, whoever rents them."""

ONBOARDED = re.compile(
    r"(/subscriptions/[^/\s]+/resourcegroups/[^/\s]+/providers/microsoft\.(?:"
    r"storage/storageaccounts|keyvault/vaults|sql/servers|documentdb/databaseaccounts|eventhub/namespaces"
    r"|servicebus/namespaces|search/searchservices|cognitiveservices/accounts|operationalinsights/workspaces"
    r"|insights/(?:datacollectionendpoints|scheduledqueryrules|actiongroups)"
    r")/[^/\s]+)(?:/.*)?"
)
"""A resource that can be associated, or a part of one. Source: Microsoft Learn, "What is a network security
perimeter?", table of onboarded private link resources; `az network perimeter associable-resource-type list`
tells today's.
"""

_GUID = re.compile(r"[0-9a-fA-F-]{4,36}")
"""Read leniently, as services write them with and without dashes."""

_LINKABLE = re.compile(
    r".*/providers/microsoft\.(?:storage/|keyvault/|sql/|documentdb/|servicebus/|operationalinsights/|insights/).*"
)
"""Resources that honour links. Source: Microsoft Learn, "Perimeter links" (preview)."""

MAX_LINKS = 10
"""Links of a perimeter at the most. Source: "Perimeter links", as above."""

_TAKES_TAGS = re.compile(r".*/providers/microsoft\.(?:keyvault/vaults|operationalinsights/|insights/).*")
"""Resources that honour service tags, as in verdict/resource_state. Source: Microsoft Learn, "Configure service tags in
a network security perimeter" (preview)."""


@dataclass(frozen=True, slots=True)
class Estate:
    """What lies around a profile.

    Args:
        own_guid: of its perimeter; "" where nobody told.
        perimeters: GUID -> ARM id of the perimeters that the inventory knows.
        member_of: resource -> GUID of the other perimeter that it is a member of.
        linked: GUIDs of the perimeters that are linked to this profile already.
    """

    own_guid: str = ""
    perimeters: Mapping[str, str] = field(default_factory=dict)
    member_of: Mapping[str, str] = field(default_factory=dict)
    linked: frozenset[str] = frozenset()


def associable(resource: str) -> str | None:
    """Return the ARM id of what could be associated of a caller's resource; None where its type can't be."""
    found = ONBOARDED.fullmatch(resource)
    return found.group(1) if found else None


def honours_links(resource: str) -> bool:
    """Whether a target honours perimeter links."""
    return bool(_LINKABLE.fullmatch(resource))


def honours_tags(resource: str) -> bool:
    """Whether a target honours service tags."""
    return bool(_TAKES_TAGS.fullmatch(resource))


def guids_of(text: str | None) -> list[str]:
    """Return the GUIDs in a log's list of the caller's perimeters: JSON, or one by itself; what is none is left out."""
    if not text:
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = text
    listed = found if isinstance(found, list) else [text.strip(' "')]
    return sorted({each.lower() for each in listed if isinstance(each, str) and _GUID.fullmatch(each)})


def associate(resource: str) -> Option:
    """Return the option to make a resource a member."""
    return Option("associate", resource, ASSOCIATE, 0)


def link(guid: str) -> Option:
    """Return the option to link another perimeter."""
    return Option("link", guid, LINK, 0)


def subscription(subscription_id: str, rule_cost: float, *, is_own: bool) -> Option:
    """Return the option to name a subscription."""
    opened = OWN_SUBSCRIPTION if is_own else FOREIGN_SUBSCRIPTION
    return Option("subscriptions", subscription_id, opened + rule_cost, 1)


def service_tag(tag: str, rule_cost: float) -> Option:
    """Return the option to name a service tag."""
    return Option("service-tags", tag, SERVICE_TAG + rule_cost, 1)
