"""Networks with fake quantization: the 8-bit scheme of tensorflow-model-optimization, depthwise kernels by channel."""

from __future__ import annotations

from typing import Any

from edgekit.errors import RunError
from edgekit.train.keras2 import keras, tf, tfmot

_keras: Any = tfmot.quantization.keras
_LastValueQuantizer: Any = _keras.quantizers.LastValueQuantizer
_DefaultRegistry: Any = _keras.default_8bit.Default8BitQuantizeRegistry
_DefaultScheme: Any = _keras.default_8bit.Default8BitQuantizeScheme


class _DepthwiseWeights(_LastValueQuantizer):  # type: ignore[misc]
    """A scale for every channel of a depthwise kernel, as the converter's own quantizer has it.

    The library's scheme takes the last axis for the channels, which in a depthwise kernel (height, width, channels, 1)
    has length one: all channels share the scale of the largest (tensorflow/model-optimization issue 808).
    """

    def __init__(self) -> None:
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Make the variables of the ranges, one for each channel."""
        channels = tensor_shape[2] * tensor_shape[3]
        return {
            f"{end}_var": layer.add_weight(
                f"{name}_{end}",
                shape=(channels,),
                initializer=keras.initializers.Constant(value),
                trainable=False,
            )
            for end, value in (("min", -6.0), ("max", 6.0))
        }

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **kwargs: Any) -> Any:
        """Quantise with the channels on the last axis, and restore the shape."""
        height, width, channels, multiplier = inputs.shape
        flat = tf.reshape(inputs, (height, width, 1, channels * multiplier))
        return tf.reshape(super().__call__(flat, training, weights, **kwargs), inputs.shape)

    def get_config(self) -> dict[str, Any]:
        """An empty configuration, since the quantizer has no options."""
        return {}


class _Registry(_DefaultRegistry):  # type: ignore[misc]
    def get_quantize_config(self, layer: Any) -> Any:
        config = super().get_quantize_config(layer)
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            config.weight_quantizer = _DepthwiseWeights()
        return config


class _Scheme(_DefaultScheme):  # type: ignore[misc]
    def get_quantize_registry(self) -> Any:
        return _Registry()


def quantised(network: keras.Model) -> keras.Model:
    """The network with fake quantization after every layer (8-bit, per-channel weights); weights and frozen parts stay.

    Raises:
        RunError: a layer that tensorflow-model-optimization can't quantise.
    """
    # The library takes such for layers, and fails with whatever Python raises then.
    bare = next((layer.name for layer in network.layers if type(layer).__name__ == "TFOpLambda"), None)
    if bare is not None:
        raise RunError(
            f"this network can't be trained quantised: {bare} is an operation without a layer; use post-training "
            "`edgekit convert --int8`"
        )
    try:
        twin = _keras.quantize_apply(_keras.quantize_annotate_model(network), scheme=_Scheme())
    except (RuntimeError, ValueError) as failure:
        raise RunError(
            f"this network can't be trained quantised: {failure}; use post-training `edgekit convert --int8`"
        ) from failure
    _keep_frozen(twin)
    return twin


def copy_back(model: keras.Model, network: keras.Model) -> None:
    """Put the weights of a network's fake-quantised twin into the network, which then computes with them in float.

    Args:
        model: ``quantised`` of a network like the other one; ranges are left out.
        network: Changed in place.
    """
    for layer in network.layers:
        if not layer.weights:
            continue
        found = {_own_name(weight): weight for weight in model.get_layer(f"quant_{layer.name}").weights}
        layer.set_weights([found[_own_name(weight)].numpy() for weight in layer.weights])


def _own_name(weight: Any) -> str:
    """What a layer calls one of its weights, such as ``kernel``."""
    return str(weight.name.rpartition("/")[2].partition(":")[0])


def _keep_frozen(twin: Any) -> None:
    """Hold what was frozen in a network: the library's wrappers train all kernels, whatever their layers say."""
    for wrapper in twin.layers:
        if isinstance(wrapper, _keras.QuantizeWrapper) and not wrapper.trainable:
            # In place: Keras takes a list that is assigned for new weights.
            wrapper._non_trainable_weights[:0] = wrapper._trainable_weights
            wrapper._trainable_weights.clear()
