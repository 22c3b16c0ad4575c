"""The documentation: links lead somewhere, commands exist with their options, and code is what its language takes."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycep
import pytest
import typer

from pipeline.cli import app
from pipeline.tables import CATEGORIES

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:\$ )?(?:\.venv/bin/)?nsp (?!\()")


def named(pages: list[Path]) -> list[str]:
    return [str(each.relative_to(ROOT)) for each in pages]


def anchors(page: Path) -> set[str]:
    """What a code host makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def commands_of(page: Path) -> Iterator[list[str]]:
    """Command lines in the code of a page, and between backticks."""
    text = page.read_text()
    for _, code in FENCE.findall(text):
        for each in code.replace("\\\n", " ").splitlines():
            if COMMAND.match(each.strip()):
                yield shlex.split(each.strip().removeprefix("$ "), comments=True)
    for each in re.findall(r"`(nsp [^`\n]+)`", FENCE.sub("", text)):
        yield each.split()


def check(words: list[str]) -> None:
    """Walk down to the command, and look for each of its options."""
    command: Any = typer.main.get_command(app)
    options = {name for each in command.params for name in each.opts}
    assert len(words) == 1 or words[1].startswith(("-", "COMMAND", "[")) or words[1] in command.commands, words[1]
    for word in words[1:]:
        if word in {"&&", "|", ">", "<", "..."} or "|" in word:
            return
        if word.startswith("-"):
            assert word.split("=")[0] in options or word == "--help", f"{' '.join(words)}: {word}"
        elif below := getattr(command, "commands", {}).get(word):
            command = below
            options = {name for each in command.params for name in each.opts}


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_commands_exist_with_their_options(page: Path) -> None:
    for words in commands_of(page):
        check(words)


@pytest.mark.parametrize("line", ["nsp recommand", "nsp traffic --bye caller", "nsp decide accept --all-flagged"])
def test_what_does_not_exist_is_found(line: str) -> None:
    with pytest.raises(AssertionError):
        check(line.split())


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs/connecting.md").read_text()
    return [code for of, code in FENCE.findall(page) if of == language]


@pytest.mark.parametrize("language", ["bicep", "hcl", "bash"])
def test_diagnostic_settings_name_every_category_and_no_other(language: str) -> None:
    (code,) = (each for each in blocks(language) if "NspOutboundAttempt" in each)
    assert sorted(re.findall(r"\bNsp\w+", code)) == sorted(CATEGORIES)


def test_code_of_the_documentation_can_be_parsed() -> None:
    (bicep,) = blocks("bicep")
    assert "logs" in pycep.BicepParser().parse(text=bicep)["resources"]
    scripts = [code for page in PAGES for of, code in FENCE.findall(page.read_text()) if of in {"bash", "sh"}]
    assert len(scripts) > len(blocks("bash"))
    for code in scripts:
        subprocess.run(["bash", "-n"], input=code.encode(), check=True)
