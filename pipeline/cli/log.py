"""What goes to stderr: sentences for people at a terminal, else a JSON object a line. Decided here, once, at the start.

Both come from the logging of the standard library, so that what the Azure clients and warnings have to say takes the
same way. Whatever is in a text, it can't begin a line of its own, and secrets are taken out (pipeline.redaction).
"""

import json
import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pipeline.redaction import note, redacted
from pipeline.text import visible

VARIABLE = "NSP_LOG_FORMAT"
_OWN = logging.getLogger("nsp")
_SILENT = logging.CRITICAL + 1
_LEVELS = (  # ours, those of libraries, those of the Azure clients: what they warn of, our errors say in a line
    (logging.WARNING, logging.WARNING, _SILENT),
    (logging.INFO, logging.WARNING, _SILENT),
    (logging.DEBUG, logging.WARNING, logging.WARNING),
    (logging.DEBUG, logging.INFO, logging.INFO),  # each request to Azure; at DEBUG they would log its body
)
_SECRETS = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_PASSWORD",
    "IDENTITY_HEADER",
    "MSI_SECRET",
)
"""Variables that azure-identity reads by itself."""


class LogFormat(StrEnum):
    """How messages are written on stderr."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class Log(logging.Handler):
    """Writes what is told to stderr, wherever that leads at the moment.

    Args:
        run: names this run of nsp in every line.
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run
        self.command = ""
        self.bound: dict[str, Any] = {}
        self.quiet = False
        self._form = _of_environment()

    def choose(self, form: LogFormat, *, quiet: bool = False, verbose: int = 0) -> None:
        """Take a format, and how much is told.

        Args:
            form: auto is text at a terminal, else JSON.
            quiet: nothing but warnings and errors, and no progress.
            verbose: 1 for more, 2 for the requests to Azure as well.
        """
        self._form, self.quiet = form, quiet
        own, others, azure = _LEVELS[0 if quiet else min(verbose, 2) + 1]
        _OWN.setLevel(own)
        logging.getLogger("azure").setLevel(azure)
        logging.getLogger().setLevel(others)

    @property
    def is_json(self) -> bool:
        """Whether a line is a JSON object."""
        return self._form is LogFormat.JSON or (self._form is LogFormat.AUTO and not sys.stderr.isatty())

    @property
    def has_bars(self) -> bool:
        """Whether progress is a bar, not lines."""
        return not self.is_json and sys.stderr.isatty()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. A stderr that nobody reads any more ends nothing."""
        try:
            text = self._as_json(record) if self.is_json else self._as_text(record)
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            pass

    def _as_json(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        told: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "run": self.run,
            "command": self.command,
            "event": getattr(record, "event", "library"),
            "message": _message(record),
        }
        if record.name != _OWN.name:
            told["logger"] = record.name
        fields = self.bound | getattr(record, "fields", {})
        told |= {name: value for name, value in fields.items() if name not in told}
        if record.exc_info:
            told["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(_clean(told))  # in ASCII: nothing in it turns text around, or ends a line

    def _as_text(self, record: logging.LogRecord) -> str:
        name = "" if record.name == _OWN.name else f"{record.name}: "
        lines = [f"nsp: {name}{visible(redacted(_message(record)))}"]
        if record.exc_info:
            told = redacted("".join(traceback.format_exception(*record.exc_info)))
            lines += [visible(each) for each in told.splitlines()]
        return "\n".join(lines)


def new_run_id() -> str:
    """Return an id that no other run of this machine has: when it began, UTC, and the id of the process."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}"


def tell(event: str, message: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Tell something on stderr.

    Args:
        event: what it is, in snake_case; stays the same while the message may be worded anew.
        message: a sentence for people; may quote other people's text.
        level: of `logging`.
        fields: its figures and names, for machines.
    """
    _OWN.log(level, "%s", message, extra={"event": event, "fields": fields})


def warn(event: str, message: str, **fields: Any) -> None:
    """Tell something that wants attention."""
    tell(event, message, level=logging.WARNING, **fields)


def fail(event: str, message: str, **fields: Any) -> None:
    """Tell why a command or a part of it failed."""
    tell(event, message, level=logging.ERROR, **fields)


def crash(error: BaseException) -> None:
    """Tell of an error that nobody thought of, with its traceback."""
    told = {"event": "crashed", "fields": {"error": type(error).__name__, "exit_code": 1}}
    _OWN.critical("This is a bug of nsp: %s: %s", type(error).__name__, error, exc_info=error, extra=told)


@contextmanager
def logging_to(log: Log) -> Iterator[None]:
    """Send all that is logged or warned of within to a log, and nowhere else."""
    root = logging.getLogger()
    loggers = (root, _OWN, logging.getLogger("azure"))
    before = warnings.showwarning, threading.excepthook, sys.unraisablehook, [each.level for each in loggers]
    for name in _SECRETS:
        note(os.environ.get(name, ""))
    root.addHandler(log)
    log.choose(_of_environment())
    warnings.showwarning = _warned
    if log.is_json:  # a traceback of many lines would be none
        threading.excepthook, sys.unraisablehook = _thread_failed, _unraisable
    try:
        yield
    finally:
        root.removeHandler(log)
        warnings.showwarning, threading.excepthook, sys.unraisablehook, levels = before
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


def _of_environment() -> LogFormat:
    """Return what the variable says; a word that is none is told where the options are read."""
    try:
        return LogFormat(os.environ.get(VARIABLE, "").lower() or LogFormat.AUTO)
    except ValueError:
        return LogFormat.AUTO


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # a library gave other figures than its text has places for
        return f"{record.msg} {record.args}"


def _clean(value: Any) -> Any:
    """Return a value of JSON in which no text holds a secret."""
    match value:
        case bool() | int() | float() | None:
            return value
        case Mapping():
            return {str(key): _clean(item) for key, item in value.items()}
        case list() | tuple():
            return [_clean(item) for item in value]
        case _:
            return redacted(str(value))


def _warned(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any) -> None:
    where = {"category": category.__name__, "file": os.path.basename(filename), "line": lineno}  # noqa: PTH119
    told = {"event": "warning", "fields": where}
    logging.getLogger("py.warnings").warning("%s: %s", category.__name__, message, extra=told)


def _thread_failed(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None:
        crash(told.exc_value)


def _unraisable(told: Any) -> None:
    fields = {"event": "unraisable", "fields": {"error": type(told.exc_value).__name__}}
    _OWN.warning("%s: %s", told.err_msg or "Exception ignored", told.exc_value, extra=fields)
