"""The normalised copy: what files say is gone, labels and groups stay, and a kill loses nothing."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from edgekit.audit import normalise as module
from edgekit.audit.normalise import normalise_dataset, padded
from edgekit.audit.options import AuditConfig, NormaliseConfig
from edgekit.audit.run import audit_dataset
from edgekit.data.dataset import load_dataset
from edgekit.errors import DataError, EdgekitError


def leaky(sample, content):
    """Class b is upright, saved coarser, with another name and EXIF."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    saved = io.BytesIO()
    if sample.label == "b":
        exif = Image.Exif()
        exif[0x0110] = "b"
        picture.transpose(Image.Transpose.ROTATE_90).save(saved, "JPEG", quality=60, exif=exif.tobytes())
        return sample.path.replace("/", "/b"), saved.getvalue()
    picture.save(saved, "JPEG", quality=95)
    return sample.path, saved.getvalue()


@pytest.mark.slow
def test_the_audit_of_the_copy_finds_nothing_in_its_files(deal, tmp_path):
    names = ("size", "aspect", "bytes", "format", "jpeg", "metadata", "exif-camera", "names")
    config = AuditConfig(shuffles=99, only=names)
    dataset = deal(4, leaky)
    before = {one.name: one.verdict for one in audit_dataset(dataset, config).probes}
    assert {name for name, verdict in before.items() if verdict == "leak"} >= {"size", "aspect", "jpeg", "names"}
    made = normalise_dataset(dataset, tmp_path / "copy")
    copy = load_dataset(tmp_path / "copy")
    record = audit_dataset(copy, config)
    assert {one.verdict for one in record.probes if one.name in names} == {"fine"}
    assert record.within == ()
    assert made.config.side_px == 192
    assert {(tmp_path / "copy" / one.path).stat().st_size for one in copy.samples} == {made.file_bytes}
    keys = [sorted((s.label, s.group) for s in one.samples) for one in (dataset, copy)]
    assert keys[0] == keys[1]


def test_a_copy_that_was_stopped_is_gone_on_with_and_ends_the_same(deal, tmp_path, monkeypatch):
    dataset = deal(0)
    whole = normalise_dataset(dataset, tmp_path / "whole")
    real, left = module.write_atomic, [40]

    def failing(path, content):
        left[0] -= 1
        if left[0] < 0:
            raise EdgekitError("disk full")
        real(path, content)

    monkeypatch.setattr(module, "write_atomic", failing)
    for allowed in (40, 60, 70):
        left[0] = allowed
        with pytest.raises(EdgekitError, match="disk full"):
            normalise_dataset(dataset, tmp_path / "parts")
        assert not (tmp_path / "parts" / "manifest.csv").exists()
    left[0] = 10_000
    assert normalise_dataset(dataset, tmp_path / "parts") == whole
    for path in (tmp_path / "whole").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "parts" / path.relative_to(tmp_path / "whole")).read_bytes()
    assert normalise_dataset(dataset, tmp_path / "parts") == whole


def test_other_folders_are_left_alone(deal, tmp_path):
    dataset = deal(0)
    with pytest.raises(DataError, match="must lie outside of"):
        normalise_dataset(dataset, dataset.root / "copy")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(DataError, match="has other files"):
        normalise_dataset(dataset, tmp_path / "full")
    with pytest.raises(DataError, match=r"shorter side is under 256 px: s0/0000\.jpg"):
        normalise_dataset(dataset, tmp_path / "large", NormaliseConfig(side_px=256))
    normalise_dataset(dataset, tmp_path / "copy", NormaliseConfig(side_px=64))
    with pytest.raises(DataError, match="hold this same job, has another"):
        normalise_dataset(dataset, tmp_path / "copy", NormaliseConfig(side_px=96))
    with pytest.raises(DataError, match="hold this same job, has another"):
        normalise_dataset(replace(dataset, sha256="0"), tmp_path / "copy", NormaliseConfig(side_px=64))


@pytest.mark.parametrize("more", [4, 5, 65_537, 65_538, 65_540, 65_541, 200_000])
def test_padding_gives_any_length_and_leaves_the_picture(more):
    content = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(content, "JPEG")
    longer = padded(content.getvalue(), len(content.getvalue()) + more)
    assert len(longer) == len(content.getvalue()) + more
    one, other = (Image.open(io.BytesIO(part)) for part in (content.getvalue(), longer))
    assert one.tobytes() == other.tobytes()


def test_padding_refuses_what_it_cannot_pad():
    with pytest.raises(DataError, match="padding needs a JPEG"):
        padded(b"\x89PNG....", 100)
