from __future__ import annotations

import pytest
from fixtures.foreign import Kind, build, with_metadata

from edgekit.adopt.advice import advise
from edgekit.modelfile.foreign import examine_model

WHOLE = with_metadata(build(Kind()), mean=(127.5,), std=(127.5,), labels=("a", "b", "c"))


@pytest.mark.parametrize(
    ("content", "verdict", "command"),
    [
        pytest.param(WHOLE, "yes; the metadata", "edgekit adopt 'my m.tflite' --out adopted.tflite", id="metadata"),
        pytest.param(
            build(Kind(dtype="uint8")),
            "yes; an input in uint8 takes bytes as they are",
            "edgekit adopt 'my m.tflite' --labels labels.txt --out adopted.tflite",
            id="uint8",
        ),
        pytest.param(
            build(Kind()),
            "yes, but nothing in the file says how bytes become its float32 input",
            "edgekit adopt 'my m.tflite' --mean MEAN --std STD --labels labels.txt --out adopted.tflite",
            id="silent",
        ),
        pytest.param(
            build(Kind(signature=(-1, -1, -1, 3), dtype="uint8")),
            "yes; an input in uint8 takes bytes as they are",
            "edgekit adopt 'my m.tflite' --side SIDE --labels labels.txt --out adopted.tflite",
            id="open-side",
        ),
        pytest.param(build(Kind(outputs=2)), "no: a classifier must have one output", "", id="two-outputs"),
        pytest.param(build(Kind(custom="edgetpu-custom-op")), "no: this file was compiled for an Edge", "", id="tpu"),
    ],
)
def test_the_command_line_fits_the_file(content, verdict, command):
    advice = advise(content, examine_model(content), "my m.tflite")
    assert advice.verdict.startswith(verdict)
    assert advice.command == command
    assert advice.adoptable == bool(command)
    assert ("--mean 127.5" in advice.hint) == ("MEAN" in command)
