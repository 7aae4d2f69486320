"""What is known of a backbone, and how it is built. Standard library only; a builder loads Keras when it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgekit.arrays import Float32Array

    # By the name of a layer, its arrays in the order in which Keras keeps them.
    LayerWeights = dict[str, list[Float32Array]]

MOST_PX = 512
STEP_PX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyShape:
    """What of a backbone is built.

    Attributes:
        side_px: Side of the square input.
        alpha: Width multiplier, where a backbone has one.
        classes: Outputs of its own classifier, as logits; 0 leaves the classifier out.
    """

    side_px: int
    alpha: float = 1.0
    classes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedWeights:
    """ImageNet weights that others trained.

    Attributes:
        package: The pip package that holds them; empty: Keras downloads them.
        licence: Under which they may be used.
        widths: The widths that there are weights for.
        top1: Share of ImageNet's validation photos that are right by their publisher, in percent, at width 1.
    """

    package: str = ""
    licence: str
    widths: tuple[float, ...] = (1.0,)
    top1: float


def _as_they_are(weights: LayerWeights) -> LayerWeights:
    return weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """A backbone.

    Every graph takes float32 (n, side, side, 3) RGB as ``(q - 128) / 128``. What published weights want instead differs
    by less than a step of q for those that were trained on -1 to 1, and is left; for others the first convolution takes
    the scale and the order of colours, which is exact, and a layer before it the means, which zeros of a padding must
    not get.

    Attributes:
        name: As ``--backbone`` takes it.
        paper: Who described it, and where.
        build: Makes the graph, with random weights.
        side_px: The side that its publishers trained it for.
        least_px: The smallest side that leaves anything of a picture.
        any_width: Whether it has a width multiplier.
        texture: Layers that are pooled where texture tells classes apart, from the input on; the network ends with the
            last of them.
        content: Layers that are pooled where it is what is seen that counts.
        blocks: The layers that end its parts, from the input on.
        published: Weights that others trained; None where there are none.
        qat: What quantization-aware training refuses in it; empty: nothing.
        original: Makes the graph whose HDF5 files of weights are to be read, with its published weights when asked;
            None where that is the graph itself.
        from_keras: Turns the original's weights into those of the graph.
        slim: The scope of TF-Slim's variables for each layer with weights, by the names of these; None where Slim's
            network is none of these.
        from_slim: Turns Slim's weights into those of the graph.
        from_torch: Turns the arrays of a PyTorch file into those of the graph.
    """

    name: str
    paper: str
    build: Callable[[BodyShape], Any]
    side_px: int = 224
    least_px: int = STEP_PX
    any_width: bool = False
    texture: tuple[str, ...] = ()
    content: tuple[str, ...]
    blocks: tuple[str, ...]
    published: PublishedWeights | None = None
    qat: str = ""
    original: Callable[[BodyShape, str | None], Any] | None = None
    from_keras: Callable[[LayerWeights], LayerWeights] = _as_they_are
    slim: Callable[[tuple[str, ...]], Mapping[str, str]] | None = None
    from_slim: Callable[[LayerWeights], LayerWeights] = _as_they_are
    from_torch: Callable[[Mapping[str, Float32Array]], LayerWeights] | None = None

    @property
    def has_choice(self) -> bool:
        """Whether there are layers to choose from."""
        return bool(self.texture)

    def takes_side(self, side_px: int) -> bool:
        """Whether a picture of this side can go in."""
        steps = side_px % STEP_PX == 0 and self.least_px <= side_px <= MOST_PX
        return steps or side_px == self.side_px

    @property
    def sides(self) -> str:
        """Which sides it takes, in words."""
        least = -(-self.least_px // STEP_PX) * STEP_PX
        own = f", or {self.side_px}" if self.side_px % STEP_PX else ""
        return f"a multiple of {STEP_PX} from {least} to {MOST_PX} px{own}"
