"""Host names under Azure's shared zones: whose they are can't be seen from the name.

Anybody can have a storage account under blob.core.windows.net, so a rule that names one is a question: is it
yours? No list of these zones is complete: a domain of Microsoft's that is missing here is taken for one with one
owner.
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

# Microsoft Learn, "Azure Private Endpoint private DNS zone values", column "Public DNS zone forwarders", commercial
# cloud. Where a region stands between the customer's name and the zone, the zone above the region is listed. Left out:
# zones whose names are the service's alone and carry no customer's data (adf.azure.com, wvd.microsoft.com, azure.com).
_COMMERCIAL = """
    api.azureml.ms instances.azureml.ms notebooks.azure.net aznbcontent.net inference.ml.azure.com
    directline.botframework.com token.botframework.com
    azuresynapse.net datafactory.azure.net azurehdinsight.net kusto.windows.net analysis.windows.net
    pbidedicated.windows.net azuredatabricks.net fabric.microsoft.com
    batch.azure.com azmk8s.io azurecontainerapps.io azurecr.io
    cosmos.azure.com postgres.database.azure.com mysql.database.azure.com mariadb.database.azure.com
    redis.cache.windows.net redisenterprise.cache.azure.net redis.azure.net
    his.arc.azure.com guestconfiguration.azure.com dp.kubernetesconfiguration.azure.com
    eventgrid.azure.net azure-api.net azurehealthcareapis.com
    azure-devices.net azure-devices-provisioning.net api.adu.microsoft.com azureiotcentral.com digitaltwins.azure.net
    media.azure.net api.videoindexer.ai
    azure-automation.net backup.windowsazure.com siterecovery.windowsazure.com prod.migration.windowsazure.com
    monitor.azure.com oms.opinsights.azure.com ods.opinsights.azure.com applicationinsights.azure.com
    services.visualstudio.com purview.azure.com purviewstudio.azure.com purview-service.microsoft.com grafana.azure.com
    vaultcore.azure.net managedhsm.azure.net azconfig.io attest.azure.net
    afs.azure.net blob.storage.azure.net
    azurewebsites.net service.signalr.net azurestaticapps.net account.maps.azure.com webpubsub.azure.com
"""

# Microsoft Learn, "Reference list of Azure domains (not comprehensive)"
_DOMAINS = """
    accesscontrol.windows.net onmicrosoft.com biztalk.windows.net cloudapp.net cloudapp.azure.com azurecontainer.io
    vo.msecnd.net azurefd.net origin.mediaservices.windows.net azure-mobile.net azureedge.net trafficmanager.net
    visualstudio.com
"""

# The services' own endpoint pages on Microsoft Learn: storage accounts with DNS zone endpoints ("Storage account
# overview": account.z00.blob.storage.azure.net and so on), Site Recovery, regional endpoints of Azure AI services,
# Logic Apps ("Workflow Triggers - List Callback Url": prod-03.westus.logic.azure.com, whosever workflow it is), and
# SharePoint's tenants
_OWN_PAGES = """
    dfs.storage.azure.net file.storage.azure.net queue.storage.azure.net table.storage.azure.net web.storage.azure.net
    hypervrecoverymanager.windowsazure.com api.cognitive.microsoft.com logic.azure.com sharepoint.com
"""

# Microsoft Learn, the same page on private DNS zones, part "Government", and "Compare Azure Government and global
# Azure", table of endpoints; Synapse and managed HSM: hashicorp/go-azure-sdk, sdk/environments/azure_gov.go
_GOVERNMENT = """
    blob.core.usgovcloudapi.net dfs.core.usgovcloudapi.net file.core.usgovcloudapi.net queue.core.usgovcloudapi.net
    table.core.usgovcloudapi.net web.core.usgovcloudapi.net
    database.usgovcloudapi.net postgres.database.usgovcloudapi.net mysql.database.usgovcloudapi.net
    mariadb.database.usgovcloudapi.net documents.azure.us redis.cache.usgovcloudapi.net
    vault.usgovcloudapi.net vaultcore.usgovcloudapi.net managedhsm.usgovcloudapi.net azconfig.azure.us
    servicebus.usgovcloudapi.net azure-devices.us azure-devices-provisioning.us
    batch.usgovcloudapi.net batch.core.usgovcloudapi.net azurehdinsight.us azuresynapse.usgovcloudapi.net
    search.windows.us search.azure.us cognitiveservices.azure.us botframework.azure.us
    azurewebsites.us azure-api.us azurecr.us cloudapp.usgovcloudapi.net usgovcloudapp.net usgovtrafficmanager.net
    azure-automation.us backup.windowsazure.us siterecovery.windowsazure.us hypervrecoverymanager.windowsazure.us
    monitor.azure.us oms.opinsights.azure.us ods.opinsights.azure.us
    api.ml.azure.us notebooks.usgovcloudapi.net instances.azureml.us inference.ml.azure.us
"""

# Microsoft Learn, the same page, part "China"; API Management, containers, Synapse, Traffic Manager:
# hashicorp/go-azure-sdk, sdk/environments/azure_china.go; machines: Azure/aks-traffic-manager,
# AzureStackCloud_China.json
_CHINA = """
    blob.core.chinacloudapi.cn dfs.core.chinacloudapi.cn file.core.chinacloudapi.cn queue.core.chinacloudapi.cn
    table.core.chinacloudapi.cn web.core.chinacloudapi.cn
    database.chinacloudapi.cn postgres.database.chinacloudapi.cn mysql.database.chinacloudapi.cn
    mariadb.database.chinacloudapi.cn documents.azure.cn cosmos.azure.cn redis.cache.chinacloudapi.cn
    vault.azure.cn vaultcore.azure.cn managedhsm.azure.cn azconfig.azure.cn
    servicebus.chinacloudapi.cn eventgrid.azure.cn azure-devices.cn azure-devices-provisioning.cn
    batch.chinacloudapi.cn azurehdinsight.cn kusto.windows.cn azuresynapse.azure.cn datafactory.azure.cn
    chinacloudsites.cn azure-api.cn azurecr.cn cloudapp.chinacloudapi.cn chinacloudapp.cn trafficmanager.cn
    azure-automation.cn service.signalr.azure.cn afs.azure.cn
    api.ml.azure.cn notebooks.chinacloudapi.cn instances.azureml.cn inference.ml.azure.cn
"""

SHARED_ZONES = frozenset(zone for zones in _ZONES_OF_TYPE.values() for zone in zones).union(
    *(zones.split() for zones in (_COMMERCIAL, _DOMAINS, _OWN_PAGES, _GOVERNMENT, _CHINA))
)
"""Zones in which every customer of Azure can own a name, or uses names of the service that all customers share."""

_AT_OR_ABOVE = frozenset(
    ".".join(zone.split(".")[start:]) for zone in SHARED_ZONES for start in range(zone.count(".") + 1)
)


def shared_zone(host: str) -> str | None:
    """Return the shared zone that a host name lies in; None where it lies in none."""
    labels = host.lower().split(".")
    zones = (".".join(labels[start:]) for start in range(1, len(labels)))
    return next((zone for zone in zones if zone in SHARED_ZONES), None)


def holds_shared_zone(domain: str) -> bool:
    """Whether a domain is a shared zone, or one lies below it, as below windows.net and azure.com."""
    return domain.lower() in _AT_OR_ABOVE


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
