"""Class, group and split of imported photos."""

from __future__ import annotations

import pytest
from photographs import save

from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import read_manifest
from edgekit.data.split_folder import why_unsplit
from edgekit.gather.importing import import_photos
from edgekit.gather.options import GroupRule, ImportConfig

GENUINE = ImportConfig(label="genuine")


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
def test_groups(gallery, tmp_path, rule, groups):
    record = import_photos([gallery], tmp_path / "out", ImportConfig(group=rule))
    assert set(record.photos["genuine"]) == groups
    assert sum(sum(one.values()) for one in record.photos.values()) == 12


def test_photos_without_a_group_are_left_out_and_listed(gallery, tmp_path):
    rule = GroupRule(by="name", pattern="anna")
    record = import_photos([gallery], tmp_path / "out", ImportConfig(group=rule))
    assert (record.stored, len(record.ungrouped)) == (6, 6)
    again = import_photos([gallery], tmp_path / "out", ImportConfig())
    assert (again.stored, again.ungrouped) == (6, ())


def test_flat_class_folders_stay_without_groups(tmp_path):
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
    assert import_photos([tmp_path / "in" / "genuine"], tmp_path / "b", GENUINE).photos == {"genuine": {"genuine": 4}}
    save(tmp_path / "c" / "genuine" / "anna" / "x.jpg", 90)
    assert import_photos([tmp_path / "c"], tmp_path / "d", ImportConfig()).photos == {"genuine": {"anna": 1}}
    assert set(import_photos([tmp_path / "in"], tmp_path / "d", ImportConfig()).photos["genuine"]) == {"anna", "in"}
    assert "every class must stand in at least 3 groups" in why_unsplit(tmp_path / "d")


def test_split_folders_are_kept(tmp_path):
    for seed, place in enumerate(("train/a", "train/b", "test/a", "test/b")):
        save(tmp_path / "in" / place / "x.jpg", seed)
    import_photos([tmp_path / "in"], tmp_path / "out", ImportConfig())
    found = {(one.label, one.split) for one in read_manifest(tmp_path / "out" / "manifest.csv")}
    assert found == {("a", "train"), ("b", "train"), ("a", "test"), ("b", "test")}


def test_a_sources_manifest_is_kept_and_options_go_before_it(tmp_path, write_rows):
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
