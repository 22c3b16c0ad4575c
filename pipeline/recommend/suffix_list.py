"""The Public Suffix List, which comes with the package publicsuffixlist: read once, and only where it is asked for."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_SECTION = "// ==="


@cache
def suffixes() -> "PublicSuffixList":
    """Return the whole list: what registries run, and the private part (github.io, s3.amazonaws.com ...)."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(_lines(), accept_encoded_idn=False)


@cache
def registries() -> "PublicSuffixList":
    """Return the list's ICANN part alone."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(_lines(), accept_encoded_idn=False, only_icann=True)


@cache
def above_suffixes() -> frozenset[str]:
    """Return the domains below which a public suffix lies, as amazonaws.com above s3.amazonaws.com."""
    found: set[str] = set()
    for line in _lines():
        if not line.startswith(_SECTION):
            labels = line.lstrip("!").split(".")
            found.update(".".join(labels[start:]) for start in range(1, len(labels)))
    return frozenset(found)


@cache
def _lines() -> tuple[str, ...]:
    """Return rules and marks of sections; a rule that isn't ASCII in both spellings.

    The package encodes every rule itself, of which one in twenty needs it, and takes 200 ms for that each time.
    """
    from publicsuffixlist import PSLFILE, encode_idn

    found: list[str] = []
    for line in Path(PSLFILE).read_text(encoding="utf-8").splitlines():
        rule = line if line.startswith(_SECTION) else line.partition("//")[0].strip()
        if rule:
            found.append(rule)
        if not rule.isascii():
            found.append("!" * rule.startswith("!") + encode_idn(rule.lstrip("!")))
    return tuple(found)
