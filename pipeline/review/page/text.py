"""Text of other people, made visible. React and the grid put it on the page as text; here it becomes one plain line."""

from typing import Any

from pipeline.text import visible

LONGEST = 400
"""Characters of one text that are shown; the machine form has all of it."""


def shown(value: Any) -> str:
    """Return any value as one line in which everything can be seen: control and bidirectional marks as escapes."""
    text = str(value)
    return visible(text if len(text) <= LONGEST else text[:LONGEST] + "\u2026")


def last_part(resource: str) -> str:
    """Return the name at the end of an ARM id, shown; other text as it is."""
    return shown(resource.rsplit("/", 1)[-1] if resource.startswith("/subscriptions/") else resource)


def rule_element(element: str) -> str:
    """Return an element as people know it: of a subscription just the id."""
    return shown(element.removeprefix("/subscriptions/"))


KINDS = {
    "address-prefixes": "address rule",
    "subscriptions": "subscription rule",
    "service-tags": "service tag rule",
    "fqdns": "outbound rule",
    "associate": "associate",
    "link": "link",
    "cannot-fix": "no rule helps",
    "leave-denied": "leave denied",
}
DIRECTIONS = {"Inbound": "in", "Outbound": "out"}
DONE = {"accept": "accepted", "edit": "edited", "reject": "rejected", "defer": "deferred", "undo": "undone"}
FLAGS = {
    "seen-on-one-day": "Seen on one day only: a monthly job, or a passing stranger. Logs can't tell.",
    "odd": "Succeeded and looks odd.",
    "sparse": "Hardly any address of the prefix was seen.",
    "shared-zone": "Every customer of the service can own a name in this zone.",
    "azure-address": "An address of Azure, which other customers share.",
    "same-region": "In the resource's own region, where address rules may not match.",
    "key-or-sas": "A rule names its subscription and doesn't admit it: a key or SAS?",
    "holds-a-refused-address": "An address that is refused today lies in the prefix.",
    "holds-a-refused-caller": "A caller that is refused today is in the subscription.",
    "refused-elsewhere": "Always refused at a resource that the rule opens as well.",
    "refused-lately": "Succeeded before, and was only refused since: shut out on purpose?",
    "mostly-denied": "Refused more often than admitted.",
    "over-budget": "The rule elements of the profile don't suffice for it.",
}
