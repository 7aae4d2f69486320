"""One training loop for whole networks and quantization-aware training: callbacks, votes, resuming."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.arrays import Float32Array, Float64Array
from edgekit.errors import RunError
from edgekit.progress import Progress
from edgekit.records import file_sha256, from_plain, plain, read_json, sha256, write_atomic, write_json
from edgekit.train.answers import vote_logits, votes_accuracy, votes_loss
from edgekit.train.average import Average
from edgekit.train.feed import CropFeed
from edgekit.train.keras2 import keras
from edgekit.train.last_epoch import LastEpoch, Standing, Waited
from edgekit.train.mixup import Step
from edgekit.train.network import load_weights, weights_content
from edgekit.train.optimizer import CosineRate, make_optimizer
from edgekit.train.options import FitConfig
from edgekit.train.record import Trials

_CROPS_AT_ONCE = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class FitState:
    """How far a loop has come; beside the weights, so that a later call can go on.

    Attributes:
        of: Names the photos and settings that it is the state of.
        first_rate: The learning rate that the first call began with; ``learning_rate`` is what it has come to.
        planned_epochs: How many were asked for by the call that finished; fewer are done after early stopping.
        weights_sha256: SHA-256 of the file of weights that it is the state of.
        coming_sha256: SHA-256 of the file about to replace those weights; a call may be killed before or after it did.
        float_sha256: SHA-256 of the float weights that a qat stage began with.
    """

    of: str = ""
    weights_sha256: str | None = None
    coming_sha256: str | None = None
    float_sha256: str | None = None
    first_rate: float | None = None
    epochs_done: int = 0
    planned_epochs: int = 0
    best_epoch: int = -1
    best_loss: float | None = None
    learning_rate: float | None = None
    finished: bool = False
    history: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def trials(self) -> Trials:
        """The epochs so far, for a record."""
        return Trials(history=self.history, best=self.best_epoch, finished=self.finished)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitFiles:
    """Where a loop keeps its best weights, its state and, until it is finished, its last epoch.

    Attributes:
        of: Names the photos and settings; a state of others is refused.
        first_rate: The learning rate to begin with; going on with another would not change the rate that was reached.
        float_sha256: SHA-256 of the float weights that a qat stage begins with; a state of others is refused.
    """

    weights: Path
    state: Path
    last: Path
    of: str = ""
    first_rate: float | None = None
    float_sha256: str | None = None

    def read_state(self) -> FitState | None:
        """The state of an earlier call, if there is one; what a call that was killed had begun to write is written.

        Raises:
            RunError: it is damaged, or that of other photos, settings or weights, or began with another learning rate.
        """
        written = self._written_state()
        if written is not None and written.finished:
            self.last.unlink(missing_ok=True)
            return written
        last = LastEpoch.read(self.last)
        if last is None:
            return written
        coming = from_plain(FitState, last.state, where=str(self.last))
        self._check_origin(coming)
        done = written.epochs_done if written is not None else 0
        if coming.epochs_done == done:
            return written
        is_best = coming.best_epoch == coming.epochs_done - 1
        if coming.epochs_done != done + 1 or (written is None and not is_best):
            raise RunError(
                f"{self.last} must be the epoch after those that {self.state.name} tells of, {done}, got epoch "
                f"{coming.epochs_done}; delete it to go on from the best weights, or use --overwrite to start again"
            )
        if is_best:
            write_atomic(self.weights, last.weights)
        self.write_state(coming)
        return coming

    def last_epoch(self, state: FitState) -> LastEpoch | None:
        """What the epoch after a state begins with; None where only its best weights are known."""
        last = LastEpoch.read(self.last)
        return last if last is not None and last.state["epochs_done"] == state.epochs_done else None

    def _written_state(self) -> FitState | None:
        """The state beside the weights, if both files are there."""
        if not (os.path.exists(self.weights) and os.path.exists(self.state)):
            return None
        state = from_plain(FitState, read_json(self.state), where=str(self.state))
        self._check_origin(state)
        present = file_sha256(self.weights)
        if present not in (state.weights_sha256, state.coming_sha256):
            raise RunError(
                f"{self.weights} must be the weights that {self.state.name} tells of, "
                f"{_short(state.weights_sha256)}, got others, {_short(present)}; put them back, or use --overwrite to "
                "start again"
            )
        return replace(state, weights_sha256=present, coming_sha256=None)

    def _check_origin(self, state: FitState) -> None:
        """Hold that a state is of these photos and settings.

        Raises:
            RunError: it is of others.
        """
        if state.of != self.of:
            raise RunError(
                f"{self.state} was written for other photos, crops, network, way of fitting or seed and can't be "
                "gone on with; name another --out, or use --overwrite to start again"
            )
        if state.first_rate != self.first_rate:
            raise RunError(
                f"{self.state}: --resume goes on from the learning rate that training came to, which began with "
                f"{state.first_rate}, got {self.first_rate}; give --learning-rate {state.first_rate}, or use "
                "--overwrite to start again"
            )
        if state.float_sha256 != self.float_sha256:
            raise RunError(
                f"{self.state} began with other float weights, {_short(state.float_sha256)}, than the run has now, "
                f"{_short(self.float_sha256)}; use --overwrite to start again"
            )

    def own(self, state: FitState) -> FitState:
        """A state that names what it is of."""
        return replace(state, of=self.of, first_rate=self.first_rate, float_sha256=self.float_sha256)

    def write_state(self, state: FitState) -> None:
        """Keep a state beside the weights that it is of."""
        write_json(self.state, self.own(state))

    def keep(self, network: keras.Model, before: FitState, after: FitState) -> FitState:
        """Write a network's weights and the state that they are of, so that being killed between leaves both usable.

        Args:
            network: The network whose weights take the place of those in the file.
            before: The state in the file; one without epochs need not be there.
            after: The state with these weights.

        Returns:
            The state as it was written.
        """
        content = weights_content(network)
        coming = sha256(content)
        if os.path.exists(self.state):
            self.write_state(replace(before, coming_sha256=coming))
        write_atomic(self.weights, content)
        kept = replace(after, weights_sha256=coming, coming_sha256=None)
        self.write_state(kept)
        return kept


def _short(digest: str | None) -> str:
    return "unknown" if digest is None else digest[:12]


def fit(
    network: keras.Model, feed: CropFeed, config: FitConfig, files: FitFiles, *, seed: int, progress: Progress
) -> FitState:
    """Fit until early stopping or the last epoch, and leave the best weights in the network and in ``files``.

    Goes on from ``files`` when they hold a state, as if it had never been stopped; a finished loop goes on from its
    best weights when more epochs are asked for than were planned. The loss that decides is the class-balanced log loss
    of validation *photos* after the vote over their crops, which is what a user of the model will see.

    Returns:
        The state at the end; ``finished`` is False after Ctrl-C, which is passed on as KeyboardInterrupt only when no
        epoch was completed yet.

    Raises:
        RunError: training diverged, or the weights in ``files`` are of another network.
    """
    before = files.read_state() or FitState()
    last = None if before.finished else files.last_epoch(before)
    if before.epochs_done:
        load_weights(network, files.weights, what="the network that goes on")
    if before.finished and config.epochs > before.planned_epochs:
        before = replace(before, finished=False)
    optimizer = make_optimizer(network, config, before.learning_rate or config.learning_rate)
    network.compile(optimizer, crop_loss(feed, config))
    average = last.give(network, config.ema) if last is not None else Average(network, config.ema)
    watch = _Watch(feed, config, files, before, progress)
    if not before.finished:
        try:
            # An earlier call may have been stopped after its last epoch, or with more of them before it.
            if before.epochs_done < config.epochs and not (last is not None and last.standing.stops):
                progress.begin("fitting", feed.steps * (config.epochs - before.epochs_done))
                network.fit(
                    _endless(feed, seed, before.epochs_done),
                    steps_per_epoch=feed.steps,
                    epochs=config.epochs,
                    initial_epoch=before.epochs_done,
                    callbacks=_callbacks(watch, average, config, last),
                    verbose=0,
                )
            watch.finish()
        except KeyboardInterrupt:
            if watch.state.epochs_done == 0:
                raise
            progress.say(f"stopped after epoch {watch.state.epochs_done}; the best weights are kept")
    load_weights(network, files.weights, what="the network that was fitted")
    return watch.state


def _endless(feed: CropFeed, seed: int, first_epoch: int) -> Iterator[Step]:
    epoch = first_epoch
    while True:
        # A resumed run draws the same crops in epoch n as an uninterrupted one.
        yield from feed.epoch(np.random.default_rng([seed, epoch]))
        epoch += 1


def _callbacks(watch: _Watch, average: Average, config: FitConfig, last: LastEpoch | None) -> list[Any]:
    baseline = watch.state.best_loss if last is None else last.standing.baseline
    stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=config.patience, baseline=baseline)
    plateau = None
    if config.schedule == "plateau":
        plateau = keras.callbacks.ReduceLROnPlateau(
            monitor="val_loss",
            factor=config.plateau_factor,
            patience=max(1, config.patience // 3),
            min_lr=config.end_rate,
        )
    rate = plateau or CosineRate(config, watch.feed.steps)
    # What is validated and recorded in between is the average.
    return [
        average,
        _Swap(average),
        watch,
        rate,
        stopping,
        _Keep(watch, average, plateau, stopping, last),
        _Swap(average),
    ]


def crop_loss(feed: CropFeed, config: FitConfig) -> Callable[..., Any]:
    """The loss of a step: cross-entropy of one label a crop, or of several the mean of binary ones.

    Crops with a label and those without weigh the same in its binary cross-entropy, as classes do in the other.
    """
    shares = feed.label_shares
    if shares is None:
        loss: Callable[..., Any] = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=config.label_smoothing
        )
        return loss
    has, lacks = ((0.5 / share).astype(np.float32) for share in (shares, 1 - shares))

    def binary(truth: Any, logits: Any) -> Any:
        told = truth * (1 - config.label_smoothing) + config.label_smoothing / 2
        losses = keras.backend.binary_crossentropy(told, logits, from_logits=True)
        return keras.backend.mean(losses * (truth * has + (1 - truth) * lacks), axis=-1)

    return binary


def validation_scores(network: keras.Model, feed: CropFeed) -> Float64Array:
    """(photos, classes) voted probabilities of the validation photos.

    Raises:
        RunError: the network has diverged.
    """
    voted = []
    for photos in _photo_batches(feed):
        logits = np.asarray(network.predict_on_batch(np.concatenate(photos)), dtype=np.float64)
        if not np.isfinite(logits).all():
            raise RunError("training diverged: logits must be finite, got NaN or infinity; lower the learning rate")
        ends = np.cumsum([len(photo) for photo in photos])[:-1]
        voted += [vote_logits(crops, feed.validation_targets) for crops in np.split(logits, ends)]
    return np.stack(voted)


def _photo_batches(feed: CropFeed) -> Iterator[list[Float32Array]]:
    """Validation photos in batches of about _CROPS_AT_ONCE crops: calling a network costs more than a small crop."""
    batch: list[Float32Array] = []
    for index in range(len(feed.validation_targets)):
        batch.append(feed.validation(index))
        if sum(len(photo) for photo in batch) >= _CROPS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports steps, and validates photos before the other callbacks look at the logs."""

    def __init__(
        self, feed: CropFeed, config: FitConfig, files: FitFiles, before: FitState, progress: Progress
    ) -> None:
        super().__init__()
        self.feed, self.files, self.progress = feed, files, progress
        self.epochs = config.epochs
        self.state = before
        self._note = ""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 (Keras names them)
        self.progress.advance(note=self._note)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None
        scores = validation_scores(self.model, self.feed)
        targets = self.feed.validation_targets
        logs["val_loss"], logs["val_balanced_accuracy"] = votes_loss(scores, targets), votes_accuracy(scores, targets)
        logs["learning_rate"] = float(keras.backend.get_value(self.model.optimizer.learning_rate))
        loss, accuracy = logs["val_loss"], logs["val_balanced_accuracy"]
        self._note = f"epoch {epoch + 1}/{self.epochs}, val loss {loss:.3f}, accuracy {accuracy:.3f}"

    def record(self, epoch: int, logs: dict[str, Any], standing: Standing, average: Average) -> None:
        """Keep the epoch, keep its weights if they are the best so far, and add it to the state."""
        names = ("loss", "val_loss", "val_balanced_accuracy", "learning_rate")
        history = {name: (*self.state.history.get(name, ()), float(logs[name])) for name in names}
        best = self.state.best_loss
        improved = best is None or logs["val_loss"] < best
        after = FitState(
            epochs_done=epoch + 1,
            best_epoch=epoch if improved else self.state.best_epoch,
            best_loss=float(logs["val_loss"]) if improved else best,
            learning_rate=float(keras.backend.get_value(self.model.optimizer.learning_rate)),
            weights_sha256=self.state.weights_sha256,
            history=history,
        )
        # First of all: a call that is killed after this has all that the others need.
        last = LastEpoch.of(self.model, plain(self.files.own(after)), standing, average)
        if improved:
            last = replace(last, state=last.state | {"weights_sha256": sha256(last.weights)})
        last.write(self.files.last)
        if improved:
            self.state = self.files.keep(self.model, self.state, after)
        else:
            self.state = after
            self.files.write_state(after)

    def finish(self) -> None:
        """Mark the loop as finished."""
        self.state = replace(self.state, finished=True, planned_epochs=self.epochs)
        self.files.write_state(self.state)
        self.files.last.unlink(missing_ok=True)


class _Swap(keras.callbacks.Callback):  # type: ignore[misc]
    """Swaps a network's weights with their average at the end of an epoch."""

    def __init__(self, average: Average) -> None:
        super().__init__()
        self.average = average

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 (Keras names them)
        self.average.swap()


class _Keep(keras.callbacks.Callback):  # type: ignore[misc]
    """Records an epoch after the other callbacks, which may have changed the learning rate or called for the end.

    Args:
        watch: Keeps the state.
        average: Of the weights.
        plateau: Lowers the learning rate, if one does.
        stopping: Ends the loop.
        last: The epoch that the loop goes on from, if it does.
    """

    def __init__(
        self,
        watch: _Watch,
        average: Average,
        plateau: keras.callbacks.ReduceLROnPlateau | None,
        stopping: keras.callbacks.EarlyStopping,
        last: LastEpoch | None,
    ) -> None:
        super().__init__()
        self.watch, self.average, self.last = watch, average, last
        self.plateau, self.stopping = plateau, stopping

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 (Keras names them)
        # The others have just forgotten all they knew.
        if self.last is not None:
            for one, waited in (
                (self.plateau, self.last.standing.plateau),
                (self.stopping, self.last.standing.stopping),
            ):
                if one is not None and waited is not None:
                    one.wait, one.best = waited.epochs, waited.best

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None
        standing = Standing(
            baseline=self.stopping.baseline,
            plateau=None if self.plateau is None else _waited(self.plateau),
            stopping=_waited(self.stopping),
            stops=bool(self.model.stop_training),
        )
        self.watch.record(epoch, logs, standing, self.average)


def _waited(one: Any) -> Waited:
    return Waited(epochs=one.wait, best=float(one.best))
