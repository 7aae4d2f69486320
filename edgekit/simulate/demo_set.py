"""Make a set of genuine photos and recaptures, with a manifest whose groups and splits are honest.

A group is one simulated screen and the cameras of its session. Each scene is photographed twice by the same camera:
directly (genuine), and as a photo of another camera shown on the screen (recapture). So both classes of a group have
the same scenes, cameras and kind of files, and no scene stands in two groups. Validation and test have screens *and*
cameras of their own.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.data.derive import claim, make_all
from edgekit.data.manifest import MANIFEST_NAME, SPLITS, Sample, write_manifest
from edgekit.errors import DataError
from edgekit.locks import making_in
from edgekit.progress import SILENT, Progress
from edgekit.records import plain, write_atomic, write_json
from edgekit.simulate.cameras import CAMERAS, encode_jpeg, take_photo, to_light
from edgekit.simulate.options import CAMERAS_PER_GROUP, SimulateConfig
from edgekit.simulate.scenes import draw_scene
from edgekit.simulate.screens import SCREENS, recapture

GENUINE = "genuine"
RECAPTURE = "recapture"
RECORD_NAME = "simulate.json"

# Raised whenever the same config would give other photos, so that sets of two versions never mix.
SIMULATOR_VERSION = 1
# Says which set a folder is being filled with; RECORD_NAME replaces it at the end.
_STARTED_NAME = "simulate.started.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSet:
    """A finished set, as recorded beside its manifest.

    Args:
        version: SIMULATOR_VERSION of what made it.
        config: What was asked for.
        photos: How many there are.
        groups: Names of its groups.
    """

    version: int
    config: SimulateConfig
    photos: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """One scene to be photographed directly and from the screen."""

    group: int
    number: int
    screen: str
    camera: str
    source_camera: str
    split: str

    def samples(self) -> tuple[Sample, Sample]:
        name = f"{self.screen}_{self.number:04d}"
        scene = f"scene-{self.group:02d}-{self.number:04d}"
        known = {"group": self.screen, "camera": self.camera, "scene": scene, "split": self.split}
        screen = {"screen": self.screen, "kind": SCREENS[self.screen].kind}
        return (
            Sample(path=f"{GENUINE}/{name}.jpg", label=GENUINE, **known),
            Sample(path=f"{RECAPTURE}/{name}.jpg", label=RECAPTURE, **known, **screen),
        )


def simulate_photos(
    out: Path, config: SimulateConfig, *, progress: Progress = SILENT, workers: int = 2
) -> SimulatedSet:
    """Make the set in ``out``, or finish or reuse what is there.

    The photos depend on the config alone, whatever ``workers`` is. An interrupted run leaves whole photos, and the next
    run with the same config makes only those that are missing.

    Args:
        out: Gets ``genuine/``, ``recapture/``, ``manifest.csv`` and, last, ``simulate.json``.
        config: What to make.
        progress: Told of every photo.
        workers: Processes; 1 works in this one. A script that asks for more must be importable
            (``if __name__ == "__main__"``).

    Raises:
        DataError: ``out`` holds something else, or ``workers`` is below 1.
        EdgekitError: a file can't be written, or a worker died.
    """
    if workers < 1:
        raise DataError(f"workers must be at least 1, got {workers}; 1 works in this process")
    pairs = _plan(config)
    samples = sorted((sample for pair in pairs for sample in pair.samples()), key=lambda sample: sample.path)
    made = SimulatedSet(
        version=SIMULATOR_VERSION,
        config=config,
        photos=len(samples),
        groups=tuple(sorted({one.group for one in samples})),
    )
    finished = os.path.isfile(out / RECORD_NAME)
    claim(out, None, RECORD_NAME if finished else _STARTED_NAME, plain(made))
    with making_in(out):
        missing = [pair for pair in pairs if not all(os.path.isfile(out / sample.path) for sample in pair.samples())]
        if finished and not missing and os.path.isfile(out / MANIFEST_NAME):
            return made
        progress.begin("making photos", config.photos)
        progress.advance(config.photos - 2 * len(missing))
        for _ in make_all(partial(_make, out, config), missing, workers=min(workers, len(missing)) or 1):
            progress.advance(2)
        write_manifest(out / MANIFEST_NAME, samples)
        write_json(out / RECORD_NAME, made)
        (out / _STARTED_NAME).unlink(missing_ok=True)
    return made


def _plan(config: SimulateConfig) -> list[_Pair]:
    """List all pairs; the groups of a split take turns with its cameras."""
    pairs = []
    group = 0
    for split in SPLITS:
        screens, cameras = getattr(config, f"{split}_screens"), getattr(config, f"{split}_cameras")
        for place, screen in enumerate(screens):
            first = place * CAMERAS_PER_GROUP
            for number in range(config.photos_per_class_per_group):
                own = (first + number % CAMERAS_PER_GROUP) % len(cameras)
                # Any camera but the one that takes the recapture.
                other = (own + 1 + number // CAMERAS_PER_GROUP % (len(cameras) - 1)) % len(cameras)
                taken_by = {"camera": cameras[own], "source_camera": cameras[other]}
                pairs.append(_Pair(group=group, number=number, screen=screen, split=split, **taken_by))
            group += 1
    return pairs


def _make(out: Path, config: SimulateConfig, pair: _Pair) -> None:
    """Draw one scene and write its two photos."""
    # One stream per photo, from the config's seed and the photo's place: workers and order can't matter.
    streams = np.random.SeedSequence(entropy=config.seed, spawn_key=(pair.group, pair.number)).spawn(3)
    for_scene, for_genuine, for_recapture = (np.random.default_rng(stream) for stream in streams)
    camera, source_camera = CAMERAS[pair.camera], CAMERAS[pair.source_camera]
    radiance = to_light(draw_scene(for_scene, size_wh=config.size_wh))
    genuine = encode_jpeg(take_photo(for_genuine, radiance, camera=camera), camera=camera)
    shown = encode_jpeg(take_photo(for_recapture, radiance, camera=source_camera), camera=source_camera)
    with Image.open(io.BytesIO(shown)) as opened:
        photo = np.asarray(opened)
    again = encode_jpeg(recapture(for_recapture, photo, screen=SCREENS[pair.screen], camera=camera), camera=camera)
    for sample, content in zip(pair.samples(), (genuine, again), strict=True):
        write_atomic(out / sample.path, content)
