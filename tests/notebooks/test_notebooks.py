"""The notebooks run from clean kernels on the sample, and what is committed is what they show."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.moments import utc_now
from tests.cli.test_cli import out
from tests.notebooks.run import NOTEBOOKS, executed

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's store beside it."""
    above = tmp_path_factory.mktemp("work")
    out(above, "demo")
    (above / "notebooks").mkdir()
    return above / "notebooks"


def told(notebook: Any) -> list[list[str]]:
    """What each code cell shows in words and tables."""
    return [
        [text for output in cell["outputs"] if (text := _text(output))]
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def _text(output: Any) -> str:
    data = output.get("data", {})
    if "image/png" in data or "application/json" in data or "application/vnd.plotly.v1+json" in data:
        return "a figure"
    found = data.get("text/html") or data.get("text/plain") or output.get("text", "")
    return found if isinstance(found, str) else "".join(found)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook_runs_and_shows_what_is_committed(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLOTLY_RENDERER", "json")  # pictures would take a browser, and say no more
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS.parent))
    # the demo's inventory is from when it is made, which a table cuts after the month
    committed = re.sub(r"(?<=are known since )\d{4}-\d{2}(?=-)", f"{utc_now():%Y-%m}", path.read_text(encoding="utf-8"))
    made = executed(path, folder)
    assert told(made) == told(json.loads(committed)), "run `make notebooks` and read the diff"
    for figure in figures(made):
        check_words(figure["layout"])
        colours = [each.get("line", each["marker"])["color"] for each in figure["data"] if each.get("showlegend")]
        assert len(colours) == len(set(colours)), "two in a legend have one colour"


def figures(notebook: Any) -> list[Any]:
    """What plotly was given to draw."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return [data["application/json"] for output in outputs if "application/json" in (data := output.get("data", {}))]


def check_words(layout: Any) -> None:
    """Titles of axes and legend are words, not columns; time says of which zone it is."""
    titles = [layout[axis]["title"]["text"] for axis in ("xaxis", "yaxis")]
    legend = layout.get("legend", {}).get("title", {}).get("text", "")
    assert not [each for each in (*titles, legend) if "_" in each or each == "count"]
    assert not [each for each in titles if re.match("(day|hour)$", each)], "add (UTC)"
    assert layout["title"]["text"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_committed_notebook_can_be_read_without_running_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    cells = [each for each in notebook["cells"] if each["cell_type"] == "code"]
    assert [each["execution_count"] for each in cells] == list(range(1, len(cells) + 1)), (
        "from a clean kernel, in order"
    )
    assert all(each["outputs"] for each in cells[1:])
    kinds = {kind for each in cells for output in each["outputs"] for kind in output.get("data", {})}
    assert {"text/html", "image/png"} <= kinds
    assert "error" not in {output["output_type"] for each in cells for output in each["outputs"]}
    assert notebook["cells"][0]["source"][0].startswith(f"# {path.stem[0]}. ")
    assert not re.search(r"/(?:tmp|home|root|work|Users)/", text)
    assert sum("STORE = " in "".join(each["source"]) for each in cells) == 1, "one path cell"


def test_notebooks_are_five_and_small() -> None:
    assert [path.stem[0] for path in PATHS] == ["1", "2", "3", "4", "5"]
    assert sum(path.stat().st_size for path in PATHS) < 1_500_000
