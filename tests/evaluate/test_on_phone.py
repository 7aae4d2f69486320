"""A phone's verdicts against this machine's, on the same photos."""

from __future__ import annotations

import json

import pytest
from exporting import captures_members, lines, pack

from edgekit.data.dataset import load_dataset
from edgekit.errors import DataError
from edgekit.evaluate.accuracy import EvaluateRecord, evaluate_model
from edgekit.evaluate.options import EvaluateConfig
from edgekit.phones.captures import unpacked_captures
from edgekit.records import from_plain, read_json, write_json
from edgekit.runtime import read_bundle


@pytest.fixture(scope="module")
def members(red_blue_file):
    return captures_members(red_blue_file)


@pytest.fixture
def evaluated(tmp_path, members, red_blue_file):
    """``evaluated(change, crops=2)``: the evaluation of the export, each of whose verdicts a function changes."""

    def run(change=lambda number, row: None, **config):
        rows = [json.loads(line) for line in members["verdicts.jsonl"].splitlines()]
        for number, row in enumerate(rows):
            change(number, row)
        models = list({row["model"]["sha256"]: row["model"] for row in rows}.values())
        head = {**json.loads(members["export.json"]), "models": models}
        told = {"export.json": json.dumps(head).encode(), "verdicts.jsonl": lines(rows)}
        file = pack(tmp_path / "captures.zip", {**members, **told})
        with unpacked_captures(file) as (folder, export):
            data = load_dataset(folder, known=("genuine", "recapture"))
            return evaluate_model(red_blue_file, data, EvaluateConfig(**config), captures=export.captures)

    return run


def test_this_machine_agrees_with_itself(evaluated, tmp_path):
    record = evaluated()
    assert (record.phone.compared, record.phone.left_out, record.phone.other_models) == (4, 1, 0)
    assert record.phone.differ == ()
    assert record.phone.largest_difference == 0
    write_json(tmp_path / "evaluate.json", record)
    assert from_plain(EvaluateRecord, read_json(tmp_path / "evaluate.json"), where="evaluate") == record


@pytest.mark.parametrize("crops", [1, 5, 12])
def test_as_many_crops_as_the_phone_took_are_compared(evaluated, red_blue, crops):
    whole = evaluated()
    record = evaluated(crops=crops)
    assert record.crops == crops
    assert record.phone == whole.phone


def test_more_crops_on_the_phone_change_no_number_here(evaluated, members):
    def more(number, row):
        row["crops"] = row["crops"] * 4

    record = evaluated(more)
    assert record.evaluation == evaluated().evaluation
    # The crops are other ones than those that were told, but of one colour.
    assert record.phone.compared == 4


def test_other_answers_are_named(evaluated):
    def change(number, row):
        if number == 2:
            row["label"] = "genuine"
            row["crops"][1]["probabilities"] = [0.75, 0.25]

    phone = evaluated(change).phone
    (other,) = phone.differ
    assert (other.phone, other.host) == ("genuine", "recapture")
    assert other.path.startswith("photos/")
    assert phone.largest_difference == pytest.approx(0.75, abs=0.1)


def test_verdicts_of_other_models_are_counted_alone(evaluated):
    def change(number, row):
        if number < 2:
            row["model"] = {"name": "older.tflite", "sha256": "0" * 64}

    phone = evaluated(change).phone
    assert (phone.compared, phone.other_models) == (2, 2)


def test_other_labels_than_the_model_has(evaluated):
    def change(number, row):
        if row["truth"] != "recapture":
            row["probabilities"], row["label"] = {"genuine": 0.5, "print": 0.5}, "genuine"

    with pytest.raises(DataError, match=r"the model's labels are .*, got .'genuine', 'print'"):
        evaluated(change)


def test_the_order_of_probabilities_says_nothing(evaluated):
    def change(number, row):
        row["probabilities"] = dict(reversed(row["probabilities"].items()))

    assert evaluated(change).phone == evaluated().phone


def test_photos_without_a_phone(red_blue_file, evaluated, tmp_path, members):
    with unpacked_captures(pack(tmp_path / "x.zip", members)) as (folder, _):
        data = load_dataset(folder, known=read_bundle(red_blue_file).contract.labels)
        assert evaluate_model(red_blue_file, data).phone is None
