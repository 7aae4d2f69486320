"""The TFLite library that phones load (arm64-v8a), under qemu.

``python arm64.py`` holds the ``scores`` vectors, by XNNPACK and by plain kernels, and 100 crops of the demo model
against Python's own scores; one line for each. Exit code 1 where one is beyond its tolerance, 3 where this machine
can't run it, with the reason.

``python arm64.py score MODEL CROPS SCORES [--kernels xnnpack|plain] [--threads N]`` scores crops: MODEL is a bundle or
a bare flatbuffer, CROPS a file of uint8 RGB crops of the model's side one after another, SCORES gets little-endian
float32, a row for each crop. Prints one JSON object: engine, machine, crops, seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bionic import make as bionic
from common import CONFORMANCE, ROOT, Unavailable, main, need, write

sys.path[:0] = [str(ROOT), str(CONFORMANCE)]

ABI = "arm64-v8a"
# The processor that qemu is; its default makes newer interpreters silently wrong.
_QEMU = ("qemu-aarch64-static", "-cpu", "cortex-a76", "-L", "/usr/aarch64-linux-gnu")
KERNELS = ("xnnpack", "plain")
TIMEOUT_S = 600
# Two interpreters may round each of two logits otherwise, by one step.
CROPS_STEPS = 2.001


class Scored(NamedTuple):
    """What the library answered: float32 scores, a row after another, and its version."""

    scores: bytes
    engine: str


def command(model: str, *, threads: int, kernels: str) -> list[str]:
    """What scores crops from its input to its output, one after another.

    Raises:
        Unavailable: no qemu, no compiler for arm64, or no library.
    """
    need(_QEMU[0])
    if not Path(_QEMU[-1]).is_dir():
        raise Unavailable(f"{_QEMU[-1]} is not there: apt-get install libc6-dev-arm64-cross")
    folder = bionic.make(ABI)
    return [*_QEMU, "-E", f"LD_LIBRARY_PATH={folder}", str(folder / "score"), model, str(threads), kernels]


def score(flatbuffer: bytes, crops: bytes, *, kernels: str = "xnnpack", threads: int = 1) -> Scored:
    """Score crops.

    Args:
        flatbuffer: A checked TFLite model, without an archive.
        crops: uint8 RGB crops one after another.
        kernels: ``xnnpack`` (the delegate) or ``plain``.
        threads: Of one inference.

    Raises:
        Unavailable: no qemu, no compiler for arm64, or no library.
        SystemExit: it failed; says with what.
    """
    with tempfile.NamedTemporaryFile(suffix=".tflite") as model:
        model.write(flatbuffer)
        model.flush()
        words = command(model.name, threads=threads, kernels=kernels)
        ran = subprocess.run(words, input=crops, capture_output=True, check=False, timeout=TIMEOUT_S)
    said = ran.stderr.decode("utf-8", "replace").strip().splitlines()
    if ran.returncode != 0 or not said:
        raise SystemExit(f"{ABI} under qemu failed with exit code {ran.returncode}:\n" + "\n".join(said[-10:]))
    version = said[0].removeprefix("TFLite ")
    return Scored(ran.stdout, f"tflite {version}, {'XNNPACK' if kernels == 'xnnpack' else 'plain kernels'}")


def flatbuffer_of(model: Path) -> bytes:
    """A model's flatbuffer: that of a bundle, checked, or a bare file as it is.

    Raises:
        EdgekitError: a bundle that breaks its contract.
    """
    from edgekit.runtime import read_bundle

    content = model.read_bytes()
    return read_bundle(model).flatbuffer if b"edgekit.json" in content else content


def vectors() -> Iterator[tuple[str, float, float]]:
    """Name, difference in steps and tolerance of each ``scores`` vector and each kind of kernels."""
    import check
    import numpy as np

    for vector in check.load()["scores"]:
        flatbuffer = flatbuffer_of(ROOT / vector["model"])
        crops = (CONFORMANCE / "data" / vector["inputs"]).read_bytes()
        expected = np.frombuffer((CONFORMANCE / "data" / vector["scores"]).read_bytes(), "<f4")
        for kernels in KERNELS:
            found = np.frombuffer(score(flatbuffer, crops, kernels=kernels).scores, "<f4")
            name = f"scores/{vector['name']}, {kernels}"
            yield name, _steps(found, expected, vector["step"], crops, flatbuffer), vector["tolerance"]["steps"]


def _steps(found: Any, expected: Any, step: dict[str, Any], crops: bytes, flatbuffer: bytes) -> float:
    import check

    from edgekit.runtime.interpreter import open_interpreter

    if found.shape != expected.shape:
        return float("inf")
    interpreter = open_interpreter(flatbuffer)
    size = int(interpreter.get_input_details()[0]["shape"][1]) ** 2 * 3
    heads = sum(int(one["shape"][:-1].prod()) for one in interpreter.get_output_details())
    # A row of each head for every crop.
    rows = len(crops) // size * heads
    return float(check.steps_between(found.reshape(rows, -1), expected.reshape(rows, -1), step))


def hundred_crops() -> Iterator[tuple[str, float, float]]:
    """The same for 100 crops of the demo model, against Python's interpreter on this machine."""
    import assets
    import expect
    import numpy as np

    folder = expect.make()
    told = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["crops"]
    flatbuffer = flatbuffer_of(assets.MODEL)
    crops = (folder / "crops.rgb").read_bytes()
    expected = np.frombuffer((folder / "crops.f32").read_bytes(), "<f4")
    for kernels in KERNELS:
        found = np.frombuffer(score(flatbuffer, crops, kernels=kernels).scores, "<f4")
        step = {"of": "logits", "size": told["step"]}
        name = f"{told['count']} crops against {told['interpreter']}, {kernels}"
        yield name, _steps(found, expected, step, crops, flatbuffer), CROPS_STEPS


def _check() -> int:
    try:
        import numpy  # noqa: F401

        from edgekit.runtime.interpreter import interpreter_name

        interpreter_name()
    except ModuleNotFoundError as absent:
        raise Unavailable(f"{absent.name} is not installed: run make at the project's root first") from absent
    checks, failed = 0, 0
    for found in (vectors(), hundred_crops()):
        for name, steps, allowed in found:
            well = steps <= allowed
            checks, failed = checks + 1, failed + (not well)
            print(f"{ABI}: {name}: {steps:.4f} steps (at most {allowed}){'' if well else ' FAILED'}", flush=True)
    print(f"{ABI} under {_QEMU[0]}, {_QEMU[2]}: {checks - failed} of {checks} within their tolerance")
    return 1 if failed else 0


def _score_files(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="arm64.py score")
    parser.add_argument("model", type=Path)
    parser.add_argument("crops", type=Path)
    parser.add_argument("scores", type=Path)
    parser.add_argument("--kernels", choices=KERNELS, default="xnnpack")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(words)
    began = time.monotonic()
    crops = given.crops.read_bytes()
    scored = score(flatbuffer_of(given.model), crops, kernels=given.kernels, threads=given.threads)
    write(given.scores, scored.scores)
    print(
        json.dumps(
            {
                "engine": scored.engine,
                "machine": f"aarch64 ({os.path.basename(_QEMU[0])}, {_QEMU[2]})",
                "scores": len(scored.scores) // 4,
                "seconds": round(time.monotonic() - began, 3),
            }
        )
    )


def _main() -> int | None:
    if sys.argv[1:2] == ["score"]:
        _score_files(sys.argv[2:])
        return None
    return _check()


if __name__ == "__main__":
    main(_main)
