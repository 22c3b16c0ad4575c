"""Texts for people: those that others wrote, made harmless to look at, and numbers and names in words."""

from collections.abc import Sequence


def visible(text: str) -> str:
    """Return a text as one line of printable characters; others, such as line ends and bidi marks, as escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def counted(number: int, what: str, many: str = "") -> str:
    """Return a number with its noun, such as `1 day` or `2,000 days`.

    Args:
        number: how many.
        what: the noun, of one.
        many: of several; "" for the one with an s.
    """
    return f"{number:,} {what if number == 1 else many or what + 's'}"


def first_of(names: Sequence[str], most: int, joined_by: str = ", ", of: int = 0) -> str:
    """Return the first of some names, and how many more there are.

    Args:
        names: all of them, or some that stand for more.
        most: how many are named.
        joined_by: what stands between two.
        of: how many there are in all, where the names are only some of them.
    """
    left = max(of, len(names)) - min(most, len(names))
    return joined_by.join(names[:most]) + (f" and {left:,} more" if left else "")
