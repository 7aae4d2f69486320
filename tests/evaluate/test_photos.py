from __future__ import annotations

import re
from dataclasses import replace

import pytest

from edgekit.data.options import SplitConfig
from edgekit.data.splits import group_folds, split_dataset
from edgekit.errors import DataError
from edgekit.evaluate.photos import choose_photos

FLATTERS = "these photos trained the model: the numbers flatter"


def without_groups(caution):
    """The caution without what it says about the number of groups."""
    return re.sub(r"(; )?photos of \d groups? alone: others may do quite differently", "", caution)


class TestChoosePhotos:
    def test_the_test_photos_of_its_own_data_come_first(self, dataset, own):
        chosen = choose_photos(dataset, own, "auto")
        split = split_dataset(dataset, SplitConfig(seed=3))
        assert (chosen.part, without_groups(chosen.caution)) == ("test", "")
        assert tuple(sample.path for sample in chosen.samples) == split.test

    def test_other_data_is_taken_whole(self, dataset, model):
        chosen = choose_photos(dataset, model(data_sha256="0" * 64), "auto")
        assert (chosen.part, chosen.samples) == ("all", dataset.samples)

    @pytest.mark.parametrize(
        ("part", "caution"),
        [
            pytest.param("all", "these photos also trained the model: the numbers flatter", id="all"),
            pytest.param("train", FLATTERS, id="train"),
            pytest.param("val", "these photos chose epochs and thresholds", id="val"),
            pytest.param("test", "", id="test"),
        ],
    )
    def test_a_part_of_its_own_data_has_its_caution(self, dataset, own, part, caution):
        chosen = choose_photos(dataset, own, part)
        assert (chosen.part, without_groups(chosen.caution)) == (part, caution)

    @pytest.mark.parametrize(("part", "groups"), [("test", 1), ("train", 3), ("all", 5)])
    def test_few_groups_are_said_beside_the_numbers(self, dataset, own, part, groups):
        caution = choose_photos(dataset, own, part).caution
        assert (f"photos of {groups} group" in caution) == (groups < 5)

    @pytest.mark.parametrize("part", ["auto", "train", "val", "test"])
    def test_a_model_of_another_split_is_refused(self, dataset, model, part, provenance):
        """A fold of a cross-validation: the split that the data gives would call its training photos test photos."""
        fold = group_folds(dataset, 3, seed=0)[0]
        contract = model(**provenance(dataset, SplitConfig()) | {"split_sha256": fold.sha256})
        with pytest.raises(DataError, match=r"was trained on another split of .*; use --split all"):
            choose_photos(dataset, contract, part)
        assert choose_photos(dataset, contract, "all").caution.startswith("these photos also trained the model")

    def test_photos_that_may_have_trained_it_are_told(self, dataset, own):
        fewer = replace(dataset, samples=dataset.samples[1:], sha256="0" * 64)
        assert "the model was trained on other photos or an older state" in choose_photos(fewer, own, "auto").caution

    def test_parts_share_no_group(self, dataset, own):
        groups = [{s.group for s in choose_photos(dataset, own, part).samples} for part in ("train", "val", "test")]
        assert sum(map(len, groups)) == len(set.union(*groups)) == 5

    def test_a_part_of_other_data_is_split_as_by_default(self, dataset, model):
        chosen = choose_photos(dataset, model(), "val")
        assert tuple(s.path for s in chosen.samples) == split_dataset(dataset, SplitConfig()).val
        assert without_groups(chosen.caution) == ""

    def test_a_random_split_is_said_beside_the_numbers(self, tmp_path, model, make, provenance):
        dataset = make(tmp_path / "loose", grouped=False)
        contract = model(**provenance(dataset, SplitConfig()))
        assert choose_photos(dataset, contract, "auto").caution.startswith("no group column")
        assert choose_photos(dataset, contract, "train").caution.endswith(FLATTERS)

    def test_labels_that_the_model_does_not_know_are_named(self, tmp_path, model, make):
        dataset = make(tmp_path / "odd", labels=("genuine", "spoof"))
        with pytest.raises(DataError, match="does not know: spoof; it knows genuine, recapture;"):
            choose_photos(dataset, model(), "auto")

    def test_a_model_that_forgot_its_split_is_refused(self, dataset, model):
        with pytest.raises(DataError, match="split_config must be an object"):
            choose_photos(dataset, model(data_sha256=dataset.sha256), "auto")


class TestFolds:
    """Folds inside the training photos stood in for validation photos."""

    def test_all_photos_but_the_test_photos_are_judged_out_of_fold(self, dataset, model, provenance):
        contract = model(**provenance(dataset, SplitConfig(seed=3), by="folds"))
        chosen = choose_photos(dataset, contract, "val", takes_folds=True)
        split = split_dataset(dataset, SplitConfig(seed=3), holds_out_val=False)
        assert tuple(sample.path for sample in chosen.samples) == split.train
        assert (chosen.part, chosen.out_of_fold, chosen.is_own_test) == ("val", True, False)
        assert (
            "out of fold: these photos trained the model, and each was judged by a head that had not" in chosen.caution
        )
        test = choose_photos(dataset, contract, "auto", takes_folds=True)
        assert (test.part, test.is_own_test, test.out_of_fold) == ("test", True, False)
        assert {one.path for one in test.samples}.isdisjoint(split.train)

    def test_what_runs_the_file_itself_is_refused(self, dataset, model, provenance):
        contract = model(**provenance(dataset, SplitConfig(seed=3), by="folds"))
        with pytest.raises(DataError, match="has no validation photos of its own: folds inside the training photos"):
            choose_photos(dataset, contract, "val")

    def test_without_test_photos(self, dataset, model, provenance):
        contract = model(**provenance(dataset, SplitConfig(test_fraction=0), by="folds"))
        chosen = choose_photos(dataset, contract, "auto", takes_folds=True)
        assert (len(chosen.samples), chosen.part, chosen.out_of_fold) == (20, "val", True)
        # A benchmark runs the file on photos that it knows, and says so.
        run = choose_photos(dataset, contract, "auto")
        assert (len(run.samples), run.part, run.out_of_fold) == (20, "train", False)
        assert FLATTERS in run.caution
        with pytest.raises(DataError, match=r"no test photos, as all trained it \(--test-fraction 0\)"):
            choose_photos(dataset, contract, "test", takes_folds=True)

    def test_without_test_photos_held_out_photos_are_next(self, dataset, model, provenance):
        contract = model(**provenance(dataset, SplitConfig(test_fraction=0)))
        assert choose_photos(dataset, contract, "auto").part == "val"

    def test_groups_that_were_derived_are_found_again(self, tmp_path, model, make, provenance):
        dataset = make(tmp_path / "loose", grouped=False)
        contract = model(**provenance(dataset, SplitConfig(group_by="name"), by="folds"))
        chosen = choose_photos(dataset, contract, "auto")
        assert {sample.group for sample in chosen.samples} < {f"{author}" for author in range(5)}
        assert "no group column" not in chosen.caution
