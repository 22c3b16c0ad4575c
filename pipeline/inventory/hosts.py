"""Host names under Azure's shared zones: whose they are can't be seen from the name.

Anybody can have a storage account under blob.core.windows.net, so a rule that names one is a question: is it
yours? The zones are those of Microsoft Learn, "Azure Private Endpoint private DNS zone values", and of the
services' own endpoint pages, as read in November 2026.
"""

from functools import cache

_STORAGE = tuple(f"{kind}.core.windows.net" for kind in ("blob", "dfs", "file", "queue", "table", "web"))
_ZONES_OF_TYPE: dict[str, tuple[str, ...]] = {
    "microsoft.storage/storageaccounts": _STORAGE,
    "microsoft.keyvault/vaults": ("vault.azure.net",),
    "microsoft.sql/servers": ("database.windows.net",),
    "microsoft.documentdb/databaseaccounts": ("documents.azure.com",),
    "microsoft.eventhub/namespaces": ("servicebus.windows.net",),
    "microsoft.servicebus/namespaces": ("servicebus.windows.net",),
    "microsoft.search/searchservices": ("search.windows.net",),
    "microsoft.cognitiveservices/accounts": (
        "cognitiveservices.azure.com",
        "openai.azure.com",
        "services.ai.azure.com",
    ),
}
SHARED_ZONES = frozenset(zone for zones in _ZONES_OF_TYPE.values() for zone in zones) | {
    "api.cognitive.microsoft.com",
    "azure-api.net",
    "azurecontainerapps.io",
    "azurecr.io",
    "azureedge.net",
    "azurefd.net",
    "azurestaticapps.net",
    "azurewebsites.net",
    "cloudapp.azure.com",
    "cloudapp.net",
    "sharepoint.com",
    "trafficmanager.net",
}
"""Zones in which every customer of Azure can own a name."""


def shared_zone(host: str) -> str | None:
    """Return the shared zone that a host name lies in; None where it lies in none."""
    labels = host.lower().split(".")
    zones = (".".join(labels[start:]) for start in range(1, len(labels)))
    return next((zone for zone in zones if zone in SHARED_ZONES), None)


@cache
def names_of(resource: str) -> frozenset[str]:
    """Return the host names under which a resource can be called, going by its type and name.

    Args:
        resource: ARM id, lower case.
    """
    parts = resource.split("/")
    zones = _ZONES_OF_TYPE.get("/".join(parts[-3:-1]), ())
    secondary = {f"{parts[-1]}-secondary.{zone}" for zone in zones if zone in _STORAGE}
    return frozenset({f"{parts[-1]}.{zone}" for zone in zones} | secondary)
