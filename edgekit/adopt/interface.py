"""What a model that others made takes and gives, by what its file says, and why it may not be adopted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.adopt.options import CONVENTIONS, AdoptConfig, check_normalisation, conventions
from edgekit.arrays import Float64Array
from edgekit.contract import MAX_SIDE_PX
from edgekit.errors import ContractError
from edgekit.modelfile.foreign import ForeignModel, TensorFacts, names_of

_INPUTS = ("float32", "uint8", "int8")
_OUTPUTS = ("float32", "uint8", "int8")
_LOWEST = {"uint8": 0, "int8": -128}


class NormalisationMissing(ContractError):
    """Neither the file nor the user says how bytes become what the model takes.

    Args:
        cause: What is missing, in words.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(f"{cause}; name what the model was trained with: {conventions()}")
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFacts:
    """How a photo's bytes become what the model takes.

    Attributes:
        side_px: Side of the square input.
        channels_first: The model takes [1, 3, S, S].
        bgr: The model takes blue first.
        mean: What is taken from each byte: one number, or one a channel in the model's order; empty where ``shift``
            says all.
        std: What the rest is divided by.
        shift: Where the input is quantised and a step is a byte: what is added to it.
        source: Where that comes from, in words.
    """

    side_px: int
    channels_first: bool
    bgr: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    shift: int | None
    source: str


def check_adoptable(model: ForeignModel) -> None:
    """Hold that a model is a classifier of images as far as its file tells.

    Raises:
        ContractError: it is something else, with the cause.
    """
    _check_operators(model)
    if model.subgraphs != 1:
        raise ContractError(
            f"a model must have one subgraph, got {model.subgraphs}: it has branches, loops or several signatures; "
            "export a single signature without them"
        )
    if len(model.inputs) != 1:
        raise ContractError(
            f"a model must have one input, got {len(model.inputs)} ({names_of(one.name for one in model.inputs)}); "
            "what takes more than a picture can't be adopted"
        )
    _check_output(model)


def _check_operators(model: ForeignModel) -> None:
    """Hold that the interpreters know every operator, and say what kind of model has the others."""
    custom = names_of(model.custom)
    if "edgetpu-custom-op" in model.custom:
        raise ContractError(
            "this file was compiled for an Edge TPU (edgetpu-custom-op), which no other machine runs; adopt the file "
            "that it was compiled from, usually of the same name without _edgetpu"
        )
    if "TFLite_Detection_PostProcess" in model.custom:
        raise ContractError(
            "this is a detector (TFLite_Detection_PostProcess): it finds boxes and does not classify the photo"
        )
    if any(name.startswith("Flex") for name in model.custom):
        raise ContractError(
            f"this model needs TensorFlow's own operators ({custom}), which the interpreters here lack; convert it "
            "again without SELECT_TF_OPS"
        )
    if model.custom:
        raise ContractError(
            f"this model has custom operators ({custom}), which no interpreter here knows; convert it again without"
        )


def _check_output(model: ForeignModel) -> None:
    """Hold that one vector of scores comes out."""
    given = "; ".join(str(one) for one in model.outputs[:4])
    if len(model.outputs) != 1:
        raise ContractError(
            f"a classifier must have one output, got {len(model.outputs)} ({given}); detectors and models with several "
            "heads can't be adopted: export the scores alone"
        )
    output = model.outputs[0]
    if output.dtype not in _OUTPUTS:
        raise ContractError(f"a classifier's output must be one of {list(_OUTPUTS)}, got {output}")
    if output.dtype != "float32" and output.scale is None:
        raise ContractError(f"an output in {output.dtype} must have a scale and a zero point, got {output}")
    if len(output.shape) == 4 and max(output.shape[1:3]) > 1:
        raise ContractError(f"a classifier must give one score a class, got {output}: a map, as of a segmentation")
    if len(output.shape) == 3 and output.shape[1] != 1:
        raise ContractError(f"a classifier must give one score a class, got {output}: boxes, as of a detector")


def understand_input(
    model: ForeignModel, config: AdoptConfig, edge: TensorFacts | None = None, *, own: bool = False
) -> InputFacts:
    """Tell how bytes become a model's input.

    Args:
        model: What the file says.
        config: What the user says.
        edge: The quantised tensor that a float input is turned into before all else, where there is one.
        own: The graph itself normalises bytes.

    Raises:
        NormalisationMissing: nobody says how bytes are normalised.
        ContractError: the input is no square RGB picture.
    """
    tensor = model.inputs[0]
    if tensor.dtype not in _INPUTS:
        raise ContractError(f"a picture must go in as one of {list(_INPUTS)}, got {tensor}")
    if model.metadata is not None and model.metadata.grayscale:
        raise ContractError("the metadata say that the input is grayscale; photos here are RGB")
    channels_first, side = _geometry(tensor, config)
    mean, std, source = _normalisation(model, config, edge or tensor, own=own)
    shift = _shift(edge or tensor, mean, std)
    return InputFacts(
        side_px=side,
        channels_first=channels_first,
        bgr=config.bgr,
        mean=mean,
        std=std,
        shift=shift,
        source=source,
    )


def _geometry(tensor: TensorFacts, config: AdoptConfig) -> tuple[bool, int]:
    """Whether channels come first, and the side."""
    shape = tensor.shape
    if len(shape) != 4:
        raise ContractError(f"a picture must go in as [1, S, S, 3] or [1, 3, S, S], got {tensor}")
    if shape[0] not in (1, -1):
        raise ContractError(f"one picture must go in at a time, got a batch of {shape[0]}; convert with a batch of 1")
    read = {"nhwc": shape[3] == 3, "nchw": shape[1] == 3}
    layout = config.layout
    if layout == "auto":
        layout = "nhwc" if read["nhwc"] or not read["nchw"] else "nchw"
    channels = shape[1] if layout == "nchw" else shape[3]
    if channels != 3:
        what = {1: ": it is grayscale", 4: ": it has an alpha channel"}.get(channels, "")
        raise ContractError(f"a picture must have 3 channels, got {tensor}{what}; photos here are RGB")
    height, width = shape[2:] if layout == "nchw" else shape[1:3]
    sides = {side for side in (height, width) if side > 0}
    if len(sides) > 1:
        raise ContractError(
            f"a picture must be square, got {height} by {width}; crops here are square: export the model with one side"
        )
    if not sides and config.side_px is None:
        raise ContractError(f"the file leaves the input's side open, got {tensor}; name it: --side 224")
    side = sides.pop() if sides else config.side_px or 0
    if config.side_px not in (None, side):
        raise ContractError(f"the input's side is {side}, got --side {config.side_px}; leave it out")
    if not 8 <= side <= MAX_SIDE_PX:
        raise ContractError(f"a picture must have a side of 8 to {MAX_SIDE_PX} px, got {tensor}")
    return layout == "nchw", side


def _normalisation(
    model: ForeignModel, config: AdoptConfig, tensor: TensorFacts, *, own: bool
) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    """Mean and deviation, empty for bytes that go in as they are, and who says so."""
    if config.mean:
        return config.mean, config.std, "--mean and --std say how bytes go in"
    given = model.metadata
    if model.inputs[0].dtype == "uint8":
        return (), (), "an input in uint8 takes bytes as they are"
    if given is not None and given.mean and given.std:
        check_normalisation(given.mean, given.std)
        return given.mean, given.std, "the metadata say how bytes go in"
    if own:
        return (0.0,), (1.0,), "its first operator normalises bytes, 0 to 255"
    if tensor.scale is not None and tensor.zero_point is not None and tensor.dtype in _LOWEST:
        lowest = tensor.scale * (_LOWEST[tensor.dtype] - tensor.zero_point)
        highest = lowest + 255 * tensor.scale
        for name, (mean, std, _) in CONVENTIONS.items():
            ends = (-mean[0] / std[0], (255 - mean[0]) / std[0])
            if len(mean) == 1 and np.allclose((lowest, highest), ends, rtol=0, atol=1.01 * tensor.scale):
                return (
                    (),
                    (),
                    f"the quantised input's 256 steps reach from {lowest:.3g} to {highest:.3g}, that is {name}",
                )
        hint = f", whose 256 steps reach from {lowest:.3g} to {highest:.3g}"
    else:
        hint = ""
    raise NormalisationMissing(f"nothing in the file says how bytes become its {tensor.dtype} input{hint}")


def _shift(tensor: TensorFacts, mean: tuple[float, ...], std: tuple[float, ...]) -> int | None:
    """What is added to a byte where a quantised input has a step for each of them, half a step beside at most."""
    if tensor.dtype not in _LOWEST:
        return None
    if not mean:
        return _LOWEST[tensor.dtype]
    if tensor.scale is None or tensor.zero_point is None:
        raise ContractError(f"an input in {tensor.dtype} without a scale takes bytes alone, got --mean and --std")
    steps = quantised_steps(tensor, mean, std)
    shift = _LOWEST[tensor.dtype]
    near = np.abs(steps - (np.arange(256)[:, None] + shift)).max() <= 0.5 + 1e-3
    return shift if near else None


def quantised_steps(tensor: TensorFacts, mean: tuple[float, ...], std: tuple[float, ...]) -> Float64Array:
    """Where each byte comes to lie among the steps of a quantised tensor: float64 (256, 1 or 3), not rounded."""
    values = (np.arange(256)[:, None] - np.array(mean)) / np.array(std)
    steps: Float64Array = values / float(tensor.scale or 1) + int(tensor.zero_point or 0)
    return steps
