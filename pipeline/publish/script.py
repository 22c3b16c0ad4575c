"""What a script of calls looks like, whatever its shell: a head, and under each profile a comment and a call a rule."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from pipeline.publish.comment import comments, why
from pipeline.publish.place import PerimeterRules
from pipeline.recommend.access_rule import AccessRule

COMMENT = "#"
Call = Callable[[PerimeterRules, str, AccessRule], Iterable[str]]
"""Gives the lines that create one rule of a perimeter and a profile."""


def script(head: Iterable[str], perimeters: Sequence[PerimeterRules], call: Call) -> str:
    """Return the text of a script.

    Args:
        head: its first lines.
        perimeters: with their rules.
        call: what creates a rule.
    """
    return "\n".join([*head, *_body(perimeters, call)]) + "\n"


def _body(perimeters: Sequence[PerimeterRules], call: Call) -> Iterator[str]:
    for perimeter in perimeters:
        for profile in perimeter.profiles:
            yield ""
            yield from comments(COMMENT, (f"Perimeter {perimeter.name}, profile {profile.name}",))
            for rule in profile.rules:
                yield ""
                yield from comments(COMMENT, (why(rule),))
                yield from call(perimeter, profile.name, rule)
