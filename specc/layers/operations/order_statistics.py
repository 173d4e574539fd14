"""Where values stand among others: bins, sets, ranks, quantiles.

Source: keras/src/ops/numpy.py and math.py (3.15.1).
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.fields import Axes
from specc.layer import Lowering, Shapes
from specc.layers.operations.base import Combination, Constant, Operation, axes_of
from specc.layers.operations.movement import fixed
from specc.layers.operations.reductions import reduced
from specc.layers.operations.running import ascending, flattened
from specc.layers.types import floating, promoted
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape

Method = Literal["linear", "lower", "higher", "midpoint", "nearest"]


class _Among(Combination):
    """A function of each value of one operand and all of the other, which is a list of numbers."""

    abstract: ClassVar[bool] = True
    apart: ClassVar[bool] = True
    looked_up: ClassVar[str] = ""
    among: ClassVar[str] = ""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        known = dict(zip(self.operands, self.operand_shapes(inputs), strict=True))
        if getattr(self, self.among) is None:
            raise ShapeError(f"{self.among} as a tensor is not supported; write the numbers")
        if len(known[self.among]) != 1:
            raise ShapeError(f"{self.among}: expected a list of numbers")
        return known[self.looked_up]

    def pairs(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Values with a new last axis, and the others along it."""
        tensors = promoted(self.operand_tensors(inputs))
        known = dict(zip(self.operands, tensors, strict=True))
        return ops.expand_dims(known[self.looked_up], -1), known[self.among]


class Digitize(_Among):
    """How many of the bins' ascending borders a value is at or above (int32)."""

    operands: ClassVar[tuple[str, ...]] = ("x", "bins")
    looked_up: ClassVar[str] = "x"
    among: ClassVar[str] = "bins"
    bins: Constant = None
    """The borders, in ascending order."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x, bins = self.pairs(inputs)
        return ops.reduce_sum(ops.cast(ops.greater_equal(x, bins), "int32"), -1)


class SearchSorted(_Among):
    """The position (int32) at which a value keeps an ascending list in order."""

    operands: ClassVar[tuple[str, ...]] = ("sorted_sequence", "values")
    among: ClassVar[str] = "sorted_sequence"
    looked_up: ClassVar[str] = "values"
    side: Literal["left", "right"] = "left"
    """Whether it comes before or behind those that equal it."""
    sorted_sequence: Constant = None
    """The list, in ascending order."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x, known = self.pairs(inputs)
        before = ops.greater(x, known) if self.side == "left" else ops.greater_equal(x, known)
        return ops.reduce_sum(ops.cast(before, "int32"), -1)


class IsIn(_Among):
    """Whether a value is one of a list."""

    operands: ClassVar[tuple[str, ...]] = ("x1", "x2")
    looked_up: ClassVar[str] = "x1"
    among: ClassVar[str] = "x2"
    assume_unique: bool = False
    """Kept for Keras' sake: the result is the same."""
    invert: bool = False
    """Whether it is none of them."""
    x2: Constant = None
    """The list."""

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x, known = self.pairs(inputs)
        found = ops.cast(ops.reduce_max(ops.cast(ops.equal(x, known), "int32"), -1), "bool")
        return ops.logical_not(found) if self.invert else found


class InTopK(Operation):
    """Whether the prediction for a class is among the k largest, equal ones taken in.

    Shapes: targets (N,), ids of classes; predictions (N, classes); result (N,).
    """

    keras_module: ClassVar[str] = "keras.src.ops.math"
    operands: ClassVar[tuple[str, ...]] = ("targets", "predictions")
    apart: ClassVar[bool] = True
    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = 2
    k: PositiveInt
    """How many are the largest."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        targets, predictions = inputs
        if len(predictions) != 2 or targets != predictions[:1]:  # noqa: PLR2004
            raise ShapeError(f"expected (N,) and (N, classes), received {targets}, {predictions}")
        fixed(predictions, 1, "there are no classes")
        return targets

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        targets, predictions = inputs
        (classes,) = ints(predictions.shape[1:])
        hot = ops.one_hot(ops.cast(targets, "int64"), classes, predictions.dtype)
        own = ops.reduce_sum(ops.where(ops.greater(hot, 0.0), predictions, 0.0), 1, keepdims=True)
        above = ops.reduce_sum(ops.cast(ops.greater(predictions, own), "int32"), 1)
        known = ops.greater(ops.reduce_sum(hot, 1), 0.0)
        return ops.logical_and(ops.less(above, self.k), known)


class Quantile(Combination):
    """The value below which a share of all lies, between two in proportion.

    Source: also keras/src/backend/tensorflow/numpy.py, _quantile (3.15.1).
    """

    operands: ClassVar[tuple[str, ...]] = ("x", "q")
    largest: ClassVar[float] = 1.0
    axis: Axes | None = None
    """Axes to fold; all when left out."""
    method: Method = "linear"
    """Kept for Keras' sake, which always takes `linear`."""
    keepdims: bool = False
    """Whether folded axes stay with length 1."""
    q: Annotated[float, Field(ge=0)] | None = None
    """The share, 0 to 1."""

    @property
    def way(self) -> Method:
        """What is done between two values."""
        return "linear"

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if self.q is None or self.q > self.largest or len(inputs) > 1:
            raise ShapeError(f"expected q as one number from 0 to {self.largest:g}")
        axes = axes_of(self.axis, len(x))
        for axis in axes:
            fixed(x, axis, "nothing is sorted")
        return reduced(x, axes, keepdims=self.keepdims)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = floating(inputs[0])
        axes = axes_of(self.axis, x.rank)
        ordered = ascending(flattened(x, axes))
        (size,) = ints((ordered.shape[-1],))
        place = (self.q or 0.0) / self.largest * (size - 1)
        below, above = math.floor(place), math.ceil(place)
        share = {"linear": place - below, "lower": 0.0, "higher": 1.0, "midpoint": 0.5}.get(
            self.way, float(round(place) - below)
        )
        shares = ((below, 1.0 - share), (above, share))
        # What has no share may be infinite, and would be no number times 0.
        taken = [ops.take(ordered, np.asarray(at), -1) * by for at, by in shares if by]
        found = taken[0] if len(taken) == 1 else taken[0] + taken[1]
        for axis in sorted(axes) if self.keepdims else ():
            found = ops.expand_dims(found, axis)
        return found


class Percentile(Quantile):
    """The value below which so many of a hundred lie."""

    largest: ClassVar[float] = 100.0
    method: Method = "linear"
    """Between two values: in proportion, the lower, the higher, their mean, or the nearest."""
    q: Annotated[float, Field(ge=0)] | None = None
    """The share, 0 to 100."""

    @property
    @override
    def way(self) -> Method:
        return self.method
