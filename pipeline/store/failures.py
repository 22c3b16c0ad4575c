"""Turns what DuckDB raises into errors that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from pipeline import sql
from pipeline.errors import MalformedJsonError, MemoryLimitError, QueryError, StoreError
from pipeline.stopping import at_work


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C through: DuckDB's client makes a plain RuntimeError of a KeyboardInterrupt that meets it at work."""
    try:
        with at_work():
            yield
    except duckdb.InterruptException:  # pipeline.stopping asked for it
        raise KeyboardInterrupt from None
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from None
        raise


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn DuckDB's errors into ours; those of disks and files stay what they are."""
    try:
        with interruptible():
            yield
    # the latter two where a commit or its checkpoint can't be written
    except (duckdb.IOException, duckdb.TransactionException, duckdb.FatalException) as error:
        raise StoreError(f"The warehouse can't be written or read: {first_line(error)}.") from error
    except duckdb.InvalidInputException as error:
        if "malformed json" in str(error).lower():
            raise MalformedJsonError(first_line(error)) from error
        raise QueryError(f"{name}: {first_line(error)}") from error
    except duckdb.OutOfMemoryException as error:
        raise MemoryLimitError(f"{name}: {first_line(error)}. A larger store.memory in nsp.toml may do.") from error
    except duckdb.Error as error:
        raise QueryError(f"{name}: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """Return what DuckDB says, without the statement that it shows below."""
    return str(error).splitlines()[0].rstrip(".")


def parameter_message(query: sql.Query, parameters: dict[str, Any], error: Exception) -> str:
    """Return what is wrong with the parameters that a query was given."""
    missing = sorted(set(query.parameters) - set(parameters))
    unknown = sorted(set(parameters) - set(query.parameters))
    if missing or unknown:
        taken = ", ".join(f"{name} ({text})" for name, text in query.parameters.items()) or "none"
        return f"{query.name} takes the parameters: {taken}. Missing: {missing}; unknown: {unknown}."
    return f"{query.name} can't run with these parameters: {first_line(error)}."
