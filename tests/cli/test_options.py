"""Options over all commands: one spelling, one type and one meaning each, and no default that is written twice."""

from __future__ import annotations

import inspect
import re
import types
import typing

import pytest
import typer

from edgekit.adopt.options import AdoptConfig
from edgekit.audit.options import AuditConfig
from edgekit.augment.options import CropsConfig, Preset, VariantsConfig
from edgekit.bench.options import BenchConfig, quick_bench
from edgekit.cli import app
from edgekit.cli.options import load_photos, load_run_photos, reading, spelt
from edgekit.contract import RegionPlan
from edgekit.convert.options import ConvertConfig
from edgekit.crossval.options import CrossvalConfig, variant_stem
from edgekit.data.assign import AssignConfig
from edgekit.data.options import AS_IT_LIES, SplitConfig
from edgekit.errors import DataError
from edgekit.evaluate.options import EvaluateConfig, TtaConfig
from edgekit.explain.options import (
    DreamConfig,
    ExciteConfig,
    Int8Config,
    LayerConfig,
    OcclusionConfig,
    ProbesConfig,
)
from edgekit.gather.options import WANTED, CollectConfig, ImportConfig
from edgekit.look.show import ShowConfig
from edgekit.progress import SILENT
from edgekit.quantize.options import CALIBRATION_CROPS
from edgekit.runtime.smoothing import DEFAULT_TAU_S
from edgekit.serve.options import ServeConfig
from edgekit.simulate.options import RecaptureConfig, SimulateConfig
from edgekit.train.options import UNKNOWN_COST, NetworkConfig, TrainConfig
from edgekit.web.options import WebConfig

# Options whose type depends on the command, and why.
OTHER_TYPES = {
    "--camera": "a plan lists cameras by name; photos are shot by the camera of a number",
    "--crops": "bench, crossval and tta compare numbers of crops, the others take one",
    "--exposure": "variants change it to either side by one number, recaptures draw it from a range",
    "--fill": "variants: what lies beyond the edge; recaptures: the photo's share of the screen",
    "--from": "bench reads phones' exports, finetune begins from a model",
    "--group-by": "an import names folders, cameras or a pattern; elsewhere groups are derived for what has none",
    "--interpreter": "bench compares interpreters, predict takes one",
    "--layout": "of a foreign model's channels, or of what a simulated screen shows",
    "--plan": "tta compares plans, each with a number of crops, the others take one",
    "--split": "collect makes a split, by percentages; the others choose photos of one",
    "--target": "a plan lists what is photographed; evaluate and tune aim at an error rate",
    "--variants": "crossval names what is made of a fold, the others count variants of a photo",
    "--threads": "bench compares numbers of threads, predict takes one",
}
# Options of one type whose words name the command's own object.
OTHER_WORDS = {
    "--dry-run": "what would be removed, or made",
    "--data": "photos to judge on, a run's photos, or photos to show",
    "--group": "all photos of an import, or one session",
    "--int8": "a precision to convert to, or a file of it that is explained",
    "--label": "all photos, or the genuine ones of a set",
    "--margin": "around a face that is cut out, or that is classified",
    "--folds": "of a test, of an audit, of a split; the least number differs",
    "--out": "each says what it writes",
    "--per-class": "photos that are made, or looked at",
    "--port": "of the live view, of a page, or of a server",
    "--preset": "what variants start from, or whether there are any",
    "--side": "of the network's input, of crops, of a copy, of a spectrum's tiles",
    "--strict": "each says what it holds against the set",
    "--test-fraction": "of photos, or of groups",
    "--title": "of a page, of a plan",
    "--val-fraction": "of photos, or of groups",
    "--workers": "processes that make photos, or photos that are scored at the same time",
}


class Option(typing.NamedTuple):
    command: str
    name: str
    type: object
    words: str
    said_default: str
    default: object
    hidden: bool


def commands(group, prefix=""):
    for one in group.registered_commands:
        if one.deprecated:
            continue
        name = one.name or one.callback.__name__
        yield f"{prefix}{name}", one.callback
    for inner in group.registered_groups:
        yield from commands(inner.typer_instance, f"{inner.name} ")


def plain(hint):
    """A type without the None of what was not given."""
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return parts[0] if is_union and len(parts) == 1 else hint


def options():
    for command, function in commands(app):
        hints = typing.get_type_hints(function, include_extras=True)
        for name, parameter in inspect.signature(function).parameters.items():
            if hints[name] is typer.Context:
                continue
            hint, info = typing.get_args(hints[name])[:2]
            if not isinstance(info, typer.models.OptionInfo):
                continue
            # Typer takes the first name for a default until it builds the command.
            spelt = [one for one in (info.default, *(info.param_decls or ())) if str(one).startswith("--")]
            words, _, said = info.help.partition(" [default: ")
            yield Option(
                command=command,
                name=spelt[0].partition("/")[0] if spelt else f"--{name.replace('_', '-')}",
                type=plain(hint),
                words=words,
                said_default=said.removesuffix("]"),
                default=parameter.default,
                hidden=bool(info.hidden),
            )


OPTIONS = tuple(options())
OPTION = {(one.command, one.name): one for one in OPTIONS}


def names(field):
    """Options that say a field in more than one way."""
    values = {}
    for one in OPTIONS:
        if not one.hidden:
            values.setdefault(one.name, set()).add(getattr(one, field))
    return {name for name, said in values.items() if len(said) > 1}


def test_all_commands_are_walked():
    assert {one.command for one in OPTIONS} >= {"bench", "crossval", "data import", "qat", "tta"}
    assert {("tta", "--plan"), ("data import", "--set"), ("convert", "--float"), ("data collect", "--view")} <= set(
        OPTION
    )


def test_an_option_has_one_type():
    assert names("type") == set(OTHER_TYPES)


def test_an_option_has_one_meaning():
    assert names("words") - set(OTHER_TYPES) == set(OTHER_WORDS)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda one: f"{one.command} {one.name}")
def test_what_is_not_given_has_a_default_that_is_said(option):
    """None is no default to show: the help says what happens then, unless nothing does."""
    assert option.said_default == "" or option.default in (None, "")


def listed(values):
    return ",".join(map(str, values))


NETWORK, TRAIN, SPLIT = NetworkConfig(), TrainConfig(), SplitConfig()
BENCH, QUICK, IMPORT, COLLECT = BenchConfig(), quick_bench(), ImportConfig(), CollectConfig(label="any", group="any")
VARIANTS, CUT, RECAPTURE, SHOW, AUDIT = VariantsConfig(), CropsConfig(), RecaptureConfig(), ShowConfig(), AuditConfig()
ADOPT, OCCLUSION, DREAM, SERVE = AdoptConfig(), OcclusionConfig(), DreamConfig(), ServeConfig()
EXCITE, LAYER, INT8 = ExciteConfig(), LayerConfig(), Int8Config()
ASSIGN, SIMULATE, TTA, CROSSVAL = AssignConfig(), SimulateConfig(), TtaConfig(), CrossvalConfig(train=TRAIN)
FACES = RegionPlan(detector="blazeface-short", detector_sha256="0" * 64)
REGIONS = {"--detector": TRAIN.detector, "--align": FACES.align, "--margin": str(FACES.margin)}
DRAWS = f"{TRAIN.draws}, or as many as finetune took before qat"
# What stands in an option or in its help, and what stands in the stage's own options.
DEFAULTS = {
    "web": {"--bench-photos": str(WebConfig().photos)},
    "serve": {
        **{
            f"--{name.replace('_', '-')}": getattr(SERVE, name)
            for name in ("host", "port", "workers", "threads", "queue", "max_mb", "max_photos", "upload_s", "explain_s")
        },
        "--keep-photos": str(SERVE.keep_photos),
        "--keep-mb": str(SERVE.keep_mb),
    },
    "data simulate": {"--per-class": SIMULATE.photos_per_class_per_group, "--seed": SIMULATE.seed},
    "finetune": {
        "--backbone": NETWORK.backbone,
        "--alpha": str(NETWORK.alpha),
        "--features": NETWORK.features,
        "--weights": f"{NETWORK.weights}, none where there are no such weights",
        "--side": "the backbone's",
        "--tune": TRAIN.tune,
        "--head": TRAIN.head,
        "--heads": TRAIN.heads,
        "--weigh": TRAIN.weigh,
        **REGIONS,
        "--unknown-cost": f"{UNKNOWN_COST:g}",
        "--unknown-rule": "the best",
        "--plan": str(TRAIN.plan),
        "--crops": TRAIN.plan.crops,
        "--working-px": TRAIN.plan.working_px,
        "--draws": DRAWS,
        "--augment": TRAIN.augment,
        "--optimizer": TRAIN.whole.optimizer,
        "--schedule": TRAIN.whole.schedule,
        "--plateau-factor": f"{TRAIN.whole.plateau_factor:g}",
        "--least-rate": f"{TRAIN.whole.least_rate:g}",
        "--warmup-epochs": str(TRAIN.whole.warmup_epochs),
        "--label-smoothing": f"{TRAIN.whole.label_smoothing:g}, none",
        "--mixup": f"{TRAIN.whole.mixup:g}, none",
        "--ema": f"{TRAIN.whole.ema:g}, none",
        "--head-rate": f"{TRAIN.whole.head_rate:g}",
        "--dropout": f"{NETWORK.dropout:g}, none",
        "--seed": TRAIN.seed,
        "--val-fraction": SPLIT.val_fraction,
        "--test-fraction": SPLIT.test_fraction,
    },
    "qat": {
        "--draws": DRAWS,
        "--calibration-crops": f"{CALIBRATION_CROPS}, or as many as qat did before convert",
    },
    "convert": {
        "--calibration-crops": f"{CALIBRATION_CROPS}, or as many as qat did before convert",
        "--stage": ConvertConfig().stage,
        "--max-drop": ConvertConfig().max_drop,
    },
    "evaluate": {"--split": EvaluateConfig().part},
    "tta": {
        "--crops": listed(TTA.crops),
        "--plan": " ".join(name if most is None else f"{name}@{most}" for name, most in TTA.plans),
        "--baseline": TTA.baseline,
    },
    "crossval": {
        "--draws": DRAWS,
        "--folds": CROSSVAL.folds,
        "--crops": listed(CROSSVAL.crops),
        "--variants": listed(map(variant_stem, CROSSVAL.variants)),
        "--backbone": NETWORK.backbone,
        "--alpha": str(NETWORK.alpha),
        "--features": NETWORK.features,
        "--weights": f"{NETWORK.weights}, none where there are no such weights",
        "--side": "the backbone's",
        "--tune": TRAIN.tune,
        "--head": TRAIN.head,
        "--heads": TRAIN.heads,
        "--weigh": TRAIN.weigh,
        **REGIONS,
        "--unknown-cost": f"{UNKNOWN_COST:g}",
        "--unknown-rule": "the best",
        "--plan": str(TRAIN.plan),
        "--working-px": TRAIN.plan.working_px,
        "--seed": TRAIN.seed,
    },
    "bench": {
        "--crops": listed(BENCH.crops),
        "--threads": listed(BENCH.threads),
        "--affinity": BENCH.affinity,
        "--timeout": BENCH.timeout_s,
        "--split": BENCH.part,
        **{
            f"--{name.replace('_', '-')}": f"{getattr(BENCH, name):g}; with --quick {getattr(QUICK, name):g}"
            for name in ("runs", "min_seconds", "repeats", "warmup", "warmup_seconds")
        },
    },
    "explain": {
        "--cells": str(OCCLUSION.cells),
        "--cover": OCCLUSION.cover,
        "--split": ProbesConfig().part,
        "--detector": TRAIN.detector,
        "--channels": str(LAYER.channels),
        "--steps": f"{EXCITE.steps} with --excite, {DREAM.steps} a size with --dream",
        "--seed": str(EXCITE.seed),
        "--octaves": str(DREAM.octaves),
        "--longest": str(DREAM.longest_px),
        "--worst": str(INT8.worst),
        "--most-photos": str(INT8.photos),
    },
    "predict": {"--smooth": f"{DEFAULT_TAU_S:g}"},
    "data plan": {"--wanted": str(WANTED)},
    "data import": {
        "--group-by": IMPORT.group.by,
        "--every-ms": IMPORT.every_ms,
        "--window-ms": IMPORT.window_ms,
        "--near-bits": IMPORT.near_bits,
        "--workers": IMPORT.workers,
    },
    "data collect": {
        "--every-ms": f"at a key; of a video {IMPORT.every_ms}",
        "--min-sharpness": COLLECT.min_sharpness,
        "--margin": COLLECT.margin,
        "--gap-s": COLLECT.gap_s,
    },
    "adopt": {"--layout": ADOPT.layout, "--output": ADOPT.output},
    "data augment": {"--variants": VARIANTS.variants, "--seed": VARIANTS.seed},
    "data crops": {
        "--shard": CUT.shard_photos,
        "--into": CUT.into,
        "--seed": CUT.seed,
        "--variants": f"{VARIANTS.variants} with --preset, else none",
    },
    "data recapture": {"--per-photo": RECAPTURE.per_photo, "--genuine": RECAPTURE.genuine, "--seed": RECAPTURE.seed},
    "data audit": {"--folds": AUDIT.folds, "--shuffles": AUDIT.shuffles, "--seed": AUDIT.seed},
    "data show": {
        "--per-row": SHOW.per_row,
        "--per-class": SHOW.per_class,
        "--blur": SHOW.blur_px,
        "--side": SHOW.side_px,
    },
    "data split": {
        "--val-fraction": ASSIGN.val_fraction,
        "--test-fraction": ASSIGN.test_fraction,
        "--seed": ASSIGN.seed,
    },
}
# The command line's own defaults, which no stage has, and why.
OWN_DEFAULTS = {
    ("demo", "--out"): "where a command writes when nobody says where",
    ("explain", "--out"): "as above",
    ("report", "--out"): "as above",
    ("runtime", "--out"): "as above",
    ("data audit", "--out"): "as above",
    ("data show", "--out"): "as above",
    ("bench", "--tolerance"): "a percentage, which compare takes as a share without a default",
    ("tta", "--split"): "an argument of the study, as photos are",
    ("tune", "--split"): "as above",
    ("predict", "--threads"): "one core is left to the rest of the machine where there are more",
    ("explain", "--threads"): "as above",
    ("data augment", "--encoding"): "auto depends on the options",
    ("data crops", "--encoding"): "as above",
    ("data crops", "--plan"): "people cut quarters, CropPlan's own is a model's",
    ("data crops", "--crops"): "of that plan",
    ("adopt", "--plan"): "others' models were trained on one crop, CropPlan's own is a model's",
    ("adopt", "--crops"): "of that plan",
    ("predict", "--batch"): "photos in flight, which no stage has",
    ("data recapture", "--screen"): "all, for which RecaptureConfig lists them",
    **{
        (command, "--workers"): "a process for each processor"
        for command in ("data simulate", "data augment", "data crops", "data recapture")
    },
}
SAME = [(command, name, value) for command, same in DEFAULTS.items() for name, value in same.items()]


@pytest.mark.parametrize(("command", "name", "value"), SAME, ids=lambda one: str(one) if str(one)[:2] == "--" else "")
def test_a_default_is_that_of_the_stage(command, name, value):
    option = OPTION[command, name]
    assert (option.said_default or option.default) == value


def test_every_default_is_compared():
    nothing = (None, "", False, inspect.Parameter.empty)
    with_default = {at for at, option in OPTION.items() if option.default not in nothing}
    assert with_default - {(command, name) for command, name, _ in SAME} == set(OWN_DEFAULTS)


def test_presets_are_those_that_there_are():
    assert typing.get_args(OPTION["data augment", "--preset"].type) == typing.get_args(Preset)
    assert typing.get_args(OPTION["finetune", "--augment"].type) == ("none", *typing.get_args(Preset))
    assert typing.get_args(OPTION["data crops", "--preset"].type) == typing.get_args(Preset)


class TestFormerNames:
    """``--tta`` and ``--k`` still work, with a warning."""

    FORMER: typing.ClassVar = [("bench", "--tta"), ("crossval", "--tta"), ("tta", "--k")]

    @pytest.fixture
    def run(self, edgekit_here, red_blue_file, tmp_path):
        def run(command, *arguments):
            where = ("--out", tmp_path / "out") if command == "crossval" else (red_blue_file, "--data")
            photos = tmp_path / "no-photos"
            what = (photos, *where) if command == "crossval" else (*where, photos)
            return edgekit_here(command, *what, *arguments)

        return run

    @pytest.mark.parametrize(("command", "former"), FORMER)
    def test_the_former_name_warns_and_counts(self, run, command, former):
        code, out, err = run(command, former, "1,5000")
        assert (code, out) == (2, "")
        assert f"{former} is now --crops; the former name goes with the next release\n" in err

    @pytest.mark.parametrize(("command", "former"), FORMER)
    def test_the_name_of_today_does_not_warn(self, run, command, former):
        assert former not in run(command, "--crops", "1,3")[2]

    @pytest.mark.parametrize(("command", "former"), FORMER)
    def test_both_names_are_refused(self, run, command, former):
        code, out, err = run(command, former, "1", "--crops", "1")
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {former} is the former name of --crops, got both")

    @pytest.mark.parametrize(("command", "former"), FORMER)
    def test_the_former_name_is_not_in_the_help(self, edgekit_here, command, former):
        assert OPTION[command, former].hidden
        code, out, _ = edgekit_here(command, "--help")
        assert code == 0
        assert "--crops" in out
        assert not re.search(rf"{former}\b", out)


class TestFoldersThatAreMisread:
    """What training refuses before it reads a photo, and what it takes."""

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            pytest.param(["Genuine/1.jpg", "live/1.jpg", "spoof/1.jpg"], "which are all names of them", id="bona-fide"),
            pytest.param(["Real/1.jpg", "real/1.jpg", "spoof/1.jpg"], "got 'Real' and 'real'", id="same-name"),
            pytest.param(["train/1.jpg", "test/1.jpg"], "without class folders", id="flat-parts"),
            pytest.param(["train/a/1.jpg", "train/b/1.jpg", "bird/1.jpg"], "side by side", id="mixture"),
        ],
    )
    @pytest.mark.parametrize("command", ["finetune", "crossval"])
    def test_refused_before_photos_are_read(self, edgekit_here, tmp_path, empty_files, command, names, message):
        code, _, err = edgekit_here(command, empty_files(*names), "--out", tmp_path / "out", "--backbone", "small_cnn")
        assert code == 2
        assert message in " ".join(err.split())
        assert "checking photos" not in err

    @pytest.mark.parametrize("given", ["none", "live"])
    def test_two_names_of_genuine_photos_may_be_meant(self, edgekit_here, tmp_path, empty_files, given):
        root = empty_files("genuine/1.jpg", "live/1.jpg", "spoof/1.jpg")
        arguments = ("finetune", root, "--out", tmp_path / "out", "--backbone", "small_cnn", "--bona-fide", given)
        code, _, err = edgekit_here(*arguments)
        assert code == 2
        assert "checking photos" in err
        assert "every photo must be usable" in err


def test_a_run_reads_its_photos_as_it_was_told_to(photo_folder):
    root = photo_folder([f"{group}/{label}/1.png" for group in "ab" for label in ("cat", "dog")])
    told = reading(None, "group/label")
    assert spelt(told) == " --folders group/label"
    assert spelt(reading("path=File Name,label=y", None)) == " --columns 'path=File Name,label=y'"
    run = types.SimpleNamespace(data=str(root), reading=told, labels=("cat", "dog"), skipped_photos=0)
    dataset = load_run_photos(run, None, progress=SILENT)
    assert (dataset.labels, dataset.groups) == (("cat", "dog"), ("a", "b"))
    # A run of before could not be told, and its classes settle what would be asked today.
    run = types.SimpleNamespace(data=str(root), reading=AS_IT_LIES, labels=("a", "b"), skipped_photos=0)
    assert load_run_photos(run, None, progress=SILENT).labels == ("a", "b")


def test_classes_that_the_model_does_not_know_are_told_before_photos_are_read(tmp_path):
    for name in ("cat", "cow"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"no photo")
    with pytest.raises(DataError, match="does not know: cow; it knows cat, dog;"):
        load_photos(tmp_path, skip_bad=False, progress=SILENT, known=("cat", "dog"))
