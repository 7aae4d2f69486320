"""Slim's scopes for convolutions that Keras counts up, in the order in which both make them."""

from __future__ import annotations

from collections.abc import Sequence


def scopes_of_counted(layers: tuple[str, ...], scopes: Sequence[str]) -> dict[str, str]:
    """The scope of each layer called ``conv2d_N`` or ``batch_normalization_N``."""
    found = {}
    for layer in layers:
        stem, _, number = layer.rpartition("_")
        if stem in ("conv2d", "batch_normalization") and number.isdecimal() and int(number) <= len(scopes):
            found[layer] = scopes[int(number) - 1]
    return found
