"""Imports: what is stored, what is left out, and what an interruption costs."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import read_manifest
from edgekit.data.split_folder import why_unsplit
from edgekit.errors import DataError, EdgekitError
from edgekit.gather import importing
from edgekit.gather.importing import import_photos
from edgekit.gather.journal import JOURNAL_NAME, Journal
from edgekit.gather.options import GroupRule, ImportConfig, safe_name
from edgekit.locks import LOCK_NAME, writing_in
from edgekit.records import file_sha256
from edgekit.runtime.photo import decode

GENUINE = ImportConfig(label="genuine")


def soft(seed):
    """A picture that a perceptual hash tells from others."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((96, 72), Image.Resampling.BICUBIC)


def save(path, seed=0, *, camera="", quality=90, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x8298] = "Anna Owner"
    if camera:
        exif[0x010F], exif[0x0110] = camera.split(maxsplit=1)
    soft(seed).save(path, exif=exif, quality=quality, **options)
    return path


@pytest.fixture
def gallery(tmp_path):
    """Two classes, two groups each, three photos each, as folders."""
    root = tmp_path / "gallery"
    for seed, (label, group, number) in enumerate(
        (label, group, number) for label in ("genuine", "recapture") for group in ("anna", "ben") for number in range(3)
    ):
        save(root / label / group / f"IMG_{number:04d}.jpg", seed, camera=f"Google Pixel{seed % 2}")
    return root


def state(root):
    """Every file and its content."""
    return {path.relative_to(root).as_posix(): file_sha256(path) for path in root.rglob("*") if path.is_file()}


class TestFolders:
    def test_class_and_group_come_from_folders_and_the_camera_from_exif(self, gallery, tmp_path, progress):
        before = state(gallery)
        record = import_photos([gallery], tmp_path / "out", ImportConfig(), progress=progress)
        assert record.photos == {"genuine": {"anna": 3, "ben": 3}, "recapture": {"anna": 3, "ben": 3}}
        assert (record.stored, record.known, record.bad, record.copies, record.near) == (12, 0, (), (), ())
        samples = read_manifest(tmp_path / "out" / "manifest.csv")
        assert {sample.camera for sample in samples} == {"Google Pixel0", "Google Pixel1"}
        assert all(sample.path.startswith(f"{sample.label}/{sample.group}/") for sample in samples)
        assert progress.tasks == [("importing", 12, 12)]
        assert state(gallery) == before
        assert load_dataset(tmp_path / "out").groups == ("anna", "ben")

    def test_pixels_are_the_originals_and_owners_are_gone(self, gallery, tmp_path):
        import_photos([gallery], tmp_path / "out", ImportConfig())
        stored = [path.read_bytes() for path in (tmp_path / "out").rglob("*.jpg")]
        originals = {decode(path).tobytes() for path in gallery.rglob("*.jpg")}
        assert {decode(one).tobytes() for one in stored} == originals
        assert not any(b"Anna" in one or b"Google" in one for one in stored)
        assert not any("IMG" in path.name for path in (tmp_path / "out").rglob("*"))

    def test_split_folders_are_kept(self, tmp_path):
        for seed, place in enumerate(("train/a", "train/b", "test/a", "test/b")):
            save(tmp_path / "in" / place / "x.jpg", seed)
        import_photos([tmp_path / "in"], tmp_path / "out", ImportConfig())
        found = {(one.label, one.split) for one in read_manifest(tmp_path / "out" / "manifest.csv")}
        assert found == {("a", "train"), ("b", "train"), ("a", "test"), ("b", "test")}

    def test_a_sources_manifest_is_kept_and_options_go_before_it(self, tmp_path, write_rows):
        for seed, name in enumerate(("genuine/a.jpg", "b.jpg", "unlisted.jpg")):
            save(tmp_path / "in" / name, seed, camera="Google Pixel")
        write_rows(
            tmp_path / "in" / "manifest.csv",
            ("path", "label", "group", "kind", "camera", "split", "light"),
            ("genuine/a.jpg", "genuine", "g1", "", "", "train", "day"),
            ("b.jpg", "recapture", "g2", "laptop", "Mine", "test", "day"),
        )
        config = ImportConfig(notes=(("light", "night"),))
        record = import_photos([tmp_path / "in"], tmp_path / "out", config)
        assert record.ignored == {"not in manifest.csv": 1}
        found = {
            (one.label, one.group, one.kind, one.camera, one.split, one.light)
            for one in read_manifest(tmp_path / "out" / "manifest.csv")
        }
        assert found == {
            ("genuine", "g1", "", "Google Pixel", "train", "night"),
            ("recapture", "g2", "laptop", "Mine", "test", "night"),
        }

    @pytest.mark.parametrize(
        ("rule", "groups"),
        [
            pytest.param(GroupRule(by="camera"), {"Google Pixel0", "Google Pixel1"}, id="camera"),
            pytest.param(GroupRule(name="all"), {"all"}, id="one"),
            pytest.param(GroupRule(by="name", pattern=r"IMG_\d+(\d)"), {"0", "1", "2"}, id="bracket"),
            pytest.param(GroupRule(by="name", pattern="anna|ben"), {"anna", "ben"}, id="whole-match"),
            pytest.param(GroupRule(by="name", pattern="anna", otherwise="rest"), {"anna", "rest"}, id="otherwise"),
        ],
    )
    def test_groups(self, gallery, tmp_path, rule, groups):
        record = import_photos([gallery], tmp_path / "out", ImportConfig(group=rule))
        assert set(record.photos["genuine"]) == groups
        assert sum(sum(one.values()) for one in record.photos.values()) == 12

    def test_photos_without_a_group_are_left_out_and_listed(self, gallery, tmp_path):
        rule = GroupRule(by="name", pattern="anna")
        record = import_photos([gallery], tmp_path / "out", ImportConfig(group=rule))
        assert (record.stored, len(record.ungrouped)) == (6, 6)
        again = import_photos([gallery], tmp_path / "out", ImportConfig())
        assert (again.stored, again.ungrouped) == (6, ())

    def test_flat_class_folders_stay_without_groups(self, tmp_path):
        for seed in range(8):
            save(tmp_path / "in" / ("genuine", "recapture")[seed % 2] / f"{seed}.jpg", seed)
        out = tmp_path / "out"
        record = import_photos([tmp_path / "in"], out, ImportConfig())
        assert record.photos == {"genuine": {"": 4}, "recapture": {"": 4}}
        assert all(one.path.count("/") == 1 for one in read_manifest(out / "manifest.csv"))
        assert import_photos([tmp_path / "in"], out, ImportConfig()).known == 8
        assert not load_dataset(out).has_groups
        assert why_unsplit(out) == ""
        # A class that is named, several sources and photos beside grouped ones have the source's name as before.
        assert import_photos([tmp_path / "in" / "genuine"], tmp_path / "b", GENUINE).photos == {
            "genuine": {"genuine": 4}
        }
        save(tmp_path / "c" / "genuine" / "anna" / "x.jpg", 90)
        assert import_photos([tmp_path / "c"], tmp_path / "d", ImportConfig()).photos == {"genuine": {"anna": 1}}
        assert set(import_photos([tmp_path / "in"], tmp_path / "d", ImportConfig()).photos["genuine"]) == {"anna", "in"}
        assert "every class must stand in at least 3 groups" in why_unsplit(tmp_path / "d")

    def test_another_imports_faults_are_not_this_ones(self, gallery, tmp_path):
        out, rule = tmp_path / "out", GroupRule(by="name", pattern="nobody")
        (gallery / "genuine" / "anna" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
        with pytest.raises(DataError, match="12 without a group"):
            import_photos([gallery], out, ImportConfig(group=rule))
        assert [path.name for path in out.iterdir()] == [LOCK_NAME]
        save(tmp_path / "other" / "1.jpg", 70)
        save(tmp_path / "other" / "2.jpg", 70)
        import_photos([gallery], out, ImportConfig(group=GroupRule(by="name", pattern="anna")))
        record = import_photos([tmp_path / "other"], out, GENUINE)
        assert (record.stored, record.ungrouped, record.bad) == (1, (), ())
        assert [one.name for one in record.copies] == ["2.jpg"]
        again = import_photos([gallery], out, ImportConfig())
        assert [one.path for one in again.bad] == ["genuine/anna/broken.jpg"]
        assert "2.jpg" not in [one.name for one in again.copies]

    def test_a_pattern_that_never_ends_is_stopped(self, tmp_path):
        save(tmp_path / "in" / f"{'a' * 60}b.jpg")
        began = time.monotonic()
        with pytest.raises(DataError, match=r"a pattern must be quick, got '\(a\|aa\)\+\$'"):
            import_photos(
                [tmp_path / "in"],
                tmp_path / "out",
                ImportConfig(label="genuine", group=GroupRule(by="name", pattern="(a|aa)+$")),
            )
        assert time.monotonic() - began < 10


class TestCopies:
    def test_within_and_across_groups_and_classes(self, gallery, tmp_path):
        first = gallery / "genuine/anna/IMG_0000.jpg"
        for place in ("genuine/anna/copy.jpg", "genuine/ben/copy.jpg", "recapture/ben/copy.jpg"):
            shutil.copy(first, gallery / place)
        record = import_photos([gallery], tmp_path / "out", ImportConfig())
        assert record.stored == 12
        assert [(one.name, one.across) for one in record.copies] == [
            ("genuine/anna/copy.jpg", "none"),
            ("genuine/ben/copy.jpg", "group"),
            ("recapture/ben/copy.jpg", "class"),
        ]

    def test_kept_copies_never_cross_classes(self, gallery, tmp_path):
        for place in ("genuine/anna/copy.jpg", "recapture/ben/copy.jpg"):
            shutil.copy(gallery / "genuine/anna/IMG_0000.jpg", gallery / place)
        for _ in range(2):
            record = import_photos([gallery], tmp_path / "out", ImportConfig(keep_copies=True))
            assert record.photos["genuine"]["anna"] == 4
            assert record.photos["recapture"]["ben"] == 3
            assert len(list((tmp_path / "out").rglob("*.jpg"))) == 13

    def test_other_metadata_makes_no_other_photo(self, tmp_path):
        save(tmp_path / "in" / "a.jpg", camera="Google Pixel")
        save(tmp_path / "in" / "b.jpg", camera="Apple iPhone")
        record = import_photos([tmp_path / "in"], tmp_path / "out", GENUINE)
        assert (record.stored, len(record.copies)) == (1, 1)

    def test_near_duplicates_are_listed_and_kept(self, gallery, tmp_path):
        save(gallery / "recapture" / "ben" / "again.jpg", seed=0, quality=40)
        record = import_photos([gallery], tmp_path / "out", ImportConfig())
        assert record.stored == 13
        (near,) = record.near
        assert (len(near.paths), near.across) == (2, "class")

    def test_a_recapture_beside_its_original_in_one_group_crosses_no_border(self, gallery, tmp_path):
        """As the audit and the split see it."""
        save(gallery / "recapture" / "anna" / "again.jpg", seed=0, quality=40)
        record = import_photos([gallery], tmp_path / "out", ImportConfig())
        (near,) = record.near
        assert ({path.partition("/")[0] for path in near.paths}, near.across) == ({"genuine", "recapture"}, "none")

    def test_photos_that_were_there_before_count_too(self, gallery, tmp_path):
        shutil.copytree(gallery, tmp_path / "out")
        record = import_photos([gallery], tmp_path / "out", ImportConfig())
        assert (record.stored, len(record.copies)) == (0, 12)
        assert record.photos == {"genuine": {"": 6}, "recapture": {"": 6}}


class TestOtherSources:
    def test_a_zip_file_and_one_in_a_folder(self, gallery, tmp_path):
        shutil.make_archive(str(tmp_path / "dump"), "zip", tmp_path, "gallery")
        config = ImportConfig(skip_folders=1)
        record = import_photos([tmp_path / "dump.zip"], tmp_path / "one", config)
        (tmp_path / "in" / "genuine").mkdir(parents=True)
        shutil.move(tmp_path / "dump.zip", tmp_path / "in" / "genuine" / "dump.zip")
        nested = import_photos([tmp_path / "in"], tmp_path / "two", ImportConfig())
        assert record.photos == {"genuine": {"anna": 3, "ben": 3}, "recapture": {"anna": 3, "ben": 3}}
        assert sum(nested.photos["genuine"].values()) == 12

    def test_a_zip_file_that_leaves_its_folder_is_refused(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
            archive.writestr("../../evil.jpg", b"x")
        with pytest.raises(DataError, match=r"names must stay inside .* got '../../evil.jpg'"):
            import_photos([tmp_path / "evil.zip"], tmp_path / "out", GENUINE)
        save(tmp_path / "in" / "good.jpg")
        shutil.move(tmp_path / "evil.zip", tmp_path / "in" / "evil.zip")
        record = import_photos([tmp_path / "in"], tmp_path / "out", GENUINE)
        assert record.stored == 1
        assert [one.path for one in record.bad] == ["evil.zip"]
        assert sorted(one.name for one in tmp_path.iterdir()) == ["in", "out"]

    def test_an_encrypted_member_is_listed(self, tmp_path):
        photo = save(tmp_path / "a.jpg").read_bytes()
        with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
            archive.writestr("good.jpg", photo)
            archive.writestr("secret.jpg", b"y" * 50)
        whole = bytearray((tmp_path / "some.zip").read_bytes())
        whole[whole.rindex(b"PK\x01\x02") + 8] |= 1
        (tmp_path / "some.zip").write_bytes(bytes(whole))
        record = import_photos([tmp_path / "some.zip"], tmp_path / "out", GENUINE)
        assert record.stored == 1
        assert [(one.path, one.reason[:12]) for one in record.bad] == [("secret.jpg", "is encrypted")]

    def test_a_phones_dump(self, tmp_path):
        """HEIC, HEIC under another name, a live photo's video, sidecars, hidden files, damage."""
        pillow_heif = pytest.importorskip("pillow_heif")
        pillow_heif.register_heif_opener()
        camera = tmp_path / "dump" / "DCIM" / "100APPLE"
        camera.mkdir(parents=True)
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Apple", "Apple iPhone 13"
        soft(1).save(camera / "IMG_0001.HEIC", format="HEIF", exif=exif)
        soft(2).save(camera / "IMG_0002.JPG", format="HEIF", exif=exif)
        save(camera / "IMG_0003.JPG", 3)
        (camera / "IMG_0001.MOV").write_bytes(b"no video at all")
        (camera / "IMG_0001.AAE").write_bytes(b"<plist/>")
        (camera / "._IMG_0003.JPG").write_bytes(b"finder")
        (camera / "IMG_0004.JPG").write_bytes(save(tmp_path / "x.jpg", 4).read_bytes()[:900])
        (camera / "IMG_0005.PNG").write_bytes(b"")
        (camera / "IMG_0006.JPG").symlink_to("/etc/passwd")
        record = import_photos(
            [tmp_path / "dump"],
            tmp_path / "out",
            ImportConfig(label="genuine", group=GroupRule(by="camera", otherwise="no camera")),
        )
        assert record.photos == {"genuine": {"Apple iPhone 13": 2, "no camera": 1}}
        assert [one.path.rpartition("/")[2] for one in record.bad] == ["IMG_0004.JPG", "IMG_0005.PNG", "IMG_0006.JPG"]
        assert record.ignored == {".aae": 1, "videos of live photos": 1}
        assert sorted(path.suffix for path in (tmp_path / "out").rglob("*.*g")) == [".jpg"]
        assert len(list((tmp_path / "out").rglob("*.heic"))) == 2

    def test_a_video_gives_the_sharpest_frame_of_each_window(self, tmp_path):
        cv2 = pytest.importorskip("cv2")
        rng = np.random.default_rng(0)
        writer = cv2.VideoWriter(
            str(tmp_path / "clip.avi"), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (96, 72)
        )
        blocks = [
            np.kron(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8)) for _ in range(3)
        ]
        for block in blocks:
            for number in range(10):
                # The third of each second is sharp; the sixth is sharper and outside the window.
                softness = {2: 1.5, 5: 0}.get(number, 4)
                writer.write(cv2.GaussianBlur(block, (0, 0), softness) if softness else block)
        writer.release()
        record = import_photos([tmp_path / "clip.avi"], tmp_path / "out", ImportConfig(label="genuine", window_ms=300))
        assert record.photos == {"genuine": {"clip": 3}}
        stored = [np.asarray(decode(path)).astype(int) for path in (tmp_path / "out").rglob("*.jpg")]
        for block in blocks:
            wanted = cv2.cvtColor(cv2.GaussianBlur(block, (0, 0), 1.5), cv2.COLOR_BGR2RGB).astype(int)
            best = min(np.abs(one - wanted).mean() for one in stored)
            sharp = min(np.abs(one - cv2.cvtColor(block, cv2.COLOR_BGR2RGB).astype(int)).mean() for one in stored)
            assert best < 10
            assert best < sharp / 2
        again = import_photos([tmp_path / "clip.avi"], tmp_path / "out", ImportConfig(label="genuine", window_ms=300))
        assert (again.stored, again.known) == (0, 1)

    def test_a_video_without_frames_is_an_error_that_says_so(self, write_video, tmp_path):
        empty = write_video(tmp_path / "empty.avi", [])
        with pytest.raises(DataError, match=r"nothing could be imported[\s\S]*empty.avi: .*(frame|decoder)"):
            import_photos([empty], tmp_path / "out", GENUINE)


class TestInterruptions:
    def test_a_second_run_stores_nothing_and_changes_nothing(self, gallery, tmp_path):
        import_photos([gallery], tmp_path / "out", ImportConfig())
        before = state(tmp_path / "out")
        record = import_photos([gallery], tmp_path / "out", ImportConfig())
        after = state(tmp_path / "out")
        assert (record.stored, record.known) == (0, 12)
        assert before.pop("import.json") != after.pop("import.json")
        assert before == after

    @pytest.mark.parametrize("after", range(0, 12, 3))
    @pytest.mark.parametrize("where", ["photo", "entry"])
    def test_stopped_anywhere_it_goes_on_without_a_lost_or_doubled_photo(
        self, gallery, tmp_path, monkeypatch, after, where
    ):
        import_photos([gallery], tmp_path / "whole", ImportConfig())
        left = [after]

        def stop(real):
            def wrapped(*arguments):
                if left[0] == 0:
                    raise KeyboardInterrupt
                left[0] -= 1
                return real(*arguments)

            return wrapped

        with monkeypatch.context() as patch:
            if where == "photo":
                patch.setattr(importing, "write_atomic", stop(importing.write_atomic))
            else:
                patch.setattr(Journal, "add", stop(Journal.add))
            with pytest.raises(KeyboardInterrupt):
                import_photos([gallery], tmp_path / "out", ImportConfig())
        record = import_photos([gallery], tmp_path / "out", ImportConfig())
        assert record.stored + record.known == 12
        whole, resumed = (
            {one.path: one for one in read_manifest(tmp_path / out / "manifest.csv")} for out in ("whole", "out")
        )
        assert whole == resumed
        photos = {name: content for name, content in state(tmp_path / "out").items() if name.endswith(".jpg")}
        assert photos == {name: content for name, content in state(tmp_path / "whole").items() if name.endswith(".jpg")}

    def test_a_line_that_broke_off_is_dropped(self, gallery, tmp_path):
        import_photos([gallery], tmp_path / "out", ImportConfig())
        journal = tmp_path / "out" / JOURNAL_NAME
        journal.write_bytes(journal.read_bytes()[:-20])
        (tmp_path / "out" / "manifest.csv").unlink()
        record = import_photos([gallery], tmp_path / "out", ImportConfig())
        assert (record.stored, record.known) == (1, 11)
        assert len(read_manifest(tmp_path / "out" / "manifest.csv")) == 12

    @pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
    def test_killed_for_real(self, tmp_path, repository):
        for seed in range(60):
            save(tmp_path / "in" / f"{seed:03d}.jpg", seed)
        command = [
            sys.executable,
            "-m",
            "edgekit",
            "data",
            "import",
            tmp_path / "in",
            "--out",
            tmp_path / "out",
            "--label",
            "genuine",
        ]
        process = subprocess.Popen(list(map(str, command)), cwd=repository, stderr=subprocess.DEVNULL)
        journal = tmp_path / "out" / JOURNAL_NAME
        while not journal.exists() or journal.stat().st_size < 2000:
            time.sleep(0.005)
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        record = import_photos([tmp_path / "in"], tmp_path / "out", GENUINE)
        assert record.known > 0
        assert record.stored + record.known == 60
        assert len(read_manifest(tmp_path / "out" / "manifest.csv")) == 60
        assert len(list((tmp_path / "out").rglob("*.jpg"))) == 60

    def test_a_full_disk_is_told_and_the_rest_comes_later(self, gallery, tmp_path, monkeypatch):
        real = importing.write_atomic

        def full(path, content):
            if len(list((tmp_path / "out").rglob("*.jpg"))) == 5:
                raise EdgekitError(f"can't write {path}: No space left on device; free space")
            real(path, content)

        with monkeypatch.context() as patch:
            patch.setattr(importing, "write_atomic", full)
            with pytest.raises(EdgekitError, match="No space left"):
                import_photos([gallery], tmp_path / "out", ImportConfig())
        assert len(read_manifest(tmp_path / "out" / "manifest.csv")) == 5
        assert import_photos([gallery], tmp_path / "out", ImportConfig()).stored == 7

    def test_a_photo_that_was_removed_stays_removed(self, gallery, tmp_path):
        import_photos([gallery], tmp_path / "out", ImportConfig())
        manifest = tmp_path / "out" / "manifest.csv"
        lines = manifest.read_text().splitlines()
        (tmp_path / "out" / lines[-1].partition(",")[0]).unlink()
        manifest.write_text("\n".join(lines[:-1]) + "\n")
        assert import_photos([gallery], tmp_path / "out", ImportConfig()).stored == 0
        assert len(read_manifest(manifest)) == 11

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            pytest.param("[]", "line 1 must be an object", id="list"),
            pytest.param('{"key": "a"}', "line 1 must have the keys", id="keys"),
            pytest.param('{"key": "a", "name": "b", "status": "stored", "phash": "xyz"}', "16 hexadecimal", id="hash"),
            pytest.param(
                '{"key": "a", "name": "b", "status": "bad", "notes": {"x": "y"}}', "notes must be", id="notes"
            ),
        ],
    )
    def test_a_journal_that_was_edited(self, gallery, tmp_path, line, message):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / JOURNAL_NAME).write_text(f"{line}\n")
        with pytest.raises(DataError, match=message):
            import_photos([gallery], tmp_path / "out", ImportConfig())

    def test_two_at_once(self, gallery, tmp_path):
        (tmp_path / "out").mkdir()
        with writing_in(tmp_path / "out"), pytest.raises(DataError, match="another import, session or split"):
            import_photos([gallery], tmp_path / "out", ImportConfig())


class TestMistakes:
    def test_columns_that_edgekit_has_no_use_for_survive(self, gallery, tmp_path):
        save(tmp_path / "out" / "genuine" / "old.jpg", 99)
        (tmp_path / "out" / "manifest.csv").write_text(
            "path,label,group,source_width\ngenuine/old.jpg,genuine,old,4000\n"
        )
        import_photos([gallery], tmp_path / "out", ImportConfig())
        first, second, *rest = (tmp_path / "out" / "manifest.csv").read_text().splitlines()
        assert first.split(",")[-1] == "source_width"
        assert second.split(",")[0] == "genuine/old.jpg"
        assert second.endswith(",4000")
        assert len(rest) == 12

    def test_other_photos_of_a_folder_without_manifest_are_listed(self, gallery, tmp_path):
        save(tmp_path / "out" / "genuine" / "old.jpg", 99)
        record = import_photos([gallery], tmp_path / "out", ImportConfig())
        assert record.photos["genuine"] == {"": 1, "anna": 3, "ben": 3}
        assert record.cautions == ("1 of 13 rows have no group, the others have: fill the column or empty it",)

    @pytest.mark.parametrize(
        ("make", "config", "message"),
        [
            pytest.param(lambda root: root / "none", GENUINE, "no such folder", id="absent"),
            pytest.param(lambda root: root / "notes.txt", GENUINE, "must be a folder, a zip file", id="text"),
            pytest.param(lambda root: root / "loose", ImportConfig(), "without --label every photo", id="no-class"),
            pytest.param(lambda root: root, GENUINE, "must not overlap", id="itself"),
            pytest.param(lambda root: root / "empty", GENUINE, "nothing could be imported", id="empty"),
            pytest.param(lambda root: root / "bad", GENUINE, "nothing could be imported", id="all-bad"),
            pytest.param(lambda root: root / "odd", ImportConfig(), "a class is also a folder", id="odd-class"),
        ],
    )
    def test_sources(self, tmp_path, make, config, message):
        (tmp_path / "notes.txt").write_text("x")
        save(tmp_path / "loose" / "a.jpg")
        save(tmp_path / "odd" / "a:b" / "a.jpg")
        (tmp_path / "empty").mkdir()
        (tmp_path / "bad").mkdir()
        (tmp_path / "bad" / "a.jpg").write_bytes(b"\xff\xd8\xff")
        with pytest.raises(DataError, match=message):
            import_photos([make(tmp_path)], tmp_path / "out", config)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            pytest.param({"label": "a/b"}, "a label is also a folder", id="slash"),
            pytest.param({"label": ".."}, "a label is also a folder", id="dots"),
            pytest.param({"label": "con"}, "a label is also a folder", id="device"),
            pytest.param({"window_ms": 2000}, "window_ms must be 0 to every_ms", id="window"),
            pytest.param({"near_bits": 30}, "near_bits must be 0 to 12", id="bits"),
            pytest.param({"notes": (("path", "x"),)}, "one value each for some of", id="column"),
        ],
    )
    def test_options(self, options, message):
        with pytest.raises(DataError, match=message):
            ImportConfig(**options)

    def test_safe_names(self):
        assert safe_name("Google Pixel 8/../x\0") == "Google Pixel 8_.._x_"
        assert safe_name("..") == ""
        assert safe_name("NUL.txt") == "NUL.txt_"


def test_memory_does_not_grow_with_the_number_of_photos(tmp_path):
    """The pool holds a handful at a time, whatever the listing holds."""
    alive, most = [0], [0]
    real = importing._examine

    def counted(item):
        alive[0] += 1
        most[0] = max(most[0], alive[0])
        return real(item)

    settle = importing._Run._settle

    def settled(self, item, examined):
        alive[0] -= 1
        settle(self, item, examined)

    for seed in range(40):
        save(tmp_path / "in" / f"{seed}.jpg", seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "_examine", counted)
        patch.setattr(importing._Run, "_settle", settled)
        import_photos([tmp_path / "in"], tmp_path / "out", GENUINE)
    assert most[0] <= 2 * GENUINE.workers + 1
