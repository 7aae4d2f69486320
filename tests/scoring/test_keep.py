from __future__ import annotations

import numpy as np
import pytest

from edgekit.scoring.keep import ArrayType, read_arrays, runtime_key, write_arrays

SCORES = ArrayType(np.float32, (3, range(1, 5)))
WHOLE = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_an_array_comes_back(tmp_path):
    write_arrays(tmp_path / "kept" / "one.npz", {"scores": WHOLE})
    found = read_arrays(tmp_path / "kept" / "one.npz", {"scores": SCORES})["scores"]
    np.testing.assert_array_equal(found, WHOLE)
    assert found.flags.writeable


def test_several_arrays_come_back(tmp_path):
    place, counts = tmp_path / "several.npz", ArrayType(np.int64, (3,))
    write_arrays(place, {"scores": WHOLE[:, ::-1], "counts": np.arange(3)})
    found = read_arrays(place, {"scores": SCORES, "counts": counts})
    np.testing.assert_array_equal(found["scores"], WHOLE[:, ::-1])
    np.testing.assert_array_equal(found["counts"], [0, 1, 2])
    assert read_arrays(place, {"others": SCORES}) is None


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param(ArrayType(np.float64, SCORES.shape), id="dtype"),
        pytest.param(ArrayType(np.float32, (4, range(1, 5))), id="length"),
        pytest.param(ArrayType(np.float32, (3, range(3, 5))), id="range"),
        pytest.param(ArrayType(np.float32, (3,)), id="dimensions"),
    ],
)
def test_what_is_not_expected_is_not_taken(tmp_path, expected):
    write_arrays(tmp_path / "one.npz", {"scores": WHOLE})
    assert read_arrays(tmp_path / "one.npz", {"scores": expected}) is None


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b[: len(b) // 2]])
def test_a_damaged_file_gives_nothing(tmp_path, damage):
    place = tmp_path / "one.npz"
    write_arrays(place, {"scores": WHOLE})
    place.write_bytes(damage(place.read_bytes()))
    assert read_arrays(place, {"scores": SCORES}) is None


def test_another_content_of_an_archive_is_noticed(tmp_path):
    place = tmp_path / "one.npz"
    write_arrays(place, {"scores": WHOLE})
    content = bytearray(place.read_bytes())
    content[content.index(WHOLE.tobytes())] ^= 1
    place.write_bytes(content)
    assert read_arrays(place, {"scores": SCORES}) is None


def test_what_would_have_to_be_unpacked_is_left_alone(tmp_path):
    np.savez_compressed(tmp_path / "one.npz", scores=WHOLE)
    assert read_arrays(tmp_path / "one.npz", {"scores": SCORES}) is None


def test_absent_files_and_folders_give_nothing(tmp_path):
    for place in (tmp_path, tmp_path / "absent"):
        assert read_arrays(place, {"scores": SCORES}) is None


def test_the_key_names_the_interpreter_the_sources_and_pillow():
    one, other = runtime_key("litert 1"), runtime_key("litert 2")
    assert (one[0], other[0]) == ("litert 1", "litert 2")
    assert one[1:] == other[1:]
    assert len(one) == 3


def test_the_key_names_what_reads_heic_where_a_photo_is_heic(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "b.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(12))
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"the version of {name}")
    jpegs = runtime_key("litert 1", [tmp_path / "a.jpg"])
    assert jpegs == runtime_key("litert 1")
    with_heic = runtime_key("litert 1", [tmp_path / "a.jpg", tmp_path / "b.jpg"])
    assert with_heic == [*jpegs, "pillow-heif-the version of pillow-heif"]
