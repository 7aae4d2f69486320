"""``edgekit data augment``, ``crops`` and ``recapture``."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgekit.augment.options import Augmentation, CropsConfig, Fill, Preset, VariantsConfig
from edgekit.augment.options import preset as named
from edgekit.cli import console, options
from edgekit.errors import EdgekitError, require
from edgekit.metrics.wording import count
from edgekit.simulate.options import SCREEN_NAMES, RecaptureConfig, RephotoConfig

if TYPE_CHECKING:
    from PIL import Image


Encoding = Annotated[
    Literal["auto", "jpeg", "png"],
    typer.Option(
        help="png keeps every pixel; jpeg has quality 95. auto: png where nothing resamples, as a second JPEG would."
    ),
]
Preview = Annotated[
    Path | None, typer.Option(help="Write one sheet (PNG) of PHOTOS, here one photo, instead of a result.")
]
SheetOrOut = Annotated[Path | None, typer.Argument(help="Folder for the result; none is needed for --preview.")]

_VARIANTS, _CROPS, _RECAPTURE = VariantsConfig(), CropsConfig(), RecaptureConfig()


def augment(
    photos: options.Data,
    out: SheetOrOut = None,
    preset: Annotated[
        Preset | None,
        typer.Option(
            help="Options to start from; the others below change them. [default: recapture-safe where a class is of "
            "genuine photos or of attacks, else mild]"
        ),
    ] = None,
    variants: Annotated[int, typer.Option(help="Variants of each training photo.", min=1)] = _VARIANTS.variants,
    preview: Preview = None,
    rotation: Annotated[float | None, typer.Option(help="Degrees to either side.")] = None,
    width_shift: Annotated[float | None, typer.Option(help="Share of the width.")] = None,
    height_shift: Annotated[float | None, typer.Option(help="Share of the height.")] = None,
    shear: Annotated[float | None, typer.Option(help="Degrees, as Keras counts them.")] = None,
    zoom: Annotated[float | None, typer.Option(help="Factors from 1 - ZOOM to 1 + ZOOM.")] = None,
    channel_shift: Annotated[float | None, typer.Option(help="Share of the full range.")] = None,
    crop: Annotated[float | None, typer.Option(help="Share cut off, in whole pixels.")] = None,
    exposure: Annotated[float | None, typer.Option(help="Stops of light.")] = None,
    horizontal_flip: Annotated[bool | None, typer.Option(help="Mirror half of the variants.")] = None,
    vertical_flip: Annotated[bool | None, typer.Option(help="Mirror half of them upside down.")] = None,
    quarter_turns: Annotated[bool | None, typer.Option(help="Turn by 0, 90, 180 or 270 degrees.")] = None,
    fill: Annotated[Fill | None, typer.Option(help="What lies beyond the edge after a warp.")] = None,
    test_too: Annotated[
        bool, typer.Option("--test-too", help="Vary validation and test photos as well, which no honest test wants.")
    ] = False,
    encoding: Encoding = "auto",
    skip_bad: options.SkipBad = False,
    seed: options.Seed = _VARIANTS.seed,
    columns: options.Columns = None,
    folders: options.Folders = None,
    workers: options.Workers = options.CPUS,
    json: options.AsJson = False,
) -> None:
    """Grow a set by variants of its training photos.

    Rotation, shift, shear and zoom resample: they blur, which erases the moiré that gives a photo of a screen away, and
    where a fine pattern meets the new raster they draw moiré of their own, on genuine photos too. So do blurring,
    resizing and compressing. The preset recapture-safe does nothing of that: it mirrors, turns by right angles, cuts
    whole pixels off and changes the light. Where content decides, not texture, mild turns, shifts and zooms a little
    and mirrors nothing, as letters and colours must stay what they are; cars and antispoof go further.
    """
    require("cv2")
    from edgekit.augment.options import default_preset
    from edgekit.augment.variant_set import augment_photos
    from edgekit.augment.variant_set import preview_variants as draw_preview
    from edgekit.data.derive import list_photos

    how = replace(options.reading(columns, folders), skip_bad=skip_bad)
    given = {
        "rotation_deg": rotation,
        "width_shift": width_shift,
        "height_shift": height_shift,
        "shear_deg": shear,
        "zoom": zoom,
        "channel_shift": channel_shift,
        "crop": crop,
        "exposure_ev": exposure,
        "horizontal_flip": horizontal_flip,
        "vertical_flip": vertical_flip,
        "quarter_turns": quarter_turns,
        "fill": fill,
    }
    # What no preset could be changed to is said before the photos are looked at.
    options.changed(named(preset or "mild"), **given)
    if preset is None:
        # Of a photo alone nobody knows the classes.
        labels = () if preview is not None else list_photos(photos, how).labels
        preset = default_preset(labels)
        console.note(f"preset {preset}, by the classes; --preset takes another")
    augmentation = options.changed(named(preset), **given)
    config = VariantsConfig(
        options=augmentation,
        variants=variants,
        test_too=test_too,
        encoding=_encoding(encoding, augmentation),
        seed=seed,
    )
    place = _check_place(out, preview)
    if preview is not None:
        _write_sheet(place, draw_preview(photos, config))
        return
    with console.progress() as progress:
        made = augment_photos(photos, place, config, reading=how, progress=progress, workers=workers)
    if json:
        console.print_json(made)
    console.note(
        f"{place} holds {count(made.photos, 'photo')} and {count(made.variants, 'variant')}; "
        f"next: {console.command('finetune', place, '--out', 'runs/grown')}"
    )


def _check_place(out: Path | None, preview: Path | None) -> Path:
    """The one place for the result: a folder, or the file of a sheet."""
    if preview is None:
        if out is None:
            raise EdgekitError("a folder for the result must be named, or --preview FILE; got neither")
        return out
    if out is not None:
        raise EdgekitError(f"--preview writes one sheet and nothing else, got the folder {out}; leave it out")
    if os.path.isdir(preview):
        raise EdgekitError(f"--preview must name a PNG file, got the folder {preview}; add a name")
    return preview


def _write_sheet(path: Path, sheet: Image.Image) -> None:
    from edgekit.look.sheets import save_png

    save_png(path, sheet)
    console.note(f"wrote {path}")


def _encoding(given: Literal["auto", "jpeg", "png"], variants: Augmentation | None) -> Literal["jpeg", "png"]:
    if given != "auto":
        return given
    return "jpeg" if variants is None or variants.resamples else "png"


def crops(
    photos: options.Data,
    out: Annotated[Path, typer.Argument(help="Folder for the result; a re-run with the same options goes on there.")],
    plan: options.Plan = "1/4",
    crops: Annotated[int, typer.Option(help="Crops of each photo and variant.", min=1)] = 10,
    working_px: options.WorkingPx = 0,
    side: Annotated[
        int, typer.Option(help="Side that crops are brought to, in pixels; 0 keeps their own pixels.", min=0)
    ] = 0,
    into: Annotated[
        Literal["folder", "tfrecord"], typer.Option(help="A folder per class and a manifest, or shards for tf.data.")
    ] = _CROPS.into,
    preset: Annotated[Preset | None, typer.Option(help="Cut crops of variants of training photos, too.")] = None,
    variants: Annotated[
        int | None,
        typer.Option(
            help=f"Variants of each training photo. [default: {_VARIANTS.variants} with --preset, else none]", min=1
        ),
    ] = None,
    shard: Annotated[
        int, typer.Option(help="Photos and variants that are written at once.", min=1)
    ] = _CROPS.shard_photos,
    encoding: Encoding = "auto",
    skip_bad: options.SkipBad = False,
    seed: options.Seed = _CROPS.seed,
    columns: options.Columns = None,
    folders: options.Folders = None,
    workers: options.Workers = options.CPUS,
    json: options.AsJson = False,
) -> None:
    """Cut square crops of photos, as files.

    Ten of a quarter of the width by default; any plan that a model's contract can have. A run that was stopped or
    killed goes on where it was, without a lost or doubled crop.
    """
    from edgekit.augment.crop_set import cut_crops
    from edgekit.contract import CropPlan

    if variants is not None and preset is None:
        raise EdgekitError("--variants says how many --preset draws; name one, or leave it out")
    how = replace(options.reading(columns, folders), skip_bad=skip_bad)
    augmentation = None if preset is None else named(preset)
    config = CropsConfig(
        plan=CropPlan.parse(plan, crops=crops, working_px=working_px or None),
        side_px=side or None,
        options=augmentation,
        variants=0 if preset is None else variants or _VARIANTS.variants,
        encoding=_encoding(encoding, augmentation),
        into=into,
        shard_photos=shard,
        seed=seed,
    )
    with console.progress() as progress:
        made = cut_crops(photos, out, config, reading=how, progress=progress, workers=workers)
    if json:
        console.print_json(made)
    console.note(
        f"{out} holds {count(made.crops, 'crop')} of {count(made.photos, 'photo')}; classes: {', '.join(made.labels)}"
    )


def recapture(
    photos: options.Data,
    out: SheetOrOut = None,
    screen: Annotated[
        str,
        typer.Option(
            help="Screens and prints that take turns: lcd-rgb, oled-pentile, crt, ips-monitor, print-inkjet, "
            "print-offset, print-plain, print-laser, print-photo, with commas between, or all."
        ),
    ] = "all",
    preview: Preview = None,
    per_photo: Annotated[int, typer.Option(help="Recaptures of each genuine photo.", min=1)] = _RECAPTURE.per_photo,
    genuine: Annotated[
        Literal["both", "rephotographed", "copied"],
        typer.Option(
            help="Genuine photos of the result: as they are, photographed again by the same cameras, or both. As they "
            "are alone, a model learns the simulator's camera instead of screens."
        ),
    ] = _RECAPTURE.genuine,
    label: Annotated[str, typer.Option(help="Label of genuine photos. [default: told by name]")] = "",
    distance: Annotated[
        str | None, typer.Option(help="Camera pixels per screen pixel, as a factor on what is usual: LOW:HIGH.")
    ] = None,
    angle: Annotated[float | None, typer.Option(help="Largest turn of the screen, in degrees.")] = None,
    focus: Annotated[str | None, typer.Option(help="Blur besides the lens's own, in camera pixels: LOW:HIGH.")] = None,
    exposure: Annotated[str | None, typer.Option(help="Error of the exposure, in stops: LOW:HIGH.")] = None,
    shake: Annotated[str | None, typer.Option(help="Way of the hand, in pixels of the file: LOW:HIGH.")] = None,
    glare: Annotated[str | None, typer.Option(help="Reflected light, as a share of the screen's: LOW:HIGH.")] = None,
    jpeg: Annotated[str | None, typer.Option(help="Quality of the files: LOW:HIGH.")] = None,
    coverage: Annotated[
        str | None,
        typer.Option(
            help="Share of the screen in the picture, above 1, and earlier with phones, with the room around: LOW:HIGH."
        ),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            help="What the screen shows around the photo: whole (nothing), page, letterbox, app, grid, article, cover, "
            "or text instead of it, with commas between; prints have no bars, apps and grids. [default: all]"
        ),
    ] = None,
    fill: Annotated[str | None, typer.Option(help="Share of the screen that the photo takes: LOW:HIGH.")] = None,
    room: Annotated[
        float | None, typer.Option(help="Share of recaptures with another photo of the group behind the screen.")
    ] = None,
    phones: Annotated[
        float | None, typer.Option(help="Share of the phones that have a phone's shape, with round corners.")
    ] = None,
    hand: Annotated[
        float | None,
        typer.Option(help="Share of the phones in a hand; half as many prints are under fingers."),
    ] = None,
    dots: Annotated[float | None, typer.Option(help="Share of inkjet and offset prints whose dots are seen.")] = None,
    lamp: Annotated[
        float | None, typer.Option(help="Share of screens and glossy prints with a lamp's mirror image.")
    ] = None,
    oversample: Annotated[
        str | None, typer.Option(help="Camera pixels per pixel of the file, along one axis: LOW:HIGH.")
    ] = None,
    long_side: Annotated[
        int | None,
        typer.Option(
            help="Longest side of the files, in pixels; photos of more have detail that lenses can lose. Copies keep "
            "their size: use --genuine rephotographed."
        ),
    ] = None,
    skip_bad: options.SkipBad = False,
    seed: options.Seed = _RECAPTURE.seed,
    columns: options.Columns = None,
    folders: options.Folders = None,
    workers: options.Workers = options.CPUS,
    json: options.AsJson = False,
) -> None:
    """Simulate recaptures of genuine photos.

    Every photo is shown on a simulated screen, or printed, and photographed again; the manifest has what was drawn for
    each. A sheet of --preview has the photo on every screen. How far a model that saw only such photos gets on real
    ones is in docs/data.md.
    """
    from edgekit.simulate.recapture_set import make_recaptures
    from edgekit.simulate.recapture_set import preview_recaptures as draw_preview

    how = replace(options.reading(columns, folders), skip_bad=skip_bad)
    ranges = {"distance": distance, "focus_px": focus, "exposure_ev": exposure, "glare": glare, "jpeg": jpeg}
    ranges |= {"coverage": coverage, "fill": fill, "oversample": oversample, "shake_px": shake}
    rephoto = options.changed(
        RephotoConfig(),
        **{name: _range(name, text) for name, text in options.given_only(ranges).items()},
        angle_deg=angle,
        layouts=None if layout is None else options.names(layout),
        room=room,
        phones=phones,
        hand=hand,
        dots=dots,
        lamp=lamp,
        long_side_px=long_side,
    )
    config = RecaptureConfig(
        screens=SCREEN_NAMES if screen == "all" else options.names(screen),
        per_photo=per_photo,
        genuine=genuine,
        label=label,
        rephoto=rephoto,
        seed=seed,
    )
    place = _check_place(out, preview)
    if preview is not None:
        with console.progress() as progress:
            sheet = draw_preview(photos, config, progress=progress)
        _write_sheet(place, sheet)
        return
    with console.progress() as progress:
        made = make_recaptures(photos, place, config, reading=how, progress=progress, workers=workers)
    if json:
        console.print_json(made)
    console.note(
        f"{place} holds {count(made.genuine, 'genuine photo')} and {count(made.recaptures, 'recapture')}; "
        f"next: {console.command('finetune', place, '--out', 'runs/simulated')}"
    )


def _range(name: str, text: str) -> tuple[float, float]:
    """``0:0.5``, or one number for a range without width."""
    low, colon, high = text.partition(":")
    try:
        return float(low), float(high if colon else low)
    except ValueError as failure:
        raise EdgekitError(f"{name} must be a number or LOW:HIGH, got {text!r}; correct it") from failure
