"""Imports: what is stored, what is left out, and what an interruption costs."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time

import pytest
from photographs import save, state

from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError, EdgekitError
from edgekit.gather import importing
from edgekit.gather.importing import import_photos
from edgekit.gather.journal import JOURNAL_NAME, Journal
from edgekit.gather.options import GroupRule, ImportConfig
from edgekit.locks import LOCK_NAME, writing_in
from edgekit.runtime.photo import decode

GENUINE = ImportConfig(label="genuine")


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

    def test_what_a_killed_run_left_half_written_goes_and_nothing_else(self, gallery, tmp_path):
        out = tmp_path / "out"
        import_photos([gallery], out, ImportConfig())
        before = state(out)
        left = out / "genuine" / "anna" / ".515c0123456789ab.jpg.2af4f68a.part"
        own = out / "genuine" / ".notes.part", out / "genuine" / "report.2af4f68a.part"
        for path in (left, out / ".manifest.csv.0123abcd.part", *own):
            path.write_bytes(b"half")
        import_photos([gallery], out, ImportConfig())
        assert state(out).keys() - before.keys() == {str(path.relative_to(out)) for path in own}

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
