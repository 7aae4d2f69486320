"""Gradient ascent on a picture: what excites a filter most, and DeepDream; both climb by the same steps.

Sources: Olah, Mordvintsev and Schubert, "Feature Visualization" (Distill 2017): a picture kept as a spectrum whose
frequencies weigh alike and as colours that do not go together, climbed by Adam, and moved, scaled and turned a little
before each step; the constants of colours are those of its code, lucid (Apache-2.0). Mordvintsev, Olah and Tyka,
"Inceptionism" (2015), and its notebook: octaves, jitter, and gradients divided by their mean size, on plain pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgekit.arrays import Float32Array, RGBArray
from edgekit.errors import RunError
from edgekit.explain.float_network import FloatNetwork, layer_named, shape_of
from edgekit.explain.options import DreamConfig, ExciteConfig
from edgekit.progress import SILENT, Progress
from edgekit.scoring.source import normalise
from edgekit.train.keras2 import keras, tf

# lucid's square root of the covariance of ImageNet's colours, over its longest column.
_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)
_COLOURS /= np.linalg.norm(_COLOURS, axis=0).max()
# lucid's deviation of a spectrum's numbers at the start, and what brings its pixels to about one.
_START_DEVIATION, _SPECTRUM_SHARE = 0.01, 4.0
# A filter that nothing of a picture moves is begun with again from another picture.
_STARTS = 5
# Bytes, as networks see them: (q - 128) / 128.
_LOWEST, _HIGHEST = -1.0, 127.0 / 128.0
_STEADY = 1e-8

# From one row of a projective transformation to the next picture's score and its gradient.
_Moves = Callable[[np.random.Generator], Float32Array]


def excite(
    subject: FloatNetwork, layer: str, number: int, config: ExciteConfig, *, progress: Progress = SILENT
) -> tuple[RGBArray, float, float]:
    """Find a picture that excites a filter: the mean of one channel over its area, or one unit of a vector.

    Where the layer is a rectifier, what goes into it is climbed: beyond its bounds it has no gradient.

    Args:
        subject: The network.
        layer: Name of a layer.
        number: Which channel, from 0.
        config: Steps, moves, seed; the same give the same picture on the same machine.
        progress: Told of every step.

    Returns:
        The picture, uint8 (side, side, 3) RGB, and the filter's mean response to it before it was climbed and after.

    Raises:
        RunError: no such layer or filter, or one that nothing excites.
    """
    wanted = layer_named(subject, layer)
    channels = shape_of(wanted)[-1]
    if not 0 <= number < channels:
        raise RunError(f"{layer} has the filters 0 to {channels - 1}, got {number}")
    network = _until(subject.network, wanted)
    side = subject.side_px
    progress.begin(f"exciting {layer}:{number}", config.steps)
    rng = np.random.default_rng(config.seed)
    for _ in range(_STARTS):
        start = rng.normal(0, _START_DEVIATION, (2, 3, side, side // 2 + 1)).astype(np.float32)
        spectrum = tf.Variable(start)
        optimizer = keras.optimizers.Adam(config.rate)
        climber = _Climber(
            spectrum,
            paint=lambda numbers: _from_spectrum(numbers, side),
            score=lambda picture: tf.reduce_mean(network(picture, training=False)[..., number]),
            fill="REFLECT",
        )
        before = climber.response()
        moves = _moves(config, side)
        if not np.any(climber.gradient(moves(rng))):
            continue
        for _ in range(config.steps):
            optimizer.apply_gradients([(-climber.gradient(moves(rng)), spectrum)])
            progress.advance()
        return _to_bytes(climber.picture()), before, climber.response()
    raise RunError(
        f"{layer}:{number} of {subject.name} doesn't answer to any of {_STARTS} pictures that it was begun with; its "
        "weights may be zero; name another filter"
    )


def dream(
    subject: FloatNetwork, layer: str, photo: RGBArray, config: DreamConfig, *, progress: Progress = SILENT
) -> RGBArray:
    """Make a photo more of what a layer sees in it: the mean square of all its activations grows.

    Args:
        subject: The network; only layers that have an area keep it for photos of any size.
        layer: Name of a layer.
        photo: uint8 (height, width, 3), RGB.
        config: Octaves, steps, moves, seed.
        progress: Told of every step.

    Returns:
        uint8, as large as the photo unless that is larger than ``longest_px``.

    Raises:
        RunError: no such layer, one without an area, or a photo so small that its smallest octave has no area there.
    """
    wanted = layer_named(subject, layer)
    if len(shape_of(wanted)) != 3:
        raise RunError(f"{layer} has no area, got the shape {list(shape_of(wanted))}; name a layer before pooling")
    network = _of_any_size(_until(subject.network, wanted))
    sizes = _octaves(photo, config)
    if not _has_area(network, *sizes[0]):
        height, width = photo.shape[:2]
        raise RunError(
            f"{layer} must have an area in the smallest octave, got none at {sizes[0][1]}x{sizes[0][0]} px of a photo "
            f"of {width}x{height} px; name a larger photo, fewer --octaves or an earlier layer"
        )
    original = _resized(normalise(photo), *sizes[-1])
    progress.begin(f"dreaming of {layer}", config.steps * len(sizes))
    rng = np.random.default_rng(config.seed)
    lost = np.zeros((1, 1, 3), np.float32)
    for height, width in sizes:
        base = _resized(original, height, width)
        picture = tf.Variable((base + _resized(lost, height, width))[None])
        climber = _Climber(
            picture,
            paint=lambda pixels: pixels,
            score=lambda pixels: tf.reduce_mean(tf.square(network(pixels, training=False))),
            fill="WRAP",
        )
        for _ in range(config.steps):
            slope = climber.gradient(_shift(rng.integers(-config.jitter_px, config.jitter_px + 1, 2)))
            step = config.rate * slope / (tf.reduce_mean(tf.abs(slope)) + _STEADY)
            picture.assign(tf.clip_by_value(picture + step, _LOWEST, _HIGHEST))
            progress.advance()
        lost = picture.numpy()[0] - base
    return _to_bytes(picture.numpy()[0])


class _Climber:
    """A picture made of a variable, what a network says of it, and the way up.

    Args:
        variable: What is climbed.
        paint: The picture of it, float32 (1, height, width, 3), as networks see it.
        score: What is to grow.
        fill: What lies beyond the edges of a picture that is moved, as TensorFlow's transformations call it.
    """

    def __init__(self, variable: Any, *, paint: Callable[[Any], Any], score: Callable[[Any], Any], fill: str) -> None:
        self._variable, self._paint, self._score = variable, paint, score

        def gradient(move: Any) -> Any:
            with tf.GradientTape() as tape:
                picture = paint(variable)
                moved = tf.raw_ops.ImageProjectiveTransformV3(
                    images=picture,
                    transforms=move,
                    output_shape=tf.shape(picture)[1:3],
                    fill_value=0.0,
                    interpolation="BILINEAR",
                    fill_mode=fill,
                )
                value = score(moved)
            return tape.gradient(value, variable)

        self._gradient = tf.function(gradient)

    def gradient(self, move: Float32Array) -> Any:
        """Of the score of the picture after a move, which is one row of a projective transformation."""
        return self._gradient(tf.constant(move[None]))

    def picture(self) -> Float32Array:
        """The picture as it is, without a move."""
        pixels: Float32Array = self._paint(self._variable).numpy()[0]
        return pixels

    def response(self) -> float:
        """The score of the picture as it is."""
        return float(self._score(self._paint(self._variable)))


def _until(network: Any, layer: Any) -> Any:
    """The network up to a layer, or to what goes into it where it is a rectifier."""
    is_rectifier = isinstance(layer, (keras.layers.ReLU, keras.layers.Activation))
    return keras.Model(network.input, layer.input if is_rectifier else layer.output)


def _of_any_size(network: Any) -> Any:
    """The same layers and weights for pictures of any height and width."""
    channels = network.input_shape[3]
    free = keras.models.clone_model(network, input_tensors=keras.Input((None, None, channels)))
    free.set_weights(network.get_weights())
    return free


def _has_area(network: Any, height: int, width: int) -> bool:
    """Whether anything is left of a picture of this size where a network ends."""
    # Traced, as `compute_output_shape` doesn't know operations that are no layers.
    traced = tf.function(lambda pixels: network(pixels, training=False))
    try:
        found = traced.get_concrete_function(tf.TensorSpec((1, height, width, network.input_shape[3])))
    except ValueError:
        # So TensorFlow says of a kernel that is larger than what it is to slide over.
        return False
    return 0 not in found.structured_outputs.shape[1:3].as_list()


def _from_spectrum(numbers: Any, side: int) -> Any:
    """Real and imaginary parts, (2, 3, side, side // 2 + 1), to a picture (1, side, side, 3), as networks see it."""
    rows, columns = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    frequencies = np.sqrt(rows**2 + columns**2)
    # Natural pictures have less of higher frequencies; the lowest would be without bound.
    weight = (side / np.maximum(frequencies, 1 / side)).astype(np.float32)
    waves = tf.complex(numbers[0], numbers[1]) * tf.constant(weight, tf.complex64)
    planes = tf.transpose(tf.signal.irfft2d(waves, [side, side]), (1, 2, 0)) / _SPECTRUM_SHARE
    colours = tf.sigmoid(tf.reshape(planes, (-1, 3)) @ _COLOURS.T)
    shares = tf.reshape(colours, (1, side, side, 3))
    return _LOWEST + (_HIGHEST - _LOWEST) * shares


def _moves(config: ExciteConfig, side: int) -> _Moves:
    """Draws a small move, change of scale and turn about the picture's middle."""

    def draw(rng: np.random.Generator) -> Float32Array:
        scale = 1 + rng.uniform(-config.scale, config.scale)
        angle = math.radians(rng.uniform(-config.turn_degrees, config.turn_degrees))
        cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
        dx, dy = rng.uniform(-config.jitter_px, config.jitter_px, 2)
        middle = (side - 1) / 2
        x, y = middle - cos * middle + sin * middle + dx, middle - sin * middle - cos * middle + dy
        return np.array([cos, -sin, x, sin, cos, y, 0, 0], np.float32)

    return draw


def _shift(by: Any) -> Float32Array:
    return np.array([1, 0, by[0], 0, 1, by[1], 0, 0], np.float32)


def _octaves(photo: RGBArray, config: DreamConfig) -> list[tuple[int, int]]:
    """Heights and widths, the smallest first."""
    height, width = photo.shape[:2]
    whole = min(1.0, config.longest_px / max(height, width))
    shares = [whole / config.octave_scale**step for step in reversed(range(config.octaves))]
    return [(max(1, round(height * share)), max(1, round(width * share))) for share in shares]


def _resized(pixels: Float32Array, height: int, width: int) -> Float32Array:
    found: Float32Array = tf.image.resize(pixels, (height, width), antialias=True).numpy()
    return found


def _to_bytes(pixels: Float32Array) -> RGBArray:
    """What networks see to bytes, ``128 + 128 x`` rounded."""
    found: RGBArray = np.clip(np.rint(128 + 128 * pixels), 0, 255).astype(np.uint8)
    return found
