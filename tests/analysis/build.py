"""Flows made by hand: rows of traffic as loading would make them, and answers with short names."""

import json
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from pipeline import addresses
from pipeline.inventory.file import load
from pipeline.store import Store
from pipeline.tables import ADDRESS, TRAFFIC

SUB = "00000000-0000-0000-0000-00000000000a"
GROUP = f"/subscriptions/{SUB}/resourcegroups/rg/providers"
NSP = f"{GROUP}/microsoft.network/networksecurityperimeters"
STORE, VAULT, SQL = (
    f"{GROUP}/microsoft.{each}"
    for each in ("storage/storageaccounts/store", "keyvault/vaults/vault", "sql/servers/sql")
)
SITE = f"{GROUP}/microsoft.web/sites/site"
GUIDS = {name: f"00000000-1111-0000-0000-00000000000{number}" for number, name in enumerate(("one", "two", "far"))}
IN, OUT = "NspPublicInbound", "NspPublicOutbound"
ADMITTED, BY_FIREWALL, REFUSED = (
    f"{IN}{end}" for end in ("PerimeterRulesAllowed", "ResourceRulesAllowed", "PerimeterRulesDenied")
)
CALLED, CALLED_OPEN, CALL_REFUSED = (
    f"{OUT}{end}" for end in ("PerimeterRulesAllowed", "ResourceRulesAllowed", "PerimeterRulesDenied")
)
PRIVATE, INTRA, ATTEMPT = "NspPrivateInboundAllowed", "NspIntraPerimeterInboundAllowed", "NspOutboundAttempt"
CROSS_IN, CROSS_OUT = "NspCrossPerimeterInboundAllowed", "NspCrossPerimeterOutboundAllowed"
SCOPE = dict.fromkeys(("since", "until", "perimeter", "profile", "limit"))


def at(day: int, hour: int = 0, minute: int = 0, month: int = 10) -> datetime:
    """A time of 2026; 5 October is a Monday."""
    return datetime(2026, month, day, hour, minute)


def flow(time: datetime, category: str = BY_FIREWALL, requests: int = 1, **told: Any) -> dict[str, Any]:
    """A row of traffic; what is not told follows from the category and the caller, as in hourly_flows."""
    row: dict[str, Any] = {column.name: None for column in TRAFFIC.columns}
    ends = {"Allowed": "Approved", "Denied": "Denied"}
    row |= {
        "hour": time.replace(minute=0),
        "source_kind": "folder",
        "perimeter": f"{NSP}/one",
        "profile": "apps",
        "service_resource": STORE,
        "category": category,
        "direction": next((each for each in ("Inbound", "Outbound") if each in category), None),
        "traffic_type": next(
            (each for each in ("Public", "Intra", "Cross", "Private") if f"Nsp{each}" in category), None
        ),
        "action": next((action for end, action in ends.items() if category.endswith(end)), None),
        "rule_origin": next((each for each in ("Perimeter", "Resource") if f"{each}Rules" in category), None),
        "rules_version": "4",
        "operation": "Get",
        "protocol": "HTTPS:TCP",
        "records": 1,
        "requests": requests,
        "first_seen": time,
        "last_seen": time,
    }
    row |= told
    if row["source_ip"] and "source_network" not in told:
        row["source_network"] = addresses.read(row["source_ip"]).network
    if row["source_resource"] and "source_subscription" not in told:
        row["source_subscription"] = row["source_resource"].split("/")[2]
    identities = (row["source_resource"], row["source_app_id"] and f"app:{row['source_app_id']}", row["source_ip"])
    kinds = ("azure-resource", "app", "public-address" if row["source_network"] == "public" else "unmatchable-address")
    named = next((place for place, each in enumerate(identities) if each), None)
    key, kind = (None, "unknown") if named is None else (identities[named], kinds[named])
    kind = {"Private": "private-endpoint", "Intra": "member", "Cross": "other-perimeter"}.get(row["traffic_type"], kind)
    if row["direction"] == "Outbound":
        key, kind = row["service_resource"], "member"
    row["caller_key"] = told.get("caller_key", key)
    row["caller_kind"] = told.get("caller_kind", kind)
    return row


def put(store: Store, *flows: dict[str, Any]) -> None:
    """Keep flows, and the addresses that they name."""
    store.append_rows(TRAFFIC, [[row[column.name] for column in TRAFFIC.columns] for row in flows])
    rows = []
    for text in sorted({row["source_ip"] for row in flows if row["source_ip"]}):
        read = addresses.read(text)
        value = str(addresses.number(ip_address(read.canonical))) if read.network == "public" else None
        rows.append((text, read.canonical, read.version, value, read.network))
    store.append_rows(ADDRESS, rows)


def ask(store: Store, name: str, columns: str, **scope: Any) -> list[tuple[Any, ...]]:
    """Return some columns of an answer, ids cut to their last part; scopes that are not told are null."""
    frame = store.frame(f"analysis/{name}", **scoped(name, **scope))
    return [tuple(_short(value) for value in row) for row in frame.select(columns.split()).rows()]


def scoped(name: str, **scope: Any) -> dict[str, Any]:
    """Return a value for each parameter of a query: null where none is told."""
    from pipeline import sql

    return dict.fromkeys(sql.load(f"analysis/{name}").parameters) | scope


def _short(value: Any) -> Any:
    return value.rsplit("/", 1)[-1] if isinstance(value, str) and value.startswith("/subscriptions/") else value


def rule(name: str, profile: str = "apps", perimeter: str = "one", **elements: list[Any]) -> dict[str, Any]:
    """An access rule: inbound, unless it names hosts."""
    direction = "Outbound" if "fullyQualifiedDomainNames" in elements else "Inbound"
    return {
        "id": f"{NSP}/{perimeter}/profiles/{profile}/accessRules/{name}",
        "name": name,
        "direction": direction,
        **elements,
    }


def inventory(store: Store, folder: Path, **lists: Any) -> None:
    """Load a configuration: perimeters one and two; of one the profile apps with STORE, and what else is told."""
    document: dict[str, Any] = {
        "perimeters": [{"id": f"{NSP}/{name}", "perimeterGuid": GUIDS[name]} for name in ("one", "two")],
        "profiles": [{"id": f"{NSP}/one/profiles/Apps", "name": "Apps", "accessRulesVersion": "4"}],
        "associations": [member(STORE)],
    }
    path = folder / "inventory.json"
    path.write_text(json.dumps(document | lists))
    load(store, path, taken_at=datetime(2026, 11, 1))


def member(resource: str, mode: str = "Learning", perimeter: str = "one") -> dict[str, Any]:
    """An association of a resource with the profile apps."""
    name = resource.rsplit("/", 1)[-1]
    return {
        "id": f"{NSP}/{perimeter}/resourceAssociations/{name}",
        "name": name,
        "accessMode": mode,
        "privateLinkResource": {"id": resource},
        "profile": {"id": f"{NSP}/{perimeter}/profiles/apps"},
        "publicNetworkAccess": "Enabled",
    }
