"""Parts of tensors, and tensors made of parts; axes count the batch as axis 0.

Source: keras/src/ops/numpy.py and core.py (3.15.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.layer import Lowering, Shapes
from specc.layers.operations.base import Combination, Constant, Operation
from specc.layers.operations.index import Index, Item, checked
from specc.layers.operations.movement import fixed
from specc.layers.types import promoted
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError, axis_index, broadcast
from specc.tensors import Shape


class GetItem(Operation):
    """What `x[...]` selects in Python.

    Shapes: an integer drops its axis, `a:b:c` takes a part of it, `None` makes a new one, `...`
    stands for the axes that are not named. The batch is taken whole.
    """

    operands: ClassVar[tuple[str, ...]] = ("x", "key")
    renamed: ClassVar[Mapping[str, str]] = {"key": "index"}
    index: Annotated[str, AfterValidator(checked)]
    """What stands in the brackets: `:, 0`, `:, 1:3`, `..., None`."""

    def _items(self, shape: Shape) -> list[tuple[int | None, Item]]:
        return Index.read(self.index).items(shape)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        result: list[int | None] = []
        for axis, item in self._items(x):
            if axis is None:
                result.append(1)
            elif item == slice(None):
                result.append(x[axis])
            elif isinstance(item, slice):
                length = fixed(x, axis, "nothing is cut")
                result.append(len(range(*item.indices(length))))
            else:
                length = fixed(x, axis, "nothing is picked")
                if item is None or not -length <= item < length:
                    raise ShapeError(f"index {item} is outside of axis {axis} of {x}")
        return tuple(result)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        at = 0
        shape = tuple(dim if isinstance(dim, int) else None for dim in x.shape)
        for axis, item in self._items(shape):
            if axis is None:
                x = ops.expand_dims(x, at)
                at += 1
            elif isinstance(item, slice):
                if item != slice(None):
                    x = ops.slice_axis(x, at, *item.indices(ints((x.shape[at],))[0]))
                at += 1
            else:
                start = (item or 0) % ints((x.shape[at],))[0]
                x = ops.squeeze(ops.slice_axis(x, at, start, start + 1), at)
        return x


class Take(Combination):
    """Elements at integer positions along an axis."""

    operands: ClassVar[tuple[str, ...]] = ("x", "indices")
    indices: Constant = None
    """The positions, when they are no input; negative ones count from the end."""
    axis: int | None = None
    """The axis."""
    x: Constant = None
    """What to take from, when it is no input."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        x, indices = self.operand_shapes(inputs)
        if self.axis is None:
            raise ShapeError("taking from the flattened tensor is not supported; give an axis")
        axis = axis_index(self.axis, len(x))
        if self.indices is None and (self.x is None or axis != 0):
            raise ShapeError(
                "positions that are computed select rows of a constant x along axis 0;"
                " others are not supported"
            )
        fixed(x, axis, "nothing is taken")
        return (*x[:axis], *indices, *x[axis + 1 :])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        if self.indices is None:
            table, ids = self.operand_tensors(inputs)
            if self.x is not None and np.asarray(self.x).dtype.kind == "f":
                table = table.trace.constant(np.asarray(self.x), table.trace.floatx)
            return ops.gather_rows(table, ops.cast(ids, "int64"))
        (x,) = inputs
        axis = (self.axis or 0) % x.rank
        return ops.take(x, np.asarray(self.indices) % ints((x.shape[axis],))[0], axis)


class TakeAlongAxis(Combination):
    """Elements at positions along an axis, each line with positions of its own."""

    operands: ClassVar[tuple[str, ...]] = ("x", "indices")
    indices: Constant = None
    """The positions, when they are no input."""
    axis: int | None = None
    """The axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        x, indices = self.operand_shapes(inputs)
        if self.axis is None or len(x) != len(indices):
            raise ShapeError(f"positions {indices} do not lie along one axis of {x}")
        axis = axis_index(self.axis, len(x))
        fixed(x, axis, "nothing is taken")
        rest = broadcast((*x[:axis], 1, *x[axis + 1 :]), (*indices[:axis], 1, *indices[axis + 1 :]))
        return (*rest[:axis], indices[axis], *rest[axis + 1 :])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x, indices = self.operand_tensors(inputs)
        axis, dtype = (self.axis or 0) % x.rank, x.dtype
        if not ops.is_float(x):
            x = ops.cast(x, "float64")
        x, indices = (ops.move_axis(part, axis, -1) for part in (x, indices))
        (length,) = ints((x.shape[-1],))
        indices = ops.cast(indices, "int64")
        negative = ops.cast(ops.less(indices, 0), "int64")
        hot = ops.one_hot(indices + negative * length, length, x.dtype)
        found = ops.reduce_sum(hot * ops.expand_dims(x, -2), -1)
        return ops.cast(ops.move_axis(found, -1, axis), dtype)


class Parts(Operation):
    """Parts along one axis: as many outputs."""

    abstract: ClassVar[bool] = True
    several_outputs: ClassVar[bool] = True


class Split(Parts):
    """Consecutive parts along an axis."""

    indices_or_sections: PositiveInt | tuple[int, ...]
    """Number of equal parts, or where parts begin but for the first."""
    axis: int = 0
    """The axis."""

    def _sizes(self, shape: Shape) -> list[int]:
        length = fixed(shape, axis_index(self.axis, len(shape)), "nothing is split")
        if isinstance(self.indices_or_sections, int):
            parts = self.indices_or_sections
            if length % parts:
                raise ShapeError(f"an axis of {length} has no {parts} equal parts")
            return [length // parts] * parts
        borders = [0, *(min(i % length if i < 0 else i, length) for i in self.indices_or_sections)]
        sizes = [b - a for a, b in zip(borders, [*borders[1:], length], strict=True)]
        if min(sizes) <= 0:
            raise ShapeError(f"parts of {sizes} elements; each needs at least one")
        return sizes

    @override
    def output_shape(self, inputs: Shapes) -> Shapes:
        (x,) = inputs
        axis = axis_index(self.axis, len(x))
        return tuple((*x[:axis], size, *x[axis + 1 :]) for size in self._sizes(x))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> tuple[Tensor, ...]:
        (x,) = inputs
        shape = tuple(dim if isinstance(dim, int) else None for dim in x.shape)
        return tuple(ops.split(x, self._sizes(shape), self.axis))


class Unstack(Parts):
    """The slices along an axis, without that axis."""

    keras_module: ClassVar[str] = "keras.src.ops.core"

    num: PositiveInt | None = None
    """Their number, for checking."""
    axis: int = 0
    """The axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shapes:
        (x,) = inputs
        axis = axis_index(self.axis, len(x))
        length = fixed(x, axis, "nothing is unstacked")
        if self.num not in (None, length):
            raise ShapeError(f"axis {axis} of {x} has not {self.num} slices")
        return ((*x[:axis], *x[axis + 1 :]),) * length

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> tuple[Tensor, ...]:
        (x,) = inputs
        sizes = [1] * ints((x.shape[self.axis],))[0]
        return tuple(ops.squeeze(part, self.axis) for part in ops.split(x, sizes, self.axis))


def joined(shapes: Sequence[Shape], along: int) -> Shape:
    """The shape of tensors joined along an axis.

    Raises:
        ShapeError: they differ elsewhere, or the axis is open.
    """
    first = shapes[0]
    axis = axis_index(along, len(first))
    total, rest = 0, (*first[:axis], *first[axis + 1 :])
    for x in shapes:
        if len(x) != len(first) or (*x[:axis], *x[axis + 1 :]) != rest:
            raise ShapeError(f"{first} and {x} differ outside of axis {axis}")
        total += fixed(x, axis, "nothing is joined")
    return (*rest[:axis], total, *rest[axis:])


class Concatenate(Operation):
    """Tensors joined along an axis."""

    listed: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = None
    axis: int = 0
    """The axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return joined(inputs, self.axis)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return ops.concat(promoted(inputs), self.axis)


class Stack(Operation):
    """Tensors of one shape along a new axis."""

    listed: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = None
    axis: int = 0
    """Where the new axis stands in the result."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        first = inputs[0]
        axis = axis_index(self.axis, len(first) + 1)
        for x in inputs:
            if x != first:
                raise ShapeError(f"{first} and {x} differ; only tensors of one shape are stacked")
        return (*first[:axis], len(inputs), *first[axis:])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        axis = self.axis % (inputs[0].rank + 1)
        return ops.concat([ops.expand_dims(x, axis) for x in promoted(inputs)], axis)


class Sort(Operation):
    """Elements in ascending order along an axis."""

    axis: int = -1
    """The axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        fixed(x, axis_index(self.axis, len(x)), "nothing is sorted")
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.move_axis(inputs[0], self.axis, -1)
        return ops.move_axis(-ops.sort_descending(-x), -1, self.axis)
