"""The page in a real browser: Debian's Chromium, driven by Playwright, which brings none of its own here."""

from __future__ import annotations

import itertools

import pytest
from browsing import CHROMIUM, CONTRASTS, DESKTOP, FLAGS, PHONE

from edgekit.report.mistakes import gallery
from edgekit.report.models import collect
from edgekit.report.page import make_page, write_page

playwright = pytest.importorskip("playwright.sync_api", reason="needs the dev extra")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(shelf, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "report.html"
    found = collect([shelf])
    write_page(make_page(found, [gallery(one, shelf / "photos") for one in found.models]), out)
    return out.as_uri()


@pytest.fixture
def visit(browser, address):
    """``visit(size, dark=…)``: the open page; in the end nothing may have complained or been fetched."""
    said, asked, contexts = [], [], []

    def open_page(size, *, dark=False, script=True):
        context = browser.new_context(
            viewport=size, color_scheme="dark" if dark else "light", java_script_enabled=script, has_touch=size is PHONE
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} == {address}


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def column(table, name):
    """What stands in a column, from top to bottom."""
    heads = table.locator("thead th").all()
    at = [plain(head.inner_text()).split("\n")[0].strip() for head in heads].index(name)
    rows = table.locator("tbody tr").all()
    return [row.locator("th, td").nth(at).inner_text() for row in rows]


def first_table(page):
    return page.locator("#cost table.sorts").first


def test_the_policy_is_in_force(browser, address):
    page = browser.new_page()
    page.goto(address)
    # Were it not, the test of what the page leaves out would say nothing.
    blocked = page.evaluate(
        """() => new Promise((done) => {
          document.addEventListener("securitypolicyviolation", (event) => done(event.violatedDirective));
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
        })"""
    )
    assert blocked.startswith("script-src")
    assert page.evaluate("window.ran") is None
    page.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_renders_within_the_window(visit, size, dark):
    page = visit(size, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.locator("h1").inner_text() == "tiny"
    assert page.locator("#verdict article.verdict.no").is_visible()
    shown = page.locator("#cost svg.chart:visible")
    assert shown.count() == 1
    box = shown.bounding_box()
    assert box["x"] > 0
    assert box["x"] + box["width"] <= size["width"]
    widths = page.locator("img").evaluate_all("all => all.map((one) => one.complete && one.naturalWidth)")
    assert widths
    assert all(widths)


def test_dark_is_dark_and_light_is_light(visit):
    sums = []
    for dark in (False, True):
        colour = visit(DESKTOP, dark=dark).evaluate("getComputedStyle(document.body).backgroundColor")
        sums.append(sum(map(int, colour[4:-1].split(", "))))
    assert sums[0] > 600
    assert sums[1] < 150


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_text_can_be_read(visit, size, dark):
    lowest = visit(size, dark=dark).evaluate(CONTRASTS)
    assert len(lowest) > 100
    assert lowest[0][0] >= 4.5, lowest[:8]


def test_a_click_on_a_head_sorts_by_number_and_back(visit):
    page = visit(DESKTOP)
    table = first_table(page)
    before = [float(value) for value in column(table, "p95 ms")]
    assert before != sorted(before)
    head = table.locator("thead th", has_text="p95 ms")
    for order, turned in (("ascending", False), ("descending", True), ("ascending", False)):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == order
        assert [float(value) for value in column(table, "p95 ms")] == sorted(before, reverse=turned)
    others = table.locator("thead th:not([aria-sort=none])")
    assert others.count() == 1


def test_rows_without_a_value_stay_last_either_way(visit):
    table = first_table(visit(DESKTOP))
    head = table.locator("thead th", has_text="peak MiB")
    for _ in range(2):
        head.get_by_role("button").click()
        assert column(table, "peak MiB")[-2:] == ["–", "–"]
    assert column(table, "peak MiB")[0] != "–"


def test_text_sorts_too_and_by_keyboard(visit):
    page = visit(DESKTOP)
    table = first_table(page)
    before = column(table, "device")
    button = table.locator("thead th", has_text="device").get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    assert column(table, "device") == sorted(before)
    page.keyboard.press("Space")
    assert column(table, "device") == sorted(before, reverse=True)
    # Tab goes on to the next column.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('th').cellIndex") == 1


def test_a_point_tells_what_it_is(visit):
    page = visit(DESKTOP)
    tip = page.locator("#tip")
    assert tip.is_hidden()
    marks = page.locator("#cost svg.chart.wide .mark")
    assert marks.count() == 10
    marks.nth(1).scroll_into_view_if_needed()
    # Scrolling hides a tip, and its event comes with the next frame.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    marks.nth(1).hover()
    assert tip.is_visible()
    assert "Testboard 3\n5 crops, 1 thread (recommended)\np95 4.8 ms" in plain(tip.inner_text())
    box = tip.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= DESKTOP["width"]
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_arrow_keys_go_from_point_to_point(visit):
    page = visit(DESKTOP)
    chart = page.locator("#cost svg.chart.wide")
    assert chart.locator(".mark[tabindex='0']").count() == 1
    chart.locator(".mark[tabindex='0']").focus()
    told = []
    for _ in range(4):
        told.append(page.locator("#tip").inner_text())
        page.keyboard.press("ArrowRight")
    speeds = [float(plain(text).split("p95 ")[1].split()[0]) for text in told]
    assert speeds == sorted(speeds)
    assert len(set(told)) == 4
    assert page.evaluate("document.activeElement.getAttribute('role')") == "img"
    assert all(mark.get_attribute("aria-label") for mark in chart.locator(".mark").all())


def test_a_tap_on_a_phone_tells_too(visit):
    page = visit(PHONE)
    mark = page.locator("#cost svg.chart.narrow .mark").first
    mark.tap()
    tip = page.locator("#tip")
    assert tip.is_visible()
    box = tip.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]


def test_a_series_can_be_put_away(visit):
    page = visit(DESKTOP)
    button = page.locator("#cost .legend button").first
    shown = page.locator("#cost svg.chart.wide .mark:visible")
    before = shown.count()
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert shown.count() == before - 4
    button.click()
    assert shown.count() == before


def test_labels_cover_neither_points_nor_each_other(visit):
    page = visit(DESKTOP)
    boxes = [one.bounding_box() for one in page.locator("#cost svg.chart.wide .label").all()]
    assert len(boxes) >= 4
    for one, other in itertools.combinations(boxes, 2):
        apart = (
            one["x"] + one["width"] <= other["x"] + 1
            or other["x"] + other["width"] <= one["x"] + 1
            or one["y"] + one["height"] <= other["y"] + 3
            or other["y"] + other["height"] <= one["y"] + 3
        )
        assert apart, (one, other)


def test_without_scripts_everything_can_still_be_read(visit):
    page = visit(PHONE, script=False)
    assert first_table(page).locator("tbody tr").count() == 10
    assert page.locator("#card h4").first.is_visible()
