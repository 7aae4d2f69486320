"""``edgekit explain``: why a model says so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from edgekit.cli import console, options
from edgekit.errors import ContractError, EdgekitError, require
from edgekit.explain.options import (
    DreamConfig,
    ExciteConfig,
    FilterName,
    Int8Config,
    LayerConfig,
    OcclusionConfig,
    ProbesConfig,
    mask_of,
)
from edgekit.metrics.wording import NOTHING, count, file_size, listed, percent, short_percent, signed_points
from edgekit.shipped import is_model_name, model_file

if TYPE_CHECKING:
    from edgekit.data.options import DataReading
    from edgekit.explain.error_gain import ErrorGain
    from edgekit.explain.int8_record import Int8Record, Int8Variant
    from edgekit.explain.model_pictures import ModelLayers, ModelPicture
    from edgekit.explain.photos import MakeGradcam, PhotoExplanation
    from edgekit.explain.probe_record import Moved, ProbeEffect, ProbesRecord
    from edgekit.runtime import Bundle, Classifier

_OCCLUSION, _PROBES, _INT8 = OcclusionConfig(), ProbesConfig(), Int8Config()
_LAYER, _EXCITE, _DREAM = LayerConfig(), ExciteConfig(), DreamConfig()
# Of more classes those that a probe moves most are told; the record has all.
_SHOWN_CLASSES = 20


class _Mode(NamedTuple):
    """One thing that is explained.

    Attributes:
        what: Names it in messages.
        takes: The options that mean something to it, besides those that all modes take.
    """

    what: str
    takes: frozenset[str]


# Parameters that all take.
_COMMON = {"files", "out", "json"}
# By the option that asks for each; a photo is explained where none is given.
_MODES = {
    "": _Mode(
        "a photo",
        frozenset({"--label", "--cells", "--fine", "--cover", "--gradcam", "--mistakes", "--data", "--threads"}),
    ),
    "--probes": _Mode(
        "a data set",
        frozenset(
            {
                "--data",
                "--mask",
                "--detector",
                "--cover",
                "--per-class",
                "--split",
                "--columns",
                "--folders",
                "--skip-bad",
                "--no-keep",
                "--threads",
            }
        ),
    ),
    "--layers": _Mode("a network's layers", frozenset()),
    "--filters": _Mode("a network's filters", frozenset()),
    "--layer": _Mode("a layer", frozenset({"--channels"})),
    "--excite": _Mode("a filter", frozenset({"--steps", "--seed"})),
    "--dream": _Mode("a dream", frozenset({"--steps", "--seed", "--octaves", "--longest"})),
    "--int8": _Mode("an int8 file", frozenset({"--worst", "--most-photos", "--data"})),
}


def explain(
    context: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL PHOTO", help="A .tflite file, a shipped name, a run's folder or a backbone; photos."
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="The label whose log-odds are watched. [default: the one that is answered; of several labels a photo "
            "the most probable]"
        ),
    ] = None,
    cells: Annotated[
        int | None, typer.Option(help=f"About how many cells a photo is cut into. [default: {_OCCLUSION.cells}]")
    ] = None,
    fine: Annotated[
        bool, typer.Option("--fine", help="Cut the quarter of the cells that matters most into four each.")
    ] = False,
    cover: Annotated[
        Literal["blur", "mean"] | None,
        typer.Option(
            help=f"What parts are covered by: the photo's own blur, or its mean colour. [default: {_OCCLUSION.cover}]"
        ),
    ] = None,
    gradcam: Annotated[
        bool, typer.Option("--gradcam", help="Add Grad-CAM, or fail: it needs a run's float weights.")
    ] = False,
    mistakes: Annotated[
        Path | None,
        typer.Option(
            help="Explain the worst mistakes of an evaluation, evaluate.json or its folder, in place of named photos; "
            "--data has the photos."
        ),
    ] = None,
    probes: Annotated[
        bool,
        typer.Option("--probes", help="Probe a data set instead: change its photos, and see what moves the answers."),
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Labelled photos, for --probes and --mistakes, or those of the run for --int8.")
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(
            help="A region that is covered in every photo, x,y,w,h: in pixels, or with a decimal point in shares of "
            "the sides, as in 0.1,0.2,0.5,0.25; or faces, which are found in each."
        ),
    ] = None,
    detector: options.DetectorChoice = None,
    per_class: Annotated[int | None, typer.Option(help="Probe at most so many photos of each class.", min=1)] = None,
    split: options.Split = "auto",
    columns: options.Columns = None,
    folders: options.Folders = None,
    skip_bad: options.SkipBad = False,
    no_keep: options.NoKeep = False,
    layers: Annotated[bool, typer.Option("--layers", help="List the layers of a run's network or a backbone.")] = False,
    filters: Annotated[bool, typer.Option("--filters", help="Draw the filters of its first layer.")] = False,
    layer: Annotated[str | None, typer.Option(help="Draw what this layer makes of PHOTO.")] = None,
    excite: Annotated[
        str | None, typer.Option(metavar="LAYER:FILTER", help="Draw what excites this filter, by gradient ascent.")
    ] = None,
    dream: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Draw PHOTO with more of what it sees there.")
    ] = None,
    channels: Annotated[
        int | None, typer.Option(help=f"With --layer: so many channels, strongest first. [default: {_LAYER.channels}]")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help=f"Steps of ascent. [default: {_EXCITE.steps} with --excite, {_DREAM.steps} a size with --dream]"
        ),
    ] = None,
    octaves: Annotated[
        int | None, typer.Option(help=f"With --dream: sizes of the photo, small to large. [default: {_DREAM.octaves}]")
    ] = None,
    longest: Annotated[
        int | None, typer.Option(help=f"With --dream: at most so many pixels a side. [default: {_DREAM.longest_px}]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help=f"Of all that is drawn by chance. [default: {_EXCITE.seed}]", min=0)
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Hold a run's int8 file against its float network, layer by layer.")
    ] = False,
    worst: Annotated[
        int | None, typer.Option(help=f"With --int8: so many layers are tried in float. [default: {_INT8.worst}]")
    ] = None,
    most_photos: Annotated[
        int | None, typer.Option(help=f"With --int8: about so many photos. [default: {_INT8.photos}]")
    ] = None,
    threads: Annotated[int, typer.Option(help="Crops scored at the same time.", min=1)] = 2,
    out: Annotated[Path, typer.Option(help="Folder for pictures and records.")] = Path("explained"),
    json: options.AsJson = False,
) -> None:
    """Show why a model says what it says: of a photo, of a data set, in its network, in int8.

    Draws the photo's crops with their scores, and a map of what each part of the photo adds to the answer: parts are
    covered in turn. Of a run's folder the float network is asked, and its Grad-CAM drawn beside the map.

    With --probes and --data, photos are changed in one way at a time (no colour, blur, JPEG, another background, a
    covered region, …), and what that moves is told with intervals. A re-run with the same --out goes on.

    With --layers, --filters, --layer, --excite or --dream the float network of a run, or a backbone by its name, is
    looked into. --int8 RUN [FILE] holds a run's int8 file against its float network, layer by layer.
    """
    asked = {"--probes": probes, "--layers": layers, "--filters": filters, "--layer": layer, "--excite": excite}
    asked |= {"--dream": dream, "--int8": int8}
    mode = _mode({name: one is not None and one is not False for name, one in asked.items()})
    named = {options.spelling(name) for name in options.named_by_user(context) - _COMMON} - asked.keys()
    _refuse_of_others(mode, sorted(named))
    if mode == "--probes":
        if cover is not None and mask is None:
            raise EdgekitError("--cover says what --mask is covered by, got no --mask; name one, or leave it out")
        probing = ProbesConfig(
            part=split,
            per_class=per_class,
            mask=mask_of(mask, detector),
            cover=cover or _PROBES.cover,
        )
        how = options.reading(columns, folders)
        scores = None if no_keep else out / "scores"
        record = _probe(files or [], data, probing, out, how=how, scores=scores, skip_bad=skip_bad, threads=threads)
        console.show(record, print_probes, json=json)
        console.note(f"wrote {out / 'probes.json'} and probes.png")
    elif mode == "--int8":
        _explain_int8(files or [], options.changed(_INT8, worst=worst, photos=most_photos), data, out, json=json)
    elif mode:
        climb = {"steps": steps, "seed": seed}
        ask = _Ask(
            mode,
            str(asked[mode]),
            options.changed(_LAYER, channels=channels),
            options.changed(_EXCITE, **climb) if mode == "--excite" else _EXCITE,
            options.changed(_DREAM, **climb, octaves=octaves, longest_px=longest) if mode == "--dream" else _DREAM,
        )
        _explain_network(files or [], ask, out, json=json)
    else:
        occluding = options.changed(_OCCLUSION, label=label, cells=cells, fine=fine, cover=cover)
        model, named_photos = _named(files or [], mistakes, data, out)
        _explain_photos(model, named_photos, occluding, out, gradcam=gradcam, threads=threads, json=json)


class _Ask(NamedTuple):
    """What a float network is asked.

    Attributes:
        mode: One of the options that ask.
        subject: The layer, or the layer and the filter; anything where all of the network is asked.
        layer: How a layer is drawn.
        excite: How a filter is climbed.
        dream: How a photo is.
    """

    mode: str
    subject: str
    layer: LayerConfig
    excite: ExciteConfig
    dream: DreamConfig


def _mode(asked: dict[str, bool]) -> str:
    """The mode that is asked for, by its option.

    Raises:
        EdgekitError: several are.
    """
    names = [name for name, is_asked in asked.items() if is_asked]
    if len(names) > 1:
        raise EdgekitError(f"one thing is explained at a time, got {' and '.join(names)}; leave one out")
    return names[0] if names else ""


def _refuse_of_others(mode: str, given: Sequence[str]) -> None:
    """Hold that no option is given that would have no effect.

    Raises:
        EdgekitError: one is; says what takes it.
    """
    for name in given:
        if name not in _MODES[mode].takes:
            takers = [other or one.what for other, one in _MODES.items() if name in one.takes]
            raise EdgekitError(f"{name} belongs to {' and '.join(takers)}, got {_MODES[mode].what}; leave it out")


def _named(files: list[str], mistakes: Path | None, data: Path | None, out: Path) -> tuple[str, list[Path]]:
    """The model and the photos that are to be explained.

    Raises:
        EdgekitError: a model or photos are missing, or explanations would lie among the photos of a data set.
    """
    if (mistakes is None) != (data is None):
        raise EdgekitError("--mistakes and --data go together: an evaluation, and the photos that it was of")
    if mistakes is not None and data is not None:
        from edgekit.explain.mistakes import mistaken_photos

        if len(files) != 1:
            raise EdgekitError("--mistakes names the photos, so a model alone is needed beside it; leave photos out")
        options.check_places({"an explanation": out}, data)
        return files[0], mistaken_photos(mistakes, data)
    if len(files) < 2:
        raise EdgekitError("a model and a photo are needed: edgekit explain MODEL PHOTO")
    photos = [Path(one) for one in files[1:]]
    for photo in photos:
        _refuse_folder(photo)
    return files[0], photos


def _refuse_folder(photo: Path) -> None:
    if os.path.isdir(photo):
        raise EdgekitError(f"each photo is explained by itself, got the folder {photo}; name photos")


def _explain_photos(
    model: str, photos: list[Path], config: OcclusionConfig, out: Path, *, gradcam: bool, threads: int, json: bool
) -> None:
    from edgekit.explain.photos import explain_photos

    bundle, heat = _loaded(model)
    if gradcam and heat is None:
        raise EdgekitError(
            f"--gradcam needs a network's float weights, which a .tflite file has no more, got {model}; name the "
            "run's folder that `edgekit finetune` wrote, or leave it out"
        )
    with _classifier(model, bundle, threads) as classifier, console.progress() as progress:
        found = explain_photos(classifier, photos, config, out, gradcam=heat, progress=progress)
    if json:
        console.print_json(found)
    else:
        print_photos(found)
    console.note(f"wrote {out}: {', '.join(one.picture for one in found)}, each with its record")


def _loaded(model: str) -> tuple[Bundle, MakeGradcam | None]:
    """A model by its file or its name; or the float network of a run, with its Grad-CAM."""
    from edgekit.explain.whole_photos import refuse_regions
    from edgekit.runtime import read_bundle
    from edgekit.train.record import RunFolder

    folder = Path(model)
    # A folder of photos may be called as a model that ships.
    is_run = os.path.isdir(model) and (
        not is_model_name(model) or os.path.exists(RunFolder(root=folder).record("float"))
    )
    if not is_run:
        return read_bundle(model_file(model)), None
    # Before TensorFlow is loaded, which takes seconds.
    refuse_regions(RunFolder(root=folder).read("float").config)
    from edgekit.explain.gradcam import read_run

    heat, bundle = read_run(folder)
    return bundle, heat.map


def _classifier(model: str, bundle: Bundle, threads: int) -> Classifier:
    from edgekit.runtime import Classifier
    from edgekit.terminal import captured_stderr

    try:
        with captured_stderr():
            return Classifier(bundle, threads=threads)
    except ContractError as mistake:
        raise ContractError(f"{model}: {mistake}") from mistake


def print_photos(found: list[PhotoExplanation]) -> None:
    """Explanations as a table: the answer, and where in the photo it comes from."""
    rows = []
    for one in found:
        left, top, right, bottom = one.occlusion.strongest
        most = max(max(row) for row in one.occlusion.falls.cells)
        rows.append(
            [
                one.photo,
                one.answer,
                f"{one.label} {percent(one.score)}",
                f"{one.occlusion.base_log_odds:.2f}",
                f"{most:.2f}" if most > 0 else NOTHING,
                f"{left},{top} to {right},{bottom}" if most > 0 else NOTHING,
            ]
        )
    console.print_table(
        "what the answers rest on",
        ["photo", "answer", "watched", "log-odds", "the strongest part takes", "which lies at, px"],
        rows,
    )


def _probe(
    files: list[str],
    data: Path | None,
    config: ProbesConfig,
    out: Path,
    *,
    how: DataReading,
    scores: Path | None,
    skip_bad: bool,
    threads: int,
) -> ProbesRecord:
    require("cv2")
    require("scipy")
    from edgekit.explain.probe_figure import plot_probes
    from edgekit.explain.probes import probe_photos
    from edgekit.records import write_json
    from edgekit.scoring.regions import regions_for

    if len(files) != 1 or data is None:
        raise EdgekitError("--probes needs a model and its photos: edgekit explain MODEL --probes --data PHOTOS")
    options.check_places({"an explanation": out}, data)
    bundle, _ = _loaded(files[0])
    with _classifier(files[0], bundle, threads) as classifier, console.progress() as progress:
        known = bundle.contract.labels
        how = replace(how, multi_label=bundle.contract.multi_label is not None)
        dataset = options.load_photos(data, how, known=known, skip_bad=skip_bad, progress=progress)
        dataset = regions_for(bundle, dataset, progress=progress)
        record = probe_photos(classifier, dataset, config, scores=scores, progress=progress)
    write_json(out / "probes.json", record)
    plot_probes(out / "probes.png", record)
    return record


def print_probes(record: ProbesRecord) -> None:
    """Probes as tables: over all photos, then what each class is moved by; then the answers in words."""
    from edgekit.explain.probe_record import AROUND, BACKGROUND, REGION, score_of

    rows = [
        [
            one.name,
            str(one.all.photos),
            percent(one.all.score),
            signed_points(one.all.score_change),
            percent(one.all.accuracy),
            signed_points(one.all.accuracy_change),
        ]
        for one in record.probes
        if one.all is not None
    ]
    console.print_table(
        f"{count(record.photos, 'photo')}, untouched: score of {score_of(record.measure)} {percent(record.score)}, "
        f"{record.measure} {percent(record.accuracy)}; changes in points with 95 % intervals",
        ["probe", "photos", "score", "its change", record.measure, "change"],
        rows,
    )
    _print_classes(record)
    for question, answer in record.answers.items():
        typer.echo(f"{question}? {answer}")
    typer.echo(record.most)
    chance = short_percent(round(record.chance, 4))
    if record.measure == "accuracy":
        typer.echo(f"A guess among the labels would be right for {chance}.")
    else:
        typer.echo(f"An order by chance would have a {record.measure} of {chance}.")
    whys = {BACKGROUND: f", where {record.background} tells no thing", REGION: f", which have no {record.mask}"}
    whys[AROUND] = f"{whys[REGION]}, or nothing else"
    for one in record.probes:
        if one.left_out:
            why = whys.get(one.question, "")
            console.note(f"{one.name}: {count(one.left_out, 'photo')} left out{why}")
    console.caution(record.caution)


def _print_classes(record: ProbesRecord) -> None:
    """For each class the probe that takes most from its score; of many classes those that lose most."""
    from edgekit.explain.probe_record import BLUNT

    worst: dict[str, tuple[ProbeEffect, Moved]] = {}
    for effect in (one for one in record.probes if one.question not in BLUNT):
        for label, moved in effect.classes.items():
            if label not in worst or moved.score_change.value < worst[label][1].score_change.value:
                worst[label] = effect, moved
    order = sorted(worst, key=lambda label: worst[label][1].score_change.value)
    rows = [
        [
            label,
            str(worst[label][1].photos),
            percent(worst[label][1].score_before),
            worst[label][0].name,
            signed_points(worst[label][1].score_change),
            signed_points(worst[label][1].accuracy_change),
        ]
        for label in order[:_SHOWN_CLASSES]
    ]
    console.print_table(
        "what takes most from each class, in points; what leaves little of a photo is left out",
        ["class", "photos", "score", "by", "score", record.measure.removeprefix("mean ")],
        rows,
    )
    if len(order) > _SHOWN_CLASSES:
        console.note(f"{len(order) - _SHOWN_CLASSES} classes that lose less are in the record")


def _explain_network(files: list[str], ask: _Ask, out: Path, *, json: bool) -> None:
    takes_photo = ask.mode in ("--layer", "--dream")
    if len(files) != 1 + takes_photo:
        form = f"{ask.mode} {'LAYER:FILTER' if ask.mode == '--excite' else 'LAYER'}"
        usual = f"edgekit explain MODEL {form if ask.mode not in ('--layers', '--filters') else ask.mode}"
        raise EdgekitError(
            f"{ask.mode} takes a model{' and a photo' if takes_photo else ' alone'}, got {listed(files) or 'none'}: "
            f"{usual}{' PHOTO' if takes_photo else ''}"
        )
    model, photo = files[0], Path(files[-1])
    if takes_photo:
        _refuse_folder(photo)
    # What is no filter and no network is known before TensorFlow is loaded.
    wanted = FilterName.parse(ask.subject) if ask.mode == "--excite" else None
    from edgekit.explain.network_name import find_network

    find_network(model)
    from edgekit.explain.float_network import read_float_network
    from edgekit.explain.model_pictures import ModelGallery

    with console.progress() as progress:
        gallery = ModelGallery(read_float_network(model), out, progress=progress)
        if ask.mode == "--layers":
            found: ModelLayers | ModelPicture = gallery.layers()
        elif ask.mode == "--filters":
            found = gallery.filters()
        elif ask.mode == "--layer":
            found = gallery.layer(ask.subject, photo, ask.layer)
        elif wanted is not None:
            found = gallery.excite(wanted, ask.excite)
        else:
            found = gallery.dream(ask.subject, photo, ask.dream)
    console.show(found, print_network, json=json)
    if ask.mode != "--layers":
        console.note(f"wrote {out}: {getattr(found, 'picture', '')}, with its record")


def print_network(found: ModelLayers | ModelPicture) -> None:
    """A network's layers as a table, or what a picture of it shows in words."""
    from edgekit.explain.model_pictures import ModelLayers

    if isinstance(found, ModelLayers):
        rows = [[one.name, one.kind, "x".join(map(str, one.shape)), f"{one.weights:,}"] for one in found.layers]
        console.print_table(f"{found.model}: {count(len(rows), 'layer')}", ["layer", "kind", "gives", "weights"], rows)
    elif found.channels:
        strongest = [f"#{one.number} ({one.mean:.3g})" for one in found.channels]
        console.note(f"{found.layer} on {found.photo}: strongest by their means are {listed(strongest)}")
    elif found.response is not None:
        before, after = found.response
        console.note(f"{found.layer}:{found.filter} says {before:.3g} to the picture begun with, {after:.3g} to this")


def _explain_int8(files: list[str], config: Int8Config, data: Path | None, out: Path, *, json: bool) -> None:
    from edgekit.explain.whole_photos import refuse_regions, refuse_several
    from edgekit.train.record import RunFolder

    if not 1 <= len(files) <= 2:
        raise EdgekitError(
            f"--int8 takes a run's folder, and its int8 file where that lies elsewhere, got {listed(files) or 'none'}: "
            "edgekit explain --int8 RUN [FILE]"
        )
    folder = RunFolder(root=Path(files[0]))
    before = folder.read("float")
    refuse_regions(before.config)
    refuse_several(before.config)
    name = folder.root.resolve().name
    model = Path(files[1]) if len(files) > 1 else folder.root / f"{name}-int8.tflite"
    if not os.path.exists(model):
        raise EdgekitError(
            f"{model} must be the run's int8 file, and isn't there; name it behind the run, or make it: "
            f"{console.command('convert', folder.root, '--int8')}"
        )
    from edgekit.explain.int8 import explain_int8
    from edgekit.records import make_folder, write_json

    with console.progress() as progress:
        dataset = options.load_run_photos(before, data, progress=progress)
        found = explain_int8(dataset, folder, model, config, progress=progress)
    make_folder(out)
    write_json(out / f"{name}-int8.json", found)
    console.show(found, print_int8, json=json)
    console.note(f"wrote {out / f'{name}-int8.json'}: all {count(len(found.layers), 'layer')}")


def print_int8(found: Int8Record) -> None:
    """The worst layers, what was tried, and what it means."""
    from edgekit.explain.int8_record import say_int8

    rows = [
        [
            one.layer,
            one.operator,
            NOTHING if one.cost is None else _gain(one.cost),
            _decibels(one.own_snr_db),
            _decibels(one.snr_db),
            NOTHING if one.cosine is None else f"{one.cosine:.4f}",
            percent(one.range_used, 0),
            percent(one.clipped, 2),
        ]
        for one in found.worst_layers
    ]
    columns = ["layer", "operator", "costs", "adds itself", "from the input on", "cosine", "range used", "clipped"]
    console.print_table(
        f"{found.model}: the worst of {len(found.layers)} layers by what float would take away on training crops",
        columns,
        rows,
    )
    tried = [_variant_row(one) for one in (found.file, found.float32, *found.kept, *found.calibrations)]
    photos = f"{count(found.photos, 'photo')}, {'held out' if found.validated_by == 'photos' else 'out of fold'}"
    columns = ["", "size", "ms a crop", "log-odds off by", "same answer", "balanced accuracy", "error taken away"]
    console.print_table(f"{photos}; {count(found.crops, 'crop')} of each", columns, tried)
    for line in say_int8(found):
        console.note(line)


def _decibels(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f} dB"


def _gain(gain: ErrorGain) -> str:
    return f"{percent(gain.value)} ({100 * gain.low:.0f} to {100 * gain.high:.0f})"


def _variant_row(one: Int8Variant) -> list[str]:
    gain = NOTHING if one.gain is None else _gain(one.gain)
    size, latency = file_size(one.model_bytes), f"{one.latency_ms:.2f}"
    error = f"{one.log_odds_error:.3f}"
    return [one.name, size, latency, error, percent(one.agreement), percent(one.balanced_accuracy), gain]
