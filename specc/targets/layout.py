"""Where the elements of a logical tensor lie: axes cut into factors, and the factors' order.

A tensor of logical shape (N, H, W, C) may lie as [C, H, W, N], and after Flatten the axis H*W*C
still lies as [C, H, W, N]: its factors keep their places. So reshapes and transposes are
bookkeeping, and elements move only where an op needs another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from specc.graph import Graph, Value
from specc.tensors import Dim, Dims, Sym

# The batch as a number, for divisibility: a prime beyond any axis length.
_BATCH = 2_147_483_647


def number(dim: Dim) -> int:
    """A length as an integer, the batch as a large prime."""
    return dim.factor * _BATCH if isinstance(dim, Sym) else dim


def dim_of(value: int) -> Dim:
    """The inverse of `number`."""
    return Sym(value // _BATCH) if value % _BATCH == 0 else value


@dataclass(frozen=True, slots=True)
class Layout:
    """Factors of all logical axes, and the order in which they lie.

    Attributes:
        axes: the factors of each logical axis, outermost first; none is 1, so an axis of length 1
            has no factor.
        order: the memory order: position p holds flat factor order[p].
    """

    axes: tuple[Dims, ...]
    order: tuple[int, ...]

    @staticmethod
    def plain(shape: Dims) -> Layout:
        """Row-major, one factor an axis."""
        axes = tuple(() if dim == 1 else (dim,) for dim in shape)
        return Layout(axes, tuple(range(sum(map(len, axes)))))

    @property
    def factors(self) -> Dims:
        """All factors, in logical order."""
        return tuple(f for axis in self.axes for f in axis)

    @property
    def physical(self) -> Dims:
        """The factors in memory order: the shape of the value."""
        flat = self.factors
        return tuple(flat[i] for i in self.order)

    @property
    def is_plain(self) -> bool:
        """Whether the elements lie in logical row-major order."""
        return self.order == tuple(range(len(self.order)))

    def numbers(self, axis: int) -> tuple[int, ...]:
        """The flat factors of one logical axis."""
        start = sum(len(a) for a in self.axes[:axis])
        return tuple(range(start, start + len(self.axes[axis])))

    def positions(self, axis: int) -> tuple[int, ...]:
        """The memory positions of one logical axis, outermost factor first."""
        return tuple(self.order.index(f) for f in self.numbers(axis))

    def permuted(self, perm: Sequence[int]) -> Layout:
        """With logical axes in another order, nothing moved."""
        flat = [f for axis in perm for f in self.numbers(axis)]
        return Layout(tuple(self.axes[p] for p in perm), tuple(flat.index(f) for f in self.order))


@dataclass(frozen=True, slots=True)
class Placed:
    """A value and how the logical tensor lies in it; the value has the layout's physical shape."""

    value: Value
    layout: Layout

    @property
    def graph(self) -> Graph:
        """The graph of the value."""
        return self.value.graph


def placed(value: Value, shape: Dims) -> Placed:
    """A value whose elements lie in logical row-major order."""
    layout = Layout.plain(shape)
    return Placed(value.graph.reshape(value, layout.physical), layout)


def plain(x: Placed, shape: Dims) -> Value:
    """The elements in logical order, in exactly the logical `shape` (ones included)."""
    inverse = [x.layout.order.index(i) for i in range(len(x.layout.order))]
    return x.graph.reshape(x.graph.transpose(x.value, inverse), shape)


def ordered(x: Placed, order: tuple[int, ...]) -> Placed:
    """The same factors in another memory order."""
    if order == x.layout.order:
        return x
    perm = [x.layout.order.index(f) for f in order]
    return Placed(x.graph.transpose(x.value, perm), Layout(x.layout.axes, order))


def cuts(dims: Sequence[Dim]) -> list[int]:
    """Products of trailing lengths: where a row-major index of these axes is cut."""
    out: list[int] = []
    total = 1
    for dim in reversed(dims):
        total *= number(dim)
        out.append(total)
    return out


def regroup(x: Placed, shape: Dims) -> Placed | None:
    """The same elements under another logical shape, nothing moved; None when cuts do not nest."""
    points = sorted({1, *cuts(x.layout.factors), *cuts(shape)})
    if any(b % a for a, b in pairwise(points)):
        return None
    fine = [dim_of(b // a) for a, b in pairwise(points)][::-1]
    if any(isinstance(d, int) and d % _BATCH == 0 for d in fine):
        return None
    # Old factors, each as the run of fine factors it is made of.
    old = _runs(fine, x.layout.factors)
    new = _runs(fine, shape)
    order = tuple(f for position in x.layout.order for f in old[position])
    axes = tuple(tuple(fine[f] for f in run) for run in new)
    layout = Layout(axes, order)
    return Placed(x.graph.reshape(x.value, layout.physical), layout)


def _runs(fine: Sequence[Dim], coarse: Sequence[Dim]) -> list[list[int]]:
    """Which consecutive fine lengths make each coarse one."""
    runs: list[list[int]] = []
    position = 0
    for dim in coarse:
        run: list[int] = []
        total = 1
        while total != number(dim):
            run.append(position)
            total *= number(fine[position])
            position += 1
        runs.append(run)
    return runs


def refine(x: Placed, axes: Sequence[Dims]) -> Placed | None:
    """With each axis cut into (at least) the given factors too; None when they do not nest."""
    shape = tuple(dim for axis in axes for dim in axis)
    fine = regroup(x, shape)
    if fine is None:
        return None
    # Group the fine factors back under the logical axes.
    groups: list[Dims] = []
    start = 0
    for axis in axes:
        groups.append(
            tuple(f for part in fine.layout.axes[start : start + len(axis)] for f in part)
        )
        start += len(axis)
    return Placed(fine.value, Layout(tuple(groups), fine.layout.order))


def single(x: Placed, shape: Dims, axes: Sequence[int]) -> Placed:
    """With exactly one factor for each of `axes` (or none, for length 1); moves if it must."""
    if all(len(x.layout.axes[a]) <= 1 for a in axes):
        return x
    return placed(plain(x, shape), shape)


def as_order(x: Placed, shape: Dims, axes: Sequence[int]) -> Value:
    """A value with one axis per logical axis (ones included), logical axes in the order `axes`."""
    wanted = tuple(f for axis in axes for f in x.layout.numbers(axis))
    moved = ordered(x, wanted)
    return x.graph.reshape(moved.value, tuple(shape[a] for a in axes))


def from_order(value: Value, axes: Sequence[int]) -> Placed:
    """The inverse of `as_order`: `value` has one axis per logical axis, in the order `axes`."""
    shape: list[Dim] = [1] * len(axes)
    for position, axis in enumerate(axes):
        shape[axis] = value.shape[position]
    logical = Layout.plain(tuple(shape))
    order = tuple(f for axis in axes for f in logical.numbers(axis))
    layout = Layout(logical.axes, order)
    return Placed(value.graph.reshape(value, layout.physical), layout)
