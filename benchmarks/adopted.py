"""How many public image classifiers `edgekit adopt` brings to the contract: every .tflite below a folder, each once.

Labels of the file count, then a text file beside it with as many lines as outputs; else numbers stand for them. Where
nothing in the file says how bytes are normalised, (byte - 127.5) / 127.5 is said: the comparison with the untouched
file holds for any. What had to be said is told.

    python benchmarks/adopted.py FOLDER --photos PHOTOS --out docs/results/adopted-models.json

A file's first folder below FOLDER names where it is from, with + for /.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from edgekit.adopt.interface import NormalisationMissing
from edgekit.adopt.options import AdoptConfig
from edgekit.adopt.run import AdoptRecord, AdoptRequest, adopt_model
from edgekit.data.checks import find_photos
from edgekit.errors import EdgekitError
from edgekit.modelfile.foreign import ForeignModel, examine_model, read_model
from edgekit.records import file_sha256, write_json
from edgekit.runtime.interpreter import interpreter_name

Kind = Literal["classifier", "other"]
SAID = AdoptConfig(mean=(127.5,), std=(127.5,))
OPEN_SIDE = 224
LEAST_SIDE = 8
# Vectors come out of these, too, but they are no scores of classes.
NO_CLASSIFIER = re.compile("embed|feature|style|pose|landmark|iris_land|regress|yamnet", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One file.

    Attributes:
        source: Where it is from.
        name: Its name.
        kind: A classifier of pictures by its input, output and name, or something else.
        compiled: It was compiled for an Edge TPU, so that its own operators can't be seen.
        verdict: What became of it.
        needed: What had to be said beside labels.
        cause: Why it was refused.
        largest_difference: Of a probability, from the untouched file.
        limit: The largest that passes.
    """

    source: str
    name: str
    sha256: str
    size: int
    input: str
    output: str
    kind: Kind
    compiled: bool
    verdict: Literal["adopted", "refused"]
    needed: tuple[str, ...]
    cause: str = ""
    largest_difference: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedModels:
    """All files, and on what they were compared."""

    photos: int
    interpreter: str
    files: tuple[Tried, ...]


def kind_of(model: ForeignModel, name: str) -> Kind:
    """Whether a model takes one picture and gives one vector."""
    if len(model.inputs) != 1 or len(model.outputs) != 1 or NO_CLASSIFIER.search(name):
        return "other"
    shape, scores = model.inputs[0].shape, model.outputs[0].shape
    is_picture = len(shape) == 4 and {1, 3}.intersection((shape[1], shape[3])) and max(shape[1:3]) >= LEAST_SIDE
    # One number is a class where a sigmoid made it.
    least = 1 if "LOGISTIC" in model.operators else 2
    is_vector = len(scores) >= 2 and scores[-1] >= least and scores[0] in (1, -1) and set(scores[1:-1]) <= {1}
    return "classifier" if is_picture and is_vector else "other"


def labels_for(file: Path, model: ForeignModel, folder: Path) -> Path | None:
    """A file of labels, or none where the model has its own."""
    outputs = model.outputs[0].shape[-1] if model.outputs and model.outputs[0].shape else 0
    if model.labels:
        return None
    for text in sorted(file.parent.glob("*.txt")):
        lines = text.read_text(encoding="utf-8", errors="replace").split("\n")
        if len([line for line in lines if line.strip()]) == outputs:
            return text
    made = folder / "labels.txt"
    made.write_text("".join(f"class {number}\n" for number in range(max(outputs, 2))), encoding="utf-8")
    return made


def try_file(file: Path, root: Path, photos: Path | None, folder: Path) -> Tried:
    """Adopt one file, if it can be."""
    common: dict[str, Any] = {
        "source": file.relative_to(root).parts[0].replace("+", "/"),
        "name": file.name.rpartition("__")[2],
        "sha256": file_sha256(file),
        "size": file.stat().st_size,
    }
    try:
        model = examine_model(read_model(file))
    except EdgekitError as failure:
        return _refused(common, "other", failure.args[0].replace(str(file), file.name), compiled=False)
    common |= {
        "input": "; ".join(map(str, model.inputs[:3])),
        "output": "; ".join(map(str, model.outputs[:3])),
    }
    kind, compiled = kind_of(model, file.name), "edgetpu-custom-op" in model.custom
    request = AdoptRequest(source=file, labels=labels_for(file, model, folder), photos=photos)
    needed: tuple[str, ...] = () if model.labels else ("labels",)
    try:
        is_open = -1 in model.inputs[0].shape[1:]
        config = AdoptConfig(side_px=OPEN_SIDE) if is_open else AdoptConfig()
        record, more = _adopt(request, folder / "adopted.tflite", config)
    except EdgekitError as failure:
        return _refused(common, kind, str(failure).replace(str(file), file.name), compiled=compiled)
    seen = record.comparison
    return Tried(
        **common,
        kind=kind,
        compiled=compiled,
        verdict="adopted",
        needed=(*needed, *more, *(["side"] if is_open else [])),
        largest_difference=seen.largest_difference,
        limit=seen.limit,
    )


def _adopt(request: AdoptRequest, out: Path, config: AdoptConfig) -> tuple[AdoptRecord, tuple[str, ...]]:
    try:
        return adopt_model(request, out, config), ()
    except NormalisationMissing:
        return adopt_model(request, out, replace(config, mean=SAID.mean, std=SAID.std)), ("mean and std",)


def _refused(common: dict[str, Any], kind: Kind, cause: str, *, compiled: bool) -> Tried:
    whole = {"input": "", "output": ""} | common
    return Tried(**whole, kind=kind, compiled=compiled, verdict="refused", needed=(), cause=cause)


def files_of(root: Path) -> Iterator[Path]:
    """Every .tflite below a folder, each content once."""
    seen = set()
    for file in sorted(root.rglob("*.tflite")):
        digest = file_sha256(file)
        if digest not in seen:
            seen.add(digest)
            yield file


def main() -> None:
    """Try all files and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/results/adopted-models.json"))
    given = parser.parse_args()
    tried = []
    with tempfile.TemporaryDirectory() as folder:
        for file in files_of(given.folder):
            one = try_file(file, given.folder, given.photos, Path(folder))
            tried.append(one)
            print(f"{one.verdict}: {one.source} {one.name} {one.kind} {one.needed} {one.cause[:160]!r}", flush=True)
    photos = len(find_photos(given.photos)) if given.photos else 0
    write_json(given.out, AdoptedModels(photos=photos, interpreter=interpreter_name(), files=tuple(tried)))


if __name__ == "__main__":
    main()
