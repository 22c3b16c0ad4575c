"""Sets a report out as one HTML file that stands alone: no script, no request, nothing outside it."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.recommend.proposal import about
from pipeline.report.content import LIGHTS, Content
from pipeline.report.text import html_value, last_part

TEMPLATES = Path(__file__).parent / "templates"
MOST = 300
"""Rows of a list: above that nobody reads them on a page, and it would outgrow a mail."""
COLOURS: Mapping[bool | None, str] = {True: "green", False: "red", None: "not in the run"}


def html(report: Content) -> str:
    """Return the page.

    Whatever is put into it is escaped; the page's policy allows its one style sheet, by its hash, and nothing else.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=html_value,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.tests["enforced"] = lambda mode: str(mode).lower() == "enforced"
    environment.filters |= {"last_part": last_part, "about": about}
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return environment.get_template("report.html.jinja").render(
        report=report, evidence=report.evidence, lights=LIGHTS, colours=COLOURS, most=MOST,
        style=Markup(style), style_hash=Markup(f"sha256-{digest}"),  # noqa: S704 -- our own file
    )  # fmt: skip
