from __future__ import annotations

import io
import zipfile

import pytest
from fixtures.foreign import Kind, build, with_metadata, with_subgraphs

from edgekit.errors import ContractError
from edgekit.modelfile.flatbuffer import parse
from edgekit.modelfile.foreign import TensorFacts, examine_model, names_of, read_model, tensor_facts


def zipped(*names):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "what"),
    [
        pytest.param(b"", "m.tflite", "an empty file", id="empty"),
        pytest.param(b"version https://git-lfs.example/spec/v1\noid", "m.tflite", "Git LFS pointer", id="lfs"),
        pytest.param(b"\x89HDF\r\n\x1a\n" + bytes(99), "m.h5", "a Keras HDF5 file; convert it", id="h5"),
        pytest.param(zipped("config.json", "model.weights.h5"), "m.keras", "a whole Keras model", id="keras"),
        pytest.param(zipped("archive/data.pkl"), "m.pt", "a PyTorch file; export it", id="torch-zip"),
        pytest.param(b"\x80\x02}", "m.pth", "a file of PyTorch; export it", id="torch"),
        pytest.param(b"\x80\x02}", "m.pkl", "a pickle; export it", id="pickle"),
        pytest.param(zipped("face.tflite"), "m.task", "MediaPipe .task bundle, that holds face.tflite", id="task"),
        pytest.param(zipped("m/saved_model.pb"), "m.zip", "zip archive of a TensorFlow SavedModel", id="saved-model"),
        pytest.param(zipped("a.txt"), "m.zip", "a zip archive of a.txt", id="zip"),
        pytest.param(b"PK\3\4 and then nothing", "m.zip", "a damaged zip", id="damaged-zip"),
        pytest.param(b"\x08\x08\x12\x07pytorch", "m.onnx", "a file of ONNX; convert it with onnx2tf", id="onnx"),
        pytest.param(b"\x0a\x05graph", "m.pb", "a frozen TensorFlow graph", id="graph"),
        pytest.param(b"\x1f\x8b\x08", "m.tgz", "a gzip archive", id="gzip"),
        pytest.param(b"\x1c\0\0\0TFL2", "m.tflite", "of another version", id="old"),
        pytest.param(b"\n<!doctype html>", "m.tflite", "a web page", id="html"),
        pytest.param(b"abcdefghijk", "m.bin", "begins with b'abcdefgh'", id="other"),
    ],
)
def test_a_file_that_is_no_model_is_named(tmp_path, content, name, what):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ContractError, match=f"a model must be a .tflite file, got .*{what}"):
        read_model(tmp_path / name)


def test_a_folder_is_named(tmp_path):
    with pytest.raises(ContractError, match="got a folder"):
        read_model(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(ContractError, match="got a SavedModel folder; convert it"):
        read_model(tmp_path)


def test_a_model_says_what_it_is():
    content = with_metadata(
        build(Kind(signature=(-1, 8, 8, 3))), mean=(1.0, 2.0, 3.0), std=(4.0,), labels=("a", "b", "c")
    )
    found = examine_model(content)
    assert found.inputs == (TensorFacts(name="input_1", dtype="float32", shape=(-1, 8, 8, 3)),)
    assert [str(one) for one in found.outputs] == ["float32 [1, 3]"]
    assert found.operators == {"FULLY_CONNECTED": 1, "MEAN": 1, "SOFTMAX": 1}
    # Weights of 3 by 3, and the two axes of the mean.
    assert (found.parameters, found.size, found.subgraphs) == (11, len(content), 1)
    assert found.metadata is not None
    assert (found.metadata.name, found.metadata.mean, found.metadata.std) == (
        "somebody's model",
        (1.0, 2.0, 3.0),
        (4.0,),
    )
    assert found.labels == {"things.txt": "a\nb\nc\n"}
    assert (found.signatures, found.description) == (("serving_default",), "edgekit test model")


def test_custom_operators_and_subgraphs_are_told():
    assert examine_model(build(Kind(custom="FlexErf"))).custom == ("FlexErf",)
    assert examine_model(with_subgraphs(build(Kind()))).subgraphs == 2


def test_a_quantised_tensor_has_its_scale():
    graph = parse(build(Kind(dtype="uint8", scale=0.5, zero_point=7))).subgraphs[0]
    facts = tensor_facts(graph.tensors[0])
    assert str(facts) == "uint8 [1, 8, 8, 3], scale 0.5 and zero point 7"


@pytest.mark.parametrize("end", range(8, 200, 16))
def test_metadata_that_are_cut_off_are_left_out_or_read(end):
    # Whatever they hold, the model itself can be described.
    from edgekit.modelfile.flatbuffer import set_metadata

    whole = with_metadata(build(Kind()), mean=(1.0,), std=(2.0,), labels=("a", "b", "c"))
    model = parse(whole)
    data = bytes(model.buffers[model.metadata[-1].buffer].data)
    examine_model(set_metadata(build(Kind()), "TFLITE_METADATA", data[:end]))


def test_many_names_are_shortened():
    assert names_of("abc", most=2) == "a, b, …"
