"""The heat map of a capture plan."""

from __future__ import annotations

import pytest
from PIL import Image
from planned import REAL, TV, plan

from edgekit.errors import DataError
from edgekit.gather.coverage import cover
from edgekit.gather.plan import PlanEntry, to_entries


def shoot(root, path, *, seed=0, camera=""):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if camera:
        exif[0x010F], exif[0x0110] = camera.split(maxsplit=1)
    Image.new("RGB", (16, 16), (seed, 0, 0)).save(target, exif=exif)


class TestHeatmap:
    def test_full_cells_are_darker_than_empty_ones(self, tmp_path):
        heatmap = pytest.importorskip("edgekit.figures.coverage")
        for number in range(3):
            shoot(tmp_path / "in", f"genuine/iphone/day/{number}.jpg", seed=number)
        small = plan(camera=(PlanEntry(name="iphone"),), target=(REAL, TV), light=to_entries(["day"]))
        heatmap.plot_coverage(tmp_path / "heat.png", cover(small, tmp_path / "in"))
        with Image.open(tmp_path / "heat.png") as figure:
            row = [figure.convert("L").getpixel((x, figure.height * 2 // 3)) for x in range(figure.width)]
        colours = [level for level in set(row) if row.count(level) > figure.width // 5]
        assert len(colours) == 2
        assert row.index(min(colours)) < row.index(max(level for level in colours if level < 255))

    def test_without_cells(self, tmp_path):
        heatmap = pytest.importorskip("edgekit.figures.coverage")
        (tmp_path / "in").mkdir()
        with pytest.raises(DataError, match="at least one cell"):
            heatmap.plot_coverage(tmp_path / "heat.png", cover(plan(wanted=0), tmp_path / "in"))
