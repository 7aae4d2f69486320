"""HEIC photos, with and without their plugin."""

import builtins

import pytest

from edgekit.data.dataset import load_dataset
from edgekit.data.heic import enable_heic
from edgekit.errors import MissingExtra, pip_line

CLASSES = ["real/1.png", "real/2.png", "screen/1.png", "screen/2.png"]


@pytest.mark.host
def test_heic_photos_load(photo_folder, write_photo):
    pytest.importorskip("pillow_heif", reason="needs the host extra")
    enable_heic()
    root = photo_folder(["real/1.heic", "screen/1.HEIF"])
    assert len(load_dataset(root).samples) == 2


@pytest.mark.parametrize(
    ("absent", "error"),
    [
        pytest.param("pillow_heif", MissingExtra, id="the-extra"),
        pytest.param("_pillow_heif", ModuleNotFoundError, id="a-broken-install"),
    ],
)
def test_heic_needs_its_extra(photo_folder, monkeypatch, absent, error):
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "pillow_heif":
            raise ModuleNotFoundError(f"No module named {absent!r}", name=absent)
        return real_import(name, *args, **kwargs)

    root = photo_folder(CLASSES)
    (root / "real" / "3.heic").touch()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(error) as caught:
        load_dataset(root)
    said = f"pillow-heif is not installed: {pip_line('host')}"
    assert (str(caught.value) == said) == (error is MissingExtra)
