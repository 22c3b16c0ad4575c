"""Sets a report out as Markdown, for a pull request or a chat."""

from collections.abc import Callable, Sequence

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.recommend.proposal import about
from pipeline.report.content import Content
from pipeline.report.gather import Row
from pipeline.report.page import COLOURS, TEMPLATES
from pipeline.report.text import Written, cell_code, code, last_part, markdown_value
from pipeline.text import first_of

MOST = 20
"""Proposals of a state that are listed: a comment holds 65,536 characters."""
SHOWN = 3


def markdown(report: Content) -> str:
    """Return the report as Markdown; what is put into it is escaped or stands as code."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=False, undefined=StrictUndefined,  # noqa: S701 -- no HTML
        finalize=markdown_value, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "code": code, "cell_code": cell_code, "last_part": last_part, "brief": _brief, "cell_brief": _cell_brief,
        "about": _about,
    }  # fmt: skip
    return environment.get_template("report.md.jinja").render(
        report=report, evidence=report.evidence, colours=COLOURS, most=MOST
    )


def _about(proposal: Row) -> Written:
    """Return the first elements of a proposal, for a cell; where it is no rule, whom it is about, and of how many."""
    if proposal["elements"]:
        return _cell_brief(proposal["elements"])
    names, of = about(proposal["evidence"])
    return _cell_brief(names or [proposal["kind"]], of)


def _cell_brief(elements: Sequence[str], of: int = 0) -> Written:
    """Return the first elements of a rule for a cell of a table."""
    return _brief(elements, of, cell_code)


def _brief(elements: Sequence[str], of: int = 0, written: Callable[[str], Written] = code) -> Written:
    """Return the first elements of a rule as code, and how many more there are."""
    return Written(first_of([written(each.removeprefix("/subscriptions/")) for each in elements], SHOWN, of=of))
