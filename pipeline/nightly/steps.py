"""The steps of a nightly, in order. Each is safe to repeat: a night that was killed is made good by the next."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.moments import utc_now
from pipeline.nightly import kept
from pipeline.places import AccountSettings, WorkspaceSettings
from pipeline.recommend.scope import Scope
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.ingest import Ingested
    from pipeline.publish.record import Entry
    from pipeline.recommend.association import Tolerance
    from pipeline.recommend.difference import Run
    from pipeline.recommend.policy import Limits
    from pipeline.review.decision import Trail
    from pipeline.store import Store

ATTENTION, PARTIAL = 3, 5
REPORT = "report.html"


@dataclass(slots=True)
class Night:
    """What a nightly is given and what its steps find.

    Args:
        settings: in force.
        limits: what bounds proposals.
        tolerance: of the lights.
        run: id of the run.
        last: id of the last run that found something; None where there is none.
        found: what this run found, as `nsp recommend --format json` prints it.
        earlier: what the last one found.
        verified: findings of this run.
        verified_before: of the last one.
    """

    settings: Settings
    limits: "Limits"
    tolerance: "Tolerance"
    run: str
    last: str | None = None
    found: dict[str, Any] | None = None
    earlier: "Run | None" = None
    verified: list[dict[str, Any]] = field(default_factory=list)
    verified_before: list[dict[str, Any]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Folder of the store."""
        return self.settings.store

    def open(self, *, read_only: bool) -> "Store":
        """Open the warehouse as the settings say."""
        from pipeline.store import open_store

        chosen = self.settings
        return open_store(chosen.store, read_only=read_only, memory=chosen.memory, wait=chosen.store_wait)

    def trail(self) -> "Trail":
        """Return the decisions as of this moment."""
        from pipeline.review.decisions import open_decisions

        return open_decisions(self.folder, wait=self.settings.store_wait).trail()


@dataclass(frozen=True, slots=True)
class Done:
    """What a step did.

    Args:
        counts: how many of what.
        code: exit code that it calls for: 0, 3 or 5.
        note: what is to be known where it isn't 0.
    """

    counts: Mapping[str, int]
    code: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a nightly.

    Args:
        name: for people and the record.
        skipped: why there is nothing to do; "" where there is.
        action: does it.
        needs: a step without which there is nothing to do.
    """

    name: str
    skipped: Callable[[Night], str]
    action: Callable[[Night], Done]
    needs: str = ""


def _ingest_folder(folder: str, night: Night) -> Done:
    from pipeline.extract.folder import nothing_in
    from pipeline.ingest import ingest_folder

    with night.open(read_only=False) as store:
        found = ingest_folder(store, Path(folder))
    # a share that isn't mounted is an empty folder
    return Done({}, PARTIAL, nothing_in(Path(folder))) if found.is_of_nothing else _ingested(night, found)


def _ingest_blob(account: AccountSettings, night: Night) -> Done:
    from pipeline.extract import configured
    from pipeline.ingest import ingest_blobs

    connection = configured.account(account, night.settings.auth, night.settings.client_id)
    with connection as connected, night.open(read_only=False) as store:
        return _ingested(night, ingest_blobs(store, connected, configured.wanted(account)))


def _ingest_workspace(workspace: WorkspaceSettings, night: Night) -> Done:
    from pipeline.extract import configured
    from pipeline.ingest import ingest_workspace

    connection = configured.workspace(workspace, night.settings.auth, night.settings.client_id)
    with connection as connected, night.open(read_only=False) as store:
        return _ingested(night, ingest_workspace(store, connected, timing=configured.timing(workspace)))


def _ingested(night: Night, result: "Ingested") -> Done:
    outcome = result.outcome
    counts = {
        "loaded": outcome.files,
        "unchanged": result.unchanged,
        "records": outcome.records,
        "rejected": outcome.rejected,
        "failed": len(result.failed),
    }
    notes = []
    if result.failed:
        name, reason = result.failed[0]
        notes.append(f"{len(result.failed):,} could not be read, such as {name}: {reason}")
    if result.rejected_share > night.settings.rejected_share:
        notes.append(f"{outcome.rejected:,} lines could not be read: nsp query coverage/rejected_records")
    return Done(counts, PARTIAL if notes else 0, "; ".join(notes))


def _inventory(night: Night) -> Done:
    chosen = night.settings
    counts: dict[str, int] = {}
    gaps: tuple[str, ...] = ()
    with night.open(read_only=False) as store:
        if chosen.inventory_file:
            from pipeline.inventory import file

            counts |= file.load(store, Path(chosen.inventory_file))
        if chosen.inventory_subscriptions or chosen.inventory_perimeters:
            from pipeline.azure.arm_connection import Access
            from pipeline.azure.signin import way_of
            from pipeline.inventory import arm

            access = Access(chosen.resource_manager, way_of(chosen.auth), chosen.client_id)
            pulled = arm.pull(store, arm.Wanted(chosen.inventory_subscriptions, chosen.inventory_perimeters), access)
            counts |= pulled.counts
            gaps = pulled.gaps
    note = f"{len(gaps):,} parts could not be read, such as: {gaps[0]}" if gaps else ""
    return Done(counts, PARTIAL if gaps else 0, note)


def _retention(night: Night) -> Done:
    from pipeline.retention.drop import Keep
    from pipeline.retention.retain import Compaction, retain

    chosen = night.settings
    found = retain(
        night.folder, Keep(chosen.raw_days, chosen.flow_days), Compaction(chosen.compact_share), utc_now(),
        memory=chosen.memory, wait=chosen.store_wait,
    )  # fmt: skip
    counts = {
        "records_dropped": found.dropped.records,
        "rejected_texts_dropped": found.dropped.texts,
        "flows_dropped": found.dropped.flows,
        "bytes_before": found.bytes_before,
        "bytes_after": found.bytes_after,
    }
    return Done(counts, PARTIAL if found.problem else 0, found.problem)


def _recommend(night: Night) -> Done:
    """Make the proposals and the snapshot that people read in one: both tell of the same state of the warehouse."""
    from pipeline.published.publish import publish_snapshot

    now = utc_now()
    result = publish_snapshot(
        night.folder, night.limits, night.tolerance, now, memory=night.settings.memory,
        wait=night.settings.store_wait,
    )  # fmt: skip
    found = result.as_json()
    kept.write_whole(kept.found_by(night.folder, night.run), json.dumps(found, indent=1))
    night.found = found
    ready = sum(each.ready for each in result.readiness)
    counts = {
        "profiles": len(result.readiness),
        "ready": ready,
        "proposals": len(result.proposals),
        "recommended": sum(each.recommended for each in result.proposals),
    }
    note = "" if result.ready else f"{len(result.readiness) - ready} of {len(result.readiness)} profiles aren't ready"
    return Done(counts, 0 if result.ready else ATTENTION, note)


def _verify(night: Night) -> Done:
    from pipeline.publish import record, verify
    from pipeline.publish.drift import of_inventory

    entries = _applied(night)
    with night.open(read_only=True) as store:
        in_force = of_inventory(store)
        if not record.mode_changes(entries) and not record.last_applied(entries, in_force.rules):
            return Done({}, 0, "nothing that nsp applied is in force any longer")
        found = verify.verify(store, entries, in_force, Scope(), utc_now(), night.limits)
    told = found.as_json()
    kept.write_whole(kept.verified_by(night.folder, night.run), json.dumps(told, indent=1))
    night.verified = told["findings"]
    attention = sum(each.needs_attention for each in found.findings)
    counts = {"findings": len(found.findings), "need_attention": attention, "still_denied": found.still_denied}
    note = f"{attention:,} findings need attention: nsp verify" if attention else ""
    return Done(counts, ATTENTION if attention else 0, note)


def _report(night: Night) -> Done:
    from pipeline.report.content import content
    from pipeline.report.gather import gather
    from pipeline.report.page import html
    from pipeline.review.decided import decided
    from pipeline.store import PUBLISHED, attach

    now = utc_now()
    known = decided(night.trail(), now)
    with closing(attach(night.folder / PUBLISHED, memory=night.settings.memory)) as store:
        found = gather(store, night.limits, night.tolerance, Scope(), now, night.earlier, known)
    text = html(content(found))
    kept.write_whole(report_of(night.settings), text, 0o666)  # a page is there to be read by others
    return Done({"bytes": len(text.encode())})


def report_of(settings: Settings) -> Path:
    """Return where the page is written."""
    return Path(settings.report) if settings.report else settings.store / REPORT


def _applied(night: Night) -> "list[Entry]":
    from pipeline.publish.record import Record

    return Record(night.folder).entries()


def _nothing_goes(night: Night) -> str:
    is_set = night.settings.raw_days or night.settings.flow_days
    return "" if is_set else "neither retention.raw_days nor retention.flow_days is set"


STEPS = (
    Step(
        "inventory",
        lambda night: "" if _has_inventory(night.settings) else "[inventory] names nothing",
        _inventory,
    ),
    # before recommend: what that sees is the window, and the snapshot that it publishes isn't outdated by a later write
    Step("retention", _nothing_goes, _retention),
    Step("recommend", lambda _: "", _recommend),
    Step("verify", lambda night: "" if _applied(night) else "nothing was applied by nsp with this store", _verify),
    Step("report", lambda _: "", _report, needs="recommend"),
)


def steps_of(settings: Settings) -> tuple[Step, ...]:
    """Return the steps of a night, in order: one for each folder, account and workspace, then what follows from them.

    The name of a step says which of several it is, such as `ingest-blob:NAME`; a folder is called by its path.
    """
    folders = [
        (each if settings.ingest_folder[1:] else "", partial(_ingest_folder, each)) for each in settings.ingest_folder
    ]
    accounts = [(each.name, partial(_ingest_blob, each)) for each in settings.accounts]
    workspaces = [(each.name, partial(_ingest_workspace, each)) for each in settings.workspaces]
    return (
        *_ingest_steps("ingest-folder", folders, "no folder is named"),
        *_ingest_steps("ingest-blob", accounts, "blob.account_url isn't set"),
        *_ingest_steps("ingest-workspace", workspaces, "workspace.id isn't set"),
        *STEPS,
    )


def _ingest_steps(name: str, sources: Sequence[tuple[str, Callable[[Night], Done]]], nothing: str) -> Iterator[Step]:
    """Yield a step for each of some sources, or one that says that there is none."""
    for called, action in sources:
        yield Step(f"{name}:{called}" if called else name, lambda _: "", action)
    if not sources:
        yield Step(name, lambda _: nothing, lambda _: Done({}))


def _has_inventory(settings: Settings) -> bool:
    return bool(settings.inventory_file or settings.inventory_subscriptions or settings.inventory_perimeters)


def check(settings: Settings) -> None:
    """Refuse settings under which a night would load nothing.

    Raises:
        UsageError: no source is named.
    """
    if not (settings.ingest_folder or settings.accounts or settings.workspaces):
        raise UsageError(
            "No logs are named: set blob.account_url, workspace.id or ingest.folder in nsp.toml, or give --folder."
        )
