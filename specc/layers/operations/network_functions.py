"""Functions of `keras.ops.nn` that layers have as well: pools, normalisations, attention.

Source: keras/src/ops/nn.py and keras/src/backend/tensorflow/nn.py (3.15.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import BeforeValidator
from typing_extensions import override

from specc import primitives as ops
from specc.fields import Axes, unsupported
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers import pooling
from specc.layers.operations.base import Combination, Constant, Operation, axes_of
from specc.layers.types import floating
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, elements

# Keras' epsilon where none is given.
EPSILON = 1e-7


def _words(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class MaxPool(Operation):
    """Maximum of each window."""

    keras_module: ClassVar[str] = "keras.src.ops.nn"
    operands: ClassVar[tuple[str, ...]] = ("inputs",)
    pools: ClassVar[Sequence[type[Layer]]] = (
        pooling.MaxPooling1D, pooling.MaxPooling2D, pooling.MaxPooling3D,
    )  # fmt: skip
    pool_size: int | tuple[int, ...]
    """Lengths of the window."""
    strides: int | tuple[int, ...] | None = None
    """Steps of the window; its lengths when absent."""
    padding: Annotated[str, BeforeValidator(_words)] = "valid"
    """valid or same."""
    data_format: str | None = None
    """channels_last, the default, or channels_first."""

    def _layer(self, rank: int) -> Layer:
        if not 3 <= rank <= 5:  # noqa: PLR2004 - batch, one to three axes, channels
            raise ShapeError(f"expected a batch of images or sequences, found {rank} axes")
        fields = ("pool_size", "strides", "padding", "data_format")
        return self.pools[rank - 3].from_fields({name: getattr(self, name) for name in fields})

    @override
    def output_shape(self, inputs: Shapes) -> Shape | Shapes:
        return self._layer(len(inputs[0])).output_shape(inputs)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self._layer(inputs[0].rank).lower(low, *inputs)


class AveragePool(MaxPool):
    """Mean of each window, padding left out."""

    pools: ClassVar[Sequence[type[Layer]]] = (
        pooling.AveragePooling1D, pooling.AveragePooling2D, pooling.AveragePooling3D,
    )  # fmt: skip


class LayerNorm(Operation):
    """The tensor with mean 0 and variance 1 along axes."""

    keras_module: ClassVar[str] = "keras.src.ops.nn"
    operands: ClassVar[tuple[str, ...]] = ("x", "gamma", "beta")
    axis: Axes = -1
    """Axes that share a mean and a variance."""
    epsilon: float | None = None
    """What is added to the variance; 1e-7 when left out."""
    rms_scaling: Annotated[bool, unsupported("rms_scaling")] = False
    """Scaling by a root mean square: not supported here, rms_norm does it."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        axes_of(self.axis, len(inputs[0]))
        return inputs[0]

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = floating(inputs[0])
        axes = axes_of(self.axis, x.rank)
        centred = x - ops.reduce_mean(x, axes, keepdims=True)
        variance = ops.reduce_mean(centred * centred, axes, keepdims=True)
        return centred / ops.sqrt(variance + (self.epsilon or EPSILON))


class RMSNorm(Operation):
    """The tensor over its root mean square along axes."""

    keras_module: ClassVar[str] = "keras.src.ops.nn"
    operands: ClassVar[tuple[str, ...]] = ("x", "scale")
    axis: Axes = -1
    """Axes that share a root mean square."""
    epsilon: float | None = None
    """What is added to the mean square; 1e-7 when left out."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        axes_of(self.axis, len(inputs[0]))
        return inputs[0]

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = floating(inputs[0])
        square = ops.reduce_mean(x * x, axes_of(self.axis, x.rank), keepdims=True)
        return x / ops.sqrt(square + (self.epsilon or EPSILON))


class DotProductAttention(Combination):
    """softmax(scale Q K^T) V for each head.

    Shapes: query (N, T, heads, d), key and value (N, S, heads, d), result as query.
    """

    keras_module: ClassVar[str] = "keras.src.ops.nn"
    operands: ClassVar[tuple[str, ...]] = ("query", "key", "value", "bias", "mask", "scale")
    min_inputs: ClassVar[int] = 3
    max_inputs: ClassVar[int | None] = 3
    is_causal: bool = False
    """Whether query i sees keys 0 to i only."""
    flash_attention: bool | None = None
    """Kept for Keras' sake: it chooses an algorithm."""
    attn_logits_soft_cap: Annotated[float | None, unsupported("attn_logits_soft_cap")] = None
    """A limit of the logits: not supported."""
    scale: Constant = None
    """Factor of the logits; 1 / sqrt(d) when left out."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        query, key, value = inputs
        fit = len(query) == len(key) == 4 and key == value  # noqa: PLR2004
        if not fit or query[2:] != key[2:] or None in (*query[1:], *key[1:]):
            raise ShapeError(f"query {query}, key {key} and value {value} do not fit each other")
        return query

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        query, key, value = (ops.transpose(x, (0, 2, 1, 3)) for x in inputs)
        factor = 1.0 / math.sqrt(ints(query.shape[-1:])[0])
        logits = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        logits = logits * (factor if self.scale is None else float(self.scale))
        if self.is_causal:
            steps, seen = ints(logits.shape[-2:])
            hidden = [[-1e9 if j > i else 0.0 for j in range(seen)] for i in range(steps)]
            logits = logits + logits.trace.constant(np.asarray(hidden))
        return ops.transpose(ops.matmul(ops.softmax(logits), value), (0, 2, 1, 3))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(macs=2 * elements(output[1:]) * (inputs[1][1] or 1))
