"""Makes `--help` readable at any width: Typer's own wraps our lines a second time, and cuts names for long types."""

from typing import Any

NARROW = 18
"""Columns that the type of an option may take; a longer one pushes its name out of sight at 80 columns."""


def make_readable(command: Any, context: Any) -> None:
    """Join the lines of each paragraph, and say of each option what it takes in a word.

    Args:
        command: as Typer made it; it is changed.
        context: of the command above it.
    """
    command.help = "\n\n".join(" ".join(each.split()) for each in (command.help or "").split("\n\n"))
    for each in command.get_params(context):
        make_flag(each)
        if each.param_type_name == "argument":  # its metavar is its name
            continue
        taken = "" if each.metavar == "" else each.metavar or each.display_type(context) or ""
        if "|" in taken and len(taken) > NARROW:
            each.metavar = "WORD"
            each.help = f"{each.help or ''} One of {', '.join(taken.strip('<>').split('|'))}.".strip()


def make_flag(option: Any) -> None:
    """Say of a flag that it takes nothing; Typer's own <bool> looks as if it did."""
    if getattr(option, "is_flag", False):
        option.metavar = ""
