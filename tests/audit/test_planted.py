"""Leaks that are planted are found, each by its probe; photos whose classes mean nothing raise no alarm."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.audit.certainty import Problem, baselines, group_interval, leak_verdict, shuffle_all
from edgekit.audit.models import held_out_scores, make_folds
from edgekit.audit.options import AuditConfig
from edgekit.audit.probes import PROBES, varied
from edgekit.audit.reading import read_all
from edgekit.audit.record import AuditRecord, without_photos
from edgekit.audit.run import audit_dataset
from edgekit.audit.within import find_within
from edgekit.errors import DataError
from edgekit.records import from_plain, plain

QUICK = AuditConfig(shuffles=99)


def decoded(content):
    return Image.open(io.BytesIO(content)).convert("RGB")


def encoded(picture, kind="JPEG", **options):
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def as_png(sample, content):
    if sample.label == "a":
        return sample.path, content
    return sample.path.replace(".jpg", ".png"), encoded(decoded(content), "PNG")


def darker(sample, content):
    pixels = np.asarray(decoded(content), np.float64) * (0.35 if sample.label == "b" else 1.0)
    return sample.path, encoded(Image.fromarray(pixels.astype(np.uint8)), quality=90)


def one_camera(sample, content):
    exif = Image.Exif()
    # Class a has as much EXIF, of a camera for each session.
    exif[0x010F], exif[0x0110] = ("Kodak", "K1") if sample.label == "b" else ("Maker", sample.group)
    return sample.path, encoded(decoded(content), quality=90, exif=exif.tobytes())


def coarser(sample, content):
    return sample.path, encoded(decoded(content), quality=70 if sample.label == "b" else 90)


def named(sample, content):
    return sample.path.replace("/", "/x_" if sample.label == "b" else "/y_"), content


def upright(sample, content):
    """In half of the sessions class b is upright, in the others class a: no rule holds for all."""
    turn = (sample.label == "b") == (int(sample.group[1:]) % 2 == 0)
    picture = decoded(content)
    return sample.path, encoded(picture.transpose(Image.Transpose.ROTATE_90) if turn else picture, quality=90)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "probe"),
    [(as_png, "format"), (darker, "brightness"), (one_camera, "exif-camera"), (coarser, "jpeg"), (named, "names")],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_a_planted_leak_is_found_by_its_probe(deal, change, probe):
    record = audit_dataset(deal(1, change), replace(QUICK, only=(probe, "colour", "histogram")))
    (result,) = [one for one in record.probes if one.name == probe]
    assert result.verdict == "leak"
    assert result.balanced_accuracy.value > 0.9
    assert result.baseline.p <= 0.01
    assert probe in record.leaks()
    # Photos of both classes show it.
    assert {one.label for one in result.examples} == {"a", "b"}
    assert from_plain(AuditRecord, plain(record), where="record") == record


@pytest.mark.slow
def test_a_clean_set_raises_no_alarm(deal):
    record = audit_dataset(deal(0), QUICK)
    assert {one.verdict for one in record.probes} == {"fine"}
    assert record.leaks() == ()
    assert [one for one in record.within if one.verdict == "leak"] == []
    assert record.one_class == ()


@pytest.mark.slow
def test_false_alarms_over_many_dealings(deal):
    """One reading, classes dealt anew eight times: the rule is to be wrong in at most one of twenty audits."""
    readings = read_all(deal(0))
    unit = np.array([int(one.sample.group[1:]) for one in readings])
    tables = [
        (probe.numbers(readings), probe.cheat)
        for probe in PROBES
        if probe.name in ("names", "brightness", "histogram", "corners")
    ]
    tables = [(x, cheat) for x, cheat in tables if varied(x)]
    alarms = []
    for seed in range(8):
        y = np.concatenate([np.random.default_rng((seed, g)).permutation(np.arange(16) % 2) for g in range(8)])
        problem = Problem(y=y, unit=unit, folds=4, shuffles=99, seed=seed)
        folds = make_folds(y, unit, 4, seed)
        said = [held_out_scores(x, y, folds, cheat).argmax(axis=1) for x, cheat in tables]
        found = [group_interval(y, one, unit) for one in said]
        lines = baselines([one.value for one in found], shuffle_all(problem, tables))
        verdicts = [leak_verdict(problem, one, line.p) for one, line in zip(found, lines, strict=True)]
        assert "leak" not in verdicts
        alarms.append("suspicious" in verdicts)
    assert sum(alarms) <= 1


def test_a_rule_that_holds_inside_sessions_only_is_named(deal):
    readings = read_all(deal(3, upright))
    found = [one for one in find_within(readings, ("a", "b")) if one.probe == "aspect"]
    assert {one.group for one in found} == {f"s{number}" for number in range(8)}
    assert {one.verdict for one in found} == {"leak"}
    by_group = {one.group: one for one in found}
    assert by_group["s0"].rule == "width / height below 1.04: b, else a"
    assert by_group["s1"].rule == "width / height below 1.04: a, else b"
    assert len(by_group["s0"].shown_by) == 6


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


@pytest.mark.slow
def test_labels_that_are_wrong_are_among_the_first_to_look_at(deal, sessions):
    from edgekit.data.dataset import load_dataset
    from edgekit.data.manifest import read_manifest, write_manifest

    root = deal(5, darker).root
    samples = list(read_manifest(root / "manifest.csv"))
    wrong = [4, 37, 90]
    for row in wrong:
        samples[row] = replace(samples[row], label="a" if samples[row].label == "b" else "b")
    write_manifest(root / "manifest.csv", samples)
    noise = audit_dataset(load_dataset(root), replace(QUICK, only=("histogram",))).noise
    first = {one.path for one in noise.candidates[:6]}
    assert {samples[row].path for row in wrong} <= first
    assert noise.balanced_accuracy > 0.8


@pytest.mark.slow
def test_equal_data_gives_an_equal_record_and_photos_can_be_left_out(deal):
    dataset = deal(2, darker)
    first, second = (audit_dataset(dataset, replace(QUICK, only=("histogram", "blur"))) for _ in range(2))
    assert plain(first) | {"seconds": 0} == plain(second) | {"seconds": 0}
    assert not any(path in str(without_photos(first)) for path in ("s0/", "s1/", ".jpg"))


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
