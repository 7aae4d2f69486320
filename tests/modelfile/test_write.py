from __future__ import annotations

import runpy
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from forging import edited
from models.make import heads_logits

from edgekit.contract import Contract, CropPlan, Decision
from edgekit.errors import ContractError, EdgekitError, InterpreterError
from edgekit.modelfile import flatbuffer as lite
from edgekit.modelfile.metadata import METADATA_NAME, read_metadata
from edgekit.modelfile.write import NO_SHA256, make_bundle, say_in_metadata, update_contract, write_bundle
from edgekit.records import sha256
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime import interpreter as interpreters


@pytest.fixture(scope="session")
def probabilities(int8_logits):
    return lite.append_softmax(int8_logits)


@pytest.fixture
def contract():
    return Contract(
        name="shelf",
        labels=("genuine", "recapture"),
        bona_fide="genuine",
        side_px=8,
        precision="int8",
        model_sha256=NO_SHA256,
        decision=Decision(threshold=0.5),
    )


def test_a_sentence_in_the_metadata_changes_no_score(probabilities, contract):
    before = make_bundle(probabilities, contract)
    after = say_in_metadata(before, "Shown one frame.")
    assert read_metadata(metadata_of(after)).description == "Tells genuine, recapture apart. Shown one frame."
    assert after.contract == replace(before.contract, model_sha256=sha256(after.flatbuffer))
    crop = np.full((8, 8, 3), (200, 10, 60), np.uint8)
    scores = [interpreters.ModelInterpreter(one.flatbuffer)(crop) for one in (before, after)]
    np.testing.assert_array_equal(*scores)


def metadata_of(bundle):
    model = lite.parse(bundle.flatbuffer)
    (entry,) = (one for one in model.metadata if one.name == METADATA_NAME.encode())
    return bytes(model.buffers[entry.buffer].data)


class TestBundle:
    def test_what_is_returned_is_what_a_reader_finds(self, tmp_path, probabilities, contract):
        written = write_bundle(make_bundle(probabilities, contract), tmp_path / "new" / "m.tflite")
        assert read_bundle(tmp_path / "new" / "m.tflite") == written
        assert written.contract.model_sha256 == sha256(written.flatbuffer)
        assert replace(written.contract, model_sha256=NO_SHA256, checked_on=()) == contract

    def test_checked_on_names_the_interpreters_that_ran_it(self, probabilities, contract):
        claim = replace(contract, checked_on=("abacus 1.0",))
        checked_on = make_bundle(probabilities, claim).contract.checked_on
        assert [name.split()[0] for name in checked_on] == list(interpreters.installed_backends())

    def test_the_same_inputs_give_the_same_bytes(self, tmp_path, probabilities, contract):
        files = [tmp_path / "one.tflite", tmp_path / "two.tflite"]
        for file in files:
            write_bundle(make_bundle(probabilities, contract), file)
        assert files[0].read_bytes() == files[1].read_bytes()

    def test_any_zip_tool_reads_the_archive(self, tmp_path, probabilities, contract):
        bundle = write_bundle(make_bundle(probabilities, contract), tmp_path / "m.tflite")
        with zipfile.ZipFile(tmp_path / "m.tflite") as archive:
            infos = {info.filename: info for info in archive.infolist()}
            assert archive.read("labels.txt") == b"genuine\nrecapture\n"
            assert archive.read("edgekit.json").decode() == bundle.contract.to_json()
        # MediaPipe reads stored files only; the offset counts from the file's start.
        assert {info.compress_type for info in infos.values()} == {zipfile.ZIP_STORED}
        assert infos["labels.txt"].header_offset == len(bundle.flatbuffer)

    def test_the_flatbuffer_carries_metadata(self, probabilities, contract):
        model = lite.parse(make_bundle(probabilities, contract).flatbuffer)
        (entry,) = [entry for entry in model.metadata if entry.name == METADATA_NAME.encode()]
        assert bytes(model.buffers[entry.buffer].data)[4:8] == b"M001"

    def test_bundling_again_does_not_grow_the_model(self, probabilities, contract):
        once = make_bundle(probabilities, contract)
        assert make_bundle(once.flatbuffer, contract) == once

    def test_it_classifies(self, tmp_path, probabilities, contract, plain_photo):
        write_bundle(make_bundle(probabilities, contract), tmp_path / "m.tflite")
        with Classifier.load(tmp_path / "m.tflite") as classifier:
            assert classifier.classify(plain_photo(200, 0, 0)).label == "genuine"
            assert classifier.classify(plain_photo(0, 0, 200)).label == "recapture"

    def test_logits_are_refused(self, int8_logits, contract):
        with pytest.raises(ContractError, match=r"probabilities that sum to 1, got \[0.0, 0.0\].*softmax"):
            make_bundle(int8_logits, contract)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"labels": ("a", "b", "genuine")}, r"output must be float32 \[1, 3\]", id="labels"),
            pytest.param({"side_px": 224}, r"input must be uint8 \[1, 224, 224, 3\]", id="side"),
        ],
    )
    def test_another_models_contract_is_refused(self, probabilities, contract, change, message):
        with pytest.raises(ContractError, match=message):
            make_bundle(probabilities, replace(contract, **change))

    def test_a_contract_of_another_flatbuffer_is_not_written(self, tmp_path, red_blue):
        other = replace(red_blue, contract=replace(red_blue.contract, model_sha256=NO_SHA256))
        with pytest.raises(ContractError, match="was changed after it was made"):
            write_bundle(other, tmp_path / "m.tflite")
        assert not list(tmp_path.iterdir())

    def test_every_head_is_run(self, contract):
        """One that gives no probabilities shows when the file is made."""
        flatbuffer = lite.append_softmax(heads_logits(np.ones((3, 2, 3), np.float32)))

        def without_others(model, graph):
            graph.outputs = [graph.outputs[0], graph.operators[-1].inputs[0]]

        plan = CropPlan.parse("full:1/4,native", crops=3)
        promised = replace(contract, plan=plan, precision="float32").with_heads(("full", "1/4", "native"))
        assert make_bundle(flatbuffer, promised).contract.heads == promised.heads
        with pytest.raises(ContractError, match=r"probabilities that sum to 1, got \[0.0, 0.0\].*softmax"):
            make_bundle(edited(flatbuffer, without_others), promised)

    def test_a_model_that_no_interpreter_runs_is_refused(self, probabilities, contract):
        model = lite.parse(probabilities)
        model.operatorCodes[0].version = 99
        with pytest.raises(InterpreterError, match="one installed interpreter must run the model"):
            make_bundle(lite.pack(model), contract)

    def test_a_failed_write_leaves_the_old_file(self, tmp_path, probabilities, contract):
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(EdgekitError, match="can't write"):
            write_bundle(make_bundle(probabilities, contract), tmp_path / "file" / "m.tflite")
        assert (tmp_path / "file").read_text() == "in the way"


class TestUpdateContract:
    @pytest.fixture
    def model(self, tmp_path, red_blue_file):
        copy = tmp_path / "m.tflite"
        copy.write_bytes(red_blue_file.read_bytes())
        return copy

    def test_a_new_threshold_leaves_the_flatbuffer(self, model, red_blue):
        decision = Decision(threshold=0.9, temperature=1.5, abstain=(0.4, 0.6))
        updated = update_contract(model, red_blue.contract.with_decision(decision))
        assert updated.contract.decision == decision
        assert updated.flatbuffer == red_blue.flatbuffer
        assert read_bundle(model) == updated

    def test_it_decides_by_the_new_threshold(self, model, red_blue, plain_photo):
        photo = plain_photo(100, 0, 90)
        assert Classifier.load(model).classify(photo).label == "genuine"
        update_contract(model, red_blue.contract.with_decision(Decision(threshold=0.1)))
        assert Classifier.load(model).classify(photo).label == "recapture"

    def test_the_old_contract_restores_the_old_bytes(self, model, red_blue, red_blue_file):
        update_contract(model, red_blue.contract.with_decision(Decision(threshold=0.9)))
        update_contract(model, red_blue.contract)
        assert model.read_bytes() == red_blue_file.read_bytes()

    def test_labels_may_get_other_names(self, model, red_blue):
        renamed = replace(red_blue.contract, labels=("echt", "aufgenommen"), bona_fide="echt")
        assert update_contract(model, renamed).contract.labels == ("echt", "aufgenommen")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"model_sha256": "f" * 64}, "keep model_sha256", id="another-model"),
            pytest.param({"side_px": 16}, "keep side_px", id="side"),
            pytest.param({"precision": "int8"}, "keep precision", id="precision"),
            pytest.param({"checked_on": ("abacus",)}, "keep checked_on", id="checked-on"),
            pytest.param({"labels": ("genuine", "screen", "print")}, "keep 2 labels", id="more-labels"),
            pytest.param({"schema": 2, "heads": ("centre", "1/4", "native")}, "keep heads None", id="heads"),
        ],
    )
    def test_another_models_contract_is_refused(self, model, red_blue, change, message):
        before = model.read_bytes()
        with pytest.raises(ContractError, match=message):
            update_contract(model, replace(red_blue.contract, **change))
        assert model.read_bytes() == before


@pytest.fixture(scope="session")
def remade(tmp_path_factory, repository):
    folder = tmp_path_factory.mktemp("models")
    runpy.run_path(str(repository / "tests" / "models" / "make.py"))["write_all"](folder)
    return folder


@pytest.mark.parametrize("name", ["red_blue.tflite", "three_colours.tflite", "heads.tflite"])
def test_the_committed_bundles_are_what_make_py_makes(remade, repository, name):
    new, committed = read_bundle(remade / name), read_bundle(repository / "tests" / "models" / name)
    assert new.flatbuffer == committed.flatbuffer
    # Which interpreters are installed differs from machine to machine.
    assert replace(new.contract, checked_on=()) == replace(committed.contract, checked_on=())


def test_the_committed_logits_are_what_make_py_makes(remade, int8_logits):
    assert (remade / "logits_int8.tflite").read_bytes() == int8_logits
