"""The backbones by name. Standard library only: Keras is loaded when one is built."""

from __future__ import annotations

from edgekit.errors import RunError, likeliest
from edgekit.train.backbones.alexnet import ALEXNET
from edgekit.train.backbones.cnn3 import CNN3
from edgekit.train.backbones.efficientnet_b0 import EFFICIENTNET_B0
from edgekit.train.backbones.efficientnet_lite import EFFICIENTNET_LITE
from edgekit.train.backbones.entry import Backbone
from edgekit.train.backbones.inception_resnet_v2 import INCEPTION_RESNET_V2
from edgekit.train.backbones.inception_v3 import INCEPTION_V3
from edgekit.train.backbones.inception_v4 import INCEPTION_V4
from edgekit.train.backbones.mobilenet_v1 import MOBILENET_V1
from edgekit.train.backbones.mobilenet_v2 import MOBILENET_V2
from edgekit.train.backbones.mobilenet_v3 import MOBILENET_V3
from edgekit.train.backbones.small_cnn import SMALL_CNN
from edgekit.train.backbones.vgg16 import VGG16

BACKBONES = {
    one.name: one
    for one in (
        *EFFICIENTNET_LITE,
        MOBILENET_V1,
        MOBILENET_V2,
        *MOBILENET_V3,
        EFFICIENTNET_B0,
        INCEPTION_V3,
        INCEPTION_V4,
        INCEPTION_RESNET_V2,
        VGG16,
        ALEXNET,
        CNN3,
        SMALL_CNN,
    )
}


def backbone_named(name: str) -> Backbone:
    """What is known of a backbone.

    Raises:
        RunError: there is none of that name.
    """
    if name not in BACKBONES:
        near = likeliest(name, BACKBONES)
        raise RunError(f"the backbone must be one of {', '.join(BACKBONES)}, got {name!r}{near}")
    return BACKBONES[name]
