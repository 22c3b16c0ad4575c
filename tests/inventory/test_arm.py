"""Azure Resource Manager behind its real client: what is pulled, what is a gap, and what never looks removed."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.identity import CredentialUnavailableError

from pipeline.azure.arm_connection import Access
from pipeline.azure.patience import Patience
from pipeline.azure.signin import Auth
from pipeline.errors import AzureError, ForbiddenError, SignInError, UnreachableError, UsageError
from pipeline.inventory.arm import Pulled, Wanted, pull
from pipeline.inventory.arm_member import newest
from pipeline.inventory.file import load
from pipeline.inventory.snapshot import TABLES
from pipeline.sample.scenario import ARCHIVE, DOCS, FOUNDRY, INVENTORY, PERIMETER, PERIMETER_GUID, SUBSCRIPTION, VAULT
from pipeline.store import Store, open_store
from tests import forks
from tests.inventory.test_file import nested
from tests.services.loopback import Fault, Token
from tests.services.resource_manager import IDENTITY, ResourceManager, refused, running

QUICK = Patience(attempts=3, seconds=5, pause=0.02, longest_pause=0.2)
ALL = Wanted((SUBSCRIPTION,))
ONE = Wanted(perimeters=(PERIMETER,))
KEY = PERIMETER.lower()
OTHER = PERIMETER.replace("nsp-contoso-ai", "nsp-other")
PARTNER = PERIMETER.replace(SUBSCRIPTION, "5f0c2a1e-7d34-4b6a-9a51-c0ffee000009")
CONFIGURATION = {
    "id": f"{DOCS}/networkSecurityPerimeterConfigurations/{PERIMETER_GUID}.contosodocs",
    "name": f"{PERIMETER_GUID}.contosodocs",
    "properties": {
        "networkSecurityPerimeter": {"id": PERIMETER, "perimeterGuid": PERIMETER_GUID, "location": "westeurope"},
        "resourceAssociation": {"name": "contosodocs", "accessMode": "Learning"},
        "provisioningIssues": [
            {"name": "i", "properties": {"issueType": "MissingIdentityConfiguration", "severity": "Warning"}}
        ],
    },
}


def estate() -> dict[str, list[dict[str, Any]]]:
    """What a subscription holds, as the REST API spells it."""
    made = {name: [nested(item) for item in items] for name, items in json.loads(json.dumps(INVENTORY)).items()}
    for association in made["associations"]:
        del association["properties"]["publicNetworkAccess"]  # a field of the resource, not of the association
    made["links"] = [{
        "id": f"{PERIMETER}/links/partner", "name": "partner",
        "properties": {"autoApprovedRemotePerimeterResourceId": PARTNER, "status": "Approved",
                       "localInboundProfiles": ["*"], "remoteInboundProfiles": ["p"]},
    }]  # fmt: skip
    made["linkReferences"] = [
        {"id": f"{PERIMETER}/linkReferences/back", "name": "back", "properties": {"status": "Pending"}}
    ]
    made["loggingConfigurations"] = [
        {"id": f"{PERIMETER}/loggingConfigurations/instance", "name": "instance",
         "properties": {"enabledLogCategories": ["NspPrivateInboundAllowed"], "version": "1"}},
    ]  # fmt: skip
    made["diagnosticSettings"] = [{
        "id": f"{PERIMETER}/providers/microsoft.insights/diagnosticSettings/logs", "name": "logs",
        "properties": {"workspaceId": "/subscriptions/1/w", "logs": [{"categoryGroup": "allLogs", "enabled": True}]},
    }]  # fmt: skip
    made["resources"] = [
        {"id": each["properties"]["privateLinkResource"]["id"], "name": each["name"], "location": "westeurope",
         "kind": "StorageV2", "identity": {"type": "SystemAssigned"},
         "properties": {"publicNetworkAccess": "Enabled", "allowSharedKeyAccess": False}}
        for each in made["associations"]
    ]  # fmt: skip
    made["configurations"] = [CONFIGURATION]
    return made


def another(perimeter: str = OTHER) -> dict[str, list[dict[str, Any]]]:
    """A second perimeter, small."""
    return {
        "perimeters": [{"id": perimeter, "name": perimeter.rsplit("/", 1)[-1], "location": "westeurope"}],
        "profiles": [{"id": f"{perimeter}/profiles/p", "name": "p", "properties": {"accessRulesVersion": "1"}}],
    }


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[ResourceManager]:
    folder = tmp_path / "azure"
    folder.mkdir()
    with running(folder) as started:
        for items in estate().values():
            started.add(items)
        yield started
        assert started.other_methods == []  # nothing was ever written


def pulled(store: Store, azure: ResourceManager, wanted: Wanted = ALL, **options: Any) -> Pulled:
    access = Access(
        options.get("url", azure.url),
        Auth.DEFAULT,
        credential=options.get("token") or Token(),
        verify=azure.certificate,
        patience=options.get("patience", QUICK),
    )
    return pull(store, wanted, access)


def on(azure: ResourceManager, words: str, fault: Fault) -> None:
    """Have a fault wherever a path ends so."""
    azure.choose = lambda path, _: fault if path.endswith(words.lower()) else None


def tables(store: Store) -> dict[str, list[Any]]:
    """Everything that is known now, but for the numbers of snapshots."""
    names = ("profile", "rule_element", "association", "resource", "link", "logging", "issue")
    made = {name: store._connection.execute(f"from inventory_{name} order by all").fetchall() for name in names}
    columns = "perimeter, perimeter_guid, location, content_hash, gone, links_known, logging_known, gaps"
    made["head"] = store._connection.execute(f"select {columns} from inventory_perimeter order by all").fetchall()
    return made


def head(store: Store, perimeter: str = KEY) -> tuple[Any, ...]:
    """Whether links and logging are known, and the gaps."""
    row = store._connection.execute(
        "select links_known, logging_known, gaps from inventory_perimeter where perimeter = ?", [perimeter]
    ).fetchall()[0]
    return row[0], row[1], json.loads(row[2] or "[]")


def changes(store: Store) -> list[tuple[Any, ...]]:
    rows = store.rows("inventory/changes", since=None, until=None, perimeter=None)
    return [(row[2], row[3].rsplit("/", 1)[-1], *row[4:]) for row in rows]


def alive(store: Store) -> set[str]:
    return {row[0] for row in store.rows("inventory/newest_snapshots", moment=None) if not row[5]}


def test_a_pull_knows_what_a_file_with_the_same_items_tells(
    store: Store, azure: ResourceManager, tmp_path: Path
) -> None:
    result = pulled(store, azure)
    (tmp_path / "i.json").write_text(json.dumps(estate()))
    with open_store(tmp_path / "other") as other:
        counts = load(other, tmp_path / "i.json")
        assert tables(store) == tables(other)
    assert (result.counts, result.gaps) == (counts, ())
    assert all(counts[name] for name in ("perimeters", *TABLES))
    assert head(store) == (True, True, [])
    assert store.rows("inventory/newest_snapshots", moment=None)[0][8] == "arm"


def test_every_request_carries_token_and_version_and_few_run_at_once(store: Store, azure: ResourceManager) -> None:
    import time

    azure.choose = lambda *_: Fault(first=lambda: time.sleep(0.02))
    pulled(store, azure)
    assert all("api-version" in query for _, query in azure.requests)
    assert {each["Authorization"] for each in azure.headers} == {"Bearer a-token"}
    assert 2 <= azure.most_at_once <= 8
    assert len(azure.paths()) == len(set(azure.paths()))
    versions = {path: query["api-version"] for path, query in azure.requests}
    assert versions[DOCS.lower()] == "2025-06-01"  # newest, no preview
    assert versions[f"{DOCS}/networkSecurityPerimeterConfigurations".lower()] == "2024-01-01"
    assert sum(path.endswith("/providers/microsoft.storage") for path in azure.paths()) == 1  # for two accounts


@pytest.mark.parametrize("size", [1, 2, 5])
def test_lists_come_in_pages(store: Store, azure: ResourceManager, tmp_path: Path, size: int) -> None:
    azure.page = size
    assert pulled(store, azure).gaps == ()
    (tmp_path / "i.json").write_text(json.dumps(estate()))
    with open_store(tmp_path / "other") as other:
        load(other, tmp_path / "i.json")
        assert tables(store) == tables(other)


@pytest.mark.parametrize(
    "fault",
    [
        refused(429, "TooManyRequests", headers={"Retry-After": "1"}),
        refused(503, "ServerTimeout"),
        Fault(reset=True),
        Fault(cut=9),
    ],
    ids=str,
)
def test_faults_that_go_away_are_sat_out(store: Store, azure: ResourceManager, fault: Fault) -> None:
    azure.choose = lambda _, number: fault if number == 1 else None
    assert pulled(store, azure).gaps == ()
    assert len(store.rows("inventory/associations")) == 6


LINKS_ELSEWHERE = [
    "https://localhost:{own}{rest}",
    "http://127.0.0.1:{own}{rest}",
    "https://127.0.0.1:{other}{rest}",
    "https://127.0.0.1:{own}\\@127.0.0.1:{other}{rest}",
    "https://127.0.0.1:{own}@127.0.0.1:{other}{rest}",
    "https://user@127.0.0.1:{own}{rest}",
    "//127.0.0.1:{own}{rest}",
    "{rest}",
    "//[",
    "https://",
    "https://127.0.0.1:{own}{rest}\n",
    7,
    {"link": 1},
]


@pytest.mark.parametrize("link", LINKS_ELSEWHERE, ids=str)
def test_token_goes_to_no_other_host(store: Store, azure: ResourceManager, tmp_path: Path, link: Any) -> None:
    with running(tmp_path) as elsewhere:
        azure.page = 1
        places = {"own": azure.port, "other": elsewhere.port}
        azure.next_link = lambda real: (
            link.format(**places, rest=real.removeprefix(azure.url)) if isinstance(link, str) else link
        )
        with pytest.raises(AzureError, match="token isn't sent there") as caught:
            pulled(store, azure)
        assert elsewhere.requests == []
    assert "a-token" not in str(caught.value)
    assert alive(store) == set()


def test_redirects_are_not_followed(store: Store, azure: ResourceManager, tmp_path: Path) -> None:
    with running(tmp_path) as elsewhere:
        there = {"Location": f"{elsewhere.url}/subscriptions/1"}
        azure.choose = lambda *_: Fault(status=307, body={}, headers=there)
        with pytest.raises(UnreachableError, match="the answer was 307"):
            pulled(store, azure)
        assert elsewhere.requests == []


def test_provider_that_is_not_registered_stays_so(store: Store, azure: ResourceManager) -> None:
    azure.choose = lambda *_: refused(409, "MissingSubscriptionRegistration")  # the usual policies would register it
    with pytest.raises(UnreachableError, match="409 MissingSubscriptionRegistration"):
        pulled(store, azure)
    assert azure.other_methods == []


def test_endless_pages_end(store: Store, azure: ResourceManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.azure.resource_manager.MOST_PAGES", 20)
    again = {"value": [], "nextLink": f"{azure.url}{PERIMETER}/links?api-version=2025-05-01"}
    on(azure, "/links", Fault(status=200, body=again))
    result = pulled(store, azure)
    assert ["more than 20 pages" in gap for gap in result.gaps] == [True]
    assert head(store)[0] is False


def test_resource_that_may_not_be_read_is_a_gap(store: Store, azure: ResourceManager) -> None:
    on(azure, FOUNDRY, refused())
    result = pulled(store, azure)
    (gap,) = result.gaps
    assert gap.startswith(FOUNDRY)
    assert "403 AuthorizationFailed" in gap
    assert "the role Reader on it is needed" in gap
    assert head(store) == (True, True, [gap])
    assert len(store.rows("inventory/associations")) == 6
    assert FOUNDRY.lower() not in {row[1] for row in store.rows("inventory/resources")}


@pytest.mark.parametrize(
    "fault", [refused(), refused(500, "Oops"), refused(404, "ResourceNotFound"), refused(429, "T")]
)
@pytest.mark.parametrize(
    ("words", "links", "logging"),
    [
        ("/links", False, True),
        ("/linkReferences", False, True),
        ("/diagnosticSettings", True, True),
        ("/loggingConfigurations/instance", True, False),
        ("/networkSecurityPerimeterConfigurations", True, True),
    ],
)
def test_lesser_lists_that_cannot_be_read_are_gaps(
    store: Store, azure: ResourceManager, words: str, links: bool, logging: bool, fault: Fault
) -> None:
    absent = fault.status == 404
    on(azure, words, fault)
    result = pulled(store, azure)
    if absent and words.endswith(("instance", "Configurations")):
        assert (result.gaps, head(store)) == ((), (True, True, []))  # that is how "there is none" is said
        return
    assert result.gaps
    assert all(words in gap or "taken over" in gap for gap in result.gaps)
    assert head(store) == (links, logging, list(result.gaps))
    assert len(store.rows("inventory/rule_elements")) == 3


def test_services_without_a_view_of_perimeters_are_no_gap(store: Store, azure: ResourceManager) -> None:
    on(azure, "/networkSecurityPerimeterConfigurations", refused(400, "InvalidResourceType"))
    assert pulled(store, azure).gaps == ()


@pytest.mark.parametrize("fault", [refused(), refused(503, "Oops"), Fault(reset=True), Fault(status=200, body={})])
@pytest.mark.parametrize("words", ["/profiles", "/ai-apps/accessRules", "/resourceAssociations"])
def test_without_rules_or_members_the_older_snapshot_stays_in_force(
    store: Store, azure: ResourceManager, words: str, fault: Fault
) -> None:
    azure.add(another()["perimeters"])
    pulled(store, azure)
    before = tables(store)
    on(azure, f"{PERIMETER}{words}" if "ai-apps" not in words else words, fault)
    result = pulled(store, azure)
    assert tables(store) == before
    assert result.counts["perimeters"] == 1  # the other one
    (gap,) = result.gaps
    assert words in gap
    assert gap.endswith("left as it was.")
    assert changes(store) == []
    azure.choose = lambda *_: refused()
    with pytest.raises(ForbiddenError):
        pulled(store, azure)
    assert tables(store) == before


def test_first_pull_without_rules_keeps_nothing(store: Store, azure: ResourceManager) -> None:
    on(azure, "/ai-apps/accessRules", refused())
    assert len(pulled(store, azure).gaps) == 1
    assert alive(store) == set()


@pytest.mark.parametrize("wanted", [ALL, ONE])
@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        (refused(401, "InvalidAuthenticationToken"), SignInError, "Sign in anew"),
        (refused(403), ForbiddenError, "The role Reader"),
        (refused(404, "SubscriptionNotFound"), AzureError, "There is no perimeter"),
        (refused(500, "Oops"), UnreachableError, "gives no answer .* the answer was 500 Oops"),
        (Fault(status=200, body=b"<html>log in first</html>"), UnreachableError, "no JSON"),
        (Fault(status=404, body=b"<html>"), AzureError, "There is no perimeter"),
    ],
)
def test_refusals_say_what_to_do(
    store: Store, azure: ResourceManager, wanted: Wanted, fault: Fault, kind: type[AzureError], told: str
) -> None:
    azure.choose = lambda *_: fault
    with pytest.raises(kind, match=told) as caught:
        pulled(store, azure, wanted)
    assert caught.value.exit_code == 4
    assert "a-token" not in str(caught.value)
    assert alive(store) == set()


class SignedOut(Token):
    async def get_token(self, *_: str, **__: Any) -> Any:
        raise CredentialUnavailableError(message="a long story")


def test_signed_out_and_no_network(store: Store, azure: ResourceManager) -> None:
    with pytest.raises(SignInError, match="az login"):
        pulled(store, azure, token=SignedOut())
    assert azure.requests == []
    with pytest.raises(SignInError, match="refuses the token"):
        pulled(store, azure, token=Token("another"))
    with pytest.raises(UnreachableError, match="can't be reached"):
        pulled(store, azure, url="https://127.0.0.1:9")


def test_token_that_is_refused_halfway_keeps_nothing(store: Store, azure: ResourceManager) -> None:
    pulled(store, azure)
    before = tables(store)
    azure.add(another()["perimeters"])
    on(azure, VAULT, refused(401, "ExpiredAuthenticationToken"))
    with pytest.raises(SignInError):
        pulled(store, azure)
    assert tables(store) == before


def test_perimeter_that_was_deleted_is_gone(store: Store, azure: ResourceManager) -> None:
    for items in another().values():
        azure.add(items)
    pulled(store, azure)
    azure.forget(PERIMETER)
    assert pulled(store, azure).gaps == ()
    assert alive(store) == {OTHER.lower()}
    assert changes(store) == [("perimeter", "nsp-contoso-ai", "there", "gone")]
    assert pulled(store, azure, ONE) == Pulled({"perimeters": 0} | dict.fromkeys(TABLES, 0), ())
    assert len(changes(store)) == 1
    azure.forget(OTHER)
    pulled(store, azure, Wanted(perimeters=(OTHER,)))
    assert alive(store) == set()


def test_perimeter_with_a_longer_name_stays(store: Store, azure: ResourceManager) -> None:
    longer = f"{PERIMETER}2"
    for items in another(longer).values():
        azure.add(items)
    pulled(store, azure)
    azure.forget(PERIMETER)
    pulled(store, azure)
    assert alive(store) == {longer.lower()}


def test_perimeter_that_is_not_listed_is_gone_only_if_it_is_not_there(store: Store, azure: ResourceManager) -> None:
    # a list shows what may be read; nobody says that the rest is gone
    for items in another().values():
        azure.add(items)
    pulled(store, azure)
    listed = Fault(status=200, body={"value": [azure.items[OTHER.lower()]]})
    listing = f"/subscriptions/{SUBSCRIPTION}/providers/microsoft.network/networksecurityperimeters"

    for fault in (refused(), refused(404, "SubscriptionNotFound"), Fault(status=404, body=b"<html>"), refused(500, "")):
        answers = {listing: listed, KEY: fault}
        azure.choose = lambda path, _, answers=answers: answers.get(path)  # type: ignore[misc]
        (gap,) = pulled(store, azure).gaps
        assert PERIMETER.lower() in gap
        assert alive(store) == {KEY, OTHER.lower()}
    azure.choose = lambda path, _: listed if path == listing else None
    assert pulled(store, azure).gaps == ()
    assert changes(store) == []


def test_one_subscription_of_two_may_be_read(store: Store, azure: ResourceManager) -> None:
    far = PARTNER.split("/")[2]
    azure.choose = lambda path, _: refused() if path.startswith(f"/subscriptions/{far}") else None
    (gap,) = pulled(store, azure, Wanted((SUBSCRIPTION, far))).gaps
    assert gap.startswith(f"The perimeters of the subscription {far} can't be read")
    assert alive(store) == {KEY}


def test_perimeters_that_nobody_knows_are_told(store: Store, azure: ResourceManager) -> None:
    with pytest.raises(AzureError, match=r"There is no perimeter .*404 ResourceNotFound"):
        pulled(store, azure, Wanted(perimeters=(f"{PERIMETER}x",)))
    (gap,) = pulled(store, azure, Wanted(perimeters=(f"{PERIMETER}x", PERIMETER.upper(), f" {PERIMETER}/"))).gaps
    assert "404" in gap
    assert alive(store) == {KEY}


def test_providers_that_may_not_be_listed(store: Store, azure: ResourceManager) -> None:
    azure.choose = lambda path, _: refused() if path.rpartition("/")[0].endswith("/providers") else None
    result = pulled(store, azure)
    versions = {path: query["api-version"] for path, query in azure.requests}
    assert versions[ARCHIVE.lower()] == "2024-01-01"
    assert versions[f"{VAULT}/networkSecurityPerimeterConfigurations".lower()] == "2024-04-01-preview"
    # the loopback knows other versions of Microsoft.Sql than the built-in table does
    assert ["Microsoft.Sql/servers" in gap and "400" in gap for gap in result.gaps] == [True]


def test_type_of_which_no_version_is_known(store: Store, azure: ResourceManager) -> None:
    unknown = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/r/providers/Contoso.Things/things/t"
    azure.items[f"{KEY}/resourceassociations/contoso-kv"]["properties"]["privateLinkResource"]["id"] = unknown
    (gap,) = pulled(store, azure).gaps
    assert "no API version of its type is known" in gap
    assert len(store.rows("inventory/associations")) == 6


def test_newest_version() -> None:
    assert newest(["2024-01-01", "2025-01-01-preview", "2023-01-01"]) == "2024-01-01"
    assert newest(["2024-01-01-preview", "2025-01-01-preview"]) == "2025-01-01-preview"
    assert newest(["tomorrow", 7, None]) == ""
    assert newest("2024-01-01") == ""


def test_second_pull_confirms_and_a_changed_mode_is_told(store: Store, azure: ResourceManager) -> None:
    pulled(store, azure)
    pulled(store, azure)
    ((_, number, *_, first, last, _, _),) = store.rows("inventory/newest_snapshots", moment=None)
    assert number == 1
    assert first < last
    azure.items[f"{KEY}/resourceassociations/contoso-foundry"]["properties"]["accessMode"] = "Enforced"
    pulled(store, azure, ONE)
    assert changes(store) == [("access mode", "contoso-foundry", "Learning", "Enforced")]


def test_links_between_perimeters_of_one_pull(store: Store, azure: ResourceManager) -> None:
    # a resource in two perimeters is asked once; each perimeter learns what concerns it
    for items in another().values():
        azure.add(items)
    azure.add([{
        "id": f"{OTHER}/resourceAssociations/docs", "name": "docs",
        "properties": {"privateLinkResource": {"id": DOCS.upper()}, "profile": {"id": f"{OTHER}/profiles/p"},
                       "accessMode": "Learning"},
    }])  # fmt: skip
    assert pulled(store, azure).gaps == ()
    assert azure.paths().count(DOCS.lower()) == 1
    assert {row[0] for row in store.rows("inventory/issues")} == {KEY}
    assert [row[0] for row in store.rows("inventory/resources") if row[1] == DOCS.lower()] == [KEY, OTHER.lower()]


TAG = {"name": "Storage.WestEurope", "properties": {"region": "westeurope", "systemService": "AzureStorage"}}


def tags(count: int) -> list[dict[str, Any]]:
    return [
        {"name": f"T{each}", "properties": {**TAG["properties"], "addressPrefixes": [f"198.51.100.{each}/32"]}}  # type: ignore[dict-item]
        for each in range(count)
    ]


@pytest.mark.parametrize("wanted", [Wanted((SUBSCRIPTION,), (), "West Europe"), Wanted((), (PERIMETER,), "westeurope")])
def test_service_tags(store: Store, azure: ResourceManager, wanted: Wanted) -> None:
    azure.tags, azure.page = tags(5), 2
    result = pulled(store, azure, wanted)
    assert (result.counts["service tags"], result.counts["prefixes"], result.gaps) == (5, 5, ())
    assert len(store.rows("inventory/service_tag_prefixes")) == 5
    on(azure, "/serviceTags", refused())
    (gap,) = pulled(store, azure, wanted).gaps
    assert gap.startswith("The service tags can't be read")
    assert f"Reader on the subscription {SUBSCRIPTION}" in gap
    assert len(store.rows("inventory/service_tag_prefixes")) == 5


@pytest.mark.parametrize(
    "bad",
    [
        [], [7], ["x"], [{}], [{"name": 1, "properties": {}}], [{"name": "a", "properties": {"addressPrefixes": 7}}],
        [{"name": "a", "properties": {"addressPrefixes": ["x"]}}],
        [{"name": "a", "properties": {"addressPrefixes": [], "region": []}}],
    ],
    ids=str,
)  # fmt: skip
def test_service_tags_that_are_none_leave_the_old_ones(store: Store, azure: ResourceManager, bad: list[Any]) -> None:
    azure.tags = tags(3)
    wanted = Wanted((SUBSCRIPTION,), (), "westeurope")
    pulled(store, azure, wanted)
    azure.tags = bad
    (gap,) = pulled(store, azure, wanted).gaps
    assert "service tags" in gap
    assert len(store.rows("inventory/service_tag_prefixes")) == 3


VALUES: list[Any] = [None, 7, "x", [], {}, [7], [{}], {"value": 7}, {"value": [7]}, {"value": [{}]},
                     {"value": [{"id": 7}]}, {"value": [{"id": "/x", "name": {}}]}, {"value": {"id": 1}}]  # fmt: skip
OBJECTS = [body for body in VALUES if isinstance(body, dict)]
NO_GAP = {
    FOUNDRY: OBJECTS,  # a resource may have any properties
    "/networkSecurityPerimeterConfigurations": VALUES[-4:-1],  # of no perimeter
    "/diagnosticSettings": VALUES[-4:-1],  # without logs
    "/providers/Microsoft.Storage": VALUES,  # the built-in versions do
}
"""Shapes that are borne in silence."""


@pytest.mark.parametrize(
    "words",
    ["/networkSecurityPerimeters", PERIMETER, "/profiles", "/ai-apps/accessRules", "/resourceAssociations", "/links",
     "/linkReferences", "/instance", "/diagnosticSettings", FOUNDRY, "/networkSecurityPerimeterConfigurations",
     "/providers/Microsoft.Storage", "/serviceTags"],
)  # fmt: skip
def test_answers_of_any_shape(store: Store, azure: ResourceManager, words: str) -> None:
    azure.tags = tags(2)
    wanted = ONE if words == PERIMETER else Wanted((SUBSCRIPTION,), (), "westeurope")
    pulled(store, azure, wanted if words != PERIMETER else ALL)
    silent = []
    for body in VALUES:
        on(azure, words, Fault(status=200, body=json.dumps(body).encode()))
        try:
            if not pulled(store, azure, wanted).gaps:
                silent.append(body)
        except AzureError:
            pass
        assert alive(store) == {KEY}
        assert {row[0] for row in changes(store)} & {"rule element", "access mode", "perimeter"} == set()
    assert silent == NO_GAP.get(words, [])
    assert len(store.rows("inventory/service_tag_prefixes")) == (0 if words == PERIMETER else 2)


FIELDS = [
    ("/profiles", {"name": "../../x"}),
    ("/profiles", {"name": "a/b"}),
    ("/ai-apps/accessRules", {"direction": 7}),
    ("/ai-apps/accessRules", {"direction": "Inbound", "addressPrefixes": [{"a": 1}]}),
    ("/ai-apps/accessRules", {"direction": "Inbound", "subscriptions": [[]]}),
    ("/resourceAssociations", {"privateLinkResource": {"id": 7}, "profile": {"id": "x"}}),
    ("/loggingConfigurations/instance", {"enabledLogCategories": 7}),
    ("/loggingConfigurations/instance", {"enabledLogCategories": "abc"}),
    ("/diagnosticSettings", {"logs": ["x"]}),
    ("/diagnosticSettings", {"logs": {"a": 1}}),
    ("/networkSecurityPerimeterConfigurations", {"networkSecurityPerimeter": "x"}),
    ("/networkSecurityPerimeterConfigurations", {"provisioningIssues": 7}),
    ("/networkSecurityPerimeterConfigurations", {"provisioningIssues": ["x"]}),
    ("/links", {"id": "/subscriptions/1/networkSecurityPerimeters/other/links/l"}),
]


@pytest.mark.parametrize(("words", "properties"), FIELDS, ids=str)
def test_fields_of_any_type(store: Store, azure: ResourceManager, words: str, properties: dict[str, Any]) -> None:
    pulled(store, azure)
    inside = "ai-apps/accessRules" in words
    base = f"{PERIMETER}/profiles/ai-apps/accessRules" if inside else f"{PERIMETER}{words}"
    item = {"id": f"{base}/x", "name": "x", "properties": properties} | properties
    on(azure, words, Fault(status=200, body=item if "instance" in words else {"value": [item]}))
    assert pulled(store, azure).gaps
    assert alive(store) == {KEY}
    assert len(store.rows("inventory/rule_elements")) == 3


HOSTILE_IDS = [
    "x", "/subscriptions/1/../../../x", "https://127.0.0.1:1/x", f"{VAULT}/../../x", f"{VAULT}?api-version=1&x=",
    f"{VAULT}#x", f"{VAULT}%2f..", f"{VAULT}\x1b[31m", f"{VAULT}\\x", "//evil.example/x",
]  # fmt: skip


@pytest.mark.parametrize("identity", HOSTILE_IDS, ids=repr)
def test_ids_of_members_reach_nothing_else(store: Store, azure: ResourceManager, identity: str) -> None:
    azure.items[f"{KEY}/resourceassociations/contoso-kv"]["properties"]["privateLinkResource"]["id"] = identity
    (gap,) = pulled(store, azure).gaps
    assert "is no ARM id of a resource" in gap
    assert gap.isprintable()
    assert all(path.startswith("/subscriptions/5f0c2a1e") and ".." not in path for path in azure.paths())


def test_strange_text_is_kept(store: Store, azure: ResourceManager) -> None:
    azure.items[DOCS.lower()] |= {"kind": "\x00\ud800{x}", "location": "\x1b[31m"}
    azure.items[KEY]["location"] = "{0}\ud800"
    assert pulled(store, azure).gaps == ()
    assert [row[3] for row in store.rows("inventory/resources") if row[1] == DOCS.lower()] == ["\x00?{x}"]


@pytest.mark.parametrize("depth", [200, 900, 5_000, 200_000])
def test_deep_answers(store: Store, azure: ResourceManager, depth: int) -> None:
    deep = b'{"id": "%s", "properties": {"networkInjections": %s%s}}' % (DOCS.encode(), b"[" * depth, b"]" * depth)
    on(azure, DOCS, Fault(status=200, body=deep))
    pulled(store, azure)
    assert alive(store) == {KEY}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted(), "Which perimeters"),
        (Wanted(service_tags="westeurope"), "Which perimeters"),
        (Wanted(("my-subscription",)), "must be a GUID"),
        (Wanted((f"{SUBSCRIPTION}/../x",)), "must be a GUID"),
        (Wanted(perimeters=("nsp-contoso-ai",)), "no ARM id of a perimeter"),
        (Wanted(perimeters=(f"{PERIMETER}/profiles/p",)), "no ARM id of a perimeter"),
        (Wanted(perimeters=(DOCS,)), "no ARM id of a perimeter"),
        (Wanted(perimeters=(f"{PERIMETER}?x=1",)), "no ARM id of a perimeter"),
        (Wanted(perimeters=(PERIMETER.replace("rg-contoso-ai", ".."),)), "no ARM id of a perimeter"),
        (Wanted((SUBSCRIPTION,), (), "west/europe"), "no Azure region"),
    ],
)
def test_wrong_words(store: Store, azure: ResourceManager, wanted: Wanted, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        pulled(store, azure, wanted)
    assert azure.requests == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1", "127.0.0.1", "https://", "https://a/b", "https://u:p@a", "https://["]
)
def test_wrong_urls(store: Store, azure: ResourceManager, url: str) -> None:
    with pytest.raises(UsageError, match=r"azure\.resource_manager must be https"):
        pulled(store, azure, url=url)
    assert azure.requests == []


def nsp(folder: Path, azure: ResourceManager, *words: str, verbose: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command, signed in by the managed identity of an App Service."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("NSP_", "AZURE_", "IDENTITY_"))}
    environment = {
        "NSP_AZURE_RESOURCE_MANAGER": azure.url,
        "SSL_CERT_FILE": azure.certificate,
        "IDENTITY_ENDPOINT": f"{azure.url}{IDENTITY}",
        "IDENTITY_HEADER": "secret",
    }
    given = ("--store", str(folder / "store"), *verbose.split(), "inventory", "pull", "--auth", "managed-identity")
    return forks.text(forks.nsp((*given, *words), Path(__file__).parents[2], {**clean, **environment}))


def test_the_command(azure: ResourceManager, tmp_path: Path) -> None:
    azure.tags = tags(2)
    done = nsp(tmp_path, azure, "--subscription", SUBSCRIPTION, "--service-tags", "westeurope", "--format", "json")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert {"list": "associations", "items": 6} in json.loads(done.stdout)
    assert {"list": "service tags", "items": 2} in json.loads(done.stdout)
    on(azure, "/links", refused())
    done = nsp(tmp_path, azure, "--perimeter", PERIMETER, "--format", "json")
    assert done.returncode == 5
    (told,) = [json.loads(each) for each in done.stderr.splitlines()]
    assert (told["event"], told["level"], told["command"]) == ("not_read", "warning", "inventory pull")
    assert "links" in told["reason"]
    azure.choose = lambda *_: refused()
    done = nsp(tmp_path, azure, "--subscription", SUBSCRIPTION)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (4, 1, "")
    assert "The role Reader" in done.stderr
    done = nsp(tmp_path, azure)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--subscription" in done.stderr


def test_requests_are_logged_without_the_token(azure: ResourceManager, tmp_path: Path) -> None:
    azure.token = "a-token-of-some-length"
    for fault, code in ((lambda *_: None, 0), (lambda *_: refused(), 4)):
        azure.choose = fault
        done = nsp(tmp_path, azure, "--subscription", SUBSCRIPTION, verbose="-vv")
        told = [json.loads(each) for each in done.stderr.splitlines()]
        assert (done.returncode, told[-1]["exit_code"]) == (code, code), done.stderr
        requests = [each["message"] for each in told if each.get("logger", "").startswith("azure.")]
        assert any(SUBSCRIPTION in each and "GET" in each for each in requests)
        assert azure.token not in done.stderr
