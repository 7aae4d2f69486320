"""Models of regions are refused, and where one label is right, those of several."""

from __future__ import annotations

import pytest

from edgekit import occlusion
from edgekit.errors import EdgekitError
from edgekit.explain.options import OcclusionConfig
from edgekit.explain.photos import explain_photos
from edgekit.explain.whole_photos import refuse_regions, refuse_several
from edgekit.runtime import Classifier
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


def test_several_labels_are_refused_where_one_is_right():
    with pytest.raises(EdgekitError, match="got a run that tells several of a photo; `edgekit evaluate` judges"):
        refuse_several(TrainConfig(multi_label=True))
    refuse_several(TrainConfig())
    refuse_regions(TrainConfig(multi_label=True))
