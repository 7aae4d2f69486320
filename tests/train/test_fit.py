from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import EdgekitError, RunError
from edgekit.metrics.reliability import balanced_log_loss
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256, from_plain, read_json
from edgekit.train import fit as fit_module
from edgekit.train import last_epoch
from edgekit.train.fit import FitFiles, FitState, fit, validation_scores
from edgekit.train.keras2 import keras
from edgekit.train.network import load_weights
from edgekit.train.options import FitConfig

pytestmark = pytest.mark.host

CONFIG = {"epochs": 2, "batch_size": 8, "learning_rate": 0.05, "crops_per_photo": 1, "patience": 10}


# Ways of fitting, each with other things that a call that was stopped must find again.
WAYS = {
    "usual": {},
    "averaged": {"optimizer": "rmsprop", "ema": 0.9, "head_rate": 10.0, "learning_rate": 0.01},
    "cosine": {"optimizer": "sgd", "schedule": "cosine", "warmup_epochs": 2, "label_smoothing": 0.1},
    "averaged-cosine": {"schedule": "cosine", "ema": 0.9},
}


class Points:
    """Two classes of points on a line; from pass ``spoil_from`` on, validation looks ever worse."""

    steps = 4
    validation_targets = np.array([0, 0, 1, 1])
    label_shares = None

    def __init__(self, *, spoil_from=None, broken=False):
        self.spoil_from, self.broken = spoil_from, broken
        self.passes, self.drawn = 0, []

    def epoch(self, rng):
        self.drawn.append(rng.random())
        for _ in range(self.steps):
            targets = rng.integers(0, 2, 8)
            points = (2 * targets - 1 + rng.normal(0, 0.1, 8))[:, np.newaxis].astype(np.float32)
            answers = np.eye(2, dtype=np.float32)[targets]
            yield (points * np.nan if self.broken else points), answers, np.ones(8, np.float32)

    def validation(self, photo):
        self.passes += photo == 0
        worse = self.spoil_from is not None and self.passes > self.spoil_from
        side = 2.0 * self.validation_targets[photo] - 1
        return np.full((3, 1), -side * self.passes if worse else side, np.float32)


class Killed(BaseException):
    """Stands for SIGKILL: nothing that would clean up runs any more."""


class CtrlC(Progress):
    """Ctrl-C at the first step of an epoch, counted over the call."""

    def __init__(self, epoch):
        self.steps_left = epoch * Points.steps

    def advance(self, steps=1, *, note=""):
        if self.steps_left == 0:
            raise KeyboardInterrupt
        self.steps_left -= steps


@pytest.fixture
def files(tmp_path):
    return FitFiles(weights=tmp_path / "w.h5", state=tmp_path / "state.json", last=tmp_path / "last.npz")


def network():
    keras.utils.set_random_seed(0)
    point = keras.Input((1,), name="point")
    return keras.Model(point, keras.layers.Dense(2, name="head_dense")(point))


def run(feed, files, model=None, *, progress=SILENT, **options):
    return fit(model or network(), feed, FitConfig(**CONFIG | options), files, seed=1, progress=progress)


def test_the_best_weights_are_in_the_network_and_on_disk(files):
    model, feed = network(), Points()
    before = balanced_log_loss(validation_scores(model, feed), feed.validation_targets)
    state = run(feed, files, model)
    loss = balanced_log_loss(validation_scores(model, feed), feed.validation_targets)
    assert loss == pytest.approx(state.best_loss)
    assert loss < before
    other = network()
    load_weights(other, files.weights, what="it")
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


def test_the_state_tells_each_epoch_and_is_kept(files):
    state = run(Points(), files)
    assert (state.epochs_done, state.planned_epochs, state.finished) == (2, 2, True)
    assert set(state.history) == {"loss", "val_loss", "val_balanced_accuracy", "learning_rate"}
    assert all(len(values) == 2 for values in state.history.values())
    assert state.best_loss == min(state.history["val_loss"])
    assert from_plain(FitState, read_json(files.state), where="state") == state == files.read_state()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_of_fitting_learns(files, way):
    model, feed = network(), Points()
    before = balanced_log_loss(validation_scores(model, feed), feed.validation_targets)
    assert run(feed, files, model, epochs=4, **way).best_loss < before


def test_the_average_is_what_is_validated_and_kept(files):
    """By hand: each step's weights, averaged as the docstring of FitConfig has it."""
    model, seen = network(), []

    class Steps(Progress):
        def advance(self, steps=1, *, note=""):
            seen.append([weight.copy() for weight in model.get_weights()])

    start = model.get_weights()
    run(Points(), files, model, progress=Steps(), epochs=1, ema=0.5)
    average = start
    for step, weights in enumerate(seen, start=1):
        kept = min(0.5, (1 + step) / (10 + step))
        average = [kept * one + (1 - kept) * now for one, now in zip(average, weights, strict=True)]
    for one, expected in zip(model.get_weights(), average, strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-5)
    assert not np.allclose(seen[-1][0], average[0])


def test_worse_epochs_are_not_kept(files):
    model = network()
    state = run(Points(spoil_from=2), files, model, epochs=4)
    assert (state.best_epoch, state.epochs_done) == (1, 4)
    assert state.history["val_loss"][3] > state.best_loss
    loss = balanced_log_loss(validation_scores(model, Points()), Points.validation_targets)
    assert loss == pytest.approx(state.best_loss)


class TestGoingOn:
    def test_epochs_add_up_and_draw_what_one_go_draws(self, files, tmp_path):
        whole, first, second = Points(), Points(), Points()
        run(whole, FitFiles(weights=tmp_path / "x.h5", state=tmp_path / "x.json", last=tmp_path / "x.npz"), epochs=4)
        run(first, files, epochs=2)
        state = run(second, files, epochs=4)
        # Keras draws ahead of its steps, into epochs that never come.
        assert (first.drawn[:2] + second.drawn[:2]) == whole.drawn[:4]
        assert (state.epochs_done, len(state.history["loss"])) == (4, 4)

    def test_the_best_so_far_is_the_one_to_beat(self, files):
        before = run(Points(), files)
        weights = files.weights.read_bytes()
        after = run(Points(spoil_from=0), files, epochs=4)
        assert (after.best_loss, after.best_epoch) == (before.best_loss, before.best_epoch)
        assert files.weights.read_bytes() == weights

    def test_a_finished_loop_is_left_alone(self, files):
        before, feed = run(Points(), files), Points()
        assert run(feed, files) == before
        assert feed.drawn == []

    def test_early_stopping_stays_unless_more_is_asked_for(self, files):
        stopped = run(Points(spoil_from=1), files, epochs=10, patience=2)
        assert (stopped.epochs_done, stopped.planned_epochs, stopped.finished) == (3, 10, True)
        assert run(Points(), files, epochs=10, patience=2) == stopped
        assert run(Points(), files, epochs=11, patience=2).epochs_done > 3

    def test_a_plateau_halves_the_learning_rate_and_that_is_kept(self, files):
        first = run(Points(spoil_from=0), files, epochs=2, patience=3)
        assert first.learning_rate == pytest.approx(0.025)
        assert run(Points(), files, epochs=3).history["learning_rate"][2] == pytest.approx(0.025)

    def test_a_plateau_lowers_the_rate_as_it_is_told_to(self, files):
        state = run(Points(spoil_from=0), files, epochs=6, patience=3, plateau_factor=0.1, least_rate=0.001)
        assert state.history["learning_rate"] == pytest.approx((0.05, 0.05, 0.005, 0.001))

    def test_another_learning_rate_at_the_start_is_refused(self, files):
        files = replace(files, first_rate=0.05)
        run(Points(spoil_from=0), files, patience=3)
        assert files.read_state().learning_rate == pytest.approx(0.025)
        with pytest.raises(RunError, match=r"which began with 0\.05, got 0\.01; give --learning-rate 0\.05, or use"):
            run(Points(), replace(files, first_rate=0.01), epochs=3, learning_rate=0.01)
        assert run(Points(), files, epochs=3).epochs_done == 3

    def test_weights_of_another_network_are_refused(self, files):
        run(Points(), files)
        point = keras.Input((1,))
        wider = keras.Model(point, keras.layers.Dense(3)(point))
        with pytest.raises(RunError, match=r"w\.h5 must hold weights for the network that goes on"):
            run(Points(), files, wider, epochs=4)


class TestKilled:
    """Whenever a loop is killed, what ends equals a loop that nobody disturbed, to the byte."""

    @pytest.fixture
    def whole(self, tmp_path, way):
        files = FitFiles(weights=tmp_path / "x.h5", state=tmp_path / "x.json", last=tmp_path / "x.npz")
        # Early stopping and a lower rate are part of it.
        state = run(Points(spoil_from=3), files, epochs=9, patience=3, **way)
        assert (state.epochs_done, len(set(state.history["learning_rate"])) > 2) == (6, True)
        return files

    @pytest.mark.parametrize(
        ("way", "epoch"),
        [
            pytest.param(way, epoch, id=f"{name}-{epoch}")
            for name, way in WAYS.items()
            for epoch in (range(1, 7) if name == "usual" else (1, 3, 5))
        ],
    )
    @pytest.mark.parametrize("write", ["last", "state", "weights"])
    def test_after_any_write_of_any_epoch(self, files, whole, way, monkeypatch, epoch, write):
        place, left = getattr(files, write), [epoch]

        def watched(module, name):
            original = getattr(module, name)

            def writes(path, *rest):
                original(path, *rest)
                if path == place and files.last.exists():
                    left[0] -= 1
                    if left[0] == 0:
                        raise Killed

            monkeypatch.setattr(module, name, writes)

        watched(last_epoch, "write_arrays")
        watched(fit_module, "write_json")
        watched(fit_module, "write_atomic")
        feed = Points(spoil_from=3)
        try:
            run(feed, files, epochs=9, patience=3, **way)
        except Killed:
            done = feed.passes
            left[0] = 0
            feed = Points(spoil_from=3)
            feed.passes = done
            run(feed, files, epochs=9, patience=3, **way)
        assert files.weights.read_bytes() == whole.weights.read_bytes()
        assert read_json(files.state) == read_json(whole.state)
        assert not files.last.exists()

    def test_a_damaged_epoch_is_refused_with_what_to_do(self, files):
        run(Points(), files, progress=CtrlC(1), epochs=5)
        files.last.write_bytes(files.last.read_bytes()[:-40])
        with pytest.raises(RunError, match=r"last\.npz must hold the last epoch.*damaged; delete it to go on"):
            run(Points(), files, epochs=5)
        files.last.unlink()
        assert run(Points(), files, epochs=5).epochs_done == 5

    def test_an_epoch_from_elsewhere_is_refused(self, files, tmp_path):
        run(Points(), files, progress=CtrlC(1), epochs=5)
        other = FitFiles(weights=tmp_path / "x.h5", state=tmp_path / "x.json", last=tmp_path / "x.npz")
        run(Points(), other, progress=CtrlC(3), epochs=5)
        files.last.write_bytes(other.last.read_bytes())
        with pytest.raises(RunError, match=r"must be the epoch after those that state\.json tells of, 1, got epoch 3"):
            run(Points(), files, epochs=5)


class TestInterrupt:
    def test_a_loop_that_was_stopped_at_what_is_now_its_last_epoch_ends(self, files):
        stopped, feed = run(Points(), files, progress=CtrlC(2), epochs=5), Points()
        assert (stopped.epochs_done, stopped.finished) == (2, False)
        state = run(feed, files, epochs=2)
        assert (state.epochs_done, state.planned_epochs, state.finished) == (2, 2, True)
        assert feed.drawn == []
        assert files.read_state() == state
        assert run(Points(), files, epochs=3).epochs_done == 3

    def test_a_loop_that_was_killed_after_its_last_epoch_ends(self, files):
        whole, feed = run(Points(), files), Points()
        files.write_state(replace(whole, finished=False, planned_epochs=0))
        assert run(feed, files) == whole
        assert feed.drawn == []

    def test_ctrl_c_keeps_what_was_done(self, files):
        model = network()
        state = run(Points(), files, model, progress=CtrlC(1), epochs=5)
        assert (state.epochs_done, state.finished) == (1, False)
        assert files.read_state() == state
        resumed = run(Points(), files, epochs=3)
        assert (resumed.epochs_done, resumed.finished, len(resumed.history["loss"])) == (3, True, 3)

    def test_ctrl_c_before_the_first_epoch_ended_is_passed_on(self, files):
        with pytest.raises(KeyboardInterrupt):
            run(Points(), files, progress=CtrlC(0))
        assert not files.weights.exists()
        assert files.read_state() is None

    def test_ctrl_c_in_a_finished_loop_that_went_on(self, files):
        run(Points(), files)
        state = run(Points(), files, progress=CtrlC(0), epochs=4)
        assert (state.epochs_done, state.finished) == (2, False)


def test_scores_that_are_not_finite_stop_it(files):
    with pytest.raises(RunError, match=r"training diverged: logits must be finite.*lower the learning rate"):
        run(Points(broken=True), files)
    assert not files.weights.exists()


def test_a_full_disk_keeps_the_last_good_state(files, full_disk):
    before = run(Points(), files)
    with full_disk(), pytest.raises(EdgekitError, match="No space left on device"):
        run(Points(), files, epochs=4)
    assert files.read_state() == before
    assert {path.name for path in files.state.parent.iterdir()} == {"w.h5", "state.json"}


class TestWhoseWeights:
    """A state goes on with the very weights that it tells of."""

    def test_weights_of_another_run_are_refused(self, files, tmp_path):
        run(Points(), files)
        other = FitFiles(weights=tmp_path / "x.h5", state=tmp_path / "x.json", last=tmp_path / "x.npz")
        run(Points(), other, epochs=1)
        before = files.weights.read_bytes()
        files.weights.write_bytes(other.weights.read_bytes())
        with pytest.raises(RunError, match=r"w\.h5 must be the weights that state\.json tells of, .* got others"):
            run(Points(), files, epochs=4)
        files.weights.write_bytes(before)
        assert run(Points(), files, epochs=4).epochs_done == 4

    @pytest.mark.parametrize("step", [1, 2])
    def test_a_call_that_is_killed_between_weights_and_state_goes_on(self, files, monkeypatch, step):
        """Each improved epoch writes what is coming, the weights, and the state that they are of."""
        run(Points(), files, epochs=1)
        left = [step]
        real = fit_module.write_json, fit_module.write_atomic

        def dying(write):
            def run_or_die(*arguments):
                if not left[0]:
                    raise Killed
                left[0] -= 1
                write(*arguments)

            return run_or_die

        before = files.weights.read_bytes()
        with monkeypatch.context() as patched:
            patched.setattr(fit_module, "write_json", dying(real[0]))
            patched.setattr(fit_module, "write_atomic", dying(real[1]))
            with pytest.raises(Killed):
                run(Points(), files, epochs=3)
        assert (files.weights.read_bytes() == before) == (step == 1)
        state = run(Points(), files, epochs=3)
        assert (state.epochs_done, state.coming_sha256) == (3, None)
        assert state.weights_sha256 == file_sha256(files.weights)

    def test_a_qat_stage_goes_on_from_the_float_weights_that_it_began_with(self, files):
        run(Points(), replace(files, float_sha256="a" * 64), epochs=1)
        with pytest.raises(RunError, match="began with other float weights, aaaaaaaaaaaa, than the run has now, bbbbb"):
            run(Points(), replace(files, float_sha256="b" * 64), epochs=2)
