"""Images with the batch innermost: rows of N floats for each channel of each position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from specc.errors import InternalError
from specc.graph import Value
from specc.lengths import expanded
from specc.primitives import Tensor
from specc.targets.layout import Layout, Placed, as_order, ordered, single
from specc.targets.portable import known
from specc.targets.realiser import Realiser
from specc.tensors import Dim, Dims, Sym

Index = npt.NDArray[np.int64]


def batch_last(rank: int) -> tuple[int, ...]:
    """Logical axes of (N, *spatial, C) in the order (C, *spatial, N)."""
    return (rank - 1, *range(1, rank - 1), 0)


@dataclass(frozen=True, slots=True)
class Pixels:
    """An image [R, N], one row for each channel of each position, and which row is which.

    Attributes:
        index: the row of each channel and position. Shape (C, H W), R = C H W.
    """

    value: Value
    index: Index

    @property
    def count(self) -> int:
        """R, the number of rows."""
        return self.index.size

    @property
    def batch(self) -> Dim:
        """N."""
        return self.value.shape[1]

    def reading(self, table: Index) -> Index:
        """The row that each cell of a window table reads; R where it reads padding.

        Shapes: table (cells, windows), result (cells, C, windows).
        """
        outside = np.full((len(self.index), 1), self.count)
        return np.append(self.index, outside, axis=1)[:, table].transpose(1, 0, 2)


def image_rows(r: Realiser, x: Tensor) -> Pixels:
    """An image tensor as rows of N, in the order in which they lie if N is innermost."""
    return _rows(r.place(x), x.shape)


def _rows(here: Placed, shape: Dims) -> Pixels:
    channels, size, batch = shape[-1], pixels(shape), shape[0]
    axes = batch_last(len(shape))
    if len(here.layout.numbers(0)) == 1:
        # One run of all other axes: onnxruntime's Transpose takes 0.25 ms for [N, H, W, C] to
        # [H, W, C, N], 32 images of 96 x 96 x 3, and 2.7 ms to [C, H, W, N].
        (inner,) = here.layout.numbers(0)
        here = ordered(here, (*(f for f in here.layout.order if f != inner), inner))
    order = here.layout.order
    lengths = known(here.layout.physical[:-1])
    if here.layout.numbers(0) != order[-1:] or len(lengths) + 1 != len(order):
        value = as_order(single(here, shape, range(len(shape))), shape, axes)
        value = here.graph.reshape(value, (times(channels, size), batch))
        return Pixels(value, np.arange(length(value.shape[0])).reshape(-1, size))
    numbers = np.arange(int(np.prod(lengths))).reshape(lengths)
    inner = [f for axis in axes[:-1] for f in here.layout.numbers(axis)]
    index = numbers.transpose([order.index(f) for f in inner]).reshape(-1, size)
    return Pixels(here.graph.reshape(here.value, (index.size, batch)), index)


def rows(r: Realiser, x: Tensor) -> Value:
    """An image tensor as [C, H W, N].

    Where only rows of N change places, Gather moves them: unlike Transpose it runs on all threads.
    """
    return rows_of(r.place(x), x.shape)


def rows_of(here: Placed, shape: Dims) -> Value:
    """An image that lies somehow as [C, H W, N]."""
    image = _rows(here, shape)
    value, wanted = image.value, image.index.ravel()
    if not np.array_equal(wanted, np.arange(image.count)):
        value = here.graph.op("Gather", value, here.graph.const(wanted, "int32"), axis=0)
    return here.graph.reshape(value, (*image.index.shape, image.batch))


def pixels(shape: Dims) -> int:
    """Number of positions of an image (N, *spatial, C)."""
    return int(np.prod(known(shape[1:-1])))


def with_zeros(x: Value, axis: int) -> Value:
    """A place of zeros behind the others of an axis: what readers beyond the image read.

    Concat copies longer blocks than Pad: 96 x 576 x 32 floats take it 0.23 ms, and Pad 0.43.
    """
    return x.graph.op("Concat", x, zero_place(x, axis), axis=axis)


def zero_place(x: Value, axis: int) -> Value:
    """One place of zeros along an axis, otherwise of the shape of x."""
    g = x.graph
    shape = tuple(1 if i == axis else dim for i, dim in enumerate(x.shape))
    return expanded(g.const(np.zeros((1,) * x.rank), x.dtype), shape, x)


def from_rows(value: Value, t: Tensor) -> Placed:
    """[C, H W, N] as the image tensor t."""
    layout = Layout.plain(t.shape)
    order = tuple(f for axis in batch_last(t.rank) for f in layout.numbers(axis))
    lying = Layout(layout.axes, order)
    return Placed(value.graph.reshape(value, lying.physical), lying)


def from_tiles(value: Value, t: Tensor, tiles: Sequence[int]) -> Placed:
    """[m^2, C, tiles, N], a tile's cells outermost, as the image tensor t (N, H, W, C).

    `tiles` is their number along H and W. Where they cover the image exactly nothing moves, its
    axes are cut in two; else a Gather drops the cells beyond and puts the rest in order.
    """
    sides = known(t.shape[1:-1])
    (cells, channels), batch = known(value.shape[:2]), t.shape[0]
    m = round(cells**0.5)
    cut = (m, m, channels, *tiles)
    if (tiles[0] * m, tiles[1] * m) != sides:
        here = np.arange(int(np.prod(cut))).reshape(cut).transpose(2, 3, 0, 4, 1)
        whole = here.reshape(channels, tiles[0] * m, tiles[1] * m)
        index = whole[:, : sides[0], : sides[1]].ravel()
        flat = value.graph.reshape(value, (whole.size, batch))
        moved = value.graph.op("Gather", flat, value.graph.const(index, "int32"), axis=0)
        return from_rows(moved, t)
    logical = Layout.plain((batch, tiles[0], m, tiles[1], m, channels))
    order = tuple(f for axis in (2, 4, 5, 1, 3, 0) for f in logical.numbers(axis))
    n, rows_, y, columns, x, c = logical.axes
    lying = Layout((n, rows_ + y, columns + x, c), order)
    return Placed(value.graph.reshape(value, lying.physical), lying)


def times(dim: Dim, factor: int) -> Dim:
    """A length times an integer."""
    return Sym(dim.factor * factor) if isinstance(dim, Sym) else dim * factor


def length(dim: Dim) -> int:
    """A length that is known at compile time.

    Raises:
        InternalError: it is the batch.
    """
    if not isinstance(dim, int):
        raise InternalError(f"{dim} is not known at compile time")
    return dim
