"""Texts that other people wrote, made harmless to look at."""


def visible(text: str) -> str:
    """Return a text as one line of printable characters; others, such as line ends and bidi marks, as escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)
