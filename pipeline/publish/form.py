"""The forms in which rules can be written, and the API versions that they can name."""

import re
from datetime import date
from enum import StrEnum

from pipeline.errors import UsageError

API_VERSION = "2025-05-01"
_FIRST = date(2023, 7, 1)
"""Of 2023-07-01-preview, the oldest version seen that has access rules of perimeters."""
_VERSION = re.compile(r"(\d{4}-\d{2}-\d{2})(-preview)?", re.ASCII)


class Form(StrEnum):
    """How rules are written."""

    BICEP = "bicep"
    ARM = "arm"
    TERRAFORM = "terraform"
    AZ = "az"
    POWERSHELL = "powershell"
    JSON = "json"


EXTENSIONS = {
    Form.BICEP: "bicep",
    Form.ARM: "template.json",
    Form.TERRAFORM: "tf",
    Form.AZ: "sh",
    Form.POWERSHELL: "ps1",
    Form.JSON: "rules.json",
}
OF_ONE_PERIMETER = frozenset({Form.BICEP, Form.ARM})
"""Forms that are deployed into one resource group."""
RESOURCES = 800
"""Resources that one deployment takes. Source: azure-docs, azure-resource-manager/templates/best-practices.md."""


def checked_version(text: str) -> str:
    """Return an API version as it is.

    Raises:
        UsageError: it is none, or older than access rules of perimeters.
    """
    match = _VERSION.fullmatch(text)
    try:
        day = date.fromisoformat(match.group(1)) if match else None
    except ValueError:
        day = None
    if day is None or day < _FIRST:
        raise UsageError(
            f"{text!r} is no API version of access rules: write {API_VERSION} or 2024-06-01-preview, not before "
            f"{_FIRST}."
        )
    return text
