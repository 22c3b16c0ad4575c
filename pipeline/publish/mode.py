"""The access modes that can be set."""

from enum import StrEnum


class Mode(StrEnum):
    """Access modes that can be set; Azure's third one, Audit, is documented nowhere."""

    ENFORCED = "Enforced"
    LEARNING = "Learning"
