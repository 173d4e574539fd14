"""Normalisation of features by known statistics."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import Axes, Values
from specc.initializers import Ones, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.axes import known
from specc.layers.layer_normalization import axes_of, spread
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show

# Keras' backend.epsilon(): the least standard deviation that is divided by.
EPSILON = 1e-7


class Normalization(Layer):
    """`(x - mean) / max(sqrt(variance), 1e-7)`, or its inverse, one pair for each index of `axis`.

    Mean and variance are the fields when given, else weights that training does not change.

    Shapes: weights mean and variance (lengths of `axis`, ascending), count (); result as the input.

    Source: keras/src/layers/preprocessing/normalization.py (3.15.1).
    """

    supports_masking: ClassVar[bool] = True

    axis: Axes | None = -1
    """The axes whose indices have their own mean and variance; null or [] for one pair in all."""
    mean: Values | None = None
    """Known means; a weight when absent."""
    variance: Values | None = None
    """Known variances; a weight when absent."""
    invert: bool = False
    """Whether to undo the normalisation: `mean + x max(sqrt(variance), 1e-7)`."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.mean is None) != (self.variance is None):
            raise PydanticCustomError("moments", "expected mean and variance, or neither", {})
        if self.mean is None or self.variance is None:
            return self
        mean, variance = np.asarray(self.mean), np.asarray(self.variance)
        kept = 1 if isinstance(self.axis, int) else len(self.axis or ())
        if mean.shape != variance.shape or mean.ndim > kept:
            raise PydanticCustomError(
                "moments",
                "expected mean and variance of one shape with at most {kept} axes, found"
                " {mean} and {variance}",
                {"kept": kept, "mean": str(mean.shape), "variance": str(variance.shape)},
            )
        return self

    def _axes(self, rank: int) -> tuple[int, ...]:
        return () if self.axis is None else axes_of(self.axis, rank)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        lengths = tuple(known(x, axis) for axis in self._axes(len(x)))
        given = np.shape(self.mean) if self.mean is not None else ()
        tail = lengths[len(lengths) - len(given) :]
        if any(n not in (1, length) for n, length in zip(given, tail, strict=True)):
            raise ShapeError(
                f"mean of shape {show(given)} does not fit axes of {show(lengths)} in {show(x)}"
            )
        return x

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        if self.mean is not None:
            return ()
        (x,) = inputs
        shape = tuple(known(x, axis) for axis in self._axes(len(x)))
        return (
            Weight("mean", shape, Zeros(), trainable=False),
            Weight("variance", shape, Ones(), trainable=False),
            Weight("count", (), Zeros(), trainable=False, dtype="int64"),
        )

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        axes = self._axes(x.rank)
        if self.mean is None or self.variance is None:
            lengths = spread(ints(tuple(x.shape[axis] for axis in axes)), axes, x.rank)
            mean = ops.reshape(low.weight("mean"), lengths)
            deviation = ops.sqrt(ops.reshape(low.weight("variance"), lengths))
            deviation = ops.maximum(deviation, EPSILON)
        else:
            given = np.asarray(self.mean, np.float64)
            shape = spread(given.shape, axes[len(axes) - given.ndim :], x.rank)
            mean = x.trace.constant(given.reshape(shape))
            root = np.sqrt(np.asarray(self.variance, np.float64))
            deviation = x.trace.constant(np.maximum(root, EPSILON).reshape(shape))
        return x * deviation + mean if self.invert else (x - mean) / deviation

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=2 * elements(output[1:]))
