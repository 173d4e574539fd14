"""Integers as vectors: one-hot, multi-hot and counts; and numbers sorted into bins first."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import AfterValidator, BeforeValidator, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import unsupported
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.attending import optional
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show

Mode: TypeAlias = Literal["one_hot", "multi_hot", "count"]
Dense: TypeAlias = Annotated[Literal[False], unsupported("a sparse result")]


def _not_binary(value: object) -> object:
    return "multi_hot" if value == "binary" else value


def encoded_shape(x: Shape, mode: Mode, depth: int) -> Shape:
    """The shape of `encode`'s result.

    Raises:
        ShapeError: there is no axis to sum over.
    """
    if mode == "one_hot":
        return (*(x[:-1] if len(x) > 1 and x[-1] == 1 else x), depth)
    if len(x) < 2:  # noqa: PLR2004
        raise ShapeError(f"{mode} sums over axis 1, which {show(x)} lacks; give it an axis more")
    return (x[0], *x[2:], depth)


def encode(ids: Tensor, mode: Mode, depth: int, weights: Tensor | None = None) -> Tensor:
    """One-hot vectors of ids 0 .. depth - 1, or their maximum or weighted sum over axis 1.

    Ids outside give zeros. Shapes: ids and weights (N, k, ...), result (N, ..., depth); one_hot
    (N, k, ..., depth), where a last axis of length 1 is dropped first.

    Source: keras/src/utils/numerical_utils.py, encode_categorical_inputs (3.15.1).
    """
    if mode == "one_hot":
        if ids.rank > 1 and ids.shape[-1] == 1:
            ids = ops.squeeze(ids, -1)
        return ops.one_hot(ids, depth)
    hot = ops.one_hot(ids, depth)
    if mode == "multi_hot":
        return ops.reduce_max(hot, 1)
    if weights is not None:
        hot = hot * ops.expand_dims(ops.cast(weights, hot.dtype), -1)
    return ops.reduce_sum(hot, 1)


def whole(x: Tensor) -> Tensor:
    """`x` as int64 where it is not an integer one already; fractions are cut."""
    return x if x.dtype in ("int32", "int64") else ops.cast(x, "int64")


class CategoryEncoding(Layer):
    """Ids 0 .. num_tokens - 1 as vectors of 0 and 1, or as counts of each id in a sample.

    Shapes: ids (N, k) and, for `count`, count_weights (N, k); result (N, num_tokens). `one_hot`:
    (N, k, num_tokens), and (N, num_tokens) for k = 1.

    Source: keras/src/layers/preprocessing/category_encoding.py (3.15.1).
    """

    max_inputs: ClassVar[int | None] = 2
    arguments: ClassVar[tuple[str, ...]] = ("inputs", "count_weights")

    num_tokens: PositiveInt | None = None
    """Number of different ids; it must be given."""
    output_mode: Annotated[Mode, BeforeValidator(_not_binary)] = "multi_hot"
    """One vector for each id, or one for a sample: 1 for each id it has, or how often."""
    sparse: Dense = False
    """Whether the result is sparse: not supported."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        if self.num_tokens is None:
            raise ShapeError("num_tokens must be given: the number of different ids")
        for weights in inputs[1:]:
            if self.output_mode != "count":
                raise ShapeError(f"count_weights has no use with output_mode {self.output_mode}")
            if len(inputs[0]) != len(weights):
                raise ShapeError(
                    f"count_weights {show(weights)} does not have the shape of the ids"
                    f" {show(inputs[0])}"
                )
        return encoded_shape(inputs[0], self.output_mode, self.num_tokens)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        depth = self.num_tokens or 1
        return encode(whole(inputs[0]), self.output_mode, depth, optional(inputs, 1))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=2 * elements(inputs[0][1:]) * (self.num_tokens or 1))


def _ascending(value: tuple[float, ...] | None) -> tuple[float, ...] | None:
    if value is not None and any(a > b for a, b in pairwise(value)):
        raise PydanticCustomError("ascending", "expected boundaries in ascending order")
    return value


class Discretization(Layer):
    """The number of boundaries that are <= x: the bin that x lies in; or that id as a vector.

    Shapes: x (N, k, ...), result the same, int32; with `one_hot` (N, k, ..., bins), with
    `multi_hot` and `count` (N, ..., bins), where bins is the number of boundaries plus 1.

    Source: keras/src/layers/preprocessing/discretization.py (3.15.1).
    """

    bin_boundaries: Annotated[tuple[float, ...] | None, AfterValidator(_ascending)] = None
    """Where bins meet, ascending. They must be given: nothing here learns them from data."""
    num_bins: NonNegativeInt | None = None
    """Number of bins that Keras' `adapt` made; the boundaries say it."""
    epsilon: PositiveFloat = 0.01
    """Precision of the quantiles that Keras' `adapt` made the boundaries from; not used."""
    output_mode: Literal["int", "one_hot", "multi_hot", "count"] = "int"
    """The bin's number, or what `category_encoding` makes of it."""
    sparse: Dense = False
    """Whether the result is sparse: not supported."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        if self.bin_boundaries is None:
            raise ShapeError(
                "bin_boundaries must be given; take those that adapt() found (num_bins is not"
                " enough)"
            )
        if self.output_mode == "int":
            return inputs[0]
        return encoded_shape(inputs[0], self.output_mode, len(self.bin_boundaries) + 1)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        boundaries = self.bin_boundaries or ()
        ids = ops.cast(x * 0.0, "int32")
        if boundaries:
            edges = x.trace.constant(np.asarray(boundaries, np.float64), x.dtype)
            passed = ops.greater_equal(ops.expand_dims(x, -1), edges)
            ids = ops.reduce_sum(ops.cast(passed, "int32"), -1)
        if self.output_mode == "int":
            return ids
        return encode(ids, self.output_mode, len(boundaries) + 1)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=2 * elements(inputs[0][1:]) * (len(self.bin_boundaries or ()) + 1))
