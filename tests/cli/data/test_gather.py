"""``edgekit data import`` and ``collect`` from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from edgekit.data.manifest import read_manifest


@pytest.fixture
def clip(tmp_path):
    """Six seconds of squares that change every half second, ten frames a second."""
    cv2 = pytest.importorskip("cv2", reason="needs the video extra")
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for number in range(60):
        small = np.random.default_rng(number // 5).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        writer.write(np.kron(small, np.ones((8, 8, 1), np.uint8)))
    writer.release()
    return path


class TestImport:
    def test_tells_what_was_left_out(self, data, tmp_path, photos):
        root = photos("genuine/anna/a.png", "genuine/ben/b.png", "recapture/anna/c.png")
        (root / "recapture/anna/copy.png").write_bytes((root / "genuine/ben/b.png").read_bytes())
        (root / "genuine/anna/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
        (root / "genuine/anna/notes.txt").write_text("x")
        code, out, err = data("import", root, "--out", tmp_path / "out", "--set", "light=day")
        assert code == 0
        assert "3 stored, 0 done before" in out
        assert "bad files: 1\n  genuine/anna/broken.jpg: not a whole JPEG picture" in out
        assert "exact copies of another class: one label is wrong: 1\n  recapture/anna/copy.png = genuine/ben/" in out
        assert "other files, not looked at: 1 .txt" in out
        assert "has 3 photos, which can't be split for training yet: every class must stand in at least 3 groups" in err
        assert "--group-pattern" in err
        assert "next: edgekit finetune" not in err
        assert {one.light for one in read_manifest(tmp_path / "out" / "manifest.csv")} == {"day"}
        code, out, _ = data("import", root, "--out", tmp_path / "out", "--set", "light=day", "--json")
        assert json.loads(out)["known"] == 4

    def test_flat_folders_can_be_trained_on(self, data, tmp_path, photos):
        root = photos(*(f"{label}/{n}.png" for n in range(5) for label in ("genuine", "recapture")))
        code, _, err = data("import", root, "--out", tmp_path / "out")
        assert code == 0
        assert "has 10 photos; next: edgekit finetune" in err

    @pytest.mark.parametrize(
        ("paths", "classes", "said"),
        [
            pytest.param(
                ["Training/cat/1.png", "Training/dog/1.png", "Testing/1.png"],
                {"cat": 1, "dog": 1},
                "left out: 1 in Testing/ (no class folders in it)",
                id="flat-test",
            ),
            pytest.param(
                ["archive/cat/1.png", "archive/dog/1.png", "__MACOSX/archive/cat/2.png"],
                {"cat": 1, "dog": 1},
                "taken from archive/, the only folder with photos",
                id="wrapper",
            ),
            pytest.param(
                ["x_train/x_train/cat/1.png", "x_test/x_test/cat/1.png"],
                {"cat": 2},
                "to import: 2 photos of 1 class (cat 2); test 1, train 1",
                id="nested-twins",
            ),
            pytest.param(["cat/1.png", "cat/._2.png"], {"cat": 1}, "1 hidden files or a system's own", id="hidden"),
        ],
    )
    def test_sources_are_understood_and_that_is_said(self, data, tmp_path, photos, paths, classes, said):
        code, _, err = data("import", photos(*paths), "--out", tmp_path / "out")
        assert code == 0, err
        assert said in " ".join(err.split())
        record = json.loads((tmp_path / "out" / "import.json").read_text())
        assert {label: sum(groups.values()) for label, groups in record["photos"].items()} == classes

    def test_a_csv_has_the_classes(self, data, tmp_path, photos):
        root = photos(*(f"train_images/{number}.png" for number in range(6)))
        (root / "train.csv").write_text("image_id;label\n" + "".join(f"{n};{'ab'[n % 2]}\n" for n in range(5)))
        code, _, err = data("import", root, "--out", tmp_path / "out")
        assert code == 2
        assert "the classes stand in a CSV: say --columns path=image_id,label=label" in err
        code, out, err = data("import", root, "--out", tmp_path / "out", "--columns", "path=image_id,label=label")
        assert code == 0, err
        assert {(one.label, one.group) for one in read_manifest(tmp_path / "out" / "manifest.csv")} == {
            ("a", ""),
            ("b", ""),
        }
        assert "1 not in train.csv" in out

    def test_two_readings_are_asked_for(self, data, tmp_path, photos):
        root = photos("pets/cat/1.png", "pets/dog/1.png")
        code, _, err = data("import", root, "--out", tmp_path / "out")
        assert code == 2
        assert "pets/ may be a class, with groups in it, or a wrapper around the classes cat, dog" in err
        code, _, err = data("import", root, "--out", tmp_path / "inner", "--folders", "-/label")
        assert code == 0, err
        assert {one.label for one in read_manifest(tmp_path / "inner" / "manifest.csv")} == {"cat", "dog"}
        code, _, err = data("import", root, "--out", tmp_path / "upper", "--folders", "label/group")
        assert code == 0, err
        found = {(one.label, one.group) for one in read_manifest(tmp_path / "upper" / "manifest.csv")}
        assert found == {("pets", "cat"), ("pets", "dog")}
        # What the data folder knows as a class is one.
        assert data("import", root, "--out", tmp_path / "upper")[0] == 0

    @pytest.mark.skipif(sys.platform == "win32", reason="has no SIGINT to send")
    def test_ctrl_c_is_130_and_a_second_run_goes_on(self, data, tmp_path, photos, repository):
        root = photos(*(f"genuine/{n:03d}.png" for n in range(120)))
        out = tmp_path / "out"
        command = [sys.executable, "-m", "edgekit", "data", "import", root, "--out", out, "--workers", "1"]
        process = subprocess.Popen(list(map(str, command)), cwd=repository, stderr=subprocess.PIPE, text=True)
        journal = out / ".edgekit-import.jsonl"
        while not journal.exists() or journal.stat().st_size < 3000:
            time.sleep(0.005)
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in err
        assert 0 < len(read_manifest(out / "manifest.csv")) < 120
        code, printed, _ = data("import", root, "--out", out, "--json")
        record = json.loads(printed)
        assert code == 0
        assert record["known"] > 0
        assert record["stored"] + record["known"] == 120
        assert len(read_manifest(out / "manifest.csv")) == len(list(out.rglob("*.png"))) == 120

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param(["{tmp}/none"], "{tmp}/none: no such folder", id="absent"),
            pytest.param(["{tmp}/photos", "--set", "light"], "--set must be COLUMN=VALUE", id="set"),
            pytest.param(["{tmp}/photos", "--set", "path=x"], "one value each for some of kind", id="column"),
            pytest.param(["{tmp}/photos", "--label", "a/b"], "a label is also a folder", id="label"),
            pytest.param(
                ["{tmp}/photos", "--group-pattern", "("], "a pattern must be a regular expression", id="pattern"
            ),
            pytest.param(["{tmp}/photos", "--window-ms", "5000"], "window_ms must be 0 to every_ms", id="window"),
        ],
    )
    def test_mistakes(self, data, tmp_path, photos, arguments, message):
        photos("genuine/a.png")
        arguments = [argument.format(tmp=tmp_path) for argument in arguments]
        code, out, err = data("import", *arguments, "--out", tmp_path / "out")
        assert (code, out) == (2, "")
        assert err.splitlines()[-1].startswith(f"error: {message.format(tmp=tmp_path)}")


class TestCollect:
    def test_a_video_in_blocks_of_time(self, data, tmp_path, clip):
        code, out, err = data(
            "collect", tmp_path / "out", "--label", "genuine", "--group", "anna", "--video", clip,
            "--every-ms", "500", "--split", "80:20", "--gap-s", "1",
        )  # fmt: skip
        assert code == 0
        assert f"genuine/anna: 12 shot from {clip}, 12 in all" in out
        assert "split in blocks of time: 10 train, 1 test\n" in out
        assert "too close in time: 1\n" in out
        assert "caution: both sides of this split show one session" in err
        assert len(read_manifest(tmp_path / "out" / "manifest.csv")) == 11

    def test_a_camera_whose_plug_is_pulled(self, data, tmp_path, clip, monkeypatch):
        cv2 = pytest.importorskip("cv2")
        real = cv2.VideoCapture
        camera = real(str(clip), cv2.CAP_FFMPEG)
        monkeypatch.setattr(cv2, "VideoCapture", lambda *names: camera if names == (0,) else real(*names))
        code, _, err = data(
            "collect", tmp_path / "out", "--label", "genuine", "--group", "anna", "--camera", "0", "--every-ms", "1",
        )  # fmt: skip
        assert code == 2
        assert "live view: http://127.0.0.1:" in err
        last = err.splitlines()[-1]
        assert last.startswith("error: camera 0 gave no more frames after 60; is it still plugged in?; ")
        kept = int(last.split("; ")[2].split()[0])
        assert kept == len(read_manifest(tmp_path / "out" / "manifest.csv")) > 0

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
    def test_keys_of_the_terminal(self, tmp_path, clip, repository):
        import pty

        ours, theirs = pty.openpty()
        command = [
            sys.executable, "-m", "edgekit", "data", "collect", tmp_path / "out", "--label", "genuine",
            "--group", "anna", "--video", clip, "--view", "--json",
        ]  # fmt: skip
        process = subprocess.Popen(
            list(map(str, command)), cwd=repository, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True
        )
        os.close(theirs)
        seen = b""
        while b"space shoots" not in seen:
            seen += os.read(ours, 4096)
        time.sleep(1.5)
        os.write(ours, b" ")
        time.sleep(1)
        os.write(ours, b"xq")
        out, _ = process.communicate(timeout=60)
        os.close(ours)
        assert process.returncode == 0
        assert json.loads(out)["shots"] == 1
        assert json.loads(out)["frames"] < 60

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param([], "name one of --camera, --video, --picamera; got nothing", id="no-source"),
            pytest.param(["--camera", "0", "--picamera"], "got --camera and --picamera", id="two"),
            pytest.param(["--video", "{clip}", "--split", "80"], "two or three percentages", id="split"),
            pytest.param(["--video", "{clip}", "--split", "a:b"], "--split must be percentages", id="split-words"),
            pytest.param(["--video", "{clip}.none"], "no such file", id="absent"),
            pytest.param(["--camera", "63", "--every-ms", "9"], "camera 63 can't be opened", id="no-camera"),
            pytest.param(["--video", "{clip}", "--min-sharpness", "1e9"], "no frame was good enough", id="blurred"),
        ],
    )
    def test_mistakes(self, data, tmp_path, clip, arguments, message):
        arguments = [argument.format(clip=clip) for argument in arguments]
        code, out, err = data("collect", tmp_path / "out", "--label", "genuine", "--group", "anna", *arguments)
        assert (code, out) == (2, "")
        assert message in " ".join(err.split())
        assert "Traceback" not in err
