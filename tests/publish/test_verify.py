"""Looking back after enforcing: who is denied, was it expected, what drifted, what is unused; and the gate before."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.publish import access_mode, content, prediction, verify
from pipeline.publish.access_mode import Association
from pipeline.publish.content import Content
from pipeline.publish.drift import InForce, of_inventory
from pipeline.publish.live import Live, LiveRule
from pipeline.publish.merge import Key
from pipeline.publish.record import MODE, RULES, as_json
from pipeline.publish.verify import Verified
from pipeline.recommend.allot import Limits
from pipeline.recommend.run import Recommendation, recommend
from pipeline.recommend.scope import Scope
from pipeline.store import Store
from tests.verdict.world import DOCS, MOMENT, PERIMETER, VAULT, World, flow, put, write

ENFORCED_AT = MOMENT + timedelta(days=10)
NOW = ENFORCED_AT + timedelta(days=4, hours=1)
DENIED = "NspPublicInboundPerimeterRulesDenied"
ADMITTED = "NspPublicInboundPerimeterRulesAllowed"
KEY: Key = (PERIMETER, "apps", "r0")
RULE = content.of_properties({"direction": "Inbound", "addressPrefixes": ["203.0.113.0/28"]})


def at(days: float, address: str, category: str = DENIED, **more: Any) -> dict[str, Any]:
    """An hour's requests of an address, so many days after enforcing."""
    moment = ENFORCED_AT + timedelta(days=days)
    hour = moment.replace(minute=0)
    told = {"hour": hour, "first_seen": moment, "last_seen": moment, "source_ip": address, "requests": 10}
    return flow(category=category, caller_key=address, **{"caller_kind": "public-address", **told, **more})


def enforced(prediction_of: dict[str, Any] | None = None, resource: str = DOCS) -> list[dict[str, Any]]:
    """The lines of enforcing a resource."""
    line = {
        "kind": MODE, "run": "1", "association": f"{PERIMETER}/resourceassociations/{resource[-4:]}",
        "resource": resource, "profile": f"{PERIMETER}/profiles/apps", "before": "Learning", "after": "Enforced",
        "prediction": prediction_of or {}, "at": ENFORCED_AT.isoformat() + "Z",
    }  # fmt: skip
    return [{**line, "event": "step"}, {**line, "event": "done"}]


def applied(key: Key = KEY, rule: Content = RULE, at_: datetime = ENFORCED_AT) -> list[dict[str, Any]]:
    """The lines of applying a rule."""
    line = {"kind": RULES, "run": "0", "rule": list(key), "after": as_json(rule), "at": at_.isoformat() + "Z"}
    return [{**line, "event": "step"}, {**line, "event": "done"}]


def looked(store: Store, entries: list[dict[str, Any]], in_force: InForce | None = None, **scope: Any) -> Verified:
    told = in_force or of_inventory(store)
    return verify.verify(store, entries, told, Scope(**scope), NOW, Limits())


def kinds(found: Verified) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for each in found.findings:
        made.setdefault(each.kind, []).append(str(each.evidence.get("caller", each.about)))
    return made


@pytest.fixture
def world(store: Store) -> Store:
    """One enforced resource with one rule, as applied."""
    rules = [("apps", "Inbound", "addressPrefixes", "203.0.113.0/28")]
    modes: dict[str, tuple[str | None, str | None, str]] = {
        DOCS: ("Enforced", "Enabled", "apps"), VAULT: ("Learning", "Enabled", "apps"),
    }  # fmt: skip
    put(store, World(rules=rules, modes=modes), taken_at=ENFORCED_AT + timedelta(days=4))
    return store


def test_denials_are_told_by_what_was_before_and_what_was_expected(world: Store) -> None:
    before = "NspPublicInboundResourceRulesAllowed"
    foreseen = {"losses": [{"direction": "Inbound", "caller": "198.51.100.3"}]}
    write(
        world,
        at(-3, "198.51.100.1", before), at(1, "198.51.100.1"), at(2, "198.51.100.1", matched_rule="DefaultDenyAll"),
        at(-3, "203.0.113.2", before), at(1, "203.0.113.2"),  # a rule admits it now
        at(-3, "198.51.100.3", before), at(1, "198.51.100.3"),
        at(-3, "198.51.100.4", "NspPublicInboundResourceRulesDenied"), at(1, "198.51.100.4"),
        at(1, "198.51.100.5"),
        at(1, "198.51.100.6", caller_kind="azure-resource", source_subscription="s"),
        *(at(day, "198.51.100.7") for day in range(1, 4)),
        at(1, "198.51.100.8", service_resource=VAULT),  # isn't enforced
        at(-1, "198.51.100.9"),  # before
        at(1, "203.0.113.3", ADMITTED, matched_rule="r0"),
    )  # fmt: skip
    found = looked(world, enforced(foreseen))
    assert {kind: sorted(some) for kind, some in kinds(found).items()} == {
        "denied-unexpected": ["198.51.100.1", "198.51.100.1"],  # by each rule
        "denied-newcomer": ["198.51.100.6", "198.51.100.7"],
        "denied-as-expected": ["198.51.100.3"],
        "denied-settled": ["203.0.113.2"],
        "denied-strangers": [DOCS],
    }
    assert found.still_denied == 1
    assert found.needs_attention
    assert [each.needs_attention for each in found.findings] == sorted(
        (each.needs_attention for each in found.findings), reverse=True
    )
    first = next(each for each in found.findings if each.kind == "denied-unexpected")
    assert "enforce docs --mode Learning" in first.suggestion
    assert all(each.suggestion for each in found.findings)
    assert looked(world, enforced(foreseen), profile="apps").findings == found.findings


def test_nobody_new_denied_is_no_finding(world: Store) -> None:
    write(world, at(-1, "203.0.113.3", ADMITTED), at(1, "203.0.113.3", ADMITTED, matched_rule="r0"))
    found = looked(world, [*applied(), *enforced()])
    assert found.findings == ()
    assert not found.needs_attention
    assert [(each.resource, each.since) for each in found.enforced] == [(DOCS, ENFORCED_AT)]


@pytest.mark.parametrize(("high", "told"), [(0.4, False), (0.2, True), (None, False)])
def test_more_denied_than_predicted(world: Store, high: float | None, told: bool) -> None:
    before = "NspPublicInboundResourceRulesAllowed"
    write(
        world, at(-3, "198.51.100.1", before), at(1, "198.51.100.1"), at(1, "198.51.100.5"),
        *(at(1, f"203.0.113.{number}", ADMITTED, matched_rule="r0") for number in (3, 4)),
    )  # fmt: skip
    share = {"estimate": 0, "low": 0, "high": high}
    foreseen = {"profiles": [{"perimeter": PERIMETER, "profile": "Apps", "predicted_denied_share": share}]}
    assert ("denied-share" in kinds(looked(world, enforced(foreseen)))) is told  # one in three, strangers left out


def test_what_went_back_to_learning_is_not_looked_at(world: Store) -> None:
    write(world, at(-3, "198.51.100.1", "NspPublicInboundResourceRulesAllowed"), at(1, "198.51.100.1"))
    back = [{**each, "after": "Learning", "run": "2"} for each in enforced()]
    assert looked(world, [*enforced(), *back]).enforced == ()
    assert "mode-drift" in kinds(looked(world, [*enforced(), *back]))  # the inventory says Enforced
    since = looked(world, [], since=ENFORCED_AT)
    assert [each.resource for each in since.enforced] == [None]
    assert "denied-unexpected" in kinds(since)
    with pytest.raises(UsageError, match="nothing to verify"):
        looked(world, [])


@pytest.mark.parametrize(
    ("live", "words"),
    [
        ({}, "it is gone"),
        ({KEY: content.of_properties({"direction": "Inbound", "addressPrefixes": ["0.0.0.0/0"]})}, "admits 0.0.0.0/0"),
        ({KEY: content.of_properties({"direction": "Inbound", "odd": 1})}, "can't read"),
    ],
)
def test_drift_is_told(world: Store, live: dict[Key, Content], words: str) -> None:
    write(world)
    found = looked(world, applied(), InForce(live, {}))
    (drift,) = [each for each in found.findings if each.kind == "drift"]
    assert words in drift.sentence
    assert "--accept-drift" in drift.suggestion


def test_an_older_inventory_says_nothing_of_drift(world: Store) -> None:
    write(world)
    found = looked(world, applied(at_=ENFORCED_AT + timedelta(days=4, hours=1), key=(PERIMETER, "apps", "other")))
    assert list(kinds(found)) == ["unknown"]
    assert "nsp inventory pull" in found.findings[0].suggestion


@pytest.mark.parametrize("address", ["203.0.113.2", "198.51.100.1"])
@pytest.mark.parametrize("is_live", [False, True])
def test_what_an_inventory_of_before_does_not_deny_is_not_admitted(store: Store, address: str, is_live: bool) -> None:
    rules = [("apps", "Inbound", "addressPrefixes", "203.0.113.0/28")]
    put(store, World(rules=rules), taken_at=ENFORCED_AT - timedelta(days=1))  # says Learning
    write(
        store,
        at(-3, address, "NspPublicInboundResourceRulesAllowed"),
        at(1, address, matched_rule="DefaultDenyAll", rules_version="4"),
    )
    found = looked(store, enforced(), InForce({}, {DOCS: "Enforced"}) if is_live else None)
    assert sorted(kinds(found)) == ["denied-unexpected", "unknown"]
    assert found.needs_attention
    (unknown,) = [each for each in found.findings if each.kind == "unknown"]
    assert "docs" in unknown.sentence
    assert "nsp inventory pull" in unknown.suggestion
    put(store, World(rules=rules, modes={DOCS: ("Enforced", "Enabled", "apps")}), taken_at=NOW)
    assert list(kinds(looked(store, enforced()))) == ["denied-unexpected"]


def test_denials_at_a_part_and_at_no_named_resource_are_told(world: Store) -> None:
    before, part = "NspPublicInboundResourceRulesAllowed", f"{DOCS}/blobservices/default"
    write(
        world,
        at(-3, "198.51.100.1", before), at(1, "198.51.100.1", service_resource=part),
        at(-3, "198.51.100.2", before, service_resource=part), at(1, "198.51.100.2", service_resource=None),
        at(-3, "198.51.100.3", before, service_resource=None), at(1, "198.51.100.3"),
        at(-3, "198.51.100.4", before, service_resource=None),
        at(1, "198.51.100.4", service_resource=None, profile="other"),
        at(1, "203.0.113.3", ADMITTED, service_resource=part),
    )  # fmt: skip
    share = {"estimate": 0, "low": 0, "high": 0.8}
    foreseen = {"profiles": [{"perimeter": PERIMETER, "profile": "Apps", "predicted_denied_share": share}]}
    found = looked(world, enforced(foreseen))
    assert {kind: sorted(some) for kind, some in kinds(found).items()} == {
        "denied-unexpected": ["198.51.100.1", "198.51.100.2", "198.51.100.3"]
    }  # 30 of 40: no more than predicted
    assert {each.about for each in found.findings} == {DOCS}
    (unplaced,) = [each for each in found.findings if each.evidence["caller"] == "198.51.100.2"]
    assert "(10 of them name no resource)" in unplaced.sentence
    everything = looked(world, [], since=ENFORCED_AT)
    (unplaced,) = [each for each in everything.findings if each.evidence.get("caller") == "198.51.100.2"]
    assert "denied at a resource that the log doesn't name" in unplaced.sentence
    assert "''" not in unplaced.suggestion


@pytest.mark.parametrize(
    ("resources", "is_foreseen"),
    [
        ([DOCS], True),
        ([VAULT, f"{DOCS}/blobservices/default"], True),
        ([VAULT, ""], True),  # the log named none
        ([], True),  # likewise, as older records have it
        ([VAULT], False),
        ([f"{DOCS}2", f"{DOCS}2/blobservices/default"], False),
    ],
)
@pytest.mark.parametrize("denied_at", [DOCS, f"{DOCS}/fileservices/default"])
def test_a_loss_is_expected_where_it_was_foreseen(
    world: Store, resources: list[str], is_foreseen: bool, denied_at: str
) -> None:
    write(world, *(at(day, "198.51.100.3", service_resource=denied_at) for day in range(1, 4)))
    loss = {"direction": "Inbound", "caller": "198.51.100.3", "resources": resources}
    found = looked(world, enforced({"losses": [{**loss, "caller": "198.51.100.4"}, loss]}))
    assert list(kinds(found)) == ["denied-as-expected" if is_foreseen else "denied-newcomer"]


def test_what_is_admitted_in_part_is_not_settled(world: Store) -> None:
    write(
        world,
        at(-3, "203.0.113.2", "NspPublicInboundResourceRulesAllowed"),
        at(1, "203.0.113.2"),
        at(2, "203.0.113.2", protocol="SMB"),
    )
    assert list(kinds(looked(world, enforced()))) == ["denied-unexpected"]


def test_an_older_inventory_is_told_where_nobody_is_denied(store: Store) -> None:
    put(store, World(), taken_at=ENFORCED_AT - timedelta(days=1))
    write(store, at(1, "203.0.113.3", ADMITTED))
    assert list(kinds(looked(store, enforced()))) == ["unknown"]
    back = [{**each, "after": "Learning", "run": "2"} for each in enforced()]
    assert list(kinds(looked(store, [*enforced(), *back]))) == ["unknown"]
    assert looked(store, [*enforced(), *back], InForce({}, {DOCS: "Learning"})).findings == ()  # Azure told the mode


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (-1.0, "denials are looked for since later (docs)"),
        (0.0, "4 days ago"),
        (1.5, ""),
    ],
)
def test_no_log_is_no_proof(world: Store, last: float, words: str) -> None:
    write(world, at(last, "203.0.113.3", ADMITTED, matched_rule="r0"))
    found = looked(world, enforced())
    assert [each.kind for each in found.findings] == ["no-records"] * bool(words)
    assert found.needs_attention is bool(words)
    assert all(words in each.sentence for each in found.findings)
    everywhere = verify.verify(world, [], of_inventory(world), Scope(since=ENFORCED_AT), NOW, Limits())
    assert everywhere.needs_attention is bool(words)
    assert looked(world, applied()).enforced == ()  # nothing was enforced: of no denial anybody has to know


def test_no_record_at_all_is_told(world: Store) -> None:
    assert kinds(looked(world, enforced())) == {"no-records": [""]}
    late = NOW - timedelta(hours=23)
    (yet,) = verify.verify(world, [], of_inventory(world), Scope(late), NOW, Limits()).findings
    assert (yet.kind, yet.needs_attention) == ("no-records-yet", False)


@pytest.mark.parametrize(("days_before", "told"), [(2, False), (3, True)])
def test_a_resource_that_fell_silent_is_told(world: Store, days_before: int, told: bool) -> None:
    others = at(3, "203.0.113.3", ADMITTED, service_resource=VAULT)
    write(world, others, *(at(-day, "203.0.113.3", ADMITTED) for day in range(1, days_before + 1)))
    assert kinds(looked(world, enforced())) == ({"no-records": [DOCS]} if told else {})


def test_unused_rules_that_were_applied_are_told_and_others_not(world: Store) -> None:
    write(world, *(at(day, "198.51.100.1", "NspPublicInboundResourceRulesAllowed") for day in range(-9, 0)))
    assert kinds(looked(world, applied()))["unused"] == ["r0"]
    assert "unused" not in kinds(looked(world, enforced()))


def test_hostile_names_are_quoted_in_what_to_run(world: Store) -> None:
    evil = f"{DOCS}'; reboot #"
    write(world, at(1, "198.51.100.1", service_resource=evil, caller_kind="app"))
    (found,) = looked(world, [], since=ENFORCED_AT).findings
    assert "reboot" not in found.suggestion or "'\"'\"'" in found.suggestion


class TestGate:
    """Whether an association may be enforced."""

    def association(self, resource: str = DOCS, issues: str = "no") -> Association:
        place = f"{PERIMETER}/resourceAssociations/x"
        properties = {
            "privateLinkResource": {"id": resource}, "profile": {"id": f"{PERIMETER}/profiles/apps"},
            "accessMode": "Learning", "hasProvisioningIssues": issues,
        }  # fmt: skip
        return Association(place, resource, (PERIMETER, "apps"), "Learning", {"id": place, "properties": properties})

    def rules(self, *prefixes: str) -> Live:
        if not prefixes:
            return Live({}, {})
        held = content.of_properties({"direction": "Inbound", "addressPrefixes": list(prefixes)})
        return Live({KEY: LiveRule("r", {}, held)}, {(PERIMETER, "apps"): "apps"})

    def found(self, store: Store, days: int = 40) -> Recommendation:
        category = "NspPublicInboundResourceRulesAllowed"
        flows = [at(-day, "203.0.113.2", category) for day in range(days)]
        write(store, *flows)
        put(store, World(modes={DOCS: ("Learning", "Enabled", "apps")}), taken_at=ENFORCED_AT)
        return recommend(store, Limits(), Scope(), ENFORCED_AT)

    def test_it_opens_only_when_the_rules_are_in_force(self, store: Store) -> None:
        found = self.found(store)
        closed = access_mode.gate(store, self.association(), found, self.rules())
        assert any("would be denied: 203.0.113.2" in reason for reason in closed.reasons)
        opened = access_mode.gate(store, self.association(), found, self.rules("203.0.113.0/28"))
        assert not any("would be denied" in reason for reason in opened.reasons)
        assert set(opened.reasons) <= set(closed.reasons)
        assert opened.prediction["losses"] == []
        assert closed.prediction["losses"][0]["caller"] == "203.0.113.2"
        broken = access_mode.gate(store, self.association(issues="yes"), found, self.rules("203.0.113.0/28"))
        assert any("provisioning issues" in reason for reason in broken.reasons)

    @pytest.mark.parametrize("resource", [f"{DOCS}/blobservices/default", None])
    def test_callers_of_a_part_and_of_no_named_resource_close_it(self, store: Store, resource: str | None) -> None:
        modes: dict[str, tuple[str | None, str | None, str]] = {
            DOCS: ("Learning", "Enabled", "apps"), VAULT: ("Learning", "Enabled", "apps"),
        }  # fmt: skip
        put(store, World(modes=modes), taken_at=ENFORCED_AT - timedelta(days=60))
        steady = [at(-day, "203.0.113.2", service_resource=DOCS, category=ADMITTED) for day in range(40)]
        of_vault = [at(-day, "203.0.113.2", service_resource=VAULT, category=ADMITTED) for day in range(40)]
        before = "NspPublicInboundResourceRulesAllowed"
        lost = [at(-day, "10.0.0.4", before, service_resource=resource, caller_kind="x") for day in range(40)]
        write(store, *steady, *of_vault, *lost)
        found = recommend(store, Limits(), Scope(), ENFORCED_AT)
        rules = self.rules("203.0.113.0/28")
        docs = access_mode.gate(store, self.association(), found, rules)
        vault = access_mode.gate(store, self.association(VAULT), found, rules)
        for gate, is_closed in ((docs, True), (vault, resource is None)):
            assert any("would be denied: 10.0.0.4" in reason for reason in gate.reasons) is is_closed
            assert ("400 requests no rule settles" in gate.reasons) is is_closed
        (loss,) = docs.prediction["losses"]
        assert loss["resources"] == [DOCS if resource else ""]

    def test_a_short_window_and_an_unknown_resource_close_it(self, store: Store) -> None:
        found = self.found(store, days=5)
        closed = access_mode.gate(store, self.association(), found, self.rules("203.0.113.0/28"))
        assert any("days seen" in reason for reason in closed.reasons)
        unknown = access_mode.gate(store, self.association(VAULT), found, self.rules("203.0.113.0/28"))
        assert any("know it in this profile" in reason for reason in unknown.reasons)

    def test_what_speaks_against_all_of_a_profile_closes_it(self, store: Store) -> None:
        found = self.found(store)
        (ready,) = found.readiness
        assert set(ready.shared) <= set(ready.reasons)
        stale = recommend(store, Limits(), Scope(), ENFORCED_AT + timedelta(days=9))
        closed = access_mode.gate(store, self.association(), stale, self.rules("203.0.113.0/28"))
        assert any("the last record is" in reason for reason in closed.reasons)


def test_a_prediction_is_of_its_profiles_only(store: Store) -> None:
    write(store, at(-1, "203.0.113.2", "NspPublicInboundResourceRulesAllowed"))
    put(store, World())
    found = recommend(store, Limits(), Scope(), ENFORCED_AT)
    told = prediction.predict(store, found, {}, {(PERIMETER, "apps")})
    assert [each["caller"] for each in told["losses"]] == ["203.0.113.2"]
    assert [each["profile"] for each in told["profiles"]] == ["apps"]
    assert prediction.predict(store, found, {}, {(PERIMETER, "data")})["losses"] == []
