"""``edgekit predict`` on frames, from the command line to files on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from edgekit.__main__ import main
from edgekit.cli.watch import _RegionTally
from edgekit.runtime import Classifier
from edgekit.runtime.crops import Box
from edgekit.video.watch import FrameRegions, SeenRegion

cv2 = pytest.importorskip("cv2", reason="needs the video extra")

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def predict(monkeypatch, capfd, red_blue_file):
    """``predict("--video", path)`` in this process: exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["edgekit", "predict", str(red_blue_file), *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code or 0, *capfd.readouterr()

    return run


@pytest.fixture
def started(repository, red_blue_file):
    """The same in a process of its own, which may be interrupted."""

    def start(*arguments, **streams):
        command = [sys.executable, "-m", "edgekit", "predict", red_blue_file, *arguments]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        return subprocess.Popen(list(map(str, command)), cwd=repository, text=True, **streams)

    return start


@pytest.fixture
def unplugged(red_then_blue, monkeypatch):
    """A camera 0 that is a real file, and whose plug is pulled at its end."""
    real = cv2.VideoCapture
    camera = real(str(red_then_blue), cv2.CAP_FFMPEG)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *names: camera if names == (0,) else real(*names))


def frames_in(path):
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    count = 0
    while capture.grab():
        count += 1
    return count


class TestOutput:
    def test_a_line_for_each_change_and_a_summary(self, predict, red_then_blue):
        code, out, _ = predict("--video", red_then_blue)
        first, second, summary = out.splitlines()
        assert code == 0
        assert first == "    0.00 s  genuine  100.0 %"
        assert second.startswith("    1.30 s  recapture  ")
        assert summary.startswith(f"{red_then_blue}: 20 frames, 0 dropped, ")
        assert summary.endswith(": 65.0 % genuine, 35.0 % recapture")

    def test_a_json_line_for_each_frame_and_nothing_else_on_stdout(self, predict, red_then_blue):
        code, out, err = predict("--video", red_then_blue, "--json", "--smooth", "0")
        rows = [json.loads(line) for line in out.splitlines()]
        assert code == 0
        assert [row["frame"] for row in rows] == list(range(20))
        assert [row["label"] for row in rows] == ["genuine"] * 10 + ["recapture"] * 10
        assert set(rows[0]) == {
            "frame", "time_s", "label", "score", "probabilities", "frame_label", "frame_score", "ms", "dropped",
        }  # fmt: skip
        assert "20 frames, 0 dropped" in err

    def test_fewer_frames(self, predict, red_then_blue):
        code, out, _ = predict("--video", red_then_blue, "--json", "--every", "4", "--frames", "3")
        assert code == 0
        assert [json.loads(line)["frame"] for line in out.splitlines()] == [0, 4, 8]

    def test_the_drawn_video_has_every_frame(self, predict, red_then_blue, tmp_path):
        drawn = tmp_path / "new" / "drawn.mp4"
        assert predict("--video", red_then_blue, "--draw", drawn)[0] == 0
        assert frames_in(drawn) == 20

    def test_a_slow_classifier_drops_frames(self, predict, red_then_blue, monkeypatch):
        fast = Classifier.classify

        def slow(*arguments, **options):
            time.sleep(0.25)
            return fast(*arguments, **options)

        monkeypatch.setattr(Classifier, "classify", slow)
        code, out, err = predict("--video", red_then_blue, "--realtime", "--json")
        rows = [json.loads(line) for line in out.splitlines()]
        assert code == 0
        assert 3 <= len(rows) <= 12
        assert rows[-1]["frame"] == 19
        assert rows[-1]["dropped"] == 20 - len(rows)
        assert f"{len(rows)} frames, {20 - len(rows)} dropped" in err
        # Of a file's end in the middle nothing is said: what is missing was dropped.
        assert "is the file whole" not in err

    def test_a_file_that_was_cut_short_is_told(self, predict, red_then_blue):
        whole = red_then_blue.read_bytes()
        red_then_blue.write_bytes(whole[: len(whole) * 3 // 4])
        code, out, err = predict("--video", red_then_blue)
        assert code == 0
        assert "genuine" in out
        assert "announces 20 frames" in err

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
    def test_the_bar_is_on_the_terminal_and_lines_in_the_file(self, started, red_then_blue, tmp_path):
        import pty

        ours, theirs = pty.openpty()
        with (tmp_path / "lines.jsonl").open("w") as lines:
            process = started("--video", red_then_blue, "--json", stdout=lines, stderr=theirs)
            os.close(theirs)
            seen = b""
            while True:
                try:
                    seen += os.read(ours, 65536)
                except OSError:
                    # Linux' way to say that the other end is closed.
                    break
        os.close(ours)
        assert process.wait(60) == 0
        assert len((tmp_path / "lines.jsonl").read_text().splitlines()) == 20
        assert b"20/20" in seen
        assert b"probabilities" not in seen

    def test_of_faces_that_are_gone_only_the_answers_are_kept(self):
        tally, lines = _RegionTally("face", kept_s=1.0), []
        for number, label in enumerate(["genuine", "genuine", "recapture"] * 100, 1):
            for step in range(3):
                said = label if step else "unknown"
                seen = SeenRegion(
                    number=number,
                    box=Box(0, 0, 80, 80),
                    detected=0.9,
                    label=said,
                    score=0.9,
                    probabilities={},
                    frame_label=said,
                    frame_score=0.9,
                )
                time_s = number + step / 4
                lines += tally.add(FrameRegions(frame=0, time_s=time_s, regions=(seen,), ms=1.0, dropped=0))
        assert len(lines) == 600
        assert lines[1] == "    1.25 s  face 1  genuine  90.0 %"
        assert len(tally._here) <= 2

        class Source:
            name, dropped = "camera 0", 0

        assert tally.line(Source()) == (
            "camera 0: 900 frames, 0 dropped, 1.0 ms each: 300 faces, 200 genuine, 100 recapture"
        )


class TestEndings:
    @pytest.mark.skipif(sys.platform == "win32", reason="has no SIGINT to send")
    def test_ctrl_c_finishes_the_drawn_video(self, started, write_video, tmp_path):
        long = write_video(tmp_path / "long.avi", [RED] * 600)
        drawn = tmp_path / "drawn.mp4"
        process = started("--video", long, "--realtime", "--json", "--draw", drawn)
        # Lines come as frames do, so there is something to read long before the end.
        rows = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in err
        assert "frames, " in err
        assert frames_in(drawn) >= len(rows) + len(out.splitlines())
        assert sorted(one.name for one in tmp_path.iterdir()) == ["drawn.mp4", "long.avi"]

    def test_an_unplugged_camera_is_exit_2_and_what_was_drawn_is_kept(self, predict, unplugged, tmp_path):
        code, out, err = predict("--camera", "0", "--json", "--draw", tmp_path / "drawn.mp4")
        assert code == 2
        assert err.splitlines()[-1] == "error: camera 0 gave no more frames after 20; is it still plugged in?"
        assert frames_in(tmp_path / "drawn.mp4") >= len(out.splitlines()) > 0

    @pytest.mark.skipif(sys.platform == "win32", reason="closes pipes otherwise")
    def test_a_closed_pipe_ends_it_in_silence(self, started, write_video, tmp_path):
        long = write_video(tmp_path / "long.avi", [RED] * 600)
        process = started("--video", long, "--realtime", "--json")
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 141
        assert "Traceback" not in process.stderr.read()
        process.stderr.close()


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param([], "got nothing", id="no-source"),
            pytest.param(["a.jpg", "--video", "a.mp4"], "got photos and --video", id="photos-and-video"),
            pytest.param(["--camera", "0", "--picamera"], "got --camera and --picamera", id="two-cameras"),
            pytest.param(["a.jpg", "--every", "2"], "--every goes with --video, got photos", id="every-photo"),
            pytest.param(["a.jpg", "--smooth", "0"], "--smooth goes with a video or a camera", id="smooth-photo"),
            pytest.param(["--camera", "0", "--realtime"], "--realtime goes with --video", id="realtime-camera"),
            pytest.param(["--video", "a.mp4", "--every", "0"], "every", id="every-none"),
            pytest.param(["--video", "a.mp4", "--smooth", "-1"], "smooth", id="smooth-below-zero"),
        ],
    )
    def test_usage(self, predict, arguments, message):
        code, out, err = predict(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert message in err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param(["--video", "{tmp}/none.mp4"], "{tmp}/none.mp4: no such file", id="no-file"),
            pytest.param(["--video", "{model}"], "{model}: must be a video", id="no-video"),
            pytest.param(["--video", "{clip}", "--smooth", "inf"], "smoothing must take 0 to", id="smooth-endless"),
            pytest.param(["--video", "{clip}", "--csv"], "frames are printed as text or with --json", id="csv"),
            pytest.param(
                ["--video", "{clip}", "--draw", "{clip}"], "{clip}: a drawn video must end in", id="onto-itself"
            ),
            pytest.param(["--camera", "63"], "camera 63 can't be opened", id="no-camera"),
        ],
    )
    def test_what_the_user_can_act_on(self, predict, red_blue_file, red_then_blue, arguments, message):
        tmp_path = red_then_blue.parent
        names = {"tmp": tmp_path, "model": red_blue_file, "clip": red_then_blue}
        before = red_then_blue.read_bytes()
        code, out, err = predict(*(argument.format(**names) for argument in arguments))
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {message.format(**names)}")
        assert err.count("\n") == 1
        assert red_then_blue.read_bytes() == before
        assert [one.name for one in tmp_path.iterdir()] == ["clip.avi"]
