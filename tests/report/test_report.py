"""What a report says, and that no text of a log acts in it: HTML in a browser, Markdown in a parser."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page

from pipeline.errors import UsageError
from pipeline.ingest import ingest_folder
from pipeline.inventory import file
from pipeline.recommend import difference
from pipeline.recommend.association import Tolerance
from pipeline.recommend.policy import Limits
from pipeline.recommend.run import recommend
from pipeline.recommend.scope import Scope
from pipeline.report.content import Content, content
from pipeline.report.figure import HEIGHT, figure
from pipeline.report.gather import gather
from pipeline.report.glossary import meanings
from pipeline.report.markdown import markdown
from pipeline.report.page import html
from pipeline.report.text import cell_code, code, markdown_value
from pipeline.review.decided import decided
from pipeline.review.decisions import open_decisions
from pipeline.store import Store, open_store
from pipeline.text import visible
from tests.cli.test_cli import ROOT, nsp, out, told
from tests.conftest import PERIMETER, line
from tests.review import ready, some
from tests.services.chromium import chromium
from tests.verdict.world import World, flow, put, traffic

SAMPLE = ROOT / "data" / "sample"
NOW = datetime(2026, 11, 2, 6)
HOSTILE = (
    "</style></title><script>alert(1)</script>",
    '"><img src=https://evil.example/x onerror=alert(2)>',
    "{{ 7 * 7 }}{% raw %}",
    "]]>--></svg><svg/onload=alert(3)>",
    "\u202egpj.exe\u2028\u2066 tab\there\x07",
    "} body { display: none } </style>",
    "| **bold** `tick` [link](https://evil.example) ![i](x) <b>@admin #1 www.evil.example ``` ",
    "javascript:alert(4)",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("report")) as opened:
        file.load(opened, SAMPLE / "inventory.json")
        file.load(opened, SAMPLE / "known-networks.csv")
        ingest_folder(opened, SAMPLE)
        yield opened


def of(store: Store, scope: Scope | None = None) -> Content:
    return content(gather(store, Limits(), Tolerance(), scope or Scope(), NOW))


@pytest.fixture(scope="module")
def report(store: Store) -> Content:
    return of(store)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """A report of flows whose every text is hostile."""
    with open_store(tmp_path_factory.mktemp("hostile")) as world:
        put(world, World())
        flows = [
            flow(
                category=f"NspPublic{direction}ResourceRulesAllowed", caller_key=text, operation=text, protocol=text,
                matched_rule=text, source_resource=f"/subscriptions/{text}/{text}", source_subscription=text,
                destination_fqdn=text if direction == "Outbound" else None, destination_resource=text,
                requests=100 + number, **place,
            )
            for number, text in enumerate(HOSTILE)
            for direction in ("Inbound", "Outbound")
            for place in ({}, {"service_resource": text, "profile": text})
        ]  # fmt: skip
        flows += [flow(category=f"Nsp{text}") for text in HOSTILE]
        with traffic(world, *flows):
            return of(world)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when anything is logged, asked for or run."""
    heard: list[str] = []
    opened = browser.new_page()
    opened.on("console", lambda message: heard.append(f"console: {message.text}"))
    opened.on("pageerror", lambda error: heard.append(f"error: {error}"))
    opened.on("dialog", lambda dialog: heard.append(f"dialog: {dialog.message}"))
    opened.on("request", lambda request: heard.append(f"request: {request.url}"))
    yield opened
    opened.close()
    assert [each for each in heard if not each.startswith("request: file:///")] == []
    assert len(heard) == 1


def show(page: Page, report: Content, tmp_path: Path) -> Page:
    (tmp_path / "report.html").write_text(html(report), encoding="utf-8")
    page.goto(f"file://{tmp_path}/report.html")
    return page


CONTRAST = """() => {
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = rgb => { const [r, g, b] = rgb.map(v => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b };
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const ground = node => { for (; node; node = node.parentElement) {
    const c = parse(getComputedStyle(node).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c.slice(0, 3) } return [255, 255, 255] };
  const bad = [];
  for (const node of document.querySelectorAll('body *')) {
    if (![...node.childNodes].some(each => each.nodeType === 3 && each.textContent.trim())) continue;
    const style = getComputedStyle(node), ink = parse(node.closest('svg') ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(ground(node.closest('svg') ?? node))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5 && node.tagName !== 'title' && node.tagName !== 'desc')
      bad.push(node.tagName + '.' + node.className + ': ' + node.textContent.slice(0, 30));
  }
  return bad;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(page: Page, report: Content, tmp_path: Path, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    show(page, report, tmp_path)
    assert page.evaluate(CONTRAST) == []
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(each => Number(each.tagName[1]))")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("table").count() > 8
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("svg:not([aria-hidden=true]):not(:has(> title))").count() == 0
    assert page.locator("figure:not(:has(table))").count() == 0
    assert page.locator("[role=region]:not([aria-label]), section:not([aria-labelledby])").count() == 0
    assert page.evaluate("document.documentElement.lang") == "en"
    broken = "[...document.querySelectorAll('a')].filter(each => !document.getElementById(each.hash.slice(1))).length"
    assert page.evaluate(broken) == 0
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_page_fits_every_screen_and_prints(page: Page, report: Content, tmp_path: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    show(page, report, tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("details:not([open]) .facts").first.is_visible() is False
    page.emulate_media(media="print")
    assert page.evaluate("document.querySelector('details:not([open]) .facts').getBoundingClientRect().height") > 10
    assert page.locator("nav").is_visible() is False
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 20


def test_order_of_enforcing_holds_what_is_left_and_can_be_read_on_a_phone(
    page: Page, report: Content, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    show(page, report, tmp_path)
    order = page.get_by_role("region", name="Order of enforcing data")
    assert order.evaluate("node => node.scrollWidth <= node.clientWidth")
    rows = order.locator("tbody tr")
    assert [each.splitlines()[0] for each in rows.all_inner_texts()] == ["1. contoso-kv", "2. contoso-sql"]
    steps = next(each["associations"] for each in report.profiles if each["profile"] == "data")
    for row, step in zip(rows.all(), steps, strict=False):
        against = row.locator("[data-name='Against it']")
        assert against.inner_text() == "; ".join(step["reasons"])
        box = against.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 400
    assert page.get_by_text("Enforced already: contosoarchive.").count() == 1
    assert order.get_by_role("columnheader", name="Open").count() == 1  # unseen, and still read out


def test_hostile_text_is_shown_and_does_nothing(page: Page, hostile: Content, tmp_path: Path) -> None:
    show(page, hostile, tmp_path)
    assert page.locator("script, img, iframe, object, link, form, base, [onload], [onerror]").count() == 0
    assert page.locator("style").count() == 1
    assert page.locator("a:not([href^='#'])").count() == 0
    text = page.locator("body").inner_text()
    for each in HOSTILE[:4]:
        assert each.casefold() in text.casefold()
    assert "\\u202egpj.exe\\u2028\\u2066 tab\\there\\x07" in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\x07]", html(hostile))
    assert page.locator("h1").inner_text().startswith("nsp1")
    assert len(hostile.states) > 1
    assert hostile.losses


def test_policy_of_the_page_forbids_scripts_and_requests(browser: Browser, report: Content, tmp_path: Path) -> None:
    opened = show(browser.new_page(), report, tmp_path)
    refused: list[str] = []
    opened.on("console", lambda message: refused.append(message.text))
    opened.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);"
        " const i = new Image(); i.src = 'https://evil.example/x'; document.body.append(i);"
        " document.body.setAttribute('style', 'color: red'); }"
    )
    opened.wait_for_timeout(100)
    assert opened.evaluate("window.ran") is None
    assert opened.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    assert len([each for each in refused if "Content Security Policy" in each]) >= 3
    opened.close()


def test_markdown_has_no_markup_of_others(hostile: Content) -> None:
    text = markdown(hostile)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or []]
    kinds = {each.type for each in (*tokens, *inline)}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "fence", "code_block", "em_open"}
    assert {each.tag for each in tokens if each.type == "heading_open"} == {"h1", "h2", "h3"}
    words = "".join(each.content for each in inline if each.type == "text")
    assert not re.search(r"[@#]\w|://|www\.", words)
    for table in text.split("\n\n"):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.strip().splitlines() if row.startswith("|")}
        assert len(widths) <= 1, table


@given(st.text())
def test_markdown_of_any_text_is_that_text(text: str) -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    for written in (markdown_value(text), cell_code(text)):
        assert "\n" not in written
        (row,) = [
            token.children or []
            for token in parser.parse(f"| x |\n|---|\n| {written} |\n")
            if token.type == "inline" and token.content != "x"
        ] or [[]]
        assert {each.type for each in row} <= {"text", "code_inline", "text_special"}


@given(st.text())
@example("pro|<i>f")
@example("a`|`b\\|")
def test_code_of_any_text_is_that_text_in_a_line_and_in_a_cell(text: str) -> None:
    """A backslash before a bar is taken away in a table alone."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    told = visible(text) if visible(text).strip() else "(blank)"
    for document in (f"- {code(text)}: x\n", f"| x |\n|---|\n| {cell_code(text)} |\n"):
        spans = [each for token in parser.parse(document) for each in token.children or []]
        assert told in [each.content.removesuffix(": x") for each in spans], document


def test_a_bar_in_a_name_is_shown_as_it_is_in_lines(report: Content) -> None:
    named = [{**each, "profile": "pro|<i>f"} for each in report.evidence.run["readiness"]]
    text = markdown(content(replace(report.evidence, run={**report.evidence.run, "readiness": named})))
    assert "- `pro|<i>f`: " in text
    assert "| `pro\\|<i>f` | **no** |" in text


def test_report_says_what_the_other_commands_say(report: Content, store: Store) -> None:
    run = recommend(store, Limits(), Scope(), NOW, Tolerance()).as_json()
    page = html(report)
    assert report.evidence.run == run
    assert "nsp-contoso-ai: not ready to be enforced" in page
    assert report.evidence.today.lost_requests == sum(each[2] for each in report.days) > 0
    assert report.evidence.decided.lost_requests == sum(each[3] for each in report.days)
    assert f"{report.evidence.today.lost_requests:,}" in page
    assert f"<code>{run['run']['id']}</code>" in page
    for each in run["proposals"]:
        assert each["id"] in page
    shown = [each["id"] for _, _, _, found in report.states for each in found]
    assert sorted(shown) == sorted(each["id"] for each in run["proposals"])
    assert sum(row["lost"] for row in report.evidence.callers) > 0
    assert len(page) < 300_000
    assert list(report.words.values()) == list(meanings().values())


def test_callers_that_are_not_named_are_counted(report: Content) -> None:
    """A proposal keeps twenty of its callers; how many more there are is told of all of them."""
    notes = [each for each in report.evidence.run["proposals"] if not each["elements"]]
    most = max(notes, key=lambda each: each["evidence"]["callers"])
    names, callers = most["evidence"]["examples"], most["evidence"]["callers"]
    assert callers > len(names) == 20
    brief = ", ".join(f"`{name}`" for name in names[:3])
    assert f"| {brief} and {callers - 3:,} more |" in markdown(report)
    page = html(report)
    assert f"<summary>{callers - 2:,} more</summary>" in page
    assert f"<br>and {callers - 20:,} more</details>" in page


def test_report_of_one_profile_is_of_that_profile(store: Store) -> None:
    one = of(store, Scope(profile="DATA"))
    assert one.title.startswith("nsp-contoso-ai/data is not ready")
    assert {each["profile"] for each in one.evidence.run["proposals"]} == {"data"}
    assert set(one.evidence.today.daily["profile"]) == {"data"}
    with pytest.raises(UsageError, match="No such perimeter"):
        of(store, Scope(profile="nobody"))


def test_page_of_thousands_of_proposals_still_fits_a_mail(report: Content) -> None:
    one = next(each for each in report.evidence.run["proposals"] if each["elements"])
    many = [{**one, "id": f"{number:012}", "elements": one["elements"] * 300} for number in range(3000)]
    run = {**report.evidence.run, "proposals": many}
    evidence = replace(report.evidence, run=run, findings=report.evidence.findings * 300)
    page = html(content(evidence))
    assert len(page) < 6_000_000
    assert "more: <code>nsp recommend</code> has them all" in page


def test_decisions_are_states(report: Content) -> None:
    asked = next(each for state, _, _, found in report.states if state == "asked" for each in found)
    again = content(replace(report.evidence, states={asked["id"]: "accepted"}))
    assert [state for state, _, _, found in again.states if asked["id"] in {each["id"] for each in found}] == [
        "accepted"
    ]
    assert {each["state"] for each in report.evidence.run["proposals"]} == {state for state, *_ in report.states}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A profile that is ready, with two callers that need a rule each."""
    with ready.opened(tmp_path_factory.mktemp("two")) as opened:
        yield opened


def decide(store: Store, folder: Path, *choices: tuple[str, str, tuple[str, ...]]) -> Content:
    """The report after some decisions: (address of a caller, action, elements)."""
    decisions = open_decisions(folder)
    proposals = ready.of(ready.run(store))
    for address, action, elements in choices:
        decisions.record([some.choose(proposals[address], action, elements=elements)], some.NOW)
    known = decided(decisions.trail(), some.NOW)
    return content(gather(store, Limits(), Tolerance(), Scope(), some.NOW, None, known))


ALL = ready.DAYS * ready.A_DAY


def test_what_was_rejected_is_denied_and_not_called_ready(two: Store, page: Page, tmp_path: Path) -> None:
    report = decide(two, tmp_path, (ready.FIRST, "reject", ()))
    assert all(each["ready"] for each in report.profiles)
    assert report.title == f"p/apps: enforcing denies {ALL:,} requests that succeed, as decided"
    assert report.lede[1:] == (
        f"With the 1 recommended rule it would deny {ALL:,}.",
        f"{ALL:,} requests of 1 caller would be denied because of what was rejected or edited.",
    )
    assert report.figures[1][:2] == ("Denied with the recommended rules", f"{ALL:,}")
    assert [(each["caller"], each["requests"]) for each in report.losses] == [(ready.FIRST, ALL)]
    assert {each["caller"]: each["left"] for each in report.evidence.callers} == {ready.FIRST: ALL, ready.SECOND: 0}
    assert {each[3] for each in report.days} == {ready.A_DAY}
    assert "| `apps` | yes, with denials as decided |" in markdown(report)
    shown = show(page, report, tmp_path)
    assert shown.locator("h1").inner_text() == report.title
    assert "Denials decided" in shown.locator("header.masthead").inner_text()
    assert "ready, with denials as decided" in shown.locator("#readiness").inner_text()
    assert ready.FIRST in shown.locator("#denials table").last.inner_text()


def test_what_was_edited_is_shown_and_counts_as_it_was_edited(two: Store, page: Page, tmp_path: Path) -> None:
    report = decide(two, tmp_path, (ready.SECOND, "edit", ("20.60.1.8/32",)))
    assert report.lede[1] == f"With the 1 accepted and 1 recommended rules it would deny {ALL:,}."
    assert report.tried == "accepted and recommended"
    assert "is ready" not in report.title
    text = markdown(report)
    assert "| `20.60.1.8/32` | `apps` |" in text
    assert "proposed: `20.60.1.7/32` |" in text
    mended = decide(two, tmp_path, (ready.SECOND, "edit", ("20.60.1.0/28",)))
    assert mended.title == "p/apps is ready to be enforced"
    assert mended.lede[1:] == ("With the 1 accepted and 1 recommended rules it would deny none.",)
    shown = show(page, mended, tmp_path)
    assert "20.60.1.0/28" in shown.locator("[aria-label='Proposals: Accepted with changes'] th.who").inner_text()
    assert "20.60.1.7/32" not in shown.locator("[aria-label='Proposals: Accepted with changes'] th.who").inner_text()


def test_an_accepted_rule_counts_though_nothing_proposes_it_any_longer(two: Store, tmp_path: Path) -> None:
    kept = some.proposal("20.60.1.0/24", profile="APPS")
    open_decisions(tmp_path).record([some.choose(kept)], some.NOW)
    report = decide(two, tmp_path, (ready.SECOND, "reject", ()))
    assert report.lede[1:] == ("With the 1 accepted and 1 recommended rules it would deny none.",)
    assert report.title == "p/apps is ready to be enforced", "what was rejected is admitted by another rule"


def test_an_accepted_flagged_rule_counts(tmp_path: Path) -> None:
    host = {"fullyQualifiedDomainName": "x.azurewebsites.net", "port": "443", "protocol": "HTTPS:TCP"}
    calls = "".join(
        line(
            time=f"{some.NOW - day * some.DAY:%Y-%m-%dT05:00:00Z}", timeGeneratedEndTime=None, count=10,
            resourceId=some.PERIMETER, category="NspPublicOutboundResourceRulesAllowed", properties__source=None,
            properties__destination=host,
        )
        for day in range(1, ready.DAYS + 1)
    )  # fmt: skip
    (tmp_path / "out.jsonl").write_text(calls)
    with open_store(tmp_path / "store") as opened:
        ready.fill(opened, tmp_path)
        ingest_folder(opened, tmp_path / "out.jsonl")
        proposals = ready.of(ready.run(opened))
        assert proposals["x.azurewebsites.net"]["flags"]
        before = decide(opened, tmp_path)
        after = decide(opened, tmp_path, *((name, "accept", ()) for name in proposals))
    assert before.lede[1] == f"With the 2 recommended rules it would deny {10 * ready.DAYS:,}."
    assert after.lede[1:] == ("With the 3 accepted rules it would deny none.",)
    assert after.title == "p/apps is ready to be enforced"
    assert after.figures[1][:2] == ("Denied with the accepted rules", "0")


def test_changes_since_an_earlier_run_are_told(report: Content) -> None:
    def since(earlier: dict[str, Any]) -> Content:
        before, now = difference.run_of(earlier), difference.run_of(report.evidence.run)
        return content(replace(report.evidence, changes=difference.compare(before, now, Scope())))

    earlier = json.loads(json.dumps(report.evidence.run))
    assert "Nothing changed since" in html(since(earlier))
    gone = earlier["proposals"].pop()
    lights = earlier["readiness"][0]["lights"]
    lights["window"] = not lights["window"]
    page = html(since(earlier))
    assert "+ new" in page
    assert gone["reason"].split(";")[0] in page
    assert f"window: {'green → red' if lights['window'] else 'red → green'}" in page
    assert "- new: " in markdown(since(earlier))


def test_nothing_loaded_is_not_ready(tmp_path: Path) -> None:
    with open_store(tmp_path) as empty:
        report = of(empty)
    assert report.title == "Not ready: no data"
    assert "Not ready" in html(report)
    assert "No traffic was seen" in html(report)
    assert "Not ready: no data" in markdown(report)


@given(st.dictionaries(st.dates(date(2026, 1, 1), date(2027, 6, 1)), st.integers(0, 10**9), min_size=1))
def test_bars_stay_in_the_drawing_and_lose_nothing(today: dict[date, int]) -> None:
    recommended = {day: count // 2 for day, count in today.items()}
    drawn = figure(today, recommended)
    assert drawn
    assert sum(bar.today for bar in drawn.bars) == sum(today.values())
    assert sum(bar.recommended for bar in drawn.bars) == sum(recommended.values())
    assert all(0 <= bar.recommended_height <= bar.today_height <= HEIGHT for bar in drawn.bars)
    assert len(drawn.bars) <= 105
    assert 2 <= len(drawn.ticks) <= 7
    assert any(bar.label for bar in drawn.bars)
    assert all(b.day - a.day in {timedelta(1), timedelta(7)} for a, b in pairwise(drawn.bars))


def test_command_writes_one_whole_file_and_the_same_one_again(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(line() * 9)
    out(tmp_path, "ingest", "folder", "x.json")
    (tmp_path / "last.json").write_text(out(tmp_path, "recommend", "-f", "json", code=3))
    result = nsp(tmp_path, "report", "--output", "one.html", "--since-run", "last.json")
    assert result.returncode == 0, result.stderr
    assert result.stdout == b""
    assert b"Wrote one.html" in result.stderr
    page = (tmp_path / "one.html").read_text()
    assert page == out(tmp_path, "report", "--since-run", "last.json", PYTHONHASHSEED="7")
    assert "Nothing changed since" in page
    assert (tmp_path / "one.html").stat().st_mode & 0o777 == (tmp_path / "x.json").stat().st_mode & 0o777
    assert out(tmp_path, "report", "-f", "md").startswith("# nsp1/apps is not ready")
    assert out(tmp_path, "report", "-f", "md", "-o", "/dev/stdout").startswith("# nsp1/apps is not ready")
    (tmp_path / "last.html").symlink_to("one.html")
    out(tmp_path, "report", "-o", "last.html")
    assert (tmp_path / "last.html").is_symlink()
    (tmp_path / "last.html").unlink()
    assert "Nothing changed since" not in (tmp_path / "one.html").read_text()
    assert "can't be written to .nsp: Is a directory" in told(tmp_path, "report", "-o", ".nsp", code=2)
    assert "can't be written to nowhere/x.html" in told(tmp_path, "report", "-o", "nowhere/x.html", code=2)
    assert "isn't JSON" in told(tmp_path, "report", "--since-run", "one.html", code=2)
    assert sorted(each.name for each in tmp_path.iterdir()) == [".nsp", "last.json", "one.html", "x.json"]


def test_command_shows_what_was_decided(tmp_path: Path) -> None:
    perimeter = PERIMETER.replace("/0000/", f"/{UUID(int=7)}/")
    (tmp_path / "x.json").write_text(line(resourceId=perimeter) * 9)
    out(tmp_path, "ingest", "folder", "x.json")
    (one,) = json.loads(out(tmp_path, "recommend", "-f", "json", code=3))["proposals"]
    before = out(tmp_path, "report", "-f", "md")
    assert "Waiting for a person" in before
    out(tmp_path, "decide", "accept", one["id"], "--reason", "the backup, says Ada")
    after = out(tmp_path, "report", "-f", "md")
    assert "Waiting for a person" not in after
    assert "A person accepted these" in after
    assert "1 flagged proposal waits" in before
    assert "waits for a decision" not in after
