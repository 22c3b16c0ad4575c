"""Texts that other people wrote, made harmless to look at."""


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
