import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edgekit.data.derive import claim, list_photos, make_all, remove_parts
from edgekit.errors import DataError, EdgekitError
from edgekit.terminal import held_back


def _double(number):
    return 2 * number


def _die(number):
    if number == 3:
        os._exit(9)
    return number


def _until(holds):
    deadline = time.monotonic() + 30
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _lives(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    # Nobody may wait for an orphan's end here.
    return state != "Z"


class TestMakeAll:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_does_every_item_once(self, workers):
        assert sorted(make_all(_double, range(20), workers=workers)) == list(range(0, 40, 2))

    def test_takes_few_items_ahead(self):
        taken = []
        results = make_all(_double, (taken.append(number) or number for number in range(1000)), workers=2)
        for _ in range(5):
            next(results)
        assert len(taken) < 30
        results.close()

    def test_a_worker_that_dies_is_told(self):
        with pytest.raises(EdgekitError, match="worker"):
            list(make_all(_die, range(9), workers=2))

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    def test_workers_end_with_a_parent_that_was_killed(self, tmp_path):
        script = tmp_path / "script.py"
        script.write_text(
            "import os, pathlib, time\n"
            "from edgekit.data.derive import make_all\n"
            f"place = pathlib.Path({str(tmp_path)!r})\n"
            "def work(number):\n"
            "    (place / f'{os.getpid()}.pid').touch()\n"
            "    time.sleep(0.05)\n"
            "if __name__ == '__main__':\n"
            "    list(make_all(work, range(100_000), workers=2))\n"
        )
        process = subprocess.Popen([sys.executable, str(script)])
        assert _until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
        process.kill()
        process.wait()
        workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
        assert _until(lambda: not any(map(_lives, workers)))

    def test_no_workers(self):
        with pytest.raises(DataError, match="at least 1, got 0"):
            list(make_all(_double, [1], workers=0))


class TestListPhotos:
    def test_folders_name_the_classes(self, photo_folder):
        found = list_photos(photo_folder(["b/2.jpg", "a/1.png"]))
        assert [(one.path, one.label) for one in found.samples] == [("a/1.png", "a"), ("b/2.jpg", "b")]

    def test_the_fingerprint_knows_files_and_rows(self, photo_folder, write_rows):
        root = photo_folder(["a/1.png", "b/2.png"])
        first = list_photos(root).sha256
        assert list_photos(root).sha256 == first
        write_rows(root / "manifest.csv", ["path", "group"], ["a/1.png", "x"], ["b/2.png", "y"])
        assert list_photos(root).sha256 != first

    def test_photos_without_groups_get_one_each(self, photo_folder):
        found = list_photos(photo_folder(["a/1.png", "a/2.png"]))
        assert [one.group for one in found.samples] == ["a/1.png", "a/2.png"]

    def test_a_listed_photo_that_is_lost(self, photo_folder, write_rows):
        root = photo_folder(["a/1.png"])
        write_rows(root / "manifest.csv", ["path"], ["a/1.png"], ["a/2.png"])
        with pytest.raises(DataError, match=r"a/2\.png"):
            list_photos(root)

    @pytest.mark.parametrize("paths", [["1.png"], []])
    def test_no_classes(self, photo_folder, paths):
        with pytest.raises(DataError, match="folder"):
            list_photos(photo_folder(paths))

    @pytest.mark.parametrize("label", ["../victim", "..", ".", "/etc", "a/b", "a\\b", "C:x", "a\nb"])
    def test_a_class_that_leads_elsewhere(self, photo_folder, write_rows, label):
        root = photo_folder(["1.png"])
        write_rows(root / "manifest.csv", ["path", "label"], ["1.png", label])
        with pytest.raises(DataError, match=r"class|label"):
            list_photos(root)

    def test_photos_that_would_meet(self, photo_folder, write_rows):
        root = photo_folder(["1.png", "a/1.png"])
        write_rows(root / "manifest.csv", ["path", "label"], ["1.png", "a"], ["a/1.png", "a"])
        with pytest.raises(DataError, match=r"would both be a/1\.png"):
            list_photos(root)

    def test_no_folder(self, tmp_path):
        with pytest.raises(DataError, match="absent"):
            list_photos(tmp_path / "absent")


class TestClaim:
    def test_the_same_job_may_go_on(self, tmp_path):
        claim(tmp_path / "out", tmp_path / "photos", "job.json", {"seed": (1, 2)})
        before = (tmp_path / "out" / "job.json").read_bytes()
        claim(tmp_path / "out", tmp_path / "photos", "job.json", {"seed": (1, 2)})
        assert (tmp_path / "out" / "job.json").read_bytes() == before

    def test_another_job_may_not(self, tmp_path):
        claim(tmp_path / "out", tmp_path / "photos", "job.json", {"seed": 1})
        with pytest.raises(DataError, match="another"):
            claim(tmp_path / "out", tmp_path / "photos", "job.json", {"seed": 2})

    def test_photos_that_changed_are_named_as_the_reason(self, tmp_path):
        claim(tmp_path / "out", tmp_path / "photos", "job.json", {"seed": 1, "photos": "a"})
        with pytest.raises(DataError, match="a manifest that changed since"):
            claim(tmp_path / "out", tmp_path / "photos", "job.json", {"seed": 1, "photos": "b"})

    def test_nor_may_it_take_what_others_filled(self, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.txt").touch()
        with pytest.raises(DataError, match="other files"):
            claim(tmp_path / "out", tmp_path / "photos", "job.json", {})

    @pytest.mark.parametrize("out", ["photos", "photos/out", "."])
    def test_photos_stay_as_they_are(self, tmp_path, out):
        with pytest.raises(DataError, match="outside"):
            claim(tmp_path / out, tmp_path / "photos", "job.json", {})


def test_only_parts_are_removed(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/.crop.jpg.part", "a/crop.jpg", "a/x.part"):
        (tmp_path / name).touch()
    remove_parts(tmp_path)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["crop.jpg", "x.part"]


def test_ctrl_c_waits_even_where_another_thread_takes_it():
    """The mask is the main thread's alone, and Python runs the handler in it whoever takes the signal."""
    stop, inside = threading.Event(), []
    other = threading.Thread(target=stop.wait)
    other.start()
    # A command that ran in this process has left its own.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupted():
        with held_back():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            inside.append("done")

    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    finally:
        stop.set()
        other.join()
        after = signal.signal(signal.SIGINT, before)
    assert inside == ["done"]
    assert after is signal.default_int_handler


@pytest.mark.parametrize("left", [".edgekit.lock", ".made.json.x1y2.part"])
def test_what_a_failed_or_killed_process_left_is_in_nobodys_way(tmp_path, left):
    (tmp_path / left).write_bytes(b"")
    assert claim(tmp_path, None, "made.json", {"seed": 1}) == {"seed": 1}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photo.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="has other files"):
        claim(tmp_path / "other", None, "made.json", {"seed": 1})
