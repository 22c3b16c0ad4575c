"""Whose a name is, which wildcards are proposed, and which questions are put."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from pipeline.inventory import hosts
from pipeline.recommend import hostnames
from pipeline.recommend.hostnames import MICROSOFT, Names, Question, owner_zone, questions, shared_suffix, wildcards

SUFFIXES = PublicSuffixList()
OURS = ("contosodocs.blob.core.windows.net", "contoso.com")

_USUAL = """
    graph.microsoft.com login.microsoftonline.com login.windows.net management.azure.com login.microsoftonline.us
    management.core.windows.net api.loganalytics.io dc.services.visualstudio.com packages.microsoft.com
    aka.ms download.microsoft.com mcr.microsoft.com www.office.com outlook.office365.com outlook.office.com
    api1.contoso.com api2.contoso.com api3.contoso.com api4.contoso.com api5.contoso.com www.contoso.com
    api.github.com github.com raw.githubusercontent.com objects.githubusercontent.com cdn.jsdelivr.net pypi.org
    static.crates.io api.openai.com api.anthropic.com api.stripe.com hooks.slack.com slack.com api.twilio.com
    api.sendgrid.com www.google.com www.googleapis.com storage.googleapis.com oauth2.googleapis.com fonts.gstatic.com
    api.salesforce.com na1.salesforce.com contoso.my.salesforce.com api.datadoghq.com api.datadoghq.eu
    http-intake.logs.datadoghq.com ingest.sentry.io api.pagerduty.com events.pagerduty.com api.snowflake.com
    acme-v02.api.letsencrypt.org ocsp.digicert.com crl3.digicert.com crl4.digicert.com ocsp.pki.goog
    s3.eu-west-1.amazonaws.com sts.amazonaws.com secretsmanager.us-east-1.amazonaws.com
    fabrikam.com api.fabrikam.com tailspintoys.com northwindtraders.com adventure-works.com wingtiptoys.com
    cdn1.edge-one.net cdn2.edge-two.net ftp.kernel.org deb.debian.org archive.ubuntu.com security.ubuntu.com
    download.docker.com registry-1.docker.io auth.docker.io production.cloudflare.docker.com quay.io gcr.io ghcr.io
    partner01.example.com partner02.example.com partner03.example.com sftp.bank.co.uk api.bank.co.uk
    stcontosoweu01.blob.core.windows.net stcontosoneu01.blob.core.windows.net stcontosoweu02.blob.core.windows.net
    kv-contoso-dev.vault.azure.net kv-contoso-prd.vault.azure.net sql-contoso-1.database.windows.net
    sql-contoso-2.database.windows.net contoso-search.search.windows.net contoso-openai.openai.azure.com
"""
USUAL = _USUAL.split()
PARTS = ["a", "b", "api", "rn", "m0", "com", "net", "co", "uk", "azure", "windows", "core", "blob", "github", "io"]
HOST = st.one_of(
    st.sampled_from([*USUAL, *sorted(hosts.SHARED_ZONES), *sorted(MICROSOFT)]),
    st.lists(st.sampled_from(PARTS), max_size=6).map(".".join),
    st.builds(
        lambda below, zone: f"{below}.{zone}",
        st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,4})?", fullmatch=True),
        st.sampled_from(
            ["contoso.com", "x.contoso.com", "contoso.co.uk", "azure.com", "windows.net", "core.windows.net",
             "blob.core.windows.net", "vault.azure.net", "amazonaws.com", "eu-west-1.amazonaws.com", "github.io",
             "azurewebsites.net", "microsoft.com", "co.uk", "com", "jp", "kobe.jp", "internal"]
        ),
    ),
)  # fmt: skip


def look_alike(host: str, days: Mapping[str, int], own_names: Collection[str] = ()) -> str | None:
    return Names(days, own_names).look_alike(host)


def flags(host: str, days: Mapping[str, int] | None = None, **fields: int | bool) -> list[str]:
    known: dict[str, int | bool] = {"days_seen": 20, "days_observed": 30, "first_seen_late": False}
    found = questions(host, others=Names(days or {host: 20}, OURS), **(known | fields))  # type: ignore[arg-type]
    return [each.flag for each in found]


@pytest.mark.parametrize(
    ("host", "zone"),
    [
        ("api.contoso.com", "contoso.com"),
        ("a.b.contoso.co.uk", "contoso.co.uk"),
        ("contoso.github.io", "contoso.github.io"),
        ("x.contoso.github.io", "contoso.github.io"),
        ("graph.microsoft.com", "microsoft.com"),
        ("management.core.windows.net", "windows.net"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("srv.corp.internal", "corp.internal"),
        ("github.io", None),
        ("co.uk", None),
        ("com", None),
        ("", None),
        ("a..b", None),
        ("203.0.113.9", None),
        ("other.queue.core.windows.net", None),
        ("other.privatelink.blob.core.windows.net", None),
        ("Other.Vault.Azure.Net", None),
        ("database.windows.net", None),
        ("cluster.westeurope.azmk8s.io", None),
        ("other.blob.core.usgovcloudapi.net", None),
        ("other.vault.azure.cn", None),
        ("prod-03.westus.logic.azure.com", None),
    ],
)
def test_domain_with_one_owner_is_found_and_shared_zones_have_none(host: str, zone: str | None) -> None:
    assert owner_zone(host) == zone


@pytest.mark.parametrize(
    ("host", "zone"),
    [
        ("other.table.core.windows.net", "table.core.windows.net"),
        ("bucket.s3.amazonaws.com", "s3.amazonaws.com"),
        ("somebody.github.io", "github.io"),
        ("api.contoso.com", None),
        ("contoso.co.uk", None),
        ("github.io", None),
    ],
)
def test_zones_of_everybody_are_azures_and_the_lists_private_part(host: str, zone: str | None) -> None:
    assert shared_suffix(host) == zone


@pytest.mark.parametrize("zone", sorted(hosts.SHARED_ZONES))
def test_shared_zones_are_well_formed_and_forbidden_as_are_the_domains_above(zone: str) -> None:
    assert zone == zone.lower().strip(".")
    names = [f"n{number}.{zone}" for number in range(9)]
    labels = zone.split(".")
    names += [f"n{number}.{'.'.join(labels[start:])}" for start in range(1, len(labels)) for number in range(9)]
    assert wildcards(names) == []


def test_wildcard_needs_enough_names_right_below_a_domain_of_one_owner() -> None:
    apis = [f"api{number}.contoso.com" for number in range(5)]
    deep = [f"{name}.eu.contoso.com" for name in "abcde"]
    assert wildcards([*apis, *deep[:4], "a.b.contoso.com", "contoso.com"]) == [("*.contoso.com", tuple(apis))]
    assert wildcards([*apis[:4], *apis[:4]]) == []
    assert [pattern for pattern, _ in wildcards([*apis, *deep])] == ["*.contoso.com", "*.eu.contoso.com"]
    assert wildcards([f"{name}.contoso.github.io" for name in "abcde"])[0][0] == "*.contoso.github.io"
    with pytest.raises(ValueError, match="at least 2"):
        wildcards(apis, least=1)


@pytest.mark.parametrize(
    "zone",
    ["windows.net", "core.windows.net", "azure.com", "azure.net", "microsoft.com", "amazonaws.com",
     "eu-west-1.amazonaws.com", "co.uk", "com", "github.io", "kobe.jp", "acct.blob.core.windows.net"],
)  # fmt: skip
def test_wildcard_never_holds_a_zone_of_many_owners(zone: str) -> None:
    assert wildcards([f"n{number}.{zone}" for number in range(20)]) == []


@settings(max_examples=300, deadline=None)
@given(names=st.lists(HOST, max_size=30), least=st.integers(2, 6))
def test_wildcards_cover_what_they_claim_and_nobody_elses_zone(names: list[str], least: int) -> None:
    found = wildcards(names, least)
    assert found == wildcards(reversed(names), least)
    for pattern, covered in found:
        zone = pattern.removeprefix("*.")
        assert len(set(covered)) == len(covered) >= least
        assert set(covered) <= set(names)
        assert all(name.removesuffix(f".{zone}").count(".") == 0 and name.endswith(f".{zone}") for name in covered)
        domain = SUFFIXES.privatesuffix(zone)
        assert domain is not None
        assert owner_zone(zone) == domain
        assert zone == domain or zone.endswith(f".{domain}")
        assert not any(f"{other}.".startswith(f"{zone}.") or other.endswith(f".{zone}") for other in hosts.SHARED_ZONES)
        assert not any(zone.endswith(f".{other}") for other in hosts.SHARED_ZONES)


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("login.micros0ft.com", "micros0ft.com reads like microsoft.com, one of Microsoft's"),
        ("login.rnicrosoft.com", "reads like microsoft.com"),
        ("login.mircosoft.com", "is one letter away from microsoft.com"),
        ("x.microsoftonlines.com", "is one letter away from microsoftonline.com"),
        ("api.c0ntoso.org", "reads like contoso.com, one of yours"),
        ("api.contosso.com", "is one letter away from contoso.com, one of yours"),
        ("api.contoso.co", "has another suffix than contoso.com, one of yours"),
        ("contosodoc.blob.core.windows.net", "is one letter away from contosodocs.blob.core.windows.net, one of yours"),
        ("c0ntosodocs.blob.core.windows.net", "reads like contosodocs.blob.core.windows.net, one of yours"),
        ("api.fabr1karn.com", "fabr1karn.com reads like fabrlkam.com, which was seen on 30 days"),
        (
            "api.tailspintoy.com",
            "is one letter away from tailspintoys.com, which was seen on 30 days; it was itself seen",
        ),
        ("api.tailspintoys.net", "has another suffix than tailspintoys.com, which was seen on 30 days"),
        ("xn--contso-zqf.com", "reads like contoso.com, one of yours"),
        ("xn--brndnew-3fg.com", "mixes letters of Latin and Cyrillic"),
        ("xn--tilspintoys-k7a.com", "reads like tailspintoys.com"),
    ],
)
def test_look_alike_is_told_with_the_name_it_resembles(host: str, told: str) -> None:
    days = {"www.fabrlkam.com": 30, "www.tailspintoys.com": 30, "www.contoso.com": 30, host: 1}
    sentence = look_alike(host, days, OURS)
    assert sentence is not None
    assert told in sentence


def test_idn_that_resembles_nothing_is_no_question() -> None:
    assert look_alike("xn--bcher-kva.de", {"xn--bcher-kva.de": 1, "www.contoso.com": 30}) is None
    assert "reads like bucher.de" in (look_alike("xn--bcher-kva.de", {"xn--bcher-kva.de": 1, "bucher.de": 9}) or "")
    assert look_alike("xn--99999999999.de", {"xn--99999999999.de": 1}) is None


@pytest.mark.parametrize("odd", [1, 2, 3, 5, 7])
def test_usual_names_are_no_look_alikes_of_one_another(odd: int) -> None:
    days = {name: 30 if place % odd else 1 for place, name in enumerate(USUAL)}
    names = Names(days, OURS)
    found = {name: sentence for name in USUAL if (sentence := names.look_alike(name))}
    assert set(found) <= {"api.datadoghq.eu", "api.datadoghq.com", "http-intake.logs.datadoghq.com"}
    if odd == 1:  # all seen on all days
        assert not found


def test_series_is_no_forgery_and_yours_are_never_asked_about() -> None:
    days = {f"www.edge-{number}.net": 30 for number in range(1, 30)} | {"www.edge-7.net": 1}
    assert not any(look_alike(name, days) for name in days)
    assert "edge-" in (look_alike("www.edge-x.net", days | {"www.edge-x.net": 1}) or "")
    assert look_alike("contosodocs.blob.core.windows.net", {"contosodocx.blob.core.windows.net": 30}, OURS) is None
    assert look_alike("x.contoso.com", {"x.cont0so.com": 30}, OURS) is None


def test_names_that_read_alike_are_both_told_where_none_was_seen_more() -> None:
    days = {"a.fabr1kam.com": 9, "a.fabrlkam.com": 9}
    assert all(look_alike(name, days) for name in days)
    days["a.fabrlkam.com"] = 10
    assert [bool(look_alike(name, days)) for name in days] == [True, False]


def test_neighbour_in_letters_has_to_be_seen_on_twice_the_days() -> None:
    assert look_alike("a.fabrikan.com", {"a.fabrikan.com": 10, "a.fabrikam.com": 19}) is None
    assert look_alike("a.fabrikan.com", {"a.fabrikan.com": 10, "a.fabrikam.com": 20}) is not None
    assert look_alike("a.lime.com", {"a.lime.com": 1, "a.live.org": 30, "a.line.com": 30}) is None


def test_name_under_a_shared_zone_is_a_question_unless_it_is_yours() -> None:
    assert flags("other.vault.azure.net") == ["shared-zone"]
    assert flags("bucket.s3.amazonaws.com") == ["shared-zone"]
    assert flags("contosodocs.blob.core.windows.net") == []
    assert flags("contosodocs.privatelink.blob.core.windows.net") == []
    assert flags("contosodocs.queue.core.windows.net") == ["shared-zone"]
    others = Names({})
    (one,) = questions("x.vault.azure.net", others=others, days_seen=9, days_observed=9, first_seen_late=False)
    expected = "every customer of Azure can have or use a name under vault.azure.net: is x.vault.azure.net yours?"
    assert one == Question("shared-zone", expected)


def test_new_and_rare_names_are_told_with_their_numbers() -> None:
    assert flags("api.example.com") == []
    assert flags("api.example.com", days_seen=2, first_seen_late=True) == ["new-name"]
    assert flags("api.example.com", days_seen=2, days_observed=13, first_seen_late=True) == []
    assert flags("api.example.com", days_seen=2, days_observed=28) == ["rare-name"]
    assert flags("api.example.com", days_seen=2, days_observed=27) == []
    assert flags("api.example.com", days_seen=1) == []
    others = Names({})
    (one,) = questions("a.example.com", others=others, days_seen=2, days_observed=31, first_seen_late=False)
    assert one.sentence == "seen on 2 of 31 observed days"


def test_late_is_within_the_last_seven_observed_days() -> None:
    observed = [date(2026, 10, 1) + timedelta(days=2 * number) for number in range(14)]
    assert hostnames.is_late(observed[-7], observed)
    assert not hostnames.is_late(observed[-8], observed)
    assert not hostnames.is_late(observed[-1], observed[1:])


LABEL = st.text("abmnrlo01-", min_size=5, max_size=8)


def _distance(one: str, other: str) -> int:
    """Count the letters to add, leave out, replace or swap (Damerau-Levenshtein, optimal string alignment)."""
    table = [
        [row + column if not row * column else 0 for column in range(len(other) + 1)] for row in range(len(one) + 1)
    ]
    for row in range(1, len(one) + 1):
        for column in range(1, len(other) + 1):
            change = int(one[row - 1] != other[column - 1])
            steps = [table[row - 1][column] + 1, table[row][column - 1] + 1, table[row - 1][column - 1] + change]
            if row > 1 and column > 1 and one[row - 2 : row] == other[column - 2 : column][::-1]:
                steps.append(table[row - 2][column - 2] + 1)
            table[row][column] = min(steps)
    return table[-1][-1]


@settings(max_examples=300, deadline=None)
@given(one=LABEL, other=LABEL)
def test_one_letter_apart_is_a_distance_of_one(one: str, other: str) -> None:
    assert hostnames._is_one_letter_apart(one, other) == (_distance(one, other) == 1)


@settings(max_examples=200, deadline=None)
@given(ours=LABEL, labels=st.lists(LABEL, max_size=20))
def test_index_finds_each_neighbour_of_ours_that_comparing_all_pairs_finds(ours: str, labels: list[str]) -> None:
    own = f"{ours}.example"
    names = Names({f"www.{label}.example": 1 for label in labels}, [own])
    for label in labels:
        near = len(label) >= 6 <= len(ours) and _distance(label, ours) == 1
        numbers = str.maketrans("", "", "0123456789")
        series = label.translate(numbers) == ours.translate(numbers) and any(
            one.isdigit() for one in label if any(other.isdigit() for other in ours)
        )
        if label != ours and near and not series:
            assert names.look_alike(f"www.{label}.example") is not None


@settings(max_examples=200, deadline=None)
@given(names=st.dictionaries(HOST, st.integers(0, 30), max_size=20), own=st.lists(HOST, max_size=3), any_name=st.text())
def test_questions_never_fail_and_ours_are_never_asked_about(
    names: dict[str, int], own: list[str], any_name: str
) -> None:
    others = Names(names, own)
    for host in [*names, any_name, f"xn--{any_name}.com"]:
        found = questions(host, others=others, days_seen=5, days_observed=30, first_seen_late=False)
        assert not (found and others.owns(host))
        assert all(each.sentence and not each.sentence.endswith(".") for each in found)
