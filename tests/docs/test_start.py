"""Start in five minutes, and the README: what they show is what the commands print, one after the other."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tests import forks

ROOT = Path(__file__).parent.parent.parent


def shown() -> Iterator[tuple[str, list[str]]]:
    """Each command of the page with the lines that it is shown to print."""
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "docs" / "start.md").read_text(), flags=re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.splitlines()
            yield command, lines


def missing(lines: list[str], printed: list[str]) -> list[str]:
    """Lines shown that aren't printed, or not after those before them."""
    rest = iter(printed)
    return [line for line in lines if line != "..." and line not in rest]


def test_shown_output_is_real(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    ran = []
    for command, lines in shown():
        if not lines:
            continue  # it installs, or wants Azure; test_docs looks at its options
        result = forks.text(forks.nsp(tuple(shlex.split(command)[1:]), tmp_path, {"NSP_LOG_FORMAT": "text"}))
        printed = [line.rstrip() for line in (result.stdout + result.stderr).splitlines()]
        assert missing(lines, printed) == [], f"{command} no longer prints that, or not in this order"
        if command == "nsp demo":
            (excerpt,) = re.findall(r"```text\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
            assert missing(excerpt.splitlines(), printed) == [], "make demo no longer prints that, or not in this order"
        ran.append(command)
    assert ran[0] == "nsp demo"
    assert len(ran) == 8
