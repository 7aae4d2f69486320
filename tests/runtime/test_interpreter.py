"""Delegates are those that were asked for. Both interpreters give the same answers; the frozen one has numpy 1."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from forging import edited
from PIL import Image

from edgekit.errors import ContractError, InterpreterError
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime.interpreter import BACKENDS, ModelInterpreter, installed_backends

# Each interpreter's float32 kernels are within 1e-6 of the exact probabilities of these models (logits up to 16); two
# of them, and the vote over crops, may differ by a little more than twice that.
TOLERANCE = 3e-6

COLOURS = {
    "red": (255, 0, 0),
    "blue": (0, 0, 255),
    "violet": (140, 60, 120),
    "dark": (3, 2, 1),
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """One-coloured photos, and one where every crop differs."""
    folder = tmp_path_factory.mktemp("photos")
    for name, colour in COLOURS.items():
        Image.new("RGB", (64, 48), colour).save(folder / f"{name}.png")
    noise = np.random.default_rng(5).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((360, 270)).save(folder / "noise.png")
    return sorted(folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("model", ["red_blue_file", "three_colours_file", "heads_file"])
def test_the_frozen_interpreter_agrees_with_this_one(request, frozen_python, repository, photos, model):
    file = request.getfixturevalue(model)
    command = [frozen_python, "-m", "edgekit.runtime", "classify", file, *photos]
    ran = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    with Classifier.load(file) as classifier:
        assert classifier.interpreter.startswith(installed_backends()[0])
        for row, photo in zip(rows, photos, strict=True):
            verdict = classifier.classify(photo)
            assert row["interpreter"].startswith("tflite-runtime 2.14")
            assert row["label"] == verdict.label
            assert row["probabilities"] == pytest.approx(verdict.probabilities, abs=TOLERANCE)
            assert [crop["box"] for crop in row["crops"]] == [list(crop.box) for crop in verdict.crops]
            for frozen, crop in zip(row["crops"], verdict.crops, strict=True):
                assert frozen["probabilities"] == pytest.approx(crop.probabilities, abs=TOLERANCE)


@pytest.mark.slow
def test_a_backend_that_is_not_installed_is_named(frozen_python, repository, red_blue_file, photos):
    command = [frozen_python, "-m", "edgekit.runtime", "classify", red_blue_file, photos[0], "--interpreter", "litert"]
    ran = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.strip().splitlines()[-1] == (
        "error: litert is not installed (found ['tflite-runtime']): pip install ai-edge-litert"
    )


class TestHeads:
    @pytest.mark.parametrize("backend", installed_backends())
    @pytest.mark.parametrize("delegate", ["default", "none"])
    def test_a_head_is_chosen_by_its_number(self, heads_file, backend, delegate):
        model = ModelInterpreter(read_bundle(heads_file).flatbuffer, backend=backend, delegate=delegate)
        assert (model.heads, model.classes) == (3, 2)
        # Logits of red on the full frame, a quarter of the width, and at full size; see tests/models/make.py.
        red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
        odds = [float(np.log(scores[0] / scores[1])) for scores in (model(red, head) for head in range(3))]
        assert odds == pytest.approx([16, -24, -16], abs=1e-4)
        np.testing.assert_array_equal(model(red), model(red, 0))

    def test_a_model_without_others_has_one(self, red_blue):
        assert ModelInterpreter(red_blue.flatbuffer).heads == 1

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            pytest.param(
                lambda model, graph: setattr(graph, "outputs", [*graph.outputs, graph.outputs[1] - 1]),
                "one input and one output, or two with heads, got 1 and 3",
                id="three-outputs",
            ),
            pytest.param(
                lambda model, graph: setattr(graph, "outputs", list(graph.outputs[::-1])),
                r"output must be float32 \[1, classes\], got float32 \[1, 2, 2\]",
                id="swapped",
            ),
        ],
    )
    def test_other_outputs_are_refused(self, heads_file, edit, message):
        with pytest.raises(ContractError, match=message):
            ModelInterpreter(edited(read_bundle(heads_file).flatbuffer, edit))


class TestDelegates:
    @pytest.mark.parametrize(("asked", "used"), [("default", "XNNPACK"), ("xnnpack", "XNNPACK"), ("none", "none")])
    def test_what_was_asked_for_is_used(self, red_blue, asked, used):
        model = ModelInterpreter(red_blue.flatbuffer, delegate=asked)
        assert model.delegate == used
        scores = model(np.full((8, 8, 3), (250, 5, 5), np.uint8))
        assert scores.argmax() == 0

    def test_a_silent_fallback_is_an_error(self, red_blue, idle_delegate):
        with pytest.raises(InterpreterError, match=r"ext:.*idle\.so was asked for, but .* runs this model with: none"):
            ModelInterpreter(red_blue.flatbuffer, delegate=f"ext:{idle_delegate}")

    def test_xnnpack_that_stays_away_is_an_error(self, red_blue, monkeypatch):
        monkeypatch.setattr(ModelInterpreter, "delegate", "none")
        with pytest.raises(InterpreterError, match="xnnpack was asked for"):
            ModelInterpreter(red_blue.flatbuffer, delegate="xnnpack")

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            pytest.param("gpu", "must be one of .* got 'gpu'", id="unknown"),
            pytest.param("ext:", "must be one of", id="no-path"),
            pytest.param("ext:/none/such.so", "can't load the delegate /none/such.so", id="absent"),
        ],
    )
    def test_a_delegate_that_is_none_is_refused(self, red_blue, asked, message):
        with pytest.raises(InterpreterError, match=message):
            ModelInterpreter(red_blue.flatbuffer, delegate=asked)

    def test_a_library_that_is_no_delegate_is_refused(self, red_blue):
        import _ctypes

        with pytest.raises(InterpreterError, match="is no TFLite delegate"):
            ModelInterpreter(red_blue.flatbuffer, delegate=f"ext:{_ctypes.__file__}")


PAGE = "import sys\nprint('A module that was compiled using NumPy 1.x cannot be run in NumPy 2', file=sys.stderr)\n"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        # As tflite-runtime 2.14 does beside numpy 2: it imports, and its first call fails.
        pytest.param(
            "def Interpreter(**_):\n"
            "    try:\n        raise AttributeError('_ARRAY_API not found')\n"
            "    except AttributeError as cause:\n        "
            "raise SystemError('returned a result with an exception set') from cause",
            ["built for another numpy", "_ARRAY_API not found", "pip install 'numpy<2'", "ai-edge-litert"],
            id="at-the-first-call",
        ),
        pytest.param(
            "raise ImportError('numpy.core.multiarray failed to import')",
            ["numpy.core.multiarray failed to import", "pip install 'numpy<2'"],
            id="at-the-import",
        ),
        pytest.param(
            "raise RuntimeError('module compiled against ABI version 0x1000009 but this numpy is 0x2000000')",
            ["pip install 'numpy<2'"],
            id="another-abi",
        ),
        pytest.param(
            "raise ImportError('/lib/libc.so.6: version `GLIBC_2.34 not found')",
            ["GLIBC_2.34", "--force-reinstall tflite-runtime"],
            id="another-system",
        ),
    ],
)
def test_an_interpreter_that_does_not_fit_comes_with_a_remedy(tmp_path, monkeypatch, capsys, red_blue, source, words):
    (tmp_path / "frozen_stand_in.py").write_text(PAGE + source)
    monkeypatch.syspath_prepend(tmp_path)
    # The distribution is one that is installed: what is told of it comes from its metadata.
    monkeypatch.setitem(BACKENDS, "tflite-runtime", ("frozen_stand_in", "numpy"))
    words = [word.replace("tflite-runtime", "numpy") for word in words]
    with pytest.raises(InterpreterError) as failed:
        ModelInterpreter(red_blue, backend="tflite-runtime")
    assert all(word in str(failed.value) for word in words)
    assert "compiled using NumPy 1.x" not in capsys.readouterr().err
    sys.modules.pop("frozen_stand_in", None)
