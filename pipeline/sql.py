"""Finds the files of queries/ and reads their headers. One file is one SELECT with bound $parameters."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.errors import UsageError

_PACKAGED = Path(__file__).parent / "queries"
ROOT = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent / "queries"
INTERNAL = (
    "extract/",
    "published/",
    "retention/",
    "review/",
    "transform/",
    "verdict/admitting_rules",
    "verdict/changes",
    "verdict/compared",
    "verdict/losses",
)
"""Queries over what only exists during a load, a comparison or in a snapshot; they are not listed."""


@dataclass(frozen=True, slots=True)
class Query:
    """One file of queries/.

    Args:
        name: path below queries/ without the ending, such as `traffic/flows_by_caller`.
        text: the whole file.
        description: the first line of its header.
        parameters: name -> what the header says of it, in order.
        reads: the tables and views that it reads.
    """

    name: str
    text: str
    description: str
    parameters: dict[str, str]
    reads: tuple[str, ...]


@cache
def load(name: str) -> Query:
    """Return the query of that name; the last part alone will do where it is unique.

    Raises:
        UsageError: there is no such query, or there are several.
    """
    path = ROOT / f"{name}.sql"
    if "/" not in name or not path.is_file():
        found = [each for each in names() if each == name or each.rsplit("/", 1)[-1] == name]
        if len(found) != 1:
            hint = f"It could be {' or '.join(found)}." if found else "`nsp query` lists them."
            raise UsageError(f"No query is named {name!r}. {hint}")
        name = found[0]
        path = ROOT / f"{name}.sql"
    text = path.read_text(encoding="utf-8")
    header = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    parameters = dict(re.findall(r"^\$(\w+)\s+(.*)$", "\n".join(header), flags=re.MULTILINE))
    reads = next((line.removeprefix("reads:") for line in header if line.startswith("reads:")), "")
    return Query(name, text, header[0] if header else "", parameters, tuple(re.findall(r"\w+", reads)))


@cache
def names() -> tuple[str, ...]:
    """Return the names of all queries, sorted."""
    return tuple(sorted(str(path.relative_to(ROOT).with_suffix("")) for path in ROOT.rglob("*.sql")))
