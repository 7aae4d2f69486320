"""Removes what can be computed again: files of features, adapted weights and scores, and what killed calls left.

A file goes by the name that edgekit gives such a file, in the folder where it puts it; whatever else lies there stays.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit.clean.options import CleanConfig
from edgekit.errors import RunError
from edgekit.locks import LOCK_NAME, working_in
from edgekit.progress import SILENT, Progress

LeftoverKind = Literal["features", "adapted weights", "scores", "unfinished files", "rejected files"]

# The kinds by the path's end, the folder that a file lies in included.
_PATTERNS: tuple[tuple[LeftoverKind, re.Pattern[str]], ...] = (
    ("adapted weights", re.compile(r"(^|/)features/adapted/[0-9a-f]{16}/(\d{3}|sums)\.npz$")),
    ("features", re.compile(r"^(.*/)?features/[0-9a-f]{16}/[0-9a-f]{64}(-[A-Za-z0-9._-]+)?\.npz$")),
    ("scores", re.compile(r"(^|/)scores/[0-9a-f]{32}\.npz$")),
    ("unfinished files", re.compile(r"(^|/)\.[^/]+\.[0-9a-f]{8}\.part$")),
    ("rejected files", re.compile(r"(^|/)[^/]+\.rejected\.(tflite|json|folds\.npz)$")),
)
# Any of these beside its files makes a folder a run, a cross-validation, a sweep of these, or a study of crops.
_MARKS = ("float.json", "float.state.json", "qat.json", "crossval.config.json", "sweep.json", "tta.json")
# A run lies in a fold, that in a point of a sweep, and a study in a run.
_DEEPEST = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """Files of one kind: how many, and their bytes."""

    kind: LeftoverKind
    folder: str
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanRecord:
    """What a folder held that can be computed again.

    Attributes:
        removed: Whether it is gone now.
    """

    folder: str
    removed: bool
    leftovers: tuple[Leftovers, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of all of it."""
        return sum(one.size_bytes for one in self.leftovers)


def clean(root: Path, config: CleanConfig, *, progress: Progress = SILENT) -> CleanRecord:
    """List what of a run can be computed again, and remove it unless that is a dry run.

    Records, weights, calibration crops and model files stay.

    Args:
        root: Folder of a run, of a cross-validation, or of a study of crops.
        config: What is removed.
        progress: Told of every file.

    Raises:
        RunError: the folder is none of these, or another process works in it, or a file can't be removed.
    """
    if not _is_ours(root):
        raise RunError(
            f"{root} must be the folder of a run, a cross-validation or a study, with one of {', '.join(_MARKS)}; "
            "name the --out that it was made with"
        )
    with contextlib.ExitStack() as held:
        inside = ("fold-*/*.json", "*/crossval.config.json", "*/fold-*/*.json")
        for folder in (root, *sorted({one.parent for pattern in inside for one in root.glob(pattern)})):
            held.enter_context(working_in(folder))
        found = [(kind, path) for kind, path in _found(root) if config.rejected or kind != "rejected files"]
        record = CleanRecord(folder=str(root), removed=not config.dry_run, leftovers=_counted(root, found))
        if not config.dry_run:
            progress.begin("removing files", len(found))
            for _, path in found:
                _remove(path)
                progress.advance()
            for folder in sorted({path.parent for kind, path in found if path.suffix == ".npz"}, reverse=True):
                _remove_empty(folder, root)
    return record


def _is_ours(root: Path) -> bool:
    # A run that was stopped before its weights were written has features alone.
    return any(os.path.isfile(root / mark) for mark in _MARKS) or (
        os.path.isfile(root / LOCK_NAME) and any((root / "features").glob(f"{'[0-9a-f]' * 16}/{'[0-9a-f]' * 64}*.npz"))
    )


def _found(root: Path) -> Iterator[tuple[LeftoverKind, Path]]:
    """Files that edgekit named and could make again, in order; no link is followed."""
    for place, folders, names in os.walk(root):
        at = Path(place)
        folders[:] = sorted(folders) if len(at.relative_to(root).parts) < _DEEPEST else []
        for name in sorted(names):
            path = at / name
            inside = path.relative_to(root).as_posix()
            kind = next((kind for kind, pattern in _PATTERNS if pattern.search(inside)), None)
            if kind is not None and not path.is_symlink() and path.is_file():
                yield kind, path


def _counted(root: Path, found: list[tuple[LeftoverKind, Path]]) -> tuple[Leftovers, ...]:
    sizes: dict[tuple[LeftoverKind, str], list[int]] = defaultdict(list)
    for kind, path in found:
        # Files of features and adapted weights lie in folders named by their keys, which say nothing to people.
        folder = path.parent.parent if kind in ("features", "adapted weights") else path.parent
        sizes[kind, folder.relative_to(root).as_posix()].append(path.stat().st_size)
    return tuple(
        Leftovers(kind=kind, folder=folder, files=len(own), size_bytes=sum(own))
        for (kind, folder), own in sizes.items()
    )


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as failure:
        raise RunError(f"{path}: can't be removed: {failure.strerror}; make its folder writable") from failure


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder that is empty now, and those above that are, up to the run's."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            # Somebody's own files lie there.
            return
        folder = folder.parent
