"""Convolution, activation and max-pool as one: less is computed, and on smaller maps.

max(relu(x + b)) = relu(max(x) + b), so bias, ReLU, its mask and the bias gradient work on the
pooled map, a quarter of the size for a 2x2 pool; ties still go to the first. And where the pool's
windows do not overlap, the convolution computes just the positions that the pool reads, cell by
cell of the windows: then the pool is a few element-wise maxima and moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from specc.graph import Adjoint, Value
from specc.primitives import Tensor
from specc.targets.costs import KernelCosts
from specc.targets.cpu.conv import convolve, gathers, pays, tiled, tiles_of, usable
from specc.targets.cpu.direct import Direct
from specc.targets.cpu.maxima import Knockout
from specc.targets.cpu.pixels import Index, from_rows, pixels, rows_of
from specc.targets.cpu.pool import pool_rows
from specc.targets.cpu.windows import table_of
from specc.targets.cpu.winograd import Work
from specc.targets.layout import Placed
from specc.targets.portable import known
from specc.targets.realiser import Planned, Realiser
from specc.tensors import product

# A convolution's inputs: image, kernel, and perhaps a bias.
_WITH_BIAS = 3

# Windows of more cells would take more nodes than their smaller passes save.
_MOST_CELLS = 9


@dataclass(frozen=True, slots=True)
class PooledConv:
    """A max-pool that takes over the convolution, and the ReLU if any, in front of it."""

    conv: Tensor
    relu: bool

    def realise(self, r: Realiser, t: Tensor) -> Placed:
        """The three as one."""
        kernel = t.attrs["kernel"]
        table = table_of(t, kernel)
        apart = len(np.unique(table)) == table.size and not (table == pixels(self.conv.shape)).any()
        with r.graph.scope(self.conv.scope):
            if not apart or len(table) > _MOST_CELLS:
                y = pool_rows(r, t, rows_of(convolve(r, self.conv, biased=False), self.conv.shape))
            elif self._tiles_pay(t, r.costs):
                y = self._by_tiles(r, t)
            else:
                y = self._direct(r, t, table)
        if len(self.conv.inputs) == _WITH_BIAS:
            bias = r.vector(self.conv.inputs[2])
            y = y + r.graph.reshape(bias, (*bias.shape, *[1] * (y.rank - 1)))
        return from_rows(r.graph.op("Relu", y) if self.relu else y, t)

    def _tiles_pay(self, t: Tensor, costs: KernelCosts) -> bool:
        """Whether each window of the pool is one tile, and tiles need fewer products."""
        m, kernel = int(t.attrs["kernel"][0]), known(self.conv.inputs[1].shape)
        pads: Sequence[tuple[int, int]] = t.attrs["pads"]
        window: Sequence[int] = t.attrs["kernel"]
        strides: Sequence[int] = t.attrs["strides"]
        square = tuple(window) == tuple(strides) == (m, m)
        unpadded = not any(before or after for before, after in pads)
        fits = square and unpadded and m in usable(self.conv)
        return fits and pays(Work.of(m, kernel).cost(costs) / m**2, kernel, costs)

    def _by_tiles(self, r: Realiser, t: Tensor) -> Value:
        """The pooled map [F, P N]; a window's cells are a tile's."""
        g, m = r.graph, int(t.attrs["kernel"][0])
        rows, columns = known(t.shape[1:-1])
        conv = tiled(r, self.conv, tiles_of(self.conv, m, (rows, columns)))
        y = conv.output()
        filters, tiles, batch = y.shape[1:]
        flat = g.reshape(y, (m * m, product((filters, tiles, batch))))
        parts = g.ops("Split", flat, g.ints(*[1] * (m * m)), outputs=m * m, axis=0)
        final = Knockout.of(g, parts)
        pooled = g.reshape(final.top, (filters, product((tiles, batch))))

        def adjoint(dy: Value) -> list[Value | None]:
            kept = final.survived(g.reshape(dy, final.top.shape))
            return list(conv.gradients(g.op("Concat", *kept, axis=0), final.apart()))

        pooled.adjoint = Adjoint((conv.image.value, conv.kernel), adjoint)
        return pooled

    def _direct(self, r: Realiser, t: Tensor, table: Index) -> Value:
        """The pooled map [F, P N]; each cell of all windows is a product of its own."""
        taps = known(self.conv.inputs[1].shape[:-2])
        everywhere = table_of(self.conv, taps)
        conv = Direct.of(r, self.conv, [everywhere[:, cell] for cell in table])
        final = Knockout.of(r.graph, conv.outputs())
        y = r.graph.op("Identity", final.top) if len(table) == 1 else final.top
        y.adjoint = Adjoint((conv.x, conv.w), lambda dy: conv.knocked_out(final, dy))
        return y


def plan(tensors: Sequence[Tensor], users: Mapping[int, int]) -> dict[int, Planned | None]:
    """Which max-pools take over the convolution and the ReLU that feed them alone."""
    planned: dict[int, Planned | None] = {}
    for pool in tensors:
        if pool.op != "max_pool":
            continue
        chain = _upstream(pool, users)
        relu = bool(chain) and chain[0].op == "Relu"
        ahead = chain[1:] if relu else chain
        if not ahead or ahead[0].op != "conv" or not gathers(ahead[0]):
            continue
        planned[id(pool)] = PooledConv(ahead[0], relu)
        planned[id(ahead[0])] = None
        if relu:
            planned[id(chain[0])] = None
    return planned


def _upstream(tensor: Tensor, users: Mapping[int, int]) -> list[Tensor]:
    """Up to two tensors that feed `tensor` alone, nearest first."""
    chain: list[Tensor] = []
    while len(chain) < 2 and tensor.inputs and users[id(tensor.inputs[0])] == 1:  # noqa: PLR2004
        tensor = tensor.inputs[0]
        chain.append(tensor)
    return chain
