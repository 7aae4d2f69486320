"""What may be asked of an adoption, with the only defaults. Standard library only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgekit.contract import MAX_SIDE_PX
from edgekit.errors import ContractError

InputLayout = Literal["auto", "nhwc", "nchw"]
OutputKind = Literal["auto", "logits", "probabilities"]

# Name → mean and standard deviation of bytes, as the field writes them down, and who does so.
CONVENTIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...], str]] = {
    "0 to 1": ((0.0,), (255.0,), "Keras Rescaling(1/255), Ultralytics"),
    "-1 to 1": ((127.5,), (127.5,), "MobileNet, Inception, Teachable Machine, Model Maker"),
    "0 to 255": ((0.0,), (1.0,), "a network that normalises by itself: Keras EfficientNet and MobileNetV3"),
    "torch": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), "torchvision, timm"),
    "caffe": ((103.939, 116.779, 123.68), (1.0,), "Keras ResNet50 and VGG; with --bgr"),
}

# Photos of one folder that are compared with the untouched model.
MOST_PHOTOS = 32
GENERATED_PHOTOS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptConfig:
    """What the file does not say of itself. Empty and ``auto``: it is read from the file, or the adoption is refused.

    Attributes:
        mean: What is taken from each byte, one number or one a channel, in the model's order of channels.
        std: What the rest is divided by: ``value = (byte - mean) / std``.
        bgr: The model takes blue first.
        layout: Whether channels come last or first.
        side_px: Side of the square input, where the file leaves it open.
        output: What the numbers are that come out.
    """

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    bgr: bool = False
    layout: InputLayout = "auto"
    side_px: int | None = None
    output: OutputKind = "auto"

    def __post_init__(self) -> None:
        """Check what goes with what."""
        if bool(self.mean) != bool(self.std):
            raise ContractError(f"--mean and --std go together, got {self.mean} and {self.std}; {conventions()}")
        check_normalisation(self.mean, self.std)
        if self.side_px is not None and not 8 <= self.side_px <= MAX_SIDE_PX:
            raise ContractError(f"the input's side must be 8 to {MAX_SIDE_PX} px, got {self.side_px}")


def check_normalisation(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Hold what a mean and a standard deviation of bytes can be.

    Raises:
        ContractError: not one or three numbers, no positive deviation, or numbers for values from 0 to 1.
    """
    for name, values in (("mean", mean), ("std", std)):
        if len(values) not in (0, 1, 3) or not all(map(math.isfinite, values)):
            raise ContractError(f"--{name} takes one number, or one a channel with commas between, got {values}")
    if not all(1e-6 <= value <= 1e6 for value in std):
        raise ContractError(f"--std must be above 0, got {std}")
    if std and max(std) < 1 and max(map(abs, mean)) <= 1:
        scaled = [",".join(f"{255 * value:g}" for value in values) for values in (mean, std)]
        raise ContractError(
            f"--mean and --std are for bytes, 0 to 255, got {mean} and {std}, which are for 0 to 1; "
            f"--mean {scaled[0]} --std {scaled[1]}"
        )


def conventions() -> str:
    """The usual ways to normalise, as options."""
    listed = []
    for name, (mean, std, who) in CONVENTIONS.items():
        numbers = [",".join(f"{value:g}" for value in values) for values in (mean, std)]
        listed.append(f"  {name}: --mean {numbers[0]} --std {numbers[1]} ({who})")
    return "value = (byte - mean) / std, and usual are\n" + "\n".join(listed)
