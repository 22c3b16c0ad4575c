"""Who was shut out, and where: refusals that speak against a rule although its callers succeed elsewhere."""

from collections.abc import Iterable, Sequence
from datetime import date

from pipeline.recommend.caller_days import CallerDays
from pipeline.recommend.need import Need

OFTEN = 2
"""On so many days one of several callers has to be refused at a resource for their rule to be asked about."""


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
    for mine in several:
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
