import csv
import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError
from edgekit.simulate.cameras import CAMERAS, Shot, blur, take_photo
from edgekit.simulate.options import PRINTS, SCREEN_NAMES, RecaptureConfig, RephotoConfig
from edgekit.simulate.perspective import View, place_screen
from edgekit.simulate.recapture_set import make_recaptures
from edgekit.simulate.rephoto import SCREEN_OF, draw, rephotograph
from edgekit.simulate.screens import SCREENS, form_image

phone = pytest.importorskip("edgekit.simulate.phone", reason="needs OpenCV")

SMALL = RephotoConfig(oversample=(1.2, 1.4))


@pytest.fixture(scope="module")
def photo():
    """A smooth scene with edges, 160x120: nothing in it that looks like a grid."""
    y, x = np.mgrid[0:120, 0:160]
    planes = [120 + 60 * np.sin(x / 31 + k) + 40 * np.cos(y / 23) for k in range(3)]
    pixels = np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)
    pixels[40:80, 50:100] = (200, 60, 40)
    return pixels


def _fine(content):
    """Strength of the finest detail of a JPEG: the mean step between neighbours, in levels."""
    with Image.open(io.BytesIO(content)) as opened:
        grey = np.asarray(opened.convert("L"), dtype=float)
    return float(np.abs(np.diff(grey, axis=1)).mean())


def test_every_name_stands_for_a_screen_and_prints_for_paper():
    assert tuple(SCREEN_OF) == SCREEN_NAMES
    assert {name for name, screen in SCREEN_OF.items() if screen.kind == "print"} == set(PRINTS)


class TestOnePhoto:
    @pytest.mark.parametrize("screen", [*SCREEN_OF, ""])
    def test_the_result_has_the_photo_s_size(self, photo, screen):
        drawn = draw(np.random.default_rng(0), screen=screen, config=SMALL)
        with Image.open(io.BytesIO(rephotograph(np.random.default_rng(1), photo, drawn=drawn))) as opened:
            assert opened.size == (160, 120)
            assert opened.format == "JPEG"
            assert not opened.getexif()

    def test_the_seed_decides(self, photo):
        drawn = draw(np.random.default_rng(0), screen="ips-monitor", config=SMALL)
        one, two, other = (rephotograph(np.random.default_rng(seed), photo, drawn=drawn) for seed in (1, 1, 2))
        assert one == two != other

    def test_odd_sides_lose_a_row(self, photo):
        drawn = draw(np.random.default_rng(0), screen="crt", config=SMALL)
        content = rephotograph(np.random.default_rng(1), photo[:-1, :-1], drawn=drawn)
        with Image.open(io.BytesIO(content)) as opened:
            assert opened.size == (158, 118)

    def test_a_screen_leaves_its_grid_and_the_scene_does_not(self, photo):
        """Everything else alike: camera, shot, reduction, JPEG."""
        from dataclasses import replace

        config = RephotoConfig(
            distance=(1, 1), angle_deg=3, focus_px=(0, 0), exposure_ev=(0, 0), glare=(0, 0), jpeg=(95, 95),
            coverage=(0.9, 0.9), fill=(1, 1), oversample=(1, 1),
        )  # fmt: skip
        drawn = replace(draw(np.random.default_rng(0), screen="lcd-rgb", config=config), camera="phone-c")
        of_screen = rephotograph(np.random.default_rng(1), photo, drawn=drawn)
        of_scene = rephotograph(np.random.default_rng(1), photo, drawn=replace(drawn, screen=""))
        assert _fine(of_screen) > 1.5 * _fine(of_scene)

    def test_what_is_drawn_stays_in_its_range(self):
        config = RephotoConfig(glare=(0.1, 0.2), jpeg=(80, 82), coverage=(1.1, 1.2))
        for seed in range(200):
            drawn = draw(np.random.default_rng(seed), screen="oled-pentile", config=config)
            assert 0.1 <= drawn.glare <= 0.2
            assert 80 <= drawn.jpeg <= 82
            assert 1.1 <= drawn.coverage <= 1.2
            assert abs(drawn.yaw_deg) <= config.angle_deg


class TestPhone:
    def test_blur_is_the_simulator_s(self):
        light = np.random.default_rng(0).random((40, 50, 3), dtype=np.float32)
        ours = phone.PhoneOptics().blur(light, sigma_px=0.8)
        np.testing.assert_allclose(ours, blur(light, sigma_px=0.8), atol=1e-5)

    def test_panels_are_the_simulator_s(self, photo):
        view = View(ratio=1.7, yaw_deg=5, pitch_deg=-4, roll_deg=2)
        arguments = {"screen": SCREENS["monitor-ips"], "view": view, "sigma_px": 0.5}
        ours, theirs = (
            form_image(np.random.default_rng(0), photo, optics=optics, **arguments)
            for optics in (phone.PhoneOptics(), None)
        )
        # Pillow and OpenCV interpolate between other numbers of places.
        assert np.abs(ours - theirs).mean() < 0.01 * theirs.mean()

    def test_developing_is_close_to_the_simulator_s_camera(self, photo):
        """Without reduction, sharpening and noise, the same light gives about the same photo."""
        from dataclasses import replace

        camera = replace(CAMERAS["phone-a"], sharpening=0, shot_noise=0, read_noise=0, saturation=1)
        light = photo.astype(np.float32) / 255
        shot = Shot(sigma_px=0.4)
        theirs = take_photo(np.random.default_rng(0), light, camera=camera, shot=shot)
        ours = phone.develop(
            np.random.default_rng(0), blur(light, sigma_px=0.4), camera=camera, shot=shot, size_wh=(160, 120),
            reduction="area",
        )  # fmt: skip
        difference = np.abs(ours.astype(int) - theirs)[2:-2, 2:-2]
        assert difference.mean() < 1

    def test_two_taps_fold_a_fine_grid_down_and_area_does_not(self):
        light = np.full((240, 240, 3), 0.2, np.float32)
        light[:, ::2] = 0.6
        # Stripes that no mosaic can confuse: all colours alike, and each site sees its own.
        camera, shot = CAMERAS["phone-c"], Shot(sigma_px=0.3, noise_gain=0)
        kept = {
            how: phone.develop(
                np.random.default_rng(0), light, camera=camera, shot=shot, size_wh=(90, 90), reduction=how
            )[..., 1].std()
            for how in ("two-taps", "area")
        }
        assert kept["two-taps"] > 2 * kept["area"]


def test_a_room_is_seen_around_the_screen(photo):
    drawn = draw(np.random.default_rng(0), screen="oled-pentile", config=SMALL)
    drawn = replace(drawn, coverage=1.8, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, layout="whole", glare=0.0)
    green = np.full_like(photo, (0, 250, 0))
    with_room, wall = (
        np.asarray(Image.open(io.BytesIO(rephotograph(np.random.default_rng(6), photo, drawn=drawn, room=room))))
        for room in (green, None)
    )
    # The photo on the screen has no green of that kind, and a wall is nearly grey.
    greenest = [
        (one[..., 1].astype(int) - one.max(axis=2, where=[True, False, True], initial=0)) for one in (with_room, wall)
    ]
    assert (greenest[0] > 40).mean() > 0.05 > (greenest[1] > 40).mean()


def test_a_photo_too_small_for_a_screen_is_named(tmp_path, write_photo):
    write_photo(tmp_path / "photos" / "genuine" / "dot.png", size_wh=(1, 1))
    with pytest.raises(DataError, match=r"dot\.png: .* 8 pixels or more on each side, got 1x1"):
        make_recaptures(tmp_path / "photos", tmp_path / "out", RecaptureConfig(label="genuine"), workers=1)


def test_a_screen_may_end_inside_the_picture():
    placement = place_screen((100, 80), View(ratio=1.5, coverage=1.4))
    assert placement.raster_wh[0] < 100 / 1.5


class TestFolder:
    @pytest.fixture
    def photos(self, tmp_path, photo, write_rows):
        root = tmp_path / "photos"
        rows = []
        for number in range(3):
            for label in ("genuine", "recapture"):
                path = root / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.roll(photo, 20 * number, axis=1)).save(path)
                rows.append([f"{label}/{number}.png", f"author-{number}"])
        write_rows(root / "manifest.csv", ["path", "group"], *rows)
        return root

    def test_genuine_photos_come_copied_and_rephotographed(self, photos, tmp_path):
        out = tmp_path / "out"
        made = make_recaptures(photos, out, RecaptureConfig(rephoto=SMALL, per_photo=2), workers=1)
        assert (made.genuine, made.recaptures) == (6, 6)
        samples = read_manifest(out / "manifest.csv")
        assert {one.label for one in samples} == {"genuine", "recapture"}
        assert [one.group for one in samples if one.label == "recapture"] == [f"author-{n}" for n in (0, 0, 1, 1, 2, 2)]
        assert {one.screen for one in samples if one.label == "recapture"} == set(SCREEN_OF)
        assert (out / "genuine" / "1.png").read_bytes() == (photos / "genuine" / "1.png").read_bytes()

    def test_every_parameter_is_in_the_manifest(self, photos, tmp_path):
        make_recaptures(photos, tmp_path / "out", RecaptureConfig(rephoto=SMALL), workers=1)
        with (tmp_path / "out" / "manifest.csv").open(encoding="utf-8") as file:
            rows = {row["path"]: row for row in csv.DictReader(file)}
        row = rows["recapture/0.png.00.jpg"]
        noted = {name.removeprefix("note_") for name, value in row.items() if name.startswith("note_") and value}
        assert noted >= {
            "screen", "camera", "distance", "yaw_deg", "pitch_deg", "roll_deg", "focus_px", "exposure_ev", "glare",
            "jpeg", "coverage", "fill", "oversample", "reduced_by", "source",
        }  # fmt: skip
        assert row["note_screen"] == row["screen"] == "lcd-rgb"
        assert rows["genuine/0.png.scene.jpg"]["note_screen"] == ""

    def test_behind_a_screen_stands_another_photo_of_its_group(self, photos, tmp_path, write_rows):
        paths = [f"{label}/{number}.png" for number in range(3) for label in ("genuine", "recapture")]
        group = {"genuine/0.png": "a", "genuine/1.png": "a", "genuine/2.png": "b"}
        write_rows(photos / "manifest.csv", ["path", "group"], *([one, group.get(one, "c")] for one in paths))
        ranges = RephotoConfig(oversample=(1.2, 1.4), coverage=(1.5, 1.6), layouts=("whole",), room=1.0)
        config = RecaptureConfig(rephoto=ranges, screens=("ips-monitor",), genuine="copied")
        make_recaptures(photos, tmp_path / "rooms", config, workers=1)
        with (tmp_path / "rooms" / "manifest.csv").open(encoding="utf-8") as file:
            rooms = {row["note_source"]: row["note_room"] for row in csv.DictReader(file) if row["note_source"]}
        # The photo that is alone in its group has a wall.
        assert rooms == {"genuine/0.png": "genuine/1.png", "genuine/1.png": "genuine/0.png", "genuine/2.png": ""}
        # A screen that fills the picture hides what is behind it.
        config = replace(config, rephoto=replace(ranges, coverage=(0.5, 1.0)))
        make_recaptures(photos, tmp_path / "filled", config, workers=1)
        with (tmp_path / "filled" / "manifest.csv").open(encoding="utf-8") as file:
            assert {row["note_room"] for row in csv.DictReader(file)} == {""}

    def test_processes_and_stops_do_not_matter(self, photos, tmp_path):
        config = RecaptureConfig(rephoto=SMALL, screens=("crt", "print-offset"))
        make_recaptures(photos, tmp_path / "one", config, workers=1)
        make_recaptures(photos, tmp_path / "two", config, workers=2)
        (tmp_path / "two" / "recapture" / "1.png.00.jpg").unlink()
        make_recaptures(photos, tmp_path / "two", config, workers=1)
        digests = [
            {
                path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in root.rglob("*")
                if path.is_file()
            }
            for root in (tmp_path / "one", tmp_path / "two")
        ]
        assert digests[0] == digests[1]

    def test_no_genuine_photo(self, photo_folder, tmp_path):
        root = photo_folder(["cat/1.png", "dog/1.png"])
        with pytest.raises(DataError, match="--label"):
            make_recaptures(root, tmp_path / "out", RecaptureConfig(), workers=1)
        made = make_recaptures(root, tmp_path / "out", RecaptureConfig(label="cat", rephoto=SMALL), workers=1)
        assert made.recaptures == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"screens": ("plasma",)}, "lcd-rgb"),
        ({"screens": ()}, "screens"),
        ({"screens": ("crt", "crt")}, "once"),
        ({"per_photo": 0}, "per_photo"),
        ({"seed": -1}, "seed"),
        ({"rephoto": RephotoConfig(layouts=("app", "grid"))}, "layouts whole, page, got app, grid for print-inkjet"),
    ],
)
def test_mistakes(given, message):
    with pytest.raises(DataError, match=message):
        RecaptureConfig(**given)


@pytest.mark.parametrize(
    "given",
    [{"glare": (0.5, 0.1)}, {"jpeg": (0, 90)}, {"angle_deg": 60}, {"oversample": (0.5, 1)}, {"room": 1.5}]
    + [{"layouts": given} for given in ((), ("poster",))],
)
def test_ranges(given):
    with pytest.raises(DataError, match=next(iter(given))):
        RephotoConfig(**given)


def test_screens_alone_may_do_without_the_layouts_of_prints():
    config = RephotoConfig(layouts=("app", "grid"))
    assert RecaptureConfig(rephoto=config, screens=("crt",)).rephoto.layouts == ("app", "grid")
    found = {draw(np.random.default_rng(seed), screen="crt", config=config).layout for seed in range(20)}
    assert found == {"app", "grid"}
