"""Access modes: only the mode changes, behind the gate, by a long-running operation, and back."""

import json

import pytest

from pipeline.errors import AzureError, MeanwhileError, PublishError, UsageError
from pipeline.inventory import snapshot
from pipeline.inventory.document import Document
from pipeline.publish import access_mode, rollback_file
from pipeline.publish.access_mode import Gate
from pipeline.publish.mode import Mode
from pipeline.publish.plan import Choices
from pipeline.publish.record import Record, mode_changes
from pipeline.store import Store
from tests.publish.world import ASSOCIATION, KEY, MOMENT, PERIMETER, PROFILE, RUN, STORAGE, World
from tests.services.loopback import Fault
from tests.services.resource_manager import refused

WANTED = [(KEY, STORAGE.lower())]
HERE = f"{KEY}/resourceassociations/docs"


def gates(there: World, *reasons: str) -> list[Gate]:
    return [Gate(each, reasons, {"losses": []}) for each in access_mode.read(there.manager, WANTED)]


def mode(there: World) -> str:
    return str(there.azure.items[HERE]["properties"]["accessMode"])


def test_only_the_mode_changes_and_back(there: World) -> None:
    before = json.loads(json.dumps(there.azure.items[HERE]["properties"]))
    outcome = access_mode.change(there.manager, there.folder, gates(there), Mode.ENFORCED, RUN)
    assert (outcome.error, outcome.done) == (None, 1)
    assert there.azure.items[HERE]["properties"] == {**before, "accessMode": "Enforced"}
    (sent,) = [item for _, _, item in there.azure.writes]
    assert sent == {"properties": {
        "privateLinkResource": {"id": STORAGE}, "profile": {"id": PROFILE}, "accessMode": "Enforced",
    }}  # fmt: skip
    again = access_mode.change(there.manager, there.folder, gates(there), Mode.ENFORCED, RUN)
    assert (again.steps, len(there.azure.writes)) == ((), 1)
    assert outcome.rollback
    kept = rollback_file.read(outcome.rollback)
    assert access_mode.way_back(there.manager, kept, Choices()) == [
        "Enforced -> Learning resourceAssociations/docs".replace("resourceAssociations", "Nsp")
    ]
    back = access_mode.roll_back_now(there.manager, there.folder, kept, Choices(), RUN)
    assert back.error is None
    assert mode(there) == "Learning"
    changes = mode_changes(Record(there.folder).entries())
    assert [(each.mode, each.resource, each.at) for each in changes] == [
        ("Enforced", STORAGE.lower(), MOMENT), ("Learning", STORAGE.lower(), MOMENT),
    ]  # fmt: skip


def test_the_gate_is_closed_without_an_override_and_the_reason_is_kept(there: World) -> None:
    closed = gates(there, "3 requests wait for a decision")
    with pytest.raises(PublishError, match="Not ready to be enforced"):
        access_mode.change(there.manager, there.folder, closed, Mode.ENFORCED, RUN, "  ")
    assert there.azure.writes == []
    access_mode.change(there.manager, there.folder, closed, Mode.ENFORCED, RUN, "the auditor wants it")
    (step,) = [each for each in Record(there.folder).entries() if each["event"] == "step"]
    assert (step["override"], step["overridden"]) == ("the auditor wants it", ["3 requests wait for a decision"])
    access_mode.change(there.manager, there.folder, gates(there, "whatever"), Mode.LEARNING, RUN)
    assert mode(there) == "Learning"  # back needs no gate


@pytest.mark.parametrize(
    "fault", [Fault(reset=True, done=True), Fault(reset=True), refused(429, headers={"Retry-After": "0"}), Fault(cut=9)]
)
def test_lost_answers_are_made_good(there: World, fault: Fault) -> None:
    there.azure.polls = 1
    there.azure.choose_write = lambda _, __, number: fault if number == 1 else None
    outcome = access_mode.change(there.manager, there.folder, gates(there), Mode.ENFORCED, RUN)
    assert outcome.error is None
    assert mode(there) == "Enforced"


def test_an_operation_that_fails_is_told(there: World) -> None:
    there.azure.operation_fails = True
    outcome = access_mode.change(there.manager, there.folder, gates(there), Mode.ENFORCED, RUN)
    assert "the operation ended as Failed" in str(outcome.error)
    assert mode(there) == "Learning"
    assert len(there.azure.writes) <= 2


def test_the_token_goes_to_no_other_host_for_the_operation(there: World) -> None:
    there.azure.choose_write = lambda *_: Fault(
        status=202, body=ASSOCIATION, headers={"Azure-AsyncOperation": "https://elsewhere.example/x"}
    )
    outcome = access_mode.change(there.manager, there.folder, gates(there), Mode.ENFORCED, RUN)
    assert isinstance(outcome.error, AzureError)
    assert "the token isn't sent there" in str(outcome.error)


def test_what_somebody_changed_meanwhile_is_left(there: World) -> None:
    found = gates(there)
    other = json.loads(json.dumps(ASSOCIATION))
    other["properties"]["profile"]["id"] = PROFILE.replace("Apps", "Data")
    there.azure.add([other])
    outcome = access_mode.change(there.manager, there.folder, found, Mode.ENFORCED, RUN)
    assert isinstance(outcome.error, MeanwhileError)
    assert there.azure.writes == []
    there.azure.add([json.loads(json.dumps(ASSOCIATION))])
    outcome = access_mode.change(there.manager, there.folder, gates(there), Mode.ENFORCED, RUN)
    assert outcome.rollback
    there.azure.items[HERE]["properties"]["accessMode"] = "Audit"
    kept = rollback_file.read(outcome.rollback)
    with pytest.raises(MeanwhileError, match="Somebody changed since: Nsp/docs"):
        access_mode.roll_back_now(there.manager, there.folder, kept, Choices(), RUN)
    access_mode.roll_back_now(there.manager, there.folder, kept, Choices(accept_drift=True), RUN)
    assert mode(there) == "Learning"


def test_a_change_that_was_cut_short_after_it_was_done_is_noted_by_the_next_run(there: World) -> None:
    access_mode.change(there.manager, there.folder, gates(there), Mode.ENFORCED, RUN)
    record = Record(there.folder)
    lines = record.path.read_bytes().splitlines(keepends=True)
    record.path.write_bytes(b"".join(lines[:2]))  # begin, step: killed before it was noted as done
    assert mode_changes(record.entries()) == []
    access_mode.change(there.manager, there.folder, gates(there), Mode.ENFORCED, RUN)
    assert [each.mode for each in mode_changes(record.entries())] == ["Enforced"]
    assert len(there.azure.writes) == 1


def test_an_association_that_is_gone_is_told(there: World) -> None:
    there.azure.forget(HERE)
    with pytest.raises(PublishError, match="isn't associated with"):
        access_mode.read(there.manager, WANTED)


def test_resources_are_named_by_name_or_id(store: Store) -> None:
    second = json.loads(json.dumps(ASSOCIATION).replace("/docs", "/keys").replace('"docs"', '"keys"'))
    twin = json.loads(json.dumps(ASSOCIATION).replace("/Nsp", "/Other"))
    document = Document()
    document.add("perimeters", [{"id": PERIMETER}, {"id": PERIMETER.replace("/Nsp", "/Other")}])
    document.add("associations", [json.loads(json.dumps(ASSOCIATION)), second, twin])
    snapshot.keep(store, document, MOMENT, "file")
    keys = STORAGE.lower().replace("/docs", "/keys")
    assert access_mode.known(store, ["KEYS", keys], None) == [(KEY, keys)]
    assert access_mode.known(store, [STORAGE], "nsp") == [(KEY, STORAGE.lower())]
    with pytest.raises(UsageError, match="Several resources are named 'docs'"):
        access_mode.known(store, ["docs"], None)
    with pytest.raises(UsageError, match="No associated resource is named 'nowhere'"):
        access_mode.known(store, ["nowhere"], None)
