"""Layers that change the shape or the order of elements and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

from pydantic import PositiveInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat
from specc.layer import Layer, Lowering, Shapes, moved_text
from specc.layers.axes import expect_rank, known, to_channels_last
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError, flat
from specc.tensors import Shape, show


class Flatten(Layer):
    """All axes but the batch in one, row-major.

    Shapes: x (N, *d), result (N, product of d); (N) becomes (N, 1). With `channels_first` the
    channels are moved last before.

    Source: keras/src/layers/reshaping/flatten.py (3.15.1).
    """

    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @override
    def text(self, given: Sequence[bool]) -> bool:
        return moved_text(given)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        return (x[0], flat(x[1:]))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        if x.rank > 1:
            x = to_channels_last(x, self.data_format)
        return ops.reshape(x, (x.shape[0], math.prod(ints(x.shape[1:]))))


class Reshape(Layer):
    """The same elements, row-major, in another shape.

    Shapes: x (N, *d), result (N, *target_shape).

    Source: keras/src/layers/reshaping/reshape.py (3.15.1).
    """

    target_shape: tuple[int, ...]
    """Shape of the result without the batch; one entry may be -1 and is then inferred."""

    @model_validator(mode="after")
    def _one_unknown(self) -> Self:
        if self.target_shape.count(-1) > 1 or any(n < -1 for n in self.target_shape):
            raise PydanticCustomError(
                "target_shape",
                "expected lengths of at least 0 and at most one -1, found {shape}",
                {"shape": list(self.target_shape)},
            )
        return self

    def _target(self, inner: Shape) -> Shape:
        size = flat(inner)
        given = math.prod(n for n in self.target_shape if n != -1)
        if size is None:
            return tuple(None if n == -1 else n for n in self.target_shape)
        exact = -1 not in self.target_shape
        if (exact and given != size) or (not exact and (given == 0 or size % given)):
            raise ShapeError(
                f"{size} elements {show(inner)} cannot take the shape {show(self.target_shape)}"
            )
        return tuple(size // given if n == -1 else n for n in self.target_shape)

    @override
    def text(self, given: Sequence[bool]) -> bool:
        return moved_text(given)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        return (x[0], *self._target(x[1:]))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        target = self._target(ints(x.shape[1:]))
        return ops.reshape(x, (x.shape[0], *(known(target, i) for i in range(len(target)))))


class Permute(Layer):
    """Axes in another order; axis 1 is the first after the batch.

    Shapes: x (N, *d), result axis i is axis dims[i - 1] of x.

    Source: keras/src/layers/reshaping/permute.py (3.15.1).
    """

    dims: tuple[int, ...]
    """Axes of the input in their new order, counted from 1."""

    @model_validator(mode="after")
    def _is_permutation(self) -> Self:
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise PydanticCustomError(
                "permutation",
                "expected each of the axes 1 to {count} once, found {dims}",
                {"count": len(self.dims), "dims": list(self.dims)},
            )
        return self

    @override
    def text(self, given: Sequence[bool]) -> bool:
        return moved_text(given)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        expect_rank(x, len(self.dims) + 1, f"for dims {list(self.dims)}")
        return (x[0], *(x[axis] for axis in self.dims))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return ops.transpose(inputs[0], (0, *self.dims))


class RepeatVector(Layer):
    """Each sample n times along a new axis.

    Shapes: x (N, d), result (N, n, d).

    Source: keras/src/layers/reshaping/repeat_vector.py (3.15.1).
    """

    n: PositiveInt
    """Number of copies."""

    @override
    def text(self, given: Sequence[bool]) -> bool:
        return moved_text(given)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        expect_rank(x, 2, "(batch, features)")
        return (x[0], self.n, x[1])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        shape = (x.shape[0], self.n, x.shape[1])
        return ops.broadcast_to(ops.expand_dims(x, 1), shape, x)
