"""Probes over a data set, on a model that knows mean colours alone."""

from __future__ import annotations

import inspect
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="needs the video extra")
pytest.importorskip("scipy")

from edgekit.data.dataset import load_dataset
from edgekit.errors import DataError
from edgekit.explain.masks import CoveredParts
from edgekit.explain.options import Mask, ProbesConfig
from edgekit.explain.probe_record import COLOUR, ProbesRecord
from edgekit.explain.probes import PhotoProbe, parts_probes, probe_photos, usual_probes
from edgekit.progress import Progress
from edgekit.records import from_plain, plain
from edgekit.runtime import Classifier
from edgekit.runtime.crops import Box

PROBES = probe_photos.__module__


@pytest.fixture
def root(tmp_path):
    """Six photos of each class, 48x40 px, reddish or bluish, whose right half is grey."""
    for label, colour in (("genuine", (180, 60, 90)), ("recapture", (90, 60, 180))):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(6):
            pixels = np.full((40, 48, 3), np.array(colour) - 5 * number, np.uint8)
            pixels[:, 24:] = 110
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def dataset(root):
    return load_dataset(root)


@pytest.fixture
def classifier(red_blue_file):
    with Classifier.load(red_blue_file, threads=2) as loaded:
        yield loaded


class Told(Progress):
    """Counts steps, and stops the work at one of them."""

    def __init__(self, stop_at=None):
        self.done, self.stop_at, self.first = 0, stop_at, None

    def advance(self, steps=1, *, note=""):
        self.first = steps if self.first is None else self.first
        self.done += steps
        if self.stop_at is not None and self.done >= self.stop_at:
            raise KeyboardInterrupt


def by_name(record):
    return {one.name: one for one in record.probes}


def test_colour_is_all_that_it_knows(classifier, dataset):
    record = probe_photos(classifier, dataset, ProbesConfig(mask=Mask.parse("0.0,0,0.5,1"), cover="mean"))
    found = by_name(record)
    assert (record.photos, record.accuracy, record.chance) == (12, 1.0, 0.5)
    # Without colour both classes look the same.
    assert found["grey"].all.score == pytest.approx(0.5, abs=1e-3)
    assert found["grey"].all.score_change.value == pytest.approx(0.5 - record.score, abs=1e-3)
    assert found["grey"].all.score_change.high < 0
    for name in ("half size", "JPEG 95", "blur 1/100"):
        assert found[name].all.score_change.value == pytest.approx(0, abs=0.02)
    assert found["overlaid 75 %"].all.score < found["overlaid 25 %"].all.score < record.score
    assert found["mask"].all.photos == 12
    assert "grey" in record.most or "contrast" in record.most
    assert record.answers[COLOUR].startswith(("much", "some"))
    assert set(found["grey"].classes) == {"genuine", "recapture"}
    assert from_plain(ProbesRecord, plain(record), where="record") == record


def test_all_usual_probes_are_asked(classifier, dataset):
    names = [probe.name for probe in usual_probes(ProbesConfig())]
    assert len(names) == len(set(names)) == 16
    asked = probe_photos(classifier, dataset, ProbesConfig(mask=Mask.parse("1,1,2,2"))).probes
    assert [one.name for one in asked if one.name != "mask"] == names
    assert len(asked) == 17


def test_a_mask_covers_what_it_names(classifier, root):
    """Where the one coloured part is covered by the photo's mean, less of the class is left than where another is."""
    dataset = load_dataset(root)
    coloured, grey = (
        by_name(probe_photos(classifier, dataset, ProbesConfig(mask=Mask.parse(mask), cover="blur")))["mask"].all
        for mask in ("0,0,20,40", "30,0,18,40")
    )
    assert coloured.score_change.value < grey.score_change.value - 0.01
    assert grey.score_change.value == pytest.approx(0, abs=0.05)


def test_the_border_alone_is_the_border(classifier, tmp_path):
    for label, border, middle in (("genuine", "blue", "red"), ("recapture", "red", "blue")):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(3):
            photo = Image.new("RGB", (60, 60), border)
            photo.paste(Image.new("RGB", (30 + number, 30), middle), (15, 15))
            photo.save(tmp_path / "photos" / label / f"{number}.png")
    record = probe_photos(classifier, load_dataset(tmp_path / "photos"), ProbesConfig())
    assert by_name(record)["border alone"].all.accuracy == 0
    assert by_name(record)["border alone"].all.score < 1e-3


def test_a_rerun_reads_no_photo(classifier, dataset, root, tmp_path):
    first = probe_photos(classifier, dataset, ProbesConfig(), scores=tmp_path / "scores")
    for path in root.rglob("*.png"):
        path.unlink()
    assert probe_photos(classifier, dataset, ProbesConfig(), scores=tmp_path / "scores") == first


def test_a_run_that_was_stopped_goes_on(classifier, dataset, tmp_path):
    whole = probe_photos(classifier, dataset, ProbesConfig())
    with pytest.raises(KeyboardInterrupt):
        probe_photos(classifier, dataset, ProbesConfig(), scores=tmp_path, progress=Told(stop_at=5))
    told = Told()
    assert probe_photos(classifier, dataset, ProbesConfig(), scores=tmp_path, progress=told) == whole
    assert told.first >= 4
    assert told.done == 12


def test_a_new_mask_asks_for_itself_alone(classifier, dataset, tmp_path):
    probe_photos(classifier, dataset, ProbesConfig(), scores=tmp_path)
    before = {path.name for path in tmp_path.iterdir()}
    probe_photos(classifier, dataset, ProbesConfig(mask=Mask.parse("1,1,5,5")), scores=tmp_path)
    assert len({path.name for path in tmp_path.iterdir()} - before) == 1


def test_probes_that_changed_take_no_scores_of_before(classifier, dataset, tmp_path, monkeypatch):
    def keys(folder):
        probe_photos(classifier, dataset, ProbesConfig(per_class=1), scores=folder)
        return {path.name for path in folder.iterdir()}

    before = keys(tmp_path / "before")
    assert keys(tmp_path / "same") == before
    source = inspect.getsource
    monkeypatch.setattr(inspect, "getsource", lambda part: source(part) + "#" * (part is sys.modules[PROBES]))
    assert not keys(tmp_path / "after") & before


def test_large_tables_are_written_seldom(classifier, dataset, tmp_path, monkeypatch):
    """Where a save takes longer than all that is scored."""
    now, saves = [0.0], []

    def tick():
        now[0] += 1
        return now[0]

    def save(place, arrays):
        saves.append(place)
        now[0] += 100

    monkeypatch.setattr(f"{PROBES}.time", SimpleNamespace(monotonic=tick))
    monkeypatch.setattr(f"{PROBES}.write_arrays", save)
    monkeypatch.setattr(f"{PROBES}._SAVE_SECONDS", 0.0)
    probe_photos(classifier, dataset, ProbesConfig(), scores=tmp_path)
    # After the first photo, and at the end.
    assert len(saves) == 2 * len(set(saves))


def test_what_is_damaged_is_scored_again(classifier, dataset, tmp_path):
    first = probe_photos(classifier, dataset, ProbesConfig(), scores=tmp_path / "scores")
    for place in (tmp_path / "scores").iterdir():
        place.write_bytes(place.read_bytes()[:-40])
    assert probe_photos(classifier, dataset, ProbesConfig(), scores=tmp_path / "scores") == first


def test_a_region_that_is_not_there_leaves_the_photo_out(classifier, dataset):
    """As of a detector that finds nothing."""
    parts = CoveredParts(
        find=lambda subject: (Box(0, 0, 10, 10),) if subject.path.parent.name == "genuine" else (),
        key="by folder",
        thing="red thing",
    )
    probes = parts_probes(parts, "mean")
    found = probe_photos(classifier, dataset, ProbesConfig(), probes=probes).probes
    assert [one.name for one in found] == ["red things", "all but red things"]
    assert {(one.left_out, one.all.photos, *one.classes) for one in found} == {(6, 6, "genuine")}
    never = PhotoProbe(name="never", question=COLOUR, alter=lambda subject: None)
    (found,) = probe_photos(classifier, dataset, ProbesConfig(), probes=[never]).probes
    assert (found.left_out, found.all, found.classes) == (12, None, {})


def test_some_photos_of_each_class_are_always_the_same(classifier, dataset):
    records = [probe_photos(classifier, dataset, ProbesConfig(per_class=2)) for _ in range(2)]
    assert records[0] == records[1]
    assert records[0].photos == 4
    assert {moved.photos for moved in records[0].probes[0].classes.values()} == {2}


def test_one_class_alone_has_no_other_photo(classifier, root, dataset):
    for path in (root / "recapture").iterdir():
        path.unlink()
    (root / "recapture").rmdir()
    alone = load_dataset(root, known=classifier.contract.labels)
    names = set(by_name(probe_photos(classifier, alone, ProbesConfig())))
    assert "border alone" in names
    assert not names & {"background replaced", "overlaid 50 %"}


@pytest.mark.parametrize("mask", ["40,0,20,10", "0,39,5,5"])
def test_a_mask_beyond_a_photo_is_refused(classifier, dataset, mask):
    with pytest.raises(DataError, match="--mask must lie in every photo"):
        probe_photos(classifier, dataset, ProbesConfig(mask=Mask.parse(mask)))
