"""Reads policy.toml, the bounds that an admin sets. It is strict: a bound with a slip in it would bound nothing."""

import tomllib
from collections.abc import Callable
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError
from pipeline.recommend.bounds import (
    Bounds,
    canonical_host,
    canonical_subscription,
    canonical_tag,
    prefix_as_written,
)

POLICY_FILE = "policy.toml"

_KEYS = {each.metadata["key"]: each.name for each in fields(Bounds)}
_SECTIONS = sorted({key.partition(".")[0] for key in _KEYS})
_RANGES = {
    "addresses.widest_v4": (8, 32),
    "addresses.widest_v6": (16, 64),
    "elements.reserve": (0, 199),
    "elements.max": (1, 200),
}


def find(named: Path | None, config: Path | None) -> Bounds | None:
    """Return the bounds in force; None where there is no policy.

    Args:
        named: file named by --policy; None for the policy.toml beside nsp.toml, which may be missing.
        config: file named by --config; None for ./nsp.toml.

    Raises:
        SettingsError: as load, or the named file isn't there.
    """
    path = named or place(config)
    return load(path) if named or path.exists() else None


def place(config: Path | None) -> Path:
    """Return where a policy lies that nobody named: beside nsp.toml."""
    return (config.parent if config else Path()) / POLICY_FILE


def load(path: Path) -> Bounds:
    """Read a policy.

    Raises:
        SettingsError: the file can't be read or is no TOML, a key is unknown, or a value is none for its key.
    """
    tree = _read(path)
    values: dict[str, Any] = {}
    for section, content in tree.items():
        if section not in _SECTIONS:
            raise SettingsError(f"{path}: unknown key {section}.{_hint(section, _SECTIONS)}")
        if not isinstance(content, dict):
            raise SettingsError(f"{path}: {section} must be a section, [{section}], not {content!r}.")
        for name, value in content.items():
            key = f"{section}.{name}"
            if key not in _KEYS:
                legal = [each for each in _KEYS if each.startswith(f"{section}.")]
                raise SettingsError(f"{path}: unknown key {key}.{_hint(key, legal)}")
            try:
                values[_KEYS[key]] = _value(key, value)
            except ValueError as error:
                raise SettingsError(f"{path}: {key} {error}.") from None
    bounds = Bounds(**values)
    if bounds.reserve >= bounds.max_elements:
        raise SettingsError(
            f"{path}: elements.reserve ({bounds.reserve}) must be less than elements.max ({bounds.max_elements})."
        )
    return bounds


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"The policy {path} isn't there.") from None
    except OSError as error:
        raise SettingsError(f"The policy {path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"The policy {path} is no TOML: {error}.") from error


def _hint(key: str, legal: list[str]) -> str:
    near = get_close_matches(key, legal, n=1)
    return f"{f' Did you mean {near[0]}?' if near else ''} Legal: {', '.join(legal)}."


def _value(key: str, value: Any) -> Any:
    """Return what a key is set to, canonical.

    Raises:
        ValueError: it is none for this key; the message goes on after the key.
    """
    if key in _RANGES:
        low, high = _RANGES[key]
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {value!r}")
        return value
    if key == "hosts.allowed_wildcards":
        if not isinstance(value, bool):
            raise ValueError(f"must be true or false, not {value!r}")
        return value
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"must be a list of texts, not {value!r}")
    return frozenset(_ENTRIES[key.partition(".")[0]](each) for each in value)


def _subscription(text: str) -> str:
    found = canonical_subscription(text)
    if found is None:
        raise ValueError(f"holds {text!r}, which is no subscription id (a GUID)")
    return found


def _host(text: str) -> str:
    found = canonical_host(text)
    if found is None or "*" in found:
        raise ValueError(
            f"holds {text!r}; write a name such as example.com (those below it are meant as well), beyond ASCII as xn--"
        )
    return found


def _tag(text: str) -> str:
    found = canonical_tag(text)
    if found is None:
        raise ValueError(f"holds {text!r}, which is no service tag such as Storage.WestEurope")
    return found


_ENTRIES: dict[str, Callable[[str], Any]] = {
    "addresses": prefix_as_written,
    "subscriptions": _subscription,
    "hosts": _host,
    "service_tags": _tag,
}
