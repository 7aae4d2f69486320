"""The page in a real browser."""

from __future__ import annotations

import base64
import io
import threading
from dataclasses import replace

import pytest
from browsing import CHROMIUM, CONTRASTS, DESKTOP, FLAGS, PHONE
from PIL import Image
from served import TOKEN, half_red, photo, serving

from edgekit.contract import Decision
from edgekit.modelfile.write import write_bundle

playwright = pytest.importorskip("playwright.sync_api", reason="needs the dev extra")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

# Other work may share the machine.
PATIENCE_MS = 180_000
# A camera that shows a green field with a clock, and a browser that does not ask.
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
RED = {"name": "red.jpg", "mimeType": "image/jpeg", "buffer": photo(255, 0, 0)}
BLUE = {"name": "blue.png", "mimeType": "image/png", "buffer": photo(0, 0, 255, kind="PNG")}
TEXT = {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"}
# Files as another program would bring them.
BRING = """([kind, name, content]) => {
  const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
    : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  document.getElementById("drop").dispatchEvent(event);
}"""
# Controls without a name, pictures without words, and targets that a thumb would miss.
FAULTS = """() => [...document.querySelectorAll("button, input, a, img, video")].filter((node) => {
  if (!node.checkVisibility() || node.matches(".skip")) return false;
  const name = node.getAttribute("aria-label") || node.alt || node.labels?.[0]?.textContent || node.textContent;
  const small = node.matches("button, input") && Math.min(node.offsetWidth, node.offsetHeight) < 38;
  return !name?.trim() || small;
}).map((node) => node.outerHTML)"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *CAMERA], timeout=PATIENCE_MS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser):
    """``visit(address, size, dark=…)``: an open page; nothing may complain or come from elsewhere."""
    said, asked, contexts, homes, allowed = [], [], [], set(), []

    def open_page(address, size=DESKTOP, *, dark=False, refusals=()):
        context = browser.new_context(
            viewport=size,
            color_scheme="dark" if dark else "light",
            has_touch=size is PHONE,
            permissions=["camera"],
        )
        contexts.append(context)
        homes.add(address.partition("#")[0])
        # What Chromium itself says of an answer that is no success.
        allowed.extend(f"status of {status}" for status in refusals)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [line for line in said if not any(one in line for one in allowed)] == []
    elsewhere = [url for url in asked if not url.startswith((*homes, "blob:"))]
    assert elsewhere == []


def give(page, *files):
    # Until the model is known there is nothing to give photos to.
    page.locator("#desk").wait_for()
    page.locator("#files").set_input_files(list(files))


def answers(page, number):
    """The cards, when all of them have their answers, from top to bottom."""
    page.wait_for_function(
        "number => document.querySelectorAll('.answer[aria-busy=false]').length === number", arg=number
    )
    return page.locator(".answer").all()


def verdict(card):
    return card.locator(".verdict strong").inner_text()


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_several_photos_get_verdicts_bars_and_crops(served, visit, tmp_path):
    page = visit(served.address, refusals=(422,))
    give(page, RED, BLUE, TEXT)
    red, blue, text = answers(page, 3)
    assert [verdict(red), verdict(blue)] == ["Genuine photo", "Photo of a screen or print"]
    assert red.locator(".verdict").get_attribute("data-tone") == "genuine"
    assert "not a whole" in text.locator(".reason").inner_text()
    assert page.locator("#status").inner_text() == "3 of 3, notes.jpg: no answer"
    best = red.locator(".scores tr").first
    assert best.locator("th").inner_text() == "genuine"
    share = float(plain(best.locator("b").inner_text()).removesuffix(" %")) / 100
    track, bar = best.locator(".track").bounding_box(), best.locator(".track i").bounding_box()
    assert bar["width"] == pytest.approx(share * track["width"], abs=1)
    red.locator(".crops").click()
    boxes = red.locator("svg rect.crop")
    assert boxes.count() == red.locator(".crop-list button").count() >= 1
    boxes.first.wait_for()
    picture, box = red.locator("img").bounding_box(), boxes.first.bounding_box()
    assert picture["x"] - 3 <= box["x"] <= box["x"] + box["width"] <= picture["x"] + picture["width"] + 3
    page.screenshot(path=tmp_path / "desk.png", full_page=True)
    page.locator("#clear").click()
    assert page.locator(".answer").count() == 0


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_photos_are_pasted_and_dropped(served, visit, kind):
    page = visit(served.address)
    page.locator("#desk").wait_for()
    page.evaluate(BRING, [kind, "shelf.jpg", base64.b64encode(RED["buffer"]).decode()])
    (card,) = answers(page, 1)
    assert (card.locator("h3").inner_text(), verdict(card)) == ("shelf.jpg", "Genuine photo")


def test_a_photo_is_taken_with_the_camera(served, visit, tmp_path):
    page = visit(served.address, PHONE)
    page.locator("#camera").click()
    page.wait_for_function("() => !document.getElementById('shutter').disabled")
    page.screenshot(path=tmp_path / "camera.png")
    page.locator("#shutter").click()
    (card,) = answers(page, 1)
    assert card.locator("h3").inner_text().startswith("camera-")
    assert card.locator("img").evaluate("one => one.naturalWidth") >= 320
    assert not page.locator("#viewfinder").is_visible()
    # The camera is freed.
    assert page.locator("#video").evaluate("one => one.srcObject") is None


def test_a_browser_without_a_camera_for_pages_opens_the_phones_own(served, visit):
    page = visit(served.address, PHONE)
    page.locator("#desk").wait_for()
    page.evaluate("() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    with page.expect_file_chooser() as chooser:
        page.locator("#camera").click()
    assert chooser.value.element.get_attribute("capture") == "environment"


def test_the_reasons_are_drawn_over_the_picture_and_told(served, visit, tmp_path):
    page = visit(served.address, PHONE)
    give(page, {"name": "half.png", "mimeType": "image/png", "buffer": half_red()}, RED)
    card, plain_card = answers(page, 2)
    card.locator(".why").click()
    cells = card.locator("svg rect[fill]")
    cells.first.wait_for()
    assert cells.count() >= 9
    assert card.locator(".because").inner_text().startswith("Red parts speak for genuine, blue ones against it")
    assert ", right." not in card.locator(".because").inner_text()
    assert page.locator("#status").inner_text() == card.locator(".because").inner_text()
    page.screenshot(path=tmp_path / "why.png", full_page=True)
    card.locator(".crops").click()
    card.locator("svg rect.crop").first.wait_for()
    assert (cells.count(), card.locator(".because").is_visible()) == (0, False)
    # One colour all over: nothing stands out, and nothing is drawn.
    plain_card.locator(".why").click()
    plain_card.get_by_text("rests on no part more than on others").wait_for()
    assert plain_card.locator("svg rect").count() == 0


@pytest.mark.parametrize("dark", [False, True])
def test_a_narrow_phone_shows_all_of_it_in_colours_that_can_be_read(served, visit, tmp_path, dark):
    page = visit(served.address, PHONE, dark=dark, refusals=(422,))
    give(page, {**RED, "name": "a-name-without-any-place-to-break-" * 4 + ".jpg"}, TEXT)
    card, _ = answers(page, 2)
    card.locator(".crops").click()
    card.locator(".crop-list").wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate(CONTRASTS)[0][0] >= 4.5
    assert page.evaluate(FAULTS) == []
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    page.goto(f"{served.address}docs")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate(CONTRASTS)[0][0] >= 4.5
    page.screenshot(path=tmp_path / "docs.png", full_page=True)


def test_the_keyboard_is_enough(served, visit):
    page = visit(served.address)
    page.locator("#desk").wait_for()

    def focused():
        return page.evaluate("() => document.activeElement.textContent.trim()")

    seen = []
    while "Choose photos" not in seen:
        page.keyboard.press("Tab")
        seen.append(focused())
        assert len(seen) < 10
    assert seen == ["Skip to the content", "API", "Choose photos"]
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([RED])
    (card,) = answers(page, 1)
    while not focused().startswith("Crops"):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert card.locator(".crops").get_attribute("aria-pressed") == "true"
    card.locator(".crop-list").wait_for()
    while not focused().startswith("1:"):
        page.keyboard.press("Tab")
    assert "is-chosen" in card.locator("svg rect").first.get_attribute("class")
    page.locator("#camera").focus()
    page.keyboard.press("Enter")
    page.locator("#viewfinder").wait_for()
    page.keyboard.press("Escape")
    page.locator("#viewfinder").wait_for(state="hidden")


def test_a_screen_reader_hears_what_happens_and_finds_its_way(served, visit):
    page = visit(served.address)
    give(page, RED)
    (card,) = answers(page, 1)
    assert page.locator("#status").get_attribute("aria-live") == "polite"
    assert plain(page.locator("#status").inner_text()).startswith("red.jpg: Genuine photo, genuine ")
    tree = card.aria_snapshot()
    for words in ('article "red.jpg"', 'heading "red.jpg"', 'img "The photo red.jpg"', 'rowheader "genuine"'):
        assert words in tree
    assert page.locator("h1").count() == page.locator("main").count() == 1


def test_a_busy_server_is_asked_again(red_blue_file, visit):
    with serving(red_blue_file, workers=1, queue=0) as served:
        release = threading.Event()
        served.service._desk.submit(release.wait)
        page = visit(served.address, refusals=(503,))
        give(page, RED)
        page.get_by_text("The server is busy; trying again").wait_for()
        release.set()
        (card,) = answers(page, 1)
        assert verdict(card) == "Genuine photo"


def test_a_photo_beyond_the_limit_is_not_sent(red_blue_file, visit):
    with serving(red_blue_file, max_mb=1) as served:
        page = visit(served.address)
        give(page, {**RED, "buffer": RED["buffer"] + bytes(1_500_000)})
        (card,) = answers(page, 1)
        assert card.locator(".reason").inner_text() == "A photo must have at most 1 MB, this one has 1.5."
        assert 'route="/v1/classify"' not in served.ask.get("/metrics").text


def test_a_token_opens_the_page(red_blue_file, visit, tmp_path):
    with serving(red_blue_file, token=TOKEN) as served:
        page = visit(served.address, PHONE, dark=True, refusals=(401,))
        page.locator("#login").wait_for()
        page.screenshot(path=tmp_path / "login.png")
        page.locator("#token").fill("another-token-than-that")
        page.keyboard.press("Enter")
        page.get_by_text("That is not this server's token.").wait_for()
        assert page.evaluate(CONTRASTS)[0][0] >= 4.5
        page.locator("#token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.locator("#desk").wait_for()
        give(page, BLUE)
        assert verdict(answers(page, 1)[0]) == "Photo of a screen or print"
        # A link with the token in its fragment does the same, and leaves no trace in the address.
        linked = visit(f"{served.address}#token={TOKEN}", refusals=(401,))
        linked.locator("#desk").wait_for()
        assert linked.url == served.address
        assert linked.evaluate("() => document.cookie") == ""


def test_a_link_with_a_token_that_nobody_asks_for_opens_the_page(served, visit):
    page = visit(f"{served.address}#token=%zz", refusals=(401,))
    page.locator("#desk").wait_for()
    assert not page.locator("#login").is_visible()
    assert page.url == served.address


def test_a_link_with_another_token_says_so(red_blue_file, visit):
    with serving(red_blue_file, token=TOKEN) as served:
        page = visit(f"{served.address}#token=another-token-than-that", refusals=(401,))
        page.get_by_text("That is not this server's token.").wait_for()


def test_several_faces_have_no_table_of_one(marks_file, marked_photo, visit):
    def file(*marks):
        written = io.BytesIO()
        Image.fromarray(marked_photo(*marks)).save(written, "PNG")
        return {"name": f"{len(marks)}.png", "mimeType": "image/png", "buffer": written.getvalue()}

    red, blue = (2, 1, (255, 0, 0)), (5, 6, (0, 0, 255))
    with serving(marks_file) as served:
        page = visit(served.address)
        give(page, file(red, blue), file(red), file())
        cards = answers(page, 3)
        assert [card.locator(".scores").is_visible() for card in cards] == [False, True, False]


def test_labels_that_mean_nothing_more_stand_for_themselves(three_colours_file, visit):
    with serving(three_colours_file) as served:
        page = visit(served.address)
        give(page, RED)
        (card,) = answers(page, 1)
        (row,) = served.classify(RED["buffer"]).json()
        assert verdict(card) == row["label"]
        assert card.locator(".verdict").get_attribute("data-tone") == "plain"
    assert row["label"] not in card.locator(".verdict span").inner_text()


def test_of_several_labels_the_reasons_are_of_the_likeliest(red_blue, tmp_path, visit):
    contract = replace(red_blue.contract, bona_fide=None, decision=Decision()).with_multi_label((0.2, 0.2))
    write_bundle(replace(red_blue, contract=contract), tmp_path / "several.tflite")
    with serving(tmp_path / "several.tflite") as served:
        page = visit(served.address)
        give(page, {"name": "half.png", "mimeType": "image/png", "buffer": half_red()})
        (card,) = answers(page, 1)
        card.locator(".why").click()
        card.locator("svg rect[fill]").first.wait_for()
        assert card.locator(".because").inner_text().startswith("Red parts speak for genuine, blue ones against it")
