"""Writes the pages of docs/ that say what the code says: `python -m tests.docs.reference` writes all of them anew."""

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click
from typer.core import MARKUP_MODE_KEY

from pipeline import errors, sql
from pipeline.cli import app
from pipeline.errors import EXIT_CODES, NspError
from pipeline.nightly.initial import as_toml, meanings
from pipeline.nightly.run import SEVERITY
from pipeline.settings import Settings, ranges
from pipeline.store import open_store
from pipeline.tables.dictionary import data_dictionary
from tests.test_queries import SAMPLES

DOCS = Path(__file__).parent.parent.parent / "docs"
COMMANDS = """# Commands

Written from `pipeline/cli/` by `make docs`; do not edit. `nsp COMMAND --help` says the same.

"""
QUERIES = """# Queries

Written from the headers of `queries/` by `make docs`; do not edit. `nsp query` lists them, and runs one:

```console
$ nsp query traffic/flows_by_caller -p since=2026-10-01 -p limit=20 --format csv
```

The last part of a name will do where it is unique. Most take some of these parameters:

| parameter | meaning |
|---|---|"""
SETTINGS = """# Settings

Written from `pipeline/settings/` by `make docs`; do not edit. Settings come from `nsp.toml` in the working directory
(or `--config FILE`), then from variables, then from options; what comes later counts. `nsp init` writes a file with all
of them as comments, and `nsp config check` says what is wrong with one, key by key.

A list in a variable is written with commas or spaces between; `true` and `false` are words. A secret is no setting: the
keys that end in `_env` and `_file` say where it is. For several accounts or workspaces, `[[blob]]` and `[[workspace]]`
are written once for each ([connecting.md](connecting.md#several-accounts-and-workspaces)). What no rule may exceed
stands in a file of its own, [policy.toml](policy.md).
"""
EXIT = """# Exit codes

Written from `pipeline/errors.py` and the commands by `make docs`; do not edit. Results go to stdout, messages to
stderr; an error is one line that says what to do next.

| code | meaning |
|---|---|"""
COMMON = 10
"""A parameter that so many queries have is explained once."""


def walk(command: Any, path: str = "nsp") -> Iterator[tuple[str, Any]]:
    """Give each command below one, and itself, with the words that call it."""
    yield path, command
    for name in getattr(command, "commands", {}):
        yield from walk(command.commands[name], f"{path} {name}")


def commands() -> str:
    """Return docs/commands.md: what Typer says of each command, as `typer pipeline.cli utils docs` would print it."""
    root = typer.main.get_command(app)
    for _, each in walk(root):
        each.short_help = (each.help or "").split("\n\n")[0]  # else it is cut after some words
    context = typer.Context(root, obj={MARKUP_MODE_KEY: "rich"})
    said = get_docs_for_click(obj=root, ctx=context, name="nsp", title="Commands")
    said = re.sub(r'<span style="font-weight: bold">(.*?)</span>', r"`\1`", said)  # all that is bold is to be typed
    return f"{COMMANDS}{said.strip().removeprefix('# Commands').strip()}\n"


def queries() -> str:
    """Return docs/queries.md: what the header of each query says that `nsp query` offers, and its columns."""
    offered = [sql.load(name) for name in sql.names() if not name.startswith(sql.INTERNAL)]
    told = Counter(item for each in offered for item in each.parameters.items())
    common = {item for item, count in told.items() if count >= COMMON}
    parts = [
        QUERIES,
        *(f"| {name} | {_optional(text)} |" for name, text in told if (name, text) in common),
        "",
    ]
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder)) as store:
        for group, found in groupby(offered, lambda each: each.name.split("/")[0]):
            parts.append(f"## {group}\n")
            for each in found:
                parameters = {name: SAMPLES[name] for name in each.parameters}
                parts += _query(each, common, store.frame(each.name, **parameters).columns)
    return "\n".join(parts)


def _query(query: sql.Query, common: set[tuple[str, str]], columns: list[str]) -> list[str]:
    header = [line[3:] for line in takewhile(lambda line: line.startswith("--"), query.text.splitlines())]
    (grain,) = (line.removeprefix("grain: ") for line in header if line.startswith("grain: "))
    notes = [line for line in header[1:] if not re.match(r"\$|reads: |grain: |  ", line)]
    parts = [f"### {query.name}\n", f"{query.description}\n"]
    if notes:
        parts.append(f"{' '.join(notes)}\n")
    parts.append(f"- Grain: {grain}.")
    parts.append(f"- Columns: {', '.join(f'`{each}`' for each in columns)}.")
    if query.parameters:
        parts.append(f"- Parameters: {', '.join(f'`{each}`' for each in query.parameters)}.")
        own = {name: text for name, text in query.parameters.items() if (name, text) not in common}
        parts += [f"    - `{name}`: {_optional(text)}." for name, text in own.items()]
    return [*parts, ""]


def _optional(text: str) -> str:
    """Say for people what a header says to SQL."""
    return re.sub(r"; null for all (\S.*)$", r"; if left out \1", text).replace("; null for all", "; may be left out")


def settings() -> str:
    """Return docs/settings.md: every key with its variable, default, range and meaning, as the class says it."""
    told, bounds = meanings(), ranges(Settings())
    parts = [SETTINGS]
    sections: dict[str, list[Field[Any]]] = {}
    for each in fields(Settings):
        sections.setdefault(str(each.metadata["key"]).split(".", maxsplit=1)[0], []).append(each)
    for name, found in sections.items():
        parts.append(f"## [{name}]\n\n| key, variable | default | range | meaning |\n|---|---|---|---|")
        for each in found:
            key = str(each.metadata["key"])
            default = _cell(as_toml(each.default))
            span = "{:,} to {:,}".format(*bounds[each.name]) if each.name in bounds else ""
            variable = "NSP_" + key.replace(".", "_").upper()
            parts.append(f"| `{key}`<br>`{variable}` | `{default}` | {span} | {_cell(_sentence(told[each.name]))} |")
        parts.append("")
    return "\n".join(parts)


def exit_codes() -> str:
    """Return docs/exit-codes.md: each code with its meaning, who ends with it, and the errors that carry it."""
    parts = [
        EXIT,
        *(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()),
        "\nA script or scheduler should take 3 for success: it says that people have something to do.",
        f"`nsp nightly` ends with the gravest code of its steps, in this order: {', '.join(map(str, SEVERITY))}.\n",
        "## What commands say of theirs\n",
        "| command | says |\n|---|---|",
    ]
    for path, each in walk(typer.main.get_command(app)):
        texts = {"": each.help or ""} | {f"`{option.opts[0]}`: ": getattr(option, "help", "") for option in each.params}
        said = [
            f"{about}{sentence}"
            for about, text in texts.items()
            for sentence in _sentences(text or "")
            if re.search(r"(?i)\bexit code", sentence)
        ]
        if said:
            parts.append(f"| `{path}` | {_cell(' '.join(said))} |")
    parts.append("\n## Errors\n\n| code | when |\n|---|---|")
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, NspError)]
    parts.extend(
        f"| {kind.exit_code} | {_cell(_sentences(kind.__doc__ or '')[0])} |"
        for kind in sorted(kinds, key=lambda kind: kind.exit_code)
        if kind not in {NspError, errors.MalformedJsonError}  # nobody meets them
    )
    return "\n".join(parts) + "\n"


def _cell(text: str) -> str:
    """Return a text on one line that ends no cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=\.)\s+", text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text[:1].isalpha() and not text.startswith("http") else text


PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands,
    "exit-codes.md": exit_codes,
    "queries.md": queries,
    "settings.md": settings,
    "tables.md": data_dictionary,
}
"""Page of docs/ -> what writes it."""


if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
