from dataclasses import replace
from importlib import metadata

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit import __version__
from edgekit.augment.options import PRESETS
from edgekit.contract import CropPlan
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.data.options import SplitConfig
from edgekit.data.splits import Split, split_dataset
from edgekit.errors import EdgekitError, RunError
from edgekit.locks import LOCK_NAME
from edgekit.metrics.reliability import balanced_log_loss
from edgekit.progress import SILENT
from edgekit.quantize.options import CalibrationFolder
from edgekit.quantize.qat import load_stage, qat
from edgekit.records import file_sha256, from_plain, plain, read_json, write_json
from edgekit.runtime.voting import softmax
from edgekit.scoring.source import crop_source, cut_photo, normalise
from edgekit.train.finetune import TrainingRun, crop_feed, finetune, part_source, versions
from edgekit.train.fit import validation_scores
from edgekit.train.keras2 import keras
from edgekit.train.network import build_network, heads_of, pooled_features
from edgekit.train.options import NetworkConfig, TrainConfig
from edgekit.train.photo_heads import MAX_SOLVED_PHOTOS
from edgekit.train.record import RunFolder, TrainRecord
from edgekit.train.resume import RunOptions
from edgekit.train.start_from import HEAD_NAME, SHARES, HeadNote, head_content, read_start

pytestmark = [pytest.mark.host, pytest.mark.slow]

RESUME = RunOptions(resume=True)


def longer(config, epochs):
    return replace(config, whole=replace(config.whole, epochs=epochs))


class TestFrom:
    """Runs that begin from a model."""

    def test_a_run_goes_on_with_the_network_and_the_head_of_another(self, small_run, small_config, dataset, tmp_path):
        start, folder = read_start(small_run.root), RunFolder(root=tmp_path / "run")
        config = start.configure(replace(small_config, tune="head", plan=CropPlan(), seed=1), {"seed"})
        record = finetune(dataset, folder, config)
        assert record.config.start == start.origin
        assert record.config.plan == small_config.plan
        assert set(record.history["share"]) == set(SHARES)
        before, after = load_stage(small_run, small_run.read("float"), "float"), load_stage(folder, record, "float")
        for one, other in zip(before.layers, after.layers, strict=True):
            if not one.name.startswith("head_"):
                for weight, same in zip(one.get_weights(), other.get_weights(), strict=True):
                    np.testing.assert_array_equal(weight, same)
        # Its later stages need nothing of where it began.
        run = TrainingRun(dataset=dataset, split=record.split, config=record.config, folder=folder, options=RESUME)
        np.testing.assert_array_equal(run.start, heads_of(before))

    def test_it_begins_from_a_head_alone(self, dataset, tmp_path):
        note = HeadNote(
            labels=("recapture", "genuine"),
            network=NetworkConfig(backbone="efficientnet_lite0", side_px=32, features="texture"),
            plan=CropPlan(lead=("full",), cycle=("native",), crops=3),
            heads="scales",
            bona_fide="genuine",
        )
        network = build_network(note.network, 2, 2)
        channels = pooled_features(network).output_shape[1]
        kernels = np.random.default_rng(0).normal(size=(2, channels, 2)).astype(np.float32)
        (tmp_path / HEAD_NAME).write_bytes(head_content(note, kernels))
        start, folder = read_start(tmp_path / HEAD_NAME), RunFolder(root=tmp_path / "run")
        record = finetune(dataset, folder, start.configure(TrainConfig(), set()))
        assert record.config.head_scales == ("full", "native")
        assert set(record.history) == {"val_loss", "penalty", "share", "val_balanced_accuracy"}
        run = TrainingRun(dataset=dataset, split=record.split, config=record.config, folder=folder, options=RESUME)
        # The photos' classes are in order.
        np.testing.assert_array_equal(run.start, kernels[:, :, ::-1])

    def test_a_head_for_other_features_is_refused_before_the_folder_is_made(self, dataset, tmp_path):
        note = HeadNote(
            labels=dataset.labels,
            network=NetworkConfig(backbone="efficientnet_lite0", side_px=32, features="texture"),
            plan=CropPlan(crops=3),
            heads="one",
            bona_fide="genuine",
        )
        (tmp_path / HEAD_NAME).write_bytes(head_content(note, np.zeros((1, 7, 2), np.float32)))
        config = read_start(tmp_path / HEAD_NAME).configure(TrainConfig(), set())
        with pytest.raises(RunError, match="features of its network, got 7; use another file"):
            finetune(dataset, RunFolder(root=tmp_path / "run"), config)
        assert not (tmp_path / "run" / "float.json").exists()

    def test_what_has_changed_since_is_refused(self, small_run, small_config, dataset, tmp_path):
        start = read_start(small_run.root)
        config = start.configure(replace(small_config, tune="head"), set())
        config = replace(config, start=replace(start.origin, sha256="0" * 64))
        with pytest.raises(RunError, match="has changed; begin it again"):
            finetune(dataset, RunFolder(root=tmp_path / "run"), config)


class TestFinetune:
    def test_weights_and_record_lie_in_the_folder(self, small_run, small_config, dataset):
        record = small_run.read("float")
        assert record.config == small_config
        assert (record.labels, record.data_sha256) == (("genuine", "recapture"), dataset.sha256)
        assert (record.stage, record.interrupted, record.skipped_photos) == ("float", False, 0)
        assert record.weights_sha256 == file_sha256(small_run.weights("float"))
        assert record.seconds > 0
        assert {"edgekit", "tensorflow", "numpy"} <= set(record.versions)
        assert not [path for path in small_run.root.iterdir() if path.name.startswith(".") and path.name != LOCK_NAME]

    def test_heads_for_scales_refuse_more_photos_than_they_can_be_solved_on(self, tmp_path):
        """The solver is photos by photos: it is said before a photo is read, so none of these needs to exist."""
        paths = [f"{number:05d}.png" for number in range(MAX_SOLVED_PHOTOS + 1)]
        samples = tuple(Sample(path=path, label="ab"[int(path[4]) % 2]) for path in paths)
        many = Dataset(root=tmp_path / "photos", samples=samples, labels=("a", "b"), bad=(), sha256="0" * 64)
        split = Split(train=tuple(paths), val=(), test=(), method="random")
        with pytest.raises(RunError, match=r"on at most 10,000 training photos, got 10,001; use --heads one"):
            finetune(many, RunFolder(root=tmp_path / "run"), TrainConfig(heads="scales"), split=split)
        assert not (tmp_path / "run").exists()

    def test_it_needs_no_distribution_of_the_imports_name(self, monkeypatch):
        """That one is somebody else's, where it is installed at all."""
        version = metadata.version

        def without(name):
            if name == "edgekit":
                raise metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(metadata, "version", without)
        assert versions()["edgekit"] == __version__

    def test_the_record_is_strict(self, small_run):
        raw = read_json(small_run.record("float"))
        record = from_plain(TrainRecord, raw, where="record")
        assert plain(record) == raw
        with pytest.raises(RunError, match=r"record: config must have the keys .* unknown \['colour'\]"):
            from_plain(TrainRecord, raw | {"config": raw["config"] | {"colour": 1}}, where="record")

    def test_the_split_is_that_of_the_data_and_parts_no_group(self, small_run, small_config, dataset):
        split = small_run.read("float").split
        assert split == split_dataset(dataset, small_config.split)
        groups = [{sample.group for sample in split.samples(dataset, part)} for part in ("train", "val", "test")]
        assert sum(map(len, groups)) == len(set.union(*groups)) == 6

    def test_the_best_epoch_is_what_was_kept(self, small_run, dataset):
        record = small_run.read("float")
        assert {len(values) for values in record.history.values()} == {2}
        assert record.best_epoch == int(np.argmin(record.history["val_loss"]))
        feed = crop_feed(dataset, record.split, record.config, record.config.whole, progress=SILENT)
        loss = balanced_log_loss(
            validation_scores(load_stage(small_run, record, "float"), feed), feed.validation_targets
        )
        assert loss == pytest.approx(min(record.history["val_loss"]), rel=1e-3)

    def test_the_texture_is_learnt(self, small_run):
        record = small_run.read("float")
        assert record.history["val_balanced_accuracy"][record.best_epoch] > 0.9

    def test_a_solved_head_tells_what_it_chose_from(self, mobile_run):
        history = mobile_run.read("float").history
        assert mobile_run.read("float").tried == "penalty"
        assert set(history) == {"val_loss", "penalty", "val_balanced_accuracy"}
        assert mobile_run.read("float").best_epoch == int(np.argmin(history["val_loss"]))

    def test_a_solved_head_is_in_the_weights(self, mobile_run, dataset):
        record = mobile_run.read("float")
        network = load_stage(mobile_run, record, "float")
        source = part_source(dataset, record.split, record.config, "train")
        crops = np.stack([cut_photo(path, source, count=3) for path in source.paths])
        logits = network.predict_on_batch(normalise(crops.reshape(-1, 32, 32, 3))).reshape(len(crops), 3, 2)
        # The head was solved on features from TFLite's float kernels.
        np.testing.assert_allclose(mobile_run.out_of_fold(record).final, logits, atol=0.01 * np.abs(logits).max())

    def test_all_photos_but_the_test_photos_train_a_head(self, mobile_run, dataset, mobile_config):
        record = mobile_run.read("float")
        assert (record.split.val, record.folds) == ((), 5)
        assert record.split.test == split_dataset(dataset, mobile_config.split, holds_out_val=False).test
        assert set(record.split.train) == {one.path for one in dataset.samples} - set(record.split.test)
        assert record.folds_sha256 == file_sha256(mobile_run.folds("float"))

    def test_out_of_fold_scores_are_those_of_the_history(self, mobile_run, dataset):
        """Of the very photos, each by a head that has not seen its author."""
        for stage in ("float", "qat"):
            record = mobile_run.read(stage)
            targets = part_source(dataset, record.split, record.config, "train").targets
            voted = mobile_run.out_of_fold(record).unseen.mean(axis=1, dtype=np.float64)
            assert balanced_log_loss(softmax(voted), targets) == pytest.approx(
                min(record.history["val_loss"]), rel=1e-3
            )

    def test_without_a_test_part_all_photos_train(self, mobile_run, mobile_config, dataset, tmp_path):
        config = replace(mobile_config, split=SplitConfig(test_fraction=0))
        cache = RunOptions(cache=mobile_run.root / "features")
        record = finetune(dataset, RunFolder(root=tmp_path / "run"), config, options=cache)
        assert (record.split.test, len(record.split.train)) == ((), len(dataset.samples))
        assert [(one.part, one.photos) for one in record.counts] == [("train", 72), ("val", 0), ("test", 0)]

    def test_features_are_those_of_the_network(self, mobile_run, dataset):
        """What the head is solved on is what the network computes."""
        record = mobile_run.read("float")
        network = load_stage(mobile_run, record, "float")
        sample = record.split.samples(dataset, "train")[0]
        source = crop_source(dataset, [sample], record.config.plan, record.config.network.side_px)
        crops = normalise(cut_photo(source.paths[0], source, count=3))
        expected = pooled_features(network).predict_on_batch(crops)
        kept = [
            np.load(path)["crops"][:3]
            for path in mobile_run.root.glob(f"features/*/{file_sha256(source.paths[0])}.npz")
        ]
        # The float stage kept its features and the qat stage its own, which int8 rounded.
        exact, rounded = sorted(np.abs(features - expected).max() for features in kept)
        assert exact < 1e-3
        assert exact < rounded < 1


class TestLastBlocks:
    def test_they_alone_are_trained_and_tuned_for_int8(self, small_config, dataset, tmp_path):
        way = {"optimizer": "rmsprop", "schedule": "cosine", "ema": 0.5, "mixup": 0.2, "head_rate": 2.0}
        whole = replace(small_config.whole, label_smoothing=0.1, **way)
        config, folder = replace(small_config, tune="last:1", whole=whole, weigh="groups"), RunFolder(root=tmp_path)
        record = finetune(dataset, folder, config)
        keras.utils.set_random_seed(config.seed)
        before, after = build_network(config.network, 2), load_stage(folder, record, "float")
        changed = [
            layer.name
            for layer, one in zip(before.layers, after.layers, strict=True)
            if not all(map(np.array_equal, layer.get_weights(), one.get_weights()))
        ]
        assert changed == ["conv_4", "head_mean_relu_4", "head_max_relu_4"]
        tuned = qat(dataset, folder, small_config.whole, calibration=CalibrationFolder(crops=50))
        twin = load_stage(folder, tuned, "qat")
        # Kernels, and the biases of heads.
        assert len(twin.trainable_weights) == 5
        assert tuned.config.tune == "last:1"

    def test_groups_cannot_weigh_the_same_where_there_are_none(self, small_config, dataset, tmp_path):
        alone = replace(dataset, samples=tuple(replace(sample, group="") for sample in dataset.samples))
        with pytest.raises(RunError, match="--weigh groups needs photos with groups, got none; use --group-by"):
            finetune(alone, RunFolder(root=tmp_path / "run"), replace(small_config, weigh="groups"))


class TestFolderInUse:
    def test_it_is_refused(self, run_copy, dataset, small_config):
        folder = run_copy("float")
        before = folder.weights("float").read_bytes()
        with pytest.raises(RunError, match=r"already holds a float run .*; use --resume to go on or --overwrite"):
            finetune(dataset, folder, small_config)
        assert folder.weights("float").read_bytes() == before

    def test_overwriting_starts_again_and_drops_the_qat_stage(self, run_copy, dataset, small_config):
        folder = run_copy("float", "qat")
        record = finetune(dataset, folder, longer(small_config, 1), options=RunOptions(overwrite=True))
        assert len(record.history["loss"]) == 1
        assert {path.name for path in folder.root.iterdir() if path.name != LOCK_NAME} == {
            "float.h5",
            "float.json",
            "float.state.json",
        }

    def test_overwriting_that_is_stopped_loses_nothing(self, run_copy, dataset, small_config):
        class Stop:
            """Ctrl-C in the first epoch."""

            def begin(self, what, total):
                self.what = what

            def advance(self, steps=1, *, note=""):
                if self.what == "fitting":
                    raise KeyboardInterrupt

            def say(self, line):
                pass

        folder = run_copy("float", "qat")
        before = {
            path.name: path.read_bytes() for path in folder.root.iterdir() if path.is_file() and path.name != LOCK_NAME
        }
        with pytest.raises(KeyboardInterrupt):
            finetune(dataset, folder, small_config, options=RunOptions(overwrite=True), progress=Stop())
        assert {
            path.name: path.read_bytes() for path in folder.root.iterdir() if path.is_file() and path.name != LOCK_NAME
        } == before

    def test_overwriting_that_was_killed_is_undone_by_the_next_call(self, run_copy, dataset, small_config, progress):
        folder = run_copy("float", "qat")
        before = {path.name: path.read_bytes() for path in folder.root.iterdir() if path.name != LOCK_NAME}
        for path in [one for one in folder.root.iterdir() if one.name != LOCK_NAME]:
            path.replace(path.with_name(f".{path.name}.old"))
        folder.weights("float").write_bytes(b"half a run")
        with pytest.raises(RunError, match="already holds a float run"):
            finetune(dataset, folder, small_config, progress=progress)
        assert {path.name: path.read_bytes() for path in folder.root.iterdir() if path.name != LOCK_NAME} == before
        assert progress.lines == [
            f"{folder.root}: an earlier --overwrite was killed; the float stage it was to replace is back"
        ]

    def test_resuming_adds_epochs_and_keeps_the_best(self, run_copy, dataset, small_config):
        folder = run_copy("float")
        before = folder.read("float")
        record = finetune(dataset, folder, longer(small_config, 3), options=RESUME)
        assert len(record.history["val_loss"]) == 3
        assert record.history["val_loss"][:2] == before.history["val_loss"]
        assert record.best_epoch == int(np.argmin(record.history["val_loss"]))

    def test_resuming_a_finished_run_trains_no_more(self, run_copy, dataset, small_config):
        folder = run_copy("float")
        before = folder.read("float")
        record = finetune(dataset, folder, replace(small_config, heads="auto"), options=RESUME)
        assert (record.history, record.config.heads) == (before.history, "one")

    def test_a_solved_run_of_heads_for_scales_is_not_gone_on_with_by_epochs(self, run_copy, dataset, small_config):
        folder, plan = run_copy("float"), CropPlan(lead=("full",), cycle=("native",), crops=3)
        before = folder.read("float")
        solved = replace(small_config, tune="head", heads="scales", plan=plan)
        write_json(folder.record("float"), replace(before, config=solved))
        asked = replace(small_config, heads="auto", plan=plan)
        with pytest.raises(RunError, match="--resume goes on with the same tuning, 'head', got 'all'; name another"):
            finetune(dataset, folder, asked, options=RESUME)

    @pytest.mark.parametrize(
        ("edit", "what"),
        [
            pytest.param({"split": SplitConfig(seed=5)}, "split", id="another-split"),
            pytest.param({"network": {"side_px": 64}}, "network", id="another-network"),
            pytest.param({"plan": {"crops": 4}}, "crop plan", id="more-crops"),
            pytest.param({"plan": {"working_px": 720}}, "crop plan", id="another-working-size"),
            pytest.param({"bona_fide": ""}, "bona fide label", id="no-bona-fide"),
            pytest.param({"seed": 1}, "seed", id="another-seed"),
            pytest.param({"tune": "last:2"}, "tuning", id="other-blocks"),
            pytest.param({"network": {"dropout": 0.5}}, "network", id="another-dropout"),
        ],
    )
    def test_resuming_as_something_else_is_refused(self, run_copy, dataset, small_config, edit, what):
        edit = {
            name: replace(getattr(small_config, name), **value) if isinstance(value, dict) else value
            for name, value in edit.items()
        }
        folder = run_copy("float", "qat")
        before = {path: path.read_bytes() for path in folder.root.iterdir() if path.name != LOCK_NAME}
        with pytest.raises(RunError, match=f"--resume goes on with the same {what}"):
            finetune(dataset, folder, replace(small_config, **edit), options=RESUME)
        assert {path: path.read_bytes() for path in folder.root.iterdir() if path.name != LOCK_NAME} == before

    def test_going_on_keeps_what_the_choice_of_layers_rests_on(self, run_copy, dataset, small_config):
        folder = run_copy("float")
        tried = {"content": 0.75, "texture": 0.5}
        write_json(folder.record("float"), replace(folder.read("float"), features_tried=tried))
        assert finetune(dataset, folder, small_config, options=RESUME).features_tried == tried

    def test_a_killed_run_goes_on_only_as_it_began(self, run_copy, dataset, small_config):
        folder = run_copy("float")
        folder.record("float").unlink()
        averaged = replace(small_config, whole=replace(small_config.whole, ema=0.9))
        last = replace(small_config, tune="last:1")
        for other in (
            *(replace(small_config, split=SplitConfig(seed=5)), replace(small_config, seed=1)),
            *(averaged, last, replace(small_config, weigh="groups")),
        ):
            with pytest.raises(RunError, match="was written for other photos, crops, network, way of fitting or seed"):
                finetune(dataset, folder, other, options=RESUME)
        whole = replace(small_config.whole, learning_rate=1e-5)
        with pytest.raises(RunError, match=r"which began with 0\.003, got 1e-05; give --learning-rate 0\.003"):
            finetune(dataset, folder, replace(small_config, whole=whole), options=RESUME)
        assert finetune(dataset, folder, small_config, options=RESUME).history["val_loss"]

    def test_resuming_on_other_photos_is_refused(self, run_copy, dataset, small_config):
        with pytest.raises(RunError, match="--resume goes on with the same photos"):
            finetune(replace(dataset, sha256="0" * 64), run_copy("float"), small_config, options=RESUME)


def test_the_same_seed_trains_on_the_same_crops(dataset, small_config, small_run, tmp_path):
    """Sums of floats differ from run to run by their order, so weights are close, not equal."""
    record = finetune(dataset, RunFolder(root=tmp_path / "again"), longer(small_config, 1))
    assert record.history["loss"][0] == pytest.approx(small_run.read("float").history["loss"][0], rel=0.02)


def test_a_full_disk_leaves_nothing_half_written(dataset, small_config, tmp_path, full_disk):
    folder = RunFolder(root=tmp_path / "run")
    with full_disk(after=1), pytest.raises(EdgekitError, match="No space left on device"):
        finetune(dataset, folder, longer(small_config, 1))
    # The epoch was written whole, the weights not at all.
    assert [path.name for path in folder.root.iterdir() if path.name != LOCK_NAME] == ["float.last-epoch.npz"]


def test_a_shared_cache_serves_a_second_run(dataset, mobile_run, mobile_config, tmp_path):
    cache = tmp_path / "cache"
    finetune(dataset, RunFolder(root=tmp_path / "first"), mobile_config, options=RunOptions(cache=cache))
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*.npz")}
    assert len(kept) == len(mobile_run.read("float").split.train)
    finetune(dataset, RunFolder(root=tmp_path / "run"), mobile_config, options=RunOptions(cache=cache))
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.npz")} == kept
    assert not (tmp_path / "run" / "features").exists()


def test_features_among_the_photos_are_refused(dataset, mobile_config, tmp_path):
    options = RunOptions(cache=dataset.root / "genuine")
    with pytest.raises(RunError, match="a cache of features must lie outside the photos' folder"):
        finetune(dataset, RunFolder(root=tmp_path / "run"), mobile_config, options=options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", list(PRESETS))
def test_only_training_photos_are_varied(dataset, name):
    split, parts = split_dataset(dataset, SplitConfig()), ("train", "val", "test")
    varied = [part_source(dataset, split, TrainConfig(augment=name), part).augmentation for part in parts]
    assert varied == [PRESETS[name], None, None]
    assert [part_source(dataset, split, TrainConfig(), part).augmentation for part in parts] == [None] * 3
