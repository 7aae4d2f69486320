"""Capture plans, and what a folder fills of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError
from edgekit.gather.coverage import cover
from edgekit.gather.plan import CapturePlan, CellRule, PlanCell, PlanEntry, read_plan, to_entries, write_plan

REAL = PlanEntry(name="real", label="genuine")
TV = PlanEntry(name="tv", label="recapture", kind="screen")
PRINT = PlanEntry(name="print", also=("paper",), label="recapture", kind="print")


def plan(**changes):
    whole = {
        "wanted": 3,
        "camera": (PlanEntry(name="pixel-8", also=("Google Pixel 8",)), PlanEntry(name="iphone")),
        "target": (REAL, TV, PRINT),
        "light": to_entries(["day", "night"]),
    }
    return CapturePlan(**whole | changes)


def shoot(root, path, *, seed=0, camera=""):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if camera:
        exif[0x010F], exif[0x0110] = camera.split(maxsplit=1)
    Image.new("RGB", (16, 16), (seed, 0, 0)).save(target, exif=exif)


def has(coverage):
    return {(one.camera, one.target, one.light): one.has for one in coverage.cells if one.has}


class TestPlan:
    def test_a_file_gives_back_what_was_written(self, tmp_path):
        made = plan(
            title='a "plan"\\',
            cell=(CellRule(camera="iphone", light="night", wanted=0), CellRule(target="tv", wanted=9)),
        )
        write_plan(tmp_path / "plan.toml", made)
        assert read_plan(tmp_path / "plan.toml") == made

    @given(st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable() and text.strip(" -_")))
    def test_any_printable_name_survives(self, tmp_path_factory, name):
        made = CapturePlan(title=name, camera=(PlanEntry(name=name),), target=(PlanEntry(name="x", kind=name),))
        path = tmp_path_factory.mktemp("plan") / "plan.toml"
        write_plan(path, made)
        assert read_plan(path) == made

    def test_the_last_rule_that_fits_counts(self):
        made = plan(cell=(CellRule(target="tv", wanted=9), CellRule(light="night", wanted=1)))
        assert len(made.cells) == 12
        assert made.wanted_of(PlanCell(camera="iphone", target="tv", light="day")) == 9
        assert made.wanted_of(PlanCell(camera="iphone", target="tv", light="night")) == 1
        assert made.wanted_of(PlanCell(camera="iphone", target="real", light="day")) == 3

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("wanted = 3\n[[camera]]\nname = 'a'\n", "missing", id="no-target"),
            pytest.param("x = 1\n", "unknown \\['x'\\]", id="unknown-key"),
            pytest.param("wanted = \n", "must be TOML", id="no-toml"),
            pytest.param("camera = []\ntarget = [{name='a'}]\n", "at least one camera", id="no-camera"),
            pytest.param(
                "camera = [{name='a'}, {name='A '}]\ntarget = [{name='t'}]", "two entries must not go by one", id="same"
            ),
            pytest.param(
                "camera = [{name='a', also=['x 1']}, {name='b', also=['X-1']}]\ntarget = [{name='t'}]",
                "'X-1' for the camera 'a' and 'b': both would claim the same photos",
                id="one-alias-for-two",
            ),
            pytest.param(
                "camera = [{name='a', label='x'}]\ntarget = [{name='t'}]", "only targets have a label", id="label"
            ),
            pytest.param(
                "wanted = -1\ncamera = [{name='a'}]\ntarget = [{name='t'}]", "wanted must be 0 to", id="negative"
            ),
            pytest.param(
                "wanted = true\ncamera = [{name='a'}]\ntarget = [{name='t'}]", "wanted must be int", id="bool"
            ),
            pytest.param(
                "camera = [{name='a'}]\ntarget = [{name='t'}]\ncell = [{wanted=1, light='day'}]",
                "must name a light of the plan, got 'day'",
                id="unknown-light",
            ),
        ],
    )
    def test_mistakes_name_the_file_and_the_rule(self, tmp_path, text, message):
        (tmp_path / "plan.toml").write_text(text)
        with pytest.raises(DataError, match=message) as failure:
            read_plan(tmp_path / "plan.toml")
        assert str(failure.value).startswith(str(tmp_path / "plan.toml"))

    def test_absent(self, tmp_path):
        with pytest.raises(DataError, match="no such plan; make one"):
            read_plan(tmp_path / "plan.toml")


@pytest.mark.parametrize("text", ["real", "real:", ":genuine"])
def test_a_target_needs_a_class(text):
    with pytest.raises(DataError, match="NAME:CLASS"):
        to_entries([text], labelled=True)


def test_a_light_has_none():
    with pytest.raises(DataError, match="only targets"):
        to_entries(["day:genuine"])


class TestCells:
    def test_come_from_folders_exif_and_the_manifest(self, tmp_path, write_rows):
        shoot(tmp_path, "genuine/day/a.jpg", camera="Google Pixel 8")
        shoot(tmp_path, "recapture/Paper/iphone/night/b.jpg")
        shoot(tmp_path, "recapture/c.jpg")
        shoot(tmp_path, "recapture/d.jpg")
        write_rows(
            tmp_path / "manifest.csv",
            ("path", "label", "camera", "screen", "light", "kind"),
            ("genuine/day/a.jpg", "genuine", "", "", "", ""),
            ("recapture/Paper/iphone/night/b.jpg", "recapture", "", "", "", ""),
            ("recapture/c.jpg", "recapture", "Pixel 8", "TV", "day", ""),
            ("recapture/d.jpg", "recapture", "iphone", "", "day", "print"),
        )
        found = cover(plan(), tmp_path)
        assert has(found) == {
            ("pixel-8", "real", "day"): 1,
            ("iphone", "print", "night"): 1,
            ("pixel-8", "tv", "day"): 1,
            ("iphone", "print", "day"): 1,
        }
        assert (found.wanted, found.has, found.lacks, found.outside) == (36, 4, 32, {})

    def test_more_than_wanted_lacks_nothing(self, tmp_path):
        for number in range(5):
            shoot(tmp_path, f"genuine/iphone/day/{number}.jpg", seed=number)
        found = cover(plan(), tmp_path)
        (cell,) = [one for one in found.cells if one.has]
        assert (cell.wanted, cell.has, cell.lacks) == (3, 5, 0)
        assert found.lacks == found.wanted - 3

    def test_photos_of_no_cell_are_counted_by_what_is_not_known(self, tmp_path):
        shoot(tmp_path, "genuine/day/a.jpg", camera="Nikon D90")
        shoot(tmp_path, "recapture/iphone/b.jpg")
        found = cover(plan(), tmp_path)
        assert found.outside == {"camera": 1, "target, light": 1}
        assert found.examples == {"camera": ("genuine/day/a.jpg",), "target, light": ("recapture/iphone/b.jpg",)}

    def test_two_cells_that_claim_one_photo_are_both_named(self, tmp_path):
        shoot(tmp_path, "genuine/iphone/day/a.jpg", camera="Google Pixel 8")
        shoot(tmp_path, "recapture/tv/iphone/day/night/b.jpg")
        with pytest.raises(DataError) as failure:
            cover(plan(), tmp_path)
        message = str(failure.value)
        assert "got 2 that two claim" in message
        assert (
            "genuine/iphone/day/a.jpg: iphone × ? × day (by the folder 'iphone') and pixel-8 × ? × day (by EXIF)"
            in message
        )
        assert "iphone × tv × day (by the folder 'day') and iphone × tv × night (by the folder 'night')" in message

    def test_a_target_of_another_class(self, tmp_path):
        shoot(tmp_path, "genuine/tv/iphone/day/a.jpg")
        with pytest.raises(DataError, match=r"the target 'tv' .* is of the class 'recapture', the photo of 'genuine'"):
            cover(plan(), tmp_path)

    def test_record_writes_the_cells_and_nothing_else(self, tmp_path):
        shoot(tmp_path, "genuine/day/a.jpg", camera="Google Pixel 8")
        shoot(tmp_path, "recapture/paper/iphone/night/b.jpg")
        shoot(tmp_path, "recapture/c.jpg")
        before = {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")}
        cover(plan(), tmp_path, record=True)
        rows = {
            row.path: (row.camera, row.screen, row.light, row.kind) for row in read_manifest(tmp_path / "manifest.csv")
        }
        assert rows == {
            "genuine/day/a.jpg": ("pixel-8", "", "day", ""),
            "recapture/paper/iphone/night/b.jpg": ("iphone", "print", "night", "print"),
            "recapture/c.jpg": ("", "", "", ""),
        }
        assert {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")} == before
        assert has(cover(plan(), tmp_path)) == {("pixel-8", "real", "day"): 1, ("iphone", "print", "night"): 1}

    def test_the_emptiest_setup_comes_first_and_a_full_one_not_at_all(self, tmp_path):
        for camera in ("pixel-8", "iphone"):
            for number in range(3):
                shoot(tmp_path, f"genuine/{camera}/day/{number}.jpg", seed=number)
        shoot(tmp_path, "recapture/tv/iphone/day/a.jpg")
        found = cover(plan(light=to_entries(["day"])), tmp_path)
        assert found.next == ("print in day: 3 with pixel-8, 3 with iphone", "tv in day: 3 with pixel-8, 2 with iphone")

    def test_an_empty_folder_lacks_everything(self, tmp_path):
        (tmp_path / "new").mkdir()
        assert cover(plan(), tmp_path / "new").lacks == 36
        with pytest.raises(DataError, match="must be a folder"):
            cover(plan(), tmp_path / "none")


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


def test_a_key_that_is_deeper_than_any_plan_is_refused_at_once(tmp_path):
    (tmp_path / "plan.toml").write_text("[[" + "a." * 400_000 + "a]]")
    with pytest.raises(DataError, match="lines must have at most 5000 characters"):
        read_plan(tmp_path / "plan.toml")
