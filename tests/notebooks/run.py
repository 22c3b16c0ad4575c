"""Runs the notebooks in clean kernels: `python -m tests.notebooks.run` writes their outputs anew."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
FORMAT = 4
SECONDS = 120
"""That one cell may take, on a busy machine."""


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Return a notebook with the outputs of a run.

    Args:
        path: of the notebook.
        folder: the working directory of its kernel; the sample's store lies beside it.

    Raises:
        CellExecutionError: a cell failed.
    """
    notebook: nbformat.NotebookNode = nbformat.read(path, FORMAT)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": folder}},
    )  # fmt: skip
    client.execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def write() -> None:
    """Run all notebooks on the sample, and keep what they show: tables, and figures as pictures."""
    os.environ["PLOTLY_RENDERER"] = "png"
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        nbformat.write(executed(path, NOTEBOOKS), path)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    write()
