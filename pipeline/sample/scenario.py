"""The sample perimeter: its resources, its rules and everybody who calls, as data.

All names and GUIDs are invented. Addresses are taken from the documentation ranges (RFC 5737, RFC 3849) and
the benchmarking range 198.18.0.0/15 (RFC 2544), none of which is anybody's.
"""

from dataclasses import dataclass
from typing import Any

from pipeline.tables import CATEGORIES

SUBSCRIPTION = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000001"
APPS_SUBSCRIPTION = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000002"
ML_SUBSCRIPTION = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000003"
PERIMETER_GUID = "b1d5a7c0-1111-4e4e-8f8f-00000000a001"
PARTNER_GUID = "b1d5a7c0-2222-4e4e-8f8f-00000000a002"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-contoso-ai"
PERIMETER = f"{GROUP}/providers/Microsoft.Network/networkSecurityPerimeters/nsp-contoso-ai"

FOUNDRY = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/contoso-foundry"
SEARCH = f"{GROUP}/providers/Microsoft.Search/searchServices/contoso-search"
DOCS = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/contosodocs"
ARCHIVE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/contosoarchive"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/contoso-kv"
SILENT_SQL = f"{GROUP}/providers/Microsoft.Sql/servers/contoso-sql"

FUNCTION = f"/subscriptions/{APPS_SUBSCRIPTION}/resourceGroups/rg-apps/providers/Microsoft.Web/sites/func-ingest"
TRAINING = (
    f"/subscriptions/{ML_SUBSCRIPTION}/resourceGroups/rg-ml/providers/"
    "Microsoft.MachineLearningServices/workspaces/ml-train"
)
EDITOR_APP = "e0e0e0e0-aaaa-4bbb-8ccc-000000000001"

FQDN = {
    FOUNDRY: "contoso-foundry.cognitiveservices.azure.com",
    SEARCH: "contoso-search.search.windows.net",
    DOCS: "contosodocs.blob.core.windows.net",
    ARCHIVE: "contosoarchive.blob.core.windows.net",
    VAULT: "contoso-kv.vault.azure.net",
}
PROFILE = {
    FOUNDRY: "ai-apps",
    SEARCH: "ai-apps",
    DOCS: "ai-apps",
    ARCHIVE: "data",
    VAULT: "data",
    SILENT_SQL: "data",
}
RULES_VERSION = {"ai-apps": "4", "data": "2"}

INBOUND = "NspPublicInbound"
OUTBOUND = "NspPublicOutbound"


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of traffic.

    Args:
        category: log category.
        service: ARM id of the resource that writes the records.
        operation: (name, description).
        weight: how many of the records it makes, relative to the others.
        rhythm: office, always, nightly, weekly, monthly, migration or rare; see generate.
        addresses: callers' addresses as prefixes; records are spread over them.
        hosts: how many different addresses of the prefixes call.
        matched_rule: name of the rule that decided.
        source_resource, source_app, source_perimeter: the caller's identity, where the log holds it.
        destination: (host name, ARM id) of an outbound flow.
        events: the most events that one record stands for.
    """

    category: str
    service: str
    operation: tuple[str, str]
    weight: float
    rhythm: str = "office"
    addresses: tuple[str, ...] = ()
    hosts: int = 1
    matched_rule: str = "DefaultDenyAll"
    source_resource: str = ""
    source_app: str = ""
    source_perimeter: str = ""
    destination: tuple[str, str] = ("", "")
    events: int = 40


CHAT = ("ChatCompletions_Create", "Creates a completion for a chat.")
GET_BLOB = ("GetBlob", "Get storage file.")
PUT_BLOB = ("PutBlob", "Put storage file.")
LIST_BLOBS = ("ListBlobs", "List storage files.")
GET_SECRET = ("SecretGet", "Get a secret.")
QUERY = ("Query.Search", "Search documents.")
CALL_OUT = ("Outbound", "Outbound connection.")

HEAD_OFFICE = "198.51.100.0/26"
BRANCH = "203.0.113.32/27"
AGENTS = "203.0.113.128/26"
OFFICE_V6 = "2001:db8:10:a::/64"
HOMES = "198.18.100.0/22"
FUNCTION_RANGE = "198.18.4.0/24"
TRAINING_RANGE = "198.18.9.0/25"
SCANNERS = "198.19.0.0/16"

FLOWS = (
    # a rule is in place already
    Flow(f"{INBOUND}PerimeterRulesAllowed", FOUNDRY, CHAT, 90, addresses=(HEAD_OFFICE,), hosts=50,
         matched_rule="head-office"),
    Flow(f"{INBOUND}PerimeterRulesAllowed", SEARCH, QUERY, 40, addresses=(HEAD_OFFICE,), hosts=50,
         matched_rule="head-office"),
    Flow(f"{INBOUND}PerimeterRulesAllowed", ARCHIVE, PUT_BLOB, 50, "always", ("192.0.2.10/32",),
         matched_rule="onprem-server"),
    Flow(f"{OUTBOUND}PerimeterRulesAllowed", FOUNDRY, CALL_OUT, 40, "always", matched_rule="graph",
         destination=("graph.microsoft.com", "")),
    # would be denied when enforced: what rules are needed for
    Flow(f"{INBOUND}ResourceRulesAllowed", FOUNDRY, CHAT, 90, addresses=(BRANCH,), hosts=26),
    Flow(f"{INBOUND}ResourceRulesAllowed", SEARCH, QUERY, 40, addresses=(BRANCH,), hosts=26),
    Flow(f"{INBOUND}ResourceRulesAllowed", FOUNDRY, CHAT, 40, addresses=(OFFICE_V6,), hosts=60),
    Flow(f"{INBOUND}ResourceRulesAllowed", VAULT, GET_SECRET, 30, addresses=(HEAD_OFFICE,), hosts=30),
    Flow(f"{INBOUND}ResourceRulesAllowed", DOCS, PUT_BLOB, 80, "always", (AGENTS,), 44),
    Flow(f"{INBOUND}ResourceRulesAllowed", VAULT, GET_SECRET, 40, "always", (AGENTS,), 44),
    Flow(f"{INBOUND}ResourceRulesAllowed", DOCS, LIST_BLOBS, 6, "weekly", ("192.0.2.11/32",)),
    Flow(f"{INBOUND}ResourceRulesAllowed", VAULT, GET_SECRET, 0.6, "monthly", ("192.0.2.77/32",)),
    Flow(f"{INBOUND}ResourceRulesAllowed", DOCS, GET_BLOB, 60, "always", (FUNCTION_RANGE,), 90,
         source_resource=FUNCTION),
    Flow(f"{INBOUND}ResourceRulesAllowed", VAULT, GET_SECRET, 30, "always", (FUNCTION_RANGE,), 90,
         source_resource=FUNCTION),
    Flow(f"{INBOUND}ResourceRulesAllowed", FOUNDRY, CHAT, 50, "nightly", (TRAINING_RANGE,), 30,
         source_resource=TRAINING),
    Flow(f"{INBOUND}ResourceRulesAllowed", FOUNDRY, CHAT, 12, addresses=(HOMES,), hosts=3, source_app=EDITOR_APP),
    Flow(f"{INBOUND}ResourceRulesAllowed", FOUNDRY, CHAT, 15, "always", ("198.18.77.5/32",)),
    # succeeds today, and no address rule can match it: a subnet with a service endpoint
    Flow(f"{INBOUND}ResourceRulesAllowed", DOCS, GET_BLOB, 20, addresses=("10.2.0.0/28",), hosts=6),
    # denied today and tomorrow
    Flow(f"{INBOUND}ResourceRulesDenied", DOCS, LIST_BLOBS, 14, "always", (SCANNERS,), 400, events=3),
    Flow(f"{INBOUND}ResourceRulesDenied", VAULT, GET_SECRET, 8, "always", (SCANNERS,), 400, events=3),
    Flow(f"{INBOUND}ResourceRulesDenied", FOUNDRY, CHAT, 3, "rare", ("203.0.113.39/32",), events=3),
    Flow(f"{INBOUND}PerimeterRulesDenied", ARCHIVE, GET_BLOB, 6, "always", ("192.0.2.200/32",)),
    Flow(f"{OUTBOUND}PerimeterRulesDenied", ARCHIVE, CALL_OUT, 3, "rare",
         destination=("telemetry.example.net", ""), matched_rule="DefaultDenyAll"),
    Flow(f"{OUTBOUND}ResourceRulesDenied", FOUNDRY, CALL_OUT, 3, "rare", destination=("pastebin.example.org", "")),
    # outbound that needs a rule
    Flow(f"{OUTBOUND}ResourceRulesAllowed", FOUNDRY, CALL_OUT, 30, "always",
         destination=("contoso-tools.azurewebsites.net", "")),
    Flow(f"{OUTBOUND}ResourceRulesAllowed", SEARCH, CALL_OUT, 20, "nightly",
         destination=("contoso-embeddings.openai.azure.com", "")),
    Flow(f"{OUTBOUND}ResourceRulesAllowed", FOUNDRY, CALL_OUT, 10, destination=("api.weather.example.com", "")),
    # an artefact: outbound to a member shows as denied by DenyAll, though it works
    Flow(f"{OUTBOUND}ResourceRulesAllowed", SEARCH, CALL_OUT, 6, "nightly", matched_rule="DenyAll",
         destination=("contosodocs.blob.core.windows.net", DOCS)),
    # inside the perimeter, between perimeters, private
    Flow("NspOutboundAttempt", SEARCH, CALL_OUT, 25, "nightly",
         destination=("contosodocs.blob.core.windows.net", DOCS), matched_rule=""),
    Flow("NspIntraPerimeterInboundAllowed", DOCS, GET_BLOB, 25, "nightly", ("198.18.20.0/28",), 4,
         matched_rule="DefaultAllowWithinPerimeter", source_resource=SEARCH, source_perimeter=PERIMETER_GUID),
    Flow("NspCrossPerimeterInboundAllowed", DOCS, GET_BLOB, 10, "always", ("198.18.30.0/28",), 3,
         matched_rule="link-partner", source_perimeter=PARTNER_GUID),
    Flow("NspCrossPerimeterOutboundAllowed", FOUNDRY, CALL_OUT, 8, "always", matched_rule="link-partner",
         destination=("partnerlake.blob.core.windows.net", "")),
    Flow("NspPrivateInboundAllowed", DOCS, GET_BLOB, 60, "always", ("10.1.4.0/24",), 12, matched_rule=""),
    Flow("NspPrivateInboundAllowed", FOUNDRY, CHAT, 40, addresses=("10.1.4.0/24",), hosts=12, matched_rule=""),
)  # fmt: skip

INVENTORY: dict[str, list[dict[str, Any]]] = {
    "perimeters": [
        {"id": PERIMETER, "name": "nsp-contoso-ai", "location": "westeurope", "perimeterGuid": PERIMETER_GUID},
    ],
    "profiles": [
        {"id": f"{PERIMETER}/profiles/{name}", "name": name, "accessRulesVersion": version}
        for name, version in RULES_VERSION.items()
    ],
    "accessRules": [
        {"id": f"{PERIMETER}/profiles/ai-apps/accessRules/head-office", "name": "head-office",
         "direction": "Inbound", "addressPrefixes": [HEAD_OFFICE]},
        {"id": f"{PERIMETER}/profiles/ai-apps/accessRules/graph", "name": "graph",
         "direction": "Outbound", "fullyQualifiedDomainNames": ["graph.microsoft.com"]},
        {"id": f"{PERIMETER}/profiles/data/accessRules/onprem-server", "name": "onprem-server",
         "direction": "Inbound", "addressPrefixes": ["192.0.2.10/32"]},
    ],
    "associations": [
        {"id": f"{PERIMETER}/resourceAssociations/{resource.rsplit('/', 1)[-1]}",
         "name": resource.rsplit("/", 1)[-1],
         "accessMode": "Enforced" if resource == ARCHIVE else "Learning",
         "privateLinkResource": {"id": resource},
         "profile": {"id": f"{PERIMETER}/profiles/{profile}"},
         "publicNetworkAccess": "Enabled"}
        for resource, profile in PROFILE.items()
    ],
    "links": [
        {"id": f"{PERIMETER}/links/link-partner", "name": "link-partner", "status": "Approved",
         "remotePerimeterGuid": PARTNER_GUID, "localInboundProfiles": ["*"], "remoteInboundProfiles": ["*"]},
    ],
    "loggingConfigurations": [
        {"id": f"{PERIMETER}/loggingConfigurations/instance", "name": "instance", "version": "1",
         "enabledLogCategories": list(CATEGORIES)},
    ],
    "resources": [
        {"id": FOUNDRY, "name": "contoso-foundry", "kind": "AIServices", "location": "westeurope",
         "identity": {"type": "SystemAssigned"},
         "properties": {"publicNetworkAccess": "Enabled", "disableLocalAuth": False,
                        "encryption": {"keySource": "Microsoft.CognitiveServices"}}},
        {"id": SEARCH, "name": "contoso-search", "location": "westeurope", "identity": {"type": "SystemAssigned"},
         "properties": {"publicNetworkAccess": "Enabled"}},
    ],
}  # fmt: skip
"""The perimeter's configuration, flattened as `az network perimeter ... list -o json` prints it."""

KNOWN_NETWORKS = (
    ("Head office", HEAD_OFFICE, "net-team@contoso.example"),
    ("Branch", BRANCH, "net-team@contoso.example"),
    ("Build agents", AGENTS, "build-team@contoso.example"),
)
"""Name, prefix and owner of the networks that Contoso knows."""
