"""Imports what the tests' processes need, once, in the process that they are forked from.

Nothing here may start a thread that matters: a fork has only the one that forked it.
"""

import gc
import importlib
import pkgutil

import typer.rich_utils  # noqa: F401

import pipeline
from pipeline.recommend import suffix_list

for found in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
    if "__main__" not in found.name and not found.name.startswith("pipeline.review.page"):  # Dash takes a second
        importlib.import_module(found.name)

for load in (suffix_list.suffixes, suffix_list.registries, suffix_list.above_suffixes):
    load()
gc.collect()
gc.freeze()  # a child that went over these would get a copy of each page
