"""Reads settings: nsp.toml, then NSP_* variables, then flags."""

import os
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pipeline import places
from pipeline.errors import SettingsError
from pipeline.places import AccountSettings, WorkspaceSettings
from pipeline.settings.declaration import Settings, SeveralSettings, table_of
from pipeline.settings.ranges import Problem, out_of_range

CONFIG_FILE = "nsp.toml"
_T = TypeVar("_T", AccountSettings, WorkspaceSettings)


def load(config: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Return the settings in force.

    Args:
        config: file named by --config; None for ./nsp.toml, which may be missing.
        environment: os.environ.
        flags: field name -> value; None means not given.

    Raises:
        SettingsError: a file is missing or no TOML, a key is unknown, or a value is of the wrong type or range.
    """
    settings, problems = examine(config, environment, flags)
    if problems:
        raise SettingsError(problems[0].text)
    return settings


def examine(
    config: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]
) -> tuple[Settings, list[Problem]]:
    """Return the settings, with the defaults in the place of what is wrong, and all that is wrong.

    Args:
        config: file named by --config; None for ./nsp.toml, which may be missing.
        environment: os.environ.
        flags: field name -> value; None means not given.

    Raises:
        SettingsError: the file is missing or no TOML.
    """
    file = str(config or CONFIG_FILE)
    tree = _read(config)
    several = {section: _several(tree, section) for section in ("blob", "workspace")}
    values, problems = _taken({key: (f"{file}: {key}", value) for key, value in _flat(tree).items()})
    for key in _keyed():
        variable = "NSP_" + key.replace(".", "_").upper()
        section, _, word = key.partition(".")
        if variable in environment and several.get(section):
            told = (
                f"{variable} is set, but there are {len(several[section])} [[{section}]], and it can't mean them all."
            )
            problems.append(Problem(key, f"{told} Unset it, and write {word} into the [[{section}]] that it is for."))
        elif variable in environment:
            found, wrong = _taken({key: (variable, environment[variable])})
            values |= found
            problems += wrong
    accounts, wrong = _examined("blob", several["blob"], AccountSettings, file)
    workspaces, also_wrong = _examined("workspace", several["workspace"], WorkspaceSettings, file)
    flagged = {name: value for name, value in flags.items() if value is not None}
    values |= flagged
    settings = Settings(**values)
    if accounts or workspaces:
        settings = SeveralSettings(**values, blob_tables=accounts, workspace_tables=workspaces)
    found_wrong = [*problems, *wrong, *also_wrong, *out_of_range(settings)]
    for section, one in (("blob", settings.account), ("workspace", settings.workspace)):
        found_wrong += [Problem(key, text) for key, text in places.bad_names([(section, one)])]
    folders = [os.path.normpath(each) for each in settings.ingest_folder]
    twice = sorted({each for each in folders if folders.count(each) > 1})
    found_wrong += [Problem("ingest.folder", f"ingest.folder names {each} more than once.") for each in twice]
    return settings, found_wrong


def _several(tree: dict[str, Any], section: str) -> list[dict[str, Any]]:
    """Take the tables of [[blob]] or [[workspace]] out of what was read; a single one is left there, as [blob]."""
    tables = tree.get(section)
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        return []
    del tree[section]
    if len(tables) == 1:
        tree[section] = tables[0]
        return []
    return tables


def _examined(
    section: str, tables: Sequence[dict[str, Any]], kind: type[_T], file: str
) -> tuple[tuple[_T, ...], list[Problem]]:
    """Return what several [[blob]] or [[workspace]] say, and what is wrong, by keys such as blob[2].account_url."""
    problems: list[Problem] = []
    found = [_one_of_several(f"{section}[{number}].", table, file, problems) for number, table in enumerate(tables, 1)]
    several = places.named([table_of(each, kind, f"{section}_") for each in found])
    key = "account_url" if section == "blob" else "id"
    told = {each.key for each in problems}
    problems += [Problem(at, text) for at, text in places.problems(section, key, several) if at not in told]
    return several, problems


def _one_of_several(at: str, table: dict[str, Any], file: str, problems: list[Problem]) -> Settings:
    """Return what one table says, as if it were the only one; what is wrong is told by keys that begin with `at`."""
    section = at.partition("[")[0] + "."
    pairs = {f"{section}{key}": (f"{file}: {at}{key}", value) for key, value in _flat(table).items()}
    values, wrong = _taken(pairs, [key for key in _keyed() if key.startswith(section)])
    one = Settings(**values)
    for each in [*wrong, *out_of_range(one)]:
        key = at + each.key.removeprefix(section)
        problems.append(Problem(key, each.text.replace(each.key, key)))
    return one


def _taken(pairs: Mapping[str, tuple[str, Any]], known: Collection[str] = ()) -> tuple[dict[str, Any], list[Problem]]:
    """Return field -> value of some keys, and what is wrong with them.

    Args:
        pairs: key -> how to call it, and its value, as in the file or a variable.
        known: keys that may be there; all where it is empty.
    """
    by_key = {key: each for key, each in _keyed().items() if not known or key in known}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, (called, value) in pairs.items():
        if key not in by_key:
            near = get_close_matches(key, by_key, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(sorted(by_key))}."
            problems.append(Problem(key, f"{called} is no key. {hint}"))
            continue
        try:
            values[by_key[key].name] = _typed(value, by_key[key], called)
        except SettingsError as error:
            problems.append(Problem(key, str(error)))
    return values, problems


def _read(config: Path | None) -> dict[str, Any]:
    path = config or Path(CONFIG_FILE)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if config:
            raise SettingsError(f"The configuration file {config} isn't there.") from None
        return {}
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}.") from error


def _flat(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return found


def _typed(value: Any, field: Any, where: str) -> Any:
    wanted: type = type(field.default) if not isinstance(field.default, os.PathLike) else Path
    try:
        if wanted is tuple:
            return _texts(value, one="spaces" in field.metadata)
        if wanted is bool:
            return {"true": True, "false": False}[str(value).lower()]
        if isinstance(value, bool) or (wanted is int and isinstance(value, float)):
            raise ValueError  # noqa: TRY301 -- one message for all
        return wanted(value)
    except (TypeError, ValueError, KeyError):
        raise SettingsError(f"{where} must be {_WORDS[wanted]}, not {value!r}.") from None


_WORDS: Mapping[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    bool: "true or false",
    tuple: "a list of texts",
}


def _texts(value: Any, *, one: bool) -> tuple[str, ...]:
    """Return a list of TOML, or the words of a variable, between which there are commas or spaces; `one`: one text."""
    if isinstance(value, str) and one:
        return (value,) if value else ()
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError
    return tuple(each for each in value if each)


def _keyed() -> dict[str, Any]:
    """Return the keys of nsp.toml, each with its field."""
    return {each.metadata["key"]: each for each in fields(Settings)}
