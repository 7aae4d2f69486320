"""The ports against Python's runtime: boxes, pixels, scores and verdicts of whole photos, and the time of ten crops.

    python benchmarks/ports.py photos more-photos --out docs/results/ports.json

Photos are those of data folders, spread over their groups. A port is a command that takes two files: jobs, a JSON
object a line, and answers, which it writes as lines in the same order. Its first line says of it ``engine`` (the
interpreter and its version), ``platform`` and ``decoder``. A job is one of

- ``{"do": "classify", "model", "photo", "stop_early", "crops_to", "plan", "side_px"}``: paths of a model and a photo;
  the crops' bytes go one after another into the file ``crops_to``, where that is not null. ``plan`` and ``side_px`` are
  the model's. The answer has ``verdict``, as ``Verdict.to_dict`` has it, or ``refused``, the message.
- ``{"do": "cut", "array", "size_wh", "plan", "side_px", "runs"}``: cut and resize the plan's crops of an array, over
  and over. The answer has ``ms``, a time for each run; runs to warm up are not among them.

A port that can't run here ends with another exit code than 0 and says why; the record has the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from conditions import local_conditions

from edgekit.contract import CropPlan
from edgekit.data.dataset import load_dataset
from edgekit.errors import EdgekitError, PhotoError
from edgekit.modelfile.write import write_bundle
from edgekit.records import file_sha256, plain, read_json, sha256, write_json
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime.crops import Box, crop_boxes, shrink
from edgekit.runtime.photo import Photo, read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.runtime.readers import size_of
from edgekit.runtime.voting import TINY

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("models/demo-int8.tflite", "tests/models/red_blue.tflite", "tests/models/three_colours.tflite")
# What the ten crops are cut of, and how: every kind of crop, at the input of most models.
ARRAY_WH = 4000, 3000
CUT = CropPlan.parse("full+centre:native,1/4,1/2", crops=10)
SIDE_PX = 224
# A port may take so many times as long as Python.
LIMIT = 1.5
TIMEOUT_S = 3600

Answer = dict[str, Any]
Job = dict[str, Any]


class Absent(Exception):
    """A port can't run here; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A runtime that answers like Python's, or doesn't.

    Attributes:
        name: Names it in the record.
        command: The command, to which the paths of jobs and answers are added. Raises Absent.
        is_timed: Whether it is one for the time of crops, not for answers.
    """

    name: str
    command: Callable[[], Sequence[str | Path]]
    is_timed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a model's output: its size, and whether it is one of logits in front of a softmax."""

    size: float
    of_logits: bool

    def between(self, found: np.ndarray, expected: np.ndarray) -> float:
        """The largest difference of probabilities (rows, classes) in steps; of logits, that of their log-odds."""
        if not self.of_logits:
            return float(np.abs(found - expected).max(initial=0)) / self.size
        apart = np.log(np.maximum(found, TINY)) - np.log(np.maximum(expected, TINY))
        return float((apart.max(axis=1) - apart.min(axis=1)).max(initial=0)) / self.size


def step_of(flatbuffer: bytes) -> Step:
    """The step of a model: that of its int8 logits, or of 8-bit probabilities where it is of floats."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    graph = model.subgraphs[0]
    read = [
        graph.tensors[operator.inputs[0]]
        for operator in graph.operators
        if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.DEQUANTIZE
    ]
    # A model of floats dequantizes its input alone.
    if not read or read[-1].type != schema.TensorType.INT8:
        return Step(size=1 / 256, of_logits=False)
    return Step(size=float(read[-1].quantization.scale[0]), of_logits=True)


def chosen(folders: Sequence[Path], most: int) -> list[tuple[Path, str]]:
    """Photos and their groups, the same each time: of each folder ``most``, in turns over groups and both classes."""
    found: list[tuple[Path, str]] = []
    for folder in folders:
        dataset, rows = load_dataset(folder), defaultdict(list)
        for sample in dataset.samples:
            rows[sample.group, sample.label].append(dataset.path_of(sample))
        turns = sorted((place, *key, path) for key, paths in rows.items() for place, path in enumerate(paths))
        found += [(path, group) for _, group, _, path in turns[:most]]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What Python and a port made of one photo with one model.

    Attributes:
        expected: Python's answer to all crops.
        found: The port's.
        early: Both answers where the contract may stop early, Python's first.
        crops: Both files of crops, Python's first.
        shrink: How many times smaller the photo was worked on.
    """

    expected: Answer
    found: Answer
    early: tuple[Answer, Answer]
    crops: tuple[Path, Path]
    shrink: int


def compared(pairs: Sequence[Pair], step: Step, temperature: float) -> dict[str, Any]:
    """How far a port is from Python over some photos."""
    both = [pair for pair in pairs if "verdict" in pair.expected and "verdict" in pair.found]
    boxes = [_boxes(pair.expected) == _boxes(pair.found) for pair in both]
    pixels = [_bytes(*pair.crops) for pair in both]
    alike = [pair for pair, same in zip(both, boxes, strict=True) if same]
    answered = [pair for pair in pairs if all("verdict" in one for one in pair.early)]
    verdicts = [[one["verdict"]["label"] for one in pair.early] for pair in answered]
    used = [[len(one["verdict"]["crops"]) for one in pair.early] for pair in answered]
    whole = [(pair.expected["verdict"]["label"], pair.found["verdict"]["label"]) for pair in both]
    scale = step.size * (1 / temperature if step.of_logits else 1)
    vote = Step(size=scale, of_logits=step.of_logits)
    return {
        "photos": len(pairs),
        "answered_by_one": sum(("verdict" in pair.expected) != ("verdict" in pair.found) for pair in pairs),
        "crops": sum(len(pair.expected["verdict"]["crops"]) for pair in both),
        "boxes_differ": len(both) - len(alike),
        "bytes": sum(one[0] for one in pixels),
        "bytes_differ": sum(one[1] for one in pixels),
        "photos_with_other_bytes": sum(one[1] > 0 for one in pixels),
        "largest_levels": max((one[2] for one in pixels), default=0),
        "largest_steps": max((step.between(*_crops(pair)) for pair in alike), default=0.0),
        "largest_vote_steps": max((vote.between(*_votes(pair)) for pair in both), default=0.0),
        "verdicts_differ": sum(one != other for one, other in whole),
        "early_verdicts_differ": sum(one != other for one, other in verdicts),
        "early_crops_differ": sum(one != other for one, other in used),
    }


def _boxes(answer: Answer) -> list[list[int]]:
    return [list(one["box"]) for one in answer["verdict"]["crops"]]


def _crops(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of each crop, the port's first."""
    rows = [[one["probabilities"] for one in answer["verdict"]["crops"]] for answer in (pair.found, pair.expected)]
    return np.array(rows[0], np.float64), np.array(rows[1], np.float64)


def _votes(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    expected = pair.expected["verdict"]["probabilities"]
    found = [pair.found["verdict"]["probabilities"][label] for label in expected]
    return np.array([found], np.float64), np.array([list(expected.values())], np.float64)


def _bytes(expected: Path, found: Path) -> tuple[int, int, int]:
    """How many bytes of crops there are, how many differ, and by how much at most."""
    here, there = (np.fromfile(path, np.uint8).astype(np.int16) for path in (expected, found))
    if here.size != there.size:
        return here.size, max(here.size, there.size), 255
    apart = np.abs(here - there)
    return here.size, int(np.count_nonzero(apart)), int(apart.max(initial=0))


class Python:
    """Python's own answers, which go to files as a port's do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: dict[str, Path] = {}
        (folder / "python").mkdir()
        self._classifiers: dict[str, Classifier] = {}

    def classifier(self, model: str) -> Classifier:
        """The runtime with a model."""
        if model not in self._classifiers:
            self._classifiers[model] = Classifier(read_bundle(self.path(model)))
        return self._classifiers[model]

    def path(self, model: str) -> Path:
        """Where a model lies: in the repository, or among the variants that ``with_working_side`` made."""
        return self.paths.get(model, ROOT / model)

    def with_working_side(self, model: str, working_px: int) -> str:
        """The name of a variant of a model that works on photos of another size."""
        bundle, name = read_bundle(self.path(model)), f"{model} at {working_px} px"
        plan = replace(bundle.contract.plan, working_px=working_px)
        self.paths[name] = self.folder / f"{Path(model).stem}-{working_px}.tflite"
        write_bundle(replace(bundle, contract=replace(bundle.contract, plan=plan)), self.paths[name])
        return name

    def jobs(self, photos: Sequence[Path], model: str) -> list[Job]:
        """Two jobs a photo: all crops, and as many as it takes."""
        contract = self.classifier(model).contract
        shared = {"do": "classify", "plan": plain(contract.plan), "side_px": contract.side_px}
        made: list[Job] = []
        for number, photo in enumerate(photos):
            paths = {"model": str(self.path(model)), "photo": str(photo.resolve())}
            one = {**shared, **paths, "stop_early": False, "crops_to": f"{self.path(model).stem}-{number}.rgb"}
            made += [one, {**one, "stop_early": True, "crops_to": None}]
        return made

    def answer(self, job: Job, model: str) -> Answer:
        """Do one job."""
        classifier = self.classifier(model)
        try:
            verdict = classifier.classify(job["photo"], stop_early=job["stop_early"]).to_dict()
        except PhotoError as refusal:
            return {"refused": str(refusal)}
        if job["crops_to"]:
            contract = classifier.contract
            photo = read_photo(job["photo"], contract.plan.working_px)
            crops = [to_tensor(photo, Box(*one["box"]), contract.side_px) for one in verdict["crops"]]
            (self.folder / "python" / job["crops_to"]).write_bytes(np.stack(crops).tobytes())
        return {"verdict": verdict}


def asked(port: Port, jobs: Sequence[Job], folder: Path) -> list[Answer]:
    """What a port answers to jobs, what it says of itself first.

    Raises:
        Absent: it can't run here, or ended without all answers.
    """
    folder.mkdir(exist_ok=True)
    command = port.command()
    questions, answers = folder / "jobs.jsonl", folder / "answers.jsonl"
    answers.unlink(missing_ok=True)
    placed = [{**job, "crops_to": str(folder / job["crops_to"])} if job.get("crops_to") else job for job in jobs]
    questions.write_text("".join(json.dumps(job) + "\n" for job in placed), encoding="utf-8")
    try:
        ran = subprocess.run(
            [*command, questions, answers], cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
    except OSError as failure:
        raise Absent(f"{command[0]} can't be run: {failure.strerror}") from failure
    except subprocess.TimeoutExpired as late:
        raise Absent(f"no end after {late.timeout:.0f} s") from late
    lines = answers.read_text(encoding="utf-8").splitlines() if answers.exists() else []
    if ran.returncode != 0 or len(lines) != len(jobs) + 1:
        said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()[-3:]
        raise Absent(f"exit code {ran.returncode}, {len(lines)} of {len(jobs) + 1} answers; {' '.join(said)}"[:500])
    return [json.loads(line) for line in lines]


def of_port(port: Port, python: Python, work: dict[str, tuple[list[Job], list[Answer]]]) -> dict[str, Any]:
    """A port's part of the record, all models in one run."""
    folder = python.folder / port.name
    jobs = [job for asked_of, _ in work.values() for job in asked_of]
    try:
        about, *answers = asked(port, jobs, folder)
    except Absent as reason:
        return {"name": port.name, "absent": str(reason)}
    rest = iter(answers)
    models = []
    for model, (mine, expected) in work.items():
        found = [next(rest) for _ in mine]
        classifier = python.classifier(model)
        pairs = list(_pairs(mine, expected, found, (python.folder / "python", folder)))
        step, temperature = (
            step_of(read_bundle(python.path(model)).flatbuffer),
            classifier.contract.decision.temperature,
        )
        parts = {
            "as_they_are": [pair for pair in pairs if pair.shrink == 1],
            "reduced": [pair for pair in pairs if pair.shrink > 1],
        }
        told = {name: compared(part, step, temperature) for name, part in parts.items() if part}
        models.append({"model": model, **told})
    return {"name": port.name, "absent": None, **about, "models": models}


def _pairs(jobs: list[Job], expected: list[Answer], found: list[Answer], folders: tuple[Path, Path]) -> Iterator[Pair]:
    for at in range(0, len(jobs), 2):
        here, there = (folder / jobs[at]["crops_to"] for folder in folders)
        yield Pair(
            expected=expected[at],
            found=found[at],
            early=(expected[at + 1], found[at + 1]),
            crops=(here, there),
            shrink=shrink(size_of(Path(jobs[at]["photo"])), jobs[at]["plan"]["working_px"]),
        )


def cut_times(array: np.ndarray, runs: int) -> list[float]:
    """Milliseconds that Python takes for the crops, the first run left out."""
    photo = Photo(picture=array, size_wh=ARRAY_WH)
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        for box in crop_boxes(CUT, ARRAY_WH, SIDE_PX):
            to_tensor(photo, box, SIDE_PX)
        times.append(1000 * (time.perf_counter() - began))
    return times[1:]


def speed(ports: Sequence[Port], folder: Path, rounds: int, runs: int) -> dict[str, Any]:
    """Python and the ports in turns; a ratio of medians a round, and the median of those."""
    path = folder / "array.rgb"
    array = np.random.default_rng(0).integers(0, 256, (ARRAY_WH[1], ARRAY_WH[0], 3), np.uint8)
    path.write_bytes(array.tobytes())
    job = {
        "do": "cut",
        "array": str(path),
        "size_wh": ARRAY_WH,
        "plan": plain(CUT),
        "side_px": SIDE_PX,
        "runs": runs,
    }
    # Where others run, times say little; ratios of one round still do.
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    here: list[float] = []
    there: dict[str, list[dict[str, float]]] = {port.name: [] for port in ports}
    absent: dict[str, str] = {}
    for _ in range(rounds):
        here.append(statistics.median(cut_times(array, runs)))
        for port in ports:
            if port.name in absent:
                continue
            try:
                ms = statistics.median(asked(port, [job], folder / f"{port.name} cuts")[1]["ms"])
            except Absent as reason:
                absent[port.name] = str(reason)
                continue
            there[port.name].append({"ms": ms, "ratio": ms / here[-1]})
    told = [
        {
            "name": name,
            "absent": absent.get(name),
            "ms": [one["ms"] for one in found],
            "ratio": None if name in absent else statistics.median(one["ratio"] for one in found),
        }
        for name, found in there.items()
    ]
    about = {"size_wh": ARRAY_WH, "plan": str(CUT), "crops": CUT.crops, "side_px": SIDE_PX}
    return {**about, "rounds": rounds, "runs": runs, "limit": LIMIT, "load": load, "python_ms": here, "ports": told}


def ports_here() -> tuple[Port, ...]:
    """The ports of this repository."""
    android, web = ROOT / "android_demo" / "tools" / "ports.py", ROOT / "web_demo" / "tools" / "ports.mjs"

    def script(path: Path, *words: str) -> Callable[[], Sequence[str | Path]]:
        def command() -> Sequence[str | Path]:
            if not path.exists():
                raise Absent(f"there is no {path.relative_to(ROOT)}")
            return [sys.executable if path.suffix == ".py" else "node", path, *words]

        return command

    return (
        Port(name="Kotlin, x86_64", command=script(android, "x86_64")),
        Port(name="Kotlin, arm64", command=script(android, "arm64-v8a")),
        Port(name="Chromium", command=script(web)),
        Port(name="Kotlin", command=script(android, "jvm"), is_timed=True),
        Port(name="JavaScript", command=script(web), is_timed=True),
    )


def measured(given: argparse.Namespace, folder: Path, ports: Sequence[Port]) -> dict[str, Any]:
    """The whole record."""
    photos = chosen(given.photos, given.most)
    paths = [path for path, _ in photos]
    python = Python(folder)
    models = [*given.model]
    if given.working:
        models = [python.with_working_side(model, given.working) for model in models]
    work = {}
    for model in models if not all(port.is_timed for port in ports) else ():
        print(f"Python: {model}, {len(photos)} photos", flush=True)
        jobs = python.jobs(paths, model)
        work[model] = jobs, [python.answer(job, model) for job in jobs]
    told = []
    for port in ports:
        if not port.is_timed:
            print(port.name, flush=True)
            told.append(of_port(port, python, work))
    print("ten crops", flush=True)
    timed = speed([port for port in ports if port.is_timed], folder, given.rounds, given.runs)
    first = python.classifier(given.model[0])
    conditions = local_conditions(first.interpreter, first.delegate, warmup=1, timed_photos=0)
    return {
        "photos": len(photos),
        "photos_sha256": sha256("".join(file_sha256(path) for path in paths).encode()),
        "groups": len({group for _, group in photos}),
        "models": [_model(model, python) for model in models],
        "ports": told,
        "speed": timed,
        "conditions": plain(conditions),
    }


def renewed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A record with what is new in the place of what it was, port by port and model by model.

    Raises:
        EdgekitError: they are about other photos, or about other models of the same names.
    """
    models = {one["model"]: one for one in old["models"]}
    if old["photos_sha256"] != new["photos_sha256"]:
        raise EdgekitError("the record is about other photos; measure all ports again")
    if changed := [one["model"] for one in new["models"] if models.get(one["model"], one) != one]:
        raise EdgekitError(f"the record is about another {', '.join(changed)}; measure all ports again")
    ports = {one["name"]: one for one in old["ports"]}
    for one in new["ports"]:
        before = ports.get(one["name"], {}).get("models", [])
        names = {model["model"] for model in one.get("models", [])}
        kept = [model for model in before if model["model"] not in names]
        ports[one["name"]] = one if one["absent"] else {**one, "models": kept + one["models"]}
    order = [port.name for port in ports_here()]
    return {
        **new,
        "models": [*({**models, **{one["model"]: one for one in new["models"]}}).values()],
        "ports": sorted(ports.values(), key=lambda one: order.index(one["name"]) if one["name"] in order else -1),
        "speed": new["speed"] if new["speed"]["ports"] else old["speed"],
    }


def _model(model: str, python: Python) -> dict[str, Any]:
    contract = python.classifier(model).contract
    bundle = read_bundle(python.path(model))
    return {
        "model": model,
        "sha256": bundle.file_sha256,
        "plan": str(contract.plan),
        "crops": contract.plan.crops,
        "working_px": contract.plan.working_px,
        "step": plain(step_of(bundle.flatbuffer)),
    }


def main() -> int:
    """Compare, time, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+", help="data folders of photos that the models never saw")
    parser.add_argument("--model", action="append", help=f"path in the repository (default: {', '.join(MODELS)})")
    parser.add_argument("--most", type=int, default=136, help="photos of each folder")
    parser.add_argument("--working", type=int, help="another working side of the models, in pixels")
    names = [port.name for port in ports_here()]
    parser.add_argument("--only", action="append", choices=names, help="a port's name; the record keeps the rest")
    parser.add_argument("--rounds", type=int, default=5, help="of timing")
    parser.add_argument("--runs", type=int, default=9, help="in each round")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.model = given.model or list(MODELS)
    ports = [port for port in ports_here() if not given.only or port.name in given.only]
    try:
        with tempfile.TemporaryDirectory() as folder:
            record = measured(given, Path(folder), ports)
        kept = (given.only or given.working) and given.out.exists()
        write_json(given.out, renewed(read_json(given.out), record) if kept else record)
    except EdgekitError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
