"""Where the log says nothing of what enforcing did: no record is no proof that nobody was denied."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pipeline.publish.denials import Enforced
from pipeline.publish.finding import NOT_YET, SILENT, Finding, short
from pipeline.publish.plan import listed
from pipeline.recommend.readiness import MAX_STALE_DAYS
from pipeline.recommend.scope import Scope
from pipeline.store import Store

STEADY_DAYS = 3
"""A resource that wrote records on so many of the seven days before it was enforced is missed when it writes none."""
LOG_DELAY = timedelta(days=1)
"""So long after enforcing it is no wonder that there is no log of it yet."""
_LOAD = (
    "Load newer logs: nsp ingest. Where there are none, see whether the diagnostic setting of the perimeter still "
    "stands and whether the resource is still associated: nsp coverage."
)


def silence(store: Store, enforced: Sequence[Enforced], scope: Scope, now: datetime) -> list[Finding]:
    """Return where there is no log of the time since enforcing, or none of late.

    Args:
        store: the warehouse; read-only will do.
        enforced: since when denials are looked for.
        scope: perimeter and profile.
        now: time of the run, UTC.
    """
    if not enforced:
        return []
    newest, _ = _newest(store, Enforced(None, now, {}), scope)
    found = []
    if unseen := [each for each in enforced if newest is None or each.since > newest]:
        names = listed([short(each.resource) or "everything" for each in unseen])
        told = f"The newest record is of {_words(newest)}" if newest else "There is no record"
        is_early = now - min(each.since for each in unseen) < LOG_DELAY
        found.append(
            _finding(
                "",
                f"{told}, and denials are looked for since later ({names}): nothing can be told of them.",
                NOT_YET if is_early else SILENT,
            )
        )
    elif newest and (days := (now - newest).days) > MAX_STALE_DAYS:
        told = f"The newest record is of {_words(newest)}, {days:,} days ago: of later denials nothing is known."
        found.append(_finding("", told))
    return found + [
        _finding(
            each.resource,
            f"{short(each.resource)} wrote records on {steady} of the seven days before it was enforced and none "
            f"since, while others did until {_words(newest)}.",
        )
        for each in enforced
        if each.resource and newest and newest >= each.since + timedelta(days=1)
        for last, steady in [_newest(store, each, scope)]
        if steady >= STEADY_DAYS and last and last < each.since
    ]


def _newest(store: Store, enforced: Enforced, scope: Scope) -> tuple[datetime | None, int]:
    """Return when the newest record was written, and on how many days of the week before enforcing there was one."""
    ((newest, days),) = store.rows(
        "publish/newest_record", since=enforced.since, resource=enforced.resource, perimeter=scope.perimeter,
        profile=scope.profile,
    )  # fmt: skip
    return newest, days


def _finding(resource: str, sentence: str, kind: str = SILENT) -> Finding:
    return Finding(kind, "", "", resource, sentence, _LOAD)


def _words(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
