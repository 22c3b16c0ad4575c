"""Imports what the tests' processes need, once, in the process that they are forked from.

Nothing here may start a thread that matters: a fork has only the one that forked it.
"""

import gc
import importlib
import pkgutil

import typer.rich_utils  # noqa: F401

import pipeline

for found in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
    if "__main__" not in found.name and not found.name.startswith("pipeline.review.page"):  # Dash takes a second
        importlib.import_module(found.name)

gc.collect()
gc.freeze()  # a child that went over these would get a copy of each page
