"""Options that several commands take, each spelt once, with the defaults of the stages' own options."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from edgekit.cli import console
from edgekit.contract import MAX_CROPS, MAX_MARGIN, Alignment, CropPlan, RegionPlan, UnknownRule
from edgekit.data.manifest import COLUMNS
from edgekit.data.options import (
    AS_IT_LIES,
    DataReading,
    DerivedBy,
    PartChoice,
    SplitConfig,
    check_counts,
    guess_bona_fide,
)
from edgekit.errors import EdgekitError, likeliest
from edgekit.gather.options import SETTABLE
from edgekit.metrics.wording import count
from edgekit.quantize.options import CALIBRATION_CROPS
from edgekit.shipped import model_file
from edgekit.train.backbones.registry import backbone_named
from edgekit.train.options import (
    MAX_UNKNOWN_COST,
    UNKNOWN_COST,
    AugmentName,
    HeadKind,
    NetworkConfig,
    OptimizerName,
    Schedule,
    TrainConfig,
)
from edgekit.train.options import Features as FeatureChoice
from edgekit.train.options import Heads as HeadsChoice
from edgekit.train.options import Weigh as WeighChoice
from edgekit.train.recipes import RECIPES, Recipe, recipe_features, recipe_named

if TYPE_CHECKING:
    from edgekit.data.dataset import Dataset
    from edgekit.phones.captures import CapturesExport
    from edgekit.progress import Progress
    from edgekit.train.record import TrainRecord

Config = TypeVar("Config")

NETWORK, TRAIN = NetworkConfig(), TrainConfig()
FIT = TRAIN.whole
REGION_DEFAULTS = {one.name: one.default for one in fields(RegionPlan)}
_SINGLE = {"alpha": "one width", "features": "one layer that the head sees"}
CPUS = os.cpu_count() or 1

# What a command works on.
Data = Annotated[Path, typer.Argument(help="A folder per class, split folders of such, or one with manifest.csv.")]
DataOption = Annotated[Path, typer.Option("--data", help="Labelled photos.")]
DataOrExport = Annotated[Path, typer.Option("--data", help="Labelled photos, or a phone's export of captures (.zip).")]
RunData = Annotated[Path | None, typer.Option("--data", help="The photos of the run. [default: where they were]")]
Model = Annotated[
    Path,
    typer.Argument(
        parser=model_file, metavar="MODEL", help="A .tflite file of `edgekit convert` or `adopt`, or a shipped name."
    ),
]
Run = Annotated[Path, typer.Argument(help="The run's folder, as `finetune` wrote it.")]
Split = Annotated[
    PartChoice,
    typer.Option(help="Which photos; auto takes the test part of the data the model was trained on, else all."),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave damaged photos out and count them instead of stopping.")
]
Columns = Annotated[
    str | None,
    typer.Option(
        help="Classes come from a CSV beside the photos: path=COLUMN,label=COLUMN, more for "
        f"{', '.join(COLUMNS[2:])}; file=TABLE.csv where there are several."
    ),
]
Folders = Annotated[
    str | None,
    typer.Option(
        help="What each level of folders is, such as group/label or -/label; - means nothing. [default: by their names]"
    ),
]
Camera = Annotated[int | None, typer.Option(help="A camera; 0 is the first.", min=0)]
Video = Annotated[Path | None, typer.Option(help="A video file.")]
PiCamera = Annotated[bool, typer.Option("--picamera", help="The Raspberry Pi's camera.")]
Notes = Annotated[
    list[str] | None,
    typer.Option("--set", help=f"A column of the manifest for all photos, COLUMN=VALUE: {', '.join(SETTABLE)}."),
]

# Crops: how many, where from, how large.
Crops = Annotated[
    int | None,
    typer.Option(help="Exactly so many crops. [default: the contract's, fewer where they settle it]", min=1),
]
AllCrops = Annotated[bool, typer.Option("--all-crops", help="Score all crops, also where fewer would settle it.")]
Plan = Annotated[str, typer.Option(help="Scales of the crops: [lead+lead:]cycle,cycle.")]
WorkingPx = Annotated[
    int,
    typer.Option(help="Halve photos as often as their shorter side stays at least this, in pixels; 0: never.", min=0),
]
# Hidden: what lists of --crops were called until now.
Tta = Annotated[str | None, typer.Option("--tta", hidden=True, help="Now --crops.")]
K = Annotated[str | None, typer.Option("--k", hidden=True, help="Now --crops.")]

GroupByOption = Annotated[
    DerivedBy | None,
    typer.Option(
        "--group-by",
        help="Derive groups for photos that have none: name (what stands before a name's last number), date (sessions "
        "by EXIF), camera (by EXIF) or look (photos that look alike).",
    ),
]

# Training. None tells what was not given from what was: small_cnn has no width, a head no epochs.
Backbone = Annotated[str, typer.Option(help="Network; `edgekit backbones` lists them.")]
Alpha = Annotated[float | None, typer.Option(help=f"Width of a MobileNet. [default: {NETWORK.alpha}]")]
Features = Annotated[
    FeatureChoice | None,
    typer.Option(help=f"Layers that the head sees: early ones, the top, or both. [default: {NETWORK.features}]"),
]
Side = Annotated[int | None, typer.Option(help="Side of the square input, in pixels. [default: the backbone's]")]
Weights = Annotated[
    str,
    typer.Option(
        help="imagenet, none, or a file: Keras HDF5 without top, a TF-Slim checkpoint, or a .pth of EfficientNet-Lite. "
        f"[default: {NETWORK.weights}, none where there are no such weights]"
    ),
]
Tune = Annotated[
    str,
    typer.Option(
        help="head: it alone, solved; all: then everything, by epochs; last:N: the last N blocks, last:0 the head."
    ),
]
Heads = Annotated[
    HeadsChoice,
    typer.Option(
        help="One head for all crops, or one for each scale of the plan, with a part that all share. auto: for scales "
        "where there is a genuine class, the head is solved, and neither --draws nor --augment are asked for."
    ),
]
Head = Annotated[
    HeadKind,
    typer.Option(help="How the head is solved: ridge or logistic regression, or a hidden layer with dropout (mlp)."),
]
Weigh = Annotated[
    WeighChoice,
    typer.Option(help="Which training photos of a class weigh the same: each of them, or their groups."),
]
Epochs = Annotated[int | None, typer.Option(help="At most this many epochs.", min=1)]
BatchSize = Annotated[int | None, typer.Option(help="Crops per step.", min=1)]
LearningRate = Annotated[float | None, typer.Option(help="The optimizer's rate at the start.")]
CropsPerPhoto = Annotated[int | None, typer.Option(help="Crops that each photo gives in one epoch.", min=1)]
Patience = Annotated[int | None, typer.Option(help="Epochs without a better validation loss before stopping.", min=1)]
Optimizer = Annotated[OptimizerName | None, typer.Option(help=f"What makes steps. [default: {FIT.optimizer}]")]
RateSchedule = Annotated[
    Schedule | None,
    typer.Option(
        help="plateau lowers the rate where the validation loss stands still; cosine warms up and then falls. "
        f"[default: {FIT.schedule}]"
    ),
]
PlateauFactor = Annotated[
    float | None, typer.Option(help=f"What a plateau multiplies the rate by. [default: {FIT.plateau_factor:g}]")
]
LeastRate = Annotated[float | None, typer.Option(help=f"The rate goes no lower. [default: {FIT.least_rate:g}]")]
WarmupEpochs = Annotated[
    int | None, typer.Option(help=f"Epochs in which a cosine's rate rises. [default: {FIT.warmup_epochs}]", min=0)
]
LabelSmoothing = Annotated[
    float | None,
    typer.Option(help=f"Share of each answer that all classes get. [default: {FIT.label_smoothing:g}, none]"),
]
Mixup = Annotated[
    float | None,
    typer.Option(
        help="Mix crops of two photos, both of one scale, by shares of a Beta distribution of this parameter. "
        f"[default: {FIT.mixup:g}, none]"
    ),
]
Ema = Annotated[
    float | None,
    typer.Option(help=f"Keep an average of the weights, which keeps this at each step. [default: {FIT.ema:g}, none]"),
]
HeadRate = Annotated[
    float | None, typer.Option(help=f"The head's rate as a multiple of the backbone's. [default: {FIT.head_rate:g}]")
]
Dropout = Annotated[
    float | None,
    typer.Option(
        help=f"Share of the head's inputs that each step of training leaves out. [default: {NETWORK.dropout:g}, none]"
    ),
]
Regions = Annotated[
    Literal["faces"] | None,
    typer.Option(
        help="Classify each face in place of the whole photo. Photos with none or several are left out of training."
    ),
]
DetectorChoice = Annotated[
    str | None,
    typer.Option(
        "--detector",
        help="What finds the faces: short (within two metres), back, full (within five), or a .tflite file of one of "
        f"these. [default: {TRAIN.detector}]",
    ),
]
Align = Annotated[
    Alignment | None,
    typer.Option(help=f"eyes turns faces so that these are level. [default: {REGION_DEFAULTS['align']}]"),
]
Margin = Annotated[
    float | None,
    typer.Option(
        help=f"What is added around a face, in parts of its side. [default: {REGION_DEFAULTS['margin']}]",
        min=0,
        max=MAX_MARGIN,
    ),
]
UnknownFlag = Annotated[
    bool,
    typer.Option(
        "--unknown",
        help='Call photos of no class "unknown": classes are held out in turn, and the rule that tells them best is '
        "taken.",
    ),
]
UnknownCost = Annotated[
    float | None,
    typer.Option(
        help=f"Points of balanced accuracy that known classes may lose by it. [default: {UNKNOWN_COST:g}]",
        min=0,
        max=MAX_UNKNOWN_COST,
    ),
]
UnknownRuleChoice = Annotated[
    UnknownRule | None,
    typer.Option(help="Which rule; by probability the file needs no output more. [default: the best]"),
]
Draws = Annotated[
    int | None,
    typer.Option(
        help="Random crops a photo that the head is solved on. "
        f"[default: {TRAIN.draws}, or as many as finetune took before qat]",
        min=1,
    ),
]
Cache = Annotated[
    Path | None, typer.Option(help="Folder for features and adapted weights that several runs may share.")
]
NoKeep = Annotated[
    bool,
    typer.Option(
        "--no-keep", help="Keep nothing that could be computed again (features, adapted weights, scores of photos)."
    ),
]


def _take_recipe(context: typer.Context, name: str | None) -> str | None:
    """Make what a recipe sets the defaults of the command that takes it: what the user gives beside it counts."""
    if name is not None:
        # As the command line has them: an option may be one number of crops, or several.
        context.default_map = {option: str(value) for option, value in recipe_named(name).options.items()}
    return name


RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        callback=_take_recipe,
        is_eager=True,
        help=f"A preset, whose options may be given beside it: {', '.join(RECIPES)}. `edgekit recipes` says what each "
        "sets.",
    ),
]
Shares = Annotated[
    str | None,
    typer.Option(
        "--split",
        help="Shares of the photos, train:test as in 7:3 or 80:20, or train:val:test as in 7:2:1, in place of the two "
        "fractions.",
    ),
]
BonaFide = Annotated[
    str | None,
    typer.Option(
        help="Label of genuine photos; the others are attacks. 'none' if there is none. [default: told by name]"
    ),
]
MultiLabel = Annotated[
    bool,
    typer.Option(
        "--multi-label",
        help="A photo may have several labels: in the manifest a|b, or none; or the same file in two folders. Each "
        "label gets a threshold of its own.",
    ),
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        help="Images that set the int8 ranges: a folder of your own crops or photos, or a place for crops of training "
        "photos. [default: RUN/calibration]"
    ),
]
CalibrationCrops = Annotated[
    int | None,
    typer.Option(help=f"How many are chosen. [default: {CALIBRATION_CROPS}, or as many as qat did before convert]"),
]

# A threshold by rule.
Target = Annotated[
    str | None,
    typer.Option(
        help="Choose the threshold by a rule on validation photos: bpcer=0.02, apcer=0.05 (of the worst kind) or eer."
    ),
]
AlsoTest = Annotated[bool, typer.Option("--also-test", help="With --target: what it gives on the test photos, too.")]
Write = Annotated[
    Path | None, typer.Option(help="Where the model file with the new contract goes. [default: nothing is written]")
]

# How a command works, and what becomes of its results.
Seed = Annotated[int, typer.Option(help="Of all that is drawn by chance.", min=0)]
Workers = Annotated[int, typer.Option(help="Photos that are worked on at the same time.", min=1)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the best weights of an earlier run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the record as JSON on stdout.")]


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as failure:
        raise typer.BadParameter(f"whole numbers with commas between, such as 1,5,10; got {text!r}") from failure


def names(text: str) -> tuple[str, ...]:
    """Names with commas between."""
    return tuple(part.strip() for part in text.split(","))


def joined(values: tuple[int, ...]) -> str:
    """Whole numbers as an option has them, with commas between."""
    return ",".join(map(str, values))


def numbers_of_crops(default: tuple[int, ...]) -> Any:
    """``--crops`` of what compares several; see :func:`crop_counts`."""
    return typer.Option(help=f"Numbers of crops, with commas between. [default: {joined(default)}]")


def crop_counts(given: str | None, *, default: tuple[int, ...], **former: str | None) -> tuple[int, ...]:
    """Numbers of crops: those that the user gave, under the name of today or, with a warning, under the former one.

    Raises:
        EdgekitError: they came under both names.
    """
    for name, text in former.items():
        if text is None:
            continue
        if given is not None:
            raise EdgekitError(f"--{name} is the former name of --crops, got both; leave --{name} out")
        console.note(f"--{name} is now --crops; the former name goes with the next release")
        given = text
    found = default if given is None else numbers(given)
    check_counts("crops", found, MAX_CROPS)
    return found


def reading(columns: str | None, folders: str | None) -> DataReading:
    """How the user says that a data folder is to be read.

    Raises:
        EdgekitError: no folder can be read so.
    """
    from edgekit.data.folder import check_reading

    pairs = [part.partition("=") for part in columns.split(",")] if columns else []
    how = DataReading(
        columns={ours.strip(): theirs.strip() for ours, _, theirs in pairs},
        folders=tuple(level.strip() for level in folders.strip("/").split("/")) if folders else (),
    )
    check_reading(how)
    return how


def read_for(how: DataReading, *models: Path, no: str = "") -> DataReading:
    """The same reading for photos of some models: with several labels a photo where these tell several.

    Args:
        how: How the user says that the folder is to be read.
        models: Model files; those after the first are held to be of the first's kind.
        no: What knows of one label a photo alone; empty where it knows of several.

    Raises:
        ContractError: a model tells several labels, and ``no`` does not know of that; or one model does and another
            does not.
    """
    from edgekit.runtime import read_bundle

    contracts = [read_bundle(model).contract for model in models]
    for one in contracts:
        if no or contracts[0].multi_label is None:
            one.check_one_label(no or "a comparison with others")
    return replace(how, multi_label=contracts[0].multi_label is not None)


def spelt(how: DataReading) -> str:
    """The options that say so, to stand behind a folder's name in a command; nothing where none is needed."""
    columns = ",".join(f"{ours}={theirs}" for ours, theirs in how.columns.items())
    named = {"--columns": columns, "--folders": "/".join(how.folders)}
    return "".join(f" {option} {shlex.quote(text)}" for option, text in named.items() if text)


def labels_of(*models: Path) -> tuple[str, ...]:
    """The classes that models know; a file that is none need not wait for photos to be read."""
    from edgekit.runtime import read_bundle

    return tuple(dict.fromkeys(label for model in models for label in read_bundle(model).contract.labels))


def load_photos(
    data: Path,
    how: DataReading = AS_IT_LIES,
    *,
    skip_bad: bool,
    progress: Progress,
    known: tuple[str, ...] = (),
    place: Path | None = None,
    what: str = "",
    takes_others: bool = False,
) -> Dataset:
    """The photos of a data folder, for a model of the ``known`` classes; ``place`` for ``what`` must lie outside.

    With ``takes_others`` photos of other classes are read, too.
    """
    from edgekit.data.checks import refuse_among_photos
    from edgekit.data.dataset import load_dataset
    from edgekit.evaluate.photos import refuse_strangers

    if place is not None:
        refuse_among_photos(place, data, what)
    check_labels = partial(refuse_strangers, root=data, known=known) if known and not takes_others else None
    return load_dataset(data, reading=how, known=known, check_labels=check_labels, skip_bad=skip_bad, progress=progress)


def with_unknown(config: TrainConfig, *, unknown: bool, cost: float | None, rule: UnknownRule | None) -> TrainConfig:
    """A training's configuration with the rule for unknown that the options ask for.

    Raises:
        EdgekitError: its cost, or its name, without it.
    """
    if not unknown:
        given = given_only({"--unknown-cost": cost, "--unknown-rule": rule})
        if given:
            raise EdgekitError(f"{', '.join(given)} goes with --unknown, which was not given; add it")
        return config
    return replace(config, unknown_cost=UNKNOWN_COST if cost is None else cost, unknown_rule=rule)


def with_detector(
    config: TrainConfig, regions: str | None, *, detector: str | None, align: Alignment | None, margin: float | None
) -> TrainConfig:
    """A training's configuration with the regions that the options ask for.

    Raises:
        EdgekitError: options of regions without these.
        RunError: there is no such detector.
        ContractError: the file is none.
    """
    if regions is None:
        given = given_only({"--detector": detector, "--align": align, "--margin": margin})
        if given:
            raise EdgekitError(f"{', '.join(given)} goes with --regions faces, which was not given; add it")
        return config
    from edgekit.scoring.regions import plan_for, read_detector

    named = detector or config.detector
    plan = changed(plan_for(read_detector(named)), align=align, margin=margin)
    return replace(config, regions=plan, detector=named)


def load_run_photos(before: TrainRecord, data: Path | None, *, progress: Progress) -> Dataset:
    """The photos that a run was trained on, read as they were then; from ``data`` where they have been moved."""
    from edgekit.data.dataset import load_dataset

    return load_dataset(
        data or Path(before.data),
        reading=before.reading,
        known=before.labels,
        skip_bad=before.skipped_photos > 0,
        progress=progress,
    )


@contextmanager
def opened(data: Path) -> Iterator[tuple[Path, CapturesExport | None]]:
    """The data folder that a command was given, or the one that a phone's export of captures is, while it works.

    Yields:
        The folder, and the export where it is one.

    Raises:
        DataError: a zip file that is no such export.
    """
    from edgekit.phones.captures import unpacked_captures

    # Unlike Path.is_file, this also answers for names that are too long.
    if not os.path.isfile(data) or data.suffix.lower() != ".zip":
        yield data, None
        return
    with unpacked_captures(data) as (folder, export):
        if export.unlabelled:
            console.note(f"left out: {count(export.unlabelled, 'photo')} without a truth, of {data}")
        yield folder, export


def check_places(places: Mapping[str, Path | None], data: Path) -> None:
    """Hold, before photos are read, that folders which a command writes can be folders outside the photos'.

    Args:
        places: Folders by what is written to them; None for what is not.
        data: The photos' folder.

    Raises:
        EdgekitError: one lies among the photos, or is a file.
    """
    from edgekit.data.checks import refuse_among_photos

    for what, place in places.items():
        if place is not None:
            refuse_among_photos(place, data, what)
            if os.path.isfile(place):
                raise EdgekitError(f"{what} must be a folder, got the file {place}; name another place")


def refuse_existing(*files: Path, overwrite: bool) -> None:
    """Hold that no file that a command writes replaces another unasked.

    Raises:
        EdgekitError: one of them exists.
    """
    # A link to nothing is somebody's, too.
    used = [file for file in files if os.path.lexists(file)]
    if used and not overwrite:
        raise EdgekitError(f"{used[0]} exists; use --overwrite to replace it or name another file with --out")


def spelling(name: str) -> str:
    """A parameter as its option is spelt."""
    return f"--{name.replace('_', '-')}"


def by_user(context: typer.Context, name: str) -> bool:
    """Whether the user gave an option, rather than a recipe or nobody."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def overrides(context: typer.Context, recipe: Recipe) -> dict[str, str]:
    """What the user gave in place of a recipe's options, by their names."""
    return {name: str(context.params[name]) for name in recipe.options if by_user(context, name)}


def features_by(
    context: typer.Context, recipe: str | None, backbone: str, features: FeatureChoice | None
) -> FeatureChoice | None:
    """The layers that the head sees, by a recipe where one is taken.

    Raises:
        EdgekitError: a backbone can't do the recipe.
    """
    if recipe is None:
        return features
    by_hand = by_user(context, "features")
    return recipe_features(recipe_named(recipe), backbone_named(backbone), features, by_hand=by_hand)


def recipe_beside(context: typer.Context, recipe: str | None) -> dict[str, Any]:
    """What a recipe sets that the command has no option for."""
    options = recipe_named(recipe).options if recipe is not None else {}
    return {name: value for name, value in options.items() if name not in context.params}


def split_config(context: typer.Context, shares: str | None, tune: str, usual: SplitConfig) -> SplitConfig:
    """How photos are split, by shares where the user named some.

    Raises:
        EdgekitError: fractions came with them, or they are none.
    """
    if shares is None:
        return usual
    beside = [spelling(name) for name in ("val_fraction", "test_fraction") if by_user(context, name)]
    if beside:
        raise EdgekitError(f"--split says how large all parts are, got {' and '.join(beside)}, too; leave one out")
    return usual.with_shares(shares, holds_out_val=tune != "head")


def refuse_unused(tune: str, given: dict[str, Any]) -> None:
    """Hold that no fit options come with a head, which is solved exactly.

    Raises:
        EdgekitError: some do.
    """
    unused = [spelling(name) for name in given_only(given)]
    if tune == "head" and unused:
        raise EdgekitError(
            f"a head (--tune head) is solved exactly, without epochs, got {', '.join(unused)}; "
            "leave that out or tune all or last:N"
        )


def chosen_heads(heads: HeadsChoice, plan: CropPlan, draws: int | None, augment: AugmentName = "none") -> HeadsChoice:
    """Whether scales have heads of their own: not where random crops are asked for, whose scales nobody knows.

    Raises:
        EdgekitError: heads for scales are asked for, and the plan has one scale, or random crops are to be varied.
    """
    if heads == "scales" and len({*plan.lead, *plan.cycle}) == 1:
        raise EdgekitError(f"--heads scales needs a plan of several scales, got {plan}; use --heads one")
    if heads == "scales" and augment != "none":
        raise EdgekitError(
            f"--heads scales are solved on the plan's crops of photos as they are, got --augment {augment}; leave that "
            "out or use --heads one"
        )
    return "one" if heads == "auto" and (draws is not None or augment != "none") else heads


def chosen_draws(given: int | None, tune: str, heads: str, network: NetworkConfig) -> int:
    """How many random crops of each photo the head is solved on.

    Raises:
        EdgekitError: they were given where no head is solved, or one on the plan's crops alone.
    """
    if given is not None and heads == "scales":
        raise EdgekitError(
            f"--heads scales are solved on the plan's crops alone, got --draws {given}; leave that out or use --heads "
            "one"
        )
    if given is not None and tune != "head" and network.weights == "none":
        raise EdgekitError(
            f"--tune {tune} --weights none trains from scratch, with no head solved before, got --draws {given}; "
            "leave that out or tune the head"
        )
    return TRAIN.draws if given is None else given


def changed(preset: Config, **given: Any) -> Config:
    """A preset with what the user gave; None stands for what was not."""
    return replace(preset, **given_only(given))  # type: ignore[type-var]  # a dataclass, for which there is no type


def network_config(backbone: str, side: int | None, weights: str, **given: Any) -> NetworkConfig:
    """A network with what the user gave; side and weights are the backbone's usual ones where none are named.

    Raises:
        EdgekitError: there is no such backbone, or it has no width or no layers to choose from.
    """
    known = backbone_named(backbone)
    has = {"alpha": known.any_width, "features": known.has_choice}
    unused = [f"--{name}" for name in given_only(given) if not has.get(name, True)]
    if unused:
        single = [words for name, words in _SINGLE.items() if not has[name]]
        raise EdgekitError(
            f"{backbone} has {' and '.join(single)}, got {', '.join(unused)}; "
            f"leave that out or take --backbone {NETWORK.backbone}"
        )
    usual = "none" if known.published is None else NETWORK.weights
    side_px = known.side_px if side is None else side
    return NetworkConfig(backbone=backbone, side_px=side_px, weights=weights or usual, **given_only(given))


def named_by_user(context: typer.Context) -> set[str]:
    """The parameters that stood on the command line, by their names in the command's signature."""
    return {name for name in context.params if by_user(context, name)}


def given_only(options: dict[str, Any]) -> dict[str, Any]:
    """The options that the user gave; None stands for those that were not."""
    return {name: value for name, value in options.items() if value is not None}


def bona_fide_label(given: str | None, labels: tuple[str, ...]) -> str:
    """The label of genuine photos: what the user gave, or told by its name.

    Raises:
        EdgekitError: no label has that name.
    """
    if given is None:
        return guess_bona_fide(labels)
    if given == "none":
        return ""
    if given not in labels:
        near = likeliest(given, labels)
        raise EdgekitError(f"--bona-fide must be one of {list(labels)} or none, got {given!r}{near}")
    return given


def check_labels(given: str | None, labels: tuple[str, ...], *, unknown: bool) -> None:
    """Hold that a label has the name that was given for genuine photos, and that a rule for unknown can be found.

    Raises:
        EdgekitError: none has, or classes can't be held out in turn.
    """
    genuine = bona_fide_label(given, labels)
    if unknown:
        from edgekit.train.unknown import refuse_unknown

        refuse_unknown(labels, genuine)
