"""Twenty thousand forged files of three models: refused, or run to probabilities; no signal, no hang, no gigabyte.

``EDGEKIT_MUTANTS=SEED:COUNT`` runs so many of another seed.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from forging import forged
from models.make import float_layers
from mutants import Forger, run_files

from edgekit.contract import Contract, CropPlan
from edgekit.errors import ContractError
from edgekit.modelfile.write import NO_SHA256, make_bundle
from edgekit.runtime import Bundle, read_bundle
from edgekit.runtime.verify.model import check_model

SEED, COUNT = (int(one) for one in os.environ.get("EDGEKIT_MUTANTS", "20261130:21000").split(":"))
KINDS = ("mix", "scalar", "obj")
SLOWEST_CHECK_S = 5.0


@pytest.fixture(scope="module")
def layers() -> Bundle:
    contract = Contract(
        name="layers",
        labels=("a", "b", "c"),
        side_px=16,
        precision="float32",
        model_sha256=NO_SHA256,
        plan=CropPlan(crops=3),
        provenance={},
    )
    return make_bundle(float_layers(), contract)


@pytest.fixture(scope="module")
def mobile(mobile_model) -> Bundle:
    return read_bundle(mobile_model)


def test_the_check_takes_milliseconds(mobile_model):
    bundle = read_bundle(mobile_model)
    spent = []
    for _ in range(9):
        began = time.process_time()
        check_model(bundle.flatbuffer)
        spent.append(time.process_time() - began)
    # 70 operators: 8 ms where this was written, where loading may become 20 ms slower.
    assert min(spent) < 0.02


def survivors(sound: Bundle, count: int, folder: Path, refused: Counter[str]) -> Iterator[Path]:
    """Files of the mutants that the check lets pass."""
    forger = Forger(sound.flatbuffer)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        try:
            mutant = forger.forge(kind, np.random.default_rng([SEED, number]))
        except (OverflowError, TypeError, ValueError, AttributeError):
            # The object is one that no flatbuffer holds.
            continue
        content = forged(mutant, sound.contract)
        began = time.process_time()
        try:
            read_bundle(content)
        except ContractError:
            refused[kind] += 1
        else:
            file = folder / f"{kind}-{SEED}-{number}.tflite"
            file.write_bytes(content)
            yield file
        assert time.process_time() - began < SLOWEST_CHECK_S, (kind, SEED, number)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        pytest.param("conv_int8", 0.43, id="an int8 demo's model"),
        pytest.param("layers", 0.43, id="float layers as others convert them"),
        # It takes ten times as long to pack and to run.
        pytest.param("mobile", 0.14, id="an int8 MobileNetV2 with edgekit's head"),
    ],
)
def test_no_mutant_harms(request, name, share, tmp_path):
    sound, count = request.getfixturevalue(name), round(COUNT * share)
    refused: Counter[str] = Counter()
    ended: Counter[bool] = Counter()
    wrong = []
    for outcome in run_files(survivors(sound, count, tmp_path, refused)):
        ended[outcome.ended == "probabilities"] += 1
        if not outcome.is_right:
            wrong.append(outcome)
        elif outcome.delegate == "none":
            (tmp_path / outcome.file).unlink()
    assert wrong == []
    # The mutants are neither all refused nor all let pass.
    assert set(refused) == set(KINDS)
    assert ended[True] > count // 100
