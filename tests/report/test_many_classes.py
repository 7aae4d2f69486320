"""Pages of models with 2, 12 and 100 classes in a real browser, on a phone and on a screen."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from edgekit.contract import Decision
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.evaluate.tta import TtaModel, TtaPoint, TtaRecord
from edgekit.metrics.breakdown import detail
from edgekit.metrics.classification import evaluation_of
from edgekit.metrics.intervals import Estimate, wilson
from edgekit.metrics.judged import Judged
from edgekit.metrics.rates import Rate
from edgekit.records import write_json
from edgekit.report.mistakes import gallery
from edgekit.report.models import collect
from edgekit.report.page import make_page, write_page

playwright = pytest.importorskip("playwright.sync_api", reason="needs the dev extra")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

LONG = "a label of many words such as shops have them, gluten-free and in the large family box"
UNBROKEN = "product_name_without_a_single_blank_in_it_as_databases_have_them"
# Texts of charts that stick out of their picture, and parts of the page that are wider than what holds them.
CLIPPED = """() => [...document.querySelectorAll("svg.chart")].filter((svg) => svg.checkVisibility()).flatMap((svg) => {
  const around = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter((text) => {
    const box = text.getBoundingClientRect();
    return box.width && (box.left < around.left - 1 || box.right > around.right + 1
      || box.top < around.top - 1 || box.bottom > around.bottom + 1);
  }).map((text) => text.textContent);
})"""
CUT = """() => [...document.querySelectorAll("th, td, figcaption, h3, .legend button")].filter((one) =>
  one.checkVisibility() && one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"""
COLOURS = """() => [...document.querySelectorAll(".legend")].map((legend) =>
  [...legend.querySelectorAll("button svg")].map((one) => getComputedStyle(one.querySelector(".shape")).fill
    + getComputedStyle(one.querySelector(".shape")).stroke))"""


def labels_of(number):
    return (LONG, UNBROKEN, *(f"class {at:03d}" for at in range(2, number)))[:number]


def judged(number):
    rng = np.random.default_rng(number)
    truth = np.repeat(np.arange(number), 12)
    logits = rng.normal(size=(len(truth), number)) + 3 * np.eye(number)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Judged(
        paths=tuple(f"{at}.jpg" for at in range(len(truth))),
        labels=labels_of(number),
        bona_fide=None,
        truth=truth,
        predicted=probabilities.argmax(axis=1),
        probabilities=probabilities,
        certainty=np.ptp(logits, axis=1),
        abstained=np.zeros(len(truth), bool),
        columns={"group": [f"shop {at % 14}" for at in range(len(truth))]},
    )


def study(photos):
    """Eleven plans, so eleven lines."""
    share = Estimate(value=0.8, low=0.7, high=0.9, method="bootstrap")
    points = tuple(
        TtaPoint(
            model="m",
            plan=f"1/{plan}",
            way=f"1/{plan} ×{crops}",
            crops=crops,
            stops_early=False,
            mean_crops=float(crops),
            balanced_accuracy=share,
            errors=Rate(errors=2, n=10, groups=0, photos=wilson(2, 10), grouped=None),
            apcer=None,
            apcer_kind="",
            bpcer=None,
            auc=None,
            flips=None,
        )
        for plan in range(2, 13)
        for crops in (1, 10)
    )
    return TtaRecord(
        models=(TtaModel(name="m", precision="int8", model_bytes=1, file_sha256s=("a" * 64,)),),
        data_sha256="d" * 64,
        part="test",
        caution="",
        photos=photos,
        groups=0,
        labels=("a", "b"),
        bona_fide=None,
        ks=(1, 10),
        baseline="centre",
        points=points,
        tables=(),
    )


@pytest.fixture(scope="module", params=[2, 12, 100], ids=lambda number: f"{number} classes")
def address(request, tmp_path_factory):
    case = judged(request.param)
    home = tmp_path_factory.mktemp("many")
    record = EvaluateRecord(
        model="m.tflite",
        file_sha256="a" * 64,
        data_sha256="d" * 64,
        part="test",
        caution="",
        crops=1,
        crops_used=None,
        evaluation=evaluation_of(case, resamples=20),
        labels=case.labels,
        bona_fide=None,
        decision=Decision(),
        detail=detail(case, resamples=20),
    )
    write_json(home / "evaluate.json", record)
    write_json(home / "tta.json", study(len(case.paths)))
    found = collect([home])
    write_page(make_page(found, [gallery(one, None) for one in found.models]), home / "report.html")
    return request.param, (home / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield opened
        opened.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_the_page_is_no_wider_than_its_window_and_nothing_is_cut(browser, address, width, dark):
    number, url = address
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    page.goto(url)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(CUT) == []
    for colours in page.evaluate(COLOURS):
        assert len(colours) == len(set(colours))
    matrix = page.locator("table.confusion")
    assert matrix.locator("tbody tr").count() == number
    for label in labels_of(number):
        assert matrix.locator("tbody th", has_text=label).count() == 1
        assert matrix.locator("thead th", has_text=label).count() == 1
    sizes = matrix.locator("th, td").evaluate_all("all => all.map((one) => parseFloat(getComputedStyle(one).fontSize))")
    assert min(sizes) >= 11
    box = matrix.locator("xpath=..")
    room = box.evaluate("one => [one.clientWidth, one.clientHeight]")
    # What stays in place when the box is scrolled leaves room for numbers.
    if number > 12:
        assert matrix.locator("thead").evaluate("one => one.clientHeight") < room[1] / 2
    assert matrix.locator("tbody th").first.evaluate("one => one.clientWidth") < room[0] / 2
    assert page.locator("figcaption", has_text="Most confused").count() == (number > 12)
    page.close()
