"""Leaks that are planted are found, each by its probe; photos whose classes mean nothing raise no alarm."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image
from planting import darker, decoded, encoded

from edgekit.audit.options import AuditConfig
from edgekit.audit.page import render, worst
from edgekit.audit.record import AuditRecord
from edgekit.audit.run import audit_dataset
from edgekit.errors import DataError
from edgekit.records import from_plain, plain

QUICK = AuditConfig(shuffles=99)


def as_png(sample, content):
    if sample.label == "a":
        return sample.path, content
    return sample.path.replace(".jpg", ".png"), encoded(decoded(content), "PNG")


def one_camera(sample, content):
    exif = Image.Exif()
    # Class a has as much EXIF, of a camera for each session.
    exif[0x010F], exif[0x0110] = ("Kodak", "K1") if sample.label == "b" else ("Maker", sample.group)
    return sample.path, encoded(decoded(content), quality=90, exif=exif.tobytes())


def coarser(sample, content):
    return sample.path, encoded(decoded(content), quality=70 if sample.label == "b" else 90)


def named(sample, content):
    return sample.path.replace("/", "/x_" if sample.label == "b" else "/y_"), content


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "probe"),
    [(as_png, "format"), (darker, "brightness"), (one_camera, "exif-camera"), (coarser, "jpeg"), (named, "names")],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_a_planted_leak_is_found_by_its_probe(deal, change, probe):
    config = replace(QUICK, only=(probe, "colour", "histogram"), bona_fide="a")
    record = audit_dataset(deal(1, change), config)
    (result,) = [one for one in record.probes if one.name == probe]
    assert result.verdict == "leak"
    assert result.balanced_accuracy.value > 0.9
    assert result.baseline.p <= 0.01
    assert probe in record.leaks()
    # Photos of both classes show it.
    assert {one.label for one in result.examples} == {"a", "b"}
    assert from_plain(AuditRecord, plain(record), where="record") == record


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "probe", "bona_fide", "verdict"),
    [
        pytest.param(darker, "brightness", None, "could be content", id="pixels, no class is genuine"),
        pytest.param(darker, "brightness", "a", "leak", id="pixels, one class is genuine"),
        pytest.param(named, "names", None, "leak", id="file, no class is genuine"),
    ],
)
def test_what_pixels_tell_is_a_leak_where_a_class_is_genuine(deal, change, probe, bona_fide, verdict):
    record = audit_dataset(deal(1, change), replace(QUICK, only=(probe,), bona_fide=bona_fide))
    assert [one.verdict for one in record.probes if one.name == probe] == [verdict]
    assert record.leaks() == ((probe,) if verdict == "leak" else ())
    page = render(record, deal(1, change).root)
    assert ("recaptures" in page) == (bona_fide is not None)
    if verdict == "could be content":
        assert worst(record) == verdict
        assert f"Could be content: {probe}." in page


@pytest.mark.slow
def test_a_clean_set_raises_no_alarm(deal):
    record = audit_dataset(deal(0), QUICK)
    assert {one.verdict for one in record.probes} == {"fine"}
    assert record.leaks() == ()
    assert [one for one in record.within if one.verdict == "leak"] == []
    assert record.one_class == ()


@pytest.mark.slow
def test_groups_of_one_class_make_the_group_a_leak(sessions, tmp_path):
    from edgekit.data.dataset import load_dataset
    from edgekit.data.manifest import Sample, write_manifest

    samples = []
    for path, content in sessions.items():
        group = path.partition("/")[0]
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
        samples.append(Sample(path=path, label="ab"[int(group[1:]) % 2], group=group))
    write_manifest(tmp_path / "manifest.csv", samples)
    record = audit_dataset(load_dataset(tmp_path), replace(QUICK, only=("brightness",)))
    assert len(record.one_class) == 8
    (result,) = [one for one in record.probes if one.name == "group"]
    assert (result.verdict, result.balanced_accuracy.value) == ("leak", 1.0)


def test_too_few_photos_and_bad_settings_are_refused(deal):
    dataset = deal(0)
    with pytest.raises(DataError, match="shuffles must be 99 to 100000"):
        AuditConfig(shuffles=20)
    with pytest.raises(DataError, match="an audit needs 2 folds"):
        AuditConfig(folds=1)
    few = [one for one in dataset.samples if one.label == "a"][:4]
    small = replace(dataset, samples=tuple(few + [one for one in dataset.samples if one.label == "b"]))
    with pytest.raises(DataError, match=r"8 photos of every class, got \{'a': 4\}"):
        audit_dataset(small, QUICK)
