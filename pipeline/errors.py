"""Every error that a user can meet, with the exit code that it carries.

    NspError                 1  failed
    ├── UsageError           2  wrong words: settings, parameters, an unknown query
    │   └── SettingsError    2  nsp.toml or an NSP_* variable
    ├── SourceError          1  a folder or file cannot be read
    │   ├── MalformedJsonError  1  a line is no JSON; caught by transform.load, which then goes the careful way
    │   └── UnansweredError  1  a stretch of a workspace can't be read; caught by ingest, which goes on with the next
    ├── StoreError           1  the warehouse cannot be opened or is of another version
    │   ├── StoreBusyError   1  another nsp is writing to it
    │   ├── QueryError       1  DuckDB could not run a query: input that nobody thought of
    │   │   └── MemoryLimitError 1  it needs more memory than it may take
    │   ├── NightlyRunningError  6  another nightly runs
    │   └── ConflictError    1  somebody else decided meanwhile; nothing was recorded
    ├── InventoryError       1  a perimeter description cannot be read
    ├── PublishError         1  rules cannot be written as code or applied: none, too many, two of one name
    │   ├── MeanwhileError   3  somebody changed what is to be written
    │   └── HalfwayError     5  a part was written to Azure, then something failed
    ├── OutputError          1  stdout takes no more: a full disk
    ├── ChoiceError          1  the solver found no choice of rules
    ├── NotifyError          5  nobody could be told what a night brought
    └── AzureError           4  Azure refused, or gave no answer
        ├── SignInError      4  nobody is signed in, or a secret is wrong or expired
        ├── ForbiddenError   4  signed in, but without the role that is needed
        └── UnreachableError 4  no network, a wrong name, or a service that is down

A message says what is wrong and what to do next. `pipeline.cli.main` alone catches the base class, prints
one line and exits with the code; anything else that escapes is a bug and keeps its traceback.
"""

from collections.abc import Mapping

EXIT_CODES: Mapping[int, str] = {
    0: "fine",
    1: "failed",
    2: "wrong words: an option, a parameter, a setting",
    3: "attention: a profile isn't ready to be enforced, a what-if would deny something that succeeds, a rule exceeds "
    "the policy, there is something to apply, verify found something, or the trail of decisions was changed",
    4: "Azure is out of reach, nobody is signed in, or a role is missing",
    5: "partial: a part of the configuration could not be read; more lines than `ingest.rejected_share` could not be "
    "read, or a file, blob or hour; an apply stopped halfway; nobody could be told of a night",
    6: "another nightly is running: nothing was done",
    130: "stopped by a key; what was committed stays",
}
"""What `nsp` ends with, and what each means."""


class NspError(Exception):
    """Base of all errors that are told to the user without a traceback."""

    exit_code = 1


class UsageError(NspError):
    """The command was given words that it can't take."""

    exit_code = 2


class SettingsError(UsageError):
    """nsp.toml, policy.toml or an NSP_* variable has a wrong key or value."""


class SourceError(NspError):
    """A folder or file of log records cannot be read."""


class MalformedJsonError(SourceError):
    """A line is no JSON. Never reaches the user: `transform.load` catches it and goes the careful way."""


class UnansweredError(SourceError):
    """A stretch of a workspace can't be read now. `pipeline.ingest` notes it and goes on with the next."""


class SlowAnswerError(UnansweredError):
    """A stretch of a workspace can't be read now, and it took long to find out."""


class StoreError(NspError):
    """The warehouse cannot be opened, or was written by another version."""


class StoreBusyError(StoreError):
    """Another process holds the warehouse; trying again later helps."""


class QueryError(StoreError):
    """DuckDB could not run a query. While loading, `pipeline.ingest` narrows it down to the file that causes it."""


class MemoryLimitError(QueryError):
    """DuckDB needs more memory for a query than its limit, and can't spill it to disk."""


class NightlyRunningError(StoreError):
    """Another nightly holds the lock of the store; this one did nothing."""

    exit_code = 6


class ConflictError(StoreError):
    """Somebody else decided about the same proposal since the caller looked. Nothing was recorded."""


class InventoryError(NspError):
    """A description of perimeters, profiles and rules cannot be read."""


class PublishError(NspError):
    """Rules cannot be written as code that Azure would take, or cannot be applied."""


class MeanwhileError(PublishError):
    """Somebody else changed what is to be written since it was read. Nothing was overwritten."""

    exit_code = 3


class HalfwayError(PublishError):
    """Writing to Azure stopped halfway. The message says what is done, and how to go on or back."""

    exit_code = 5


class OutputError(NspError):
    """Stdout takes no more, as where the disk is full that it leads to. What the command did stays."""


class ChoiceError(NspError):
    """The solver gave up choosing between kinds of rules; nothing was chosen."""


class NotifyError(NspError):
    """A notify command or webhook failed. The message never holds the webhook's URL."""

    exit_code = 5


class AzureError(NspError):
    """An Azure service refused, or gave no answer. Its text never holds a secret or a signed URL."""

    exit_code = 4


class SignInError(AzureError):
    """Nobody is signed in, or a connection string, SAS or token is wrong or expired."""


class ForbiddenError(AzureError):
    """Signed in, but without the role that is needed."""


class UnreachableError(AzureError):
    """The service can't be reached: no network, a wrong name, or it is down."""
