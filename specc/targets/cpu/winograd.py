"""Convolution by tiles, with fewer products than the sum has (see toom_cook.py).

Of each tile of n x n pixels one Gather and one Gemm with a constant make its n^2 values V, the
kernel gives as many matrices U, and n^2 products M = U V give the tile's m x m outputs after one
more Gemm with a constant. All of it is linear, so the adjoint is the same transposed.

Against im2col (conv.py), a 3x3 kernel at m = 2 makes 16/36 of the products, and the tables gather
4 and not 9 times the image, forward as backward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from specc.graph import Adjoint, Graph, Value
from specc.targets.costs import KernelCosts
from specc.targets.cpu.pixels import Index, Pixels, length, times, with_zeros
from specc.targets.cpu.toom_cook import Matrix, Transforms, transforms
from specc.targets.cpu.windows import window_index
from specc.tensors import product
from specc.vjps.movement import inverse_table

# At most so many runs for a sum over readers.
_RUNS = 64

# From so many tiles on, a factor in the order that products want is worth its own transform.
_MANY = 8


@dataclass(frozen=True, slots=True)
class Tiles:
    """How the outputs of a square kernel at stride 1 are cut into m x m tiles.

    Attributes:
        outputs: m.
        taps: r, the kernel's length.
        table: the pixel that each of n^2 cells of each tile reads; the number of pixels where it
            reads padding. Shape (n^2, tiles), n = m + r - 1.
        size: pixels of the image.
    """

    outputs: int
    taps: int
    table: Index
    size: int

    @property
    def transforms(self) -> Transforms:
        """The matrices along both axes."""
        return transforms(self.outputs, self.taps).squared()

    @property
    def count(self) -> int:
        """Number of tiles."""
        return self.table.shape[1]


def tiles(
    sizes: Sequence[int],
    pads: Sequence[tuple[int, int]],
    taps: int,
    outputs: int,
    grid: tuple[int, int],
) -> Tiles:
    """A grid of tiles, each `outputs` further than the one before.

    Tiles may reach beyond the padded image; what they read there is zero.
    """
    side = outputs + taps - 1
    reach = [
        (before, max(0, (n - 1) * outputs + side - before - size))
        for (before, _), n, size in zip(pads, grid, sizes, strict=True)
    ]
    table = window_index(sizes, (side, side), (outputs, outputs), reach, (1, 1))
    columns = (sizes[1] + sum(reach[1]) - side) // outputs + 1
    wanted = [row * columns + column for row in range(grid[0]) for column in range(grid[1])]
    return Tiles(outputs, taps, table[:, wanted], int(np.prod(sizes)))


@dataclass(frozen=True, slots=True)
class Work:
    """What a tile takes, or one result of the direct sum.

    Attributes:
        products: multiply-adds of the products.
        gathered: floats that the table gathers.
        transformed: floats that pass through a transform.
        least: multiply-adds of a transform for each of its floats.
    """

    products: int
    gathered: int
    transformed: int = 0
    least: int = 0

    @staticmethod
    def of(outputs: int, kernel: Sequence[int]) -> Work:
        """Of a tile of outputs x outputs results; `outputs` 1 is the direct sum.

        Shapes: kernel (r, r, C, F).
        """
        taps, _, channels, filters = kernel
        if outputs == 1:
            return Work(taps * taps * channels * filters, taps * taps * channels)
        side = (outputs + taps - 1) ** 2
        transformed = side * (channels + filters)
        return Work(side * channels * filters, side * channels, transformed, side)

    def cost(self, costs: KernelCosts) -> float:
        """In products."""
        transforms = self.transformed * max(costs.transformed, self.least)
        return self.products + self.gathered * costs.gathered + transforms


@dataclass(frozen=True, slots=True)
class Winograd:
    """A convolution of an image by tiles.

    Attributes:
        image: its pixels and where they lie.
        kernel: [r, r, F, C].
        data: V [n^2, C, T N].
        factors: U [n^2, F, C].
    """

    graph: Graph
    tiles: Tiles
    image: Pixels
    kernel: Value
    data: Value
    factors: Value

    @staticmethod
    def of(g: Graph, cut: Tiles, image: Pixels, kernel: Value) -> Winograd:
        """Both operands transformed."""
        matrices, batch, dtype = cut.transforms, image.batch, kernel.dtype
        side, channels, filters = len(matrices.data), len(image.index), length(kernel.shape[2])
        thin = g.reshape(kernel, (cut.taps**2, filters * channels))
        u = g.op("MatMul", g.const(matrices.kernel, dtype), thin)
        reading = image.reading(cut.table)
        source = image.value
        if (reading == image.count).any():
            source = with_zeros(source, 0)
        cells = g.op("Gather", source, g.const(reading.reshape(side, -1), "int32"), axis=0)
        wide = times(batch, channels * cut.count)
        v = g.op("MatMul", g.const(matrices.data, dtype), g.reshape(cells, (side, wide)))
        v = g.reshape(v, (side, channels, times(batch, cut.count)))
        return Winograd(g, cut, image, kernel, v, g.reshape(u, (side, filters, channels)))

    def output(self) -> Value:
        """The results [m^2, F, T, N], a tile's cells outermost, with their adjoint."""
        g, cut, batch = self.graph, self.tiles, self.image.batch
        filters = length(self.kernel.shape[2])
        m = g.op("MatMul", self.factors, self.data)
        m = g.reshape(m, (len(cut.table), times(batch, filters * cut.count)))
        y = g.op("MatMul", g.const(cut.transforms.output, m.dtype), m)
        y = g.reshape(y, (cut.outputs**2, filters, cut.count, batch))
        y.adjoint = Adjoint((self.image.value, self.kernel), self.gradients)
        return y

    def gradients(self, dy: Value, mix: Matrix | None = None) -> tuple[Value, Value]:
        """Of the image's pixels and of the kernel, from the gradient of `output` in any shape.

        Where `mix` [m^2, m^2] is given, it has yet to be applied to the tiles' cells.
        """
        g, cut, batch = self.graph, self.tiles, self.image.batch
        side, channels, filters = (
            len(cut.table),
            len(self.image.index),
            length(self.kernel.shape[2]),
        )
        matrices = cut.transforms
        flat = g.reshape(dy, (cut.outputs**2, times(batch, filters * cut.count)))
        output = matrices.output if mix is None else mix.T @ matrices.output
        dm = g.op("Gemm", g.const(output, dy.dtype), flat, transA=1)
        dm = g.reshape(dm, (side, filters, times(batch, cut.count)))
        # onnxruntime fuses a Transpose of the last two axes into the MatMul behind it.
        du = g.op("MatMul", dm, g.transpose(self.data, (0, 2, 1)))
        du = g.reshape(du, (side, filters * channels))
        dkernel = g.op("Gemm", g.const(matrices.kernel, dy.dtype), du, transA=1)
        dv = g.op("MatMul", self._factors_transposed(), dm)
        dv = g.reshape(dv, (side, times(batch, channels * cut.count)))
        return self._collected(dv), g.reshape(dkernel, self.kernel.shape)

    def _factors_transposed(self) -> Value:
        """U^T [n^2, C, F].

        Where a product is long, its factor is made anew from the kernel with its last axes swapped:
        onnxruntime would fuse a Transpose of U into the product, which then takes a quarter longer.
        """
        g, cut = self.graph, self.tiles
        if cut.count < _MANY:
            return g.transpose(self.factors, (0, 2, 1))
        filters, channels = self.kernel.shape[2:]
        swapped = g.transpose(self.kernel, (0, 1, 3, 2))
        thin = g.reshape(swapped, (cut.taps**2, product((filters, channels))))
        u = g.op("MatMul", g.const(cut.transforms.kernel, thin.dtype), thin)
        return g.reshape(u, (len(cut.table), channels, filters))

    def _collected(self, dv: Value) -> Value:
        """What the tiles that read a pixel hand back to it, as the pixels lie. dv [n^2, C T N]."""
        g, cut, image = self.graph, self.tiles, self.image
        side, channels = len(cut.table), len(image.index)
        reading = image.reading(cut.table).ravel()
        # Padding has by far the most readers, and none of them counts.
        inside = np.flatnonzero(reading < image.count)
        inverse = np.append(inside, reading.size)[inverse_table(reading[inside], image.count)]
        # One more row of the matrix makes the zeros that absent readers stand for: they follow
        # all cells, where the inverse table points.
        back = cut.transforms.data.T
        if (inverse == reading.size).any():
            back = np.vstack([back, np.zeros((1, side))])
        cells = g.op("MatMul", g.const(back, dv.dtype), dv)
        rows = g.reshape(cells, (len(back) * channels * cut.count, image.batch))
        if len(inverse) == 1:
            return g.op("Gather", rows, g.const(inverse[0], "int32"), axis=0)
        # Long runs of pixels behind the readers: onnxruntime's ReduceSum adds whole runs, and its
        # threads share the outer axis.
        outer = max(d for d in range(1, _RUNS + 1) if image.count % d == 0)
        index = inverse.reshape(len(inverse), outer, -1).transpose(1, 0, 2)
        read = g.op("Gather", rows, g.const(np.ascontiguousarray(index), "int32"), axis=0)
        return g.reshape(g.reduce("ReduceSum", read, [1]), image.value.shape)
