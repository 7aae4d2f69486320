import base64
import hashlib
import json
from dataclasses import replace

import pytest
from PIL import Image, features

from edgekit.data.manifest import Sample
from edgekit.errors import ContractError, EdgekitError
from edgekit.modelfile.write import write_bundle
from edgekit.records import file_sha256
from edgekit.web import publish
from edgekit.web.built import read_built_page
from edgekit.web.options import WebConfig
from edgekit.web.publish import publish_page


@pytest.fixture
def out(tmp_path):
    return tmp_path / "site"


def test_the_model_is_inside_and_listed(page, red_blue_file, out):
    record = publish_page(red_blue_file, out, WebConfig(), page=page)
    written = read_built_page(out)
    model = written.contents.model
    assert (model.file, model.name, model.sha256) == ("model.tflite", "red_blue.tflite", file_sha256(red_blue_file))
    assert (out / "model.tflite").read_bytes() == red_blue_file.read_bytes()
    listed = json.loads((out / "sw.js").read_text().split(" = ", 1)[1].split(";\n", 1)[0])
    assert base64.b64decode(listed["model.tflite"]).hex() == model.sha256
    assert written.files["wasm/engine.wasm"] == (page / "wasm/engine.wasm").read_bytes()
    assert (record.files, record.photos) == (6, 1)
    assert record.size_bytes == sum(file.stat().st_size for file in out.rglob("*") if file.is_file())


def test_another_model_makes_another_service_worker(page, red_blue_file, out):
    """Browsers fetch a page anew where its service worker differs by a byte."""
    publish_page(red_blue_file, out, WebConfig(), page=page)
    assert (out / "sw.js").read_bytes() != (page / "sw.js").read_bytes()


def test_a_page_with_a_model_is_a_page_too(page, red_blue_file, out, tmp_path):
    publish_page(red_blue_file, out, WebConfig(), page=page)
    publish_page(red_blue_file, tmp_path / "again", WebConfig(), page=out)
    assert (tmp_path / "again/sw.js").read_bytes() == (out / "sw.js").read_bytes()


def test_a_page_with_a_model_larger_than_its_files_may_be_is_a_page_too(
    page, red_blue_file, out, tmp_path, monkeypatch
):
    publish_page(red_blue_file, out, WebConfig(), page=page)
    monkeypatch.setattr("edgekit.web.built.MAX_FILE_BYTES", red_blue_file.stat().st_size - 1)
    publish_page(red_blue_file, tmp_path / "again", WebConfig(), page=out)
    assert (tmp_path / "again/sw.js").read_bytes() == (out / "sw.js").read_bytes()


def test_a_model_whose_detector_lies_beside_it_is_refused(page, marks, out, tmp_path):
    model = tmp_path / "faces.tflite"
    regions = replace(marks.contract.regions, place="beside")
    write_bundle(replace(marks, contract=marks.contract.with_regions(regions)), model)
    complaint = r"faces.tflite: .*its face detector lies beside it, as detector-.*: take a model that has it inside$"
    with pytest.raises(ContractError, match=complaint):
        publish_page(model, out, WebConfig(), page=page)
    assert not out.exists()


def test_photos_of_other_labels_than_the_models_are_refused(page, three_colours_file, out, data):
    """No ``bench --from`` would read what such a page measures."""
    complaint = r"labels of the model, got genuine, .* knows .*; name photos of the model's own with --data"
    with pytest.raises(EdgekitError, match=complaint):
        publish_page(three_colours_file, out, WebConfig(), page=page)
    with pytest.raises(EdgekitError, match=r"got genuine, recapture"):
        publish_page(three_colours_file, out, WebConfig(), page=page, photos=data)
    assert not out.exists()


@pytest.fixture
def data(tmp_path):
    root, samples = tmp_path / "photos", []
    for number, label in enumerate(["genuine"] * 4 + ["recapture"] * 2):
        path = f"{label}/{number}.jpg"
        (root / label).mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[0x010F] = "Maker of the camera"
        Image.new("RGB", (32, 24), (200, number, 0)).save(root / path, exif=exif)
        samples.append(Sample(path=path, label=label, group=f"author-{number}"))
    return root, samples


def test_own_photos_take_the_place_of_the_pages_own(page, red_blue_file, out, data):
    record = publish_page(red_blue_file, out, WebConfig(photos=3), page=page, photos=data)
    photos = read_built_page(out).contents.photos
    assert [one.label for one in photos] == ["genuine", "recapture", "genuine"]
    assert [one.file for one in photos] == ["bench/0000.jpg", "bench/0001.jpg", "bench/0002.jpg"]
    assert record.photos == 3
    assert not (out / "bench/one.jpg").exists()
    for one in photos:
        content = (out / one.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one.sha256
        assert b"Maker of the camera" not in content


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow writes no AVIF")
def test_a_photo_that_not_every_browser_decodes_is_refused(page, red_blue_file, out, tmp_path):
    Image.new("RGB", (32, 24)).save(tmp_path / "one.avif")
    samples = [Sample(path="one.avif", label="genuine")]
    with pytest.raises(EdgekitError, match=r"one.avif: a page's photo must be one that every browser decodes"):
        publish_page(red_blue_file, out, WebConfig(), page=page, photos=(tmp_path, samples))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        pytest.param(lambda out: out.write_text(""), "must be a folder, got a file or a link", id="a-file"),
        pytest.param(
            lambda out: (out.mkdir(), (out / "thesis.tex").touch()), "new, empty, or a page .*thesis", id="work"
        ),
        pytest.param(
            lambda out: (out.mkdir(), (out / "page.json").touch(), (out / "thesis.tex").touch()),
            "new, empty, or a page ",
            id="work-with-a-name-of-a-page",
        ),
        pytest.param(lambda out: out.symlink_to("/"), "must be a folder, got a file or a link", id="a-link"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_page_is_never_replaced(page, red_blue_file, out, make, complaint, overwrite):
    make(out)
    with pytest.raises(EdgekitError, match=complaint):
        publish_page(red_blue_file, out, WebConfig(overwrite=overwrite), page=page)


@pytest.mark.parametrize("name", ["thesis.tex", "wasm/notes.txt", ".git/config"])
def test_a_page_with_something_else_in_it_is_not_replaced(page, red_blue_file, out, name):
    publish_page(red_blue_file, out, WebConfig(), page=page)
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("months of work")
    with pytest.raises(EdgekitError, match=f"a page and nothing else, got a folder with {name}"):
        publish_page(red_blue_file, out, WebConfig(overwrite=True), page=page)
    assert (out / name).read_text() == "months of work"


def test_ctrl_c_between_two_names_leaves_the_page_that_was_there(page, red_blue_file, out, monkeypatch):
    publish_page(red_blue_file, out, WebConfig(), page=page)
    before = (out / "sw.js").read_bytes()
    rename = type(out).rename

    def stopped(path, target):
        if path.name.endswith(".new"):
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(type(out), "rename", stopped)
    with pytest.raises(KeyboardInterrupt):
        publish_page(red_blue_file, out, WebConfig(overwrite=True), page=page)
    assert (out / "sw.js").read_bytes() == before
    assert [one.name for one in out.parent.iterdir() if one.name.startswith(".")] == []


def test_a_page_that_can_not_come_back_is_not_deleted(page, red_blue_file, out, monkeypatch):
    publish_page(red_blue_file, out, WebConfig(), page=page)
    before = (out / "sw.js").read_bytes()
    rename = type(out).rename

    def stuck(path, target):
        if target == out:
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(type(out), "rename", stuck)
    with pytest.raises(EdgekitError, match="Input/output error"):
        publish_page(red_blue_file, out, WebConfig(overwrite=True), page=page)
    (former,) = (one for one in out.parent.iterdir() if one.name.endswith(".old"))
    assert (former / "sw.js").read_bytes() == before


def test_a_model_whose_name_no_export_may_tell_is_refused(page, red_blue_file, out, tmp_path):
    named = tmp_path / "two\nlines.tflite"
    named.write_bytes(red_blue_file.read_bytes())
    with pytest.raises(EdgekitError, match="model must be printable"):
        publish_page(named, out, WebConfig(), page=page)


def test_a_page_is_replaced_when_that_is_wanted(page, red_blue_file, out):
    out.mkdir()
    publish_page(red_blue_file, out, WebConfig(), page=page)
    with pytest.raises(EdgekitError, match="use --overwrite"):
        publish_page(red_blue_file, out, WebConfig(), page=page)
    (out / "wasm/engine.wasm").write_bytes(b"damaged")
    publish_page(red_blue_file, out, WebConfig(overwrite=True), page=page)
    read_built_page(out)
    assert [one.name for one in out.parent.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("fails_at", [0, 3, 5])
def test_a_full_disk_leaves_what_was_there(page, red_blue_file, out, monkeypatch, fails_at):
    publish_page(red_blue_file, out, WebConfig(), page=page)
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    written = []

    def write(path, content):
        if len(written) == fails_at:
            raise OSError(28, "No space left on device")
        written.append(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    monkeypatch.setattr(publish, "write_atomic", write)
    with pytest.raises(EdgekitError, match="No space left on device; free space"):
        publish_page(red_blue_file, out, WebConfig(overwrite=True), page=page)
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
    assert [one.name for one in out.parent.iterdir() if one.name.startswith(".")] == []


def test_a_changed_model_is_refused(page, red_blue_file, out, tmp_path):
    content = bytearray(red_blue_file.read_bytes())
    content[200] ^= 1
    (tmp_path / "changed.tflite").write_bytes(content)
    with pytest.raises(ContractError, match=r"changed.tflite: .*SHA-256 must be"):
        publish_page(tmp_path / "changed.tflite", out, WebConfig(), page=page)
    assert not out.exists()


def test_what_a_gate_refused_is_not_published(page, red_blue_file, out, tmp_path):
    rejected = tmp_path / "first.rejected.tflite"
    rejected.write_bytes(red_blue_file.read_bytes())
    with pytest.raises(EdgekitError, match="refused by its conversion's gate"):
        publish_page(rejected, out, WebConfig(), page=page)


def test_no_photos_or_too_many_are_refused():
    with pytest.raises(EdgekitError, match="must have 1 to 200 photos, got 0"):
        WebConfig(photos=0)


def test_a_model_of_faces_is_published_with_its_detector_inside(page, marks_file, out):
    record = publish_page(marks_file, out, WebConfig(), page=page)
    assert (out / record.model.file).read_bytes() == marks_file.read_bytes()
