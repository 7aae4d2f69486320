"""A model file opens in MediaPipe Tasks, with its labels and the same scores."""

from __future__ import annotations

import json
import subprocess

import pytest

from edgekit.contract import Contract, CropPlan
from edgekit.modelfile import flatbuffer as lite
from edgekit.modelfile.write import NO_SHA256, make_bundle, write_bundle
from edgekit.runtime import Classifier

pytestmark = pytest.mark.slow

# One-coloured photos, because MediaPipe resizes by another rule.
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 100, 127), (3, 2, 1)]

SCRIPT = """
import json, sys
import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=sys.argv[1]))
answers = []
with vision.ImageClassifier.create_from_options(options) as classifier:
    for colour in json.loads(sys.argv[2]):
        photo = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.full((60, 80, 3), colour, np.uint8))
        first, *others = classifier.classify(photo).classifications
        answers.append({category.category_name: category.score for category in first.categories})
        others = [{category.index: category.score for category in head.categories} for head in others]
        answers[-1] |= {"others": others} if others else {}
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def mediapipe_python(environment):
    try:
        python = environment("mediapipe", "mediapipe==1.2.2")
    except subprocess.CalledProcessError as failure:
        pytest.skip(f"mediapipe can't be installed here: {failure.stderr.strip().splitlines()[-1]}")
    tried = subprocess.run([python, "-c", "import mediapipe"], capture_output=True, text=True, check=False)
    if "cannot open shared object file" in tried.stderr:
        # Debian's packages: libegl1, libgles2, libgl1 and libglib2.0-0.
        pytest.skip(f"mediapipe needs a system library: {tried.stderr.strip().splitlines()[-1]}")
    assert tried.returncode == 0, tried.stderr
    return python


@pytest.fixture
def int8_file(tmp_path, int8_logits):
    """The int8 model, which has no vote in the way of a comparison."""
    contract = Contract(
        name="int8",
        labels=("echt", "abfotografiert é"),
        side_px=8,
        precision="int8",
        model_sha256=NO_SHA256,
        plan=CropPlan(lead=("full",), crops=1),
    )
    write_bundle(make_bundle(lite.append_softmax(int8_logits), contract), tmp_path / "int8.tflite")
    return tmp_path / "int8.tflite"


def test_the_first_head_is_that_of_the_squashed_frame(mediapipe_python, plain_photo, heads_file):
    """What apps show the model, and all that most of them read of it; the other heads come by number."""
    command = [mediapipe_python, "-c", SCRIPT, heads_file, json.dumps(COLOURS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    with Classifier.load(heads_file) as classifier:
        ours = [classifier.classify(plain_photo(*colour), crops=3) for colour in COLOURS]
    for theirs, verdict in zip(json.loads(ran.stdout.splitlines()[-1]), ours, strict=True):
        rows = [list(crop.probabilities) for crop in verdict.crops]
        (others,) = theirs.pop("others")
        assert theirs == pytest.approx(dict(zip(("genuine", "recapture"), rows[0], strict=True)), abs=1e-5)
        assert [others[str(index)] for index in range(4)] == pytest.approx([*rows[1], *rows[2]], abs=1e-5)


def test_an_output_for_unknown_is_shown_like_a_label(mediapipe_python, plain_photo, unknown_file):
    """MediaPipe knows no threshold: it ranks the output among the labels, and shows what a single crop says."""
    colours = [*COLOURS, (90, 90, 90)]
    command = [mediapipe_python, "-c", SCRIPT, unknown_file, json.dumps(colours)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    with Classifier.load(unknown_file) as classifier:
        ours = [classifier.classify(plain_photo(*colour), crops=1) for colour in colours]
    shown = json.loads(ran.stdout.splitlines()[-1])
    for theirs, verdict in zip(shown, ours, strict=True):
        names = ("red", "green", "blue", "unknown")
        assert theirs == pytest.approx(dict(zip(names, verdict.crops[0].probabilities, strict=True)), abs=1e-5)
        assert theirs["unknown"] == pytest.approx(verdict.unknown, abs=1e-5)
    assert [max(one, key=one.get) for one in shown][:3] == ["red", "green", "blue"]
    assert max(shown[-1], key=shown[-1].get) == "unknown"


@pytest.mark.parametrize("model", ["red_blue_file", "three_colours_file", "int8_file"])
def test_labels_and_scores_are_the_same(request, mediapipe_python, plain_photo, model):
    file = request.getfixturevalue(model)
    command = [mediapipe_python, "-c", SCRIPT, file, json.dumps(COLOURS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    with Classifier.load(file) as classifier:
        ours = [classifier.classify(plain_photo(*colour)).probabilities for colour in COLOURS]
    for theirs, expected in zip(json.loads(ran.stdout.splitlines()[-1]), ours, strict=True):
        assert theirs == pytest.approx(expected, abs=1e-5)
