"""What a model gets right where a photo is one squashed frame, as MediaPipe Tasks shows it, and where edgekit cuts it.

    python benchmarks/single_frame.py MODEL... --data PHOTOS --mediapipe PYTHON --out docs/results/single-frame.json

PYTHON is an interpreter that has mediapipe. The photos are the test part of the models' own data.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.manifest import Sample
from edgekit.evaluate.photos import choose_photos
from edgekit.records import file_sha256, write_json
from edgekit.runtime import Bundle, Classifier, read_bundle
from edgekit.runtime.interpreter import ModelInterpreter, interpreter_name
from edgekit.scoring.app_frame import app_frame

TASKS = """
import json, sys
import mediapipe as mp
from mediapipe.tasks.python import BaseOptions, vision

options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=sys.argv[1]), max_results=1)
answers = []
with vision.ImageClassifier.create_from_options(options) as classifier:
    for path in json.load(sys.stdin):
        (head,) = classifier.classify(mp.Image.create_from_file(path)).classifications
        answers.append(head.categories[0].category_name)
print(json.dumps({"version": mp.__version__, "answers": answers}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnFrames:
    """One model on the same photos, three times.

    Attributes:
        plan: The contract's, with its crops.
        contract: Photos that the contract gets right.
        frame: … that the most probable label of one squashed frame gets right, as ``app_frame`` squashes it.
        tasks: … by MediaPipe Tasks.
    """

    model: str
    file_sha256: str
    plan: str
    photos: int
    contract: int
    frame: int
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleFrame:
    """All models, and what ran them."""

    data_sha256: str
    interpreter: str
    mediapipe: str
    models: tuple[OnFrames, ...]


def answers_of(bundle: Bundle, dataset: Dataset, samples: Sequence[Sample]) -> list[str]:
    """Labels that a model gives the photos."""
    with Classifier(bundle) as classifier:
        return [classifier.classify(dataset.path_of(sample)).label for sample in samples]


def answers_on_frames(bundle: Bundle, dataset: Dataset, samples: Sequence[Sample]) -> list[str]:
    """The most probable label of one squashed frame of each photo, without antialiasing, as apps have it."""
    model, labels, side_px = ModelInterpreter(bundle.flatbuffer), bundle.contract.labels, bundle.contract.side_px
    return [labels[int(model(app_frame(dataset.path_of(sample), side_px)).argmax())] for sample in samples]


def main() -> None:
    """Measure all models and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--mediapipe", required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/results/single-frame.json"))
    given = parser.parse_args()
    dataset = load_dataset(given.data)
    found, version = [], ""
    for path in given.models:
        bundle = read_bundle(path)
        samples = choose_photos(dataset, bundle.contract, "auto").samples
        truth = [sample.label for sample in samples]
        paths = json.dumps([str(dataset.path_of(sample).resolve()) for sample in samples])
        ran = subprocess.run(
            [given.mediapipe, "-c", TASKS, str(path)], input=paths, capture_output=True, text=True, check=True
        )
        told = json.loads(ran.stdout.splitlines()[-1])
        version = told["version"]
        answers = (answers_of(bundle, dataset, samples), answers_on_frames(bundle, dataset, samples))
        contract, frame, tasks = (
            sum(one == label for one, label in zip(answer, truth, strict=True))
            for answer in (*answers, told["answers"])
        )
        plan = bundle.contract.plan
        found.append(
            OnFrames(
                model=path.name,
                file_sha256=file_sha256(path),
                plan=f"{plan.crops} of {plan}",
                photos=len(samples),
                contract=contract,
                frame=frame,
                tasks=tasks,
            )
        )
        print(found[-1])
    record = SingleFrame(
        data_sha256=dataset.sha256, interpreter=interpreter_name(), mediapipe=version, models=tuple(found)
    )
    write_json(given.out, record)


if __name__ == "__main__":
    main()
