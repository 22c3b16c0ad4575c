"""Who was shut out, and where: refusals that speak against a rule although its callers succeed elsewhere."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date

from pipeline.recommend.caller_days import CallerDays, LoggedCaller
from pipeline.recommend.need import Need

OFTEN = 2
"""On so many days one of several callers has to be refused at a resource for their rule to be asked about."""
LATELY = 3
"""Who succeeded before is asked about once it was only refused on so many of the days on which it came since."""


def never_admitted(seen: Iterable[CallerDays]) -> set[str]:
    """Return the public addresses of which no request succeeded, whatever else the log names with them.

    One that the log names as a resource of a subscription falls under a rule of that subscription, beside others that
    succeed. A prefix would admit its address all the same.
    """
    admitted: set[str] = set()
    refused: set[str] = set()
    for each in seen:
        if each.caller.address:
            (admitted if sum(each.allowed) else refused).add(each.caller.address)
    return refused - admitted


def refused_elsewhere(callers: Iterable[Sequence[Need]]) -> set[str]:
    """Return the resources at which some caller of a rule was always refused, while it succeeds at others.

    The rule opens those as well. Among several callers one is passed over that was refused there on a single day: a
    whole network isn't asked about for that.

    Args:
        callers: of each caller of the rule what was seen of it.
    """
    found: set[str] = set()
    several = list(callers)
    for mine in (mine for mine in several if any(need.denied for need in mine)):
        admitted: set[str] = set()
        refused: dict[str, set[date]] = {}
        for each in (each for need in mine for each in need.seen):
            place = each.caller.service_resource or ""
            if sum(each.allowed):
                admitted.add(place)
            else:
                refused.setdefault(place, set()).update(each.days)
        if admitted:
            least = 1 if len(several) == 1 else OFTEN
            found.update(place for place in refused.keys() - admitted if place and len(refused[place]) >= least)
    return found


def is_shut_out(need: Need) -> bool:
    """Whether a caller succeeded before, and nowhere since: see `refused_lately`."""
    return any(_refused_since(mine) for mine in _by(need, lambda caller: caller.name))


def refused_lately(need: Need) -> date | None:
    """Return since when a caller that succeeded before is only refused, in all or at one resource; None if it isn't.

    It came on LATELY days or more after the last one on which it succeeded there. Days on which it didn't come say
    nothing. Each caller of a subscription is looked at by itself.
    """
    by_what = [
        *_by(need, lambda caller: caller.name),
        *_by(need, lambda caller: (caller.name, caller.service_resource)),
    ]
    return min((since for mine in by_what if (since := _refused_since(mine))), default=None)


def _by(need: Need, what: Callable[[LoggedCaller], Hashable]) -> list[list[CallerDays]]:
    """Gather what was seen of a need that was refused at all."""
    found: dict[Hashable, list[CallerDays]] = {}
    for each in need.seen if need.denied else ():
        found.setdefault(what(each.caller), []).append(each)
    return list(found.values())


def _refused_since(seen: Sequence[CallerDays]) -> date | None:
    """Return the first of the days of which it was refused throughout; None where they are too few, or all."""
    admitted = {day for each in seen for day, count in zip(each.days, each.allowed, strict=True) if count}
    refused = {day for each in seen for day, count in zip(each.days, each.denied, strict=True) if count}
    later = {day for day in refused if admitted and day > max(admitted)}
    return min(later) if len(later) >= LATELY else None
