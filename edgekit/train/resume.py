"""How a training stage treats a folder that already holds one, and what a call that was killed left there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgekit.data.derive import remove_parts
from edgekit.errors import RunError
from edgekit.locks import working_in
from edgekit.progress import Progress
from edgekit.records import is_part, make_folder
from edgekit.train.options import Stage
from edgekit.train.record import STAGES, RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What to do with a folder that already holds a run, and where to keep features.

    Attributes:
        overwrite: Start again, replacing it.
        resume: Go on from its last whole epoch, or from its best weights where it was finished.
        cache: Folder for bottleneck features and adapted weights, which several runs may share; inside the run when
            None.
        keep: Keep features and adapted weights at all.
    """

    overwrite: bool = False
    resume: bool = False
    cache: Path | None = None
    keep: bool = True

    def __post_init__(self) -> None:
        """Check that they don't contradict each other."""
        if self.overwrite and self.resume:
            raise RunError(
                "a run is gone on with (--resume) or started again (--overwrite), got both; leave one of them out"
            )
        if self.cache is not None and not self.keep:
            raise RunError(
                f"--no-keep keeps no features, got --cache {self.cache} to keep them in; leave one of them out"
            )

    def computed(self, folder: RunFolder) -> Path | None:
        """Where a run keeps what it could compute again, features and adapted weights; None where it keeps none."""
        return (self.cache or folder.features) if self.keep else None

    @contextmanager
    def replacing(self, folder: RunFolder, stage: Stage) -> Iterator[None]:
        """Put what is to be overwritten aside for the body of the ``with``, and back when that fails or is stopped.

        The folder is made where there is none, and no other process may work in it meanwhile.

        Raises:
            RunError: the folder holds this stage already and neither was asked for, or another process works there.
        """
        make_folder(folder.root)
        with working_in(folder.root):
            self.refuse_in_use(folder, stage)
            # What was made from old float weights is no longer true either.
            stages = _from(stage)
            try:
                if self.overwrite:
                    _put_aside(folder, stages)
                yield
            except BaseException:
                _put_back(folder, stages)
                raise
            _clear(folder, stages)

    def refuse_in_use(self, folder: RunFolder, stage: Stage) -> None:
        """Hold that a folder in use is to be overwritten or gone on with.

        Raises:
            RunError: it holds this stage already and neither was asked for.
        """
        used = [path for path in folder.traces(stage) if os.path.exists(path)]
        if used and not (self.overwrite or self.resume):
            raise RunError(
                f"{folder.root} already holds a {stage} run ({used[0].name}); "
                "use --resume to go on or --overwrite to start again"
            )


# A folder that holds a run is refused.
REFUSE = RunOptions()


def recover(folder: RunFolder, progress: Progress) -> None:
    """Settle what ``--overwrite`` left behind when it was killed; on entry to a stage, before the folder is looked at.

    Not while another process works there: what it put aside is not left behind.

    A new stage that has its record is whole, and what it replaced is deleted; without one the old stage comes back.

    Raises:
        RunError: another process works in the folder.
    """
    with working_in(folder.root):
        # What was half-written when a call was killed; a cache of several runs may be another's work at this moment.
        for inside in (folder.features, folder.calibration):
            if inside.is_dir():
                remove_parts(inside, is_part)
        # Beside the run's own files another command may be writing a model or a report.
        own = {path.name for stage in STAGES for path in folder.traces(stage)}
        for half in folder.root.glob(".*.part"):
            if is_part(half.name) and half.name[1 : -len(".01234567.part")] in own:
                half.unlink(missing_ok=True)
        left = [stage for stage in STAGES if any(os.path.exists(_aside(path)) for path in folder.traces(stage))]
        if not left:
            return
        stages = _from(left[0])
        if folder.record(left[0]).exists():
            _clear(folder, stages)
            progress.say(
                f"{folder.root}: an earlier --overwrite was killed at its end; what it replaced is deleted now"
            )
        else:
            _put_back(folder, stages)
            progress.say(
                f"{folder.root}: an earlier --overwrite was killed; the {left[0]} stage it was to replace is back"
            )


def drop(folder: RunFolder, stage: Stage) -> None:
    """Delete a stage whose inputs have changed."""
    for path in folder.traces(stage):
        path.unlink(missing_ok=True)


def _from(stage: Stage) -> tuple[Stage, ...]:
    """A stage and those that are made from it."""
    return STAGES[STAGES.index(stage) :]


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


# A call may be killed after every single step of these three, and `recover` must still tell what is whole. So the
# record goes first and comes back last, a float stage goes before the qat stage and comes back after it, and what lies
# aside of a float stage outlasts what lies aside of its qat stage.


def _put_aside(folder: RunFolder, stages: Sequence[Stage]) -> None:
    for stage in stages:
        for path in folder.traces(stage):
            if path.exists():
                path.replace(_aside(path))


def _put_back(folder: RunFolder, stages: Sequence[Stage]) -> None:
    for stage in stages:
        record, last, weights, *others = folder.traces(stage)
        # Weights or an epoch beside weights put aside are of the call that failed, and then its state is, too; a state
        # without them is an old one that was not yet put aside.
        if _aside(weights).exists() and (weights.exists() or last.exists()):
            for new in (record, *others, weights, last):
                new.unlink(missing_ok=True)
    for stage in reversed(stages):
        for path in reversed(folder.traces(stage)):
            if _aside(path).exists():
                _aside(path).replace(path)


def _clear(folder: RunFolder, stages: Sequence[Stage]) -> None:
    for stage in reversed(stages):
        for path in folder.traces(stage):
            _aside(path).unlink(missing_ok=True)
