"""Text of other people, made harmless. Log fields hold whatever a caller sent."""

import re
from typing import Any

from markupsafe import Markup

from pipeline.text import visible

_BACKTICKS = re.compile(r"`+")
_MARKS = re.compile(r"([\\`*_\[\]|~])")
_LINE_START = re.compile(r"^(\d*)(?=[-+.)](?:\s|$)|=+$)")
_NO_LINK = re.compile(r"[@#]|(?i:www)(?=\.)|:(?=//)")
_BREAK = "\u200b"


def shown(value: Any) -> str:
    """Return any value as one line in which everything can be seen: control and bidirectional marks as escapes."""
    return visible(str(value))


def html_value(value: Any) -> Any:
    """Return what a page shows of a value; the page escapes it. Markup of our own stays."""
    if isinstance(value, Markup):
        return value
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else shown(value)


class Written(str):
    """Markdown of our own: nothing in it is escaped any more."""

    __slots__ = ()


def markdown_value(value: Any) -> str:
    """Return a value as text of a Markdown line or table cell: no markup, no link, nobody mentioned.

    GitHub looks for mentions, references and addresses in the finished text, so a backslash doesn't stop it; a
    zero-width space does.
    """
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = shown(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _LINE_START.sub(r"\1\\", _MARKS.sub(r"\\\1", text))
    return _NO_LINK.sub(lambda found: found.group() + _BREAK, text)


def cell_code(value: Any) -> Written:
    """Return a value as a code span in a table cell, where a bar would end the cell, even within code."""
    return Written(code(value).replace("|", "\\|"))


def code(value: Any) -> Written:
    """Return a value as a code span in a line: the text as it is, without a link or anybody mentioned."""
    text = shown(value)
    if not text.strip():
        return Written("(blank)")
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return Written(f"{fence}{pad}{text}{pad}{fence}")


def last_part(resource: str | None) -> str:
    """Return the name at the end of an ARM id; other text as it is."""
    text = resource or ""
    return text.rsplit("/", 1)[-1] if text.startswith("/subscriptions/") else text
