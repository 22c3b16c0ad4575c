"""Finds the KQL files of queries/ and puts values before them.

The query API of Log Analytics knows no parameters, so values become `let` statements: typed literals, written here
from datetimes, timedeltas and whole numbers only. Text, which could close a literal, is refused.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache

from pipeline.sql import ROOT

Value = datetime | timedelta | int

_PARAMETER = re.compile(r"^// \$(\w+)  ", re.MULTILINE)


@cache
def names() -> tuple[str, ...]:
    """Return the names of all KQL files, sorted, such as `extract/records`."""
    return tuple(sorted(str(path.relative_to(ROOT).with_suffix("")) for path in ROOT.rglob("*.kql")))


@cache
def parameters(name: str) -> tuple[str, ...]:
    """Return the names that the header of a KQL file tells of."""
    return tuple(_PARAMETER.findall(_text(name)))


def bind(name: str, values: Mapping[str, Value]) -> str:
    """Return the text to send: a `let` for each value, then the file.

    Args:
        name: file below queries/, without its ending.
        values: datetimes (UTC, without zone), timedeltas and whole numbers; all that the header tells of.

    Raises:
        TypeError: a value is missing, is unknown or of another type.
    """
    if set(values) != set(parameters(name)):
        raise TypeError(f"{name} takes {parameters(name)}, not {tuple(values)}")
    lets = [f"let {key} = {_literal(value)};" for key, value in values.items()]
    return "\n".join([*lets, _text(name)])


@cache
def _text(name: str) -> str:
    return (ROOT / f"{name}.kql").read_text(encoding="utf-8")


def _literal(value: Value) -> str:
    if isinstance(value, datetime):
        return f"datetime({value.isoformat(timespec='microseconds')}Z)"
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"timespan({seconds // 86400}.{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d})"
    if type(value) is int:
        return str(value)
    raise TypeError(f"{type(value).__name__} is no value for KQL")
