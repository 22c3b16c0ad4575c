"""How a diagnostic log record is spelled, and where its fields go: derived from `tables.ACCESS_LOG`.

Every service writes its own records, and one writes camelCase keys where another writes PascalCase (the same
page of documentation shows both); within a file the spelling is one.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pipeline.tables import ACCESS_LOG

Path = tuple[str, ...]

FIELDS: dict[Path, str] = {tuple(column.blob.split(".")): column.name for column in ACCESS_LOG.columns if column.blob}
"""Path of a field in a record, spelled as documented -> column of access_log."""

_KNOWN: dict[Path, Path] = {
    tuple(part.lower() for part in path[: depth + 1]): path[: depth + 1]
    for path in FIELDS
    for depth in range(len(path))
}
"""Lower-case path of a field or of an object around fields -> the path as documented."""

MAX_UNKNOWN = 500
"""Records of one spelling with more unknown fields than that are kept whole in `extra`."""

STYLES: dict[str, Callable[[str], str]] = {
    "camelCase": lambda key: key,
    "PascalCase": lambda key: key[:1].upper() + key[1:],
    "lowercase": str.lower,
    "UPPERCASE": str.upper,
}


def style_of(record: dict[str, Any]) -> str:
    """Name the one way in which a record spells all the keys that we know; "" if it's none of STYLES.

    A record with an unknown field still has a style. An envelope (`{"records": [...]}`) has none.
    """
    spelled = [(documented[-1], path[-1]) for documented, path in _known_keys(record) if documented]
    if not any(key.lower() == "category" for _, key in spelled):
        return ""
    for name, spell in STYLES.items():
        if all(spell(documented) == key for documented, key in spelled):
            return name
    return ""


def value_at(record: dict[str, Any], path: str) -> str | None:
    """Return the text at a documented path, however its keys are spelled; None where there is none."""
    value: Any = record
    for part in path.split("."):
        folded = {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else {}
        value = folded.get(part.lower())
    return value if isinstance(value, str) and value else None


@cache
def structure(style: str) -> str:
    """Return the structure for DuckDB's json_transform that reads every known field in that style."""
    spell = STYLES[style]
    return _structure({path: tuple(spell(part) for part in path) for path in _KNOWN.values()})


@dataclass(slots=True)
class Spelling:
    """One way of reading records: how each known key is spelled, and which paths nobody knows.

    Args:
        shapes: the json_structure texts of the records that are read this way.
        spelled: documented path -> path as spelled.
        unknown: paths of fields without a column, as spelled.
    """

    shapes: list[str] = field(default_factory=list)
    spelled: dict[Path, Path] = field(default_factory=dict)
    unknown: set[Path] = field(default_factory=set)

    def structure(self) -> str:
        """Return the structure for json_transform; keys that never occur are spelled as documented."""
        return _structure({path: self.spelled.get(path, path) for path in _KNOWN.values()})

    def objects(self) -> list[str]:
        """Return the JSON pointers (RFC 6901) of the record and of the objects in it that hold known fields."""
        around = {path[:-1] for path in FIELDS}
        return [_pointer(self.spelled.get(path, path)) for path in sorted(around)]

    def unknown_paths(self) -> list[str]:
        """Return the JSON pointers (RFC 6901) of the fields that go to `extra`."""
        return [_pointer(path) for path in self._kept()]

    def unknown_names(self) -> list[str]:
        """Return the names of these fields in `extra`, such as $.properties.note."""
        return ["$" + "".join(f".{_quoted(part)}" for part in path) for path in self._kept()]

    def _kept(self) -> list[Path]:
        return sorted(self.unknown) if len(self.unknown) <= MAX_UNKNOWN else [()]  # then the whole record


def spellings(shapes: Iterable[str]) -> list[Spelling]:
    """Sort record shapes into as few ways of reading as their spelling of keys allows.

    Args:
        shapes: distinct results of DuckDB's json_structure.
    """
    found: list[Spelling] = []
    for shape in sorted(shapes):
        spelled: dict[Path, Path] = {}
        unknown: set[Path] = set()
        record = json.loads(shape)
        for documented, path in _known_keys(record) if isinstance(record, dict) else ():  # {} has the shape "JSON"
            if not documented or documented in spelled:
                unknown.add(path)
            else:
                spelled[documented] = path
        for spelling in found:
            agrees = all(spelling.spelled.get(key, path) == path for key, path in spelled.items())
            if agrees and not unknown & set(spelling.spelled.values()) and not spelling.unknown & set(spelled.values()):
                break
        else:
            spelling = Spelling()
            found.append(spelling)
        spelling.shapes.append(shape)
        spelling.spelled.update(spelled)
        spelling.unknown |= unknown
    return found


def _known_keys(record: dict[str, Any], above: Path = (), lower: Path = ()) -> list[tuple[Path | None, Path]]:
    """List (path as documented or None, path as spelled) of the record's keys, as deep as fields are known."""
    found: list[tuple[Path | None, Path]] = []
    for key, value in record.items():
        path, folded = (*above, key), (*lower, key.lower())
        documented = _KNOWN.get(folded)
        is_field = documented in FIELDS
        if documented and not is_field and not isinstance(value, dict):
            if value in (None, "NULL"):  # as JSON and as json_structure has it
                continue
            documented = None  # an object is expected here
        found.append((documented, path))
        if documented and not is_field:
            found.extend(_known_keys(value, path, folded))
    return found


def _pointer(path: Path) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z_]\w*", key, flags=re.ASCII) else json.dumps(key, ensure_ascii=False)


def _structure(spelled: dict[Path, Path]) -> str:
    tree: dict[str, Any] = {}
    for path in FIELDS:
        node = tree
        for depth in range(1, len(path)):
            node = node.setdefault(spelled[path[:depth]][-1], {})
        node[spelled[path][-1]] = "VARCHAR"
    return json.dumps(tree)
