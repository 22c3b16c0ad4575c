"""Writes an nsp.toml to begin with: what is chosen, and beside it every other key with its meaning and default."""

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.settings import Settings


def text_of(chosen: Mapping[str, Any]) -> str:
    """Return the content of an nsp.toml.

    Args:
        chosen: name of a field of Settings -> value; all others are there as comments, with their defaults. Several
            values of a field that takes one, such as blob_account_url, make a table for each.
    """
    told = meanings()
    sections: dict[str, list[str]] = {}
    further: dict[str, list[str]] = {}
    for each in fields(Settings):
        section, _, key = each.metadata["key"].partition(".")
        lines = sections.setdefault(section, [])
        lines.append(f"# {told.get(each.name, '')}".rstrip())
        is_chosen = each.name in chosen
        value = chosen[each.name] if is_chosen else each.default
        if isinstance(value, tuple) and not isinstance(each.default, tuple):
            value, *others = value
            further[section] = [f"\n[[{section}]]\n{key} = {as_toml(other)}\n" for other in others]
        lines.append(f"{'' if is_chosen else '# '}{key} = {as_toml(value)}")
    head = (
        "# Settings of nsp. Behind a # stand the defaults; take it away to change one. nsp config check reads it all.\n"
    )
    text = head
    for name, lines in sections.items():
        others = further.get(name, [])
        if name in {"blob", "workspace"}:
            lines.insert(0, f"# for several, [[{name}]] is written once for each, with keys of its own")
        title = f"[[{name}]]" if others else f"[{name}]"
        text += f"\n{title}\n" + "\n".join(lines) + "\n" + "".join(others)
    return text


def write(path: Path, chosen: Mapping[str, Any]) -> None:
    """Write an nsp.toml where there is none.

    Raises:
        UsageError: there is one, or it can't be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text_of(chosen))
    except FileExistsError:
        raise UsageError(
            f"{path} is there already; nothing was written. Name another file: nsp --config FILE init."
        ) from None
    except (OSError, UnicodeEncodeError) as error:
        raise UsageError(f"{path} can't be written: {getattr(error, 'strerror', None) or 'no text'}.") from None


def meanings() -> dict[str, str]:
    """Return what each field means, as the class says it."""
    said = re.findall(r"^    (\w+): ((?:.|\n {8})+)", inspect.getdoc(Settings) or "", flags=re.MULTILINE)
    return {name: re.sub(r"\s+", " ", text) for name, text in said}


def as_toml(value: Any) -> str:
    """Return the value of a setting as TOML writes it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    # a text of JSON is one of TOML, but for surrogates and DEL
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
