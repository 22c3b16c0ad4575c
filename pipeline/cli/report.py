"""nsp report: one page about a perimeter, to be sent and kept."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.check import PolicyOption
from pipeline.cli.files import put
from pipeline.cli.log import tell
from pipeline.cli.options import PerimeterOption, ProfileOption, SinceOption, UntilOption
from pipeline.errors import UsageError
from pipeline.moments import utc_now

if TYPE_CHECKING:
    from pipeline.cli.context import Context


class Form(StrEnum):
    """How a report is set out."""

    HTML = "html"
    MD = "md"


def report(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it. Default: stdout.")
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    perimeter: PerimeterOption = None,
    profile: ProfileOption = None,
    since_run: Annotated[
        Path | None,
        typer.Option(
            "--since-run", metavar="LAST.json", help="Tell what changed since an earlier nsp recommend --format json."
        ),
    ] = None,
    policy: PolicyOption = None,
    form: Annotated[
        Form, typer.Option("--format", "-f", help="A page for people, or Markdown for a pull request or a chat.")
    ] = Form.HTML,
) -> None:
    """Write one file that says whether a perimeter may be enforced, why, and which rules it needs.

    The page needs no network and holds no script: it opens from a mail or a file share, and prints. The same evidence
    gives the same file, apart from the day of judging, the age of the logs, and what time does to decisions.
    """
    from pipeline.cli.recommend import limits_of
    from pipeline.recommend import difference
    from pipeline.recommend.chosen import tolerance_of
    from pipeline.recommend.scope import Scope
    from pipeline.report.content import content
    from pipeline.report.gather import gather
    from pipeline.report.markdown import markdown
    from pipeline.report.page import html
    from pipeline.review.decided import decided

    if output is None and form is Form.HTML and sys.stdout.isatty():
        raise UsageError("The page is no text for a terminal: send it to a file by --output report.html.")
    common: Context = context.obj
    earlier = difference.read(since_run) if since_run else None
    now = utc_now()
    known = decided(common.decisions().trail(), now)
    with common.open() as store:
        found = gather(
            store, limits_of(common, policy), tolerance_of(common.settings), Scope(since, until, perimeter, profile),
            now, earlier, known,
        )  # fmt: skip
    text = (html if form is Form.HTML else markdown)(content(found))
    if output is None:
        from pipeline.cli.output import emit

        emit(text)
        return
    _write(output, text)
    size = len(text.encode())
    tell("report_written", f"Wrote {output} ({size / 1000:,.0f} kB).", file=str(output), bytes=size)


def _write(path: Path, text: str) -> None:
    try:
        put(path, text.encode())
    except OSError as error:
        raise UsageError(f"The report can't be written to {path}: {error.strerror}.") from error
