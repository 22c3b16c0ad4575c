"""Each cell of the decision matrix: who decides, by access mode, publicNetworkAccess, direction and traffic type.

The table stands as on Microsoft Learn, "Transition to a network security perimeter": flows that the resource's own
rules admit in learning mode, once with an access rule that admits them (+) and once without (-).
"""

from datetime import timedelta
from typing import Any

import pytest

from pipeline.store import Store
from tests.verdict.world import DOCS as RESOURCE
from tests.verdict.world import GUID, MOMENT, PARTNER_GUID, SEARCH, World, as_json, flow, put, verdicts

WORDS = {
    "rule": "allowed-by-rule",
    "member": "allowed-by-membership",
    "link": "allowed-by-link",
    "private": "private",
    "own": "allowed-by-resource-rules-only",
    "deny": "denied",
    "attempt": "attempt",
    "?": "unknown",
}
CELLS = """
mode          access              public+in  public-in  public+out public-out intra+in intra-in cross+in cross-in cross+out cross-out private+in private-in attempt
NotAssociated Enabled             own        own        own        own        ?        ?        ?        ?        own       own       private    private    attempt
NotAssociated Disabled            deny       deny       own        own        deny     deny     deny     deny     own       own       private    private    attempt
NotAssociated SecuredByPerimeter  deny       deny       deny       deny       deny     deny     deny     deny     deny      deny      private    private    attempt
Learning      Enabled             rule       own        rule       own        member   member   link     link     link      link      private    private    attempt
Learning      Disabled            rule       deny       rule       own        member   member   link     link     link      link      private    private    attempt
Learning      SecuredByPerimeter  rule       deny       rule       deny       member   member   link     link     link      link      private    private    attempt
Audit         Enabled             rule       own        rule       own        member   member   link     link     link      link      private    private    attempt
Audit         Disabled            rule       deny       rule       own        member   member   link     link     link      link      private    private    attempt
Audit         SecuredByPerimeter  rule       deny       rule       deny       member   member   link     link     link      link      private    private    attempt
Enforced      Enabled             rule       deny       rule       deny       member   member   link     link     link      link      private    private    attempt
Enforced      Disabled            rule       deny       rule       deny       member   member   link     link     link      link      private    private    attempt
Enforced      SecuredByPerimeter  rule       deny       rule       deny       member   member   link     link     link      link      private    private    attempt
Transition    Enabled             rule       own        rule       own        member   member   link     link     link      link      private    private    attempt
"""  # noqa: E501
LINK = {"id": "/x/networkSecurityPerimeters/y/links/l"}


def _lines() -> list[tuple[str, str, dict[str, str]]]:
    head, *lines = CELLS.strip().splitlines()
    columns = head.split()[2:]
    found = []
    for line in lines:
        mode, access, *words = line.split()
        cells = {column: WORDS[word] for column, word in zip(columns, words, strict=True)}
        found.append((mode, access, cells))
    return found


FLOWS: dict[str, dict[str, Any]] = {
    "publicin": flow(),
    "publicout": flow(category="NspPublicOutboundResourceRulesAllowed", destination_fqdn="api.example.com"),
    "intrain": flow(
        category="NspIntraPerimeterInboundAllowed", source_resource=SEARCH, source_perimeters=as_json([GUID])
    ),
    "crossin": flow(category="NspCrossPerimeterInboundAllowed", source_perimeters=as_json([PARTNER_GUID])),
    "crossout": flow(category="NspCrossPerimeterOutboundAllowed", destination_fqdn="api.example.com"),
    "privatein": flow(category="NspPrivateInboundAllowed", source_ip="10.0.0.4"),
    "attempt": flow(category="NspOutboundAttempt"),
}
RULES = [
    ("apps", "Inbound", "addressPrefixes", "203.0.113.0/24"),
    ("apps", "Outbound", "fullyQualifiedDomainNames", "api.example.com"),
]


@pytest.mark.parametrize(("mode", "access", "cells"), _lines())
def test_line_of_the_matrix(store: Store, mode: str, access: str, cells: dict[str, str]) -> None:
    modes: dict[str, tuple[str | None, str | None, str]] = {SEARCH: ("Learning", "Enabled", "apps")}
    if mode != "NotAssociated":
        modes[RESOURCE] = (mode, access, "apps")
    store._connection.execute("update scenario set public_network_access = ?", [access])
    found: dict[str, str] = {}
    for with_rules, day in (("+", 1), ("-", 2)):
        put(store, World(rules=RULES if with_rules == "+" else [], modes=modes), taken_at=MOMENT + timedelta(hours=day))
        columns = [column for column in cells if with_rules in column or column == "attempt"]
        flows = [FLOWS[column.replace("+", "").replace("-", "")] for column in columns]
        found |= dict(zip(columns, [verdict for verdict, _ in verdicts(store, *flows)], strict=True))
    assert found == cells


def test_the_table_has_every_line() -> None:
    assert len({line[:2] for line in _lines()}) == 4 * 3 + 1
    assert {len(line[2]) for line in _lines()} == {13}


def test_the_matrix_is_total(store: Store) -> None:
    rows = store.rows("verdict/decision_matrix")
    assert len({row[:3] for row in rows}) == len(rows) == 4 * 3 * 2


@pytest.mark.parametrize(("mode", "access"), [("Frozen", "Enabled"), ("Learning", "Sometimes")])
def test_word_that_azure_adds_one_day_is_unknown_not_guessed(store: Store, mode: str, access: str) -> None:
    put(store, World(modes={RESOURCE: (mode, access, "apps")}, rules=RULES))
    assert verdicts(store, flow()) == [("unknown", "mode")]
