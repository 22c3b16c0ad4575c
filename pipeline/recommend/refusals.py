"""Who was shut out, and where: refusals that speak against a rule although its callers succeed elsewhere."""

from collections.abc import Iterable

from pipeline.recommend.caller_days import CallerDays


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
