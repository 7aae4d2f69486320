"""Files that are no models of edgekit's, by their content."""

from __future__ import annotations

import re
import zipfile

import pytest

from edgekit.errors import ContractError, RunError
from edgekit.runtime import read_bundle
from edgekit.runtime.other_models import look_at, model_remedy, tflite_remedy, weights_remedy
from edgekit.train.options import NetworkConfig
from edgekit.train.record import RunFolder
from edgekit.train.weights_file import check_weights_file


def zipped(path, *names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return path


@pytest.fixture
def files(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"x")
    (tmp_path / "weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    (tmp_path / "frozen.pb").write_bytes(b"\n\x10" + bytes(50))
    (tmp_path / "net.onnx").write_bytes(b"\x08\x07" + bytes(50))
    (tmp_path / "plain.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(50))
    (tmp_path / "text").write_text("some text")
    zipped(tmp_path / "mine.keras", "metadata.json", "config.json", "model.weights.h5")
    # What it is decides, not its name.
    zipped(tmp_path / "renamed.h5", "metadata.json", "config.json", "model.weights.h5")
    zipped(tmp_path / "net.pth", "archive/data.pkl")
    zipped(tmp_path / "other.zip", "a.txt")
    (tmp_path / "torn.keras").write_bytes((tmp_path / "mine.keras").read_bytes()[:60])
    return tmp_path


KINDS = {
    "mine.keras": "a whole Keras model (.keras)", "renamed.h5": "a whole Keras model (.keras)",
    "saved": "a SavedModel folder", "weights.h5": "a Keras HDF5 file", "frozen.pb": "a frozen TensorFlow graph",
    "net.onnx": "a file of ONNX", "net.pth": "a PyTorch file", "other.zip": "a zip archive of a.txt",
    "plain.tflite": "a TFLite file",
    "text": "", "torn.keras": "a damaged zip archive", "absent": "",
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_the_kind(files, name):
    assert look_at(files / name).kind == KINDS[name]


@pytest.mark.parametrize("name", ["mine.keras", "renamed.h5", "saved"])
def test_weights_come_out_of_a_whole_model_by_one_line(files, name):
    said = weights_remedy(files / name)
    assert f"keras.models.load_model('{files / name}').save_weights('backbone.weights.h5')" in said
    with pytest.raises(RunError, match=r"--weights must be imagenet, none or a Keras HDF5 file or .*, got a"):
        check_weights_file(NetworkConfig(weights=str(files / name)))


def test_weights_of_the_right_kind_pass(files):
    check_weights_file(NetworkConfig(weights=str(files / "weights.h5")))
    check_weights_file(NetworkConfig(weights="imagenet"))


@pytest.mark.parametrize("name", ["net.onnx", "net.pth", "frozen.pb", "plain.tflite"])
def test_weights_of_other_frameworks(files, name):
    with pytest.raises(RunError, match="whose weights Keras can't read"):
        check_weights_file(NetworkConfig(backbone="mobilenet_v2", weights=str(files / name)))


@pytest.mark.parametrize("name", ["mine.keras", "weights.h5", "saved", "net.onnx", "net.pth", "frozen.pb"])
def test_as_a_model(files, name):
    with pytest.raises(ContractError) as failed:
        read_bundle(files / name)
    assert f"{files / name} must be a TFLite file, got {KINDS[name]}, which devices don't run" in str(failed.value)
    assert "edgekit finetune" in str(failed.value)


def test_as_a_run(files):
    with pytest.raises(RunError, match="must be a run's folder, got a whole Keras model"):
        RunFolder(root=files / "mine.keras").read("float")
    with pytest.raises(RunError, match="must be a run's folder, got a file; name the folder"):
        RunFolder(root=files / "text").read("float")


def test_a_tflite_file_is_its_readers_to_explain(files):
    assert model_remedy(files / "plain.tflite") == ""
    assert tflite_remedy(files / "plain.tflite") == "got a TFLite file"


BROKEN = {
    "empty.h5": (b"", "got an empty file; copy it again"),
    "pointer.h5": (b"version https://git-lfs.github.com/spec/v1\noid", "got a Git LFS pointer, .*; run `git lfs pull`"),
    "page.h5": (b" <!doctype html>", "got a web page or XML; the download went wrong"),
    "packed.h5": (b"\x1f\x8b\x08", "got a gzip archive; unpack it"),
    "torn.h5": (b"PK\3\4 and then nothing", "got a damaged zip archive; copy it again"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_never_arrived_whole_is_said_whatever_it_was_wanted_for(tmp_path, name):
    content, said = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    for remedy in (model_remedy, weights_remedy, tflite_remedy):
        assert re.match(said, remedy(tmp_path / name))
