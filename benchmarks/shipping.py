"""What the scripts that make shipped models have in common: a model's folder, and the record that its card is of."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from edgekit.errors import RunError
from edgekit.records import file_sha256, read_json, write_atomic, write_json
from edgekit.runtime.bundle import read_bundle
from edgekit.runtime.interpreter import interpreter_name
from edgekit.train.network import build_network, heads_of, load_weights
from edgekit.train.record import RunFolder
from edgekit.train.start_from import HEAD_NAME, HeadNote, head_content

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number that was measured.

    Attributes:
        what: What it is, for a card.
        value: Itself, from 0 to 1.
        low: Lower end of its 95 % interval, if it has one.
        high: The upper end.
        photos: How many photos it is of, and which.
        on: Which these are, and what that means for the number.
    """

    what: str
    value: float
    low: float | None = None
    high: float | None = None
    photos: int
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of a model beside its file.

    Attributes:
        tells: What it tells apart, for a table.
        backbone: The network.
        data: What trained it, and under which licence.
        calibration: What set its int8 ranges.
        make: The command that makes it again.
        noise: By how much the numbers of a model so made may differ, and why.
        figures: What was measured; the first is the one to quote.
        licences: What each file of LICENSES is of, by its name.
    """

    tells: str
    backbone: str
    data: str
    calibration: str
    make: str
    noise: str
    figures: tuple[Figure, ...]
    licences: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedRecord:
    """The record of a shipped model, ``record.json`` in its folder.

    Attributes:
        begins: Whether ``finetune --from`` can begin from it.
    """

    name: str
    told: Told
    classes: int
    side_px: int
    plan: str
    crops: int
    heads: tuple[str, ...] | None
    precision: str
    model_bytes: int
    model_sha256: str
    begins: bool
    conditions: dict[str, str]
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a model's folder is made from.

    Attributes:
        model: The ``.tflite`` file.
        calibration: The manifest of what set its int8 ranges.
        licences: Texts of licences by their names in LICENSES.
        head: Content of the head to begin from; None where it has none.
    """

    model: Path
    calibration: Mapping[str, Any]
    licences: Mapping[str, str]
    head: bytes | None = None


def ship(out: Path, told: Told, parts: Parts, versions: Mapping[str, str]) -> ShippedRecord:
    """Write a model's folder: all but its card, whose figures ``docs/render.py`` takes from the record.

    Args:
        out: The folder, called as the model.
        told: For the record.
        parts: What goes into it.
        versions: Packages that made the model.

    Raises:
        RunError: texts of licences and what is told of them differ.
    """
    if parts.licences.keys() != told.licences.keys():
        raise RunError(f"each licence needs a text, got {sorted(parts.licences)} for {sorted(told.licences)}")
    file = out / f"{out.name}.tflite"
    write_atomic(file, parts.model.read_bytes())
    write_json(out / "calibration.json", parts.calibration)
    shutil.rmtree(out / "LICENSES", ignore_errors=True)
    for name, text in parts.licences.items():
        write_atomic(out / "LICENSES" / name, text.encode())
    if parts.head is not None:
        write_atomic(out / HEAD_NAME, parts.head)
    contract = read_bundle(file).contract
    record = ShippedRecord(
        name=out.name,
        told=told,
        classes=len(contract.labels),
        side_px=contract.side_px,
        plan=str(contract.plan),
        crops=contract.plan.crops,
        heads=contract.heads,
        precision=contract.precision,
        model_bytes=file.stat().st_size,
        model_sha256=file_sha256(file),
        begins=parts.head is not None,
        conditions={
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "interpreter": interpreter_name(),
        },
        versions=dict(versions),
    )
    write_json(out / "record.json", record)
    return record


def head_of_run(folder: RunFolder) -> bytes:
    """The file of a run's float head, for others to begin from.

    Raises:
        RunError: its backbone has not the weights that its publishers gave, so that the head would be of another one.
    """
    record = folder.read("float")
    config = record.config
    if config.tune != "head" or config.network.weights != "imagenet":
        raise RunError(
            f"a head that ships must be of published weights (--tune head), got {config.network.weights} tuned "
            f"{config.tune} in {folder.root}"
        )
    network = build_network(config.network, len(record.labels), config.head_count)
    load_weights(network, folder.weights("float"), what=f"the float stage of {folder.root}")
    note = HeadNote(
        labels=record.labels,
        network=config.network,
        plan=config.plan,
        heads="scales" if config.head_scales else "one",
        bona_fide=config.bona_fide,
    )
    return head_content(note, heads_of(network))


def calibration_of_run(folder: RunFolder) -> dict[str, Any]:
    """The manifest of the crops that calibrated a run."""
    return read_json(folder.calibration / "manifest.json")


def licence_of(distribution: str) -> str:
    """The text of an installed package's licence.

    Raises:
        RunError: it has none, or several.
    """
    files = [one for one in metadata.files(distribution) or () if one.name.upper().startswith("LICEN")]
    if len(files) != 1:
        raise RunError(f"the package {distribution} must have one text of its licence, got {len(files)}")
    return files[0].read_text(encoding="utf-8")


def own_licence() -> str:
    """The text of this repository's licence."""
    return (ROOT / "LICENSE").read_text(encoding="utf-8")
