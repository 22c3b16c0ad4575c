"""Gathers a configuration as JSON: lists of ARM items, whoever printed them.

Taken are one object with named lists, the plain arrays or single objects that `az ... list|show -o json` prints, the
REST API's `{"value": [...]}`, and folders of such files; what a plain item is, its id tells. Items come flattened, as
the CLI extension prints them since 1.0.0, or with `.properties`, as the REST API does.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import InventoryError

Item = dict[str, Any]

LISTS = (
    "perimeters",
    "profiles",
    "accessRules",
    "associations",
    "links",
    "linkReferences",
    "loggingConfigurations",
    "diagnosticSettings",
    "resources",
    "configurations",
)
_KINDS = {
    "networksecurityperimeterconfigurations": "configurations",
    "diagnosticsettings": "diagnosticSettings",
    "accessrules": "accessRules",
    "resourceassociations": "associations",
    "loggingconfigurations": "loggingConfigurations",
    "linkreferences": "linkReferences",
    "links": "links",
    "profiles": "profiles",
    "networksecurityperimeters": "perimeters",
}
"""The last type of an ARM id -> the list that such items belong to."""


@dataclass(slots=True)
class Document:
    """What is known of some perimeters.

    Args:
        lists: name of a list -> its items; a list that nobody gave is missing.
        gaps: sentences on what could not be read, by ARM id of the perimeter ("" for all).
        whole: names of the lists of which more than single items were given.
        is_one: it came as one object, so its lists tell of every perimeter that it names.
        empty_rules: names of profiles of which a file said that they have no access rules.
    """

    lists: dict[str, list[Item]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    is_one: bool = True
    gaps: dict[str, list[str]] = field(default_factory=dict)
    empty_rules: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.whole |= set(self.lists)

    def items(self, name: str) -> list[Item]:
        """Return the items of a list."""
        return self.lists.get(name, [])

    def without_rules(self) -> set[tuple[str, str]]:
        """Return (perimeter, profile), lower case, of the profiles of which a file said that they have no access rules.

        Raises:
            InventoryError: no profile has such a name, or those of several perimeters have.
        """
        ids = [str(item.get("id")).lower().rstrip("/").rpartition("/profiles/") for item in self.items("profiles")]
        named = [(owner, name) for owner, _, name in ids]
        found = set()
        for name in sorted(self.empty_rules):
            mine = {(owner, profile) for owner, profile in named if profile == name.lower()}
            if len(mine) != 1:
                raise InventoryError(
                    f"rules-{name}.json says that a profile has no access rules, and "
                    f"{'no profile' if not mine else 'more than one profile'} of that name is listed beside it: add "
                    "what `az network perimeter profile list -o json` prints, a folder a perimeter."
                )
            found |= mine
        return found

    def forget(self, name: str) -> None:
        """Know nothing of a list."""
        self.lists.pop(name, None)
        self.whole.discard(name)

    def add(self, name: str, items: list[Any], *, whole: bool = True) -> None:
        """Add items to a list.

        Args:
            name: of the list.
            items: objects.
            whole: they are a list's content, not single items of it.

        Raises:
            InventoryError: an item is no object.
        """
        for item in items:
            if not isinstance(item, dict):
                raise InventoryError(f"{name} holds {json.dumps(item)[:80]}, which is no object.")
        self.lists.setdefault(name, []).extend(items)
        if whole:
            self.whole.add(name)


def read(path: Path) -> Document:
    """Read a file, or all *.json files of a folder.

    Raises:
        InventoryError: a file can't be read, is no such JSON, or a folder holds none.
    """
    document = Document()
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InventoryError(f"The folder {path} holds no *.json file.")
    for file in files:
        _gather(document, json_of(file), file)
    document.without_rules()
    return document


def of_content(content: Any, path: Path) -> Document:
    """Return what the content of a JSON file tells; the path is for messages and, of an empty list, says which it is.

    Raises:
        InventoryError: it is no such JSON.
    """
    document = Document()
    _gather(document, content, path)
    document.without_rules()
    return document


def json_of(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        InventoryError: it can't be read or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InventoryError(f"The inventory {path} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InventoryError(f"The inventory {path} isn't JSON: {error}.") from error


_NAMES = {name.lower(): name for name in (*LISTS, "value", "nextLink", "id")}


def _spelled(content: Any, file: Path) -> Any:
    """Return an object with the names of lists as they are spelled here, however they are capitalized; else the same.

    Raises:
        InventoryError: it is one page of a longer list: what is only on the others would count as gone.
    """
    if not isinstance(content, dict):
        return content
    content = {_NAMES.get(name.lower(), name): value for name, value in content.items()}
    if content.get("nextLink"):
        raise InventoryError(
            f"The inventory {file} is one page of a list, with more behind its nextLink. Fetch all pages, as "
            "`az network perimeter ... list` does."
        )
    return content


def _gather(document: Document, content: Any, file: Path) -> None:
    content = _spelled(content, file)
    if isinstance(content, dict) and any(isinstance(content.get(name), list) for name in LISTS):
        for name in LISTS:
            if isinstance(content.get(name), list):
                document.add(name, content[name])
        return
    if isinstance(content, dict) and isinstance(content.get("value"), list):
        content = content["value"]
    single = isinstance(content, dict) and isinstance(content.get("id"), str)
    if single:
        content = [content]
    document.is_one = False
    if content == []:
        _gather_nothing(document, file)
        return
    if not isinstance(content, list):
        raise InventoryError(
            f"The inventory {file} must be one object with the lists {', '.join(LISTS[:4])} ..., or what "
            "`az network perimeter ... list -o json` prints.",
        )
    for item in content:
        kind = _kind(item)
        if kind is None:
            raise InventoryError(f"The inventory {file} holds an item without an ARM id: {json.dumps(item)[:120]}.")
        document.add(kind, [item], whole=not single)


def _gather_nothing(document: Document, file: Path) -> None:
    """Take an empty list for what the file's name says it is.

    Raises:
        InventoryError: it doesn't say.
    """
    if file.stem in LISTS:
        document.add(file.stem, [])
    elif file.stem.startswith("rules-"):
        document.empty_rules.add(file.stem.removeprefix("rules-"))
    else:
        raise InventoryError(
            f"The inventory {file} holds an empty list and doesn't say of what: name it for its list "
            f"({', '.join(LISTS)}) or, for a profile without access rules, rules-PROFILE.json; or leave it out."
        )


def _kind(item: Any) -> str | None:
    """Return the list that an item belongs to, going by its id."""
    identity = item.get("id") if isinstance(item, dict) else None
    if not isinstance(identity, str) or not identity.startswith("/"):
        return None
    return _KINDS.get(identity.lower().rstrip("/").split("/")[-2:][0], "resources")
