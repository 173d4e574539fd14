"""Scale gamma and offset beta, the part that normalisations have in common."""

from __future__ import annotations

from typing import Protocol, cast

from specc import primitives as ops
from specc.layer import Layer, Lowering, Weight
from specc.layers.weight import weight
from specc.primitives import Tensor


class Affine(Protocol):
    """A layer with Keras' fields `center` and `scale`."""

    @property
    def center(self) -> bool:
        """Whether there is an offset beta."""
        ...

    @property
    def scale(self) -> bool:
        """Whether there is a factor gamma."""
        ...


def affine_weights(layer: Affine, shape: tuple[int, ...]) -> tuple[Weight, ...]:
    """Gamma and beta of the given shape, those that `scale` and `center` ask for."""
    wanted = (("gamma", layer.scale), ("beta", layer.center))
    return tuple(weight(cast("Layer", layer), name, shape) for name, on in wanted if on)


def affine(layer: Affine, low: Lowering, x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`x gamma + beta`, those that the layer has, reshaped to `shape` to spread over x."""
    if layer.scale:
        x = x * ops.reshape(low.weight("gamma"), shape)
    if layer.center:
        x = x + ops.reshape(low.weight("beta"), shape)
    return x
