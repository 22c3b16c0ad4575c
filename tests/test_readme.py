"""The README shows what the commands really print."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_command_of_the_readme_exists() -> None:
    names = set(re.findall(r"bin/nsp (\w+)", (ROOT / "README.md").read_text()))
    help_text = subprocess.run(
        [sys.executable, "-m", "pipeline", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert names
    assert all(re.search(rf"│ {name}\s", help_text) for name in names)


def test_links_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data/*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_tree_names_no_machine_and_no_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    here = re.escape(f"{ROOT}/".encode())
    forbidden = re.compile(here + rb"|pypi\.org/simple|files\.pythonhosted|registry\.npmjs|\.\./shared")
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and path != Path(__file__):
            assert not forbidden.search(path.read_bytes()), name
