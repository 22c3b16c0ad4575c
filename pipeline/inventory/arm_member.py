"""Asks an associated resource what it is, and what it has taken over from its perimeters.

Each resource type has API versions of its own. They are asked for, once a provider:
GET /subscriptions/{id}/providers/{namespace}, 2021-04-01 (azure-rest-api-specs, Microsoft.Resources).
"""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from pipeline.azure.arm_answer import FORBIDDEN, NOT_FOUND, UnreadError
from pipeline.azure.resource_manager import ResourceManager
from pipeline.errors import InventoryError
from pipeline.inventory import items
from pipeline.inventory.document import Item

PROVIDERS_VERSION = "2021-04-01"
CONFIGURATIONS = "networkSecurityPerimeterConfigurations"
USUAL_VERSIONS = {
    "microsoft.storage/storageaccounts": ("2024-01-01", "2024-01-01"),
    "microsoft.keyvault/vaults": ("2023-07-01", "2024-04-01-preview"),
    "microsoft.sql/servers": ("2021-11-01", "2021-11-01"),
    "microsoft.documentdb/databaseaccounts": ("2024-11-15", "2024-11-15"),
    "microsoft.eventhub/namespaces": ("2024-01-01", "2024-01-01"),
    "microsoft.servicebus/namespaces": ("2024-01-01", "2024-01-01"),
    "microsoft.search/searchservices": ("2025-05-01", "2025-05-01"),
    "microsoft.cognitiveservices/accounts": ("2025-06-01", "2025-06-01"),
    "microsoft.operationalinsights/workspaces": ("2025-02-01", "2025-02-01"),
    "microsoft.insights/datacollectionendpoints": ("2023-03-11", "2021-10-01"),
    "microsoft.insights/scheduledqueryrules": ("2023-12-01", "2021-10-01"),
    "microsoft.insights/actiongroups": ("2021-09-01", "2021-10-01"),
}
"""Versions to ask with where a provider's own list may not be read: of the resource, of its perimeter configurations.
They are versions that Azure/bicep-types-az has; where it has none for the configurations, that of the resource."""

_BAD_REQUEST = 400
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-[A-Za-z]+)?")
_ID = re.compile(
    r"/subscriptions/[0-9a-f-]{1,40}(/resourceGroups/[^/]+)?/providers/[A-Za-z]+\.[A-Za-z.]+(/[^/]+/[^/]+)+",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Told:
    """What a resource tells.

    Args:
        item: the resource; None where it can't be read.
        configurations: its views of its perimeters.
        gaps: sentences on what can't be read.
    """

    item: Item | None = None
    configurations: list[Item] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Members:
    """Asks resources; a provider is asked once for its API versions.

    Args:
        manager: a Resource Manager that is connected.
    """

    manager: ResourceManager
    _versions: dict[str, "asyncio.Task[dict[str, str]]"] = field(default_factory=dict)

    async def ask(self, resource: str) -> Told:
        """Return what a resource tells; what it doesn't is in the gaps.

        Args:
            resource: its ARM id, as an association spells it.

        Raises:
            AzureError: nothing can be read.
        """
        told = Told()
        if not is_resource_id(resource):
            told.gaps.append(f"A member can't be asked: {resource[:300]!r} is no ARM id of a resource.")
            return told
        version, version_of_configurations = await self._versions_of(resource)
        if not version:
            told.gaps.append(f"{resource} can't be read: no API version of its type is known.")
            return told
        try:
            item = await self.manager.item(resource, version)
            told.item = {**item, "id": resource}  # whatever it says, it is what was asked for
            items.resource(told.item)
        except UnreadError as error:
            told.gaps.append(gap(resource, error))
        try:
            path = f"{resource}/{CONFIGURATIONS}"
            found = await self.manager.items(path, version_of_configurations)
            told.configurations = [_configuration(each, path) for each in found]
        except UnreadError as error:
            if error.status not in {NOT_FOUND, _BAD_REQUEST}:  # those: the service offers no such view
                told.gaps.append(gap(f"What {resource} has taken over from its perimeter", error))
        return told

    async def _versions_of(self, resource: str) -> tuple[str, str]:
        """Return the API versions for a resource and its perimeter configurations; empty where not known."""
        kind = items.type_of(resource)
        namespace = kind.partition("/")[0]
        if namespace not in self._versions:
            self._versions[namespace] = asyncio.create_task(self._listed(resource.split("/")[2], namespace))
        listed = await self._versions[namespace]
        usual, usual_of_configurations = USUAL_VERSIONS.get(kind, ("", ""))
        version = listed.get(kind) or usual
        of_configurations = listed.get(f"{kind}/{CONFIGURATIONS.lower()}")
        return version, of_configurations or listed.get(kind) or usual_of_configurations

    async def _listed(self, subscription: str, namespace: str) -> dict[str, str]:
        """Return type -> API version as a provider lists them; nothing where that can't be read."""
        try:
            found = await self.manager.item(f"/subscriptions/{subscription}/providers/{namespace}", PROVIDERS_VERSION)
        except UnreadError:
            return {}
        kinds = found.get("resourceTypes")
        named = [each for each in kinds if isinstance(each, dict)] if isinstance(kinds, list) else []
        chosen = {f"{namespace}/{each.get('resourceType')}".lower(): newest(each.get("apiVersions")) for each in named}
        return {kind: version for kind, version in chosen.items() if version}


def is_resource_id(text: Any) -> bool:
    """Whether a text is the ARM id of a resource, fit to be asked for."""
    return (
        isinstance(text, str)
        and text.isprintable()
        and _ID.fullmatch(text) is not None
        and not set(text) & set("?#\\%<>")
        and not {".", ".."} & set(text.split("/"))
    )


def newest(versions: Any) -> str:
    """Return the newest API version that is no preview, else the newest; empty where there is none."""
    known = [each for each in versions if isinstance(each, str)] if isinstance(versions, list) else []
    known = sorted(each for each in known if _VERSION.fullmatch(each))
    stable = [each for each in known if "-" not in each[len("2025-05-01") :]]
    return (stable or known or [""])[-1]


def gap(what: str, error: UnreadError, role: str = "it") -> str:
    """Return the sentence that tells what can't be read and why; for 403, what is needed."""
    verb = "can't be read"
    if error.status == FORBIDDEN:
        return f"{what} {verb} ({error}): the role Reader on {role} is needed."
    return f"{what} {verb}: {error}."


def _configuration(item: Item, path: str) -> Item:
    """Return a perimeter configuration under the id by which it was asked for.

    Raises:
        UnreadError: it is none.
    """
    made = {**item, "id": f"{path}/{item.get('name')}"}
    try:
        of = items.field(made, "networkSecurityPerimeter") or {}
        list(items.issues(made, str(of.get("id")), path))
    except (
        AttributeError,
        InventoryError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ):  # it holds what nobody foresaw
        raise UnreadError("the answer holds something else than perimeter configurations") from None
    return made
