"""What a model of several labels a photo gets right on photos of several products, made of real ones.

TRAIN and TEST are folders with the same classes, one product a photo. Photos of each are dealt into pools; a montage
has two by two photos of one pool, of one to four products, and a pool is a group: no photo stands in two groups, and
none of TEST's is ever seen in training. How the head is solved and which crops are voted on is chosen by folds inside
the training montages; the test montages are looked at once, by the float file and the int8 file of that choice.

    python benchmarks/multi_label.py grocery/train grocery/test --out docs/results/multi-label.json
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from edgekit.convert.gate import ConvertRecord, Gate
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.evaluate.several import LabelsRecord
from edgekit.metrics.several import LabelsReport
from edgekit.records import from_plain, read_json, write_json
from edgekit.train.record import RunFolder

SIDE_PX = 348
MOST_PRODUCTS = 4
# Plans with their crops: the default, and the squashed photo alone.
PLANS = {"full:native,1/4,1/2": 5, "full": 1}
# Random crops that train beside them: of the squashed photo there is one other, its mirror image.
DRAWS = {"full:native,1/4,1/2": 4, "full": 1}
HEADS = ("ridge", "logistic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to solve the head, judged out of fold on the training montages.

    Attributes:
        mean_average_precision: Mean over the labels.
        loss: Balanced log loss, mean over the labels.
    """

    head: str
    plan: str
    crops: int
    mean_average_precision: float
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiLabelRecord:
    """The study.

    Attributes:
        labels: The products.
        train: Montages that trained; ``pools`` of them are the groups.
        test: Montages that judged, of photos and pools that did not train.
        labels_a_photo: Mean number of labels of a test montage.
        variants: All that were compared, and ``chosen`` the one with the best mean average precision out of fold.
        float32: The float file on the test montages.
        int8: The int8 file on the same montages.
        single: The int8 file on the test photos themselves, of one product each, which no training photo was like.
    """

    labels: tuple[str, ...]
    train: int
    train_pools: int
    test: int
    test_pools: int
    labels_a_photo: float
    seed: int
    backbone: str
    variants: tuple[Variant, ...]
    chosen: Variant
    float32: LabelsReport
    int8: LabelsReport
    single: LabelsReport
    gate: Gate
    model_bytes: int
    versions: dict[str, str]


def pools(dataset: Dataset, number: int, rng: np.random.Generator) -> list[dict[str, list[Sample]]]:
    """Photos dealt into pools, each with about as many of every class."""
    dealt: list[dict[str, list[Sample]]] = [defaultdict(list) for _ in range(number)]
    for label in dataset.labels:
        own = [sample for sample in dataset.samples if sample.label == label]
        for at, row in enumerate(rng.permutation(len(own)).tolist()):
            dealt[at % number][label].append(own[row])
    return dealt


def montage(dataset: Dataset, cells: list[Sample]) -> Image.Image:
    """Four photos two by two, each fitted into its square."""
    whole = Image.new("RGB", (2 * SIDE_PX, 2 * SIDE_PX))
    for at, sample in enumerate(cells):
        with Image.open(dataset.path_of(sample)) as photo:
            whole.paste(ImageOps.fit(photo.convert("RGB"), (SIDE_PX, SIDE_PX)), (at % 2 * SIDE_PX, at // 2 * SIDE_PX))
    return whole


def montages(dataset: Dataset, number: int, each: int, seed: int) -> Iterator[tuple[Sample, Image.Image]]:
    """Montages of each pool: of one to four products, every cell one of them in a photo of its own."""
    rng = np.random.default_rng(seed)
    for place, pool in enumerate(pools(dataset, number, rng)):
        for count in range(each):
            products = sorted(rng.choice(dataset.labels, 1 + count % MOST_PRODUCTS, replace=False).tolist())
            shown = products + rng.choice(products, MOST_PRODUCTS - len(products)).tolist()
            left = {label: rng.permutation(len(pool[label])).tolist() for label in products}
            cells = [pool[label][left[label].pop() if left[label] else 0] for label in rng.permutation(shown).tolist()]
            sample = Sample(path=f"{place}-{count:03}.jpg", label="|".join(products), group=f"pool{place}")
            yield sample, montage(dataset, cells)


def write_montages(photos: Path, out: Path, number: int, each: int, seed: int) -> None:
    """A folder of montages with its manifest."""
    out.mkdir(parents=True)
    samples = []
    for sample, picture in montages(load_dataset(photos), number, each, seed):
        picture.save(out / sample.path, quality=92)
        samples.append(sample)
    write_manifest(out / "manifest.csv", samples)


def edgekit(*arguments: object) -> None:
    """Run one command to its end."""
    subprocess.run([sys.executable, "-m", "edgekit", *map(str, arguments)], check=True)


def judged(model: Path, photos: Path, out: Path) -> LabelsReport:
    """What a model file gets right on photos that it never saw."""
    edgekit("evaluate", model, "--data", photos, "--split", "all", "--out", out)
    return from_plain(LabelsRecord, read_json(out / "evaluate.json"), where=str(out)).report


def tried(work: Path, backbone: list[str], head: str, plan: str, crops: int) -> Variant:
    """Solve a head one way; what folds say of it."""
    out = run_of(work, head, plan)
    if not RunFolder(root=out).record("float").exists():
        edgekit(
            "finetune", work / "train", "--out", out, "--multi-label", "--test-fraction", "0", "--head", head,
            "--plan", plan, "--crops", crops, "--draws", DRAWS[plan], "--cache", work / "features", *backbone,
        )  # fmt: skip
    record = RunFolder(root=out).read("float")
    precisions = [one.average_precision for one in record.told_labels]
    loss = record.history["val_loss"][record.best_epoch]
    return Variant(
        head=head, plan=plan, crops=crops, mean_average_precision=float(np.mean(precisions)), loss=float(loss)
    )


def run_of(work: Path, head: str, plan: str) -> Path:
    """The folder of a variant's run."""
    return work / f"{head}-{'crops' if ',' in plan else 'full'}"


def main() -> None:
    """Make the montages, choose, convert, judge, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--work", type=Path, help="folder of montages and runs, which a re-run takes; a temporary one by default"
    )
    parser.add_argument("--pools", type=int, default=8, help="of training photos; of test photos half as many")
    parser.add_argument("--each", type=int, default=32, help="montages of each pool")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--qat", action="store_true", help="solve the head again on int8 features before int8")
    parser.add_argument("--backbone", default="", help="options of finetune that name the network, as one word")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        sizes = options.pools, max(2, options.pools // 2)
        for photos, name, number, seed in (
            (options.train, "train", sizes[0], options.seed),
            (options.test, "test", sizes[1], options.seed + 1),
        ):
            if not (work / name / "manifest.csv").exists():
                write_montages(photos, work / name, number, options.each, seed)
        backbone = options.backbone.split()
        variants = [tried(work, backbone, head, *plan) for plan in PLANS.items() for head in HEADS]
        chosen = max(variants, key=lambda one: one.mean_average_precision)
        run = run_of(work, chosen.head, chosen.plan)
        if options.qat:
            edgekit("qat", run, "--cache", work / "features", "--overwrite")
        files = {name: work / f"several-{name}.tflite" for name in ("float", "int8")}
        for name, file in files.items():
            edgekit("convert", run, f"--{name}", "--out", file, "--overwrite")
        found = {name: judged(file, work / "test", work / f"judged-{name}") for name, file in files.items()}
        single = judged(files["int8"], options.test, work / "judged-single")
        converted = from_plain(ConvertRecord, read_json(files["int8"].with_suffix(".json")), where="the model's record")
        test = load_dataset(work / "test")
        record = MultiLabelRecord(
            labels=converted.contract.labels,
            train=sizes[0] * options.each,
            train_pools=sizes[0],
            test=len(test.samples),
            test_pools=sizes[1],
            labels_a_photo=float(np.mean([sample.label.count("|") + 1 for sample in test.samples])),
            seed=options.seed,
            backbone=RunFolder(root=run).read("float").config.network.backbone,
            variants=tuple(variants),
            chosen=chosen,
            float32=found["float"],
            int8=found["int8"],
            single=single,
            gate=converted.gate,
            model_bytes=converted.model_bytes,
            versions=converted.versions,
        )
    for name, one in (("float", record.float32), ("int8", record.int8), ("int8, one product", record.single)):
        print(
            f"{name}: mAP {one.mean_average_precision.value:.3f}, macro F1 {one.macro_f1.value:.3f}, all labels right "
            f"{one.exact_match.value:.3f} of {one.n} photos"
        )
    write_json(options.out, record)


if __name__ == "__main__":
    main()
