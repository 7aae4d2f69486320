"""The page: what it shows, what it lets a browser do, and what it refuses."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import sys
from dataclasses import replace

import pytest

from edgekit.errors import EdgekitError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.records import write_json
from edgekit.report.card import make_card, to_markdown, write_card
from edgekit.report.mistakes import gallery
from edgekit.report.models import collect
from edgekit.report.page import make_page, write_page
from edgekit.runtime import read_bundle


def test_names_never_become_markup(html, parsed, hostile):
    assert "onerror=alert" in html
    assert "<img src=x" not in html
    assert "<b>" not in html
    # Ours are the only elements and handlers: what browsers would run or load is none of a record's.
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on") or name in ("style", "srcset")]
    assert set(parsed.tags) & {"iframe", "object", "embed", "form", "base", "link", "audio", "video"} == set()
    assert hostile in "".join(parsed.text)


def test_control_and_direction_characters_are_spelt_out(copied, edit, page_of):
    edit(copied / "tiny.bench.json", lambda raw: raw.update(caution="left\u202eright\x1b[31m"))
    html = page_of(copied)
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert r"left\u202eright\x1b[31m" in html


def test_the_policy_lets_nothing_in_but_what_is_on_the_page(parsed):
    (policy,) = [v for tag, name, v in parsed.attributes if (tag, name) == ("meta", "content") and "default-src" in v]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        (content,) = parsed.inside[kind]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_nothing_on_the_page_leads_outside(html, parsed):
    places = [value for _, name, value in parsed.attributes if name in ("src", "href", "action", "poster", "data")]
    assert places
    assert all(value.startswith(("#", "data:image/jpeg;base64,")) for value in places)
    assert re.findall(r"(?:https?:)?//[a-z]", re.sub(r"data:image/jpeg;base64,[^\"]*", "", html)) == []
    assert "url(" not in html
    assert "@import" not in html


def test_the_same_records_give_the_same_page_and_card(shelf, html, page_of, hostile):
    assert page_of(shelf, photos=shelf / "photos", title=f"A {hostile} title") == html
    (model,) = collect([shelf]).models
    assert to_markdown(make_card(model)) == to_markdown(make_card(collect([shelf]).models[0]))


def test_numbers_of_different_photos_are_never_put_into_one_comparison(copied, edit, page_of):
    other = copied.parent / "other"
    other.mkdir()
    for name in ("tiny.tflite", "tiny.bench.json", "tiny.json"):
        (other / name).write_bytes((copied / name).read_bytes())
    edit(
        other / "tiny.bench.json", lambda raw: raw.update(data_sha256="f" * 64, file_sha256="e" * 64, model="b.tflite")
    )
    html = page_of(copied, other / "tiny.bench.json")
    assert "Not comparable." in html
    assert "2 different sets of photos" in html
    # A chart for each set, in two sizes.
    assert len(re.findall(r'id="pareto-\d-wide-t"', html)) == 2
    assert "Not comparable." not in page_of(copied)


def test_without_photos_mistakes_are_named_and_the_way_is_said(shelf, page_of):
    html = page_of(shelf)
    assert "Add <code>--data PHOTOS</code>" in html
    assert "photo &amp; 01.png" in html
    assert "data:image" not in html.replace("img-src data:", "")


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders")
def test_a_page_or_card_does_not_wait_for_a_pipe(shelf, tmp_path):
    found = collect([shelf])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EdgekitError, match="got the pipe or device"):
        write_page(make_page(found, [gallery(one, None) for one in found.models]), tmp_path / "pipe")
    with pytest.raises(EdgekitError, match="was not made by"):
        write_card(make_card(found.models[0]), tmp_path / "pipe")


def test_a_page_replaces_only_a_page(shelf, tmp_path):
    found = collect([shelf])
    page = make_page(found, [gallery(one, None) for one in found.models])
    out = tmp_path / "report.html"
    assert write_page(page, out) == write_page(page, out) == out.stat().st_size
    out.write_text("mine")
    with pytest.raises(EdgekitError, match="was not made by"):
        write_page(page, out)
    with pytest.raises(EdgekitError, match="must be a file"):
        write_page(page, tmp_path)
    assert out.read_text() == "mine"


def test_the_page_holds_the_card(shelf, parsed):
    text = " ".join("".join(parsed.text).split())
    (model,) = collect([shelf]).models
    for section in make_card(model).sections:
        assert section.title in text
        for paragraph in section.paragraphs:
            assert paragraph.replace("%", "").split(" such as ")[0][:60] in text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_model_without_attacks_has_a_page(tmp_path, three_colours_file, photos_maker, page_of):
    model = tmp_path / "colours.tflite"
    shutil.copy(three_colours_file, model)
    labels = read_bundle(model).contract.labels[:2]
    dataset = photos_maker(tmp_path / "photos", group="g")
    samples = tuple(replace(one, label=labels[at % 2], kind="") for at, one in enumerate(dataset.samples))
    dataset = replace(dataset, samples=samples, labels=tuple(sorted(labels)))
    write_json(tmp_path / "evaluate.json", evaluate_model(model, dataset))
    html = page_of(tmp_path)
    assert "Reliability" in html
    assert "APCER by kind" not in html
