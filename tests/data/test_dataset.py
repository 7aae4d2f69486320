import shutil
import struct

import pytest

from edgekit.data.checks import BadPhoto
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.manifest import Sample
from edgekit.data.options import DataReading
from edgekit.errors import DataError

CLASSES = ["real/1.png", "real/2.png", "screen/1.png", "screen/2.png"]


def test_class_folders(photo_folder):
    dataset = load_dataset(photo_folder(["screen/tv/late/2.png", "real/1.jpg", "screen/1.JPG"]))
    assert [(sample.path, sample.label) for sample in dataset.samples] == [
        ("real/1.jpg", "real"),
        ("screen/1.JPG", "screen"),
        ("screen/tv/late/2.png", "screen"),
    ]
    assert dataset.labels == ("real", "screen")
    assert (dataset.bad, dataset.has_groups, dataset.groups) == ((), False, ())
    assert dataset.path_of(dataset.samples[0]).is_file()


def test_split_folders(photo_folder):
    dataset = load_dataset(
        photo_folder([f"{split}/{path}" for split in ("train", "valid", "Test") for path in CLASSES])
    )
    assert dataset.labels == ("real", "screen")
    assert [sample.split for sample in dataset.samples] == ["test"] * 4 + ["train"] * 4 + ["val"] * 4


def test_manifest(photo_folder, write_rows):
    root = photo_folder([*CLASSES, "extra/1.png"])
    write_rows(
        root / "manifest.csv",
        ("path", "group", "kind", "width"),
        ("screen/1.png", "ann", "tv", "16"),
        ("real/2.png", "bob", "", "16"),
    )
    dataset = load_dataset(root)
    assert dataset.samples == (
        Sample(path="real/2.png", label="real", group="bob"),
        Sample(path="screen/1.png", label="screen", group="ann", kind="tv"),
    )
    assert (dataset.has_groups, dataset.groups) == (True, ("ann", "bob"))


def test_manifest_in_one_folder_of_photos_may_name_any_class(photo_folder, write_rows):
    root = photo_folder(["photos/1.png", "photos/2.png"])
    write_rows(root / "manifest.csv", ("path", "label"), ("photos/1.png", "cat"), ("photos/2.png", "dog"))
    assert load_dataset(root).labels == ("cat", "dog")


def test_photos_are_told_to_progress(photo_folder, progress):
    load_dataset(photo_folder(CLASSES), progress=progress)
    assert progress.tasks == [("checking photos", 4, 4)]
    (line,) = progress.lines
    assert line.endswith("photos: 4 photos of 2 classes (real 2, screen 2)")


def test_exact_copies_are_told(photo_folder, progress):
    root = photo_folder(CLASSES)
    shutil.copy(root / "real" / "1.png", root / "screen" / "copy.png")
    load_dataset(root, progress=progress)
    assert progress.lines[1:] == [
        "sets of exact copies: 1; they flatter if a split parts them: real/1.png = screen/copy.png"
    ]


def test_files_that_are_passed_over_are_told(photo_folder, progress):
    root = photo_folder(CLASSES)
    (root / "real" / "notes.txt").touch()
    (root / "screen" / "3.dng").touch()
    load_dataset(root, progress=progress)
    assert progress.lines[-1] == "left out: 1 .dng file (raw: export as JPEG), 1 .txt file (no photos)"


def test_a_manifest_may_list_photos_of_any_name(photo_folder):
    root = photo_folder(CLASSES)
    (root / "real" / "1.png").rename(root / "real" / "first")
    (root / "manifest.csv").write_text("path,label\nreal/first,real\nscreen/1.png,screen\n")
    assert [sample.path for sample in load_dataset(root).samples] == ["real/first", "screen/1.png"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        pytest.param([], "got no photo at all", id="empty-folder"),
        pytest.param(["1.png", "2.png"], "got 2 photos outside any class: 1.png, 2.png", id="no-class-folders"),
        pytest.param([*CLASSES, "1.png"], "got 1 photo outside any class: 1.png", id="one-photo-outside"),
        pytest.param(["real/1.png", "real/2.png"], "at least two classes, got only 'real'", id="one-class"),
        pytest.param(["train/real/1.png", "test/real/2.png"], "two classes, got only 'real'", id="one-class-in-splits"),
        pytest.param([*CLASSES, "unknown/1.png"], "got 'unknown'; rename the class", id="reserved-class"),
    ],
)
def test_folders_are_refused(photo_folder, paths, message):
    root = photo_folder(paths)
    with pytest.raises(DataError, match=message):
        load_dataset(root)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        pytest.param(lambda path: None, "nothing", id="missing"),
        pytest.param(lambda path: path.touch(), "a file", id="file"),
    ],
)
def test_what_is_no_folder_is_refused(tmp_path, make, what):
    make(tmp_path / "photos")
    with pytest.raises(DataError, match=f"photos: the data must be a folder of photos, got {what}"):
        load_dataset(tmp_path / "photos")


def test_a_name_that_the_system_refuses_is_no_folder(tmp_path):
    with pytest.raises(DataError, match="the data must be a folder of photos, got nothing; check the path"):
        load_dataset(tmp_path / ("x" * 300))


def test_a_class_folder_without_photos_is_refused(photo_folder):
    root = photo_folder(CLASSES)
    (root / "print").mkdir()
    (root / "print" / "raw.cr2").touch()
    with pytest.raises(DataError, match="got folders without photos: print; fill or remove"):
        load_dataset(root)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param(
            [("path", "label"), ("real/1.png", "real"), ("screen/1.png", "scren")],
            "every label must be one, got 'scren' for 'screen/1.png' beside the folders real, screen",
            id="label-without-a-folder",
        ),
        pytest.param(
            [("path", "label"), ("real/1.png", "Real"), ("screen/1.png", "Screen")],
            "every label must be one, got 'Real'",
            id="label-in-another-case",
        ),
        pytest.param(
            [("path", "label"), ("real/1.png", "real"), ("screen/1.png", "")], "line 3: a label", id="empty-label"
        ),
        pytest.param(
            [("path",), ("real/1.png",), ("screen/9.png",)], "must be a file.*screen/9.png", id="missing-file"
        ),
        pytest.param([("path",), ("real/1.png",), ("real/2.png",)], "got only 'real'", id="one-class"),
        pytest.param(
            [("path", "group"), ("real/1.png", "ann"), ("screen/1.png", ""), ("screen/2.png", "bob")],
            "every photo or none must have a group, got none for 1 of 3: screen/1.png",
            id="photo-without-group",
        ),
        pytest.param(
            [("path", "split"), ("real/1.png", "train"), ("screen/1.png", "")],
            "every photo or none must have a split, got none for 1 of 2: screen/1.png",
            id="photo-without-split",
        ),
    ],
)
def test_manifests_are_refused(photo_folder, write_rows, rows, message):
    root = photo_folder(CLASSES)
    write_rows(root / "manifest.csv", *rows)
    with pytest.raises(DataError, match=message):
        load_dataset(root)


def test_a_link_that_leaves_the_folder_is_refused(photo_folder, write_photo, tmp_path):
    root = photo_folder(CLASSES)
    (root / "real" / "3.png").symlink_to(write_photo(tmp_path / "secret.png"))
    with pytest.raises(DataError, match=r"must lie inside the data folder.*real/3\.png"):
        load_dataset(root)


def damage(root):
    (root / "real" / "2.png").write_bytes(b"")
    (root / "screen" / "2.png").write_bytes((root / "screen" / "2.png").read_bytes()[:60])


def test_bad_photos_are_all_named(photo_folder):
    root = photo_folder(CLASSES)
    damage(root)
    with pytest.raises(
        DataError, match=r"got 2 of 4 that are not:\n  real/2\.png: .*0 bytes\n  screen/2\.png: not a whole"
    ):
        load_dataset(root)


def test_many_bad_photos_are_counted(photo_folder):
    root = photo_folder(CLASSES)
    for number in range(10, 22):
        (root / "real" / f"{number}.png").touch()
    with pytest.raises(DataError, match=r"got 12 of 16(?s:.*)real/19\.png(?s:.*)and 2 more"):
        load_dataset(root)


def test_skip_bad_leaves_them_out_and_says_so(photo_folder):
    root = photo_folder(CLASSES)
    damage(root)
    dataset = load_dataset(root, skip_bad=True)
    assert [sample.path for sample in dataset.samples] == ["real/1.png", "screen/1.png"]
    assert dataset.bad[0] == BadPhoto(path="real/2.png", reason="a photo must have content, got 0 bytes")
    assert [one.path for one in dataset.bad] == ["real/2.png", "screen/2.png"]


def test_skip_bad_does_not_lose_a_class(photo_folder):
    root = photo_folder([*CLASSES, "print/1.png"])
    (root / "print" / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match="every class needs a usable photo, got only bad ones in print"):
        load_dataset(root, skip_bad=True)


def test_the_fingerprint_is_of_the_data_alone(photo_folder, tmp_path, write_rows):
    root = photo_folder(CLASSES)
    moved = shutil.copytree(root, tmp_path / "moved")
    listed = shutil.copytree(root, tmp_path / "listed")
    write_rows(listed / "manifest.csv", ("path", "width"), *((path, "16") for path in reversed(CLASSES)))
    assert len({load_dataset(folder).sha256 for folder in (root, moved, listed)}) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root: (root / "real" / "1.png").rename(root / "real" / "3.png"), id="name"),
        pytest.param(lambda root: shutil.copy(root / "real" / "1.png", root / "real" / "2.png"), id="pixels"),
        pytest.param(lambda root: (root / "real" / "1.png").unlink(), id="one-less"),
        pytest.param(
            lambda root: (root / "manifest.csv").write_text(
                "path,kind\n" + "".join(f"{path},tv\n" for path in CLASSES)
            ),
            id="kind",
        ),
    ],
)
def test_the_fingerprint_changes_with(photo_folder, change):
    root = photo_folder(CLASSES)
    before = load_dataset(root).sha256
    change(root)
    assert load_dataset(root).sha256 != before


def test_a_dataset_knows_groups_of_all_photos_or_none(tmp_path):
    samples = (Sample(path="a.png", label="real", group="ann"), Sample(path="b.png", label="screen"))
    with pytest.raises(DataError, match=r"every photo or none must have a group.*b\.png"):
        Dataset(root=tmp_path, samples=samples, labels=("real", "screen"), bad=(), sha256="")


def bitmap(seed: int) -> bytes:
    """An 8x8 BMP, the same bytes for ever."""
    pixels = bytes((seed * 7 + at * 13) % 256 for at in range(8 * 8 * 3))
    head = struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54)
    return b"BM" + head + struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 24, 0, len(pixels), 2835, 2835, 0, 0) + pixels


@pytest.mark.parametrize(
    ("paths", "begins"),
    [
        pytest.param(["cat/1.bmp", "cat/s1/2.bmp", "dog/1.bmp"], "08721442d53cfc14", id="classes"),
        pytest.param(
            [f"{part}/{label}/1.bmp" for part in ("train", "valid", "Test") for label in ("cat", "dog")],
            "92da5275a9c42bc1",
            id="splits",
        ),
        pytest.param(["train/1.bmp", "bus/1.bmp", "car/1.bmp"], "0f151d63a3eaae4a", id="trains-are-a-class"),
        pytest.param(
            [f"{label}/{group}/1.bmp" for label in ("genuine", "recapture") for group in ("ann", "ben")],
            "9d606b5d342ea7fb",
            id="known-classes-with-groups",
        ),
    ],
)
def test_the_fingerprint_is_what_it_always_was(tmp_path, paths, begins):
    for seed, path in enumerate(paths):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(bitmap(seed))
    assert load_dataset(tmp_path).sha256[:16] == begins


def test_classes_are_checked_before_photos_are_read(photo_folder, progress):
    def refuse(labels):
        raise DataError(f"not {labels}")

    with pytest.raises(DataError, match=r"not \('real', 'screen'\)"):
        load_dataset(photo_folder(CLASSES), check_labels=refuse, progress=progress)
    assert progress.tasks == []


def test_one_class_is_enough_for_a_model_that_knows_it(photo_folder):
    root = photo_folder(["real/1.png", "real/2.png"])
    assert load_dataset(root, known=("real", "screen")).labels == ("real",)


def test_a_folder_is_read_as_its_owner_says(photo_folder):
    root = photo_folder([f"{group}/{label}/1.png" for group in "ab" for label in ("real", "screen")])
    reading = DataReading(folders=("group", "label"))
    dataset = load_dataset(root, reading=reading)
    assert (dataset.labels, dataset.groups, dataset.reading) == (("real", "screen"), ("a", "b"), reading)


def test_classes_are_spelt_as_the_model_spells_them(photo_folder, progress):
    root = photo_folder(["Genuine/1.png", "RECAPTURE/1.png"])
    told = []
    dataset = load_dataset(root, known=("genuine", "recapture"), check_labels=told.append, progress=progress)
    assert dataset.labels == told[0] == ("genuine", "recapture")
    assert "'Genuine' is the class 'genuine' of the model" in progress.lines


def test_points_and_single_letters_make_other_classes(photo_folder):
    assert load_dataset(photo_folder(["1.5/1.png", "a/1.png"]), known=("15", "A")).labels == ("1.5", "a")
