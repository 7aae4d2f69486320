"""A logit more behind a model's others, for what no label is of. All of it is float, as the softmax behind it is."""

from __future__ import annotations

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.errors import ContractError
from edgekit.modelfile.editing import GraphEditor
from edgekit.modelfile.flatbuffer import parse

_LAST = {"axis": 1}


def append_energy(flatbuffer: bytes, *, zero: float, slope: float) -> bytes:
    """Let a model that ends in logits have one more, which rises as their log-sum-exp falls.

    The new logit is ``slope (zero - e)``, e the log-sum-exp of the others, which become logarithms of what a softmax
    of them alone would give, so that behind a softmax of all the new probability depends on nothing but its logit.

    Args:
        flatbuffer: A model with one output, float32 [1, n] logits.
        zero: The log-sum-exp at which the new logit is zero.
        slope: How much one less raises it.

    Returns:
        The model with one output, float32 [1, n + 1] logits.

    Raises:
        ContractError: another output.
    """
    editor = GraphEditor(flatbuffer)
    alone = _alone(editor)
    # Each logit less what it becomes is the log-sum-exp, so the mean of these differences is it, too.
    classes = editor.shape(alone)[1]
    energies = editor.add("SUB", [editor.output, alone], editor.tensor("energies", [1, classes], "float32"))
    kernel = editor.constant("energy_kernel", np.full((1, classes), -slope / classes, np.float32))
    bias = editor.constant("energy_bias", np.array([slope * zero], np.float32))
    unknown = editor.tensor("unknown_logit", [1, 1], "float32")
    editor.add("FULLY_CONNECTED", [energies, kernel, bias], unknown)
    return _joined(editor, alone, unknown)


def append_nearness(
    flatbuffer: bytes, *, middle: Float32Array, axes: Float32Array, means: Float32Array, zero: float, slope: float
) -> bytes:
    """Let a model that ends in logits have one more, which rises with the angle of its features to all means.

    The new logit is ``slope (zero - c)``, c the largest cosine of the features, less the middle and along the axes,
    with one of the means. The others become logarithms of what a softmax of them alone would give, so that behind a
    softmax of all the new probability depends on nothing but its logit.

    Args:
        flatbuffer: A model whose first output is float32 [1, n] logits, and whose others, float32 [1, c1], [1, c2], …,
            are features of c channels together.
        middle: (c,) what is taken from the features.
        axes: (c, d) what they are then multiplied by.
        means: (k, d) of length one.
        zero: The cosine at which the new logit is zero.
        slope: How much a cosine less by one raises it.

    Returns:
        The model with one output, float32 [1, n + 1] logits.

    Raises:
        ContractError: other outputs, or another number of channels.
    """
    parts = len(parse(flatbuffer).subgraphs[0].outputs) - 1
    editor = GraphEditor(flatbuffer, outputs=max(parts + 1, 1))
    widths = [editor.shape(one) for one in editor.others]
    channels, dimensions = axes.shape
    if sum(width[-1] for width in widths) != channels:
        raise ContractError(f"features must have {channels} channels together, got outputs {widths}")
    features = editor.others[0]
    if parts > 1:
        whole = editor.tensor("features", [1, channels], "float32")
        features = editor.add("CONCATENATION", editor.others, whole, _LAST)
    centred = editor.tensor("features_centred", [1, channels], "float32")
    editor.add("SUB", [features, editor.constant("features_middle", middle[np.newaxis])], centred)
    seen = editor.tensor("features_seen", [1, dimensions], "float32")
    along = editor.constant("features_axes", np.ascontiguousarray(axes.T, np.float32))
    nothing = editor.constant("axes_bias", np.zeros(dimensions, np.float32))
    editor.add("FULLY_CONNECTED", [centred, along, nothing], seen)
    unit = editor.add("L2_NORMALIZATION", [seen], editor.tensor("features_unit", [1, dimensions], "float32"))
    kernel = editor.constant("means", np.ascontiguousarray(-slope * means, np.float32))
    bias = editor.constant("means_bias", np.full(len(means), slope * zero, np.float32))
    angles = editor.tensor("angles", [1, len(means)], "float32")
    editor.add("FULLY_CONNECTED", [unit, kernel, bias], angles)
    nearest = editor.tensor("unknown_logit", [1, 1], "float32")
    axis = editor.constant("angles_axis", np.array([1], np.int32))
    editor.add("REDUCE_MIN", [angles, axis], nearest, {"keepDims": True})
    return _joined(editor, _alone(editor), nearest)


def _alone(editor: GraphEditor) -> int:
    """Logarithms of what a softmax of the logits alone gives."""
    shape = editor.shape(editor.output)
    if editor.dtype(editor.output) != "float32" or len(shape) != 2 or shape[0] != 1:
        raise ContractError(f"logits must be float32 [1, n], got {editor.dtype(editor.output)} {shape}")
    return editor.add("LOG_SOFTMAX", [editor.output], editor.tensor("logits_alone", shape, "float32"))


def _joined(editor: GraphEditor, logits: int, more: int) -> bytes:
    both = editor.tensor("logits_and_unknown", [1, editor.shape(logits)[1] + 1], "float32")
    editor.add("CONCATENATION", [logits, more], both, _LAST)
    return editor.finish(new_input=editor.input, new_output=both)
