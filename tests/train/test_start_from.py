"""Heads that begin from others: what is solved, and which files are taken."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from edgekit.contract import CropPlan
from edgekit.errors import EdgekitError, RunError
from edgekit.records import plain, sha256
from edgekit.scoring.keep import arrays_content
from edgekit.train.head import FeatureSet
from edgekit.train.options import NetworkConfig, StartedFrom, TrainConfig
from edgekit.train.record import RunFolder
from edgekit.train.start_from import (
    HEAD_NAME,
    MAX_HEAD_BYTES,
    SHARES,
    START_PENALTIES,
    HeadNote,
    head_content,
    is_start,
    kept_kernels,
    read_start,
    solve_from,
    with_labels,
)

CHANNELS = 30
SCALES = np.array([0, 1, 2, 1, 2])
ONE = np.zeros(5, np.int64)

NOTE = HeadNote(
    labels=("genuine", "recapture"),
    network=NetworkConfig(backbone="efficientnet_lite0", side_px=32, features="texture"),
    plan=CropPlan(lead=("full",), cycle=("native", "1/4"), crops=5),
    heads="scales",
    bona_fide="genuine",
)


def direction(seed):
    return np.random.default_rng(seed).normal(size=CHANNELS)


def photos(seed, truth, *, count=40, scales=SCALES):
    """Features of noise, and classes that a direction tells apart, with noise in what is asked."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, len(scales), CHANNELS)).astype(np.float32)
    said = features.mean(axis=1) @ truth
    targets = (said + rng.normal(scale=0.3 * said.std(), size=count) > np.median(said)).astype(np.int64)
    folds = np.arange(count) // 2 % 5
    return FeatureSet(features=features, plan_crops=len(scales), scales=scales, targets=targets, folds=folds)


def two_classes(truth, heads):
    """A direction as the kernels of heads for two classes: (heads, channels, 2)."""
    return np.repeat(np.stack([-truth, truth], axis=-1)[np.newaxis], heads, axis=0).astype(np.float32)


def right(heads, other):
    votes = heads.logits(other.features, other.scales).mean(axis=1)
    return float((votes.argmax(axis=1) == other.targets).mean())


@pytest.mark.parametrize("scales", [ONE, SCALES], ids=["one-head", "heads-of-scales"])
class TestSolvedFrom:
    def test_a_head_that_fits_is_worth_many_photos(self, scales):
        truth = direction(0)
        train, other = photos(1, truth, scales=scales), photos(2, truth, count=400, scales=scales)
        count = int(scales.max()) + 1
        good = solve_from(train, two_classes(truth + 0.3 * direction(5), count))
        nothing = solve_from(train, np.zeros((count, CHANNELS, 2), np.float32))
        assert good.choice.shares[good.choice.best] > 0
        assert right(good.layers, other) > right(nothing.layers, other) + 0.08

    def test_a_head_that_says_the_opposite_is_left_out(self, scales):
        truth = direction(0)
        train, other = photos(1, truth, count=200, scales=scales), photos(2, truth, count=400, scales=scales)
        count = int(scales.max()) + 1
        bad = solve_from(train, two_classes(-truth, count))
        nothing = solve_from(train, np.zeros((count, CHANNELS, 2), np.float32))
        np.testing.assert_allclose(bad.layers.kernels, nothing.layers.kernels, rtol=1e-4, atol=1e-5)
        assert right(bad.layers, other) == right(nothing.layers, other) > 0.8

    def test_each_penalty_and_share_is_tried(self, scales):
        found = solve_from(photos(1, direction(0), scales=scales), two_classes(direction(3), int(scales.max()) + 1))
        choice = found.choice
        tried = tuple((penalty, share) for share in SHARES for penalty in START_PENALTIES)
        assert tuple(zip(choice.values, choice.shares, strict=True)) == tried
        assert len(choice.losses) == len(choice.accuracies) == len(tried)

    def test_a_few_photos_change_little_and_many_what_is_wrong(self, scales):
        """What a dozen photos prefer out of fold is chance; what hundreds do is not."""
        truth, count = direction(0), int(scales.max()) + 1
        start, other = two_classes(truth + direction(6), count), photos(2, truth, count=400, scales=scales)
        alone = float(((other.features.mean(axis=1) @ start[0]).argmax(axis=1) == other.targets).mean())
        few, many = (solve_from(photos(1, truth, count=n, scales=scales), start) for n in (12, 400))
        assert few.choice.shares[few.choice.best] == 1
        assert right(few.layers, other) > alone - 0.03
        assert right(many.layers, other) > alone + 0.03

    def test_photos_are_judged_by_heads_that_have_not_seen_their_fold(self, scales):
        """Another class for a photo of a fold changes the heads of the others, and nothing of what judges the fold."""
        train, start = photos(1, direction(0), count=200, scales=scales), two_classes(direction(0), 1 + scales.max())
        changed = train.targets.copy()
        rows = train.folds == 2
        changed[np.flatnonzero(rows)[:4]] ^= 1
        before, after = solve_from(train, start), solve_from(replace(train, targets=changed), start)
        assert before.choice.best == after.choice.best
        ratio = before.choice.out_of_fold[rows] / after.choice.out_of_fold[rows]
        np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-3)
        others = before.choice.out_of_fold[~rows] / after.choice.out_of_fold[~rows]
        assert np.ptp(others) > 0.01


def test_it_is_the_ridge_regression_of_scikit_learn_on_what_the_other_head_leaves():
    train = photos(1, direction(0), scales=ONE)
    start = two_classes(direction(0) + direction(4), 1)
    found = solve_from(train, start)
    penalty, share = found.choice.value, found.choice.shares[found.choice.best]
    assert share > 0
    weights = 1 / (2.0 * np.bincount(train.targets)[train.targets])
    means = train.features.mean(axis=1).astype(np.float64)
    middle = weights @ means
    deviation = np.sqrt(weights @ (means - middle) ** 2 + 0.1**2)
    known = (means - middle) / deviation / np.sqrt(CHANNELS)
    said = (means - middle) @ start[0].astype(np.float64)
    answers = np.eye(2)[train.targets] - 0.5
    factor = (weights @ (answers * said).sum(axis=1)) / (weights @ (said**2).sum(axis=1))
    model = Ridge(alpha=penalty * (weights @ (known**2).sum(axis=1)), fit_intercept=False)
    model.fit(known, answers - share * factor * said, sample_weight=weights)
    expected = model.predict(known) + share * factor * said
    ours = found.layers.logits(train.features, ONE).mean(axis=1)
    np.testing.assert_allclose(ours / np.linalg.norm(ours), expected / np.linalg.norm(expected), atol=1e-4)


class TestReadStart:
    kernels = np.random.default_rng(0).normal(size=(3, 7, 2)).astype(np.float32)

    def written(self, folder, content=None):
        folder.mkdir(exist_ok=True)
        (folder / HEAD_NAME).write_bytes(head_content(NOTE, self.kernels) if content is None else content)
        return folder

    def test_a_head_comes_back_from_its_file_and_its_folder(self, tmp_path):
        folder = self.written(tmp_path / "shipped")
        for place in (folder, folder / HEAD_NAME):
            start = read_start(place)
            assert start.note == NOTE
            np.testing.assert_array_equal(start.kernels, self.kernels)
            assert start.origin.sha256 == sha256((folder / HEAD_NAME).read_bytes())
            assert is_start(place)
        assert not is_start(tmp_path)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param(b"", "of another kind, or damaged", id="empty"),
            pytest.param(b"PK\x03\x04" + bytes(200), "of another kind, or damaged", id="torn"),
            pytest.param(arrays_content({"kernels": kernels}), "of another kind, or damaged", id="no-note"),
            pytest.param(
                arrays_content({"note": np.frombuffer(b"not json", np.uint8), "kernels": kernels}),
                "must be JSON",
                id="note-is-no-json",
            ),
            pytest.param(
                arrays_content({"note": np.frombuffer(b'{"labels": ["a"]}', np.uint8), "kernels": kernels}),
                "missing",
                id="note-lacks-keys",
            ),
            pytest.param(
                arrays_content({"note": np.array([{"a": 1}], object), "kernels": kernels}),
                "of another kind, or damaged",
                id="a-pickle",
            ),
            pytest.param(head_content(NOTE, kernels[:2]), "kernels must be 3 by channels by 2", id="fewer-heads"),
            pytest.param(head_content(NOTE, kernels[:, :, :1]), "kernels must be 3 by", id="fewer-classes"),
            pytest.param(head_content(NOTE, kernels * np.nan), "finite numbers", id="nan"),
        ],
    )
    def test_other_files_are_refused(self, tmp_path, content, message):
        with pytest.raises(RunError, match=message):
            read_start(self.written(tmp_path / "shipped", content))

    def test_a_file_of_any_size_is_not_read(self, tmp_path):
        place = tmp_path / HEAD_NAME
        with place.open("wb") as file:
            file.truncate(MAX_HEAD_BYTES + 1)
        with pytest.raises(RunError, match=f"at most {MAX_HEAD_BYTES} bytes"):
            read_start(place)

    def test_a_model_alone_has_no_head_to_begin_from(self, red_blue_file):
        with pytest.raises(RunError, match="in which it is rounded; name the run"):
            read_start(red_blue_file)

    def test_a_folder_without_a_head_is_refused(self, tmp_path):
        with pytest.raises(RunError, match=r"without float.json or head.npz; name another"):
            read_start(tmp_path)
        with pytest.raises(RunError, match="there is none; check the path"):
            read_start(tmp_path / "nothing")

    def test_a_head_of_another_model_than_the_one_beside_it_is_refused(self, tmp_path, red_blue_file):
        folder = self.written(tmp_path / "shipped")
        (folder / "shipped.tflite").write_bytes(red_blue_file.read_bytes())
        with pytest.raises(EdgekitError, match=r"must be of shipped\.tflite beside it, got other crop plan"):
            read_start(folder)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"labels": ["genuine"]}, "2 to 10000 different labels"),
            ({"labels": ["genuine", "genuine"]}, "2 to 10000 different labels"),
            ({"heads": "many"}, "heads"),
            ({"extra": 1}, "unknown"),
            ({"network": plain(replace(NOTE.network, weights="none"))}, r"published weights \(imagenet\), got 'none'"),
            ({"network": plain(replace(NOTE.network, weights="../a.h5"))}, "published weights"),
        ],
    )
    def test_a_note_is_read_strictly(self, tmp_path, change, message):
        note = np.frombuffer(json.dumps(plain(NOTE) | change).encode(), np.uint8)
        content = arrays_content({"note": note, "kernels": self.kernels})
        with pytest.raises(RunError, match=message):
            read_start(self.written(tmp_path / "shipped", content))


class TestConfigure:
    def start(self, tmp_path):
        (tmp_path / HEAD_NAME).write_bytes(head_content(NOTE, TestReadStart.kernels))
        return read_start(tmp_path)

    def test_it_takes_network_plan_and_heads(self, tmp_path):
        start = self.start(tmp_path)
        config = start.configure(TrainConfig(seed=3), {"seed", "out"})
        assert (config.network, config.plan, config.heads) == (NOTE.network, NOTE.plan, NOTE.heads)
        assert (config.bona_fide, config.seed, config.start) == ("genuine", 3, start.origin)
        assert config.random_crops == 0

    def test_what_is_of_the_training_alone_stays(self, tmp_path):
        asked = TrainConfig(network=NetworkConfig(dropout=0.3))
        start = self.start(tmp_path)
        assert start.configure(asked, {"dropout"}).network == replace(NOTE.network, dropout=0.3)
        assert start.configure(asked, {"seed"}).network == NOTE.network

    @pytest.mark.parametrize(
        ("given", "config"),
        [
            ("backbone", TrainConfig(network=NetworkConfig(backbone="mobilenet_v1"))),
            ("side", TrainConfig(network=NetworkConfig(side_px=96))),
            ("plan", TrainConfig(plan=CropPlan(crops=5))),
            ("crops", TrainConfig(plan=replace(NOTE.plan, crops=10))),
            ("working_px", TrainConfig(plan=replace(NOTE.plan, working_px=720))),
            ("heads", TrainConfig(heads="one")),
        ],
    )
    def test_what_asks_for_something_else_is_refused(self, tmp_path, given, config):
        start = self.start(tmp_path)
        with pytest.raises(RunError, match=f"goes on with its --{given.replace('_', '-')} .*, got .*; leave one of"):
            start.configure(config, {given})

    @pytest.mark.parametrize(
        ("given", "config", "message"),
        [
            ("draws", TrainConfig(draws=3), "got --draws 3; leave one of them out"),
            ("augment", TrainConfig(augment="mild"), "got --augment mild; leave one of them out"),
            ("tune", TrainConfig(tune="all"), "a head for each scale, .* got --tune all; leave that out"),
        ],
    )
    def test_what_nobody_would_take_is_refused(self, tmp_path, given, config, message):
        with pytest.raises(RunError, match=message):
            self.start(tmp_path).configure(config, {given})

    def test_dropout_is_the_users(self, tmp_path):
        config = TrainConfig(network=NetworkConfig(dropout=0.3))
        assert self.start(tmp_path).configure(config, {"dropout"}).network == replace(NOTE.network, dropout=0.3)
        assert self.start(tmp_path).configure(config, set()).network == NOTE.network

    def test_what_asks_for_the_same_is_not(self, tmp_path):
        start = self.start(tmp_path)
        assert start.configure(TrainConfig(plan=replace(NOTE.plan)), {"plan", "crops"}).plan == NOTE.plan


def test_other_classes_are_refused():
    NOTE.check_labels(["recapture", "genuine"])
    with pytest.raises(RunError, match="the model's classes, genuine, recapture, got photos of cat, dog; rename"):
        NOTE.check_labels(["cat", "dog"])
    with pytest.raises(RunError, match="got photos of genuine; rename"):
        NOTE.check_labels(["genuine"])


def test_classes_in_another_order_are_the_same_head():
    kernels = TestReadStart.kernels
    np.testing.assert_array_equal(with_labels(kernels, ("a", "b"), ("b", "a")), kernels[:, :, ::-1])


def test_a_run_that_lost_what_it_began_from_says_so(tmp_path):
    with pytest.raises(RunError, match="must be the head that the run began from"):
        kept_kernels(RunFolder(root=tmp_path), TrainConfig(start=StartedFrom(place="a", sha256="0" * 64)), 2)
    assert kept_kernels(RunFolder(root=tmp_path), TrainConfig(), 2) is None


def test_an_origin_is_part_of_a_record():
    origin = StartedFrom(place="recapture", sha256="0" * 64)
    assert plain(TrainConfig(start=origin))["start"] == {"place": "recapture", "sha256": "0" * 64}
