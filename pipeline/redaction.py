"""Takes secrets out of texts before they are logged: the last line of defence, after nobody put one in.

A secret that was read is known to the letter, whatever it looks like (`note`). Others are known by their form.
"""

import re
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "[secret]"
LONGEST = 8_000
"""Characters of a text that are kept: what carries logs cuts lines in two, and others may have written the text."""
_SHORTEST = 8
"""A shorter value is also a word, and would take words out of sentences."""

_known: set[str] = set()

_BEGIN = r"(?:(?<![a-z])|(?<=%3f)|(?<=%26))"
"""Of a word, also of one in a URL within another."""
_VALUE = r"[^\s&;,\"'<>]+"
_FORMS = (
    # https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string, and signatures of a SAS
    (
        re.compile(rf"(?i){_BEGIN}((?:sig|signature|accountkey|sharedaccess\w{{0,16}})(?:=|%3d)){_VALUE}"),
        rf"\1{HIDDEN}",
    ),
    # https://www.rfc-editor.org/rfc/rfc6749: secrets and tokens, in forms and in JSON
    (
        re.compile(
            rf"(?i){_BEGIN}((?:client_?secret|password|client_assertion|(?:access|refresh|id)_?token|api_?key)"
            rf"(?:=|%3d|[\"']\s{{0,4}}:\s{{0,4}}[\"'])){_VALUE}"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)([?&]code=)[^\s&\"'<>]+"), rf"\1{HIDDEN}"),  # the key of an Azure function
    (re.compile(r"(?i)\b(bearer|basic|sharedkey|sharedkeylite) [\w.~+/:-]{16,}=*"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"), HIDDEN),  # a JSON web token
    (re.compile(r"(?i)(\w://)[^\s/@\"']{1,512}@"), rf"\1{HIDDEN}@"),  # user and password before a host
    (
        # the address of a webhook is all that it takes to post there
        re.compile(
            r"(?i)(https://(?:hooks\.slack\.com|discord(?:app)?\.com|chat\.googleapis\.com|outlook\.office(?:365)?\.com"
            r"|[\w.-]{1,200}\.(?:webhook\.office\.com|logic\.azure\.com|api\.powerplatform\.com))(?::\d+)?/)[^\s\"'<>]+"
        ),
        rf"\1{HIDDEN}",
    ),
)
_PARTS = re.compile(r"(?i)(?:sig|accountkey|sharedaccesssignature)=([^&;\s]+)")


def note(secret: str) -> None:
    """Remember a secret that was read, and its parts that are secret: no log shows any of it from now on."""
    try:
        parts = urlsplit(secret)
        place = secret.partition(parts.netloc)[2] if parts.scheme and parts.netloc else ""
    except ValueError:  # it was to be a URL, and is none
        place = ""
    for each in (secret, place, *_PARTS.findall(secret)):
        for spelled in (each, quote(each, safe=""), unquote(each)):
            if len(spelled) >= _SHORTEST:
                _known.add(spelled)


def redacted(text: str) -> str:
    """Return a text without secrets, cut where it is too long for a log."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    shown = text[: 2 * LONGEST]  # so that a secret across the end of what is kept is still known by its form
    for form, instead in _FORMS:
        shown = form.sub(instead, shown)
    more = len(text) - LONGEST
    return shown if more <= 0 else f"{shown[:LONGEST]} ... ({more:,} more characters)"
