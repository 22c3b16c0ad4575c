"""The words of a report, as GLOSSARY.md has them: one meaning, written once."""

import re
from functools import cache
from pathlib import Path

_PACKAGED = Path(__file__).parent.parent / "GLOSSARY.md"
_FILE = _PACKAGED if _PACKAGED.is_file() else Path(__file__).parent.parent.parent / "GLOSSARY.md"
WORDS = (
    "perimeter", "profile", "access mode", "access rule", "element", "association", "caller", "readiness", "light",
    "verdict", "loss", "proposal", "cannot-fix", "leave-denied", "outsider", "stray", "unmatchable", "requests",
    "record", "finding",
)  # fmt: skip
"""Those that a report uses, in the order in which it explains them."""


@cache
def meanings() -> dict[str, str]:
    """Return word -> meaning."""
    rows = re.findall(r"^\| ([^|]+?) \| (.+?) \|$", _FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    told = {word: meaning.replace("`", "") for word, meaning in rows}
    return {word: told[word] for word in WORDS}
