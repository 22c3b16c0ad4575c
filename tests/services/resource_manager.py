"""A loopback Azure Resource Manager: holds ARM items, and serves them over TLS by their ids, as lists and in pages.

It answers as Azure Resource Manager does where that is documented: a token and an api-version that the type has are
needed, ids are matched without regard to case, errors are `{"error": {"code", "message"}}`. Which code comes with what
is modelled on azure-rest-api-specs and Microsoft Learn, not observed. It gives tokens as a managed identity's endpoint
does, so that the command itself can sign in.

Where writing is allowed, access rules and associations are kept as the swagger has them (azure-rest-api-specs,
networkSecurityPerimeter.json, 2025-05-01) and answered as the recorded tests of the CLI extension show: rules at once
and without etags, with an undocumented `appliesTo`; the mode of an association by a long-running operation.
"""

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.services.loopback import Fault, Handler, Service, as_body, serving

NETWORK = ["2024-07-01", "2025-05-01", "2025-07-01"]
PROVIDERS: dict[str, dict[str, list[str]]] = {
    "Microsoft.Network": {"networkSecurityPerimeters": NETWORK, "locations/serviceTags": NETWORK},
    "Microsoft.Storage": {
        "storageAccounts": ["2023-05-01", "2025-08-01-preview", "2024-01-01", "2025-06-01"],
        "storageAccounts/networkSecurityPerimeterConfigurations": ["2024-01-01"],
    },
    "Microsoft.KeyVault": {"vaults": ["2023-07-01", "2024-04-01-preview"]},
    "Microsoft.CognitiveServices": {"accounts": ["2025-06-01", "2025-10-01-preview"]},
    "Microsoft.Search": {"searchServices": ["2025-05-01"]},
    "Microsoft.Sql": {"servers": ["2024-11-01-preview", "2024-05-01-preview"]},
}
"""Namespace -> type -> its API versions; of Microsoft.Sql the newest are previews here."""
IDENTITY = "/identity"
LINKS = "networkSecurityPerimeters"
RULE_LISTS = (
    "addressPrefixes", "fullyQualifiedDomainNames", "subscriptions", "emailAddresses", "phoneNumbers", "serviceTags",
)  # fmt: skip
DIRECTIONS = {"Inbound", "Outbound"}
MOST_ELEMENTS = 200
APPLIES_TO_ALL = [{"resourceType": "*", "features": ["*"]}]

Written = tuple[int, Any, dict[str, str]]
"""Status, body and headers of an answer."""


class ResourceManager(Service):
    """What a test sees and changes of the service."""

    def __init__(self) -> None:
        super().__init__()
        self.page = 1000
        self.audiences: set[str] = set()
        self.items: dict[str, dict[str, Any]] = {}
        self.subscriptions: set[str] = set()
        self.tags: list[Any] = []
        self.providers = json.loads(json.dumps(PROVIDERS))
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.other_methods: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.choose: Callable[[str, int], Fault | None] = lambda *_: None
        self.next_link: Callable[[str], Any] = lambda link: link
        self.lock = threading.RLock()
        self.is_writable = self.has_etags = False
        self.writes: list[tuple[str, str, Any]] = []
        self.choose_write: Callable[[str, str, int], Fault | None] = lambda *_: None
        self.polls = 2
        self.operation_fails = False
        self._operations: dict[str, tuple[int, Callable[[], object]]] = {}
        self._clock = 0
        self.spellings: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def add(self, items: list[dict[str, Any]]) -> None:
        """Hold items by their ids."""
        for item in items:
            self.items[item["id"].lower()] = item
            self.subscriptions.add(item["id"].split("/")[2].lower())

    def forget(self, beginning: str) -> None:
        """Delete an item and all below it."""
        whole = beginning.lower()
        self.items = {key: item for key, item in self.items.items() if key != whole and not key.startswith(f"{whole}/")}

    def paths(self) -> list[str]:
        """Return the paths asked for."""
        return [path for path, _ in self.requests]

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Return status and body of the answer to a GET."""
        parts = path.split("/")
        if "api-version" not in query:
            return _error(400, "MissingApiVersionParameter")
        if parts[1:2] != ["subscriptions"] or parts[2] not in self.subscriptions:
            return _error(404, "SubscriptionNotFound")
        if len(parts) == 5 and parts[3] == "providers":
            return self._provider(parts[4])
        versions = self._versions(path)
        if query["api-version"] not in versions:
            return _error(400, "NoRegisteredProviderFound") if versions else _error(404, "InvalidResourceType")
        return self._found(path, query)

    def write(self, method: str, path: str, query: dict[str, str], item: Any, conditions: dict[str, str]) -> Written:
        """Keep or delete an object; return status, body and headers of the answer."""
        with self.lock:
            self.writes.append((method, path, item))
            refusal = self._unwritable(path, query, conditions)
            if refusal:
                return (*refusal, {})
            kind = path.split("/")[-2]
            if method == "DELETE" and kind == "accessrules":
                return (200 if self.items.pop(path, None) else 204), b"", self._changed(path)
            if method == "PUT" and kind == "accessrules":
                return self._put_rule(path, item)
            if method == "PUT" and kind == "resourceassociations":
                return self._put_association(path, item, query["api-version"])
            return (*_error(405, "MethodNotAllowed"), {})

    def _unwritable(self, path: str, query: dict[str, str], conditions: dict[str, str]) -> tuple[int, Any] | None:
        if query.get("api-version") not in NETWORK or set(query) != {"api-version"}:
            return _error(400, "InvalidApiVersionParameter")
        above, kind, name = path.rsplit("/", 2)
        if above not in self.items:
            return _error(404, "ParentResourceNotFound")
        if not re.fullmatch("([a-z0-9]+[a-z0-9_.-]*[a-z0-9_]+)|[a-z0-9]", name) or len(name) > 80:
            return _error(400, "InvalidResourceName")
        if kind not in {"accessrules", "resourceassociations"}:
            return _error(404, "InvalidResourceType")
        there = self.items.get(path)
        is_unwanted = "If-None-Match" in conditions and self.has_etags and there
        is_other = "If-Match" in conditions and conditions["If-Match"] != (there or {}).get("etag")
        return _error(412, "PreconditionFailed") if is_unwanted or is_other else None

    def _put_rule(self, path: str, item: Any) -> Written:
        wrong = wrong_rule(item)
        if wrong:
            return (*_error(400, wrong), {})
        properties = {"provisioningState": "Succeeded", "direction": item["properties"]["direction"]}
        properties |= {name: item["properties"].get(name, []) for name in (*RULE_LISTS, "networkSecurityPerimeters")}
        properties["appliesTo"] = item["properties"].get("appliesTo", APPLIES_TO_ALL)
        if self._elements(path, properties) > MOST_ELEMENTS:
            return (*_error(400, "AccessRuleElementsLimitExceeded"), {})
        is_new = path not in self.items
        self._keep(path, {"name": self._spelled(path), "id": self._spelled_id(path), "properties": properties})
        return 201 if is_new else 200, self.items[path], self._changed(path)

    def _elements(self, path: str, properties: dict[str, Any]) -> int:
        """Return how many elements a profile has in a direction when a rule is so."""
        above = path.rsplit("/", 1)[0] + "/"
        rules = {key: item["properties"] for key, item in self.items.items() if key.startswith(above)}
        rules[path] = properties
        mine = [each for each in rules.values() if each["direction"] == properties["direction"]]
        return sum(len(values) for each in mine for name, values in each.items() if name in (*RULE_LISTS, LINKS))

    def _put_association(self, path: str, item: Any, version: str) -> Written:
        wrong = wrong_association(item)
        if wrong or path not in self.items:
            return (*_error(400, wrong or "NotModelled"), {})
        before = self.items[path]
        wanted = {**before["properties"], **item["properties"]}
        wanted["provisioningState"] = "Succeeded"

        def finish() -> None:
            if not self.operation_fails:
                self._keep(path, {**before, "properties": wanted})

        number = str(len(self._operations) + 1)
        subscription = path.split("/")[2]
        place = f"/subscriptions/{subscription}/providers/microsoft.network/locations/westeurope"
        address = f"{place}/networksecurityperimeteroperationstatuses/{number}"
        self._operations[address] = (self.polls, finish)
        self.items[path] = {**before, "properties": {**before["properties"], "provisioningState": "Updating"}}
        link = f"{self.url}{address}?api-version={version}&t=1&c=a%2Fsecret"
        return 202, self.items[path], {"Azure-AsyncOperation": link}

    def _operation(self, path: str) -> tuple[int, Any]:
        with self.lock:
            left, finish = self._operations[path]
            self._operations[path] = (left - 1, finish)
            if left == 1:
                finish()
        state = "Updating" if left > 1 else "Failed" if self.operation_fails else "Succeeded"
        return 200, {"name": path.rsplit("/", 1)[-1], "id": path, "status": state}

    def _keep(self, path: str, item: dict[str, Any]) -> None:
        self._clock += 1
        kept = {**item, "systemData": {"lastModifiedAt": f"2026-11-25T00:00:{self._clock:02}Z"}}
        if self.has_etags:
            kept["etag"] = f'W/"{self._clock}"'
        self.items[path] = kept

    def _changed(self, path: str) -> dict[str, str]:
        profile = self.items[path.rsplit("/", 2)[0]]
        version = int(profile["properties"].get("accessRulesVersion") or 0)
        profile["properties"]["accessRulesVersion"] = str(version + 1)
        return {}

    def _spelled(self, path: str) -> str:
        return str(self.spellings.get(path, path)).rsplit("/", 1)[-1]

    def _spelled_id(self, path: str) -> str:
        return str(self.spellings.get(path, path))

    def _found(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if path in self._operations:
            return self._operation(path)
        if path.endswith("/servicetags"):
            return self._page(path, self.tags, query, "values")
        if path in self.items:
            return 200, self.items[path]
        above, _, kind = path.rpartition("/")
        if above.endswith("/providers/microsoft.network"):
            wanted = above.removesuffix("providers/microsoft.network")
            found = [item for key, item in self.items.items() if key.startswith(wanted) and key.split("/")[-2] == kind]
        elif above.removesuffix("/providers/microsoft.insights") in self.items:
            found = [item for key, item in self.items.items() if key.rpartition("/")[0] == path]
        else:
            return _error(404, "ResourceNotFound")
        return self._page(path, found, query, "value")

    def _provider(self, namespace: str) -> tuple[int, Any]:
        for name, types in self.providers.items():
            if name.lower() == namespace:
                listed = [{"resourceType": kind, "apiVersions": versions} for kind, versions in types.items()]
                return 200, {"namespace": name, "resourceTypes": listed}
        return _error(404, "InvalidResourceNamespace")

    def _versions(self, path: str) -> list[str]:
        """Return the API versions of the type that a path names; none where there is no such type."""
        if "/providers/microsoft.insights/diagnosticsettings" in path:
            return ["2021-05-01-preview"]
        namespace, *rest = path.rpartition("/providers/")[2].split("/")
        kinds = {f"{name}/{kind}".lower(): each for name, types in PROVIDERS.items() for kind, each in types.items()}
        kind = f"{namespace}/{'/'.join(rest[::2])}"
        if kind.startswith("microsoft.network/networksecurityperimeters"):
            return NETWORK
        if path.endswith("/servicetags") or "/networksecurityperimeteroperationstatuses/" in path:
            return NETWORK
        return kinds.get(kind, [])

    def _page(self, path: str, found: list[Any], query: dict[str, str], key: str) -> tuple[int, Any]:
        start = int(query.get("$skiptoken", "0"))
        body: dict[str, Any] = {key: found[start : start + self.page]}
        if start + self.page < len(found):
            link = f"{self.url}{path}?api-version={query['api-version']}&$skiptoken={start + self.page}"
            body["nextLink"] = self.next_link(link)
        return 200, body


def wrong_rule(item: Any) -> str:
    """Return the code of what is wrong with the body of a rule; "" for nothing."""
    if not isinstance(item, dict) or set(item) != {"properties"} or not isinstance(item["properties"], dict):
        return "InvalidRequestContent"
    properties = item["properties"]
    if set(properties) - {"direction", "appliesTo", *RULE_LISTS} or properties.get("direction") not in DIRECTIONS:
        return "InvalidRequestContent"
    held = {name: properties[name] for name in RULE_LISTS if properties.get(name)}
    for name, values in held.items():
        good = isinstance(values, list) and all(
            (isinstance(each, dict) and set(each) == {"id"}) if name == "subscriptions" else isinstance(each, str)
            for each in values
        )
        if not good or len(values) != len({json.dumps(each) for each in values}):
            return "InvalidRequestContent"
    outbound = {"fullyQualifiedDomainNames", "emailAddresses", "phoneNumbers"}
    if not held or any((name in outbound) != (properties["direction"] == "Outbound") for name in held):
        return "AccessRuleInvalid"
    return ""


def wrong_association(item: Any) -> str:
    """Return the code of what is wrong with the body of an association; "" for nothing."""
    properties = item.get("properties") if isinstance(item, dict) else None
    if not isinstance(properties, dict) or set(properties) != {"privateLinkResource", "profile", "accessMode"}:
        return "InvalidRequestContent"
    if properties["accessMode"] not in {"Learning", "Enforced", "Audit"}:
        return "InvalidRequestContent"
    return ""


def _error(status: int, code: str) -> tuple[int, Any]:
    return status, {"error": {"code": code, "message": f"Told at length: {code}"}}


def refused(status: int = 403, code: str = "AuthorizationFailed", **more: Any) -> Fault:
    """A fault that answers as Azure Resource Manager refuses."""
    return Fault(status=status, body=_error(status, code)[1], **more)


class _Handler(Handler):
    def do_GET(self) -> None:  # noqa: N802 -- as http.server has it
        seen: ResourceManager = self.service
        path, query = self._asked()
        if path == IDENTITY:
            token = {"access_token": seen.token, "expires_on": "4102444800", "resource": query["resource"]}
            is_known = query["resource"] in {seen.url, *seen.audiences}
            self.send(200 if is_known else 400, as_body(token), {}, Fault())
            return
        with seen.lock:
            seen.requests.append((path, query))
            seen.headers.append(dict(self.headers))
            seen.at_once += 1
            seen.most_at_once = max(seen.most_at_once, seen.at_once)
            number = seen.paths().count(path)
        try:
            self._answer(seen.choose(path, number) or Fault(), lambda: (*seen.answer(path, query), {}))
        finally:
            with seen.lock:
                seen.at_once -= 1

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return unquote(parts.path).lower().rstrip("/"), dict(parse_qsl(parts.query))

    def _answer(self, fault: Fault, answer: Callable[[], Written]) -> None:
        seen: ResourceManager = self.service
        if fault.first:
            fault.first()
        if fault.done:
            answer()
        if fault.hang:
            seen.stopping.wait(fault.hang)
        if fault.reset or fault.hang:
            self.hang_up()
        elif fault.status:
            self.send(fault.status, as_body(fault.body), {}, fault)
        elif self.headers.get("Authorization") != f"Bearer {seen.token}":
            status, body = _error(401, "InvalidAuthenticationToken")
            self.send(status, as_body(body), {}, fault)
        else:
            status, body, headers = answer()
            self.send(status, as_body(body), headers, fault)

    def _write(self) -> None:
        seen: ResourceManager = self.service
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not seen.is_writable:
            self._other()
            return
        path, query = self._asked()
        seen.spellings.setdefault(path, unquote(urlsplit(self.path).path))
        number = 1 + sum((method, each) == (self.command, path) for method, each, _ in seen.writes)
        fault = seen.choose_write(self.command, path, number) or Fault()
        item = json.loads(sent) if sent else None
        self._answer(fault, lambda: seen.write(self.command, path, query, item, dict(self.headers)))
        if not fault.done and (fault.status or fault.reset or fault.hang):
            seen.writes.append((self.command, path, None))  # so that the next one is another

    def _other(self) -> None:
        self.service.other_methods.append(self.command)
        status, body = _error(405, "MethodNotAllowed")
        self.send(status, as_body(body), {}, Fault())

    do_PUT = do_DELETE = _write  # noqa: N815 -- as http.server has it
    do_POST = do_PATCH = _other  # noqa: N815


@contextlib.contextmanager
def running(folder: Path) -> Iterator[ResourceManager]:
    """Have the service running for the length of the block; its certificate lies in a folder."""
    seen = ResourceManager()
    with serving(seen, _Handler, folder):
        yield seen
