import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from fixtures.tfrecords import read_records
from PIL import Image

from edgekit.augment.crop_set import cut_crops
from edgekit.augment.options import PRESETS, CropsConfig
from edgekit.contract import CropPlan
from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError, EdgekitError
from edgekit.locks import making_in
from edgekit.scoring.source import CropSource, cut_photo

PLAN = CropPlan(cycle=("1/4",), crops=3)
VARIED = CropsConfig(
    plan=PLAN, side_px=16, options=PRESETS["recapture-safe"], variants=2, encoding="png", shard_photos=4
)


@pytest.fixture
def photos(tmp_path, write_photo):
    root = tmp_path / "photos"
    for number in range(10):
        write_photo(root / ("genuine" if number % 2 else "recapture") / f"{number}.png", size_wh=(80, 60), seed=number)
    return root


def _crops(out):
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.png"))}


def _records(out):
    return [record for path in sorted(out.glob("*.tfrecord")) for record in read_records(path)]


class TestFolder:
    def test_ten_of_a_quarter_of_the_width(self, photos, tmp_path):
        made = cut_crops(photos, tmp_path / "out", CropsConfig(side_px=None, encoding="png"), workers=1)
        assert (made.photos, made.crops, made.labels) == (10, 100, ("genuine", "recapture"))
        samples = read_manifest(tmp_path / "out" / "manifest.csv")
        assert len(samples) == 100
        for one in samples:
            with Image.open(tmp_path / "out" / one.path) as crop:
                assert crop.size == (20, 20)
            assert one.path.startswith(f"{one.label}/")

    def test_source_pixels_are_kept(self, photos, tmp_path):
        cut_crops(photos, tmp_path / "out", CropsConfig(side_px=None, encoding="png"), workers=1)
        with (
            Image.open(photos / "genuine" / "1.png") as photo,
            Image.open(tmp_path / "out" / "genuine" / "1.png.v000.c000.png") as crop,
        ):
            # The first placed crop lies in the middle.
            np.testing.assert_array_equal(np.asarray(photo)[20:40, 30:50], np.asarray(crop))

    def test_crops_are_those_of_the_runtime(self, photos, tmp_path):
        plan = CropPlan(lead=("full",), cycle=("native", "1/2"), crops=4, working_px=None)
        cut_crops(photos, tmp_path / "out", CropsConfig(plan=plan, side_px=16, encoding="png"), workers=1)
        path = photos / "recapture" / "4.png"
        source = CropSource(paths=(path,), targets=np.zeros(1, np.int64), plan=plan, side_px=16)
        for number, expected in enumerate(cut_photo(path, source, count=4)):
            with Image.open(tmp_path / "out" / "recapture" / f"4.png.v000.c{number:03d}.png") as crop:
                np.testing.assert_array_equal(np.asarray(crop), expected)

    def test_crops_of_a_photo_are_one_group(self, photos, tmp_path):
        cut_crops(photos, tmp_path / "out", VARIED, workers=1)
        samples = read_manifest(tmp_path / "out" / "manifest.csv")
        assert len({one.group for one in samples}) == 10
        assert all(one.path.startswith(one.group) for one in samples)

    def test_test_photos_are_not_varied(self, photos, tmp_path, write_rows):
        rows = [[str(path.relative_to(photos)), "test"] for path in sorted(photos.rglob("*.png"))]
        rows[0][1] = "train"
        write_rows(photos / "manifest.csv", ["path", "split"], *rows)
        assert cut_crops(photos, tmp_path / "out", VARIED, workers=1).crops == 3 * (10 + 2)


class TestRecords:
    @pytest.mark.host
    def test_tf_data_reads_them(self, photos, tmp_path):
        tf = pytest.importorskip("tensorflow")
        out = tmp_path / "out"
        made = cut_crops(photos, out, _into_records(VARIED), workers=1)
        files = sorted(str(path) for path in out.glob("*.tfrecord"))
        assert len(files) == made.shards == 8
        schema = {
            "image/encoded": tf.io.FixedLenFeature([], tf.string),
            "label": tf.io.FixedLenFeature([], tf.int64),
            "label/text": tf.io.FixedLenFeature([], tf.string),
            "source": tf.io.FixedLenFeature([], tf.string),
            "variant": tf.io.FixedLenFeature([], tf.int64),
            "crop": tf.io.FixedLenFeature([], tf.int64),
        }
        seen = set()
        for record in tf.data.TFRecordDataset(files):
            one = tf.io.parse_single_example(record, schema)
            assert tf.io.decode_png(one["image/encoded"]).shape == (16, 16, 3)
            assert made.labels[int(one["label"])].encode() == one["label/text"].numpy()
            seen.add((one["source"].numpy(), int(one["variant"]), int(one["crop"])))
        assert len(seen) == made.crops == 90

    def test_a_folder_has_the_same_crops(self, photos, tmp_path):
        cut_crops(photos, tmp_path / "records", _into_records(VARIED), workers=1)
        cut_crops(photos, tmp_path / "folder", VARIED, workers=2)
        files = _crops(tmp_path / "folder")
        assert len(files) == 90
        for record in _records(tmp_path / "records"):
            start = record.index(b"\x89PNG")
            assert record[start : record.index(b"IEND") + 8] in files.values()


def _into_records(config):
    from dataclasses import replace

    return replace(config, into="tfrecord")


COMMAND = ["--plan", "1/4", "--crops", "3", "--side", "64", "--encoding", "png", "--shard", "3"]


class TestGoingOn:
    @pytest.fixture
    def many(self, tmp_path, write_photo):
        root = tmp_path / "many"
        for number in range(40):
            write_photo(root / "ab"[number % 2] / f"{number}.png", size_wh=(480, 360), seed=number)
        return root

    def _start(self, many, out, into):
        return subprocess.Popen(
            [sys.executable, "-m", "edgekit", "data", "crops", str(many), str(out), *COMMAND, "--into", into,
             "--preset", "recapture-safe", "--variants", "4", "--workers", "2"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    @pytest.mark.slow
    @pytest.mark.parametrize("into", ["tfrecord", "folder"])
    def test_after_kill_9_no_crop_is_lost_or_doubled(self, many, tmp_path, into):
        out = tmp_path / "out"
        kills = 0
        for wanted in (2, 12, 25):
            process = self._start(many, out, into)
            journal = out / "crops.journal"
            until = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < until:
                if journal.exists() and len(re.findall(r"^\d+ \d+$", journal.read_text(), re.MULTILINE)) >= wanted:
                    # Parent and workers at once, as when the machine goes down.
                    os.killpg(process.pid, signal.SIGKILL)
                    kills += 1
                    break
                time.sleep(0.01)
            process.communicate()
        assert kills == 3
        assert not (out / "crops.done.json").exists()
        last = self._start(many, out, into)
        _, told = last.communicate(timeout=240)
        assert last.returncode == 0, told
        whole = tmp_path / "whole"
        config = CropsConfig(
            plan=PLAN, side_px=64, options=PRESETS["recapture-safe"], variants=4, encoding="png", into=into,
            shard_photos=3,
        )  # fmt: skip
        assert cut_crops(many, whole, config, workers=2).crops == 600
        assert not list(out.rglob("*.part"))
        if into == "tfrecord":
            assert _records(out) == _records(whole)
        else:
            assert _crops(out) == _crops(whole)
            assert (out / "manifest.csv").read_bytes() == (whole / "manifest.csv").read_bytes()

    def test_half_a_line_of_the_journal_counts_as_none(self, photos, tmp_path):
        out = tmp_path / "out"
        cut_crops(photos, out, _into_records(VARIED), workers=1)
        before = _records(out)
        (out / "crops.journal").write_text("\n0 12\n\n1 1")
        (out / "crops-00001-of-00008.tfrecord").write_bytes(b"damaged")
        cut_crops(photos, out, _into_records(VARIED), workers=1)
        assert _records(out) == before

    def test_two_at_once(self, photos, tmp_path):
        out = tmp_path / "out"
        cut_crops(photos, out, VARIED, workers=1)
        with making_in(out), pytest.raises(DataError, match="another edgekit process makes files here"):
            cut_crops(photos, out, VARIED, workers=1)

    def test_a_finished_set_is_not_cut_again(self, photos, tmp_path):
        out = tmp_path / "out"
        cut_crops(photos, out, _into_records(VARIED), workers=1)
        times = [path.stat().st_mtime_ns for path in sorted(out.glob("*.tfrecord"))]
        cut_crops(photos, out, _into_records(VARIED), workers=1)
        assert [path.stat().st_mtime_ns for path in sorted(out.glob("*.tfrecord"))] == times

    def test_crops_that_were_deleted_are_cut_again(self, photos, tmp_path):
        out = tmp_path / "out"
        cut_crops(photos, out, VARIED, workers=1)
        before = _crops(out)
        next((out / "recapture").iterdir()).unlink()
        cut_crops(photos, out, VARIED, workers=1)
        assert _crops(out) == before

    @pytest.mark.parametrize("into", ["tfrecord", "folder"])
    def test_a_full_disk_is_told_and_what_is_written_stays(self, many, tmp_path, into):
        """A file system of 1 MiB, which is full about half-way."""
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = shutil.which("mount")
        size = "size=1m,nr_inodes=2k"
        if (
            mount is None
            or subprocess.run(
                [mount, "-t", "tmpfs", "-o", size, "tmpfs", disk], check=False, capture_output=True
            ).returncode
        ):
            pytest.skip("needs the right to mount a small file system")
        try:
            config = CropsConfig(plan=PLAN, side_px=64, encoding="png", into=into, shard_photos=3)
            with pytest.raises(EdgekitError, match="free space"):
                cut_crops(many, disk / "out", config, workers=2)
            journal = (disk / "out" / "crops.journal").read_text()
            assert 0 < len(re.findall(r"^\d+ \d+$", journal, re.MULTILINE)) < 14
            subprocess.run([mount, "-o", "remount,size=64m", disk], check=True)
            assert cut_crops(many, disk / "out", config, workers=2).crops == 120
            found = _records(disk / "out") if into == "tfrecord" else _crops(disk / "out")
            assert len(found) == 120
            assert (disk / "out" / "crops.journal").read_text().startswith(journal)
        finally:
            subprocess.run(["umount", disk], check=True)


class TestMistakes:
    def test_another_plan_in_the_same_folder(self, photos, tmp_path):
        cut_crops(photos, tmp_path / "out", CropsConfig(), workers=1)
        with pytest.raises(DataError, match="another"):
            cut_crops(photos, tmp_path / "out", CropsConfig(plan=PLAN), workers=1)
