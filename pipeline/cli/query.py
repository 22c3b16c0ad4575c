"""nsp query: any file of queries/, with parameters."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.output import Format, FormatOption
from pipeline.errors import UsageError
from pipeline.moments import ago, utc_now

if TYPE_CHECKING:
    from pipeline.cli.context import Context
    from pipeline.sql import Query


def query(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Name as listed; its last part will do.")] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=VALUE",
            help="A parameter: text, a number, a time or JSON. Repeatable.",
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Run one of the named queries; without a name, list them.

    A parameter that the query's header calls 'null for all' may be left out.
    """
    import polars as pl

    from pipeline import sql
    from pipeline.cli.output import write
    from pipeline.recommend.scope import Scope, profiles_known

    if name is None:
        listed = [sql.load(each) for each in sql.names() if not each.startswith(sql.INTERNAL)]
        columns = {
            "query": [each.name for each in listed],
            "rows": [each.description for each in listed],
            "parameters": [" ".join(each.parameters) for each in listed],
        }
        write(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)), form)
        return
    found = sql.load(name)
    if found.name.startswith(sql.INTERNAL):
        raise UsageError(f"{found.name} only runs inside a load or a comparison. `nsp query` lists the queries to ask.")
    values = _values(found, parameters or [])
    common: Context = context.obj
    with common.open() as store:
        named = {name: values[name] for name in ("perimeter", "profile") if isinstance(values.get(name), str)}
        if named:  # a slip would find nothing, which reads like good news
            Scope(**named).check(profiles_known(store))
        frame = store.frame(found.name, **values)
    write(frame, form)


def _values(query: "Query", words: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: None for name, told in query.parameters.items() if "null for all" in told}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"--param {word!r} must be NAME=VALUE.")
        values[name] = text if name in _TEXTS else _value(text)
    return values


_TEXTS = frozenset({"perimeter", "profile", "resource", "caller", "kind", "direction", "proposal_id", "source_kind"})
"""Parameters whose values are names: one of 123, true or 7d is no number, no truth and no time."""


def _value(text: str) -> Any:
    """Read a parameter as JSON (numbers, lists, null), as a time, or as the text that it is."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return ago(text, utc_now())
    except UsageError:
        return text
