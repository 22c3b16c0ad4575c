"""Reads decisions that are kept in git, as YAML. It is strict: a slip would decide something else.

    decisions:
      - id: 7920b06a5884        # or its beginning
        action: accept          # accept, edit, reject or defer
        reason: month-end job of Finance
        expires: 2027-01-31     # of accept and edit; UTC; may be left out
      - id: 1cd35856cd57
        action: edit
        elements: [198.51.100.0/27]
        reason: only the first floor
      - id: eeb7d1f7ad0d
        action: defer
        until: 2026-12-01

Values are taken as they are written, whatever YAML would make of `no` or of an id of digits alone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import UsageError
from pipeline.review.decision import ACCEPT, DEFER, EDIT, REJECT, Choice

LARGEST = 5_000_000
"""Characters; ten thousand decisions take about two million."""
_ACTIONS = (ACCEPT, EDIT, REJECT, DEFER)
_TOP = ("decisions",)
_KEYS = ("id", "action", "reason", "elements", "expires", "until", "who")


@dataclass(frozen=True, slots=True)
class Written:
    """A decision of a file.

    Args:
        where: file and line.
        proposal: its id, or the beginning of it.
        choice: unchecked, but for its form.
        who: empty where the file doesn't say.
    """

    where: str
    proposal: str
    choice: Choice
    who: str = ""


def read(path: Path) -> list[Written]:
    """Return the decisions of a file, in order.

    Raises:
        UsageError: it can't be read, is no YAML, or a key or value is none; says in which line.
    """
    root = _compose(path)
    if root is None:
        return []
    top = _mapping(root, path, "the file", _TOP)
    if "decisions" not in top:
        raise UsageError(f"{path}: the file must be a mapping with the key 'decisions'.")
    return [_written(each, path) for each in _list(top["decisions"], path, "decisions")]


def _compose(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"The decisions {path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The decisions {path} are no UTF-8: {error.reason} at byte {error.start}.") from error
    if len(text) > LARGEST:
        raise UsageError(f"The decisions {path} have {len(text):,} characters; at most {LARGEST:,} are read.")
    try:
        # only the tree is made of it, never an object
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{path}{line}: this is no YAML: {error.problem}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{path}: this is no YAML that can be read: {str(error).splitlines()[0]}.") from error


def _written(node: Any, path: Path) -> Written:
    fields = _mapping(node, path, "a decision", _KEYS)
    where = _where(node, path)
    for key in ("id", "action"):
        if key not in fields:
            raise UsageError(f"{where}: the decision lacks {key!r}.")
    action = _text(fields["action"], path, "action")
    if action not in _ACTIONS:
        hint = " To undo one, take it out of the file and run nsp decide undo." if action == "undo" else ""
        raise UsageError(
            f"{_where(fields['action'], path)}: {action!r} is no action. There are: {', '.join(_ACTIONS)}.{hint}"
        )
    end = "until" if action == DEFER else "expires"
    for key, needed in (("expires", end), ("until", end), ("elements", "elements" if action == EDIT else "")):
        if key in fields and key != needed:
            raise UsageError(f"{_where(fields[key], path)}: {action} has no {key!r}.")
    texts = {key: _text(fields[key], path, key) if key in fields else "" for key in ("id", "reason", "who")}
    elements = _list(fields["elements"], path, "elements") if "elements" in fields else []
    choice = Choice(
        action,
        texts["reason"].strip(),
        tuple(_text(each, path, "elements") for each in elements),
        _moment(fields[end], path, end) if end in fields else None,
    )
    return Written(where, texts["id"].strip(), choice, texts["who"].strip())


def _mapping(node: Any, path: Path, what: str, legal: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise UsageError(f"{_where(node, path)}: {what} must be a mapping with the keys {', '.join(legal)}.")
    found: dict[str, Any] = {}
    for key_node, value in node.value:
        key = _text(key_node, path, "a key")
        if key not in legal:
            near = get_close_matches(key, legal, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Legal: {', '.join(legal)}."
            raise UsageError(f"{_where(key_node, path)}: unknown key {key!r} of {what}. {hint}")
        if key in found:
            raise UsageError(f"{_where(key_node, path)}: {key!r} occurs twice in {what}.")
        found[key] = value
    return found


def _list(node: Any, path: Path, key: str) -> list[Any]:
    if not isinstance(node, yaml.SequenceNode):
        raise UsageError(f"{_where(node, path)}: {key!r} must be a list.")
    return list(node.value)


def _text(node: Any, path: Path, key: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
        raise UsageError(f"{_where(node, path)}: {key!r} must be a text.")
    return str(node.value)


def _moment(node: Any, path: Path, key: str) -> datetime:
    text = _text(node, path, key)
    try:
        value = datetime.fromisoformat(text)
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except (ValueError, OverflowError):
        raise UsageError(f"{_where(node, path)}: {key!r} is {text!r}, no day such as 2027-01-31 (UTC).") from None


def _where(node: Any, path: Path) -> str:
    return f"{path}:{node.start_mark.line + 1}"
