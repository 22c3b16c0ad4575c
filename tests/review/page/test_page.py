"""The page in a real Chromium, as an admin uses it: with a mouse, with keys, in two tabs, on hostile logs."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route, expect

from pipeline.review.decision import ACCEPT, REJECT, Choice
from pipeline.review.decisions import Decisions, open_decisions
from pipeline.review.entry import entry
from pipeline.review.page.reviewing import Review
from pipeline.review.page.server import Served
from pipeline.review.page.source import Loaded
from tests.review.page.conftest import HOSTILE, Wheel, now
from tests.services.chromium import chromium

expect.set_options(timeout=60_000)
DARK_AND_LIGHT = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


class Visitor:
    """A browser that was let in, and all that a page of it shouldn't have done."""

    def __init__(self, browser: Browser, served: Served) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1280, "height": 900}, accept_downloads=True
        )
        self.context.set_default_timeout(60_000)
        self.address = f"http://127.0.0.1:{served.port}/"
        self.wrong: list[str] = []
        self.context.new_page().goto(served.url)

    def tab(self) -> Page:
        page = self.context.new_page()
        page.on("console", lambda said: self._note("console", said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("dialog", self._dialog)
        page.on("request", lambda asked: self._asked(asked.url))
        page.goto(self.address)
        page.wait_for_selector(".ag-row")
        return page

    def _note(self, kind: str, text: str) -> None:
        self.wrong.append(f"{kind}: {text[:300]}")

    def _dialog(self, dialog: Dialog) -> None:
        self._note("dialog", dialog.message)
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        if not url.startswith((self.address, "data:", f"blob:{self.address}")):
            self._note("request", url)


class Site:
    """One server and one browser for all tests; each has decisions of its own."""

    def __init__(self, wheel: Wheel, review: Review, visitor: Visitor) -> None:
        self.wheel, self.review, self.visitor = wheel, review, visitor
        self.state = "1"

    def begin(self, name: str, who: str = "ada", run: dict[str, Any] | None = None) -> Page:
        """Open a page with no decision yet."""
        self.review.desk = replace(self.review.desk, decisions=trail(self.wheel, name), who=who)
        self.review.source = replace(
            self.review.source,
            state=lambda: self.state,
            run=lambda: Loaded(self.state, run or self.wheel.run),
        )
        if self.review.loaded.run != (run or self.wheel.run):
            self.review.reload()
        return self.visitor.tab()


@pytest.fixture(scope="module")
def site(browser: Browser, wheel: Wheel, serve: Callable[[Review], Served]) -> Iterator[Site]:
    review = wheel.review(to="site")
    made = Site(wheel, review, Visitor(browser, serve(review)))
    yield made
    made.visitor.context.close()


@pytest.fixture
def visit(site: Site) -> Iterator[Callable[..., Page]]:
    yield site.begin
    for page in site.visitor.context.pages[1:]:
        page.close()
    wrong, site.visitor.wrong = site.visitor.wrong, []
    assert wrong == []


def trail(wheel: Wheel, name: str) -> Decisions:
    return open_decisions(wheel.folder / name)


def branch(wheel: Wheel) -> dict[str, Any]:
    """The rule for the prefixes of a known network."""
    return next(each for each in wheel.run["proposals"] if each["reason"].startswith("Branch"))


def choose(page: Page, text: str) -> None:
    page.locator(".ag-row", has_text=text).first.click()
    expect(page.locator("#detail-title")).to_contain_text(text)


def test_an_admin_filters_inspects_and_slides(wheel: Wheel, visit: Callable[..., Page]) -> None:
    page = visit("story")
    expect(page.locator("#headline")).to_contain_text("Not ready to enforce")
    expect(page.locator(".light")).to_have_count(3)
    expect(page.locator("#denials-said")).to_contain_text(re.compile(r"all recommended [\d,]+ requests"))
    rows = page.locator(".ag-center-cols-container .ag-row")
    everything = rows.count()

    page.locator("#search").fill("branch")
    expect(rows).to_have_count(1)
    choose(page, branch(wheel)["elements"][0])
    expect(page.locator("#evidence .js-plotly-plot")).to_have_count(2)
    expect(page.locator("#evidence")).to_contain_text("nobody used")
    expect(page.locator("#evidence")).to_contain_text("contosodocs")
    page.locator("#search").fill("")
    expect(rows).to_have_count(everything)
    page.locator("#show label", has_text="Flagged").click()
    expect(rows.first).to_contain_text("shared-zone")
    assert rows.count() < everything
    page.locator("#show label", has_text="All").click()
    expect(rows).to_have_count(everything)

    thumb, said = page.get_by_role("slider", name="Number of prefixes"), page.locator("#plan-said")
    before = said.inner_text()
    thumb.press("End")
    expect(said).not_to_have_text(before)
    expect(page.locator("#plan .prefixes li")).to_have_count(int(re.findall(r"\d+", said.inner_text())[0]))


def test_an_admin_edits_accepts_undoes_and_exports(wheel: Wheel, visit: Callable[..., Page]) -> None:
    page, rule = visit("decides"), branch(wheel)["elements"]
    rows = page.locator(".ag-center-cols-container .ag-row")
    choose(page, rule[0])
    page.locator("#edit").click()
    field, exposure = page.locator("#elements"), page.locator("#exposure")
    field.fill(f"{branch(wheel)['evidence']['examples'][0]}/32")
    expect(exposure).to_contain_text("fall out")
    field.fill("203.0.113.0/24")
    expect(exposure).to_contain_text("256 addresses")
    expect(exposure).to_contain_text("nobody falls out")
    field.fill("10.0.0.0/8")
    expect(exposure).to_contain_text("private")
    expect(page.locator("#edit-save")).to_be_disabled()
    page.locator("#edit-narrow").click()
    expect(exposure).to_contain_text("0 of them never seen")
    page.locator("#reason").fill("only what was seen")
    page.locator("#edit-save").click()
    expect(page.locator("#standing .badge").first).to_contain_text("edited")
    expect(page.locator("#trail")).to_contain_text("only what was seen")
    standing = trail(wheel, "decides").current()[branch(wheel)["id"]]
    assert (standing.action, standing.who, list(standing.elements) == rule) == ("edit", "ada", False)

    page.locator("#undo").click()
    expect(page.locator("#standing .badge").first).to_contain_text("open")
    page.locator("#accept").click()
    expect(page.locator("#notice")).to_contain_text("Accepted")
    expect(rows.filter(has_text=rule[0])).to_contain_text("accepted")

    page.locator("#show label", has_text="Decided").click()
    expect(rows).to_have_count(1)
    with page.expect_download() as download:
        page.locator("#export").click()
    exported = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [(each["state"], each["decided_by"]) for each in exported] == [("accepted", "ada")]
    assert [each.action for each in trail(wheel, "decides").history()] == ["edit", "undo", "accept"]


def test_keys_do_what_the_help_says(wheel: Wheel, visit: Callable[..., Page]) -> None:
    page = visit("keys")
    state, keys = page.locator("#standing .badge").first, page.keyboard
    keys.press("?")
    expect(page.locator("#help")).to_be_visible()
    keys.press("Escape")
    keys.press("j")
    expect(state).to_contain_text("open")
    first = page.locator("#detail-title").inner_text()
    keys.press("j")
    expect(page.locator("#detail-title")).not_to_have_text(first)
    keys.press("k")
    expect(page.locator("#detail-title")).to_have_text(first)
    page.locator("#reason").fill("a reason alone decides nothing")
    keys.press("Enter")
    expect(page.locator("#accept")).to_be_focused()
    page.locator("#show label", has_text="To decide").click()
    keys.press("a")
    expect(state).to_contain_text("accepted")
    expect(page.locator(".ag-row-selected")).to_have_count(0)  # it is filtered out, and still beside the grid
    keys.press("n")
    expect(state).to_contain_text("open")
    keys.press("r")
    expect(page.locator("#reason")).to_be_focused()
    keys.type("ada rejects")  # letters in a field are no keys
    keys.press("Enter")
    expect(state).to_contain_text("rejected")
    keys.press("Escape")
    keys.press("u")
    expect(state).to_contain_text("open")
    page.locator("#until").fill("30d")
    keys.press("Escape")
    keys.press("d")
    expect(state).to_contain_text("deferred")
    keys.press("e")
    expect(page.locator("#elements")).to_be_focused()
    done = trail(wheel, "keys").history()
    assert [each.action for each in done] == ["accept", "reject", "undo", "defer"]
    assert done[3].expires is not None


def test_all_unflagged_are_accepted_at_once_and_undone_at_once(wheel: Wheel, visit: Callable[..., Page]) -> None:
    page = visit("bulk")
    count = int(re.findall(r"\d+", page.locator("#bulk:not(:empty)").inner_text())[0])
    page.locator("#bulk").click()
    page.locator("#bulk-reason").fill("looked through")
    page.locator("#bulk-yes").click()
    expect(page.locator("#bulk-told")).to_contain_text(f"Accepted {count} proposals")
    expect(page.locator("#bulk")).to_be_disabled()
    accepted = trail(wheel, "bulk").current().values()
    assert {(each.action, each.reason) for each in accepted} == {("accept", "looked through")}
    assert not any(each.proposal["flags"] for each in accepted)
    page.locator("#undo-these").click()
    expect(page.locator("#bulk-told")).to_contain_text(f"Undone {count} proposals")
    assert trail(wheel, "bulk").current() == {}


def test_what_is_flagged_or_rejected_wants_a_reason(wheel: Wheel, visit: Callable[..., Page]) -> None:
    page = visit("why")
    choose(page, "contoso-tools")
    page.locator("#accept").click()
    expect(page.locator("#notice")).to_contain_text("Say why")
    expect(page.locator("#reason")).to_be_focused()
    page.locator("#until").fill("soon")
    page.locator("#reason").fill("the vendor's own")
    page.locator("#accept").click()
    expect(page.locator("#notice")).to_contain_text("is no time")
    assert trail(wheel, "why").history() == []


def test_the_second_of_two_tabs_is_told(wheel: Wheel, visit: Callable[..., Page]) -> None:
    one, two = visit("tabs"), visit("tabs")
    for tab in (one, two):
        choose(tab, branch(wheel)["elements"][0])
    two.evaluate("window.dash_clientside.set_props('poll', {disabled: true})")  # before it hears of it
    two.locator("#reason").fill("mine")
    one.locator("#reason").fill("not ours")
    one.locator("#reject").click()
    expect(one.locator("#standing .badge").first).to_contain_text("rejected")
    two.locator("#accept").click()
    expect(two.locator("#notice")).to_contain_text("was rejected meanwhile by 'ada'")
    expect(two.locator("#standing .badge").first).to_contain_text("rejected")
    assert [each.action for each in trail(wheel, "tabs").history()] == ["reject"]
    two.locator("#accept").click()  # now that it is known
    expect(two.locator("#standing .badge").first).to_contain_text("accepted")


def test_what_was_decided_here_is_not_told_as_news(wheel: Wheel, visit: Callable[..., Page]) -> None:
    page = visit("late")
    choose(page, branch(wheel)["elements"][0])
    asked: list[Route] = []

    def hold(route: Route) -> None:
        is_poll = "poll.n_intervals" in (route.request.post_data or "")
        asked.append(route) if is_poll and not asked else route.continue_()

    page.route(re.compile("_dash-update"), hold)
    page.wait_for_event("request", lambda request: "poll.n_intervals" in (request.post_data or ""))
    page.locator("#accept").click()
    expect(page.locator("#notice")).to_contain_text("Accepted")
    expect(page.locator("#standing .badge").first).to_contain_text("accepted")
    with page.expect_response(lambda response: response.request == asked[0].request):
        asked[0].continue_()  # it was asked before, and is answered with what stands now
    with page.expect_response(lambda response: "poll.n_intervals" in (response.request.post_data or "")):
        pass  # the next one: the answer before it has been taken in
    assert page.locator("#notice").inner_text().startswith("Accepted")


def test_decisions_of_others_and_new_runs_come_in_without_losing_the_place(
    wheel: Wheel, site: Site, visit: Callable[..., Page]
) -> None:
    page = visit("others")
    choose(page, branch(wheel)["elements"][0])
    made = entry(branch(wheel), Choice(REJECT, "closed"), "bob <b>", now())
    trail(wheel, "others").record([made], now())
    site.state = "2"
    expect(page.locator("#standing .badge").first).to_contain_text("rejected")
    expect(page.locator("#notice")).to_contain_text("bob <b> has rejected this meanwhile")
    expect(page.locator("#reload")).to_contain_text("New data")
    page.locator("#group").click()
    page.get_by_role("option", name="State").click()
    expect(page.locator(".group-heading").first).to_contain_text("open")
    page.locator("#reload").click()
    expect(page.locator("#reload")).to_have_text("Reload")
    expect(page.locator("#detail-title")).to_contain_text(branch(wheel)["elements"][0])
    page.reload()
    expect(page.locator("#detail-title")).to_contain_text(branch(wheel)["elements"][0])
    expect(page.locator(".group-heading").first).to_contain_text("open")


def test_read_only_shows_everything_and_decides_nothing(
    browser: Browser, wheel: Wheel, serve: Callable[[Review], Served]
) -> None:
    visitor = Visitor(browser, serve(wheel.review(to="reader", read_only=True)))
    page = visitor.tab()
    choose(page, branch(wheel)["elements"][0])
    for gone in ("#accept", "#reject", "#edit", "#bulk"):
        assert page.locator(gone).count() == 0
    page.keyboard.press("a")
    assert "accept.n_clicks" not in page.request.get(f"{visitor.address}_dash-dependencies").text()
    assert not (wheel.folder / "reader").exists()
    assert visitor.wrong == []
    visitor.context.close()


def test_another_browser_and_a_frame_get_nothing(
    browser: Browser, wheel: Wheel, serve: Callable[[Review], Served]
) -> None:
    served = serve(wheel.review(to="alone"))
    first, second = browser.new_context(), browser.new_context()
    page = first.new_page()
    page.goto(served.url)
    page.wait_for_selector(".ag-row")
    assert "token" not in page.url
    assert page.evaluate("document.cookie") == ""
    stranger = second.new_page()
    for address in (served.url, page.url):
        answer = stranger.goto(address)
        assert answer is not None
        assert answer.status == 403
    elsewhere = first.new_page()
    elsewhere.route("http://evil.example/", lambda route: route.fulfill(
        content_type="text/html", body=f"<iframe src='{page.url}'></iframe>"))  # fmt: skip
    elsewhere.goto("http://evil.example/")
    frame = elsewhere.frames[1]
    assert frame.locator("#headline").count() == 0
    forged = """url => fetch(url, {method: 'POST', credentials: 'include', mode: 'no-cors', body: '{}'}).then(
        () => 'sent', error => 'refused')"""
    elsewhere.evaluate(forged, f"{page.url}_dash-update-component")
    assert trail(wheel, "alone").history() == []
    first.close()
    second.close()


def test_hostile_logs_are_inert_wherever_they_are_shown(visit: Callable[..., Page]) -> None:
    """Grid, tooltips, details, bars, figures, picker, exposure, trail, notices, CSV: of every hostile text."""
    page = visit("hostile", who=HOSTILE[0])
    page.locator("#profile").click()
    expect(page.get_by_role("option", name=f"hostile / {HOSTILE[1]}")).to_be_visible()
    page.get_by_role("option", name="hostile / hostile").click()
    rows = page.locator(".ag-center-cols-container .ag-row")
    expect(rows.first).to_contain_text("00000000-0000")
    page.set_viewport_size({"width": 3000, "height": 2600})  # everything in the grid is drawn
    page.locator(".grid").evaluate("node => node.style.setProperty('height', '1600px', 'important')")
    expect(page.locator("#denials .js-plotly-plot")).to_have_count(1)
    expect(rows).to_have_count(int(page.locator("#show label", has_text="All").inner_text().split()[-1]))
    seen = page.locator(".grid").inner_text() + page.locator(".grid").inner_html()
    rows.first.locator("[col-id=why]").hover()
    expect(page.locator(".ag-tooltip")).to_contain_text(HOSTILE[0])
    seen += page.locator(".ag-tooltip").inner_html()
    for row in (rows.first, rows.filter(has_text="198.18.200").first, rows.filter(has_text="no rule helps").first):
        row.click()
        expect(row).to_have_class(re.compile("selected"))
        expect(page.locator("#evidence .bars")).not_to_have_count(0)
        expect(page.locator("#evidence .js-plotly-plot")).to_have_count(2)
        seen += page.locator("#detail").inner_text() + page.locator("#detail").inner_html()
    for text in ("<img src=x onerror=alert(1)>", "{{constructor", "${alert(1)}", "\\u202egnp.exe", "$\\alpha$"):
        assert text in seen, text
    assert "\u202e" not in seen
    page.locator("#reason").fill(HOSTILE[1])
    page.locator("#accept").click()
    expect(page.locator("#trail")).to_contain_text(HOSTILE[1])
    expect(page.locator("#trail")).to_contain_text(HOSTILE[0])
    assert page.locator("img, #root script, svg[onload], a[href^=javascript], iframe, object").count() == 0
    assert page.evaluate("[...document.querySelectorAll('.js-plotly-plot a, .js-plotly-plot b')].length") == 0
    with page.expect_download() as download:
        page.locator("#export").click()
    text = Path(download.value.path()).read_text()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e]", text)
    for cells in csv.reader(io.StringIO(text)):
        assert not [cell for cell in cells if re.match(r"\s*([=+@]|-(?!\d+$))", cell)], cells


CONTRAST = """() => {
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = rgb => { const [r, g, b] = rgb.map(v => linear(v / 255)); return .2126 * r + .7152 * g + .0722 * b };
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const ground = node => { for (; node; node = node.parentElement) {
    const c = parse(getComputedStyle(node).backgroundColor);
    if (c.length === 3 || c[3] > .5) return c.slice(0, 3) } return [255, 255, 255] };
  const bad = [];
  for (const node of document.querySelectorAll('#root *')) {
    if (![...node.childNodes].some(each => each.nodeType === 3 && each.textContent.trim())) continue;
    if (!node.checkVisibility() || node.closest('.hoverlayer, :disabled, .sr, [hidden]')) continue;
    const style = getComputedStyle(node), svg = node.closest('svg');
    const ink = parse(svg ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(ground(svg ? svg.parentElement : node))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) bad.push(`${node.tagName}.${node.className}: ${node.textContent.slice(0, 30)}`);
  }
  return bad;
}"""
NAMELESS = """() => [...document.querySelectorAll('#root :is(button, input, textarea, select, [role=slider])')]
  .filter(each => each.checkVisibility() && !each.closest('.ag-root-wrapper'))
  .filter(each => !(each.textContent.trim() || each.getAttribute('aria-label') || each.getAttribute('aria-labelledby')
    || (each.labels && each.labels.length) || each.closest('label'))).map(each => each.outerHTML.slice(0, 120))"""


def test_it_can_be_read_in_light_and_dark_on_a_phone_and_by_a_screen_reader(
    wheel: Wheel, visit: Callable[..., Page]
) -> None:
    page = visit("looks")
    choose(page, branch(wheel)["elements"][0])
    page.locator("#edit").click()
    expect(page.locator("#evidence .js-plotly-plot")).to_have_count(2)
    expect(page.locator("#plan .prefixes li").first).to_be_visible()
    for scheme in DARK_AND_LIGHT:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(250)  # colours change in a moment, not at once
        assert page.evaluate(CONTRAST) == [], scheme
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate("document.documentElement.lang") == "en"
    for width in (390, 1280, 2000):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
    assert page.locator("h1").count() == 1


SHOWN_COLUMNS = """() => {
  const right = document.querySelector('.grid .ag-body-viewport').getBoundingClientRect().right;
  const cells = [...document.querySelectorAll('.grid .ag-row[row-index="0"] .ag-cell')];
  return cells.filter(each => each.getBoundingClientRect().right <= right + 1).map(each => each.getAttribute('col-id'));
}"""
ALL_COLUMNS = """() => [...document.querySelectorAll('.grid .ag-row[row-index="0"] .ag-cell')].length"""


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (390, {"state", "rule", "requests"}),
        (1400, {"state", "direction", "rule", "requests", "days", "why"}),
        (1920, {"state", "direction", "rule", "requests", "days", "why", "flags", "extra"}),
        (3000, {"state", "direction", "rule", "requests", "days", "why", "flags", "extra"}),
    ],
)
def test_what_matters_of_a_row_is_seen_without_scrolling_sideways(
    visit: Callable[..., Page], width: int, columns: set[str]
) -> None:
    page = visit("columns")
    page.set_viewport_size({"width": width, "height": 1000})
    page.wait_for_function(f"() => ({ALL_COLUMNS})() === {len(columns)}")
    page.wait_for_function(f"() => ({SHOWN_COLUMNS})().length === {len(columns)}")  # widths follow in a moment
    assert set(page.evaluate(SHOWN_COLUMNS)) == columns
    row = page.locator(".ag-row", has_text="no rule helps").first
    row.scroll_into_view_if_needed()
    expect(row.locator("[col-id=rule]")).to_have_class(re.compile("no-rule"))
    flagged = page.locator(".ag-row", has_text="contoso-tools").first
    flagged.scroll_into_view_if_needed()
    expect(flagged.locator("[col-id=state]")).to_have_text("○ open ?")
    why = flagged.locator("[col-id=why]")
    if width == 1400:
        expect(why).to_contain_text("? shared-zone · called by")
    elif width > 1400:
        expect(why).to_contain_text(re.compile("^called by"))


def test_a_column_that_is_filtered_by_stays(visit: Callable[..., Page]) -> None:
    page = visit("filtered")
    page.set_viewport_size({"width": 2000, "height": 1000})
    expect(page.locator("[col-id=flags].ag-header-cell")).to_be_visible()
    page.evaluate(
        "window.dash_ag_grid.getApi('grid').setColumnFilterModel('flags', {type: 'contains', filter: 'zone'})"
    )
    page.evaluate("window.dash_ag_grid.getApi('grid').onFilterChanged()")
    page.set_viewport_size({"width": 1280, "height": 1000})
    expect(page.locator("[col-id=extra].ag-header-cell")).to_have_count(0)
    expect(page.locator("[col-id=flags].ag-header-cell")).to_have_count(1)
    page.evaluate("window.dash_ag_grid.getApi('grid').setFilterModel(null)")


def test_a_thousand_proposals_stay_fluid(wheel: Wheel, visit: Callable[..., Page]) -> None:
    like = branch(wheel)
    many = [
        {
            **like,
            "id": f"{number:012x}",
            "elements": [f"198.51.{number // 250}.{number % 250}/32"],
            "kind": "address-prefixes",
        }
        for number in range(1000)
    ]
    page = visit("many", run={**wheel.run, "proposals": many})
    assert page.locator(".ag-center-cols-container .ag-row").count() < 80  # the rest is drawn when it is scrolled to
    expect(page.locator("#show")).to_contain_text("All 1,000")
    page.locator("#search").fill("198.51.3.249")
    expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(1)


def test_what_is_there_without_a_browser_is_what_the_page_has(wheel: Wheel) -> None:
    review = wheel.review(to="plain")
    made = review.decide([branch(wheel)["id"]], Choice(ACCEPT, "x"), {})
    assert made[0].proposal == branch(wheel)
