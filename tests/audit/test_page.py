"""The page of an audit in a real browser: 2, 12 and 100 classes, on a phone and on a screen."""

from __future__ import annotations

import shutil

import pytest

from edgekit.audit.certainty import Baseline
from edgekit.audit.doubts import Doubt, Doubts
from edgekit.audit.options import AuditConfig
from edgekit.audit.page import write_audit_page
from edgekit.audit.record import AuditRecord, Example, GroupBalance, ProbeResult
from edgekit.metrics.intervals import Estimate

playwright = pytest.importorskip("playwright.sync_api", reason="needs the dev extra")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

LONG = "a label of many words such as shops have them, gluten-free and in the large family box"
UNBROKEN = "product_name_without_a_single_blank_in_it_as_databases_have_them"
CUT = """() => [...document.querySelectorAll("th, td, figcaption, p, h3")].filter((one) =>
  one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"""


def audited(number):
    labels = (LONG, UNBROKEN, *(f"class {at:03d}" for at in range(2, number)))[:number]
    found = Estimate(value=0.9, low=0.8, high=0.95, method="bootstrap")
    verdicts = {"colour": "could be content", "size": "leak", "names": "suspicious", "format": "fine"}
    return AuditRecord(
        data="photos",
        data_sha256="d" * 64,
        photos=8 * number,
        labels=labels,
        bona_fide="",
        groups=tuple(
            GroupBalance(group=f"a shop with a long name {at}", photos=dict.fromkeys(labels, 2)) for at in range(6)
        ),
        config=AuditConfig(),
        rule="By the rule.",
        within_rule="By the rule.",
        probes=tuple(
            ProbeResult(
                name=name,
                family="pixels" if name == "colour" else "file",
                what="what it looks at, in some words",
                seen="partly: crops show at what scale a photo was taken or reduced",
                varies=True,
                balanced_accuracy=found,
                baseline=Baseline(mean=0.1, top=0.2, p=0.01),
                verdict=verdict,
                examples=tuple(
                    Example(path=f"{label}/{UNBROKEN}_{at}.jpg", label=label, value="RGB 1, 2, 3")
                    for label in labels
                    for at in range(4)
                ),
            )
            for name, verdict in verdicts.items()
        ),
        within=(),
        one_class=(),
        same=(),
        doubts=Doubts(
            judge="a small model",
            photos=8 * number,
            found=1,
            expected=2.5,
            would_find=0.7,
            balanced_accuracy=0.5,
            limit=0.2,
            candidates=(
                Doubt(path=f"{LONG}/{UNBROKEN}.jpg", label=LONG, suggested=UNBROKEN, chance=0.1, suggested_chance=0.9),
            ),
        ),
        cautions=(),
        seconds=1.0,
    )


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_the_page_is_no_wider_than_its_window_and_nothing_is_cut(tmp_path):
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for number in (2, 12, 100):
            write_audit_page(tmp_path / f"{number}.html", audited(number), tmp_path)
            for width in (375, 1440):
                page = browser.new_page(viewport={"width": width, "height": 900})
                page.goto((tmp_path / f"{number}.html").as_uri())
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert page.evaluate(CUT) == []
                # Of 100 classes 400 pictures of each probe would be no page any more.
                # Three probes show photos, and one label is doubted.
                assert page.locator("figure").count() <= 3 * 48 + 1
                page.close()
        browser.close()
