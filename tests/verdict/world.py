"""A small world to judge flows in: one perimeter, its rules and members, and flows written by hand."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from pipeline import addresses
from pipeline.inventory import snapshot
from pipeline.inventory.document import Document
from pipeline.store import Store
from pipeline.tables import ADDRESS, CATEGORIES, TRAFFIC

GROUP = "/subscriptions/0000/resourcegroups/rg/providers"
PERIMETER = f"{GROUP}/microsoft.network/networksecurityperimeters/nsp1"
PARTNER = f"{GROUP}/microsoft.network/networksecurityperimeters/partner"
DOCS = f"{GROUP}/microsoft.storage/storageaccounts/docs"
VAULT = f"{GROUP}/microsoft.keyvault/vaults/keys"
SEARCH = f"{GROUP}/microsoft.search/searchservices/find"
FUNCTION = "/subscriptions/22222222-0000-0000-0000-000000000000/resourcegroups/g/providers/microsoft.web/sites/f"
GUID, PARTNER_GUID = "aaaa-1", "bbbb-2"
MOMENT = datetime(2026, 10, 1, 4)


def flow(**fields: Any) -> dict[str, Any]:
    """A row of traffic: an inbound call that the resource's own rules admit, unless it says otherwise."""
    category = fields.pop("category", "NspPublicInboundResourceRulesAllowed")
    address = fields.get("source_ip", "203.0.113.7" if "Inbound" in category else None)
    return {
        "hour": MOMENT,
        "source_kind": "folder",
        "perimeter": PERIMETER,
        "profile": "apps",
        "service_resource": DOCS,
        "category": category,
        "direction": "Inbound" if "Inbound" in category else "Outbound" if "Outbound" in category else None,
        "traffic_type": next(
            (word for word in ("Public", "Intra", "Cross", "Private") if category.startswith(f"Nsp{word}")), None
        ),
        "action": "Approved" if category.endswith("Allowed") else "Denied" if category.endswith("Denied") else None,
        "rule_origin": next((word for word in ("Perimeter", "Resource") if f"{word}Rules" in category), None),
        "source_ip": address,
        "source_network": addresses.read(address).network if address else None,
        "caller_kind": "unknown",
        "protocol": "HTTPS:TCP",
        "records": 1,
        "requests": 1,
        "first_seen": MOMENT,
        "last_seen": MOMENT,
        **fields,
    }


@dataclass
class World:
    """What the inventory says of the perimeter.

    Args:
        rules: (profile, direction, field of an access rule, element); all of one rule named r<number>.
        modes: resource -> (access mode, publicNetworkAccess, profile).
        versions: profile -> version of its rules.
        links: items of the list of links; None where nobody read them.
        logged: categories that the logging configuration switches on; None where nobody read it.
    """

    rules: list[tuple[str, str, str, str]] = field(default_factory=list)
    modes: dict[str, tuple[str | None, str | None, str]] = field(
        default_factory=lambda: {DOCS: ("Learning", "Enabled", "apps")}
    )
    versions: dict[str, str] = field(default_factory=lambda: {"apps": "4"})
    links: list[dict[str, Any]] | None = None
    logged: tuple[str, ...] | None = tuple(CATEGORIES)

    def document(self) -> Document:
        """The inventory as ARM tells it."""
        document = Document()
        document.add("perimeters", [{"id": PERIMETER, "perimeterGuid": GUID}])
        document.add(
            "profiles",
            [
                {"id": f"{PERIMETER}/profiles/{name}", "name": name, "accessRulesVersion": version}
                for name, version in self.versions.items()
            ],
        )
        document.add(
            "accessRules",
            [
                {
                    "id": f"{PERIMETER}/profiles/{profile}/accessRules/r{number}",
                    "name": f"r{number}",
                    "direction": direction,
                    name: [{"id": element}] if name in {"subscriptions", "networkSecurityPerimeters"} else [element],
                }
                for number, (profile, direction, name, element) in enumerate(self.rules)
            ],
        )
        document.add(
            "associations",
            [
                {
                    "id": f"{PERIMETER}/resourceAssociations/{resource.rsplit('/', 1)[-1]}",
                    "accessMode": mode,
                    "publicNetworkAccess": access,
                    "privateLinkResource": {"id": resource},
                    "profile": {"id": f"{PERIMETER}/profiles/{profile}"},
                }
                for resource, (mode, access, profile) in self.modes.items()
            ],
        )
        if self.links is not None:
            document.add("links", self.links)
        if self.logged is not None:
            told = {"id": f"{PERIMETER}/loggingConfigurations/instance", "enabledLogCategories": list(self.logged)}
            document.add("loggingConfigurations", [told])
        return document


def put(store: Store, world: World, *, taken_at: datetime = MOMENT) -> None:
    """Load a world's inventory."""
    snapshot.keep(store, world.document(), taken_at, "test")


@contextmanager
def traffic(store: Store, *flows: dict[str, Any]) -> Iterator[None]:
    """Have these flows, and no others, for the length of the block."""
    rows, known = _rows(*flows)
    with ExitStack() as stack:
        stack.enter_context(store.temporary(TRAFFIC, rows))
        stack.enter_context(store.temporary(ADDRESS, known))
        yield


def write(store: Store, *flows: dict[str, Any]) -> None:
    """Have these flows, and no others, in the warehouse: what asks the engine about parties hides temporary ones."""
    rows, known = _rows(*flows)
    store.replace(TRAFFIC, rows)
    store.replace(ADDRESS, known)


def _rows(*flows: dict[str, Any]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return rows of traffic and of address."""
    rows = [tuple(each.get(column.name) for column in TRAFFIC.columns) for each in flows]
    texts = sorted({each["source_ip"] for each in flows if each.get("source_ip")})
    known = []
    for text in texts:
        read = addresses.read(text)
        value = str(addresses.number(ip_address(text))) if read.network == addresses.PUBLIC else None
        known.append((text, read.canonical, read.version, value, read.network))
    return rows, known


def judged(store: Store, *columns: str) -> list[tuple[Any, ...]]:
    """The flows in order, each with these columns of the view verdict."""
    frame = store.frame("verdict/verdict").sort("flow")
    return frame.select(columns).rows()


def verdicts(store: Store, *flows: dict[str, Any]) -> list[tuple[str, str]]:
    """Verdict and reason of each flow."""
    with traffic(store, *flows):
        return [(row[0], row[1]) for row in judged(store, "verdict", "reason")]


def as_json(values: list[str]) -> str:
    """As source_perimeters holds them."""
    return json.dumps(values)
