"""What Azure would refuse, or take in another sense than was meant; found before anything is written."""

from collections import Counter
from collections.abc import Iterable

from pipeline.errors import PublishError
from pipeline.recommend.access_rule import AccessRule

ELEMENTS = 200
"""Rule elements that a profile may have in each direction. Source: azure-docs, network-security-perimeter-limits.md."""


def check(rules: Iterable[AccessRule]) -> None:
    """Refuse rules that can't stand together.

    Args:
        rules: of any perimeters and profiles.

    Raises:
        PublishError: there is none, two of a profile have one name (Azure doesn't tell capitals), or a profile has too
            many elements in a direction.
    """
    names: dict[tuple[str, str, str], str] = {}
    elements: Counter[tuple[str, str, str]] = Counter()
    spelled: dict[tuple[str, str], str] = {}
    for rule in rules:
        key = (*rule.profile_key, rule.name.lower())
        if key in names:
            other = "" if names[key] == rule.name else f" ({names[key]}: Azure doesn't tell capitals)"
            raise PublishError(
                f"Two rules of the profile {rule.profile} are named {rule.name}{other}; the second would take the "
                "place of the first. Rename one, or leave it out."
            )
        names[key] = rule.name
        elements[*rule.profile_key, rule.direction] += len(rule.elements)
        spelled.setdefault(rule.profile_key, rule.profile)
    if not names:
        raise PublishError("There is no rule to export. See what is proposed: nsp recommend.")
    for (perimeter, profile, direction), count in sorted(elements.items()):
        if count > ELEMENTS:
            raise PublishError(
                f"The {direction.lower()} rules of the profile {spelled[perimeter, profile]} of "
                f"{perimeter.rsplit('/', 1)[-1]} have "
                f"{count:,} elements; Azure takes {ELEMENTS} of a profile and direction. Take wider prefixes or "
                "subscriptions (recommend.max_elements of nsp.toml), or give some resources a profile of their own."
            )
