"""What the README's chain costs from photos to a judged int8 file, stage by stage, and what the file gets right.

TRAIN and TEST are folders with the same classes. Every stage is a process of its own, as a user runs it; its CPU
seconds are those of all its threads and children.

    python benchmarks/grocery_chain.py grocery/train grocery/test --out docs/results/grocery.json
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from conditions import local_conditions

from edgekit.convert.gate import ConvertRecord
from edgekit.data.dataset import load_dataset
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.records import from_plain, read_json, write_json
from edgekit.runtime.interpreter import interpreter_name
from edgekit.train.record import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One command, what it took, and how long that seemed on a machine that others use, too."""

    name: str
    options: str
    cpu_s: float
    wall_s: float
    peak_memory_mb: float


def run(name: str, *arguments: object, options: str = "") -> Stage:
    """Run one command of edgekit to its end."""
    command = [sys.executable, "-m", "edgekit", name, *map(str, arguments), *options.split()]
    began = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"`edgekit {name}` failed with exit code {os.waitstatus_to_exitcode(status)}")
    unit = 1 << 20 if platform.system() == "Darwin" else 1 << 10
    return Stage(
        name=name,
        options=options,
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=time.monotonic() - began,
        peak_memory_mb=usage.ru_maxrss / unit,
    )


def main() -> None:
    """Run the chain, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="folder of the run; a temporary one by default")
    for stage in ("finetune", "qat", "convert"):
        parser.add_argument(f"--{stage}", default="", help="further options of that stage, as one word")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        folder, model = work / "run", work / "chain-int8.tflite"
        stages = [
            run("finetune", options.train, "--out", folder, "--bona-fide", "none", options=options.finetune),
            run("qat", folder, options=options.qat),
            run("convert", folder, "--int8", "--out", model, options=options.convert),
            run("evaluate", model, "--data", options.test, "--all-crops", "--out", work / "evaluation"),
        ]
        judged = from_plain(EvaluateRecord, read_json(work / "evaluation" / "evaluate.json"), where="evaluate.json")
        converted = from_plain(ConvertRecord, read_json(model.with_suffix(".json")), where="the model's record")
        network = RunFolder(root=folder).read("float").config.network
    evaluation = judged.evaluation
    record = {
        "stages": stages,
        "cpu_s": sum(stage.cpu_s for stage in stages),
        "backbone": network.backbone,
        "classes": len(evaluation.report.classes),
        "train_photos": len(load_dataset(options.train).samples),
        "test_photos": evaluation.report.n,
        "crops": converted.gate.crops,
        "model_bytes": converted.model_bytes,
        "accuracy": evaluation.report.accuracy,
        "balanced_accuracy": evaluation.balanced_accuracy,
        "gate": converted.gate,
        "conditions": local_conditions(interpreter_name(), "XNNPACK", warmup=0, timed_photos=0),
        "versions": converted.versions,
    }
    for one in stages:
        print(f"{one.name:10s} {one.cpu_s:7.1f} s CPU {one.wall_s:7.1f} s {one.peak_memory_mb:6.0f} MiB")
    print(f"{record['cpu_s']:.0f} s CPU, int8 test accuracy {evaluation.report.accuracy:.3f}")
    write_json(options.out, record)


if __name__ == "__main__":
    main()
