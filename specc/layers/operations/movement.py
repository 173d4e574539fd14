"""Shapes, order and copies; axes count the batch as axis 0.

Source: keras/src/ops/numpy.py (3.15.1).
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from typing_extensions import override

from specc import primitives as ops
from specc.fields import Axes
from specc.layer import Lowering, Shapes
from specc.layers.operations.base import Combination, Constant, Operation, axes_of, broadcast
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError, axis_index
from specc.tensors import Dim, Shape, Sym, product


def fixed(shape: Shape, axis: int, what: str) -> int:
    """The length of an axis.

    Raises:
        ShapeError: it is open, as the batch is; `what` says what cannot be done along it.
    """
    length = shape[axis]
    if length is None:
        raise ShapeError(f"{what} along axis {axis} of {shape}, whose length is open")
    return length


class Reshape(Operation):
    """The same elements, row-major, in another shape, batch included."""

    newshape: tuple[int | None, ...]
    """Lengths of all axes; one may be -1 or null and is then inferred."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        opened = [n for n in self.newshape if n in (-1, None)]
        size = math.prod(dim for dim in x if dim is not None)
        given = math.prod(n for n in self.newshape if n not in (-1, None))
        if len(opened) > 1:
            raise ShapeError(f"more than one length of {list(self.newshape)} is left open")
        if None in x:
            # One length stays open: a multiple of the batch.
            if not opened or given == 0 or (x.count(None) == 1 and size % given):
                raise ShapeError(f"{x} cannot take the shape {list(self.newshape)} at any batch")
            return tuple(None if n in (-1, None) else n for n in self.newshape)
        if (not opened and given != size) or (opened and (given == 0 or size % given)):
            raise ShapeError(f"{x} cannot take the shape {list(self.newshape)}")
        return tuple(size // given if n in (-1, None) else n for n in self.newshape)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        size = product(x.shape)
        given = math.prod(n for n in self.newshape if n is not None and n != -1)
        rest: Dim = Sym(size.factor // given) if isinstance(size, Sym) else size // given
        return ops.reshape(x, [rest if n is None or n == -1 else n for n in self.newshape])


class Ravel(Operation):
    """All elements in one axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        return (None if None in x else math.prod(dim for dim in x if dim is not None),)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return ops.reshape(inputs[0], (product(inputs[0].shape),))


class ExpandDims(Operation):
    """New axes of length 1."""

    axis: Axes
    """Their positions in the result."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        count = 1 if isinstance(self.axis, int) else len(self.axis)
        new = axes_of(self.axis, len(x) + count)
        rest = iter(x)
        return tuple(1 if i in new else next(rest) for i in range(len(x) + count))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        count = 1 if isinstance(self.axis, int) else len(self.axis)
        for axis in sorted(axes_of(self.axis, x.rank + count)):
            x = ops.expand_dims(x, axis)
        return x


class Squeeze(Operation):
    """Without axes of length 1."""

    axis: Axes | None = None
    """The axes; all of length 1 when left out."""

    def _gone(self, shape: Shape) -> tuple[int, ...]:
        if self.axis is None:
            return tuple(i for i, dim in enumerate(shape) if dim == 1)
        axes = axes_of(self.axis, len(shape))
        for axis in axes:
            if shape[axis] != 1:
                raise ShapeError(f"axis {axis} of {shape} has not length 1")
        return axes

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        gone = self._gone(x)
        return tuple(dim for i, dim in enumerate(x) if i not in gone)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        gone = self._gone(tuple(None if isinstance(dim, Sym) else dim for dim in x.shape))
        return ops.reshape(x, tuple(dim for i, dim in enumerate(x.shape) if i not in gone))


class Permutation(Operation):
    """Axes in another order."""

    abstract: ClassVar[bool] = True

    def order(self, rank: int) -> tuple[int, ...]:
        """Result axis i is axis order[i] of the input; reversed by default.

        Raises:
            ShapeError: there is no such axis.
        """
        return tuple(reversed(range(rank)))

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        return tuple(x[axis] for axis in self.order(len(x)))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return ops.transpose(inputs[0], self.order(inputs[0].rank))


class Transpose(Permutation):
    """Axes in another order."""

    axes: tuple[int, ...] | None = None
    """Axes of the input in their new order; reversed when left out."""

    @override
    def order(self, rank: int) -> tuple[int, ...]:
        if self.axes is None:
            return super().order(rank)
        order = axes_of(self.axes, rank)
        if sorted(order) != list(range(rank)):
            raise ShapeError(f"axes {list(self.axes)} do not name each of {rank} axes once")
        return order


class Swapaxes(Permutation):
    """Two axes exchanged."""

    axis1: int
    """The one axis."""
    axis2: int
    """The other."""

    @override
    def order(self, rank: int) -> tuple[int, ...]:
        a, b = axes_of((self.axis1, self.axis2), rank)
        return tuple(b if i == a else a if i == b else i for i in range(rank))


class Moveaxis(Permutation):
    """Axes moved to other positions, the others in their order."""

    source: Axes
    """Axes to move."""
    destination: Axes
    """Where each goes."""

    @override
    def order(self, rank: int) -> tuple[int, ...]:
        source, target = axes_of(self.source, rank), axes_of(self.destination, rank)
        order = [i for i in range(rank) if i not in source]
        for position, axis in sorted(zip(target, source, strict=True)):
            order.insert(position, axis)
        return tuple(order)


class BroadcastTo(Operation):
    """Copies along axes of length 1 or new ones in front."""

    shape: tuple[int | None, ...]
    """Shape of the result, batch included; null stands for the batch."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if broadcast([x, self.shape]) != self.shape:
            raise ShapeError(f"{x} does not broadcast to {self.shape}")
        return self.shape

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        lead = len(self.shape) - x.rank
        x = ops.reshape(x, (*((1,) * lead), *x.shape))
        shape = [x.shape[i] if n is None else n for i, n in enumerate(self.shape)]
        return ops.broadcast_to(x, tuple(shape), x)


class Repeat(Operation):
    """Each element several times in a row along an axis."""

    repeats: int | tuple[int, ...]
    """How often: for all elements, or for each."""
    axis: int | None = None
    """The axis."""

    def _times(self, length: int) -> list[int]:
        times = [self.repeats] if isinstance(self.repeats, int) else list(self.repeats)
        times = times * length if len(times) == 1 else times
        if len(times) != length:
            raise ShapeError(f"{len(times)} repeats for an axis of {length}")
        return times

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if self.axis is None:
            raise ShapeError("repeating the flattened batch is not supported; give an axis")
        axis = axis_index(self.axis, len(x))
        length = fixed(x, axis, "nothing repeats")
        return (*x[:axis], sum(self._times(length)), *x[axis + 1 :])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        axis = (self.axis or 0) % x.rank
        times = self._times(ints((x.shape[axis],))[0])
        return ops.take(x, np.repeat(np.arange(len(times)), times), axis)


class Tile(Operation):
    """The whole tensor several times along each axis."""

    repeats: int | tuple[int, ...]
    """How often along each axis, aligned on the last one."""

    def _times(self, rank: int) -> tuple[int, ...]:
        times = (self.repeats,) if isinstance(self.repeats, int) else self.repeats
        return (*((1,) * (rank - len(times))), *times)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        times = self._times(len(x))
        if len(times) != len(x):
            raise ShapeError(f"{len(times)} repeats for {x}")
        for i, n in enumerate(times):
            if n != 1:
                fixed(x, i, "nothing repeats")
        return tuple(n * dim if dim is not None else None for n, dim in zip(times, x, strict=True))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        for axis, n in enumerate(self._times(x.rank)):
            x = ops.concat([x] * n, axis) if n != 1 else x
        return x


class Pad(Combination):
    """New elements before and after along each axis."""

    operands: ClassVar[tuple[str, ...]] = ("x", "constant_values")
    pad_width: int | tuple[int | tuple[int, ...], ...]
    """(before, after) for each axis, or for all of them."""
    mode: str = "constant"
    """constant, reflect or edge."""
    constant_values: Constant = None
    """Value of new elements; 0 when left out."""

    def _pads(self, rank: int) -> list[tuple[int, int]]:
        width = self.pad_width
        pairs = [(width, width)] if isinstance(width, int) else _pairs(width)
        return pairs * rank if len(pairs) == 1 else pairs

    @override
    def operand_shapes(self, inputs: Shapes) -> list[Shape]:
        return list(inputs)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        pads = self._pads(len(x))
        if self.mode not in ("constant", "reflect", "edge"):
            raise ShapeError(f"padding of mode {self.mode!r} is not supported")
        if len(pads) != len(x):
            raise ShapeError(f"{len(pads)} pairs of padding for {x}")
        return tuple(
            dim if (a, b) == (0, 0) else fixed(x, i, "nothing is padded") + a + b
            for i, (dim, (a, b)) in enumerate(zip(x, pads, strict=True))
        )

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        return ops.pad(x, self._pads(x.rank), float(self.constant_values or 0), self.mode)


def _pairs(width: tuple[int | tuple[int, ...], ...]) -> list[tuple[int, int]]:
    numbers = [n for n in width if isinstance(n, int)]
    if len(numbers) == len(width) == 2:  # noqa: PLR2004
        return [(numbers[0], numbers[1])]
    if len(width) == len(numbers) == 1:
        return [(numbers[0], numbers[0])]
    return [(n, n) if isinstance(n, int) else (n[0], n[-1]) for n in width]


class Flip(Operation):
    """The other way round along axes."""

    axis: Axes | None = None
    """The axes."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        for axis in axes_of(self.axis, len(x)):
            fixed(x, axis, "nothing is flipped")
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        for axis in axes_of(self.axis, x.rank):
            x = ops.reverse(x, axis)
        return x


class Roll(Operation):
    """Elements moved along an axis; what leaves at its end enters at its start."""

    shift: int
    """By how many positions."""
    axis: int | None = None
    """The axis."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        if self.axis is None:
            raise ShapeError("rolling the flattened batch is not supported; give an axis")
        fixed(x, axis_index(self.axis, len(x)), "nothing rolls")
        return x

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        (x,) = inputs
        axis = (self.axis or 0) % x.rank
        length = ints((x.shape[axis],))[0]
        return ops.take(x, (np.arange(length) - self.shift) % length, axis)
