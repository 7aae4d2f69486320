"""A Keras network to a TFLite flatbuffer, in any precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgekit.arrays import RGBArray
from edgekit.contract import Precision
from edgekit.errors import ContractError
from edgekit.modelfile.flatbuffer import in_signature_order, input_quantization
from edgekit.scoring.source import normalise
from edgekit.terminal import captured_stderr
from edgekit.train.keras2 import keras, tf
from edgekit.train.options import CALIBRATED


def to_flatbuffer(
    network: keras.Model, precision: Precision, pixels: RGBArray | None, *, normalised: bool = False
) -> bytes:
    """Convert a network to TFLite: uint8 [1, S, S, 3] RGB in, the network's float32 [1, n] outputs out, in its order.

    Args:
        network: Normalised float RGB in.
        precision: Precision of weights and activations inside the file.
        pixels: uint8 (crops, S, S, 3) RGB, for int8 and int16x8. None keeps the ranges of a fake-quantised network, and
            leaves in float what it did not quantise.
        normalised: Let a float model take what the network takes, float32 ``(q - 128) / 128``, as int8 is made from;
            for bytes the converter puts the division into the first weights.

    Raises:
        ContractError: the converter did not give the input that was asked for.
    """
    side, channels = network.input_shape[1], network.input_shape[3]
    if precision == "int8" or normalised:
        signature = tf.TensorSpec([1, side, side, channels], tf.float32, name="pixels")
        inner = tf.function(lambda x: network(x, training=False), input_signature=[signature])
    else:
        signature = tf.TensorSpec([1, side, side, channels], tf.uint8, name="pixels")
        inner = tf.function(
            lambda x: network((tf.cast(x, tf.float32) - 128.0) / 128.0, training=False), input_signature=[signature]
        )
    # The converter exports the object that it is given. Exporting a Keras model traces every layer again, which takes
    # several times as long as the conversion and changes no byte of it; a bare holder of the weights is enough.
    holder = tf.Module()
    holder.weights = network.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([inner.get_concrete_function()], holder)
    _configure(converter, precision, pixels)
    with captured_stderr():
        flatbuffer: bytes = converter.convert()
    if len(network.outputs) > 1:
        flatbuffer = in_signature_order(flatbuffer)
    if precision == "int8" and input_quantization(flatbuffer) != (1 / 128, 128):
        raise ContractError(
            f"the int8 input must be scale 1/128 and zero point 128, got {input_quantization(flatbuffer)}"
        )
    return flatbuffer


def _configure(converter: Any, precision: Precision, pixels: RGBArray | None) -> None:
    ops = tf.lite.OpsSet
    if precision == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision in CALIBRATED and pixels is not None:
        converter.representative_dataset = lambda: _representative(pixels, precision)
    if precision == "int8":
        converter.inference_input_type = tf.uint8
        if pixels is not None:
            converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS_INT8]
    if precision == "int16x8":
        converter.target_spec.supported_ops = [
            ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
            ops.TFLITE_BUILTINS,
        ]


def _representative(pixels: RGBArray, precision: Precision) -> Iterator[list[Any]]:
    """The representative dataset, one crop at a time."""
    for number, crop in enumerate(pixels):
        batch = crop[None].copy()
        if number == 0:
            # Two pixels pin the input's range to all 256 values, so that a byte is its own quantised value.
            batch[0, 0, 0], batch[0, 0, 1] = 0, 255
        yield [normalise(batch) if precision == "int8" else batch]
