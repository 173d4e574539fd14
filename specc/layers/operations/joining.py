"""Tensors joined, cut and turned along axes that the function's name fixes.

Source: keras/src/ops/numpy.py and core.py (3.15.1).
"""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from specc import primitives as ops
from specc.layer import Lowering, Shapes
from specc.layers.operations.base import Operation, axes_of
from specc.layers.operations.movement import Flip, fixed
from specc.layers.operations.parts import joined
from specc.layers.operations.products import Product
from specc.layers.types import promoted
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape

IMAGE = 3


class Append(Product):
    """The first operand with the second behind it along an axis."""

    axis: int | None = None
    """The axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        if self.axis is None:
            raise ShapeError("joining the flattened batch is not supported; give an axis")
        return joined(self.operand_shapes(inputs), self.axis)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return ops.concat(promoted(self.operand_tensors(inputs)), self.axis or 0)


class Hstack(Operation):
    """Tensors joined along axis 1."""

    listed: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = None

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return joined(inputs, 1 if len(inputs[0]) > 1 else 0)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return ops.concat(promoted(inputs), 1)


class Dstack(Operation):
    """Tensors joined along axis 2, which matrices get first."""

    listed: ClassVar[bool] = True
    max_inputs: ClassVar[int | None] = None

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        if any(len(x) < IMAGE - 1 for x in inputs):
            raise ShapeError("joining along axis 2 takes tensors of two axes or more")
        return joined([(*x, 1) if len(x) < IMAGE else x for x in inputs], 2)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        deep = [ops.expand_dims(x, 2) if x.rank < IMAGE else x for x in promoted(inputs)]
        return ops.concat(deep, 2)


class Fliplr(Operation):
    """Axis 1 the other way round."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return Flip(axis=1).output_shape(inputs)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return ops.reverse(inputs[0], 1)


class Rot90(Operation):
    """A turn by right angles in the plane of two axes, from the first towards the second."""

    operands: ClassVar[tuple[str, ...]] = ("array",)
    k: int = 1
    """How many right angles."""
    axes: tuple[int, ...] = (0, 1)
    """The two axes."""

    def _plane(self, rank: int) -> tuple[int, ...]:
        found = axes_of(self.axes, rank)
        if len(set(found)) != 2:  # noqa: PLR2004
            raise ShapeError(f"expected two axes, found {list(self.axes)}")
        return found

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        one, two = self._plane(len(x))
        for axis in (one, two):
            fixed(x, axis, "nothing is turned")
        if self.k % 2 == 0:
            return x
        turned = {one: x[two], two: x[one]}
        return tuple(turned.get(i, n) for i, n in enumerate(x))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        one, two = self._plane(x.rank)
        swapped = {one: two, two: one}
        order = [swapped.get(i, i) for i in range(x.rank)]
        turns = self.k % 4
        if turns in (1, 2):
            x = ops.reverse(x, two)
        if turns == 2:  # noqa: PLR2004
            return ops.reverse(x, one)
        x = ops.transpose(x, order) if turns else x
        return ops.reverse(x, two) if turns == 3 else x  # noqa: PLR2004


class Slice(Operation):
    """So many elements along each axis from a first position; the batch is taken whole."""

    keras_module: ClassVar[str] = "keras.src.ops.core"
    operands: ClassVar[tuple[str, ...]] = ("inputs", "start_indices")
    shape: tuple[int, ...]
    """Lengths of the block; -1 for all that is left of an axis."""
    start_indices: tuple[int, ...]
    """Its first position along each axis."""

    def _lengths(self, shape: Shape) -> list[int | None]:
        if not len(shape) == len(self.shape) == len(self.start_indices):
            raise ShapeError(
                f"{len(self.shape)} lengths, {len(self.start_indices)} starts: {shape}"
            )
        found: list[int | None] = []
        for i, (dim, length, start) in enumerate(
            zip(shape, self.shape, self.start_indices, strict=True)
        ):
            if (length, start) == (-1, 0):
                found.append(dim)
                continue
            own = fixed(shape, i, "nothing is cut")
            rest = own - start if length == -1 else length
            if start < 0 or rest < 1 or start + rest > own:
                raise ShapeError(f"{rest} elements from {start} are outside of axis {i} of {shape}")
            found.append(rest)
        return found

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return tuple(self._lengths(inputs[0]))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        shape = tuple(dim if isinstance(dim, int) else None for dim in x.shape)
        for i, (length, start) in enumerate(
            zip(self._lengths(shape), self.start_indices, strict=True)
        ):
            if length is not None and length != shape[i]:
                x = ops.slice_axis(x, i, start, start + length)
        return x
