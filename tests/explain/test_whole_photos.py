"""Models of regions, and of several labels, are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit import occlusion
from edgekit.contract import Decision
from edgekit.errors import EdgekitError
from edgekit.explain.options import OcclusionConfig
from edgekit.explain.photos import explain_photos
from edgekit.explain.whole_photos import refuse_others
from edgekit.runtime import Classifier, read_bundle
from edgekit.train.options import TrainConfig

REFUSED = "got a model that answers for regions of it; name a model of whole photos"


@pytest.fixture
def classifier(marks_file):
    with Classifier.load(marks_file) as loaded:
        yield loaded


def test_no_map_is_made_of_a_whole_photo(classifier, marked_photo):
    with pytest.raises(EdgekitError, match=REFUSED):
        occlusion(classifier, marked_photo((1, 2, (255, 0, 0))), OcclusionConfig())


def test_no_photo_is_read(classifier, tmp_path):
    with pytest.raises(EdgekitError, match=REFUSED):
        explain_photos(classifier, [tmp_path / "none.jpg"], OcclusionConfig(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.host
def test_no_gradients_are_asked(marks):
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    from edgekit.explain.gradcam import GradCam

    with pytest.raises(EdgekitError, match=REFUSED):
        GradCam(None, marks.contract)


def test_several_labels_are_refused(red_blue_file):
    contract = read_bundle(red_blue_file).contract
    with pytest.raises(EdgekitError, match="got a model that tells several of a photo; name a model of one label"):
        refuse_others(replace(contract, bona_fide=None, decision=Decision()).with_multi_label((0.5, 0.5)))
    with pytest.raises(EdgekitError, match="got a model that tells several of a photo"):
        refuse_others(TrainConfig(multi_label=True))
    refuse_others(contract)
