"""What may be asked of a sweep, with the only defaults, and the file that asks for it. No TensorFlow."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgekit.crossval.options import CrossvalConfig, VariantName
from edgekit.data.options import DerivedBy
from edgekit.errors import RunError, likeliest
from edgekit.records import from_plain
from edgekit.tomlfile import read_toml
from edgekit.train.backbones.registry import backbone_named
from edgekit.train.options import AugmentName, Features, HeadKind, Heads, OptimizerName, Schedule, TrainConfig, Weigh
from edgekit.train.recipes import recipe_features, recipe_named

# Of hours each; more is a mistake in a list.
MAX_POINTS = 100
# It is the name of a folder, too.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
# What else lies in a sweep's folder.
RECORD_NAME, FEATURES = "sweep.json", "features"
COMPARISON = ("compare.json", "compare.md", "compare.png")
_CROSSVAL = CrossvalConfig(train=TrainConfig())


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPoint:
    """One of the cross-validations of a sweep.

    Attributes:
        name: Of its folder, and of its rows.
        note: What has to be said beside its numbers, such as where its weights come from; empty for nothing.
    """

    name: str
    config: CrossvalConfig
    note: str = ""

    def __post_init__(self) -> None:
        """Check the name."""
        if not _NAME.fullmatch(self.name):
            raise RunError(
                "a point's name must be 1 to 100 letters, digits, '.', '_' or '-' and begin with one of the first or "
                f"'_', got {self.name!r:.120}"
            )
        # Some file systems take case for nothing.
        if self.name.lower() in (RECORD_NAME, FEATURES, *COMPARISON):
            raise RunError(
                f"a point's name must be none of the sweep's own files and folders ({RECORD_NAME}, {FEATURES}, "
                f"{', '.join(COMPARISON)}), got {self.name!r}; name it otherwise"
            )


def check_points(points: Sequence[SweepPoint]) -> None:
    """Hold that there are points, and that no two are the same.

    Raises:
        RunError: there is none, two have one name or ask for the same, or their folds differ.
    """
    if not 1 <= len(points) <= MAX_POINTS:
        raise RunError(f"a sweep must have 1 to {MAX_POINTS} points, got {len(points)}")
    for number, point in enumerate(points):
        if point.config.folds != points[0].config.folds:
            raise RunError(f"points must have the same folds, got {points[0].config.folds} and {point.config.folds}")
        for other in points[:number]:
            if point.config == other.config:
                raise RunError(f"points must differ, {other.name} and {point.name} ask for the same; remove one")
            # Some file systems take case for nothing.
            if point.name.lower() == other.name.lower():
                raise RunError(f"each point must have a name of its own, got {point.name} twice; give one a `name`")


@dataclass(frozen=True, slots=True, kw_only=True)
class PointEntry:
    """A point as a file has it; None or an empty text is what was not given.

    Attributes:
        name: Of its folder and of its rows; told by the network where it is empty.
        recipe: As ``--recipe`` takes it; what the table or the file gives beside it counts.
        note: What has to be said beside its numbers.
        backbone: As ``--backbone`` takes it.
        alpha: As ``--alpha``.
        side: As ``--side``.
        features: As ``--features``.
        weights: As ``--weights``.
        tune: As ``--tune``.
        head: As ``--head``.
        heads: As ``--heads``.
        weigh: As ``--weigh``.
        draws: As ``--draws``.
        plan: As ``--plan``; the file's where there is none.
        crops: Crops that one verdict votes over, all of the plan; those of the file where there is none.
        augment: As ``finetune --augment``, as are those that follow.
        by_hand: What the table and the file gave, by its keys; no key itself.
    """

    name: str = ""
    note: str = ""
    recipe: str = ""
    backbone: str
    alpha: float | None = None
    side: int | None = None
    features: Features | None = None
    weights: str = ""
    tune: str = _CROSSVAL.train.tune
    head: HeadKind = _CROSSVAL.train.head
    heads: Heads = _CROSSVAL.train.heads
    weigh: Weigh = _CROSSVAL.train.weigh
    draws: int | None = None
    plan: str | None = None
    crops: int | None = None
    augment: AugmentName = _CROSSVAL.train.augment
    dropout: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    crops_per_photo: int | None = None
    patience: int | None = None
    optimizer: OptimizerName | None = None
    schedule: Schedule | None = None
    plateau_factor: float | None = None
    least_rate: float | None = None
    warmup_epochs: int | None = None
    label_smoothing: float | None = None
    mixup: float | None = None
    ema: float | None = None
    head_rate: float | None = None
    by_hand: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFile:
    """What a file asks for: points, and what all of them share.

    Attributes:
        points: A value that is a list stands for a point of each of its values, and several for all combinations.
        data: The photos' folder, from where the command runs; None where the command names it.
        title: Of table and picture.
        folds: As ``edgekit crossval --folds``, as are those that follow.
        timed_photos: Photos that latencies are measured on; 0 measures none.
        calibration_crops: Crops that set the int8 ranges of each fold.
    """

    points: tuple[PointEntry, ...]
    data: Path | None = None
    title: str = "sweep"
    folds: int = _CROSSVAL.folds
    crops: tuple[int, ...] = _CROSSVAL.crops
    variants: tuple[VariantName, ...] = _CROSSVAL.variants
    plan: str = str(_CROSSVAL.train.plan)
    working_px: int = _CROSSVAL.train.plan.working_px or 0
    seed: int = _CROSSVAL.train.seed
    timed_photos: int = _CROSSVAL.timed_photos
    calibration_crops: int = _CROSSVAL.calibration_crops
    group_by: DerivedBy | None = None
    bona_fide: str | None = None


def read_sweep_file(path: Path) -> SweepFile:
    """Read a sweep's file.

    Args:
        path: TOML, with ``[[points]]`` tables.

    Raises:
        RunError: names what breaks a rule.
    """
    raw = read_toml(path, "a sweep", RunError, absent="no such sweep; docs/sweep.md has one to begin with")
    tables = raw.get("points")
    if not isinstance(tables, list) or not tables:
        came = "none" if tables is None else f"{tables!r:.80}"
        raise RunError(f"{path}: a sweep must have [[points]] tables, got {came}")
    _check_keys(raw, SweepFile, f"{path}: a sweep")
    entries: list[PointEntry] = []
    for number, table in enumerate(tables, start=1):
        where = f"{path}: points {number}"
        _check_keys(table, PointEntry, where)
        entries += [
            from_plain(PointEntry, _with_recipe(one, raw, where), where=where) for one in _combinations(table, where)
        ]
        if len(entries) > MAX_POINTS:
            raise RunError(f"{path}: a sweep must have at most {MAX_POINTS} points, got more; shorten a list")
    shared = from_plain(SweepFile, raw | {"points": []}, where=str(path))
    return replace(shared, points=tuple(entries))


def _check_keys(table: Any, kind: type[SweepFile | PointEntry], where: str) -> None:
    known = [one for one in kind.__dataclass_fields__ if one != "by_hand"]
    for key in table if isinstance(table, dict) else ():
        if key not in known:
            remedy = likeliest(key, known) or f"; it has {', '.join(known)}"
            raise RunError(f"{where}: unknown key {key!r:.80}{remedy}")


def _with_recipe(table: dict[str, Any], file: dict[str, Any], where: str) -> dict[str, Any]:
    """A point's table with what its recipe sets and neither table nor file does."""
    by_hand = [*table, *(key for key in file if key in PointEntry.__dataclass_fields__)]
    found, name = table | {"by_hand": by_hand}, table.get("recipe", "")
    if not name or not isinstance(name, str):
        return found
    try:
        recipe = recipe_named(name)
        found = {key: value for key, value in recipe.options.items() if key not in by_hand} | found
        backbone = found.get("backbone")
        if isinstance(backbone, str):
            layers, given = found.get("features"), "features" in by_hand
            found["features"] = recipe_features(recipe, backbone_named(backbone), layers, by_hand=given)
    except RunError as mistake:
        raise RunError(f"{where}: {mistake}") from mistake
    return found


def _combinations(table: Any, where: str) -> list[dict[str, Any]]:
    """A table for each combination of the values of its lists."""
    if not isinstance(table, dict):
        raise RunError(f"{where} must be a table, got {table!r:.80}")
    axes = [[(key, one) for one in (value if isinstance(value, list) else [value])] for key, value in table.items()]
    empty = [key for key, value in table.items() if value == []]
    if empty:
        raise RunError(f"{where}: {empty[0]} must have a value, got an empty list")
    # A few lists are more combinations than memory holds.
    return [dict(chosen) for chosen in itertools.islice(itertools.product(*axes), MAX_POINTS + 1)]
