"""The site of the documentation: built without a warning, every link leads somewhere, and it opens from a disk."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.services.chromium import chromium

ROOT = Path(__file__).parent.parent.parent
FETCHED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "srcset")}


def build(source: Path, made: Path) -> subprocess.CompletedProcess[str]:
    """As `make site` does it."""
    words = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs/site"]
    words += ["-d", str(made.with_name("doctrees")), ".", str(made)]
    return subprocess.run(words, cwd=source, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("documentation") / "site"
    result = build(ROOT, made)
    assert (result.returncode, result.stderr) == (0, "")
    return made


class Elements(HTMLParser):
    """What a page names, links to and fetches."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[tuple[str, str, str]] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif name in {"href", "src", "srcset"}:
                self.links.append((tag, name, value or ""))


def test_every_link_and_anchor_is_there_and_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = {page: Elements(page) for page in site.rglob("*.html")}
    followed = 0
    for page, elements in pages.items():
        for tag, name, target in elements.links:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                assert (tag, name) not in FETCHED, f"{page.name} fetches {target}"
                continue
            found = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert found.is_file(), f"{page.name}: {target}"
            if parts.fragment and found in pages:
                assert unquote(parts.fragment) in pages[found].ids, f"{page.name}: {target}"
            followed += 1
    assert followed > 1000
    assert {f"{each.stem}.html" for each in (ROOT / "docs").glob("*.md")} <= {page.name for page in pages}


def test_options_are_shown_as_they_are_typed(site: Path) -> None:
    assert "written as --since;" in (site / "docs" / "commands.html").read_text(encoding="utf-8")


def test_slips_end_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "source" / "docs"
    shutil.copytree(ROOT / "docs" / "site", docs / "site")
    (docs / "start.md").write_text("# Start\n\n## Install\n\n[here](start.md#install)\n")
    (docs / "site" / "index.md").write_text("# Index\n\n```{toctree}\n../start\n```\n")
    assert build(docs.parent, tmp_path / "good").returncode == 0
    (docs / "start.md").write_text("# Start\n\n[gone](gone.md)\n\n[heading](start.md#no-such-heading)\n")
    (docs / "other.md").write_text("# Not in the navigation\n")
    result = build(docs.parent, tmp_path / "bad")
    assert result.returncode != 0
    assert [told for told in ("gone.md", "no-such-heading", "included in any toctree") if told in result.stderr] == [
        "gone.md", "no-such-heading", "included in any toctree",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, site: Path) -> Iterator[Page]:
    """A page that fails the test when anything is logged, or asked for outside the site."""
    heard: list[str] = []
    opened = browser.new_page()
    opened.on("console", lambda message: heard.append(f"console: {message.text}"))
    opened.on("pageerror", lambda error: heard.append(f"error: {error}"))
    opened.on("request", lambda request: heard.append(f"request: {request.url}"))
    yield opened
    opened.close()
    assert [each for each in heard if not each.startswith(f"request: {site.as_uri()}/")] == []
    assert heard


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1440, "light"), (1920, "dark")])
def test_pages_open_from_a_disk_at_any_width(page: Page, site: Path, width: int, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    for name in ("start", "review", "settings", "tables"):
        page.goto((site / "docs" / f"{name}.html").as_uri())
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.evaluate("[...document.images].every(each => each.naturalWidth > 0)"), name


def test_way_from_the_top_through_the_navigation(page: Page, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    page.wait_for_url("**/docs/site/index.html")
    names = page.locator(".sidebar-tree a").all_inner_texts()
    assert names[:2] == ["Start in five minutes", "Connect to your logs"]
    assert names.index("The nightly") < names.index("Commands")
    page.locator(".sidebar-tree").get_by_text("Settings", exact=True).click()
    page.wait_for_url("**/docs/settings.html")


def test_search_answers_without_a_server(page: Page, site: Path) -> None:
    page.goto((site / "docs" / "site" / "index.html").as_uri())
    page.get_by_role("textbox", name="Search").fill("trail")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    page.locator("#search-results li a", has_text="Deciding").first.wait_for()
