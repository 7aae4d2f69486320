"""HEIC and AVIF among the photos of a folder, with and without what reads them."""

import builtins
import os
import re

import pytest
from PIL import Image

from edgekit.data.dataset import load_dataset
from edgekit.errors import MissingReader, pip_line

CLASSES = ["real/1.png", "real/2.png", "screen/1.png", "screen/2.png"]


@pytest.fixture
def without(monkeypatch):
    """``without("pillow_heif")``: a module that can't be imported."""
    real_import = builtins.__import__

    def forget(absent):
        def refuse(name, *args, **kwargs):
            if name == "pillow_heif":
                raise ModuleNotFoundError(f"No module named {absent!r}", name=absent)
            return real_import(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", refuse)

    return forget


def write(path, kind):
    if kind == "HEIF":
        pytest.importorskip("pillow_heif", reason="needs the heic extra").register_heif_opener()
    elif kind not in Image.SAVE and not Image.init() and kind not in Image.SAVE:
        pytest.skip("this Pillow writes no AVIF")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), "red").save(path, kind)


@pytest.mark.host
@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["1.heic", "2.HEIF"], id="heic"),
        pytest.param(["1.avif", "2.hif"], id="endings-of-others"),
        pytest.param(["1.jpg", "2.PNG"], id="as-jpeg"),
        pytest.param(["1", "2.bak"], id="without-an-ending"),
    ],
)
def test_they_load_under_any_name(tmp_path, kind, names):
    for label in ("real", "screen"):
        for name in names:
            write(tmp_path / label / name, kind)
    dataset = load_dataset(tmp_path)
    assert [sample.path for sample in dataset.samples] == [
        f"{one}/{name}" for one in ("real", "screen") for name in names
    ]


@pytest.mark.parametrize("name", ["3.heic", "3.jpg"])
@pytest.mark.parametrize("skip_bad", [False, True])
def test_heic_without_its_reader_ends_loading(photo_folder, without, name, skip_bad):
    """Leaving out every photo of an iPhone is not what --skip-bad is for."""
    root = photo_folder(CLASSES)
    write(root / "real" / name, "HEIF")
    without("pillow_heif")
    said = f"{name}: HEIC is read by pillow-heif, which is not installed here: {pip_line('heic')}; or save the photo as"
    with pytest.raises(MissingReader, match=re.escape(os.sep + said)):
        load_dataset(root, skip_bad=skip_bad)


def test_a_broken_reader_keeps_its_traceback(photo_folder, without):
    root = photo_folder(CLASSES)
    write(root / "real" / "3.heic", "HEIF")
    without("_pillow_heif")
    with pytest.raises(ModuleNotFoundError, match="_pillow_heif"):
        load_dataset(root)


def test_photos_that_need_no_reader_load_without_it(photo_folder, without):
    root = photo_folder(CLASSES)
    without("pillow_heif")
    assert len(load_dataset(root).samples) == 4
