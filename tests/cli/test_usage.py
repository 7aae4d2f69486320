"""Mistakes of the command line itself: said as all others, with the likeliest name, exit code 2."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["guess"], "edgekit has no command 'guess'; see `edgekit --help`", id="unknown-command"),
        pytest.param(
            ["finetun"], "edgekit has no command 'finetun'; did you mean 'finetune'?; see", id="likely-command"
        ),
        pytest.param(
            ["data", "spilt"], "edgekit data has no command 'spilt'; did you mean 'split'?; see", id="in-a-group"
        ),
        pytest.param(["--colour"], "edgekit has no option --colour; see `edgekit --help`", id="unknown-option"),
        pytest.param(
            ["finetune", "photos", "--out", "r", "--aplha", "1"],
            "edgekit finetune has no option --aplha; did you mean '--alpha'?; see `edgekit finetune --help`",
            id="likely-option",
        ),
        pytest.param(["info"], "edgekit info needs MODEL: Any .tflite file", id="missing-argument"),
        pytest.param(
            ["predict", "model.tflite", "photo.jpg", "--crops", "many"],
            "--crops: input should be a valid integer, unable to parse string as an integer, got 'many'; see",
            id="no-number",
        ),
        pytest.param(
            ["predict", "model.tflite", "photo.jpg", "--crops", "0"],
            "--crops: input should be greater than or equal to 1, got '0'; see",
            id="out-of-range",
        ),
        pytest.param(
            ["evaluate", "model.tflite"], "edgekit evaluate needs --data: Labelled photos, or", id="missing-option"
        ),
        pytest.param(
            ["evaluate", "model.tflite", "--data", "photos", "--split", "trian"], "--split: 'trian' is not one of",
            id="unknown-choice",
        ),
        pytest.param(
            ["finetune", "p", "--out", "r", "--backbone", "mobilenetv2"],
            "the backbone must be one of efficientnet_lite0",
            id="unknown-backbone",
        ),
        pytest.param(["predict", ""], "no word of a command may be empty, got '' behind predict; is", id="empty-path"),
        pytest.param(
            ["finetune", "p", "--out", ""], "no word of a command may be empty, got '' behind --out", id="empty-option"
        ),
        pytest.param(
            ["evaluate", "m.tflite", "--data="], "no word of a command may be empty, got --data=; is", id="after-equals"
        ),
        pytest.param(["info", "a.tflite", "b"], "Got unexpected extra argument", id="one-argument-too-many"),
    ],
)  # fmt: skip
def test_usage_mistakes_are_said_as_all_others(edgekit_here, arguments, said):
    code, out, err = edgekit_here(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {said}")
    assert err.count("\n") == 1
